"""Nothing that holds a user's data is removed because a start fails, or because the state does not name it."""

import contextlib
import os
import pathlib
import resource
import shutil
import signal
import socket
import subprocess
import time

import pytest
from graphscope.proto import types_pb2

import raw
from process import BINARY, Coordinator, free_port, wait_until
from test_operator import gsc

pytestmark = pytest.mark.ours("the reference coordinator forgets everything when it ends")


class Kept:
    """A workspace in which a session has a graph and a result, and no coordinator."""

    def __init__(self, directory, environment=None):
        self.directory = directory
        self.arguments = ["--port", str(free_port())]
        table = directory / "e.csv"
        table.write_text("src,dst\n1,2\n2,3\n")
        running = self.start(environment=environment)
        self.workspace = running.workspace
        with raw.Client(running.address) as client:
            self.session = client.connect(dangling=600).session_id
            gsc("state", "backup", directory / "older.db", "--workspace", self.workspace)
            load = raw.load_ops(str(table))
            project = raw.op(
                types_pb2.PROJECT_TO_SIMPLE, [load[1]], output=types_pb2.GRAPH, V_PROP_KEY="None", E_PROP_KEY="None"
            )
            app = raw.op(types_pb2.CREATE_APP, output=types_pb2.APP, APP_ALGO="wcc")
            bound = raw.op(types_pb2.BIND_APP, [project, app], output=types_pb2.BOUND_APP)
            self.result = raw.op(types_pb2.RUN_APP, [bound], output=types_pb2.RESULTS)
            answer, _ = client.run(self.session, [*load, project, app, bound, self.result])
            assert answer.code == 0, answer.error_msg
            self.values = self.read(client)
            self.end(running, client)
        self.files = self.present()

    def end(self, running, client):
        assert running.stop(signal.SIGTERM)[0] == 0

    def start(self, *arguments, environment=None):
        return Coordinator(self.directory, [*self.arguments, *arguments], environment)

    def present(self):
        """The names and sizes of all files of sessions, but for what sessions tell of themselves."""
        found = {}
        for directory, _, files in os.walk(os.path.join(self.workspace, "sessions")):
            for name in set(files) - {"session.json", "objects.log"}:
                found[os.path.join(directory, name)] = os.stat(os.path.join(directory, name)).st_size
        return found

    def read(self, client):
        """The result's values, as they are sent."""
        answer, bodies = client.run(
            self.session, [raw.op(types_pb2.CONTEXT_TO_NUMPY, [self.result], output=types_pb2.TENSOR, SELECTOR="r")]
        )
        assert answer.code == 0, answer.error_msg
        return b"".join(body.chunk for body in bodies)

    def goes_on(self, *arguments):
        """Whether the next coordinator has the session with its result."""
        running = self.start(*arguments)
        try:
            with raw.Client(running.address) as client:
                assert client.connect(reconnect=True).session_id == self.session
                return self.read(client) == self.values
        finally:
            assert running.stop(signal.SIGTERM)[0] == 0

    def fails(self, arguments, descriptors=None):
        """Starts a coordinator that must not start."""
        limit = (lambda: resource.setrlimit(resource.RLIMIT_NOFILE, (descriptors, descriptors))) if descriptors else None
        ended = subprocess.run(
            [BINARY, "--workspace", self.workspace, *arguments], capture_output=True, text=True, timeout=20,
            preexec_fn=limit,
        )
        assert ended.returncode != 0
        assert "Error" in ended.stderr, ended.stderr
        return ended.stderr


@pytest.fixture(scope="module")
def kept(tmp_path_factory):
    return Kept(tmp_path_factory.mktemp("kept"))


@contextlib.contextmanager
def taken_port():
    with socket.socket() as holder:
        holder.bind(("127.0.0.1", 0))
        holder.listen()
        yield str(holder.getsockname()[1])


@contextlib.contextmanager
def taken_socket(path):
    with socket.socket(socket.AF_UNIX) as holder:
        holder.bind(str(path))
        holder.listen()
        yield str(path)
    os.unlink(path)


