"""From a step of the load to the accepted trigger and the ready node, split by hop (median of 5 runs of `gpuscale up --check`)."""
# SPDX-License-Identifier: Apache-2.0
# Each run is a fresh server with the demo's rules: two nodes at low load, then the step. The hops come from the activity
# ledger (src/cli/timeline.h), so that they are the very ones that ./scripts/demo --check prints.
import argparse
import json
import statistics
import subprocess
import sys
import tempfile

GOAL_MS = 5000  # load step to trigger accepted, median, with 1 s sampling and a 10 s window


def one_run(binary, high_for):
    with tempfile.TemporaryDirectory(prefix="gpuscale-reaction-") as folder:
        command = [binary, "up", "--check", "--json", "--data", folder, "--listen", "127.0.0.1:0",
                   "--low-for", "15s", "--high-for", high_for, "--fall-for", "1s"]
        # The exit code says that the episode is cut short after the growth, which it is.
        done = subprocess.run(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, timeout=180)
    try:
        return json.loads(done.stdout)["reaction"]["hops"]
    except (ValueError, KeyError):
        sys.exit(f"{' '.join(command)} printed no reaction (exit code {done.returncode}):\n{done.stderr[-2000:]}")


def summarise(runs):
    """Per hop: median, least and greatest milliseconds since the load step, and median since the hop before."""
    rows = []
    for name in [hop["name"] for hop in runs[0]]:
        hops = [hop for run in runs for hop in run if hop["name"] == name]
        since_start = [hop["since_start_ms"] for hop in hops if hop["since_start_ms"] is not None]
        since_previous = [hop["since_previous_ms"] for hop in hops if hop["since_previous_ms"] is not None]
        rows.append({
            "hop": name,
            "seen": len(since_start),
            "median_ms": statistics.median(since_start) if since_start else None,
            "min_ms": min(since_start, default=None),
            "max_ms": max(since_start, default=None),
            "median_since_previous_ms": statistics.median(since_previous) if since_previous else None,
        })
    return rows


def shown(value):
    return "-" if value is None else f"{value / 1000:.3f}"


def main():
    parser = argparse.ArgumentParser(prog="scripts/bench reaction", description=__doc__)
    parser.add_argument("--binary", required=True)
    parser.add_argument("--runs", type=int, default=5)
    parser.add_argument("--high-for", default="20s", help="how long the high load lasts")
    parser.add_argument("--json", action="store_true")
    arguments = parser.parse_args()
    if arguments.runs < 1:
        parser.error("--runs must be 1 or more")

    runs = []
    for number in range(arguments.runs):
        if not arguments.json:
            print(f"run {number + 1} of {arguments.runs} ...", file=sys.stderr, flush=True)
        runs.append(one_run(arguments.binary, arguments.high_for))

    rows = summarise(runs)
    accepted = next((row for row in rows if row["hop"] == "trigger accepted"), None)
    good = accepted is not None and accepted["seen"] == len(runs) and accepted["median_ms"] <= GOAL_MS
    if arguments.json:
        print(json.dumps({"runs": len(runs), "goal_ms": GOAL_MS, "reached": good, "hops": rows, "raw": runs}, indent=2))
    else:
        print(f"{'HOP':<24}{'SEEN':>6}{'MEDIAN s':>10}{'MIN s':>9}{'MAX s':>9}{'SINCE LAST s':>14}")
        for row in rows:
            print(f"{row['hop']:<24}{row['seen']:>6}{shown(row['median_ms']):>10}{shown(row['min_ms']):>9}"
                  f"{shown(row['max_ms']):>9}{shown(row['median_since_previous_ms']):>14}")
        print(f"load step to trigger accepted: {'reached' if good else 'NOT reached'} "
              f"(goal {GOAL_MS / 1000:.0f} s or less at the median)")
    return 0 if good else 1


if __name__ == "__main__":
    sys.exit(main())
