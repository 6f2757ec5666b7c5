"""Engines of tenants that run as users of their own, on GraphScope's own engines. Needs root; the users are numbers that are in
no list of users."""

import json
import os
import pathlib
import shutil
import subprocess
import tempfile
import zipfile

import graphscope
import pandas as pd
import pytest
from graphscope.framework.app import load_app
from graphscope.framework.errors import AnalyticalEngineInternalError, PermissionDeniedError
from graphscope.framework.loader import Loader

from conftest import close
from process import BINARY, Coordinator, wait_until
from processes import below, names, of, users
from test_native import PYTHON, gstest  # noqa: F401
from test_native import pytestmark as native_marks
from test_native_death import modern, sampling

pytestmark = native_marks + [
    pytest.mark.skipif(os.geteuid() != 0, reason="only root may start programs as other users"),
]

USERS = {"a": 61_231, "b": 61_232}


class House:
    """A coordinator of two tenants, in a directory that everybody may pass and nobody may list."""

    def __init__(self, root):
        self.root = pathlib.Path(root)
        self.root.chmod(0o711)
        self.data, self.results = self.root / "data", self.root / "results"
        for directory in [self.data, self.results]:
            directory.mkdir()
        (self.data / "v.csv").write_text("id,x\n1,10\n2,20\n")
        (self.data / "closed.csv").write_text("id,x\n1,10\n2,20\n")
        (self.data / "closed.csv").chmod(0o600)
        pd.DataFrame({"id": [1, 2], "x": [10, 20]}).to_parquet(self.data / "v.parquet")
        os.chown(self.results, USERS["a"], USERS["a"])
        self.access = self.root / "access.yaml"
        self.write({name: {"run_as": user} for name, user in USERS.items()})
        self.tokens = self.root / "tokens"
        subprocess.run(
            [BINARY, "token", "create", "--file", self.tokens, "--principal", "root", "--role", "operator"], check=True,
            capture_output=True)

    def write(self, entries):
        places = {"read": [str(self.data)], "write": [str(self.results)], "own_code": True}
        self.access.write_text(json.dumps({
            "listeners": [
                {"name": name, "address": "127.0.0.1:0", "tenant": name, "role": "user"} for name in USERS
            ],
            "tenants": [{"tenant": name, **places, **entry} for name, entry in entries.items()],
        }))

    def arguments(self, *more):
        return ["--port", "0", "--engine", "graphscope", "--set", f"graphscope.python={PYTHON}", "--set",
                f"access.file={self.access}", "--set", f"access.token_file={self.tokens}", *more]

    def start(self, *more):
        self.coordinator = Coordinator(self.root, self.arguments(*more))
        addresses = self.coordinator.ready_line.split("listening on ")[1].split(" and ")
        self.addresses = dict(zip(["main", *USERS], addresses))
        return self.coordinator

    def session(self, tenant):
        return graphscope.session(addr=self.addresses[tenant])


def may_run(program, user):
    """Whether a user may run a program: not when it lies in a directory that is closed to others."""
    return subprocess.run(["test", "-x", str(program)], user=user, group=user, extra_groups=[]).returncode == 0


@pytest.fixture
def house():
    [engine] = pathlib.Path(PYTHON).glob("lib/python3*/site-packages/graphscope.runtime/bin/grape_engine")
    if not may_run(engine, USERS["a"]):
        pytest.skip(f"other users may not run '{engine}'")
    root = tempfile.mkdtemp(prefix="gsc-run-as-", dir="/tmp")
    house = House(root)
    yield house
    running = getattr(house, "coordinator", None)
    if running and running.process.poll() is None:
        running.stop()
    shutil.rmtree(root)
    for user in USERS.values():
        assert of(user) == []


def graph_of(session, path):
    graph = session.g(directed=True).add_vertices(Loader(str(path)), "v")
    return graph.add_edges(pd.DataFrame({"s": [1], "d": [2]}), "e", src_label="v", dst_label="v")


def simple(graph):
    return graph.project(vertices={"v": []}, edges={"e": []})


