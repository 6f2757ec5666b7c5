"""What happened to the control plane of coordinators, kept by them and played again by `history-replay`.

The binary is found through GSC_BIN_DIR (default: .build/debug).
"""

import os
import pathlib
import subprocess

import pytest

from process import BINARY, REPOSITORY

REPLAY = pathlib.Path(os.environ.get("GSC_BIN_DIR", pathlib.Path(REPOSITORY, ".build", "debug"))) / "history-replay"

kept = pytest.mark.skipif("release" in pathlib.Path(BINARY).parts, reason="release builds keep no histories")


def replay(*paths):
    return subprocess.run([REPLAY, *paths], capture_output=True, text=True, timeout=120)


class Histories:
    def __init__(self, directory):
        self.directory = directory

    def paths(self):
        return sorted(self.directory.glob("*.jsonl"))

    def check(self):
        """Plays everything again.

        Returns the number of events of each coordinator."""
        assert self.paths(), "a history was kept"
        done = replay(*self.paths())
        assert done.returncode == 0, done.stderr[-4000:]
        return [int(line.split(": ")[1].split()[0]) for line in done.stdout.splitlines()]


@pytest.fixture(autouse=True)
def histories(tmp_path, monkeypatch):
    """Has all coordinators of a test keep their histories, and plays them again when the coordinators have ended."""
    directory = tmp_path / "histories"
    directory.mkdir()
    monkeypatch.setenv("GSCOORDINATOR_HISTORY", str(directory))
    histories = Histories(directory)
    yield histories
    assert all(events > 1 for events in histories.check())
