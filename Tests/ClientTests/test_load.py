"""Loading: CSV files, data frames and arrays, the schema that results, and errors that say where the data is wrong."""

import logging
import os
import subprocess
import sys

import graphscope
import numpy as np
import pandas as pd
import pytest
from graphscope.framework.errors import AnalyticalEngineInternalError
from graphscope.framework.loader import Loader

from graphs import result, rows
from process import wait_until

LOAD_ERRORS = (AnalyticalEngineInternalError, KeyError, ValueError, RuntimeError)


def schema(graph):
    """{label: [(property, type)]} and {label: [(source, destination)]}, in the order of the label ids."""
    def properties(listed):
        return [(p.name, graphscope.proto.graph_def_pb2.DataTypePb.Name(p.data_type)) for p in listed]

    s = graph.schema
    vertices = {label: properties(s.get_vertex_properties(label)) for label in s.vertex_labels}
    edges = {label: properties(s.get_edge_properties(label)) for label in s.edge_labels}
    relations = {label: sorted(tuple(r) for r in s.get_relationships(label)) for label in s.edge_labels}
    return vertices, edges, relations


def load(sess, v, e=None, vid="id", properties=None, **options):
    """A graph of one vertex label `v`, by default with an edge table that has one loop per first vertex."""
    return sess.load_from(
        vertices={"v": (v, properties, vid)},
        edges={"e": (e, [], ("src", "v"), ("dst", "v"))},
        **options,
    )


@pytest.fixture
def one_edge(csv):
    return csv("one_edge.csv", "src,dst\n1,1\n")


def column(graph, name):
    return graph.to_numpy(f"v:v.{name}").tolist()


