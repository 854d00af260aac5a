# SPDX-License-Identifier: Apache-2.0
"""Half a minute of points and queries, the same each time, beside a real InfluxDB; skipped where there is none (GPUSCALE_INFLUXD or `influxd`)."""
import os
import shutil
import subprocess
import sys
import unittest

from harness import BINARY

INFLUXD = os.environ.get("GPUSCALE_INFLUXD") or shutil.which("influxd")
PROGRAM = os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "..", "fuzz", "influxql_differential.py")


@unittest.skipUnless(INFLUXD, "no influxd: install Debian's influxdb, or set GPUSCALE_INFLUXD")
class Differential(unittest.TestCase):
    def test_answers_are_those_of_influxdb_byte_by_byte(self):
        done = subprocess.run([sys.executable, PROGRAM, "--binary", BINARY, "--influxd", INFLUXD, "--seconds", "30", "--seed", "1"],
                              capture_output=True, text=True, timeout=180)
        self.assertEqual(done.returncode, 0, done.stdout[-4000:] + done.stderr[-2000:])
