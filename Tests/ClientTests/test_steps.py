"""Steps: graphs of operations that arrive whole, in parts, again, or not at all."""

import pickle

import graphscope
import grpc
import numpy as np
import pytest
from graphscope.framework.errors import AnalyticalEngineInternalError, UnimplementedError
from graphscope.proto import types_pb2 as t
from graphscope.proto.error.coordinator_pb2 import OK

import raw
from conftest import REFERENCE
from graphs import edge_list, result, write

one_session = pytest.mark.ours("the reference serves one session at a time")


@pytest.fixture
def client(address):
    with raw.Client(address) as client:
        client.id = client.connect().session_id
        yield client
        client.close(client.id)


@pytest.fixture
def edges(csv):
    return csv("e.csv", "src,dst\n1,2\n2,3\n")


class TestLazyMode:
    @pytest.fixture
    def lazy(self, connect):
        return connect(mode="lazy")

    @one_session
    def test_one_run_with_several_targets(self, lazy, tmp_path):
        v, e = write(edge_list("path", directed=True), tmp_path)
        graph = lazy.g(directed=True).add_vertices(v, label="v")
        graph = graph.add_edges(e, label="e", src_label="v", dst_label="v")
        context = graphscope.bfs(graph.project(vertices={"v": []}, edges={"e": []}), src=0)
        array, frame, loaded = lazy.run(
            [context.to_numpy("r"), context.to_dataframe({"id": "v.id", "r": "r"}), graph]
        )
        assert sorted(array.tolist()) == list(range(12))
        assert (frame["id"] == frame["r"]).all()
        assert loaded.schema.vertex_labels == ["v"]

    @one_session
    def test_what_was_not_fetched_may_be_run_again(self, lazy, tmp_path):
        """The client sends the unfetched operations again, with the keys they had."""
        v, e = write(edge_list("path", directed=True), tmp_path)
        graph = lazy.g().add_vertices(v, label="v").add_edges(e, label="e", src_label="v", dst_label="v")
        simple = graph.project(vertices={"v": []}, edges={"e": []})
        first = lazy.run(graphscope.bfs(simple, src=0).to_numpy("r"))
        second = lazy.run(graphscope.bfs(simple, src=11).to_numpy("r"))
        assert sorted(first.tolist()) == list(range(12))
        assert sorted(second.tolist())[:2] == [0, 2**63 - 1]

    @one_session
    def test_a_failure_in_the_middle(self, lazy, tmp_path):
        graph = lazy.g().add_vertices(str(tmp_path / "nowhere.csv"), label="v")
        with pytest.raises(AnalyticalEngineInternalError, match="nowhere.csv"):
            lazy.run(graph)


