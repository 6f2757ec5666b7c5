"""Graphs of graphscope.nx against those of networkx: random histories by seed, with ids of all types.

GSC_NETWORKX_GRAPHS sets the number of histories, GSC_NETWORKX_SEED the first seed.
"""

import os
import random

import graphscope
import graphscope.nx
import networkx
import pandas
import pytest
from graphscope.framework.errors import AnalyticalEngineInternalError

from conftest import close
from test_recovery import Host, eventually, host  # noqa: F401

FIRST = int(os.environ.get("GSC_NETWORKX_SEED", "0"))
COUNT = int(os.environ.get("GSC_NETWORKX_GRAPHS", "12"))

pytestmark = pytest.mark.ours("the reference mixes up ids of different types")

IDS = {
    "integers": list(range(-3, 6)) + [2**63 - 1, -(2**63)],
    "texts": ["a", "b", "", "é", "e\u0301", "1", 'q"\\\n', "a" * 40],
    "floats": [0.5, -1.25, 1e20, 2.0, 3.5],
    "tuples": [(0, 1), (1, 0), (1, "a"), (1, (2, "b")), ("x",), (0.5, None)],
    "mixed": [1, "1", 1.5, (1,), ("1",), True, False, 0, "b", 2.0, 2, (1, 2)],
}
VALUES = [0, 1, -5, 2**40, 0.1, 2.0, 1e300, "", "text", "é\n", True, False, None, [1, 2.0, "x"], {"k": [None]}]


@pytest.fixture(scope="module")
def nx(sess):
    """The client's networkx library, with the module's session."""
    sess.as_default()
    return graphscope.nx


def tuples(value):
    """The form in which values come back where the client reads MessagePack: lists are tuples."""
    if isinstance(value, (list, tuple)):
        return tuple(tuples(element) for element in value)
    return {key: tuples(element) for key, element in value.items()} if isinstance(value, dict) else value


def typed(value):
    """A value with the types of everything in it: 1, 1.0 and True differ."""
    if isinstance(value, dict):
        return [(key, typed(element)) for key, element in value.items()]
    if isinstance(value, (list, tuple)):
        return [typed(element) for element in value]
    return type(value).__name__, value


def same(ours, theirs):
    """Compares nodes, edges, orders, attributes and types."""
    assert typed(list(ours)) == typed(list(theirs))
    assert len(ours) == len(theirs) and ours.number_of_edges() == theirs.number_of_edges()
    assert ours.number_of_selfloops() == networkx.number_of_selfloops(theirs)
    for node in theirs:
        assert typed(dict(ours.nodes[node])) == typed(tuples(theirs.nodes[node]))
        # Here networkx has the form in which the edge was added; ours is that of the node.
        assert list(ours.adj[node]) == list(theirs.adj[node])
        for neighbour, attributes in theirs.adj[node].items():
            assert typed(tuples(dict(ours.adj[node][neighbour]))) == typed(tuples(attributes))
            assert typed(tuples(ours.get_edge_data(node, neighbour))) == typed(tuples(attributes))
        if theirs.is_directed():
            assert list(ours.pred[node]) == list(theirs.pred[node])


class History:
    """The same random changes of two graphs."""

    def __init__(self, seed, ours, theirs, kind):
        self.random = random.Random(seed)
        self.ids = IDS[kind]
        self.both = [ours, theirs]

    def attributes(self):
        return {name: self.random.choice(VALUES) for name in self.random.sample("abcé", self.random.randint(0, 2))}

    def change(self):
        """One change. The client sends added nodes before added edges, so it never gets both in one request."""
        draw = self.random
        u, v = draw.choice(self.ids), draw.choice(self.ids)
        kind = draw.choice(["edges"] * 4 + ["nodes", "remove node", "remove edge", "remove", "set", "clear"])
        if kind == "clear" and draw.random() < 0.8:
            kind = "edges"
        attributes = self.attributes()
        edges = [(draw.choice(self.ids), draw.choice(self.ids), self.attributes()) for _ in range(draw.randint(1, 6))]
        for graph in self.both:
            if kind == "edges":
                graph.add_edges_from(edges)
            elif kind == "nodes":
                graph.add_nodes_from([(u, attributes), (v, {})])
            elif kind == "remove node" and u in graph:
                graph.remove_node(u)
            elif kind == "remove edge" and graph.has_edge(u, v):
                graph.remove_edge(u, v)
            elif kind == "remove":
                graph.remove_edges_from([(u, v), (v, u)])
                graph.remove_nodes_from([v])
            elif kind == "set" and graph.has_edge(u, v):
                graph[u][v]["set"] = 1
                graph.nodes[u]["set"] = 2.0
            elif kind == "clear":
                graph.clear_edges()
            graph.number_of_nodes()


