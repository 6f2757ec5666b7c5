"""Graphs made from other graphs, and property graphs as graphscope.nx shows them."""

import random
import shutil

import graphscope
import networkx
import numpy as np
import pandas as pd
import pytest
from graphscope import Graph
from graphscope.framework.errors import AnalyticalEngineInternalError

from conftest import close

pytestmark = pytest.mark.ours("the reference takes long to compile what these graphs need")

IDS = {"int64_t": lambda i: i * 7 - 20, "std::string": lambda i: f"n{i}ü"}


class Tables:
    """Random tables of two vertex labels and three edge labels, one with several relations, with loops and parallel edges."""

    def __init__(self, seed, id_type="int64_t", sizes=(9, 5), edges=12):
        generator = random.Random(f"{seed} {id_type}")
        self.id_type = id_type
        name = IDS[id_type]
        self.vertices = {
            "a": pd.DataFrame({"id": [name(i) for i in range(sizes[0])], "x": [i / 2 for i in range(sizes[0])]}),
            "b": pd.DataFrame({"id": [name(i) for i in range(sizes[1])], "y": [f"b{i}" for i in range(sizes[1])]}),
        }
        self.edges = {}
        for label, source, destination in [("e", "a", "a"), ("f", "a", "b"), ("f", "b", "b"), ("g", "b", "a")]:
            count = edges if self.vertices[source].size and self.vertices[destination].size else 0
            rows = [
                (generator.choice(list(self.vertices[source]["id"])), generator.choice(list(self.vertices[destination]["id"])))
                for _ in range(count)
            ]
            if rows and source == destination:
                rows += [(rows[0][0], rows[0][0]), rows[1], rows[1], rows[2][::-1]]
            frame = pd.DataFrame(rows, columns=["src", "dst"]).astype(object if id_type != "int64_t" else "int64")
            frame["w"] = np.arange(len(frame)) / 4 + generator.randrange(100)
            self.edges.setdefault(label, []).append((source, destination, frame))

    def load(self, session, directed, **options):
        edges = {
            label: [(frame, ["w"], ("src", source), ("dst", destination)) for source, destination, frame in tables]
            for label, tables in self.edges.items()
        }
        vertices = {label: (frame, None, "id") for label, frame in self.vertices.items()}
        return session.load_from(
            vertices=vertices, edges=edges, directed=directed, oid_type=self.id_type, **options
        )

    def node(self, label, name, default="a"):
        return name if label == default else (label, name)

    def expected(self, directed, both_ways=False):
        """What networkx makes of the tables; of parallel edges the last one is kept."""
        graph = networkx.DiGraph() if directed else networkx.Graph()
        for label, frame in self.vertices.items():
            for row in frame.to_dict("records"):
                name = row.pop("id")
                graph.add_node(self.node(label, name), **row)
        for label, tables in self.edges.items():
            for source, destination, frame in tables:
                for row in frame.itertuples():
                    ends = self.node(source, row.src), self.node(destination, row.dst)
                    graph.add_edge(*ends)
                    graph.edges[ends].setdefault("weights", set()).add(row.w)
                    if both_ways:
                        graph.add_edge(*ends[::-1])
                        graph.edges[ends[::-1]].setdefault("weights", set()).add(row.w)
        return graph


def assert_same(view, expected):
    """Compares nodes, edges and attributes; of parallel edges, a view shows one."""
    assert dict(view.nodes(data=True)) == dict(expected.nodes(data=True))
    assert list(view) == list(expected)
    assert view.number_of_nodes() == expected.number_of_nodes()
    assert view.number_of_edges() == expected.number_of_edges()
    assert view.number_of_selfloops() == networkx.number_of_selfloops(expected)
    for node in expected:
        found = {other: data["w"] for other, data in view.adj[node].items()}
        assert set(found) == set(expected.adj[node]), node
        assert all(w in expected.adj[node][other]["weights"] for other, w in found.items())
        if expected.is_directed():
            assert set(view.pred[node]) == set(expected.pred[node])
    for one, other, data in list(expected.edges(data=True))[:5]:
        assert view.has_edge(one, other) and view.get_edge_data(one, other)["w"] in data["weights"]


def view_of(graph):
    from graphscope import nx

    view = (nx.DiGraph if graph.is_directed() else nx.Graph)(graph, default_label="a")
    view.graph["source"] = graph  # The client unloads a graph with its last reference, whatever views there are.
    return view


