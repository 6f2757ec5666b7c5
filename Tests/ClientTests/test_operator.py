"""What operators do: look at objects and their history, follow logs, back up, restore and repair the state."""

import json
import os
import sqlite3
import subprocess
import threading

import pytest

import raw
from process import BINARY, Coordinator, wait_until

pytestmark = pytest.mark.ours("the reference coordinator has no operators")


def gsc(*arguments, expect=0, environment=None, timeout=20):
    """Runs a command of the executable; returns what it prints."""
    done = subprocess.run(
        [BINARY, *map(str, arguments)], capture_output=True, text=True, timeout=timeout,
        env={**os.environ, **(environment or {})},
    )
    assert done.returncode == expect, f"{arguments}: {done.returncode}\n{done.stdout}\n{done.stderr}"
    return done.stdout if expect == 0 else done.stderr


@pytest.fixture
def running(start):
    return start()


@pytest.fixture
def client(running):
    with raw.Client(running.address) as client:
        yield client


class TestObjects:
    def test_a_session_its_engine_and_its_steps(self, running, client, csv):
        session_id = client.connect().session_id
        client.run(session_id, raw.load_ops(csv("e.csv", "src,dst\n1,2\n")))
        at = ["--workspace", running.workspace]
        assert session_id in gsc("get", "sessions", *at)
        session = json.loads(gsc("get", "session", session_id, "-o", "json", *at))
        assert session["status"]["phase"] == "connected"
        assert {"Ready"} <= {c["type"] for c in session["conditions"] if c["holds"]}
        assert f"{session_id}/analytical" in gsc("get", "instances", *at)
        steps = json.loads(gsc("get", "steps", "-o", "json", *at))
        steps = steps["items"] if isinstance(steps, dict) else steps
        assert [s["status"]["phase"] for s in steps] == ["succeeded"]
        assert [o["kind"] for o in steps[0]["spec"]["operations"]] == ["DATA_SOURCE", "CREATE_GRAPH"]
        described = gsc("describe", "session", session_id, *at)
        assert "Ready" in described and "Opened" in described
        assert "phase: connected" in gsc("get", "session", session_id, "-o", "yaml", *at)

    def test_who_did_what(self, running, client):
        session_id = client.connect().session_id
        at = ["--workspace", running.workspace]
        history = gsc("history", *at)
        assert "open a session" in history and "host 127.0.0.1" in history
        client.close(session_id)
        history = gsc("history", *at)
        assert "delete a session" in history
        assert "Closed" in gsc("events", "--object", f"session/{session_id}", *at)
        opened = next(line.split()[0] for line in history.splitlines() if "open a session" in line)
        assert session_id in gsc("diff", opened, *at)
        audit = gsc("logs", "--audit", *at)
        assert "host 127.0.0.1" in audit and session_id in audit

    def test_the_past_can_be_listed(self, running, client):
        at = ["--workspace", running.workspace]
        session_id = client.connect().session_id
        revision = max(int(line.split()[0]) for line in gsc("history", *at).splitlines()[1:])
        client.close(session_id)
        assert session_id not in gsc("get", "sessions", *at)
        assert session_id in gsc("get", "sessions", "--at", revision, *at)

    def test_changes_are_watched(self, running, client):
        watch = subprocess.Popen(
            [BINARY, "get", "sessions", "--watch", "-o", "json", "--workspace", running.workspace],
            stdout=subprocess.PIPE, text=True,
        )
        seen = []
        reader = threading.Thread(target=lambda: seen.extend(iter(watch.stdout.readline, "")), daemon=True)
        reader.start()
        try:
            session_id = client.connect().session_id
            wait_until(lambda: any(session_id in line for line in seen), 10, "the new session is seen")
        finally:
            watch.kill()
            watch.wait()
            reader.join(5)

    def test_without_a_coordinator_it_is_said_where_it_was_sought(self, tmp_path):
        told = gsc("get", "sessions", "--workspace", tmp_path, expect=1)
        assert "admin.sock" in told

    def test_unknown_kinds_and_names(self, running):
        at = ["--workspace", running.workspace]
        assert "sessions" in gsc("get", "sesions", *at, expect=1)
        assert "nobody" in gsc("get", "session", "nobody", *at, expect=1)

    def test_over_tcp(self, start):
        running = start(["--port", "0", "--set", "admin_port=0"])
        wait_until(lambda: "serving operators" in running.log(), 10, "the address is told")
        line = next(line for line in running.log().splitlines() if "serving operators" in line)
        address = next(a for a in line.split("at=")[1].replace(",", " ").split() if a.startswith("127."))
        assert "No sessions" in gsc("get", "sessions", "--address", address)


class TestLogs:
    def test_a_session_s_lines_outlive_the_coordinator(self, running, client, csv):
        session_id = client.connect().session_id
        client.run(session_id, raw.load_ops(csv("e.csv", "src,dst\n1,2\n")))
        at = ["--workspace", running.workspace]
        wait_until(lambda: "Loading" in gsc("logs", "--session", session_id, *at), 10, "progress is kept")
        running.kill()
        assert "Loading" in gsc("logs", "--session", session_id, *at)
        assert "session opened" in gsc("logs", "--grep", "session opened", "--since", "10m", *at)
        records = [json.loads(line) for line in gsc("logs", "--json", "--session", session_id, *at).splitlines()]
        assert all(r["session"] == session_id for r in records if "session" in r)


class TestState:
    def test_backup_while_it_runs_and_restore_after_it_ended(self, running, client, tmp_path):
        at = ["--workspace", running.workspace]
        session_id = client.connect().session_id
        gsc("state", "backup", tmp_path / "backup.db", *at)
        client.close(session_id)
        assert "in use" in gsc("state", "restore", "--from", tmp_path / "backup.db", *at, expect=1).lower()
        running.stop()
        assert "Restored the state of" in gsc("state", "restore", "--from", tmp_path / "backup.db", *at)
        again = Coordinator(tmp_path, ["--port", "0", "--workspace", running.workspace], workspace=None)
        try:
            assert session_id in gsc("get", "sessions", *at)
        finally:
            assert again.stop()[0] == 0

    def test_a_damaged_state_is_refused_with_the_command_that_repairs_it(self, running, client, tmp_path):
        for _ in range(20):
            client.connect()
        running.kill()
        path = os.path.join(running.workspace, "state.db")
        with sqlite3.connect(path) as database:
            database.execute("PRAGMA wal_checkpoint(TRUNCATE)")
        for suffix in ("-wal", "-shm"):
            if os.path.exists(path + suffix):
                os.remove(path + suffix)
        with open(path, "r+b") as file:
            file.seek(4096 * 3)
            file.write(os.urandom(4096))
        at = ["--workspace", running.workspace]
        told = gsc("--port", "0", *at, expect=1)
        assert "damaged" in told and "gscoordinator state repair" in told
        assert "Recovered" in gsc("state", "repair", *at)
        again = Coordinator(tmp_path, ["--port", "0", *at], workspace=None)
        assert again.stop()[0] == 0

    def test_a_second_coordinator_is_refused_and_told_who_has_the_state(self, running):
        told = gsc("--port", "0", "--workspace", running.workspace, expect=1)
        assert str(running.process.pid) in told and "in use" in told
