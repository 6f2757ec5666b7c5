"""Every algorithm against networkx on random graphs of all shapes, by seed.

GSC_ALGORITHM_GRAPHS sets the number of graphs, GSC_ALGORITHM_SEED the first seed: `scripts/compare-algorithms.sh 5000`.
"""

import json
import os

import networkx as nx
import numpy as np
import pandas as pd
import pytest
from graphscope.framework.app import AppAssets

import networkx_oracles as oracle
from networkx_oracles import LABELS, Sample

FIRST = int(os.environ.get("GSC_ALGORITHM_SEED", "0"))
COUNT = int(os.environ.get("GSC_ALGORITHM_GRAPHS", "56"))

pytestmark = pytest.mark.ours("the reference compiles most of these for minutes, and differs in what is listed as such")


class Loaded:
    """A sample in a session."""

    def __init__(self, session, sample):
        self.sample = sample
        kind = object if sample.text else "int64"
        vertices, edges = {}, {"e": []}
        for label in range(sample.labels):
            own = [v for v in sample.vertices if sample.label_of[v] == label]
            frame = pd.DataFrame(
                {
                    "id": np.array(own, dtype=kind),
                    "group": [sample.group[v] for v in own],
                    "name": [sample.name[v] for v in own],
                }
            )
            vertices[LABELS[label]] = (frame, ["group", "name"], "id")
        ends = [(a, b) for a in range(sample.labels) for b in range(sample.labels)]
        for a, b in ends:
            rows = [(u, v, w) for u, v, w in sample.edges if (sample.label_of[u], sample.label_of[v]) == (a, b)]
            if not rows and (sample.labels > 1 and sample.edges or (a, b) != (0, 0)):
                continue
            columns = list(zip(*rows)) or [(), (), ()]
            frame = pd.DataFrame(
                {n: np.array(c, dtype=t) for n, c, t in zip(("src", "dst", "w"), columns, (kind, kind, "float64"))}
            )
            edges["e"].append((frame, ["w"], ("src", LABELS[a]), ("dst", LABELS[b])))
        self.graph = session.load_from(
            vertices=vertices, edges=edges, directed=sample.directed, oid_type="string" if sample.text else "int64_t"
        )
        self.projections = {}

    def on(self, attribute=None, weight=None):
        """The graph as algorithms take it."""
        weight = weight or ("w" if self.sample.weighted else None)
        key = (attribute, weight)
        if key not in self.projections:
            graph = self.graph.project(
                vertices={label: [attribute] if attribute else [] for label in LABELS[: self.sample.labels]},
                edges={"e": [weight] if weight else []},
            )
            self.projections[key] = graph._project_to_simple(v_prop=attribute, e_prop=weight)
        return self.projections[key]

    def values(self, algorithm, *arguments):
        """A result with a value for each vertex."""
        context = AppAssets(algo=algorithm, context="vertex_data")(self.on(), *arguments)
        return as_dict(context.to_dataframe({"id": "v.id", "r": "r"}))

    def hubs_and_authorities(self, *arguments):
        context = AppAssets(algo="hits", context="vertex_property")(self.on(), *arguments)
        frame = context.to_dataframe({"id": "v.id", "hub": "r.hub", "auth": "r.auth"})
        return as_dict(frame, "hub"), as_dict(frame, "auth")

    def tensor(self, algorithm, *arguments, attribute=None):
        context = AppAssets(algo=algorithm, context="tensor")(self.on(attribute), *arguments)
        return context.to_numpy("r", axis=0)


def as_dict(frame, column="r"):
    assert frame["id"].nunique() == len(frame)
    return dict(zip(frame["id"].tolist(), frame[column].tolist()))


def close(actual, expected, rtol=1e-9):
    assert actual.keys() == expected.keys()
    np.testing.assert_allclose([actual[k] for k in expected], list(expected.values()), rtol=rtol, atol=1e-12)


