"""The services beside the client's, health checking and reflection, and the details of errors, as other programs use them."""

import signal
import threading

import grpc
import pytest
from google.protobuf import descriptor_pool, message_factory
from google.rpc import error_details_pb2
from graphscope.proto import coordinator_service_pb2_grpc, message_pb2
from grpc_health.v1 import health_pb2, health_pb2_grpc
from grpc_reflection.v1alpha import reflection_pb2, reflection_pb2_grpc
from grpc_reflection.v1alpha.proto_reflection_descriptor_database import ProtoReflectionDescriptorDatabase
from grpc_status import rpc_status
from process import wait_until
from test_access import Bearer, Tokens

pytestmark = pytest.mark.ours("services that the reference coordinator does not have")

SERVICE = "gs.rpc.CoordinatorService"
HEALTH = "grpc.health.v1.Health"
REFLECTION = ["grpc.reflection.v1.ServerReflection", "grpc.reflection.v1alpha.ServerReflection"]
SERVING = health_pb2.HealthCheckResponse.SERVING
NOT_SERVING = health_pb2.HealthCheckResponse.NOT_SERVING
SERVICE_UNKNOWN = health_pb2.HealthCheckResponse.SERVICE_UNKNOWN


@pytest.fixture
def channel(address):
    with grpc.insecure_channel(address) as channel:
        yield channel


def check(channel, service=""):
    return health_pb2_grpc.HealthStub(channel).Check(health_pb2.HealthCheckRequest(service=service), timeout=10).status


def watch(channel, service=""):
    return health_pb2_grpc.HealthStub(channel).Watch(health_pb2.HealthCheckRequest(service=service), timeout=60)


def failure(call):
    with pytest.raises(grpc.RpcError) as caught:
        call()
    return caught.value


def details(error):
    """The reason and the delay after which the call may be made again, of a status that is as rich as it should be."""
    info, delay = error_details_pb2.ErrorInfo(), None
    for detail in rpc_status.from_call(error).details:
        if not detail.Unpack(info):
            retry = error_details_pb2.RetryInfo()
            assert detail.Unpack(retry)
            delay = retry.retry_delay.ToMilliseconds() / 1000
    assert info.domain == "gscoordinator"
    return info.reason, delay


class TestHealth:
    def test_check(self, channel):
        assert check(channel) == check(channel, SERVICE) == SERVING
        error = failure(lambda: check(channel, "other.Service"))
        assert error.code() == grpc.StatusCode.NOT_FOUND and "other.Service" in error.details()

    def test_watch_until_the_end(self, start):
        running = start()
        with grpc.insecure_channel(running.address) as channel:
            known, unknown = watch(channel, SERVICE), watch(channel, "other.Service")
            assert next(known).status == SERVING and next(unknown).status == SERVICE_UNKNOWN
            running.process.send_signal(signal.SIGINT)
            assert next(known).status == NOT_SERVING
            for statuses in known, unknown:
                error = failure(lambda: next(statuses))
                assert error.code() == grpc.StatusCode.UNAVAILABLE
                assert details(error) == ("SHUTTING_DOWN", 1)
        assert running.process.wait(20) == 0

    def test_probes_need_no_token_and_reflection_does(self, start, tmp_path):
        tokens = Tokens(tmp_path / "tokens")
        alice = tokens.create("alice", "a")
        running = start(["--port", "0", "--set", f"access.token_file={tokens.path}"])
        with grpc.insecure_channel(running.address) as channel:
            assert check(channel, SERVICE) == SERVING
            assert next(watch(channel)).status == SERVING
            error = failure(lambda: ProtoReflectionDescriptorDatabase(channel).get_services())
            assert error.code() == grpc.StatusCode.UNAUTHENTICATED
            assert details(error) == ("UNAUTHENTICATED", None)
            # A stranger's message is not received beyond what a name can need.
            long = channel.unary_unary(f"/{HEALTH}/Check")
            assert failure(lambda: long(b"x" * 5_000_000)).code() == grpc.StatusCode.RESOURCE_EXHAUSTED
            known = grpc.intercept_channel(channel, Bearer(alice))
            assert SERVICE in ProtoReflectionDescriptorDatabase(known).get_services()


