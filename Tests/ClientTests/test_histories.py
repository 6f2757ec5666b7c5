"""What the shipped coordinator does is what its control plane decides: histories of coordinators that clients used have the
same effects when they are played again."""

import graphscope
import pytest

import test_recovery
import test_tenants
from conftest import close
from graphs import result
from histories import histories, kept, replay  # noqa: F401
from test_recovery import host  # noqa: F401
from test_tenants import edges, shared  # noqa: F401

pytestmark = [pytest.mark.ours("the reference coordinator keeps no history"), kept]


def test_a_session_that_is_used_and_closed(start, histories, csv):
    coordinator = start()
    with_graph = graphscope.session(addr=coordinator.address)
    idle = graphscope.session(addr=coordinator.address)
    graph = with_graph.load_from(edges={"e": csv("e.csv", "src,dst\n1,2\n2,3\n")})
    assert result(graphscope.bfs(graph, src=1)) == {1: 0, 2: 1, 3: 2}
    close(with_graph)
    close(idle)
    coordinator.stop()
    [events] = histories.check()
    assert events > 20


def test_a_history_that_was_changed_is_found(start, histories):
    coordinator = start()
    close(graphscope.session(addr=coordinator.address))
    coordinator.stop()
    [path] = histories.paths()
    lines = path.read_text().splitlines(keepends=True)
    number = max(index for index, line in enumerate(lines) if '"release"' in line)
    changed = path.with_suffix(".changed")
    changed.write_text("".join(lines[:number] + [lines[number].replace('"release"', '"requeue"')] + lines[number + 1:]))
    done = replay(changed)
    assert done.returncode == 1 and "replayed" in done.stderr


def test_a_killed_coordinator_and_the_one_after_it(host, csv):
    test_recovery.TestKilled().test_the_same_python_process_goes_on_with_its_graphs_and_results(host, csv)


def test_a_stop_that_keeps_sessions(host, csv):
    test_recovery.TestStopped().test_a_terminated_coordinator_keeps_its_sessions(host, csv)


@pytest.mark.parametrize("failpoint", ["session-journaled", "step-performed", "session-closing", "recovery-session-done"])
def test_killed_at(host, csv, failpoint):
    test_recovery.TestEveryFailpoint().test_killed_at(host, csv, failpoint)


@pytest.mark.parametrize(
    "scenario",
    [
        test_tenants.TestGivingWay().test_a_session_gives_way_and_its_step_begins_again,
        test_tenants.TestGivingWay().test_killed_while_a_session_gives_way,
        test_tenants.TestKilled().test_who_held_goes_on_and_who_waited_waits,
    ],
    ids=lambda scenario: scenario.__name__,
)
def test_tenants_that_wait_for_each_other(shared, edges, scenario):
    scenario(shared, edges)


def test_a_session_that_grows_and_shrinks(shared):
    test_tenants.TestElastic().test_a_session_grows_and_shrinks(shared)
