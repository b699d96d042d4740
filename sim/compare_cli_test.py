#!/usr/bin/env python3
"""allocsim compare from outside: its output byte for byte, its exit statuses, its pictures.

usage: compare_cli_test.py ALLOCSIM SOURCE_ROOT

Two committed results are compared; the table must be that of testdata/compare/table.txt, the JSON
that of testdata/compare/table.json. After a change that is meant, write new ones with

    ALLOCSIM_UPDATE_GOLDEN=1 meson test -C build compare_cli
"""
import json
import os
import shutil
import subprocess
import sys
import tempfile
from pathlib import Path

failures = []


def check(what, condition, detail=""):
    if not condition:
        failures.append(what)
        print(f"FAILED: {what}\n{detail}", file=sys.stderr)


class Tester:
    def __init__(self, allocsim, root, work):
        self.allocsim, self.root, self.work = allocsim, root, work

    def run(self, *arguments):
        return subprocess.run([self.allocsim, "compare", *arguments], cwd=self.work, text=True,
                              capture_output=True)

    def expect(self, status, words, *arguments):
        """Run; the status and, on standard error, the words must be as given."""
        done = self.run(*arguments)
        what = f"compare {' '.join(arguments)}"
        check(f"{what}: status {status}", done.returncode == status,
              f"status {done.returncode}\n{done.stderr}")
        check(f"{what}: says {words!r}", words in done.stderr, done.stderr)
        if status == 0:
            check(f"{what}: says nothing", done.stderr == "", done.stderr)
        return done

    def edit(self, name, change):
        """A copy of the base as @name whose run.json, as text, went through @change."""
        shutil.copytree(self.work / "base", self.work / name)
        path = self.work / name / "run.json"
        path.write_text(change(path.read_text()))
        return name

    def golden(self, name, text):
        path = self.root / "sim/testdata/compare" / name
        if os.environ.get("ALLOCSIM_UPDATE_GOLDEN") == "1":
            path.write_text(text)
        check(f"output is that of {path}", path.exists() and path.read_text() == text, text)


def test_golden(t):
    table = t.expect(0, "", "base", "changed", "--no-plots").stdout
    t.golden("table.txt", table)
    check("the same output twice", t.run("base", "changed", "--no-plots").stdout == table)
    document = t.run("base", "changed", "--no-plots", "--json", "--fail-if", "totals > 50%",
                     "--fail-if", "totals.failed_count > 9", "--metric", "failures",
                     "--metric", "latency[].p50_ns", "--metric", "fidelity.zones[Normal]")
    check("--json with --fail-if: status 1", document.returncode == 1, document.stderr)
    t.golden("table.json", document.stdout)
    parsed = json.loads(document.stdout)
    check("JSON has the parts", list(parsed) == ["schema_version", "base", "runs",
                                                 "config_differences", "metrics", "conditions"])
    check("JSON: one value for each run after the base",
          all(len(m["values"]) == len(m["relative"]) == len(m["verdict"]) == 1
              for m in parsed["metrics"]))
    check("conditions are told apart",
          [c["holds_count"] for c in parsed["conditions"]] == [1, 0], parsed["conditions"])
    check("nothing is written without plots",
          sorted(p.name for p in t.work.iterdir()) == ["base", "changed"])


def test_selection(t):
    done = t.expect(0, "", "base", "changed", "--no-plots", "--metric", "failures", "--metric",
                    "latency[].p50_ns")
    keys = [line.split()[0] for line in done.stdout.splitlines()
            if line.startswith(("failures", "latency"))]
    check("--metric selects", "failures.fragmented_count" in keys and
          "latency[alloc].p50_ns" in keys and "totals" not in done.stdout, done.stdout)
    check("--host adds the host's figures",
          "host.ops_per_second" in t.expect(0, "", "base", "changed", "--no-plots", "--host",
                                            "--all").stdout)
    done = t.expect(0, "", "base", "base", "--no-plots")
    check("equal runs are called so", "0 metrics differ" in done.stdout and
          "The configurations are the same." in done.stdout, done.stdout)


