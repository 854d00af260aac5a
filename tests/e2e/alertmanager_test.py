# SPDX-License-Identifier: Apache-2.0
"""Debian's real Prometheus Alertmanager fires into /hook/trigger: the pool grows once, again only as the trigger's
repeat says, and shrinks when the alert is over. And the other way round: our channel tells an Alertmanager."""
import datetime
import json
import os
import shutil
import subprocess
import tempfile
import time
import unittest
import urllib.request

from harness import SECRET_OUT, ServerTest, config_text, free_port, wait_for

BINARY = shutil.which("prometheus-alertmanager")

CONFIG = """
route: {{receiver: scaler, group_by: [alertname], group_wait: 0s, group_interval: 1s, repeat_interval: 1s}}
receivers:
  - name: scaler
    webhook_configs:
      - {{url: "{url}/hook/trigger?triggerUrl=gpu-out&secret={secret}", send_resolved: true}}
"""


@unittest.skipIf(BINARY is None, "prometheus-alertmanager is not installed")
class AlertmanagerTest(ServerTest):
    def alertmanager(self, url):
        folder = tempfile.mkdtemp(prefix="gpuscale-am-")
        path = os.path.join(folder, "alertmanager.yml")
        with open(path, "w", encoding="utf-8") as f:
            f.write(CONFIG.format(url=url, secret=SECRET_OUT))
        port = free_port()
        with open(os.path.join(folder, "log"), "wb") as log:
            process = subprocess.Popen(
                [BINARY, f"--config.file={path}", f"--storage.path={folder}/data",
                 f"--web.listen-address=127.0.0.1:{port}", "--cluster.listen-address="],
                stdout=log, stderr=log, stdin=subprocess.DEVNULL)

        def clean():
            process.kill()
            process.wait()
            shutil.rmtree(folder, ignore_errors=True)

        self.addCleanup(clean)
        base = f"http://127.0.0.1:{port}"
        wait_for("the Alertmanager", lambda: urllib.request.urlopen(base + "/-/ready", timeout=2).status == 200)
        return base

    @staticmethod
    def tell(base, ends_in):
        now = datetime.datetime.now(datetime.timezone.utc)
        alert = {"labels": {"alertname": "GpuHot", "pool": "gpu"},
                 "endsAt": (now + datetime.timedelta(seconds=ends_in)).isoformat()}
        request = urllib.request.Request(base + "/api/v2/alerts", data=json.dumps([alert]).encode(), method="POST",
                                         headers={"Content-Type": "application/json"})
        with urllib.request.urlopen(request, timeout=5) as answer:
            assert answer.status == 200

    def desired(self, server):
        return server.json("/api/v1/pools")["pools"][0]["desired"]

    def accepted(self, server):
        entries = server.json("/api/v1/activity?kind=trigger.accepted&limit=1000")["activity"]
        return [(e["subject"], e["details"]["source"]) for e in entries]

    def test_grows_once_then_as_its_repeat_says_and_shrinks_when_it_is_over(self):
        config = config_text(max=5, cooldown_out="1ms", cooldown_in="1ms").replace(
            "{name: gpu-out, pool: gpu, type: scale_out, step: 1,",
            "{name: gpu-out, pool: gpu, type: scale_out, step: 1, repeat: 8s, on_resolved: gpu-in,")
        server = self.server(config)
        self.assertEqual(self.desired(server), 2)
        base = self.alertmanager(server.url)
        self.tell(base, 300)
        wait_for("the first growth", lambda: self.desired(server) == 3)
        first = time.monotonic()
        # Alertmanager says it again each second or so; the same alert is the same call.
        time.sleep(5)
        self.assertEqual(self.desired(server), 3)
        wait_for("the second growth", lambda: self.desired(server) == 4, seconds=20)
        self.assertGreater(time.monotonic() - first, 6)
        self.assertIn("alertmanager {}:{alertname=\"GpuHot\"}, 1 firing", self.accepted(server)[0][1])

        self.tell(base, -1)
        wait_for("the shrinking", lambda: self.desired(server) == 3, seconds=20)
        self.assertEqual(self.accepted(server)[-1][0], "gpu-in")

    def test_a_repeated_alert_acts_once_also_across_a_kill_and_a_restart(self):
        config = config_text(max=6, cooldown_out="1ms", cooldown_in="1ms").replace(
            "{name: gpu-out, pool: gpu, type: scale_out, step: 1,",
            "{name: gpu-out, pool: gpu, type: scale_out, step: 1, repeat: 10m,")
        server = self.server(config)
        base = self.alertmanager(server.url)
        self.tell(base, 300)
        wait_for("the growth", lambda: self.desired(server) == 3)
        server.kill9()
        server.start()
        time.sleep(4)
        self.assertEqual(self.desired(server), 3)
        self.assertEqual(len(self.accepted(server)), 1)

    def test_our_channel_tells_an_alertmanager_and_ends_its_alert(self):
        receiver = self.server(config_text())
        base = self.alertmanager(receiver.url)
        more = f"""
channels:
  - {{name: am, type: alertmanager, url: "{base}"}}
rules:
  - name: hot
    every: 500ms
    queries: {{C: "SELECT mean(v) FROM heat WHERE $timeFilter"}}
    condition: last(C, 2s) > 80
    no_data: ok
    labels: {{severity: page}}
    notify: [am]
"""
        server = self.server(config_text(min=0, max=0, more=more))

        def alerts():
            with urllib.request.urlopen(base + "/api/v2/alerts", timeout=5) as answer:
                return json.loads(answer.read())

        def heat():
            server.write(f"heat v=91 {time.time_ns()}")
            return [a for a in alerts() if a["labels"].get("alertname") == "hot"]

        told = wait_for("the alert", heat)
        self.assertEqual(told[0]["labels"]["severity"], "page")
        wait_for("its end", lambda: not [a for a in alerts() if a["labels"].get("alertname") == "hot"])


if __name__ == "__main__":
    unittest.main()