class TestCSV:
    def test_a_header_names_the_columns(self, sess, csv, one_edge):
        graph = load(sess, csv("v.csv", "id,name,age\n1,ann,33\n2,bob,44\n"), one_edge)
        assert schema(graph)[0] == {"v": [("name", "STRING"), ("age", "LONG"), ("id", "LONG")]}
        assert column(graph, "name") == ["ann", "bob"]
        assert column(graph, "age") == [33, 44]
        assert column(graph, "id") == [1, 2]

    def test_without_header_columns_are_numbered(self, sess, csv, one_edge):
        v = Loader(csv("v.csv", "1,ann\n2,bob\n"), header_row=False)
        graph = load(sess, v, one_edge, vid="f0")
        assert schema(graph)[0] == {"v": [("f1", "STRING"), ("f0", "LONG")]}
        assert column(graph, "f1") == ["ann", "bob"]

    @pytest.mark.parametrize("delimiter", ["|", "\t", ";", " "])
    def test_any_character_delimits(self, sess, csv, one_edge, delimiter):
        text = "id,name\n1,a b,\n".replace("a b,", "ann").replace(",", delimiter)
        graph = load(sess, Loader(csv("v.csv", text), delimiter=delimiter), one_edge)
        assert column(graph, "name") == ["ann"]

    @pytest.mark.ours("the reference cuts the location at this character")
    def test_even_the_one_that_the_client_puts_into_the_location(self, sess, csv, one_edge):
        graph = load(sess, Loader(csv("v.csv", "id#name\n1#ann\n"), delimiter="#"), one_edge)
        assert column(graph, "name") == ["ann"]

    def test_chosen_columns_in_the_chosen_order(self, sess, csv, one_edge):
        graph = load(sess, csv("v.csv", "a,id,b,c\n1,1,x,2.5\n"), one_edge, properties=["c", "a"])
        assert schema(graph)[0] == {"v": [("c", "DOUBLE"), ("a", "LONG"), ("id", "LONG")]}
        assert (column(graph, "c"), column(graph, "a")) == ([2.5], [1])

    def test_no_columns_but_the_id(self, sess, csv, one_edge):
        assert schema(load(sess, csv("v.csv", "id,a\n1,x\n"), one_edge, properties=[]))[0] == {"v": [("id", "LONG")]}

    @pytest.mark.parametrize(
        "declared, kind, value",
        [
            ("int", "INT", 1),
            ("int32", "INT", 1),
            ("int64", "LONG", 1),
            ("long", "LONG", 1),
            ("float", "FLOAT", 1.0),
            ("double", "DOUBLE", 1.0),
            ("str", "STRING", "1"),
            ("string", "STRING", "1"),
        ],
    )
    def test_declared_types(self, sess, csv, one_edge, declared, kind, value):
        graph = load(sess, csv("v.csv", "id,a\n1,1\n"), one_edge, properties=[("a", declared)])
        assert schema(graph)[0] == {"v": [("a", kind), ("id", "LONG")]}
        assert column(graph, "a") == [value]

    @pytest.mark.ours("the client cannot read the reference's unsigned types")
    @pytest.mark.parametrize("declared, kind", [("uint32", "UINT"), ("uint64", "ULONG")])
    def test_unsigned_types(self, sess, csv, one_edge, declared, kind):
        graph = load(sess, csv("v.csv", "id,a\n1,7\n"), one_edge, properties=[("a", declared)])
        assert schema(graph)[0] == {"v": [("a", kind), ("id", "LONG")]}
        assert column(graph, "a") == [7]

    @pytest.mark.parametrize(
        "cells, kind, values",
        [
            (["0", "-7", "007"], "LONG", [0, -7, 7]),
            (["1", "2.5", "1e3"], "DOUBLE", [1.0, 2.5, 1000.0]),
            (["9223372036854775807", "-9223372036854775808", "1"], "LONG", [2**63 - 1, -(2**63), 1]),
            (["9223372036854775808", "1", "2"], "DOUBLE", [2.0**63, 1.0, 2.0]),
            (["1", "x", "2"], "STRING", ["1", "x", "2"]),
            (["1", "", "2"], "LONG", [1, 0, 2]),
            (["1.5", "", "2"], "DOUBLE", [1.5, 0.0, 2.0]),
            (["x", "", "NULL"], "STRING", ["x", "", "NULL"]),
            (["ü", "日本", "🙂"], "STRING", ["ü", "日本", "🙂"]),
            (["10/17/1977", "1", "2"], "STRING", ["10/17/1977", "1", "2"]),
        ],
    )
    def test_types_are_inferred_from_all_rows(self, sess, csv, one_edge, cells, kind, values):
        text = "id,a\n" + "".join(f"{i},{cell}\n" for i, cell in enumerate(cells, 1))
        graph = load(sess, csv("v.csv", text), one_edge)
        assert schema(graph)[0]["v"][0] == ("a", kind)
        assert column(graph, "a") == values

    @pytest.mark.parametrize(
        "text, names",
        [
            ('id,name\n1,"a,b"\n2,"say ""hi"""\n3,""\n', ["a,b", 'say "hi"', ""]),
            ('id,name\n1,"a\nb"\n2,c\n', ["a\nb", "c"]),
            pytest.param(
                '"id","name"\n1,a\n', ["a"], marks=pytest.mark.ours("the reference takes the quotes for the name")
            ),
            ("id,name\r\n1,a\r\n2,b\r\n", ["a", "b"]),
            ("\ufeffid,name\n1,a\n", ["a"]),
            ("id,name\n1,a\n\n2,b\n", ["a", "b"]),
            ("id,name\n1,a\n2,b", ["a", "b"]),
            ("id,name\n1, a\n2,b \n", [" a", "b "]),
        ],
        ids=["quotes", "quoted newline", "quoted header", "CRLF", "BOM", "blank line", "no final newline", "blanks"],
    )
    def test_what_files_look_like_in_the_wild(self, sess, csv, one_edge, text, names):
        assert column(load(sess, csv("v.csv", text), one_edge), "name") == names

    @pytest.mark.ours("the reference fails on tables without rows")
    def test_tables_without_rows(self, sess, csv):
        v, e = csv("v.csv", "id,name\n"), csv("e.csv", "src,dst\n")
        graph = load(sess, v, e)
        assert column(graph, "id") == []
        assert result(graphscope.pagerank(graph)) == {}

    def test_many_rows_keep_their_order(self, sess, csv):
        n = 20_000
        order = np.random.default_rng(3).permutation(n)
        v = csv("v.csv", "id,x\n" + "".join(f"{i},{i * 2}\n" for i in order))
        e = csv("e.csv", "src,dst\n" + "".join(f"{i},{(i + 1) % n}\n" for i in order))
        graph = load(sess, v, e)
        assert column(graph, "id") == order.tolist()
        assert column(graph, "x") == (order * 2).tolist()
        assert len(set(result(graphscope.wcc(load(sess, v, e, directed=False))).values())) == 1

    def test_file_url(self, sess, csv, one_edge):
        assert column(load(sess, "file://" + csv("v.csv", "id,a\n1,x\n"), one_edge), "a") == ["x"]


