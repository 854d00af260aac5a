# SPDX-License-Identifier: Apache-2.0
"""What one open web console costs the server while 1,000 GPUs report: percent of a core."""
import os
import subprocess
import sys

if __name__ == "__main__":
    arguments = sys.argv[1:]
    binary = os.path.realpath(arguments[arguments.index("--binary") + 1] if "--binary" in arguments else "build/release/gpuscale")
    console = os.path.join(os.path.dirname(os.path.realpath(__file__)), "..", "console")
    if not os.path.isdir(os.path.join(console, "node_modules")):
        subprocess.run(["npm", "ci", "--silent"], cwd=console, check=True)
    rest = ["--json"] if "--json" in arguments else []
    sys.exit(subprocess.run(["node", "e2e/cost.mjs", *rest], cwd=console, env=dict(os.environ, GPUSCALE_BINARY=binary), check=False).returncode)
