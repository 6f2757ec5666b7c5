"""Graphs for the tests, and the loading of them."""

import random
from dataclasses import dataclass

import numpy as np
import pandas as pd
from graphscope.framework.loader import Loader


@dataclass
class EdgeList:
    """Vertices in the order of their table, and edges as (source, destination, weight)."""

    vertices: list
    edges: list
    directed: bool

    def relabelled(self, name):
        edges = [(name(u), name(v), w) for u, v, w in self.edges]
        return EdgeList([name(v) for v in self.vertices], edges, self.directed)


SHAPES = {
    "one vertex, no edge": lambda r: ([7], []),
    "no edges": lambda r: ([3, 1, 2], []),
    "star": lambda r: (range(9), [(0, i) for i in range(1, 9)]),
    "inward star": lambda r: (range(9), [(i, 0) for i in range(1, 9)]),
    "path": lambda r: (range(12), [(i, i + 1) for i in range(11)]),
    "clique": lambda r: (range(7), [(i, j) for i in range(7) for j in range(i)]),
    "disconnected": lambda r: (range(20), [(i, (i * 7 + 1) % 9) for i in range(9)] + [(12, 13), (13, 14), (14, 12)]),
    "sparse": lambda r: (range(60), _pairs(r, 60, 50, loops=False, parallel=False)),
    "dense": lambda r: (range(40), _pairs(r, 40, 500, loops=False, parallel=False)),
    "negative and large ids": lambda r: (
        [-(2**40), 5, 2**62, -1, 0],
        [(5, -1), (-1, 2**62), (2**62, 5), (0, -(2**40))],
    ),
}
LOOSE_SHAPES = {
    "self loops": lambda r: (range(30), _pairs(r, 30, 40, parallel=False) + [(3, 3), (4, 4), (29, 29)]),
    "parallel edges": lambda r: (range(12), _pairs(r, 12, 80, loops=False)),
    "self loops and parallel edges": lambda r: (range(12), _pairs(r, 12, 80) + [(0, 0), (0, 0), (11, 11)]),
}


def _pairs(generator, vertices, count, loops=True, parallel=True):
    pairs = []
    while len(pairs) < count:
        u, v = generator.randrange(vertices), generator.randrange(vertices)
        if (loops or u != v) and (parallel or not {(u, v), (v, u)} & set(pairs)):
            pairs.append((u, v))
    return pairs


def edge_list(shape, directed, seed=0):
    """A graph of the named shape; rows of the vertex table and of the edge table are in no particular order."""
    generator = random.Random(f"{shape} {seed}")
    vertices, pairs = {**SHAPES, **LOOSE_SHAPES}[shape](generator)
    vertices, pairs = list(vertices), list(pairs)
    generator.shuffle(vertices)
    generator.shuffle(pairs)
    return EdgeList(vertices, [(u, v, generator.randint(1, 20)) for u, v in pairs], directed)


def write(graph, directory):
    """Writes the graph as DIRECTORY/v.csv and DIRECTORY/e.csv and returns the two paths."""
    v, e = directory / "v.csv", directory / "e.csv"
    v.write_text("id\n" + "".join(f"{i}\n" for i in graph.vertices))
    e.write_text("src,dst,w\n" + "".join(f"{s},{d},{w}\n" for s, d, w in graph.edges))
    return str(v), str(e)


def load(session, graph, directory=None, oid_type="int64_t"):
    """Loads the graph from data frames or, given a directory, from CSV files in it."""
    if directory is None:
        kind = "int64" if oid_type == "int64_t" else object
        v = pd.DataFrame({"id": np.array(graph.vertices, dtype=kind)})
        columns = list(zip(*graph.edges)) or [(), (), ()]
        e = pd.DataFrame(
            {name: np.array(c, dtype=t) for name, c, t in zip(("src", "dst", "w"), columns, (kind, kind, "int64"))}
        )
    else:
        v, e = (Loader(path) for path in write(graph, directory))
    return session.load_from(
        vertices={"v": (v, [], "id")},
        edges={"e": (e, ["w"], ("src", "v"), ("dst", "v"))},
        directed=graph.directed,
        oid_type=oid_type,
    )


def unweighted(property_graph):
    return property_graph.project(vertices={"v": []}, edges={"e": []})


def weighted(property_graph):
    return property_graph.project(vertices={"v": []}, edges={"e": ["w"]})


def result(context):
    """A vertex_data result as {id: value}."""
    frame = context.to_dataframe({"id": "v.id", "r": "r"})
    assert len(frame) == frame["id"].nunique()
    return dict(zip(frame["id"].tolist(), frame["r"].tolist()))


def rows(frame):
    """A frame as {column: list of values}."""
    return {name: frame[name].tolist() for name in frame}