@pytest.mark.parametrize("seed", range(FIRST, FIRST + COUNT))
def test_histories(nx, seed):
    kind = list(IDS)[seed % len(IDS)]
    directed = seed // len(IDS) % 2 == 1
    ours, theirs = (nx.DiGraph(), networkx.DiGraph()) if directed else (nx.Graph(), networkx.Graph())
    history = History(seed, ours, theirs, kind)
    for _ in range(4):
        for _ in range(6):
            history.change()
        same(ours, theirs)
    for node in history.ids + ["none", None, 0.25, (), ("none", 1)]:
        assert (node in ours) == (node in theirs)
    same(ours.copy(), theirs.copy())
    if directed:
        same(ours.reverse(), theirs.reverse())
        undirected = ours.to_undirected()
        same(undirected, theirs.to_undirected())
        assert len(list(ours.reverse(copy=False).edges)) == theirs.number_of_edges()
    else:
        same(ours.to_directed(), theirs.to_directed())
    nodes = history.random.sample(history.ids, 3)
    for part, wanted in [
        (ours.subgraph(nodes), theirs.subgraph(nodes)),
        (ours.edge_subgraph(list(ours.edges)[::2]), theirs.edge_subgraph(list(theirs.edges)[::2])),
    ]:
        assert set(part) == set(wanted) and part.number_of_edges() == wanted.number_of_edges()
        assert all(wanted.has_edge(u, v) for u, v in part.edges)


def test_equal_ids_are_one_node(nx):
    graph = nx.Graph()
    graph.add_edges_from([(1, "1"), (True, 2), (1.0, 2.0)])
    assert typed(list(graph)) == typed([1, "1", 2]) and graph.number_of_edges() == 2
    assert graph.has_edge(2.0, True) and not graph.has_edge("1", 2)


def test_results_have_the_ids_of_the_graph(nx):
    for edges in ([(5, 1), (1, 2)], [("x", "y"), ("y", "é")], [(True, 2.0), (2, 3)]):
        graph = nx.Graph(edges)
        assert nx.degree_centrality(graph) == networkx.degree_centrality(networkx.Graph(edges))
    weighted = [(0, 1, 0.5), (1, 2, 1.5), (2, 0, 2.5)]
    graph, plain = nx.Graph(), networkx.Graph()
    graph.add_weighted_edges_from(weighted)
    plain.add_weighted_edges_from(weighted)
    plain.add_edge(2, 3)
    graph.add_edge(2, 3)
    ours = nx.eigenvector_centrality(graph, weight="weight")
    assert ours == pytest.approx(networkx.eigenvector_centrality(plain, weight="weight"), abs=1e-4)
    assert nx.degree_centrality(nx.Graph([(1, "b"), ("b", (2, 3))])) == {"1": 0.5, "b": 1.0, "[2,3]": 0.5}


def test_what_would_be_ambiguous_is_refused(nx):
    with pytest.raises(AnalyticalEngineInternalError, match='1 and "1"|"1" and 1'):
        nx.degree_centrality(nx.Graph([(1, "1")]))
    graph = nx.Graph([(1, 2, {"w": 1}), (2, 3, {"w": "x"})])
    with pytest.raises(AnalyticalEngineInternalError, match="numbers and texts"):
        nx.eigenvector_centrality(graph, weight="w")
    graph = nx.Graph([(1, 2, {"w": [1]})])
    with pytest.raises(AnalyticalEngineInternalError, match="neither a number nor a text"):
        nx.eigenvector_centrality(graph, weight="w")


