#!/usr/bin/env python3
"""Whole imports and runs of traces that no kernel would write: counted, and never fatal.

usage: hostile_test.py ALLOCSIM SOURCE_ROOT
"""
import json
import subprocess
import sys
import tempfile
import unittest
from pathlib import Path

ALLOCSIM = str(Path(sys.argv[1]).resolve())
ALLOCATORS = ("slub", "slab", "slob")
MAP = 0xffff888000000000
CONFIG = """\
machine: {cpus: 2, memory: 64MiB, layout: flat}
measurement: {check: full, verify_contents: true}
"""


def line(second, cpu, event):
    return f" x-1 [00{cpu}] {second:.6f}: {event}\n"


def alloc(place, name="foo", req=64, given=64):
    return (f"kmem_cache_alloc: call_site=f ptr={MAP + place:x} name={name} bytes_req={req} "
            f"bytes_alloc={given} gfp_flags=GFP_KERNEL node=-1 accounted=false")


def kmalloc(place, req, given=64):
    return (f"kmalloc: call_site=f ptr={MAP + place:x} bytes_req={req} bytes_alloc={given} "
            "gfp_flags=GFP_KERNEL node=-1 accounted=false")


def free(place, name="foo"):
    return f"kmem_cache_free: call_site=f ptr={MAP + place:x} name={name}"


def kfree(place):
    return f"kfree: call_site=f ptr={MAP + place:x}"


def failed(run):
    return run["objects"]["failed_count"]


class Hostile(unittest.TestCase):
    def program(self, *args):
        done = subprocess.run((ALLOCSIM, *args), cwd=self.dir, capture_output=True, text=True)
        self.assertEqual((done.returncode, done.stderr), (0, ""), args)
        return json.loads(done.stdout)

    def replay(self, events):
        """The import's report, and run.json by allocator. Events alternate between two CPUs."""
        with tempfile.TemporaryDirectory(prefix="allocsim-hostile.") as self.dir:
            Path(self.dir, "c.yaml").write_text(CONFIG)
            Path(self.dir, "t.txt").write_text("# tracer: nop\n" + "".join(
                line(1 + i / 1e6, i % 2, e) for i, e in enumerate(events)))
            report = self.program("import", "--json", "t.txt", "-o", "t.atrace")
            runs = {a: self.program("run", "--json", "c.yaml", "-o", a, "--set",
                                    "workload.trace=t.atrace", "--set", f"slab.allocator={a}")
                    for a in ALLOCATORS}
        return report, runs

    def test_impossible_sizes(self):
        """Caches of 2 GiB and of 2^63 bytes cannot be had: what they are asked for fails."""
        report, runs = self.replay([
            alloc(0x1000, "huge", 1 << 31, 1 << 31), free(0x1000, "huge"),
            alloc(0x2000, "huger", 1 << 63, 1 << 63), free(0x2000, "huger"),
            alloc(0x3000, "none", 0, 0), free(0x3000, "none"),
            kmalloc(0x4000, 1 << 63), kfree(0x4000), kmalloc(0x5000, 0), kfree(0x5000),
            alloc(0x6000), free(0x6000)])
        self.assertEqual(report["zero_object_allocations"], 2)
        self.assertEqual(report["huge_object_allocations"], 2)
        for name, run in runs.items():
            self.assertEqual(failed(run), 4, name)
            self.assertEqual(run["totals"]["skipped_frees_count"], 4, name)

    def test_one_place_of_two_addresses(self):
        """Two addresses that differ by 2^44 are one in the trace; it is freed once."""
        for far in (1 << 44, 3 << 44):
            report, runs = self.replay([alloc(0x10000), free(0x200000), free(0x200000 + far),
                                        free(0x10000)])
            self.assertEqual(report["unmatched_object_frees"], 2)
            for name, run in runs.items():
                self.assertEqual(run["objects"]["unknown_frees_count"], 1, name)
                # What was made before the start, to be freed, is no allocation of the run.
                cache = next(c for c in run["caches"] if c["name"] == "foo")
                self.assertEqual((cache["allocs_count"], cache["frees_count"]), (1, 2), name)

    def test_pages_freed_twice_at_once(self):
        """Two CPUs free one old page at the same time: the allocator gets it once."""
        for cpus in ((0, 1), (1, 0), (0, 0)):
            for pcp in ("true", "false"):
                events = "".join(line(1, c, "mm_page_free: page=0x1 pfn=0x40 order=0")
                                 for c in cpus)
                with tempfile.TemporaryDirectory(prefix="allocsim-hostile.") as self.dir:
                    Path(self.dir, "c.yaml").write_text(CONFIG)
                    Path(self.dir, "t.txt").write_text("# tracer: nop\n" + events)
                    self.program("import", "--json", "t.txt", "-o", "t.atrace")
                    run = self.program("run", "--json", "c.yaml", "-o", "out", "--set",
                                       "workload.trace=t.atrace", "--set", f"pcp.enabled={pcp}")
                self.assertEqual(run["totals"]["conflicting_frees_count"], 1, (cpus, pcp))

    def test_caches_named_like_pools(self):
        _, runs = self.replay([alloc(0x1000, "slob-small"), alloc(0x2000, "slob-large", 8, 8),
                               alloc(0x3000, "kmalloc-64", 100, 104), free(0x1000, "slob-small")])
        for name, run in runs.items():
            self.assertEqual(failed(run), 0, name)

    def test_configured_cache_named_like_a_class(self):
        """Who configures a cache gets it or an error, not kmalloc's of another size."""
        config = ("slab: {caches: [{name: kmalloc-64, object_size: 100B}]}\n"
                  "workload: {operations: [{at: 0s, cache_alloc: a, cache: kmalloc-64}]}\n")
        for allocator in ALLOCATORS:
            with tempfile.TemporaryDirectory(prefix="allocsim-hostile.") as directory:
                Path(directory, "c.yaml").write_text(CONFIG + config)
                done = subprocess.run(
                    (ALLOCSIM, "run", "c.yaml", "-o", "out", "--set",
                     f"slab.allocator={allocator}"), cwd=directory, capture_output=True, text=True)
                self.assertEqual(done.returncode, 78, done.stderr)
                self.assertRegex(done.stderr, "is the name of a size class of kmalloc")
                self.assertFalse(Path(directory, "out").exists())

    def test_too_many_caches(self):
        """More than an allocator has besides kmalloc's: the last of them fail."""
        _, runs = self.replay(alloc(0x10000 + 64 * i, f"c{i}") for i in range(4096))
        for name, run in runs.items():
            self.assertTrue(0 < failed(run) < 100, name)


