# SPDX-License-Identifier: Apache-2.0
"""The web console over a large cluster: time until the overview is there, and what a frame costs while it is live."""
import os
import subprocess
import sys


def run_in_console(script):
    """Runs console/e2e/`script` with node against the binary of the command line, and exits as it does."""
    arguments = sys.argv[1:]
    binary = os.path.realpath(arguments[arguments.index("--binary") + 1] if "--binary" in arguments else "build/release/gpuscale")
    console = os.path.join(os.path.dirname(os.path.realpath(__file__)), "..", "console")
    if not os.path.isdir(os.path.join(console, "node_modules")):
        subprocess.run(["npm", "ci", "--silent"], cwd=console, check=True)
    rest = ["--json"] if "--json" in arguments else []
    sys.exit(subprocess.run(["node", "e2e/" + script, *rest], cwd=console, env=dict(os.environ, GPUSCALE_BINARY=binary), check=False).returncode)


if __name__ == "__main__":
    run_in_console("bench.mjs")
