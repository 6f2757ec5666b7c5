"""A coordinator as a child process: started on a free port, stopped by its process id."""

import contextlib
import itertools
import os
import queue
import random
import signal
import socket
import subprocess
import threading
import time

REPOSITORY = os.path.abspath(os.path.join(os.path.dirname(__file__), "..", ".."))
BINARY = os.environ.get("GSC_BINARY", os.path.join(REPOSITORY, ".build", "debug", "gscoordinator"))

READY_SECONDS = 20
STOP_SECONDS = 10


_ports = itertools.count(random.randrange(10_000, 20_000))


def hear_interrupts():
    """For children that interrupt themselves: who runs in the background hands on SIGINT as ignored."""
    signal.signal(signal.SIGINT, signal.SIG_DFL)


def free_port():
    """From below the range that the kernel takes for outgoing connections, and never the same one twice."""
    for port in _ports:
        with socket.socket() as probe:
            with contextlib.suppress(OSError):
                probe.bind(("127.0.0.1", port))
                return port


def wait_until(condition, seconds, what):
    """Waits for something that announces itself in no other way than by being so."""
    deadline = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < deadline, f"not within {seconds} s: {what}"
        time.sleep(0.02)


class Coordinator:
    """`arguments` default to a free port; standard output's first line names the address. The workspace is below
    `directory`, or the coordinator's own choice with None. `under` is a command that runs it."""

    def __init__(self, directory, arguments=None, environment=None, workspace="workspace", under=()):
        self.workspace = str(directory / (workspace or "workspace"))
        self.log_path = str(directory / "coordinator.log")
        if arguments is None:
            arguments = ["--port", "0"]
        with open(self.log_path, "a") as log:
            self.process = subprocess.Popen(
                [*under, BINARY, *arguments, *(["--workspace", self.workspace] if workspace else [])],
                stdin=subprocess.DEVNULL,
                stdout=subprocess.PIPE,
                stderr=log,
                text=True,
                env={**os.environ, **(environment or {})},
            )
        self.ready_line = self._first_line(READY_SECONDS * (10 if under else 1))
        self.address = self.ready_line.split()[-1]

    def _first_line(self, seconds):
        lines = queue.Queue()
        threading.Thread(target=self._read, args=(lines,), daemon=True).start()
        try:
            line = lines.get(timeout=seconds)
        except queue.Empty:
            line = ""
        if not line:
            self.process.kill()
            self.process.wait()
            raise AssertionError(f"the coordinator did not start; its log says:\n{self.log()}")
        return line.strip()

    def _read(self, lines):
        """Hands on the first line of standard output, and keeps the log that follows."""
        with self.process.stdout as output, open(self.log_path, "a") as log:
            lines.put(output.readline())
            for line in output:
                log.write(line)
                log.flush()

    @property
    def port(self):
        return int(self.address.rsplit(":", 1)[1])

    def log(self):
        with open(self.log_path) as file:
            return file.read()

    def session_files(self):
        """The directories and files of all sessions."""
        found = []
        for directory, directories, files in os.walk(os.path.join(self.workspace, "sessions")):
            found += [os.path.join(directory, name) for name in directories + files]
        return found

    def kill(self):
        """Ends it as a crash does."""
        self.process.kill()
        self.process.wait()

    def stop(self, signal_number=signal.SIGINT):
        """Asks it to end; returns its exit code and how long it took."""
        start = time.monotonic()
        if self.process.poll() is None:
            self.process.send_signal(signal_number)
        try:
            self.process.wait(STOP_SECONDS)
        except subprocess.TimeoutExpired:
            self.process.kill()
            self.process.wait()
            raise AssertionError(f"still running {STOP_SECONDS} s after signal {signal_number}; log:\n{self.log()}")
        return self.process.returncode, time.monotonic() - start
