# SPDX-License-Identifier: Apache-2.0
"""`gpuscale backup` of a server that is being written to; the copy serves again."""
import os
import tempfile
import threading
import time

from harness import ServerTest, run


class Backup(ServerTest):
    def test_a_copy_of_a_busy_server_holds_all_that_was_acknowledged_before_it(self):
        server = self.server()
        acknowledged = 0
        start = time.time_ns()  # the default database keeps samples of the last days
        done = threading.Event()

        def write():
            nonlocal acknowledged
            while not done.is_set():
                self.assertEqual(server.write(f"m,w=a f={acknowledged} {start + acknowledged}\n")[0], 204)
                acknowledged += 1

        writer = threading.Thread(target=write)
        writer.start()
        try:
            while acknowledged < 50:
                pass
            before = acknowledged
            root = tempfile.mkdtemp(prefix="gpuscale-e2e-")
            copy = os.path.join(root, "data")
            result = run("backup", "--data", server.data, "--to", copy)
            self.assertEqual(result.returncode, 0, result.stderr)
        finally:
            done.set()
            writer.join()
        again = run("backup", "--data", server.data, "--to", copy)
        self.assertEqual(again.returncode, 1)
        self.assertIn("not empty", again.stderr)
        restored = self.server(data=root)
        status, answer = restored.query("SELECT count(f), max(f) FROM m")
        self.assertEqual(status, 200)
        _, count, newest = answer["results"][0]["series"][0]["values"][0]
        self.assertGreaterEqual(count, before)
        self.assertEqual(count, newest + 1, "a gap")

    def test_a_folder_without_a_store_is_refused_by_name(self):
        with tempfile.TemporaryDirectory() as folder:
            result = run("backup", "--data", folder, "--to", os.path.join(folder, "copy"))
        self.assertEqual(result.returncode, 1)
        self.assertIn("metrics.db", result.stderr)
