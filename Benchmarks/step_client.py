"""Holds a result of one vertex and reads it when told to, from standard input; answers in JSON on standard output."""

import gc
import json
import os
import statistics
import sys
import time

import graphscope

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
    times = []
    for _ in range(CALLS):
        start = time.perf_counter()
        values = context.to_numpy("r", vertex_range={"begin": 1, "end": 2})
        times.append(time.perf_counter() - start)
        assert values.tolist() == [0]
    return times


answers = os.fdopen(os.dup(1), "w")
os.dup2(2, 1)  # the client prints to standard output
session = graphscope.session(addr=sys.argv[1])
context = None
for command in sys.stdin:
    if command.strip() == "prepare":
        context = prepare(session, sys.argv[2])
        gc.collect()
        gc.freeze()  # or the client's collection before each request is most of what is measured
        read(context)
        answer = {}
    else:
        answer = {"calls": CALLS, "median": statistics.median(read(context))}
    print(json.dumps(answer), file=answers, flush=True)
session.close()
