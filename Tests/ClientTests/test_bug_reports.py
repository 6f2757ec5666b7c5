"""Bug reports that users of other systems filed in public, tried here; docs/compatibility.md tells what each is about."""

import json

import graphscope
import networkx as nx
import numpy as np
import pandas as pd
import pytest
import vineyard
from graphscope.framework.errors import AnalyticalEngineInternalError, ResourceExhaustedError, UnimplementedError
from graphscope.framework.graph import Graph
from graphscope.framework.loader import Loader

from conftest import close
from graphs import result
from process import wait_until

pytestmark = pytest.mark.ours("what was reported of others holds for the reference, too")

FAR_AWAY = 1.7976931348623157e308
MISSING_VERTEX = "Mapping vertex '6' failed"


def edges(sess, rows, directed=True, names=("s", "d", "w")):
    frame = pd.DataFrame(np.array(rows, dtype="int64"), columns=names[: len(rows[0])])
    return sess.g(directed=directed, generate_eid=False).add_edges(frame, "e")


class TestLoading:
    def test_one_edge_label_between_several_pairs_of_labels(self, sess, ids):
        """alibaba/GraphScope#1995, #411"""
        graph = sess.g(generate_eid=False)
        graph = graph.add_vertices(pd.DataFrame({"id": ids(1, 2)}), "person")
        graph = graph.add_vertices(pd.DataFrame({"id": ids(10, 11)}), "comment")
        for ends, label in ((ids(1), ids(2)), "person"), ((ids(1, 2), ids(10, 11)), "comment"):
            table = pd.DataFrame({"s": ends[0], "d": ends[1]})
            graph = graph.add_edges(table, "knows", src_label="person", dst_label=label)
        relations = [tuple(relation) for relation in graph.schema.get_relationships("knows")]
        assert relations == [("person", "person"), ("person", "comment")]
        assert result(graphscope.bfs(graph, src=1)) == {1: 0, 2: 1, 10: 1, 11: 2}

    def test_a_vertex_file_without_a_header(self, sess, csv):
        """alibaba/GraphScope#1840"""
        vertices, table = csv("datagen.v", "6\n10\n41\n"), csv("datagen.e", "src,dst,weight\n6,10,1\n10,41,1.2\n")
        with pytest.raises(AnalyticalEngineInternalError, match=MISSING_VERTEX + ".*header_row=False"):
            sess.g().add_vertices(vertices, "v").add_edges(table, "e")
        loaded = sess.g().add_vertices(Loader(vertices, header_row=False), "v").add_edges(table, "e")
        assert result(graphscope.sssp(loaded, src=6, weight="weight")) == {6: 0, 10: 1, 41: 2.2}

    def test_an_end_of_an_edge_that_is_no_vertex(self, sess, csv):
        """alibaba/GraphScope#2693"""
        vertices, table = csv("v.csv", "id\n10\n41\n"), csv("e.csv", "src,dst\n10,41\n6,10\n")
        with pytest.raises(AnalyticalEngineInternalError, match=MISSING_VERTEX + ".*row 2.*Add the vertex"):
            sess.g().add_vertices(vertices, "v").add_edges(table, "e")

    def test_quotes_and_line_ends_inside_quotes(self, sess, csv):
        """kuzudb/kuzu#3612, duckdb/duckdb#7706"""
        text = 'id,a,b\n1,"Some more ""text"".","one, ""two"" and three"\n2,"one\n\ntwo","ends with a line\n"\n3,x,y\n'
        graph = sess.g().add_vertices(csv("v.csv", text), "v")
        assert graph.to_numpy("v:v.a").tolist() == ['Some more "text".', "one\n\ntwo", "x"]
        assert graph.to_numpy("v:v.b").tolist() == ['one, "two" and three', "ends with a line\n", "y"]


