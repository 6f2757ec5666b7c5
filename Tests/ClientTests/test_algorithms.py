"""Six algorithms against independent implementations, on graphs of every shape, and against published results."""

import graphscope
import numpy as np
import pytest
from graphscope.framework.app import AppAssets

import oracles
from graphs import LOOSE_SHAPES, SHAPES, edge_list, load, result, unweighted, weighted

ALL_SHAPES = {**SHAPES, **LOOSE_SHAPES}
EMPTY = "the reference refuses tables without rows"
EMPTY_SHAPES = {"one vertex, no edge", "no edges"}
SETS = "the reference counts parallel edges and self loops as further neighbours"


def shapes(names):
    return [pytest.param(n, marks=[pytest.mark.ours(EMPTY)] if n in EMPTY_SHAPES else []) for n in names]


both_directions = pytest.mark.parametrize("directed", [False, True], ids=["undirected", "directed"])
every_shape = pytest.mark.parametrize("shape", shapes(ALL_SHAPES))


def close_to(actual, expected, rtol=1e-12):
    assert actual.keys() == expected.keys()
    keys = list(expected)
    np.testing.assert_allclose([actual[k] for k in keys], [expected[k] for k in keys], rtol=rtol, atol=1e-300)


@every_shape
@both_directions
def test_bfs_counts_edges_from_the_source(sess, shape, directed):
    graph = edge_list(shape, directed)
    source = graph.vertices[0]
    assert result(graphscope.bfs(unweighted(load(sess, graph)), src=source)) == oracles.bfs(graph, source)


@every_shape
@both_directions
def test_sssp_adds_up_weights_from_the_source(sess, shape, directed):
    graph = edge_list(shape, directed)
    source = graph.vertices[-1]
    assert result(graphscope.sssp(weighted(load(sess, graph)), src=source)) == oracles.sssp(graph, source)


@every_shape
def test_wcc_names_a_component_by_its_smallest_id(sess, shape):
    graph = edge_list(shape, directed=False)
    assert result(graphscope.wcc(unweighted(load(sess, graph)))) == oracles.wcc(graph)


@every_shape
@both_directions
def test_pagerank_is_a_distribution_after_any_number_of_rounds(sess, shape, directed):
    graph = edge_list(shape, directed)
    simple = unweighted(load(sess, graph))
    for rounds in (1, 2, 10):
        ranks = result(graphscope.pagerank(simple, delta=0.85, max_round=rounds))
        assert sum(ranks.values()) == pytest.approx(1)
        close_to(ranks, oracles.pagerank(graph, 0.85, rounds), rtol=1e-9)


@pytest.mark.parametrize("shape", ["disconnected", "sparse", "dense", "star", "clique"])
@both_directions
def test_pagerank_converges_to_the_one_of_networkx(sess, shape, directed):
    graph = edge_list(shape, directed)
    ranks = result(graphscope.pagerank(unweighted(load(sess, graph)), delta=0.7, max_round=120))
    close_to(ranks, oracles.converged_pagerank(graph, 0.7), rtol=1e-6)


@every_shape
@pytest.mark.parametrize(
    "directed",
    [False, pytest.param(True, marks=pytest.mark.ours("the reference looks at outgoing edges only"))],
    ids=["undirected", "directed"],
)
def test_cdlp_takes_the_most_frequent_label(sess, shape, directed):
    graph = edge_list(shape, directed)
    simple = unweighted(load(sess, graph))
    for rounds in (1, 3, 10):
        assert result(graphscope.cdlp(simple, max_round=rounds)) == oracles.cdlp(graph, rounds)


@pytest.mark.parametrize(
    "shape", shapes(SHAPES) + [pytest.param(n, marks=pytest.mark.ours(SETS)) for n in LOOSE_SHAPES]
)
@pytest.mark.parametrize(
    "directed",
    [False, pytest.param(True, marks=pytest.mark.ours("the reference answers 0 for every vertex"))],
    ids=["undirected", "directed"],
)
def test_lcc_is_the_share_of_joined_neighbours(sess, shape, directed):
    graph = edge_list(shape, directed)
    close_to(result(graphscope.lcc(unweighted(load(sess, graph)))), oracles.lcc(graph))