@pytest.fixture(scope="module")
def default(sess):
    sess.as_default()
    yield sess


@pytest.mark.parametrize("id_type", list(IDS))
@pytest.mark.parametrize("directed", [True, False])
class TestViews:
    @pytest.mark.parametrize("seed", range(2))
    def test_of_graphs_with_loops_and_parallel_edges(self, default, directed, id_type, seed):
        tables = Tables(seed, id_type)
        assert_same(view_of(tables.load(default, directed)), tables.expected(directed))

    def test_of_more_nodes_than_are_asked_for_one_by_one(self, default, directed, id_type):
        tables = Tables(0, id_type, sizes=(1500, 40), edges=1000)
        view, expected = view_of(tables.load(default, directed)), tables.expected(directed)
        for _ in range(2):
            assert list(view) == list(expected)
        assert dict(view.nodes(data=True)) == dict(expected.nodes(data=True))
        found = list(view.edges(data="w"))
        assert len(found) == expected.number_of_edges()
        assert all(w in expected.edges[one, other]["weights"] for one, other, w in found)

    def test_of_graphs_without_edges_and_without_nodes(self, default, directed, id_type):
        for sizes in [(3, 0), (0, 0)]:
            tables = Tables(0, id_type, sizes)
            assert_same(view_of(tables.load(default, directed)), tables.expected(directed))


class TestReports:
    def test_nodes_that_do_not_exist(self, default):
        view = view_of(Tables(1).load(default, True))
        assert not any(view.has_node(node) for node in [10**6, "x", ("b", 10**6), ("c", 1), 2.5, None])
        assert not view.has_edge(-20, 10**6) and view.get_edge_data(-20, 10**6, default=7) == 7
        with pytest.raises(KeyError):
            view.nodes[10**6]

    def test_a_projection_hides_labels_and_properties(self, default):
        graph = Tables(1).load(default, True).project(vertices={"a": []}, edges={"e": ["w"]})
        view = view_of(graph)
        assert dict(view.nodes(data=True)) == {IDS["int64_t"](i): {} for i in range(9)}
        assert all(set(data) == {"w"} for _, _, data in view.edges(data=True))

    def test_attributes_of_all_types(self, default):
        vertices = pd.DataFrame({"id": np.arange(2, dtype="int64")})
        for kind in ["int32", "uint32", "uint64", "float64", "bool"]:
            vertices[kind] = np.array([1, 0], dtype=kind)
        vertices["text"] = ["a\"\n", "ü"]
        vertices["float64"] = [float("inf"), 0.1]
        edges = pd.DataFrame({"src": np.array([0], dtype="int64"), "dst": np.array([1], dtype="int64")})
        edges["low"], edges["far"], edges["name"] = [1e-300], [float("-inf")], ["\x01\u2028"]
        try:
            graph = default.load_from(
                vertices={"a": (vertices, None, "id")}, edges={"e": (edges, None, ("src", "a"), ("dst", "a"))}
            )
        except NotImplementedError as error:
            pytest.fail(f"the client refuses a type: {error}")
        view = view_of(graph)
        assert view.nodes[0] == {
            "int32": 1, "uint32": 1, "uint64": 1, "float64": float("inf"), "bool": 1, "text": "a\"\n"
        }
        data = view.get_edge_data(0, 1)
        assert (data["low"], data["far"], data["name"]) == (1e-300, None, "\x01\u2028"), "JSON has no infinity"


class TestCopies:
    def test_a_copy_is_the_same_and_survives_its_original(self, default):
        tables = Tables(2)
        graph = tables.load(default, True)
        copy = default.g(graph)
        assert copy.key != graph.key and copy.vineyard_id != graph.vineyard_id
        assert str(copy.schema) == str(graph.schema)
        del graph
        assert_same(view_of(copy), tables.expected(True))

    def test_a_copy_hides_what_its_original_hides(self, default):
        graph = Tables(2).load(default, True).project(vertices={"a": ["x"]}, edges={"e": []})
        assert str(default.g(graph).schema) == str(graph.schema)

    def test_a_graph_by_its_number(self, default):
        vineyard = pytest.importorskip("vineyard")
        tables = Tables(2)
        graph = tables.load(default, True)
        again = default.g(vineyard.ObjectID(graph.vineyard_id))
        del graph
        assert_same(view_of(again), tables.expected(True))
        with pytest.raises(AnalyticalEngineInternalError):
            default.g(vineyard.ObjectID(17))


