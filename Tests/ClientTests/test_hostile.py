"""What no client sends. The coordinator answers with an error, and goes on serving everybody else."""

import pickle

import grpc
import pytest
from graphscope.proto import message_pb2, op_def_pb2
from graphscope.proto import types_pb2 as t
from graphscope.proto.error.coordinator_pb2 import OK

import raw

pytestmark = pytest.mark.ours("the reference hangs on some of these")
CODE = grpc.StatusCode


@pytest.fixture
def client(address):
    with raw.Client(address) as client:
        client.id = client.connect().session_id
        yield client
        client.heartbeat()
        assert client.run(client.id, [])[0].code == OK, "the session goes on"
        client.close(client.id)


def refused(call, *arguments):
    """The status of a call that fails, or the exception in the head of a step that does."""
    try:
        head, _ = call(*arguments)
    except grpc.RpcError as error:
        assert error.code() not in (CODE.OK, CODE.UNKNOWN, CODE.UNAVAILABLE, CODE.DEADLINE_EXCEEDED), error
        assert error.details()
        return error.details()
    assert head.code != OK
    return str(pickle.loads(head.full_exception))


class TestStreams:
    def test_nothing_at_all(self, client):
        refused(client.exchange, [])

    def test_an_empty_message(self, client):
        refused(client.exchange, [message_pb2.RunStepRequest()])

    def test_a_body_without_head(self, client):
        refused(client.exchange, [raw.body(b"x", "a" * 32)])

    def test_two_heads(self, client):
        refused(client.exchange, [raw.head(client.id, []), raw.head(client.id, [])])

    def test_a_body_for_an_operation_that_is_not_there(self, client):
        refused(client.exchange, [raw.head(client.id, []), raw.body(b"x", "a" * 32)])

    def test_a_head_after_bodies(self, client):
        source = raw.op(t.DATA_SOURCE, chunks=[(1, dict(PROTOCOL="pandas"))])
        refused(client.exchange, [raw.body(b"x", source.key), raw.head(client.id, [source])])

    @pytest.mark.parametrize(
        "announced, chunks",
        [
            (10, [b"12345"]),
            (5, [b"12345", b"6"]),
            (5, [b"123456"]),
            (0, [b"1"]),
            (2**62, [b"1"]),
            (5, []),
        ],
        ids=["too short", "one chunk too many", "too long", "none announced", "absurd size", "missing"],
    )
    def test_bodies_that_are_not_what_was_announced(self, client, announced, chunks):
        frame = dict(CHUNK_NAME="vertex", CHUNK_TYPE="loader", LABEL="v", VID="id", PROTOCOL="pandas", SOURCE="")
        source = raw.op(t.DATA_SOURCE, chunks=[(announced, frame)])
        create = raw.load_ops("unused")[1]
        del create.parents[:]
        create.parents.append(source.key)
        bodies = [raw.body(c, source.key, more=i + 1 < len(chunks)) for i, c in enumerate(chunks)]
        refused(client.exchange, [raw.head(client.id, [source, create]), *bodies])

    def test_a_stream_that_is_cut_off(self, client):
        source = raw.op(t.DATA_SOURCE, chunks=[(1000, dict(PROTOCOL="pandas"))])

        def requests():
            yield raw.head(client.id, [source])
            yield raw.body(b"x", source.key, more=True)
            call.cancel()
            yield raw.body(b"x", source.key, more=True)

        call = client.stub.RunStep(requests())
        with pytest.raises(grpc.RpcError):
            list(call)

    def test_data_that_is_no_arrow_stream(self, client):
        for data in (b"\x00", b"\xff" * 8, b"\xff\xff\xff\xff\xff\xff\xff\x7f" + b"A" * 64, b"ARROW1\0\0" + b"\0" * 99):
            frame = dict(CHUNK_NAME="vertex", CHUNK_TYPE="loader", LABEL="v", VID="id", PROTOCOL="pandas", SOURCE="")
            source = raw.op(t.DATA_SOURCE, chunks=[(len(data), frame)])
            create = raw.load_ops("unused")[1]
            del create.parents[:]
            create.parents.append(source.key)
            refused(client.exchange, [raw.head(client.id, [source, create]), raw.body(data, source.key)])


class TestSessionIds:
    @pytest.mark.parametrize(
        "session_id",
        ["", "session_wrong", "x" * 100_000, "../../etc", "%s%n", "ü"],
        ids=["empty", "wrong", "huge", "path", "format", "not ASCII"],
    )
    def test_an_unknown_one_in_every_call(self, client, session_id):
        stub = client.stub
        calls = [
            lambda: client.run(session_id, []),
            lambda: client.close(session_id),
            lambda: list(stub.FetchLogs(message_pb2.FetchLogsRequest(session_id=session_id), timeout=20)),
            lambda: stub.AddLib(message_pb2.AddLibRequest(session_id=session_id, gar=b"x"), timeout=20),
            lambda: stub.CreateAnalyticalInstance(
                message_pb2.CreateAnalyticalInstanceRequest(session_id=session_id), timeout=20
            ),
            lambda: stub.CloseAnalyticalInstance(
                message_pb2.CloseAnalyticalInstanceRequest(session_id=session_id), timeout=20
            ),
            lambda: stub.CreateInteractiveInstance(
                message_pb2.CreateInteractiveInstanceRequest(session_id=session_id, object_id=1), timeout=20
            ),
            lambda: stub.CreateLearningInstance(
                message_pb2.CreateLearningInstanceRequest(session_id=session_id, object_id=1), timeout=20
            ),
        ]
        for call in calls:
            with pytest.raises(grpc.RpcError) as failed:
                call()
            assert failed.value.code() in (
                CODE.INVALID_ARGUMENT, CODE.NOT_FOUND, CODE.ABORTED, CODE.UNIMPLEMENTED, CODE.FAILED_PRECONDITION
            )
            assert failed.value.details()

    def test_instances_that_do_not_exist_yet_say_so(self, client):
        stub = client.stub
        for call, request in (
            (stub.CreateInteractiveInstance, message_pb2.CreateInteractiveInstanceRequest(session_id=client.id)),
            (stub.CreateLearningInstance, message_pb2.CreateLearningInstanceRequest(session_id=client.id)),
            (stub.CloseAnalyticalInstance, message_pb2.CloseAnalyticalInstanceRequest(session_id=client.id)),
        ):
            with pytest.raises(grpc.RpcError) as failed:
                call(request, timeout=20)
            assert failed.value.code() in (CODE.UNIMPLEMENTED, CODE.ABORTED)
            assert failed.value.details()

    def test_archives_that_are_none(self, client):
        for gar in (b"", b"PK", b"PK\x03\x04" + b"\xff" * 60):
            with pytest.raises(grpc.RpcError) as failed:
                client.stub.AddLib(message_pb2.AddLibRequest(session_id=client.id, gar=gar), timeout=20)
            assert failed.value.code() in (CODE.ABORTED, CODE.UNIMPLEMENTED)


