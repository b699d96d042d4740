#!/usr/bin/env python3
"""Random programs give the same results with --exact-events as without, byte for byte; figures of
programs that can be calculated by hand; the deadlock and its cures.

usage: programs_test.py ALLOCSIM SOURCE_ROOT [SEED...]

Each seed makes one machine of 1 to 16 CPUs and one to three programs of random steps that the
checks accept: what a round allocates it frees, locks nest. A failure prints the seed, and
`programs_test.py ALLOCSIM SOURCE_ROOT SEED` repeats it and keeps the configuration.
"""
import json
import random
import subprocess
import sys
import tempfile
from pathlib import Path

SEEDS = range(40)
HOST = ',\n  "host": {'
LOCKS = {"spin0": "spin", "spin1": "spin", "mutex0": "mutex", "mutex1": "mutex"}
# In this order alone may a CPU take them, so that none waits for ever.
LOCK_ORDER = ["mutex0", "mutex1", "spin0", "spin1"]

CACHES = """  caches:
    - {name: L1d, size: 4KiB, ways: 4, latency_cycles: 4}
    - {name: L2, size: 32KiB, ways: 8, latency_cycles: 14, shared_by: 1}
"""


class Maker:
    """Steps of one program, and which names live."""

    def __init__(self, rng, virtual):
        self.rng = rng
        self.virtual = virtual
        self.names = 0

    def size(self, most):
        kind = self.rng.randrange(3)
        if kind == 0:
            return f"{self.rng.randint(1, most)}B"
        if kind == 1:
            return f"{{uniform: {{min: 1B, max: {most}B}}}}"
        return f"{{exponential: {{mean: {most // 4}B, min: 1B, max: {most}B}}}}"

    def time(self):
        if self.rng.random() < 0.5:
            return f"{self.rng.randint(0, 3000)}ns"
        return f"{{exponential: {{mean: {self.rng.randint(50, 2000)}ns}}}}"

    def touch(self, name):
        extra = self.rng.choice(["", ", count: 70", ", random: true, count: 50",
                                 ", stride: 16B", ", stride: 4KiB, repeat: 2", ", write: false"])
        return f"{{touch: {name}{extra}}}"

    def make(self, atomic):
        """A step that allocates, the name, and the one that frees."""
        self.names += 1
        name = f"n{self.names}"
        kinds = ["kmalloc", "cache_alloc", "alloc", "alloc_size"]
        if self.virtual and not atomic:
            kinds += ["vmalloc", "mmap", "mmap"]
        kind = self.rng.choice(kinds)
        free = f"{{free: {name}}}"
        gfp = ", gfp: GFP_ATOMIC" if atomic else self.rng.choice(["", ", gfp: GFP_KERNEL|__GFP_ZERO"])
        if kind == "kmalloc":
            step = f"{{kmalloc: {name}, size: {self.size(20000)}{gfp}}}"
        elif kind == "cache_alloc":
            step = f"{{cache_alloc: {name}, cache: session{gfp}}}"
        elif kind == "alloc":
            step = f"{{alloc: {name}, order: {self.rng.randint(0, 4)}{gfp}}}"
        elif kind == "alloc_size":
            step = f"{{alloc: {name}, size: {self.size(100000)}{gfp}}}"
        elif kind == "vmalloc":
            step = f"{{vmalloc: {name}, size: {self.size(200000)}}}"
        else:
            huge = self.rng.choice(["", ", huge: true"])
            step = f"{{mmap: {name}, size: {self.rng.randint(1, 700) * 4096}B{huge}}}"
            free = f"{{munmap: {name}}}"
        return step, name, free

    def block(self, length, depth, held):
        """Steps that leave nothing behind; @held: locks taken outside."""
        steps, live = [], []
        atomic = any(LOCKS[lock] == "spin" for lock in held)
        for _ in range(length):
            what = self.rng.random()
            if what < 0.35:
                step, name, free = self.make(atomic)
                steps.append(step)
                live.append((name, free, step))
            elif what < 0.55 and live:
                name, _, step = self.rng.choice(live)
                steps.append(self.touch(name))
                if "mmap" in step and self.rng.random() < 0.3:
                    steps.append(self.rng.choice([f"{{protect: {name}, bytes: 4KiB, writable: false}}",
                                                  f"{{munmap: {name}, offset: 0B, bytes: 4KiB}}"]))
            elif what < 0.65 and live:
                steps.append(live.pop(self.rng.randrange(len(live)))[1])
            elif what < 0.75:
                steps.append(f"{{work: {self.time()}}}")
            elif what < 0.8 and not atomic:
                steps.append(f"{{idle: {self.time()}}}")
            elif what < 0.92 and len(held) < 3:
                first = 1 + max((LOCK_ORDER.index(lock) for lock in held), default=-1)
                if first < len(LOCK_ORDER):
                    lock = self.rng.choice(LOCK_ORDER[first:])
                    steps.append(f"{{lock: {lock}}}")
                    steps += self.block(3, depth, held + [lock])
                    steps.append(f"{{unlock: {lock}}}")
            elif depth == 0:
                inner = ", ".join(self.block(4, 1, held)) or "{work: 1ns}"
                steps.append(f"{{chance: {self.rng.choice([0.1, 0.5, 1])}, steps: [{inner}]}}")
        self.rng.shuffle(live)
        return steps + [free for _, free, _ in live]