def clustering(g, s):
    close(g.values("clustering", 10**9), nx.clustering(s.simple))
    np.testing.assert_allclose(g.tensor("avg_clustering", 10**9)[0], nx.average_clustering(s.simple), atol=1e-12)
    np.testing.assert_allclose(g.tensor("transitivity")[0], nx.transitivity(s.simple), atol=1e-12)
    assert g.values("triangles") == oracle.triangles(s)


def centralities(g, s):
    for kind, expected in [("both", nx.degree_centrality)] + (
        [("in", nx.in_degree_centrality), ("out", nx.out_degree_centrality)] if s.directed else []
    ):
        close(g.values("degree_centrality", kind), expected(s.multi))
    for normalized in (True, False):
        expected = oracle.katz(s, 0.003, 0.7, normalized)
        close(g.values("katz_centrality", 0.003, 0.7, 1e-10, 1000, normalized, 10**9), expected)
    expected = oracle.eigenvector(s)
    if expected:
        close(g.values("eigenvector_centrality", 1e-7, 500), expected, rtol=1e-7)


def ranks(g, s):
    close(g.values("pagerank_nx", 0.85, 500, 1e-9), oracle.pagerank(s), rtol=1e-8)
    for found, expected in zip(g.hubs_and_authorities(1e-6, 50, True), oracle.hits(s, 1e-6, 50)):
        close(found, expected)
    assert g.values("pagerank", 0.85, 10) == g.values("pagerank_push", 0.85, 10)


def path_lengths(g, s):
    distance = "w" if s.weighted else None
    for improved in (True, False):
        close(g.values("closeness_centrality", improved), nx.closeness_centrality(s.multi, None, distance, improved))
    for normalized, endpoints in [(True, False), (False, True)]:
        plain = nx.betweenness_centrality(s.multi, normalized=normalized, endpoints=endpoints)
        close(g.values("betweenness_centrality", normalized, endpoints), plain)
        if s.weighted:
            plain = nx.betweenness_centrality(s.multi, normalized=normalized, endpoints=endpoints, weight="w")
        close(g.values("betweenness_centrality_generic", normalized, endpoints), plain)
    try:
        expected = nx.average_shortest_path_length(s.multi, weight=distance)
    except nx.NetworkXError:
        with pytest.raises(Exception, match="not connected"):
            g.tensor("sssp_average_length")
    else:
        np.testing.assert_allclose(g.tensor("sssp_average_length")[0], expected)


def cores(g, s):
    expected = oracle.core_numbers(s)
    for k in (0, 1, 2, 3):
        assert g.values("kcore", k) == {v: int(c >= k) for v, c in expected.items()}
        assert g.values("kshell", k) == {v: int(c == k) for v, c in expected.items()}
    for number in (0, 2):
        found = {v: r for v, r in g.values("voterank", number).items() if r}
        assert sorted(found, key=found.get) == oracle.voterank(s, number)


def trees(g, s):
    source = s.vertices[s.seed % len(s.vertices)]
    for depth in (-1, 0, 1, 2):
        tree = oracle.search_tree(s, source, depth)
        for kind in ("edges", "successors"):
            assert [tuple(p) for p in g.tensor("bfs_generic", source, depth, kind).tolist()] == tree
        reverse = [(v, u) for u, v in tree]
        assert [tuple(p) for p in g.tensor("bfs_generic", source, depth, "predecessors").tolist()] == reverse
    distance = nx.single_source_dijkstra_path_length(s.multi, source, weight="w")
    found = g.tensor("sssp_path", source).tolist()
    assert sorted(v for _, v in found) == sorted(v for v in distance if v != source)
    for u, v in found:
        assert distance[u] + min(data["w"] for data in s.multi[u][v].values()) == distance[v]
    for target in s.vertices[:4]:
        assert g.tensor("sssp_has_path", source, target).tolist() == [nx.has_path(s.multi, source, target)]


