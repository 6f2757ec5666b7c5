"""Counts the instructions and the allocations of programs, which do not depend on how busy the machine is.

callgrind counts every instruction. An allocation is one of Swift's: a debug build calls malloc for frames of coroutines, too.
"""

import json
import os
import pathlib
import re
import subprocess
import time

import graphscope

import raw
from process import REPOSITORY, Coordinator

THRESHOLDS = pathlib.Path(REPOSITORY, "Benchmarks", "thresholds.json")
ALLOCATOR = "swift_slowAlloc"
# Dictionaries iterate in the same order each time.
STEADY = {"SWIFT_DETERMINISTIC_HASHING": "1"}
WARM_UP, CALLS = 100, 300
# For how long an idle process is looked at, at most.
IDLE_SECONDS = 20
# A scheduler with 10 hosts, a queue of 200 requests and 4 tenants.
SCHEDULER_ARGUMENTS = ["10", "200", "4"]


def configuration():
    """The compiler and how it was told to compile: what the counts of a source depend on."""
    version = re.search(r"Swift version (\S+)", subprocess.run(["swift", "--version"], capture_output=True, text=True).stdout)
    return f"{version[1] if version else 'unknown'} {os.environ.get('GSC_BUILD', 'debug')}"


def recorded():
    """What was counted with this compiler when the thresholds were last written; empty if nothing was."""
    return json.loads(THRESHOLDS.read_text()).get(configuration(), {})


def counts(profile):
    """Instructions and allocations of a profile of callgrind."""
    instructions = allocations = 0
    names = {}
    called = None
    for line in profile.splitlines():
        # A name stands where its number comes first, which may be where the function itself is counted.
        if found := re.match(r"(c?fn)=(\(\d+\)) ?(.*)", line):
            kind, number, name = found.groups()
            names.setdefault(number, name)
            if kind == "cfn":
                called = names[number].split("@")[0].split("'")[0]
        elif line.startswith("calls=") and called == ALLOCATOR:
            allocations += int(line[6:].split()[0])
        elif line.startswith("summary:"):
            instructions = int(line.split()[1])
    return instructions, allocations


class CountedCoordinator(Coordinator):
    """A coordinator whose instructions are counted. `directory` is for it alone."""

    def __init__(self, directory):
        shim = str(directory / "shim.so")
        subprocess.run(
            ["gcc", "-shared", "-fPIC", "-o", shim, os.path.join(os.path.dirname(__file__), "valgrind_shim.c")], check=True)
        self.directory = directory
        # callgrind_control finds the process by files in the directory for temporary ones.
        self.environment = {**os.environ, **STEADY, "TMPDIR": str(directory)}
        super().__init__(
            directory, environment={**self.environment, "LD_PRELOAD": shim},
            under=["valgrind", "--quiet", "--tool=callgrind", f"--callgrind-out-file={directory}/profile"])

    def count(self, call):
        """Instructions and allocations of the process for one call, which is made many times."""
        for _ in range(WARM_UP):
            call()
        begun = time.monotonic()

        def calls():
            for _ in range(CALLS):
                call()

        costs = self._count(calls)
        # On a busy machine the calls take longer, and the process does more meanwhile that is not theirs: timers, heartbeats.
        seconds = time.monotonic() - begun
        idle = self._count(lambda: time.sleep(min(seconds, IDLE_SECONDS)))
        share = max(1, seconds / IDLE_SECONDS)
        return [round((cost - other * share) / CALLS, 1) for cost, other in zip(costs, idle)]

    def _count(self, body):
        """Instructions and allocations of the process while a function runs."""
        self._control("--zero")
        body()
        self._control("--dump")
        profiles = sorted(self.directory.glob("profile.*"), key=os.path.getmtime)
        return counts(profiles[-1].read_text())

    def _control(self, command):
        subprocess.run(
            ["callgrind_control", command, str(self.process.pid)], env=self.environment, check=True, capture_output=True, timeout=120)


def count_calls(directory):
    """A HeartBeat, and a RunStep that reads a result of one vertex."""
    coordinator = CountedCoordinator(directory)
    try:
        with raw.Client(coordinator.address) as client:
            found = {"HeartBeat": coordinator.count(lambda: client.heartbeat(timeout=60))}
            session, requests = small_step(coordinator.address, directory)
            found["RunStep"] = coordinator.count(lambda: list(client.stub.RunStep(iter(requests), timeout=60)))
            session.close()
    finally:
        coordinator.kill()
    return found


def small_step(address, directory):
    """A session, and what its client sends to read a result of one vertex."""
    for name, text in (("v.csv", "id\n1\n2\n"), ("e.csv", "src,dst\n1,2\n")):
        (directory / name).write_text(text)
    session = graphscope.session(addr=address)
    graph = session.load_from(
        vertices={"v": (str(directory / "v.csv"), [], "id")},
        edges={"e": (str(directory / "e.csv"), [], ("src", "v"), ("dst", "v"))})
    result = graphscope.bfs(graph.project(vertices={"v": []}, edges={"e": []}), src=1)
    stub = session._grpc_client._stub
    original, sent = stub.RunStep, []

    def record(requests):
        sent[:] = list(requests)
        return original(iter(sent))

    stub.RunStep = record
    assert result.to_numpy("r", vertex_range={"begin": 1, "end": 2}).tolist() == [0]
    stub.RunStep = original
    return session, sent


def count_decision(directory, benchmark):
    """A decision of the scheduler, with its share of filling the hosts."""
    profile = directory / "scheduler"
    run = subprocess.run(
        ["valgrind", "--quiet", "--tool=callgrind", f"--callgrind-out-file={profile}", benchmark, *SCHEDULER_ARGUMENTS],
        env={**os.environ, **STEADY}, check=True, capture_output=True, text=True)
    report = json.loads(run.stdout.splitlines()[-1])
    decisions = report["fill"]["decisions"] + report["churn"]["decisions"]
    return [round(count / decisions, 1) for count in counts(profile.read_text())]
