"""Starting: the ready line, the configuration and where it comes from, and being started by the client."""

import base64
import json
import os
import shutil
import socket
import stat
import subprocess
import sys
import tempfile

import graphscope
import pytest

import raw
from conftest import close
from graphs import edge_list, load, result, unweighted
from process import BINARY, free_port, wait_until

pytestmark = pytest.mark.ours("the command line is this coordinator's")


def run(*arguments, environment=None, timeout=20):
    return subprocess.run(
        [BINARY, *arguments],
        env={**os.environ, **(environment or {})},
        capture_output=True,
        text=True,
        timeout=timeout,
        stdin=subprocess.DEVNULL,
    )


class TestUsers:
    @pytest.mark.skipif(os.getuid() != 0, reason="only root can become another user; the other tests run as this one")
    def test_an_ordinary_user_can_run_it(self):
        with tempfile.TemporaryDirectory(dir="/tmp") as directory:
            shutil.copy(BINARY, directory)
            os.chmod(directory, 0o777)
            process = subprocess.Popen(
                [os.path.join(directory, os.path.basename(BINARY)), "--port", "0", "--workspace", f"{directory}/w"],
                stdout=subprocess.PIPE, text=True, user="nobody", group="nogroup", extra_groups=[],
            )
            try:
                address = process.stdout.readline().split()[-1]
                with raw.Client(address) as client:
                    client.heartbeat()
                    client.close(client.connect().session_id)
            finally:
                process.terminate()
                assert process.wait(10) == 0


class TestAddresses:
    def test_any_free_port(self, start):
        running = start(["--port", "0"])
        assert running.ready_line == f"gscoordinator listening on 127.0.0.1:{running.port}"
        with raw.Client(running.address) as client:
            client.heartbeat()

    def test_a_given_port(self, start):
        port = free_port()
        assert start(["serve", "--port", str(port)]).port == port

    def test_a_unix_socket(self, start, tmp_path):
        path = tmp_path / "s.sock"
        start(["--port", "0", "--socket", str(path)])
        assert stat.S_ISSOCK(os.stat(path).st_mode)
        session = graphscope.session(addr=f"unix:{path}")
        graph = load(session, edge_list("path", directed=True))
        assert len(result(graphscope.bfs(unweighted(graph), src=0))) == 12
        close(session)

    def test_a_unix_socket_left_by_a_killed_coordinator(self, start, tmp_path):
        path = tmp_path / "s.sock"
        first = start(["--port", "0", "--socket", str(path)])
        first.process.kill()
        first.process.wait()
        start(["--port", "0", "--socket", str(path)])
        with raw.Client(f"unix:{path}") as client:
            client.heartbeat()

    def test_a_taken_port_is_a_clear_error(self):
        with socket.create_server(("127.0.0.1", 0)) as taken:
            port = taken.getsockname()[1]
            done = run("--port", str(port))
        assert done.returncode != 0
        assert str(port) in done.stderr


