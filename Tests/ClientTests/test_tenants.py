"""Many tenants share one coordinator: quotas, waiting, giving way, admission of loads."""

import contextlib
import json
import re
import signal
import threading

import graphscope
import grpc
import pytest
from graphscope.framework.errors import ResourceExhaustedError

import raw
from conftest import close
from graphs import result
from process import Coordinator, free_port, wait_until
from test_operator import gsc
from test_session import LongStep

pytestmark = pytest.mark.ours("the reference coordinator has one client and no tenants")


class Shared:
    """A coordinator with a listener for each of two tenants; its cluster file can be changed."""

    def __init__(self, directory):
        self.directory = directory
        self.cluster = directory / "cluster.yaml"
        self.ports = {"slow": free_port(), "urgent": free_port()}
        self.access = directory / "access.yaml"
        self.access.write_text(
            json.dumps(
                {
                    "listeners": [
                        {"name": name, "address": f"127.0.0.1:{port}", "tenant": name, "role": "user"}
                        for name, port in self.ports.items()
                    ],
                    "tenants": [{"tenant": name, "read": [str(directory)]} for name in self.ports],
                }
            )
        )
        self.running = None

    def plan(self, places=100, slow=None, urgent=None, **more):
        tenants = [{"name": "slow", **(slow or {})}, {"name": "urgent", **(urgent or {})}]
        hosts = [{"name": "localhost", "analytical": places}]
        self.cluster.write_text(json.dumps({"hosts": hosts, "tenants": tenants, **more}))

    def start(self, environment=None):
        arguments = ["--port", "0", "--cluster-file", self.cluster, "--set", f"access.file={self.access}"]
        arguments += ["--set", "limits.drain_seconds=0"]
        self.running = Coordinator(self.directory, list(map(str, arguments)), environment)
        return self.running

    def address(self, tenant):
        return f"127.0.0.1:{self.ports[tenant]}"

    def gsc(self, *arguments, **options):
        return gsc(*arguments, "--workspace", self.running.workspace, **options)

    def session(self, name):
        return json.loads(self.gsc("get", "session", name, "-o", "json"))

    def waits(self, name):
        ready = next(c for c in self.session(name)["conditions"] if c["type"] == "Ready")
        return None if ready["holds"] else ready["message"]


@pytest.fixture
def shared(tmp_path):
    shared = Shared(tmp_path)
    yield shared
    if shared.running and shared.running.process.poll() is None:
        assert shared.running.stop()[0] == 0
        assert shared.running.session_files() == []


@pytest.fixture
def edges(csv):
    return csv("e.csv", "src,dst\n1,2\n2,3\n")


def log_of(client, session_id):
    """Lines of a session's log, as they come."""
    lines = []

    def follow():
        try:
            for answer in client.stub.FetchLogs(raw.message_pb2.FetchLogsRequest(session_id=session_id)):
                lines.append(answer.info_message + answer.error_message)
        except grpc.RpcError:
            pass

    threading.Thread(target=follow, daemon=True).start()
    return lines


class TestQuota:
    def test_one_is_over_its_quota_and_one_waits_until_the_quota_is_raised(self, shared, edges):
        shared.plan(slow={"quota": {"sessions": 1}, "max_waiting": 1})
        shared.start()
        first = graphscope.session(addr=shared.address("slow"))
        second = graphscope.session(addr=shared.address("slow"))
        with raw.Client(shared.address("slow")) as client:
            lines = log_of(client, second.session_id)
            wait_until(lambda: any("position 1 of 1" in line for line in lines), 10, "it is told how it stands")
            with pytest.raises(grpc.RpcError) as refusal:
                client.connect()
            assert refusal.value.code() == grpc.StatusCode.RESOURCE_EXHAUSTED
            assert "slow" in refusal.value.details()
        assert "position 1" in shared.waits(second.session_id)
        assert ",waiting" in shared.gsc("get", "sessions")
        other = graphscope.session(addr=shared.address("urgent"))
        assert result(graphscope.bfs(other.load_from(edges={"e": edges}), src=1)) == {1: 0, 2: 1, 3: 2}
        results = []
        work = threading.Thread(
            target=lambda: results.append(result(graphscope.bfs(second.load_from(edges={"e": edges}), src=1)))
        )
        work.start()
        shared.plan(slow={"quota": {"sessions": 2}, "max_waiting": 1})
        foreseen = shared.gsc("reload", "--dry-run")
        assert "sessions 1 -> 2" in foreseen and second.session_id in foreseen
        assert shared.waits(second.session_id) and not results
        shared.gsc("reload")
        work.join(20)
        assert results == [{1: 0, 2: 1, 3: 2}]
        assert shared.waits(second.session_id) is None
        for session in first, second, other:
            close(session)

    def test_a_broken_file_changes_nothing(self, shared):
        shared.plan(slow={"quota": {"sessions": 1}})
        shared.start()
        shared.cluster.write_text("tenants: [{name: slow, quota: {session: 9}}]")
        assert "Did you mean 'sessions'" in shared.gsc("reload", expect=1)
        wait_until(lambda: "slow" in shared.gsc("get", "tenants"), 10, "the tenants are shown")
        tenant = json.loads(shared.gsc("get", "tenant", "slow", "-o", "json"))
        assert tenant["spec"]["quota"]["sessions"] == 1

    def test_a_tenant_that_opens_sessions_in_a_loop_harms_nobody(self, shared, edges):
        shared.plan(slow={"quota": {"sessions": 5}, "max_waiting": 3})
        shared.start()
        with raw.Client(shared.address("slow")) as client:
            opened, refused = [], 0
            for _ in range(200):
                try:
                    opened.append(client.connect().session_id)
                except grpc.RpcError as error:
                    assert error.code() == grpc.StatusCode.RESOURCE_EXHAUSTED
                    refused += 1
            assert (len(opened), refused) == (8, 192)
            other = graphscope.session(addr=shared.address("urgent"))
            assert result(graphscope.bfs(other.load_from(edges={"e": edges}), src=1)) == {1: 0, 2: 1, 3: 2}
            close(other)
            for session_id in opened:
                client.close(session_id)

    def test_a_load_that_cannot_fit_is_refused_with_the_numbers_and_the_session_goes_on(self, shared, edges, csv):
        shared.plan(slow={"quota": {"memory": "4MiB"}})
        shared.start()
        large = csv("large.csv", "src,dst\n" + "".join(f"{i},{i * 7 % 99991}\n" for i in range(300_000)))
        session = graphscope.session(addr=shared.address("slow"))
        with pytest.raises(ResourceExhaustedError) as refusal:
            session.load_from(edges={"e": large})
        assert "4 MiB" in str(refusal.value) and "slow" in str(refusal.value)
        assert result(graphscope.bfs(session.load_from(edges={"e": edges}), src=1)) == {1: 0, 2: 1, 3: 2}
        other = graphscope.session(addr=shared.address("urgent"))
        assert other.load_from(edges={"e": large}).schema.edge_labels == ["e"]
        for one in session, other:
            close(one)


