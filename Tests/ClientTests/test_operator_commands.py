"""What an operator or a user finds and stops by command: graphs, results, steps and sessions; and what the command line says
of itself."""

import json
import os
import re
import shutil
import subprocess

import graphscope
import pytest

import raw
from conftest import close
from graphs import edge_list, load, unweighted
from process import BINARY, wait_until
from test_access import Caller, Tokens, admin_port, gsc
from test_session import LongStep

pytestmark = pytest.mark.ours("the reference coordinator has no operators")

COMMANDS = ["get", "describe", "events", "logs", "history", "diff", "close", "cancel", "scale", "reload"]
SERVER_ONLY = ["--engine", "--engines-warm", "--threads", "--socket", "--cluster-file", "--host ", "--log-level"]


@pytest.fixture
def running(start):
    return start()


@pytest.fixture
def at(running):
    return ["--workspace", running.workspace]


@pytest.fixture
def session(running):
    opened = graphscope.session(addr=running.address)
    yield opened
    close(opened)


def items(kind, at):
    return json.loads(gsc("get", kind, "-o", "json", *at))["items"]


def running_step(at):
    """The name of the step that runs, as soon as one does."""
    found = []

    def look():
        found[:] = [s for s in items("steps", at) if s["status"]["phase"] == "running" and s["spec"].get("algorithm")]
        return found

    wait_until(look, 10, "the step runs")
    return found[0]["name"]


class TestWhatThereIs:
    def test_graphs_and_results_with_their_sizes(self, session, at):
        graph = load(session, edge_list("path", directed=True))
        simple = unweighted(graph)
        result = graphscope.bfs(simple, src=0)
        result.to_numpy("r")
        # Adding edges keeps the graph of the vertices alone, which is listed, too.
        whole = next(g for g in items("graphs", at) if g["name"] == f"{session.session_id}/{graph.key}")
        assert whole["status"]["form"] == "property" and whole["owner"] == "host 127.0.0.1"
        assert whole["status"]["vertices"] == 12 and whole["status"]["edges"] == 11
        assert [label["count"] for label in whole["status"]["vertexLabels"]] == [12]
        assert whole["status"]["dataBytes"] > 0 and whole["spec"]["isDirected"] is True
        (found,) = items("results", at)
        assert found["spec"]["algorithm"] == "bfs" and found["status"]["values"] == 12
        assert found["status"]["dataBytes"] == 96
        table = gsc("get", "graphs", *at)
        assert re.search(r"LABELS +VERTICES +EDGES +SIZE", table) and "(12)" in table and "bytes" in table
        assert re.search(r"bfs +graph_\w+ +12 +96 bytes", gsc("get", "results", *at))
        described = gsc("describe", "graph", whole["name"], *at)
        assert "vertices: 12" in described and re.search(r"data: [\d.]+ (bytes|KiB)", described)

    def test_what_was_unloaded_is_not_listed(self, session, at):
        graph = load(session, edge_list("path", directed=True))
        result = graphscope.bfs(unweighted(graph), src=0)
        result.to_numpy("r")
        result._unload()
        assert items("results", at) == []
        key = graph.key
        assert key in gsc("get", "graphs", *at)
        graph._unload()
        assert key not in gsc("get", "graphs", *at)

    def test_they_are_found_again_after_a_restart(self, start, tmp_path):
        first = start(["--port", "0"])
        with raw.Client(first.address) as client:
            path = tmp_path / "e.csv"
            path.write_text("src,dst\n1,2\n2,3\n")
            client.run(client.connect().session_id, raw.load_ops(str(path)))
            before = items("graphs", ["--workspace", first.workspace])
            first.kill()
        again = start(["--port", "0"])
        after = items("graphs", ["--workspace", again.workspace])
        assert len(before) == 1 and after == before

    def test_the_algorithm_and_the_time_of_a_step(self, session, at):
        graphscope.wcc(unweighted(load(session, edge_list("path", directed=False)))).to_numpy("r")
        (step,) = [s for s in items("steps", at) if "RUN_APP" in {o["kind"] for o in s["spec"]["operations"]}]
        assert step["spec"]["algorithm"].startswith("wcc") and "progress" not in step
        line = next(line for line in gsc("get", "steps", *at).splitlines() if step["name"] in line)
        assert re.search(r"succeeded .* wcc\w* +(\d+ms|[\d.]+s)", line)

    def test_units_stand_behind_amounts(self, session, at):
        assert re.search(r"LEASE\b", gsc("get", "sessions", "-o", "wide", *at))
        assert re.search(r"\b10m\b", gsc("get", "sessions", "-o", "wide", *at))
        assert "lease: 10m" in gsc("describe", "session", session.session_id, *at)
        assert items("sessions", at)[0]["spec"]["leaseMilliseconds"] == 600000
        assert re.search(r"cores / [\d.]+ cores? +.* / [\d.]+ [MGT]iB", gsc("get", "hosts", *at))

    def test_describe_of_a_kind_describes_all(self, running, at):
        assert "No sessions found." in gsc("describe", "sessions", *at)
        with raw.Client(running.address) as client:
            ids = [client.connect().session_id for _ in range(2)]
            described = gsc("describe", "sessions", *at)
        assert all(f"Name:      {i}" in described for i in ids) and described.count("Spec:") == 2


