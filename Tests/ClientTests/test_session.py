"""Sessions: connecting, several at once, reconnecting, and what is left when a client or the coordinator goes."""

import os
import json
import signal
import socket
import threading
import time

import graphscope
import grpc
import pytest
from graphscope.framework.errors import GRPCError
from graphscope.proto import message_pb2
from graphscope.proto import types_pb2 as t
from graphscope.proto.error.coordinator_pb2 import OK

import raw
from conftest import close
from graphs import edge_list, load, result, unweighted
from process import wait_until

one_session = pytest.mark.ours("the reference serves one session at a time")
CODE = grpc.StatusCode


@pytest.fixture
def client(address):
    with raw.Client(address) as client:
        yield client


def failure(call, *arguments, **options):
    with pytest.raises(grpc.RpcError) as failed:
        call(*arguments, **options)
    return failed.value.code(), failed.value.details()


class TestConnecting:
    def test_the_client_learns_where_it_is(self, sess):
        info = sess.info
        assert info["status"] == "active"
        assert info["type"] == "hosts"
        assert info["num_workers"] == 1
        assert info["session_id"] == sess.session_id != ""
        assert info["engine_hosts"]

    @one_session
    def test_one_round_trip_makes_a_session_ready(self, client):
        reply = client.connect()
        try:
            assert json.loads(reply.engine_config)["engine_hosts"]
            assert "vineyard_socket" in json.loads(reply.engine_config)
            assert list(reply.host_names), "or the client asks for an instance of its own"
        finally:
            client.close(reply.session_id)

    @one_session
    @pytest.mark.parametrize("version", ["0.28.0", "1.29.0", "0.30.0"])
    def test_other_versions_are_refused(self, client, version):
        code, details = failure(client.connect, version=version)
        assert code == CODE.FAILED_PRECONDITION
        assert "Version between client and server is inconsistent" in details and version in details

    @one_session
    @pytest.mark.parametrize(
        "version",
        ["", "latest", "0.29", "0.29." + "9" * 5000, "0.29.0\x00"],
        ids=["empty", "word", "short", "huge", "NUL"],
    )
    def test_odd_versions_do_no_harm(self, client, version):
        try:
            client.close(client.connect(version=version).session_id)
        except grpc.RpcError as refused:
            assert refused.code() in (CODE.FAILED_PRECONDITION, CODE.INVALID_ARGUMENT)
        client.heartbeat()

    @one_session
    @pytest.mark.parametrize("version", ["0.29.9", "0.29.0.post1"])
    def test_the_patch_level_does_not_matter(self, client, version):
        client.close(client.connect(version=version).session_id)

    def test_closing_under_a_wrong_id(self, sess, client):
        code, details = failure(client.close, "session_wrong")
        assert code == CODE.INVALID_ARGUMENT
        assert "Session handle not matched" in details
        assert sess.g() is not None


@one_session
class TestClosing:
    def test_the_log_stream_ends_with_the_session(self, client):
        """Or the client waits five seconds for it."""
        session_id = client.connect().session_id
        logs = client.stub.FetchLogs(message_pb2.FetchLogsRequest(session_id=session_id), timeout=30)
        client.heartbeat()
        start = time.monotonic()
        client.close(session_id)
        list(logs)
        assert logs.code() == CODE.OK
        assert time.monotonic() - start < 2

    def test_a_closed_session_is_gone(self, client):
        session_id = client.connect().session_id
        client.close(session_id)
        assert failure(client.close, session_id)[0] == CODE.INVALID_ARGUMENT
        assert failure(client.run, session_id, [])[0] != CODE.OK

    def test_closing_releases_what_the_session_held(self, start, csv):
        running = start()
        with raw.Client(running.address) as client:
            session_id = client.connect().session_id
            head, _ = client.run(session_id, raw.load_ops(csv("e.csv", "src,dst\n1,2\n")))
            assert head.code == OK
            assert running.session_files()
            client.close(session_id)
            assert running.session_files() == []

    def test_the_unmodified_client_closes_in_its_own_time(self, address):
        session = graphscope.session(addr=address)
        start = time.monotonic()
        session.close()
        assert time.monotonic() - start < 7, "it sleeps up to five seconds; the rest is the server's"


