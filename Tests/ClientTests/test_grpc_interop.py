"""grpcio as client against our server, and grpcio as server against our client.

The binary `grpc-interop` is found through GSC_BIN_DIR (default: .build/debug).
"""
import os
import queue
import subprocess
import threading
import time
from concurrent import futures
from pathlib import Path

import grpc
import pytest

BINARY = Path(os.environ.get("GSC_BIN_DIR", Path(__file__).parents[2] / ".build" / "debug")) / "grpc-interop"
UNLIMITED = [("grpc.max_receive_message_length", -1), ("grpc.max_send_message_length", -1)]


class Server:
    """Our echo server in a process of its own."""

    def __init__(self, *arguments):
        self.process = subprocess.Popen(
            [BINARY, "serve", *arguments], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
        )
        self.address = self.process.stdout.readline().strip()

    def channel(self, *options):
        return grpc.insecure_channel(self.address, options=UNLIMITED + list(options))

    def memory(self, field="VmRSS"):
        """Resident bytes now, or at most so far with VmHWM."""
        for line in Path(f"/proc/{self.process.pid}/status").read_text().splitlines():
            if line.startswith(field + ":"):
                return int(line.split()[1]) * 1024

    def stop(self):
        self.process.stdin.close()
        return self.process.wait(20)


@pytest.fixture(scope="module")
def server(tmp_path_factory):
    running = Server("--unix", str(tmp_path_factory.mktemp("socket") / "grpc"))
    yield running
    assert running.stop() == 0


@pytest.fixture
def channel(server):
    with server.channel() as channel:
        yield channel


def unary(channel, method):
    return channel.unary_unary(f"/test.Echo/{method}")


def counters(channel):
    """Streaming or hanging handlers: how many run, how many saw their cancellation."""
    return tuple(int(word) for word in unary(channel, "Counters")(b"").split())


def eventually(condition, seconds=20):
    end = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < end, "it did not happen in time"
        time.sleep(0.01)


# -- the four kinds of calls --------------------------------------------------------------------------------------


@pytest.mark.parametrize("method", ["Sync", "Unary"])
@pytest.mark.parametrize("size", [0, 1, 100, 65_530, 65_531, 65_532, 100_000, 3_000_000])
def test_unary_of_every_size(channel, method, size):
    payload = os.urandom(size)
    assert unary(channel, method)(payload) == payload


def test_server_streaming(channel):
    replies = list(channel.unary_stream("/test.Echo/Produce")(b"2000 3000"))
    assert len(replies) == 2000 and all(reply == b"x" * 3000 for reply in replies)


def test_client_streaming(channel):
    parts = [b"x" * size for size in (0, 1, 70_000, 5, 300_000, 64)]
    assert channel.stream_unary("/test.Echo/Sum")(iter(parts)) == str(sum(map(len, parts))).encode()


def test_bidirectional_in_lock_step(channel):
    outgoing = queue.Queue()
    replies = channel.stream_stream("/test.Echo/Chat")(iter(outgoing.get, None))
    for word in (b"one", b"", b"x" * 200_000, b"four"):
        outgoing.put(word)
        assert next(replies) == word
    outgoing.put(None)
    assert list(replies) == []


# -- metadata and status ------------------------------------------------------------------------------------------


def test_metadata_comes_back_before_and_after(channel):
    sent = [("x-text", "plain value"), ("x-text", "second"), ("x-bytes-bin", bytes(range(256))), ("x-empty-bin", b"")]
    _, call = unary(channel, "Unary").with_call(b"", metadata=sent)
    assert [(k, v) for k, v in call.initial_metadata()] == [("initial-" + k, v) for k, v in sent]
    assert [(k, v) for k, v in call.trailing_metadata()] == [("trailing-" + k, v) for k, v in sent]


@pytest.mark.parametrize("text", ["plain", "grün % 日本 😀", "line\nbreak\ttab", "100%25", ""])
def test_status_message_in_any_language(channel, text):
    with pytest.raises(grpc.RpcError) as caught:
        unary(channel, "Fail")(text.encode(), metadata=[("x-why", "because")])
    assert caught.value.code() == grpc.StatusCode.FAILED_PRECONDITION
    assert caught.value.details() == text
    assert ("trailing-x-why", "because") in [(k, v) for k, v in caught.value.trailing_metadata()]


