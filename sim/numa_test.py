#!/usr/bin/env python3
"""Runs on machines of several nodes: run-ahead equals --exact-events, and counts are what they must be.

usage: numa_test.py ALLOCSIM SOURCE_ROOT

Configurations are drawn from seeds: 2 or 4 nodes, with and without distances, CPUs on some or all of
them, each object allocator, policies, nodes that are named, memory that runs out. For each, all
files of the two runs are equal but for run.json's host part, and the counts of `numa` add up. One
seed by itself: ALLOCSIM_SEED=17.
"""
import json
import os
import random
import subprocess
import sys
import tempfile
import unittest
from pathlib import Path

ALLOCSIM = str(Path(sys.argv[1]).resolve())
ROOT = Path(sys.argv[2]).resolve()
# Builds with sanitizers take ten times as long: they get fewer.
SEEDS = 6 if os.environ.get("ALLOCSIM_FEW") else 24
RING = "[[10, 16, 22, 16], [16, 10, 16, 22], [22, 16, 10, 16], [16, 22, 16, 10]]"
HOST = ',\n  "host": {'


def generator(draw, number, nodes):
    what = draw.choice(["order: {uniform: {min: 0, max: 3}}",
                        "kmalloc: {uniform: {min: 8B, max: 6000B}}",
                        "cache: things"])
    place = draw.choice(["policy: local", "policy: interleave", "policy: workload",
                         f"node: {draw.randrange(nodes)}"])
    gfp = draw.choice(["GFP_KERNEL", "GFP_ATOMIC", "GFP_KERNEL|__GFP_THISNODE"])
    if gfp != "GFP_ATOMIC" and "order" in what and draw.random() < 0.5:
        gfp += "|__GFP_MOVABLE"
    return (f"    - {{name: g{number}, {what}, gfp: {gfp}, {place}, rate: {draw.randint(50, 300)}/ms, "
            f"lifetime: {{exponential: {{mean: {draw.choice([20, 200, 4000])}us}}}}, "
            f"context: {draw.choice(['process', 'process', 'softirq']) if 'ATOMIC' in gfp else 'process'}}}")


def config(seed):
    draw = random.Random(seed)
    nodes = draw.choice([2, 4])
    cpus = draw.choice([2, 4, 8])
    machine = f"cpus: {cpus}, nodes: {nodes}, memory: {nodes * draw.choice([4, 8])}MiB, layout: flat"
    if draw.random() < 0.5:
        machine += f", distances: {RING if nodes == 4 else '[[10, 21], [21, 10]]'}"
    if draw.random() < 0.4:
        machine += f", node_cpus: {json.dumps([f'0-{cpus - 1}'] + [''] * (nodes - 1))}"
    generators = "\n".join(generator(draw, i, nodes) for i in range(draw.randint(2, 4)))
    return f"""\
name: numa-{seed}
seed: {seed}
machine: {{{machine}}}
pcp: {{decay_interval: {draw.choice([1, 2])}ms, enabled: {draw.choice(['true', 'true', 'false'])}}}
slab:
  allocator: {draw.choice(['slub', 'slub', 'slab', 'slob'])}
  remote_node_defrag_ratio: {draw.choice([0, 50, 100])}
  caches: [{{name: things, object_size: {draw.choice([64, 700, 2048])}B}}]
measurement: {{check: full, verify_contents: true, sample_interval: 2ms}}
workload:
  duration: 8ms
  free_at_end: {draw.choice(['true', 'false'])}
  policy: {draw.choice(['local', 'interleave'])}
  generators:
{generators}
"""


def run(work, name, *options):
    out = work / name
    done = subprocess.run([ALLOCSIM, "run", str(work / "c.yaml"), "-q", "-o", str(out), *options],
                          text=True, capture_output=True)
    if done.returncode:
        raise AssertionError(f"status {done.returncode}: {done.stderr}")
    files = {f.name: f.read_text() for f in out.iterdir()}
    files["run.json"] = files["run.json"][:files["run.json"].rindex(HOST)] + "\n}"
    return files


def numa(files):
    return json.loads(files["run.json"])["numa"]


class Numa(unittest.TestCase):
    def setUp(self):
        self.dir = tempfile.TemporaryDirectory()
        self.work = Path(self.dir.name)

    def tearDown(self):
        self.dir.cleanup()

    def check_counts(self, nodes):
        for node in nodes:
            self.assertEqual(node["numa_hit_count"] + node["numa_miss_count"],
                             node["local_node_count"] + node["other_node_count"], node)
            self.assertLessEqual(node["interleave_hit_count"], node["numa_hit_count"])
        self.assertEqual(sum(n["numa_miss_count"] for n in nodes),
                         sum(n["numa_foreign_count"] for n in nodes))

    def test_run_ahead_equals_exact_events(self):
        one = os.environ.get("ALLOCSIM_SEED")
        missed = interleaved = 0
        for seed in [int(one)] if one else range(1, SEEDS + 1):
            with self.subTest(seed=seed):
                work = self.work / str(seed)
                work.mkdir()
                (work / "c.yaml").write_text(config(seed))
                ahead, exact = run(work, "a"), run(work, "b", "--exact-events")
                self.assertEqual(sorted(ahead), sorted(exact))
                for name in ahead:
                    self.assertTrue(ahead[name] == exact[name], name)
                self.check_counts(numa(ahead))
                missed += sum(n["numa_miss_count"] for n in numa(ahead))
                interleaved += sum(n["interleave_hit_count"] for n in numa(ahead))
        # The draws reach what they are made for.
        if not one:
            self.assertGreater(missed, 40 * SEEDS)
            self.assertGreater(interleaved, 40 * SEEDS)

    def test_example(self):
        """One user fills a node: the others' memory is remote; interleaved, it is not."""
        (self.work / "c.yaml").write_text(
            f"include: {ROOT}/configs/examples/numa.yaml\nworkload: {{duration: 500ms}}\n")
        local = numa(run(self.work, "local"))
        spread = numa(run(self.work, "spread", "--set",
                          "workload.generators[0].policy=interleave"))
        self.check_counts(local)
        self.check_counts(spread)
        self.assertGreater(local[0]["numa_foreign_count"], 5000)
        self.assertEqual(local[1]["interleave_hit_count"], 0)
        self.assertEqual(spread[0]["numa_foreign_count"], 0)
        self.assertEqual([n["interleave_hit_count"] for n in spread], [16384, 16384])

    def test_distances_decide_the_fallback(self):
        """Node 1's CPU, whose node is full, of four in a ring; off: without distances."""
        operations = "\n".join(
            f"    - {{at: {i}us, cpu: 1, alloc: a{i}, order: 9, gfp: GFP_HIGHUSER_MOVABLE}}"
            for i in range(9))
        base = f"""\
machine: {{cpus: 4, nodes: 4, memory: 32MiB, layout: flat@}}
workload:
  operations:
{operations}
"""
        found = []
        for distances in (f", distances: {RING}", ""):
            (self.work / "c.yaml").write_text(
                base.replace("@", distances))
            nodes = numa(run(self.work, "ring" if distances else "flat"))
            found.append([n["numa_miss_count"] for n in nodes])
        ring, flat = found
        for order in found:
            self.assertGreaterEqual(order[2], 3)
        self.assertEqual((ring[0] > 0, ring[3]), (True, 0))  # 1, 2, 0, and 3 across last
        self.assertEqual((flat[0], flat[3] > 0), (0, True))  # 1, 2, 3, 0


if __name__ == "__main__":
    unittest.main(argv=sys.argv[:1])
