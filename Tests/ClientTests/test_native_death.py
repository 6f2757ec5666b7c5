"""Processes of GraphScope's engines are killed: who is told what and how soon, who goes on, and that nothing stays behind."""

import base64
import concurrent.futures
import json
import os
import pathlib
import re
import signal
import subprocess
import time

import graphscope
import psutil
import pytest
from graphscope.framework.errors import AnalyticalEngineInternalError
from graphscope.proto import message_pb2

import processes
from conftest import close
from process import BINARY, wait_until
from test_native import PYTHON, column, engines, gstest, p2p, pytestmark, simple, start_native  # noqa: F401

# What the programs are known to leave in directories that all share: OpenMPI, vineyard, Java, JNA, the Cypher server.
LEAVINGS = re.compile(r"ompi|vader|psm|openmpi|vineyard|hsperfdata|jna|neo4j|graphlearn|grape|gaia")


class Traces:
    """What coordinators on one workspace have, and what their engines could leave anywhere on the machine."""

    def __init__(self, directory):
        self.directory = str(directory)
        self.temporary = directory / "tmp"
        self.temporary.mkdir()
        self.pids = set()
        self.before = self.elsewhere()

    def processes(self):
        """Processes that were started for this workspace, whoever is their parent now."""
        found = []
        for process in psutil.process_iter():
            try:
                words = process.cmdline() + list(process.environ().values())
                if process.status() != psutil.STATUS_ZOMBIE and any(self.directory in word for word in words):
                    found.append(process)
            except (psutil.NoSuchProcess, psutil.AccessDenied):
                pass
        ours = [process for process in found if process.pid != os.getpid()]
        self.pids |= {process.pid for process in ours}
        return ours

    def elsewhere(self):
        """Names in the directories that all processes of the machine share, and in our own for temporary files."""
        places = ["/tmp", "/dev/shm", "/var/tmp", *map(str, pathlib.Path("/tmp").glob("hsperfdata_*")),
                  *map(str, pathlib.Path("/tmp").glob("ompi.*")), os.path.expanduser("~/.cache/JNA/temp")]
        names = set()
        for place in filter(os.path.isdir, places):
            try:
                names |= {os.path.join(place, name) for name in os.listdir(place)}
            except OSError:
                pass
        return names

    def sockets(self):
        """Unix sockets whose path tells that they are ours."""
        paths = self._socket_paths()
        return [path for path in paths if self.directory in path or self._names_ours(path)]

    @staticmethod
    def _socket_paths():
        with open("/proc/net/unix") as table:
            return [line.split()[-1] for line in table if "/" in line]

    def left(self):
        """New names that one of our processes is in, or that are an engine's and of no other process."""
        new = self.elsewhere() - self.before
        ours = {name for name in new if self._names_ours(name)}
        others = {name for name in new - ours if LEAVINGS.search(name) and not self._is_foreign(name)}
        return sorted(ours | others) + sorted(map(str, self.temporary.rglob("*")))

    def _names_ours(self, name):
        return any(int(number) in self.pids for number in re.findall(r"\d+", name) if len(number) < 10)

    def _is_foreign(self, name):
        """Whether it bears another process's number, or such a process has it open: others test here, too."""
        bears_number = re.search(r"/(hsperfdata_|ompi\.)[^/]*/|\.log\.[A-Z]+\.\d+-\d+\.\d+$", name)
        return bool(bears_number) or not os.path.lexists(name) or name in self._open()

    def _open(self):
        """Names below which living processes have files or sockets open; none of them is ours by then."""
        names = set(self._socket_paths())
        for process in psutil.process_iter():
            try:
                names |= {"/".join(file.path.split("/")[:3]) for file in process.open_files()}
                names |= {"/".join(map.path.split("/")[:3]) for map in process.memory_maps()}
            except (psutil.NoSuchProcess, psutil.AccessDenied):
                pass
        return names


@pytest.fixture
def traces(tmp_path):
    return Traces(tmp_path)


@pytest.fixture
def run(tmp_path, traces, monkeypatch):
    """Starts a coordinator of the test's own, and looks at the end for everything that it could have left."""
    monkeypatch.setenv("TMPDIR", str(traces.temporary))
    started = []

    def run(*arguments):
        started.append(start_native(tmp_path, *arguments))
        return started[-1]

    yield run
    for coordinator in started:
        if coordinator.process.poll() is None:
            traces.processes()
            left = coordinator.session_files(), engines(coordinator)
            coordinator.stop()
            assert left == ([], {})
    wait_until(lambda: traces.processes() == [], 10, "all processes are gone")
    assert traces.sockets() == []
    assert traces.left() == []


