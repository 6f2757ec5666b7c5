"""The README as a newcomer takes it: its files, scripts and commands are run, one after the other, in a directory of their
own. The example configurations start."""

import os
import pathlib
import re
import shutil
import signal
import subprocess
import sys
import threading

import pytest

import raw
from process import BINARY, REPOSITORY, STOP_SECONDS, Coordinator, free_port
from test_tls import Authority

pytestmark = pytest.mark.ours("the README is this coordinator's")

README = pathlib.Path(REPOSITORY, "README.md")
EXAMPLES = sorted(pathlib.Path(REPOSITORY, "config").glob("*.yaml"))

# Commands that are not run, by what they begin with, and why.
NOT_RUN = {
    "scripts/quickstart.sh": "makes a release build",
    "scripts/test.sh": "runs this test",
    "apt-get install": "changes the machine; scripts/install-system-packages.sh does the same in CI",
    "scripts/make-native-venv.sh": "loads 400 MB; CI has that environment",
    "gscoordinator --engine graphscope": "needs these 400 MB, or further hosts; test_native*.py starts them",
    "gscoordinator scale": "needs an engine with workers; test_tenants.py and test_native*.py do it",
    "gscoordinator --port 63800 --workspace /shared": "needs an etcd; test_standby.py starts one",
    "GSCOORDINATOR_TOKEN=gsc_": "asks another machine; test_access.py does the same here",
}
# Commands that go on until they are stopped; a line that they write shows that they work.
FOLLOWING = re.compile(r"--follow|--watch")
# A server: options and no command.
SERVER = re.compile(r"(\S*/)?gscoordinator( +-.*)?$")
# Commands that may say that something is missing here.
MAY_FAIL = {"gscoordinator doctor": "GraphScope's engines need not be installed"}


def blocks():
    """The README's code, as (line, language, text)."""
    found, lines = [], README.read_text().splitlines()
    start = None
    for number, line in enumerate(lines, 1):
        if line.startswith("```"):
            if start is None:
                start = (number, line[3:].strip())
            else:
                found.append((start[0], start[1], "\n".join(lines[start[0]:number - 1]) + "\n"))
                start = None
    return [block for block in found if block[1] in ("python", "sh")]


def commands(text):
    """The commands of a shell block: continued lines and here-documents are one."""
    whole, rest = [], text.splitlines()
    while rest:
        command = rest.pop(0)
        while command.endswith("\\"):
            command = command[:-1] + rest.pop(0).lstrip()
        if match := re.search(r"<<(\w+)$", command):
            while rest:
                command += "\n" + rest.pop(0)
                if command.endswith("\n" + match.group(1)):
                    break
        else:
            # A comment begins with two blanks; '#' may be part of a word.
            command = re.sub(r"\s{2,}#.*", "", command).strip()
        if command:
            whole.append(command)
    return whole


