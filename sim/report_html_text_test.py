#!/usr/bin/env python3
"""allocsim report without a browser: the page is well-formed, needs nothing else, escapes.

usage: report_html_text_test.py ALLOCSIM SOURCE_ROOT
"""
import html
import json
import os
import re
import shutil
import subprocess
import sys
import tempfile
import unittest
from html.parser import HTMLParser
from pathlib import Path

import report_html_rig as rig

ALLOCSIM, ROOT = str(Path(sys.argv.pop(1)).resolve()), Path(sys.argv.pop(1)).resolve()
VOID = {"meta", "link", "input", "wbr", "br", "img"}
NAMESPACES = {"http://www.w3.org/2000/svg", "http://www.w3.org/1999/xlink"}


class Page(HTMLParser):
    """Elements with their attributes and text; complains of wrong nesting."""

    def __init__(self, text):
        super().__init__(convert_charrefs=True)
        self.open, self.elements, self.ids, self.wrong = [], [], [], []
        self.feed(text)
        self.close()
        if self.open:
            self.wrong.append(f"not closed: {[e['tag'] for e in self.open]}")

    def handle_starttag(self, tag, attributes):
        names = [name for name, _ in attributes]
        if len(set(names)) != len(names):
            self.wrong.append(f"{tag} has an attribute twice: {names}")
        element = {"tag": tag, "attributes": dict(attributes), "text": "", "at": self.getpos(),
                   "in_svg": any(e["tag"] == "svg" for e in self.open)}
        self.elements.append(element)
        if "id" in element["attributes"]:
            self.ids.append(element["attributes"]["id"])
        if tag not in VOID:
            self.open.append(element)

    def handle_startendtag(self, tag, attributes):
        self.handle_starttag(tag, attributes)
        if tag not in VOID:
            self.open.pop()

    def handle_endtag(self, tag):
        if not self.open or self.open[-1]["tag"] != tag:
            self.wrong.append(f"</{tag}> at {self.getpos()} closes "
                              f"{self.open[-1]['tag'] if self.open else 'nothing'}")
            return
        self.open.pop()

    def handle_data(self, data):
        for element in self.open:
            element["text"] += data

    def find(self, tag, **attributes):
        return [e for e in self.elements if e["tag"] == tag and
                all(e["attributes"].get(k) == v for k, v in attributes.items())]


