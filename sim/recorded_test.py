#!/usr/bin/env python3
"""The bundled recording, replayed by every object allocator with every invariant checked.

usage: recorded_test.py ALLOCSIM SOURCE_ROOT
"""
import json
import subprocess
import sys
import tempfile
import unittest
from pathlib import Path

ALLOCSIM = str(Path(sys.argv[1]).resolve())
ROOT = Path(sys.argv[2]).resolve()
FILES = ROOT / "workloads/files"


class Recorded(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.dir = tempfile.TemporaryDirectory()
        cls.trace = Path(cls.dir.name) / "files.atrace"
        subprocess.run((ALLOCSIM, "import", "-q", FILES / "trace.ftrace.zst", "-o", cls.trace),
                       check=True)

    @classmethod
    def tearDownClass(cls):
        cls.dir.cleanup()

    def replay(self, name, *args):
        """run.json of a replay that checks everything five times a second and at the end."""
        out = Path(self.dir.name) / name
        subprocess.run((ALLOCSIM, "run", ROOT / "configs/linux-6.18.yaml", "-q", "-o", out,
                        "--set", f"workload.trace={self.trace}", "--set", "measurement.check=full",
                        "--set", "measurement.sample_interval=200ms",
                        "--set", "measurement.verify_contents=true", *args), check=True)
        run = json.loads((out / "run.json").read_text())
        self.assertGreaterEqual(run["checks"]["runs_count"], 10)
        self.assertEqual(run["objects"]["failed_count"], 0)
        return run

    def test_every_allocator(self):
        for allocator in ("slub", "slab", "slob"):
            for truth in ((), ("--truth", FILES)):
                with self.subTest(allocator=allocator, truth=bool(truth)):
                    run = self.replay(f"{allocator}-{len(truth)}", "--set",
                                      f"slab.allocator={allocator}", *truth)
                    self.assertEqual(run["objects"]["allocator"], allocator)
                    self.assertGreater(run["objects"]["allocs_count"], 50000)

    def test_slub_with_everything_on(self):
        for setting in ("red_zone", "poison", "freelist_random", "freelist_hardened"):
            with self.subTest(setting=setting):
                self.replay(setting, "--set", f"slab.{setting}=true", "--truth", FILES)

    def test_sheaves_everywhere(self):
        """As after Linux 6.18: every cache, and the size classes, have sheaves."""
        run = self.replay("sheaves", "--set", "slab.sheaf_caches=[]", "--truth", FILES)
        self.assertEqual(run["config"]["slab"]["sheaf_caches"], [])
        fast, slow = (run["objects"][key] for key in ("fast_frees_count", "slow_frees_count"))
        self.assertGreater(fast, 20 * slow)

    def test_slabs_as_recorded(self):
        """From the recorded start, SLUB takes nearly the pages that the kernel took."""
        run = self.replay("recorded", "--truth", FILES)
        for cache in run["fidelity"]["caches"]:
            if cache["name"] in ("ext4_inode_cache", "dentry", "buffer_head", "kmalloc-64",
                                 "vm_area_struct"):
                self.assertEqual(abs(cache["slabs_count_sim"] - cache["slabs_count_true"]) <= 1,
                                 True, cache)
        self.assertEqual(run["start"]["other_layout_caches_count"], 0)
        self.assertEqual(run["start"]["missing_slabs_count"], 0)
        taken, recorded = (run["objects"]["page_requests_count"],
                           run["objects"]["recorded_page_requests_count"])
        self.assertLessEqual(abs(taken - recorded), 3)


if __name__ == "__main__":
    unittest.main(argv=sys.argv[:1])