class Newcomer:
    """Somebody in a directory with the project's files, who types what the README shows."""

    def __init__(self, directory):
        self.directory = directory
        self.server = None
        self.session = None
        self.tried = set()
        for name in ("examples", "scripts", "python"):
            (directory / name).symlink_to(os.path.join(REPOSITORY, name))
        (directory / ".build" / "release").mkdir(parents=True)
        (directory / ".build" / "release" / "gscoordinator").symlink_to(BINARY)
        self.ports = {name: str(free_port()) for name in ("63800", "8080", "63810")}
        (directory / "config").mkdir()
        for example in EXAMPLES:
            (directory / "config" / example.name).write_text(self.translate(example.read_text()))
        self.environment = {
            **os.environ, "PATH": f"{directory}/.build/release:{os.environ['PATH']}", "HOME": str(directory),
            "XDG_STATE_HOME": str(directory / "state"), "TMPDIR": str(directory),
            "GSCOORDINATOR_PORT": self.ports["63800"],
        }
        if shutil.which("openssl"):
            authority = Authority(directory / "authority")
            for name in ("server", "me"):
                authority.issue(name)
                for suffix in ("pem", "key"):
                    shutil.copy(authority[f"{name}.{suffix}"], directory)
            for name in ("ca.pem", "clients-ca.pem"):
                shutil.copy(authority.certificate, directory / name)

    def translate(self, text):
        """What stands for something in the README becomes that; ports are free ones."""
        for name, port in self.ports.items():
            text = re.sub(rf"\b{name}\b", port, text)
        if self.session:
            text = text.replace("session_x", self.session)
        text = text.replace("copy.db", f"copy{len(self.tried)}.db").replace("WORKSPACE", self.workspace)
        if "270377b928b3" in text and (self.directory / "tokens").exists():
            text = text.replace("270377b928b3", self.shell("gscoordinator token list --file tokens").split()[7])
        return re.sub(r"\b1200 1234\b", "1 2", text).replace("--at 1234", "--at 2")

    @property
    def workspace(self):
        return f"{self.directory}/state/gscoordinator/port-{self.ports['63800']}"

    def shell(self, command, check=True):
        done = subprocess.run(
            ["bash", "-c", command], cwd=self.directory, env=self.environment, capture_output=True, text=True, timeout=60,
            stdin=subprocess.DEVNULL)
        assert done.returncode == 0 or not check, f"{command}\n{done.stdout}\n{done.stderr}"
        return done.stdout

    def serve(self, command):
        self.stop()
        self.server = subprocess.Popen(
            ["bash", "-c", "exec " + command], cwd=self.directory, env=self.environment, stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
        first = self.server.stdout.readline()
        if "listening on" not in first:
            raise AssertionError(f"{command}\n{first}{self.server.communicate(timeout=STOP_SECONDS)[1]}")
        # Whatever it says later must not fill its pipes.
        for stream in (self.server.stdout, self.server.stderr):
            threading.Thread(target=stream.read, daemon=True).start()

    def follow(self, command):
        process = subprocess.Popen(
            ["bash", "-c", "exec " + command], cwd=self.directory, env=self.environment, stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
        try:
            assert process.stdout.readline(), f"{command}\n{process.communicate(timeout=10)[1]}"
        finally:
            process.kill()
            process.communicate()

    def open_session(self):
        """A session that has loaded a graph, for commands that name one."""
        with raw.Client(f"127.0.0.1:{self.ports['63800']}") as client:
            self.session = client.connect(dangling=600).session_id
            client.run(self.session, raw.load_ops(str(self.directory / "e.csv")))

    def stop(self):
        if self.server is None:
            return
        self.server.send_signal(signal.SIGTERM)
        assert self.server.wait(STOP_SECONDS) == 0
        self.server = None

    def type(self, command):
        """Does with a command what a newcomer does."""
        command = self.translate(command)
        reason = next((p for p in NOT_RUN if command.startswith(self.translate(p))), None)
        self.tried.add(reason or command)
        if reason:
            return
        if SERVER.match(command):
            self.serve(command)
        elif FOLLOWING.search(command):
            self.follow(command)
        elif command.startswith("gscoordinator cancel"):
            # The step has ended: to cancel one that runs is tested elsewhere.
            done = subprocess.run(["bash", "-c", command], cwd=self.directory, env=self.environment, capture_output=True)
            assert b"CONFLICT" in done.stderr
        else:
            self.shell(command, check=not any(command.startswith(name) for name in MAY_FAIL))


@pytest.fixture(scope="module")
def newcomer(tmp_path_factory):
    newcomer = Newcomer(tmp_path_factory.mktemp("newcomer"))
    yield newcomer
    if newcomer.server and newcomer.server.poll() is None:
        newcomer.server.kill()
        newcomer.server.wait()


def identifier(block):
    return f"line {block[0]}"


class TestReadme:
    @pytest.mark.parametrize("block", blocks(), ids=identifier)
    def test_a_block_runs(self, newcomer, block):
        _, language, text = block
        if language == "python":
            script = newcomer.directory / "script.py"
            script.write_text(newcomer.translate(text) + "\nprint('done')\n")
            done = subprocess.run(
                [sys.executable, script.name], cwd=newcomer.directory, env=newcomer.environment, capture_output=True,
                text=True, timeout=60)
            assert done.returncode == 0 and "done" in done.stdout, done.stdout + done.stderr
            return
        if "session_x" in text:
            if newcomer.server is None or newcomer.server.poll() is not None:
                newcomer.serve("gscoordinator")
            if newcomer.session is None:
                newcomer.open_session()
        if "openssl" not in text and "server.pem" in text and not shutil.which("openssl"):
            pytest.skip("needs openssl")
        for command in commands(text):
            newcomer.type(command)

    def test_what_is_not_run_is_there(self, newcomer):
        text = "\n".join(c for block in blocks() if block[1] == "sh" for c in commands(block[2]))
        assert [p for p in (*NOT_RUN, *MAY_FAIL) if not re.search("^" + re.escape(p), text, re.M)] == []


SESSION = """
import graphscope, sys
session = graphscope.session(addr=sys.argv[1], timeout_seconds=1)
print("connected")
session._heartbeat_sending_thread = None
session.close()
"""


@pytest.mark.parametrize("exempt, connects", [("localhost,127.0.0.1", True), ("", False)])
def test_a_proxy_is_taken_for_loopback_addresses_too(start, exempt, connects):
    running = start()
    # Nobody listens there, and a proxy would not reach this machine's own addresses either.
    environment = {**os.environ, "http_proxy": "http://127.0.0.1:9", "no_proxy": exempt}
    done = subprocess.run(
        [sys.executable, "-c", SESSION, running.address], env=environment, capture_output=True, text=True, timeout=60)
    assert ("connected" in done.stdout) == connects, done.stderr
    if not connects:
        assert "Connect coordinator timeout" in done.stderr and "127.0.0.1:9" in done.stderr
    listed = subprocess.run(
        [BINARY, "get", "sessions", "--workspace", running.workspace], env=environment, capture_output=True, text=True)
    assert listed.stdout == "No sessions found.\n", listed.stderr


class TestExamples:
    @pytest.mark.parametrize("path", EXAMPLES, ids=lambda p: p.name)
    def test_a_configuration_starts(self, path, tmp_path):
        option = {
            "access.example.yaml": ["--set", f"access.file={path}"],
            "cluster.example.yaml": ["--cluster-file", str(path)],
        }.get(path.name, ["--config-file", str(path)])
        shown = subprocess.run([BINARY, "config", *option], capture_output=True, text=True, timeout=20)
        assert shown.returncode == 0 and str(path) in shown.stdout, shown.stderr
        running = Coordinator(tmp_path, ["--port", "0", *option])
        assert running.stop()[0] == 0, running.log()

    def test_the_scripts(self, tmp_path):
        """What scripts/quickstart.sh runs after its build."""
        running = Coordinator(tmp_path)
        try:
            for arguments in [
                ["generate_graph.py", "--scale", "10", "--edges", "5000", tmp_path / "graph"],
                ["pagerank.py", "--addr", running.address, tmp_path / "graph/v.csv", tmp_path / "graph/e.csv"],
            ]:
                script, *rest = map(str, arguments)
                done = subprocess.run(
                    [sys.executable, os.path.join(REPOSITORY, "examples", script), *rest], capture_output=True, text=True,
                    timeout=60)
                assert done.returncode == 0, done.stdout + done.stderr
        finally:
            assert running.stop()[0] == 0
