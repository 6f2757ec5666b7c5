"""Disks that are full, cannot be read, or do not let go of something: sessions are held or the start fails with words, and
nothing that holds a user's data is lost."""

import contextlib
import os
import pathlib
import shutil
import subprocess

import pytest

import raw
from process import free_port, wait_until
from test_kept_state import Killed, killed, user_files

__all__ = ["killed"]

pytestmark = [
    pytest.mark.ours("the reference coordinator forgets everything when it ends"),
    pytest.mark.skipif(os.getuid() != 0, reason="only root can mount"),
]

MEBIBYTE = 1 << 20


def run(*command):
    return subprocess.run(command, capture_output=True, text=True)


@pytest.fixture
def mounted(tmp_path):
    """Mounts something on a new directory."""
    places = []

    def mount(*arguments):
        place = tmp_path / f"mounted-{len(places)}"
        place.mkdir()
        done = run("mount", *arguments, place)
        if done.returncode != 0:
            pytest.skip(f"cannot mount here: {done.stderr.strip()}")
        places.append(place)
        return place

    yield mount
    for place in places:
        run("umount", "-l", place)


@pytest.fixture
def move(killed, tmp_path):
    """Copies the workspace of a coordinator that was killed into a directory."""

    def move(directory):
        copied = object.__new__(Killed)
        copied.__dict__ |= killed.__dict__ | {
            "directory": directory, "workspace": str(directory / "workspace"), "arguments": ["--port", str(free_port())],
        }
        shutil.copytree(killed.workspace, copied.workspace, ignore=shutil.ignore_patterns("*.sock"))
        return copied

    return move


def starts(kept):
    """Starts a coordinator that may not be able to; None and what it said, then."""
    try:
        return kept.start(), ""
    except AssertionError as error:
        return None, str(error)


class TestFull:
    def test_at_the_start(self, mounted, move, tmp_path):
        place = mounted("-t", "tmpfs", "-o", "size=48m", "none")
        (place / "coordinator.log").symlink_to(tmp_path / "coordinator.log")
        kept = move(place)
        before = user_files(kept.workspace)
        with open(place / "rest", "wb") as rest, contextlib.suppress(OSError):
            while True:
                rest.write(bytes(MEBIBYTE))
                rest.flush()
        running, said = starts(kept)
        if running:
            running.kill()
        else:
            assert "No space left" in said or "full" in said, said
        assert user_files(kept.workspace) >= before
        (place / "rest").unlink()
        assert kept.goes_on()


class TestWhatCannotBeRemoved:
    def unremovable(self, kept, place):
        """A directory of a session that the state does not name, with something in it that cannot go."""
        place.mkdir(parents=True)
        (place / "data").write_text("kept")
        if run("chattr", "+i", place / "data").returncode != 0:
            pytest.skip("no immutable files here")

    def test_among_the_sessions(self, tmp_path, move):
        kept = move(tmp_path)
        place = pathlib.Path(kept.workspace, "sessions", "session_stranger", "analytics")
        self.unremovable(kept, place)
        try:
            assert kept.goes_on()
            (found,) = pathlib.Path(kept.workspace).rglob("data")
            assert found.read_text() == "kept" and "lost+found" in found.parts
        finally:
            for path in pathlib.Path(kept.workspace).rglob("data"):
                run("chattr", "-i", path)

    def test_a_mount_among_the_sessions(self, tmp_path, move):
        kept = move(tmp_path)
        place = pathlib.Path(kept.workspace, "sessions", "session_stranger")
        place.mkdir()
        if run("mount", "-t", "tmpfs", "none", place).returncode != 0:
            pytest.skip("cannot mount here")
        try:
            (place / "data").write_text("kept")
            assert kept.goes_on()
            assert (place / "data").read_text() == "kept"
        finally:
            run("umount", "-l", place)

    def test_in_a_session_that_is_closed(self, tmp_path, move):
        kept = move(tmp_path)
        place = pathlib.Path(kept.workspace, "sessions", kept.session, "analytics", "more")
        self.unremovable(kept, place)
        try:
            running = kept.start()
            with raw.Client(running.address) as client:
                client.close(client.connect(reconnect=True).session_id)
                client.close(client.connect().session_id)
            running.kill()
            assert "cannot remove everything that a closed session left" in running.log()
            assert "Operation not permitted" in running.log()
            assert (place / "data").read_text() == "kept"
        finally:
            run("chattr", "-i", place / "data")
        # What was closed stays closed, and goes as soon as it can.
        running = kept.start()
        assert not place.exists()
        with raw.Client(running.address) as client:
            assert client.connect(reconnect=True).session_id != kept.session
        running.kill()


