# SPDX-License-Identifier: Apache-2.0
"""Rules over the user's own stores: a real InfluxDB 1.x, VictoriaMetrics and Prometheus, each skipped where it is not
installed (or set GPUSCALE_INFLUXD, GPUSCALE_VICTORIA_METRICS, GPUSCALE_PROMETHEUS)."""
import os
import shutil
import subprocess
import tempfile
import time
import unittest
import urllib.request

from harness import ServerTest, config_text, free_port, wait_for


def find(variable, *names):
    return os.environ.get(variable) or next((path for path in map(shutil.which, names) if path), None)


INFLUXD = find("GPUSCALE_INFLUXD", "influxd")
VICTORIA = find("GPUSCALE_VICTORIA_METRICS", "victoria-metrics", "victoria-metrics-prod")
PROMETHEUS = find("GPUSCALE_PROMETHEUS", "prometheus")

INFLUX_CONFIG = """
reporting-disabled = true
bind-address = "127.0.0.1:{rpc}"
[meta]
  dir = "{folder}/meta"
[data]
  dir = "{folder}/data"
  wal-dir = "{folder}/wal"
[http]
  bind-address = "127.0.0.1:{port}"
  log-enabled = false
"""

RULES = """
sources:
  - {{name: far, {source}, timeout: 2s}}
  - {{name: gone, type: prometheus, url: "http://127.0.0.1:{closed}"}}
rules:
  - name: hot
    every: 500ms
    queries: {{C: '{query}'}}
    sources: {{C: far}}
    condition: last(C, 30s) > 45
    per_series: true
  - name: of nobody
    every: 500ms
    queries: {{C: '{nothing}'}}
    sources: {{C: far}}
    condition: last(C, 30s) > 45
  - name: broken
    every: 500ms
    queries: {{C: up}}
    sources: {{C: gone}}
    condition: last(C, 30s) > 45
  - name: own
    every: 500ms
    queries: {{C: SELECT mean(v) FROM heat WHERE $timeFilter}}
    condition: last(C, 30s) > 45
"""


class SourcesTest(ServerTest):
    def peer(self, *command):
        folder = tempfile.mkdtemp(prefix="gpuscale-peer-")
        with open(os.path.join(folder, "log"), "wb") as log:
            process = subprocess.Popen([part.replace("FOLDER", folder) for part in command], stdout=log, stderr=log,
                                       stdin=subprocess.DEVNULL, cwd=folder)

        def clean():
            process.kill()
            process.wait()
            shutil.rmtree(folder, ignore_errors=True)

        self.addCleanup(clean)

    @staticmethod
    def post(url, body):
        with urllib.request.urlopen(urllib.request.Request(url, data=body.encode(), method="POST"), timeout=5) as answer:
            return answer.status

    def judge(self, source, query, nothing, write):
        """The rule fires for node a alone; a query of nothing has no data; a broken source is an error; our own goes on."""
        more = RULES.format(source=source, query=query, nothing=nothing, closed=free_port())
        server = self.server(config_text(min=0, max=0, more=more))

        def rules():
            write()
            server.write(f"heat v=91 {time.time_ns()}")
            return {rule["name"]: rule for rule in server.json("/api/v1/rules")["rules"]}

        seen = wait_for("the rules' states", lambda: (r := rules()) and r["hot"]["state"] == "firing"
                        and r["own"]["state"] == "firing" and r["broken"]["state"] == "error" and r, seconds=40)
        states = {i["labels"]["node"]: i["state"] for i in seen["hot"]["instances"]}
        self.assertEqual(states["a"], "firing")
        self.assertEqual(states["b"], "inactive")
        self.assertEqual(seen["of nobody"]["state"], "no_data")
        self.assertFalse(seen["of nobody"].get("last_error"))
        self.assertIn("source gone (http://127.0.0.1:", seen["broken"]["last_error"])
        self.assertEqual(seen["hot"]["sources"], {"C": "far"})

    def config_file(self, text_in):
        """A file of its own folder, which `text_in` is told; gone with the test."""
        folder = tempfile.mkdtemp(prefix="gpuscale-sources-")
        self.addCleanup(shutil.rmtree, folder, True)
        path = os.path.join(folder, "config")
        with open(path, "w", encoding="utf-8") as file:
            file.write(text_in(folder))
        return path

    @unittest.skipIf(INFLUXD is None, "no influxd: install Debian's influxdb")
    def test_a_rule_asks_a_real_influxdb(self):
        port = free_port()
        self.peer(INFLUXD, "-config", self.config_file(lambda folder: INFLUX_CONFIG.format(folder=folder, port=port, rpc=free_port())))
        base = f"http://127.0.0.1:{port}"
        wait_for("InfluxDB", lambda: urllib.request.urlopen(base + "/ping", timeout=2).status == 204)
        self.post(base + "/query?q=CREATE%20DATABASE%20telegraf", "")
        self.judge(f"type: influxdb, url: '{base}', database: telegraf",
                   'SELECT mean("util") FROM "gpu" WHERE $timeFilter GROUP BY time(1s), "node" fill(none)',
                   'SELECT mean("util") FROM "nothing" WHERE $timeFilter',
                   lambda: self.post(base + "/write?db=telegraf", "gpu,node=a util=90\ngpu,node=b util=10"))

    @unittest.skipIf(VICTORIA is None, "no victoria-metrics: install Debian's victoria-metrics")
    def test_a_rule_asks_a_real_victoriametrics(self):
        port = free_port()
        self.peer(VICTORIA, "-storageDataPath=FOLDER/data", f"-httpListenAddr=127.0.0.1:{port}",
                  "-search.latencyOffset=0s")
        base = f"http://127.0.0.1:{port}"
        wait_for("VictoriaMetrics", lambda: urllib.request.urlopen(base + "/health", timeout=2).status == 200)
        self.judge(f"type: prometheus, url: '{base}', step: 1s", "avg by (node) (gpu_util)", "nothing_util",
                   lambda: self.post(base + "/write", "gpu,node=a util=90\ngpu,node=b util=10"))

    @unittest.skipIf(PROMETHEUS is None, "no prometheus: install Debian's prometheus")
    def test_a_rule_asks_a_real_prometheus(self):
        port = free_port()
        path = self.config_file(lambda _: "global: {scrape_interval: 1s}\nscrape_configs:\n  - job_name: a\n    static_configs:\n"
                                          f"      - {{targets: ['127.0.0.1:{port}'], labels: {{node: a}}}}\n")
        self.peer(PROMETHEUS, f"--config.file={path}", "--storage.tsdb.path=FOLDER/data",
                  f"--web.listen-address=127.0.0.1:{port}")
        base = f"http://127.0.0.1:{port}"
        wait_for("Prometheus", lambda: urllib.request.urlopen(base + "/-/ready", timeout=2).status == 200)
        self.judge(f"type: prometheus, url: '{base}', ask: instant",
                   'avg by (node) (up) * 90 or label_replace(vector(10), "node", "b", "", "")', "nothing_util",
                   lambda: None)


if __name__ == "__main__":
    unittest.main()
