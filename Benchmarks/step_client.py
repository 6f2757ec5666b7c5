"""Holds a result of one vertex, reads it on commands from standard input, and answers in JSON on standard output.

usage: python -m Benchmarks.step_client ADDRESS DIRECTORY
"""

import gc
import json
import os
import statistics
import sys
import time

import graphscope

from . import bare

CALLS = 300


def prepare(session, directory):
    for name, text in (("one_v.csv", "id\n1\n2\n"), ("one_e.csv", "src,dst\n1,2\n")):
        with open(os.path.join(directory, name), "w") as file:
            file.write(text)
    graph = session.load_from(
        vertices={"v": (os.path.join(directory, "one_v.csv"), [], "id")},
        edges={"e": (os.path.join(directory, "one_e.csv"), [], ("src", "v"), ("dst", "v"))},
    )
    return graphscope.bfs(graph.project(vertices={"v": []}, edges={"e": []}), src=1)


def read(context):
    """Returns round trips in the client, in seconds."""
    times = []
    for _ in range(CALLS):
        start = time.perf_counter()
        values = context.to_numpy("r", vertex_range={"begin": 1, "end": 2})
        times.append(time.perf_counter() - start)
        assert values.tolist() == [0]
    return times


def repeat(session, context):
    """Returns round trips of the same request from a bare client, in seconds."""
    stub = session._grpc_client._stub
    original, sent = stub.RunStep, []

    def record(requests):
        requests = list(requests)
        sent[:] = [request.SerializeToString() for request in requests]
        return original(iter(requests))

    stub.RunStep = record
    context.to_numpy("r", vertex_range={"begin": 1, "end": 2})
    stub.RunStep = original
    times = []
    with bare.Connection(int(sys.argv[1].rsplit(":", 1)[1])) as connection:
        for _ in range(CALLS):
            start = time.perf_counter()
            assert connection.call(b"/gs.rpc.CoordinatorService/RunStep", sent)
            times.append(time.perf_counter() - start)
    return times


def main():
    answers = os.fdopen(os.dup(1), "w")
    os.dup2(2, 1)  # the client prints to standard output
    session = graphscope.session(addr=sys.argv[1])
    context = None
    for command in map(str.strip, sys.stdin):
        if command == "prepare":
            context = prepare(session, sys.argv[2])
            gc.collect()
            gc.freeze()  # otherwise the client's garbage collection before each request dominates
            read(context)
            answer = {}
        else:
            times = read(context) if command == "client" else repeat(session, context)
            answer = {"calls": len(times), "median": statistics.median(times)}
        print(json.dumps(answer), file=answers, flush=True)
    session.close()


if __name__ == "__main__":
    main()
