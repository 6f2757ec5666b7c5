"""What one tenant can do to others: logs, what waits for a step, and descriptors."""

import contextlib
import json
import os
import resource
import subprocess
import threading

import graphscope
import grpc
import pandas as pd
import pytest
from graphscope.proto import types_pb2 as t
from graphscope.proto.error.coordinator_pb2 import OK, RESOURCE_EXHAUSTED

import raw
from conftest import close
from graphs import result
from process import BINARY, Coordinator, free_port, wait_until
from test_operator import gsc
from test_session import LongStep

pytestmark = pytest.mark.ours("the reference coordinator has one client and no tenants")

MEBIBYTE = 1 << 20


class Shared:
    """A coordinator with a listener for each of two tenants."""

    def __init__(self, directory, tenants=None, *settings, before=None):
        self.ports = {"loud": free_port(), "quiet": free_port()}
        access = directory / "access.yaml"
        listeners = [
            {"name": name, "address": f"127.0.0.1:{port}", "tenant": name, "role": "user"}
            for name, port in self.ports.items()
        ]
        access.write_text(json.dumps({"listeners": listeners}))
        cluster = directory / "cluster.yaml"
        cluster.write_text(
            json.dumps({"hosts": [{"name": "localhost", "analytical": 100}], "tenants": tenants or []})
        )
        arguments = ["--port", "0", "--cluster-file", str(cluster), "--set", f"access.file={access}"]
        for setting in settings:
            arguments += ["--set", setting]
        self.coordinator = Coordinator(directory, arguments)

    def address(self, tenant):
        return f"127.0.0.1:{self.ports[tenant]}"

    def logs(self, *arguments):
        return gsc("logs", "--workspace", self.coordinator.workspace, *arguments)


@pytest.fixture
def share(tmp_path):
    running = []

    def share(*arguments):
        running.append(Shared(tmp_path, *arguments))
        return running[-1]

    yield share
    for shared in running:
        assert shared.coordinator.stop()[0] == 0


@pytest.fixture
def edges():
    """A frame: what tenants may read of files has to be listed."""
    return pd.DataFrame({"src": [1, 2], "dst": [2, 3]})


@pytest.fixture
def edges_file(csv):
    return csv("e.csv", "src,dst\n1,2\n2,3\n")


class TestLogs:
    def test_failing_steps_of_one_push_nothing_of_the_other_out(self, share, edges):
        shared = share(None, "limits.log_bytes=1048576", "limits.audit_bytes=65536")
        quiet = graphscope.session(addr=shared.address("quiet"))
        assert result(graphscope.bfs(quiet.load_from(edges={"e": edges}), src=1)) == {1: 0, 2: 1, 3: 2}
        of_quiet = ["--session", quiet.session_id, "--json"]
        audit_of_quiet = ["--audit", "--grep", quiet.session_id, "--json"]
        wait_until(lambda: shared.logs("--tail", 1, *of_quiet), 10, "the session's log is there")
        wait_until(lambda: shared.logs(*audit_of_quiet), 10, "the audit trail is there")
        before = [shared.logs(*which).splitlines() for which in (of_quiet, audit_of_quiet)]
        with raw.Client(shared.address("loud")) as client:
            session_id = client.connect().session_id
            # A text that is long and that cannot be compressed much.
            for number in range(400):
                text = "x" + os.urandom(4096).hex()
                head, _ = client.run(session_id, [raw.op(t.UNLOAD_GRAPH, key=f"k{number}", parents=[text[:900]])])
                assert head.code != OK
            client.close(session_id)
        for earlier, which in zip(before, (of_quiet, audit_of_quiet)):
            assert [line for line in shared.logs(*which).splitlines() if line in earlier] == earlier
        files = os.listdir(os.path.join(shared.coordinator.workspace, "logs", "coordinator"))
        assert any(name.startswith("audit+quiet.") for name in files)
        close(quiet)

    def test_the_newest_lines_of_many_files(self, tmp_path):
        """What is shown costs as much as what is wanted, however many files there are."""
        directory = tmp_path / "logs" / "one"
        directory.mkdir(parents=True)
        count = 20_000
        for number in range(count):
            time = 1_700_000_000_000 + number * 1000
            path = directory / f"session-s{number}.{time}.jsonl"
            line = {"timeMilliseconds": time, "level": "info", "message": f"line {number}", "session": f"s{number}"}
            path.write_text(json.dumps(line, separators=(",", ":")) + "\n")
            os.utime(path, (time / 1000, time / 1000))
        shown = gsc("logs", "--directory", tmp_path / "logs", "--tail", 3, timeout=60).splitlines()
        assert [f"line {n} " in line for n, line in zip(range(count - 3, count), shown)] == [True] * 3


