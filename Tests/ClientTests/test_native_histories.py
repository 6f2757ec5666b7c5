"""Histories of coordinators on GraphScope's own engines, played again."""

import test_native_death
from histories import histories, kept  # noqa: F401
from test_native import gstest, pytestmark as native  # noqa: F401
from test_native_death import run, traces  # noqa: F401

pytestmark = [*native, kept]


def test_engines_that_are_killed(run, traces, gstest):
    test_native_death.test_the_step_fails_at_once_with_the_cause_and_the_session_goes_on_with_fresh_engines(
        run, traces, gstest, "grape_engine", 1, "analytical engine.*SIGKILL")


def test_an_interactive_instance_that_is_killed(run, traces, gstest):
    test_native_death.test_an_interactive_instance_ends_as_a_whole_with_the_cause(run, traces, gstest, "gaia_executor")


def test_a_coordinator_that_is_killed(run, traces, gstest):
    test_native_death.test_a_killed_coordinator_leaves_nothing_that_the_next_one_does_not_remove(run, traces, gstest, 1)
