# SPDX-License-Identifier: Apache-2.0
"""Bad input: a clear error, the right exit code, and nothing lost."""
import hashlib
import hmac
import json
import os
import pathlib
import socket
import subprocess
import tempfile
import time
import unittest
import urllib.request

from harness import BINARY, SECRET_OUT, ServerTest, config_text, free_port, run, wait_for


def serve_with(config, *arguments):
    with tempfile.TemporaryDirectory() as root:
        path = os.path.join(root, "c.yaml")
        with open(path, "w", encoding="utf-8") as f:
            f.write(config)
        return run("serve", "--no-auth", "--data", os.path.join(root, "data"), "--listen", f"127.0.0.1:{free_port()}",
                   "--config", path, *arguments, timeout=20)


class Config(unittest.TestCase):
    def check(self, config, *texts):
        result = serve_with(config)
        self.assertEqual(result.returncode, 2, result.stderr)
        for text in texts:
            self.assertIn(text, result.stderr)

    def test_unknown_key_names_the_nearest(self):
        self.check("clutser: x\n", ":1:1:", 'unknown key "clutser"', 'did you mean "cluster"?')

    def test_wrong_type(self):
        self.check(config_text(min="two"), '"two" must be a whole number')

    def test_min_over_max(self):
        self.check(config_text(min=5, max=2), "min 5 is greater than max 2")

    def test_unknown_provider(self):
        self.check("pools:\n  - {name: a, provider: {type: moon}}\n", '"moon"', "local")

    def test_condition_that_does_not_parse(self):
        rule = "channels: []\nrules:\n  - {name: r, queries: {C: SELECT x FROM y}, condition: 'avg(C, 1m) >> 45'}"
        self.check(config_text(more=rule), "condition")

    def test_check_command_says_the_same(self):
        with tempfile.NamedTemporaryFile("w", suffix=".yaml") as f:
            f.write("pools: 3\n")
            f.flush()
            result = run("check", f.name)
        self.assertEqual(result.returncode, 1)
        self.assertIn("pools", result.stderr)


class Start(unittest.TestCase):
    def test_port_in_use(self):
        with socket.socket() as taken, tempfile.TemporaryDirectory() as root:
            taken.bind(("127.0.0.1", 0))
            taken.listen()
            port = taken.getsockname()[1]
            result = run("serve", "--data", root, "--listen", f"127.0.0.1:{port}")
        self.assertEqual(result.returncode, 1)
        # It holds from now on: who starts again, elsewhere, is not told a second time.
        self.assertIn("The admin's password, shown this once: ", result.stdout)
        self.assertIn(f"127.0.0.1:{port}", result.stderr)
        self.assertIn("in use", result.stderr)

    def test_data_folder_that_cannot_be_used(self):
        result = run("serve", "--no-auth", "--data", "/proc/nope", "--listen", f"127.0.0.1:{free_port()}")
        self.assertEqual(result.returncode, 1)
        self.assertIn("/proc/nope", result.stderr)

    def test_other_address_without_tls_needs_insecure(self):
        with tempfile.TemporaryDirectory() as root:
            result = run("serve", "--data", root, "--listen", f"0.0.0.0:{free_port()}")
        self.assertEqual(result.returncode, 2)
        self.assertIn("--insecure", result.stderr)

    def test_no_auth_on_another_address_is_refused(self):
        with tempfile.TemporaryDirectory() as root:
            result = run("serve", "--no-auth", "--insecure", "--data", root, "--listen", f"0.0.0.0:{free_port()}")
        self.assertEqual(result.returncode, 2)
        self.assertIn("--no-auth", result.stderr)

    def test_unknown_option_is_usage(self):
        self.assertEqual(run("serve", "--frobnicate").returncode, 2)
        self.assertEqual(run("frobnicate").returncode, 2)

    def test_agent_with_unknown_source(self):
        result = run("agent", "--source", "abacus")
        self.assertEqual(result.returncode, 2)
        self.assertIn("abacus", result.stderr)