class TestIds:
    def test_strings(self, sess, csv):
        v, e = csv("v.csv", "id,a\nb,1\na,2\n"), csv("e.csv", "src,dst\na,b\n")
        graph = load(sess, v, e, oid_type="string")
        assert graph.schema.oid_type == graphscope.proto.graph_def_pb2.STRING
        assert column(graph, "id") == ["b", "a"]

    def test_numbers_may_be_kept_as_strings(self, sess, csv, one_edge):
        graph = load(sess, csv("v.csv", "id\n1\n02\n"), one_edge, oid_type="string")
        assert column(graph, "id") == ["1", "02"]

    def test_32_bit_ids(self, sess, csv, one_edge):
        graph = load(sess, csv("v.csv", "id,a\n1,x\n2,y\n"), one_edge, oid_type="int32_t")
        assert schema(graph)[0]["v"][-1] == ("id", "INT")
        assert graph.to_numpy("v:v.id").dtype == np.int32

    def test_ids_need_not_be_kept_as_a_property(self, sess, csv, one_edge):
        graph = load(sess, csv("v.csv", "id,a\n1,x\n"), one_edge, retain_oid=False, generate_eid=False)
        assert schema(graph)[:2] == ({"v": [("a", "STRING")]}, {"e": []})

    def test_duplicates_stay(self, sess, csv, one_edge):
        graph = load(sess, csv("v.csv", "id,p\n1,10\n1,11\n2,20\n"), one_edge)
        assert (column(graph, "id"), column(graph, "p")) == ([1, 1, 2], [10, 11, 20])


