"""What a HeartBeat, a small RunStep and a decision of the scheduler cost, in instructions and allocations.

`Benchmarks/run.sh counts` counts a release build and prints both; `GSC_WRITE_THRESHOLDS=1` writes what these tests find into
Benchmarks/thresholds.json, after a change that is worth its cost.
"""

import json
import os

import pytest

import counting
from process import BINARY

# Times of day, addresses and threads that take turns differ from run to run.
SLACK = {"instructions": 1.03, "allocations": 1.06}

pytestmark = pytest.mark.ours("looks into the process")


def compare(name, found):
    found = dict(zip(SLACK, found))
    if os.environ.get("GSC_WRITE_THRESHOLDS"):
        thresholds = json.loads(counting.THRESHOLDS.read_text())
        thresholds.setdefault(counting.configuration(), {})[name] = found
        counting.THRESHOLDS.write_text(json.dumps(thresholds, indent=2, sort_keys=True) + "\n")
    recorded = counting.recorded()
    if not recorded:
        pytest.skip(f"no thresholds for Swift {counting.configuration()}: GSC_WRITE_THRESHOLDS=1 writes them")
    for what, slack in SLACK.items():
        assert found[what] <= recorded[name][what] * slack, (
            f"{name}: {found[what]:,} {what}; {recorded[name][what]:,} when the thresholds were written")


@pytest.fixture(scope="module")
def calls(tmp_path_factory):
    return counting.count_calls(tmp_path_factory.mktemp("counted"))


@pytest.mark.timeout(600)
@pytest.mark.parametrize("name", ["HeartBeat", "RunStep"])
def test_a_call_costs_no_more_than_it_did(calls, name):
    compare(name, calls[name])


@pytest.mark.timeout(600)
def test_a_decision_of_the_scheduler_costs_no_more_than_it_did(tmp_path):
    benchmark = os.environ.get("GSC_SCHEDULER_BENCHMARK", os.path.join(os.path.dirname(BINARY), "SchedulerBenchmark"))
    if not os.access(benchmark, os.X_OK):
        pytest.skip(f"no scheduler's benchmark at {benchmark}: 'swift build' makes it, or set GSC_SCHEDULER_BENCHMARK")
    compare("decision", counting.count_decision(tmp_path, benchmark))
