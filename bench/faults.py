#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Fault suite: seeded scenarios of dying nodes, lost replies and killed controllers; 0 broken promises wanted."""
import argparse
import json
import os
import subprocess
import sys
import time


def add(total, part):
    for key, value in part.items():
        if isinstance(value, dict):
            add(total.setdefault(key, {}), value)
        else:
            total[key] = total.get(key, 0) + value


def main():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--binary", help="of scripts/bench; not used")
    parser.add_argument("--seeds", type=int, default=100_000)
    parser.add_argument("--first", type=int, default=1)
    parser.add_argument("--workers", type=int, default=os.cpu_count() or 1)
    parser.add_argument("--json", action="store_true")
    options = parser.parse_args()
    subprocess.run(["scripts/build", "bench", "gpuscale_faults"], check=True, stdout=sys.stderr)
    program = "build/bench/bench/gpuscale_faults"
    share = -(-options.seeds // options.workers)
    last = options.first + options.seeds - 1
    begun = time.monotonic()
    running = [
        subprocess.Popen([program, str(at), str(min(at + share - 1, last))], stdout=subprocess.PIPE, text=True)
        for at in range(options.first, last + 1, share)
    ]
    total = {}
    for process in running:
        output, _ = process.communicate()
        *broken, summary = output.splitlines()
        for line in broken:
            print(line, file=sys.stderr)
        add(total, json.loads(summary))
    total["seconds"] = round(time.monotonic() - begun, 1)
    if options.json:
        print(json.dumps(total))
    else:
        faults = total.pop("faults")
        print("\n".join(f"{key:34} {value}" for key, value in {**total, **faults}.items()))
    return 0 if total["broken"] == 0 else 1


if __name__ == "__main__":
    sys.exit(main())