def config(seed):
    rng = random.Random(seed)
    cpus = rng.choice([1, 2, 3, 4, 7, 8, 16])
    virtual = rng.random() < 0.6
    caches = virtual or rng.random() < 0.5
    lines = [f"seed: {seed}", "machine:", f"  cpus: {cpus}", "  memory: 64MiB",
             f"  nodes: {rng.choice([1, 1, 2])}"]
    if caches:
        lines.append(CACHES)
    lines += ["costs: {touch_cycles: 2}", "slab: {caches: [{name: session, object_size: 200B}]}",
              "measurement: {sample_interval: 17us, check: full}", "workload:",
              "  duration: 120us", "  locks:"]
    for name, kind in LOCKS.items():
        lines.append(f"    - {{name: {name}, kind: {kind}, "
                     f"handover: {rng.choice(['fifo', 'nearest'])}"
                     f"{', irqs_off: true' if kind == 'spin' and rng.random() < 0.3 else ''}}}")
    if rng.random() < 0.6:
        lines += ["  generators:",
                  "    - {name: device, context: irq, gfp: GFP_ATOMIC, kmalloc: 300B,"
                  f" rate: {rng.choice([50, 400])}/ms, lifetime: {{exponential: {{mean: 9us}}}}}}",
                  "    - {name: net, context: softirq, gfp: GFP_ATOMIC, order: 1, rate: 90/ms,"
                  " lifetime: 20us}"]
    lines.append("  programs:")
    count = min(cpus, rng.randint(1, 3))
    owners = [[cpu for cpu in range(cpus) if cpu % count == i] for i in range(count)]
    for i, mine in enumerate(owners):
        maker = Maker(rng, virtual)
        lines += [f"    - name: p{i}", f"      cpus: {mine}", "      rounds: 0"]
        if rng.random() < 0.5:
            lines.append("      process: shared")
        if rng.random() < 0.5:
            step, name, _ = maker.make(False)
            lines += ["      start:", f"        - {step}", f"        - {{touch: {name}}}"]
        lines.append("      steps:")
        lines += [f"        - {step}" for step in maker.block(12, 0, [])]
        lines.append("        - {work: 100ns}")
    return "\n".join(lines) + "\n"


def run(allocsim, work, name, text, *options):
    (work / "c.yaml").write_text(text)
    done = subprocess.run([allocsim, "run", "c.yaml", "-o", name, "-q", *options], cwd=work,
                          text=True, capture_output=True)
    if done.returncode != 0:
        return f"status {done.returncode}: {done.stderr}"
    document = (work / name / "run.json").read_text()
    return document[:document.rindex(HOST)] + (work / name / "series.csv").read_text()


FREE = "costs: {lock_cycles: 0, lock_handoff_cycles: 0, touch_cycles: 3}\n"


def simulate(allocsim, work, text):
    """run.json of a configuration, which may include those of the sources."""
    found = run(allocsim, work, "figures", text)
    if found.startswith("status"):
        sys.exit(found)
    return json.loads((work / "figures" / "run.json").read_text())


