"""The recorded scenarios: scripts that were run with the Python coordinator, and what they printed."""

import os
import re
import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor

import pytest

from conftest import REFERENCE, SHARED

TRACES = SHARED / "contract" / "traces"

# Scenario -> the steps whose outcome is compared; None compares all of them.
SCENARIOS = {
    "01_connect_close": None,
    "03_p2p_load_pagerank": None,
    "04_simple_apps": {
        "sssp int64 weight, directed", "bfs", "wcc", "cdlp", "pagerank undirected", "to_numpy selectors",
    },
    "06_string_oid": None,
    "07_pandas_numpy_chunks": None,
    "09_lazy_mode": None,
    "10_runstep_errors": {
        "missing file", "missing column", "string oids declared int64", "unknown label in project",
        "unknown property in project", "sssp source missing", "its result", "bad selector", "bad vertex range",
    },
    "19_types_dates": {
        "dates", "float32 frames are refused by the client", "pandas types", "column i32", "column f", "column s",
        "edges without a vertex table, no eid, no oid",
    },
    "20_label_order": None,
}

# Steps that end in an error there and here; which one, and its text, may differ.
ERRORS = {"bad vertex range"}

# What libraries and the engine's own log add to what a scenario prints, by the version of Python and the minute.
NOISE = re.compile(r"\S+: (\w*Warning): |  (warnings\.warn\(|return \(xy)|[EWI]20\d{6} \d\d:")


def steps(text):
    """The outcome of each step: {title: text}; what is printed before the first has the title ''."""
    found, title = {"": []}, ""
    for line in text.splitlines():
        if line.startswith("== "):
            title = line[3:].strip()
            found[title] = []
        else:
            found[title].append(line.rstrip())
    return {title: outcome(lines) for title, lines in found.items()}


def outcome(lines):
    """The class of the exception, since our texts are our own, or what was printed without what differs by run."""
    for line in lines:
        # "EXC " is lost in places, where the recorded program's log was being written at the same time.
        if failure := re.match(r"EXC (\S+)|(graphscope\.framework\.errors\.\w+) ", line):
            return "EXC " + (failure[1] or failure[2])
    text = "\n".join(line for line in lines if line.strip() and not NOISE.match(line))
    text = re.sub(r"\{'status'.*", "<session>", text)
    text = re.sub(r'^\{".*', lambda found: found[0].replace(" ", ""), text, flags=re.M)
    return re.sub(r"\b(graph_\w{8}|o[0-9a-f]{16}|0x[0-9a-f]+|\d{18,})\b|\S*/\S+\.json", "<id>", text)


def agrees(actual, recorded):
    """The client prints its log too; where it did, only the last lines are what the step printed."""
    if "Runstep failed" in recorded:
        actual, recorded = (text.splitlines()[-2:] for text in (actual, recorded))
    return actual == recorded


def run(name, address, data):
    """Runs a scenario at an address and gives how it ended."""
    environment = {
        **os.environ, "GS_ADDR": address, "GS_DATA": str(data), "PYTHONPATH": str(TRACES / "scenarios"),
    }
    script = str(TRACES / "scenarios" / (name + ".py"))
    return subprocess.run(
        [sys.executable, "-B", script], env=environment, cwd=data, capture_output=True, text=True, timeout=280
    )


def check(name, done, compared=None, passed_over=()):
    """Compares what a scenario printed with the recording: all of its steps, or those that are named, without some."""
    assert done.returncode == 0, done.stderr[-3000:]
    expected = steps((TRACES / f"{name}.out.txt").read_text())
    actual = steps(done.stdout)
    assert set(actual) == set(expected)
    for title in expected:
        if title not in (compared or expected) or title in passed_over:
            continue
        if title in ERRORS:
            assert actual[title].startswith("EXC"), f"{title}: {actual[title]}"
        else:
            assert agrees(actual[title], expected[title]), f"{name}, {title}: {actual[title]}\nnot {expected[title]}"


@pytest.fixture(scope="module")
def outputs(address, gstest):
    """Runs all scenarios, side by side where sessions may be, and gives what they print."""
    if not (TRACES / "scenarios").is_dir():
        pytest.skip(f"no recordings at {TRACES} (set GSC_SHARED)")
    with ThreadPoolExecutor(1 if REFERENCE else 3) as pool:
        return dict(zip(SCENARIOS, pool.map(lambda name: run(name, address, gstest), SCENARIOS)))


@pytest.mark.parametrize("name", SCENARIOS)
def test_the_outcome_is_the_recorded_one(outputs, name):
    check(name, outputs[name], SCENARIOS[name])
