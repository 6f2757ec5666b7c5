"""A coordinator whose state store has lost what it had does not start as if there had been no sessions."""

import contextlib
import json
import os
import resource
import shutil
import signal
import subprocess
import urllib.request

import grpc
import pytest
from graphscope.proto import types_pb2

import raw
from process import BINARY, Coordinator, free_port, wait_until
from test_operator import gsc

pytestmark = pytest.mark.ours("the reference coordinator keeps nothing")


def tree(directory):
    """All files below a directory, with their bytes, but for those that a start may touch."""
    found = {}
    for path in sorted(directory.rglob("*")):
        if path.is_file() and path.name not in ("lock", "state.lock", "state.db-shm") and "logs" not in path.parts:
            found[str(path.relative_to(directory))] = path.read_bytes()
    return found


def fails_to_start(workspace, *arguments, limits=(), environment=None):
    """Starts a coordinator that cannot start; what it says."""

    def limit():
        for kind, value in limits:
            resource.setrlimit(kind, (value, value))

    done = subprocess.run(
        [BINARY, "--port", "0", "--workspace", str(workspace), *map(str, arguments)], capture_output=True, text=True,
        timeout=30, preexec_fn=limit, env={**os.environ, **(environment or {})},
    )
    assert done.returncode not in (0, -signal.SIGXFSZ), done.stdout + done.stderr
    return done.stdout + done.stderr


@pytest.fixture
def left(start, csv, tmp_path):
    """The workspace of a coordinator that was killed while a session had a graph; and the session's id."""
    running = start()
    with raw.Client(running.address) as client:
        session_id = client.connect(dangling=600).session_id
        head, _ = client.run(session_id, raw.load_ops(csv("e.csv", "src,dst\n1,2\n2,3\n")))
        assert head.code == 0
    running.kill()
    return tmp_path / "workspace", session_id


def remove(path):
    path.unlink()


def empty(path):
    path.write_bytes(b"")


