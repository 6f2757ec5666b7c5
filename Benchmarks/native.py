"""GraphScope's own engines behind this coordinator and the Python coordinator: time until a session is ready, cost of a
step beyond the engine's own call, a large result, and PageRank in a second session.

GSC_NATIVE_PYTHON names the environment with the engines (default: .venv-native). GSC_NATIVE_RESULT_MIB is the size of the
large result, 1024 unless set; the engine takes about 10 times as much memory.
"""

import contextlib
import os
import statistics
import threading
import time

import graphscope
import grpc
import numpy as np
import psutil
from graphscope.framework import dag_utils
from graphscope.proto import coordinator_service_pb2_grpc, message_pb2, op_def_pb2, types_pb2

from . import servers, start
from .report import Row

RESULT_MIB = int(os.environ.get("GSC_NATIVE_RESULT_MIB", "1024"))
STEPS = 500


def environment():
    return os.environ.get("GSC_NATIVE_PYTHON", os.path.abspath(".venv-native"))


def ours(directory, *settings):
    return servers.ours(directory, "engine=graphscope", f"graphscope.python={environment()}", *settings)


def engines(server):
    children = psutil.Process(server.process.pid).children(recursive=True)
    return [child for child in children if child.name() == "grape_engine"]


@contextlib.contextmanager
def opened(server):
    session = graphscope.session(addr=server.address)
    try:
        yield session
    finally:
        session._heartbeat_sending_thread = None  # it sleeps up to five seconds
        session.close()


def connects(server, count, before=lambda: None):
    """Returns the seconds from ConnectSession to a session that accepts steps."""
    with server:
        server.wait(servers.heartbeat)
        with grpc.insecure_channel(server.address) as channel:
            stub = coordinator_service_pb2_grpc.CoordinatorServiceStub(channel)
            stub.HeartBeat(message_pb2.HeartBeatRequest(), wait_for_ready=True)
            times = []
            for _ in range(count):
                before()
                times.append(start.connect(stub))
            return times


def warm_connects(directory, count):
    server = ours(directory, "engines.warm=1")

    def rest():
        deadline = time.monotonic() + 60
        while time.monotonic() < deadline:
            if any(engine.connections("tcp") for engine in engines(server)):
                return time.sleep(0.5)
            time.sleep(0.05)
        raise RuntimeError("no engine was started ahead")

    return connects(server, count, rest)


def port_of(engine):
    words = engine.cmdline()
    return int(words[words.index("--port") + 1])


def calls(address, service, session_id, operation):
    """Returns the seconds of each of several RunSteps with one small operation, over one connection."""
    head = message_pb2.RunStepRequestHead(session_id=session_id, dag_def=op_def_pb2.DagDef(op=[operation]))
    request = message_pb2.RunStepRequest(head=head)
    with grpc.insecure_channel(address) as channel:
        step = channel.stream_stream(
            f"/gs.rpc.{service}/RunStep",
            request_serializer=message_pb2.RunStepRequest.SerializeToString,
            response_deserializer=message_pb2.RunStepResponse.FromString,
        )
        times = []
        for _ in range(STEPS + 20):
            begin = time.perf_counter()
            answers = list(step(iter([request])))
            times.append(time.perf_counter() - begin)
            assert answers[0].head.code == 0, answers[0].head.error_msg
        return times[20:]


def overhead(server):
    """Returns how much longer each step takes than the median of the engine's own call."""
    with server:
        server.wait(servers.heartbeat)
        with opened(server) as session:
            graph = session.nx().DiGraph()
            graph.add_edge(1, 2)
            operation = dag_utils.report_graph(graph, types_pb2.NODE_NUM).as_op_def()
            [engine] = engines(server)
            direct = calls(f"127.0.0.1:{port_of(engine)}", "EngineService", session.session_id, operation)
            through = calls(server.address, "CoordinatorService", session.session_id, operation)
            return [seconds - statistics.median(direct) for seconds in through]


def graph_files(directory, vertices):
    """A graph whose vertices fill a large result; edges are few."""
    vertex_file, edge_file = (os.path.join(directory, name) for name in ("native_v.csv", "native_e.csv"))
    if not os.path.exists(vertex_file):
        with open(vertex_file, "w") as file:
            file.write("id\n")
            for begin in range(0, vertices, 1_000_000):
                ids = np.arange(begin, min(begin + 1_000_000, vertices))
                file.write("\n".join(map(str, ids.tolist())) + "\n")
        with open(edge_file, "w") as file:
            file.write("s,d\n" + "".join(f"{i},{i + 1}\n" for i in range(1000)))
    return vertex_file, edge_file


def load(session, files):
    graph = session.g(directed=False).add_vertices(files[0], "v").add_edges(files[1], "e", src_label="v", dst_label="v")
    return graph.project(vertices={"v": []}, edges={"e": []})._project_to_simple()


