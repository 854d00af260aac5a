"""The agent on 8 GPUs (fake driver) at 1 s: memory, processor time, time of /metrics, beside prometheus-node-exporter."""
# SPDX-License-Identifier: Apache-2.0
# RSS counts pages that both processes share twice; PSS counts them once. The goal is judged by RSS, the harder one.
import argparse
import http.client
import http.server
import json
import os
import pathlib
import shutil
import signal
import statistics
import subprocess
import sys
import tempfile
import threading
import time

GOAL_BOTH_MIB = 20
GOAL_SUPERVISOR_MIB = 8
GOAL_CPU_PERCENT = 0.5
GOAL_METRICS_MS = 1.0
ROOT = pathlib.Path(__file__).resolve().parent.parent


def build_fake(folder):
    library = pathlib.Path(folder) / "libnvidia-ml.so.1"
    subprocess.run(["g++", "-std=c++20", "-O2", "-shared", "-fPIC", f"-I{ROOT}/src", str(ROOT / "src/gpu/testing/fake_nvml.cpp"),
                    "-o", str(library)], check=True)
    return str(library)


class Sink(http.server.BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"

    def do_POST(self):
        self.rfile.read(int(self.headers.get("Content-Length", 0)))
        self.send_response(204)
        self.end_headers()

    def log_message(self, *_):
        pass


def memory(pid):
    rss = pss = 0
    for line in pathlib.Path(f"/proc/{pid}/smaps_rollup").read_text().splitlines():
        if line.startswith("Rss:"):
            rss = int(line.split()[1])
        if line.startswith("Pss:"):
            pss = int(line.split()[1])
    return rss / 1024, pss / 1024


def cpu_seconds(pid):
    fields = pathlib.Path(f"/proc/{pid}/stat").read_text().rsplit(")", 1)[1].split()
    return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")


def children(pid):
    return [int(child) for child in pathlib.Path(f"/proc/{pid}/task/{pid}/children").read_text().split()] + [
        int(child) for task in os.listdir(f"/proc/{pid}/task") if int(task) != pid
        for child in pathlib.Path(f"/proc/{pid}/task/{task}/children").read_text().split()]


def metrics_ms(port, count=200):
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=10)
    times = []
    size = 0
    for _ in range(count):
        begun = time.perf_counter()
        connection.request("GET", "/metrics")
        size = len(connection.getresponse().read())
        times.append((time.perf_counter() - begun) * 1000)
    connection.close()
    return statistics.median(times), size


def measure(pids, port, seconds):
    before = {pid: cpu_seconds(pid) for pid in pids}
    begun = time.monotonic()
    time.sleep(seconds)
    elapsed = time.monotonic() - begun
    cpu = {pid: 100 * (cpu_seconds(pid) - before[pid]) / elapsed for pid in pids}
    held = {pid: memory(pid) for pid in pids}
    ms, size = metrics_ms(port)
    return [{"pid": pid, "rss_mib": held[pid][0], "pss_mib": held[pid][1], "cpu_percent": cpu[pid]} for pid in pids], ms, size


def wait_for_file(path):
    for _ in range(400):
        if path.exists() and path.read_text().strip():
            return path.read_text().strip()
        time.sleep(0.05)
    sys.exit("the agent did not start")


def run_agent(binary, folder, seconds, devices):
    sink = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Sink)
    threading.Thread(target=sink.serve_forever, daemon=True).start()
    endpoint = pathlib.Path(folder) / "endpoint"
    environment = dict(os.environ, GPUSCALE_NVML_PATH=build_fake(folder), FAKE_NVML_DEVICES=str(devices))
    agent = subprocess.Popen([binary, "agent", "--source", "nvml", "--server", f"http://127.0.0.1:{sink.server_port}",
                              "--spool", f"{folder}/spool", "--endpoint-file", str(endpoint), "--log-level", "warn"],
                             env=environment)
    try:
        port = int(wait_for_file(endpoint).rsplit(":", 1)[1])
        time.sleep(12)  # past the first of the slow reads, and the buffers at their size
        sampler = children(agent.pid)
        if len(sampler) != 1:
            sys.exit(f"expected one sampler process, found {sampler}")
        return measure([agent.pid] + sampler, port, seconds)
    finally:
        agent.send_signal(signal.SIGTERM)
        agent.wait(timeout=30)
        sink.shutdown()