def test_fail_if(t):
    plain = ("base", "changed", "--no-plots")
    t.expect(0, "", *plain, "--fail-if", "totals.failed_count > 200%")
    done = t.expect(1, "fail-if: totals.failed_count > 5%: changed: totals.failed_count is 9, "
                    "base 3 (+200.0 %)", *plain, "--fail-if", "totals.failed_count > 5%")
    check("the table is printed before a failure", "totals.failed_count" in done.stdout)
    done = t.expect(1, "2 of 3 conditions of --fail-if hold", *plain,
                    "--fail-if", "totals.failed_count > 5%", "--fail-if", "totals.ops_count > 5%",
                    "--fail-if", "failures.fragmented_count >= 8")
    check("one line a condition that holds", done.stderr.count("fail-if: ") == 2, done.stderr)
    t.expect(1, "locks[zone Normal].wait_ns_total", *plain, "--fail-if",
             "locks[*].wait_ns_total > 5%")
    t.expect(64, 'column 22: expected one of', *plain, "--fail-if", "totals.failed_count 5")
    t.expect(64, 'did you mean "totals.failed_count"?', *plain, "--fail-if",
             "totals.faild_count > 5%")


def test_bad_input(t):
    def refuse(status, words, name):
        t.expect(status, words, "base", name, "--no-plots")

    trace = t.edit("trace", lambda s: s.replace("89abcdef", "01234567"))
    refuse(64, "base and trace replay different traces (89abcdef and 01234567)", trace)
    t.expect(0, "", "base", trace, "--no-plots", "--different-workloads")
    refuse(66, "absent/run.json: No such file or directory", "absent")
    (t.work / "empty").mkdir()
    refuse(66, "empty/run.json: No such file or directory", "empty")
    refuse(65, "cut/run.json:", t.edit("cut", lambda s: s[:len(s) // 2]))
    refuse(65, "schema_version is not 1",
           t.edit("version", lambda s: s.replace('"schema_version": 1', '"schema_version": 2')))
    refuse(65, "the number is out of range",
           t.edit("huge", lambda s: s.replace('"ops_count": 381140', '"ops_count": 1e400')))
    refuse(65, "holds a byte of value 0", t.edit("zero", lambda s: s.replace("pcp", "p\0p", 1)))
    t.expect(64, "two results", "base")
    t.expect(64, "two results")
    t.expect(64, "leaves nothing for", "base", "changed", "--no-plots", "-o", "x")
    # A run.json whose parts have other types is read as far as it goes.
    types = t.edit("types", lambda s: json.dumps(
        {k: v if k in ("schema_version", "meta", "config") else [[k], {"count": k}]
         for k, v in json.loads(s).items()}))
    t.expect(0, "", "base", types, "--no-plots", "--all")


def test_plots(t):
    names = ["differences", "free_memory", "latency", "object_latency", "object_memory",
             "pcp_contents", "unusable_index"]
    for _ in range(2):  # the second replaces the first
        done = t.expect(0, "", "base", "changed", "-o", "new/out")
        found = sorted(p.name for p in (t.work / "new/out").iterdir())
        check("all pictures are there", found == sorted(
            ["compare.json", "data"] + [n + e for n in names for e in (".png", ".svg")]), found)
    check("pictures are named", "new/out/unusable_index.png" in done.stdout, done.stdout)
    check("compare.json is the comparison",
          json.loads((t.work / "new/out/compare.json").read_text())["base"]["name"] == "base")
    done = t.expect(1, "fail-if", "base", "changed", "-o", "new/out", "-q", "--fail-if",
                    "totals.failed_count > 0")
    check("-q names no pictures", ".png" not in done.stdout)
    t.expect(73, "holds no compare.json", "base", "changed", "-o", "base")
    (t.work / "no-series").mkdir()
    shutil.copy(t.work / "base/run.json", t.work / "no-series")
    done = t.expect(0, "", "no-series", "no-series", "-o", "new/out")
    check("plots that can't be drawn are skipped",
          "unusable_index: skipped" in done.stdout and "differences: skipped" in done.stdout and
          not (t.work / "new/out/data/unusable_index.dat").exists(), done.stdout)
    many = ["base", "changed"] * 5
    t.expect(0, "", *many, "-o", "new/out")
    drawn = (t.work / "new/out/data/unusable_index.gp").read_text()
    check("at most eight runs are drawn", "lines_count = 8" in drawn and
          "the first 8 of 10 runs" in drawn, drawn)
    check("no work directory is left", not list((t.work / "new").glob(".*")))


def main():
    allocsim, root = str(Path(sys.argv[1]).resolve()), Path(sys.argv[2]).resolve()
    for test in (test_golden, test_selection, test_fail_if, test_bad_input, test_plots):
        with tempfile.TemporaryDirectory(prefix="allocsim-compare.") as temporary:
            work = Path(temporary)
            shutil.copytree(root / "sim/testdata/result", work / "base")
            shutil.copytree(root / "sim/testdata/compare/changed", work / "changed")
            test(Tester(allocsim, root, work))
    print(f"{len(failures)} failures")
    return 1 if failures else 0


if __name__ == "__main__":
    sys.exit(main())