@one_session
class TestProtocol:
    def test_an_empty_dag(self, client):
        head, bodies = client.run(client.id, [])
        assert (head.code, list(head.results), bodies) == (OK, [], [])

    def test_every_operation_has_a_result_under_its_key(self, client, edges):
        ops = raw.load_ops(edges)
        head, _ = client.run(client.id, ops)
        assert head.code == OK, head.error_msg
        assert [r.key for r in head.results] == [o.key for o in ops]
        assert head.results[1].graph_def.graph_type == 4

    def test_parents_may_be_in_an_earlier_step(self, client, edges):
        ops = raw.load_ops(edges)
        client.run(client.id, ops)
        select = raw.op(t.GRAPH_TO_NUMPY, [ops[1]], output=t.TENSOR, SELECTOR="v:_.id")
        head, bodies = client.run(client.id, [select])
        assert head.code == OK, head.error_msg
        data = head.results[0].result or b"".join(b.chunk for b in bodies)
        assert sorted(np.frombuffer(data[-24:], dtype="<i8").tolist()) == [1, 2, 3]

    def test_an_unknown_parent(self, client):
        head, _ = client.run(client.id, [raw.op(t.UNLOAD_GRAPH, ["f" * 32])])
        assert head.code != OK
        assert "f" * 32 in str(pickle.loads(head.full_exception))

    def test_a_step_that_failed_fails_again_with_the_same_keys(self, client, tmp_path):
        ops = raw.load_ops(str(tmp_path / "nowhere.csv"))
        first, _ = client.run(client.id, ops)
        again, _ = client.run(client.id, ops + [raw.op(t.UNLOAD_GRAPH, [ops[1]])])
        assert first.code == again.code != OK
        assert "nowhere.csv" in str(pickle.loads(again.full_exception))

    def test_a_step_that_failed_works_once_its_cause_is_gone(self, client, tmp_path):
        path = tmp_path / "late.csv"
        ops = raw.load_ops(str(path))
        assert client.run(client.id, ops)[0].code != OK
        path.write_text("src,dst\n1,2\n")
        assert client.run(client.id, ops)[0].code == OK

    def test_results_before_a_failure_are_kept(self, client, edges, tmp_path):
        good, bad = raw.load_ops(edges), raw.load_ops(str(tmp_path / "nowhere.csv"))
        head, _ = client.run(client.id, good + bad + raw.load_ops(edges))
        assert head.code != OK
        assert [r.key for r in head.results][:2] == [o.key for o in good]
        select = raw.op(t.GRAPH_TO_NUMPY, [good[1]], output=t.TENSOR, SELECTOR="v:_.id")
        assert client.run(client.id, [select])[0].code == OK

    def test_the_same_key_again_replaces_the_result(self, client, csv):
        first = raw.load_ops(csv("a.csv", "src,dst\n1,2\n"), key="a" * 32)
        second = raw.load_ops(csv("b.csv", "src,dst\n1,2\n3,4\n"), key="a" * 32)
        select = raw.op(t.GRAPH_TO_NUMPY, ["a" * 32], output=t.TENSOR, SELECTOR="v:_.id")
        client.run(client.id, first)
        client.run(client.id, second)
        head, bodies = client.run(client.id, [select])
        data = head.results[0].result or b"".join(b.chunk for b in bodies)
        assert sorted(np.frombuffer(data[-32:], dtype="<i8").tolist()) == [1, 2, 3, 4]

    def test_unload_twice_and_in_any_order(self, client, edges):
        ops = raw.load_ops(edges)
        simple = raw.op(t.PROJECT_TO_SIMPLE, [ops[1]], output=t.GRAPH, V_PROP_KEY="None", E_PROP_KEY="None",
                        VERTEX_MAP_TYPE=1, COMPACT_EDGES=False, USE_PERFECT_HASH=False)
        app = raw.op(t.CREATE_APP, output=t.APP, APP_ALGO="pagerank_directed")
        bound = raw.op(t.BIND_APP, [simple, app], output=t.BOUND_APP, APP_ALGO="pagerank_directed",
                       VERTEX_MAP_TYPE=1, COMPACT_EDGES=False, USE_PERFECT_HASH=False)
        context = raw.op(t.RUN_APP, [bound], output=t.RESULTS, OUTPUT_PREFIX=".")
        from graphscope.proto.data_types_pb2 import DoubleValue, Int64Value

        context.query_args.args.add().Pack(DoubleValue(value=0.85))
        context.query_args.args.add().Pack(Int64Value(value=10))
        head, _ = client.run(client.id, ops + [simple, app, bound, context])
        assert head.code == OK, head.error_msg

        def unload(kind, parent):
            head, _ = client.run(client.id, [raw.op(kind, [parent])])
            assert head.code == OK, head.error_msg

        unload(t.UNLOAD_GRAPH, ops[1])
        unload(t.UNLOAD_APP, bound)
        unload(t.UNLOAD_APP, app)  # as lazy mode does
        unload(t.UNLOAD_GRAPH, simple)
        select = raw.op(t.CONTEXT_TO_NUMPY, [context], output=t.TENSOR, SELECTOR="r", AXIS=0)
        assert client.run(client.id, [select])[0].code == OK
        for _ in range(2):
            unload(t.UNLOAD_CONTEXT, context)
            unload(t.UNLOAD_GRAPH, ops[1])
        head, _ = client.run(client.id, [raw.op(t.CONTEXT_TO_NUMPY, [context], SELECTOR="r", AXIS=0)])
        assert head.code != OK, "an unloaded result is gone"

    @pytest.mark.parametrize(
        "kind",
        [t.SUBGRAPH, t.VIEW_GRAPH, t.ARCHIVE_GRAPH],
    )
    def test_operations_that_do_not_exist_here_say_which_do(self, client, edges, kind):
        ops = raw.load_ops(edges)
        client.run(client.id, ops)
        head, _ = client.run(client.id, [raw.op(kind, [ops[1]])])
        assert head.code != OK and head.error_msg
        error = pickle.loads(head.full_exception)
        assert isinstance(error, UnimplementedError)
        for words in ("session.g()", "project()", "to_numpy()", "pagerank", "--engine graphscope"):
            assert words in str(error)

    def test_an_operation_that_no_client_knows_is_refused_with_its_number(self, client):
        with pytest.raises(grpc.RpcError) as failed:
            client.run(client.id, [raw.op(999, [])])
        assert failed.value.code() == grpc.StatusCode.INVALID_ARGUMENT and "999" in failed.value.details()

    def test_every_failure_carries_an_exception(self, client, edges):
        """Without one the client raises nothing and stumbles later."""
        ops = raw.load_ops(edges)
        client.run(client.id, ops)
        for bad in (
            raw.op(t.RUN_APP),
            raw.op(t.REPORT_GRAPH),
            raw.op(t.PROJECT_GRAPH, [ops[1]], output=t.GRAPH, VERTEX_COLLECTIONS="{", EDGE_COLLECTIONS="[]"),
            raw.op(t.PROJECT_GRAPH, [ops[1]], output=t.GRAPH),
            raw.op(t.GRAPH_TO_NUMPY, [ops[1]], SELECTOR="v:_.id", VERTEX_RANGE="[1,2]"),
            raw.op(t.GRAPH_TO_DATAFRAME, [ops[1]], SELECTOR="not json"),
            raw.op(t.CREATE_GRAPH, output=t.GRAPH, GRAPH_TYPE=99),
            raw.op(t.BIND_APP, [ops[1], ops[0]], APP_ALGO="pagerank"),
            raw.op(t.CONTEXT_TO_NUMPY, [ops[1]], SELECTOR="r"),
            raw.op(t.DATA_SOURCE, chunks=[(0, {})]),
        ):
            head, _ = client.run(client.id, [bad])
            if bad.op == t.DATA_SOURCE and head.code == OK:
                continue  # a source is read by the operation that uses it
            assert head.code != OK, t.OperationType.Name(bad.op)
            assert str(pickle.loads(head.full_exception))