def ids(graph):
    return sorted(graph.to_dataframe({"id": "v:v.id"}).id)


def may_run_python(user):
    """Whether a user may run the interpreter of the engines: one in a home directory is its owner's alone."""
    try:
        return subprocess.run([f"{PYTHON}/bin/python3", "-c", ""], user=user, capture_output=True).returncode == 0
    except PermissionError:
        return False


@pytest.mark.timeout(600)
def test_all_of_a_tenants_processes_are_its_users(house, gstest):
    coordinator = house.start()
    sessions = {name: house.session(name) for name in USERS}
    for name, session in sessions.items():
        programs = set(names(of(USERS[name])))
        assert programs == {"vineyardd", "grape_engine"}, programs
    session, user = sessions["a"], USERS["a"]
    graph = graph_of(session, house.data / "v.csv")
    assert ids(graph) == [1, 2]
    result = graphscope.pagerank(simple(graph))
    assert len(result.to_numpy("r")) == 2
    if may_run_python(user):
        result.output(f"file://{house.results}/new/out.csv", selector={"id": "v.id", "r": "r"})
        written = house.results / "new/out.csv_0"
        assert written.read_text().count("\n") >= 2
        assert {path.stat().st_uid for path in [written, written.parent]} == {user}
        graph.save_to(str(house.results / "saved"))
        assert {path.stat().st_uid for path in house.results.rglob("*")} == {user}
        shutil.copytree(house.results / "saved", house.data / "saved")
        assert ids(graphscope.Graph.load_from(str(house.data / "saved"), sess=session)) == [1, 2]
        assert ids(session.g().add_vertices(Loader(str(house.data / "v.parquet")), "v")) == [1, 2]
        with pytest.raises(AnalyticalEngineInternalError, match=f"run as the user {USERS['b']}"):
            graphscope.pagerank(simple(graph_of(sessions["b"], house.data / "v.csv"))).output(
                f"file://{house.results}/b.csv", selector={"id": "v.id"})
    else:
        with pytest.raises(AnalyticalEngineInternalError, match=f"could not be started.*as the user {user}"):
            graph.save_to(str(house.results / "saved"))
    # What the user may not read is not read, and the words say why; what is not listed is no one's.
    with pytest.raises(AnalyticalEngineInternalError, match=f"engines of this tenant run as the user {user}"):
        graph_of(session, house.data / "closed.csv")
    with pytest.raises(PermissionDeniedError):
        graph_of(session, house.tokens)
    instance = session.interactive(graph, with_cypher=True)
    assert instance.execute("g.V().count()").all().result() == [2]
    assert instance.execute("MATCH (n) RETURN COUNT(n) AS n", lang="cypher").records[0]["n"] == 2
    if may_run_python(user):
        shutil.copytree(gstest / "modern_graph", house.data / "modern_graph")
        learned = modern(session, house.data)
        sampling(session, learned)
        assert any("python" in program for program in names(of(user)))
    assert {"vineyardd", "grape_engine", "gaia_executor", "java"} <= set(names(of(user)))
    for process in below(coordinator):
        try:
            status = pathlib.Path(f"/proc/{process.pid}/status").read_text()
        except (FileNotFoundError, ProcessLookupError):
            continue
        assert (users(process) or {user}) in [{number} for number in USERS.values()], process
        assert "NoNewPrivs:\t1" in status and "CapPrm:\t0000000000000000" in status
    if may_run_python(user):
        session._grpc_client.close_learning_instance(learned.vineyard_id)
    instance.close()
    for session in sessions.values():
        close(session)
    wait_until(lambda: not any(of(number) for number in USERS.values()), 20, "all processes have ended")
    assert coordinator.session_files() == []
    assert not [name for name in os.listdir("/dev/shm") if name.startswith(f"gscoordinator-{coordinator.process.pid}-")]
    # Nobody else sees what is in the workspace.
    modes = {path.name: path.stat().st_mode & 0o077 for path in pathlib.Path(coordinator.workspace).iterdir()}
    assert {name for name, mode in modes.items() if mode} <= {"sessions", "user-libraries", "admin.sock"}, modes


