"""Wrong answers and wrong words about graphs, projections and algorithms that users met."""

import pathlib
import re

import graphscope
import pandas as pd
import pytest
from graphscope.analytical.app.custom import custom_analytical_algorithm
from graphscope.framework.app import AppAssets
from graphscope.framework.errors import (
    AnalyticalEngineInternalError,
    InvalidArgumentError,
    UnimplementedError,
)

from conftest import close
from test_operator import gsc
from test_recovery import eventually, host  # noqa: F401

FAR = 2**63 - 1


def frame(**columns):
    return pd.DataFrame(columns)


def values(context):
    result = context.to_dataframe({"id": "v.id", "r": "r"})
    return dict(zip(result["id"].tolist(), result["r"].tolist()))


@pytest.fixture
def graph(sess):
    """Vertices a and b; edges k from a to a, l from a to a and to b."""
    graph = sess.g(generate_eid=False).add_vertices(frame(id=[1, 2, 3]), label="a")
    graph = graph.add_vertices(frame(id=[11]), label="b")
    for label, rows, destination in (("k", [(1, 2)], "a"), ("l", [(2, 11)], "b"), ("l", [(1, 3)], "a")):
        rows = pd.DataFrame(rows, columns=["s", "t"])
        graph = graph.add_edges(rows, label=label, src_label="a", dst_label=destination)
    return graph


class TestNames:
    def test_an_own_column_eid_is_the_one_that_is_meant(self, sess, csv):
        loaded = sess.g(generate_eid=True).add_edges(csv("e.csv", "s,t,eid\n1,2,77\n2,3,78\n"), label="e")
        assert values(graphscope.sssp(loaded, src=1, weight="eid")) == {1: 0.0, 2: 77.0, 3: 155.0}
        shown = loaded.project(vertices={"_": []}, edges={"e": ["eid"]})
        assert [p.id for p in shown.schema.get_edge_properties("e")] == [1]

    def test_a_property_called_id_beside_the_ids(self, sess, csv):
        loaded = (
            sess.g(generate_eid=False)
            .add_vertices(csv("v.csv", "k,id\n5,50\n6,60\n"), label="p", vid_field="k")
            .add_edges(frame(s=[5], t=[6]), label="e", src_label="p", dst_label="p")
        )
        # The selector of ids is GraphScope's; the property is reached by a projection.
        assert loaded.to_numpy("v:p.id").tolist() == [5, 6]
        shown = loaded.project(vertices={"p": ["id"]}, edges={"e": []})
        result = graphscope.bfs(shown, src=5).to_dataframe({"k": "v.id", "id": "v.data"})
        assert result.values.tolist() == [[5, 50], [6, 60]]


class TestProjections:
    def test_edges_under_a_hidden_label(self, graph):
        shown = graph.project(vertices={"a": []}, edges={"k": []})
        with pytest.raises(InvalidArgumentError, match="hides edge label 'l'"):
            shown.add_edges(frame(s=[2], t=[3]), label="l", src_label="a", dst_label="a").schema

    def test_rows_for_a_hidden_vertex_label(self, graph):
        shown = graph.project(vertices={"a": []}, edges={"k": []})
        with pytest.raises(InvalidArgumentError, match="hides vertex label 'b'"):
            shown.add_vertices(frame(id=[12]), label="b").schema

    def test_edges_under_a_label_that_is_shown(self, graph):
        shown = graph.project(vertices={"a": []}, edges={"k": []})
        more = shown.add_edges(frame(s=[2], t=[3]), label="k", src_label="a", dst_label="a")
        assert values(graphscope.bfs(more, src=1)) == {1: 0, 2: 1, 3: 2}

    @pytest.mark.ours("the reference keeps one relation of a label that gets edges twice")
    def test_relations_whose_ends_are_hidden(self, graph):
        shown = graph.project(vertices={"a": []}, edges={"l": []})
        assert [[tuple(r) for r in label] for label in shown.schema.edge_relationships] == [[("a", "a")]]
        assert values(graphscope.bfs(shown, src=1)) == {1: 0, 2: FAR, 3: 1}

    def test_hidden_labels_are_told_apart_from_missing_ones(self, graph):
        shown = graph.project(vertices={"a": []}, edges={"k": []})
        with pytest.raises(ValueError, match="Vertex b not exists in graph"):
            shown.project(vertices={"b": []}, edges={"k": []})
        with pytest.raises(ValueError, match="Edge l not exists in graph"):
            shown.project(vertices={"a": []}, edges={"l": []})
        with pytest.raises(ValueError, match="Vertex b not exists in graph"):
            shown.to_numpy("v:b.id")
        with pytest.raises(KeyError, match="nope not exists"):
            shown.project(vertices={"nope": []}, edges={"k": []})


