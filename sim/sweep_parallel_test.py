#!/usr/bin/env python3
"""A sweep with GNU parallel on two hosts, whose workers are killed and then parallel itself.

usage: sweep_parallel_test.py ALLOCSIM SOURCE_ROOT

The hosts n1 and n2 are this machine: a server of ssh of our own listens at the loopback address,
with keys of its own. Nothing is written to but the test's directory; /run/sshd, which the server
wants to exist if it runs as root, is taken away again.
"""
import os
import shutil
import signal
import subprocess
import sys
import unittest
from pathlib import Path

from sweep_rig import POINTS, Rig, free_ports, need_programs, skip, wait_until

need_programs({"parallel": "parallel", "ssh": "openssh-client", "ssh-keygen": "openssh-client",
               "sshd": "openssh-server"})


def start_sshd(rig):
    """A server of ssh; returns the environment in which `ssh` reaches the hosts n1 and n2."""
    home = rig.root / "ssh"
    home.mkdir()
    port, = free_ports(1)
    for name in ("host", "user"):
        rig.run("ssh-keygen", "-q", "-t", "ed25519", "-N", "", "-f", home / name)
    (home / "authorized_keys").write_bytes((home / "user.pub").read_bytes())
    if os.geteuid() == 0 and not Path("/run/sshd").exists():
        os.mkdir("/run/sshd", 0o755)
        rig.clean_ups.append(lambda: os.rmdir("/run/sshd"))
    (home / "sshd_config").write_text(f"""\
ListenAddress 127.0.0.1
Port {port}
HostKey "{home}/host"
AuthorizedKeysFile "{home}/authorized_keys"
PidFile none
StrictModes no
UsePAM no
PasswordAuthentication no
PermitRootLogin prohibit-password
MaxStartups 100
""")
    kind, key = (home / "host.pub").read_text().split()[:2]
    (home / "known_hosts").write_text(f"[127.0.0.1]:{port} {kind} {key}\n")
    (home / "config").write_text(f"""\
Host n1 n2
HostName 127.0.0.1
Port {port}
IdentityFile "{home}/user"
IdentitiesOnly yes
UserKnownHostsFile "{home}/known_hosts"
StrictHostKeyChecking yes
BatchMode yes
""")
    ssh = home / "bin/ssh"
    ssh.parent.mkdir()
    ssh.write_text(f'#!/bin/sh\nexec {shutil.which("ssh")} -F "{home}/config" "$@"\n')
    ssh.chmod(0o755)
    # It wants to be called by its whole name.
    log = rig.start_server(shutil.which("sshd"), "-D", "-e", "-f", home / "sshd_config")
    try:
        wait_until("sshd answers", lambda: subprocess.run(
            [ssh, "n1", "true"], stdin=subprocess.DEVNULL, stderr=subprocess.DEVNULL,
            timeout=20).returncode == 0)
    except AssertionError:
        if "locked" in log.read_text():
            skip("sshd lets nobody log in to this account, which is locked")
        print(log.read_text())
        raise
    rig.check_servers()
    return {**os.environ, "PATH": f"{ssh.parent}{os.pathsep}{os.environ['PATH']}",
            "PARALLEL_HOME": str(home / "parallel"), "ALLOCSIM": rig.allocsim}


class SweepParallel(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.rig = Rig(sys.argv[1], sys.argv[2])
        cls.environment = start_sshd(cls.rig)
        cls.plan = cls.rig.make_plan()
        cls.script = cls.rig.source / "scripts/sweep-parallel"

    @classmethod
    def tearDownClass(cls):
        cls.rig.close()

    def command(self, results):
        return [str(word) for word in (self.script, self.plan, results, "-S", "1/n1,1/n2",
                                       "--shards", 8)]

    def start(self, results):
        return subprocess.Popen(self.command(results), env=self.environment,
                                stdin=subprocess.DEVNULL, start_new_session=True)

    def test_killed_and_resumed(self):
        rig = self.rig
        expected = rig.expected_table(self.plan)
        results = rig.work / "the results"
        script = self.start(results)

        # Runs alone; then shards with their runs, which are tried again.
        for points, kind in ((4, 1), (10, 0)):
            rig.wait_for_points(results, points)
            pids = wait_until("somebody works", lambda k=kind: rig.workers(results)[k])
            for pid in pids:
                rig.kill(pid)

        # Then parallel and the connections, which ends what is under way on the hosts, too.
        rig.wait_for_points(results, 16)
        os.killpg(script.pid, signal.SIGKILL)
        script.wait()
        for pid in rig.processes_of(rig.root / "ssh/config"):
            rig.kill(pid)
        wait_until("the workers have ended", lambda: not any(rig.workers(results)))
        self.assertLess(rig.done_count(results), POINTS)
        rig.run(rig.allocsim, "sweep", "status", results, status=1)

        rig.run(*self.command(results), env=self.environment)
        self.assertEqual(rig.collect(results), expected)
        hosts = {line.split("\t")[1] for line in
                 (results / "parallel.joblog").read_text().splitlines()[1:]}
        self.assertEqual(hosts, {"n1", "n2"})

    def test_interrupted(self):
        """Ctrl-C ends everything soon, and says how to go on."""
        rig = self.rig
        results = rig.work / "interrupted"
        script = self.start(results)
        rig.wait_for_points(results, 2)
        os.killpg(script.pid, signal.SIGINT)
        self.assertEqual(script.wait(30), 130)
        wait_until("the workers have ended", lambda: not any(rig.workers(results)))
        self.assertLess(rig.done_count(results), POINTS)

    def test_wrong_use(self):
        rig = self.rig
        for status, words in ((64, ()), (64, (self.plan, "r", "--jobs", "many")),
                              (64, (self.plan, "r", "--slow")), (66, ("nothing.jsonl", "r"))):
            with self.subTest(words=words):
                rig.run(self.script, *words, status=status, env=self.environment)
        missing = {**self.environment, "ALLOCSIM": str(rig.work / "nothing")}
        self.assertIn("no program", rig.run(self.script, self.plan, rig.work / "r", status=69,
                                            env=missing))


if __name__ == "__main__":
    unittest.main(argv=sys.argv[:1])