class TestEdges:
    def test_vertices_known_from_edges_only(self, sess, csv):
        graph = sess.load_from(edges={"e": csv("e.csv", "src,dst,w\n30,7,1\n5,30,2\n7,99,3\n2,2,4\n")})
        assert schema(graph) == (
            {"_": [("id", "LONG")]},
            {"e": [("eid", "LONG"), ("w", "LONG")]},
            {"e": [("_", "_")]},
        )
        assert sorted(graph.to_numpy("v:_.id").tolist()) == [2, 5, 7, 30, 99]
        depths = result(graphscope.bfs(graph, src=5))
        assert depths == {5: 0, 30: 1, 7: 2, 99: 3, 2: 2**63 - 1}

    def test_string_vertices_known_from_edges_only(self, sess, csv):
        graph = sess.load_from(edges={"e": csv("e.csv", "src,dst\nb,a\nc,b\na,zz\n")}, oid_type="string")
        assert sorted(graph.to_numpy("v:_.id").tolist()) == ["a", "b", "c", "zz"]

    @pytest.mark.parametrize(
        "edges, directed, multigraph",
        [
            ("1,2\n2,3\n", True, False),
            ("1,2\n1,2\n", True, True),
            ("1,2\n2,1\n", True, False),
            ("1,2\n2,1\n", False, True),
            ("1,2\n2,3\n", False, False),
        ],
    )
    def test_parallel_edges_make_a_multigraph(self, sess, csv, edges, directed, multigraph):
        v = csv("v.csv", "id\n1\n2\n3\n")
        graph = load(sess, v, csv("e.csv", "src,dst\n" + edges), directed=directed)
        assert graph.is_multigraph() == multigraph
        assert graph.is_directed() == directed

    def test_labels_are_numbered_as_the_client_expects(self, sess, ids):
        """One load numbers vertex labels by name; labels that are added one by one keep the order of addition."""
        z = pd.DataFrame({"id": ids(1, 2), "p": ids(10, 20)})
        a = pd.DataFrame({"id": ids(3, 4), "q": ids(30, 40)})
        y = pd.DataFrame({"s": ids(1, 2), "d": ids(3, 4), "w": ids(1, 2)})
        b = pd.DataFrame({"s": ids(3), "d": ids(1), "w": ids(5)})
        m = pd.DataFrame({"s": ids(1), "d": ids(9), "w": ids(7)})
        graph = sess.load_from(
            vertices={"z": (z, None, "id"), "a": (a, None, "id")},
            edges={"y": (y, ["w"], ("s", "z"), ("d", "a")), "b": [(b, ["w"], ("s", "a"), ("d", "z")), (m, ["w"], ("s", "z"), ("d", "m"))]},
        )
        vertices, edges, relations = schema(graph)
        assert list(vertices) == ["a", "m", "z"]
        assert list(edges) == ["y", "b"]
        assert relations == {"y": [("z", "a")], "b": [("a", "z"), ("z", "m")]}
        assert graph.to_numpy("v:m.id").tolist() == [9]

        graph = (
            sess.g()
            .add_vertices(z, "z", None, "id")
            .add_vertices(a, "a", None, "id")
            .add_edges(y, "y", ["w"], "z", "a", "s", "d")
            .add_edges(m, "y2", ["w"], "z", "m", "s", "d")
        )
        vertices, edges, relations = schema(graph)
        assert list(vertices) == ["z", "a", "m"]
        assert list(edges) == ["y", "y2"]
        assert relations == {"y": [("z", "a")], "y2": [("z", "m")]}

    def test_an_edge_label_may_join_several_pairs_of_labels(self, sess, ids):
        people = pd.DataFrame({"id": ids(1, 2)})
        towns = pd.DataFrame({"id": ids(1, 7)})
        to_towns = pd.DataFrame({"s": ids(1, 2), "d": ids(7, 1)})
        among_people = pd.DataFrame({"s": ids(1), "d": ids(2)})
        graph = sess.load_from(
            vertices={"person": (people, None, "id"), "town": (towns, None, "id")},
            edges={"likes": [(to_towns, [], ("s", "person"), ("d", "town")), (among_people, [], ("s", "person"), ("d", "person"))]},
        )
        assert schema(graph)[2] == {"likes": [("person", "person"), ("person", "town")]}
        alone = graph.project(vertices={"person": []}, edges={"likes": []})
        assert result(graphscope.bfs(alone, src=1)) == {1: 0, 2: 1}