class TestIdsAndTypes:
    def test_text_ids_without_a_vertex_table(self, sess, csv):
        """alibaba/GraphScope#2697"""
        table = Loader(csv("test.e", "a,b\nb,c\n"), header_row=False, delimiter=",")
        graph = sess.load_from(edges={"group": {"loader": table}}, oid_type="string")
        assert graph.oid_type == "std::string"
        assert result(graphscope.bfs(graph, src="a")) == {"a": 0, "b": 1, "c": 2}

    def test_text_ids_in_a_column_that_is_chosen_by_name(self, sess, csv):
        """alibaba/GraphScope#2443"""
        people = csv("v.csv", "name,age\nzhangsan,100\nlisi,90\nwangwu,88\n")
        links = csv("e.csv", "from,to,ratio\nzhangsan,lisi,0.5\nzhangsan,wangwu,0.6\nlisi,wangwu,0.4\n")
        graph = sess.g(oid_type="string", directed=False).add_vertices(people, "person", vid_field="name")
        graph = graph.add_edges(links, "link", src_label="person", dst_label="person")
        assert graph.to_numpy("v:person.name").tolist() == ["zhangsan", "lisi", "wangwu"]
        distances = result(graphscope.sssp(graph, src="zhangsan", weight="ratio"))
        assert distances == {"zhangsan": 0, "lisi": 0.5, "wangwu": 0.6}

    def test_ids_in_the_second_column_of_a_frame(self, sess):
        """alibaba/GraphScope#3704"""
        students = pd.DataFrame({"idd": list("abcd"), "id": list("1234"), "score": ["11", "22", "23", "9"]})
        guides = pd.DataFrame({"dst": list("2424"), "src": list("1231"), "size": [4, 1, 2, 3]})
        graph = sess.g(oid_type="string").add_vertices(students, "student", vid_field="id")
        graph = graph.add_edges(guides, "guide", src_field="src", dst_field="dst")
        assert graph.to_numpy("v:student.idd").tolist() == list("abcd")
        assert result(graphscope.bfs(graph, src="1"))["4"] == 1
        by_number = sess.g(oid_type="string").add_edges(guides, "guide", src_field=1, dst_field=0)
        assert result(graphscope.sssp(by_number, src="3", weight="size")) == {"3": 0, "2": 2, "4": 3, "1": FAR_AWAY}

    def test_large_integers_beside_gaps_keep_all_digits(self, sess, csv):
        """pandas-dev/pandas#48170, #32134"""
        text = "id,a,b\n1,,1\n1234567890123456789,1234567890123456789,\n"
        graph = sess.g().add_vertices(csv("v.csv", text), "v")
        assert graph.to_numpy("v:v.id").tolist() == [1, 1234567890123456789]
        assert graph.to_numpy("v:v.a").tolist() == [0, 1234567890123456789]
        assert graph.to_numpy("v:v.b").tolist() == [1, 0]

    def test_ids_that_are_written_as_fractions_are_not_rounded(self, sess, csv):
        """pandas-dev/pandas#12340"""
        text = "id,photons\n6144039378640938.000000,71\n"
        with pytest.raises(AnalyticalEngineInternalError, match="line 2, column 'id'.*not an int64"):
            sess.g().add_vertices(csv("v.csv", text), "v")


class TestResults:
    @pytest.mark.parametrize(
        "rows, expected",
        [
            ([(1, 2), (2, 3), (3, 1)], {1: 1, 2: 1, 3: 1}),
            ([(0, 1), (0, 2), (1, 2), (0, 3), (0, 4), (3, 4), (2, 3)], {0: 1 / 2, 1: 1, 2: 2 / 3, 3: 2 / 3, 4: 1}),
        ],
    )
    def test_clustering_coefficients_of_an_undirected_graph(self, sess, rows, expected):
        """alibaba/GraphScope#3711, #1906"""
        assert result(graphscope.lcc(edges(sess, rows, directed=False))) == pytest.approx(expected)

    def test_triangles_of_an_undirected_graph(self, sess):
        """alibaba/GraphScope#1906"""
        rows = [(0, 1), (0, 2), (1, 2), (0, 3), (0, 4), (3, 4), (2, 3)]
        expected = {0: 3, 1: 1, 2: 2, 3: 2, 4: 1}
        assert result(graphscope.triangles(edges(sess, rows, directed=False))) == expected

    @pytest.mark.parametrize("directed", [True, False])
    def test_edges_of_weight_zero_are_edges(self, sess, directed):
        """networkx/networkx#2953, #976"""
        rows = [(1, 2, 0), (2, 3, 0), (3, 1, 0), (3, 4, 5), (1, 4, 6), (4, 4, 0)]
        distances = result(graphscope.sssp(edges(sess, rows, directed), src=1, weight="w"))
        assert distances == {1: 0, 2: 0, 3: 0, 4: 5}

    @pytest.mark.parametrize("weights", [(100, 5, 50), (5, 50, 100), (100, 50, 5)])
    def test_the_cheapest_of_parallel_edges_counts(self, sess, weights):
        """ArcadeData/arcadedb#8031, networkx/networkx#376"""
        rows = [*((1, 2, weight) for weight in weights), (2, 3, 1), (1, 3, 7)]
        distances = result(graphscope.sssp(edges(sess, rows), src=1, weight="w"))
        assert distances == {1: 0, 2: 5, 3: 6}

    def test_pagerank_of_an_undirected_graph_with_edges_both_ways(self, sess):
        """igraph/igraph#972"""
        rows = [(0, 1), (0, 2), (1, 0), (2, 0), (2, 1)]
        ranks = result(graphscope.pagerank(edges(sess, rows, directed=False), delta=0.85, max_round=200))
        # A parallel edge weighs as much as an edge of weight 2.
        once = nx.Graph()
        once.add_weighted_edges_from([(0, 1, 2), (0, 2, 2), (1, 2, 1)])
        assert ranks == pytest.approx(nx.pagerank(once, alpha=0.85, tol=1e-12, max_iter=1000), abs=1e-9)


