"""gRPC's interoperability cases: grpcio against our server, and our client against grpcio's server.

The service is in Tests/Interop/testing.proto. Cases that are about credentials of clouds do not apply.
"""

import importlib
import subprocess
import sys
import threading
import time
from concurrent import futures
from pathlib import Path

import grpc
import pytest
from test_grpc_interop import BINARY, UNLIMITED, Server

INTEROP = Path(__file__).parents[1] / "Interop"
LARGE = dict(response_size=314_159)
SPECIAL = "\t\ntest with whitespace\r\nand Unicode BMP ☺ and non-BMP 😈\t\n"
CASES = [
    "empty_unary", "large_unary", "client_compressed_unary", "server_compressed_unary", "client_streaming",
    "client_compressed_streaming", "server_streaming", "server_compressed_streaming", "ping_pong", "empty_stream",
    "custom_metadata", "status_code_and_message", "special_status_message", "unimplemented_method",
    "unimplemented_service", "cancel_after_begin", "cancel_after_first_response", "timeout_on_sleeping_server",
    "concurrent_large_unary", "rpc_soak", "channel_soak",
]


@pytest.fixture(scope="module")
def pb(tmp_path_factory):
    """The generated modules of testing.proto: messages and stubs."""
    directory = str(tmp_path_factory.mktemp("proto"))
    arguments = [f"-I{INTEROP}", f"--python_out={directory}", f"--grpc_python_out={directory}", "testing.proto"]
    # In a process of its own: the compiler's library and that of graphlearn do not get along in one.
    subprocess.run([sys.executable, "-m", "grpc_tools.protoc", *arguments], check=True)
    sys.path.insert(0, directory)
    yield importlib.import_module("testing_pb2"), importlib.import_module("testing_pb2_grpc")
    sys.path.remove(directory)


@pytest.fixture(scope="module")
def server():
    running = Server()
    yield running
    assert running.stop() == 0


