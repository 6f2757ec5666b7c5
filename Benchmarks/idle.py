"""Ten thousand open idle sessions compared with one: memory, HeartBeat, and the cost of watching their leases.

The Python coordinator serves one session at a time, so there is no comparison with it.
"""

import resource
import time

from . import bare, calls, heartbeat, servers
from .report import Row

ROUNDS = 5
SESSIONS = 10_000
SECONDS = 5
BEATS = 2_000


class Idle:
    """A coordinator with open sessions over some connections."""

    def __init__(self, directory, cleanup, sessions, connections):
        limits = (f"limits.sessions={2 * SESSIONS}", f"limits.connections={2 * SESSIONS}", "state=sqlite")
        self.server = cleanup.enter_context(servers.ours(directory, *limits))
        self.server.wait(servers.heartbeat)
        time.sleep(0.5)
        before = self.server.memory_mib(), self.server.private_mib()
        self.connections = []
        for number in range(sessions):
            if number < connections:  # not earlier: a silent connection is closed
                self.connections.append(cleanup.enter_context(bare.Connection(self.server.port)))
            calls.connect(self.connections[number % connections])
        time.sleep(2)  # until freed memory is returned and the journal's phases are written
        after = self.server.memory_mib(), self.server.private_mib()
        self.resident, self.private = ((a - b) * 1024 / sessions for a, b in zip(after, before))

    def beat(self):
        """Returns median and 99th percentile of a HeartBeat's round trip, and the server's CPU time for it, in microseconds."""
        before = self.server.cpu_seconds()
        times = []
        for number in range(BEATS):
            connection = self.connections[number % len(self.connections)]
            start = time.perf_counter()
            assert connection.call(calls.HEARTBEAT)
            times.append(1e6 * (time.perf_counter() - start))
        used = 1e6 * (self.server.cpu_seconds() - before) / BEATS
        return calls.percentile(times, 50), calls.percentile(times, 99), used

    def rest(self):
        """Returns the server's CPU time per second without any calls, in milliseconds."""
        start, before = time.perf_counter(), self.server.cpu_seconds()
        time.sleep(SECONDS)
        return 1e3 * (self.server.cpu_seconds() - before) / (time.perf_counter() - start)


def measure(directory, peer, cleanup):
    _, most = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (most, most))
    many, one = f"{SESSIONS:,} sessions", "1 session"
    each = Idle(directory, cleanup, SESSIONS, SESSIONS)
    few = Idle(directory, cleanup, SESSIONS, 10)
    single = Idle(directory, cleanup, 1, 1)
    named = {"each": each, "few": few, "single": single}
    beats, rests = ({name: [] for name in named} for _ in range(2))
    strangers = {name: [] for name in named}
    body = f"{directory}/empty-message"
    with open(body, "wb") as file:
        file.write(bytes(5))
    for _ in range(ROUNDS):
        for name, idle in named.items():
            beats[name].append(idle.beat())
            strangers[name].append(heartbeat.load(idle.server, BEATS, heartbeat.CALL, body))
            rests[name].append(idle.rest())
    rows = []
    for name, text in (("each", f"{many}, a connection each"), ("few", f"{many} over 10 connections")):
        rows.append(Row(f"{text}: resident memory per session", "KiB", [named[name].resident]))
        rows.append(Row(f"{text}: private memory per session", "KiB", [named[name].private]))
        for i, part in enumerate(("round trip, p50", "round trip, p99", "server's CPU time")):
            rows.append(Row(f"HeartBeat with {text}: {part}", "µs", [b[i] for b in beats[name]],
                            {one: [b[i] for b in beats["single"]]}))
        rows.append(Row(f"HeartBeat of a client without a session, with {text}: server's CPU time", "µs",
                        strangers[name], {one: strangers["single"]}))
        rows.append(Row(f"idle with {text}: server's CPU time per second", "ms", rests[name], {one: rests["single"]}))
    return rows