def cut(path):
    path.write_bytes(path.read_bytes()[: path.stat().st_size * 2 // 3])


def flip(path):
    data = bytearray(path.read_bytes())
    data[len(data) // 2] ^= 0x10
    path.write_bytes(bytes(data))


class TestLoss:
    @pytest.mark.parametrize(
        "name, damage",
        [("state.db-wal", remove), ("state.db-wal", empty), ("state.db-wal", cut), ("state.db-wal", flip),
         ("state.db", remove), ("state.db", empty), ("state.db", cut)],
        ids=lambda value: getattr(value, "__name__", value),
    )
    def test_it_does_not_start_changes_nothing_and_names_the_repair(self, left, start, name, damage):
        workspace, session_id = left
        damage(workspace / name)
        before = tree(workspace)
        for _ in range(2):
            said = fails_to_start(workspace)
            assert "gscoordinator state repair" in said and str(workspace / "state.db") in said, said
        after = tree(workspace)
        assert {n: b for n, b in after.items() if b} == {n: b for n, b in before.items() if b}
        gsc("state", "repair", "--workspace", workspace)
        running = start()
        with raw.Client(running.address) as client:
            client.close(client.connect().session_id)

    def test_an_older_copy_put_there_by_hand(self, start, tmp_path, csv):
        running, workspace = start(), tmp_path / "workspace"
        with raw.Client(running.address) as client:
            session_id = client.connect(dangling=600).session_id
            gsc("state", "backup", tmp_path / "older.db", "--workspace", workspace)
            client.run(session_id, raw.load_ops(csv("e.csv", "src,dst\n1,2\n")))
        running.stop(signal.SIGTERM)
        newer = (workspace / "state.db").read_bytes()
        shutil.copy(tmp_path / "older.db", workspace / "state.db")
        assert "had been committed" in fails_to_start(workspace)
        # The copy that was there before is accepted again, and the official way always.
        (workspace / "state.db").write_bytes(newer)
        start().stop(signal.SIGTERM)
        gsc("state", "restore", "--from", tmp_path / "older.db", "--workspace", workspace)
        with raw.Client(start().address) as client:
            assert client.connect(reconnect=True).session_id == session_id

    @pytest.mark.parametrize("state", ["memory", "etcd"])
    def test_another_kind_of_store_is_refused_where_sessions_are(self, left, start, state):
        workspace, session_id = left
        before = tree(workspace)
        said = fails_to_start(workspace, "--set", f"state={state}")
        assert "another workspace" in said and "state=sqlite" in said
        assert tree(workspace) == before
        with raw.Client(start().address) as client:
            assert client.connect(reconnect=True).session_id == session_id

    @pytest.mark.parametrize(
        "limit, words",
        [((resource.RLIMIT_NOFILE, 12), "ulimit -n"), ((resource.RLIMIT_FSIZE, 4096), "ulimit -f")],
        ids=["descriptors", "size of files"],
    )
    def test_a_bound_of_the_process_is_named_and_costs_nothing(self, left, start, limit, words):
        workspace, session_id = left
        said = fails_to_start(workspace, limits=[limit])
        assert words.lower() in said.lower(), said
        assert "permission" not in said
        with raw.Client(start().address) as client:
            assert client.connect(reconnect=True).session_id == session_id


class TestBounds:
    def test_the_key_of_an_operation(self, start, csv):
        with raw.Client(start().address) as client:
            session_id = client.connect().session_id
            path = csv("e.csv", "src,dst\n1,2\n")
            assert client.run(session_id, raw.load_ops(path, "k" * 256))[0].code == 0
            head, _ = client.run(session_id, raw.load_ops(path, "k" * 257))
            assert head.code != 0 and "257 bytes; the limit is 256" in head.error_msg
            client.close(session_id)

    def test_a_tenant_that_fills_the_store_leaves_room_for_closing(self, start, csv):
        running = start(["--port", "0", "--set", "limits.state_bytes=1048576"])
        path = csv("e.csv", "src,dst\n1,2\n")
        with raw.Client(running.address) as client:
            full, other = (client.connect(dangling=600).session_id for _ in range(2))
            assert client.run(full, raw.load_ops(path, "graph"))[0].code == 0
            made, head = 0, None
            while made < 2_000:
                ops = [
                    raw.op(types_pb2.PROJECT_TO_SIMPLE, ["graph"], key=f"{made + i:0256}", output=types_pb2.GRAPH,
                           V_PROP_KEY="None", E_PROP_KEY="None")
                    for i in range(20)
                ]
                head, _ = client.run(full, ops)
                if head.code != 0:
                    break
                made += len(ops)
            assert 20 < made < 2_000
            assert "the limit per tenant is 262144" in head.error_msg, head.error_msg
            # What only gives back is taken, and what others close is closed.
            unload = raw.op(types_pb2.UNLOAD_GRAPH, [f"{0:0256}"])
            assert client.run(full, [unload])[0].code == 0
            gsc("get", "sessions", "--workspace", running.workspace)
            client.close(other)
            client.close(full)
            again = client.connect().session_id
            assert client.run(again, raw.load_ops(path))[0].code == 0
            client.close(again)


LEASE = 3


class Etcd:
    """A real etcd of one member, whose data can be wiped."""

    def __init__(self, directory):
        self.directory = directory / "etcd"
        self.client, self.peer = (f"http://127.0.0.1:{free_port()}" for _ in range(2))
        self.start()

    def start(self):
        binary = shutil.which("etcd")
        assert binary, "the tests need etcd: scripts/install-system-packages.sh test"
        self.process = subprocess.Popen(
            [binary, "--data-dir", self.directory, "--listen-client-urls", self.client, "--advertise-client-urls",
             self.client, "--listen-peer-urls", self.peer, "--initial-advertise-peer-urls", self.peer,
             "--initial-cluster", f"default={self.peer}", "--log-level", "error"],
        )
        wait_until(self.healthy, 20, "etcd answers")

    def healthy(self):
        with contextlib.suppress(OSError, ValueError):
            return json.load(urllib.request.urlopen(self.client + "/health", timeout=1))["health"] == "true"

    def wipe(self):
        self.stop()
        shutil.rmtree(self.directory)
        self.start()

    def stop(self):
        self.process.kill()
        self.process.wait()


@pytest.fixture
def etcd(tmp_path):
    running = Etcd(tmp_path)
    yield running
    running.stop()


@pytest.fixture
def pair(etcd, tmp_path):
    """Two coordinators that share etcd and a workspace; the first one leads. And how to say so."""
    arguments = [
        "--set", "state=etcd", "--set", f"etcd.endpoints={etcd.client}", "--set", f"leader_lease_seconds={LEASE}",
    ]
    started = []
    for number in (1, 2):
        directory = tmp_path / f"coordinator-{number}"
        directory.mkdir()
        own = ["--port", str(free_port()), "--workspace", str(tmp_path / "shared"), *arguments]
        started.append(Coordinator(directory, own, workspace=None))
        if number == 1:
            wait_until(lambda: "leading" in started[0].log(), 20, "the first one leads")
    yield *started, arguments
    for running in started:
        if running.process.poll() is None:
            running.process.kill()
            running.process.wait()


class TestEtcd:
    def test_a_wiped_etcd_ends_the_pair_and_is_no_empty_state(self, pair, etcd, csv, tmp_path):
        first, second, arguments = pair
        with raw.Client(first.address) as client:
            session_id = client.connect(dangling=600).session_id
            client.run(session_id, raw.load_ops(csv("e.csv", "src,dst\n1,2\n")))
        sessions = tree(tmp_path / "shared" / "sessions")
        assert sessions
        etcd.wipe()
        for running in (first, second):
            assert running.process.wait(40) == 75
        assert "it is empty" in first.log() + second.log()
        said = fails_to_start(tmp_path / "shared", *arguments)
        assert "it is empty" in said and "gscoordinator state repair --workspace" in said
        assert tree(tmp_path / "shared" / "sessions") == sessions
        assert "0 entries" in gsc("state", "repair", "--workspace", tmp_path / "shared", *arguments)

    def test_a_repair_beside_a_running_pair_changes_nothing(self, pair, tmp_path):
        seal = tmp_path / "shared" / "etcd.seal"
        before = seal.stat().st_ino
        assert "in use by process" in gsc("state", "repair", "--workspace", tmp_path / "shared", *pair[2], expect=1)
        assert seal.stat().st_ino == before

    def test_a_leader_that_stands_still_is_ended_and_its_sessions_go_on(self, pair, csv):
        first, second, _ = pair
        with raw.Client(first.address) as client:
            session_id = client.connect(dangling=600).session_id
            client.run(session_id, raw.load_ops(csv("e.csv", "src,dst\n1,2\n")))
        first.process.send_signal(signal.SIGSTOP)
        wait_until(lambda: "recovered 1 sessions" in second.log(), LEASE + 30, "the standby serves")
        assert first.process.wait(5) == -signal.SIGKILL
        assert "ended the previous leader" in second.log()
        with raw.Client(second.address) as client:
            wait_until(lambda: connects(client, session_id), 10, "it serves")
            client.close(session_id)


def connects(client, session_id):
    with contextlib.suppress(grpc.RpcError):
        return client.connect(reconnect=True).session_id == session_id
