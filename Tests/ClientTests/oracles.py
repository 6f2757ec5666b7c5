"""Independent implementations of the algorithms, by NetworkX where it has the same definition."""

from collections import Counter

import networkx as nx
import numpy as np

UNREACHED_DEPTH = 2**63 - 1
UNREACHED_DISTANCE = 1.7976931348623157e308


def _networkx(graph):
    result = nx.MultiDiGraph() if graph.directed else nx.MultiGraph()
    result.add_nodes_from(graph.vertices)
    result.add_weighted_edges_from(graph.edges)
    return result


def _neighbours(graph):
    """For each vertex the other ends of its edges, per direction; an undirected edge is in both its ends' lists."""
    out, into = {v: [] for v in graph.vertices}, {v: [] for v in graph.vertices}
    for u, v, _ in graph.edges:
        out[u].append(v)
        into[v].append(u)
        if not graph.directed:
            out[v].append(u)
            into[u].append(v)
    return out, into


def bfs(graph, source):
    found = nx.single_source_shortest_path_length(_networkx(graph), source)
    return {v: found.get(v, UNREACHED_DEPTH) for v in graph.vertices}


def sssp(graph, source):
    found = nx.single_source_dijkstra_path_length(_networkx(graph), source)
    return {v: float(found.get(v, UNREACHED_DISTANCE)) for v in graph.vertices}


def wcc(graph):
    """The smallest id of each vertex's component."""
    return {v: min(c) for c in nx.connected_components(_networkx(graph)) for v in c}


def pagerank(graph, delta, rounds):
    """A fixed number of rounds from 1/n; what vertices without outgoing edges hold is spread evenly."""
    out, into = _neighbours(graph)
    n = len(graph.vertices)
    rank = dict.fromkeys(graph.vertices, 1 / n)
    for _ in range(rounds):
        dangling = sum(rank[v] for v in graph.vertices if not out[v])
        base = (1 - delta) / n + delta * dangling / n
        rank = {v: base + delta * sum(rank[u] / len(out[u]) for u in into[v]) for v in graph.vertices}
    return rank


def converged_pagerank(graph, delta):
    """NetworkX's PageRank. Its undirected graphs count a self loop once, so they must have none."""
    return nx.pagerank(_networkx(graph), alpha=delta, max_iter=1000, tol=1e-12, weight=None)


def cdlp(graph, rounds):
    """LDBC Graphalytics: the most frequent label among the neighbours in either direction, the smallest of several."""
    out, into = _neighbours(graph)
    around = {v: out[v] + into[v] if graph.directed else out[v] for v in graph.vertices}
    label = {v: v for v in graph.vertices}
    for _ in range(rounds):
        counts = {v: Counter(label[u] for u in around[v]) for v in graph.vertices}
        label = {
            v: min(counts[v], key=lambda x: (-counts[v][x], x)) if counts[v] else label[v] for v in graph.vertices
        }
    return label


def lcc(graph):
    """LDBC Graphalytics: of the ordered pairs of a vertex's neighbours, in either direction, the share with an edge."""
    simple = nx.DiGraph()
    simple.add_nodes_from(graph.vertices)
    for u, v, _ in graph.edges:
        simple.add_edge(u, v)
        if not graph.directed:
            simple.add_edge(v, u)
    coefficients = {}
    for v in graph.vertices:
        around = (set(simple.successors(v)) | set(simple.predecessors(v))) - {v}
        pairs = len(around) * (len(around) - 1)
        edges = sum(simple.has_edge(a, b) for a in around for b in around if a != b)
        coefficients[v] = edges / pairs if pairs else 0.0
    if not graph.directed:
        np.testing.assert_allclose(
            [nx.clustering(_simple_undirected(graph))[v] for v in graph.vertices],
            [coefficients[v] for v in graph.vertices],
        )
    return coefficients


def _simple_undirected(graph):
    simple = nx.Graph()
    simple.add_nodes_from(graph.vertices)
    simple.add_edges_from((u, v) for u, v, _ in graph.edges if u != v)
    return simple