class Cases:
    """The client's side of the cases, by grpcio."""

    def __init__(self, pb, server):
        self.pb, self.grpc_pb = pb
        self.server = server
        self.channel = server.channel()
        self.stub = self.grpc_pb.TestServiceStub(self.channel)

    def payload(self, size):
        return self.pb.Payload(body=bytes(size))

    def request(self, **fields):
        return self.pb.SimpleRequest(**LARGE, payload=self.payload(271_828), **fields)

    def large(self, stub=None, **fields):
        response = (stub or self.stub).UnaryCall(self.request(**fields), timeout=60)
        assert response.payload.body == bytes(314_159)

    def output(self, sizes, payload=0, **fields):
        parameters = [self.pb.ResponseParameters(size=size, **fields) for size in sizes]
        return self.pb.StreamingOutputCallRequest(response_parameters=parameters, payload=self.payload(payload))

    def flag(self, value):
        return self.pb.BoolValue(value=value)

    def fails(self, code, call, message=None):
        with pytest.raises(grpc.RpcError) as caught:
            call()
        assert caught.value.code() == code
        if message is not None:
            assert caught.value.details() == message

    def empty_unary(self):
        assert self.stub.EmptyCall(self.pb.Empty(), timeout=60) == self.pb.Empty()

    def large_unary(self):
        self.large()

    def client_compressed_unary(self):
        # A server that says nothing here would not look at compression at all.
        probe = self.request(expect_compressed=self.flag(True))
        self.fails(grpc.StatusCode.INVALID_ARGUMENT, lambda: self.stub.UnaryCall(probe, timeout=60))
        response = self.stub.UnaryCall(probe, timeout=60, compression=grpc.Compression.Gzip)
        assert response.payload.body == bytes(314_159)
        self.large(expect_compressed=self.flag(False))

    def server_compressed_unary(self):
        for wanted in True, False:
            self.large(response_compressed=self.flag(wanted))

    def client_streaming(self, compression=None, **fields):
        sizes = [27182, 8, 1828, 45904]
        requests = [self.pb.StreamingInputCallRequest(payload=self.payload(size), **fields) for size in sizes]
        response = self.stub.StreamingInputCall(iter(requests), timeout=60, compression=compression)
        assert response.aggregated_payload_size == sum(sizes)

    def client_compressed_streaming(self):
        probe = [self.pb.StreamingInputCallRequest(payload=self.payload(27182), expect_compressed=self.flag(True))]
        self.fails(grpc.StatusCode.INVALID_ARGUMENT, lambda: self.stub.StreamingInputCall(iter(probe), timeout=60))
        self.stub.StreamingInputCall(iter(probe), timeout=60, compression=grpc.Compression.Gzip)
        self.client_streaming(compression=grpc.Compression.Gzip)

    def server_streaming(self, **fields):
        sizes = [31415, 9, 2653, 58979]
        responses = self.stub.StreamingOutputCall(self.output(sizes, **fields), timeout=60)
        assert [len(response.payload.body) for response in responses] == sizes

    def server_compressed_streaming(self):
        for wanted in True, False:
            self.server_streaming(compressed=self.flag(wanted))

    def ping_pong(self):
        next_request = threading.Semaphore(0)
        sizes = [(31415, 27182), (9, 8), (2653, 1828), (58979, 45904)]

        def requests():
            for size, payload in sizes:
                yield self.output([size], payload)
                next_request.acquire()

        seen = []
        for response in self.stub.FullDuplexCall(requests(), timeout=60):
            seen.append(len(response.payload.body))
            next_request.release()
        assert seen == [size for size, _ in sizes]

    def empty_stream(self):
        assert list(self.stub.FullDuplexCall(iter(()), timeout=60)) == []

    def custom_metadata(self):
        sent = [
            ("x-grpc-test-echo-initial", "test_initial_metadata_value"),
            ("x-grpc-test-echo-trailing-bin", b"\xab\xab\xab"),
        ]
        _, unary = self.stub.UnaryCall.with_call(self.request(), timeout=60, metadata=sent)
        duplex = self.stub.FullDuplexCall(iter([self.output([314_159], 271_828)]), timeout=60, metadata=sent)
        assert len(next(duplex).payload.body) == 314_159 and not list(duplex)
        for call in unary, duplex:
            assert sent[0] in [tuple(entry) for entry in call.initial_metadata()]
            assert sent[1] in [tuple(entry) for entry in call.trailing_metadata()]

    def status_code_and_message(self, message="test status message"):
        status = self.pb.EchoStatus(code=2, message=message)
        unary = self.pb.SimpleRequest(response_status=status)
        self.fails(grpc.StatusCode.UNKNOWN, lambda: self.stub.UnaryCall(unary, timeout=60), message)
        stream = iter([self.pb.StreamingOutputCallRequest(response_status=status)])
        self.fails(grpc.StatusCode.UNKNOWN, lambda: list(self.stub.FullDuplexCall(stream, timeout=60)), message)

    def special_status_message(self):
        self.status_code_and_message(SPECIAL)

    def unimplemented_method(self):
        empty = self.pb.Empty()
        self.fails(grpc.StatusCode.UNIMPLEMENTED, lambda: self.stub.UnimplementedCall(empty, timeout=60))

    def unimplemented_service(self):
        stub, empty = self.grpc_pb.UnimplementedServiceStub(self.channel), self.pb.Empty()
        self.fails(grpc.StatusCode.UNIMPLEMENTED, lambda: stub.UnimplementedCall(empty, timeout=60))

    def cancel_after_begin(self):
        release = threading.Event()
        call = self.stub.StreamingInputCall.future(iter(lambda: release.wait(60) and None, None), timeout=60)
        call.cancel()
        release.set()
        assert call.cancelled() and call.code() == grpc.StatusCode.CANCELLED

    def cancel_after_first_response(self):
        release = threading.Event()

        def requests():
            yield self.output([31415], 27182)
            release.wait(60)

        call = self.stub.FullDuplexCall(requests(), timeout=60)
        assert len(next(call).payload.body) == 31415
        call.cancel()
        self.fails(grpc.StatusCode.CANCELLED, lambda: next(call))
        release.set()

    def timeout_on_sleeping_server(self):
        request = self.output([31415], 27182, interval_us=1_000_000)
        call = self.stub.FullDuplexCall(iter([request]), timeout=0.001)
        self.fails(grpc.StatusCode.DEADLINE_EXCEEDED, lambda: next(call))

    def concurrent_large_unary(self):
        with futures.ThreadPoolExecutor(20) as pool:
            for done in [pool.submit(self.large) for _ in range(20)]:
                done.result()

    def rpc_soak(self, iterations=300, seconds=5):
        for _ in range(iterations):
            start = time.monotonic()
            self.large()
            assert time.monotonic() - start < seconds

    def channel_soak(self, iterations=60, seconds=5):
        for _ in range(iterations):
            start = time.monotonic()
            with self.server.channel(("grpc.use_local_subchannel_pool", 1)) as channel:
                self.large(self.grpc_pb.TestServiceStub(channel))
            assert time.monotonic() - start < seconds


