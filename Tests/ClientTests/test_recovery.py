"""Sessions, graphs and results survive the end of the coordinator, however it ends."""

import contextlib
import os
import pathlib
import re
import shutil
import signal
import threading
import time

import graphscope
import grpc
import pytest
from graphscope.framework.errors import GRPCError, RetriesExceededError
from graphscope.proto import message_pb2, types_pb2

import raw
from conftest import close
from graphs import edge_list, load, result, unweighted
from process import BINARY, REPOSITORY, Coordinator, free_port, wait_until
from test_session import LongStep

pytestmark = pytest.mark.ours("the reference coordinator forgets everything when it ends")

FAILPOINTS = sorted(
    {
        name
        for path in pathlib.Path(REPOSITORY, "Sources").rglob("*.swift")
        for name in re.findall(r'platform_failpoint\("([a-z-]+)"\)', path.read_text())
    }
)


class Host:
    """A coordinator at one address and workspace, started again whenever it is asked for."""

    def __init__(self, directory):
        self.directory = directory
        self.port = free_port()
        self.running = None

    @property
    def address(self):
        return f"127.0.0.1:{self.port}"

    def start(self, environment=None):
        self.running = Coordinator(self.directory, ["--port", str(self.port)], environment)
        return self.running

    def kill(self):
        self.running.kill()

    def stop(self, signal_number=signal.SIGINT):
        if self.running and self.running.process.poll() is None:
            assert self.running.stop(signal_number)[0] == 0


@pytest.fixture
def host(tmp_path):
    host = Host(tmp_path)
    yield host
    host.stop()


def eventually(call):
    """Repeats a call of the client until the coordinator is back."""
    deadline = time.monotonic() + 30
    while True:
        try:
            return call()
        except (GRPCError, RetriesExceededError):
            assert time.monotonic() < deadline
            time.sleep(0.1)
        except RuntimeError as error:
            # What the client says of its own graphs from a heartbeat that failed until the next one.
            assert "is not loaded" in str(error) and time.monotonic() < deadline, error
            time.sleep(0.1)


class TestKilled:
    def test_the_same_python_process_goes_on_with_its_graphs_and_results(self, host, csv):
        host.start()
        session = graphscope.session(addr=host.address)
        graph = session.load_from(edges={"e": csv("e.csv", "src,dst,w\n1,2,0.5\n2,3,0.25\n3,1,4\n")})
        simple = graph._project_to_simple(e_prop="w")
        context = graphscope.sssp(simple, src=1)
        expected = result(context)
        host.kill()
        host.start()
        assert eventually(lambda: result(context)) == expected
        assert result(graphscope.sssp(simple, src=1)) == expected
        larger = graph.add_vertices(csv("v.csv", "id,name\n7,seven\n"), label="extra")
        assert sorted(larger.schema.vertex_labels) == ["_", "extra"]
        again = graphscope.bfs(graph.project(vertices={"_": []}, edges={"e": []}), src=1)
        assert result(again) == {1: 0, 2: 1, 3: 2}
        context = None
        close(session)
        assert host.running.session_files() == []

    def test_ten_times_in_a_row(self, host, csv):
        host.start()
        session = graphscope.session(addr=host.address)
        graph = session.load_from(edges={"e": csv("e.csv", "src,dst\n1,2\n2,3\n")})
        for _ in range(10):
            host.kill()
            host.start()
            assert eventually(lambda: result(graphscope.bfs(graph, src=1))) == {1: 0, 2: 1, 3: 2}
        close(session)
        assert host.running.session_files() == []

    def test_in_the_middle_of_a_load(self, host, tmp_path):
        path = tmp_path / "large.csv"
        rows = "".join(f"{i},{(i * 7919) % 500_000}\n" for i in range(2_000_000))
        path.write_text("src,dst\n" + rows)
        host.start()
        session = graphscope.session(addr=host.address)
        outcome = []

        def run():
            try:
                outcome.append(session.load_from(edges={"e": str(path)}))
            except Exception as error:
                outcome.append(error)

        thread = threading.Thread(target=run)
        thread.start()
        wait_until(lambda: any(".building-" in f for f in host.running.session_files()), 20, "the load has begun")
        host.kill()
        thread.join(30)
        assert isinstance(outcome[0], GRPCError)
        host.start()
        assert not any(".building-" in f for f in host.running.session_files()), "nothing half-built is left"
        graph = eventually(lambda: session.load_from(edges={"e": str(path)}))
        assert graph.schema.edge_labels == ["e"]
        with raw.Client(host.address) as client:
            lines = logs_of(client, session.session_id)
        assert any("The coordinator ended while a step was running" in line and "CREATE_GRAPH" in line for line in lines)
        close(session)

    def test_in_the_middle_of_a_pagerank(self, host):
        host.start()
        session = graphscope.session(addr=host.address)
        graph = load(session, edge_list("clique", directed=True))
        step = LongStep(session)
        host.kill()
        step.thread.join(20)
        assert isinstance(step.outcome, GRPCError)
        step.stub.RunStep = step.original
        host.start()
        assert len(eventually(lambda: result(graphscope.pagerank(unweighted(graph), max_round=5)))) == 7
        close(session)
        assert host.running.session_files() == []

    def test_heartbeats_find_their_session_again(self, host, csv):
        host.start()
        # The client's heartbeats come every five seconds.
        session = graphscope.session(addr=host.address, dangling_timeout_seconds=8)
        host.kill()
        host.start()
        time.sleep(10)
        assert eventually(lambda: session.g()) is not None, "the client's own heartbeats renewed the lease"
        close(session)

    def test_a_session_whose_client_died_too_expires(self, host, csv):
        host.start()
        with raw.Client(host.address) as client:
            session_id = client.connect(dangling=2).session_id
            client.run(session_id, raw.load_ops(csv("e.csv", "src,dst\n1,2\n")))
        host.kill()
        assert host.start().session_files()
        wait_until(lambda: host.running.session_files() == [], 15, "the lease ran out")


