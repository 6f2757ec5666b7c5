"""The calls of the bare client as bytes, and their durations."""

import os
import statistics
import sys
import time

from graphscope.proto import message_pb2, types_pb2
from graphscope.proto.data_types_pb2 import Int64Value
from graphscope.version import __version__

from . import bare, servers

sys.path.append(os.path.join(servers.HERE, "..", "Tests", "ClientTests"))
import raw  # noqa: E402

SERVICE = b"/gs.rpc.CoordinatorService/"
HEARTBEAT, RUN_STEP, CONNECT, CLOSE = (SERVICE + n for n in (b"HeartBeat", b"RunStep", b"ConnectSession", b"CloseSession"))

CONNECT_REQUEST = message_pb2.ConnectSessionRequest(
    version=__version__, dangling_timeout_seconds=3600, cleanup_instance=False
).SerializeToString()


def message(kind, answer):
    """Returns the first message of a response."""
    return kind.FromString(answer[5 : 5 + int.from_bytes(answer[1:5], "big")])


def connect(connection):
    """Opens a session on the connection and returns its id."""
    return message(message_pb2.ConnectSessionResponse, connection.call(CONNECT, [CONNECT_REQUEST])).session_id


def close(connection, session_id):
    assert connection.call(CLOSE, [message_pb2.CloseSessionRequest(session_id=session_id).SerializeToString()])


def step(session_id, *ops):
    return raw.head(session_id, ops).SerializeToString()


def run(connection, request):
    answer = message(message_pb2.RunStepResponse, connection.call(RUN_STEP, [request])).head
    assert answer.code == 0, answer.error_msg


def job(path):
    """Returns operations that load a graph from a file of edges and run BFS on it. They end with the projection, the
    application, the bound application and the result."""
    load = raw.load_ops(path)
    simple = project(load[1])
    app = raw.op(types_pb2.CREATE_APP, output=types_pb2.APP, APP_ALGO="bfs")
    bound = bind(simple, app)
    result = raw.op(types_pb2.RUN_APP, [bound], output=types_pb2.RESULTS, OUTPUT_PREFIX=".")
    result.query_args.args.add().Pack(Int64Value(value=1))
    return [*load, simple, app, bound, result]


def project(graph):
    return raw.op(types_pb2.PROJECT_TO_SIMPLE, [graph], output=types_pb2.GRAPH, V_PROP_KEY="None", E_PROP_KEY="None")


def bind(simple, app):
    return raw.op(types_pb2.BIND_APP, [simple, app], output=types_pb2.BOUND_APP, APP_ALGO="bfs")


def read(result):
    return raw.op(types_pb2.CONTEXT_TO_NUMPY, [result], output=types_pb2.TENSOR, SELECTOR="r", AXIS=0)


def round_trips(port, path, requests):
    """Returns the seconds of each request, sent one after the other on one connection."""
    times = []
    with bare.Connection(port) as connection:
        for request in requests:
            start = time.perf_counter()
            assert connection.call(path, [request])
            times.append(time.perf_counter() - start)
    return times


def percentile(times, percent):
    return statistics.quantiles(times, n=100, method="inclusive")[percent - 1]