class TestConfiguration:
    def test_the_client_s_object_in_base64(self, start):
        port = free_port()
        config = {
            "session": {"num_workers": 1, "instance_id": "abcdef", "dangling_timeout_seconds": 600},
            "coordinator": {"service_port": port, "http_port": 8080},
            "launcher_type": "hosts",
            "something_else": {"kept": False},
        }
        b64 = base64.b64encode(json.dumps(config).encode()).decode()
        assert start(["--config", b64]).port == port

    @pytest.mark.parametrize("name", ["config.yaml", "config.json"])
    def test_the_client_s_object_in_a_file(self, start, tmp_path, name):
        port = free_port()
        text = {"config.yaml": f"coordinator:\n  service_port: {port}\n",
                "config.json": json.dumps({"coordinator": {"service_port": port}})}[name]
        (tmp_path / name).write_text(text)
        assert start(["--config-file", str(tmp_path / name)]).port == port

    def test_our_own_file(self, start, tmp_path):
        port = free_port()
        (tmp_path / "own.yaml").write_text(f"port: {port}\nthreads: 1\n")
        assert start(["--config-file", str(tmp_path / "own.yaml")]).port == port

    def test_flags_win_over_the_environment_and_that_over_the_file(self, start, tmp_path):
        low, middle, high = free_port(), free_port(), free_port()
        (tmp_path / "own.yaml").write_text(f"port: {low}\n")
        file = ["--config-file", str(tmp_path / "own.yaml")]
        environment = {"GSCOORDINATOR_PORT": str(middle)}
        assert start([*file, "--port", str(high)], environment, tmp_path).port == high
        (tmp_path / "second").mkdir()
        assert start(file, environment, tmp_path / "second").port == middle

    def test_config_tells_where_each_value_comes_from(self, tmp_path):
        (tmp_path / "own.yaml").write_text("threads: 3\n")
        done = run(
            "config", "--config-file", str(tmp_path / "own.yaml"), "--port", "12345",
            environment={"GSCOORDINATOR_HOST": "127.0.0.9"},
        )
        assert done.returncode == 0, done.stderr
        lines = {line.split(":")[0].split("=")[0].strip(): line for line in done.stdout.splitlines()}
        assert "12345" in lines["port"] and "flag" in lines["port"]
        assert "127.0.0.9" in lines["host"] and "environment" in lines["host"]
        assert "3" in lines["threads"] and "own.yaml" in lines["threads"]
        assert "default" in lines["log_level"]

    @pytest.mark.parametrize(
        "text, told",
        [("prot: 1\n", ["prot", "port"]), ("port: many\n", ["port", "many"]), ("port: [\n", ["bad.yaml"]),
         ("port: 70000\n", ["port", "70000"]), ("engines:\n  warm: 900\n", ["engines.warm", "900"]),
         ("engine: graphscope\ngraphscope:\n  python: /nowhere\n", ["/nowhere/lib", "pip install"])],
    )
    def test_mistakes_are_named(self, tmp_path, text, told):
        (tmp_path / "bad.yaml").write_text(text)
        done = run("--config-file", str(tmp_path / "bad.yaml"))
        assert done.returncode != 0
        for part in told:
            assert part in done.stderr

    @pytest.mark.parametrize("value", ["%%%", base64.b64encode(b"[1, 2]").decode(), base64.b64encode(b"{").decode()])
    def test_a_broken_object_is_a_clear_error(self, value):
        done = run("--config", value)
        assert done.returncode != 0 and "--config" in done.stderr

    def test_a_missing_file_is_a_clear_error(self, tmp_path):
        done = run("--config-file", str(tmp_path / "nowhere.yaml"))
        assert done.returncode != 0 and "nowhere.yaml" in done.stderr

    def test_the_example_configuration_is_accepted(self, start):
        example = os.path.join(os.path.dirname(__file__), "..", "..", "config", "gscoordinator.example.yaml")
        assert start(["--config-file", example, "--port", "0"]).port

    def test_version(self):
        done = run("--version")
        assert done.returncode == 0 and done.stdout.strip()


class TestStartedByTheClient:
    @pytest.fixture(autouse=True)
    def binary(self, monkeypatch):
        monkeypatch.setenv("GSCOORDINATOR_BINARY", BINARY)

    def test_a_job_from_start_to_end(self):
        session = graphscope.session(cluster_type="hosts", num_workers=1)
        process = session._launcher._proc
        graph = load(session, edge_list("path", directed=True))
        assert len(result(graphscope.bfs(unweighted(graph), src=0))) == 12
        assert process.poll() is None
        close(session)  # sends SIGINT and waits
        wait_until(lambda: process.poll() is not None, 10, "the coordinator has ended")
        assert process.returncode == 0

    def test_it_ends_by_itself_when_its_client_died(self, start):
        """The client passes the time after which an abandoned session is given up; then nobody is left to stop us."""
        options = {"launcher_type": "hosts", "coordinator": {"service_port": free_port()},
                   "session": {"dangling_timeout_seconds": 1}}
        running = start(["--config", base64.b64encode(json.dumps(options).encode()).decode()])
        with raw.Client(running.address) as client:
            client.connect(dangling=1)
        assert running.process.wait(30) == 0
        assert running.session_files() == []

    def test_two_at_once(self):
        first = graphscope.session(cluster_type="hosts", num_workers=1)
        second = graphscope.session(cluster_type="hosts", num_workers=1)
        assert first.info["coordinator_endpoint"] != second.info["coordinator_endpoint"]
        close(first)
        assert second.g() is not None
        close(second)

    def test_no_binary_is_a_clear_error(self):
        done = subprocess.run(
            [sys.executable, "-m", "gscoordinator"],
            env={**os.environ, "GSCOORDINATOR_BINARY": "/nowhere/gscoordinator"},
            capture_output=True,
            text=True,
            timeout=30,
        )
        assert done.returncode == 1
        assert "/nowhere/gscoordinator" in done.stderr

    def test_the_hook_of_the_client_s_manifests(self):
        subprocess.run([sys.executable, "-m", "gscoordinator.hook.prestop"], check=True, timeout=30)