PROBE = """#pragma once
#include "apps/projected/wcc_projected.h"
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <fstream>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>
namespace {
struct Probe {
  Probe() {
    std::ofstream report(std::string(getenv("TMPDIR")) + "/report");
    report << "uid " << getuid() << "\\n";
    for (const char* path : {READ}) report << "read " << path << " " << attempt(open(path, O_RDONLY)) << "\\n";
    for (const char* path : {WRITE}) report << "write " << path << " " << attempt(open(path, O_WRONLY | O_CREAT, 0666)) << "\\n";
    for (const char* path : {LIST}) report << "list " << path << " " << attempt(open(path, O_RDONLY | O_DIRECTORY)) << "\\n";
    for (int pid : {KILL}) report << "kill " << pid << " " << attempt(kill(pid, 0)) << "\\n";
    for (const char* path : {CONNECT}) {
      struct sockaddr_un address = {AF_UNIX};
      strncpy(address.sun_path, path, sizeof(address.sun_path) - 1);
      int descriptor = socket(AF_UNIX, SOCK_STREAM, 0);
      report << "connect " << path << " " << attempt(connect(descriptor, (struct sockaddr*)&address, sizeof address)) << "\\n";
    }
    report << "become 0 " << attempt(setuid(0)) << "\\n";
    report << "end" << std::endl;
  }
  static const char* attempt(int result) {
    return result >= 0 ? "succeeds" : errno == EACCES || errno == EPERM ? "refused" : strerror(errno);
  }
} probe;
}  // namespace
"""


def test_own_code_may_do_what_its_user_may(house, tmp_path):
    coordinator = house.start()
    session, other = house.session("a"), house.session("b")
    graph = graph_of(session, house.data / "v.csv")
    workspace = pathlib.Path(coordinator.workspace)
    own = workspace / "sessions" / session.session_id / "engines"
    others = workspace / "sessions" / other.session_id
    libraries = workspace / "user-libraries"
    shared = os.path.dirname(other.engine_config["vineyard_socket"])
    quoted = lambda *paths: ", ".join(json.dumps(str(path)) for path in paths)
    text = PROBE.replace("READ}", quoted(
        "/etc/shadow", house.tokens, house.access.parent / "data/closed.csv", workspace / "state.db",
        others / "session.json", others / "engines/x", workspace / "sessions" / session.session_id / "session.json",
        f"/proc/{coordinator.process.pid}/environ", f"/proc/{of(USERS['b'])[0].pid}/environ") + "}")
    text = text.replace("WRITE}", quoted(
        libraries / "x", libraries / f"{USERS['a']}/x", own.parent / "x", workspace / "x", house.data / "x") + "}")
    text = text.replace("LIST}", quoted(
        workspace, workspace / "sessions", own.parent, others, others / "engines", libraries, shared) + "}")
    text = text.replace("KILL}", ", ".join(str(p.pid) for p in [coordinator.process, *of(USERS["b"])]) + "}")
    text = text.replace("CONNECT}", quoted(other.engine_config["vineyard_socket"]) + "}")
    archive = tmp_path / "probe.gar"
    with zipfile.ZipFile(archive, "w") as gar:
        gar.writestr(
            ".gs_conf.yaml",
            "app:\n  - algo: probe\n    type: cpp_pie\n    class_name: gs::WCCProjected\n    src: probe.h\n"
            "    context_type: vertex_data\n    compatible_graph:\n      - gs::ArrowProjectedFragment\n")
        gar.writestr("probe.h", text)
    app = load_app(algo="probe", gar=str(archive))
    app(simple(graph)._project_to_simple())
    lines = (own / "report").read_text().splitlines()
    assert lines[0] == f"uid {USERS['a']}" and lines[-1] == "end"
    assert {line for line in lines[1:-1] if not line.endswith("refused")} == set()
    assert len(lines) > 20
    # The library is the user's to read and nobody's to change.
    [library] = (libraries / str(USERS["a"])).glob("*/lib*.so")
    assert library.stat().st_uid == 0 and not library.stat().st_mode & 0o022
    assert library.parent.stat().st_mode & 0o777 == 0o750 and library.parent.stat().st_gid == USERS["a"]
    assert {path.name for path in library.parent.parent.iterdir()} == {library.parent.name}
    # Nor may compilers read more.
    with zipfile.ZipFile(archive, "w") as gar:
        gar.writestr(
            ".gs_conf.yaml",
            "app:\n  - algo: probe\n    type: cpp_pie\n    class_name: gs::WCCProjected\n    src: probe.h\n"
            "    context_type: vertex_data\n    compatible_graph:\n      - gs::ArrowProjectedFragment\n")
        gar.writestr("probe.h", f'#include "{house.tokens}"\n')
    with pytest.raises(Exception, match="Permission denied"):
        load_app(algo="probe", gar=str(archive))(simple(graph)._project_to_simple())
    for session in [session, other]:
        close(session)


