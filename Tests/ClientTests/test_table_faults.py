"""Tables that users have and that once were misread: columns by number, missing values, second batches that are empty,
names that look alike, and files that are something else than they seem."""

import bz2
import gzip
import re

import graphscope
import numpy as np
import pandas as pd
import pytest
from graphscope.framework.loader import Loader

from graphs import result
from process import wait_until
from test_operator import gsc

FAR = 2**63 - 1
NFC, NFD = "\u00e9", "e\u0301"


@pytest.fixture
def file(tmp_path):
    """Writes text or bytes to a file of the given name and returns its path."""

    def file(content, name="t.csv"):
        path = tmp_path / name
        path.write_bytes(content if isinstance(content, bytes) else content.encode())
        return str(path)

    return file


def refused(load, *words):
    """The load fails with an error that has all the words."""
    with pytest.raises(Exception) as failure:
        load()
    for word in words:
        assert re.search(word, str(failure.value), re.IGNORECASE), f"no {word!r} in: {failure.value}"
    return str(failure.value)


def edges(sess, source, label="e", src_field=0, dst_field=1, **options):
    return sess.g(generate_eid=False).add_edges(source, label, src_field=src_field, dst_field=dst_field, **options)


def rows(graph, *names):
    return graph.to_dataframe({name: f"v:v.{name}" for name in names}).values.tolist()


class TestColumnsByNumber:
    """A number counts the columns of the file, whatever is read first."""

    def test_the_ends_are_those_that_are_numbered(self, sess, file):
        graph = edges(sess, file("to,from\n2,1\n1,3\n"), src_field=1, dst_field=0)
        assert result(graphscope.bfs(graph, src=1)) == {1: 0, 2: 1, 3: FAR}

    @pytest.mark.parametrize("properties", [None, ["k"], ["0"]])
    def test_properties_may_stand_before_them(self, sess, file, properties):
        graph = edges(sess, file("k,from,to\n9,1,2\n"), src_field=1, dst_field=2, properties=properties)
        assert result(graphscope.bfs(graph, src=1)) == {1: 0, 2: 1}
        assert [p.name for p in graph.schema.get_edge_properties("e")] == ["k"]
        assert result(graphscope.sssp(graph, src=1)) == {1: 0, 2: 9}

    def test_vertices(self, sess, file):
        graph = sess.g().add_vertices(file("name,id,age\nann,7,33\nbob,9,44\n"), "v", vid_field=1)
        assert rows(graph, "id", "name", "age") == [[7, "ann", 33], [9, "bob", 44]]
        graph = sess.g().add_vertices(file("name,id,age\nann,7,33\n"), "v", ["age"], vid_field=1)
        assert rows(graph, "id", "age") == [[7, 33]]

    def test_several_files_without_names(self, sess, file):
        v = Loader(file("x|1\ny|2\n", "v"), delimiter="|", header_row=False)
        e = Loader(file("0.5|2|1\n", "e"), delimiter="|", header_row=False)
        more = Loader(file("0.25|1|1\n", "more"), delimiter="|", header_row=False)
        graph = sess.g().add_vertices(v, "v", vid_field=1).add_edges(e, "e", None, "v", "v", 2, 1)
        assert result(graphscope.sssp(graph.project({"v": []}, {"e": ["f0"]}), src=1)) == {1: 0, 2: 0.5}
        graph = graph.add_edges(more, "more", None, "v", "v", 1, 2)
        assert graph.to_numpy("v:v.f0").tolist() == ["x", "y"]
        assert [p.name for p in graph.schema.get_edge_properties("more")] == ["eid", "f0"]

    def test_a_frame(self, sess, ids):
        frame = pd.DataFrame({"to": ids(2, 1), "from": ids(1, 3)})
        graph = edges(sess, frame, src_field=1, dst_field=0)
        assert result(graphscope.bfs(graph, src=1)) == {1: 0, 2: 1, 3: FAR}

    def test_a_name_that_both_ids_have(self, sess, file):
        loader = Loader(file("Person.id|Person.id|creationDate\n1|2|2010\n"), delimiter="|")
        graph = edges(sess, loader)
        assert result(graphscope.bfs(graph, src=1)) == {1: 0, 2: 1}
        assert [p.name for p in graph.schema.get_edge_properties("e")] == ["creationDate"]

    def test_properties_of_one_name_are_refused(self, sess, file):
        path = file("id,x,x\n1,2,3\n", "twice.csv")
        refused(lambda: sess.g().add_vertices(path, "v"), "twice.csv", "two columns named 'x'", "properties=")
        assert rows(sess.g().add_vertices(path, "v", ["2"]), "x") == [[3]]


