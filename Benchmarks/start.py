"""Time from start to the first answered HeartBeat, idle memory, and time from ConnectSession to a session that runs steps."""

import time

import grpc
from graphscope.proto import coordinator_service_pb2_grpc, message_pb2
from graphscope.version import __version__

from . import servers
from .report import Row


def connect(stub):
    """Returns the seconds until the client would send its first step, and closes the session."""
    start = time.perf_counter()
    reply = stub.ConnectSession(
        message_pb2.ConnectSessionRequest(version=__version__, dangling_timeout_seconds=600, cleanup_instance=False)
    )
    if reply.engine_config == "{}" and not reply.host_names:
        stub.CreateAnalyticalInstance(message_pb2.CreateAnalyticalInstanceRequest(session_id=reply.session_id))
    seconds = time.perf_counter() - start
    stub.CloseSession(message_pb2.CloseSessionRequest(session_id=reply.session_id))
    return seconds


def one(server, connects):
    with server:
        ready = server.wait(servers.heartbeat)
        time.sleep(0.5)  # until start-up work that continues after the response has ended
        memory = server.memory_mib()
        with grpc.insecure_channel(server.address) as channel:
            stub = coordinator_service_pb2_grpc.CoordinatorServiceStub(channel)
            stub.HeartBeat(message_pb2.HeartBeatRequest(), wait_for_ready=True)
            return ready, memory, [connect(stub) for _ in range(connects)]


def measure(directory, peer, cleanup):
    ours = [one(servers.ours(directory), 5) for _ in range(5)]
    # Only its first connection starts the engine.
    theirs = [one(servers.peer(directory, peer), 1) for _ in range(3)] if peer else []

    def row(name, unit, promise, take):
        return Row(name, unit, take(ours), {servers.PEER: take(theirs)}, promise)

    return [
        row("start to first answered HeartBeat", "ms", "< 50 ms", lambda s: [1e3 * ready for ready, _, _ in s]),
        row("idle memory", "MiB", "< 30 MiB", lambda s: [memory for _, memory, _ in s]),
        row("ConnectSession to ready", "ms", "< 20 ms", lambda s: [1e3 * c for _, _, connects in s for c in connects]),
    ]
