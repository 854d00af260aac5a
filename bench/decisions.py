"""Decision quality: every policy on each demand trace, beside a constant pool of the size that hindsight would buy."""
# SPDX-License-Identifier: Apache-2.0
# Where the reference simulator's figures lie ($GPUSCALE_SIM_DIR), every one of its rows is compared as well.
import argparse
import csv
import json
import math
import os
import subprocess
import sys
import tempfile

from demand import days

ROOT = os.path.join(os.path.dirname(os.path.abspath(__file__)), "..")
TRACES = os.environ.get("GPUSCALE_TRACES_DIR", os.path.join(ROOT, "..", "shared", "traces"))
REFERENCE = os.path.join(os.environ.get("GPUSCALE_SIM_DIR", os.path.join(ROOT, "..", "shared", "sim")), "reference.csv")
POLICIES = ["lookout", "lookout_util", "lookout_v1", "lookout_v1_util", "recipe", "recipe_repeat", "hpa=0.45", "hpa", "hpa_ca", "keda", "kpa", "kpa_600", "aws_tt",
            "aws_step", "gce_mig"]
OUR_NAMES = {"seed": "recipe", "seed_repeat": "recipe_repeat", "lookout": "lookout_v1", "lookout_util": "lookout_v1_util"}
NEAR = 1e-4  # how far a figure may lie from the reference's, relative for node-hours, absolute for bad


def simulate(binary, entry, boot, policies):
    command = [binary, "simulate", "--trace", os.path.join(TRACES, entry["file"]), "--tick", f"{entry['sim_dt_s']}s", "--boot", f"{boot}s",
               "--policy", policies[0], "--vs", ",".join(policies[1:]), "--no-optimum", "--output", "json"]
    return json.loads(subprocess.run(command, stdout=subprocess.PIPE, check=True, text=True).stdout)["policies"]


def oracle_hours(rows):
    return {(row["trace"], int(row["boot_s"])): float(row["node_hours"]) for row in rows if row["policy"] == "oracle"}


def table(binary, manifest, oracle):
    out = []
    for trace, entry in sorted(manifest.items()):
        for boot in (60, 180):
            for row in simulate(binary, entry, boot, POLICIES):
                best = oracle.get((trace, boot))
                # J: node-hours and a hundred for each that went bad, over the optimum.
                price = row["node_hours"] + 100 * row["bad"] * entry["mean"] * entry["duration_h"]
                out.append({"trace": trace, "boot_seconds": boot, **row, "share_of_optimum": row["node_hours"] / best if best else None,
                            "j": price / best if best else None})
    return out


def compare(binary, manifest, rows):
    """The worst differences over every row of the reference."""
    worst = {"rows": 0, "node_hours": 0.0, "bad": 0.0, "actions": 0}
    wanted = [row for row in rows if row["policy"] not in ("oracle", "static_peak")]
    for trace, entry in manifest.items():
        for boot in (60, 180):
            cases = [row for row in wanted if row["trace"] == trace and int(row["boot_s"]) == boot]
            names = [f"{OUR_NAMES.get(row['policy'], row['policy'])}={row['knob']}" for row in cases]
            for theirs, ours in zip(cases, simulate(binary, entry, boot, names)):
                worst["rows"] += 1
                worst["node_hours"] = max(worst["node_hours"], abs(ours["node_hours"] / float(theirs["node_hours"]) - 1))
                worst["bad"] = max(worst["bad"], abs(ours["bad"] - float(theirs["bad"])))
                worst["actions"] = max(worst["actions"], abs(ours["actions"] - int(theirs["actions"])))
    return worst


def first_in_j(rows, name):
    """In how many cases nobody else is better by J; but for hindsight, and for lookout's other forms against each other."""
    cases = {}
    for row in rows:
        if row["j"] is not None:
            cases.setdefault((row["trace"], row["boot_seconds"]), {})[row["policy"]] = row["j"]
    ours = [case for case in cases.values() if name in case]
    first = sum(all(j >= case[name] for other, j in case.items() if not other.startswith("static") and not (name.startswith("lookout") and other.startswith("lookout"))) for case in ours)
    return f"{first}/{len(ours)}"


