"""The measured processes: how to start each, when it answers, what it used, and how to stop it."""

import contextlib
import os
import signal
import socket
import subprocess
import sys
import tempfile
import time
import urllib.request

import psutil

from . import bare

OURS, PEER, GRPCIO, NGHTTPD = "gscoordinator", "Python coordinator", "grpcio server", "nghttpd"
HERE = os.path.dirname(os.path.abspath(__file__))


def free_port():
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]


class Server:
    """A process that listens on `port` of the loopback interface."""

    def __init__(self, command, port, environment=None, cwd=None):
        self.port = port
        self.started = time.perf_counter()
        self.log, self.output = tempfile.TemporaryFile(), tempfile.TemporaryFile()
        self.process = subprocess.Popen(
            command,
            stdin=subprocess.DEVNULL,
            stdout=self.output,
            stderr=self.log,
            cwd=cwd,
            env={**os.environ, **(environment or {})},
            start_new_session=True,
            # A background job of a shell ignores SIGINT, and the peer would inherit that.
            preexec_fn=lambda: signal.signal(signal.SIGINT, signal.SIG_DFL),
        )

    def __enter__(self):
        return self

    def __exit__(self, *_):
        family = self._family()
        self.process.send_signal(signal.SIGINT)
        try:
            self.process.wait(20)
        except subprocess.TimeoutExpired:
            self.process.kill()
        for left in family:
            with contextlib.suppress(psutil.NoSuchProcess):
                left.kill()
        self.process.wait()

    @property
    def address(self):
        return f"127.0.0.1:{self.port}"

    def wait(self, answers, seconds=120):
        """Returns the seconds from the start until `answers(port)` is true."""
        deadline = self.started + seconds
        while time.perf_counter() < deadline:
            if self.process.poll() is not None:
                break
            with contextlib.suppress(OSError):
                if answers(self.port):
                    return time.perf_counter() - self.started
            time.sleep(0.0005)
        said = b""
        for file in (self.output, self.log):
            file.seek(0)
            said += file.read()[-3000:]
        raise RuntimeError(f"{self.process.args[0]} did not answer:\n{said.decode(errors='replace')}")

    def has_announced(self, _=None):
        """Returns whether a first line was written to standard output."""
        return os.fstat(self.output.fileno()).st_size > 0

    def kill(self):
        """Kills the process, as in a crash."""
        self.process.kill()
        self.process.wait()

    def _family(self):
        with contextlib.suppress(psutil.NoSuchProcess):
            main = psutil.Process(self.process.pid)
            return [main, *main.children(recursive=True)]
        return []

    def cpu_seconds(self):
        """Returns user and system time of the process and of those it started."""
        total = 0
        for process in self._family():
            with contextlib.suppress(OSError):
                total += time.clock_gettime(~process.pid << 3 | 2)  # the process's CPU clock, see clock_getcpuclockid(3)
        return total

    def memory_mib(self):
        """Returns the resident memory of the process and of those it started."""
        return sum(process.memory_info().rss for process in self._family()) / 2**20

    def private_mib(self):
        """Returns the private memory of the process and of those it started."""
        return sum(process.memory_full_info().uss for process in self._family()) / 2**20


def accepts(port):
    with socket.create_connection(("127.0.0.1", port), timeout=5):
        return True


def heartbeat(port):
    """Sends one HeartBeat with a minimal client, so that the start of no library is measured."""
    with bare.Connection(port) as connection:
        return connection.call(b"/gs.rpc.CoordinatorService/HeartBeat")


def ours(directory, *settings, workspace=None):
    """Starts the coordinator with settings such as `state=memory`, in a new workspace unless one is given."""
    port = free_port()
    workspace = workspace or tempfile.mkdtemp(dir=directory)
    options = [part for setting in settings for part in ("--set", setting)]
    return Server([os.environ["GSC_BINARY"], "--port", str(port), "--workspace", workspace, *options], port)


def peer(directory, python):
    port = free_port()
    own = tempfile.mkdtemp(dir=directory)
    config = os.path.join(own, "config.yaml")
    with open(config, "w") as file:
        file.write(
            "launcher_type: hosts\nsession: {num_workers: 1, instance_id: benchmark}\n"
            f"coordinator: {{service_port: {port}, http_port: {free_port()}}}\nvineyard: {{rpc_port: {free_port()}}}\n"
        )
    path = os.path.dirname(python) + os.pathsep + os.environ["PATH"]
    # Compiled applications are kept between runs, because the engine's compiler is not measured.
    runtime = os.path.join(tempfile.gettempdir(), "gscoordinator-benchmark-peer")
    return Server(
        [python, "-m", "gscoordinator", "--config-file", config],
        port,
        environment={"PATH": path, "GRAPHSCOPE_RUNTIME": runtime},
        cwd=own,
    )


def grpcio():
    port = free_port()
    return Server([sys.executable, os.path.join(HERE, "grpcio_server.py"), str(port)], port)


def etcd(directory):
    """Starts a cluster with one member."""
    port, data = free_port(), tempfile.mkdtemp(dir=directory)
    client, member = f"http://127.0.0.1:{port}", f"http://127.0.0.1:{free_port()}"
    command = ["etcd", "--data-dir", data, "--listen-client-urls", client, "--advertise-client-urls", client]
    command += ["--listen-peer-urls", member, "--initial-advertise-peer-urls", member]
    return Server([*command, "--initial-cluster", f"default={member}", "--log-level", "error"], port)


def etcd_leads(port):
    """Returns whether the member accepts writes."""
    request = urllib.request.Request(f"http://127.0.0.1:{port}/v3/kv/put", b'{"key":"cmVhZHk=","value":""}')
    with urllib.request.urlopen(request, timeout=5) as answer:
        return answer.status == 200


def nghttpd(directory, size=5):
    """Serves a file of so many bytes; 5 is the size of the response to a HeartBeat, an empty message after its prefix."""
    port = free_port()
    root = tempfile.mkdtemp(dir=directory)
    with open(os.path.join(root, "heartbeat"), "wb") as file:
        file.write(bytes(size))
    return Server(["nghttpd", "--no-tls", "-d", root, str(port)], port)
