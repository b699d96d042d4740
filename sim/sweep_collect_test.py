#!/usr/bin/env python3
"""Tables of sweeps: what stands in them, and that other programs load them unchanged.

usage: sweep_collect_test.py ALLOCSIM SOURCE_ROOT

The sweep is sim/testdata/sweep/tiny: points 0 and 2 are done, 1 failed, 3 is missing. Its table must
be the bytes of tiny.csv beside it; ALLOCSIM_UPDATE_GOLDEN=1 writes them anew. pandas, R and gnuplot
are used if they are installed, and it is said which are not.
"""
import csv
import io
import json
import os
import re
import resource
import shutil
import subprocess
import sys
import tempfile
import unittest
from pathlib import Path

ALLOCSIM = str(Path(sys.argv[1]).resolve())
ROOT = Path(sys.argv[2]).resolve()
TINY = ROOT / "sim/testdata/sweep/tiny"
GOLDEN = ROOT / "sim/testdata/sweep/tiny.csv"
# Of names and of the units that metrics_list.c gives.
UNITS = {"ns": r"_ns(_|$)", "bytes": r"_bytes(_|$)", "pages": r"_pages(_|$)", "cycles": r"_cycles$",
         "0..1": r"(_index|_ratio|_index_start)(_order\d+)?$", "-1..1": r"_index_order\d+$",
         "order": r"_order$", "1/s": r"_per_s(econd)?$", "ratio": r"", "count": r""}
COUNTED = r"(_count(_|$)|\.count$)"


def missing(program):
    print(f"SKIPPED: {program} is not installed: nothing shows that it loads a table", file=sys.stderr)
    return unittest.SkipTest(f"{program} is not installed")


def python_with_pandas():
    for python in (sys.executable, "/usr/bin/python3"):
        if os.access(python, os.X_OK) and not subprocess.run(
                [python, "-c", "import pandas"], capture_output=True, check=False).returncode:
            return python
    raise missing("pandas")


class Case(unittest.TestCase):
    maxDiff = None

    def setUp(self):
        self.dir = tempfile.TemporaryDirectory()
        self.addCleanup(self.dir.cleanup)
        self.work = Path(self.dir.name)
        self.results = self.work / "tiny"
        shutil.copytree(TINY, self.results)

    def run_it(self, *args, status=0, **more):
        done = subprocess.run([ALLOCSIM, "sweep", *args], cwd=self.work, text=True,
                              capture_output=True, check=False, **more)
        self.assertEqual(done.returncode, status, done.stderr)
        return done

    def collect(self, *args, **more):
        return self.run_it("collect", "tiny", *args, **more)

    def rows(self, *args):
        return list(csv.DictReader(io.StringIO(self.collect("-q", *args).stdout)))