class Writes(ServerTest):
    def test_good_lines_are_kept_and_the_bad_one_is_named(self):
        server = self.server("store: {keep_samples: 0s}\n")
        status, body, _ = server.write("m v=1 1\nm v=bad 2\nm v=3 3\n")
        self.assertEqual(status, 400)
        self.assertIn("unable to parse 'm v=bad 2'", body)
        _, answer = server.query("SELECT v FROM m")
        self.assertEqual(answer["results"][0]["series"][0]["values"], [[1, 1], [3, 3]])

    def test_malformed_query_names_its_position(self):
        status, answer = self.server().query("SELEKT 1")
        self.assertEqual(status, 400)
        self.assertIn("line 1, char 1", answer["error"])

    def test_oversized_body_is_refused_and_the_server_lives(self):
        server = self.server()
        with socket.create_connection(("127.0.0.1", server.port)) as connection:
            connection.sendall(b"POST /write?db=gpuscale HTTP/1.1\r\nHost: x\r\nContent-Length: 99000000\r\n\r\n")
            self.assertIn(b" 413 ", connection.recv(4096))
        self.assertEqual(server.write("m v=1")[0], 204)

    def test_agent_with_a_wrong_token_says_so_and_goes_on(self):
        server = self.server(auth=True, env={"GPUSCALE_ADMIN_PASSWORD": "correct horse battery"})
        agent = subprocess.Popen([BINARY, "agent", "--server", server.url, "--token", "wrong", "--source", "virtual",
                                  "--node", "n1", "--interval", "200ms"], stderr=subprocess.PIPE, text=True)
        self.addCleanup(agent.stderr.close)
        self.addCleanup(agent.wait)
        self.addCleanup(agent.kill)
        said = ""
        deadline = time.monotonic() + 20
        while "401" not in said and "token" not in said and time.monotonic() < deadline:
            said += agent.stderr.readline()
        self.assertRegex(said, "401|token")
        self.assertIsNone(agent.poll())


RULE = """channels: []
rules:
  - {name: busy, pool: gpu, queries: {C: SELECT mean(utilization_gpu) FROM gpu WHERE $timeFilter}, condition: 'avg(C, 1m) > 45'}
"""


class Names(ServerTest):
    """What is misspelt is not taken for what is empty."""

    def check(self, code, arguments, *texts):
        result = run(*arguments, env={"GPUSCALE_SERVER": self.server(config_text()).url})
        self.assertEqual(result.returncode, code, result.stderr)
        for text in texts:
            self.assertIn(text, result.stderr)

    def test_a_pool_of_the_ledger(self):
        self.check(1, ["activity", "--pool", "gpo"], 'no pool "gpo"', 'did you mean "gpu"?')
        self.check(0, ["activity", "--pool", "gpu", "--kind", "nosuch"])

    def test_a_pool_of_a_simulation(self):
        self.check(1, ["simulate", "--from-store", "1h", "--pool", "gpo"], 'pool "gpo"', "no utilisation of GPUs")

    def test_a_database_to_look_at(self):
        self.check(1, ["top", "--once", "--database", "gpuscal"], "database not found: gpuscal")

    def test_times_in_the_wrong_order(self):
        with tempfile.NamedTemporaryFile("w", suffix=".yaml") as f:
            f.write(config_text(more=RULE))
            f.flush()
            self.check(2, ["rule", "backtest", f.name, "busy", "--from", "1h", "--to", "2h"], "--from 1h is later than --to 2h")
            self.check(0, ["rule", "backtest", f.name, "busy", "--from", "2m", "--to", "1m"])


