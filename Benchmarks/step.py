"""One small RunStep through the real client: a result of one vertex."""

import json
import os
import subprocess
import sys

from . import servers
from .report import Row

ROUNDS = 5


def sample(address, directory):
    script = os.path.join(os.path.dirname(os.path.abspath(__file__)), "step_client.py")
    return subprocess.Popen(
        [sys.executable, script, address, directory], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
    )


def ask(client, question):
    client.stdin.write(question + "\n")
    client.stdin.flush()
    return json.loads(client.stdout.readline())


def measure(directory, peer, cleanup):
    running = {servers.OURS: cleanup.enter_context(servers.ours(directory))}
    if peer:
        running[servers.PEER] = cleanup.enter_context(servers.peer(directory, peer))
    clients = {}
    for name, server in running.items():
        server.wait(servers.heartbeat)
        clients[name] = sample(server.address, directory)
        ask(clients[name], "prepare")
    trips, shares = {n: [] for n in running}, {n: [] for n in running}
    for _ in range(ROUNDS):
        for name, server in running.items():
            before = server.cpu_seconds()
            answer = ask(clients[name], "run")
            shares[name].append(1e6 * (server.cpu_seconds() - before) / answer["calls"])
            trips[name].append(1e3 * answer["median"])
    for client in clients.values():
        client.stdin.close()
        client.wait(30)
    return [
        Row("small RunStep, server's CPU time", "µs", shares.pop(servers.OURS), shares, "< 200 µs"),
        Row("small RunStep, round trip in the client", "ms", trips.pop(servers.OURS), trips),
    ]