def test_a_killed_coordinator_leaves_nothing_running(house):
    coordinator = house.start("--set", "workers=2")
    session = house.session("a")
    graph_of(session, house.data / "v.csv")
    assert names(of(USERS["a"])).count("grape_engine") == 2
    coordinator.kill()
    session._closed = True
    house.start("--set", "workers=2")
    wait_until(
        lambda: names(of(USERS["a"])).count("grape_engine") in (0, 2), 20, "the old ones ended")
    # The session came back with engines of the same user; the next client of its tenant closes it.
    assert house.coordinator.stop()[0] == 0
    assert of(USERS["a"]) == []
    assert house.coordinator.session_files() == []


def test_what_cannot_be_is_refused_by_name(house):
    def refused(entries, words, workspace="other", **how):
        house.write(entries)
        done = subprocess.run(
            [BINARY, *house.arguments(), "--workspace", str(house.root / workspace)], capture_output=True, text=True,
            timeout=60, **how)
        assert done.returncode != 0 and words in done.stderr, done.stderr

    refused({"a": {"run_as": "root"}}, "'root' is root")
    refused({"a": {"run_as": "no-such-user"}}, "there is no user 'no-such-user'")
    refused({"a": {"run_as": 61_231}, "b": {"run_as": 61_231}}, "'a' and 'b' have the same run_as")
    house.access.chmod(0o644)
    os.chown(house.tokens, 65_534, 65_534)
    (house.root / "nobodys").mkdir()
    os.chown(house.root / "nobodys", 65_534, 65_534)
    if may_run(BINARY, 65_534):
        refused(
            {"a": {"run_as": 61_231}}, "only root may start programs as other users", "nobodys", user=65_534, group=65_534,
            extra_groups=[])
    os.chown(house.tokens, 0, 0)
    # Where others cannot pass.
    closed = house.root / "closed"
    closed.mkdir(mode=0o700)
    house.write({"a": {"run_as": 61_231}})
    done = subprocess.run(
        [BINARY, *house.arguments(), "--workspace", str(closed / "w")], capture_output=True, text=True, timeout=60)
    assert done.returncode != 0 and f"may not traverse '{closed}'" in done.stderr, done.stderr
    doctor = lambda: subprocess.run(
        [BINARY, "doctor", *house.arguments(), "--workspace", str(house.root / "workspace")], capture_output=True,
        text=True).stdout
    assert "run_as a      engines run as the user 61231" in " ".join(doctor().split("  ")) or "61231" in doctor()
    # A running coordinator keeps the file that it has.
    house.write({name: {"run_as": user} for name, user in USERS.items()})
    coordinator = house.start()
    house.write({"a": {"run_as": "root"}})
    reload = subprocess.run(
        [BINARY, "reload", "--workspace", coordinator.workspace], capture_output=True, text=True, timeout=60)
    assert reload.returncode != 0 and "'root' is root" in reload.stdout + reload.stderr


def test_several_hosts_are_refused_by_name(house):
    house.start("--set", "hosts=localhost,other.example", "--set", "workers=2")
    with pytest.raises(Exception, match=f"run_as: {USERS['a']}"):
        house.session("a")