class Replays(unittest.TestCase):
    def test_only_the_devices_of_this_node_are_shown(self):
        with tempfile.TemporaryDirectory() as root:
            record, endpoint = os.path.join(root, "record"), pathlib.Path(root, "endpoint")
            with open(record, "w", encoding="utf-8") as f:
                for second in range(600):
                    for gpu in range(3):
                        f.write(f"gpu,gpu={gpu},model=M,node=n,uuid=GPU-{gpu} utilization_gpu={10 * gpu} {second}000000000\n")
            agent = subprocess.Popen([BINARY, "agent", "--source", f"replay:{record}", "--gpus", "0,GPU-2", "--node", "n1", "--interval",
                                      "100ms", "--endpoint-file", str(endpoint), "--log-level", "off", "--server", "http://127.0.0.1:1"])
            self.addCleanup(agent.wait)
            self.addCleanup(agent.kill)
            url = wait_for("the agent's address", lambda: endpoint.exists() and endpoint.read_text().strip())

            def devices_now():
                with urllib.request.urlopen(url + "/devices") as answer:
                    return json.load(answer)["devices"]
            devices = wait_for("its devices", devices_now)
            self.assertEqual([device["uuid"] for device in devices], ["GPU-0", "GPU-2"])


class Triggers(ServerTest):
    def test_each_wrong_call_is_refused_by_its_status(self):
        server = self.server(config_text())
        server.wait_ready(2)
        secret = "out-secret-0123456789abcdef"
        self.assertEqual(server.trigger("gpu-out", "wrong")[0], 401)
        self.assertEqual(server.trigger("nosuch", secret)[0], 404)
        for step in ("0", "-1", "1000000000", "many", "1.5", ""):
            status, body, _ = server.trigger("gpu-out", secret, step=step)
            self.assertEqual(status, 400, (step, body))
            self.assertIn("1 to 1000", body["error"])
        status, body, _ = server.trigger("gpu-out", secret, type="sideways")
        self.assertEqual(status, 400, body)
        self.assertEqual(server.trigger("gpu-out", secret, type="scale_in")[0], 409)
        self.assertEqual(server.json("/api/v1/pools")["pools"][0]["desired"], 2)
        self.assertNotIn(secret, server.log_text())

    def test_clips_honours_cooldown_and_acts_once_per_key(self):
        server = self.server(config_text(max=3, cooldown_out="60s"))
        server.wait_ready(2)
        key = {"Idempotency-Key": "once"}
        status, first, _ = server.trigger("gpu-out", "out-secret-0123456789abcdef", headers=key, step=10)
        self.assertEqual((status, first["from"], first["to"], first["clipped_by"]), (200, 2, 3, "max"), first)
        status, again, _ = server.trigger("gpu-out", "out-secret-0123456789abcdef", headers=key, step=10)
        self.assertEqual((status, again["to"], again["replayed"]), (200, 3, True))
        status, unchanged, _ = server.trigger("gpu-out", "out-secret-0123456789abcdef")
        self.assertIn(status, (200, 429))
        server.wait_ready(3)

    def test_takes_a_signed_call_and_no_forged_one(self):
        server = self.server(config_text(max=3))
        server.kill9()
        server.start()  # the key of signatures has to outlive the server
        body = '{"triggerUrl": "gpu-out", "step": 1}'
        now = str(int(time.time()))

        def call(secret, sent):
            key = hashlib.sha256(secret.encode()).hexdigest().encode()
            v1 = hmac.new(key, f"{now}.{body}".encode(), hashlib.sha256).hexdigest()
            headers = {"Content-Type": "application/json", "X-Gpuscale-Signature": f"t={now},v1={v1}"}
            status, text, _ = server.request("POST", "/hook/trigger", sent, headers)
            return status, json.loads(text)

        self.assertEqual(call("guess", body)[0], 401)
        self.assertEqual(call(SECRET_OUT, body.replace("1", "9"))[0], 401)
        status, answer = call(SECRET_OUT, body)
        self.assertEqual((status, answer["to"]), (200, 3), answer)
        self.assertTrue(call(SECRET_OUT, body)[1]["replayed"])


if __name__ == "__main__":
    unittest.main()