def print_table(rows):
    core = [row for row in rows if row["trace"] != "azure_code_2023"]  # its bursts are shorter than a boot: nobody can follow them
    heads = ["policy", "C (core)", "worst bad (core)", "cases <= 0.1 %", "worst bad (azure_code)", "first in J", "actions/h"]
    lines = []
    for name in dict.fromkeys(row["policy"] for row in rows):
        mine = [row for row in core if row["policy"] == name]
        if not mine or name.startswith("static"):
            continue
        hard = [row["bad"] for row in rows if row["policy"] == name and row["trace"] == "azure_code_2023"]
        shares = [row["share_of_optimum"] for row in mine if row["share_of_optimum"]]
        c = math.exp(sum(map(math.log, shares)) / len(shares)) if shares else float("nan")
        lines.append([name, f"{c:.2f}", f"{100 * max(row['bad'] for row in mine):.2f} %",
                      f"{sum(row['bad'] <= 0.001 for row in mine)}/{len(mine)}", f"{100 * max(hard, default=0):.1f} %",
                      first_in_j(rows, name), f"{sum(row['actions_per_hour'] for row in mine) / len(mine):.1f}"])
    widths = [max(len(line[i]) for line in [heads, *lines]) for i in range(len(heads))]
    for line in [heads, *lines]:
        print("  ".join(cell.ljust(width) for cell, width in zip(line, widths)).rstrip())
    print("C = node-hours over the clairvoyant optimum, geometric mean; bad = share of the load late or lost; boot 60 and 180 s;\nJ = C + 100 times the bad load over the optimum; first: of all 8 cases, lookout's forms not against each other.")


def on_made_up_days(binary):
    """On traces of days that are alike, and not: here history can help, and must not harm."""
    rows = []
    with tempfile.TemporaryDirectory() as folder:
        for kind in days.KINDS:
            path = os.path.join(folder, kind + ".csv")
            hours = days.write(kind, path) * days.DAYS * 24
            for boot in (60, 180):
                for row in simulate(binary, {"file": path, "sim_dt_s": days.TICK}, boot, POLICIES):
                    rows.append({"trace": kind, "boot_seconds": boot, **row, "share_of_load": row["node_hours"] / hours})
    return rows


def print_made_up_days(rows):
    cases = list(dict.fromkeys((row["trace"], row["boot_seconds"]) for row in rows))
    print("\nTwo made-up weeks: node-hours over the load, and bad")
    print(f"{'policy':24}" + "".join(f"{trace:>11}{boot:4}s" for trace, boot in cases))
    for name in dict.fromkeys(row["policy"] for row in rows):
        mine = {(row["trace"], row["boot_seconds"]): row for row in rows if row["policy"] == name}
        if len(mine) == len(cases):
            figures = [f"{mine[case]['share_of_load']:.2f} {100 * mine[case]['bad']:6.2f} %" for case in cases]
            print(f"{name:24}" + "".join(f"{figure:>16}" for figure in figures))


def main():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--binary", required=True)
    parser.add_argument("--json", action="store_true")
    options = parser.parse_args()
    if not os.path.exists(os.path.join(TRACES, "manifest.json")):
        sys.exit(f"no traces in {TRACES}; set GPUSCALE_TRACES_DIR")
    with open(os.path.join(TRACES, "manifest.json"), encoding="utf-8") as f:
        manifest = json.load(f)
    reference = []
    if os.path.exists(REFERENCE):
        with open(REFERENCE, encoding="utf-8", newline="") as f:
            reference = list(csv.DictReader(f))
    rows = table(options.binary, manifest, oracle_hours(reference))
    made_up = on_made_up_days(options.binary)
    worst = compare(options.binary, manifest, reference) if reference else None
    if options.json:
        print(json.dumps({"policies": rows, "made_up_days": made_up, "difference_to_reference": worst}, indent=1))
    else:
        print_table(rows)
        print_made_up_days(made_up)
        if worst:
            print(f"{worst['rows']} rows of the reference: node-hours within {worst['node_hours']:.1e}, bad within {worst['bad']:.1e}, "
                  f"actions within {worst['actions']}.")
    if worst and (worst["node_hours"] > NEAR or worst["bad"] > NEAR):
        sys.exit(1)


if __name__ == "__main__":
    main()
