"""Reading results and graphs back: selectors, vertex ranges, types, and large ones."""

import graphscope
import numpy as np
import pandas as pd
import pytest
from graphscope.framework.errors import AnalyticalEngineInternalError

from graphs import rows


@pytest.fixture(scope="module")
def graph(sess):
    v = pd.DataFrame(
        {
            "id": np.array([30, 10, 20, 40], dtype="int64"),
            "age": np.array([3, 1, 2, 4], dtype="int64"),
            "name": ["c", "a", "", "ü"],
        }
    )
    e = pd.DataFrame(
        {"src": np.array([10, 20], dtype="int64"), "dst": np.array([20, 30], dtype="int64"), "w": [0.5, 0.25]}
    )
    return sess.load_from(vertices={"v": (v, None, "id")}, edges={"e": (e, None, ("src", "v"), ("dst", "v"))})


@pytest.fixture(scope="module")
def context(graph):
    return graphscope.sssp(graph.project(vertices={"v": ["age"]}, edges={"e": ["w"]}), src=10)


class TestContexts:
    def test_to_numpy(self, context):
        ids, ages, distances = (context.to_numpy(s) for s in ("v.id", "v.data", "r"))
        assert (ids.dtype, ages.dtype, distances.dtype) == (np.int64, np.int64, np.float64)
        assert ids.tolist() == [30, 10, 20, 40]
        assert ages.tolist() == [3, 1, 2, 4]
        assert distances.tolist() == [0.75, 0.0, 0.5, 1.7976931348623157e308]

    def test_to_dataframe_keeps_the_order_of_the_selector(self, context):
        frame = context.to_dataframe({"r": "r", "id": "v.id", "again": "r", "age": "v.data"})
        assert list(frame) == ["r", "id", "again", "age"]
        assert frame["id"].tolist() == [30, 10, 20, 40]
        assert frame["r"].tolist() == frame["again"].tolist()

    @pytest.mark.parametrize(
        "limits, ids",
        [
            ({"begin": 20}, [30, 20, 40]),
            ({"end": 30}, [10, 20]),
            ({"begin": 10, "end": 30}, [10, 20]),
            ({"begin": 30, "end": 10}, []),
            ({"begin": -5, "end": 11}, [10]),
            ({"begin": 41}, []),
            ({"begin": "20"}, [30, 20, 40]),
        ],
    )
    def test_vertex_ranges_are_half_open_and_go_by_value(self, context, limits, ids):
        assert context.to_numpy("v.id", vertex_range=limits).tolist() == ids
        frame = context.to_dataframe({"id": "v.id", "r": "r"}, vertex_range=limits)
        assert frame["id"].tolist() == ids and len(frame["r"]) == len(ids)

    @pytest.mark.parametrize("bound", ["x", 2.5])
    def test_a_bound_that_is_no_id_is_an_error(self, context, bound):
        with pytest.raises((AnalyticalEngineInternalError, ValueError)):
            context.to_numpy("r", vertex_range={"begin": bound})

    def test_vertex_data_that_was_projected_away_is_an_error(self, graph):
        bare = graphscope.bfs(graph.project(vertices={"v": []}, edges={"e": []}), src=10)
        with pytest.raises(Exception):
            bare.to_numpy("v.data")
        assert bare.to_numpy("r").tolist() == [2, 0, 1, 2**63 - 1]

    @pytest.mark.ours("the reference's engine crashes")
    def test_vertex_data_may_be_text(self, graph):
        named = graphscope.bfs(graph.project(vertices={"v": ["name"]}, edges={"e": []}), src=10)
        assert named.to_numpy("v.data").tolist() == ["c", "a", "", "ü"]

    def test_a_context_outlives_its_graph_and_its_application(self, sess, graph):
        simple = graph.project(vertices={"v": []}, edges={"e": []})
        context = graphscope.bfs(simple, src=10)
        del simple
        sess.g()  # the client releases what was dropped before its next request
        assert context.to_numpy("r").tolist() == [2, 0, 1, 2**63 - 1]

    def test_two_runs_of_one_application_are_two_results(self, graph):
        simple = graph.project(vertices={"v": []}, edges={"e": []})
        first, second = graphscope.bfs(simple, src=10), graphscope.bfs(simple, src=20)
        assert first.to_numpy("r").tolist() == [2, 0, 1, 2**63 - 1]
        assert second.to_numpy("r").tolist() == [1, 2**63 - 1, 0, 2**63 - 1]