class TestHeaders:
    @pytest.mark.parametrize("value", [0, False, "false", "no", None])
    def test_none(self, sess, file, value):
        graph = sess.g().add_vertices(Loader(file("6\n10\n"), header_row=value), "v")
        assert graph.to_numpy("v:v.f0").tolist() == [6, 10]

    @pytest.mark.parametrize("value", [1, True, "TRUE"])
    def test_one(self, sess, file, value):
        assert rows(sess.g().add_vertices(Loader(file("id\n10\n"), header_row=value), "v"), "id") == [[10]]

    def test_anything_else_is_refused(self, sess, file):
        refused(lambda: sess.g().add_vertices(Loader(file("id\n1\n"), header_row=3), "v"), "header_row=3")


class TestMissingValues:
    @pytest.mark.parametrize("cell", ["", "NA", "nan", "NULL"])
    def test_a_weight_in_a_file(self, sess, file, cell):
        graph = edges(sess, file(f"s,t,w\n0,1,2\n\n1,2,{cell}\n", "w.csv"))
        refused(lambda: graphscope.sssp(graph, src=0), "missing", "line 4", "w.csv", "column 'w'")
        assert result(graphscope.bfs(graph, src=0)) == {0: 0, 1: 1, 2: 2}

    @pytest.mark.parametrize("kind", ["int", "double", "float"])
    def test_a_weight_of_a_declared_type(self, sess, file, kind):
        graph = edges(sess, file("s,t,w\n0,1,2\n1,2,\n"), properties=[("w", kind)])
        refused(lambda: graphscope.sssp(graph, src=0), "missing", "line 3")

    @pytest.mark.parametrize("weights", [[2.0, None], [2.0, np.nan], [np.nan, np.nan]])
    def test_a_weight_in_a_frame(self, sess, ids, weights):
        frame = pd.DataFrame({"s": ids(0, 1), "t": ids(1, 2), "w": weights})
        refused(lambda: graphscope.sssp(edges(sess, frame), src=0), "missing", "row [12] of the data frame")

    def test_a_weight_of_a_second_batch_or_of_another_relation(self, sess, file):
        v, u = file("id\n0\n1\n2\n", "v.csv"), file("id\n12\n", "u.csv")
        full, lacking = file("s,t,w\n0,1,2\n", "full.csv"), file("s,t,w\n1,2,\n", "lacking.csv")
        graph = sess.g().add_vertices(v, "v").add_vertices(u, "u").add_edges(full, "e", None, "v", "v")
        batch = graph.add_edges(lacking, "e", None, "v", "v")
        refused(lambda: graphscope.sssp(batch.project({"v": []}, {"e": ["w"]}), src=0), "missing", "lacking.csv")
        across = file("s,t,w\n1,12,\n", "across.csv")
        other = graph.add_edges(across, "e", None, "v", "u")
        alone = other.project({"v": []}, {"e": ["w"]})
        assert result(graphscope.sssp(alone, src=0)) == {0: 0, 1: 2, 2: pytest.approx(1.7976931348623157e308)}
        refused(lambda: graphscope.sssp(other, weight="w", src=0), "missing", "across.csv")

    @pytest.mark.parametrize(
        "cells", [["NA", "NA"], ["NULL", "NULL"], ["null", ""], ["NaN", "NaN"], ["None", "None"], ["", "N/A"]]
    )
    def test_words_for_nothing_are_kept_where_there_is_nothing_else(self, sess, file, cells):
        graph = sess.g().add_vertices(file(f"id,c\n1,{cells[0]}\n2,{cells[1]}\n"), "v")
        assert graph.to_numpy("v:v.c").tolist() == cells

    def test_numbers_beside_them_are_numbers(self, sess, file):
        text = "id,c\n" + "".join(f"{i},NA\n" for i in range(3000)) + "3000,7\n"
        assert sess.g().add_vertices(file(text), "v").to_numpy("v:v.c").tolist() == [0] * 3000 + [7]


class TestHeaders:
    """What the first line says may be a mistake that is no error: the session's log says so."""

    @pytest.mark.parametrize(
        "text, words",
        [("1,2,0.5\n2,3,0.5\n", r"its column names are numbers \(1, 2, 0.5\).*header_row=False"),
         (",src,dst\n0,1,2\n", "first column of '.*' has no name"), ("src,dst,2020\n1,2,3\n", None)],
    )
    @pytest.mark.ours("the reference coordinator says nothing")
    def test_what_may_be_none_is_told(self, coordinator, connect, file, text, words):
        session = connect()
        edges(session, file(text)).schema
        said = lambda: gsc("logs", "--workspace", coordinator.workspace, "--session", session.session_id)
        wait_until(lambda: "100%" in said(), 20, "the load is logged")
        assert re.search(words, said()) if words else "columns" not in said() and "no name" not in said()


