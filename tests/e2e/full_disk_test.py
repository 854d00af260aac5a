# SPDX-License-Identifier: Apache-2.0
"""A disk that is really full, and gets space again: a small tmpfs under the data folder. Skipped where it cannot be mounted."""
import os
import shutil
import tempfile
import time
import unittest

from harness import ServerTest, mounted, small_disk, wait_for


class FullDisk(ServerTest):
    def setUp(self):
        super().setUp()
        self.folder = tempfile.mkdtemp(prefix="gpuscale-full-disk-")
        self.addCleanup(shutil.rmtree, self.folder, True)
        small_disk(self, self.folder, 12)

    def test_writes_are_refused_reads_go_on_and_space_mends_it_without_a_restart(self):
        server = self.server(data=self.folder)
        begin = time.time_ns()
        acknowledged = 0
        refused = None
        for batch in range(4000):
            lines = "\n".join(f"m,w=a v={(batch * 7919 + i) * 0.37},s=\"{os.urandom(40).hex()}\" {begin + batch * 100 + i}" for i in range(100))
            status, body, _ = server.write(lines)
            if status != 204:
                refused = (status, body)
                break
            acknowledged += 100
        self.assertIsNotNone(refused, "12 MiB never became full")
        self.assertEqual(refused[0], 507, refused)
        self.assertIn("full", str(refused[1]))
        self.assertEqual(self.count(server), acknowledged)
        self.assertTrue(mounted(self.folder, 96, remount=True))
        wait_for("a write to be taken again", lambda: server.write(f"m,w=a v=1,s=\"x\" {begin - 1}")[0] == 204)
        acknowledged += 1
        self.assertEqual(self.count(server), acknowledged)
        server.kill9()
        again = self.server(data=self.folder)
        self.assertEqual(self.count(again), acknowledged)

    def count(self, server):
        _, body = server.query("SELECT count(v) FROM m")
        return body["results"][0]["series"][0]["values"][0][1]


if __name__ == "__main__":
    unittest.main()
