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
        "empty dag",
    },
    "19_types_dates": {
        "dates", "float32 frames are refused by the client", "pandas types", "column i32", "column f", "column s",
        "edges without a vertex table, no eid, no oid",
    },
    "20_label_order": None,
}

# Steps that end in an error there and here; which one, and its text, may differ.
ERRORS = {"bad vertex range"}

NOISE = re.compile(r"^([EIW]20\d{6} |20\d\d-\d\d-\d\d )|Traceback|^Exception ignored|^W20")


def steps(text):
    """The outcome of each step: {title: text}; what is printed before the first has the title ''."""
    found, title = {"": []}, ""
    for line in text.splitlines():
        if line.startswith("== "):
            title = line[3:].strip()
            found[title] = []
        elif not NOISE.search(line):
            found[title].append(line.rstrip())
    return {title: outcome(lines) for title, lines in found.items()}


def outcome(lines):
    for line in lines:
        if line.startswith("EXC "):
            return " ".join(line.split()[:2])  # the class; our texts are our own
    text = "\n".join(line for line in lines if line.strip() and line.strip() not in {'"', ">"})
    text = re.sub(r"\{'status'.*", "<session>", text)
    text = re.sub(r"\bgraph_\w{8}\b|\b\d{18,}\b|\S*/\S+\.json", "<id>", text)
    text = re.sub(r"\(Context[^)]*\)|<graphscope[^>]*>|<id>\s+<id>\s+<id>", "<object>", text)
    return text


@pytest.fixture(scope="module")
def outputs(address, gstest):
    """Runs all scenarios, side by side where sessions may be, and gives what they print."""
    if not (TRACES / "scenarios").is_dir():
        pytest.skip(f"no recordings at {TRACES} (set GSC_SHARED)")
    environment = {
        **os.environ, "GS_ADDR": address, "GS_DATA": str(gstest), "PYTHONPATH": str(TRACES / "scenarios"),
    }

    def run(name):
        script = str(TRACES / "scenarios" / (name + ".py"))
        done = subprocess.run(
            [sys.executable, "-B", script], env=environment, cwd=gstest, stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT, text=True, timeout=280,
        )
        return done.returncode, done.stdout

    with ThreadPoolExecutor(1 if REFERENCE else 3) as pool:
        return dict(zip(SCENARIOS, pool.map(run, SCENARIOS)))


@pytest.mark.parametrize("name", SCENARIOS)
def test_the_outcome_is_the_recorded_one(outputs, name):
    code, printed = outputs[name]
    assert code == 0, printed[-3000:]
    expected = steps((TRACES / f"{name}.out.txt").read_text())
    actual = steps(printed)
    compared = SCENARIOS[name] or set(expected)
    assert set(actual) == set(expected)
    for title in expected:
        if title not in compared:
            continue
        if title in ERRORS:
            assert actual[title].startswith("EXC"), f"{title}: {actual[title]}"
        else:
            assert actual[title] == expected[title], f"step '{title}' of {name}"