def kill(process):
    process.send_signal(signal.SIGKILL)


def slow(graph):
    """A step that computes until it is ended."""
    return graphscope.pagerank(graph, delta=0.85, max_round=100_000_000)


def busy(process, seconds):
    """Waits until a process has computed for so long."""
    start = sum(process.cpu_times()[:2])
    wait_until(lambda: sum(process.cpu_times()[:2]) > start + seconds, 60, f"{process.name()} computes")


def described(coordinator, *what):
    return subprocess.run(
        [BINARY, "describe", *what, "--workspace", coordinator.workspace],
        capture_output=True, text=True, check=True, timeout=30,
    ).stdout


def listed(coordinator, kind):
    return subprocess.run(
        [BINARY, "get", kind, "--workspace", coordinator.workspace],
        capture_output=True, text=True, check=True, timeout=30,
    ).stdout


@pytest.mark.parametrize(
    "victim, workers, words",
    [
        ("grape_engine", 1, "analytical engine.*SIGKILL"),
        ("vineyardd", 1, "object store.*SIGKILL"),
        ("grape_engine", 2, "analytical engine.*"),
        ("mpirun", 2, "analytical engine.*SIGKILL"),
    ],
)
def test_the_step_fails_at_once_with_the_cause_and_the_session_goes_on_with_fresh_engines(
    run, traces, gstest, victim, workers, words
):
    coordinator = run("--set", "engines.restart=on-failure", "--set", f"workers={workers}")
    bystander = graphscope.session(addr=coordinator.address)
    others = simple(p2p(bystander, gstest))
    graphscope.pagerank(others, delta=0.85, max_round=1)
    theirs = {process.pid for found in engines(coordinator).values() for process in found}
    session = graphscope.session(addr=coordinator.address)
    graph = simple(p2p(session, gstest))
    mine = [process for process in engines(coordinator)[victim] if process.pid not in theirs]
    working = [process for process in engines(coordinator)["grape_engine"] if process.pid not in theirs]
    traces.processes()
    with concurrent.futures.ThreadPoolExecutor() as pool:
        step = pool.submit(slow, graph)
        busy(working[0], 0.5)
        other_step = pool.submit(lambda: len(column(graphscope.sssp(others, src=6))))
        died = time.monotonic()
        kill(mine[-1])
        with pytest.raises(AnalyticalEngineInternalError, match=words):
            step.result(timeout=30)
        seconds = time.monotonic() - died
        assert other_step.result(timeout=60) == 62586
    print(f"{victim} of {workers}: the step failed after {seconds:.3f} s")
    assert seconds < 2
    assert len(column(graphscope.sssp(simple(p2p(session, gstest)), src=6))) == 62586
    with pytest.raises(Exception, match="no longer exists"):
        graphscope.sssp(graph, src=6)
    assert "ObjectsLost" in described(coordinator, "session", session.session_id)
    assert len(column(graphscope.sssp(others, src=6))) == 62586
    close(session)
    close(bystander)


def test_a_step_that_compiles_ends_with_its_engine_and_so_does_the_compiler(run, traces, tmp_path, gstest):
    coordinator = run("--set", f"graphscope.cache={tmp_path}/cache")
    session = graphscope.session(addr=coordinator.address)
    graph = simple(p2p(session, gstest))
    compilers = lambda: [p for p in traces.processes() if "cc1plus" in processes.name(p)]  # noqa: E731
    with concurrent.futures.ThreadPoolExecutor() as pool:
        step = pool.submit(graphscope.pagerank, graph)
        wait_until(compilers, 60, "a compiler works")
        died = time.monotonic()
        kill(engines(coordinator)["grape_engine"][0])
        with pytest.raises(AnalyticalEngineInternalError, match="SIGKILL"):
            step.result(timeout=30)
        assert time.monotonic() - died < 2
    wait_until(lambda: not compilers(), 10, "the compiler has ended, too")
    close(session)


def loopback_ports(process):
    """Ports of this process that only this machine reaches."""
    sockets = [s.laddr for s in process.connections("tcp") if s.status == psutil.CONN_LISTEN]
    return {address.port for address in sockets if address.ip in ("127.0.0.1", "::1", "::ffff:127.0.0.1")}


def modern(session, gstest):
    from graphscope.framework.loader import Loader

    table = lambda name: Loader(str(gstest / "modern_graph" / name), delimiter="|")
    graph = session.g().add_vertices(table("person.csv"), "person")
    return graph.add_edges(table("knows.csv"), "knows", src_label="person", dst_label="person")


