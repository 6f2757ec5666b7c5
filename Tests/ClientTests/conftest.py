"""Fixtures of the client tests.

The tests start the coordinator that GSC_BINARY names (default: the debug build). With GSC_ADDR they run against the
Python coordinator at that address instead, which shows that they ask for what the client really expects; tests marked
`ours` are then skipped.
"""

import gc
import os
import pathlib
import tarfile
import tempfile

import graphscope
import numpy as np
import pytest

from process import BINARY, REPOSITORY, STOP_SECONDS, Coordinator

REFERENCE = os.environ.get("GSC_ADDR")
STATE = tempfile.TemporaryDirectory(prefix="gscoordinator-state-")
SHARED = pathlib.Path(os.environ.get("GSC_SHARED", os.path.join(REPOSITORY, "..", "shared")))


def pytest_configure(config):
    # Coordinators without a workspace keep their state by port: not in the home of whoever runs the tests.
    os.environ["XDG_STATE_HOME"] = STATE.name
    if not REFERENCE and not os.access(BINARY, os.X_OK):
        pytest.exit(f"no coordinator at {BINARY}: build it with 'swift build' or set GSC_BINARY", 2)


def pytest_report_header(config):
    return f"coordinator: {'reference at ' + REFERENCE if REFERENCE else BINARY}"


@pytest.fixture(scope="module", autouse=True)
def cheap_collections():
    """The client collects garbage before every request. What exists before a module would cost 75-300 ms each time."""
    gc.collect()
    gc.freeze()


def pytest_runtest_setup(item):
    marker = item.get_closest_marker("ours")
    if marker and REFERENCE:
        pytest.skip("not with the reference coordinator: " + marker.args[0])


@pytest.fixture(scope="session")
def coordinator(tmp_path_factory):
    """The coordinator that most tests share."""
    if REFERENCE:
        yield None
        return
    running = Coordinator(tmp_path_factory.mktemp("coordinator"))
    yield running
    exit_code, seconds = running.stop()
    assert exit_code == 0, running.log()[-4000:]
    assert seconds < STOP_SECONDS
    assert running.session_files() == []


@pytest.fixture(scope="session")
def address(coordinator):
    return REFERENCE or coordinator.address


@pytest.fixture
def start(tmp_path):
    """Starts coordinators of the test's own, and stops what it did not stop itself."""
    started = []

    def start(arguments=None, environment=None, directory=tmp_path):
        started.append(Coordinator(directory, arguments, environment))
        return started[-1]

    yield start
    for running in started:
        if running.process.poll() is None:
            running.stop()


def close(session):
    """Closes a session without the client's wait for its heartbeat thread, which sleeps up to five seconds."""
    session._heartbeat_sending_thread = None
    session.close()


@pytest.fixture
def connect(address):
    """Opens sessions of the test's own."""
    opened = []

    def connect(addr=address, **options):
        opened.append(graphscope.session(addr=addr, **options))
        return opened[-1]

    yield connect
    for session in opened:
        close(session)


@pytest.fixture(scope="module")
def sess(address):
    """The session that a module's tests share."""
    session = graphscope.session(addr=address)
    yield session
    close(session)


@pytest.fixture(scope="session")
def gstest(tmp_path_factory):
    """The public test data of GraphScope, with two small extracts of its p2p-31 graph that the recordings use."""
    archive = SHARED / "data" / "gstest.tar.xz"
    if not archive.exists():
        pytest.skip(f"no test data at {archive} (set GSC_SHARED)")
    root = tmp_path_factory.mktemp("gstest")
    wanted = ("modern_graph/", "modern_graph_string/", "property/")
    with tarfile.open(archive) as tar:
        tar.extractall(root, [m for m in tar.getmembers() if m.name.startswith(wanted)])
    with open(root / "property" / "p2p-31_property_e_0") as edges:
        lines = [next(edges) for _ in range(1501)]
    (root / "property" / "p2p_small_e.csv").write_text("".join(lines))
    ids = sorted({int(field) for line in lines[1:] for field in line.split(",")[:2]})
    with open(root / "property" / "p2p-31_property_v_0") as vertices:
        header = next(vertices)
        weights = dict(line.rstrip("\n").split(",") for line in vertices)
    rows = [f"{i},{weights[str(i)]}\n" for i in ids]
    (root / "property" / "p2p_small_v.csv").write_text(header + "".join(rows))
    return root


@pytest.fixture
def csv(tmp_path):
    """Writes text to a file of the given name and returns its path."""

    def csv(name, text):
        path = tmp_path / name
        path.write_text(text)
        return str(path)

    return csv


@pytest.fixture
def ids():
    return lambda *values: np.array(values, dtype="int64")