class TestFramesAndArrays:
    def test_columns_and_types(self, sess, ids):
        v = pd.DataFrame(
            {
                "id": ids(0, 1, 2),
                "i32": np.arange(3, dtype="int32"),
                "i64": ids(2**40, -1, 0),
                "f": np.arange(3) / 2.0,
                "b": [True, False, True],
                "s": ["a", "", "ü"],
            }
        )
        e = pd.DataFrame({"src": ids(0, 1), "dst": ids(1, 2)})
        graph = load(sess, v, e)
        types = dict(schema(graph)[0]["v"])
        assert {k: types[k] for k in ("i32", "i64", "f", "s", "id")} == {
            "i32": "INT", "i64": "LONG", "f": "DOUBLE", "s": "STRING", "id": "LONG",
        }
        for name in ("i32", "i64", "f", "b", "s", "id"):
            assert column(graph, name) == v[name].tolist()

    @pytest.mark.ours("the client cannot read the reference's unsigned types")
    @pytest.mark.parametrize("kind", ["uint32", "uint64"])
    def test_unsigned_columns(self, sess, ids, kind):
        v = pd.DataFrame({"id": ids(0, 1), "u": np.array([0, np.iinfo(kind).max], dtype=kind)})
        graph = load(sess, v, pd.DataFrame({"src": ids(0), "dst": ids(1)}))
        assert column(graph, "u") == v["u"].tolist()

    @pytest.mark.ours("the reference crashes on narrow integers")
    @pytest.mark.parametrize("kind", ["int8", "int16", "uint8", "uint16"])
    def test_narrow_integers(self, sess, ids, kind):
        v = pd.DataFrame({"id": ids(0, 1), "n": np.array([0, np.iinfo(kind).max], dtype=kind)})
        graph = load(sess, v, pd.DataFrame({"src": ids(0), "dst": ids(1)}))
        assert column(graph, "n") == v["n"].tolist()

    @pytest.mark.ours("the reference crashes on labels of text ids that are known from frames only")
    def test_string_ids(self, sess):
        e = pd.DataFrame({"src": ["a", "b"], "dst": ["b", "ü"]})
        graph = sess.load_from(edges={"e": (e, [], "src", "dst")}, oid_type="string")
        assert sorted(graph.to_numpy("v:_.id").tolist()) == ["a", "b", "ü"]
        assert result(graphscope.bfs(graph, src="a")) == {"a": 0, "b": 1, "ü": 2}

    def test_numpy_arrays(self, sess, ids):
        columns = [ids(0, 1, 2), ids(1, 2, 0), np.array([0.5, 1.5, 2.5])]
        graph = sess.load_from(
            vertices={"p": (Loader([ids(0, 1, 2)]), [], "f0")},
            edges={"k": (Loader(columns), ["f2"], ("f0", "p"), ("f1", "p"))},
        )
        assert schema(graph)[1] == {"k": [("eid", "LONG"), ("f2", "DOUBLE")]}
        weights = graph.project(vertices={"p": []}, edges={"k": ["f2"]})
        assert result(graphscope.sssp(weights, src=0)) == {0: 0.0, 1: 0.5, 2: 2.0}

    def test_a_frame_of_many_batches(self, sess):
        n = 100_000
        ids = np.random.default_rng(5).permutation(n).astype("int64")
        v = pd.DataFrame({"id": ids, "x": ids * 3})
        e = pd.DataFrame({"src": ids[:-1], "dst": ids[1:]})
        graph = load(sess, v, e)
        assert (graph.to_numpy("v:v.x") == ids * 3).all()

    @pytest.mark.ours("the reference serves one session at a time")
    def test_small_request_chunks(self, address, tmp_path):
        """The client reads the size of its request bodies once, when it is imported."""
        script = tmp_path / "chunks.py"
        script.write_text(
            "import sys, graphscope, numpy as np, pandas as pd\n"
            "s = graphscope.session(addr=sys.argv[1])\n"
            "n = 4000\n"
            "v = pd.DataFrame({'id': np.arange(n), 'name': ['n%d' % i for i in range(n)]})\n"
            "e = pd.DataFrame({'src': np.arange(n - 1), 'dst': np.arange(1, n)})\n"
            "g = s.load_from(vertices={'p': (v, None, 'id')}, edges={'k': (e, None, ('src', 'p'), ('dst', 'p'))})\n"
            "assert g.to_numpy('v:p.name').tolist() == v['name'].tolist()\n"
            "d = graphscope.bfs(g, src=0).to_dataframe({'id': 'v.id', 'r': 'r'})\n"
            "assert (d['id'] == d['r']).all() and len(d) == n\n"
            "s._heartbeat_sending_thread = None\n"
            "s.close()\n"
        )
        for size in ("1024", "999983"):
            environment = {**os.environ, "GS_GRPC_CHUNK_SIZE": size}
            done = subprocess.run(
                [sys.executable, str(script), address], env=environment, capture_output=True, text=True, timeout=120
            )
            assert done.returncode == 0, done.stdout + done.stderr


