"""Calls and work by one process, or apart: `dfyd serve`, `dfyd serve --no-worker`, `dfyd work`."""
import re
import signal
import socket
import subprocess

import pytest

from conftest import LIMIT, ON_POSTGRES, binary, environment, wait_for
from contract import item, make_client


class Process:
    """`dfyd ARGS` until the end of the block; `line` is the first that it prints, `status` how it ended."""

    def __init__(self, dir, *args):
        self.log_path = dir / f"{args[0]}.log"
        with open(self.log_path, "ab") as log:
            self.process = subprocess.Popen([binary(), *args, "--data", str(dir)], stdout=subprocess.PIPE, stderr=log, text=True,
                                            env=environment("--data", dir))
        self.line = self.process.stdout.readline()
        self.status = None

    def log(self):
        return self.log_path.read_text()

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.process.send_signal(signal.SIGTERM)
        self.status = self.process.wait(LIMIT)
        self.process.stdout.close()


def test_what_one_took_another_delivers(fresh):
    server = fresh(worker="off", retry_base_ms=10)
    client = make_client(server)
    domain = client.placed([item()])["order_items"][0]["domain"]
    wait_for("a warning, where nobody else can work", lambda: ON_POSTGRES or "event=no_worker " in server.log())
    assert "roles=api\n" in server.log()
    assert re.search(r"^state +provisioning$", server.cli("domain", "show", domain), re.M)
    server.stop()
    with Process(server.dir, "work", "--retry-base-ms", "10") as worker:
        assert worker.line == "working\n"
        wait_for("the mailbox", lambda: re.search(r"^state +ready$", server.cli("domain", "show", domain), re.M))
    assert worker.status == 0
    assert "event=started " in worker.log() and "roles=worker\n" in worker.log()
    assert "event=stopping " in worker.log() and "event=stopped " in worker.log()


def test_the_flag_is_the_setting(fresh, tmp_path):
    server = fresh()
    server.stop()
    with Process(server.dir, "serve", "--no-worker", "--listen", "127.0.0.1:0") as other:
        assert other.line.startswith("listening on ")
        wait_for("a warning, where nobody else can work", lambda: ON_POSTGRES or "event=no_worker " in other.log())
    assert other.status == 0


@pytest.mark.sqlite("any number of processes work on a shared database")
def test_on_sqlite_one_process_works_on_a_folder(fresh):
    server = fresh()
    done = server.run("work")
    assert done.returncode == 1 and done.stdout == ""
    assert f"another dfyd serves {server.dir} (pid {server.pid})" in done.stderr
    assert "on SQLite one process does all the work" in done.stderr
    server.stop()
    with Process(server.dir, "work") as worker:
        done = server.run("serve", "--listen", "127.0.0.1:0")
        assert done.returncode == 1 and f"another dfyd serves {server.dir} (pid {worker.process.pid})" in done.stderr


def nodes(server):
    """The rows of `dfyd node list`, with the cells of each."""
    lines = server.cli("node", "list").splitlines()
    assert re.split(r"  +", lines[0].strip()) == ["NAME", "ID", "ROLES", "VERSION", "SCHEMA", "STARTED", "LAST SEEN", "STATE"]
    return [re.split(r"  +", line.strip()) for line in lines[1:]]


@pytest.mark.sqlite("its node holds the folder's lock, so that it is known at once when it was killed")
def test_the_one_node_of_sqlite_is_listed(fresh):
    server = fresh(node_name="berlin-1", edge_listen="127.0.0.1:0")
    (row,) = nodes(server)
    assert row[0] == "berlin-1" and row[2] == "api worker edge" and row[-1] == "alive"
    server.kill()
    (killed,) = nodes(server)
    assert killed[1] == row[1] and killed[-1] == "was killed"
    server.start(worker="off")
    (other,) = nodes(server)
    assert other[1] != row[1] and other[2] == "api edge" and other[-1] == "alive"
    server.stop()
    assert nodes(server) == []


def test_a_node_is_called_like_its_host(fresh):
    assert nodes(fresh())[0][0] == socket.gethostname()
