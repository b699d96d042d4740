#!/usr/bin/env python3
"""Tests of the command line, from outside: examples, exit codes, error lines, what is left behind.

usage: cli_test.py ALLOCSIM SOURCE_ROOT

Every bad input must end with its documented status and exactly one line on standard error that
names the cause, and leave no file behind.
"""
import csv
import gzip
import json
import os
import pty
import re
import resource
import select
import shutil
import signal
import subprocess
import sys
import tempfile
import time
import unittest
from pathlib import Path

ALLOCSIM = str(Path(sys.argv[1]).resolve())
ROOT = Path(sys.argv[2]).resolve()
COMMANDS = ("import", "run", "compare", "plot", "report", "classes", "validate", "list")
SMALL = "configs/examples/operations.yaml"

QUICKSTART = """\
include: linux-6.18.yaml
name: quickstart
start: {truth: ../workloads/files}
workload: {trace: ../workloads/files/files.atrace}
"""

EVENT = ("           <...>-1     [00{cpu}]   {time:.6f}: mm_page_{what}: page=ffffea000a2f1cc0 "
         "pfn={pfn:#x} order={order}{more}\n")


def alloc(time, pfn, order=0, cpu=0):
    return EVENT.format(cpu=cpu, time=time, what="alloc", pfn=pfn, order=order,
                        more=" migratetype=1 gfp_flags=GFP_KERNEL")


def free(time, pfn, order=0, cpu=0):
    return EVENT.format(cpu=cpu, time=time, what="free", pfn=pfn, order=order, more="")


def clean_trace(pairs):
    return "# tracer: nop\n#\n" + "".join(
        alloc(1 + i / 1000, 0x1000 + i) + free(1.0005 + i / 1000, 0x1000 + i) for i in range(pairs))


class Case(unittest.TestCase):
    """A fresh working directory with what the examples need."""

    @classmethod
    def setUpClass(cls):
        cls.base = Path(tempfile.mkdtemp(prefix="allocsim-cli."))
        work = cls.base / "template"
        work.mkdir()
        for name in ("configs", "workloads", "scripts"):
            shutil.copytree(ROOT / name, work / name)
        quickstart = work / "configs/quickstart.yaml"
        if not quickstart.exists():
            quickstart.write_text(QUICKSTART)
        cls.trace = cls.base / "files.atrace"
        subprocess.run([ALLOCSIM, "import", ROOT / "workloads/files/trace.ftrace.zst", "-q", "-o",
                        cls.trace], check=True)
        shutil.copy(cls.trace, work / "workloads/files/files.atrace")
        shutil.copy(cls.trace, work / "my.atrace")
        shutil.copytree(ROOT / "workloads/files", work / "my-recording")
        shutil.copy(ROOT / "workloads/files/trace.ftrace.zst", work / "trace.ftrace.zst")
        with gzip.open(work / "trace.txt.gz", "wt") as f:
            f.write(clean_trace(50))

    @classmethod
    def tearDownClass(cls):
        shutil.rmtree(cls.base)

    def setUp(self):
        self.work = self.base / "work"
        shutil.copytree(self.base / "template", self.work)
        self.before = self.listing()

    def tearDown(self):
        shutil.rmtree(self.work)

    def listing(self):
        return sorted(str(p.relative_to(self.work)) for p in self.work.rglob("*"))

    def run_it(self, *arguments, **options):
        return subprocess.run([ALLOCSIM, *map(str, arguments)], cwd=self.work, text=True,
                              errors="replace", capture_output=True, timeout=120, **options)

    def assert_ok(self, *arguments, **options):
        done = self.run_it(*arguments, **options)
        self.assertEqual((done.returncode, done.stderr), (0, ""))
        return done.stdout

    def assert_fails(self, status, says, *arguments, lines=1, **options):
        """One line that says why, the status, nothing on stdout, nothing left in the directory."""
        before = self.listing()
        done = self.run_it(*arguments, **options)
        self.assertEqual(done.returncode, status, done.stderr)
        self.assertEqual(done.stdout, "")
        self.assertRegex(done.stderr, says)
        self.assertEqual(done.stderr.count("\n"), lines, done.stderr)
        self.assertRegex(done.stderr, r"\Aallocsim")
        self.assertEqual(self.listing(), before)

    def write(self, name, data):
        path = self.work / name
        path.write_bytes(data if isinstance(data, bytes) else data.encode())
        return name


