#!/usr/bin/env python3
"""A sweep as an array job of Slurm on two nodes, whose tasks are killed and then cancelled.

usage: sweep_slurm_test.py ALLOCSIM SOURCE_ROOT

Slurm's servers are our own: both nodes are this machine, the servers listen at the loopback address
and know each other by a key of munge that lies, as everything they write, in the test's directory.
"""
import getpass
import os
import re
import socket
import subprocess
import sys
import unittest

from sweep_rig import POINTS, Rig, free_ports, need_programs, skip, wait_until

need_programs({"slurmctld": "slurm-wlm", "slurmd": "slurm-wlm", "sbatch": "slurm-wlm",
               "munged": "munge"})

# Servers bind to the address of the host's name, and to no other (NoInAddrAny). cred_expire is also
# how long a task waits that is queued again, and the scheduler is to be quick.
SLURM_CONF = """\
ClusterName=test
SlurmctldHost={host}(127.0.0.1)
SlurmUser={user}
SlurmdUser={user}
AuthType=auth/munge
CredType=cred/munge
AuthInfo=socket={dir}/munge/socket,cred_expire=5
CommunicationParameters=NoInAddrAny,NoCtldInAddrAny
MpiDefault=none
ProctrackType=proctrack/pgid
TaskPlugin=task/none
JobAcctGatherType=jobacct_gather/none
AccountingStorageType=accounting_storage/none
SelectType=select/cons_tres
SelectTypeParameters=CR_Core
ReturnToService=2
SwitchType=switch/none
SchedulerParameters=batch_sched_delay=0,sched_min_interval=1,sched_interval=1,bf_interval=1
KillWait=2
SlurmctldPort={ports[0]}
SlurmctldPidFile={dir}/slurmctld.pid
SlurmdPidFile={dir}/slurmd-%n.pid
StateSaveLocation={dir}/state
SlurmdSpoolDir={dir}/spool-%n
SlurmctldLogFile={dir}/slurmctld.log
SlurmdLogFile={dir}/slurmd-%n.log
SlurmdParameters=config_overrides
NodeName=n1 NodeHostname={host} NodeAddr=127.0.0.1 Port={ports[1]} CPUs=2 State=UNKNOWN
NodeName=n2 NodeHostname={host} NodeAddr=127.0.0.1 Port={ports[2]} CPUs=2 State=UNKNOWN
PartitionName=main Nodes=n1,n2 Default=YES MaxTime=INFINITE State=UP
"""


def host_name():
    """The host's short name, at which the servers listen: they do so at its address."""
    name = socket.gethostname().split(".")[0]
    try:
        address = socket.gethostbyname(name)
    except OSError:
        address = "nowhere"
    if not address.startswith("127."):
        skip(f"the host's name {name} leads to {address}: Slurm's servers would not stay on the "
             "loopback interface")
    return name


def start_slurm(rig, host):
    """Returns the environment in which `sbatch` and the like use the cluster."""
    home = rig.root / "slurm"
    munge = home / "munge"
    munge.mkdir(parents=True)
    (home / "state").mkdir()
    for node in ("n1", "n2"):
        (home / f"spool-{node}").mkdir()
    (munge / "key").write_bytes(os.urandom(1024))
    (munge / "key").chmod(0o400)
    # It insists on that.
    munge.chmod(0o711)
    conf = home / "slurm.conf"
    conf.write_text(SLURM_CONF.format(host=host, user=getpass.getuser(), dir=home,
                                      ports=free_ports(3)))
    # Nothing is constrained; but slurmd looks for a cgroup file system if it isn't told which.
    (home / "cgroup.conf").write_text("CgroupPlugin=cgroup/v1\n")
    environment = {**os.environ, "SLURM_CONF": str(conf), "ALLOCSIM": rig.allocsim}
    rig.start_server("munged", "--foreground", "--force", f"--key-file={munge}/key",
                     f"--socket={munge}/socket", f"--pid-file={munge}/pid",
                     f"--log-file={munge}/log", f"--seed-file={munge}/seed")
    wait_until("munged answers", (munge / "socket").exists)
    rig.start_server("slurmctld", "-D", "-c", "-f", conf, env=environment)
    for node in ("n1", "n2"):
        rig.start_server("slurmd", "-D", "-f", conf, "-N", node, env=environment)
    try:
        wait_until("both nodes are idle", lambda: subprocess.run(
            ["sinfo", "-hNo", "%t"], env=environment, text=True, stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL, timeout=20).stdout.split() == ["idle"] * 2)
    except AssertionError:
        texts = {log.name: log.read_text() for log in home.glob("*.log")}
        if any("cgroup plugin" in text for text in texts.values()):
            skip("slurmd does not start: it finds no cgroup file system here")
        for name, text in texts.items():
            print(name, text, sep="\n")
        raise
    rig.check_servers()
    return environment


