#!/usr/bin/env python3
"""`allocsim sweep run` from outside: killed, crashed, full disks, resumed; the same results always.

usage: sweep_run_test.py ALLOCSIM SOURCE_ROOT
"""
import hashlib
import json
import os
import pty
import random
import resource
import select
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
import time
import unittest
from pathlib import Path

ALLOCSIM = str(Path(sys.argv[1]).resolve())
ROOT = Path(sys.argv[2]).resolve()
FEW = "ALLOCSIM_FEW" in os.environ
HOST = socket.gethostname()
CONFIG = """\
machine: {cpus: 2, memory: 64MiB, layout: flat}
workload:
  duration: 1ms
  generators:
    - {name: pages, rate: 500000/s, order: 0, lifetime: 100us}
"""
FOREVER = "1000s"


def signals(*numbers):
    """What wait() says of a death by one of these."""
    return [-number for number in numbers]


class Case(unittest.TestCase):
    def setUp(self):
        self.dir = Path(tempfile.mkdtemp(prefix="allocsim-sweep."))
        self.results = self.dir / "results"
        self.plan = self.dir / "plan.jsonl"
        Path(self.dir, "c.yaml").write_text(CONFIG)
        self.started = []

    def tearDown(self):
        for process in self.started:
            if process.poll() is None:
                process.kill()
                process.wait()
            for pipe in (process.stdout, process.stderr):
                if pipe:
                    pipe.close()
        shutil.rmtree(self.dir)

    def program(self, *args, **options):
        return subprocess.run((ALLOCSIM, *map(str, args)), cwd=self.dir, capture_output=True,
                              text=True, timeout=300, **options)

    def make_plan(self, points, config="c.yaml", traces=(), inputs=(), name="test"):
        """A plan of @points, each a dictionary of the same parameters; the ids."""
        resolved = self.program("run", "--print-config", config)
        self.assertEqual(resolved.returncode, 0, resolved.stderr)
        keys = list(points[0])
        head = {"schema_version": 1, "name": name, "title": None, "question": None,
                "allocsim_version": self.program("--version").stdout.split()[1],
                "master_seed": "1", "points_count": len(points),
                "parameters": [{"key": k, "values": list(dict.fromkeys(p[k] for p in points))}
                               for k in keys],
                "traces": list(traces), "inputs": list(inputs), "plots": [],
                "config": resolved.stdout}
        ids = [hashlib.sha256(json.dumps(p).encode()).hexdigest()[:16] for p in points]
        lines = [head] + [{"i": i, "id": ids[i], "params": p} for i, p in enumerate(points)]
        self.plan.write_text("".join(json.dumps(line) + "\n" for line in lines))
        return ids

    def small_plan(self, count):
        return self.make_plan([{"seed": str(i)} for i in range(count)])

    def sweep(self, *args, **options):
        return self.program("sweep", "run", self.plan, "-d", self.results, *args, **options)

    def assert_sweep(self, status, says, *args, **options):
        """It ends so, and standard error has the one line @says, or nothing."""
        done = self.sweep(*args, **options)
        self.assertEqual(done.returncode, status, done.stderr)
        if says:
            self.assertRegex(done.stderr, r"\Aallocsim: .*" + says + r".*\n\Z")
        else:
            self.assertEqual(done.stderr, "")
        return done.stdout

    def start(self, *args, **options):
        process = subprocess.Popen((ALLOCSIM, "sweep", "run", self.plan, "-d", self.results,
                                    *map(str, args)), cwd=self.dir, stdout=subprocess.PIPE,
                                   stderr=subprocess.PIPE, text=True, **options)
        self.started.append(process)
        return process

    def wait_for(self, what, process=None):
        """The first true value of what(), which has to come while @process runs."""
        end = time.monotonic() + 60
        while time.monotonic() < end:
            found = what()
            if found:
                return found
            if process and process.poll() is not None:
                self.fail(f"ended early: {process.communicate()}")
            time.sleep(0.005)
        self.fail("it did not come")

    def children(self, process, count=1, other_than=(), of=""):
        """The numbers of @count children (@of: of that point), running their simulation by now."""
        def found():
            try:
                pids = [int(p) for p in Path(
                    f"/proc/{process.pid}/task/{process.pid}/children").read_text().split()]
            except OSError:
                return None
            pids = [p for p in pids if p not in other_than and
                    list(self.results.glob(f".{of}*.tmp.*.{p}/start.zoneinfo"))]
            return pids if len(pids) >= count else None
        return self.wait_for(found, process)

    def status(self, name):
        return json.loads((self.results / name / "status.json").read_text())

    def run_json(self, name):
        """The bytes of a run.json but for what is of the host."""
        text = (self.results / name / "run.json").read_text()
        run = json.loads(text)
        del run["host"]
        return json.dumps(run)

    def hidden(self):
        return sorted(p.name for p in self.results.iterdir() if p.name.startswith("."))

    def assert_all_done(self, ids):
        self.assertEqual(sorted(p.name for p in self.results.iterdir()),
                         sorted([*ids, "plan.jsonl"]))
        for name in ids:
            self.assertEqual(self.status(name)["state"], "done")
            self.assertTrue((self.results / name / "config.yaml").exists())

    def expected(self, ids):
        """What the points are when nothing disturbs them."""
        undisturbed, self.results = self.results, self.dir / "expected"
        self.assert_sweep(0, None)
        runs = {name: self.run_json(name) for name in ids}
        self.results = undisturbed
        return runs

    def assert_runs(self, expected):
        self.assert_all_done(expected)
        for name, run in expected.items():
            self.assertEqual(self.run_json(name), run)


