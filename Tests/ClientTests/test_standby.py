"""Two coordinators on one etcd: one leads, the other takes over."""

import json
import os
import shutil
import signal
import subprocess
import time
import urllib.request

import grpc
import pytest
from graphscope.proto import types_pb2

import raw
from process import Coordinator, free_port, wait_until
from test_operator import gsc

pytestmark = pytest.mark.ours("the reference coordinator has no standby")

LEASE = 3


@pytest.fixture
def etcd(tmp_path):
    """A real etcd with one member; its client address."""
    binary = shutil.which("etcd")
    assert binary, "the tests need etcd: scripts/install-system-packages.sh test"
    client, peer = (f"http://127.0.0.1:{free_port()}" for _ in range(2))
    process = subprocess.Popen(
        [binary, "--data-dir", tmp_path / "etcd", "--listen-client-urls", client, "--advertise-client-urls", client,
         "--listen-peer-urls", peer, "--initial-advertise-peer-urls", peer, "--initial-cluster", f"default={peer}",
         "--log-level", "error"],
        env={**os.environ, "ETCD_UNSUPPORTED_ARCH": ""},
    )

    def healthy():
        try:
            return json.load(urllib.request.urlopen(client + "/health", timeout=1))["health"] == "true"
        except (OSError, ValueError):
            return False

    try:
        wait_until(healthy, 20, "etcd answers")
        yield client
    finally:
        process.kill()
        process.wait()


@pytest.fixture
def pair(etcd, tmp_path):
    """Two coordinators that share etcd and a workspace; the first one leads."""
    started = []

    def start(number):
        directory = tmp_path / f"coordinator-{number}"
        directory.mkdir(exist_ok=True)
        port = free_port()
        arguments = [
            "--port", str(port), "--set", "state=etcd", "--set", f"etcd.endpoints={etcd}",
            "--set", f"leader_lease_seconds={LEASE}", "--workspace", str(tmp_path / "shared"),
        ]
        running = Coordinator(directory, arguments, workspace=None)
        started.append(running)
        return running

    first = start(1)
    wait_until(lambda: "leading" in first.log(), 20, "the first one leads")
    yield first, start(2), start
    for running in started:
        if running.process.poll() is None:
            running.process.kill()
            running.process.wait()


def refusal(client):
    with pytest.raises(grpc.RpcError) as failed:
        client.connect()
    assert failed.value.code() is grpc.StatusCode.UNAVAILABLE
    return failed.value.details()


def project(client, session_id, operations):
    answer, _ = client.run(
        session_id,
        [raw.op(types_pb2.PROJECT_TO_SIMPLE, [operations[1]], output=types_pb2.GRAPH, V_PROP_KEY="None",
                E_PROP_KEY="None")],
    )
    assert answer.code == 0, answer.error_msg


class TestTwoCoordinators:
    def test_the_standby_names_the_leader(self, pair):
        first, second, _ = pair
        with raw.Client(second.address) as client:
            wait_until(lambda: first.address in refusal(client), 10, "the leader is known")

    @pytest.mark.parametrize("signal_number", [signal.SIGKILL, signal.SIGTERM])
    def test_the_standby_takes_over_with_sessions_and_graphs(self, pair, csv, signal_number):
        first, second, _ = pair
        operations = raw.load_ops(csv("e.csv", "src,dst\n1,2\n2,3\n"))
        with raw.Client(first.address) as client:
            session_id = client.connect(dangling=600).session_id
            client.run(session_id, operations)
        start = time.monotonic()
        first.process.send_signal(signal_number)
        first.process.wait()
        wait_until(lambda: "recovered 1 sessions" in second.log(), 30, "the standby leads")
        assert time.monotonic() - start < LEASE + 12
        with raw.Client(second.address) as client:
            assert client.connect(reconnect=True).session_id == session_id
            project(client, session_id, operations)
            client.close(session_id)

    def test_a_paused_leader_finds_itself_deposed_and_ends(self, pair):
        first, second, start = pair
        with raw.Client(first.address) as client:
            client.connect(dangling=600)
        first.process.send_signal(signal.SIGSTOP)
        try:
            # It still has the lock of the shared workspace: nobody serves until it is gone.
            wait_until(lambda: "waiting for the workspace" in second.log(), 30, "the second one leads and waits")
        finally:
            first.process.send_signal(signal.SIGCONT)
        assert first.process.wait(20) == 75
        wait_until(lambda: "recovered 1 sessions" in second.log(), 30, "the standby serves")
        third = start(3)
        with raw.Client(third.address) as client:
            wait_until(lambda: second.address in refusal(client), 10, "a restarted one stands by")

    def test_operators_see_the_state_in_etcd_and_can_copy_it(self, pair, etcd, tmp_path):
        first, _, _ = pair
        with raw.Client(first.address) as client:
            session_id = client.connect().session_id
        assert session_id in gsc("get", "sessions", "--workspace", tmp_path / "shared")
        place = ["--set", "state=etcd", "--set", f"etcd.endpoints={etcd}"]
        gsc("state", "backup", tmp_path / "copy.jsonl", *place)
        elsewhere = [*place, "--set", "etcd.prefix=elsewhere/v1/"]
        assert "entries" in gsc("state", "restore", "--from", tmp_path / "copy.jsonl", *elsewhere)
        assert session_id in (tmp_path / "copy.jsonl").read_text()
