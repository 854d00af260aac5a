# SPDX-License-Identifier: Apache-2.0
"""What one open web console costs the server while 1,000 GPUs report: percent of a core."""
from console import run_in_console

if __name__ == "__main__":
    run_in_console("cost.mjs")
