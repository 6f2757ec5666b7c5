"""One small RunStep: a result of one vertex, requested by the real client and by a bare one."""

import json
import subprocess
import sys

from . import servers
from .report import Row

ROUNDS = 5


def client_of(server, directory):
    command = [sys.executable, "-m", "Benchmarks.step_client", server.address, directory]
    return subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)


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
        clients[name] = client_of(server, directory)
        ask(clients[name], "prepare")
    bare, real, used = ({name: [] for name in running} for _ in range(3))
    for _ in range(ROUNDS):
        for name, server in running.items():
            bare[name].append(1e6 * ask(clients[name], "bare")["median"])
            before = server.cpu_seconds()
            answer = ask(clients[name], "client")
            used[name].append(1e6 * (server.cpu_seconds() - before) / answer["calls"])
            real[name].append(1e3 * answer["median"])
    for client in clients.values():
        client.stdin.close()
        client.wait(30)
    return [
        Row("small RunStep, round trip of a bare client", "µs", bare.pop(servers.OURS), bare, "< 200 µs"),
        Row("small RunStep, server's CPU time with the real client", "µs", used.pop(servers.OURS), used),
        Row("small RunStep, round trip in the real client", "ms", real.pop(servers.OURS), real),
    ]