class Help(Case):
    def test_general(self):
        text = self.assert_ok("--help")
        self.assertEqual(text, self.assert_ok("help"))
        self.assertEqual(text, self.assert_ok("-h"))
        for command in COMMANDS:
            self.assertRegex(text, rf"(?m)^  {command} ")
        for status in (64, 65, 66, 69, 70, 73, 74, 75, 78):
            self.assertIn(str(status), text)

    def test_each_command(self):
        for command in COMMANDS:
            text = self.assert_ok(command, "--help")
            self.assertEqual(text, self.assert_ok("help", command))
            self.assertIn("Examples:\n", text)
            for line in text.splitlines():
                self.assertLessEqual(len(line), 79, line)
            self.assertIn("Usage: ", self.assert_ok(command, "--usage"))

    def test_version(self):
        self.assertRegex(self.assert_ok("--version"), r"\Aallocsim \d+\.\d+\.\d+\n\Z")

    def examples(self, command):
        """Every command line below "Examples:", continued lines joined."""
        text = self.assert_ok(command, "--help").split("Examples:\n", 1)[1].replace("\\\n", "")
        found = [line.strip() for line in text.splitlines() if line.startswith("  ")]
        self.assertGreaterEqual(len(found), 2)
        for line in found:
            self.assertIn(f"allocsim {command}", line)
        return found

    def test_examples(self):
        binaries = self.base / "bin"
        binaries.mkdir(exist_ok=True)
        link = binaries / "allocsim"
        if not link.exists():
            link.symlink_to(ALLOCSIM)
            perf = binaries / "perf"
            perf.write_text(f"#!/bin/sh\nexec zcat '{ROOT}/sim/testdata/perf-6.18.txt.gz'\n")
            perf.chmod(0o755)
        environment = dict(os.environ, PATH=f"{binaries}:{os.environ['PATH']}")
        for command in COMMANDS:
            # What the examples of plot and compare read; those of run wrote something else there.
            self.assert_ok("run", "configs/quickstart.yaml", "-q")
            self.assert_ok("run", "configs/quickstart.yaml", "--set", "pcp.enabled=false", "-q",
                           "-o", "results/no-pcp")
            for name, cpus in (("per-cpu", 1), ("per-cpu", 2), ("global-lock", 1),
                               ("global-lock", 2)):
                if command == "plot":
                    self.assert_ok("run", "configs/examples/scaling.yaml", "-q", "-o",
                                   f"results/{name}-{cpus}", f"--set=name={name}",
                                   f"--set=machine.cpus={cpus}")
            if command in ("plot", "report"):
                shutil.copytree(ROOT / "sim/testdata/sweep/tiny", self.work / "results/slub-order",
                                dirs_exist_ok=True)
            for line in self.examples(command):
                with self.subTest(line):
                    if command in ("plot", "compare", "report") and not shutil.which("gnuplot"):
                        self.fail("gnuplot is missing: apt-get install gnuplot-nox")
                    done = subprocess.run(["sh", "-c", line], cwd=self.work, env=environment,
                                          capture_output=True, text=True, errors="replace",
                                          timeout=120)
                    messages = re.sub(r"(?m)^(results/|\S+ is held at ).*\n", "", done.stderr)
                    self.assertEqual((done.returncode, messages), (0, ""), line)
                    self.assertNotEqual(done.stdout, "")


class Usage(Case):
    def test_no_command(self):
        done = self.run_it()
        self.assertEqual((done.returncode, done.stdout), (64, ""))
        self.assertIn("Usage: allocsim COMMAND", done.stderr)

    def test_wrong(self):
        for says, *arguments in (
                ("unknown command 'runn'; did you mean 'run'", "runn"),
                ("unknown command 'zzzzzz' ", "zzzzzz"),
                ("unknown command 'impor'; did you mean 'import'", "help", "impor"),
                ("unknown command 'curve'; did you mean 'plot --x KEY --y FIGURE'", "curve"),
                ("unknown command 'scaling'; did you mean 'plot --x KEY --y FIGURE'", "scaling"),
                ("there is no list of 'plotz'; did you mean 'plots'", "list", "plotz"),
                ("needs -o FILE", "import", "-"),
                ("unknown trace format 'perv'", "import", "--format=perv", "trace.txt.gz"),
                ("no plot is named .free_by_ordr.; there are memory", "plot",
                 "my-recording", "--only", "free_by_ordr")):
            self.assert_fails(64, says, *arguments)

    def test_wrong_options(self):
        """argp adds a line that points to --help."""
        for says, *arguments in (
                ("no configuration is given", "run"),
                ("no configuration is given", "validate"),
                ("no trace is given", "import"),
                ("no result directory is given", "plot"),
                ("figures of many results need --x KEY", "plot", "a", "-y", "b"),
                ("figures of many results need --x KEY", "plot", "a", "--x", "b", "--z=c"),
                ("--only is for the plots of one result, without --x", "plot", "a", "-x", "x",
                 "-y", "y", "--only", "latency"),
                ("several results need --x KEY and --y FIGURE: a and b", "plot", "a", "b"),
                ("--no-plots leaves nothing for --output", "plot", "a", "-x", "x", "-y", "y",
                 "--no-plots", "-o", "b"),
                ("--no-plots leaves nothing for --term", "plot", "a", "-x", "x", "-y", "y",
                 "--no-plots", "--term"),
                ("more than 3 times --y", "plot", "a", "-x", "x", *["-y", "y"] * 4),
                ("more than 16 times --where", "plot", "a", "-x", "x", *["-w", "y=1"] * 17),
                ("more than 2 references", "plot", "a", "-x", "x", "-y", "y", *["-r", "a=b"] * 3),
                ("--kind: 'pie' is none of auto, lines, boxes, heat", "plot", "a", "--kind", "pie"),
                ("no trace is given", "classes"),
                ("one trace at a time: a and b", "classes", "a", "b"),
                ("--classes: '65' is out of range .legal range: 1..64.", "classes", "a", "-k", "65"),
                ("--classes: 'x' ", "classes", "a", "-k", "x"),
                ("--grid: '12' is no multiple of 8", "classes", "a", "--grid", "12"),
                ("--grid: '0' is out of range", "classes", "a", "--grid", "0"),
                ("--max: '65KiB' is out of range", "classes", "a", "--max", "65KiB"),
                ("a comparison needs two results", "compare", "a"),
                ("list what", "list"),
                ("one list at a time", "list", "plots", "metrics"),
                ("one trace at a time: a and b", "import", "a", "b"),
                ("unrecognized option '--bogus'", "run", "--bogus", SMALL),
                ("option '--set' requires an argument", "run", SMALL, "--set")):
            lines = self.run_it(*arguments).stderr.count("\n")
            self.assertLessEqual(lines, 3)
            self.assert_fails(64, says, *arguments, lines=lines)


