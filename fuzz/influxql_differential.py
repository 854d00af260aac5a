#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Writes random points to our server and to a real InfluxDB 1.6.7, asks both random valid queries, and compares the answers byte by byte.

    fuzz/influxql_differential.py --binary build/release/gpuscale [--influxd PATH] [--seconds 600] [--seed N]

The first difference is printed with what it takes to see it again; the exit code is then 1. Values are multiples of a half, since a sum
of others depends on the order in which a server adds them; a mean over several series may still differ in its last digits, which are counted
apart: 1.6.7 multiplies each part's mean by its count again, and cuts the parts by its number of processors.

Left out, because a real server is not of one mind with itself or plainly wrong (docs/storage.md, "Where it differs"): sample(); answers over
10,000 rows; low percentiles of few samples; first() and last() without buckets of several series with one time, and which of them a selector's
other columns are taken from; top() and bottom() with LIMIT;
integral() by tags, and of integers in buckets or backwards; abs() of integers; exp(), ln() and the angles."""
import argparse
import http.client
import json
import os
import random
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
import time
import urllib.parse

START = 1_700_000_000  # seconds
SPAN = 900


def free_port():
    with socket.socket() as s:
        s.bind(("127.0.0.1", 0))
        return s.getsockname()[1]


class Server:
    def __init__(self, name, command, port, folder):
        self.name = name
        self.port = port
        self.log = open(os.path.join(folder, name + ".log"), "ab")
        self.process = subprocess.Popen(command, stdout=self.log, stderr=self.log)
        self.connection = None
        deadline = time.monotonic() + 60
        while True:
            try:
                if self.call("GET", "/ping")[0] == 204:
                    return
            except OSError:
                pass
            if time.monotonic() > deadline or self.process.poll() is not None:
                sys.exit(f"{name} did not start")
            time.sleep(0.05)

    def call(self, method, path, body=None):
        for attempt in (1, 2):
            try:
                if self.connection is None:
                    self.connection = http.client.HTTPConnection("127.0.0.1", self.port, timeout=60)
                self.connection.request(method, path, body)
                answer = self.connection.getresponse()
                return answer.status, answer.read()
            except (OSError, http.client.HTTPException):
                self.connection = None
                if attempt == 2:
                    raise

    def query(self, text, **parameters):
        return self.call("POST", "/query?" + urllib.parse.urlencode({"db": "fuzz", "q": text, **parameters}))

    def write(self, lines):
        return self.call("POST", "/write?db=fuzz", lines)

    def stop(self):
        self.process.send_signal(signal.SIGKILL)
        self.process.wait()
        self.log.close()


def ours(binary, folder):
    port = free_port()
    return Server("gpuscale", [binary, "serve", "--no-auth", "--data", os.path.join(folder, "ours"), "--listen",
                               f"127.0.0.1:{port}"], port, folder)


def theirs(influxd, folder):
    port = free_port()
    path = os.path.join(folder, "influxdb.conf")
    with open(path, "w", encoding="utf-8") as f:
        f.write(f'reporting-disabled = true\nbind-address = "127.0.0.1:{free_port()}"\n[meta]\ndir = "{folder}/meta"\n'
                f'[data]\ndir = "{folder}/data"\nwal-dir = "{folder}/wal"\nquery-log-enabled = false\n'
                f'[http]\nbind-address = "127.0.0.1:{port}"\nlog-enabled = false\n[monitor]\nstore-enabled = false\n')
    return Server("InfluxDB", [influxd, "-config", path], port, folder)


class Maker:
    """Points and queries. One series has one point at a time, and each measurement its own fields."""

    def __init__(self, seed):
        self.random = random.Random(seed)

    def line(self):
        r = self.random
        tags = "".join(f",{key}={r.choice(values)}" for key, values in (("host", "abc"), ("zone", "xy")) if r.random() < 0.8)
        fields = []
        if r.random() < 0.9:
            fields.append(f"f={r.randrange(-200, 200) / 2}")
        if r.random() < 0.6:
            fields.append(f"i={r.randrange(-50, 50)}i")
        if r.random() < 0.3:
            fields.append(f's="{r.choice(("red", "green", ""))}"')
        if r.random() < 0.3 or not fields:
            fields.append(f"b={r.choice('tf')}")
        at = START + r.randrange(SPAN) if r.random() < 0.7 else START + 10 * r.randrange(SPAN // 10)
        return f"m{r.randrange(2)}{tags} {','.join(fields)} {at}000000000"

    def where(self):
        r = self.random
        begin = r.randrange(SPAN)
        end = r.randrange(begin, SPAN + 100)
        parts = [f"time >= {START + begin}s", f"time < {START + end}s"]
        extra = ("host = 'a'", "host != 'b'", "host =~ /a|c/", "zone !~ /x/", "f > 3.5", "i <= 10", "f >= 0 AND i < 0",
                 "(host = 'a' OR zone = 'y')", "host = ''", "b = true", "s = 'red'")
        if r.random() < 0.4:
            parts.append(r.choice(extra))
        return " AND ".join(parts)

    def aggregate(self, bucketed):
        r = self.random
        number = r.choice("fi")
        plain = [f"{name}({number})" for name in ("count", "sum", "mean", "min", "max", "first", "last", "spread", "median",
                                                  "stddev", "mode")]
        plain += [f"percentile({number}, {r.choice((50, 90, 99.5))})", f"count({r.choice('sb')})", f"first({r.choice('sb')})"]
        if bucketed and r.random() < 0.3:
            inner = r.choice(plain[:7])
            return r.choice((f"derivative({inner}, 10s)", f"difference({inner})", f"moving_average({inner}, 3)",
                             f"cumulative_sum({inner})", f"non_negative_derivative({inner}, 1s)", f"elapsed({inner}, 1s)"))
        return r.choice(plain)

    def lone(self, bucketed):
        """A call that stands alone in its SELECT, or rows of one, or a formula."""
        r = self.random
        number = r.choice("fi")
        most = r.choice((1, 2, 3, 5))
        calls = [f"top({number}, {most})", f"bottom({number}, {most})", f"top({number}, host, {most})", f"bottom({number}, zone, {most})",
                 f"distinct({r.choice('fisb')})", f"count(distinct({r.choice('fisb')}))", f"integral(f{r.choice(('', ', 1m'))})",
                 f"mean({number}) * 2", f"max({number}) - min({number})", f"sum({number}) / count({number})", "max(f) * max(i)", "count(f) + count(s)",
                 f"max({number}) / 0", "max(i) % 7", "max(i) & 3", "min(i) | 1", "max(i) ^ min(i)", "abs(min(f))", f"floor(mean({number}))",
                 f"ceil(max({number}))", f"round(mean({number}))", f"pow(min({number}), {r.choice((2, 2, 3, 5))})", "sqrt(abs(max(f)))", f"0 - max({number})"]
        if not bucketed:
            calls += [f"derivative({number}, 10s)", f"difference({number})", f"moving_average({number}, 3)", f"cumulative_sum({number})",
                      f"non_negative_difference({number})", f"elapsed({number}, 1s)", "abs(f)"]
        return r.choice(calls)

    def selector(self):
        """A selector with other columns."""
        r = self.random
        number = r.choice("fi")
        call = r.choice((f"max({number})", f"min({number})", f"first({number})", f"last({number})", f"percentile({number}, 90)"))
        return f"{call}, {r.choice(('host', 'zone, i', 's', '*'))}"

    def dimensions(self, bucketed):
        r = self.random
        out = []
        if bucketed:
            every = r.choice(("7s", "10s", "30s", "1m", "5m"))
            out.append(f"time({every})" if r.random() < 0.8 else f"time({every}, {r.choice(('3s', '-4s'))})")
        out += r.choice(([], [], ["host"], ["zone"], ["host", "zone"], ["*"]))
        return out

    def tail(self, bucketed, dimensions, limited=True):
        r = self.random
        out = " GROUP BY " + ", ".join(dimensions) if dimensions else ""
        if bucketed and r.random() < 0.6:
            out += f" fill({r.choice(('null', 'none', 'previous', 'linear', '0', '7'))})"
        if r.random() < 0.2:
            out += " ORDER BY time DESC"
        if limited and r.random() < 0.2:
            out += f" LIMIT {r.randrange(1, 8)}"
            if r.random() < 0.5:
                out += f" OFFSET {r.randrange(4)}"
        if r.random() < 0.1 and len(dimensions) > (1 if bucketed else 0):
            out += f" SLIMIT {r.randrange(1, 4)}"
        return out

    def query(self):
        r = self.random
        kind = r.random()
        source = f"m{r.randrange(2)}"
        if kind < 0.1:
            return r.choice(("SHOW MEASUREMENTS", "SHOW SERIES", "SHOW TAG KEYS", "SHOW FIELD KEYS", f"SHOW SERIES FROM {source} WHERE host = 'a'",
                             'SHOW TAG VALUES WITH KEY = "host"', f"SHOW TAG VALUES FROM {source} WITH KEY =~ /host|zone/ WHERE zone = 'x'"))
        if kind < 0.25:
            columns = r.choice(("f", "i", "f, i", "*", "f + 1", "f * i", "s, b", "f, host", "s", "s, host"))
            return f"SELECT {columns} FROM {source} WHERE {self.where()}" + self.tail(
                False, r.choice(([], ["host"], ["zone"], ["host", "zone"])))
        bucketed = r.random() < 0.7
        buckets = [f"time({r.choice(('10s', '30s', '5m'))})"] if bucketed else []
        if kind < 0.3:  # one series for each group
            return f"SELECT {self.selector()} FROM {source} WHERE {self.where()}" + self.tail(bucketed, buckets + ["host", "zone"])
        dimensions = self.dimensions(bucketed)
        if kind < 0.4:
            inner = f"SELECT {self.aggregate(False)} AS v FROM {source} WHERE {self.where()} GROUP BY time(10s), host, zone fill(none)"
            call = r.choice(("mean", "max", "sum", "count"))
            if "first(s)" in inner or "first(b)" in inner:
                call = "count"
            every = r.choice(("1m", "30s"))
            return f"SELECT {call}(v) FROM ({inner}) WHERE {self.where_time()} GROUP BY time({every}) fill(none)"
        if kind < 0.6:
            call = self.lone(bucketed)
            if "integral" in call:
                dimensions = buckets
            limited = not call.startswith(("top", "bottom"))
            return f"SELECT {call} FROM {source} WHERE {self.where()}" + self.tail(bucketed, dimensions, limited)
        calls = ", ".join(f"{self.aggregate(bucketed)} AS c{n}" for n in range(1 if r.random() < 0.7 else 2))
        if not bucketed and ("first" in calls or "last" in calls):
            dimensions = ["host", "zone"]
        return f"SELECT {calls} FROM {source} WHERE {self.where()}" + self.tail(bucketed, dimensions)

    def where_time(self):
        return f"time >= {START}s AND time < {START + SPAN}s"


def is_rounding(ours, theirs):
    """Whether two answers of the same form differ in the last digits of numbers alone."""
    if type(ours) is not type(theirs):
        return False
    if isinstance(ours, dict):
        return ours.keys() == theirs.keys() and all(is_rounding(ours[key], theirs[key]) for key in ours)
    if isinstance(ours, list):
        return len(ours) == len(theirs) and all(map(is_rounding, ours, theirs))
    if isinstance(ours, float):
        return abs(ours - theirs) <= 1e-12 * max(abs(ours), abs(theirs), 1)
    return ours == theirs


def differ_in_rounding(answers):
    try:
        return answers[0][0] == answers[1][0] and is_rounding(*(json.loads(body, parse_int=float) for _, body in answers))
    except ValueError:
        return False


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--binary", required=True)
    parser.add_argument("--influxd", default=shutil.which("influxd"))
    parser.add_argument("--seconds", type=float, default=600)
    parser.add_argument("--seed", type=int, default=int(time.time()))
    parser.add_argument("--keep-going", action="store_true", help="print every difference, not the first alone")
    arguments = parser.parse_args()
    if not arguments.influxd:
        parser.error("no influxd: install Debian's influxdb or name it by --influxd")
    folder = tempfile.mkdtemp(prefix="gpuscale-differential-")
    servers = [ours(arguments.binary, folder), theirs(arguments.influxd, folder)]
    maker = Maker(arguments.seed)
    asked = 0
    differences = 0
    roundings = 0
    deadline = time.monotonic() + arguments.seconds
    try:
        while time.monotonic() < deadline:
            for server in servers:
                server.query("DROP DATABASE fuzz")
                server.query("CREATE DATABASE fuzz")
            written = []
            for _ in range(maker.random.randrange(1, 6)):
                lines = "\n".join(maker.line() for _ in range(maker.random.randrange(1, 80)))
                written.append(lines)
                answers = [server.write(lines) for server in servers]
                if answers[0] != answers[1]:
                    print(f"seed {arguments.seed}: a write is answered differently:\n{lines}\n{answers[0]}\n{answers[1]}")
                    return 1
                for _ in range(30):
                    text = maker.query()
                    epoch = maker.random.choice(({}, {"epoch": "s"}, {"epoch": "ns"}))
                    answers = [server.query(text, **epoch) for server in servers]
                    asked += 1
                    if answers[0] == answers[1] or time.monotonic() > deadline:
                        continue
                    if "mean(" in text and differ_in_rounding(answers):
                        roundings += 1
                        continue
                    differences += 1
                    print(f"seed {arguments.seed}, query {asked}: {text}\nours:   {answers[0]}\ntheirs: {answers[1]}")
                    if not arguments.keep_going:
                        path = os.path.join(tempfile.gettempdir(), f"gpuscale-differential-{arguments.seed}.lines")
                        with open(path, "w", encoding="utf-8") as f:
                            f.write("\n".join(written) + "\n")
                        print(f"the points: {path}")
                        return 1
        print(f"seed {arguments.seed}: {asked} queries, {differences} differences; {roundings} means that differ in their last digits")
        return 1 if differences else 0
    finally:
        for server in servers:
            server.stop()
        shutil.rmtree(folder, ignore_errors=True)


if __name__ == "__main__":
    sys.exit(main())