class Machines(unittest.TestCase):
    def refused(self, machine, expected):
        with tempfile.TemporaryDirectory(prefix="allocsim-hostile.") as directory:
            Path(directory, "c.yaml").write_text("machine:\n" + machine +
                                                 "workload: {operations: [{at: 0s, alloc: a, order: 0}]}\n")
            done = subprocess.run((ALLOCSIM, "run", "c.yaml", "-o", "out"), cwd=directory,
                                  capture_output=True, text=True)
            self.assertEqual(done.returncode, 78, done.stderr)
            self.assertIn(expected, done.stderr)
            self.assertFalse(Path(directory, "out").exists())

    def test_that_cannot_exist(self):
        level1 = "{name: L1, size: 32KiB, ways: 8, latency_cycles: 4, shared_by: 2}"
        tlb = "{level: 1, pages: [4KiB, 2MiB], entries: 64, ways: 4}"
        cases = (
            ("  caches: [{name: L1, size: 32KiB, ways: 7, latency_cycles: 4}]\n",
             "c.yaml:2:42: machine.caches[0].ways: 512 lines don't divide into sets of 7"),
            ("  caches: [{name: L1, size: 32KiB, ways: 8, latency_cycles: 0}]\n",
             "c.yaml:2:61: machine.caches[0].latency_cycles: '0' is out of range"),
            (f"  caches:\n  - {level1}\n"
             "  - {name: L2, size: 1MiB, ways: 8, latency_cycles: 12, shared_by: 1}\n",
             "c.yaml:4:68: machine.caches[1].shared_by: is 1 but machine.caches[0] is shared by 2"),
            (f"  caches: [{level1}]\n  tlbs: [{tlb}]\n  direct_map: 1GiB\n",
             "c.yaml:4:15: machine.direct_map: no array of level 1 holds pages of 1GiB"),
            (f"  tlbs: [{tlb}]\n", "c.yaml:2:9: machine.tlbs: needs machine.caches"),
            ("  nodes: 2\n  distances: [[10, 21], [20, 10]]\n",
             "c.yaml:3:26: machine.distances[1][0]: is 20 but the way back, [0][1], is 21"),
            ('  nodes: 2\n  node_cpus: ["0", ""]\n',
             "c.yaml:3:14: machine.node_cpus: CPU 1 is in no node"),
            ("  interrupts: {ipi_flight: 0ns}\n",
             "c.yaml:2:28: machine.interrupts.ipi_flight: '0ns' is out of range"),
        )
        for machine, expected in cases:
            with self.subTest(machine):
                self.refused(machine, expected)


if __name__ == "__main__":
    unittest.main(argv=sys.argv[:1])
