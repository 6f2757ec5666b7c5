"""The example job, PageRank on a million edges from CSV files, end to end."""

import os
import re
import subprocess
import sys

from . import servers
from .report import Row

ROUNDS = 5
EXAMPLES = os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "examples")
PARTS = ["connect", "load", "project", "pagerank, 10 rounds", "fetch", "together"]


def run(server, graph):
    """Seconds by part."""
    done = subprocess.run(
        [sys.executable, os.path.join(EXAMPLES, "pagerank.py"), "--addr", server.address, graph + "/v.csv", graph + "/e.csv"],
        capture_output=True,
        text=True,
        timeout=600,
    )
    if done.returncode:
        raise RuntimeError(done.stdout + done.stderr)
    found = dict(re.findall(r"^  (\S.*?) +([\d.]+)$", done.stdout.split("Seconds:")[1], re.MULTILINE))
    return {part: float(found[part]) for part in PARTS}


def measure(directory, peer, cleanup):
    graph = os.path.join(directory, "graph")
    subprocess.run(
        [sys.executable, os.path.join(EXAMPLES, "generate_graph.py"), graph], check=True, stdout=subprocess.DEVNULL
    )
    running = {servers.OURS: cleanup.enter_context(servers.ours(directory))}
    if peer:
        running[servers.PEER] = cleanup.enter_context(servers.peer(directory, peer))
    first = {}
    for name, server in running.items():
        server.wait(servers.heartbeat)
        first[name] = run(server, graph)
    samples = {name: {part: [] for part in PARTS} for name in running}
    for _ in range(ROUNDS):
        for name, server in running.items():
            for part, seconds in run(server, graph).items():
                samples[name][part].append(seconds)
    memory = {name: [server.memory_mib()] for name, server in running.items()}
    others = [name for name in running if name != servers.OURS]

    def row(title, take, unit="s"):
        return Row(title, unit, take(servers.OURS), {name: take(name) for name in others})

    return [
        row("a million edges, the first job after the start", lambda n: [first[n]["together"]]),
        *(row(f"a million edges: {part}", lambda n, part=part: samples[n][part]) for part in PARTS),
        row("memory after it", lambda n: memory[n], "MiB"),
    ]
