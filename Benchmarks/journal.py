"""Small steps and ConnectSession, journaled by SQLite, compared with a coordinator that keeps its state in memory."""

import os
import time

from . import bare, calls, servers
from .report import Row

ROUNDS = 7
STEPS = 300
CONNECTS = 100
NORMAL, OTHERS = "state=sqlite", {"state=memory": ("state=memory",), "state_sync=full": ("state=sqlite", "state_sync=full")}


class Steps:
    """A coordinator with one session that has a graph, an application and a result."""

    def __init__(self, directory, cleanup, path, *settings):
        self.server = cleanup.enter_context(servers.ours(directory, *settings))
        self.server.wait(servers.heartbeat)
        self.operations = calls.job(path)
        with bare.Connection(self.server.port) as connection:
            self.session_id = calls.connect(connection)
            calls.run(connection, calls.step(self.session_id, *self.operations))

    def measured(self, requests):
        """Returns median and 99th percentile of the round trip, and the server's CPU time, in microseconds."""
        before = self.server.cpu_seconds()
        times = calls.round_trips(self.server.port, calls.RUN_STEP, requests)
        used = self.server.cpu_seconds() - before
        return [1e6 * value for value in (calls.percentile(times, 50), calls.percentile(times, 99), used / len(times))]

    def steps(self, operation):
        requests = [calls.step(self.session_id, operation()) for _ in range(STEPS)]
        with bare.Connection(self.server.port) as connection:
            calls.run(connection, calls.step(self.session_id, operation()))  # raises if it fails
        return self.measured(requests)

    def bind(self):
        return self.steps(lambda: calls.bind(self.operations[2], self.operations[3]))

    def project(self):
        return self.steps(lambda: calls.project(self.operations[1]))

    def read(self):
        return self.steps(lambda: calls.read(self.operations[-1]))

    def connect(self):
        """Opens and closes sessions. The times are those of opening; the CPU time is that of both."""
        times = []
        before = self.server.cpu_seconds()
        with bare.Connection(self.server.port) as connection:
            for _ in range(CONNECTS):
                start = time.perf_counter()
                session_id = calls.connect(connection)
                times.append(1e6 * (time.perf_counter() - start))
                calls.close(connection, session_id)
        used = 1e6 * (self.server.cpu_seconds() - before) / CONNECTS
        return calls.percentile(times, 50), calls.percentile(times, 99), used


MEASURED = {
    "step that binds an application": Steps.bind,
    "step that projects a graph": Steps.project,
    "step that only reads": Steps.read,
    "ConnectSession (CPU time with CloseSession)": Steps.connect,
}


def measure(directory, peer, cleanup):
    path = os.path.join(directory, "journaled.csv")
    with open(path, "w") as file:
        file.write("src,dst\n1,2\n2,3\n3,1\n")
    running = {
        name: Steps(directory, cleanup, path, *settings) for name, settings in {NORMAL: (NORMAL,), **OTHERS}.items()
    }
    rows = []
    for what, run in MEASURED.items():
        samples = {name: [] for name in running}
        for _ in range(ROUNDS):
            for name, steps in running.items():
                samples[name].append(run(steps))
        for i, part in enumerate(("round trip, p50", "round trip, p99", "server's CPU time")):
            others = {name: [s[i] for s in samples[name]] for name in OTHERS}
            rows.append(Row(f"{what}, journaled: {part}", "µs", [s[i] for s in samples[NORMAL]], others))
    return rows
