# SPDX-License-Identifier: Apache-2.0
"""InfluxDB's own cases over HTTP, by the runners of the peers' data; skipped where that folder is missing. What is known
to differ is named here, so that anything else fails."""
import json
import os
import re
import subprocess
import sys
import tempfile
import unittest

from harness import ServerTest

COMPAT = os.environ.get("GPUSCALE_COMPAT_DIR",
                        os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "..", "..", "shared", "compat"))

# Users are those of this server (tokens with scopes), not InfluxDB's.
USERS = re.compile(r"(CREATE|DROP) USER|SHOW USERS|GRANT|REVOKE|SHOW GRANTS|SET PASSWORD", re.I)
CONTINUOUS = re.compile(r"CONTINUOUS QUER", re.I)
OBSERVED = {
    "obs_line_protocol/1": "a backslash before a comma in a measurement's name",
    "obs_line_protocol/2": "the same",
}
STATEMENTS = {
    "CREATE USER testuser WITH PASSWORD 'pwd1337'",
    "SET PASSWORD FOR testuser = 'pwd1337'",
}
# /health answers as InfluxDB 1.8 does; 1.6 has none.
HTTP_FAILURES = 2


@unittest.skipUnless(os.path.isfile(os.path.join(COMPAT, "influx_cases.jsonl")), "no peers' data: set GPUSCALE_COMPAT_DIR")
class Compat(ServerTest):
    def runner(self, program, *arguments):
        self.target = self.server()
        command = [sys.executable, os.path.join(COMPAT, program), "--base", self.target.url, *arguments]
        return subprocess.run(command, cwd=COMPAT, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, timeout=900).stdout

    def failed_cases(self, *arguments):
        with tempfile.NamedTemporaryFile(suffix=".json") as out:
            said = self.runner("run_influx_cases.py", "--force", "--json-out", out.name, *arguments)
            with open(out.name, encoding="utf-8") as f:
                content = f.read()
        self.assertTrue(content, said)
        rows = json.loads(content)
        rows = rows["cases"] if isinstance(rows, dict) else rows
        self.assertGreater(len(rows), 50, said)
        return [row for row in rows if row["verdict"] in ("fail", "error")]

    def test_server_cases_of_1_6_7(self):
        left = [f"{row['suite']}/{row['seq']} {row['command']}" for row in self.failed_cases("--versions", "1.6.7")
                if not USERS.search(row["command"])]
        self.assertEqual(left, [])

    def test_observed_answers(self):
        left = [f"{row['suite']}/{row['seq']} {row['command']}"
                for row in self.failed_cases("--cases", "influx_observed.jsonl")
                if not USERS.search(row["command"]) and not CONTINUOUS.search(row["command"])
                and f"{row['suite']}/{row['seq']}" not in OBSERVED]
        self.assertEqual(left, [])

    def test_statements(self):
        said = self.runner("run_influxql_statements.py", "--force", "--list-fails")
        failed = {line[len("FAIL "):] for line in said.splitlines() if line.startswith("FAIL ")}
        self.assertRegex(said, r"statements: pass \d{3}")
        self.assertEqual(failed - STATEMENTS, set(), said)

    def test_http_exchanges(self):
        said = self.runner("run_http_cases.py", "--list-fails")
        found = re.search(r"http cases: pass (\d+), fail (\d+)", said)
        self.assertTrue(found, said)
        self.assertGreater(int(found[1]), 40, said)
        self.assertLessEqual(int(found[2]), HTTP_FAILURES, said)


if __name__ == "__main__":
    unittest.main()