class TestGraphs:
    def test_to_numpy(self, graph):
        assert graph.to_numpy("v:v.id").tolist() == [30, 10, 20, 40]
        assert graph.to_numpy("v:v.age").tolist() == [3, 1, 2, 4]
        assert graph.to_numpy("v:v.name").tolist() == ["c", "a", "", "ü"]

    def test_to_dataframe(self, graph):
        frame = graph.to_dataframe({"n": "v:v.name", "id": "v:v.id"}, vertex_range={"begin": 20})
        assert rows(frame) == {"n": ["c", "", "ü"], "id": [30, 20, 40]}

    @pytest.mark.parametrize(
        "selector, error", [("v:v.nope", KeyError), ("v:nope.id", KeyError), ("e:e.w", (KeyError, ValueError))]
    )
    def test_what_does_not_exist(self, graph, selector, error):
        with pytest.raises(error):
            graph.to_numpy(selector)

    def test_a_projection_hides_what_it_leaves_out(self, graph):
        projected = graph.project(vertices={"v": ["age"]}, edges={"e": []})
        assert [p.name for p in projected.schema.get_vertex_properties("v")] == ["age"]
        assert projected.to_numpy("v:v.age").tolist() == [3, 1, 2, 4]
        with pytest.raises((KeyError, ValueError)):
            projected.to_numpy("v:v.name")

    @pytest.mark.parametrize(
        "vertices, edges, missing",
        [
            ({"nope": []}, {"e": []}, "nope"),
            ({"v": ["nope"]}, {"e": []}, "nope"),
            ({"v": []}, {"nope": []}, "nope"),
        ],
    )
    def test_projecting_on_what_does_not_exist(self, graph, vertices, edges, missing):
        with pytest.raises(KeyError, match=missing):
            graph.project(vertices=vertices, edges=edges)


class TestStrings:
    @pytest.fixture(scope="class")
    def context(self, sess, tmp_path_factory):
        directory = tmp_path_factory.mktemp("strings")
        (directory / "v.csv").write_text("id\ni2\ni6\ni4\ni1\n")
        (directory / "e.csv").write_text("src,dst,w\ni1,i2,1\ni1,i4,1\n")
        graph = sess.load_from(
            vertices={"v": (str(directory / "v.csv"), [], "id")},
            edges={"e": (str(directory / "e.csv"), ["w"], ("src", "v"), ("dst", "v"))},
            oid_type="string",
        )
        return graphscope.bfs(graph.project(vertices={"v": []}, edges={"e": []}), src="i1")

    def test_ids(self, context):
        assert context.to_numpy("v.id").tolist() == ["i2", "i6", "i4", "i1"]

    def test_ranges_compare_text(self, context):
        frame = context.to_dataframe({"id": "v.id", "r": "r"}, vertex_range={"begin": "i1", "end": "i4"})
        assert rows(frame) == {"id": ["i2", "i1"], "r": [1, 0]}


def test_a_result_larger_than_any_flow_control_window(sess):
    n = 1_000_000
    v = pd.DataFrame({"id": np.arange(n, dtype="int64"), "x": np.arange(n) * 0.5})
    e = pd.DataFrame({"src": np.array([0], dtype="int64"), "dst": np.array([1], dtype="int64")})
    graph = sess.load_from(vertices={"v": (v, None, "id")}, edges={"e": (e, None, ("src", "v"), ("dst", "v"))})
    assert (graph.to_numpy("v:v.x") == v["x"]).all()
    frame = graph.to_dataframe({"id": "v:v.id", "x": "v:v.x"})
    assert (frame["id"] == v["id"]).all() and (frame["x"] == v["x"]).all()