class TestErrors:
    """Each names the file, and where it applies the line, the column and the value."""

    def failure(self, sess, v, e, **options):
        with pytest.raises(LOAD_ERRORS) as failure:
            load(sess, v, e, **options)
        return str(failure.value)

    def test_a_missing_file(self, sess, one_edge, tmp_path):
        assert "nowhere.csv" in self.failure(sess, str(tmp_path / "nowhere.csv"), one_edge)

    @pytest.mark.ours("the reference reads it as a table")
    def test_a_directory(self, sess, one_edge, tmp_path):
        assert str(tmp_path) in self.failure(sess, str(tmp_path), one_edge)

    @pytest.mark.ours("the reference names the column only")
    def test_a_missing_column(self, sess, csv, one_edge):
        message = self.failure(sess, csv("people.csv", "id,name\n1,x\n"), one_edge, properties=["nmae"])
        assert "people.csv" in message and "nmae" in message
        assert "name" in message, "it should list the columns there are"

    @pytest.mark.ours("the reference names the column only")
    def test_a_missing_id_column(self, sess, csv, one_edge):
        message = self.failure(sess, csv("people.csv", "key,name\n1,x\n"), one_edge)
        assert "people.csv" in message and "id" in message and "key" in message

    @pytest.mark.ours("the reference gives no line")
    def test_an_id_of_the_wrong_type(self, sess, csv, one_edge):
        message = self.failure(sess, csv("people.csv", "id,name\n1,x\n2,y\nthree,z\n"), one_edge)
        for part in ("people.csv", "4", "id", "three"):
            assert part in message

    @pytest.mark.ours("the reference gives no line")
    def test_a_value_that_is_not_of_the_declared_type(self, sess, csv, one_edge):
        text = "id,age\n" + "".join(f"{i},{i}\n" for i in range(1, 5000)) + "5000,old\n"
        message = self.failure(sess, csv("people.csv", text), one_edge, properties=[("age", "int")])
        for part in ("people.csv", "5001", "age", "old"):
            assert part in message

    @pytest.mark.ours("the reference gives no line")
    def test_a_value_beyond_the_declared_type(self, sess, csv, one_edge):
        message = self.failure(sess, csv("p.csv", "id,a\n1,3000000000\n"), one_edge, properties=[("a", "int32")])
        for part in ("p.csv", "2", "a", "3000000000"):
            assert part in message

    @pytest.mark.ours("the reference gives no line")
    @pytest.mark.parametrize("row", ["3", "3,c,d", ""], ids=["short", "long", "short at the end"])
    def test_a_ragged_row(self, sess, csv, one_edge, row):
        rows = ["1,a", "2,b", row or "3"] + ([] if row == "" else ["4,d"])
        message = self.failure(sess, csv("people.csv", "id,name\n" + "\n".join(rows)), one_edge)
        for part in ("people.csv", "4", "2"):
            assert part in message

    @pytest.mark.ours("the reference gives no line")
    def test_an_edge_to_a_vertex_that_is_not_in_its_table(self, sess, csv):
        v, e = csv("v.csv", "id\n1\n2\n"), csv("knows.csv", "src,dst\n1,2\n2,77\n")
        message = self.failure(sess, v, e)
        assert "knows.csv" in message and "77" in message
        assert "line 3" in message or "row 2" in message

    def test_an_edge_of_a_frame_to_a_missing_vertex(self, sess, ids):
        v = pd.DataFrame({"id": ids(1)})
        assert "77" in self.failure(sess, v, pd.DataFrame({"src": ids(1), "dst": ids(77)}))

    @pytest.mark.ours("the reference shows broken text")
    def test_text_that_is_not_utf8(self, sess, one_edge, tmp_path):
        path = tmp_path / "latin1.csv"
        path.write_bytes("id,name\n1,J\xfcrgen\n".encode("latin-1"))
        assert "latin1.csv" in self.failure(sess, str(path), one_edge)

    @pytest.mark.ours("the reference says only 'End Of File'")
    def test_an_empty_file(self, sess, csv, one_edge):
        assert "empty.csv" in self.failure(sess, csv("empty.csv", ""), one_edge)

    @pytest.mark.ours("the reference reads them as 0")
    def test_an_empty_id(self, sess, csv, one_edge):
        message = self.failure(sess, csv("people.csv", "id,name\n1,x\n,y\n"), one_edge)
        assert "people.csv" in message and "3" in message

    @pytest.mark.ours("the reference reads it as an empty text")
    def test_a_missing_id_in_a_frame(self, sess):
        people = pd.DataFrame({"id": ["a", None, "c"], "x": [1, 2, 3]})
        edges = pd.DataFrame({"src": ["a"], "dst": ["c"]})
        with pytest.raises(AnalyticalEngineInternalError, match="row 2 of the table, column 'id': the id is missing"):
            sess.load_from(
                vertices={"v": (people, None, "id")}, edges={"e": (edges, None, ("src", "v"), ("dst", "v"))},
                oid_type="string",
            )

    def test_the_session_goes_on_after_a_failure(self, sess, csv, one_edge, tmp_path):
        self.failure(sess, str(tmp_path / "nowhere.csv"), one_edge)
        assert column(load(sess, csv("v.csv", "id,a\n1,x\n"), one_edge), "a") == ["x"]


