# SPDX-License-Identifier: Apache-2.0
"""A real server, killed with SIGKILL again and again during a storm of alerts and trigger calls; then its books are compared
with what receivers, callers and commands saw. Used by kills_test.py and by bench/kills.py."""
import http.server
import json
import os
import random
import tempfile
import threading
import time
import urllib.error

from harness import SECRET_IN, SECRET_OUT, Server, config_text, free_port, wait_for

SECRET_RUN = "run-secret-0123456789abcdef"

MORE = """
  - {{name: redeploy, type: run, command: [/bin/sh, -c, 'echo "$GPUSCALE_IDEMPOTENCY_KEY" >> {acts}'], secret: {secret}}}
channels:
  - {{name: people, type: webhook, url: "http://127.0.0.1:{hook}/", states: [firing, ok]}}
  - {{name: redeploy, type: trigger, trigger: redeploy}}
rules:
  - name: hot
    every: 500ms
    queries: {{C: 'SELECT last("v") FROM "heat" WHERE $timeFilter'}}
    condition: last(C, 3s) > 45
    repeat: 1s
    notify: [people, redeploy]
"""


class Hook(http.server.BaseHTTPRequestHandler):
    def do_POST(self):
        body = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
        self.server.heard.append((self.headers["Idempotency-Key"], body["gpuscale"]))
        self.send_response(200)
        self.send_header("Content-Length", "0")
        self.end_headers()

    def log_message(self, *_):
        pass


class Storm:
    def __init__(self, seed):
        self.random = random.Random(seed)
        self.hook = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Hook)
        self.hook.daemon_threads = True
        self.hook.heard = []
        threading.Thread(target=self.hook.serve_forever, daemon=True).start()
        self.acts = os.path.join(tempfile.mkdtemp(prefix="gpuscale-acts-"), "acts")
        more = MORE.format(acts=self.acts, secret=SECRET_RUN, hook=self.hook.server_address[1])
        self.server = Server(config_text(min=0, max=2, cooldown_out="300ms", cooldown_in="300ms", more=more), port=free_port())
        self.value = 10
        self.lows = []
        self.stop = threading.Event()
        self.answers = {}
        self.kills = 0
        self.broken = []

    def heat(self):
        while not self.stop.wait(0.2):
            value = self.value
            try:
                status, _, _ = self.server.request("POST", "/write?db=gpuscale", f"heat v={value} {time.time_ns()}".encode())
                if status == 204 and value < 45:
                    self.lows.append(time.time())
            except (OSError, urllib.error.URLError, ValueError):
                pass

    def call(self, number):
        """One caller: the same key until there is an answer."""
        name, secret = self.random.choice([("gpu-out", SECRET_OUT), ("gpu-in", SECRET_IN), ("redeploy", SECRET_RUN)])
        key = f"call-{number}"
        while True:
            try:
                status, outcome, _ = self.server.trigger(name, secret, headers={"Idempotency-Key": key})
                if status in (200, 409, 429):
                    self.answers[key] = outcome
                    return
            except (OSError, urllib.error.URLError, ValueError):
                pass
            if self.stop.wait(0.1):
                return

    def run(self, kills):
        self.server.start()
        threads = [threading.Thread(target=self.heat)]
        threads[0].start()
        number = 0
        while self.kills < kills:
            for _ in range(3):
                threads.append(threading.Thread(target=self.call, args=(number,)))
                threads[-1].start()
                number += 1
            if self.random.random() < 0.4:
                self.value = 90 if self.value < 45 else 10
            time.sleep(self.random.uniform(0.02, 1.2))
            self.server.kill9()
            self.kills += 1
            self.server.start()
        self.value = 90
        wait_for("the alert to be told", lambda: self.rule()["state"] == "firing"
                 and self.last()["correlation"] == self.rule()["correlation"] and self.last()["state"] == "firing", 60)
        self.value = 10
        wait_for("its end to be told", lambda: self.rule()["state"] == "inactive" and self.last()["state"] == "ok", 60)
        wait_for("every call to be answered", lambda: len(self.answers) == number, 60)
        wait_for("the errands to end", lambda: not [e for e in self.errands() if e["state"] in ("waiting", "running")], 60)
        self.stop.set()
        for thread in threads:
            thread.join()
        self.check()
        return {"kills": self.kills, "calls": number, "messages": len({key for key, _ in self.hook.heard}),
                "errands": len(self.errands()), "broken": self.broken}

    def rule(self):
        return self.server.json("/api/v1/rules")["rules"][0]

    def last(self):
        return max((message for _, message in self.hook.heard), key=lambda message: message["at"])

    def errands(self):
        return self.server.json("/api/v1/triggers/redeploy/errands")["errands"]

    def entries(self, kind):
        return self.server.json(f"/api/v1/activity?kind={kind}&limit=10000")["activity"]

    def check(self):
        acted = {}
        for outcome in self.answers.values():
            if outcome["status"] == "accepted":
                acted.setdefault(outcome["correlation"], outcome)
        accepted = [e["correlation"] for e in self.entries("trigger.accepted")]
        for correlation in acted:
            if accepted.count(correlation) != 1:
                self.broken.append(f"accepted, and {accepted.count(correlation)} times done: {acted[correlation]}")
        size = None
        for entry in self.entries("pool.desired"):
            if size is not None and entry["details"]["from"] != size:
                self.broken.append(f"a step was lost before: {entry['summary']}")
            size = entry["details"]["to"]
        fires = False
        for entry in self.entries("rule."):
            if entry["kind"] not in ("rule.firing", "rule.ok"):
                continue
            begins = entry["kind"] == "rule.firing"
            if begins == fires:
                self.broken.append(f"twice: {entry['summary']}")
            fires = begins
            at = self.seconds(entry["at"])
            if not begins and not [low for low in self.lows if at - 6 < low < at + 1]:
                self.broken.append(f"resolved, and was not seen to end: {entry['summary']}")
        done = []
        if os.path.exists(self.acts):
            with open(self.acts, encoding="utf-8") as file:
                done = file.read().split()
        for key in set(done):
            if done.count(key) > 1:
                self.broken.append(f"run {done.count(key)} times: {key}")
        for errand in self.errands():
            key = f"gpuscale-{errand['correlation']}-{errand['id']}"
            if errand["state"] == "done" and done.count(key) != 1:
                self.broken.append(f"done, and run {done.count(key)} times: {key}")

    @staticmethod
    def seconds(text):
        import datetime
        head, _, fraction = text.rstrip("Z").partition(".")
        moment = datetime.datetime.fromisoformat(head + "+00:00").timestamp()
        return moment + (float("0." + fraction) if fraction else 0)

    def close(self):
        self.stop.set()
        self.hook.shutdown()
        self.hook.server_close()
        self.server.close()