@pytest.mark.parametrize("case", CASES)
def test_grpcio_against_our_server(pb, server, case):
    cases = Cases(pb, server)
    try:
        getattr(cases, case)()
    finally:
        cases.channel.close()


def test_a_soak_leaves_no_memory_behind(pb, server):
    cases = Cases(pb, server)
    for round in range(3):
        cases.rpc_soak(100)
        cases.channel_soak(20)
        if round == 0:
            resident = server.memory()
    assert server.memory() - resident < 20_000_000
    cases.channel.close()


@pytest.fixture(scope="module")
def peer(pb):
    """grpcio's server of the service."""
    messages, services = pb

    def zeros(size):
        return messages.Payload(body=bytes(size))

    def echo(context):
        metadata = dict(context.invocation_metadata())
        initial, trailing = "x-grpc-test-echo-initial", "x-grpc-test-echo-trailing-bin"
        context.send_initial_metadata([(initial, metadata[initial])] if initial in metadata else [])
        context.set_trailing_metadata([(trailing, metadata[trailing])] if trailing in metadata else [])

    def fail(request, context):
        if request.response_status.code:
            code = next(code for code in grpc.StatusCode if code.value[0] == request.response_status.code)
            context.abort(code, request.response_status.message)

    class Service(services.TestServiceServicer):
        def EmptyCall(self, request, context):
            return request

        def UnaryCall(self, request, context):
            if request.response_compressed.value:
                context.set_compression(grpc.Compression.Gzip)
            echo(context)
            fail(request, context)
            return messages.SimpleResponse(payload=zeros(request.response_size))

        def StreamingInputCall(self, requests, context):
            size = sum(len(request.payload.body) for request in requests)
            return messages.StreamingInputCallResponse(aggregated_payload_size=size)

        def StreamingOutputCall(self, request, context):
            if any(parameters.compressed.value for parameters in request.response_parameters):
                context.set_compression(grpc.Compression.Gzip)
            yield from self.answer(request, context)

        def FullDuplexCall(self, requests, context):
            for request in requests:
                fail(request, context)
                yield from self.answer(request, context)

        def answer(self, request, context):
            for parameters in request.response_parameters:
                time.sleep(parameters.interval_us / 1e6)
                yield messages.StreamingOutputCallResponse(payload=zeros(parameters.size))

    server = grpc.server(futures.ThreadPoolExecutor(24), options=UNLIMITED)
    services.add_TestServiceServicer_to_server(Service(), server)
    port = server.add_insecure_port("127.0.0.1:0")
    server.start()
    yield f"127.0.0.1:{port}"
    server.stop(0).wait()


def run_our_client(address, cases):
    done = subprocess.run(
        [BINARY, "cases", "--address", address, *cases], capture_output=True, text=True, timeout=120
    )
    assert done.returncode == 0, done.stderr
    assert done.stdout.splitlines() == [f"{case} ok" for case in cases]


@pytest.mark.parametrize("case", CASES)
def test_our_client_against_grpcio(peer, case):
    run_our_client(peer, [case])


def test_our_client_against_our_server(server):
    """All cases on one connection, with compression checked message by message."""
    run_our_client(server.address, CASES)