class Config(Case):
    def test_each_mistake(self):
        for status, says, *sets in (
                (78, r"unknown key 'cpuss'; did you mean 'cpus'", "machine.cpuss=2"),
                (78, r"machine\.memory: .*unit", "machine.memory=4Gigs"),
                (78, r"machine\.cpus: '0' is out of range \(legal range: 1\.\.256\)",
                 "machine.cpus=0"),
                (78, r"must be KEY=VALUE", "machine.cpus"),
                (66, r"nofile\.atrace: No such file", "workload.trace=nofile.atrace"),
                (66, r"nodir: No such file", "start.truth=nodir"),
                (78, r"no such allocator: 'budy'; did you mean 'buddy'", "page_allocator=budy"),
                (78, r"no such allocator: 'slubb'; did you mean", "slab.allocator=slubb")):
            arguments = [x for s in sets for x in ("--set", s)]
            if "trace" in sets[0]:
                arguments += ["configs/linux-6.18.yaml"]
            else:
                arguments += [SMALL]
            with self.subTest(sets):
                self.assert_fails(status, says, "validate", *arguments)
                self.assert_fails(status, says, "run", *arguments)

    def test_position(self):
        self.write("bad.yaml", "machine:\n  cpus: 2\n  memry: 4GiB\n")
        self.assert_fails(78, r"bad\.yaml:3:3: machine: unknown key 'memry'; did you mean 'memory'",
                          "run", "bad.yaml")

    def test_all_mistakes_at_once(self):
        self.write("bad.yaml", "machine:\n  cpus: 0\n  memry: 4GiB\n  nodes: x\n")
        done = self.run_it("validate", "bad.yaml")
        self.assertEqual(done.returncode, 78)
        self.assertEqual(done.stderr.count("\n"), 4)
        self.assertTrue(done.stderr.endswith("allocsim: the configuration has 3 errors\n"))

    def test_strange_files(self):
        self.write("empty.yaml", "")
        self.write("binary.yaml", bytes(range(256)) * 100)
        self.write("long.yaml", "name: " + "x" * 10_000_000)
        self.write("unclosed.yaml", "machine: {cpus: 2")
        self.assert_fails(66, "nofile.yaml", "run", "nofile.yaml")
        self.assert_fails(66, "workloads", "run", "workloads")
        self.assert_fails(78, "binary.yaml", "run", "binary.yaml")
        self.assert_fails(78, "long.yaml", "run", "long.yaml")
        self.assert_fails(78, "unclosed.yaml:2:1", "run", "unclosed.yaml")
        self.assert_fails(78, "nothing to run", "run", "configs/linux-6.18.yaml")

    def test_validate_says_ok(self):
        self.assertEqual(self.assert_ok("validate", SMALL), f"{SMALL}: ok\n")
        self.assertEqual(self.assert_ok("validate", "configs/linux-6.18.yaml", SMALL),
                         f"configs/linux-6.18.yaml {SMALL}: ok\n")

    def test_printed_config_gives_the_same_run(self):
        self.write("printed.yaml", self.assert_ok("run", SMALL, "--print-config"))
        self.assert_ok("run", SMALL, "-q", "-o", "a")
        self.assert_ok("run", "printed.yaml", "-q", "-o", "b")
        a, b = (json.loads((self.work / d / "run.json").read_text()) for d in "ab")
        for document in (a, b):
            del document["host"], document["config"]["workload"]["operations"]
        del a["meta"]["trace_crc32"], b["meta"]["trace_crc32"]
        self.assertEqual(a, b)

    def test_platform(self):
        self.assertEqual(self.assert_ok("run", SMALL, "--dump-platform").count("<host "), 2)