@pytest.mark.parametrize("seed", range(4))
@both_directions
def test_random_graphs_from_files_agree_too(sess, tmp_path, seed, directed):
    graph = edge_list("self loops and parallel edges", directed, seed)
    loaded = load(sess, graph, directory=tmp_path)
    source = graph.vertices[seed]
    assert result(graphscope.bfs(unweighted(loaded), src=source)) == oracles.bfs(graph, source)
    assert result(graphscope.sssp(weighted(loaded), src=source)) == oracles.sssp(graph, source)
    close_to(result(graphscope.pagerank(unweighted(loaded))), oracles.pagerank(graph, 0.85, 10), rtol=1e-9)
    if not directed:
        assert result(graphscope.wcc(unweighted(loaded))) == oracles.wcc(graph)


class TestStringIds:
    shapes = pytest.mark.parametrize("shape", ["sparse", "disconnected", "self loops and parallel edges"])

    @staticmethod
    def graph(shape, directed=False):
        # Names whose order as text is not their order as numbers.
        return edge_list(shape, directed).relabelled(lambda i: f"{i * 37 % 101}ü")

    @shapes
    @both_directions
    def test_distances(self, sess, tmp_path, shape, directed):
        graph = self.graph(shape, directed)
        loaded = load(sess, graph, directory=tmp_path, oid_type="string")
        source = graph.vertices[3]
        assert result(graphscope.bfs(unweighted(loaded), src=source)) == oracles.bfs(graph, source)
        assert result(graphscope.sssp(weighted(loaded), src=source)) == oracles.sssp(graph, source)

    @shapes
    def test_pagerank(self, sess, tmp_path, shape):
        graph = self.graph(shape)
        loaded = load(sess, graph, directory=tmp_path, oid_type="string")
        close_to(result(graphscope.pagerank(unweighted(loaded))), oracles.pagerank(graph, 0.85, 10), rtol=1e-9)

    @shapes
    def test_wcc_gives_equal_numbers_inside_a_component(self, sess, tmp_path, shape):
        graph = self.graph(shape)
        frame = graphscope.wcc(unweighted(load(sess, graph, directory=tmp_path, oid_type="string"))).to_dataframe(
            {"id": "v.id", "r": "r"}
        )
        assert frame["r"].dtype == np.uint64
        expected = oracles.wcc(graph)
        pairs = {(r, expected[i]) for i, r in zip(frame["id"], frame["r"])}
        assert len(pairs) == len({r for r, _ in pairs}) == len({c for _, c in pairs})

    @shapes
    def test_cdlp_labels_are_ids(self, sess, tmp_path, shape):
        graph = self.graph(shape)
        loaded = load(sess, graph, directory=tmp_path, oid_type="string")
        assert result(graphscope.cdlp(unweighted(loaded), max_round=3)) == oracles.cdlp(graph, 3)


