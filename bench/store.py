"""Our store, InfluxDB 1.6.7 and VictoriaMetrics (Debian's packages) side by side: ingest, memory, disk, restart, queries."""
# SPDX-License-Identifier: Apache-2.0
# All servers get the same bytes of the same generated fleet (bench/store_load.cpp) in turn, A B C A B C, in one run, each alone
# on the machine at its turn; every figure is the median over the rounds. The peers run with their defaults, InfluxDB with
# reporting off and no limit of series, VictoriaMetrics with kept history. Where a package is missing its column is.
import argparse
import json
import os
import re
import shutil
import signal
import socket
import statistics
import subprocess
import sys
import tempfile
import time
import urllib.parse
import urllib.request

START = 1_763_000_000  # of the history, seconds; past, since VictoriaMetrics takes nothing from the future
STEP = 5  # seconds between two samples of a GPU
MOVING = ("a", "b", "d", "a6")  # questions about a window that ends now
FIELDS = 12


def free_port():
    with socket.socket() as s:
        s.bind(("127.0.0.1", 0))
        return s.getsockname()[1]


class Peer:
    """One server process with a data folder of its own."""

    def __init__(self, program):
        self.program = program
        self.folder = tempfile.mkdtemp(prefix="gpuscale-bench-store-")
        self.port = free_port()
        self.process = None
        self.peak = 0

    def start(self):
        self.log = open(os.path.join(self.folder, "server.log"), "ab")
        self.process = subprocess.Popen(self.command(), stdout=self.log, stderr=self.log)
        deadline = time.monotonic() + 120
        while True:
            try:
                self.get(self.health, {})
                return
            except OSError:
                if self.process.poll() is not None or time.monotonic() > deadline:
                    sys.exit(f"{self.name} did not start; see {self.folder}/server.log")
                time.sleep(0.005)

    def stop(self, hard=False):
        self.memory()
        self.process.send_signal(signal.SIGKILL if hard else signal.SIGTERM)
        self.process.wait()
        self.log.close()

    def close(self):
        if self.process.poll() is None:
            self.stop(hard=True)
        shutil.rmtree(self.folder, ignore_errors=True)

    def get(self, path, parameters, timeout=120):
        url = f"http://127.0.0.1:{self.port}{path}" + ("?" + urllib.parse.urlencode(parameters) if parameters else "")
        with urllib.request.urlopen(url, timeout=timeout) as answer:
            return answer.read()

    def cpu_seconds(self):
        with open(f"/proc/{self.process.pid}/stat", encoding="ascii") as f:
            parts = f.read().rsplit(")", 1)[1].split()
        return (int(parts[11]) + int(parts[12])) / os.sysconf("SC_CLK_TCK")

    def memory(self):
        with open(f"/proc/{self.process.pid}/status", encoding="ascii") as f:
            for line in f:
                if line.startswith("VmHWM:"):
                    self.peak = max(self.peak, int(line.split()[1]) * 1024)
        return self.peak

    def disk_bytes(self):
        total = 0
        for root, _, files in os.walk(self.data()):
            for name in files:
                try:
                    total += os.stat(os.path.join(root, name)).st_blocks * 512
                except OSError:
                    pass
        return total

    def data(self):
        return os.path.join(self.folder, "data")

    def flush(self):
        self.stop()
        self.start()


class InfluxLike(Peer):
    health = "/ping"
    write_path = "/write?db=bench"

    def prepare(self):
        self.get("/query", {"q": "CREATE DATABASE bench"})

    def query(self, name, now):
        return self.get("/query", {"db": "bench", "epoch": "ms", "q": self.text(name, now)})

    @staticmethod
    def text(name, now):
        end = f"{now}s"
        return {
            "a": f"SELECT mean(utilization_gpu) FROM gpu WHERE time >= {end} - 15m AND time < {end} GROUP BY time(30s)",
            "b": f"SELECT mean(utilization_gpu) FROM gpu WHERE time >= {end} - 15m AND time < {end} GROUP BY time(30s), node",
            "c": "SELECT last(utilization_gpu) FROM gpu GROUP BY node, gpu",
            "d": f"SELECT mean(utilization_gpu) FROM gpu WHERE time >= {end} - 24h AND time < {end} GROUP BY time(5m)",
            "e": 'SHOW TAG VALUES FROM gpu WITH KEY = "node"',
            "f": f"SELECT utilization_gpu FROM gpu WHERE node = 'gpu-node-3' AND gpu = '3' AND time >= {end} - 1h AND time < {end}",
            "a6": f"SELECT mean(utilization_gpu) FROM gpu WHERE time >= {end} - 6h AND time < {end} GROUP BY time(30s)",
            "standing": f"SELECT mean(utilization_gpu) FROM gpu WHERE time >= {end} - 15m AND time < {end} GROUP BY time(30s, {now % 30}s)",
        }[name]