class Table(Case):
    def test_golden(self):
        done = self.collect("-o", "all.csv")
        self.assertRegex(done.stderr, r"(?m)^all\.csv: 4 rows, \d+ columns$")
        self.assertIn("1 of 4 points failed and has no figures: 1b2c3d4e5f60718a (exit status 70)",
                      done.stderr)
        self.assertIn("1 of 4 points is missing and has no figures: 3d4e5f60718a9bac", done.stderr)
        self.assertEqual(len(done.stderr.splitlines()), 3)
        self.assertEqual(done.stdout, "")
        have = (self.work / "all.csv").read_bytes()
        if os.environ.get("ALLOCSIM_UPDATE_GOLDEN"):
            GOLDEN.write_bytes(have)
        self.assertEqual(have.decode(), GOLDEN.read_text(encoding="utf-8"))
        self.assertNotIn(b"\r", have)
        # As do the index and standard output, a second time.
        self.assertEqual(self.collect("-q").stdout.encode(), have)
        index = [json.loads(line) for line in (self.results / "index.jsonl").read_text().splitlines()]
        self.assertEqual([(p["i"], p["state"], p["reason"]) for p in index],
                         [(0, "done", None), (1, "failed", "exit status 70"), (2, "done", None),
                          (3, "missing", None)])
        self.assertEqual(index[3]["params"]["seed"], "18446744073709551557")
        self.assertEqual([p.name for p in self.work.glob(".*")] +
                         [p.name for p in self.results.glob(".*")], [])

    def test_rows(self):
        rows = self.rows()
        self.assertEqual([r["state"] for r in rows], ["done", "failed", "done", "missing"])
        self.assertEqual([r["exit_code"] for r in rows], ["0", "70", "0", ""])
        self.assertEqual([r["signal"] for r in rows], ["0", "0", "0", ""])
        # Parameters are there for all points, in base units, and whole.
        self.assertEqual([r["machine.memory_bytes"] for r in rows],
                         ["16777216", "16777216", "33554432", "33554432"])
        self.assertEqual([r["kmalloc.classes"] for r in rows],
                         ["[16,32,64,128,256,512,1024,2048,4096,8192]"] * 2 + ["[64,256,1024,2048,4096,8192]"] * 2)
        self.assertEqual(rows[3]["seed"], "18446744073709551557")
        run = json.loads((TINY / "2c3d4e5f60718a9b/run.json").read_text())
        self.assertEqual(float(rows[2]["totals.simulated_ns"]), run["totals"]["simulated_ns"])
        self.assertEqual(float(rows[2]["fragmentation.unusable_index_order9"]),
                         run["fragmentation"]["unusable_index"][9])
        self.assertEqual(float(rows[2]["locks_total.acquired_count"]),
                         sum(lock["acquired_count"] for lock in run["locks"]))
        for undone in (1, 3):
            self.assertEqual({v for k, v in rows[undone].items() if k.startswith("totals.")}, {""})

    def test_same_however_run(self):
        """Neither hosts nor times of the runs, nor when it is collected."""
        before = self.collect("-q").stdout
        for status in self.results.glob("*/status.json"):
            text = status.read_text()
            text = re.sub(r'"host": "[^"]*"', '"host": "elsewhere"', text)
            text = re.sub(r'"wall_seconds": [0-9.]+', '"wall_seconds": 77', text)
            status.write_text(re.sub(r'"attempts": \d+', '"attempts": 9', text))
        (self.results / ".3d4e5f60718a9bac.tmp.host.77").mkdir()
        self.assertEqual(self.collect("-q").stdout, before)

    def test_broken_cell_is_missing(self):
        run = self.results / "2c3d4e5f60718a9b/run.json"
        run.write_text(run.read_text() + " ")
        self.assertEqual([r["state"] for r in self.rows()], ["done", "failed", "missing", "missing"])

    def test_columns(self):
        row = self.rows("-c", "latency_alloc.p99_ns", "-c", "zones[].free_blocks[9]",
                        "--columns", "*_order10")[0]
        names = list(row)[9:]
        self.assertIn("latency_alloc.p99_ns", names)
        self.assertIn("fragmentation.unusable_index_order10", names)
        self.assertTrue([n for n in names if re.fullmatch(r"zones_.*Normal\.free_blocks_order9", n)])
        self.assertNotIn("totals.ops_count", names)
        self.assertIn('no run has a figure "totals.op_count"; did you mean "totals.ops_count"?',
                      self.collect("-c", "totals.op_count", status=64).stderr)
        every = self.rows("--all-columns")[0]
        self.assertGreater(len(every), 5 * len(self.rows()[0]))
        self.assertFalse([n for n in every if n.startswith(("host", "meta", "config"))])

    def test_units(self):
        """Every column says its unit: what `list metrics` says, and the name, agree."""
        lines = subprocess.run([ALLOCSIM, "list", "metrics"], text=True, capture_output=True,
                               check=True).stdout.splitlines()
        metrics = [re.split(r"  +", line)[:2] for line in lines if line.strip()]
        known = 0
        for name in list(self.rows()[0])[9:]:
            for pattern, unit in metrics:
                regex = re.escape(pattern).replace(r"\[\]", r"(_[^.]*)").replace(r"\*", ".*")
                if not re.fullmatch(regex, name):
                    continue
                known += 1
                self.assertRegex(name, UNITS.get(unit, COUNTED + r"|_max$|_mean$"), f"{name}: {unit}")
                break
            else:
                self.assertRegex(name, COUNTED + r"|_(ns|bytes|pages|cycles|order|ratio)(_|$)"
                                 r"|\.pages_(allocated|freed)$", name)
        self.assertGreater(known, 80)

    def test_json_lines(self):
        self.collect("-o", "all.jsonl")
        rows = [json.loads(line) for line in (self.work / "all.jsonl").read_text().splitlines()]
        table = self.rows()
        self.assertEqual([list(r) for r in rows], [list(r) for r in table])
        for row, cells in zip(rows, table):
            for key, cell in cells.items():
                value = row[key]
                if value is None:
                    self.assertEqual(cell, "")
                elif isinstance(value, str):
                    self.assertEqual(cell, value)
                elif isinstance(value, bool):
                    self.assertEqual(cell, str(value).lower())
                elif isinstance(value, int):
                    self.assertEqual(int(float(cell)) if "." in cell else int(cell), value)
                else:
                    self.assertEqual(float(cell), value)

    def test_require_all(self):
        done = self.collect("-o", "all.csv", "--require-all", status=1)
        self.assertTrue((self.work / "all.csv").exists())
        self.assertNotIn("allocsim:", done.stderr)

    def test_usage(self):
        self.assertIn("ends neither", self.collect("-o", "all.txt", status=64).stderr)
        self.collect("-o", "all.txt", "--format", "csv", "-q")
        self.assertEqual((self.work / "all.txt").read_bytes(), GOLDEN.read_bytes())
        self.collect("--format", "xml", status=64)
        self.run_it("collect", "nowhere", status=66)
        self.run_it("collect", "tiny/0a1b2c3d4e5f6071", status=64)

    def test_output_fails(self):
        """An earlier table stays; nothing half-written is left."""
        (self.work / "all.csv").write_text("old\n")
        done = self.collect("-o", "all.csv", status=74, preexec_fn=lambda: resource.setrlimit(
            resource.RLIMIT_FSIZE, (1000, 1000)))
        self.assertEqual(len(done.stderr.splitlines()), 1)
        self.assertIn("File too large", done.stderr)
        self.assertEqual((self.work / "all.csv").read_text(), "old\n")
        self.assertEqual([p.name for p in self.work.iterdir() if p.name.startswith(".")], [])
        self.assertFalse((self.results / "index.jsonl").exists())
        self.collect("-o", "nowhere/all.csv", status=73)