def test_unknown_errors_keep_their_secrets(channel):
    with pytest.raises(grpc.RpcError) as caught:
        unary(channel, "Crash")(b"")
    assert caught.value.code() == grpc.StatusCode.UNKNOWN
    assert "1234" not in caught.value.details()


@pytest.mark.parametrize("path", ["/test.Echo/Nope", "/other.Service/Unary", "/x"])
def test_unknown_methods(channel, path):
    with pytest.raises(grpc.RpcError) as caught:
        channel.unary_unary(path)(b"")
    assert caught.value.code() == grpc.StatusCode.UNIMPLEMENTED


def test_gzip_is_read_and_other_compression_is_refused(server):
    with server.channel(("grpc.default_compression_algorithm", 2)) as channel:
        for size in (0, 10, 10_000, 5_000_000):
            assert unary(channel, "Unary")(b"x" * size) == b"x" * size
        assert unary(channel, "Unary")(payload := os.urandom(1_000_000)) == payload
    with server.channel(("grpc.default_compression_algorithm", 1)) as channel:
        with pytest.raises(grpc.RpcError) as caught:
            unary(channel, "Unary")(b"x" * 10_000)
        assert caught.value.code() == grpc.StatusCode.UNIMPLEMENTED


def test_long_metadata_costs_one_call(server):
    with server.channel(("grpc.max_metadata_size", 1 << 30)) as channel:
        unary(channel, "Unary")(b"")
        with pytest.raises(grpc.RpcError) as caught:
            unary(channel, "Unary")(b"", metadata=[("x-long", "v" * 40_000), ("x-longer", "v" * 40_000)])
        assert caught.value.code() == grpc.StatusCode.RESOURCE_EXHAUSTED
        assert unary(channel, "Unary")(b"still there") == b"still there"


# -- deadlines and cancellation -----------------------------------------------------------------------------------


def test_deadline_stops_the_handler(channel):
    before = counters(channel)
    with pytest.raises(grpc.RpcError) as caught:
        unary(channel, "Hang")(b"", timeout=0.3)
    assert caught.value.code() == grpc.StatusCode.DEADLINE_EXCEEDED
    eventually(lambda: counters(channel) == (before[0], before[1] + 1))


def test_cancelled_by_the_client(channel):
    before = counters(channel)
    pending = unary(channel, "Hang").future(b"")
    eventually(lambda: counters(channel)[0] == before[0] + 1)
    pending.cancel()
    eventually(lambda: counters(channel) == (before[0], before[1] + 1))


def test_lost_connection_cancels_all_handlers(server, channel):
    before = counters(channel)
    other = server.channel(("grpc.use_local_subchannel_pool", 1))
    pending = [unary(other, "Hang").future(b"") for _ in range(50)]
    eventually(lambda: counters(channel)[0] == before[0] + 50)
    other.close()
    eventually(lambda: counters(channel) == (before[0], before[1] + 50))
    assert all(call.code() == grpc.StatusCode.CANCELLED for call in pending)


# -- many and large -----------------------------------------------------------------------------------------------


def test_five_thousand_streams_on_one_channel(channel):
    before = counters(channel)
    outgoing = [queue.Queue() for _ in range(64)]
    # Thread-per-stream is Python's way for bidirectional calls, so most streams are unary futures that hang.
    hanging = [unary(channel, "Hang").future(b"") for _ in range(5000)]
    eventually(lambda: counters(channel)[0] == before[0] + 5000, 60)
    chats = [channel.stream_stream("/test.Echo/Chat")(iter(q.get, None)) for q in outgoing]
    for number, (q, replies) in enumerate(zip(outgoing, chats)):
        q.put(str(number).encode())
        assert next(replies) == str(number).encode()
        q.put(None)
    for call in hanging:
        call.cancel()
    eventually(lambda: counters(channel)[0] == before[0], 60)
    assert unary(channel, "Unary")(b"alive") == b"alive"


def test_large_messages_cost_their_own_size(server, channel):
    size = 300_000_000
    assert unary(channel, "Size")(b"x" * size) == str(size).encode()
    assert server.memory("VmHWM") < size * 1.5
    payload = os.urandom(1 << 20) * 300
    assert unary(channel, "Unary")(payload) == payload


