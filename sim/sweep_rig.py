"""What tests of sweeps on several hosts share: servers that are ended whatever happens, a sweep of
short points, and the killing of its workers.

A test whose programs are missing ends with the status 77, by which meson knows it as skipped.
"""
import atexit
import json
import os
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
import time
from pathlib import Path

POINTS = 40
SWEEP = """\
name: cluster
config: {config}
set: {{workload.duration: {duration}}}
grid:
  machine.memory: [256MiB, 512MiB, 768MiB, 1GiB]
  pcp.enabled: [true, false]
seeds: 5
"""


def skip(reason):
    name = Path(sys.argv[0]).stem.removesuffix("_test")
    print(f"skipped: {name}: {reason}", flush=True)
    sys.exit(77)


def need_programs(programs):
    """Skip if one of {program: Debian package} is missing. Servers lie in sbin."""
    os.environ["PATH"] += os.pathsep + "/usr/sbin"
    for program, package in programs.items():
        if not shutil.which(program):
            skip(f"{program} is not installed (Debian package {package})")


def free_ports(count):
    """Ports of the loopback interface that nobody listens at now."""
    sockets = [socket.create_server(("127.0.0.1", 0)) for _ in range(count)]
    ports = [s.getsockname()[1] for s in sockets]
    for s in sockets:
        s.close()
    return ports


def wait_until(what, condition, seconds=60):
    """The first true value of condition(), which is asked again and again."""
    end = time.monotonic() + seconds
    while not (value := condition()):
        if time.monotonic() > end:
            raise AssertionError(f"after {seconds} s still not: {what}")
        time.sleep(0.05)
    return value


def argument_words(pid):
    """The command line of a process; [] if it is gone, or a zombie."""
    try:
        return Path(f"/proc/{pid}/cmdline").read_bytes().decode(errors="replace").split("\0")[:-1]
    except OSError:
        return []


def parent_of(pid):
    """0 if the process is gone."""
    try:
        return int(Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[1])
    except OSError:
        return 0


def open_paths(pid):
    """What the open files of a process are; none if it isn't ours."""
    try:
        return [os.readlink(fd) for fd in Path(f"/proc/{pid}/fd").iterdir()]
    except OSError:
        return []


def listening_addresses(pid):
    """The local addresses, in hexadecimal as the kernel prints them, at which a process listens."""
    inodes = {path[8:-1] for path in open_paths(pid) if path.startswith("socket:[")}
    found = set()
    for table in ("tcp", "tcp6"):
        for line in Path(f"/proc/{pid}/net/{table}").read_text().splitlines()[1:]:
            words = line.split()
            if words[3] == "0A" and words[9] in inodes:
                found.add(words[1].split(":")[0])
    return found


class Rig:
    """A directory for everything that the test writes, and the processes that it started."""

    def __init__(self, allocsim, source):
        self.allocsim = str(Path(allocsim).resolve())
        self.source = Path(source).resolve()
        self.root = Path(tempfile.mkdtemp(prefix="allocsim-sweep-"))
        # Of the sweep: blanks and quotes as in directories of users.
        self.work = self.root / "the user's \"work\""
        self.work.mkdir()
        self.servers = []
        self.clean_ups = []
        atexit.register(self.close)
        for number in (signal.SIGTERM, signal.SIGINT, signal.SIGHUP):
            signal.signal(number, self.interrupted)

    @staticmethod
    def interrupted(number, frame):
        """unittest would count another exception as a failed test, and go on."""
        raise KeyboardInterrupt(f"signal {number}")

    def close(self):
        """Soon done, because whoever interrupts us may not wait for long."""
        for server in reversed(self.servers):
            server.terminate()
        for server in self.servers:
            try:
                server.wait(0.3)
            except subprocess.TimeoutExpired:
                server.kill()
                server.wait()
        self.servers = []
        # What they began, and may begin while they end.
        while (pids := self.processes_of(self.root)):
            for pid in pids:
                self.kill(pid)
            time.sleep(0.05)
        for clean_up in self.clean_ups:
            clean_up()
        self.clean_ups = []
        shutil.rmtree(self.root, ignore_errors=True)

    def start_server(self, *command, **options):
        """It stays in the foreground; what it says goes to a file, the path of which is returned."""
        log = self.root / f"{Path(command[0]).name}-{len(self.servers)}.log"
        with open(log, "wb") as out:
            self.servers.append(subprocess.Popen(
                [str(word) for word in command], stdout=out, stderr=out,
                stdin=subprocess.DEVNULL, **options))
        return log

    def check_servers(self):
        """They run, and listen at nothing but the loopback addresses."""
        for server in self.servers:
            assert server.poll() is None, f"{server.args} ended with {server.returncode}"
            for address in listening_addresses(server.pid):
                # 127.0.0.0/8 and ::1, in the order of bytes of the host
                assert address.endswith("7F") or address == "0" * 24 + "01000000", (
                    f"{server.args} listens at {address}")

    @staticmethod
    def kill(pid, number=signal.SIGKILL):
        try:
            os.kill(pid, number)
        except ProcessLookupError:
            pass

    @staticmethod
    def processes_of(directory):
        """Processes that have the directory on their command line, or a file of it open."""
        found = []
        for entry in os.listdir("/proc"):
            if not entry.isdigit() or int(entry) == os.getpid():
                continue
            if (any(str(directory) in word for word in argument_words(entry)) or
                    any(path.startswith(f"{directory}/") for path in open_paths(entry))):
                found.append(int(entry))
        return found

    def workers(self, results):
        """Those who run `allocsim sweep run` for these results: (shards, the runs they forked)."""
        pids = [pid for pid in self.processes_of(results)
                if argument_words(pid)[:3] == [self.allocsim, "sweep", "run"]]
        runs = [pid for pid in pids if parent_of(pid) in pids]
        return [pid for pid in pids if pid not in runs], runs

    def make_plan(self):
        """A sweep of points that take some tenths of a second, planned."""
        sweep = self.work / "sweep.yaml"
        sweep.write_text(SWEEP.format(
            config=json.dumps(str(self.source / "configs/examples/churn.yaml")),
            duration="200ms" if os.environ.get("ALLOCSIM_FEW") else "1s"))
        plan = self.work / "the plan's.jsonl"
        self.run(self.allocsim, "sweep", "plan", sweep, "-o", plan)
        assert len(plan.read_text().splitlines()) == 1 + POINTS
        return plan

    def run(self, *command, status=0, **options):
        done = subprocess.run([str(word) for word in command], timeout=240, text=True,
                              stdout=subprocess.PIPE, stderr=subprocess.STDOUT,
                              stdin=subprocess.DEVNULL, **options)
        assert done.returncode == status, (
            f"{command} ended with {done.returncode}, not {status}:\n{done.stdout}")
        return done.stdout

    def collect(self, results):
        table = self.work / f"{Path(results).name}.csv"
        self.run(self.allocsim, "sweep", "collect", results, "-o", table)
        return table.read_bytes()

    def expected_table(self, plan):
        """Of the same sweep on one machine, which nothing disturbs."""
        results = self.work / "expected"
        self.run(self.allocsim, "sweep", "run", plan, "-d", results, "-j", "2", "-q")
        table = self.collect(results)
        assert table.count(b"\n") >= 1 + POINTS
        return table

    @staticmethod
    def done_count(results):
        """Cells appear in one step, so each that is there is complete."""
        return len(list(Path(results).glob("[0-9a-f]*/status.json")))

    def wait_for_points(self, results, count):
        wait_until(f"{count} points are done", lambda: self.done_count(results) >= count, 120)