class TestReflection:
    def test_services(self, channel):
        services = ProtoReflectionDescriptorDatabase(channel).get_services()
        assert sorted(services) == sorted([SERVICE, HEALTH, *REFLECTION])

    def test_a_client_that_knows_no_message_makes_a_call(self, channel):
        pool = descriptor_pool.DescriptorPool(ProtoReflectionDescriptorDatabase(channel))
        for name in [SERVICE, HEALTH, *REFLECTION]:
            service = pool.FindServiceByName(name)
            assert service.methods and all(method.input_type.file.pool is pool for method in service.methods)
        methods = {method.name for method in pool.FindServiceByName(SERVICE).methods}
        assert methods == set(vars(coordinator_service_pb2_grpc.CoordinatorServiceStub(channel)))
        heartbeat = pool.FindMethodByName(f"{SERVICE}.HeartBeat")
        request = message_factory.GetMessageClass(heartbeat.input_type)()
        call = channel.unary_unary(
            f"/{SERVICE}/HeartBeat", type(request).SerializeToString,
            message_factory.GetMessageClass(heartbeat.output_type).FromString,
        )
        call(request, timeout=10)
        # The descriptors are those of the client: same fields, same numbers.
        theirs = message_pb2.RunStepRequestHead.DESCRIPTOR
        shown = pool.FindMessageTypeByName("gs.rpc.RunStepRequestHead")
        assert [(f.name, f.number, f.type) for f in shown.fields] == [(f.name, f.number, f.type) for f in theirs.fields]

    @pytest.mark.parametrize("version", ["v1", "v1alpha"])
    def test_each_question(self, channel, version):
        request, response = reflection_pb2.ServerReflectionRequest, reflection_pb2.ServerReflectionResponse
        ask = channel.stream_stream(
            f"/grpc.reflection.{version}.ServerReflection/ServerReflectionInfo", request.SerializeToString,
            response.FromString,
        )
        extension = reflection_pb2.ExtensionRequest(containing_type="gs.rpc.OpDef", extension_number=7)
        questions = [
            request(host="h", file_by_filename="op_def.proto"),
            request(file_containing_symbol="gs.rpc.OpDef.key"),
            request(file_containing_symbol=f"{SERVICE}.FetchLogs"),
            request(list_services="*"),
            request(file_by_filename="nothing.proto"),
            request(file_containing_symbol="gs.rpc.Nothing"),
            request(all_extension_numbers_of_type="gs.rpc.OpDef"),
            request(all_extension_numbers_of_type="gs.rpc.Nothing"),
            request(file_containing_extension=extension),
        ]
        answers = list(ask(iter(questions), timeout=10))
        assert [answer.original_request for answer in answers] == questions
        assert [answer.valid_host for answer in answers] == ["h"] + [""] * 8
        for answer in answers[:3]:
            assert len(answer.file_descriptor_response.file_descriptor_proto) > 1
        assert answers[0].file_descriptor_response == answers[1].file_descriptor_response
        assert SERVICE in [service.name for service in answers[3].list_services_response.service]
        for answer, words in zip(answers[4:], ["no file", "Nothing is", "no extensions", "Nothing is", "no extensions"]):
            assert answer.error_response.error_code == grpc.StatusCode.NOT_FOUND.value[0]
            assert words in answer.error_response.error_message

    def test_a_request_that_asks_for_nothing(self, channel):
        stub = reflection_pb2_grpc.ServerReflectionStub(channel)
        error = failure(lambda: list(stub.ServerReflectionInfo(iter([reflection_pb2.ServerReflectionRequest()]))))
        assert error.code() == grpc.StatusCode.INVALID_ARGUMENT


class TestRichErrors:
    def test_reasons(self, channel):
        stub = coordinator_service_pb2_grpc.CoordinatorServiceStub(channel)
        error = failure(lambda: stub.ConnectSession(message_pb2.ConnectSessionRequest(version="0.0.1"), timeout=10))
        assert details(error) == ("VERSION_MISMATCH", None)
        error = failure(lambda: stub.CloseSession(message_pb2.CloseSessionRequest(session_id="none"), timeout=10))
        assert details(error) == ("UNKNOWN_SESSION", None)

    def test_what_may_be_tried_again_says_when(self, start):
        running = start(["--port", "0", "--set", "limits.sessions=1"])
        with grpc.insecure_channel(running.address) as channel:
            stub = coordinator_service_pb2_grpc.CoordinatorServiceStub(channel)
            request = message_pb2.ConnectSessionRequest(version="0.29.0", dangling_timeout_seconds=60)
            held = [stub.ConnectSession(request, timeout=20)]
            with pytest.raises(grpc.RpcError) as caught:
                for _ in range(1000):
                    held.append(stub.ConnectSession(request, timeout=20))
            assert caught.value.code() == grpc.StatusCode.RESOURCE_EXHAUSTED
            assert details(caught.value) == ("LIMIT_REACHED", 10)


class TestLogReaders:
    def test_a_session_has_so_many_readers_and_no_more(self, channel):
        stub = coordinator_service_pb2_grpc.CoordinatorServiceStub(channel)
        request = message_pb2.ConnectSessionRequest(version="0.29.0", dangling_timeout_seconds=60)
        sessions = [stub.ConnectSession(request, timeout=20).session_id for _ in range(2)]

        def read(session):
            return stub.FetchLogs(message_pb2.FetchLogsRequest(session_id=session), timeout=60)

        def is_refused(call, seconds=0.5):
            """Whether the call ends at once; one that is admitted stays open."""
            ended = threading.Event()
            call.add_callback(ended.set)
            return ended.wait(seconds) and call.code() == grpc.StatusCode.RESOURCE_EXHAUSTED

        readers = [read(sessions[0]) for _ in range(32)]
        assert not any(is_refused(reader, 0) for reader in readers)
        extra = read(sessions[0])
        assert is_refused(extra, 10)
        assert details(failure(lambda: next(extra))) == ("LIMIT_REACHED", 10)
        # Another session has readers of its own; one that ends makes room.
        assert not is_refused(read(sessions[1]))
        readers.pop().cancel()
        wait_until(lambda: not is_refused(read(sessions[0])), 10, "a reader's place is free")
        for session in sessions:
            stub.CloseSession(message_pb2.CloseSessionRequest(session_id=session), timeout=20)
        for reader in readers:
            list(reader)
            assert reader.code() == grpc.StatusCode.OK
