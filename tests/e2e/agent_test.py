# SPDX-License-Identifier: Apache-2.0
"""The agent over a fake NVIDIA driver: what a driver, a server or a kill may do to it."""
import http.server
import json
import os
import pathlib
import shutil
import signal
import socket
import subprocess
import tempfile
import threading
import time
import unittest
import urllib.request
import zlib

from harness import BINARY, small_disk, wait_for

SYSTEM_PYTHON = "/usr/bin/python3"  # the one that Debian's python3-grpcio is for
ROOT = pathlib.Path(__file__).resolve().parents[2]


class Server(http.server.ThreadingHTTPServer):
    """Stands for the gpuscale server: keeps the lines, answers with `status`."""

    def __init__(self):
        self.lines = []
        self.status = 204

        class Handler(http.server.BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"

            def do_POST(self):
                body = self.rfile.read(int(self.headers.get("Content-Length", 0)))
                if self.headers.get("Content-Encoding") == "gzip":
                    body = zlib.decompress(body, 31)
                if self.server.status == 204:
                    self.server.lines += body.decode().splitlines()
                self.send_response(self.server.status)
                self.send_header("Content-Length", "0")
                self.end_headers()

            def log_message(self, *_):
                pass

        super().__init__(("127.0.0.1", 0), Handler)
        threading.Thread(target=self.serve_forever, daemon=True).start()


def fake_driver(folder):
    subprocess.run(["g++", "-std=c++20", "-O1", "-shared", "-fPIC", f"-I{ROOT}/src", str(ROOT / "src/gpu/testing/fake_nvml.cpp"),
                    "-o", f"{folder}/libnvidia-ml.so.1"], check=True)


@unittest.skipUnless(shutil.which("g++"), "the fake driver is built with g++")
class AgentTest(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.drivers = tempfile.mkdtemp(prefix="gpuscale-driver-")
        fake_driver(cls.drivers)

    @classmethod
    def tearDownClass(cls):
        shutil.rmtree(cls.drivers)

    def setUp(self):
        self.folder = pathlib.Path(tempfile.mkdtemp(prefix="gpuscale-agent-"))
        self.addCleanup(shutil.rmtree, self.folder)
        self.server = Server()
        self.agent = None
        self.driver("")

    def tearDown(self):
        if self.agent and self.agent.poll() is None:
            self.agent.kill()
            self.agent.wait()
        self.server.shutdown()
        self.server.server_close()

    def driver(self, script):
        (self.folder / "script.new").write_text(script)
        (self.folder / "script.new").rename(self.folder / "script")

    def start(self, *more, interval="200ms"):
        endpoint = self.folder / "endpoint"
        endpoint.unlink(missing_ok=True)
        environment = dict(os.environ, GPUSCALE_NVML_PATH=self.drivers, FAKE_NVML_SCRIPT=str(self.folder / "script"))
        self.agent = subprocess.Popen(
            [BINARY, "agent", "--source", "nvml", "--interval", interval, "--server", f"http://127.0.0.1:{self.server.server_port}",
             "--spool", str(self.folder / "spool"), "--endpoint-file", str(endpoint), "--log-level", "off", *more], env=environment)
        wait_for("the agent's address", lambda: endpoint.exists() and endpoint.read_text())
        self.url = endpoint.read_text().strip()
        return self.until("ok")

    def get(self, path):
        with urllib.request.urlopen(self.url + path, timeout=10) as answer:
            return answer.read().decode()

    def until(self, state):
        def reached():
            status = json.loads(self.get("/status"))
            return status if status["source_state"] == state else None

        return wait_for(f"source state {state}", reached, seconds=60)

    @unittest.skipUnless(subprocess.run([SYSTEM_PYTHON, "-c", "import grpc"], capture_output=True).returncode == 0,
                         "needs Debian's python3-grpcio")
    def test_kubelet_says_which_pod_holds_a_device(self):
        socket = self.folder / "kubelet.sock"
        kubelet = subprocess.Popen([SYSTEM_PYTHON, str(ROOT / "tests/e2e/fake_kubelet.py"), str(socket), "llama-0", "team-a",
                                    "server", "GPU-0::2"])
        self.addCleanup(kubelet.wait)
        self.addCleanup(kubelet.kill)
        wait_for("kubelet's socket", socket.exists)
        self.start("--kubelet-socket", str(socket))
        wait_for("the pod's labels", lambda: 'pod="llama-0"' in self.get("/metrics"))
        series = [line for line in self.get("/metrics").splitlines() if line.startswith("DCGM_FI_DEV_GPU_UTIL{gpu=\"0\"")]
        self.assertEqual(len(series), 1)
        self.assertIn('container="server",namespace="team-a",pod="llama-0",vgpu="2"', series[0])
        device = json.loads(self.get("/devices"))["devices"][0]
        self.assertEqual(device["pods"][0]["pod"], "llama-0")
        wait_for("its line at the server", lambda: any(line.startswith("gpu_pod,") for line in self.server.lines))
        kubelet.kill()
        self.assertIn("gpuscale_agent_kubelet_up 1", self.get("/metrics"))
        self.until("ok")

    def test_a_hung_driver_is_named_and_recovers(self):
        first = self.start()
        self.driver("memory2 hang")
        hung = self.until("hung")
        self.assertIn("nvmlDeviceGetMemoryInfo_v2", hung["source_reason"])
        self.assertEqual(hung["devices_ok"], 0)
        self.assertNotIn("DCGM_FI_DEV_GPU_UTIL", self.get("/metrics"))
        self.driver("")
        self.assertNotEqual(self.until("ok")["sampler_pid"], first["sampler_pid"])
        self.assertIn("DCGM_FI_DEV_GPU_UTIL", self.get("/metrics"))
        wait_for("its state at the server", lambda: any('sampler_state="hung"' in line for line in self.server.lines))

    def test_a_slow_driver_costs_freshness_never_a_line(self):
        self.start()
        self.driver("memory2/0 slow")
        began = len([line for line in self.server.lines if line.startswith("node,")])
        wait_for("ten more lines of the node", lambda: len([line for line in self.server.lines if line.startswith("node,")]) > began + 10)
        self.assertEqual(json.loads(self.get("/status"))["sampler_restarts"], 0, "slow is not hung")
        self.driver("")
        self.until("ok")

    def test_a_killed_sampler_is_replaced(self):
        first = self.start()
        os.kill(first["sampler_pid"], signal.SIGKILL)
        wait_for("another sampler", lambda: json.loads(self.get("/status"))["sampler_restarts"] >= 1)
        self.assertNotEqual(self.until("ok")["sampler_pid"], first["sampler_pid"])

    def test_a_killed_supervisor_takes_its_sampler_along_and_loses_no_line(self):
        self.server.status = 503
        sampler = self.start()["sampler_pid"]
        wait_for("lines in the spool", lambda: json.loads(self.get("/status"))["buffered"] > 10)
        self.agent.kill()
        self.agent.wait()
        wait_for("the sampler's end", lambda: not pathlib.Path(f"/proc/{sampler}").exists())
        self.start()
        self.server.status = 204
        wait_for("what waited", lambda: len(self.server.lines) > 10)
        times = [int(line.rsplit(" ", 1)[1]) for line in self.server.lines if line.startswith("node,")]
        self.assertEqual(times, sorted(times))

    def test_an_outage_with_a_kill_of_either_process_loses_an_interval_each_at_most(self):
        """12 s of 100 ms; GPUSCALE_OUTAGE_SECONDS=600 makes it the ten minutes that are promised."""
        seconds = float(os.environ.get("GPUSCALE_OUTAGE_SECONDS", "12"))
        interval = 0.1

        def times(measurement):
            return sorted({int(line.rsplit(" ", 1)[1]) / 1e9 for line in self.server.lines if line.startswith(measurement + ",")})

        def lines_written():
            return json.loads(self.get("/status"))["buffered"]

        self.server.status = 503
        sampler = self.start(interval="100ms")["sampler_pid"]
        began = time.monotonic()
        # A sampler that worked for ten seconds is replaced at once.
        wait_for("the sampler to have settled", lambda: time.monotonic() - began > max(10.5, seconds / 2), seconds=seconds + 20)
        os.kill(sampler, signal.SIGKILL)
        killed_sampler = time.time()
        wait_for("another sampler", lambda: json.loads(self.get("/status"))["sampler_restarts"] >= 1)
        self.until("ok")
        written = lines_written()
        self.agent.kill()
        self.agent.wait()
        killed_agent = time.time()
        self.start(interval="100ms")
        started_again = time.time()
        self.assertGreaterEqual(lines_written(), written, "what was spooled is still there")
        wait_for("the rest of the outage", lambda: time.monotonic() - began > seconds, seconds=seconds + 20)
        self.assertEqual(json.loads(self.get("/status"))["dropped"], 0)
        waited = lines_written()
        self.server.status = 204
        wait_for("everything that waited", lambda: len(self.server.lines) >= waited, seconds=120)
        for measurement, dead in (("node", [(killed_agent, started_again)]),
                                  ("gpu", [(killed_agent, started_again), (killed_sampler, killed_sampler + interval)])):
            stamps = times(measurement)
            self.assertGreater(len(stamps), 0.8 * seconds / interval, measurement)
            for before, after in zip(stamps, stamps[1:]):
                excused = sum(min(after, end) - max(before, start) for start, end in dead if start < after and end > before)
                # Nine intervals: what a busy machine that runs tests may oversleep.
                self.assertLess(after - before - excused, 10 * interval, f"{measurement}: {dead}")

    def test_listens_where_scrapers_look_and_elsewhere_where_that_is_taken(self):
        def port_of_next_agent():
            agent = subprocess.Popen([BINARY, "agent", "--source", "virtual", "--server", f"http://127.0.0.1:{self.server.server_port}"],
                                     stderr=subprocess.PIPE, text=True)
            try:
                started = next(line for line in agent.stderr if "agent.started" in line)
                return int(started.split("port=")[1].split()[0])
            finally:
                agent.kill()
                agent.wait()
                agent.stderr.close()

        with socket.socket() as scraped:
            scraped.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            try:
                scraped.bind(("127.0.0.1", 9400))
            except OSError:
                self.skipTest("port 9400 is taken on this machine")
            scraped.listen()
            self.assertNotEqual(port_of_next_agent(), 9400)
        self.assertEqual(port_of_next_agent(), 9400)

    def test_a_full_disk_under_the_spool_costs_the_oldest_lines_and_no_sample(self):
        spool = self.folder / "spool"
        spool.mkdir()
        small_disk(self, str(spool), 1)
        ballast = spool / "ballast"
        ballast.write_bytes(b"x" * (1000 << 10))
        self.server.status = 503
        self.start(interval="100ms")
        wait_for("lines without a place", lambda: json.loads(self.get("/status"))["dropped"] > 0)
        self.assertEqual(json.loads(self.get("/status"))["source_state"], "ok")
        self.assertIn("DCGM_FI_DEV_GPU_UTIL", self.get("/metrics"))
        ballast.unlink()
        dropped = wait_for("a place again", self.dropped_no_more)
        self.server.status = 204
        wait_for("what waited", lambda: len([line for line in self.server.lines if line.startswith("node,")]) > 5)
        self.assertEqual(json.loads(self.get("/status"))["dropped"], dropped)

    def dropped_no_more(self):
        before = json.loads(self.get("/status"))
        wait_for("more lines", lambda: json.loads(self.get("/status"))["buffered"] > before["buffered"] + 6)
        return before["dropped"] == json.loads(self.get("/status"))["dropped"] and before["dropped"]

    def test_a_driver_upgraded_underneath_is_a_mismatch_until_it_is_reloaded(self):
        self.start()
        self.driver("init 18\nrates 18\n")
        self.assertIn("different versions", self.until("driver_mismatch")["source_reason"])
        self.driver("")
        self.until("ok")

    def test_a_server_that_refuses_does_not_stop_sampling(self):
        self.server.status = 400
        self.start()
        wait_for("refused lines", lambda: json.loads(self.get("/status"))["dropped"] > 10)
        self.server.status = 204
        wait_for("lines", lambda: len(self.server.lines) > 4)


if __name__ == "__main__":
    unittest.main()