def test_integers_beyond_the_protocol_are_refused(nx):
    graph = nx.Graph([(1, 2)])
    graph.add_node(2**63)
    with pytest.raises(AnalyticalEngineInternalError, match="beyond 64 bits"):
        graph.number_of_nodes()
    graph._add_node_cache.clear()
    # Nothing of a refused change remains.
    assert list(graph.edges) == [(1, 2)]


def test_many_nodes_are_read_in_batches(nx):
    count = 2500
    graph = nx.DiGraph()
    graph.add_nodes_from((i, {"v": i}) for i in range(count))
    graph.add_edges_from((i, (i * i + 1) % count, {"w": float(i)}) for i in range(count))
    plain = networkx.DiGraph()
    plain.add_nodes_from((i, {"v": i}) for i in range(count))
    plain.add_edges_from((i, (i * i + 1) % count, {"w": float(i)}) for i in range(count))
    for _ in range(2):
        assert list(graph.nodes(data=True)) == list(plain.nodes(data=True))
        assert list(graph.edges(data=True)) == list(plain.edges(data=True))
        assert [list(graph.pred[n]) for n in graph] == [list(plain.pred[n]) for n in plain]


def test_property_graphs_become_networkx_graphs_and_back(nx, sess):
    graph = nx.DiGraph()
    graph.add_nodes_from([(1, {"name": "a", "x": 1}), (2, {"name": "b"}), (5, {})])
    graph.add_edges_from([(1, 2, {"w": 0.5}), (2, 5, {})])
    stored = sess.g(graph)
    names = stored.to_dataframe({"id": "v:_.id", "name": "v:_.name", "x": "v:_.x"}).values.tolist()
    assert names == [[1, "a", 1], [2, "b", 0], [5, "", 0]]
    again = nx.DiGraph(stored, default_label="_")
    again.add_edge(5, 7)
    assert typed(list(again)) == typed([1, 2, 5, 7])
    assert dict(again.nodes[1]) == {"name": "a", "x": 1} and dict(again[1][2]) == {"w": 0.5}
    labelled = nx.DiGraph(stored)
    labelled.add_node("new")
    assert list(labelled) == [("_", 1), ("_", 2), ("_", 5), "new"]


@pytest.mark.parametrize("directed", [False, True])
def test_graphs_survive_a_kill(host, directed):  # noqa: F811
    """The coordinator is killed again and again between and during changes; no answered change is lost."""
    host.start()
    session = graphscope.session(addr=host.address)
    nx = session.nx()
    kind = nx.DiGraph if directed else nx.Graph
    ours, theirs = kind(), (networkx.DiGraph if directed else networkx.Graph)()
    history = History(17, ours, theirs, "mixed")
    for _ in range(3):
        for _ in range(8):
            history.change()
        copy = ours.copy()
        host.kill()
        host.start()
        eventually(ours.number_of_nodes)
        same(ours, theirs)
        same(copy, theirs.copy())
    values = nx.degree_centrality(nx.Graph([(1, 2), (2, 3)]))
    assert values == {1: 0.5, 2: 1.0, 3: 0.5}
    close(session)


def test_a_view_does_not_take_its_property_graph_along(nx, sess):
    """The client unloads `nx.DiGraph(g)` like g itself, whichever is dropped first."""

    def loaded():
        rows = pandas.DataFrame({"s": [1, 2], "t": [2, 3]})
        return sess.g(generate_eid=False, retain_oid=False).add_edges(rows, label="e")

    graph = loaded()
    for _ in range(3):
        view = nx.DiGraph(graph, default_label="_")
        assert sorted(view.edges) == [(1, 2), (2, 3)]
        view = None
    assert graph.to_numpy("v:_.id").tolist() == [1, 2, 3]
    view = nx.DiGraph(graph, default_label="_")
    del graph
    assert sorted(view.edges) == [(1, 2), (2, 3)]
    view.add_edge(3, 4)
    assert sorted(view.edges) == [(1, 2), (2, 3), (3, 4)]


def test_more_changes_than_a_graph_keeps(nx):
    """Each change is an operation; the client names the graph by the newest one."""
    graph = nx.Graph()
    for i in range(1100):
        graph.add_edge(i, i + 1)
        assert graph.has_edge(i, i + 1)
    assert graph.number_of_edges() == 1100
    assert len(nx.degree_centrality(graph)) == 1101
    assert graph.copy().number_of_edges() == 1100
