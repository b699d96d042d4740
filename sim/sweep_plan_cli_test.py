#!/usr/bin/env python3
"""allocsim sweep plan from outside: plans, tables, counts, the guard, and the examples of the docs."""
import json
import os
import re
import shutil
import subprocess
import sys
import tempfile
import time
import unittest
from pathlib import Path

ALLOCSIM = Path(sys.argv[1]).absolute()
ROOT = Path(sys.argv[2])
WORKLOAD = ("workload: {generators: [{name: g, order: 0, rate: 1000/s, lifetime: 1ms, "
            "count: 10}]}\n")
GRID = "config: base.yaml\ngrid: {pcp.batch: [1, 2, 3], slab.max_order: [0, 1]}\nseeds: 2\n"


class Plan(unittest.TestCase):
    def setUp(self):
        self.dir = tempfile.TemporaryDirectory(prefix="allocsim-plan.")
        self.work = Path(self.dir.name)
        (self.work / "base.yaml").write_text(WORKLOAD)
        (self.work / "s.yaml").write_text(GRID)

    def tearDown(self):
        self.dir.cleanup()

    def plan(self, *args, cwd=None):
        return subprocess.run([ALLOCSIM, "sweep", "plan", *args], cwd=cwd or self.work,
                              capture_output=True, text=True, timeout=60)

    def test_file(self):
        done = self.plan("s.yaml", "-o", "p.jsonl")
        self.assertEqual((done.returncode, done.stdout), (0, ""))
        self.assertEqual(done.stderr, "s: 12 runs planned, of 12 points: pcp.batch 3 x "
                                      "slab.max_order 2 x repeat 2\n")
        text = (self.work / "p.jsonl").read_text()
        lines = [json.loads(line) for line in text.splitlines()]
        self.assertEqual(len(lines), 13)
        self.assertEqual([line["i"] for line in lines[1:]], list(range(12)))
        self.assertEqual(self.plan("s.yaml", "-q").stdout, text)
        self.assertEqual(self.plan("s.yaml", "-q", "-o", "-").stdout, text)

    def test_places(self):
        """Ids are the same wherever the files lie; plans differ by their paths alone."""
        other = self.work / "elsewhere"
        other.mkdir()
        for name in ("base.yaml", "s.yaml"):
            shutil.copy(self.work / name, other / name)
        here = self.plan("s.yaml", "-q").stdout
        self.assertEqual(here, self.plan("s.yaml", "-q", cwd=other).stdout)
        self.assertEqual(here, self.plan(str(other / "s.yaml"), "-q", cwd="/").stdout)

    def test_table(self):
        done = self.plan("s.yaml", "--list", "-q")
        rows = done.stdout.splitlines()
        self.assertEqual(rows[0].split(), ["point", "id", "pcp.batch", "slab.max_order", "repeat",
                                           "seed"])
        self.assertEqual(len(rows), 13)
        self.assertEqual(rows[12].split()[2:5], ["3", "1", "1"])
        self.assertEqual(self.plan("s.yaml", "--count").stdout, "12\n")

    def test_sample_and_set(self):
        whole = self.plan("s.yaml", "-q").stdout.splitlines()
        some = self.plan("s.yaml", "-q", "--sample", "4").stdout.splitlines()
        self.assertEqual(len(some), 5)
        self.assertTrue(set(some[1:]) < set(whole[1:]))
        self.assertEqual(some, self.plan("s.yaml", "-q", "--sample=4", "--seed=1").stdout
                         .splitlines())
        self.assertNotEqual(some, self.plan("s.yaml", "-q", "--sample=4", "--seed=2").stdout
                            .splitlines())
        other = self.plan("s.yaml", "-q", "--set", "machine.cpus=4").stdout.splitlines()
        self.assertEqual(len(set(other[1:]) & set(whole[1:])), 0)

    def test_guard(self):
        (self.work / "s.yaml").write_text(GRID.replace("seeds: 2", "seeds: 1000000"))
        begun = time.monotonic()
        done = self.plan("s.yaml", "-o", "p.jsonl")
        self.assertLess(time.monotonic() - begun, 5)  # not by making six million points
        self.assertEqual(done.returncode, 64)
        self.assertEqual(done.stderr, "allocsim: s: 6000000 points are more than --max-runs, 10000; "
                                      "raise it, or choose some points with --sample\n")
        self.assertFalse((self.work / "p.jsonl").exists())

    def test_errors(self):
        (self.work / "s.yaml").write_text("config: base.yaml\ngrid: {slab.max_ordr: [1]}\n")
        done = self.plan("s.yaml")
        self.assertEqual((done.returncode, done.stdout), (78, ""))
        self.assertEqual(done.stderr, "allocsim: s.yaml:2:8: grid.slab.max_ordr: slab: unknown key "
                                      "'max_ordr'; did you mean 'max_order'?\n")
        (self.work / "s.yaml").write_text(
            "config: base.yaml\ngrid: {slab.min_order: [1, 2], slab.max_order: [0]}\n")
        done = self.plan("s.yaml")
        self.assertEqual(done.returncode, 78)
        self.assertEqual(done.stderr.splitlines()[2], "allocsim: s: 2 of 2 points can't be run")
        self.assertEqual(self.plan("none.yaml").returncode, 66)
        self.assertEqual(self.plan("s.yaml", "--sample=x").returncode, 64)
        self.assertEqual(self.plan().returncode, 64)

    def test_commands(self):
        done = subprocess.run([ALLOCSIM, "sweep", "plam"], capture_output=True, text=True)
        self.assertEqual(done.returncode, 64)
        self.assertIn("did you mean 'plan'?", done.stderr)
        self.assertIn("  plan ", subprocess.run([ALLOCSIM, "sweep", "--help"], text=True,
                                                capture_output=True, check=True).stdout)
        self.assertEqual(subprocess.run([ALLOCSIM, "sweep"], capture_output=True).returncode, 64)


