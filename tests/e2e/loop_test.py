# SPDX-License-Identifier: Apache-2.0
"""The loop with real processes: nodes, rules, kills and restarts."""
import json
import os
import signal
import subprocess
import tempfile
import unittest

from harness import SECRET_IN, SECRET_OUT, ServerTest, config_text, run, wait_for

RULES = """
channels:
  - {{name: out, type: trigger, trigger: gpu-out}}
rules:
  - name: high
    every: 1s
    queries: {{C: SELECT mean("v") FROM "load" WHERE $timeFilter GROUP BY time(1s) fill(none)}}
    condition: avg(C, 10s) > {threshold}
    repeat: 1s
    notify: [out]
"""


class Durability(ServerTest):
    def test_an_acknowledged_write_survives_kill_9(self):
        server = self.server("store: {keep_samples: 0s}\n")
        for n in range(200):
            self.assertEqual(server.write(f"m v={n} {n + 1}")[0], 204)
        server.kill9()
        server.start()
        _, answer = server.query("SELECT count(v), sum(v) FROM m")
        self.assertEqual(answer["results"][0]["series"][0]["values"][0][1:], [200, 19900])

    def test_a_second_server_on_the_same_data_is_refused(self):
        server = self.server()
        result = run("serve", "--no-auth", "--data", server.data, "--listen", "127.0.0.1:0")
        self.assertEqual(result.returncode, 1)
        self.assertIn(server.data, result.stderr)
        self.assertEqual(server.get("/healthz")[0], 200)


class Clients(ServerTest):
    def test_the_influx_client_works_unchanged(self):
        server = self.server(config_text())
        server.wait_ready(2)
        text = "SELECT mean(utilization_gpu) FROM gpu WHERE time > now() - 5m GROUP BY time(30s), node"
        answer = wait_for("the curve of both nodes", lambda: self.influx(server, text))
        self.assertEqual(answer.count("tags: node="), 2)
        self.assertIn("gpuscale", self.influx(server, "SHOW DATABASES"))
        for statement, word in (("SHOW MEASUREMENTS", "node"), ("SHOW TAG KEYS FROM gpu", "uuid"),
                                ("SHOW FIELD KEYS FROM gpu", "utilization_gpu"),
                                ('SHOW TAG VALUES FROM gpu WITH KEY = "pool"', "gpu"), ("CREATE DATABASE other", "")):
            self.assertIn(word, self.influx(server, statement))

    def influx(self, server, text):
        result = subprocess.run(["influx", "-port", str(server.port), "-execute", text, "-database", "gpuscale"],
                                capture_output=True, text=True, timeout=30)
        self.assertEqual(result.returncode, 0, result.stdout + result.stderr)
        return result.stdout if "tags: node=" in result.stdout or "GROUP BY" not in text else ""

    def test_the_commands_show_the_same(self):
        server = self.server(config_text())
        server.wait_ready(2)
        for arguments, text in ((("node", "list"), "ready"), (("pool", "list"), "gpu"), (("trigger", "list"), "scale_out"),
                                (("activity",), "node.ready"), (("query", "SHOW MEASUREMENTS"), "node")):
            result = run(*arguments, "--server", server.url)
            self.assertEqual(result.returncode, 0, result.stderr)
            self.assertIn(text, result.stdout)
        as_json = run("node", "list", "--server", server.url, "--output", "json")
        self.assertEqual(len(json.loads(as_json.stdout)["nodes"]), 2)
        gone = run("node", "release", "nosuch", "--server", server.url)
        self.assertEqual(gone.returncode, 1)
        self.assertIn("nosuch", gone.stderr)