class TestAStartThatFails:
    """leaves everything as it was, and the next one goes on."""

    @pytest.fixture(autouse=True)
    def unchanged(self, kept):
        yield
        assert kept.present() == kept.files

    def test_on_a_port_that_is_taken(self, kept):
        with taken_port() as port:
            kept.fails(["--port", port])
        assert kept.goes_on()

    def test_on_an_admin_port_that_is_taken(self, kept):
        with taken_port() as port:
            kept.fails(["--port", "0", "--set", f"admin_port={port}"])

    def test_on_a_socket_that_is_taken(self, kept, tmp_path):
        with taken_socket(tmp_path / "taken") as path:
            kept.fails(["--port", "0", "--socket", path])

    def test_with_another_socket_in_the_place_of_the_operators(self, kept):
        with taken_socket(os.path.join(kept.workspace, "admin.sock")):
            kept.fails(["--port", "0"])

    def test_with_something_else_in_the_place_of_the_operators_socket(self, kept):
        path = os.path.join(kept.workspace, "admin.sock")
        with open(path, "w"):
            kept.fails(["--port", "0"])
        os.unlink(path)

    @pytest.mark.parametrize(
        "arguments",
        [
            ["--port", "0", "--socket", "/nonexistent/directory/socket"],
            ["--port", "0", "--socket", "/" + "long" * 40],
            ["--port", "70000"],
            ["--port", "0", "--host", "256.0.0.1"],
            ["--port", "0", "--set", "admin_port=x"],
            ["--port", "0", "--set", "limits.sessions=0"],
            ["--port", "0", "--set", "tls.certificate_file=/nonexistent", "--set", "tls.key_file=/nonexistent"],
            ["--port", "0", "--set", "access.file=/nonexistent"],
            ["--port", "0", "--cluster-file", "/nonexistent"],
            ["--port", "0", "--engine", "graphscope", "--set", "graphscope.home=/nonexistent"],
            ["--port", "0", "--set", "cgroup=/nonexistent"],
        ],
        ids=lambda arguments: " ".join(arguments[2:])[:40],
    )
    def test_for_its_configuration(self, kept, arguments):
        kept.fails(arguments)

    @pytest.mark.parametrize("descriptors", [12, 16, 20, 24])
    def test_for_want_of_descriptors(self, kept, descriptors):
        # Where they suffice for a start they must suffice for the session, too, or it is kept as it is.
        arguments = [BINARY, "--workspace", kept.workspace, "--port", "0"]
        process = subprocess.Popen(
            arguments, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True,
            preexec_fn=lambda: resource.setrlimit(resource.RLIMIT_NOFILE, (descriptors, descriptors)),
        )
        with process.stdout:
            process.stdout.readline()
        process.send_signal(signal.SIGTERM)
        process.wait(20)

    def test_and_the_next_one_has_everything(self, kept):
        assert kept.goes_on()


class Killed(Kept):
    """The same, of a coordinator that was killed."""

    def end(self, running, client):
        running.kill()


@pytest.fixture(scope="module")
def killed(tmp_path_factory):
    return Killed(tmp_path_factory.mktemp("killed"))


@pytest.fixture
def copy(killed, tmp_path):
    """A copy of the workspace of a coordinator that was killed, for a test to damage."""
    shutil.copytree(killed.workspace, tmp_path / "workspace", ignore=shutil.ignore_patterns("*.sock"))
    copied = object.__new__(Killed)
    copied.__dict__ |= killed.__dict__ | {
        "directory": tmp_path, "workspace": str(tmp_path / "workspace"), "arguments": ["--port", str(free_port())]
    }
    return copied


def user_files(workspace):
    """The names of the files of graphs and results, wherever they are in the workspace."""
    found = set()
    for root in ("sessions", "lost+found"):
        for directory, _, files in os.walk(os.path.join(workspace, root)):
            found |= {name for name in files if "analytics" in directory}
    return found


def remove(path):
    path.unlink()


