"""Time from the start after `kill -9` to the first line on standard output, and to the first step of a recovered session.

The Python coordinator forgets its sessions when it ends, so there is no comparison with it.
"""

import os
import tempfile

from . import bare, calls, servers
from .report import Row

ROUNDS = 5
SESSIONS = (0, 1_000)


def fill(server, path, count):
    """Opens sessions with a graph, an application and a result each. Returns a step that reads the result of the last one."""
    request = None
    with calls.raw.Client(server.address) as client:
        for _ in range(count):
            session_id = client.connect(dangling=3600).session_id
            operations = calls.job(path)
            head, _ = client.run(session_id, operations)
            assert head.code == 0, head.error_msg
            request = calls.step(session_id, calls.read(operations[-1]))
    return request


def restarts(directory, path, count):
    """Returns, for each round, the seconds to the first line and to the first step, and the CPU seconds until then."""
    workspace = tempfile.mkdtemp(dir=directory)
    with servers.ours(directory, "state=sqlite", workspace=workspace) as server:
        server.wait(servers.heartbeat)
        request = fill(server, path, count)
        server.kill()
    rounds = []
    for _ in range(ROUNDS):
        with servers.ours(directory, "state=sqlite", workspace=workspace) as server:
            announced = server.wait(server.has_announced)
            stepped = server.wait(lambda port: first(port, request))
            rounds.append((announced, stepped, server.cpu_seconds()))
            server.kill()
    return rounds


def first(port, request):
    if request is None:
        return servers.heartbeat(port)
    with bare.Connection(port) as connection:
        calls.run(connection, request)
    return True


def measure(directory, peer, cleanup):
    path = os.path.join(directory, "recovered.csv")
    with open(path, "w") as file:
        file.write("src,dst\n1,2\n2,3\n3,1\n")
    none, many = (restarts(directory, path, count) for count in SESSIONS)
    what = (
        "to the first line on standard output",
        "to the first answered step (with no sessions: HeartBeat)",
        "CPU time until then",
    )
    return [
        Row(f"restart after kill -9 with {SESSIONS[1]:,} sessions, {text}", "ms", [1e3 * r[i] for r in many],
            {"no sessions": [1e3 * r[i] for r in none]})
        for i, text in enumerate(what)
    ]