def logs_of(client, session_id):
    """The lines that a client of the session is shown first."""
    lines = []
    stream = client.stub.FetchLogs(message_pb2.FetchLogsRequest(session_id=session_id), timeout=2)
    try:
        for line in stream:
            lines.append(line.info_message + line.error_message)
    except Exception:
        pass
    return lines


@pytest.mark.skipif("release" in pathlib.Path(BINARY).parts, reason="release builds have no failpoints")
class TestEveryFailpoint:
    """The coordinator kills itself at each point between journaling and acting."""

    class Restarter(threading.Thread):
        """Starts the coordinator again when it has died, once with each of the environments."""

        def __init__(self, host, *environments):
            super().__init__(daemon=True)
            self.host = host
            self.environments = environments
            self.deaths = 0
            self.start()

        def run(self):
            for environment in self.environments:
                self.host.running.process.wait()
                if self.host.running.process.returncode != -signal.SIGKILL:
                    return
                self.deaths += 1
                try:
                    self.host.start(environment)
                except AssertionError:
                    # It died before it listened.
                    continue

    def scenario(self, host, csv):
        """What a user does in a session from beginning to end."""
        session = eventually(lambda: graphscope.session(addr=host.address, dangling_timeout_seconds=5))
        graph = eventually(lambda: session.load_from(edges={"e": csv("e.csv", "src,dst\n1,2\n2,3\n3,4\n")}))
        # It is opened, or the coordinator dies meanwhile.
        with raw.Client(host.address) as client, contextlib.suppress(grpc.RpcError):
            client.stub.CreateInteractiveInstance(
                message_pb2.CreateInteractiveInstanceRequest(
                    session_id=session.session_id, object_id=graph.vineyard_id
                ),
                timeout=20,
            )
        context = eventually(lambda: graphscope.bfs(graph, src=1))
        assert eventually(lambda: result(context)) == {1: 0, 2: 1, 3: 2, 4: 3}
        larger = eventually(lambda: graph.add_vertices(csv("v.csv", "id\n9\n"), label="extra"))
        assert sorted(larger.schema.vertex_labels) == ["_", "extra"]
        network = eventually(lambda: session.nx().Graph())
        network.add_edge(1, 2)
        assert eventually(network.number_of_edges) == 1
        try:
            close(session)
        except GRPCError as error:
            assert "not matched" in str(error) or "being closed" in str(error), "it was closed already"

    # A session gives way only where there are tenants: test_tenants.py kills it there.
    @pytest.mark.parametrize("failpoint", [point for point in FAILPOINTS if point != "session-displaced"])
    def test_killed_at(self, host, csv, failpoint):
        at = {"GSCOORDINATOR_FAILPOINT": failpoint}
        if failpoint.startswith("recovery-"):
            host.start({"GSCOORDINATOR_FAILPOINT": "step-finished"})
            restarter = self.Restarter(host, at, None)
            expected = 2
        else:
            host.start(at)
            restarter = self.Restarter(host, None)
            expected = 1
        self.scenario(host, csv)
        wait_until(lambda: restarter.deaths == expected, 20, f"it was killed at {failpoint}")
        restarter.join(20)
        wait_until(lambda: host.running.session_files() == [], 20, "everything was released")

    def test_the_points_are_found(self):
        assert len(FAILPOINTS) >= 12


