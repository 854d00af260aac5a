# SPDX-License-Identifier: Apache-2.0
"""Real processes of the real binary, for end-to-end tests. Standard library only; loopback only."""
import json
import os
import shutil
import signal
import socket
import subprocess
import tempfile
import time
import unittest
import urllib.error
import urllib.parse
import urllib.request

BINARY = os.environ.get("GPUSCALE_BINARY", "build/release/gpuscale")
SECRET_OUT = "out-secret-0123456789abcdef"
SECRET_IN = "in-secret-0123456789abcdef"

CONFIG = """
cluster: e2e
pools:
  - name: gpu
    provider: {{type: local, service_time: 20ms, interval: 200ms}}
    min: {min}
    max: {max}
    cooldown: {{scale_out: {cooldown_out}, scale_in: {cooldown_in}}}
triggers:
  - {{name: gpu-out, pool: gpu, type: scale_out, step: 1, secret: {secret_out}}}
  - {{name: gpu-in, pool: gpu, type: scale_in, step: 1, secret: {secret_in}}}
{more}
"""


def config_text(**changes):
    values = dict(min=2, max=4, cooldown_out="1s", cooldown_in="1s", secret_out=SECRET_OUT, secret_in=SECRET_IN, more="")
    values.update(changes)
    return CONFIG.format(**values)


def free_port():
    with socket.socket() as s:
        s.bind(("127.0.0.1", 0))
        return s.getsockname()[1]


def wait_for(what, check, seconds=30, every=0.1):
    """Polls until check() is true and returns its value; raises with `what` after `seconds`."""
    deadline = time.monotonic() + seconds
    last = None
    while time.monotonic() < deadline:
        try:
            last = check()
            if last:
                return last
        except (OSError, urllib.error.URLError, KeyError, ValueError) as error:
            last = error
        time.sleep(every)
    raise AssertionError(f"waited {seconds} s for {what}; last seen: {last!r}")


def run(*arguments, timeout=60, env=None):
    merged = dict(os.environ, **(env or {}))
    return subprocess.run([BINARY, *arguments], capture_output=True, text=True, timeout=timeout, env=merged)


def mounted(folder, megabytes, remount=False):
    """A tmpfs of that size on the folder; false where it cannot be had."""
    options = ("remount," if remount else "") + f"size={megabytes}m"
    return subprocess.run(["mount", "-t", "tmpfs", "-o", options, "tmpfs", folder], capture_output=True, check=False).returncode == 0


def small_disk(test, folder, megabytes):
    """The same for one test, which is skipped where it cannot be had."""
    if os.geteuid() != 0 or not mounted(folder, megabytes):
        test.skipTest("needs root and mount(8) for a small tmpfs")
    test.addCleanup(subprocess.run, ["umount", "-l", folder], check=False)


