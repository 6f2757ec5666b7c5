"""GraphScope's own engines on two hosts, one of them a network namespace with an sshd of its own."""

import base64
import concurrent.futures
import json
import os
import pathlib
import signal
import socket
import subprocess
import time

import graphscope
import numpy as np
import pandas as pd
import psutil
import pytest
from graphscope.framework.errors import AnalyticalEngineInternalError

import remote
from conftest import close
from process import BINARY, wait_until
from test_native import column, engines, gstest, p2p, pytestmark, simple, start_native  # noqa: F401
from test_native_death import busy, sampling, slow

pytestmark = [
    *pytestmark,
    pytest.mark.skipif(not remote.possible(), reason="needs root for namespaces, iproute2 and openssh-server"),
]


@pytest.fixture(scope="module")
def other(tmp_path_factory):
    directory = tmp_path_factory.mktemp("other")
    host = remote.Host(directory, 1, private=["/dev/shm", directory / "cache"])
    host.cache = directory / "cache"
    yield host
    host.stop()


@pytest.fixture
def run(tmp_path, other):
    """Starts coordinators of the test's own, and sees to it that nothing stays on either host."""
    started = []

    def run(*arguments, hosts=True, workers=2, selector=""):
        plan = tmp_path / "cluster.yaml"
        plan.write_text(
            "hosts:\n"
            "  - {name: localhost, cpu: 8, memory: 32GiB}\n"
            f"  - {{name: {other.address}, cpu: 8, memory: 32GiB}}\n"
            f"session: {{workers: {workers}, workers_apart: {str(workers > 1).lower()}, selector: {{{selector}}}}}\n")
        started.append(start_native(
            tmp_path, "--set", f"graphscope.remote_shell={other.shell}", "--set", f"graphscope.cache={other.cache}",
            *(["--cluster-file", str(plan)] if hosts else []), *arguments))
        return started[-1]

    yield run
    for coordinator in started:
        if coordinator.process.poll() is None:
            coordinator.stop()
    wait_until(lambda: not other.pids(), 15, "nothing runs on the other host")
    assert other.run("ls /dev/shm").stdout == ""
    owners = [path.read_text() for path in pathlib.Path("/dev/shm").glob("gscoordinator-hosts-*/coordinator")]
    assert not set(owners) & {str(coordinator.process.pid) for coordinator in started}


def described(coordinator, session):
    return subprocess.run(
        [BINARY, "describe", "session", session.session_id, "--workspace", coordinator.workspace],
        capture_output=True, text=True, check=True, timeout=30).stdout


def of(other, program):
    return [pid for pid, name in other.pids().items() if name == program]


def test_a_graph_is_spread_over_the_hosts_and_gives_what_one_host_gives(run, other, gstest, tmp_path):
    coordinator = run()
    begin = time.monotonic()
    session = graphscope.session(addr=coordinator.address)
    print(f"a session of two hosts after {time.monotonic() - begin:.2f} s")
    assert session.engine_config["engine_hosts"] == f"localhost,{other.address}"
    assert session.info["num_workers"] == 2
    assert len(of(other, "grape_engine")) == len(of(other, "vineyardd")) == 1
    assert f"engines were started on localhost, {other.address}" in described(coordinator, session)
    ours = column(graphscope.sssp(simple(p2p(session, gstest)), src=6))
    truth = pd.read_csv(gstest / "property" / "ldbc" / "p2p-31-SSSP", sep=" ", header=None, index_col=0)[1]
    reached = ours[ours < 1e300]
    np.testing.assert_allclose(reached, truth.replace(np.inf, np.nan).dropna().sort_index().loc[reached.index])
    close(session)


def ring(session, count=1000):
    """A graph in which each vertex knows two others."""
    ids = np.arange(count)
    edges = pd.DataFrame({"s": np.tile(ids, 2), "d": np.concatenate([(ids * 7 + 1) % count, (ids * 3 + 5) % count])})
    edges["weight"] = 1.0
    graph = session.g().add_vertices(pd.DataFrame({"id": ids, "age": ids % 90, "name": ids.astype(str)}), "person")
    return graph.add_edges(edges, "knows", src_label="person", dst_label="person")


def test_queries_are_answered_by_executors_on_both_hosts(run, other):
    coordinator = run()
    session = graphscope.session(addr=coordinator.address)
    graph = ring(session)
    instance = session.interactive(graph)
    assert len(of(other, "gaia_executor")) == len(engines(coordinator)["gaia_executor"]) == 1
    ask = lambda query: instance.execute(query).all().result()  # noqa: E731
    assert ask("g.V().count()") == [1000]
    assert ask("g.V().out().out().count()") == [4000]
    assert sorted(ask("g.V().has('id', 17).out().out().values('id')")) == sorted(
        {(b * 7 + 1) % 1000 for b in (120, 56)} | {(b * 3 + 5) % 1000 for b in (120, 56)})
    with pytest.raises(Exception, match="coordinator's host only"):
        instance.subgraph("g.V().outE()")
    os.kill(of(other, "gaia_executor")[0], signal.SIGKILL)
    wait_until(lambda: "gaia_executor" not in engines(coordinator), 15, "the instance ends as a whole")
    assert graph.schema.vertex_labels == ["person"]
    close(session)