class TestSecondBatches:
    @pytest.fixture
    def first(self, sess, file):
        return sess.g().add_vertices(file("id,x,d,s\n1,5,0.5,a\n", "first"), "v")

    @pytest.mark.parametrize("text", ["id,x,d,s\n", "id,x,d,s\n2,,,\n", "id,x,d,s\n2,NA,NULL,\n"])
    def test_vertices_of_a_file(self, first, file, text):
        more = [] if text.count("\n") == 1 else [[2, 0, 0.0, ""]]
        assert rows(first.add_vertices(file(text), "v"), "id", "x", "d", "s") == [[1, 5, 0.5, "a"]] + more

    def test_vertices_of_a_frame(self, first, ids):
        frame = pd.DataFrame({"id": ids(2), "x": [None], "d": [None], "s": [None]})
        assert rows(first.add_vertices(frame, "v"), "id", "x", "d", "s") == [[1, 5, 0.5, "a"], [2, 0, 0.0, ""]]
        assert rows(first.add_vertices(frame[:0], "v"), "id") == [[1]]
        nothing = pd.DataFrame({"id": [], "x": [], "d": [], "s": []})
        assert rows(first.add_vertices(nothing, "v"), "id") == [[1]]

    @pytest.mark.parametrize("text, more", [("s,t,w\n", 0), ("s,t,w\n1,1,\n", 1)])
    def test_edges(self, first, file, text, more):
        graph = first.add_edges(file("s,t,w\n1,1,5\n", "e"), "e", None, "v", "v")
        types = [p.type for p in graph.schema.get_edge_properties("e")]
        graph = graph.add_edges(file(text, "more"), "e", None, "v", "v")
        assert [p.type for p in graph.schema.get_edge_properties("e")] == types
        assert graph.is_multigraph() == bool(more)

    def test_what_does_not_fit_is_refused_without_a_word_on_ids(self, first, file):
        message = refused(lambda: first.add_vertices(file("id,x,d,s\n2,much,1,a\n"), "v"), "'much'", "'x'", "int64")
        assert "oid_type" not in message


class TestLookAlikes:
    def test_columns(self, sess, file):
        path = file(f"id,{NFC},{NFD}\n1,2,3\n", "alike.csv")
        refused(lambda: sess.g().add_vertices(path, "v"), "alike.csv", "normalization", r"U\+00E9", r"U\+0065 U\+0301")
        for name, value in ((NFC, 2), (NFD, 3)):
            assert rows(sess.g().add_vertices(path, "v", [name]), name) == [[value]]

    def test_columns_of_a_frame(self, sess, ids):
        refused(lambda: sess.g().add_vertices(pd.DataFrame({"id": ids(1), NFC: [2], NFD: [3]}), "v"), "normalization")

    def test_labels(self, sess, file):
        v, e = file("id\n1\n", "v"), file("s,t\n1,1\n", "e")
        refused(lambda: sess.g().add_vertices(v, NFC).add_vertices(v, NFD), "vertex labels", "normalization")
        graph = sess.g().add_vertices(v, NFC)
        refused(lambda: graph.add_edges(e, "e", None, NFD, NFC), "vertex labels", "normalization")
        graph = graph.add_edges(e, NFC, None, NFC, NFC)
        refused(lambda: graph.add_edges(e, NFD, None, NFC, NFC), "edge labels", "normalization")

    def test_ids_are_told_apart_by_their_code_points(self, sess, file):
        graph = sess.g(oid_type="string", generate_eid=False).add_edges(file(f"s,t\n{NFC},{NFD}\n{NFD},x\n"))
        assert result(graphscope.bfs(graph, src=NFC)) == {NFC: 0, NFD: 1, "x": 2}
        assert result(graphscope.bfs(graph, src=NFD)) == {NFC: FAR, NFD: 0, "x": 1}