class Import(Case):
    def assert_bad(self, status, says, data, *options, name="t.txt"):
        self.write(name, data)
        self.assert_fails(status, says, "import", name, "-o", "t.atrace", *options)

    def test_bad_inputs(self):
        garbage = bytes((i * 7919 >> 3) & 255 for i in range(200_000))
        self.assert_bad(65, r"t\.txt: empty input", "")
        self.assert_bad(65, r"t\.txt:\d+: no trace", garbage)
        self.assert_bad(65, r"t\.txt:\d+: no trace", "hello\n" * 10)
        self.assert_bad(65, r"t\.zst:\d+: compressed data is cut short",
                        (self.work / "trace.ftrace.zst").read_bytes()[:5000], name="t.zst")
        self.assert_fails(66, r"nofile: can't open: No such file", "import", "nofile")
        self.assert_fails(66, r"configs: can't read: Is a directory", "import", "configs")
        self.assert_fails(64, "same file", "import", "my.atrace", "-o", "my.atrace")

    def test_strict(self):
        good = clean_trace(20)
        last = good.count("\n")
        self.assert_bad(65, rf"t\.txt:{last}: .*cut", good[:-30], "--strict")
        self.assert_bad(65, r"t\.txt:43: .*no event", good + "x" * 10_000_000 + "\n", "--strict")
        self.assert_bad(65, r"t\.txt:43: .*out of order", good + alloc(0.5, 0x9000), "--strict")
        self.assert_bad(65, r"t\.txt:43: .*older than the recording", good + free(2, 0x9000),
                        "--strict")

    def test_not_strict(self):
        good = clean_trace(20)
        for data, key in ((good[:-30], "truncated_lines"),
                          (good + "x" * 10_000_000 + "\n", "skipped_lines"),
                          (good + alloc(0.5, 0x9000), "out_of_order"),
                          (good + free(2, 0x9000), "unmatched_frees")):
            self.write("t.txt", data)
            report = json.loads(self.assert_ok("import", "t.txt", "--json", "-o", "t.atrace"))
            self.assertEqual(sum(v for k, v in report.items() if k == key or "trunc" in k), 1, key)
            self.assert_ok("run", "configs/linux-6.18.yaml", "--set", "workload.trace=t.atrace",
                           "-q", "-o", "result")

    def test_streams(self):
        """The report is data; -q silences it; standard input; the default name is in the cwd."""
        self.assertIn("events read", self.assert_ok("import", "trace.txt.gz"))
        self.assertTrue((self.work / "trace.atrace").exists())
        first = (self.work / "trace.atrace").read_bytes()
        self.assertEqual(self.assert_ok("import", "-", "-q", "-o", "b.atrace",
                                        input=clean_trace(50)), "")
        self.assertEqual((self.work / "b.atrace").read_bytes(), first)

    def test_interrupt(self):
        """Ctrl-C while a recording is read: status 75, nothing left."""
        before = self.listing()
        reader, writer = os.pipe()
        child = subprocess.Popen([ALLOCSIM, "import", "-", "-o", "t.atrace"], cwd=self.work,
                                 stdin=reader, stdout=subprocess.PIPE, stderr=subprocess.PIPE,
                                 text=True)
        os.close(reader)
        os.write(writer, clean_trace(20).encode())
        time.sleep(0.3)
        child.send_signal(signal.SIGINT)
        time.sleep(0.1)
        os.write(writer, free(9, 0x9000).encode() * 10)
        os.close(writer)
        out, messages = child.communicate(timeout=60)
        self.assertEqual((child.returncode, out), (75, ""))
        self.assertEqual(messages, "allocsim: interrupted; nothing was written\n")
        self.assertEqual(self.listing(), before)