class Server:
    """One `gpuscale serve` on a free port with a data folder of its own."""

    def __init__(self, config=None, auth=False, data=None, port=None, env=None, any_port=False):
        self.root = data or tempfile.mkdtemp(prefix="gpuscale-e2e-")
        self.data = os.path.join(self.root, "data")
        self.port = port or free_port()
        self.url = f"http://127.0.0.1:{self.port}"
        self.config = config
        self.auth = auth
        self.env = env or {}
        self.any_port = any_port  # the server says where it is
        self.process = None

    def start(self, wait=True):
        arguments = [BINARY, "serve", "--data", self.data, "--listen",
                     "127.0.0.1:0" if self.any_port else f"127.0.0.1:{self.port}"]
        if not self.auth:
            arguments.append("--no-auth")
        if self.config is not None:
            path = os.path.join(self.root, "gpuscale.yaml")
            with open(path, "w", encoding="utf-8") as f:
                f.write(self.config)
            arguments += ["--config", path]
        self.log = open(os.path.join(self.root, "server.log"), "ab")
        self.process = subprocess.Popen(arguments, stdout=self.log, stderr=self.log, stdin=subprocess.DEVNULL,
                                        env=dict(os.environ, **self.env))
        if self.any_port:
            said = "gpuscale serves at "
            wait_for("the server's address", lambda: said in self.log_text())
            self.url = self.log_text().split(said)[1].split()[0]
        if wait:
            wait_for("the server to be ready", self._ready)
        return self

    def _ready(self):
        if self.process.poll() is not None:
            raise AssertionError(f"the server ended with {self.process.returncode}:\n{self.log_text()}")
        return self.get("/readyz")[0] == 200

    def log_text(self):
        with open(os.path.join(self.root, "server.log"), encoding="utf-8", errors="replace") as f:
            return f.read()

    def kill9(self):
        self.process.send_signal(signal.SIGKILL)
        self.process.wait()
        self.log.close()

    def stop(self):
        if self.process and self.process.poll() is None:
            self.process.send_signal(signal.SIGTERM)
            self.process.wait(timeout=20)
        self.log.close()

    def close(self):
        """Stops the server and every node it left running, then removes the folder."""
        if self.process and self.process.poll() is None:
            self.process.kill()
            self.process.wait()
        self.log.close()
        for pid in self.node_pids().values():
            try:
                os.kill(pid, signal.SIGKILL)
            except ProcessLookupError:
                pass
        shutil.rmtree(self.root, ignore_errors=True)

    def request(self, method, path, body=None, headers=None):
        data = body.encode() if isinstance(body, str) else body
        request = urllib.request.Request(self.url + path, data=data, method=method, headers=headers or {})
        try:
            with urllib.request.urlopen(request, timeout=15) as response:
                return response.status, response.read().decode(), dict(response.headers)
        except urllib.error.HTTPError as error:
            return error.code, error.read().decode(), dict(error.headers)

    def get(self, path, headers=None):
        return self.request("GET", path, headers=headers)

    def json(self, path):
        status, body, _ = self.get(path)
        if status != 200:
            raise ValueError(f"{path}: {status} {body}")
        return json.loads(body)

    def write(self, lines, query="db=gpuscale", headers=None):
        return self.request("POST", "/write?" + query, lines, headers)

    def query(self, text, **more):
        parameters = {"db": "gpuscale", "q": text, "epoch": "ns", **more}
        status, body, _ = self.get("/query?" + urllib.parse.urlencode(parameters))
        return status, json.loads(body)

    def trigger(self, name, secret, headers=None, **parameters):
        query = urllib.parse.urlencode({"triggerUrl": name, "secret": secret, **parameters})
        status, body, answered = self.request("POST", "/hook/trigger?" + query, "", headers)
        return status, json.loads(body), answered

    def nodes(self, state=None):
        nodes = self.json("/api/v1/nodes?pool=gpu")["nodes"]
        return [n for n in nodes if state is None or n["state"] == state]

    def wait_ready(self, count, seconds=30):
        return wait_for(f"{count} ready nodes", lambda: len(self.nodes("ready")) == count and self.nodes("ready"), seconds)

    def node_pids(self):
        """Node id -> pid of every live process that carries a node mark and belongs to this server's folder."""
        found = {}
        for entry in os.listdir("/proc"):
            if not entry.isdigit():
                continue
            try:
                with open(f"/proc/{entry}/environ", "rb") as f:
                    environment = f.read().split(b"\0")
                cwd = os.readlink(f"/proc/{entry}/cwd")
            except OSError:
                continue
            if not cwd.startswith(os.path.realpath(self.root)):
                continue
            for variable in environment:
                if variable.startswith(b"GPUSCALE_NODE_MARK="):
                    found[variable.decode().rsplit("/", 1)[-1]] = int(entry)
        return found


class ServerTest(unittest.TestCase):
    """A test that gets its servers from self.server(...) and has them cleaned away."""

    def server(self, *arguments, **keywords):
        server = Server(*arguments, **keywords)
        self.addCleanup(server.close)
        return server.start()
