"""Sessions per second, opened and closed by one client and by many, and with a thousand tenants configured."""

import json
import os
import threading
import time

from . import bare, calls, servers
from .report import Row

ROUNDS, SESSIONS, CLIENTS = 5, 400, 16


def rate(port, clients):
    """Returns the sessions per second that a number of clients open and close."""

    def work():
        with bare.Connection(port) as connection:
            for _ in range(SESSIONS // clients):
                calls.close(connection, calls.connect(connection))

    threads = [threading.Thread(target=work) for _ in range(clients)]
    start = time.perf_counter()
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    return SESSIONS / (time.perf_counter() - start)


def measure(directory, peer, cleanup):
    path = os.path.join(directory, "cluster.json")
    with open(path, "w") as file:
        json.dump({"tenants": [{"name": f"t{i}", "weight": 1 + i % 4} for i in range(1000)]}, file)
    names = {"by itself": (), "1,000 tenants": (f"cluster_file={path}",)}
    running = {name: cleanup.enter_context(servers.ours(directory, *settings)) for name, settings in names.items()}
    for server in running.values():
        server.wait(servers.heartbeat)
        rate(server.port, 1)
    rows = []
    for clients in (1, CLIENTS):
        samples = {name: [] for name in running}
        for _ in range(ROUNDS):
            for name, server in running.items():
                samples[name].append(rate(server.port, clients))
        own = samples.pop("by itself")
        rows.append(Row(f"sessions opened and closed, {clients} clients at a time", "1/s", own, samples))
    return rows