@one_session
class TestSeveralAtOnce:
    def test_each_client_has_its_own_session(self, connect):
        first, second = connect(), connect()
        assert first.session_id != second.session_id
        a, b = edge_list("path", True), edge_list("star", True)
        graph_a, graph_b = load(first, a), load(second, b)
        assert len(result(graphscope.bfs(unweighted(graph_a), src=0))) == 12
        assert len(result(graphscope.bfs(unweighted(graph_b), src=0))) == 9
        close(first)
        assert len(result(graphscope.bfs(unweighted(graph_b), src=1))) == 9

    def test_what_one_session_holds_does_not_exist_for_another(self, client, csv):
        owner, other = client.connect().session_id, client.connect().session_id
        try:
            ops = raw.load_ops(csv("e.csv", "src,dst\n1,2\n"))
            head, _ = client.run(owner, ops)
            name = head.results[1].graph_def.key
            for op in (
                raw.op(t.GRAPH_TO_NUMPY, [ops[1]], output=t.TENSOR, SELECTOR="v:_.id"),
                raw.op(t.UNLOAD_GRAPH, [ops[1]]),
                raw.op(t.REPORT_GRAPH, GRAPH_NAME=name, REPORT_TYPE=0, EDGE_KEY=""),
                raw.op(t.COPY_GRAPH, output=t.GRAPH, GRAPH_NAME=name, COPY_TYPE="identical"),
            ):
                assert client.run(other, [op])[0].code != OK
            select = raw.op(t.GRAPH_TO_NUMPY, [ops[1]], output=t.TENSOR, SELECTOR="v:_.id")
            assert client.run(owner, [select])[0].code == OK
        finally:
            client.close(owner)
            client.close(other)

    def test_a_hundred_sessions(self, client):
        opened = [client.connect().session_id for _ in range(100)]
        assert len(set(opened)) == 100
        for session_id in opened:
            assert client.run(session_id, [])[0].code == OK
        for session_id in opened:
            client.close(session_id)


class LongStep:
    """A step that would take hours, in a thread; `cancel` ends it as Ctrl-C in the client does."""

    def __init__(self, session):
        self.simple = unweighted(load(session, edge_list("dense", directed=True)))
        stub = session._grpc_client._stub
        self.original, self.calls = stub.RunStep, []
        self.started = threading.Event()
        stub.RunStep = self._run
        self.stub = stub
        self.outcome = None
        self.thread = threading.Thread(target=self._work, daemon=True)
        self.thread.start()
        assert self.started.wait(10)

    def _run(self, requests):
        requests = list(requests)
        call = self.original(iter(requests))
        self.calls.append(call)
        if any(o.op == t.RUN_APP for o in requests[0].head.dag_def.op):
            self.started.set()
        return call

    def _work(self):
        try:
            graphscope.pagerank(self.simple, max_round=2**62)
        except Exception as error:  # noqa: B902 - whatever it is, the test looks at it
            self.outcome = error

    def cancel(self):
        self.stub.RunStep = self.original
        self.calls[-1].cancel()
        self.thread.join(10)
        assert not self.thread.is_alive()


@one_session
class TestLongSteps:
    def test_heartbeats_logs_and_other_sessions_do_not_wait(self, connect, client):
        busy, other = connect(), connect()
        step = LongStep(busy)
        try:
            for _ in range(50):
                start = time.monotonic()
                client.heartbeat(timeout=5)
                assert time.monotonic() - start < 1
            graph = load(other, edge_list("path", directed=True))
            assert len(result(graphscope.bfs(unweighted(graph), src=0))) == 12
            assert step.thread.is_alive()
        finally:
            step.cancel()

    def test_a_cancelled_step_frees_its_session(self, connect):
        session = connect()
        step = LongStep(session)
        step.cancel()
        assert isinstance(step.outcome, GRPCError)
        start = time.monotonic()
        assert session.g() is not None
        assert time.monotonic() - start < 5

    def test_closing_a_session_ends_its_step(self, start):
        running = start()
        session = graphscope.session(addr=running.address)
        step = LongStep(session)
        with raw.Client(running.address) as client:
            client.close(session.session_id)
        step.thread.join(10)
        assert not step.thread.is_alive() and step.outcome is not None
        assert running.session_files() == []
        session._closed = True

    def test_a_vanished_client_s_step_ends(self, start):
        running = start()
        session = graphscope.session(addr=running.address)
        step = LongStep(session)
        session._closed = True
        session._grpc_client._channel.close()
        step.thread.join(10)
        assert not step.thread.is_alive()


def abandon(session):
    """The client's process dies: no CloseSession, no more heartbeats, its connection gone."""
    session._closed = True
    session._grpc_client._channel.close()


