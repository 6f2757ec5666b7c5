"""A further host on this machine: a network namespace with an sshd, and with directories of its own in place of some of
ours. Needs root."""

import contextlib
import os
import shutil
import signal
import subprocess

from process import wait_until

MISSING = [program for program in ("ip", "/usr/sbin/sshd", "ssh-keygen") if not shutil.which(program)]


def possible():
    """Whether this process may make namespaces and has the programs for it."""
    if MISSING:
        return False
    name = f"gsp{os.getpid()}"
    made = subprocess.run(["ip", "netns", "add", name], capture_output=True).returncode == 0
    subprocess.run(["ip", "netns", "del", name], capture_output=True)
    return made


def ip(*arguments):
    subprocess.run(["ip", *arguments], check=True, capture_output=True)


class Host:
    """`address` is its own, `here` this machine's in their network, `shell` what reaches it."""

    def __init__(self, directory, number, private):
        self.name, self.link = f"gsr{os.getpid()}-{number}", f"gsr{os.getpid() % 10**6}{number}"
        self.network = f"10.213.{(os.getpid() * 4 + number) % 256}"
        self.address, self.here = self.network + ".2", self.network + ".1"
        self.directory = directory
        ip("netns", "add", self.name)
        try:
            self._connect()
            self._serve(private)
        except BaseException:
            self.stop()
            raise

    def _connect(self):
        ip("link", "add", self.link, "type", "veth", "peer", "name", "eth0", "netns", self.name)
        ip("addr", "add", self.here + "/24", "dev", self.link)
        ip("link", "set", self.link, "up")
        ip("-n", self.name, "addr", "add", self.address + "/24", "dev", "eth0")
        for device in ("eth0", "lo"):
            ip("-n", self.name, "link", "set", device, "up")

    def _serve(self, private):
        for key in ("user", "host"):
            subprocess.run(["ssh-keygen", "-q", "-t", "ed25519", "-N", "", "-f", self.directory / key], check=True)
        os.makedirs("/run/sshd", exist_ok=True)
        (self.directory / "sshd.conf").write_text(
            f"Port 22\nHostKey {self.directory}/host\nAuthorizedKeysFile {self.directory}/user.pub\n"
            "StrictModes no\nUsePAM no\nPasswordAuthentication no\nPidFile none\n")
        (self.directory / "ssh.conf").write_text(
            f"Host *\n  IdentityFile {self.directory}/user\n  StrictHostKeyChecking no\n"
            "  UserKnownHostsFile /dev/null\n  LogLevel ERROR\n  BatchMode yes\n  ConnectTimeout 5\n")
        self.shell = f"ssh -F {self.directory}/ssh.conf"
        mounts = "".join(f"mkdir -p '{path}' && mount -t tmpfs tmpfs '{path}' && " for path in private)
        self.sshd = subprocess.Popen(
            ["ip", "netns", "exec", self.name, "unshare", "-m", "-u", "sh", "-c",
             f"hostname {self.name} && {mounts} exec /usr/sbin/sshd -D -e -f '{self.directory}/sshd.conf'"],
            stderr=open(self.directory / "sshd.log", "w"))
        wait_until(lambda: self.run("true", check=False).returncode == 0, 20, "the other host's sshd answers")

    def run(self, command, check=True):
        """Runs a command of a shell there."""
        return subprocess.run([*self.shell.split(), self.address, command], check=check, capture_output=True, text=True)

    def pids(self):
        """Processes of the host beside its sshd and what that has for a moment."""
        listed = subprocess.run(["ip", "netns", "pids", self.name], capture_output=True, text=True).stdout.split()
        return {int(pid): program for pid in listed if (program := self._program(pid)) not in (None, "sshd")}

    @staticmethod
    def _program(pid):
        with contextlib.suppress(OSError):
            with open(f"/proc/{pid}/comm") as comm, open(f"/proc/{pid}/cmdline") as words:
                return comm.read().strip() if words.read() else None

    @contextlib.contextmanager
    def cut(self):
        """Takes the host off the network for a while: what is sent to it is lost."""
        ip("-n", self.name, "link", "set", "eth0", "down")
        try:
            yield
        finally:
            ip("-n", self.name, "link", "set", "eth0", "up")

    def stop(self):
        for pid in subprocess.run(["ip", "netns", "pids", self.name], capture_output=True, text=True).stdout.split():
            with contextlib.suppress(OSError):
                os.kill(int(pid), signal.SIGKILL)
        if hasattr(self, "sshd"):
            self.sshd.wait()
        for arguments in (["link", "del", self.link], ["netns", "del", self.name]):
            subprocess.run(["ip", *arguments], capture_output=True)
