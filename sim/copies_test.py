#!/usr/bin/env python3
"""Copies of a recorded trace: how much they do, where they meet, and that run-ahead stays exact.

usage: copies_test.py ALLOCSIM SOURCE_ROOT

The closed form: N copies of one allocation of the largest order, without per-CPU lists, ask for the
zone lock at one instant. Each holds it for h, in turn, and handing it over takes t, so the k-th waits
for (k - 1) (h + t): all together N (N - 1) / 2 (h + t), and all but one wait. An offset beyond h takes
all of that away.
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
FEW = os.environ.get("ALLOCSIM_FEW")
HOST = ',\n  "host": {'
ALLOC = ("  a-1 [000] .... {time:.6f}: mm_page_alloc: pfn=0x{pfn:x} order=10 migratetype=0 "
         "gfp_flags=GFP_KERNEL\n")


def drawn_trace(seed):
    """Pages and objects of two CPUs at random, freed on either CPU; as ftrace prints them."""
    draw = random.Random(seed)
    pages, objects, lines = [], [], ["# tracer: nop"]
    for i in range(4000):
        # In bursts, so that copies that are a little apart meet, too.
        head = f"  a-1 [{draw.randrange(2):03}] .... {1 + i // 40 * 100e-6 + i % 40 * 1e-6:.6f}: "
        what = draw.random()
        if what < 0.3:
            pages.append((0x10000 + 8 * i, draw.choice([0, 0, 0, 1, 3])))
            lines.append(head + "mm_page_alloc: pfn=%#x order=%d migratetype=0 "
                         "gfp_flags=GFP_KERNEL" % pages[-1])
        elif what < 0.5 and pages:
            lines.append(head + "mm_page_free: pfn=%#x order=%d"
                         % pages.pop(draw.randrange(len(pages))))
        elif what < 0.52:
            lines.append(head + f"mm_page_free: pfn={0x80000 + 8 * i:#x} order=0")
        elif what < 0.8:
            objects.append(0xffff888200000000 + 8192 * i)
            lines.append(head + f"kmalloc: call_site=f ptr={objects[-1]:x} "
                         f"bytes_req={draw.randint(1, 6000)} bytes_alloc=8192 gfp_flags=GFP_KERNEL")
        elif objects:
            lines.append(head + "kfree: call_site=f ptr=%x"
                         % objects.pop(draw.randrange(len(objects))))
    return "\n".join(lines) + "\n"


def call(*arguments):
    done = subprocess.run([ALLOCSIM, *map(str, arguments)], text=True, capture_output=True)
    return done.returncode, done.stderr


class Copies(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.dir = tempfile.TemporaryDirectory()
        cls.work = Path(cls.dir.name)
        cls.files = cls.work / "files.atrace"
        cls.one = cls.work / "one.atrace"
        cls.run_imported(ROOT / "workloads/files/trace.ftrace.zst", cls.files)
        text = cls.work / "drawn.ftrace"
        cls.drawn = cls.work / "drawn.atrace"
        text.write_text(drawn_trace(7))
        cls.run_imported(text, cls.drawn)
        text = cls.work / "one.ftrace"
        text.write_text("# tracer: nop\n" + ALLOC.format(time=1, pfn=0x10000))
        cls.run_imported(text, cls.one)

    @classmethod
    def tearDownClass(cls):
        cls.dir.cleanup()

    @staticmethod
    def run_imported(text, binary):
        status, errors = call("import", "-q", text, "-o", binary)
        if status:
            raise AssertionError(errors)

    def run_trace(self, name, trace, *settings, options=()):
        """All files of the result, run.json without what belongs to the host."""
        sets = [o for s in (f"workload.trace={trace}", *settings) for o in ("--set", s)]
        status, errors = call("run", ROOT / "configs/linux-6.18.yaml", "-q", "-o", self.work / name,
                              *sets, *options)
        self.assertEqual(status, 0, errors)
        files = {f.name: f.read_text() for f in (self.work / name).iterdir()}
        files["run.json"] = files["run.json"][:files["run.json"].rindex(HOST)] + "\n}"
        return files

    def results(self, *arguments):
        return json.loads(self.run_trace("r", *arguments)["run.json"])

    def test_n_copies_do_n_times_as_much(self):
        trace = self.drawn if FEW else self.files
        one = self.results(trace)
        self.assertNotIn("older_frees_left_out_count", one["totals"])
        for copies, cpus, offset in ((3, 6, "0s"), (3, 6, "700us"), (3, 4, "0s"), (5, 1, "0s")):
            many = self.results(trace, f"workload.copies={copies}", f"machine.cpus={cpus}",
                                f"workload.copies_offset={offset}")
            totals = many["totals"]
            left_out = totals["older_frees_left_out_count"]
            self.assertEqual(left_out % (copies - 1), 0)
            self.assertGreater(left_out, 0)
            for key in ("allocs_count", "held_pages"):
                self.assertEqual(totals[key], copies * one["totals"][key], key)
            self.assertEqual(totals["ops_count"] + left_out, copies * one["totals"]["ops_count"])
            for key in ("allocs_count", "live_count", "requested_bytes"):
                self.assertEqual(many["objects"][key], copies * one["objects"][key], key)
            self.assertEqual(totals["frees_count"] + many["objects"]["frees_count"] + left_out,
                             copies * (one["totals"]["frees_count"] +
                                       one["objects"]["frees_count"]))
            self.assertEqual(totals["failed_count"], 0)
            spread = [c["ops_count"] for c in many["cpus"]]
            self.assertEqual(sum(spread), totals["ops_count"])
            self.assertGreater(min(spread), 0)

    def zone_lock(self, copies, *settings):
        locks = self.results(self.one, "pcp.enabled=false", f"workload.copies={copies}",
                             f"machine.cpus={copies}", *settings)["locks"]
        taken = [lock for lock in locks if lock["acquired_count"]]
        self.assertEqual([lock["name"] for lock in taken], ["node0/Normal"])
        return taken[0]

    def test_in_step_they_queue(self):
        turn_ns = self.zone_lock(1)["hold_ns_total"] + 120 / 2.45 # lock_handoff_cycles at 2.45 GHz
        for copies in (2, 7, 64):
            lock = self.zone_lock(copies)
            self.assertEqual(lock["acquired_count"], copies)
            self.assertEqual(lock["contended_count"], copies - 1)
            self.assertAlmostEqual(lock["wait_ns_total"], copies * (copies - 1) / 2 * turn_ns,
                                   delta=copies * copies * 1e-3)
            apart = self.zone_lock(copies, "workload.copies_offset=10us")
            self.assertEqual(apart["acquired_count"], copies)
            self.assertEqual((apart["contended_count"], apart["wait_ns_total"]), (0, 0))

    def test_run_ahead_equals_exact_events(self):
        for settings in (("machine.cpus=6",),
                         ("machine.cpus=6", "pcp.enabled=false", "workload.copies_offset=3us"),
                         ("machine.cpus=5", "pcp.enabled=false"),
                         ("machine.cpus=4", "workload.pace=back_to_back")):
            settings = ("workload.copies=3", "measurement.verify_contents=true", *settings)
            # Builds with sanitizers take many times as long for the recording.
            for trace in (self.drawn,) if FEW else (self.drawn, self.files):
                ahead = self.run_trace("ahead", trace, *settings)
                exact = self.run_trace("exact", trace, *settings, options=["--exact-events"])
                self.assertEqual(sorted(ahead), sorted(exact))
                for name in ahead:
                    self.assertTrue(ahead[name] == exact[name], (name, trace.name, settings))
                self.assertGreater(sum(lock["contended_count"] for lock in
                                       json.loads(ahead["run.json"])["locks"]), 10, settings)

    def test_refused(self):
        config = ROOT / "configs/linux-6.18.yaml"
        trace = f"workload.trace={self.files}"
        for words, *sets in (
                ("needs workload.trace", "workload.copies=2"),
                ("legal range: 1..128", trace, "workload.copies=0"),
                ("legal range: 1..128", trace, "workload.copies=129"),
                ("as after boot", trace, "workload.copies=2",
                 f"start.truth={ROOT}/workloads/files"),
                ("need 4 CPUs; machine.cpus is 3", trace, "workload.copies=2", "machine.cpus=3",
                 "workload.copies_offset=1us")):
            status, errors = call("run", config, "-q", "-o", self.work / "refused",
                                  *[o for s in sets for o in ("--set", s)])
            self.assertEqual(status, 78, errors)
            self.assertIn(words, errors)


if __name__ == "__main__":
    unittest.main(argv=sys.argv[:1])
