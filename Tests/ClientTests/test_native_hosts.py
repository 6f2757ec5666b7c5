"""Engines of GraphScope's that are started ahead of sessions, and how they are chosen, with the unmodified client."""

import gc
import json
import os
import signal
import subprocess

import graphscope
import pytest

import processes
from conftest import close
from process import BINARY, wait_until
from test_native import PYTHON, column, engines, gstest, p2p, pytestmark, simple, start_native  # noqa: F401


@pytest.fixture
def run(tmp_path):
    """Starts coordinators of the test's own and sees to it that nothing of their engines stays."""
    started = []

    def run(*arguments):
        started.append(start_native(tmp_path, *arguments))
        return started[-1]

    yield run
    for coordinator in started:
        if coordinator.process.poll() is None:
            running = engine_processes(coordinator)
            coordinator.stop()
            wait_until(lambda: not any(map(processes.alive, running)), 10, "all ended")
        assert shared(coordinator) == []


def engine_processes(coordinator):
    return [process for found in engines(coordinator).values() for process in found]


def shared(coordinator):
    return [name for name in os.listdir("/dev/shm") if name.startswith(f"gscoordinator-{coordinator.process.pid}-")]


def wait_for_sets(coordinator, count):
    """Waits until so many sets of engines have waited for a session, since the coordinator's start."""
    wait_until(lambda: coordinator.log().count("wait for a session") >= count, 60, f"{count} sets of engines wait")


def described(coordinator, session):
    return subprocess.run(
        [BINARY, "describe", "session", session.session_id, "--workspace", coordinator.workspace],
        capture_output=True, text=True, check=True, timeout=30,
    ).stdout


def test_a_session_gets_engines_that_waited_and_others_take_their_place(run, gstest):
    coordinator = run("--engines-warm", "1")
    wait_for_sets(coordinator, 1)
    waiting = {process.pid for process in engine_processes(coordinator)}
    session = graphscope.session(addr=coordinator.address)
    wait_for_sets(coordinator, 2)
    assert len(column(graphscope.sssp(simple(p2p(session, gstest)), src=6))) == 62586
    assert "started ahead" in described(coordinator, session)
    close(session)
    assert len(engines(coordinator)["grape_engine"]) == 1
    assert not waiting & {process.pid for process in engine_processes(coordinator)}, "nobody gets used engines"


def test_a_dead_one_is_replaced_before_anybody_gets_it(run, gstest):
    coordinator = run("--engines-warm", "1")
    wait_for_sets(coordinator, 1)
    [victim] = engines(coordinator)["grape_engine"]
    victim.send_signal(signal.SIGKILL)
    session = graphscope.session(addr=coordinator.address)
    assert len(column(graphscope.sssp(simple(p2p(session, gstest)), src=6))) == 62586
    close(session)


def test_a_stopped_one_is_not_handed_out(run):
    coordinator = run("--engines-warm", "1")
    wait_for_sets(coordinator, 1)
    [victim] = engines(coordinator)["grape_engine"]
    victim.send_signal(signal.SIGSTOP)
    session = graphscope.session(addr=coordinator.address)
    assert not processes.alive(victim)
    close(session)


def test_a_killed_coordinator_takes_its_waiting_engines_with_it(run):
    coordinator = run("--engines-warm", "2")
    wait_for_sets(coordinator, 2)
    running = engine_processes(coordinator)
    assert len(running) == 4
    coordinator.kill()
    wait_until(lambda: not any(map(processes.alive, running)), 10, "all ended")
    # What a killed coordinator left in memory is removed by the next one.
    run()
    assert shared(coordinator) == []


@pytest.mark.parametrize(
    "asked, engine, reason",
    [
        ("memory: 1GiB", "embedded", "no more memory than this process may use"),
        ("memory: 50TiB", "graphscope", "MiB of memory are requested"),
        ("workers: 2", "graphscope", "2 workers are requested"),
    ],
)
def test_auto_chooses_by_what_is_asked_for(run, tmp_path, asked, engine, reason):
    cluster = tmp_path / "cluster.yaml"
    cluster.write_text(f"hosts:\n  - name: localhost\n    memory: 60TiB\nsession:\n  {asked}\n")
    coordinator = run("--engine", "auto", "--cluster-file", str(cluster))
    session = graphscope.session(addr=coordinator.address)
    text = described(coordinator, session)
    assert engine in text and reason in text
    assert bool(engine_processes(coordinator)) == (engine == "graphscope")
    close(session)


def test_a_load_beyond_the_quota_names_the_engines_that_can(run, tmp_path, gstest):
    cluster = tmp_path / "cluster.yaml"
    cluster.write_text("tenants: [{name: default, quota: {memory: 64KiB}}]")
    coordinator = run("--engine", "auto", "--cluster-file", str(cluster))
    session = graphscope.session(addr=coordinator.address)
    with pytest.raises(Exception, match="engine graphscope"):
        column(graphscope.sssp(simple(p2p(session, gstest)), src=6))
    close(session)


def test_a_graph_beyond_its_tenants_quota_is_undone_and_the_session_goes_on(run, tmp_path, gstest):
    cluster = tmp_path / "cluster.yaml"
    cluster.write_text("tenants: [{name: default, quota: {memory: 24MiB}}]")
    coordinator = run("--cluster-file", str(cluster))
    session = graphscope.session(addr=coordinator.address)
    first = p2p(session, gstest)
    wait_until(lambda: used(coordinator) > 1 << 20, 20, "what the graph takes is the tenant's")
    taken = used(coordinator)
    kept = []
    with pytest.raises(Exception, match="was undone: there is no room for its graph.*quota"):
        for _ in range(20):
            kept.append(p2p(session, gstest))
    assert used(coordinator) <= 24 << 20
    assert first.schema.vertex_labels == ["person"]
    kept.clear()
    gc.collect()
    wait_until(lambda: used(coordinator) <= taken, 10, "what was unloaded is given back")
    close(session)
    wait_until(lambda: used(coordinator) == 0, 10, "the session's memory is given back")


def used(coordinator):
    """Bytes of memory that the tenant has taken."""
    text = subprocess.run(
        [BINARY, "get", "tenants", "-o", "json", "--workspace", coordinator.workspace],
        capture_output=True, text=True, check=True, timeout=30,
    ).stdout
    [tenant] = [item for item in json.loads(text)["items"] if item["name"] == "default"]
    return tenant["status"]["held"]["memoryBytes"]