class Pool(ServerTest):
    def test_a_restart_after_kill_9_finds_every_node_again(self):
        server = self.server(config_text())
        server.wait_ready(2)
        before = server.node_pids()
        self.assertEqual(len(before), 2)
        server.kill9()
        self.assertEqual(server.node_pids(), before)
        server.start()
        server.wait_ready(2)
        self.assertEqual(server.node_pids(), before)

    def test_a_kill_in_the_middle_of_a_launch_neither_doubles_nor_forgets(self):
        server = self.server(config_text(max=4, cooldown_out="0s"))
        server.wait_ready(2)
        self.assertEqual(server.trigger("gpu-out", SECRET_OUT, step=2)[0], 200)
        server.kill9()
        server.start()
        server.wait_ready(4)
        self.assertEqual(len(server.node_pids()), 4)

    def test_a_dead_node_is_replaced(self):
        server = self.server(config_text())
        server.wait_ready(2)
        victim, pid = sorted(server.node_pids().items())[0]
        os.kill(pid, signal.SIGKILL)
        wait_for("the dead node to be gone", lambda: victim not in [n["id"] for n in server.nodes()])
        server.wait_ready(2)
        kinds = [e["kind"] for e in server.json("/api/v1/activity?limit=500")["activity"]]
        self.assertIn("node.lost", kinds)

    def test_a_hand_on_the_trigger_grows_and_shrinks_the_pool(self):
        server = self.server(config_text(cooldown_out="0s", cooldown_in="0s"))
        server.wait_ready(2)
        status, outcome, _ = server.trigger("gpu-out", SECRET_OUT, type="scale_out", step=1)
        self.assertEqual((status, outcome["from"], outcome["to"]), (200, 2, 3), outcome)
        server.wait_ready(3)
        status, outcome, _ = server.trigger("gpu-in", SECRET_IN, type="scale_in")
        self.assertEqual((status, outcome["from"], outcome["to"]), (200, 3, 2), outcome)
        wait_for("the pool to be back at 2", lambda: len(server.nodes()) == 2)
        wait_for("two processes", lambda: len(server.node_pids()) == 2)


    def test_what_was_decided_replays_over_a_crash_and_another_policy_can_be_asked(self):
        server = self.server(config_text(cooldown_out="0s", cooldown_in="0s"))
        server.wait_ready(2)
        server.trigger("gpu-out", SECRET_OUT, type="scale_out", step=1)
        server.wait_ready(3)
        server.kill9()
        server.start()
        server.wait_ready(3)
        server.trigger("gpu-in", SECRET_IN, type="scale_in")
        wait_for("the pool to be back at 2", lambda: len(server.nodes()) == 2)
        wait_for("policies to have looked", lambda: server.json("/api/v1/activity/replay")["looks"] >= 2)
        report = server.json("/api/v1/activity/replay?pool=gpu")
        self.assertTrue(report["identical"], report)
        self.assertGreaterEqual(report["passes"], 4, report)
        self.assertEqual(report["triggers"], 2, report)
        self.assertEqual(report["damaged"], [])
        shown = run("activity", "replay", "1h", "--server", server.url)
        self.assertEqual(shown.returncode, 0, shown.stdout + shown.stderr)
        self.assertIn("every answer is the same, bit for bit", shown.stdout)
        asked = run("activity", "replay", "1h", "--pool", "gpu", "--policy", "static=5", "--server", server.url)
        self.assertEqual(asked.returncode, 0, asked.stdout + asked.stderr)
        self.assertIn("WOULD WANT", asked.stdout)
        self.assertEqual(run("activity", "replay", "yesterday", "--server", server.url).returncode, 2)


    def test_hooks_run_around_a_drain_and_one_that_hangs_wedges_nothing(self):
        folder = tempfile.TemporaryDirectory(prefix="gpuscale-e2e-")
        self.addCleanup(folder.cleanup)
        said = os.path.join(folder.name, "said")
        hooks = 'hooks: {drain: [/bin/sh, -c, "echo $GPUSCALE_HOOK $GPUSCALE_NODE $GPUSCALE_ENDPOINT >> %s"], end: [/bin/sleep, "1000"], limit: 2s}' % said
        text = config_text(min=1, cooldown_out="0s", cooldown_in="0s").replace("interval: 200ms", "interval: 200ms, " + hooks)
        server = self.server(text)
        server.wait_ready(1)
        server.trigger("gpu-out", SECRET_OUT, type="scale_out", step=1)
        before = server.wait_ready(2)
        server.trigger("gpu-in", SECRET_IN, type="scale_in")
        wait_for("one node to have ended", lambda: len(server.nodes()) == 1 and len(server.node_pids()) == 1)
        left = server.nodes()[0]["id"]
        gone = [node for node in before if node["id"] != left][0]
        with open(said, encoding="utf-8") as lines:
            self.assertEqual(lines.read().split(), ["drain", gone["id"], gone["endpoint"]])
        self.assertIn("hook.failed", server.log_text())

    def test_a_shadow_is_tried_out_promoted_and_taken_back(self):
        more = """
policies:
  - {name: calm, pool: gpu, type: static, setting: 2}
  - {name: idea, pool: gpu, type: static, setting: 3, shadow: true}
"""
        server = self.server(config_text(max=4, cooldown_out="0s", cooldown_in="0s", more=more))
        server.wait_ready(2)
        seen = lambda: [p for p in server.json("/api/v1/policies")["policies"] if p["trial"]]
        wait_for("both to be tried out", lambda: len(seen()) == 2)
        pool = server.json("/api/v1/policies")["pools"][0]
        self.assertEqual((pool["pool"], pool["promotion"]), ("gpu", None))
        self.assertGreater(pool["as_it_was"]["day"]["node_hours"], 0)
        refused = run("policy", "promote", "gpu", "idea", "--notify", "nobody", "--server", server.url)
        self.assertIn('no channel "nobody"', refused.stderr)
        done = run("policy", "promote", "gpu", "idea", "--probation", "1h", "--server", server.url)
        self.assertEqual(done.returncode, 0, done.stdout + done.stderr)
        server.kill9()
        server.start()
        heard = lambda: [p["name"] for p in server.json("/api/v1/policies")["policies"] if not p["shadow"]]
        self.assertEqual(heard(), ["idea"])
        self.assertEqual(run("policy", "rollback", "gpu", "--server", server.url).returncode, 0)
        self.assertEqual(heard(), ["calm"])
        wait_for("both to be tried out again", lambda: len(seen()) == 2)
        kinds = [e["kind"] for e in server.json("/api/v1/activity?kind=policy.")["activity"]]
        self.assertEqual(kinds, ["policy.promoted", "policy.rolled_back"])
        shown = run("policy", "list", "--server", server.url).stdout
        for word in ("NODE-H DAY", "(as it was)", "rolled_back"):
            self.assertIn(word, shown)
        self.assertTrue(server.json("/api/v1/activity/replay")["identical"])


