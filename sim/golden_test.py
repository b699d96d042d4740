#!/usr/bin/env python3
"""Golden runs: run.json without its host part, byte for byte, and the other files by their hashes.

usage: golden_test.py ALLOCSIM SOURCE_ROOT

Each testdata/golden/NAME.yaml is simulated twice: in one directory with relative paths, and in
another one with absolute paths and --exact-events. Both must give the same bytes, those of
NAME.json and NAME.sha256, and a run.json that run.schema.json describes, as must the example
result that the plots are tested with.

After a change of the results that is meant, write new goldens with

    ALLOCSIM_UPDATE_GOLDEN=1 meson test -C build golden

and read the difference before committing it.
"""
import hashlib
import json
import os
import shutil
import subprocess
import sys
import tempfile
from pathlib import Path

try:
    import jsonschema
except ImportError:
    sys.exit("golden_test.py needs Python's jsonschema: apt-get install python3-jsonschema")

HOST = ',\n  "host": {'
failures = []


def fail(text):
    failures.append(text)
    print(f"FAILED: {text}", file=sys.stderr)


def run(allocsim, cwd, *arguments):
    done = subprocess.run([allocsim, *map(str, arguments)], cwd=cwd, text=True,
                          capture_output=True)
    if done.returncode != 0 or done.stderr:
        sys.exit(f"{' '.join(map(str, arguments))}: status {done.returncode}\n{done.stderr}")


def without_host(text):
    at = text.rindex(HOST)
    return text[:at] + "\n}\n"


def results(directory):
    """What must not depend on the host: name -> bytes."""
    found = {f.name: f.read_bytes() for f in sorted(directory.iterdir())}
    found["run.json"] = without_host(found["run.json"].decode()).encode()
    return found


def check_schema(validator, name, text):
    for error in validator.iter_errors(json.loads(text)):
        fail(f"{name}: {'.'.join(map(str, error.path))}: {error.message[:300]}")


def check_properties(name, node, where=""):
    """The schema must name what it allows: an object that takes anything checks nothing."""
    if isinstance(node, dict):
        if "properties" in node and node.get("additionalProperties") is not False:
            fail(f"{name}{where} allows keys that it does not name")
        for key, value in node.items():
            check_properties(name, value, f"{where}.{key}")
    elif isinstance(node, list):
        for item in node:
            check_properties(name, item, where)


def simulate(allocsim, work, config, trace):
    """Two runs of one config; the results of the first, which equal the second's."""
    needs_trace = "trace is given" in config.read_text()
    here, there = work / "here", work / "another" / "place"
    for place in (here, there):
        shutil.rmtree(place, ignore_errors=True)
        place.mkdir(parents=True)
    arguments = ["run", os.path.relpath(config, here), "-o", "result", "-q"]
    if needs_trace:
        shutil.copy(trace, here / trace.name)
        arguments += ["--set", f"workload.trace={trace.name}"]
    run(allocsim, here, *arguments)
    arguments = ["run", config, "-o", there / "other-name", "-q", "--exact-events"]
    if needs_trace:
        arguments += ["--set", f"workload.trace={trace}"]
    run(allocsim, work, *arguments)
    first, second = results(here / "result"), results(there / "other-name")
    for name in sorted(first.keys() | second.keys()):
        if first.get(name) != second.get(name):
            fail(f"{config.name}: {name} differs between two directories, one with --exact-events")
    return first, (here / "result" / "run.json").read_text()


def picoseconds(ns):
    return round(1000 * ns)


def check_cycles(name, document):
    """What CPUs did adds up, to the cycle and to the picosecond: all together, and each."""
    whole, cpus = document["cycles"], document["cycles"]["cpus"]
    for account in (whole, *cpus):
        cycles = sum(v for k, v in account.items() if k.endswith("_cycles"))
        if cycles != 2 * account["charged_cycles"]:
            fail(f"{name}: cycles by cause are not charged_cycles: {account}")
        ns = sum(picoseconds(v) for k, v in account.items() if k.endswith("_ns"))
        if ns != 2 * picoseconds(account["active_ns"]) + picoseconds(account["idle_ns"]):
            fail(f"{name}: times by cause are not active_ns: {account}")
    for account, cpu in zip(cpus, document["cpus"]):
        clock = picoseconds(account["active_ns"]) + picoseconds(account["idle_ns"])
        if clock != picoseconds(cpu["end_ns"]):
            fail(f"{name}: active and idle time of CPU {cpu['cpu']} are not its clock")