class TestStopping:
    def test_a_cancelled_step_leaves_its_session(self, session, running, at):
        long = LongStep(session)
        step = running_step(at)

        def nothing_more(_):
            raise RuntimeError("the client's destructors send nothing in this test")

        long.stub.RunStep = nothing_more
        described = json.loads(gsc("get", "step", step, "-o", "json", *at))
        assert described["spec"]["algorithm"] == "pagerank_directed" and described["progress"]["kind"] == "RUN_APP"
        assert re.search(rf"{step} .* pagerank_directed +\S+ +\d/\d RUN_APP", gsc("get", "steps", *at))
        assert gsc("cancel", "step", step, *at) == f"Step {step} is cancelled.\n"
        long.thread.join(10)
        assert "cancelled by uid" in str(long.outcome), repr(long.outcome)
        wait_until(lambda: json.loads(gsc("get", "step", step, "-o", "json", *at))["status"]["phase"] == "cancelled",
                   10, "the step has ended")
        assert "CONFLICT" in gsc("cancel", step, *at, expect=1)
        audit = gsc("logs", "--audit", *at)
        assert re.search(rf"cancel a step.*{step}", audit)
        # The session goes on.
        long.stub.RunStep = long.original
        assert graphscope.bfs(long.simple, src=0).to_numpy("r").size == 40

    def test_a_session_that_is_closed_while_its_step_runs(self, session, at):
        long = LongStep(session)
        running_step(at)
        assert "is closed" in gsc("close", "session", session.session_id, *at)
        long.thread.join(10)
        assert not long.thread.is_alive() and long.outcome is not None
        assert items("sessions", at) == items("graphs", at) == items("steps", at) == []
        told = gsc("close", session.session_id, *at, expect=1)
        assert told.startswith("Error: NOT_FOUND") and "`gscoordinator get sessions`" in told

    def test_bad_names(self, running, at):
        for name in ["none", "none/1", "..", "a/../b", "x" * 3000, "%", "é"]:
            code = "INVALID_ARGUMENT" if len(name) > 512 else "NOT_FOUND"
            assert code in gsc("cancel", "step", name, *at, expect=1), name
            assert code in gsc("close", "session", name, *at, expect=1), name
        for arguments in [["close"], ["close", "session"], ["cancel", "step"], ["close", "step", "a/1"]]:
            assert "get s" in gsc(*arguments, *at, expect=64)

    def test_only_ones_own_and_what_another_tenant_has_does_not_exist(self, start, tmp_path):
        tokens = Tokens(tmp_path / "tokens")
        people = {
            "alice": tokens.create("alice", "a"), "ann": tokens.create("ann", "a"),
            "vic": tokens.create("vic", "a", "viewer"), "bob": tokens.create("bob", "b"),
        }
        running = start(["--port", "0", "--set", "admin_port=0", "--set", f"access.token_file={tokens.path}"])
        address = ["--address", f"127.0.0.1:{admin_port(running)}"]

        def told(who, *arguments, expect=1):
            secret = {"GSCOORDINATOR_TOKEN": people[who]} if who else {"GSCOORDINATOR_TOKEN": ""}
            return gsc(*arguments, *address, expect=expect, environment=secret)

        with Caller(running.address, people["alice"]) as client:
            theirs = client.connect().session_id
            # An empty graph: which files a user may load is no matter here.
            client.run(theirs, raw.load_ops("/nowhere")[1:])
        nobodys = "session_" + "0" * (len(theirs) - len("session_"))
        for kind, command in [("session", "close"), ("step", "cancel")]:
            below = "" if kind == "session" else "/000000001"
            hidden, nothing = told("bob", command, kind, theirs + below), told("bob", command, kind, nobodys + below)
            assert "NOT_FOUND" in hidden and hidden.replace(theirs, nobodys) == nothing
            assert "belongs to another principal" in told("ann", command, kind, theirs + below)
            assert "this command requires the role user" in told("vic", command, kind, theirs + below)
            assert "--token-file" in told(None, command, kind, theirs + below)
        for kind in ["graphs", "results", "steps"]:
            assert f"No {kind} found." in told("bob", "get", kind, expect=0)
        assert "CONFLICT" in told("alice", "cancel", "step", theirs + "/000000001")
        assert "is closed" in told("alice", "close", "session", theirs, expect=0)