class TestIDs:
    @pytest.mark.parametrize("bad", ["", None])
    def test_an_empty_one_is_refused_in_files_and_frames(self, sess, file, bad):
        g = sess.g(oid_type="string")
        refused(lambda: g.add_vertices(file(f"id,n\na,1\n{bad or ''},2\n"), "v"), "line 3", "the id is missing")
        refused(lambda: g.add_vertices(pd.DataFrame({"id": ["a", bad], "n": [1, 2]}), "v"), "row 2", "the id is missing")
        ends = pd.DataFrame({"s": ["a", "b"], "t": ["b", bad]})
        refused(lambda: g.add_edges(ends, "e"), "row 2", "column 't'", "the id is missing")

    def test_texts_in_a_graph_of_integers(self, sess, file):
        refused(lambda: sess.g().add_vertices(file("id\n1\nann\n"), "v"), "line 3", "ann", 'oid_type="string"')
        refused(lambda: sess.g().add_vertices(pd.DataFrame({"id": ["ann"]}), "v"), "ann", 'oid_type="string"')

    def test_floats_of_a_frame(self, sess):
        refused(lambda: sess.g().add_vertices(pd.DataFrame({"id": [1.0, 2.0]}), "v"), r"\.astype")


class TestOtherFiles:
    @pytest.mark.parametrize(
        "content, words",
        [
            (gzip.compress(b"id\n1\n2\n"), ["gzip", "gunzip"]),
            (bz2.compress(b"id\n1\n2\n"), ["bzip2"]),
            ("id\n1\n2\n".encode("utf-16"), ["utf-16", "iconv"]),
            ("id\n1\n2\n".encode("utf-16-le"), ["utf-16le"]),
            (b"PAR1\x15\x04\x00\x00abcdPAR1", ["parquet", "pandas"]),
            (b"\x00\x01\x02\x03" * 9, ["binary"]),
        ],
    )
    def test_are_named(self, sess, file, content, words):
        refused(lambda: sess.g().add_vertices(file(content, "x.csv"), "v"), "x.csv", *words)

    @pytest.mark.parametrize("name, options", [("a.bin", {"filetype": "PARQUET"}), ("a.parquet", {}), ("a.orc", {})])
    def test_columnar_files(self, sess, file, name, options):
        refused(lambda: sess.g().add_vertices(Loader(file("", name), **options), "v"), name, "parquet", "pandas")

    def test_a_delimiter_of_two_bytes(self, sess, file):
        refused(lambda: sess.g().add_vertices(Loader(file("id§n\n1§a\n"), delimiter="§"), "v"), "§", "2 bytes")

    @pytest.mark.parametrize(
        "text, delimiter",
        [
            ("# Directed graph\n# FromNodeId\tToNodeId\n0\t1\n", "\t"),
            ("# Nodes: 5 Edges: 4\n0 1\n", " "),
            ("% asym unweighted\n% 1 2 3\n1 2\n", " "),
            ("from\tto\n# by hand\n1\t2\n", "\t"),
        ],
    )
    @pytest.mark.parametrize("header", [True, False])
    def test_comment_lines(self, sess, file, text, delimiter, header):
        loader = Loader(file(text), delimiter=delimiter, header_row=header)
        refused(lambda: edges(sess, loader), "comments|not an int64", "grep|oid_type")

    @pytest.mark.parametrize(
        "text, delimiter, seems",
        [
            ("from to\n1 2\n", "\t", "blank"), ("from|to\n1|2\n", ",", r"\|"), ("from;to\n1;2\n", ",", ";"),
            ("from\tto\n1\t2\n", " ", "tab"), ("from,to\n1\t2\n", ",", "tab"),
        ],
    )
    def test_another_delimiter(self, sess, file, text, delimiter, seems):
        loader = Loader(file(text), delimiter=delimiter)
        refused(lambda: edges(sess, loader), f"separated by '{seems}'", "delimiter=")

    def test_another_delimiter_where_there_is_one_column(self, sess, file):
        refused(lambda: sess.g().add_vertices(file("id|name\n1|ann\n"), "v"), r"separated by '\|'")


class TestPaths:
    @pytest.mark.ours("the folder is that of the coordinator of this machine")
    def test_a_relative_one(self, sess):
        refused(lambda: sess.g().add_vertices("no/such.csv", "v"), "no/such.csv", "relative", "below the directory", "'/")

    def test_a_pattern(self, sess, tmp_path):
        refused(lambda: sess.g().add_vertices(f"{tmp_path}/part-*.csv", "v"), "patterns", "each file")


def test_a_frame_of_too_many_columns(sess):
    frame = pd.DataFrame(np.zeros((1, 9000), dtype="int64"), columns=[f"c{i}" for i in range(9000)])
    refused(lambda: sess.g().add_vertices(frame, "v"), "9000 columns", "8192")