class Ours(InfluxLike):
    name = "gpuscale"

    def rule_ms(self, now):
        """What a rule's question takes by the server's own clock: rules ask from inside, without a connection."""
        answer = self.get("/query", {"db": "bench", "q": "EXPLAIN ANALYZE " + self.text("standing", now)})
        return int(re.search(rb"TIME: (\d+) us", answer).group(1)) / 1e3

    def command(self):
        return [self.program, "serve", "--no-auth", "--data", self.data(), "--listen", f"127.0.0.1:{self.port}"]


class Influx(InfluxLike):
    name = "InfluxDB"

    def command(self):
        path = os.path.join(self.folder, "influxdb.conf")
        data = self.data()
        with open(path, "w", encoding="utf-8") as f:
            f.write(f'reporting-disabled = true\nbind-address = "127.0.0.1:{free_port()}"\n[meta]\ndir = "{data}/meta"\n'
                    f'[data]\ndir = "{data}/data"\nwal-dir = "{data}/wal"\nquery-log-enabled = false\n'
                    "max-series-per-database = 0\nmax-values-per-tag = 0\n"
                    f'[http]\nbind-address = "127.0.0.1:{self.port}"\nlog-enabled = false\n'
                    "[monitor]\nstore-enabled = false\n")
        return [self.program, "-config", path]


class Victoria(Peer):
    name = "VictoriaMetrics"
    health = "/health"
    write_path = "/write?db=bench"

    def command(self):
        return [self.program, f"-storageDataPath={self.data()}", f"-httpListenAddr=127.0.0.1:{self.port}", "-retentionPeriod=100y",
                "-search.maxQueryDuration=300s", "-search.latencyOffset=0s", "-search.maxUniqueTimeseries=10000000"]

    def prepare(self):
        pass

    def query(self, name, now):
        field = "gpu_utilization_gpu"
        span = {"a": (900, 30), "standing": (900, 30), "b": (900, 30), "d": (86_400, 300), "a6": (21_600, 30)}
        if name in span:
            seconds, step = span[name]
            by = " by (node)" if name == "b" else ""
            return self.get("/api/v1/query_range", {"query": f"avg(avg_over_time({field}[{step}s])){by}", "step": f"{step}s",
                                                    "start": now - seconds, "end": now, "nocache": 0})
        if name == "c":
            return self.get("/api/v1/query", {"query": f"last_over_time({field}[1d])", "time": now})
        if name == "e":
            return self.get("/api/v1/label/node/values", {"start": now - 3600, "end": now})
        return self.get("/api/v1/query", {"query": f'{field}{{node="gpu-node-3",gpu="3"}}[1h]', "time": now})

    def flush(self):
        self.get("/internal/force_flush", {})
        self.get("/internal/force_merge", {})
        time.sleep(3)
        self.stop()
        self.start()


def load(program, peer, **options):
    command = [program, str(peer.port), "--path", peer.write_path, "--step-s", str(STEP)]
    for name, value in options.items():
        command += ["--" + name, str(value)]
    done = subprocess.run(command, stdout=subprocess.PIPE, check=True, text=True)
    return json.loads(done.stdout)


def ingest(program, make, gpus, connections, lines, seconds):
    """A fresh server under one pattern for a while."""
    peer = make()
    try:
        peer.start()
        peer.prepare()
        load(program, peer, gpus=gpus, connections=connections, lines=lines, steps=2)  # its series are made by now
        before = peer.cpu_seconds()
        run = load(program, peer, gpus=gpus, connections=connections, lines=lines, seconds=seconds, start=START + 100)
        run["cpu_ns_per_value"] = (peer.cpu_seconds() - before) * 1e9 / max(run["values"], 1)
        run["values_per_s"] = run["values"] / run["seconds"]
        return {key: run[key] for key in ("values_per_s", "cpu_ns_per_value", "p50_ms", "p99_ms")}
    finally:
        peer.close()


