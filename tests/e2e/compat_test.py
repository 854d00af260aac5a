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

OBSERVED = {
    "obs_line_protocol/1": "1.6.7 stores a measurement with a backslash before its comma where no query finds it",
    "obs_line_protocol/2": "the same",
}


ADMIN_PASSWORD = "correct horse battery"


@unittest.skipUnless(os.path.isfile(os.path.join(COMPAT, "influx_cases.jsonl")), "no peers' data: set GPUSCALE_COMPAT_DIR")
class Compat(ServerTest):
    def runner(self, program, *arguments, config=None, auth=False):
        env = {"GPUSCALE_ADMIN_PASSWORD": ADMIN_PASSWORD} if auth else {}
        target = self.server(config, auth=auth, env=env)
        command = [sys.executable, os.path.join(COMPAT, program), "--base", target.url, *arguments]
        return subprocess.run(command, cwd=COMPAT, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, timeout=900,
                              check=False).stdout

    def failed_cases(self, *arguments, at_least=50, **keywords):
        with tempfile.NamedTemporaryFile(suffix=".json") as out:
            said = self.runner("run_influx_cases.py", "--force", "--json-out", out.name, *arguments, **keywords)
            with open(out.name, encoding="utf-8") as f:
                content = f.read()
        self.assertTrue(content, said)
        rows = json.loads(content)["cases"]
        self.assertGreaterEqual(len(rows), at_least, said)
        return [f"{row['suite']}/{row['seq']} {row['command']}: {row.get('act')}" for row in rows
                if row["verdict"] in ("fail", "error")]

    def test_server_cases_of_1_6_7(self):
        self.assertEqual(self.failed_cases("--versions", "1.6.7", at_least=1003), [])

    def test_server_cases_that_need_a_setting(self):
        for suite, config, auth, cases in (
                ("TestServer_RetentionPolicyCommands", "store: {retention_autocreate: false}", False, 22),
                ("TestServer_ShowDatabases_WithAuth", None, True, 7),
                ("TestServer_Query_MaxSelectSeriesN", "store: {max_select_series: 3}", False, 1),
                ("TestServer_Query_ImplicitFill", "store: {max_select_buckets: 5}", False, 2)):
            with self.subTest(suite):
                who = ["--user", "admin", "--password", ADMIN_PASSWORD] if auth else []
                self.assertEqual(self.failed_cases("--versions", "1.6.7", "--with-config", "--filter", "^" + suite + "/", *who,
                                                   at_least=cases, config=config, auth=auth), [])

    def test_observed_answers(self):
        left = [row for row in self.failed_cases("--cases", "influx_observed.jsonl") if row.split(" ", 1)[0] not in OBSERVED]
        self.assertEqual(left, [])

    def test_statements(self):
        said = self.runner("run_influxql_statements.py", "--force", "--list-fails")
        self.assertRegex(said, r"statements: pass 781, fail 0", said)

    def test_http_exchanges(self):
        said = self.runner("run_http_cases.py", "--list-fails", config="store: {health: false}")
        found = re.search(r"http cases: pass (\d+), fail (\d+)", said)
        self.assertTrue(found, said)
        self.assertGreater(int(found[1]), 40, said)
        self.assertEqual(int(found[2]), 0, said)


if __name__ == "__main__":
    unittest.main()