def test_dropping_graphs_releases_their_files(coordinator, connect, csv):
    if REFERENCE:
        pytest.skip("not with the reference coordinator: its objects are not files")
    session = connect()
    before = set(coordinator.session_files())
    graph = session.load_from(edges={"e": csv("e.csv", "src,dst\n1,2\n")})
    assert set(coordinator.session_files()) > before
    del graph
    session.g()  # the client releases what was dropped before its next request
    remaining = set(coordinator.session_files()) - before
    assert not [file for file in remaining if file.endswith(("src", "dst", "id"))]


def test_a_failure_raises_the_exception_of_its_kind(sess, tmp_path):
    with pytest.raises(AnalyticalEngineInternalError):
        sess.load_from(edges={"e": str(tmp_path / "nowhere.csv")})
    with pytest.raises(KeyError):
        graph = sess.g()
        graph.project(vertices={"nope": []}, edges={})


def test_an_unknown_algorithm_is_a_key_error(sess):
    from graphscope.framework.app import AppAssets
    from graphs import load, unweighted

    simple = unweighted(load(sess, edge_list("path", directed=True)))
    with pytest.raises((KeyError, UnimplementedError), match="no_such_app|gar resource"):
        AppAssets(algo="no_such_app", context="vertex_data")(simple)
    assert len(result(graphscope.bfs(simple, src=0))) == 12