class FreePort(ServerTest):
    def test_webhooks_find_a_server_that_took_any_free_port(self):
        more = """
channels:
  - {name: out, type: webhook, url: "${GPUSCALE_URL}/hook/trigger?triggerUrl=gpu-out&secret=%s&type=scale_out&step=1"}
rules:
  - name: high
    every: 1s
    queries: {C: SELECT mean("v") FROM "load" WHERE $timeFilter GROUP BY time(1s) fill(none)}
    condition: avg(C, 10s) > 45
    notify: [out]
""" % SECRET_OUT
        server = self.server(config_text(max=3, more=more), any_port=True)
        server.wait_ready(2)
        wait_for("the pool to grow", lambda: server.write("load v=50")[0] == 204 and len(server.nodes("ready")) == 3)


class Rules(ServerTest):
    def pulled(self, threshold):
        server = self.server(config_text(max=3, more=RULES.format(threshold=threshold)))
        server.wait_ready(2)
        wait_for("the rule to be evaluated", lambda: server.write("load v=50")[0] == 204 and
                 server.json("/api/v1/rules")["rules"][0]["explanation"])
        return server

    def test_a_rule_that_holds_pulls_its_trigger(self):
        server = self.pulled(45)
        wait_for("the pool to grow", lambda: server.write("load v=50")[0] == 204 and len(server.nodes("ready")) == 3)
        kinds = [e["kind"] for e in server.json("/api/v1/activity?limit=500")["activity"]]
        for kind in ("rule.firing", "message.sent", "trigger.accepted", "node.ready"):
            self.assertIn(kind, kinds)

    def test_the_threshold_of_the_file_decides(self):
        server = self.pulled(55)
        wait_for("ten evaluations", lambda: server.write("load v=50")[0] == 204 and
                 server.json("/api/v1/rules")["rules"][0]["state"] == "inactive")
        self.assertEqual(server.json("/api/v1/pools")["pools"][0]["desired"], 2)


if __name__ == "__main__":
    unittest.main()
