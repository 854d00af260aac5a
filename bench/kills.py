#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Kills a real server with SIGKILL during a storm of alerts and trigger calls; 0 broken promises wanted."""
import argparse
import json
import os
import sys

parser = argparse.ArgumentParser(description=__doc__)
parser.add_argument("--binary", default="build/release/gpuscale")
parser.add_argument("--kills", type=int, default=200)
parser.add_argument("--seed", type=int, default=1)
parser.add_argument("--json", action="store_true")
options = parser.parse_args()
os.environ["GPUSCALE_BINARY"] = os.path.abspath(options.binary)
sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "tests", "e2e"))

from kill_storm import Storm  # noqa: E402  (reads GPUSCALE_BINARY)

storm = Storm(options.seed)
try:
    report = storm.run(options.kills)
finally:
    storm.close()
print(json.dumps(report) if options.json else "\n".join(f"{key:10} {value}" for key, value in report.items()))
sys.exit(0 if not report["broken"] else 1)