class Points(Case):
    def test_a_cell_is_a_run(self):
        ids = self.small_plan(5)
        says = self.assert_sweep(0, None, "-j", 2)
        self.assertRegex(says, r"5 points: 5 done now, 0 done before, in ")
        self.assert_all_done(ids)
        self.assertEqual((self.results / "plan.jsonl").read_bytes(), self.plan.read_bytes())
        for name in ids[:2]:
            alone = self.program("run", self.results / name / "config.yaml", "-q", "-o", "alone")
            self.assertEqual(alone.returncode, 0, alone.stderr)
            run = json.loads(Path(self.dir, "alone/run.json").read_text())
            del run["host"]
            self.assertEqual(self.run_json(name), json.dumps(run))
        self.assertNotEqual(self.run_json(ids[0]), self.run_json(ids[1]))

    def test_traces_are_shared(self):
        """A recorded trace and state, read once: the same as a run that reads them itself."""
        source = ROOT / "workloads/files"
        shutil.copy(ROOT / "configs/linux-6.18.yaml", self.dir)
        Path(self.dir, "q.yaml").write_text("include: linux-6.18.yaml\n"
                                            f"workload: {{trace: {source}/files.atrace}}\n")
        trace = {"name": "files", "trace": f"{source}/files.atrace", "truth": str(source)}
        ids = self.make_plan([{"trace": "files", "pcp.enabled": v} for v in ("true", "false")],
                             config="q.yaml", traces=[trace])
        self.assert_sweep(0, None, "-j", 2)
        self.assert_all_done(ids)
        alone = self.program("run", "q.yaml", "--truth", source, "--set", "pcp.enabled=false",
                             "-q", "-o", "alone")
        self.assertEqual(alone.returncode, 0, alone.stderr)
        run = json.loads(Path(self.dir, "alone/run.json").read_text())
        del run["host"]
        self.assertIn("fidelity", run)
        self.assertEqual(self.run_json(ids[1]), json.dumps(run))

    def test_done_is_not_done_again(self):
        ids = self.small_plan(3)
        self.assert_sweep(0, None)
        before = [(self.results / n / "run.json").stat().st_ino for n in ids]
        self.assertIn("0 done now, 3 done before", self.assert_sweep(0, None))
        self.assertEqual([(self.results / n / "run.json").stat().st_ino for n in ids], before)
        run = self.results / ids[1] / "run.json"
        run.write_bytes(run.read_bytes()[:-2])
        self.assertIn("1 done now, 2 done before", self.assert_sweep(0, None))
        after = [(self.results / n / "run.json").stat().st_ino for n in ids]
        self.assertEqual([a == b for a, b in zip(after, before)], [True, False, True])
        for damaged in (b"", (self.results / ids[0] / "status.json").read_bytes()[:-9]):
            (self.results / ids[0] / "status.json").write_bytes(damaged)
            self.assertIn("1 done now, 2 done before", self.assert_sweep(0, None))
        self.assertIn("3 done now", self.assert_sweep(0, None, "--force"))
        self.assert_all_done(ids)

    def test_chosen_points(self):
        ids = self.small_plan(7)
        expected = self.expected(ids)
        done = lambda: [i for i, n in enumerate(ids) if (self.results / n).exists()]
        self.assert_sweep(0, None, "--points", "5,0-1")
        self.assertEqual(done(), [0, 1, 5])
        self.assert_sweep(0, None, "--shard", "2/3")
        self.assertEqual(done(), [0, 1, 2, 5])
        self.assert_sweep(0, None, "--shard", "0/3", "--points", "1-6", "-q")
        self.assertEqual(done(), [0, 1, 2, 3, 5, 6])
        self.assertEqual(self.assert_sweep(0, None, "--shard", "8/9"), "")
        self.assert_sweep(0, None)
        self.assert_runs(expected)

    def test_refused(self):
        self.small_plan(3)
        for args in (["--points", "3"], ["--points", "x"]):
            self.assert_sweep(64, "--points: ", *args)
        for args in (["--shard", "3/3"], ["--shard", "1"], ["-j", "0"], ["--timeout", "-1"],
                     ["--progress", "maybe"], ["second"]):
            self.assertEqual(self.sweep(*args).returncode, 64, args)
        self.assertEqual(self.program("sweep", "run", self.plan).returncode, 64)
        self.assertEqual(self.program("sweep", "run", "none", "-d", "r").returncode, 66)
        Path(self.dir, "file").write_text("")
        self.results = self.dir / "file"
        self.assert_sweep(73, "file: is no directory")
        self.results = self.dir / "results"
        self.assertFalse(self.results.exists())

    def test_changed_inputs(self):
        changed = self.dir / "trace.bin"
        changed.write_text("as it was not")
        self.make_plan([{"seed": "1"}], inputs=[{"path": str(changed), "is_recording": False,
                                                 "bytes": 13, "digest": "0" * 16}])
        self.assert_sweep(65, "has changed since the plan was made")
        changed.unlink()
        self.assert_sweep(66, "trace.bin")
        self.assertFalse(self.results.exists())

    def planned_trace(self, count):
        """A sweep of @count points that read trace.atrace and state, copies; its ids."""
        self.trace, self.state = self.dir / "trace.atrace", self.dir / "state"
        shutil.copy(ROOT / "workloads/files/files.atrace", self.trace)
        shutil.copytree(ROOT / "workloads/files", self.state,
                        ignore=shutil.ignore_patterns("*trace*"))
        Path(self.dir, "s.yaml").write_text(
            f"config: {ROOT}/configs/linux-6.18.yaml\n"
            "traces: [{trace: trace.atrace, truth: state}]\n"
            f"grid: {{seed: [{', '.join(map(str, range(count)))}]}}\n")
        done = self.program("sweep", "plan", "s.yaml", "-o", self.plan)
        self.assertEqual(done.returncode, 0, done.stderr)
        lines = self.plan.read_text().splitlines()[1:]
        return [json.loads(line)["id"] for line in lines]

    def test_inputs_that_change_midway(self):
        """Replaced, cut short, deleted: no result of other inputs, no point to blame, and a sweep
        that goes on when they are back."""
        ids = self.planned_trace(4)
        expected = self.expected(ids)
        as_it_was, other = self.dir / "as-it-was", self.dir / "other"
        shutil.copy(self.trace, as_it_was)
        zoneinfo = self.state / "end.zoneinfo"
        shutil.copy(ROOT / "workloads/sqlite/sqlite.atrace", other)
        changes = {
            "has changed since": lambda: os.replace(other, self.trace),
            "state: has changed since": lambda: zoneinfo.rename(self.state / "moved"),
            "trace.atrace: has changed since": lambda: os.truncate(self.trace, 0),
            "No such file": lambda: self.trace.unlink(),
        }
        for says, change in changes.items():
            shutil.rmtree(self.results, ignore_errors=True)
            process = self.start("-j", 1, "--progress", "none")
            child = self.children(process)[0]
            os.kill(child, signal.SIGSTOP)
            change()
            os.kill(child, signal.SIGCONT)
            error = process.communicate()[1]
            self.assertEqual(process.returncode, 66 if "No such" in says else 65, error)
            self.assertRegex(error, rf"\Aallocsim: .*{says}.*; 0 of 4 points are done, .*\n\Z")
            self.assertEqual([p.name for p in self.results.iterdir()], ["plan.jsonl"])
            shutil.copy(as_it_was, self.trace)
            if not zoneinfo.exists():
                (self.state / "moved").rename(zoneinfo)
            self.assert_sweep(0, None)
            self.assert_runs(expected)

    def test_inputs_that_are_touched(self):
        """Another file of the same contents is the same input."""
        ids = self.planned_trace(3)
        process = self.start("-j", 1, "--progress", "none")
        child = self.children(process)[0]
        os.kill(child, signal.SIGSTOP)
        shutil.copy(self.trace, self.dir / "copy")
        os.replace(self.dir / "copy", self.trace)
        os.kill(child, signal.SIGCONT)
        self.assertEqual(process.communicate()[1], "")
        self.assertEqual(process.returncode, 0)
        self.assert_all_done(ids)

    def test_few_open_files(self):
        """Raised where that is allowed, and otherwise said before anything runs."""
        ids = self.small_plan(8)
        low = lambda: resource.setrlimit(resource.RLIMIT_NOFILE, (20, 20))
        raised = lambda: resource.setrlimit(resource.RLIMIT_NOFILE, (20, 40))
        self.assert_sweep(64, r"8 runs at a time need 40 open files, and the limit is 20", "-j", 8,
                          preexec_fn=low)
        self.assertEqual([p.name for p in self.results.iterdir()], ["plan.jsonl"])
        self.assert_sweep(0, None, "-j", 8, preexec_fn=raised)
        self.assert_all_done(ids)

    def test_closed_standard_files(self):
        """No file of ours gets their numbers: what a run said is kept."""
        ids = self.make_plan([{"machine.memory": m} for m in ("64MiB", "1EiB")])
        command = [ALLOCSIM, "sweep", "run", self.plan, "-d", self.results, "-q", "-j", "1"]
        done = subprocess.run(["sh", "-c", '"$@" <&- >&- 2>&-', "sh", *command], timeout=300)
        self.assertEqual(done.returncode, 1)
        self.assertEqual(self.status(ids[0])["state"], "done")
        self.assertIn("machine.memory", self.status(ids[1])["message"])
        self.assertIn("machine.memory", (self.results / ids[1] / "stderr.log").read_text())

    @unittest.skipIf(os.geteuid() == 0, "root may write everywhere")
    def test_may_not_write(self):
        self.small_plan(1)
        self.dir.chmod(0o500)
        try:
            self.assert_sweep(73, "results: can't create directory: Permission denied")
        finally:
            self.dir.chmod(0o700)

    def test_not_a_cell(self):
        """A directory that holds something else is left as it is, and told once."""
        ids = self.small_plan(3)
        other = self.results / ids[0]
        other.mkdir(parents=True)
        (other / "thesis.tex").write_text("years of work")
        self.assert_sweep(73, f"{ids[0]}: is not empty and holds no .*; it is left as it is", "-j", 1)
        self.assertEqual(sorted(p.name for p in self.results.iterdir()), [ids[0], "plan.jsonl"])
        self.assertEqual([p.name for p in other.iterdir()], ["thesis.tex"])

    def test_help(self):
        text = self.program("sweep", "run", "--help").stdout
        self.assertIn("Examples:\n", text)
        self.assertLess(max(map(len, text.splitlines())), 80)
        self.small_plan(10)
        for line in text.splitlines():
            if line.startswith("  allocsim "):
                done = self.program(*line.split()[1:])
                self.assertEqual((done.returncode, done.stderr), (0, ""), line)

    def test_another_plan(self):
        self.small_plan(2)
        self.assert_sweep(0, None)
        ids = self.make_plan([{"seed": str(i)} for i in range(3)], name="other")
        says = self.assert_sweep(0, None)
        self.assertIn("held another plan", says)
        self.assertIn("1 done now, 2 done before", says)
        self.assertNotIn("another", self.assert_sweep(0, None))
        self.assert_all_done(ids)

    def test_two_at_once(self):
        """Two calls that do all of the same points: both succeed, one result of each."""
        ids = self.small_plan(4 if FEW else 12)
        expected = self.expected(ids)
        for force in ([], ["--force"]):
            both = [self.start("-j", 2, *force) for _ in range(2)]
            for process in both:
                out, err = process.communicate(timeout=120)
                self.assertEqual((process.returncode, err), (0, ""), out)
            self.assert_runs(expected)

    def test_progress(self):
        self.small_plan(3)
        done = self.sweep("--progress", "json", "-j", 1)
        lines = [json.loads(line) for line in done.stderr.splitlines()]
        self.assertEqual([(x["index"], x["state"], x["done_count"], x["total_count"])
                          for x in lines], [(i, "done", i + 1, 3) for i in range(3)])
        self.assertEqual(self.sweep("--force", "-q").stdout, "")
        self.assert_sweep(0, None, "--force", "--progress", "lines")
        ours, theirs = pty.openpty()
        self.make_plan([{"workload.duration": "30ms", "seed": str(i)} for i in range(4)])
        process = subprocess.Popen((ALLOCSIM, "sweep", "run", self.plan, "-d", "bar"),
                                   cwd=self.dir, stdout=subprocess.DEVNULL, stderr=theirs)
        os.close(theirs)
        text = ""
        while select.select([ours], [], [], 60)[0]:
            try:
                text += os.read(ours, 4096).decode()
            except OSError:
                break
        os.close(ours)
        self.assertEqual(process.wait(), 0)
        self.assertRegex(text, r"\A\rsweep +0 % \[> +\] 0/4  \d running\x1b\[K")
        self.assertRegex(text, r"\r\x1b\[K\Z")