def query_ms(peer, name, now):
    begin = time.monotonic()
    peer.query(name, now)
    return (time.monotonic() - begin) * 1e3


def moved_ms(peer, name, now, repeats):
    """As a dashboard that is drawn anew each 30 s asks: its window has moved on by so much."""
    times = [query_ms(peer, name, now - 30 * (repeats - turn)) for turn in range(repeats + 1)]
    return statistics.median(times[1:])


def settle(peer):
    """Until a server has joined or merged what it was given, a minute at most: that would be in the times of its answers."""
    deadline = time.monotonic() + 60
    idle = 0
    while idle < 2 and time.monotonic() < deadline:
        before = peer.cpu_seconds()
        time.sleep(1)
        idle = idle + 1 if peer.cpu_seconds() - before < 0.1 else 0


def history(program, make, gpus, hours, names, repeats):
    """Fills a server with a history, then asks it, and starts it again."""
    peer = make()
    try:
        peer.start()
        peer.prepare()
        steps = int(hours * 3600 / STEP)
        before = peer.cpu_seconds()
        run = load(program, peer, gpus=gpus, connections=8, lines=5000, steps=steps, start=START)
        out = {"load_values_per_s": run["values"] / run["seconds"],
               "load_cpu_ns_per_value": (peer.cpu_seconds() - before) * 1e9 / run["values"]}
        now = START + steps * STEP
        settle(peer)
        for name in names:
            out[f"query_{name}_first_ms"] = query_ms(peer, name, now)  # all of them keep what they computed for the next
            out[f"query_{name}_ms"] = statistics.median(query_ms(peer, name, now) for _ in range(repeats))
            if name in MOVING:
                out[f"query_{name}_moved_ms"] = moved_ms(peer, name, now, repeats)
        out["peak_memory_mib"] = peer.memory() / 2**20
        peer.flush()
        out["disk_bytes_per_value"] = peer.disk_bytes() / run["values"]
        peer.stop()
        begin = time.monotonic()
        peer.start()
        peer.query("a", now)
        out["restart_ms"] = (time.monotonic() - begin) * 1e3
        return out
    finally:
        peer.close()


def asked_ms(peer, name):
    now = int(time.time())
    if name == "rule":
        return peer.rule_ms(now)
    return query_ms(peer, name, now)


