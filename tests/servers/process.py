"""Real servers for the tests: private instances on 127.0.0.1 with free ports and a folder of their own, stopped by pid."""
import contextlib
import fcntl
import itertools
import os
import pathlib
import shutil
import signal
import socket
import subprocess
import tempfile
import time

import pytest

from servers import guard

READY_S = 60
PORTS = range(16384, 32768)  # whoever asks Linux for any port gets a higher one


def is_free(port):
    for kind in (socket.SOCK_STREAM, socket.SOCK_DGRAM):
        with socket.socket(type=kind) as probe:
            try:
                probe.bind(("127.0.0.1", port))
            except OSError:
                return False
    return True


def free_ports(count):
    """Ports that nobody has, for TCP and UDP alike, and that nobody gets until whoever asked has bound them: all tests of this machine
    go round in PORTS with one counter."""
    with open(pathlib.Path(tempfile.gettempdir(), f"dfyd-{os.getuid()}.ports"), "a+", encoding="ascii") as counter:
        fcntl.flock(counter, fcntl.LOCK_EX)
        counter.seek(0)
        turn = PORTS.index(int(counter.read() or PORTS[0]))
        found = list(itertools.islice(filter(is_free, [*PORTS[turn:], *PORTS[:turn]]), count))
        assert len(found) == count, f"no {count} ports are free in {PORTS}"
        counter.truncate(0)
        counter.write(str(PORTS[(PORTS.index(found[-1]) + 1) % len(PORTS)]))
    return found


def listens(port):
    try:
        with socket.create_connection(("127.0.0.1", port), timeout=1):
            return True
    except OSError:
        return False


def wait_until(condition, what, seconds=READY_S):
    """Until CONDITION() is true; returns what it returned."""
    deadline = time.monotonic() + seconds
    while time.monotonic() < deadline:
        found = condition()
        if found:
            return found
        time.sleep(0.05)
    raise AssertionError(f"{what}: not within {seconds} s")


def as_user(name):
    """What stands before a command so that it runs as that user; nothing where this is no root."""
    return ["setpriv", f"--reuid={name}", f"--regid={name}", "--init-groups"] if os.geteuid() == 0 else []


def cannot_run(why):
    """Skips; where all has to be there (CI), fails."""
    (pytest.fail if os.environ.get("CI") else pytest.skip)(why)


def find_program(name):
    """Its path; looks where servers are, too."""
    found = shutil.which(name, path=f"{os.environ.get('PATH', '')}:/usr/sbin")
    return found or cannot_run(f"no {name} here: scripts/setup check servers installs it")


class Folder:
    """A temporary folder that other users may look into, since servers change to users of their own."""

    def __init__(self, name):
        self.path = pathlib.Path(tempfile.mkdtemp(prefix=f"dfyd-{name}-"))
        self.path.chmod(0o755)
        guard.tell(f"+folder {self.path}")

    def remove(self):
        shutil.rmtree(self.path, ignore_errors=True)
        guard.tell(f"-folder {self.path}")


class Process:
    """A server in the foreground, in a process group of its own, that writes to LOG."""

    def __init__(self, argv, log, ready, *, env=None, cwd=None):
        self.argv, self.log = argv, pathlib.Path(log)
        with open(log, "ab") as out:
            self.child = subprocess.Popen(argv, stdin=subprocess.DEVNULL, stdout=out, stderr=out, cwd=cwd,
                                          env={**os.environ, **(env or {})}, start_new_session=True)
        guard.tell(f"+group {self.child.pid}")
        try:
            wait_until(lambda: self.child.poll() is not None or ready(), " ".join(map(str, argv)))
        except BaseException:
            self.stop()
            raise
        if self.child.poll() is not None:  # whatever answers now is not ours
            raise AssertionError(f"{argv[0]} ended with {self.child.returncode}:\n{self.log.read_text(errors='replace')[-4000:]}")

    @property
    def pid(self):
        return self.child.pid

    def kill(self, number=signal.SIGKILL):
        with contextlib.suppress(ProcessLookupError):
            os.killpg(self.child.pid, number)

    def freeze(self):
        """Stops it until thaw(); each of its threads stands still then, which takes longer than the signal."""
        self.kill(signal.SIGSTOP)
        tasks = pathlib.Path(f"/proc/{self.pid}/task")
        wait_until(lambda: all(stat.read_text().rpartition(")")[2].split()[0] in "TZ" for stat in tasks.glob("*/stat")), "it stands still")

    def thaw(self):
        self.kill(signal.SIGCONT)

    def stop(self):
        self.kill(signal.SIGTERM)
        try:
            self.child.wait(10)
        except subprocess.TimeoutExpired:
            self.kill()
            self.child.wait(60)
        guard.tell(f"-group {self.child.pid}")
