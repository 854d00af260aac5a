# SPDX-License-Identifier: Apache-2.0
"""`gpuscale top` over a real agent and a real server, also in a terminal."""
import fcntl
import os
import pathlib
import pty
import select
import shutil
import struct
import subprocess
import tempfile
import termios
import unittest

from harness import BINARY, Server, run, wait_for


class TopTest(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.folder = pathlib.Path(tempfile.mkdtemp(prefix="gpuscale-top-"))
        cls.server = Server().start()
        endpoint = cls.folder / "endpoint"
        cls.agent = subprocess.Popen([BINARY, "agent", "--source", "virtual", "--node", "n1", "--interval", "200ms", "--server",
                                      cls.server.url, "--endpoint-file", str(endpoint), "--log-level", "off"])
        cls.agent_url = wait_for("the agent's address", lambda: endpoint.exists() and endpoint.read_text()).strip()

    @classmethod
    def tearDownClass(cls):
        if cls.agent.poll() is None:
            cls.agent.kill()
        cls.agent.wait()
        cls.server.close()
        shutil.rmtree(cls.folder)

    def look(self, *arguments):
        done = run("top", "--once", *arguments, env={"COLUMNS": "80"})
        self.assertEqual(done.returncode, 0, done.stderr)
        self.assertNotIn("\x1b", done.stdout, "no colour where there is no terminal")
        self.assertTrue(all(len(line) <= 80 for line in done.stdout.splitlines()), done.stdout)
        return done.stdout

    def row(self, text):
        return next((line for line in text.splitlines() if line.startswith("n1 ")), "")

    def test_1_the_agent_and_the_server_show_the_same_device(self):
        self.assertIn("1 of 1 devices", self.look("--agent", self.agent_url))
        through_server = wait_for("its line at the server", lambda: self.row(self.look("--server", self.server.url)))
        self.assertEqual(through_server.split()[:2], self.row(self.look("--agent", self.agent_url)).split()[:2])
        self.assertIn("PID", self.look("--agent", self.agent_url, "--processes"))

    def test_2_keys_in_a_terminal_and_the_terminal_as_it_was(self):
        primary, secondary = pty.openpty()
        fcntl.ioctl(secondary, termios.TIOCSWINSZ, struct.pack("HHHH", 24, 80, 0, 0))
        before = termios.tcgetattr(secondary)
        top = subprocess.Popen([BINARY, "top", "--agent", self.agent_url, "--interval", "200ms"], stdin=secondary, stdout=secondary,
                               env=dict(os.environ, TERM="xterm", NO_COLOR="1"))
        self.addCleanup(top.wait)
        self.addCleanup(top.kill)
        seen = b""

        def shows(text):
            nonlocal seen
            if select.select([primary], [], [], 0.1)[0]:
                seen += os.read(primary, 65536)
            return text in seen

        wait_for("the device", lambda: shows(b"1 of 1 devices"), every=0)
        self.assertNotIn(b"\x1b[31m", seen)
        seen = b""
        os.write(primary, b"t")
        wait_for("who uses it", lambda: shows(b"PID"), every=0)
        os.write(primary, b"/nosuchnode\r")
        wait_for("the filter", lambda: shows(b"0 of 1 devices"), every=0)
        os.write(primary, b"\x1bq")
        self.assertEqual(top.wait(timeout=20), 0)
        self.assertEqual(termios.tcgetattr(secondary), before)
        os.close(primary)
        os.close(secondary)

    def test_3_a_node_that_falls_silent_is_still_shown(self):
        wait_for("its line at the server", lambda: self.row(self.look("--server", self.server.url)))
        self.agent.kill()
        self.agent.wait()
        silent = wait_for("silence", lambda: (lambda row: "silent" in row and row)(self.row(self.look("--server", self.server.url))),
                          seconds=40, every=1)
        self.assertIn("nothing comes from its node", silent)
        self.assertNotEqual(run("top", "--once", "--agent", self.agent_url).returncode, 0)


if __name__ == "__main__":
    unittest.main()
