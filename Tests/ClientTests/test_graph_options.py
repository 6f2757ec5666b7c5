"""What a graph is made with: maps of vertices, layouts of edges, kept ids, numbers of edges, and properties of every type."""

import itertools

import graphscope
import graphscope.nx
import numpy as np
import pandas as pd
import pytest

pytestmark = pytest.mark.ours("the reference compiles each layout")

EDGES = [(1, 2, 1.5), (2, 3, 0.5), (1, 3, 4.0), (3, 4, 1.0), (3, 3, 9.0)]
BFS = {1: 0, 2: 1, 3: 1, 4: 2, 5: 2**63 - 1}
SSSP = {1: 0, 2: 1.5, 3: 2.0, 4: 3.0, 5: np.finfo(float).max}
LAYOUTS = [
    dict(zip(("vertex_map", "compact_edges", "use_perfect_hash"), chosen))
    for chosen in itertools.product(["global", "local"], [False, True], [False, True])
]


def name(vertex, texts):
    return f"v{vertex}" if texts else vertex


def made(sess, texts=False, **options):
    ids = [name(vertex, texts) for vertex in range(1, 6)]
    edges = pd.DataFrame([(name(s, texts), name(t, texts), w) for s, t, w in EDGES], columns=["s", "t", "w"])
    # Graphs with these layouts cannot be extended, says the client, so that they are loaded at once.
    return sess.load_from(
        vertices={"a": (pd.DataFrame({"k": ids, "x": [10, 20, 30, 40, 50]}), ["x"], "k")},
        edges={"e": (edges, ["w"], ("s", "a"), ("t", "a"))},
        oid_type="string" if texts else "int64",
        **options,
    )


def result(context):
    frame = context.to_dataframe({"id": "v.id", "r": "r"})
    return dict(zip(frame["id"].tolist(), frame["r"].tolist()))


@pytest.mark.parametrize("texts", [False, True], ids=["integers", "texts"])
@pytest.mark.parametrize("options", LAYOUTS, ids=lambda options: " ".join(str(v) for v in options.values()))
def test_every_layout_has_the_same_results(sess, options, texts):
    graph = made(sess, texts, generate_eid=False, **options)
    source = name(1, texts)
    assert result(graphscope.bfs(graph, src=source)) == {name(v, texts): d for v, d in BFS.items()}
    assert result(graphscope.sssp(graph, src=source, weight="w")) == {name(v, texts): d for v, d in SSSP.items()}


@pytest.mark.parametrize("retained", [False, True])
@pytest.mark.parametrize("numbered", [False, True])
def test_kept_ids_and_numbers_of_edges(sess, retained, numbered):
    graph = made(sess, generate_eid=numbered, retain_oid=retained)
    vertices = [p.name for p in graph.schema.get_vertex_properties("a")]
    edges = [p.name for p in graph.schema.get_edge_properties("e")]
    assert vertices == ["x"] + ["k"] * retained
    assert sorted(edges) == ["eid"] * numbered + ["w"]
    assert graph.to_numpy("v:a.id").tolist() == [1, 2, 3, 4, 5]
    if numbered:
        shown = graphscope.nx.DiGraph(graph, default_label="a")
        numbers = [data["eid"] for _, _, data in shown.edges(data=True)]
        assert len(set(numbers)) == len(EDGES) and all(isinstance(number, int) for number in numbers)
    if retained:
        shown = graph.project(vertices={"a": ["k"]}, edges={"e": []})
        values = graphscope.bfs(shown, src=1).to_dataframe({"id": "v.id", "data": "v.data"})
        assert values["id"].tolist() == values["data"].tolist()


def test_several_relations_of_an_edge_label(sess):
    graph = sess.g(generate_eid=False)
    graph = graph.add_vertices(pd.DataFrame({"k": [1, 2]}), label="a")
    graph = graph.add_vertices(pd.DataFrame({"k": [11, 12]}), label="b")
    ends = [("a", "a", 1, 2), ("a", "b", 2, 11), ("b", "b", 11, 12), ("b", "a", 12, 1)]
    for source, target, s, t in ends:
        rows = pd.DataFrame({"s": [s], "t": [t], "w": [1.0]})
        graph = graph.add_edges(rows, label="e", src_label=source, dst_label=target)
    assert sorted(graph.schema.get_relationships("e")) == sorted((s, t) for s, t, _, _ in ends)
    distances = graphscope.bfs(graph.project(vertices={"a": [], "b": []}, edges={"e": []}), src=1)
    assert result(distances) == {1: 0, 2: 1, 11: 2, 12: 3}
    inside = graph.project(vertices={"b": []}, edges={"e": []})
    assert result(graphscope.bfs(inside, src=11)) == {11: 0, 12: 1}


def test_a_property_of_every_type(sess):
    # Times and float32 come from files only: the client does not send them from frames (test_load.py).
    columns = {
        "i8": np.array([-1, 2], dtype="int8"), "u8": np.array([1, 255], dtype="uint8"),
        "i16": np.array([-1, 2], dtype="int16"), "u16": np.array([1, 65535], dtype="uint16"),
        "i32": np.array([-1, 2], dtype="int32"), "u32": np.array([1, 2**32 - 1], dtype="uint32"),
        "i64": np.array([-1, 2**62], dtype="int64"), "u64": np.array([1, 2**64 - 1], dtype="uint64"),
        "f64": np.array([0.1, 1e300]),
        "flag": np.array([True, False]), "text": np.array(["ä", ""], dtype=object),
    }  # fmt: skip
    graph = sess.g(generate_eid=False, retain_oid=False)
    graph = graph.add_vertices(pd.DataFrame({"k": [1, 2], **columns}), label="a")
    edges = pd.DataFrame({"s": [1], "t": [2], **{key: values[:1] for key, values in columns.items()}})
    graph = graph.add_edges(edges, label="e", src_label="a", dst_label="a")
    assert [p.name for p in graph.schema.get_vertex_properties("a")] == list(columns)
    assert [p.name for p in graph.schema.get_edge_properties("e")] == list(columns)
    for key, values in columns.items():
        read = graph.to_numpy(f"v:a.{key}").tolist()
        assert read == (values.astype("int64") if key == "flag" else values).tolist(), key
    for key in ("u32", "u64", "f64"):
        assert result(graphscope.sssp(graph, src=1, weight=key))[2] == float(columns[key][0])