class Failures(Case):
    def test_one_of_many(self):
        """A point whose run fails is a failed cell, and the others are done."""
        ids = self.make_plan([{"machine.memory": m} for m in ("32MiB", "3B", "64MiB")])
        out = self.assert_sweep(1, rf"1 of 3 points failed: 1 \({ids[1]}\)")
        self.assertRegex(out, rf"failed: 1 \({ids[1]}\) machine.memory=3B: exit status 78: ")
        self.assertEqual([self.status(n)["state"] for n in ids], ["done", "failed", "done"])
        status = self.status(ids[1])
        self.assertEqual((status["exit_code"], status["signal"], status["attempts"]),
                         (78, None, 1))
        self.assertIn("machine.memory", status["message"])
        self.assertIn("allocsim: ", (self.results / ids[1] / "stderr.log").read_text())
        self.assertFalse((self.results / ids[1] / "run.json").exists())
        self.assertEqual(self.hidden(), [])
        out = self.assert_sweep(1, "1 of 3 points failed")
        self.assertIn("1 failed earlier and were not tried again: --retry-failed", out)
        self.assertEqual(self.status(ids[1])["attempts"], 1)
        self.assert_sweep(1, "1 of 3 points failed", "--retry-failed")
        self.assertEqual(self.status(ids[1])["attempts"], 2)

    def test_stop_on_failure(self):
        ids = self.make_plan([{"machine.memory": m} for m in ("32MiB", "3B", "64MiB", "16MiB")])
        self.assert_sweep(1, "1 of 4 points failed: .*; 2 were not run", "--stop-on-failure",
                          "-j", 1)
        self.assertEqual([(self.results / n).exists() for n in ids], [True, True, False, False])

    def test_crash(self):
        ids = self.make_plan([{"workload.duration": d} for d in ("1ms", FOREVER)])
        process = self.start("-j", 2)
        os.kill(self.children(process, of=ids[1])[0], signal.SIGABRT if FEW else signal.SIGSEGV)
        out, err = process.communicate(timeout=60)
        self.assertEqual(process.returncode, 1, err)
        status = self.status(ids[1])
        self.assertEqual((status["state"], status["transient"]), ("failed", False))
        if not FEW:
            self.assertEqual((status["signal"], status["exit_code"]), (11, None))
            self.assertRegex(out, r"signal 11 \(Segmentation fault\)")
        self.assertEqual(sorted(p.name for p in (self.results / ids[1]).iterdir()),
                         ["config.yaml", "status.json", "stderr.log"])
        self.assertEqual(self.hidden(), [])
        self.assertFalse(list(self.dir.rglob("core*")))

    def test_killed_from_outside(self):
        """Killed three times: failed, and tried again by the next call, which needs no option."""
        ids = self.make_plan([{"workload.duration": d} for d in (FOREVER, "1ms")])
        for call in (1, 2):
            process = self.start("-j", 1)
            gone = []
            for number in (signal.SIGKILL, signal.SIGTERM, signal.SIGKILL):
                gone += self.children(process, other_than=gone)
                os.kill(gone[-1], number)
            out, err = process.communicate(timeout=60)
            self.assertEqual(process.returncode, 1, err)
            status = self.status(ids[0])
            self.assertEqual((status["signal"], status["transient"], status["attempts"]),
                             (9, True, 3 * call))
            self.assertIn("(will be tried again)", out)
            self.assertEqual(self.status(ids[1])["state"], "done")
            self.assertEqual(self.hidden(), [])

    def test_killed_once(self):
        """The OOM killer takes one: its point is run again, nobody need know."""
        ids = self.make_plan([{"workload.duration": "10ms" if FEW else "400ms"}])
        process = self.start()
        os.kill(self.children(process)[0], signal.SIGKILL)
        self.assertEqual((process.wait(120), self.status(ids[0])["attempts"]), (0, 2))
        self.assert_all_done(ids)

    def test_timeout(self):
        ids = self.make_plan([{"workload.duration": d} for d in (FOREVER, "1ms")])
        out = self.assert_sweep(1, "1 of 2 points failed", "--timeout", 3, "-j", 2)
        status = self.status(ids[0])
        self.assertEqual((status["timed_out"], status["transient"]), (True, False))
        self.assertRegex(out, r"timed out after 3\.\d s")
        self.assertEqual(self.status(ids[1])["state"], "done")
        self.assertEqual(self.hidden(), [])

    def test_timeout_of_one_that_does_not_listen(self):
        """SIGSTOP keeps SIGTERM from it, and SIGKILL ends it."""
        ids = self.make_plan([{"workload.duration": FOREVER}])
        process = self.start("--timeout", 2)
        os.kill(self.children(process)[0], signal.SIGSTOP)
        self.assertEqual(process.wait(60), 1)
        status = self.status(ids[0])
        self.assertEqual((status["timed_out"], status["signal"]), (True, 9))
        self.assertGreater(status["wall_seconds"], 6.9)
        self.assertEqual(self.hidden(), [])

    def test_stopped_time_is_no_run_time(self):
        """Ctrl-Z, and fg after longer than --timeout."""
        ids = self.make_plan([{"workload.duration": FOREVER}])
        process = self.start("--timeout", 5, "--progress", "none")
        child = self.children(process)[0]
        for pid in (process.pid, child):
            os.kill(pid, signal.SIGSTOP)
        time.sleep(6)
        for pid in (child, process.pid):
            os.kill(pid, signal.SIGCONT)
        time.sleep(1)
        self.assertIsNone(process.poll(), "it has had no 5 s yet")
        self.assertEqual(process.wait(60), 1)
        self.assertTrue(self.status(ids[0])["timed_out"])

    @unittest.skipIf(FEW, "sanitizers need all addresses")
    def test_short_of_memory(self):
        """That is the point's own failure, though its exit status is that of a full disk."""
        limit = lambda: resource.setrlimit(resource.RLIMIT_AS, (4 << 30, 4 << 30))
        ids = self.make_plan([{"machine.memory": m} for m in ("1TiB", "64MiB")])
        self.assert_sweep(1, "1 of 2 points failed", preexec_fn=limit)
        status = self.status(ids[0])
        self.assertEqual((status["state"], status["exit_code"]), ("failed", 74))
        self.assertEqual(self.status(ids[1])["state"], "done")