class TestWhatTheCommandLineSays:
    @pytest.mark.parametrize("command", COMMANDS)
    def test_a_command_has_its_own_options_only(self, command):
        shown = gsc(command, "--help")
        assert not [option for option in SERVER_ONLY if option in shown]
        assert "--workspace" in shown and ("--address" in shown or command == "logs")

    def test_the_server_tells_defaults_and_values(self):
        shown = re.sub(r"\s+", " ", gsc("serve", "--help"))
        for part in ["(default: 63800)", "embedded, graphscope, or auto", "(default: embedded)", "(default: 127.0.0.1)",
                     "trace, debug, info, notice, warning, error or critical", "gscoordinator config"]:
            assert part in shown, part

    def test_no_hint_is_a_request(self, running, at):
        for arguments in [["get", "session", "x"], ["describe", "graph", "x"], ["close", "x"], ["get", "graphs", "--at", "1"],
                          ["scale", "x", "--workers", "2"], ["events", "--object", "x"]]:
            told = gsc(*arguments, *at, expect=1)
            assert "/api/" not in told and "GET" not in told and "bearer" not in told.lower(), told

    def test_doctor_repeats_what_it_was_told(self):
        given = ["--set", "graphscope.python=/no where", "--port", "0", "--engine", "graphscope"]
        done = subprocess.run([BINARY, "doctor", *given], capture_output=True, text=True, timeout=30)
        assert done.stdout.splitlines()[-1].endswith("--engine embedded --port 0 --set 'graphscope.python=/no where'")

    @pytest.mark.parametrize("option", [["--socket"], ["--set", "access.file="]])
    def test_a_socket_in_a_directory_that_is_missing(self, tmp_path, option):
        socket = tmp_path / "gone" / "s.sock"
        if option[0] == "--set":
            access = tmp_path / "access.yaml"
            access.write_text(f"listeners:\n  - {{name: a, address: 'unix:{socket}', tenant: a, role: user}}\n")
            option = ["--set", f"access.file={access}"]
        else:
            option = [*option, socket]
        told = gsc("--port", "0", "--workspace", tmp_path / "w", *option, expect=1)
        assert f"there is no directory '{tmp_path / 'gone'}'" in told and "process" not in told


@pytest.mark.skipif(os.getuid() != 0 or not shutil.which("setpriv"), reason="only root can become another user")
def test_who_may_not_use_the_socket_is_told_so(running, at):
    done = subprocess.run(
        ["setpriv", "--reuid", "65534", "--clear-groups", BINARY, "get", "sessions", *at], capture_output=True, text=True)
    assert done.returncode != 0 and ("ermission denied" in done.stderr or "not" in done.stderr)