class SweepSlurm(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        host = host_name()
        cls.rig = Rig(sys.argv[1], sys.argv[2])
        cls.environment = start_slurm(cls.rig, host)
        cls.plan = cls.rig.make_plan()
        cls.script = cls.rig.source / "scripts/sweep-slurm"

    @classmethod
    def tearDownClass(cls):
        cls.rig.close()

    def submit(self, results, *words, status=0):
        return self.rig.run(self.script, self.plan, results, *words, status=status,
                            env=self.environment)

    def slurm(self, *command):
        return self.rig.run(*command, env=self.environment)

    def tasks(self, job):
        """Numbers of the job's tasks, by state: {"RUNNING": ["0", "3"]}."""
        found = {}
        for line in self.slurm("squeue", "-h", "-r", "-o", "%F %K %T").splitlines():
            array, task, state = line.split()
            if array == job:
                found.setdefault(state, []).append(task)
        return found

    def log_of(self, results, job, task):
        return (results / f"slurm-{job}_{task}.log").read_text()

    @staticmethod
    def queued_again_count(results):
        return sum(log.read_text().count("queued again") for log in results.glob("slurm-*.log"))

    def test_killed_and_resumed(self):
        rig = self.rig
        expected = rig.expected_table(self.plan)
        results = rig.work / "the results"
        job = self.submit(results, "--shards", "4").split()[-1]
        self.assertTrue(job.isdigit(), job)

        # A task that is told that its time is over drops its point and is queued again.
        rig.wait_for_points(results, 4)
        warned = self.tasks(job)["RUNNING"][-1]
        self.slurm("scancel", "--signal=TERM", "--batch", f"{job}_{warned}")
        wait_until("the task is queued again", lambda: "queued again" in self.log_of(
            results, job, warned))
        self.assertIn("exit status 75", self.log_of(results, job, warned))

        # A task whose program is killed, too.
        rig.wait_for_points(results, 8)
        shards, runs = wait_until("somebody works", lambda: any(rig.workers(results)) and
                                  rig.workers(results))
        for pid in shards + runs:
            rig.kill(pid)
        wait_until("a task is queued again", lambda: any(
            "exit status 137: queued again" in log.read_text()
            for log in results.glob("slurm-*.log")))

        # The whole job is cancelled; none of its tasks may come back.
        wait_until("tasks run again", lambda: rig.workers(results)[0])
        again = self.queued_again_count(results)
        self.slurm("scancel", job)
        wait_until("the job is over", lambda: not self.tasks(job))
        wait_until("the workers have ended", lambda: not any(rig.workers(results)))
        self.assertEqual(self.queued_again_count(results), again)
        self.assertLess(rig.done_count(results), POINTS)
        rig.run(rig.allocsim, "sweep", "status", results, status=1)

        self.submit(results, "--shards", "4", "--wait")
        self.assertEqual(rig.collect(results), expected)

    def test_dry_run(self):
        results = self.rig.work / "dry run"
        said = self.submit(results, "--dry-run", "--shards", "5", "--", "--partition=main")
        self.assertRegex(said, re.escape("--array=0-4"))
        self.assertRegex(said, re.escape("--partition=main"))
        self.assertFalse(results.exists())

    def test_wrong_use(self):
        self.submit("r", "--shards", "none", status=64)
        self.submit("r", "--fast", status=64)
        self.submit(self.rig.work / "refused", "--", "--partition=nowhere", status=69)


if __name__ == "__main__":
    unittest.main(argv=sys.argv[:1])
