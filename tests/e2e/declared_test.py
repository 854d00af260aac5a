# SPDX-License-Identifier: Apache-2.0
"""Rules, channels, triggers, schedules, pools and policies made by HTTP while the server runs: they hold at once, survive kill -9, and no secret
of theirs lies about."""
import http.server
import json
import os
import stat
import tempfile
import threading
import time
import urllib.parse

from harness import ServerTest, config_text, run, wait_for

SECRET = "hunter2-5f1c"
QUERY = "SELECT mean(v) FROM heat WHERE $timeFilter"
HOT = {"every": "500ms", "queries": {"C": QUERY}, "condition": "last(C, 5s) > 80", "notify": ["people"]}


class Receiver(http.server.BaseHTTPRequestHandler):
    def do_POST(self):
        self.server.seen.append((self.path, dict(self.headers), self.rfile.read(int(self.headers["Content-Length"]))))
        self.send_response(200)
        self.send_header("Content-Length", "0")
        self.end_headers()

    def log_message(self, *_):
        pass


class DeclaredTest(ServerTest):
    def receiver(self):
        receiver = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Receiver)
        receiver.seen = []
        threading.Thread(target=receiver.serve_forever, daemon=True).start()
        self.addCleanup(receiver.server_close)
        self.addCleanup(receiver.shutdown)
        return receiver, f"http://127.0.0.1:{receiver.server_address[1]}"

    def put(self, server, path, definition, version=0):
        status, body, _ = server.request("PUT", "/api/v1/" + path, json.dumps({"definition": definition, "version": version}))
        return status, json.loads(body)

    def made(self, server, path, definition, version=0):
        status, body = self.put(server, path, definition, version)
        self.assertIn(status, (200, 201), body)
        return body

    def delete(self, server, path):
        version = server.json(f"/api/v1/{path}/definition")["version"]
        status, body, _ = server.request("DELETE", f"/api/v1/{path}?version={version}")
        return status, json.loads(body)

    def heat(self, server, value):
        self.assertEqual(server.write(f"heat v={value}\n")[0], 204)

    def files_of(self, folder):
        out = b""
        for name in os.listdir(folder):
            path = os.path.join(folder, name)
            if os.path.isfile(path) and name != "secret.key":
                with open(path, "rb") as f:
                    out += f.read()
        return out

    def test_a_rule_made_by_http_tells_at_once_and_after_a_kill(self):
        receiver, url = self.receiver()
        server = self.server(config=config_text(min=0))
        self.made(server, "channels/people", {"type": "webhook", "url": f"{url}/hook?token={SECRET}", "bearer": SECRET,
                                              "states": ["firing", "ok"]})
        self.made(server, "rules/heat", HOT)
        self.heat(server, 90)
        wait_for("the message", lambda: receiver.seen)
        self.assertEqual(receiver.seen[0][0], f"/hook?token={SECRET}")
        self.assertEqual(receiver.seen[0][1]["Authorization"], f"Bearer {SECRET}")
        server.kill9()
        self.assertNotIn(SECRET.encode(), self.files_of(server.data))
        self.assertNotIn(SECRET, server.log_text())
        server.start()
        rules = {rule["name"]: rule for rule in server.json("/api/v1/rules")["rules"]}
        self.assertEqual(rules["heat"]["origin"], "api")
        self.assertEqual(rules["heat"]["state"], "firing")
        for path in ("channels/people/definition", "channels", "activity?limit=1000"):
            self.assertNotIn(SECRET, server.get(f"/api/v1/{path}")[1])
        heard = len(receiver.seen)
        wait_for("the end", lambda: self.heat(server, 1) or b'"ok"' in receiver.seen[-1][2])
        self.assertGreater(len(receiver.seen), heard)

    def test_a_firing_rule_stays_firing_while_another_is_edited(self):
        receiver, url = self.receiver()
        server = self.server(config=config_text(min=0))
        self.made(server, "channels/people", {"type": "webhook", "url": url})
        self.made(server, "rules/heat", HOT)
        self.heat(server, 90)
        wait_for("the message", lambda: receiver.seen)
        since = server.json("/api/v1/rules")["rules"][0]["since"]
        version = 0
        for i in range(5):
            version = self.made(server, "rules/other", dict(HOT, condition=f"last(C, 5s) > {95 + i}"), version)["version"]
            self.heat(server, 90)
        rule = next(r for r in server.json("/api/v1/rules")["rules"] if r["name"] == "heat")
        self.assertEqual((rule["state"], rule["since"]), ("firing", since))
        self.assertEqual(len(receiver.seen), 1)

    def test_a_pool_and_its_trigger_live_and_die_by_http(self):
        server = self.server(config=config_text(min=0))
        self.made(server, "pools/extra", {"provider": {"type": "local", "interval": "200ms"}, "min": 0, "max": 2,
                                          "cooldown": {"scale_out": "0s", "scale_in": "0s"}})
        trigger = self.made(server, "triggers/extra-out", {"pool": "extra", "type": "scale_out"})
        self.assertIn("secret=", trigger["url"])
        path = urllib.parse.urlsplit(trigger["url"])
        self.assertEqual(server.get(f"{path.path}?{path.query}")[0], 200)
        pool = lambda: next(p for p in server.json("/api/v1/pools")["pools"] if p["name"] == "extra")
        wait_for("the node", lambda: pool()["counts"]["ready"] == 1)
        self.assertEqual(self.delete(server, "pools/extra")[0], 409)
        self.assertEqual(self.delete(server, "triggers/extra-out")[0], 200)
        status, body = self.delete(server, "pools/extra")
        self.assertEqual((status, body["code"]), (409, "in_use"))
        self.assertIn("nodes", body["error"])
        server.kill9()
        server.start()
        wait_for("the node again", lambda: pool()["counts"]["ready"] == 1)
        server.request("PUT", "/api/v1/pools/extra/desired", json.dumps({"desired": 0}))
        wait_for("no nodes", lambda: not [n for n in server.json("/api/v1/nodes")["nodes"] if n["pool"] == "extra"])
        self.assertEqual(self.delete(server, "pools/extra")[0], 200)
        self.assertEqual([p["name"] for p in server.json("/api/v1/pools")["pools"]], ["gpu"])

    def test_a_policy_moves_its_pool_at_once_and_after_a_kill(self):
        server = self.server(config=config_text(min=0, max=3, cooldown_out="0s", cooldown_in="0s"))
        wait_for("the server", lambda: server.get("/readyz")[0] == 200)
        desired = lambda: server.json("/api/v1/pools")["pools"][0]["desired"]
        above = lambda line: {"pool": "gpu", "type": "step", "queries": {"Q": QUERY}, "value": "last(Q, 1m)", "steps": [{"above": line, "add": 1}]}
        version = self.made(server, "policies/heat", above(95))["version"]
        self.made(server, "policies/idea", {"pool": "gpu", "type": "static", "setting": 3, "shadow": True})
        self.heat(server, 90)
        wait_for("a look", lambda: "value 90, no step holds" in server.get("/api/v1/policies/heat")[1])
        self.assertEqual(desired(), 0)
        self.made(server, "policies/heat", above(80), version)
        wait_for("the policy to decide", lambda: self.heat(server, 90) or desired() > 0)
        self.assertIn("policy heat", server.get("/api/v1/activity?kind=pool.desired")[1])
        self.assertEqual(run("policy", "promote", "gpu", "idea", "--server", server.url).returncode, 0)
        status, body = self.delete(server, "policies/idea")
        self.assertEqual((status, body["code"]), (409, "in_use"))
        server.kill9()
        server.start()
        policies = {p["name"]: p for p in server.json("/api/v1/policies")["policies"]}
        self.assertEqual({name: (p["origin"], p["shadow"]) for name, p in policies.items()}, {"heat": ("api", True), "idea": ("api", False)})
        self.assertEqual(run("policy", "rollback", "gpu", "--server", server.url).returncode, 0)
        shown = run("policy", "get", "idea", "--server", server.url).stdout
        self.assertIn("setting: 3", shown)
        file = os.path.join(server.root, "policies.yaml")
        with open(file, "w", encoding="utf-8") as f:
            f.write(shown.replace("setting: 3", "setting: 4"))
        self.assertIn("policy idea: good", run("policy", "apply", file, "--dry-run", "--server", server.url).stdout)
        self.assertIn("policy idea: changed", run("policy", "apply", file, "--server", server.url).stdout)
        self.assertIn("policy idea: deleted", run("policy", "delete", "idea", "--server", server.url).stdout)
        self.assertEqual(self.delete(server, "policies/heat")[0], 200)
        self.assertEqual(server.json("/api/v1/policies")["policies"], [])
        self.assertTrue(server.json("/api/v1/activity/replay")["identical"])

    def test_a_schedule_sets_bounds_at_once_and_lets_them_go(self):
        server = self.server(config=config_text(min=0, max=2))
        pool = lambda: server.json("/api/v1/pools")["pools"][0]
        self.made(server, "schedules/always", {"cron": "* * * * *", "for": "2m", "pool": "gpu", "set": {"max": 1}})
        wait_for("the bound", lambda: pool()["max"] == 1)
        self.assertEqual(server.request("POST", "/api/v1/schedules/always/enabled", '{"enabled": false}')[0], 200)
        wait_for("the bound to go", lambda: pool()["max"] == 2)

    def at_once(self, *puts):
        """Sends all of them at the same moment; their statuses, in their order."""
        gate = threading.Barrier(len(puts))
        answers = [None] * len(puts)

        def send(i, arguments):
            gate.wait()
            answers[i] = self.put(*arguments)

        threads = [threading.Thread(target=send, args=each) for each in enumerate(puts)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        return answers

    def test_no_race_of_edits_leaves_a_pool_whose_min_is_over_its_max(self):
        server = self.server(config=config_text(min=0))
        of = lambda low, high: {"provider": {"type": "sim"}, "min": low, "max": high}
        status, body = self.put(server, "pools/extra", of(3, 2))
        self.assertEqual(status, 400, body)
        self.assertIn("min", body["error"])
        version = self.made(server, "pools/extra", of(0, 1))["version"]
        for _ in range(10):
            answers = self.at_once((server, "pools/extra", of(0, 1), version), (server, "pools/extra", of(4, 5), version))
            self.assertEqual(sorted(status for status, _ in answers), [200, 409], answers)
            kept = server.json("/api/v1/pools/extra/definition")
            version = kept["version"]
            self.assertIn((kept["definition"]["min"], kept["definition"]["max"]), ((0, 1), (4, 5)))
            pool = server.json("/api/v1/pools/extra")
            self.assertLessEqual(pool["min"], pool["max"])
            self.assertTrue(pool["min"] <= pool["desired"] <= pool["max"], pool)

    def test_a_pool_and_its_schedule_that_are_edited_at_once_never_contradict_each_other(self):
        server = self.server(config=config_text(min=0))
        of = lambda high: {"provider": {"type": "sim"}, "min": 0, "max": high}
        floor = {"cron": "0 0 1 1 *", "for": "1h", "pool": "extra", "set": {"min": 3}}
        version = self.made(server, "pools/extra", of(5))["version"]
        for _ in range(10):
            (low, said_low), (high, said_high) = self.at_once((server, "pools/extra", of(2), version),
                                                              (server, "schedules/floor", floor))
            self.assertEqual(len([1 for status in (low, high) if status in (200, 201)]), 1, (said_low, said_high))
            if high == 201:
                self.assertIn("floor", json.dumps(said_low))
                self.assertEqual(self.delete(server, "schedules/floor")[0], 200)
            version = server.json("/api/v1/pools/extra/definition")["version"]
            version = self.made(server, "pools/extra", of(5), version)["version"]

    def test_a_lost_key_stops_nothing_else_and_a_backup_brings_it_back(self):
        _, url = self.receiver()
        server = self.server(config=config_text(min=0))
        self.made(server, "channels/people", {"type": "webhook", "url": url, "bearer": SECRET})
        self.made(server, "rules/heat", HOT)
        key = os.path.join(server.data, "secret.key")
        self.assertEqual(stat.S_IMODE(os.stat(key).st_mode), 0o600)
        copy = os.path.join(tempfile.mkdtemp(prefix="gpuscale-e2e-"), "data")
        backup = run("backup", "--data", server.data, "--to", copy)
        self.assertEqual(backup.returncode, 0, backup.stderr)
        self.assertIn("secret.key", backup.stdout)
        server.kill9()
        os.rename(key, key + ".away")
        server.start()
        channel = server.json("/api/v1/channels")["channels"][0]
        self.assertIn("put it back from a backup", channel["fault"])
        self.assertIn("secrets.no_key", server.log_text())
        self.assertEqual(self.put(server, "channels/more", {"type": "slack", "url": "https://h.invalid/x"})[0], 503)
        heat = next(r for r in server.json("/api/v1/rules")["rules"] if r["name"] == "heat")
        self.assertIn("people", heat["fault"])
        self.heat(server, 90)
        wait_for("the rule to fire", lambda: server.json("/api/v1/rules")["rules"][0]["state"] == "firing")
        server.kill9()
        os.rename(key + ".away", key)
        server.start()
        self.assertEqual(server.json("/api/v1/channels")["channels"][0]["fault"], "")