@one_session
class TestDetached:
    def test_the_timer_releases_what_an_abandoned_session_held(self, start, csv):
        running = start()
        session = graphscope.session(addr=running.address, dangling_timeout_seconds=1)
        graph = session.load_from(edges={"e": csv("e.csv", "src,dst\n1,2\n")})
        assert graph.loaded() and running.session_files()
        abandon(session)
        wait_until(lambda: not running.session_files(), 15, "the session's files are gone")
        with raw.Client(running.address) as client:
            assert failure(client.run, session.session_id, [])[0] != CODE.OK

    def test_heartbeats_keep_a_session(self, start):
        running = start()
        with raw.Client(running.address) as client:
            session_id = client.connect(dangling=1).session_id
            end = time.monotonic() + 3
            while time.monotonic() < end:
                client.heartbeat()
                time.sleep(0.2)
            assert client.run(session_id, [])[0].code == OK

    def test_a_timeout_of_minus_one_never_fires(self, start):
        running = start()
        with raw.Client(running.address) as client:
            unlimited, limited = client.connect(dangling=-1).session_id, None
        with raw.Client(running.address) as client:
            limited = client.connect(dangling=1).session_id
        with raw.Client(running.address) as client:
            wait_until(
                lambda: not os.path.exists(os.path.join(running.workspace, "sessions", limited)), 15,
                "the other session's timer has fired",
            )
            assert client.run(unlimited, [])[0].code == OK

    def test_reconnect_finds_the_newest_session(self, start):
        running = start()
        with raw.Client(running.address) as client:
            client.connect()
            newest = client.connect().session_id
        with raw.Client(running.address) as client:
            assert client.connect(reconnect=True).session_id == newest

    def test_reconnect_keeps_the_session_s_objects(self, start, csv):
        running = start()
        ops = raw.load_ops(csv("e.csv", "src,dst\n1,2\n"))
        with raw.Client(running.address) as client:
            session_id = client.connect().session_id
            client.run(session_id, ops)
        with raw.Client(running.address) as client:
            assert client.connect(reconnect=True).session_id == session_id
            select = raw.op(t.GRAPH_TO_NUMPY, [ops[1]], output=t.TENSOR, SELECTOR="v:_.id")
            assert client.run(session_id, [select])[0].code == OK

    def test_reconnect_with_nothing_to_return_to_is_a_new_session(self, start):
        running = start()
        with raw.Client(running.address) as client:
            assert client.connect(reconnect=True).session_id

    def test_reconnect_never_returns_another_principal_s_session(self, start):
        running = start(["--host", "127.0.0.1", "--port", "0"])
        with raw.Client(running.address) as client:
            mine = client.connect().session_id
            with Relay(running.port, "127.0.0.2") as relay, raw.Client(relay) as stranger:
                theirs = stranger.connect(reconnect=True).session_id
                assert theirs != mine
                assert stranger.connect(reconnect=True).session_id == theirs
            assert client.connect(reconnect=True).session_id == mine

    def test_the_client_s_own_reconnect(self, start):
        running = start()
        first = graphscope.session(addr=running.address)
        second = graphscope.session(addr=running.address, reconnect=True)
        assert second.session_id == first.session_id
        abandon(first)
        close(second)


class Relay:
    """Forwards connections to a local port from another local address."""

    def __init__(self, port, source):
        self.port, self.source = port, source
        self.sockets = []

    def __enter__(self):
        self.listener = socket.create_server(("127.0.0.1", 0))
        threading.Thread(target=self._accept, daemon=True).start()
        return "127.0.0.1:%d" % self.listener.getsockname()[1]

    def _accept(self):
        while True:
            try:
                near, _ = self.listener.accept()
            except OSError:
                return
            far = socket.create_connection(("127.0.0.1", self.port), source_address=(self.source, 0))
            self.sockets += [near, far]
            for source, target in ((near, far), (far, near)):
                threading.Thread(target=self._copy, args=(source, target), daemon=True).start()

    @staticmethod
    def _copy(source, target):
        try:
            while data := source.recv(65536):
                target.sendall(data)
            target.shutdown(socket.SHUT_WR)
        except OSError:
            pass

    def __exit__(self, *_):
        self.listener.close()
        for s in self.sockets:
            s.close()


@one_session
class TestStopping:
    def test_with_an_open_session_and_a_graph(self, start, csv):
        running = start()
        with raw.Client(running.address) as client:
            session_id = client.connect().session_id
            client.run(session_id, raw.load_ops(csv("e.csv", "src,dst\n1,2\n")))
            logs = client.stub.FetchLogs(message_pb2.FetchLogsRequest(session_id=session_id))
            client.heartbeat()
            assert running.stop(signal.SIGINT)[0] == 0
            logs.cancel()
        assert running.session_files() == []

    def test_in_the_middle_of_a_step(self, start):
        running = start()
        session = graphscope.session(addr=running.address)
        step = LongStep(session)
        assert running.stop(signal.SIGINT)[0] == 0
        step.thread.join(10)
        assert step.outcome is not None
        session._closed = True