def simple_paths(g, s):
    source, targets = s.vertices[0], s.vertices[1:3]
    for nodes in ([], [source], [source, source], s.vertices[:2], s.vertices[:3], *([u, v] for u, v, _ in s.edges[:3])):
        expected = nx.is_simple_path(s.simple, nodes)
        assert g.tensor("is_simple_path", json.dumps(nodes)).tolist() == [expected], nodes
    if s.text or -1 in targets:
        return
    rows = g.tensor("all_simple_paths", source, json.dumps(targets), 4).tolist()
    found = []
    for row in rows:
        while row[-1] == -1:
            row.pop()
        found.append(tuple(row))
    expected = nx.all_simple_paths(s.simple, source, targets, cutoff=4) if targets else []
    assert sorted(found) == sorted(map(tuple, expected))


def boundaries(g, s):
    half = s.vertices[: len(s.vertices) // 2]
    others = s.vertices[len(s.vertices) // 3 :]
    for one, other in [(half, None), (half, others), (others, half), ([], None)]:
        second = "" if other is None else json.dumps(other)
        nodes = g.tensor("node_boundary", json.dumps(one), second).tolist()
        assert len(set(nodes)) == len(nodes) and set(nodes) == nx.node_boundary(s.multi, one, other)
        if other is not None and not other:
            continue
        edges = [tuple(e) for e in g.tensor("edge_boundary", json.dumps(one), second).tolist()]
        expected = list(nx.edge_boundary(s.multi, one, other))
        if not s.directed:
            edges, expected = ([tuple(sorted(e)) for e in found] for found in (edges, expected))
        assert sorted(edges) == sorted(expected)


def assortativities(g, s):
    weight = "w" if s.weighted else None
    for x, y in [("out", "in"), ("in", "in"), ("out", "out")]:
        with np.errstate(all="ignore"):
            expected = nx.degree_assortativity_coefficient(s.multi, x, y, weight) if s.edges else np.nan
        same_or_undefined(g.tensor("degree_assortativity_coefficient", x, y, s.weighted)[0], expected)
    for attribute, numeric in [("group", True), ("group", False), ("name", False)]:
        function = nx.numeric_assortativity_coefficient if numeric else nx.attribute_assortativity_coefficient
        with np.errstate(all="ignore"):
            expected = function(s.multi, attribute) if s.edges else np.nan
        found = g.tensor("attribute_assortativity_coefficient", numeric, attribute=attribute)[0]
        same_or_undefined(found, expected)
    for source, target in [("in+out", "in+out")] + ([("in", "out"), ("out", "in+out")] if s.directed else []):
        rows = g.tensor("average_degree_connectivity", source, target)
        assert rows.ndim == 2 and rows.shape[1] == 2
        close(dict(rows.tolist()), oracle.connectivity(s, source, target))


def same_or_undefined(found, expected):
    """Where all edges are alike networkx divides by what rounding left of 0, if anything."""
    if not np.isnan(found):
        np.testing.assert_allclose(found, expected, rtol=1e-6, atol=1e-9)
    else:
        assert np.isnan(expected) or abs(expected) >= 0.999 or abs(expected) < 1e-6, expected


def communities(g, s):
    if s.directed:
        with pytest.raises(Exception, match="Louvain not support directed graph"):
            g.values("louvain", 1000, 1)
        return
    found = g.values("louvain", 1, 2)
    numbers = sorted(set(found.values()))
    assert numbers == list(range(len(numbers)))
    groups = [{v for v in found if found[v] == n} for n in numbers]
    quality = oracle.quality(s, groups)
    for group in groups:
        assert any(group <= component for component in nx.connected_components(s.multi))
    if quality:
        assert quality[0] >= quality[1] - 0.06, quality


def flash(g, s):
    source = s.vertices[0]
    undirected = s.multi.to_undirected()
    both = s.labels == 1 or not s.directed
    for kind, graph in [("", s.multi)] + ([("_undirected", undirected)] if both else []):
        found = nx.single_source_shortest_path_length(graph, source)
        assert g.values("flash_bfs" + kind, source) == {v: found.get(v, -1) for v in s.vertices}
        found = nx.single_source_dijkstra_path_length(graph, source, weight="w")
        assert g.values("flash_sssp" + kind, source) == {v: found.get(v, -1) for v in s.vertices}
    weak = list(nx.connected_components(undirected))
    strong = list(nx.strongly_connected_components(s.multi)) if s.directed else weak
    place = {v: i for i, v in enumerate(s.vertices)}
    for name, components in (("flash_cc", weak), ("flash_scc", strong)):
        assert g.values(name) == {v: min(map(place.get, c)) for c in components for v in c}
    numbers = oracle.core_numbers(s)
    assert g.values("flash_kcore") == numbers
    assert g.tensor("flash_kcore_search", 2).tolist() == [sum(c >= 2 for c in numbers.values())]
    assert g.tensor("flash_triangle").tolist() == [sum(oracle.triangles(s).values()) // 3]
    dependencies = nx.betweenness_centrality_subset(s.simple, [source], s.vertices)
    # networkx halves what it finds in undirected graphs.
    close(g.values("flash_bc", source), {v: d * (1 if s.directed else 2) for v, d in dependencies.items()})
    if both:
        forest = nx.minimum_spanning_edges(undirected, weight="w", data=True, keys=False)
        np.testing.assert_allclose(g.tensor("flash_msf")[0], sum(e[-1]["w"] for e in forest))
    assert g.values("flash_pagerank", 10, 0.85) == g.values("pagerank", 0.85, 10)
    assert g.values("flash_clustering_coeff") == g.values("lcc")


def flash_structure(g, s):
    """Values of vertices that depend on neither directions nor weights, and the sets of vertices and edges they belong to."""
    plain = oracle.plain(s)
    cuts = set(nx.articulation_points(plain))
    assert g.values("flash_cut_point") == {v: int(v in cuts) for v in s.vertices}
    for suffix in ("", "_2"):
        assert g.values("flash_bridge" + suffix) == oracle.bridges(s)
        assert g.values("flash_bcc" + suffix) == oracle.blocks(s)
        longest = max(max(d.values()) for _, d in nx.all_pairs_shortest_path_length(plain))
        assert g.tensor("flash_diameter_approx" + suffix).tolist() == [longest]
    layers = oracle.layers(s, 0)
    assert g.values("flash_onion") == {v: n + 1 for v, n in layers.items()}
    if not oracle.parallel_edges(s) and not s.directed:
        assert nx.onion_layers(plain) == {v: n + 1 for v, n in layers.items()}
    numbers = oracle.core_numbers(s)
    assert g.values("flash_degeneracy") == oracle.layers(s, max(numbers.values()))
    core = [v for v in s.vertices if numbers[v] == max(numbers.values())]
    inside = sum(u != v and u in core and v in core for u, v, _ in s.edges)
    assert g.tensor("flash_densest_sub_2_approx").tolist() == [inside / len(core)]
    colours = nx.greedy_color(plain, strategy="largest_first")
    assert g.values("flash_color") == colours
    assert g.values("flash_lpa") == g.values("cdlp", 10)
    centres = {v: d for v, d in g.values("flash_k_center", 3).items()}
    nearest = nx.multi_source_dijkstra_path_length(plain, {v for v, d in centres.items() if d == 0})
    assert centres == {v: nearest.get(v, -1) for v in s.vertices}


def flash_counts(g, s):
    """Counts of subgraphs, by their number of embeddings, and sizes of sets, within the bounds that every such set has."""
    plain = oracle.plain(s)
    directed = nx.DiGraph(s.simple) if s.directed else plain.to_directed()
    directed.remove_edges_from(list(nx.selfloop_edges(directed)))
    for name, pattern, symmetries in [
        ("3_path", [(0, 1), (1, 2), (2, 3)], 2),
        ("tailed_triangle", [(0, 1), (1, 2), (2, 0), (0, 3)], 2),
        ("rectangle", [(0, 1), (1, 2), (2, 3), (3, 0)], 8),
        ("diamond", [(0, 1), (1, 2), (2, 0), (1, 3), (2, 3)], 4),
    ]:
        assert g.tensor("flash_" + name).tolist() == [oracle.embeddings(plain, pattern) // symmetries], name
    for name, pattern, symmetries in [
        ("cyclic_triangle", [(0, 1), (1, 2), (2, 0)], 3),
        ("acyclic_triangle", [(0, 1), (1, 2), (0, 2)], 1),
        ("cycle_plus_triangle", [(0, 1), (1, 2), (2, 0), (1, 0)], 1),
        ("in_triangle", [(0, 1), (1, 0), (0, 2), (1, 2)], 2),
        ("out_triangle", [(0, 1), (1, 0), (2, 0), (2, 1)], 2),
    ]:
        assert g.tensor("flash_" + name).tolist() == [oracle.embeddings(directed, pattern) // symmetries], name
    cliques = [len(c) for c in nx.enumerate_all_cliques(plain)]
    for k in (1, 2, 3, 4, 5):
        assert g.tensor("flash_k_clique", k).tolist() == [cliques.count(k)]
        assert g.tensor("flash_k_clique_2", k).tolist() == [cliques.count(k)]
    largest = len(nx.max_weight_matching(plain, maxcardinality=True))
    covered = sum(d > 0 for _, d in plain.degree)
    (matched,) = {g.tensor("flash_mm" + kind).tolist()[0] for kind in ("", "_opt", "_opt_2")}
    assert largest <= 2 * matched and matched <= largest
    (edges,) = g.tensor("flash_min_edge_cover").tolist()
    assert covered - largest <= edges <= covered - (covered > 0)
    (independent,) = {g.tensor("flash_mis" + kind).tolist()[0] for kind in ("", "_2")}
    (cover,) = {g.tensor("flash_min_cover" + kind).tolist()[0] for kind in ("", "_greedy", "_greedy_2")}
    assert independent + cover == len(s.vertices) and cover >= largest
    (dominating,) = {g.tensor("flash_min_dominating_set" + kind).tolist()[0] for kind in ("", "_2")}
    assert len(s.vertices) <= dominating * (1 + max(d for _, d in plain.degree))


def flash_scores(g, s):
    source = s.vertices[s.seed % len(s.vertices)]
    assert g.values("flash_closeness") == g.values("closeness_centrality", True)
    distance = "w" if s.weighted else None
    close(g.values("flash_harmonic"), nx.harmonic_centrality(s.multi, distance=distance))
    assert g.values("flash_eigenvec") == g.values("eigenvector_centrality", 1e-6, 100)
    close(g.values("flash_katz"), oracle.walks(s, 0.1, 10))
    close(g.values("flash_hits", 5), oracle.authorities(s, 5))
    for rounds in (0, 1, 6):
        close(g.values("flash_articlerank", rounds, 0.7), oracle.article_rank(s, 0.7, rounds))
    personal = nx.pagerank(oracle.counted(s), 0.5, {source: 1}, max_iter=500, tol=1e-14, weight="n")
    close(g.values("flash_ppr", source, 60), {v: personal.get(v, 0) for v in s.vertices}, rtol=1e-7)
    with pytest.raises(Exception, match="'source' of algorithm 'flash_ppr' must be the id of a vertex"):
        g.values("flash_ppr", "nobody" if s.text else 10**9, 10)
    for name in ("flash_k_clique", "flash_k_center"):
        with pytest.raises(Exception, match=f"'k' of algorithm '{name}' must be 1 or more"):
            g.tensor(name, 0)


FAMILIES = [
    clustering, centralities, ranks, path_lengths, cores, trees, simple_paths, boundaries, assortativities, communities,
    flash, flash_structure, flash_counts, flash_scores,
]  # fmt: skip


@pytest.mark.parametrize("family", FAMILIES, ids=lambda f: f.__name__)
@pytest.mark.filterwarnings("ignore")
def test_algorithms_agree_with_networkx(sess, family):
    """Each graph is for one family: requests of the client take longer than algorithms on graphs of this size."""
    failures = []
    for seed in range(FIRST + FAMILIES.index(family), FIRST + COUNT, len(FAMILIES)):
        sample = Sample(seed)
        try:
            family(Loaded(sess, sample), sample)
        except Exception as error:  # noqa: BLE001 - all of them are wanted, with their seeds
            failures.append(f"{sample}:\n{str(error)[:1500]}")
    assert not failures, "\n\n".join(failures)