def cut(path):
    os.truncate(path, path.stat().st_size // 2)


def empty(path):
    os.truncate(path, 0)


def flip(path):
    data = bytearray(path.read_bytes())
    for place in range(len(data) // 3, len(data), len(data) // 3):
        data[place] ^= 0x55
    path.write_bytes(data)


class TestDamage:
    """costs no graph and no result, and the repair finds the session again."""

    @pytest.mark.parametrize("damage", [remove, cut, empty, flip])
    @pytest.mark.parametrize("names", [["state.db-wal"], ["state.db"], ["state.db", "state.db-wal"]])
    def test_of_the_state(self, copy, damage, names):
        for name in names:
            path = pathlib.Path(copy.workspace, name)
            if path.exists():
                damage(path)
        before = user_files(copy.workspace)
        try:
            copy.start().stop(signal.SIGTERM)
        except AssertionError:
            pass
        assert user_files(copy.workspace) >= before
        gsc("state", "repair", "--workspace", copy.workspace)
        assert copy.goes_on()

    def test_of_the_state_and_its_seal(self, copy):
        for name in os.listdir(copy.workspace):
            if name.startswith("state"):
                os.unlink(os.path.join(copy.workspace, name))
        running = copy.start()
        wait_until(lambda: "set_aside=1" in running.log(), 20, "it is said what was set aside")
        running.stop(signal.SIGTERM)
        assert copy.session in gsc("state", "lost", "--workspace", copy.workspace)
        assert "recovered from its directory" in gsc("state", "repair", "--workspace", copy.workspace)
        assert copy.goes_on()

    def test_an_older_backup_that_is_restored(self, copy, killed):
        gsc("state", "restore", "--from", pathlib.Path(killed.directory, "older.db"), "--workspace", copy.workspace)
        before = user_files(copy.workspace)
        running = copy.start()
        assert running.stop(signal.SIGTERM)[0] == 0
        assert user_files(copy.workspace) >= before
        assert "objects of session" in gsc("state", "lost", "--workspace", copy.workspace)
        assert "brought back" in gsc("state", "repair", "--workspace", copy.workspace)
        assert copy.goes_on()

    def test_a_directory_that_cannot_be_read_for_a_moment(self, copy):
        analytics = pathlib.Path(copy.workspace, "sessions", copy.session, "analytics")
        analytics.rename(copy.directory / "away")
        analytics.symlink_to("analytics")
        running = copy.start()
        wait_until(lambda: "held_sessions=1" in running.log(), 20, "it is said that a session is held")
        with raw.Client(running.address) as client:
            assert client.connect(reconnect=True).session_id == copy.session
            with pytest.raises(Exception, match="could not be recovered"):
                copy.read(client)
            assert "RecoveryFailed" in gsc("describe", "session", copy.session, "--workspace", copy.workspace)
            analytics.unlink()
            (copy.directory / "away").rename(analytics)

            def is_back():
                with contextlib.suppress(Exception):
                    return copy.read(client) == copy.values

            wait_until(is_back, 20, "the session is brought back")
        assert running.stop(signal.SIGTERM)[0] == 0

    def test_of_an_objects_record_loses_that_object_alone_and_keeps_its_files(self, copy):
        analytics = pathlib.Path(copy.workspace, "sessions", copy.session, "analytics")
        flip(next(analytics.glob("app_*.object")))
        before = user_files(copy.workspace)
        assert copy.goes_on()
        assert user_files(copy.workspace) >= before


@pytest.mark.skipif("release" in pathlib.Path(BINARY).parts, reason="release builds have no failpoints")
class TestAnUnloadThatIsCutOff:
    def test_is_finished_at_the_next_start_and_told_as_no_loss(self, tmp_path):
        class CutOff(Kept):
            def end(self, running, client):
                unload = raw.op(types_pb2.UNLOAD_CONTEXT, [self.result])
                with pytest.raises(Exception):
                    client.run(self.session, [unload])
                running.process.wait(10)

        kept = CutOff(tmp_path, {"GSCOORDINATOR_FAILPOINT": "step-performed:2"})
        for _ in range(2):
            running = kept.start()
            assert running.stop(signal.SIGTERM)[0] == 0
        log = running.log()
        assert log.count("recovered 1 sessions") == 2 and log.count("lost_objects=0") == 2
        assert "interrupted_steps=1" in log


class TestTheStart:
    def test_hears_a_signal_at_any_moment(self, tmp_path):
        for milliseconds in (0, 1, 2, 5, 10, 15, 20, 30, 40, 60, 90):
            process = subprocess.Popen(
                [BINARY, "--port", "0", "--workspace", str(tmp_path / "w")], stdout=subprocess.DEVNULL,
                stderr=subprocess.DEVNULL,
            )
            time.sleep(milliseconds / 1000)
            process.terminate()
            assert process.wait(15) in (0, -signal.SIGTERM), milliseconds

    def test_reads_its_arguments_whatever_is_preloaded(self, tmp_path):
        source, library = tmp_path / "hides.c", tmp_path / "hides.so"
        source.write_text(
            """
            #define _GNU_SOURCE
            #include <dlfcn.h>
            #include <errno.h>
            #include <stdio.h>
            #include <string.h>
            FILE *fopen(const char *path, const char *mode) {
              if (strcmp(path, "/proc/self/maps") == 0) return errno = EIO, NULL;
              return ((FILE * (*)(const char *, const char *)) dlsym(RTLD_NEXT, "fopen"))(path, mode);
            }
            """
        )
        compiler = shutil.which("cc") or shutil.which("clang")
        if not compiler:
            pytest.skip("no C compiler")
        subprocess.run([compiler, "-shared", "-fPIC", "-o", library, source, "-ldl"], check=True)
        said = subprocess.run(
            [BINARY, "config", "--port", "4321"], env={**os.environ, "LD_PRELOAD": str(library)}, capture_output=True,
            text=True, timeout=20,
        )
        assert "4321" in said.stdout
