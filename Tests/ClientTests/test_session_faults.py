"""Whose session is whose: reconnecting beside live clients, sessions of killed ones, steps that are sent only to be
unloaded, older clients, and a coordinator that the client starts itself."""

import json
import os
import subprocess
import sys
import textwrap
import time

import grpc
import pytest
from graphscope.proto import types_pb2 as t
from graphscope.proto.data_types_pb2 import DoubleValue, Int64Value
from graphscope.proto.error.coordinator_pb2 import OK

import process
import raw
from process import BINARY, REPOSITORY, Coordinator, wait_until

pytestmark = pytest.mark.ours("the reference serves one session at a time")
CODE = grpc.StatusCode


@pytest.fixture(scope="module")
def shared(tmp_path_factory):
    running = Coordinator(tmp_path_factory.mktemp("faults"))
    yield running
    assert running.stop()[0] == 0


@pytest.fixture
def client(shared):
    with raw.Client(shared.address) as client:
        yield client


def select(graph):
    return raw.op(t.GRAPH_TO_NUMPY, [graph], output=t.TENSOR, SELECTOR="v:_.id")


def phase(running, session_id):
    """Where a session stands; nothing when it is gone."""
    done = subprocess.run(
        [BINARY, "get", "session", session_id, "-o", "json", "--workspace", running.workspace],
        capture_output=True, text=True, timeout=30,
    )
    return json.loads(done.stdout)["status"]["phase"] if done.returncode == 0 else ""


class TestReconnecting:
    def test_an_older_session_that_nobody_uses_is_taken_not_the_newer_one_in_use(self, start, csv):
        running = start()
        ops = raw.load_ops(csv("e.csv", "src,dst\n1,2\n"))
        with raw.Client(running.address) as live:
            with raw.Client(running.address) as killed:
                older = killed.connect().session_id
            newer = live.connect().session_id
            assert live.run(newer, ops)[0].code == OK
            wait_until(lambda: phase(running, older) == "detached", 10, "the killed client's end is known")
            with raw.Client(running.address) as back:
                back.heartbeat()
                assert back.connect(reconnect=True).session_id == older
                back.close(older)
            assert live.run(newer, [select(ops[1])])[0].code == OK

    def test_where_all_are_in_use_there_is_a_new_one(self, start):
        running = start()
        with raw.Client(running.address) as live, raw.Client(running.address) as other:
            first = live.connect().session_id
            second = other.connect(reconnect=True).session_id
            assert second != first
            other.close(second)
            assert live.run(first, [])[0].code == OK


class TestKilledClients:
    def test_a_new_client_s_heartbeats_do_not_keep_a_killed_one_s_session(self, start):
        running = start()
        with raw.Client(running.address) as killed:
            old = killed.connect(dangling=2).session_id
        with raw.Client(running.address) as client:
            client.heartbeat()
            new = client.connect(dangling=2).session_id

            def is_gone():
                client.heartbeat()
                return not os.path.exists(os.path.join(running.workspace, "sessions", old))

            wait_until(is_gone, 15, "the lease of the killed client's session is over")
            assert client.run(new, [])[0].code == OK

    def test_heartbeats_alone_keep_sessions_over_a_restart_longer_than_their_lease(self, start):
        first = start()
        with raw.Client(first.address) as client:
            session_id = client.connect(dangling=4).session_id
        first.kill()
        running = start()
        with raw.Client(running.address) as client:
            end = time.monotonic() + 6
            while time.monotonic() < end:
                client.heartbeat()
                time.sleep(0.2)
            assert client.run(session_id, [])[0].code == OK


def pagerank(graph, rounds):
    """From a graph to a result of PageRank."""
    simple = raw.op(t.PROJECT_TO_SIMPLE, [graph], output=t.GRAPH, V_PROP_KEY="None", E_PROP_KEY="None",
                    VERTEX_MAP_TYPE=1, COMPACT_EDGES=False, USE_PERFECT_HASH=False)
    app = raw.op(t.CREATE_APP, output=t.APP, APP_ALGO="pagerank_directed")
    bound = raw.op(t.BIND_APP, [simple, app], output=t.BOUND_APP, APP_ALGO="pagerank_directed",
                   VERTEX_MAP_TYPE=1, COMPACT_EDGES=False, USE_PERFECT_HASH=False)
    context = raw.op(t.RUN_APP, [bound], output=t.RESULTS, OUTPUT_PREFIX=".")
    context.query_args.args.add().Pack(DoubleValue(value=0.85))
    context.query_args.args.add().Pack(Int64Value(value=rounds))
    return [simple, app, bound, context]


@pytest.fixture
def edges(csv):
    return csv("edges.csv", "src,dst\n" + "".join(f"{i % 97},{(i * 31) % 101}\n" for i in range(3000)))