def test_each_host_samples_its_part_of_a_graph(run, other):
    coordinator = run()
    session = graphscope.session(addr=coordinator.address)
    graph = ring(session)
    endpoints = sampling(session, graph)[2]
    assert [endpoint.split(":")[0] for endpoint in endpoints] == [other.here, other.address]
    for endpoint in endpoints:
        host, port = endpoint.split(":")
        socket.create_connection((host, int(port)), timeout=5).close()
    session._grpc_client.close_learning_instance(graph.vineyard_id)
    wait_until(lambda: not any(name.startswith("python") for name in other.pids().values()), 15, "its server has ended")
    close(session)


def test_libraries_that_are_compiled_reach_the_other_host(run, other, gstest):
    coordinator = run()
    session = graphscope.session(addr=coordinator.address)
    assert other.run(f"ls {other.cache}").stdout == ""
    # There is no ready-made library of this one for such a graph.
    assert len(column(graphscope.pagerank(simple(p2p(session, gstest))))) == 62586
    close(session)
    [library] = other.run(f"find {other.cache} -name '*.so'").stdout.split()
    made = pathlib.Path(library).stat()
    # It is kept: a session of another coordinator compiles nothing.
    coordinator.stop()
    session = graphscope.session(addr=run().address)
    assert len(column(graphscope.pagerank(simple(p2p(session, gstest))))) == 62586
    close(session)
    assert pathlib.Path(library).stat().st_ino == made.st_ino
    assert os.listdir(other.cache) == [pathlib.Path(library).parent.name]


@pytest.mark.parametrize(
    "victim, words", [("grape_engine", "analytical engine"), ("vineyardd", "object store on")])
def test_what_dies_on_the_other_host_fails_the_step_at_once(run, other, gstest, victim, words):
    coordinator = run("--set", "engines.restart=on-failure")
    session = graphscope.session(addr=coordinator.address)
    graph = simple(p2p(session, gstest))
    graphscope.pagerank(graph, delta=0.85, max_round=1)
    with concurrent.futures.ThreadPoolExecutor() as pool:
        step = pool.submit(slow, graph)
        busy(psutil.Process(of(other, "grape_engine")[0]), 0.5)
        begin = time.monotonic()
        os.kill(of(other, victim)[0], signal.SIGKILL)
        with pytest.raises(AnalyticalEngineInternalError, match=words):
            step.result(timeout=30)
        seconds = time.monotonic() - begin
    print(f"{victim} on the other host: the step failed after {seconds:.3f} s")
    assert seconds < 2
    assert len(column(graphscope.sssp(simple(p2p(session, gstest)), src=6))) == 62586
    close(session)


def test_a_host_that_is_cut_off_ends_the_step_and_nobody_hangs(run, other, gstest):
    coordinator = run()
    session = graphscope.session(addr=coordinator.address)
    graph = simple(p2p(session, gstest))
    graphscope.pagerank(graph, delta=0.85, max_round=1)
    with other.cut():
        begin = time.monotonic()
        with pytest.raises(AnalyticalEngineInternalError, match="10.213"):
            slow(graph)
        print(f"a host that is cut off ended the step after {time.monotonic() - begin:.1f} s")
        assert time.monotonic() - begin < 40
        close(session)
        assert time.monotonic() - begin < 60
        wait_until(lambda: not other.pids(), 60, "its own processes have noticed it, too")
    left = other.run("ls /dev/shm").stdout
    assert left.startswith("gscoordinator-hosts-")
    theirs = "/dev/shm/gscoordinator-hosts-of-a-coordinator-there"
    other.run(f"mkdir -m 700 {theirs}; touch {theirs}/coordinator")
    other.run(f"touch -d '20 minutes ago' {theirs} /dev/shm/{left}")
    close(graphscope.session(addr=coordinator.address))
    other.run(f"rm -r {theirs}")


def test_a_killed_coordinator_leaves_no_process_on_the_other_host(run, other, gstest):
    coordinator = run()
    session = graphscope.session(addr=coordinator.address)
    assert of(other, "grape_engine")
    session._closed = True
    coordinator.kill()
    wait_until(lambda: not other.pids(), 15, "all ended with it")
    again = run()
    resumed = graphscope.session(addr=again.address, reconnect=True)
    assert resumed.session_id == session.session_id
    assert len(column(graphscope.sssp(simple(p2p(resumed, gstest)), src=6))) == 62586
    close(resumed)


def test_all_workers_may_be_on_the_other_host(run, other, gstest):
    coordinator = run(workers=1, selector=f"host: {other.address}")
    session = graphscope.session(addr=coordinator.address)
    assert session.engine_config["engine_hosts"] == other.address
    assert "grape_engine" not in engines(coordinator) and "vineyardd" not in engines(coordinator)
    assert len(column(graphscope.sssp(simple(p2p(session, gstest)), src=6))) == 62586
    close(session)


def test_the_clients_own_list_of_hosts(run, other):
    config = {
        "launcher_type": "hosts", "session": {"num_workers": 2},
        "hosts_launcher": {"hosts": ["localhost", other.address]},
    }
    coordinator = run("--config", base64.b64encode(json.dumps(config).encode()).decode(), hosts=False)
    session = graphscope.session(addr=coordinator.address)
    assert session.engine_config["engine_hosts"] == f"localhost,{other.address}"
    close(session)


def test_a_host_that_cannot_be_reached_is_named_with_what_ssh_says(run, other):
    coordinator = run("--set", f"hosts=localhost,{other.network}.77", "--set", "workers=2", hosts=False)
    with pytest.raises(Exception, match=rf"{other.network}\.77.*must work without a password"):
        graphscope.session(addr=coordinator.address)