class Run(Case):
    def trace_run(self, trace):
        return ("run", "configs/linux-6.18.yaml", "--set", f"workload.trace={trace}", "-o", "out")

    def test_bad_traces(self):
        good = self.trace.read_bytes()
        flipped = bytearray(good)
        flipped[len(good) // 2] ^= 1
        for says, data in ((r"cut short", good[:500_000]),
                           (r"cut short|too short|not a binary", good[:40]),
                           (r"checksum", bytes(flipped)), (r"not a binary trace", b"x" * 1000),
                           (r"empty|too short|not a binary trace|cut short", b"")):
            self.write("bad.atrace", data)
            self.assert_fails(65, rf"bad\.atrace: .*({says})", *self.trace_run("bad.atrace"))
        version = bytearray(good)
        version[8] ^= 0x40
        self.write("bad.atrace", bytes(version))
        self.assert_fails(65, r"bad\.atrace: ", *self.trace_run("bad.atrace"))

    def test_bad_truth(self):
        truth = self.work / "my-recording"
        (truth / "start.time").write_text("proc 1 2\nfreemap 2 3\n")
        self.assert_fails(65, r"recorded at 2\.0+ s, but the trace runs from",
                          *self.trace_run("my.atrace"), "--truth", "my-recording")
        (truth / "start.time").unlink()
        self.assert_fails(66, r"my-recording/start\.time: no such file",
                          *self.trace_run("my.atrace"), "--truth", "my-recording")

    def test_output_not_writable(self):
        self.write("file", "x")
        (self.work / "keep").mkdir()
        self.write("keep/me", "x")
        self.assert_fails(73, r"file/out: ", "run", SMALL, "-o", "file/out")
        self.assert_fails(73, r"keep: is not empty", "run", SMALL, "-o", "keep")
        self.assert_fails(73, r"file: ", "run", SMALL, "-o", "file")
        self.assert_fails(73, r"file/x\.atrace", "import", "trace.txt.gz", "-o", "file/x.atrace")
        self.assert_fails(73, r"/dev/full", "import", "trace.txt.gz", "-o", "/dev/full")

    def test_disk_full(self):
        """A limit on the size of files stands for the full disk: the write fails the same way."""
        def limit():
            resource.setrlimit(resource.RLIMIT_FSIZE, (20_000, 20_000))
        self.assert_fails(74, r"series\.csv|run\.json", *self.trace_run("my.atrace"), "--set",
                          "measurement.sample_interval=10ms", preexec_fn=limit)
        self.assert_fails(74, r"t\.atrace", "import", "trace.ftrace.zst", "-o", "t.atrace",
                          preexec_fn=limit)

    def test_really_full_disk(self):
        mount = self.base / "small"
        mount.mkdir()
        if subprocess.run(["mount", "-t", "tmpfs", "-o", "size=64k", "tmpfs", mount],
                          capture_output=True, check=False).returncode != 0:
            self.skipTest("cannot mount a tmpfs here")
        try:
            self.assert_fails(74, r"No space left", "run", "configs/linux-6.18.yaml", "--set",
                              "workload.trace=my.atrace", "-o", mount / "out")
            self.assertEqual(list(mount.iterdir()), [])
            self.assert_fails(74, r"No space left", "import", "trace.ftrace.zst", "-o",
                              mount / "t.atrace")
            self.assertEqual(list(mount.iterdir()), [])
        finally:
            subprocess.run(["umount", mount], check=True)

    def test_stdout_full(self):
        for arguments in (("list", "metrics"), ("run", "--help"), ("--help",), ("--version",),
                          ("validate", SMALL), ("run", SMALL, "--print-config")):
            with open("/dev/full", "w") as full:
                done = subprocess.run([ALLOCSIM, *arguments], cwd=self.work, stdout=full,
                                      stderr=subprocess.PIPE, text=True)
            self.assertEqual((done.returncode, done.stderr),
                             (74, "allocsim: cannot write to standard output\n"), arguments)

    def interrupted(self, signals):
        before = self.listing()
        child = subprocess.Popen(
            [ALLOCSIM, "run", "configs/examples/churn.yaml", "--set", "workload.duration=10min",
             "-o", "results/long"], cwd=self.work, stdout=subprocess.PIPE, stderr=subprocess.PIPE,
            text=True)
        deadline = time.monotonic() + 30
        while not any("series.csv" in name for name in self.listing()):
            self.assertLess(time.monotonic(), deadline)
            self.assertIsNone(child.poll())
            time.sleep(0.05)
        time.sleep(0.2)
        for one in signals:
            child.send_signal(one)
        out, messages = child.communicate(timeout=60)
        self.assertEqual((child.returncode, out), (75, ""))
        self.assertEqual(messages, "allocsim: interrupted; nothing was written\n")
        self.assertEqual(self.listing(), before)

    def test_interrupt(self):
        for one in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
            self.interrupted([one])

    def test_streams(self):
        done = self.run_it("run", SMALL, "-o", "out")
        self.assertEqual((done.returncode, done.stderr), (0, ""))
        self.assertEqual(done.stdout.count("\n"), 11)
        self.assertNotIn("\x1b", done.stdout)
        self.assertEqual(self.assert_ok("run", SMALL, "-q", "-o", "out"), "")
        names = sorted(p.name for p in (self.work / "out").iterdir())
        self.assertEqual(names, ["end.buddyinfo", "end.pagetypeinfo", "end.zoneinfo", "run.json",
                                 "series.csv", "start.buddyinfo", "start.pagetypeinfo",
                                 "start.zoneinfo"])

    def test_periodic_work_of_objects(self):
        """A minute after the last free, slab has given all memory back, with per-CPU pages or not."""
        ops = "".join(f"    - {{at: {i}us, kmalloc: a{i}, size: 64B}}\n" for i in range(500))
        ops += "".join(f"    - {{at: {500 + i}us, free: a{i}}}\n" for i in range(500))
        ops += "    - {at: 60s, alloc: z, order: 0}\n    - {at: 60s, free: z}\n"
        self.write("o.yaml", "machine: {cpus: 1, memory: 16MiB, layout: flat}\n"
                   "slab: {allocator: slab}\nworkload:\n  operations:\n" + ops)
        for pcp in ("enabled: false", "decay_interval: 100ms", "decay_interval: 1000s"):
            run = json.loads(self.assert_ok("run", "o.yaml", "--json", "--set",
                                            f"pcp={{{pcp}}}", "-o", "out"))
            held = sum(z["free_pages_start"] - z["free_pages"] for z in run["zones"])
            held -= sum(c["count_pages"] for c in run["pcp"])
            self.assertEqual(held, 0, pcp)

    def test_default_output(self):
        self.assert_ok("run", SMALL, "-q")
        self.assertTrue((self.work / "results/operations/run.json").exists())
        self.assert_ok("run", SMALL, "-q", "--set", "name=../a/b")
        self.assertTrue((self.work / "results/_._a_b/run.json").exists())

    def test_nohup(self):
        """A hangup that the caller ignores stays ignored."""
        child = subprocess.Popen(
            [ALLOCSIM, "run", "configs/examples/churn.yaml", "--set", "workload.duration=3s", "-q",
             "-o", "out"], cwd=self.work, stderr=subprocess.PIPE, text=True,
            preexec_fn=lambda: signal.signal(signal.SIGHUP, signal.SIG_IGN))
        while child.poll() is None and not any("series.csv" in n for n in self.listing()):
            time.sleep(0.02)
        child.send_signal(signal.SIGHUP)
        _, messages = child.communicate(timeout=60)
        self.assertEqual((child.returncode, messages), (0, ""))


class Terminal(Case):
    def on_terminal(self, *arguments, **environment):
        """What a command writes to a terminal on its standard error."""
        leader, follower = pty.openpty()
        child = subprocess.Popen([ALLOCSIM, *arguments], cwd=self.work, stdout=subprocess.DEVNULL,
                                 stderr=follower, env=dict(os.environ, **environment))
        os.close(follower)
        seen = b""
        while select.select([leader], [], [], 120)[0]:
            try:
                data = os.read(leader, 4096)
            except OSError:
                break
            if not data:
                break
            seen += data
        os.close(leader)
        self.assertEqual(child.wait(timeout=60), 0)
        return seen.decode()

    def test_progress_only_there(self):
        run = ("run", "configs/examples/churn.yaml", "--set", "workload.duration=12s", "-o", "out")
        self.assertIn("\r", self.on_terminal(*run))
        self.assertEqual(self.on_terminal(*run, "-q"), "")
        self.assertEqual(self.on_terminal(*run, ALLOCSIM_NO_PROGRESS="1"), "")
        self.assert_ok(*run)  # piped: nothing on stderr

    def test_no_color(self):
        if not shutil.which("gnuplot"):
            self.fail("gnuplot is missing: apt-get install gnuplot-nox")
        self.assert_ok("run", "configs/examples/fragmentation.yaml", "--set",
                       "workload.duration=100ms", "-q", "-o", "out")
        plot = ("plot", "out", "--term", "--only", "free_by_order")
        piped = self.run_it(*plot)
        self.assertEqual(piped.returncode, 0)
        self.assertNotIn("\x1b", piped.stdout)
        for variable, colored in (({}, True), ({"NO_COLOR": "1"}, False)):
            leader, follower = pty.openpty()
            environment = {k: v for k, v in os.environ.items() if k != "NO_COLOR"}
            environment.update(variable, TERM="xterm-256color")
            child = subprocess.Popen([ALLOCSIM, *plot], cwd=self.work, stdout=follower,
                                     stderr=subprocess.DEVNULL, env=environment)
            os.close(follower)
            seen = b""
            while True:
                try:
                    data = os.read(leader, 65536)
                except OSError:
                    break
                if not data:
                    break
                seen += data
            os.close(leader)
            self.assertEqual(child.wait(timeout=60), 0)
            self.assertEqual(b"\x1b[" in seen, colored, variable)


class Plot(Case):
    def test_missing_and_wrong(self):
        self.assert_fails(66, r"nodir/run\.json: No such file", "plot", "nodir")
        self.assert_ok("run", SMALL, "-q", "-o", "out")
        (self.work / "out/run.json").write_text("{")
        self.assert_fails(65, r"out/run\.json", "plot", "out")

    def test_without_gnuplot(self):
        self.assert_ok("run", SMALL, "-q", "-o", "out")
        self.assert_fails(69, r"gnuplot", "plot", "out", "--only", "latency", env=dict(os.environ, PATH="/nowhere"))

    def results(self):
        """Two names on two numbers of CPUs, twice with other seeds."""
        for name in ("a", "b"):
            for cpus in (2, 4):
                for seed in (1, 2):
                    self.assert_ok("run", SMALL, "-q", "-o", f"{name}-{cpus}-{seed}", f"--set=name={name}",
                                   f"--set=machine.cpus={cpus}", f"--set=seed={seed}")
        return [f"{name}-{cpus}-{seed}" for name in "ab" for cpus in (2, 4) for seed in (1, 2)]

    def test_many(self):
        paths = self.results()
        axes = ["-x", "machine.cpus=CPUs", "--y", "totals.ops_count=operations"]
        done = self.assert_ok("plot", *paths, *axes, "--json", "--no-plots")
        figures = json.loads(done)
        self.assertEqual(figures["kind"], "boxes")
        self.assertEqual([(p["name"], p["x"], p["results"]) for p in figures["points"]],
                         [(name, cpus, [f"{name}-{cpus}-{seed}" for seed in (1, 2)])
                          for name in "ab" for cpus in (2, 4)])
        self.assertFalse((self.work / "results/plot").exists())
        one = paths[::2]
        done = self.assert_ok("plot", *one, *axes, "--relative", "--name", "speed", "-o", "pictures")
        self.assertIn("pictures/speed.svg\n", done)
        self.assertEqual(sorted(os.listdir(self.work / "pictures")), ["data", "speed.png", "speed.svg"])
        done = self.assert_ok("plot", *one, *axes, "--term")
        self.assertIn("operations against CPUs", done)
        self.assert_fails(64, "differ in machine.cpus .2, 4.: tell them apart with --by machine.cpus",
                          "plot", *paths, "-x", "measurement.check", *axes[2:])
        self.assert_fails(64, "has nothing at nonsense", "plot", *paths, "-x", "nonsense", *axes[2:])
        self.assert_fails(64, "the plots of a result have no --json", "plot", paths[0], "--json")

    def test_sweep(self):
        """The plan's plot, and others, with what lacks named once on standard error."""
        sweep = shutil.copytree(ROOT / "sim/testdata/sweep/tiny", self.work / "tiny")
        done = self.run_it("plot", "tiny")
        self.assertEqual((done.returncode, done.stdout), (0, "tiny/plots/tiny.png\ntiny/plots/tiny.svg\n"))
        self.assertEqual(done.stderr.count("exit status 70"), 1)
        self.assertEqual(sorted(os.listdir(sweep / "plots/data")), ["tiny.dat", "tiny.gp", "tiny.json"])
        done = self.run_it("plot", "tiny", "-x", "machine.memory", "-y", "kmalloc.classes",
                           "-z", "objects.waste_bytes")
        self.assertEqual(done.returncode, 0, done.stderr)
        self.assertTrue((sweep / "plots/objects.waste_bytes-against-machine.memory.png").exists())
        self.assert_fails(64, 'its plan has no plot named "other"', "plot", "tiny", "--only", "other")
        self.assert_fails(64, "a heat map can't be drawn with characters", "plot", "tiny", "-x",
                          "machine.memory", "-y", "kmalloc.classes", "-z", "objects.waste_bytes", "--term")


class Classes(Case):
    MIX = ((6, 15), (8, 15), (18, 40), (22, 5), (36, 10), (40, 5), (60, 10))

    def import_csv(self, lines):
        """@lines: (time in us, operation, id, size)."""
        self.write("mix.csv", "".join(",".join(map(str, line)) + "\n" for line in lines))
        self.assert_ok("import", "mix.csv", "--format", "csv", "--map",
                       "time=1,op=2,id=3,size=4,unit=us", "-q", "-o", "mix.atrace")

    def test_known_optimum(self):
        sizes = [size for size, count in self.MIX for _ in range(count)]
        self.import_csv((i + 1, "malloc", i + 1, size) for i, size in enumerate(sizes))
        found = json.loads(self.assert_ok("classes", "mix.atrace", "-k", "4", "--json"))
        self.assertEqual(found["best"]["classes_bytes"], [8, 24, 40, 64])
        self.assertEqual((found["requests_count"], found["best"]["waste_bytes"]), (100, 360))
        text = self.assert_ok("classes", "mix.atrace", "-k", "4")
        self.assertIn("\n--set 'kmalloc.classes=[8, 24, 40, 64]'\n", text)

    def test_best_set_in_a_run(self):
        """What is printed can be pasted, and a run with it rounds up less."""
        text = self.assert_ok("classes", "my.atrace", "--by-time")
        best = re.search(r"(?m)^--set '(.*)'$", text).group(1)
        rounding = []
        for sets in ((), ("--set", best)):
            run = json.loads(self.assert_ok("run", "configs/quickstart.yaml", "--json", *sets,
                                            "-o", f"out{len(sets)}"))
            with open(self.work / f"out{len(sets)}/series.csv", encoding="utf-8") as f:
                rows = list(csv.DictReader(f))
            rounding.append(sum(int(r["objects_class_rounding_bytes"]) for r in rows))
            self.assertEqual(run["objects"]["failed_count"], 0)
        self.assertLess(rounding[1], rounding[0])

    def test_bad_traces(self):
        self.assert_fails(66, r"nofile\.atrace: .*No such file", "classes", "nofile.atrace")
        self.assert_fails(65, r"trace\.ftrace\.zst", "classes", "trace.ftrace.zst")
        self.assert_ok("import", "trace.txt.gz", "-q", "-o", "pages.atrace")
        self.assert_fails(65, "pages.atrace: no kmalloc of 1 to 8192 bytes in it", "classes",
                          "pages.atrace")


class Listing(Case):
    def test_lists(self):
        self.assertRegex(self.assert_ok("list", "allocators"), r"(?m)^buddy +\S")
        self.assertRegex(self.assert_ok("list", "formats"), r"(?m)^ftrace +\S")
        self.assertRegex(self.assert_ok("list", "plots"), r"(?m)^free_by_order +\S")
        self.assertRegex(self.assert_ok("list", "metrics"), r"(?m)^totals\.ops_count +\S")
        machines = self.assert_ok("list", "machines")
        self.assertRegex(machines, r"(?m)^configs/machines/zen3\.yaml +One socket of AMD Zen 3")
        for row in machines.splitlines():
            self.assert_ok("validate", row.split()[0], "workloads/churn.yaml")
        self.assertRegex(self.assert_ok("list", "workloads"), r"(?m)^workloads/churn\.yaml +\S")

    def test_workloads_elsewhere(self):
        shutil.rmtree(self.work / "workloads")
        shutil.rmtree(self.work / "configs")
        self.assert_fails(66, "run this in allocsim's directory", "list", "workloads")
        self.assert_fails(66, "run this in allocsim's directory", "list", "machines")
        self.assert_fails(66, "run this in allocsim's directory", "list", "sweeps")

    def test_first_lines_are_sentences(self):
        """`list` shows the first line of a file's comment alone."""
        for kind in ("machines", "sweeps", "workloads"):
            for row in self.assert_ok("list", kind).splitlines():
                self.assertTrue(row.endswith((".", ")", ":")), row)


class Summary(Case):
    def test_programs(self):
        text = self.assert_ok("run", "configs/examples/vmalloc.yaml")
        rates = re.findall(r"(?m)^program +(\w+): 1 CPU, 500 rounds, (\d+)/s; 2048000 acc", text)
        self.assertEqual([name for name, _ in rates], ["kmalloc", "vmalloc"])
        # Each until its own CPU is done: the one that maps pages is slower.
        self.assertGreater(int(rates[0][1]), 1.2 * int(rates[1][1]))
        self.assertRegex(text, r"(?m)^vmalloc +500 allocations, 500 frees, 0 failed; 1 purges")
        self.assertRegex(text, r"(?m)^TLB flushes +1, 1 of everything; 1 interrupts")
        self.assertRegex(text, r"(?m)^operations +3000 steps of programs$")

    def test_without(self):
        text = self.assert_ok("run", SMALL)
        for line in ("program ", "other locks", "process", "vmalloc", "TLB", "caches", "nodes"):
            self.assertNotRegex(text, "(?m)^" + line)
        self.assertRegex(text, r"(?m)^time +8\.\d+ us simulated; median allocation [\d.]+ ns \(mean [\d.]+\); median free ")

    def test_idle_caches_and_nodes(self):
        text = self.assert_ok("run", "configs/machines/guest-2cpu.yaml",
                              "workloads/lock-contention.yaml")
        self.assertRegex(text, r"(?m)^caches +no accesses$")
        self.assertRegex(text, r"(?m)^other locks +shared taken \d+ times, \d+ contended")
        text = self.assert_ok("run", "configs/examples/numa.yaml")
        self.assertRegex(text, r"(?m)^nodes +2; 44218 of 433022 allocations of pages got another")


class Links(unittest.TestCase):
    def test_pages_exist(self):
        for page in [ROOT / "README.md", *(ROOT / "docs").glob("*.md")]:
            for link in re.findall(r"\]\(([^)#:]+)(?:#[^)]*)?\)", page.read_text()):
                self.assertTrue((page.parent / link).exists(), f"{page.name}: {link}")


if __name__ == "__main__":
    unittest.main(argv=sys.argv[:1] + sys.argv[3:], verbosity=1)