def live(program, make, gpus, seconds, spread):
    """Every GPU is written once a second, and so often a dashboard asks, and a rule, whose buckets begin with its window.

    All GPUs at once by a few collectors, or, spread, node by node over the second, as agents do."""
    peer = make()
    try:
        peer.start()
        peer.prepare()
        load(program, peer, gpus=gpus, connections=8, lines=5000, steps=900 // STEP, start=int(time.time()) - 900)
        pattern = {"connections": 64, "lines": 8, "spread": 1} if spread else {"connections": 8, "lines": 5000}
        options = {"gpus": gpus, **pattern, "step-s": 1, "paced": 1, "seconds": seconds + 4, "start": int(time.time())}
        command = [program, str(peer.port), "--path", peer.write_path]
        writer = subprocess.Popen(command + [str(part) for name, value in options.items() for part in ("--" + name, value)],
                                  stdout=subprocess.PIPE, text=True)
        time.sleep(2)
        times = {"a": [], "standing": [], "rule": []}
        end = time.monotonic() + seconds
        turn = 0
        while time.monotonic() < end:
            # A rule's question in turn over a connection and, of ours, as the server itself asks it; never right behind a
            # dashboard's, whose newest rows it would find in the processor's caches.
            turn += 1
            for name in ["a", "rule" if turn % 2 and hasattr(peer, "rule_ms") else "standing"]:
                times[name].append(asked_ms(peer, name))
                time.sleep(0.5 - time.time() % 0.5)
        run = json.loads(writer.communicate()[0])
        out = {"written_lines_per_s": run["lines"] / run["seconds"]}
        for name, taken in times.items():
            if not taken:
                continue
            taken.sort()
            out[f"query_{name}_p50_ms"] = statistics.median(taken)
            out[f"query_{name}_p99_ms"] = taken[int(0.99 * (len(taken) - 1))]
        return out
    finally:
        peer.close()


def medians(rounds):
    return {key: statistics.median(r[key] for r in rounds) for key in rounds[0]}


def table(title, names, results):
    print(f"\n{title}")
    print(f"{'':<26}" + "".join(f"{name:>18}" for name in names) + ("{:>14}".format("ours/VM") if len(names) == 3 else ""))
    for key in results[0]:
        values = [r.get(key) for r in results]
        cells = ("" if v is None else f"{v:,.3f}" if abs(v) < 1000 else f"{v:,.0f}" for v in values)
        row = f"{key:<26}" + "".join(f"{cell:>18}" for cell in cells)
        if len(names) == 3 and results[2].get(key):
            row += f"{results[0][key] / results[2][key]:>14.3f}"
        print(row, flush=True)


def main():
    parser = argparse.ArgumentParser(prog="scripts/bench store", description=__doc__)
    parser.add_argument("--binary", required=True)
    parser.add_argument("--load", help="the load generator; made from bench/store_load.cpp where it is missing")
    parser.add_argument("--influxd", default=shutil.which("influxd"))
    parser.add_argument("--victoria", default=shutil.which("victoria-metrics"))
    parser.add_argument("--fleets", default="100,1000,10000", help="GPUs")
    parser.add_argument("--hours", type=float, default=0.5, help="of history for the queries")
    parser.add_argument("--seconds", type=float, default=5, help="of each ingest run")
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--repeats", type=int, default=7, help="of each query")
    parser.add_argument("--only", choices=["ingest", "history", "live"])
    parser.add_argument("--json", action="store_true")
    arguments = parser.parse_args()

    with tempfile.TemporaryDirectory() as folder:
        program = arguments.load
        if program is None:
            program = os.path.join(folder, "store_load")
            source = os.path.join(os.path.dirname(os.path.abspath(__file__)), "store_load.cpp")
            subprocess.run(["g++", "-O2", "-std=c++20", source, "-o", program, "-lpthread"], check=True)
        makers = [lambda: Ours(arguments.binary)]
        if arguments.influxd:
            makers.append(lambda: Influx(arguments.influxd))
        if arguments.victoria:
            makers.append(lambda: Victoria(arguments.victoria))
        names = ["gpuscale"] + ["InfluxDB"] * bool(arguments.influxd) + ["VictoriaMetrics"] * bool(arguments.victoria)
        report = []

        def compare(title, run):
            rounds = [[] for _ in makers]
            for _ in range(arguments.rounds):
                for place, make in enumerate(makers):
                    rounds[place].append(run(make))
            results = [medians(r) for r in rounds]
            report.append({"title": title, **dict(zip(names, results))})
            if not arguments.json:
                table(title, names, results)

        for gpus in [int(n) for n in arguments.fleets.split(",")]:
            if arguments.only in (None, "ingest"):
                compare(f"{gpus} GPUs, 8 connections, 5,000-line batches",
                        lambda make: ingest(program, make, gpus, 8, 5000, arguments.seconds))
                compare(f"{gpus} GPUs, 64 connections, 8-line requests",
                        lambda make: ingest(program, make, gpus, 64, 8, arguments.seconds))
            if arguments.only in (None, "live"):
                for how, spread in [("at once", False), ("node by node", True)]:
                    compare(f"{gpus} GPUs written once a second, {how}",
                            lambda make: live(program, make, gpus, arguments.seconds * 8, spread))
            if arguments.only in (None, "history"):
                queries = ["a", "b", "c", "e", "f"] + (["d", "a6"] if arguments.hours >= 6 else [])
                compare(f"{gpus} GPUs, {arguments.hours} h of history",
                        lambda make: history(program, make, gpus, arguments.hours, queries, arguments.repeats))
        if arguments.json:
            print(json.dumps({"fields": FIELDS, "step_s": STEP, "results": report}, indent=2))


if __name__ == "__main__":
    main()