@pytest.mark.parametrize("id_type", list(IDS))
@pytest.mark.parametrize("seed", range(2))
class TestDirections:
    def test_undirected(self, default, id_type, seed):
        tables = Tables(seed, id_type)
        graph = tables.load(default, True).to_undirected()
        assert not graph.is_directed()
        assert_same(view_of(graph), tables.expected(False))

    def test_directed(self, default, id_type, seed):
        tables = Tables(seed, id_type)
        graph = tables.load(default, False).to_directed()
        assert graph.is_directed()
        assert_same(view_of(graph), tables.expected(True, both_ways=True))

    def test_back_and_forth(self, default, id_type, seed):
        tables = Tables(seed, id_type)
        graph = tables.load(default, True).to_undirected().to_directed().to_undirected()
        assert_same(view_of(graph), tables.expected(False))
        assert_same(view_of(graph.to_directed()), tables.expected(True, both_ways=True))

    def test_algorithms_agree_with_networkx(self, default, id_type, seed):
        tables = Tables(seed, id_type)
        graph = tables.load(default, True)
        person = graph.project(vertices={"a": []}, edges={"e": ["w"]}).to_undirected()
        source = tables.vertices["a"]["id"].tolist()[0]
        distances = graphscope.sssp(person, src=source).to_dataframe({"id": "v.id", "r": "r"})
        simple = networkx.MultiGraph()
        simple.add_nodes_from(tables.vertices["a"]["id"])
        simple.add_weighted_edges_from(tables.edges["e"][0][2][["src", "dst", "w"]].itertuples(index=False))
        expected = networkx.single_source_dijkstra_path_length(simple, source)
        found = {row.id: row.r for row in distances.itertuples() if row.r < 1e300}
        assert found == pytest.approx(expected)


class TestAddedColumns:
    @pytest.mark.parametrize("id_type", list(IDS))
    def test_results_as_properties(self, default, id_type):
        tables = Tables(3, id_type)
        graph = tables.load(default, True)
        ranks = graphscope.pagerank(graph.project(vertices={"a": ["x"]}, edges={"e": []}))
        more = graph.add_column(ranks, {"rank": "r", "again": "v.data", "name": "v.id"})
        found = more.to_dataframe({k: f"v:a.{k}" for k in ["id", "rank", "again", "name", "x"]})
        expected = ranks.to_dataframe({"id": "v.id", "r": "r"})
        assert found["id"].tolist() == expected["id"].tolist() == found["name"].tolist()
        assert found["rank"].tolist() == expected["r"].tolist()
        assert found["again"].tolist() == found["x"].tolist()
        assert [p.name for p in graph.schema.get_vertex_properties("a")] == ["x", "id"]

    def test_of_every_label_of_a_flattened_graph(self, default):
        graph = Tables(3).load(default, True)
        degrees = graphscope.degree_centrality(graph)
        more = graph.add_column(degrees, {"d": "r"})
        frame = degrees.to_dataframe({"id": "v.id", "r": "r"})
        assert more.to_numpy("v:a.d").tolist() + more.to_numpy("v:b.d").tolist() == frame["r"].tolist()

    def test_vertices_are_joined_by_id(self, default):
        tables = Tables(3)
        graph = tables.load(default, True)
        ranks = graphscope.pagerank(graph.project(vertices={"a": []}, edges={"e": []}))
        tables.vertices["a"] = tables.vertices["a"][::-1].iloc[:6]
        tables.edges = {"h": [("b", "b", tables.edges["f"][1][2])]}
        other = tables.load(default, True).add_column(ranks, {"rank": "r"})
        found = other.to_dataframe({"id": "v:a.id", "rank": "v:a.rank"})
        expected = ranks.to_dataframe({"id": "v.id", "r": "r"}).set_index("id")["r"]
        assert found["id"].tolist() == tables.vertices["a"]["id"].tolist()
        assert found["rank"].tolist() == [expected[i] for i in found["id"]]

    def test_what_cannot_be_added(self, default):
        tables = Tables(3)
        graph = tables.load(default, True)
        ranks = graphscope.pagerank(graph.project(vertices={"a": []}, edges={"e": []}))
        with pytest.raises(AnalyticalEngineInternalError, match="does not have"):
            graph.project(vertices={"b": []}, edges={"f": []}).add_column(ranks, {"rank": "r"})
        with pytest.raises(Exception, match="already|has one"):
            graph.add_column(ranks, {"x": "r"})
        tables.vertices["a"] = pd.concat([tables.vertices["a"], pd.DataFrame({"id": [999], "x": [0.0]})])
        with pytest.raises(AnalyticalEngineInternalError, match="999"):
            tables.load(default, True).add_column(ranks, {"rank": "r"})

    def test_a_graph_with_added_columns_can_be_extended_and_projected(self, default):
        tables = Tables(3)
        graph = tables.load(default, True)
        ranks = graphscope.pagerank(graph.project(vertices={"a": []}, edges={"e": []}))
        graph = graph.add_column(ranks, {"rank": "r"}).add_column(ranks, {"more": "r"})
        graph = graph.add_vertices(pd.DataFrame({"id": np.array([999], dtype="int64"), "x": [1.5]}), "c")
        assert graph.to_numpy("v:c.x").tolist() == [1.5]
        for name in "rank", "more":
            assert graph.to_numpy(f"v:a.{name}").tolist() == ranks.to_numpy("r").tolist()
        weighted = graph.project(vertices={"a": ["rank"]}, edges={"e": []})
        assert graphscope.bfs(weighted, src=-20).to_numpy("v.data").tolist() == ranks.to_numpy("r").tolist()