@pytest.mark.parametrize("victim", ["gaia_executor", "java"])
def test_an_interactive_instance_ends_as_a_whole_with_the_cause(run, traces, gstest, victim):
    coordinator = run()
    session = graphscope.session(addr=coordinator.address)
    graph = modern(session, gstest)
    instance = session.interactive(graph, with_cypher=victim == "java")
    assert instance.execute("g.V().count()").all().result() == [4]
    traces.processes()
    [front_end] = engines(coordinator)["java"]
    if victim == "java":
        wait_until(lambda: loopback_ports(front_end), 60, "the Cypher server listens, on loopback alone")
        [port] = loopback_ports(front_end)
        assert instance.cypher_url[0].endswith(f":{port}")
    kill(engines(coordinator)[victim][0])
    wait_until(lambda: not {"java", "gaia_executor"} & engines(coordinator).keys(), 10, "both are gone")
    wait_until(lambda: "failed" in listed(coordinator, "instances"), 5, "it is shown as failed")
    text = described(coordinator, "instance", f"{session.session_id}/interactive-{graph.vineyard_id}")
    assert "Broken" in text and "SIGKILL" in text and victim.replace("java", "front end") in text
    with pytest.raises(Exception):
        instance.execute("g.V().count()").all().result()
    assert graph.schema.vertex_labels == ["person"]
    instance.close()
    assert "interactive" not in listed(coordinator, "instances")
    assert len(column(graphscope.sssp(simple(p2p(session, gstest)), src=6))) == 62586
    close(session)


def sampling(session, graph):
    """Starts sampling servers as the client does, whose own library for that is not needed for it."""
    handle = {
        "hosts": "localhost", "client_count": 1, "vineyard_id": graph.vineyard_id, "fragments": graph.fragments,
        "vineyard_socket": session.engine_config["vineyard_socket"], "node_schema": ["person:false:false:1:0:1"],
        "edge_schema": ["person:knows:person:true:false:0:1:0"],
        "node_attribute_types": {"person": {"age": "i", "name": "s"}},
        "edge_attribute_types": {"knows": {"weight": "f"}},
    }
    config = {
        "nodes": None, "edges": None, "node_attributes": {}, "edge_attributes": {}, "gen_labels": [],
    }
    encode = lambda value: base64.b64encode(json.dumps(value).encode()).decode()
    return session._grpc_client.create_learning_instance(
        graph.vineyard_id, encode(handle), encode(config), message_pb2.LearningBackend.GRAPHLEARN)


def test_a_sampling_server_that_dies_ends_its_instance_with_the_cause(run, traces, gstest):
    coordinator = run()
    session = graphscope.session(addr=coordinator.address)
    graph = modern(session, gstest)
    sampling(session, graph)
    servers = lambda: [p for p in traces.processes() if "gscoordinator.launch_graphlearn" in processes.arguments(p)]
    [server] = servers()
    kill(server)
    wait_until(lambda: "failed" in listed(coordinator, "instances"), 5, "it is shown as failed")
    assert servers() == []
    text = described(coordinator, "instance", f"{session.session_id}/learning-{graph.vineyard_id}")
    assert "Broken" in text and "SIGKILL" in text
    session._grpc_client.close_learning_instance(graph.vineyard_id)
    assert "learning" not in listed(coordinator, "instances")
    assert graph.schema.vertex_labels == ["person"]
    close(session)


@pytest.mark.parametrize("workers", [1, 2])
def test_a_killed_coordinator_leaves_nothing_that_the_next_one_does_not_remove(run, traces, gstest, workers):
    arguments = ["--set", f"workers={workers}"]
    coordinator = run(*arguments)
    session = graphscope.session(addr=coordinator.address)
    graph = modern(session, gstest)
    if workers == 1:
        session.interactive(graph)
        sampling(session, graph)
    assert len(traces.processes()) >= (6 if workers == 1 else 5)
    session._closed = True
    coordinator.kill()
    wait_until(lambda: traces.processes() == [], 15, "all ended with it")
    again = run(*arguments)
    wait_until(lambda: "session" in listed(again, "sessions"), 20, "its session is brought back")
    assert subprocess.run(
        [BINARY, "get", "children", "--workspace", again.workspace], capture_output=True, text=True, timeout=30
    ).stdout.count("gaia_executor") == 0
    resumed = graphscope.session(addr=again.address, reconnect=True)
    assert resumed.session_id == session.session_id
    assert len(column(graphscope.sssp(simple(p2p(resumed, gstest)), src=6))) == 62586
    close(resumed)