class Interrupted(Case):
    def test_asked_to_stop(self):
        """SIGTERM to the parent, and ctrl-C, which goes to all of the group."""
        ids = self.make_plan([{"workload.duration": d} for d in ("1ms", FOREVER, FOREVER)])
        self.assert_sweep(0, None, "--points", "0")
        for number, send in ((signal.SIGTERM, os.kill), (signal.SIGINT, os.killpg),
                             (signal.SIGTERM, os.killpg), (signal.SIGHUP, os.killpg)):
            process = self.start("-j", 2, start_new_session=True)
            self.children(process, 2)
            send(process.pid, number)
            out, err = process.communicate(timeout=60)
            self.assertEqual(process.returncode, 75)
            self.assertEqual(err, "allocsim: interrupted; 1 of 3 points are done, and the same "
                             "command goes on with the rest\n")
            self.assertIn("2 not run", out)
            self.assertEqual(sorted(p.name for p in self.results.iterdir()),
                             sorted([ids[0], "plan.jsonl"]))

    def kill_all(self, process):
        """Parent and children, as a host does that loses power."""
        for pid in self.group(process):
            try:
                os.kill(pid, signal.SIGKILL)
            except ProcessLookupError:
                pass

    def group(self, process):
        try:
            return [process.pid, *(int(p) for p in Path(
                f"/proc/{process.pid}/task/{process.pid}/children").read_text().split())]
        except OSError:
            return [process.pid]

    def test_killed_at_random(self):
        """Parent, a child, or all, at any moment; then one call makes it whole."""
        ids = self.small_plan(4 if FEW else 12)
        expected = self.expected(ids)
        rng = random.Random(5)
        kinds = {"parent": 0, "child": 0, "all": 0}
        for i in range(3 if FEW else 20):
            process = self.start("-j", 2, "-q")
            time.sleep(rng.uniform(0, 2 if FEW else 0.25))
            kind = ("parent", "child", "all")[i % 3]
            if kind == "parent":
                process.kill()
            elif kind == "all":
                self.kill_all(process)
            elif process.poll() is None:
                for pid in self.group(process)[1:2]:
                    try:
                        os.kill(pid, signal.SIGKILL)
                    except ProcessLookupError:
                        pass
            code = process.wait(120)
            if kind == "child":
                self.assertEqual(code, 0)
            kinds[kind] += code in (0, *signals(signal.SIGKILL))
            if i % 5 == 4:
                shutil.rmtree(self.results)
        self.assertEqual(sum(kinds.values()), 3 if FEW else 20)
        self.wait_for(lambda: not subprocess.run(["pgrep", "-f", str(self.results)],
                                                 stdout=subprocess.DEVNULL).returncode == 0)
        self.assert_sweep(0, None, "-q")
        self.assert_runs(expected)

    def test_children_die_with_their_parent(self):
        self.make_plan([{"workload.duration": FOREVER, "seed": str(i)} for i in range(2)])
        process = self.start("-j", 2)
        children = self.children(process, 2)
        process.kill()
        process.wait()
        self.wait_for(lambda: not any(Path(f"/proc/{p}").exists() and
                                      ") Z" not in Path(f"/proc/{p}/stat").read_text()
                                      for p in children))
        self.assertEqual(len(self.hidden()), 2)
        process = self.start("-j", 2)
        now = self.children(process, 2)
        self.assertEqual(sorted(name.split(".")[-1] for name in self.hidden()),
                         sorted(map(str, now)))
        process.terminate()
        self.assertIn("deleted what 2 killed runs had left", process.communicate(timeout=60)[0])

    def test_what_others_left(self):
        """Only what is of this host and of no process may go."""
        ids = self.small_plan(1)
        self.results.mkdir()
        gone = subprocess.Popen(["true"])
        gone.wait()
        kept = [f".{ids[0]}.tmp.another-host.{gone.pid}", f".{ids[0]}.tmp.{HOST}.{os.getpid()}",
                f".{ids[0]}.tmp.{HOST}.{gone.pid}x", f".{ids[0]}.tmp.{HOST}.0", ".tmp", ".keep"]
        for name in [*kept, f".{ids[0]}.tmp.{HOST}.{gone.pid}", f".a.tmp.{HOST}.{gone.pid}.old"]:
            (self.results / name).mkdir()
            (self.results / name / "run.json").write_text("{}")
        (self.results / f".plan.jsonl.tmp.{HOST}.{gone.pid}").write_text("half a pl")
        self.assertIn("what 3 killed runs", self.assert_sweep(0, None))
        self.assertEqual(self.hidden(), sorted(kept))