class TestSavedGraphs:
    @pytest.mark.parametrize("id_type", list(IDS))
    @pytest.mark.parametrize("directed", [True, False])
    def test_another_session_loads_what_was_saved(self, default, connect, start, tmp_path, id_type, directed):
        tables = Tables(4, id_type)
        path = str(tmp_path / "saved" / "g")
        graph = tables.load(default, directed)
        graph.save_to(path)
        del graph
        session = connect(start(directory=tmp_path).address)
        again = Graph.load_from(path, session)
        shutil.rmtree(path)
        assert_same(view_of(again), tables.expected(directed))

    def test_a_projection_is_saved_as_it_is(self, default, tmp_path):
        graph = Tables(4).load(default, True).project(vertices={"a": ["x"]}, edges={"e": []})
        graph.save_to(f"file://{tmp_path}/g")
        assert str(Graph.load_from(f"{tmp_path}/g", default).schema) == str(graph.schema)

    @pytest.mark.parametrize("what", ["graph.object", "graph/manifest", "graph/vertex-0.ids", "nothing"])
    def test_damage_is_found(self, default, tmp_path, what):
        path = tmp_path / "g"
        if what != "nothing":
            Tables(4).load(default, True).save_to(str(path))
            damaged = bytearray((path / what).read_bytes())
            damaged[len(damaged) // 2] ^= 1
            (path / what).write_bytes(damaged)
        with pytest.raises(Exception, match="damaged|cannot|no saved graph|matches"):
            Graph.load_from(str(path), default)


class TestConsolidatedColumns:
    def test_lists_of_numbers(self, default):
        vertices = pd.DataFrame({"id": np.arange(3), "p": [0.5, 1.5, 2.5], "q": [1.0, 2.0, 3.0], "n": [7, 8, 9]})
        edges = pd.DataFrame({"src": [0, 1], "dst": [1, 2], "u": [4, 5], "v": [6, 7]})
        graph = default.load_from(
            vertices={"a": (vertices, None, "id")}, edges={"e": (edges, None, ("src", "a"), ("dst", "a"))}
        )
        graph = graph.consolidate_columns("a", ["q", "p"], "both").consolidate_columns("e", ["u", "v"], "pair")
        assert [p.name for p in graph.schema.get_vertex_properties("a")] == ["n", "id", "both"]
        assert [p.name for p in graph.schema.get_edge_properties("e")] == ["eid", "pair"]
        view = view_of(graph)
        assert dict(view.nodes(data=True)) == {
            0: {"n": 7, "both": (1.0, 0.5)}, 1: {"n": 8, "both": (2.0, 1.5)}, 2: {"n": 9, "both": (3.0, 2.5)}
        }
        assert view.get_edge_data(1, 2)["pair"] == [5, 7]
        assert graph.to_numpy("v:a.n").tolist() == [7, 8, 9]
        with pytest.raises(Exception, match="lists"):
            graph.to_numpy("v:a.both")
        with pytest.raises(Exception, match="lists"):
            graphscope.sssp(graph, src=0, weight="pair").to_numpy("r")
        assert graphscope.bfs(graph, src=0).to_numpy("r").tolist() == [0, 1, 2]

    def test_columns_of_several_types_are_refused(self, default):
        graph = Tables(0).load(default, True)
        for columns in (["x", "id"], ["nope"], []):
            with pytest.raises(Exception, match="type|nope|no columns"):
                graph.consolidate_columns("a", columns, "both")


class TestOutput:
    @pytest.fixture(scope="class")
    def result(self, default):
        graph = Tables(6, "std::string").load(default, True)
        return graphscope.pagerank(graph.project(vertices={"a": ["x"]}, edges={"e": []}))

    def test_files(self, result, tmp_path):
        columns = {"id": "v.id", "x": "v.data", "rank, of": "r"}
        expected = result.to_dataframe(columns)
        result.output(f"file://{tmp_path}/new/r.csv", columns)
        found = pd.read_csv(tmp_path / "new" / "r.csv_0", header=None, names=list(columns), float_precision="round_trip")
        pd.testing.assert_frame_equal(found, expected, check_exact=True)
        result.output(f"file://{tmp_path}/new/r.csv", columns, header_row=True, delimiter="|")
        found = pd.read_csv(tmp_path / "new" / "r.csv_0", sep="|", float_precision="round_trip")
        pd.testing.assert_frame_equal(found, expected, check_exact=True)
        result.output(f"{tmp_path}/part.csv", columns, vertex_range={"begin": "n2", "end": "n5"})
        assert pd.read_csv(tmp_path / "part.csv_0", header=None)[0].tolist() == ["n2ü", "n3ü", "n4ü"]

    def test_what_cannot_be_written(self, result, tmp_path):
        for place in [f"hdfs://{tmp_path}/x", f"file://{tmp_path}/..", "file:///proc/x/y"]:
            with pytest.raises(Exception):
                result.output(place, {"id": "v.id"})
        with pytest.raises(Exception, match="options"):
            result.output(f"file://{tmp_path}/x", {"id": "v.id"}, compression="gzip")
        with pytest.raises(SyntaxError):
            result.output(f"file://{tmp_path}/x", {"id": "v.nope"})
        assert not list(tmp_path.iterdir())

    def test_numbers_of_selections(self, result):
        numbers = {
            result.to_vineyard_tensor("v.id"), result.to_vineyard_tensor("r"),
            result.to_vineyard_dataframe({"id": "v.id", "r": "r"}),
        }
        assert len(numbers) == 3 and all(str(number).startswith("o") for number in numbers)
        with pytest.raises(SyntaxError):
            result.to_vineyard_tensor("v.nope")


def test_lazy_steps(address):
    session = graphscope.session(addr=address, mode="lazy")
    try:
        tables = Tables(7)
        graph = tables.load(session, True)
        person = graph.project(vertices={"a": []}, edges={"e": ["w"]})
        column = graph.add_column(graphscope.pagerank(person), {"rank": "r"})
        undirected = person.to_undirected()
        source = tables.vertices["a"]["id"].tolist()[0]
        ranks, steps = session.run(
            [column.to_numpy("v:a.rank"), graphscope.bfs(undirected, src=source).to_dataframe({"id": "v.id", "r": "r"})]
        )
        assert len(ranks) == 9 and sum(ranks) == pytest.approx(1)
        pairs = tables.edges["e"][0][2]
        expected = networkx.single_source_shortest_path_length(
            networkx.Graph(list(zip(pairs["src"].tolist(), pairs["dst"].tolist(), strict=True))), source
        )
        assert {row.id: row.r for row in steps.itertuples() if row.r < 2**62} == expected
    finally:
        close(session)


def test_everything_survives_a_crash(start, tmp_path):
    from test_recovery import Host, eventually

    host = Host(tmp_path)
    host.start()
    session = graphscope.session(addr=host.address)
    try:
        tables = Tables(5)
        graph = tables.load(session, True)
        ranks = graphscope.pagerank(graph.project(vertices={"a": []}, edges={"e": []}))
        made = {
            "copy": session.g(graph), "undirected": graph.to_undirected(),
            "directed": graph.to_undirected().to_directed(), "column": graph.add_column(ranks, {"rank": "r"}),
        }
        host.kill()
        host.start()
        expected = eventually(lambda: ranks.to_numpy("r").tolist())
        assert made["column"].to_numpy("v:a.rank").tolist() == expected
        assert_same(view_of(made["copy"]), tables.expected(True))
        assert_same(view_of(made["undirected"]), tables.expected(False))
        assert_same(view_of(made["directed"]), tables.expected(True, both_ways=True))
    finally:
        close(session)
        host.stop()