def test_dates_and_times(sess, gstest):
    directory = gstest / "property"
    graph = sess.load_from(
        vertices={"v": (str(directory / "v_with_date.csv"), ["vval1", "vval2", "vval3", "vval4", "vval5"], "id")},
        edges={"e": (str(directory / "e_with_date.csv"), ["eval1", "eval2"], ("src_id", "v"), ("dst_id", "v"))},
    )
    vertices, edges, _ = schema(graph)
    kinds = dict(vertices["v"])
    assert "DATE32" in kinds["vval1"]
    assert "TIMESTAMP" in kinds["vval2"] and kinds["vval2"] == kinds["vval3"] == kinds["vval5"]
    assert kinds["vval4"] == "STRING"
    assert [name for name, _ in edges["e"]] == ["eid", "eval1", "eval2"]


def test_progress_reaches_the_client_s_log(sess, csv, one_edge):
    lines = []

    class Collect(logging.Handler):
        def emit(self, record):
            lines.append(record.getMessage())

    logger, handler = logging.getLogger("graphscope"), Collect()
    level = logger.level
    logger.addHandler(handler)
    logger.setLevel(logging.INFO)
    try:
        load(sess, csv("v.csv", "id\n1\n"), one_edge)
        for label in ("Loading vertex labeled v", "edge labeled e"):
            wait_until(lambda: label in "\n".join(lines), 5, f"'{label}' in {lines}")
    finally:
        logger.removeHandler(handler)
        logger.setLevel(level)


def test_adding_labels_keeps_the_graph_it_started_from(sess, ids):
    person = pd.DataFrame({"id": ids(1, 2)})
    knows = pd.DataFrame({"s": ids(1), "d": ids(2)})
    first = sess.g().add_vertices(person, "person", None, "id")
    second = first.add_edges(knows, "knows", [], "person", "person", "s", "d")
    assert list(schema(first)[0]) == list(schema(second)[0]) == ["person"]
    assert (list(schema(first)[1]), list(schema(second)[1])) == ([], ["knows"])
    assert rows(first.to_dataframe({"id": "v:person.id"})) == {"id": [1, 2]}