class TestErrors:
    def test_shortest_paths_without_weights(self, sess):
        """alibaba/GraphScope#1878"""
        with pytest.raises(ValueError, match="edge data is empty"):
            graphscope.sssp(edges(sess, [(1, 2), (2, 3)]), src=1)

    def test_a_property_that_does_not_exist_is_named(self, sess):
        """alibaba/GraphScope#1179"""
        graph = edges(sess, [(1, 2), (2, 3)])
        for selector in "v.nope", "r.nope", "v:nope.id", "":
            with pytest.raises(SyntaxError, match="Invalid selector"):
                graphscope.bfs(graph, src=1).to_dataframe({"id": "v.id", "x": selector})
        for selector in "v:_.nope", "v:nope.id":
            with pytest.raises(Exception, match="nope"):
                graph.to_dataframe({"id": "v:_.id", "x": selector})
        assert result(graphscope.bfs(graph, src=1)) == {1: 0, 2: 1, 3: 2}

    def test_graphs_of_an_object_store_and_archives(self, sess, tmp_path):
        """alibaba/GraphScope#4598, #4297"""
        graph = edges(sess, [(1, 2), (2, 3)])
        (tmp_path / "sample.graph.yml").write_text("name: sample\nversion: gar/v1\nvertices: []\nedges: []\n")
        with pytest.raises((AnalyticalEngineInternalError, UnimplementedError), match="object store"):
            sess.g(vineyard.ObjectID(graph.vineyard_id + 1))
        assert result(graphscope.bfs(sess.g(vineyard.ObjectID(graph.vineyard_id)), src=1)) == {1: 0, 2: 1, 3: 2}
        with pytest.raises(UnimplementedError, match="GraphAr"):
            Graph.load_from(f"graphar+file://{tmp_path}/sample.graph.yml", sess)
        assert result(graphscope.bfs(graph, src=1)) == {1: 0, 2: 1, 3: 2}

    def test_no_room_for_more_leaves_the_graph_as_it_was(self, start, tmp_path, csv):
        """alibaba/GraphScope#2093, #1890, #1737"""
        cluster = tmp_path / "cluster.yaml"
        cluster.write_text(json.dumps({"tenants": [{"name": "default", "quota": {"memory": "4MiB"}}]}))
        session = graphscope.session(addr=start(["--port", "0", "--cluster-file", str(cluster)]).address)
        graph = edges(session, [(1, 2), (2, 3)])
        large = csv("large.csv", "src,dst\n" + "".join(f"{i},{i * 7 % 99991}\n" for i in range(300_000)))
        with pytest.raises(ResourceExhaustedError, match="4 MiB"):
            graph = graph.add_vertices(large, "more").add_edges(large, "never")
        assert graph.schema.vertex_labels == ["_"]
        assert result(graphscope.bfs(graph, src=1)) == {1: 0, 2: 1, 3: 2}
        close(session)


def test_a_session_whose_coordinator_is_gone_says_so(start, monkeypatch):
    """alibaba/GraphScope#72"""
    running = start()
    session = graphscope.session(addr=running.address)
    session._heartbeat_interval_seconds = 0.1
    assert session.info["status"] == "active"
    running.kill()
    wait_until(lambda: session.info["status"] == "disconnected", 30, "the client notices")
    session._heartbeat_sending_thread = None
