# SPDX-License-Identifier: Apache-2.0
"""One rule tells every kind of channel, through real sockets and processes; and no secret is left lying about."""
import hashlib
import hmac
import http.server
import json
import os
import pathlib
import socketserver
import threading
import time

from harness import ServerTest, config_text, wait_for

SECRETS = {"URL_TOKEN": "url-token-5f1c", "SIGNING": "signing-5f1c-secret", "BEARER": "bearer-5f1c", "ROUTING": "routing-5f1c",
           "ROBOT": "SECrobot5f1c"}

MORE = """
channels:
  - {{name: hook, type: webhook, url: "{http}/hook?token=${{URL_TOKEN}}", signing_secret: "${{SIGNING}}", bearer: "${{BEARER}}"}}
  - {{name: old, type: webhook, url: "{http}/grafana4", payload: grafana-4}}
  - {{name: robot, type: dingtalk, url: "{http}/robot?access_token=${{URL_TOKEN}}", signing_secret: "${{ROBOT}}"}}
  - {{name: pager, type: pagerduty, url: "{http}/pager", routing_key: "${{ROUTING}}"}}
  - {{name: mail, type: email, server: "smtp://127.0.0.1:{smtp}", from: gpuscale@example.org, to: [ops@example.org]}}
  - {{name: script, type: exec, command: [sh, -c, "cat > {script}.part && mv {script}.part {script}"]}}
  - {{name: refusing, type: webhook, url: "{http}/refuse"}}
rules:
  - name: heat is high
    every: 500ms
    queries: {{C: "SELECT mean(v) FROM heat WHERE $timeFilter"}}
    condition: last(C, 5s) > 80
    message: "look at 机房 {{{{ value }}}}"
    notify: [hook, old, robot, pager, mail, script, refusing]
"""


class Receiver(http.server.BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"

    def do_POST(self):
        body = self.rfile.read(int(self.headers["Content-Length"]))
        self.server.seen.append((self.path, dict(self.headers), body))
        self.send_response(404 if self.path == "/refuse" and not self.server.forgiving else 200)
        answer = b'{"errcode":0}'
        self.send_header("Content-Length", str(len(answer)))
        self.end_headers()
        self.wfile.write(answer)

    def log_message(self, *_):
        pass


class Smtp(socketserver.StreamRequestHandler):
    """As much of RFC 5321 as one mail needs."""

    def handle(self):
        self.wfile.write(b"220 test\r\n")
        lines = []
        while line := self.rfile.readline():
            command = line.strip().upper()
            if command == b"DATA":
                self.wfile.write(b"354 go on\r\n")
                while (line := self.rfile.readline()) not in (b".\r\n", b""):
                    lines.append(line)
                self.server.seen.append(b"".join(lines).decode())
            if command == b"QUIT":
                self.wfile.write(b"221 bye\r\n")
                return
            self.wfile.write(b"250 ok\r\n")


class ChannelsTest(ServerTest):
    def receiver(self, server_class, handler):
        receiver = server_class(("127.0.0.1", 0), handler)
        receiver.seen = []
        receiver.forgiving = False
        receiver.daemon_threads = True
        threading.Thread(target=receiver.serve_forever, daemon=True).start()
        self.addCleanup(receiver.server_close)
        self.addCleanup(receiver.shutdown)
        return receiver

    def test_one_rule_tells_every_channel_and_leaves_no_secret(self):
        hooks = self.receiver(http.server.ThreadingHTTPServer, Receiver)
        mails = self.receiver(socketserver.ThreadingTCPServer, Smtp)
        script = os.path.join("/tmp", f"gpuscale-e2e-script-{os.getpid()}.json")
        self.addCleanup(lambda: os.path.exists(script) and os.unlink(script))
        more = MORE.format(http=f"http://127.0.0.1:{hooks.server_address[1]}", smtp=mails.server_address[1], script=script)
        server = self.server(config_text(min=0, max=0, more=more), env=SECRETS)
        stop = threading.Event()

        def heat():
            while not stop.wait(0.3):
                server.write(f"heat v=91 {time.time_ns()}")

        threading.Thread(target=heat, daemon=True).start()
        self.addCleanup(stop.set)

        def seen(path):
            return [one for one in list(hooks.seen) if one[0].startswith(path)]

        _, headers, body = wait_for("the webhook", lambda: seen("/hook"))[0]
        key = hashlib.sha256(SECRETS["SIGNING"].encode()).hexdigest().encode()
        stamp, signature = headers["X-Gpuscale-Signature"].split(",")
        expected = hmac.new(key, stamp[2:].encode() + b"." + body, hashlib.sha256).hexdigest()
        self.assertEqual(signature, "v1=" + expected)
        self.assertEqual(headers["Authorization"], "Bearer " + SECRETS["BEARER"])
        self.assertIn("look at 机房 91", json.loads(body)["message"])

        old = json.loads(wait_for("Grafana 4's form", lambda: seen("/grafana4"))[0][2])
        self.assertEqual(set(old), {"evalMatches", "message", "ruleId", "ruleName", "ruleUrl", "state", "title"})
        self.assertEqual(old["message"], "look at 机房 91")
        self.assertIn("&sign=", wait_for("the robot", lambda: seen("/robot"))[0][0])
        self.assertEqual(json.loads(wait_for("the pager", lambda: seen("/pager"))[0][2])["routing_key"], SECRETS["ROUTING"])
        mail = wait_for("the mail", lambda: mails.seen)[0]
        self.assertIn("Subject: [Alerting] heat is high", mail)
        self.assertIn("look at 机房 91", mail)
        wait_for("the script", lambda: os.path.exists(script))
        with open(script, encoding="utf-8") as f:
            self.assertEqual(json.load(f)["ruleName"], "heat is high")

        dead = wait_for("the dead letter", lambda: server.json("/api/v1/deliveries/dead")["deliveries"])
        self.assertEqual((dead[0]["channel"], dead[0]["answer_status"]), ("refusing", 404))
        hooks.forgiving = True
        status, _, _ = server.request("POST", f"/api/v1/deliveries/{dead[0]['id']}/replay", "")
        self.assertEqual(status, 202)
        wait_for("the replay", lambda: not server.json("/api/v1/deliveries/dead")["deliveries"])
        again = [one[1]["Idempotency-Key"] for one in seen("/refuse")]
        self.assertEqual(len(set(again)), 1, "a replay keeps its key")

        shown = "".join(server.get(path)[1] for path in ("/api/v1/channels", "/api/v1/activity", "/api/v1/rules", "/metrics",
                                                           "/api/v1/channels/hook/deliveries"))
        server.stop()
        kept = b"".join(pathlib.Path(server.data, name).read_bytes() for name in os.listdir(server.data)
                        if os.path.isfile(os.path.join(server.data, name)))
        for name, secret in SECRETS.items():
            self.assertNotIn(secret, shown, name)
            self.assertNotIn(secret, server.log_text(), name)
            self.assertNotIn(secret.encode(), kept, name)