class Docs(unittest.TestCase):
    """docs/sweeps.md: every piece of YAML is a sweep, or a part of one, and tables are as shown."""

    @classmethod
    def setUpClass(cls):
        cls.dir = tempfile.TemporaryDirectory(prefix="allocsim-docs.")
        cls.work = Path(cls.dir.name)
        for name in ("configs", "workloads"):
            shutil.copytree(ROOT / name, cls.work / name)
        for name in ("files", "sqlite", "web"):
            subprocess.run([ALLOCSIM, "import", f"workloads/{name}/trace.ftrace.zst", "-q", "-o",
                            f"workloads/{name}/{name}.atrace"], cwd=cls.work, check=True)
        text = (ROOT / "docs/sweeps.md").read_text()
        cls.section = text[text.index("## Write a sweep"):text.index("## Plan")]

    @classmethod
    def tearDownClass(cls):
        cls.dir.cleanup()

    def plan(self, *args):
        return subprocess.run([ALLOCSIM, "sweep", "plan", *args], cwd=self.work,
                              capture_output=True, text=True, timeout=60)

    def test_yaml(self):
        pieces = re.findall(r"```yaml\n(.*?)```", self.section, re.S)
        self.assertGreaterEqual(len(pieces), 5)
        for piece in pieces:
            with self.subTest(piece):
                whole = piece
                if "config:" not in piece:
                    whole = f"config: base.yaml\ntraces: [workloads/files/files.atrace]\n{piece}"
                (self.work / "base.yaml").write_text("machine: {memory: 1GiB}\n")
                (self.work / "piece.yaml").write_text(whole)
                done = self.plan("piece.yaml", "--count")
                self.assertEqual((done.returncode, done.stderr), (0, ""))
                self.assertGreaterEqual(int(done.stdout), 1)

    def test_table(self):
        yaml = re.search(r"```yaml\n# order.yaml\n(.*?)```", self.section, re.S).group(1)
        shown = re.search(r"```console\n\$ allocsim sweep plan order.yaml --list\n(.*?)```",
                          self.section, re.S).group(1)
        (self.work / "order.yaml").write_text(yaml)
        done = self.plan("order.yaml", "--list")
        got = re.sub(r"\b[0-9a-f]{16}\b", "." * 16, done.stdout) + done.stderr
        self.assertEqual(got, shown)

    def test_examples(self):
        text = subprocess.run([ALLOCSIM, "sweep", "plan", "--help"], capture_output=True, text=True,
                              check=True).stdout.split("Examples:\n", 1)[1]
        found = [line.strip() for line in text.splitlines() if line.startswith("  allocsim")]
        self.assertGreaterEqual(len(found), 4)
        for line in found:
            with self.subTest(line):
                self.assertEqual(self.plan(*line.split()[3:]).returncode, 0)


if __name__ == "__main__":
    os.environ.pop("ALLOCSIM_NO_PROGRESS", None)
    unittest.main(argv=sys.argv[:1])