class TestStepsThatAreOnlyUnloaded:
    @pytest.mark.parametrize("lazy", [False, True], ids=["eager", "lazy"])
    def test_an_algorithm_that_was_cancelled_is_not_run_for_its_unloading(self, client, edges, lazy):
        session_id = client.connect().session_id
        load, run = raw.load_ops(edges), pagerank("", 2**62)
        run[0].parents[:] = [load[1].key]
        if not lazy:
            assert client.run(session_id, load + run[:3])[0].code == OK
        step = load + run if lazy else run[3:]
        call = client.stub.RunStep(iter([raw.head(session_id, step)]))
        wait_until(lambda: steps_running(session_id, client), 20, "the step runs")
        call.cancel()
        start = time.monotonic()
        again, _ = client.run(session_id, step + [raw.op(t.UNLOAD_CONTEXT, [run[3]])])
        assert again.code == OK and len(again.results) == len(step) + 1
        assert time.monotonic() - start < 10
        client.close(session_id)

    def test_a_load_that_is_only_unloaded_leaves_nothing(self, shared, client, edges):
        session_id = client.connect().session_id
        load = raw.load_ops(edges)
        before = shared.session_files()
        head, _ = client.run(session_id, load + [raw.op(t.UNLOAD_GRAPH, [load[1]])])
        assert head.code == OK
        assert shared.session_files() == before
        assert client.run(session_id, [raw.op(t.UNLOAD_GRAPH, [load[1]])])[0].code == OK
        assert client.run(session_id, load + [select(load[1])])[0].code == OK
        client.close(session_id)

    def test_a_result_that_is_fetched_before_it_is_unloaded_is_computed(self, client, edges):
        session_id = client.connect().session_id
        load = raw.load_ops(edges)
        run = pagerank(load[1], 3)
        fetch = raw.op(t.CONTEXT_TO_NUMPY, [run[3]], output=t.TENSOR, SELECTOR="r", AXIS=0)
        head, bodies = client.run(session_id, load + run + [fetch, raw.op(t.UNLOAD_CONTEXT, [run[3]])])
        assert head.code == OK
        assert sum(len(b.chunk) for b in bodies) + sum(len(r.result) for r in head.results[6:]) > 97 * 8
        client.close(session_id)

    def test_after_ctrl_c_the_next_statement_does_not_wait(self, shared):
        code = """
            import os, signal, sys, threading, time
            import graphscope, pandas as pd
            from graphscope.proto import types_pb2 as t
            s = graphscope.session(addr=sys.argv[1])
            g = s.g().add_edges(pd.DataFrame({"s": [1, 2, 3], "t": [2, 3, 1]}), src_field="s", dst_field="t")
            stub = s._grpc_client._stub
            run_step = stub.RunStep
            def begin(requests):
                requests = list(requests)
                if any(o.op == t.RUN_APP for o in requests[0].head.dag_def.op):
                    stub.RunStep = run_step
                    threading.Timer(1, lambda: os.kill(os.getpid(), signal.SIGINT)).start()
                return run_step(iter(requests))
            stub.RunStep = begin
            try:
                graphscope.pagerank(g, max_round=2**62)
            except BaseException as error:
                print(type(error).__name__, flush=True)
            start = time.monotonic()
            s.g()
            print(time.monotonic() - start < 10, flush=True)
            os._exit(0)
        """
        done = subprocess.run(
            [sys.executable, "-c", textwrap.dedent(code), shared.address], capture_output=True, text=True, timeout=90,
            preexec_fn=process.hear_interrupts,
        )
        assert done.stdout.split() == ["KeyboardInterrupt", "True"], done.stderr[-2000:]


def steps_running(session_id, client):
    """Whether a step of the session holds the others up: an empty one does not come through at once."""
    try:
        client.run(session_id, [], timeout=0.2)
    except grpc.RpcError as error:
        return error.code() == CODE.DEADLINE_EXCEEDED
    return False


