"""Ends what tests started, also when they are killed: waits for the end of its input, then kills and removes what was named there and
not taken back. Lines: "+group PID", "+folder PATH", and the same with "-". A folder of tests is nobody else's, so whatever runs
inside one (PostgreSQL's processes have sessions of their own) ends with it."""
import atexit
import os
import pathlib
import shutil
import signal
import subprocess
import sys
import threading
import time

_lock = threading.Lock()
_children = {}  # pid of the process of tests -> its guard


def tell(line):
    """Starts this process's guard if there is none, and tells it LINE."""
    with _lock:
        child = _children.get(os.getpid())
        if child is None:
            # Its end of the pipe is the only one: Python hands none to other children.
            child = subprocess.Popen([sys.executable, __file__], stdin=subprocess.PIPE, start_new_session=True)
            _children[os.getpid()] = child
            atexit.register(_end, os.getpid())
        child.stdin.write(f"{line}\n".encode())
        child.stdin.flush()


def _end(pid):
    if pid == os.getpid():
        _children[pid].stdin.close()
        _children[pid].wait()


def inside(folder):
    """The processes that work in FOLDER or below it."""
    found = []
    for one in pathlib.Path("/proc").iterdir():
        if one.name.isdigit() and int(one.name) != os.getpid():
            try:
                where = pathlib.Path(os.readlink(one / "cwd").removesuffix(" (deleted)"))
            except OSError:
                continue
            if where == folder or folder in where.parents:
                found.append(int(one.name))
    return found


def kill_inside(folder):
    """Kills all of them at one moment, as a power cut does, and waits until they are gone."""
    folder = pathlib.Path(folder)
    for number in (signal.SIGSTOP, signal.SIGKILL):  # stopped first: none of them sees another's end
        for pid in inside(folder):
            _signal(pid, number, group=False)
    deadline = time.monotonic() + 10
    while (left := inside(folder)) and time.monotonic() < deadline:
        for pid in left:  # whatever was made in between
            _signal(pid, signal.SIGKILL, group=False)
        time.sleep(0.01)


def born(pid):
    """When that process started, by which it is told from a later one of the same number; None: it is gone."""
    try:
        return pathlib.Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[19]
    except OSError:
        return None


def _signal(pid, number, group):
    try:
        (os.killpg if group else os.kill)(pid, number)
    except (ProcessLookupError, PermissionError):
        pass


def _main():
    for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
        signal.signal(number, signal.SIG_IGN)
    left = {}
    for line in sys.stdin:
        what, _, name = line.rstrip("\n").partition(" ")
        if what[0] == "+":
            left[what[1:], name] = born(name)
        else:
            left.pop((what[1:], name), None)
    for (what, name), when in left.items():
        if what == "group" and when and born(name) == when:
            _signal(int(name), signal.SIGKILL, group=True)
    for what, name in left:
        if what == "folder":
            kill_inside(name)
            shutil.rmtree(name, ignore_errors=True)


if __name__ == "__main__":
    _main()