class Report(unittest.TestCase):
    def setUp(self):
        self.work = Path(tempfile.mkdtemp(prefix="allocsim-report-test-"))
        self.addCleanup(shutil.rmtree, self.work)

    def run_it(self, *arguments, **options):
        return subprocess.run([ALLOCSIM, "report", *map(str, arguments)], cwd=self.work,
                              capture_output=True, timeout=120, **options)

    def report(self, *arguments):
        done = self.run_it(*arguments, "-q", "-o", "report.html")
        self.assertEqual((done.returncode, done.stdout, done.stderr), (0, b"", b""))
        return self.check((self.work / "report.html").read_bytes())

    def check(self, data):
        """What holds for every page."""
        text = data.decode("utf-8")
        self.assertTrue(text.startswith("<!DOCTYPE html>\n"))
        self.assertNotRegex(text, "[\x00-\x08\x0b-\x1f\x7f-\x9f\ufffe\uffff]")
        page = Page(text)
        self.assertEqual(page.wrong, [])
        self.assertEqual(len(set(page.ids)), len(page.ids), "ids are unique")
        for tag in ("title", "h1", "main"):
            self.assertEqual(len([e for e in page.find(tag) if not e["in_svg"]]), 1, tag)
        for title in page.find("title"):
            self.assertNotRegex(title["text"], "(?i)^gnuplot")
        policy = page.find("meta", **{"http-equiv": "Content-Security-Policy"})
        self.assertIn("default-src 'none'", policy[0]["attributes"]["content"])
        for element in page.elements:
            for name, value in element["attributes"].items():
                self.assertFalse(name.startswith("on"), element)
                value = value or ""
                if name in ("src", "href", "xlink:href", "action", "srcset"):
                    self.assertRegex(value, r"\A(#[\w-]+|data:,)\Z", element)
                if name == "href" and value.startswith("#"):
                    self.assertIn(value[1:], page.ids)
        for tag in ("iframe", "object", "embed", "base", "form", "img", "audio", "video"):
            self.assertEqual(page.find(tag), [])
        scripts = page.find("script")
        self.assertEqual([s["attributes"] for s in scripts],
                         [{"type": "application/json", "id": "rows"}, {}])
        for style in page.find("style"):
            self.assertNotRegex(style["text"], r"@import|url\(")
        return page

    def rows(self, page):
        """Those of both forms, as lists of texts."""
        table = page.find("table", id="table")[0]
        body = [e for e in page.elements if e["at"] > table["at"]]
        found = []
        for e in body:
            if e["tag"] == "tr" and e["attributes"].get("class") in ("done", "failed", "missing"):
                found.append([])
            elif e["tag"] == "td" and "colspan" not in e["attributes"] and found:
                found[-1].append(e["text"])
        for row in json.loads(page.find("script", id="rows")[0]["text"]):
            note = isinstance(row[-1], list) and row[1] == "failed"
            cells = row[:-1] if note else row
            found.append(["" if c is None else str(c[1] if isinstance(c, list) else c)
                          for c in cells])
        return found

    def test_sweep(self):
        page = self.report(rig.ordinary(self.work / "sweep"))
        self.assertEqual(page.find("h1")[0]["text"], "Batches of the per-CPU lists")
        counts = [e["text"].split() for e in page.find("li")]
        self.assertEqual(counts, [["40", "points"], ["38", "done"], ["1", "failed"],
                                  ["1", "missing"]])
        rows = self.rows(page)
        self.assertEqual(len(rows), 40)
        self.assertEqual(rows[0][:5], ["0", "done", "1", "files", "0"])
        self.assertEqual([r[1] for r in rows].count("failed"), 1)
        heads = [e["text"] for e in page.find("th", scope="col")]
        self.assertIn("fragmentation.unusable_index[3] 0..1", heads)
        note = page.find("details")[0]["text"]
        self.assertIn("exit status 70", note)
        self.assertIn("zone Normal: 5 lists", note)
        self.assertRegex(note, r"allocsim sweep run \S+/plan.jsonl -d \S+ --points 26 "
                               r"--retry-failed")
        self.assertIn("12 MiB", [e["text"] for e in page.find("td")])
        self.assertEqual(len(page.find("svg")), 1)
        self.assertGreater(len(page.find("text")), 10, "text of pictures stays text")

    def test_same_bytes(self):
        sweep = rig.ordinary(self.work / "sweep")
        self.report(sweep)
        first = (self.work / "report.html").read_bytes()
        self.report(sweep)
        self.assertEqual((self.work / "report.html").read_bytes(), first)
        done = self.run_it(sweep, "-q", "-o", "-")
        self.assertEqual(done.stdout, first)
        self.assertEqual([p.name for p in self.work.iterdir() if p != sweep], ["report.html"])

    def test_hostile(self):
        page = self.report(rig.hostile(self.work / "sweep"))
        self.assertEqual(page.find("h1")[0]["text"], rig.HOSTILE[4])
        rows = self.rows(page)
        self.assertEqual(len(rows), 18 * 2 * len(rig.HOSTILE))
        self.assertGreater(len(rows), 200)
        for at in (0, 210): # HTML and JSON
            self.assertEqual([r[3] for r in rows[at:at + 14]],
                             [name for name in rig.HOSTILE for _ in "ab"])
        self.assertTrue(any("\ufffd\ufffd<svg onload=alert(4)>" in e["text"]
                            for e in page.find("pre")))
        data = page.find("script", id="rows")[0]["text"]
        for character in "<>&\u2028\u2029":
            self.assertNotIn(character, data)
        raw = (self.work / "report.html").read_text()
        self.assertEqual(raw.count("<script"), 2)
        self.assertEqual(raw.count("</script"), 2)

    def test_order_and_figures(self):
        sweep = rig.Sweep(self.work / "sweep", {"slab.size": ["512B", "8KiB", "1MiB"],
                                                "kind": ["zeta", "alpha"]})
        for size in ("512B", "8KiB", "1MiB"):
            for kind in ("zeta", "alpha"):
                sweep.add((size, kind), figures=rig.figures(len(size), 0))
        page = self.report(sweep.save(), "--no-plots", "--figure", "totals.simulated_ns")
        heads = [e["text"] for e in page.find("th", scope="col")]
        self.assertEqual(heads, ["point", "state", "slab.size", "kind", "totals.simulated_ns",
                                 "result"])
        cells = [(e["attributes"].get("data-v"), e["text"]) for e in page.find("td")]
        self.assertEqual(cells[2:5], [("512", "512B"), ("0", "zeta"), ("6000", "6 us")])
        self.assertEqual(cells[8:10], [("512", "512B"), ("1", "alpha")])
        self.assertIn(("1048576", "1MiB"), cells)

    def test_single_results(self):
        for name, cpus, batch in (("one", 2, 31), ("two", 4, 63)):
            run = json.loads(rig.BASE.read_text())
            run["config"]["machine"]["cpus"] = cpus
            run["config"]["pcp"]["batch_pages"] = batch
            run["totals"]["failed_count"] = cpus * 1000
            (self.work / name).mkdir()
            (self.work / name / "run.json").write_text(json.dumps(run))
        page = self.report("one", "two", "--no-plots")
        heads = [e["text"] for e in page.find("th", scope="col")]
        self.assertEqual(heads[2:4], ["machine.cpus", "pcp.batch_pages"])
        rows = self.rows(page)
        self.assertEqual([r[2:4] for r in rows], [["2", "31"], ["4", "63"]])
        self.assertEqual([r[-1] for r in rows], ["one", "two"])
        self.assertIn("4000", [c.replace(",", "") for c in rows[1]])
        page = self.report("one", "--no-plots")
        self.assertIn('"cpus":\t2', page.find("details")[0]["text"])

    def test_wrong(self):
        sweep = rig.ordinary(self.work / "sweep")
        for status, says, *arguments in (
                (64, "needs -o FILE", sweep), (64, "no result or sweep is given", "-o", "x"),
                (64, "a plot needs --x", sweep, "-o", "x", "--y", "a"),
                (64, "no result has a number totals.nothing", sweep, "-o", "x", "--no-plots",
                 "--figure", "totals.nothing"),
                (66, "absent", "absent", "-o", "x"),
                (73, "no/such/x", sweep, "--no-plots", "-o", "no/such/x")):
            done = self.run_it(*arguments)
            self.assertEqual(done.returncode, status, done.stderr)
            self.assertIn(says, done.stderr.decode())
            self.assertFalse((self.work / "x").exists())

    def test_no_room(self):
        sweep = rig.ordinary(self.work / "sweep")
        self.report(sweep, "--no-plots")
        before = (self.work / "report.html").read_bytes()
        script = f"ulimit -f 8; exec '{ALLOCSIM}' report sweep -q --no-plots -o report.html"
        done = subprocess.run(["bash", "-c", script], cwd=self.work, capture_output=True)
        self.assertEqual(done.returncode, 74, done.stderr)
        self.assertEqual((self.work / "report.html").read_bytes(), before)
        self.assertEqual(sorted(os.listdir(self.work)), ["report.html", "sweep"])

    def test_not_drawn(self):
        """A plot that the results can't fill is a note; one that was asked for is an error."""
        sweep = rig.Sweep(self.work / "sweep", {"pcp.batch_pages": ["1", "2"]},
                          plots=[{**rig.PLOT, "y": ["totals.<nothing>"]}])
        sweep.add(("1",), figures=rig.figures(1, 0))
        sweep.add(("2",), figures=rig.figures(2, 0))
        page = self.report(sweep.save())
        self.assertIn("totals.", page.find("p", **{"class": "undrawn"})[0]["text"])
        self.assertEqual(page.find("svg"), [])
        done = self.run_it("sweep", "-q", "--x", "pcp.batch_pages", "--y", "totals.nothing", "-o",
                           "y.html")
        self.assertEqual(done.returncode, 64, done.stderr)
        self.assertFalse((self.work / "y.html").exists())

    def test_large(self):
        sweep = rig.large(self.work / "sweep", 1000)
        page = self.report(sweep, "--no-plots")
        self.assertEqual(len(self.rows(page)), 1000)
        self.assertLess((self.work / "report.html").stat().st_size, 400 << 10)


if __name__ == "__main__":
    unittest.main()