class TestWaitingSteps:
    def test_what_waits_behind_an_endless_step_is_on_the_disk(self, share):
        quota = [{"name": "loud", "quota": {"memory": "64MiB"}}]
        shared = share(quota, f"limits.in_flight_bytes={32 * MEBIBYTE}")
        session = graphscope.session(addr=shared.address("loud"))
        endless = LongStep(session)
        before = memory(shared.coordinator.process.pid)
        with raw.Client(shared.address("loud")) as client:
            heads = [raw.head(session.session_id, [raw.op(t.CREATE_APP, key=f"k{n}", GAR=b"x" * 8 * MEBIBYTE)])
                     for n in range(4)]
            calls = [client.stub.RunStep(iter([heads[n % 4]])) for n in range(60)]
            spools = lambda: [f for f in shared.coordinator.session_files() if os.path.basename(f).startswith("spool-")]
            wait_until(lambda: len(spools()) >= 60, 60, "they wait")
            # Without their bytes, which are 480 MiB.
            assert memory(shared.coordinator.process.pid, peak=True) - before < 240 * MEBIBYTE
            for call in calls:
                call.cancel()
            wait_until(lambda: not spools(), 20, "they are gone")
        endless.cancel()
        close(session)

    def test_a_disk_quota_holds_for_what_waits(self, share, edges):
        quota = [{"name": "loud", "quota": {"disk": "20MiB"}}]
        shared = share(quota)
        session = graphscope.session(addr=shared.address("loud"))
        endless = LongStep(session)
        with raw.Client(shared.address("loud")) as client:
            head = raw.head(session.session_id, [raw.op(t.CREATE_APP, key="k", GAR=b"x" * 12 * MEBIBYTE)])
            first = client.stub.RunStep(iter([head]))
            files = shared.coordinator.session_files
            wait_until(lambda: any(os.path.basename(f).startswith("spool-") for f in files()), 20, "one waits")
            wait_until(lambda: sum(map(os.path.getsize, filter(os.path.isfile, files()))) > 12 * MEBIBYTE, 20, "all of it")
            answer, _ = client.exchange([head])
            assert answer.code == RESOURCE_EXHAUSTED and "disk" in answer.error_msg, answer.error_msg
            first.cancel()
        other = graphscope.session(addr=shared.address("quiet"))
        assert result(graphscope.bfs(other.load_from(edges={"e": edges}), src=1)) == {1: 0, 2: 1, 3: 2}
        endless.cancel()
        close(session)
        close(other)

    def test_so_many_steps_wait_and_no_more(self, share):
        shared = share(None, "limits.waiting_steps=3")
        session = graphscope.session(addr=shared.address("loud"))
        endless = LongStep(session)
        with raw.Client(shared.address("loud")) as client:
            refused = []

            def run(number):
                with contextlib.suppress(grpc.RpcError):
                    head, _ = client.run(session.session_id, [raw.op(t.CREATE_APP, key=f"k{number}")])
                    if head.code == RESOURCE_EXHAUSTED:
                        refused.append(head.error_msg)

            threads = [threading.Thread(target=run, args=(number,), daemon=True) for number in range(4)]
            for thread in threads:
                thread.start()
            wait_until(lambda: refused, 20, "one too many")
            assert "limits.waiting_steps" in refused[0] and "3 steps" in refused[0]
        endless.cancel()
        for thread in threads:
            thread.join(20)
        assert len(refused) == 1
        close(session)


class TestDescriptors:
    def limited(self, count):
        return lambda: resource.setrlimit(resource.RLIMIT_NOFILE, (count, count))

    def test_too_few_are_refused_by_name(self, tmp_path):
        done = subprocess.run(
            [BINARY, "--port", "0", "--workspace", str(tmp_path / "w")], preexec_fn=self.limited(24),
            capture_output=True, text=True, timeout=20,
        )
        assert done.returncode == 1
        assert "24 files" in done.stderr and "ulimit -n" in done.stderr and "64" in done.stderr

    def test_the_soft_bound_is_raised(self, tmp_path):
        command = f"ulimit -S -n 64; exec {BINARY} --port 0 --workspace {tmp_path / 'w'}"
        process = subprocess.Popen(["bash", "-c", command], stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True)
        try:
            assert "listening" in process.stdout.readline()
            with open(f"/proc/{process.pid}/limits") as limits:
                line = next(line for line in limits if line.startswith("Max open files"))
            assert line.split()[3] != "64"
        finally:
            process.terminate()
            process.wait(20)
            process.stdout.close()

    def test_connections_leave_descriptors_for_loads(self, tmp_path, edges_file):
        with limit(self.limited(64)):
            coordinator = Coordinator(tmp_path)
        session = graphscope.session(addr=coordinator.address)
        with contextlib.ExitStack() as opened:
            clients = [opened.enter_context(raw.Client(coordinator.address)) for _ in range(100)]
            for client in clients:
                # Those that are not accepted wait.
                with contextlib.suppress(grpc.RpcError):
                    client.heartbeat(timeout=0.05)
            assert result(graphscope.bfs(session.load_from(edges={"e": edges_file}), src=1)) == {1: 0, 2: 1, 3: 2}
        close(session)
        with raw.Client(coordinator.address) as client:
            client.heartbeat()
        assert coordinator.stop()[0] == 0


@contextlib.contextmanager
def limit(apply):
    """Children that are made meanwhile have the bound."""
    before = resource.getrlimit(resource.RLIMIT_NOFILE)
    original = subprocess.Popen

    class Limited(original):
        def __init__(self, *arguments, **options):
            super().__init__(*arguments, preexec_fn=apply, **options)

    subprocess.Popen = Limited
    try:
        yield
    finally:
        subprocess.Popen = original
        assert resource.getrlimit(resource.RLIMIT_NOFILE) == before


def memory(pid, peak=False):
    """Bytes of a process that are in memory and no file's, now or at most so far."""
    with open(f"/proc/{pid}/status") as status:
        fields = dict(line.split(":", 1) for line in status)
    return int(fields["VmHWM" if peak else "VmRSS"].split()[0]) * 1024