def test_a_bomb_is_a_status():
    """What messages inflate to is bounded by the longest message, and by the budget before it is made."""
    server = Server("--max-message", "50000000", "--budget", "20000000")
    with server.channel(("grpc.default_compression_algorithm", 2)) as channel:
        unary(channel, "Size")(b"")
        resident = server.memory("VmHWM")
        for size in (50_000_001, 400_000_000, 20_000_001):
            with pytest.raises(grpc.RpcError) as caught:
                unary(channel, "Size")(b"x" * size)
            assert caught.value.code() == grpc.StatusCode.RESOURCE_EXHAUSTED
        assert server.memory("VmHWM") - resident < 20_000_000
        assert unary(channel, "Size")(b"x" * 20_000_000) == b"20000000"
    assert server.stop() == 0


def test_message_over_the_limit_is_a_status():
    server = Server("--max-message", "1000000")
    with server.channel() as channel:
        for size in (1_000_001, 50_000_000):
            with pytest.raises(grpc.RpcError) as caught:
                unary(channel, "Size")(b"x" * size)
            assert caught.value.code() == grpc.StatusCode.RESOURCE_EXHAUSTED
        assert unary(channel, "Size")(b"x" * 1_000_000) == b"1000000"
    assert server.stop() == 0


def test_large_messages_share_a_budget():
    """Ten messages of 20 MB through a budget of 30 MB: they wait for one another, and all arrive."""
    server = Server("--budget", "30000000")
    with server.channel() as channel:
        with pytest.raises(grpc.RpcError) as caught:
            unary(channel, "Size")(b"x" * 30_000_001)
        assert caught.value.code() == grpc.StatusCode.RESOURCE_EXHAUSTED
        pending = [unary(channel, "Size").future(b"x" * 20_000_000) for _ in range(10)]
        assert [call.result(60) for call in pending] == [b"20000000"] * 10
    assert server.stop() == 0


def test_stalled_reader_stalls_only_its_producer(server, channel):
    before = counters(channel)
    resident = server.memory()
    stalled = channel.unary_stream("/test.Echo/Produce")(b"100000 100000")  # 10 GB that nobody reads
    next(stalled)
    eventually(lambda: counters(channel)[0] == before[0] + 1)
    assert sum(len(reply) for reply in channel.unary_stream("/test.Echo/Produce")(b"1000 100000")) == 100_000_000
    for _ in range(100):
        unary(channel, "Unary")(b"x")
    assert counters(channel)[0] == before[0] + 1
    assert server.memory() - resident < 100_000_000
    stalled.cancel()
    eventually(lambda: counters(channel) == (before[0], before[1] + 1))


def test_deadline_reaches_a_stalled_reader(channel):
    call = channel.unary_stream("/test.Echo/Produce")(b"100000 100000", timeout=0.5)
    next(call)
    time.sleep(0.7)
    with pytest.raises(grpc.RpcError) as caught:
        for _ in call:
            pass
    assert caught.value.code() == grpc.StatusCode.DEADLINE_EXCEEDED


# -- Unix sockets and the end -------------------------------------------------------------------------------------


def test_unix_socket_knows_the_peer(tmp_path):
    path = tmp_path / "socket"
    server = Server("--unix", str(path))
    with grpc.insecure_channel(f"unix:{path}") as channel:
        assert unary(channel, "Peer")(b"") == f"unix:uid={os.getuid()},pid={os.getpid()}".encode()
    with server.channel() as channel:
        assert unary(channel, "Peer")(b"").startswith(b"ipv4:127.0.0.1:")
    assert server.stop() == 0
    assert not path.exists()


def test_a_dead_servers_socket_is_replaced(tmp_path):
    path = tmp_path / "socket"
    first = Server("--unix", str(path))
    first.process.kill()
    first.process.wait()
    assert path.exists()
    second = Server("--unix", str(path))
    with grpc.insecure_channel(f"unix:{path}") as channel:
        assert unary(channel, "Unary")(b"hi") == b"hi"
    assert second.stop() == 0


def test_shutdown_lets_calls_finish():
    server = Server()
    with server.channel() as channel:
        outgoing = queue.Queue()
        replies = channel.stream_stream("/test.Echo/Chat")(iter(outgoing.get, None))
        outgoing.put(b"before")
        assert next(replies) == b"before"
        server.process.stdin.close()
        time.sleep(0.2)
        outgoing.put(b"during")
        assert next(replies) == b"during"
        outgoing.put(None)
        assert list(replies) == []
        assert replies.code() == grpc.StatusCode.OK
    assert server.process.wait(20) == 0


