"""Sampling on a million edges by the unmodified client: two hops of [10, 5] neighbours for batches of 512 nodes, by random and by
weight, with one and four clients; time until the first answer; CPU time of the server for each batch and sample.

With GSC_NATIVE_PYTHON, an environment with GraphScope's engines, the same is measured on its learning server.
"""

import os
import subprocess
import sys
import time

import graphscope
import numpy as np
import pandas as pd
from graphscope.framework.loader import Loader

from . import servers
from .report import Row

NODES, EDGES, BATCH, HOPS, BATCHES = 100_000, 1_000_000, 512, (10, 5), 200
SAMPLES = BATCH * (HOPS[0] + HOPS[0] * HOPS[1])

CLIENT = """
import base64, json, sys, time
import graphscope.learning
import graphlearn as gl, numpy as np
handle = json.loads(base64.b64decode(sys.argv[1]))
g = gl.Graph().vineyard(handle, handle["config"]["nodes"], handle["config"]["edges"])
g.init_vineyard(worker_index=0, worker_count=1)
sampler = g.neighbor_sampler(["e", "e"], list(map(int, sys.argv[3].split(","))), strategy=sys.argv[2])
batch, count, nodes = map(int, sys.argv[4:7])
generator = np.random.default_rng(1)
sampler.get(generator.integers(nodes, size=batch))
print("ready", flush=True)
sys.stdin.readline()
begin = time.perf_counter()
for _ in range(count):
    sampler.get(generator.integers(nodes, size=batch))
print(json.dumps(time.perf_counter() - begin), flush=True)
"""


def load(session):
    generator = np.random.default_rng(1)
    vertices = pd.DataFrame({"id": np.arange(NODES), "value": generator.random(NODES)})
    ends = generator.integers(NODES, size=(2, EDGES))
    edges = pd.DataFrame({"src": ends[0], "dst": ends[1], "weight": generator.random(EDGES)})
    return session.load_from(
        vertices={"v": (Loader(vertices), None, "id")},
        edges={"e": (Loader(edges), None, ("src", "v"), ("dst", "v"))},
    )


def run(server, handle, strategy, clients):
    """Returns batches per second of all clients, and the server's CPU microseconds for each batch."""
    hops = ",".join(map(str, HOPS))
    command = [sys.executable, "-c", CLIENT, handle, strategy, hops, str(BATCH), str(BATCHES), str(NODES)]
    running = [
        subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) for _ in range(clients)
    ]
    for client in running:
        client.stdout.readline()
    before = server.cpu_seconds()
    for client in running:
        client.stdin.write("\n")
        client.stdin.flush()
    seconds = max(float(client.stdout.readline()) for client in running)
    used = server.cpu_seconds() - before
    for client in running:
        client.stdin.close()
        client.wait()
    return clients * BATCHES / seconds, used / clients / BATCHES * 1e6


def measured(server, cleanup):
    """Returns the measurements of a server by name."""
    server.wait(servers.heartbeat)
    session = graphscope.session(addr=server.address)
    cleanup.callback(session.close)
    graph = load(session)
    begin = time.perf_counter()
    learning = session.graphlearn(graph)
    learning.get_stats()
    found = {"open an instance, and its first answer": (time.perf_counter() - begin) * 1e3}
    handle = learning.get_handle(1)
    for strategy in ("random", "edge_weight"):
        for clients in (1, 4):
            rate, used = run(server, handle, strategy, clients)
            title = f"{strategy}, {clients} client{'s' if clients > 1 else ''}"
            found[f"{title}: time for each batch"] = 1e3 / rate
            found[f"{title}: CPU of the server for each batch"] = used
            found[f"{title}: the same for each sample"] = used * 1e3 / SAMPLES
    return found


def measure(directory, peer, cleanup):
    ours = measured(cleanup.enter_context(servers.ours(directory)), cleanup)
    others = {}
    if environment := os.environ.get("GSC_NATIVE_PYTHON"):
        native = servers.ours(directory, "engine=graphscope", f"graphscope.python={environment}")
        others = measured(cleanup.enter_context(native), cleanup)
    units = {"sample": "ns", "CPU of the server for each batch": "µs"}

    def unit(name):
        return next((unit for words, unit in units.items() if name.endswith(words)), "ms")

    return [
        Row(f"sampling: {name}", unit(name), [value], {"GraphScope": [others[name]]} if name in others else {})
        for name, value in ours.items()
    ]