def run_node_exporter(seconds):
    program = shutil.which("prometheus-node-exporter")
    if program is None:
        return None
    port = 19100
    exporter = subprocess.Popen([program, f"--web.listen-address=127.0.0.1:{port}"], stdout=subprocess.DEVNULL,
                                stderr=subprocess.DEVNULL)
    try:
        time.sleep(2)
        stop = threading.Event()

        def scrape():  # it does its work when asked: once a second, as the agent measures
            while not stop.wait(1):
                metrics_ms(port, 1)

        scraper = threading.Thread(target=scrape, daemon=True)
        scraper.start()
        rows = measure([exporter.pid], port, seconds)
        stop.set()
        return rows
    finally:
        exporter.terminate()
        exporter.wait(timeout=10)


def main():
    parser = argparse.ArgumentParser(prog="scripts/bench agent", description=__doc__)
    parser.add_argument("--binary", required=True)
    parser.add_argument("--seconds", type=float, default=20)
    parser.add_argument("--devices", type=int, default=8)
    parser.add_argument("--json", action="store_true")
    arguments = parser.parse_args()
    with tempfile.TemporaryDirectory(prefix="gpuscale-agent-") as folder:
        (supervisor, sampler), ms, size = run_agent(arguments.binary, folder, arguments.seconds, arguments.devices)
    floor = run_node_exporter(arguments.seconds)
    both = {key: supervisor[key] + sampler[key] for key in ("rss_mib", "pss_mib", "cpu_percent")}
    reached = {
        f"both processes under {GOAL_BOTH_MIB} MiB RSS": both["rss_mib"] < GOAL_BOTH_MIB,
        f"supervisor under {GOAL_SUPERVISOR_MIB} MiB RSS": supervisor["rss_mib"] < GOAL_SUPERVISOR_MIB,
        f"under {GOAL_CPU_PERCENT} % of a core": both["cpu_percent"] < GOAL_CPU_PERCENT,
        f"/metrics under {GOAL_METRICS_MS:.0f} ms": ms < GOAL_METRICS_MS,
    }
    if arguments.json:
        print(json.dumps({"devices": arguments.devices, "supervisor": supervisor, "sampler": sampler, "both": both, "metrics_ms": ms,
                          "metrics_bytes": size, "reached": reached,
                          "node_exporter": floor and {"process": floor[0][0], "metrics_ms": floor[1], "metrics_bytes": floor[2]}},
                         indent=2))
    else:
        print(f"{'PROCESS':<28}{'RSS MiB':>9}{'PSS MiB':>9}{'CPU %':>8}{'/metrics ms':>13}{'bytes':>9}")
        for name, row in (("supervisor", supervisor), ("sampler", sampler), ("both", both)):
            tail = f"{ms:>13.2f}{size:>9}" if name == "both" else ""
            print(f"{name:<28}{row['rss_mib']:>9.1f}{row['pss_mib']:>9.1f}{row['cpu_percent']:>8.2f}{tail}")
        if floor:
            row = floor[0][0]
            print(f"{'prometheus-node-exporter':<28}{row['rss_mib']:>9.1f}{row['pss_mib']:>9.1f}{row['cpu_percent']:>8.2f}"
                  f"{floor[1]:>13.2f}{floor[2]:>9}")
        else:
            print("prometheus-node-exporter is not installed (apt-get install prometheus-node-exporter)")
        for what, good in reached.items():
            print(f"{what}: {'reached' if good else 'NOT reached'}")
    return 0 if all(reached.values()) else 1


if __name__ == "__main__":
    sys.exit(main())