class Peak:
    """Measures the maximum growth of a process's memory while the block runs, in MiB."""

    def __init__(self, pid):
        self.process = psutil.Process(pid)

    def __enter__(self):
        self.before = self.most = self.process.memory_info().rss
        self.over = threading.Event()
        self.thread = threading.Thread(target=self.look)
        self.thread.start()
        return self

    def look(self):
        while not self.over.wait(0.005):
            self.most = max(self.most, self.process.memory_info().rss)

    def __exit__(self, *_):
        self.over.set()
        self.thread.join()

    @property
    def mib(self):
        return (self.most - self.before) / 2**20


def fetch(address, service, session_id, operation):
    """Returns the size of a result in bytes; its pieces are discarded."""
    head = message_pb2.RunStepRequestHead(session_id=session_id, dag_def=op_def_pb2.DagDef(op=[operation]))
    options = [("grpc.max_receive_message_length", -1)]
    with grpc.insecure_channel(address, options=options) as channel:
        # The messages are not decoded, because the coordinator is measured.
        step = channel.stream_stream(
            f"/gs.rpc.{service}/RunStep",
            request_serializer=message_pb2.RunStepRequest.SerializeToString,
            response_deserializer=lambda message: len(message),
        )
        return sum(step(iter([message_pb2.RunStepRequest(head=head)])))


def large(server, files):
    """Returns the seconds per GiB of a large result, the growth of the coordinator's memory, and the seconds per GiB when the
    engine is called directly."""
    with server:
        server.wait(servers.heartbeat)
        with opened(server) as session:
            graph = load(session, files)
            context = graphscope.wcc(graph)
            operation = context._context_node.to_numpy("r").op.as_op_def()

            def seconds_per_gib(address, service):
                begin = time.perf_counter()
                size = fetch(address, service, session.session_id, operation)
                return (time.perf_counter() - begin) * 2**30 / size

            seconds, memory = [], []
            for _ in range(3):
                with Peak(server.process.pid) as peak:
                    seconds.append(seconds_per_gib(server.address, "CoordinatorService"))
                memory.append(peak.mib)
            [engine] = engines(server)
            # The attributes that a coordinator adds to the client's operation.
            operation.attr[types_pb2.CONTEXT_KEY].s = context.key.encode()
            direct = [seconds_per_gib(f"127.0.0.1:{port_of(engine)}", "EngineService") for _ in range(3)]
            return seconds, memory, direct


def page_ranks(server, files):
    """Returns the seconds of PageRank in the first and in the second session."""
    with server:
        server.wait(servers.heartbeat)
        times = []
        for _ in range(2):
            with opened(server) as session:
                graph = load(session, files)
                begin = time.perf_counter()
                graphscope.pagerank(graph)
                times.append(time.perf_counter() - begin)
        return times


def measure(directory, peer, cleanup):
    def theirs(body):
        return body(servers.peer(directory, peer)) if peer else []

    milliseconds = lambda times: [1e3 * seconds for seconds in times]  # noqa: E731
    cold = milliseconds(connects(ours(directory), 5))
    warm = milliseconds(warm_connects(directory, 5))
    # Only its first connection starts the engine.
    peers = milliseconds(sum((theirs(lambda server: connects(server, 1)) for _ in range(2)), []))
    step = milliseconds(overhead(ours(directory)))
    peers_step = milliseconds(theirs(overhead))
    files = graph_files(directory, RESULT_MIB << 17)
    seconds, memory, direct = large(ours(directory), files)
    peers_large = theirs(lambda server: large(server, files)) or ([], [], [])
    os.makedirs(f"{directory}/few")
    few = graph_files(f"{directory}/few", 10_000)
    ranks = page_ranks(ours(directory), few)
    peers_ranks = theirs(lambda server: page_ranks(server, few))
    who = servers.PEER
    return [
        Row("native: ConnectSession to ready", "ms", cold, {who: peers}, "1/5 of the peer's"),
        Row("native: the same with engines.warm", "ms", warm, {who: peers}, ""),
        Row("native: RunStep beyond the engine's call", "ms", step, {who: peers_step}, "< 1 ms"),
        Row(f"native: result of {RESULT_MIB} MiB, per GiB", "s", seconds,
            {who: peers_large[0], "the engine itself": direct}, "1/3 of the peer's"),  # fmt: skip
        Row("native: memory growth meanwhile", "MiB", memory, {who: peers_large[1]}, "< 64 MiB"),
        Row("native: PageRank, first session", "s", ranks[:1], {who: peers_ranks[:1]}, ""),
        Row("native: PageRank, second session", "s", ranks[1:], {who: peers_ranks[1:]}, "no compile"),
    ]