class FullDisk(Case):
    def assert_told_once(self, done, says, finished, count):
        self.assertEqual(done.returncode, 74, done.stderr)
        self.assertRegex(done.stderr, rf"\Aallocsim: .*{says}; {finished} of {count} points are "
                         r"done, and the same command goes on with the rest\n\Z")
        self.assertEqual(self.hidden(), [])

    def test_limit_of_a_file(self):
        """What needs no root: files may not be longer than so."""
        ids = self.small_plan(4)
        self.assert_sweep(0, None, "--points", "2")
        limit = lambda: resource.setrlimit(resource.RLIMIT_FSIZE, (3000, 3000))
        self.assert_told_once(self.sweep("-j", 2, preexec_fn=limit), "File too large", 1, 4)
        self.assertEqual(sorted(p.name for p in self.results.iterdir()),
                         sorted([ids[2], "plan.jsonl"]))
        self.assert_sweep(0, None)
        self.assert_all_done(ids)

    def test_limit_of_a_file_in_a_long_path(self):
        """Longer than a message has room for, which must not make it the point's failure."""
        ids = self.small_plan(2)
        self.results = self.dir.joinpath("results", *["x" * 200] * 7)
        room = self.plan.stat().st_size + 100 # for the plan, and not for a run.json
        limit = lambda: resource.setrlimit(resource.RLIMIT_FSIZE, (room, room))
        self.assertEqual(self.sweep(preexec_fn=limit).returncode, 74)
        self.assertEqual([p.name for p in self.results.iterdir()], ["plan.jsonl"])
        self.assert_sweep(0, None)
        self.assert_all_done(ids)

    def test_full(self):
        ids = self.small_plan(4 if FEW else 20)
        expected = self.expected(ids)
        cell = sum(p.stat().st_size + 4096 for p in (self.dir / "expected" / ids[0]).iterdir())
        self.results.mkdir()
        size = cell * len(ids) // 2 // 1024
        if os.geteuid() or subprocess.run(
                ["mount", "-t", "tmpfs", "-o", f"size={size}k", "tmpfs", self.results],
                stderr=subprocess.DEVNULL).returncode:
            print("NOT TESTED: a full disk, which needs the right to mount a tmpfs",
                  file=sys.stderr)
            self.skipTest("cannot mount a tmpfs here")
        try:
            done = self.sweep("-j", 2)
            finished = [n for n in ids if (self.results / n).exists()]
            self.assertGreater(len(finished), 0)
            self.assert_told_once(done, "No space left on device", len(finished), len(ids))
            for name in finished:
                self.assertEqual(self.status(name)["state"], "done")
                self.assertEqual(self.run_json(name), expected[name])
            subprocess.run(["mount", "-o", "remount,size=1g", self.results], check=True)
            self.assertIn(f"{len(finished)} done before", self.assert_sweep(0, None))
            self.assert_runs(expected)
        finally:
            subprocess.run(["umount", self.results], check=True)


if __name__ == "__main__":
    unittest.main(argv=[sys.argv[0], *sys.argv[3:]])
