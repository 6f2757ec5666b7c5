"""graphlearn-torch on GraphScope's own engines, with the unmodified client.

torch is no part of the test environment. Where it is missing the user is told how to get it; how servers are started is
tested with a stand-in for them in an environment of the test's own.
"""

import os
import pathlib
import signal

import graphscope
import pandas as pd
import psutil
import pytest

import processes
from conftest import close
from process import Coordinator, wait_until
from test_native import PYTHON, native, open_session, pytestmark  # noqa: F401

STAND_IN = """
import base64, json, os, signal, socket, sys
handle = json.loads(base64.b64decode(sys.argv[1]))
rank = int(sys.argv[3])
assert handle["master_addr"] == "localhost" and "client_content" not in handle, handle
if os.path.exists(os.path.join(os.path.dirname(__file__), "fail-%d" % rank)):
    sys.exit("rank %d has no memory" % rank)
if rank == 0:
    fail = os.path.exists(os.path.join(os.path.dirname(__file__), "fail-1"))
    if fail: signal.pause()
    listener = socket.create_server(("localhost", handle["server_client_master_port"]))
signal.pause()
"""


def people(session):
    vertices, edges = pd.DataFrame({"id": [1, 2], "x": [1, 2]}), pd.DataFrame({"s": [1], "d": [2], "w": [1.5]})
    return session.g().add_vertices(vertices, "person").add_edges(edges, "knows", src_label="person", dst_label="person")


def learn(graph):
    return graphscope.graphlearn_torch(
        graph, edges=[("person", "knows", "person")], node_features={"person": ["x"]}, client_folder_path=None
    )


def servers(coordinator):
    found = {}
    for child in processes.below(coordinator):
        line = processes.arguments(child)
        if "gscoordinator.launch_graphlearn_torch" in line:
            found[line[-1]] = child
    return found


def shadow(real, directory, replaced):
    """Links everything in a directory but what is replaced: by a dictionary for a directory, by text for a file."""
    directory.mkdir()
    for entry in pathlib.Path(real).iterdir():
        if entry.name not in replaced and entry.name != "__pycache__":
            (directory / entry.name).symlink_to(entry)
    for name, new in replaced.items():
        if isinstance(new, str):
            (directory / name).write_text(new)
        elif (pathlib.Path(real) / name).exists():
            shadow(pathlib.Path(real) / name, directory / name, new)
        else:
            (directory / name).mkdir()
            for file, text in new.items():
                (directory / name / file).write_text(text)


@pytest.fixture(scope="module")
def environment(tmp_path_factory):
    """The engines' environment, with stand-ins for torch, its library, and the servers."""
    [packages] = pathlib.Path(PYTHON).resolve().glob("lib/python3*/site-packages")
    root = tmp_path_factory.mktemp("torch") / "environment"
    (root / "lib").mkdir(parents=True)
    (root / "lib" / packages.parent.name).mkdir()
    shadow(
        packages,
        root / "lib" / packages.parent.name / "site-packages",
        {
            "torch": {"__init__.py": ""},
            "graphscope": {"learning": {"graphlearn_torch": {"__init__.py": ""}}},
            "gscoordinator": {"launch_graphlearn_torch.py": STAND_IN},
        },
    )
    for name in ("bin", "pyvenv.cfg"):
        (root / name).symlink_to(pathlib.Path(PYTHON).resolve() / name)
    return root


@pytest.fixture
def with_torch(environment, tmp_path):
    running = Coordinator(
        tmp_path,
        ["--port", "0", "--engine", "graphscope", "--set", f"graphscope.python={environment}", "--set", "workers=2"],
    )
    yield running
    running.stop()


def test_without_torch_the_user_is_told_how_to_get_it(open_session):
    with pytest.raises(Exception, match=r"-m pip install 'torch>=") as told:
        learn(people(open_session()))
    assert "No module named 'torch'" in str(told.value)


def test_servers_are_started_waited_for_and_ended(with_torch, open_session):
    session = open_session(with_torch)
    learning = learn(people(session))
    ports = [learning.server_client_master_port, learning.train_loader_master_port]
    ports += [learning.val_loader_master_port, learning.test_loader_master_port]
    assert learning.master_addr == "localhost" and len(set(ports)) == 4
    assert set(servers(with_torch)) == {"0", "1"}
    listening = servers(with_torch)["0"].connections("tcp")
    assert [str(c.laddr.port) for c in listening if c.status == psutil.CONN_LISTEN] == [learning.server_client_master_port]
    close(session)
    wait_until(lambda: not servers(with_torch), 10, "the servers are gone")


def test_a_server_that_fails_is_the_cause_and_takes_the_others_along(with_torch, environment, open_session):
    session = open_session(with_torch)
    graph = people(session)
    [folder] = environment.glob("lib/python3*/site-packages/gscoordinator")
    (folder / "fail-1").touch()
    try:
        with pytest.raises(Exception, match="rank 1 has no memory"):
            learn(graph)
    finally:
        os.unlink(folder / "fail-1")
    assert not servers(with_torch)
    learn(graph)
    servers(with_torch)["0"].send_signal(signal.SIGKILL)
    wait_until(lambda: not servers(with_torch), 10, "one is nothing without the other")
