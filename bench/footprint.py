"""What an idle server and the agents of its two nodes cost: resident memory and share of a core, medians over the runs."""
# SPDX-License-Identifier: Apache-2.0
import argparse
import json
import os
import signal
import statistics
import subprocess
import sys
import tempfile
import time
import urllib.request

# The goals of the first issue: an agent at 1 s, a server that only keeps two nodes and two rules.
GOALS = {"agent": {"rss_mib": 20, "core_percent": 1}, "server": {"rss_mib": 60, "core_percent": None}}
CONFIG = os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "examples", "gpuscale.yaml")
NODES = 2  # what CONFIG starts
SERVES = "gpuscale serves at "


def rss_mib(pid):
    with open(f"/proc/{pid}/status", encoding="ascii") as status:
        return next(int(line.split()[1]) for line in status if line.startswith("VmRSS:")) / 1024


def cpu_seconds(pid):
    with open(f"/proc/{pid}/stat", encoding="ascii") as stat:
        fields = stat.read().rsplit(")", 1)[1].split()
    return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")


def agents_of(folder):
    """Both processes of each agent: they carry the data folder of their server on their command line or in their environment."""
    found = []
    for pid in filter(str.isdigit, os.listdir("/proc")):
        try:
            with open(f"/proc/{pid}/cmdline", "rb") as command, open(f"/proc/{pid}/environ", "rb") as environment:
                words = command.read().split(b"\0")
                if (b"agent" in words or b"agent-sampler" in words) and folder.encode() in environment.read() + b"\0".join(words):
                    found.append(int(pid))
        except (FileNotFoundError, ProcessLookupError, PermissionError):
            continue
    return found


def wait_for_address(path, process):
    deadline = time.monotonic() + 30
    while time.monotonic() < deadline and process.poll() is None:
        with open(path, encoding="utf-8") as said:
            text = said.read()
        if SERVES in text:
            return text.split(SERVES)[1].split()[0]
        time.sleep(0.1)
    sys.exit("the server did not start:\n" + text)


def ready_nodes(url):
    with urllib.request.urlopen(url + "/api/v1/nodes", timeout=5) as answer:
        return sum(node["state"] == "ready" for node in json.load(answer)["nodes"])


def one_run(binary, seconds):
    with tempfile.TemporaryDirectory(prefix="gpuscale-footprint-") as folder:
        log = os.path.join(folder, "log")
        with open(log, "w", encoding="utf-8") as out:
            server = subprocess.Popen([binary, "serve", "--no-auth", "--config", CONFIG, "--data", os.path.join(folder, "data"),
                                       "--listen", "127.0.0.1:0"], stdout=out, stderr=out)
        agents = []
        try:
            url = wait_for_address(log, server)
            deadline = time.monotonic() + 30
            while ready_nodes(url) < NODES and time.monotonic() < deadline:
                time.sleep(0.2)
            agents = agents_of(folder)
            if len(agents) < NODES:
                sys.exit(f"expected the agents of {NODES} nodes, found {len(agents)}")
            before = {pid: cpu_seconds(pid) for pid in [server.pid, *agents]}
            time.sleep(seconds)
            used = {pid: (cpu_seconds(pid) - before[pid]) / seconds * 100 for pid in before}
            return {"server": {"rss_mib": rss_mib(server.pid), "core_percent": used[server.pid]},
                    "agent": {"rss_mib": sum(map(rss_mib, agents)) / NODES, "core_percent": sum(used[pid] for pid in agents) / NODES}}
        finally:
            server.send_signal(signal.SIGKILL)
            server.wait()
            for pid in agents_of(folder):
                os.kill(pid, signal.SIGKILL)


def main():
    parser = argparse.ArgumentParser(prog="scripts/bench footprint", description=__doc__)
    parser.add_argument("--binary", required=True)
    parser.add_argument("--runs", type=int, default=3)
    parser.add_argument("--seconds", type=float, default=20, help="how long each run is watched")
    parser.add_argument("--json", action="store_true")
    arguments = parser.parse_args()
    runs = [one_run(arguments.binary, arguments.seconds) for _ in range(max(1, arguments.runs))]
    rows, good = [], True
    for who, goals in GOALS.items():
        for figure, goal in goals.items():
            median = statistics.median(run[who][figure] for run in runs)
            reached = goal is None or median < goal
            good = good and reached
            rows.append({"process": who, "figure": figure, "median": round(median, 2), "goal_below": goal, "reached": reached})
    if arguments.json:
        print(json.dumps({"reached": good, "rows": rows, "runs": runs}, indent=2))
    else:
        for row in rows:
            goal = f"goal under {row['goal_below']}: {'reached' if row['reached'] else 'NOT reached'}" if row["goal_below"] else ""
            print(f"{row['process']:<8}{row['figure']:<14}{row['median']:>8.2f}  {goal}")
    return 0 if good else 1


if __name__ == "__main__":
    sys.exit(main())