class TestStopped:
    def test_a_terminated_coordinator_keeps_its_sessions(self, host, csv):
        host.start()
        session = graphscope.session(addr=host.address)
        graph = session.load_from(edges={"e": csv("e.csv", "src,dst\n1,2\n")})
        host.stop(signal.SIGTERM)
        host.start()
        assert eventually(lambda: result(graphscope.bfs(graph, src=1))) == {1: 0, 2: 1}
        close(session)

    def test_an_interrupted_one_closes_them(self, host, csv):
        host.start()
        with raw.Client(host.address) as client:
            session_id = client.connect().session_id
            client.run(session_id, raw.load_ops(csv("e.csv", "src,dst\n1,2\n")))
        host.stop(signal.SIGINT)
        assert host.running.session_files() == []

    def test_without_a_workspace_the_port_decides_which_state_it_finds(self, tmp_path, csv):
        port = str(free_port())
        environment = {"XDG_STATE_HOME": str(tmp_path / "state")}
        first = Coordinator(tmp_path, ["--port", port], environment, workspace=None)
        with raw.Client(first.address) as client:
            session_id = client.connect().session_id
        first.kill()
        second = Coordinator(tmp_path, ["--port", port], environment, workspace=None)
        with raw.Client(second.address) as client:
            assert client.connect(reconnect=True).session_id == session_id
        assert second.stop()[0] == 0

    def test_on_any_free_port_nothing_is_kept(self, tmp_path):
        environment = {"XDG_STATE_HOME": str(tmp_path / "state"), "TMPDIR": str(tmp_path)}
        running = Coordinator(tmp_path, ["--port", "0"], environment, workspace=None)
        with raw.Client(running.address) as client:
            client.connect()
        assert running.stop(signal.SIGTERM)[0] == 0
        assert not (tmp_path / "state").exists()
        assert os.listdir(tmp_path / f"gscoordinator-{os.getuid()}") == []

    def test_the_state_directory_copied_to_another_place(self, host, tmp_path, csv):
        host.start()
        operations = raw.load_ops(csv("e.csv", "src,dst\n1,2\n2,3\n"))
        with raw.Client(host.address) as client:
            session_id = client.connect().session_id
            answer, _ = client.run(session_id, operations)
        host.stop(signal.SIGTERM)
        elsewhere = tmp_path / "elsewhere"
        elsewhere.mkdir()
        shutil.copytree(host.running.workspace, elsewhere / "workspace")
        shutil.rmtree(host.running.workspace)
        moved = Host(elsewhere)
        moved.start()
        try:
            with raw.Client(moved.address) as client:
                assert client.connect(reconnect=True).session_id == session_id
                project = raw.op(
                    types_pb2.PROJECT_TO_SIMPLE, [operations[1]], output=types_pb2.GRAPH, V_PROP_KEY="None",
                    E_PROP_KEY="None",
                )
                projected, _ = client.run(session_id, [project])
                assert projected.code == 0, projected.error_msg
                client.close(session_id)
        finally:
            moved.stop()
        assert answer.code == 0


class TestDiskFull:
    """The workspace is on a small disk of its own, which fills up."""

    @pytest.fixture
    def small_disk(self, tmp_path):
        place = tmp_path / "small"
        place.mkdir()
        if os.getuid() != 0 or os.system(f"mount -t tmpfs -o size=24m none {place} 2>/dev/null") != 0:
            pytest.skip("only root can mount a small disk")
        yield place
        os.system(f"umount -l {place}")

    def test_what_needs_no_space_goes_on_and_the_rest_when_there_is_space_again(self, small_disk, tmp_path, csv):
        running = Coordinator(small_disk, ["--port", "0"])
        try:
            session = graphscope.session(addr=running.address)
            graph = session.load_from(edges={"e": csv("e.csv", "src,dst\n1,2\n2,3\n")})
            context = graphscope.bfs(graph, src=1)
            expected = {1: 0, 2: 1, 3: 2}
            assert result(context) == expected
            rows = "".join(f"{i},{i + 1}\n" for i in range(1_000_000))
            with pytest.raises(Exception, match="(?i)space"):
                session.load_from(edges={"e": csv("large.csv", "src,dst\n" + rows)})
            with open(small_disk / "filler", "wb") as filler:
                with pytest.raises(OSError):
                    while True:
                        filler.write(bytes(1 << 16))
                        filler.flush()
            assert result(context) == expected, "reading needs no space"
            with pytest.raises(Exception, match="(?i)space|full"):
                for _ in range(2000):
                    session.load_from(edges={"e": csv("e.csv", "src,dst\n1,2\n2,3\n")})
            os.unlink(small_disk / "filler")
            again = eventually(lambda: session.load_from(edges={"e": csv("e.csv", "src,dst\n1,2\n")}))
            assert result(graphscope.bfs(again, src=1)) == {1: 0, 2: 1}
            assert result(context) == expected
            close(session)
            assert running.session_files() == []
        finally:
            if running.process.poll() is None:
                running.stop()