class TestGraphsOfOperations:
    def test_a_huge_one(self, client):
        """Answered or refused, but soon, and without harm."""
        ops = [raw.op(t.UNLOAD_GRAPH, ["b" * 32]) for _ in range(20_000)]
        refused(client.run, client.id, ops)

    def test_one_that_is_its_own_ancestor(self, client):
        refused(client.run, client.id, [raw.op(t.UNLOAD_GRAPH, ["c" * 32], key="c" * 32)])

    def test_a_parent_that_comes_later(self, client):
        ops = raw.load_ops("nowhere.csv")
        refused(client.run, client.id, list(reversed(ops)))

    def test_the_same_key_twice(self, client):
        first, second = raw.load_ops("nowhere.csv"), raw.load_ops("nowhere.csv")
        second[0].key = first[0].key
        refused(client.run, client.id, first + second)

    @pytest.mark.parametrize(
        "key", ["", "\x00", "../../../tmp/x", "k" * 1_000_000], ids=["empty", "NUL", "path", "huge"]
    )
    def test_odd_keys(self, client, key):
        bad = raw.op(t.UNLOAD_GRAPH, ["d" * 32])
        bad.key = key
        refused(client.run, client.id, [bad])

    def test_attributes_of_the_wrong_kind(self, client):
        create = raw.load_ops("nowhere.csv")[1]
        for name in ("GRAPH_TYPE", "DIRECTED", "OID_TYPE", "VERTEX_MAP_TYPE"):
            bad = op_def_pb2.OpDef()
            bad.CopyFrom(create)
            bad.key = ("e" + name.lower() * 8)[:32]
            value = raw.attribute(b"\xff\xfe") if name != "OID_TYPE" else raw.attribute(7)
            bad.attr[t.ParamKey.Value(name)].CopyFrom(value)
            refused(client.run, client.id, [raw.load_ops("nowhere.csv")[0], bad])

    @pytest.mark.parametrize(
        "location",
        ["", "#", "/dev/zero", "/dev/stdin", "/proc/self/mem", "a" * 100_000, "/tmp/\x01", "#header_row=maybe"],
        ids=["empty", "only a mark", "endless", "standard input", "memory", "huge", "control", "odd option"],
    )
    def test_odd_locations(self, client, location):
        ops = raw.load_ops("unused")
        ops[0].large_attr.chunk_meta_list.items[0].attr[t.SOURCE].CopyFrom(raw.attribute(location))
        refused(client.run, client.id, ops)

    def test_deeply_nested_json(self, client, csv):
        ops = raw.load_ops(csv("e.csv", "src,dst\n1,2\n"))
        client.run(client.id, ops)
        deep = "[" * 200_000 + "]" * 200_000
        for attributes in (
            dict(VERTEX_COLLECTIONS=deep, EDGE_COLLECTIONS="{}"),
            dict(VERTEX_COLLECTIONS='{"_":' + deep + "}", EDGE_COLLECTIONS='{"e":null}'),
        ):
            project = raw.op(t.PROJECT_GRAPH, [ops[1]], output=t.GRAPH, GRAPH_TYPE=4, VERTEX_MAP_TYPE=1,
                             COMPACT_EDGES=False, USE_PERFECT_HASH=False, **attributes)
            refused(client.run, client.id, [project])

    def test_bytes_that_are_no_message(self, client):
        call = client.channel.stream_stream("/gs.rpc.CoordinatorService/RunStep")
        with pytest.raises(grpc.RpcError) as failed:
            list(call(iter([b"\xff\xff\xff\xff"]), timeout=20))
        assert failed.value.code() in (CODE.INVALID_ARGUMENT, CODE.INTERNAL)

    def test_methods_that_do_not_exist(self, client):
        for name in ("/gs.rpc.CoordinatorService/Nope", "/gs.rpc.Nope/HeartBeat", "/"):
            call = client.channel.unary_unary(name)
            with pytest.raises(grpc.RpcError) as failed:
                call(b"", timeout=20)
            assert failed.value.code() == CODE.UNIMPLEMENTED


def test_thousands_of_calls_at_once(address):
    with raw.Client(address) as client:
        request = message_pb2.HeartBeatRequest()
        calls = [client.stub.HeartBeat.future(request, timeout=60) for _ in range(3000)]
        assert all(call.result() is not None for call in calls)