class TestGivingWay:
    def test_a_session_gives_way_and_its_step_begins_again(self, shared, edges):
        shared.plan(places=1, urgent={"priority": 10})
        shared.start()
        slow = graphscope.session(addr=shared.address("slow"))
        graph = slow.load_from(edges={"e": edges})
        step = LongStep(slow)
        urgent = graphscope.session(addr=shared.address("urgent"))
        assert result(graphscope.bfs(urgent.load_from(edges={"e": edges}), src=1)) == {1: 0, 2: 1, 3: 2}
        assert shared.waits(slow.session_id)
        close(urgent)
        wait_until(lambda: shared.waits(slow.session_id) is None, 10, "it goes on")
        step.cancel()
        assert result(graphscope.bfs(graph, src=1)) == {1: 0, 2: 1, 3: 2}
        close(slow)

    def test_killed_while_a_session_gives_way(self, shared, edges):
        shared.plan(places=1, urgent={"priority": 10})
        shared.start({"GSCOORDINATOR_FAILPOINT": "session-displaced"})
        slow = graphscope.session(addr=shared.address("slow"))
        graph = slow.load_from(edges={"e": edges})
        with raw.Client(shared.address("urgent")) as client, contextlib.suppress(grpc.RpcError):
            client.connect()
        assert shared.running.process.wait(20) == -signal.SIGKILL
        shared.start()
        with raw.Client(shared.address("urgent")) as client:
            session_id = client.connect(reconnect=True).session_id
            wait_until(lambda: shared.waits(session_id) is None, 10, "the urgent one is served")
            assert shared.waits(slow.session_id)
            client.close(session_id)
        wait_until(lambda: shared.waits(slow.session_id) is None, 10, "it goes on")
        wait_until(lambda: alive(shared.address("slow")), 10, "the client's connection is back")
        assert result(graphscope.bfs(graph, src=1)) == {1: 0, 2: 1, 3: 2}
        close(slow)


def alive(address):
    with raw.Client(address) as client:
        client.heartbeat()
    return True


class TestKilled:
    def test_who_held_goes_on_and_who_waited_waits(self, shared, edges):
        shared.plan(slow={"quota": {"sessions": 1}})
        shared.start()
        with raw.Client(shared.address("slow")) as client:
            first, second = client.connect().session_id, client.connect().session_id
            client.run(first, raw.load_ops(edges))
        shared.running.kill()
        shared.start()
        with raw.Client(shared.address("slow")) as client:
            assert shared.waits(first) is None and shared.waits(second)
            client.close(first)
            client.run(second, raw.load_ops(edges))
            assert shared.waits(second) is None
            client.close(second)


class TestElastic:
    def test_a_session_grows_and_shrinks(self, shared):
        shared.plan(places=3, session={"cpu": 0.1})
        shared.start()
        with raw.Client(shared.address("slow")) as client:
            session_id = client.connect().session_id
            assert "room for 3 workers" in shared.gsc("scale", session_id, "--workers", 3)
            assert re.search("RESOURCE|TOO_MANY", shared.gsc("scale", session_id, "--workers", 4, expect=1))
            held = json.loads(shared.gsc("get", "session", session_id, "-o", "json"))["status"]["allocation"]
            assert len(held["placements"]) == 3
            assert "has 1 worker on" in shared.gsc("scale", session_id, "--workers", 1)
            client.close(session_id)