def check_memory_system(name, document, table):
    """Each access has one answer, and the last row of machine.csv is what run.json says."""
    memory = document["memory_system"]
    if memory is None:
        if table is not None:
            fail(f"{name}: a machine.csv of a machine without caches")
        return
    for m in (memory, *memory["cpus"]):
        answers = sum(c["hits_count"] for c in m["caches"]) + m["dram_local_count"] + \
            m["dram_remote_count"] + sum(m[f"transfers_{d}_count"] for d in
                                         ("cache", "node", "remote"))
        if answers != m["accesses_count"]:
            fail(f"{name}: {answers} answers to {m['accesses_count']} accesses")
        if m["tlb1_hits_count"] + m["tlb2_hits_count"] + m["walks_count"] != \
                m["translations_count"]:
            fail(f"{name}: translations are not hits and walks: {m}")
    lines = table.decode().splitlines()
    last = dict(zip(lines[0].split(","), map(int, lines[-1].split(","))))
    if len(lines) - 1 != document["meta"]["samples_count"]:
        fail(f"{name}: machine.csv has {len(lines) - 1} rows")
    for key, value in last.items():
        level = key.removeprefix("cache")[:1]
        if key.endswith("_cycles"):
            expected = document["cycles"].get(key, 0)
        elif key.endswith("_wait_ns"):
            expected = int(document["cycles"][key])
        elif key.endswith(("accesses_count", "misses_count")) and level.isdigit():
            expected = memory["caches"][int(level) - 1][key[len("cache1_"):]]
        else:
            expected = memory.get(key, value)
        if value != expected:
            fail(f"{name}: machine.csv ends with {key} {value}, run.json has {expected}")


def compare(config, found, update):
    sums = "".join(f"{hashlib.sha256(data).hexdigest()}  {name}\n"
                   for name, data in sorted(found.items()) if name != "run.json")
    for golden, data in ((config.with_suffix(".json"), found["run.json"]),
                         (config.with_suffix(".sha256"), sums.encode())):
        if update:
            golden.write_bytes(data)
        elif not golden.exists():
            fail(f"{golden} is missing; see ALLOCSIM_UPDATE_GOLDEN in golden_test.py")
        elif golden.read_bytes() != data:
            actual = Path(tempfile.mkdtemp(prefix="allocsim-golden-failed.")) / golden.name
            actual.write_bytes(data)
            fail(f"the results are not those of {golden}: diff it with {actual}")


def main():
    allocsim, root = str(Path(sys.argv[1]).resolve()), Path(sys.argv[2]).resolve()
    update = os.environ.get("ALLOCSIM_UPDATE_GOLDEN") == "1"
    schema = json.loads((root / "sim/run.schema.json").read_text())
    jsonschema.Draft7Validator.check_schema(schema)
    check_properties("run.schema.json", schema)
    validator = jsonschema.Draft7Validator(schema)
    for example in ("result", "compare/changed"):
        name = f"testdata/{example}/run.json"
        check_schema(validator, name, (root / "sim" / name).read_text())
    configs = sorted((root / "sim/testdata/golden").glob("*.yaml"))
    if not configs:
        fail("there are no goldens")
    with tempfile.TemporaryDirectory(prefix="allocsim-golden.") as temporary:
        work = Path(temporary)
        trace = work / "files.atrace"
        run(allocsim, work, "import", root / "workloads/files/trace.ftrace.zst", "-o", trace, "-q")
        for config in configs:
            found, document = simulate(allocsim, work, config, trace)
            check_schema(validator, config.name, document)
            check_cycles(config.name, json.loads(document))
            check_memory_system(config.name, json.loads(document), found.get("machine.csv"))
            host = document[document.rindex(HOST):]
            for place in (temporary, str(root)):
                if any(place.encode() in data for data in found.values()):
                    fail(f"{config.name}: a result names the directory {place}")
            if "wall_seconds" not in host:
                fail(f"{config.name}: host is not the last part of run.json")
            compare(config, found, update)
    print(f"{len(configs)} golden runs, {len(failures)} failures")
    return 1 if failures else 0


if __name__ == "__main__":
    sys.exit(main())
