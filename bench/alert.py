"""Alerting: rule true to webhook accepted by a local receiver; and what 10,000 rules each second cost."""
# SPDX-License-Identifier: Apache-2.0
# Latency: ten rules with a channel each, set off by one write after the other; from the evaluation that found the rule true
# (the message's "at") to the moment at which the receiver has read the whole request. Cost: rules in groups of a hundred that
# ask the same, each group over its own hundred of 10,000 series that get a sample each second.
import argparse
import http.server
import json
import os
import re
import statistics
import subprocess
import sys
import tempfile
import threading
import time
import urllib.request

GOAL_MEDIAN_MS = 50
GOAL_P99_MS = 200
GOAL_CORES = 1.0
GOAL_MIB = 200
GOAL_AGE_S = 2


class Receiver(http.server.BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    seen = []

    def do_POST(self):
        body = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
        Receiver.seen.append((time.time(), body["gpuscale"]["at"], body["ruleName"]))
        self.send_response(204)
        self.end_headers()

    def log_message(self, *_):
        pass


def parse_time(text):
    whole, _, rest = text.rstrip("Z").partition(".")
    return time.mktime(time.strptime(whole, "%Y-%m-%dT%H:%M:%S")) - time.timezone + float("0." + (rest or "0"))


class Server:
    def __init__(self, binary, config):
        self.folder = tempfile.TemporaryDirectory(prefix="gpuscale-alert-")
        path = os.path.join(self.folder.name, "config.yaml")
        with open(path, "w", encoding="utf-8") as f:
            f.write(config)
        self.log = open(os.path.join(self.folder.name, "log"), "wb")
        self.process = subprocess.Popen(
            [binary, "serve", "--no-auth", "--data", self.folder.name + "/data", "--listen", "127.0.0.1:0", "--config",
             path, "--log-level", "warn"], stdout=subprocess.PIPE, stderr=self.log, text=True)
        self.url = None
        for line in self.process.stdout:
            found = re.search(r"serves at (\S+)", line)
            if found:
                self.url = found.group(1)
                break
        if self.url is None:
            sys.exit("the server did not start:\n" + open(self.log.name).read()[-2000:])
        threading.Thread(target=self.process.stdout.read, daemon=True).start()

    def write(self, lines):
        urllib.request.urlopen(self.url + "/write?db=gpuscale", data=lines.encode(), timeout=30).close()

    def json(self, path):
        with urllib.request.urlopen(self.url + path, timeout=60) as answer:
            return json.loads(answer.read())

    def cpu_seconds(self):
        with open(f"/proc/{self.process.pid}/stat", encoding="utf-8") as f:
            fields = f.read().rsplit(")", 1)[1].split()
        return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")

    def memory_mib(self):
        with open(f"/proc/{self.process.pid}/status", encoding="utf-8") as f:
            return int(re.search(r"VmRSS:\s+(\d+)", f.read()).group(1)) / 1024

    def close(self):
        self.process.terminate()
        self.process.wait(timeout=30)
        self.log.close()
        self.folder.cleanup()


def latency(binary, flips):
    receiver = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Receiver)
    threading.Thread(target=receiver.serve_forever, daemon=True).start()
    count = 10
    channels = "".join(f'  - {{name: c{i}, type: webhook, url: "http://127.0.0.1:{receiver.server_port}/"}}\n'
                       for i in range(count))
    rules = "".join(f'  - {{name: r{i}, every: 500ms, condition: "last(C, 5s) > 50", notify: [c{i}], '
                    f'queries: {{C: "SELECT v FROM m WHERE r = \'{i}\' AND $timeFilter"}}}}\n' for i in range(count))
    server = Server(binary, f"channels:\n{channels}rules:\n{rules}")
    try:
        for flip in range(flips):
            for value in (90, 10):
                wanted = (flip + 1) * count
                server.write("".join(f"m,r={i} v={value}\n" for i in range(count)))
                deadline = time.time() + 10
                while value == 90 and len(Receiver.seen) < wanted and time.time() < deadline:
                    time.sleep(0.01)
                time.sleep(1.1 if value == 10 else 0)
    finally:
        server.close()
        receiver.shutdown()
    took = sorted((at - parse_time(said)) * 1000 for at, said, _ in Receiver.seen)
    if not took:
        sys.exit("no message arrived")
    return {"messages": len(took), "expected": flips * count, "median_ms": round(statistics.median(took), 2),
            "p99_ms": round(took[min(len(took) - 1, int(len(took) * 0.99))], 2)}