class TestAlgorithms:
    def test_components_of_labels_that_share_ids(self, sess):
        shared = (
            sess.g(directed=False, generate_eid=False)
            .add_vertices(frame(id=[1, 2]), label="a")
            .add_vertices(frame(id=[1, 3]), label="b")
            .add_edges(frame(s=[1], t=[2]), label="k", src_label="a", dst_label="a")
            .add_edges(frame(s=[1], t=[3]), label="l", src_label="b", dst_label="b")
        )
        for algorithm in (graphscope.wcc, graphscope.cdlp):
            groups = algorithm(shared).to_numpy("r").tolist()
            assert not set(groups[:2]) & set(groups[2:])
        with pytest.raises(InvalidArgumentError, match="an id that occurs in only one label"):
            graphscope.bfs(shared, src=1)
        assert sorted(set(values(graphscope.bfs(shared, src=3)).values()))[0] == 0

    @pytest.mark.parametrize("delta, rounds", [(2.0, 10), (-1.0, 10), (float("nan"), 10), (0.85, -5)])
    def test_pagerank_of_nonsense(self, graph, delta, rounds):
        shown = graph.project(vertices={"a": []}, edges={"k": []})
        name = "max_round' .* 0 or more" if rounds < 0 else "delta' .* from 0 to 1"
        with pytest.raises(InvalidArgumentError, match=name):
            graphscope.pagerank(shown, delta=delta, max_round=rounds)

    def test_sources_of_the_wrong_type(self, sess, graph):
        shown = graph.project(vertices={"a": []}, edges={"k": []})
        with pytest.raises(InvalidArgumentError, match="'src' .* must be an integer, like the vertex ids"):
            graphscope.bfs(shown, src="1")
        texts = sess.g(oid_type="string", generate_eid=False)
        texts = texts.add_edges(frame(s=["1", "2"], t=["2", "3"], w=[4, 5]), label="e")
        for algorithm, options in ((graphscope.bfs, {}), (graphscope.sssp, {"weight": "w"})):
            with pytest.raises(InvalidArgumentError, match="'src' .* must be a string, like the vertex ids.*src='1'"):
                algorithm(texts, src=1, **options)
        assert values(graphscope.bfs(texts, src="1")) == {"1": 0, "2": 1, "3": 2}
        assert values(graphscope.sssp(texts, src="1", weight="w")) == {"1": 0, "2": 4, "3": 9}

    def test_too_many_arguments(self, graph):
        simple = graph.project(vertices={"a": []}, edges={"k": []})._project_to_simple()
        with pytest.raises(AnalyticalEngineInternalError, match=re.escape("args_num >= query_args.args_size()")):
            custom_analytical_algorithm(simple, "wcc", 1, 2, 3)


@pytest.mark.ours("the embedded engine's words")
class TestWords:
    def test_what_is_not_built_is_told_in_words_of_users(self, graph):
        with pytest.raises(UnimplementedError, match="'flash_fluid_community' .*pagerank.*--engine graphscope"):
            simple = graph.project(vertices={"a": []}, edges={"k": []})._project_to_simple()
            AppAssets(algo="flash_fluid_community", context="vertex_data")(simple)
        with pytest.raises(UnimplementedError, match=r"graph.save_to\(\) in GraphAr.*--engine graphscope") as error:
            graph.save_to("/nowhere", format="graphar")
        assert not re.search("[A-Z]_[A-Z]", str(error.value))

    def test_an_object_that_no_store_has(self, sess):
        import graphscope.proto.types_pb2 as t
        from graphscope.framework import dag_utils, utils

        config = {t.IS_FROM_VINEYARD_ID: utils.b_to_attr(True), t.VINEYARD_ID: utils.i_to_attr(12345)}
        operation = dag_utils.create_graph(sess.session_id, graphscope.framework.graph.graph_def_pb2.ARROW_PROPERTY, attrs=config)
        with pytest.raises(AnalyticalEngineInternalError, match="Object not exists"):
            sess._wrapper(graphscope.framework.graph.GraphDAGNode(sess, operation))

    def test_the_store_of_a_learning_handle_is_text(self, sess):
        assert sess.engine_config["vineyard_socket"] == ""

    def test_a_session_has_one_worker_and_says_so(self, coordinator, sess):
        assert sess.info["num_workers"] == 1
        told = gsc("describe", "session", sess.session_id, "--workspace", coordinator.workspace)
        assert "an embedded engine is one worker, whose algorithms run on up to" in told
        told = gsc("scale", sess.session_id, "--workers", 4, "--workspace", coordinator.workspace)
        assert re.search("has room for 4 workers on .*; its engine is 1 worker, whose algorithms run on", told)
        assert "has 4 workers" not in told


@pytest.mark.ours("restarts our coordinator")
def test_a_result_with_a_flipped_byte_is_not_served(host):
    host.start()
    session = graphscope.session(addr=host.address)
    loaded = session.g(generate_eid=False).add_edges(frame(s=[1, 2], t=[2, 3]), label="e")
    result = graphscope.bfs(loaded, src=1)
    assert values(result) == {1: 0, 2: 1, 3: 2}
    host.kill()
    (path,) = pathlib.Path(host.running.workspace).rglob("*.values")
    content = bytearray(path.read_bytes())
    content[8] ^= 4
    path.write_bytes(content)
    host.start()
    with pytest.raises(AnalyticalEngineInternalError, match=f"{path.name}' is damaged.*Run the algorithm again"):
        eventually(lambda: values(result))
    assert values(graphscope.bfs(loaded, src=1)) == {1: 0, 2: 1, 3: 2}
    close(session)