def test_shutdown_ends_what_does_not_finish():
    server = Server()
    with server.channel() as channel:
        pending = unary(channel, "Hang").future(b"")
        eventually(lambda: counters(channel)[0] == 1)
        server.process.stdin.close()
        assert pending.exception(20).code() == grpc.StatusCode.UNAVAILABLE
    assert server.process.wait(20) == 0


# -- our client against grpcio's server ---------------------------------------------------------------------------


class PythonEcho(grpc.GenericRpcHandler):
    """test.Echo as grpcio serves it."""

    def __init__(self):
        self.cancelled = threading.Event()

    def service(self, details):
        return {
            "/test.Echo/Unary": grpc.unary_unary_rpc_method_handler(self.unary),
            "/test.Echo/Fail": grpc.unary_unary_rpc_method_handler(self.fail),
            "/test.Echo/Hang": grpc.unary_unary_rpc_method_handler(self.hang),
            "/test.Echo/Produce": grpc.unary_stream_rpc_method_handler(self.produce),
            "/test.Echo/Sum": grpc.stream_unary_rpc_method_handler(self.sum),
            "/test.Echo/Chat": grpc.stream_stream_rpc_method_handler(self.chat),
        }.get(details.method)

    def unary(self, request, context):
        mine = [(k, v) for k, v in context.invocation_metadata() if k.startswith("x-")]
        context.send_initial_metadata([("initial-" + k, v) for k, v in mine])
        context.set_trailing_metadata([("trailing-" + k, v) for k, v in mine])
        return request

    def fail(self, request, context):
        context.abort(grpc.StatusCode.FAILED_PRECONDITION, request.decode())

    def hang(self, request, context):
        context.add_callback(self.cancelled.set)
        self.cancelled.wait(30)
        return b""

    def produce(self, request, context):
        count, size = map(int, request.split())
        for _ in range(count):
            yield b"x" * size

    def sum(self, requests, context):
        return str(sum(len(request) for request in requests)).encode()

    def chat(self, requests, context):
        context.add_callback(self.cancelled.set)
        yield from requests


@pytest.fixture(scope="module")
def peer():
    server = grpc.server(futures.ThreadPoolExecutor(8), options=UNLIMITED)
    echo = PythonEcho()
    server.add_generic_rpc_handlers((echo,))
    port = server.add_insecure_port("127.0.0.1:0")
    server.start()
    yield f"127.0.0.1:{port}", echo
    server.stop(0).wait()


def drive(peer, scenario):
    output = subprocess.run(
        [BINARY, "drive", "--address", peer[0], scenario], capture_output=True, text=True, timeout=60
    )
    assert output.returncode == 0, output.stderr
    return [tuple(line.split("=", 1)) for line in output.stdout.splitlines()]


@pytest.mark.parametrize(
    "scenario, seen",
    [
        ("unary", [("reply", "hello")]),
        ("metadata", [("initial", "plain value"), ("trailing", "plain value"), ("binary", "[[0, 255, 1]]")]),
        ("missing", [("code", "12"), ("message", "Method not found!")]),
        ("timeout", [("code", "4"), ("message", "Deadline Exceeded")]),
        ("produce", [("count", "1000"), ("bytes", "5000000")]),
        ("sum", [("total", "20000000")]),
        ("chat", [("reply", "a"), ("reply", "bb"), ("reply", "ccc"), ("end", "true")]),
        ("big", [("bytes", "300000000"), ("same", "true")]),
        ("many", [("bytes", "5000")]),
    ],
)
def test_our_client(peer, scenario, seen):
    assert drive(peer, scenario) == seen


def test_our_client_reads_any_status_message(peer):
    output = subprocess.run([BINARY, "drive", "--address", peer[0], "fail"], capture_output=True, text=True, timeout=60)
    assert output.stdout == "code=9\nmessage=grün % 日本\n\n"


def test_our_client_cancels(peer):
    peer[1].cancelled.clear()
    assert drive(peer, "cancel") == [("first", "one"), ("code", "1")]
    assert peer[1].cancelled.wait(10)