class TestOlderClients:
    def test_the_refusal_says_what_to_install_and_what_to_set(self, client):
        with pytest.raises(grpc.RpcError) as refused:
            client.connect(version="0.28.0")
        assert refused.value.code() == CODE.FAILED_PRECONDITION
        assert "pip install graphscope-client==0.29.0" in refused.value.details()
        assert "--set clients.versions=0.28" in refused.value.details()

    def test_a_release_that_is_configured_is_served(self, start, edges):
        running = start(["--port", "0", "--set", "clients.versions=0.27, 0.28"])
        with raw.Client(running.address) as client:
            for version in ("0.27.0", "0.28.0", "0.29.0"):
                session_id = client.connect(version=version).session_id
                load = raw.load_ops(edges)
                assert client.run(session_id, load + pagerank(load[1], 3))[0].code == OK
                client.close(session_id)
            with pytest.raises(grpc.RpcError):
                client.connect(version="0.26.0")

    @pytest.mark.parametrize("text", ["0.26", "latest", "0.28,0.30"])
    def test_a_release_that_was_not_tried_is_refused_at_the_start(self, tmp_path, text):
        done = subprocess.run(
            [BINARY, "--port", "0", "--workspace", str(tmp_path / "w"), "--set", f"clients.versions={text}"],
            capture_output=True, text=True, timeout=30,
        )
        assert done.returncode != 0
        assert "clients.versions" in done.stderr and "0.27, 0.28, 0.29" in done.stderr

    @pytest.mark.parametrize("directory", os.environ.get("GSC_OLDER_CLIENTS", "").split(os.pathsep))
    def test_the_older_packages_themselves(self, start, edges, directory):
        """GSC_OLDER_CLIENTS: directories of `pip install --no-deps --target DIRECTORY graphscope-client==0.28.0`."""
        if not directory:
            pytest.skip("GSC_OLDER_CLIENTS names no older clients")
        running = start(["--port", "0", "--set", "clients.versions=0.27,0.28"])
        code = """
            import sys
            import graphscope, numpy as np, pandas as pd
            s = graphscope.session(addr=sys.argv[1])
            vertices = pd.DataFrame({"id": range(101), "name": [f"v{i}" for i in range(101)]})
            g = s.g().add_vertices(vertices, label="v").add_edges(
                sys.argv[2], label="e", src_field="src", dst_field="dst", src_label="v", dst_label="v")
            print(graphscope.__version__, g.schema.vertex_labels, g.schema.edge_labels)
            simple = g.project(vertices={"v": []}, edges={"e": []})
            for app, options in ((graphscope.bfs, dict(src=0)), (graphscope.pagerank, {}), (graphscope.cdlp, {})):
                frame = app(simple, **options).to_dataframe({"id": "v.id", "r": "r"})
                assert len(frame) == 101, app
            assert len(g.to_numpy("v:v.id")) == 101
            lazy = graphscope.session(addr=sys.argv[1], mode="lazy")
            graph = lazy.g().add_edges(sys.argv[2], label="e", src_field="src", dst_field="dst")
            assert lazy.run(graph).schema.edge_labels == ["e"]
            try:
                g.project(vertices={"nobody": []}, edges={})
            except (KeyError, ValueError, AssertionError):
                pass
            else:
                raise AssertionError("no error")
            s.close()
            print("done", flush=True)
        """
        done = subprocess.run(
            [sys.executable, "-c", textwrap.dedent(code), running.address, edges],
            env={**os.environ, "PYTHONPATH": directory}, capture_output=True, text=True, timeout=120,
        )
        assert done.stdout.startswith(("0.27.0", "0.28.0")), done.stderr[-3000:]
        assert done.stdout.split()[-1] == "done", done.stderr[-3000:]


class TestStartedByTheClient:
    def test_it_is_found_at_once_and_shows_the_progress_of_loads(self, edges):
        """The client waits a second between its looks for the coordinator. Where only gRPC's backup poller of 5 s looks
        after its channel, it needs ten of them."""
        code = """
            import os, sys, types
            import graphscope, graphscope.client.rpc as rpc
            waits = []
            real = rpc.time
            rpc.time = types.SimpleNamespace(
                time=real.time, sleep=lambda seconds: (waits.append(seconds), real.sleep(seconds)))
            s = graphscope.session(cluster_type="hosts", num_workers=1, show_log=False)
            print("waits", len(waits), flush=True)
            s.load_from(edges={"e": sys.argv[1]})
            s._heartbeat_sending_thread = None
            s.close()
        """
        environment = {key: value for key, value in os.environ.items() if not key.startswith("GRPC_CLIENT_CHANNEL")}
        done = subprocess.run(
            [sys.executable, "-c", textwrap.dedent(code), edges], capture_output=True, text=True, timeout=120,
            env={**environment, "GSCOORDINATOR_BINARY": BINARY, "PYTHONPATH": os.path.join(REPOSITORY, "python")},
        )
        lines = done.stdout.splitlines()
        assert lines and lines[0].startswith("waits"), done.stderr[-3000:]
        assert int(lines[0].split()[1]) <= 6
        bars = [line for line in lines if line.startswith("Loading edge labeled e: ")]
        assert bars and all(line.endswith("it/s]") for line in bars), lines
        assert "100%|██████████| 10/10 [" in bars[-1]

    @pytest.mark.parametrize("value, expected", [(None, "100"), ("7000", "7000")])
    def test_what_the_user_said_about_the_poller_stays(self, value, expected):
        variable = "GRPC_CLIENT_CHANNEL_BACKUP_POLL_INTERVAL_MS"
        environment = {**os.environ, "PYTHONPATH": os.path.join(REPOSITORY, "python")}
        environment.pop(variable, None)
        if value:
            environment[variable] = value
        done = subprocess.run(
            [sys.executable, "-c", f"import os, gscoordinator; print(os.environ[{variable!r}])"],
            env=environment, capture_output=True, text=True, timeout=30,
        )
        assert done.stdout.strip() == expected