class TestArguments:
    @pytest.fixture
    def graph(self):
        return edge_list("sparse", directed=True)

    def test_an_unknown_source_reaches_nothing(self, sess, graph):
        depths = result(graphscope.bfs(unweighted(load(sess, graph)), src=987654321))
        assert set(depths.values()) == {oracles.UNREACHED_DEPTH}
        distances = result(graphscope.sssp(weighted(load(sess, graph)), src=987654321))
        assert set(distances.values()) == {oracles.UNREACHED_DISTANCE}

    @pytest.mark.ours("the reference takes text for vertex 0")
    def test_a_source_of_the_wrong_type_is_no_surprise(self, sess, graph):
        """Either an error that says so, or a source that does not exist; never a crash or another vertex."""
        try:
            distances = result(graphscope.sssp(weighted(load(sess, graph)), src="abc"))
        except Exception as error:
            assert "abc" in str(error) or "source" in str(error)
        else:
            assert set(distances.values()) == {oracles.UNREACHED_DISTANCE}

    def test_weights_may_be_fractions(self, sess, csv):
        v = csv("v.csv", "id\n1\n2\n3\n")
        e = csv("e.csv", "src,dst,w\n1,2,0.5\n2,3,0.25\n1,3,2\n")
        graph = sess.load_from(vertices={"v": (v, [], "id")}, edges={"e": (e, ["w"], ("src", "v"), ("dst", "v"))})
        assert result(graphscope.sssp(weighted(graph), src=1)) == {1: 0.0, 2: 0.5, 3: 0.75}

    def test_weight_names_the_property_of_a_property_graph(self, sess, csv):
        v = csv("v.csv", "id\n1\n2\n3\n")
        e = csv("e.csv", "src,dst,near,far\n1,2,1,10\n2,3,1,20\n1,3,9,5\n")
        graph = sess.load_from(
            vertices={"v": (v, [], "id")}, edges={"e": (e, ["near", "far"], ("src", "v"), ("dst", "v"))}
        )
        assert result(graphscope.sssp(graph, src=1, weight="near")) == {1: 0, 2: 1, 3: 2}
        assert result(graphscope.sssp(graph, src=1, weight="far")) == {1: 0, 2: 10, 3: 5}

    def test_an_algorithm_takes_a_property_graph_as_it_is(self, sess, graph):
        ranks = result(graphscope.pagerank(load(sess, graph)))
        close_to(ranks, oracles.pagerank(graph, 0.85, 10), rtol=1e-9)

    def test_pagerank_without_damping_is_uniform(self, sess, graph):
        ranks = result(graphscope.pagerank(unweighted(load(sess, graph)), delta=0.0))
        close_to(ranks, dict.fromkeys(graph.vertices, 1 / len(graph.vertices)))

    @pytest.mark.ours("the reference has its own other algorithms")
    def test_what_is_not_built_names_what_is(self, sess, graph):
        with pytest.raises(graphscope.framework.errors.UnimplementedError) as failure:
            AppAssets(algo="flash_fluid_community", context="vertex_data")(unweighted(load(sess, graph)))
        for name in ("flash_fluid_community", "bfs", "sssp", "wcc", "pagerank", "cdlp", "lcc"):
            assert name in str(failure.value)


class TestPublishedResults:
    """The p2p-31 graph, 62586 vertices and 147892 edges, with results that come with GraphScope's test data."""

    @pytest.fixture(scope="class")
    def graphs(self, sess, gstest):
        v = str(gstest / "property" / "p2p-31_property_v_0")
        e = str(gstest / "property" / "p2p-31_property_e_0")

        def load(directed):
            return sess.load_from(
                vertices={"v": (v, ["weight"], "id")},
                edges={"e": (e, ["dist"], ("src_id", "v"), ("dst_id", "v"))},
                directed=directed,
            )

        return {directed: load(directed) for directed in (False, True)}

    @staticmethod
    def truth(gstest, name, value=float):
        with open(gstest / "property" / "ldbc" / name) as lines:
            return {int(i): value(v) for i, v in (line.split() for line in lines)}

    @staticmethod
    def simple(graph, edge_properties=()):
        return graph.project(vertices={"v": []}, edges={"e": list(edge_properties)})

    @pytest.mark.parametrize("directed, name", [(False, "p2p-31-BFS"), (True, "p2p-31-BFS-directed")])
    def test_bfs(self, graphs, gstest, directed, name):
        assert result(graphscope.bfs(self.simple(graphs[directed]), src=6)) == self.truth(gstest, name, int)

    @pytest.mark.parametrize("directed, name", [(False, "p2p-31-SSSP"), (True, "p2p-31-SSSP-directed")])
    def test_sssp(self, graphs, gstest, directed, name):
        expected = self.truth(gstest, name)
        expected = {k: oracles.UNREACHED_DISTANCE if v == float("inf") else v for k, v in expected.items()}
        assert result(graphscope.sssp(self.simple(graphs[directed], ["dist"]), src=6)) == expected

    def test_wcc(self, graphs, gstest):
        expected = self.truth(gstest, "p2p-31-WCC", int)
        actual = result(graphscope.wcc(self.simple(graphs[False])))
        pairs = {(actual[v], expected[v]) for v in expected}
        assert len(pairs) == len({a for a, _ in pairs}) == len({e for _, e in pairs})

    def test_cdlp(self, graphs, gstest):
        assert result(graphscope.cdlp(self.simple(graphs[False]))) == self.truth(gstest, "p2p-31-CDLP", int)

    def test_lcc(self, graphs, gstest):
        close_to(result(graphscope.lcc(self.simple(graphs[False]))), self.truth(gstest, "p2p-31-LCC"), rtol=1e-6)

    def test_pagerank(self, graphs, gstest):
        close_to(result(graphscope.pagerank(self.simple(graphs[False]))), self.truth(gstest, "p2p-31-PR"), rtol=1e-4)
