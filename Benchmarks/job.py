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


# The client collects garbage before each request. With all the objects of the modules that it imports, this is most of
# the duration of a small job. The collector ignores frozen objects.
FROZEN = "import gc, runpy, sys, graphscope; gc.freeze(); sys.argv.pop(0); runpy.run_path(sys.argv[0], run_name='__main__')"


def run(server, graph, frozen):
    """Returns the seconds of each part."""
    start = [sys.executable, *(["-c", FROZEN] if frozen else [])]
    script = [os.path.join(EXAMPLES, "pagerank.py"), "--addr", server.address, graph + "/v.csv", graph + "/e.csv"]
    done = subprocess.run(
        start + script,
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
        first[name] = run(server, graph, frozen=False)
    plain, frozen, used = ({name: [] for name in running} for _ in range(3))
    for _ in range(ROUNDS):
        for name, server in running.items():
            plain[name].append(run(server, graph, frozen=False))
            before = server.cpu_seconds()
            frozen[name].append(run(server, graph, frozen=True))
            used[name].append(server.cpu_seconds() - before)
    memory = {name: [server.memory_mib()] for name, server in running.items()}
    others = [name for name in running if name != servers.OURS]

    def row(title, take, unit="s"):
        return Row(title, unit, take(servers.OURS), {name: take(name) for name in others})

    return [
        row("a million edges, the first job after the start", lambda n: [first[n]["together"]]),
        row("a million edges, later ones", lambda n: [run["together"] for run in plain[n]]),
        *(
            row(f"the same, client's garbage collection frozen: {part}", lambda n, p=part: [run[p] for run in frozen[n]])
            for part in PARTS
        ),
        row("the same: server's CPU time", lambda n: used[n]),
        row("memory after it", lambda n: memory[n], "MiB"),
    ]