class Status(Case):
    def test_status(self):
        done = self.run_it("status", "tiny", status=1)
        self.assertEqual(done.stderr, "")
        self.assertEqual(done.stdout.splitlines()[0], "tiny: 4 points: 2 done, 1 failed, 1 missing")
        self.assertIn("missing: 3\n", done.stdout)
        status = json.loads(self.run_it("status", "tiny", "--json", status=1).stdout)
        self.assertEqual(status["failed"][0]["params"]["machine.memory"], "16MiB")
        self.run_it("status", "nowhere", status=66)

    def test_all_done(self):
        plan = (self.results / "plan.jsonl").read_text().splitlines(keepends=True)
        head = json.loads(plan[0])
        head["points_count"] = 2
        (self.results / "plan.jsonl").write_text(json.dumps(head) + "\n" + plan[1] + plan[3])
        self.assertEqual(self.run_it("status", "tiny").stdout,
                         "tiny: 2 points: 2 done, 0 failed, 0 missing\ncells of other plans: 1\n")


class Loads(Case):
    """Other programs read the table as it is."""
    def setUp(self):
        super().setUp()
        self.collect("-q", "-o", "all.csv")

    def run_program(self, *command):
        done = subprocess.run(command, cwd=self.work, text=True, capture_output=True, check=False)
        self.assertEqual(done.returncode, 0, done.stderr)
        return done.stdout

    def test_pandas(self):
        out = self.run_program(python_with_pandas(), "-c", """
import pandas, json
t = pandas.read_csv("all.csv")
text = [c for c in t.columns if not pandas.api.types.is_numeric_dtype(t[c])]
print(json.dumps([list(t.shape), text, int(t["machine.memory_bytes"].sum()),
                  float(t["totals.simulated_ns"].max()), int(t["objects.waste_bytes"].count()),
                  int(t["seed"].iloc[3])]))
""")
        rows = self.rows()
        self.assertEqual(json.loads(out), [
            [4, len(rows[0])], ["id", "state", "kmalloc.classes"], 2 * (16 << 20) + 2 * (32 << 20),
            max(float(r["totals.simulated_ns"]) for r in rows if r["totals.simulated_ns"]), 2,
            18446744073709551557])

    def test_r(self):
        if not shutil.which("Rscript"):
            raise missing("R")
        out = self.run_program("Rscript", "-e", """
t <- read.csv("all.csv", check.names=FALSE)
cat(dim(t), "\\n")
cat(names(t)[!sapply(t, is.numeric)], "\\n")
cat(sum(t[["machine.memory_bytes"]]), sum(!is.na(t[["objects.waste_bytes"]])), "\\n")
cat(t[["kmalloc.classes"]][3], "\\n")
""").splitlines()
        self.assertEqual(out[0].split(), ["4", str(len(self.rows()[0]))])
        self.assertEqual(out[1].split(), ["id", "state", "kmalloc.classes"])
        self.assertEqual(out[2].split(), ["100663296", "2"])
        self.assertEqual(out[3].strip(), "[64,256,1024,2048,4096,8192]")

    def test_gnuplot(self):
        if not shutil.which("gnuplot"):
            raise missing("gnuplot")
        (self.work / "plot.gp").write_text("""
set datafile separator ','
stats 'all.csv' using 'machine.memory_bytes':'objects.waste_bytes' name 'S' nooutput
print sprintf('%d %d %d', S_records, S_min_x, S_max_y)
set terminal svg noenhanced
set output 'picture.svg'
plot 'all.csv' using 'machine.memory_bytes':'objects.waste_bytes' \\
  with linespoints title columnhead
""")
        done = subprocess.run(["gnuplot", "plot.gp"], cwd=self.work, text=True, capture_output=True,
                              check=False)
        waste = [int(r["objects.waste_bytes"]) for r in self.rows() if r["objects.waste_bytes"]]
        self.assertEqual(done.returncode, 0, done.stderr)
        self.assertEqual(done.stderr.split()[-3:], ["2", "16777216", str(max(waste))])
        self.assertIn("objects.waste_bytes", (self.work / "picture.svg").read_text())


if __name__ == "__main__":
    unittest.main(argv=[sys.argv[0]], verbosity=1)