def many_rules(binary, rules, seconds):
    groups = max(1, rules // 100)
    text = "rules:\n" + "".join(
        f'  - {{name: r{i}, every: 1s, condition: "avg(C, 10s) > {50 + i % 50}.5", '
        f'queries: {{C: "SELECT mean(u) FROM gpu WHERE rack = \'{i % groups}\' AND $timeFilter GROUP BY time(5s)"}}}}\n'
        for i in range(rules))
    server = Server(binary, text)
    stop = threading.Event()

    def feed():
        body = [f"gpu,rack={i % 100},node=n{i} u=" for i in range(10_000)]
        while not stop.wait(1):
            server.write("\n".join(line + str(30 + (i * 7) % 40) for i, line in enumerate(body)) + "\n")

    feeder = threading.Thread(target=feed, daemon=True)
    feeder.start()
    try:
        time.sleep(5)
        before, began = server.cpu_seconds(), time.monotonic()
        loads = []
        while time.monotonic() - began < seconds:
            last, at = server.cpu_seconds(), time.monotonic()
            time.sleep(1)
            loads.append((server.cpu_seconds() - last) / (time.monotonic() - at))
        whole = (server.cpu_seconds() - before) / (time.monotonic() - began)
        memory = server.memory_mib()
        now = time.time()
        status = server.json("/api/v1/rules")["rules"]
        lags = sorted(now - parse_time(r["evaluated_at"]) for r in status if r["evaluated_at"])
        return {"rules": rules, "queries": groups, "evaluated": len(lags), "cores_median": round(statistics.median(loads), 3),
                "cores_mean": round(whole, 3), "memory_mib": round(memory, 1),
                "age_of_evaluation_median_s": round(statistics.median(lags), 2) if lags else None,
                "age_of_evaluation_max_s": round(lags[-1], 2) if lags else None}
    finally:
        stop.set()
        feeder.join(timeout=30)
        server.close()


def main():
    parser = argparse.ArgumentParser(prog="scripts/bench alert", description=__doc__)
    parser.add_argument("--binary", required=True)
    parser.add_argument("--flips", type=int, default=10, help="messages per rule")
    parser.add_argument("--rules", type=int, default=10_000)
    parser.add_argument("--seconds", type=int, default=15)
    parser.add_argument("--json", action="store_true")
    arguments = parser.parse_args()
    told = latency(arguments.binary, arguments.flips)
    cost = many_rules(arguments.binary, arguments.rules, arguments.seconds)
    reached = {"latency": told["median_ms"] <= GOAL_MEDIAN_MS and told["p99_ms"] <= GOAL_P99_MS,
               # Fewer looks cost less: the cost counts only where every rule was really looked at each second.
               "pace": cost["evaluated"] == cost["rules"] and cost["age_of_evaluation_median_s"] <= GOAL_AGE_S,
               "cores": cost["cores_median"] <= GOAL_CORES, "memory": cost["memory_mib"] <= GOAL_MIB}
    if arguments.json:
        print(json.dumps({"latency": told, "rules": cost, "reached": reached}, indent=2))
    else:
        print(f"rule true to webhook accepted: median {told['median_ms']} ms, p99 {told['p99_ms']} ms over "
              f"{told['messages']} messages (goals {GOAL_MEDIAN_MS} and {GOAL_P99_MS} ms)")
        print(f"{cost['rules']} rules each second over {cost['queries']} queries and 10,000 series that grow each second: "
              f"{cost['cores_median']} cores at the median (goal {GOAL_CORES}), {cost['memory_mib']} MiB (goal {GOAL_MIB}), "
              f"last evaluated {cost['age_of_evaluation_median_s']} s ago at the median, {cost['age_of_evaluation_max_s']} s at most")
        for name, good in reached.items():
            print(f"{name}: {'reached' if good else 'NOT reached'}")
    return 0 if all(reached.values()) else 1


if __name__ == "__main__":
    sys.exit(main())
