# SPDX-License-Identifier: Apache-2.0
"""A dozen kills of a real server during a storm; more by `scripts/bench kills --kills 1000`."""
import unittest

from kill_storm import Storm


class KillsTest(unittest.TestCase):
    def test_nothing_is_lost_nothing_acts_twice_and_nothing_is_resolved_that_was_not_seen_to_end(self):
        storm = Storm(seed=1)
        self.addCleanup(storm.close)
        report = storm.run(kills=12)
        self.assertEqual(report["broken"], [])
        self.assertGreater(report["messages"], 1)
        self.assertGreater(report["errands"], 1)


if __name__ == "__main__":
    unittest.main()
