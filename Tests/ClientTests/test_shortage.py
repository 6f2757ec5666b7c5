"""The order in which a coordinator that runs short of descriptors or memory gives up work (docs/limits.md), and its recovery."""

import os
import re
import resource
import socket
import urllib.request

import grpc
import pytest
from graphscope.proto import message_pb2
from graphscope.proto import types_pb2 as t
from graphscope.proto.error.coordinator_pb2 import OK

import raw
from process import Coordinator, free_port, wait_until
from test_fairness import limit

pytestmark = pytest.mark.ours("it is about limits of ours")

MEBIBYTE = 1 << 20
# One result of 8 MB fits into the share of a connection, which is a quarter, and a second one does not.
QUEUED = 48 * MEBIBYTE
VERTICES = 1_000_000
DESCRIPTORS = 64
READER_SECONDS = 60
STREAMS = 4
# What ends connections.
CUT_OFF = ("received_bytes", "headers", "flood", "slow_request", "slow_reader", "preface", "protocol")


class RawConnection:
    """An HTTP/2 connection that sends what no client's library sends."""

    def __init__(self, port):
        self.socket = socket.create_connection(("127.0.0.1", port), timeout=120)
        self.received = b""
        self.socket.sendall(b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n" + self.frame(4, 0, 0, b""))

    @staticmethod
    def frame(kind, flags, stream, payload):
        return len(payload).to_bytes(3, "big") + bytes([kind, flags]) + stream.to_bytes(4, "big") + payload

    def open(self, stream):
        """Begins a RunStep and sends no message."""
        block = b"\x83\x86"
        for name, value in (
            (b":path", b"/gs.rpc.CoordinatorService/RunStep"),
            (b":authority", b"localhost"),
            (b"content-type", b"application/grpc"),
            (b"te", b"trailers"),
        ):
            block += bytes([0, len(name)]) + name + bytes([len(value)]) + value
        self.socket.sendall(self.frame(1, 4, stream, block))

    def next(self, *kinds):
        """The next frame of one of these kinds, as kind, stream and payload; None at the end of the connection."""
        while True:
            while len(self.received) < 9 or len(self.received) < 9 + int.from_bytes(self.received[:3], "big"):
                part = self.socket.recv(65536)
                if not part:
                    return None
                self.received += part
            length, kind = int.from_bytes(self.received[:3], "big"), self.received[3]
            stream, payload = int.from_bytes(self.received[5:9], "big"), self.received[9 : 9 + length]
            self.received = self.received[9 + length :]
            if kind in kinds:
                return kind, stream, payload


class Short:
    """A coordinator that has little of everything."""

    def __init__(self, directory):
        self.admin = free_port()
        settings = {
            "admin_port": self.admin,
            "limits.queued_bytes": QUEUED,
            "limits.sessions": 3,
            "limits.sessions_per_principal": 3,
            "limits.connections_per_peer": 1000,
            "limits.streams_per_connection": STREAMS,
            "limits.header_seconds": 2,
            "limits.request_seconds": 3600,
            "limits.reader_seconds": READER_SECONDS,
        }
        arguments = [part for key, value in settings.items() for part in ("--set", f"{key}={value}")]
        with limit(lambda: resource.setrlimit(resource.RLIMIT_NOFILE, (DESCRIPTORS, DESCRIPTORS))):
            self.coordinator = Coordinator(directory, ["--port", "0", *arguments])
        self.address = self.coordinator.address

    def metrics(self):
        with urllib.request.urlopen(f"http://127.0.0.1:{self.admin}/metrics", timeout=60) as answer:
            return answer.read().decode()

    def queued(self):
        return int(re.search(r'^gscoordinator_held_bytes\{kind="queued"\} (\d+)$', self.metrics(), re.MULTILINE)[1])

    def refusals(self):
        """The kinds of refusals so far, with their numbers."""
        found = re.findall(r'^gscoordinator_refusals_total\{kind="(\w+)"\} (\d+)$', self.metrics(), re.MULTILINE)
        return {kind: int(count) for kind, count in found if int(count)}

    def files(self):
        return [f for _, _, names in os.walk(self.coordinator.workspace) for f in names if f.startswith("spool-")]


@pytest.fixture
def short(tmp_path):
    running = Short(tmp_path)
    yield running
    assert running.coordinator.stop()[0] == 0


def test_work_is_given_up_in_the_documented_order_and_taken_up_again(short, tmp_path):
    edges = tmp_path / "e.csv"
    edges.write_text("src,dst\n" + "".join(f"{i},{i + 1}\n" for i in range(0, VERTICES, 2)))
    with raw.Client(short.address) as other:
        connections_wait_for_descriptors(short, other)
        session, graph = load(other, str(edges))
        expected = export(other, session, graph)
        assert expected > 8 * VERTICES
        results_wait_in_memory_then_in_files(short, other, session, graph, expected)
        sessions_without_clients_make_room(short, other)
        assert export(other, session, graph) == expected
        other.close(session)


def connections_wait_for_descriptors(short, other):
    """1. Without descriptors, new connections wait, and are served as soon as one ends."""
    other.heartbeat(timeout=60)
    opened = []
    while not short.refusals():
        opened.append(raw.Client(short.address))
        opened[-1].heartbeat(timeout=60)
        assert len(opened) < DESCRIPTORS
    assert list(short.refusals()) == ["connections"]
    with raw.Client(short.address) as late:
        waiting = late.stub.HeartBeat.future(message_pb2.HeartBeatRequest(), timeout=300, wait_for_ready=True)
        for client in [other, *opened]:
            client.heartbeat(timeout=60)
        assert not waiting.done()
        opened.pop().channel.close()
        waiting.result()
    for client in opened:
        client.channel.close()


def load(client, path):
    session, graph = client.connect(dangling=600).session_id, raw.load_ops(path)
    assert client.run(session, graph, timeout=300)[0].code == OK
    return session, graph


def results_wait_in_memory_then_in_files(short, other, session, graph, expected):
    reader = raw.Client(short.address, options=raw.SMALL_WINDOWS)
    # 1. A reader that stops makes its producer wait, with the result in memory.
    first = begin_export(reader, session, graph)
    wait_until(lambda: short.queued() >= 4 * MEBIBYTE, 60, "the producer waits")
    assert not short.files()
    # 2. The next result does not fit, and waits in a file.
    second = begin_export(reader, session, graph)
    assert len(short.files()) == 1
    assert list(short.refusals()) == ["connections"]
    # Others have their results at once.
    assert export(other, session, graph) == expected
    # 3. New work of a connection that has its share is rejected; it keeps what it has, and its connection.
    greedy = RawConnection(short.coordinator.port)
    for number in range(STREAMS + 1):
        greedy.open(2 * number + 1)
    assert greedy.next(3) == (3, 2 * STREAMS + 1, (7).to_bytes(4, "big"))  # RST_STREAM with REFUSED_STREAM
    assert set(short.refusals()) == {"connections", "streams"}
    # 4. A connection that does not send is cut off, and then one that does not read loses its calls. No other is.
    greedy.socket.sendall(greedy.frame(1, 4, 101, bytes(100))[:50])
    kind, _, payload = greedy.next(7)
    assert kind == 7 and payload[8:]  # GOAWAY, with its reason
    assert greedy.next() is None
    assert set(short.refusals()) & {*CUT_OFF} == {"headers"}
    for call in (first, second):
        with pytest.raises(grpc.RpcError):
            # A call that is never read does not notice its end.
            wait_until(lambda: short.refusals().get("slow_reader", 0) >= 1, 3 * READER_SECONDS, "the reader is cut off")
            list(call)
    assert set(short.refusals()) & {*CUT_OFF} == {"headers", "slow_reader"}
    # Nothing is held for them any more, and a reader that reads has everything, on the same connection.
    wait_until(lambda: short.queued() <= 64 << 10 and not short.files(), 60, "memory and files are free again")
    assert export(reader, session, graph) == expected
    reader.channel.close()


def begin_export(client, session, graph):
    """Begins to fetch a result of 8 bytes for each vertex, and stops after its head."""
    operation = raw.op(t.GRAPH_TO_NUMPY, [graph[1]], output=t.TENSOR, SELECTOR="v:_.id")
    call = client.stub.RunStep(iter([raw.head(session, [operation])]), timeout=600)
    assert next(call).head.code == OK
    return call


def export(client, session, graph):
    """Fetches such a result; returns the number of its bytes."""
    return sum(len(response.body.chunk) for response in begin_export(client, session, graph))


def sessions_without_clients_make_room(short, other):
    """5. Sessions without objects whose client has gone are closed when there are too many; no others are."""
    with raw.Client(short.address) as leaving:
        for _ in range(2):
            leaving.connect(dangling=600)
        with pytest.raises(grpc.RpcError) as refused:
            other.connect()
        assert refused.value.code() == grpc.StatusCode.RESOURCE_EXHAUSTED

    def is_open():
        try:
            other.close(other.connect().session_id)
        except grpc.RpcError as error:
            assert error.code() == grpc.StatusCode.RESOURCE_EXHAUSTED
            return False
        return True

    wait_until(is_open, 60, "a session without a client has made room")
