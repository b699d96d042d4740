#!/usr/bin/env python3
"""The ready sweeps of configs/sweeps: each can be planned, its points run, its pictures drawn from them.

usage: sweeps_ready_test.py ALLOCSIM SOURCE_ROOT
"""
import json
import re
import shutil
import subprocess
import sys
import tempfile
import unittest
from pathlib import Path

ALLOCSIM = str(Path(sys.argv[1]).resolve())
ROOT = Path(sys.argv[2]).resolve()
# By sweep: points, pictures, and two points that are quick to run.
SWEEPS = {
    "cpus-contention": (28, 1, "0,2"),
    "kmalloc-classes": (18, 1, "0,17"),
    "memory-failures": (80, 1, "0,79"),
    "mobility": (48, 1, "0,47"),
    "pcp-sizes": (36, 1, "0,35"),
    "slub-order": (60, 2, "0,59"),
    "scaling": (21, 1, "0,3"),
}
ELSEWHERE = {"scaling"} # docs/scaling.md is about it


def call(*arguments):
    done = subprocess.run([ALLOCSIM, *map(str, arguments)], text=True, capture_output=True)
    if done.returncode:
        raise AssertionError(f"{arguments}: status {done.returncode}: {done.stderr}")
    return done.stdout


class Sweeps(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        """A copy of the tree's configurations and recordings, with the latter imported."""
        cls.dir = tempfile.TemporaryDirectory()
        cls.root = Path(cls.dir.name)
        shutil.copytree(ROOT / "configs", cls.root / "configs")
        (cls.root / "workloads").mkdir()
        for workload in ROOT.glob("workloads/*.yaml"):
            shutil.copy(workload, cls.root / "workloads")
        for text in ROOT.glob("workloads/*/trace.ftrace.zst"):
            place = cls.root / "workloads" / text.parent.name
            place.mkdir(parents=True)
            call("import", "-q", text, "-o", place / f"{text.parent.name}.atrace")

    @classmethod
    def tearDownClass(cls):
        cls.dir.cleanup()

    def plan(self, name):
        path = self.root / f"{name}.jsonl"
        call("sweep", "plan", self.root / "configs/sweeps" / f"{name}.yaml", "-o", path)
        head, *points = [json.loads(line) for line in path.read_text().splitlines()]
        return path, head, points

    def test_all_are_known(self):
        self.assertEqual(sorted(f.stem for f in (ROOT / "configs/sweeps").glob("*.yaml")),
                         sorted(SWEEPS))
        named = (ROOT / "scripts/sweeps").read_text()
        documented = (ROOT / "docs/sweeps.md").read_text()
        for name in set(SWEEPS) - ELSEWHERE:
            self.assertIn(name, named)
            self.assertIn(f"img/sweep-{name}.png", documented)
            self.assertTrue((ROOT / f"docs/img/sweep-{name}.png").is_file(), name)

    def test_plans(self):
        for name, (points_count, plots_count, _) in SWEEPS.items():
            with self.subTest(sweep=name):
                _, head, points = self.plan(name)
                self.assertEqual(len(points), points_count)
                self.assertEqual(len({p["id"] for p in points}), points_count)
                self.assertEqual(head["name"], name)
                self.assertTrue(head["title"] and head["question"])
                plots = [p["name"] for p in head["plots"]]
                self.assertEqual(plots[0], name)
                self.assertEqual(len(plots), plots_count)

    def test_points_run_and_are_drawn(self):
        for name, (_, _, points) in SWEEPS.items():
            with self.subTest(sweep=name):
                path, head, _ = self.plan(name)
                results = self.root / name
                call("sweep", "run", path, "-d", results, "-j", "2", "-q", "--points", points)
                call("plot", results)
                for plot in head["plots"]:
                    data = [f.read_text() for f in (results / "plots/data").glob(plot["name"] + "*")]
                    self.assertTrue(data, plot["name"])
                    self.assertTrue(any(re.search(r"^[^#\n].*\d", text, re.M) for text in data))
                    picture = results / "plots" / f"{plot['name']}.png"
                    self.assertEqual(picture.read_bytes()[:8], b"\x89PNG\r\n\x1a\n")


if __name__ == "__main__":
    unittest.main(argv=sys.argv[:1])