class TestADeviceThatCannotBeRead:
    """A file system on a loop device, whose file loses its second half: what lies there is EIO."""

    @pytest.fixture
    def device(self, tmp_path):
        image = tmp_path / "image"
        with open(image, "wb") as file:
            file.truncate(64 * MEBIBYTE)
        if run("mkfs.ext4", "-q", "-O", "^has_journal", "-E", "lazy_itable_init=0,num_backup_sb=0", image).returncode != 0:
            pytest.skip("no ext4 here")
        made = run("losetup", "--find", "--show", image)
        if made.returncode != 0:
            pytest.skip(f"no loop devices here: {made.stderr.strip()}")
        yield made.stdout.strip(), image
        run("losetup", "--detach", made.stdout.strip())

    def ends(self, place, pattern):
        """The first and the last byte of the device that files have."""
        blocks = []
        for path in sorted(place.rglob(pattern)):
            shown = run("filefrag", "-e", "-b4096", path).stdout
            for line in shown.splitlines():
                fields = line.replace(":", " ").replace("..", " ").split()
                if len(fields) > 5 and fields[0].isdigit():
                    blocks += [int(fields[3]), int(fields[4])]
        return blocks

    def unmount(self, device, place):
        """Also out of the caches, so that it is read again."""
        wait_until(lambda: run("umount", place).returncode == 0, 10, "nobody uses it")
        run("blockdev", "--flushbufs", device)

    @pytest.mark.parametrize("pattern", ["*.values", "*.object", "graph_*/*", "graph_*/manifest"])
    def test_costs_what_lies_there_and_nobody_else(self, device, mounted, move, pattern):
        name, image = device
        place = mounted(name)
        kept = move(place)
        run("sync", "-f", place)
        victims = sorted(pathlib.Path(kept.workspace, "sessions").rglob(pattern))
        assert victims, [str(p) for p in pathlib.Path(kept.workspace, "sessions").rglob("*")]
        # Put what is to be lost at the end of the device, behind everything else.
        filler = place / "filler"
        with open(filler, "wb") as file:
            os.posix_fallocate(file.fileno(), 0, 40 * MEBIBYTE)
        for victim in victims:
            data = victim.read_bytes()
            victim.unlink()
            victim.write_bytes(data)
        run("sync", "-f", place)
        first = min(self.ends(pathlib.Path(kept.workspace, "sessions"), pattern)) * 4096
        self.unmount(name, place)
        saved = image.read_bytes()[first:]
        os.truncate(image, first)
        assert run("mount", name, place).returncode == 0
        with pytest.raises(OSError):
            victims[0].read_bytes()
        running, said = starts(kept)
        if running:
            with raw.Client(running.address) as client:
                assert client.connect(reconnect=True).session_id == kept.session
                with pytest.raises(Exception) as failed:
                    kept.read(client)
                assert "Socket closed" not in str(failed.value), running.log()
                other = client.connect()
                client.close(other.session_id)
            assert running.process.poll() is None, running.log()
            running.kill()
        else:
            assert "Input/output error" in said, said
        with open(image, "r+b") as file:
            file.seek(first)
            file.write(saved)
        self.unmount(name, place)
        assert run("mount", name, place).returncode == 0
        assert kept.goes_on()
