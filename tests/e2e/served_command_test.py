# SPDX-License-Identifier: Apache-2.0
"""Local nodes that run a program of the user's own, here python's HTTP server, each on GPUs of its own."""
import os
import signal
import unittest
import urllib.request

from harness import SECRET_IN, SECRET_OUT, ServerTest, config_text, wait_for

PROVIDER = """provider:
      type: local
      source: virtual
      interval: 200ms
      command: [python3, -m, http.server, --bind, 127.0.0.1, "{port}"]
      gpus: [0, 1, 2]
      ready: /
      grace: 5s
    telemetry_timeout: 3s"""


def with_command(text):
    line = next(line for line in text.splitlines() if "provider:" in line)
    return text.replace(line, "    " + PROVIDER)


class ServedCommand(ServerTest):
    def programs(self, server):
        """Node id -> (pid, CUDA_VISIBLE_DEVICES) of each program, not of its agent."""
        found = {}
        for entry in filter(str.isdigit, os.listdir("/proc")):
            try:
                with open(f"/proc/{entry}/environ", "rb") as f:
                    environment = dict(part.split(b"=", 1) for part in f.read().split(b"\0") if b"=" in part)
                with open(f"/proc/{entry}/cmdline", "rb") as f:
                    command = f.read()
                ours = os.readlink(f"/proc/{entry}/cwd").startswith(os.path.realpath(server.root))
            except OSError:
                continue
            if ours and b"http.server" in command and b"agent" not in command:
                node = environment[b"GPUSCALE_NODE_MARK"].decode().rsplit("/", 1)[-1]
                found[node] = (int(entry), environment[b"CUDA_VISIBLE_DEVICES"].decode())
        return found

    def end_programs(self, server):
        for pid, _ in self.programs(server).values():
            os.kill(pid, signal.SIGKILL)

    def test_programs_are_placed_adopted_scaled_and_ended(self):
        server = self.server(with_command(config_text(max=4, cooldown_out="0s", cooldown_in="0s")))
        self.addCleanup(self.end_programs, server)
        ready = server.wait_ready(2)
        for node in ready:
            with urllib.request.urlopen(node["endpoint"], timeout=5) as answer:
                self.assertEqual(answer.status, 200)
        before = self.programs(server)
        self.assertEqual(sorted(gpus for _, gpus in before.values()), ["0", "1"])

        server.kill9()
        server.start()
        server.wait_ready(2)
        self.assertEqual(self.programs(server), before, "the same programs, none doubled, none lost")

        self.assertEqual(server.trigger("gpu-out", SECRET_OUT, step=2)[0], 200)
        server.wait_ready(3)
        self.assertEqual(sorted(gpus for _, gpus in self.programs(server).values()), ["0", "1", "2"])
        pool = wait_for("the fourth to be refused", lambda: [
            p for p in server.json("/api/v1/pools")["pools"] if "GPUs are free" in p.get("phase_reason", "")])
        self.assertIn("taken: 0 by", pool[0]["phase_reason"])

        self.assertEqual(server.trigger("gpu-in", SECRET_IN, step=2)[0], 200)
        wait_for("one program to end", lambda: len(self.programs(server)) == 2, seconds=60)
        left = self.programs(server)
        self.assertTrue(set(left) <= {node["id"] for node in server.nodes("ready")}, left)

    def test_a_program_that_ends_is_replaced(self):
        server = self.server(with_command(config_text(min=1, max=1)))
        self.addCleanup(self.end_programs, server)
        first = server.wait_ready(1)[0]["id"]
        os.kill(self.programs(server)[first][0], signal.SIGTERM)
        wait_for("another node", lambda: [n for n in server.nodes("ready") if n["id"] != first])


if __name__ == "__main__":
    unittest.main()