def check_figures(allocsim, work):
    """What can be calculated by hand, to the last picosecond; how many were wrong."""
    wrong = []

    def equal(what, found, expected):
        if found != expected:
            wrong.append(f"{what}: {found}, expected {expected}")

    machine = "machine: {cpus: %d, cpu_frequency: 1GHz, memory: 64MiB}\n" + FREE
    one = simulate(allocsim, work, machine % 1 + "workload: {programs: [{name: p, rounds: 100, "
                   "steps: [{work: 10us}, {idle: 5us}, {kmalloc: a, size: 100B}, "
                   "{touch: a, offset: 8B, stride: 16B, repeat: 2}, {free: a}]}]}\n")
    latency = {row["op"]: row for row in one["latency"] if row["path"] == "none"}
    equal("work", (latency["work"]["min_ns"], latency["work"]["max_ns"]), (10000, 10000))
    # 92 bytes are 6 strides of 16; each access is within one line of 3 cycles.
    equal("touch", (latency["touch"]["min_ns"], latency["touch"]["max_ns"]), (36, 36))
    equal("accesses", one["programs"][0]["accesses_count"], 1200)
    equal("idle time", round(one["totals"]["simulated_ns"] - one["cpus"][0]["busy_ns"], 3), 500000)

    # N CPUs think 1 us and hold a lock 200 ns: min(N / 1.2 us, 1 / 200 ns); without it N / 1.2 us.
    rounds = ("workload: {duration: 1200us, locks: [{name: l}], programs: [{name: p, rounds: 0, "
              "steps: [{work: 1us}, %s{work: 200ns}%s]}]}\n")
    for cpus, expected in ((1, 1000), (4, 4000), (12, 6000)):
        locked = simulate(allocsim, work, machine % cpus + rounds % ("{lock: l}, ", ", {unlock: l}"))
        free = simulate(allocsim, work, machine % cpus + rounds % ("", ""))
        found = locked["programs"][0]["rounds_count"]
        if not expected - cpus <= found <= expected + cpus:
            wrong.append(f"{cpus} CPUs at a lock: {found} rounds, expected {expected}")
        equal(f"{cpus} CPUs without it", free["programs"][0]["rounds_count"], 1000 * cpus)
    return wrong


def check_deadlock(allocsim, work, root):
    """The example waits for ever before its time is over; its two cures do not."""
    wrong = []
    for name, ends in (("deadlock", False), ("deadlock-pinned", True), ("deadlock-pool", True)):
        found = simulate(allocsim, work, f"include: {root}/configs/examples/{name}.yaml\n")
        if (found["totals"]["simulated_ns"] >= 50e6) != ends or \
                (found["locking"]["deadlock"] is None) != ends:
            wrong.append(f"{name} ended at {found['totals']['simulated_ns']} ns")
    return wrong


def main():
    allocsim, root = str(Path(sys.argv[1]).resolve()), Path(sys.argv[2]).resolve()
    seeds = [int(text) for text in sys.argv[3:]] or SEEDS
    failures = 0
    with tempfile.TemporaryDirectory(prefix="allocsim-programs.") as temporary:
        work = Path(temporary)
        for text in check_figures(allocsim, work) + check_deadlock(allocsim, work, root):
            failures += 1
            print(f"FAILED: {text}", file=sys.stderr)
        for seed in seeds:
            work = Path(temporary) / str(seed)
            work.mkdir()
            text = config(seed)
            ahead = run(allocsim, work, "ahead", text)
            exact = run(allocsim, work, "exact", text, "--exact-events")
            if ahead == exact and not ahead.startswith("status"):
                continue
            failures += 1
            print(f"FAILED: seed {seed}: {ahead if ahead.startswith('status') else ''}"
                  f" {exact if exact.startswith('status') else 'results differ'}", file=sys.stderr)
            if len(sys.argv) > 3:
                Path("programs_test.failed.yaml").write_text(text)
    print(f"{len(seeds)} random programs, {failures} failures")
    return 1 if failures else 0


if __name__ == "__main__":
    sys.exit(main())
