"""Directories of sweeps for the tests of `allocsim report`, made without running anything.

The figures of a point are those of a committed result, changed by the point's number.
"""
import ctypes
import ctypes.util
import json
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
BASE = ROOT / "sim/testdata/result/run.json"
VERSION = json.loads(BASE.read_text())["meta"]["allocsim_version"]


def digest(data):
    """XXH3's 64 bits, as status.json has them."""
    xxh = ctypes.CDLL("libxxhash.so.0").XXH3_64bits
    xxh.restype = ctypes.c_uint64
    xxh.argtypes = [ctypes.c_char_p, ctypes.c_size_t]
    return f"{xxh(data, len(data)):016x}"


class Sweep:
    def __init__(self, path, parameters, **head):
        self.path = Path(path)
        self.path.mkdir(parents=True)
        self.parameters = parameters
        self.points = []
        self.base = json.loads(BASE.read_text())
        self.head = {
            "schema_version": 1, "name": "tried", "title": None, "question": None,
            "allocsim_version": VERSION, "master_seed": "1", "points_count": 0,
            "parameters": [{"key": k, "values": v} for k, v in parameters.items()],
            "traces": [], "inputs": [], "plots": [], "config": "name: tried\nseed: 1\n", **head}

    def add(self, values, state="done", figures=(), log=b"", reason=None):
        """A point; @figures are (path, value) pairs put into its run.json."""
        index = len(self.points)
        point = {"i": index, "id": f"{index + 0x5eed0000:016x}",
                 "params": dict(zip(self.parameters, values))}
        self.points.append(point)
        if state == "missing":
            return point
        cell = self.path / point["id"]
        cell.mkdir()
        status = {
            "schema_version": 1, "id": point["id"], "index": index, "state": state,
            "exit_code": 0, "signal": None, "timed_out": False, "transient": False,
            "message": "", "wall_seconds": 0.5, "host": "n1", "attempts": 1,
            "allocsim_version": VERSION, **(reason or {})}
        if state == "done":
            for path, value in figures:
                holder = self.base
                for name in path[:-1]:
                    holder = holder[name]
                holder[path[-1]] = value
            text = json.dumps(self.base).encode()
            (cell / "run.json").write_bytes(text)
            status["run_json_bytes"] = len(text)
            status["run_json_digest"] = digest(text)
        if log:
            (cell / "stderr.log").write_bytes(log)
        (cell / "status.json").write_text(json.dumps(status, indent=2) + "\n")
        return point

    def save(self):
        self.head["points_count"] = len(self.points)
        lines = [json.dumps(line, ensure_ascii=False) for line in (self.head, *self.points)]
        (self.path / "plan.jsonl").write_text("\n".join(lines) + "\n")
        return self.path


def figures(size, trace, repeat=0):
    """Of a point: they grow with size, and trace 1 has more of all."""
    return ((("totals", "failed_count"), (size * (7 + 5 * trace) + repeat) % 23 * 100),
            (("totals", "simulated_ns"), 1500 * size * (1 + trace) + repeat),
            (("fragmentation", "unusable_index"),
             [0, .01 * size, .02 * size, .031 * size + .07 * trace + .004 * repeat]))


PLOT = {"name": "unusable", "title": "Fragmentation grows with the batch",
        "x": "pcp.batch_pages", "y": ["fragmentation.unusable_index[3]=unusable, order 3",
                                      "totals.simulated_ns=simulated time"],
        "z": None, "by": "trace", "kind": "auto", "where": [], "relative": False}


def ordinary(path):
    """40 points, one failed and one missing, over sizes whose texts sort otherwise than values."""
    sizes = ["1", "2", "4", "8", "10"]
    traces = [{"name": "files", "trace": "/recordings/files.trace", "truth": "/recordings/files"},
              {"name": "boot", "trace": "/recordings/boot.trace", "truth": None}]
    sweep = Sweep(
        path, {"pcp.batch_pages": sizes, "trace": ["files", "boot"],
               "repeat": ["0", "1", "2", "3"]},
        title="Batches of the per-CPU lists",
        question="What does a larger batch cost in fragmentation?", name="pcp-batch",
        traces=traces, plots=[PLOT],
        inputs=[{"path": "/recordings/files.trace", "is_recording": False, "bytes": 12582912,
                 "digest": "0" * 16}],
        config="name: pcp-batch\nseed: 1\nmachine:\n  cpus: 2\n  memory: 24GiB\n")
    for size in sizes:
        for number, trace in enumerate(("files", "boot")):
            for repeat in range(4):
                if (size, trace, repeat) == ("8", "files", 2):
                    sweep.add((size, trace, str(repeat)), "failed",
                              reason={"exit_code": 70, "message": "allocsim: BUG: blocks overlap"},
                              log=b"loading files.trace\nzone Normal: 5 lists\n"
                                  b"allocsim: BUG: blocks overlap\n")
                elif (size, trace, repeat) == ("10", "boot", 3):
                    sweep.add((size, trace, str(repeat)), "missing")
                else:
                    sweep.add((size, trace, str(repeat)),
                              figures=(*figures(int(size), number, repeat),
                                       (("config", "pcp", "batch_pages"), int(size))))
    return sweep.save()


def large(path, count=10000):
    sweep = Sweep(path, {"pcp.batch_pages": [str(i) for i in range(1, 101)],
                         "seed": [str(i) for i in range(count // 100)]},
                  name="large", title="A large sweep")
    for i in range(count):
        if i % 97 == 5:
            sweep.add((str(i % 100 + 1), str(i // 100)), "failed", log=b"killed\n" * 30,
                      reason={"exit_code": -1, "signal": 11, "message": "killed"})
        else:
            sweep.add((str(i % 100 + 1), str(i // 100)),
                      figures=figures(i % 100 + 1, i // 100 % 2, i // 100))
    return sweep.save()


HOSTILE = ('<script>alert(1)</script>', '"\' onmouseover="alert(2)', ']]><!-- </script>',
           'a\u2028b\u2029c', '</title></style><img src=x onerror=alert(3)>', '&lt;b&amp;',
           'http://example.org/x.js')
NOT_UTF8 = b"\xff\xfe<svg onload=alert(4)>\xc0\x80\x1b[31m\xed\xa0\x80 & \x00end\r\n"


def hostile(path):
    """Names and texts that try to be markup, in every place that a page shows."""
    plot = {**PLOT, "title": HOSTILE[0] + HOSTILE[1],
            "y": ["fragmentation.unusable_index[3]=" + HOSTILE[4][:40]]}
    sweep = Sweep(path, {"pcp.batch_pages": ["1", "2"], "trace": list(HOSTILE)},
                  title=HOSTILE[4], question=" ".join(HOSTILE), plots=[plot],
                  traces=[{"name": name, "trace": "/r/" + name.replace("/", "|"), "truth": None}
                          for name in HOSTILE],
                  config="\n".join(f"# {text}" for text in HOSTILE) + "\n")
    for _ in range(18): # beyond the rows that are HTML, too
        for number, name in enumerate(HOSTILE):
            sweep.add(("1", name), figures=figures(1, number))
            sweep.add(("2", name), "failed", log=HOSTILE[number].encode() + NOT_UTF8,
                      reason={"exit_code": 70, "message": name})
    return sweep.save()
