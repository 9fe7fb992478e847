"""A data folder that is not fit to be served: one line that says why, exit 1. And a folder that is taken, or changed while it is served."""
import os
import sqlite3
import subprocess

import pytest

from books import item
from conftest import Server, binary, copy_data, environment, rows

GARBAGE = bytes(range(256)) * 400


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    """The data of a server that was used and stopped."""
    server = Server(tmp_path_factory.mktemp("start") / "data")
    server.start()
    assert server.order([item("start.com")])["order_placed"]
    server.wait_accounts(2)
    server.stop()
    server.log_path().unlink()
    return server.dir


@pytest.fixture
def copy(folder, tmp_path):
    return copy_data(folder, tmp_path / "data")


def contents(folder):
    return {path.name: path.read_bytes() for path in folder.iterdir() if path.is_file()}


def expect_refusal(folder, words):
    done = subprocess.run([binary(), "serve", "--data", str(folder), "--listen", "127.0.0.1:0"], capture_output=True,
                          timeout=60, check=False, env=environment("--data", folder))
    said = done.stderr.decode("utf-8")
    assert done.returncode == 1, said
    assert said.startswith("dfyd: ") and said.count("\n") == 1 and words in said, said


def replace(name, data):
    def change(folder):
        (folder / name).write_bytes(data)
    return change


def cut(name, size):
    def change(folder):
        os.truncate(folder / name, size)
    return change


def exchange(name, old, new):
    def change(folder):
        (folder / name).write_bytes((folder / name).read_bytes().replace(old, new))
    return change


def damage(name, start, end):
    def change(folder):
        data = bytearray((folder / name).read_bytes())
        data[start:end] = GARBAGE[:end - start]
        (folder / name).write_bytes(data)
    return change


def remove(*names):
    def change(folder):
        for name in names:
            (folder / name).unlink()
    return change


def make_folder(name):
    def change(folder):
        (folder / name).unlink()
        (folder / name).mkdir()
    return change


def make_pipe(name):
    def change(folder):
        (folder / name).unlink()
        os.mkfifo(folder / name, 0o600)
    return change


def sql(name, text):
    def change(folder):
        db = sqlite3.connect(folder / name)
        db.executescript(text)
        db.close()
    return change


CASES = {
    "database: garbage": (replace("dfyd.db", GARBAGE), "the database is damaged"),
    "database: cut short": (cut("dfyd.db", 4096), "the database is damaged"),
    "database: damaged schema": (damage("dfyd.db", 3000, 4096), "the database is damaged"),
    "database: a name that is no text": (exchange("dfyd.db", b"tablestepssteps", b"tablest\xe6\x9bsst\xe6\x9bs"),
                                         "the database is damaged (malformed database schema (st??s)"),
    "database: a table is gone": (sql("dfyd.db", "DROP TABLE steps"), "the database is damaged"),
    "database: another program's": (lambda folder: (remove("dfyd.db")(folder), sql("dfyd.db", "CREATE TABLE orders (a)")(folder)),
                                    "table orders already exists"),
    "database: of a later version": (sql("dfyd.db", "INSERT INTO schema_version VALUES (999, 'later', 998)"), "newer"),
    "database: gone": (remove("dfyd.db"), "restore"),
    "database: emptied": (replace("dfyd.db", b""), "restore"),
    "database: a folder": (make_folder("dfyd.db"), "dfyd.db"),
    "database: a pipe": (make_pipe("dfyd.db"), "database"),
    "key: gone": (remove("secret.key"), "secret.key is missing: restore it"),
    "key: empty": (replace("secret.key", b""), "secret.key is not a key"),
    "key: too long": (replace("secret.key", b"x" * 33), "secret.key is not a key"),
    "key: another": (replace("secret.key", b"x" * 32), "secret.key is not the key of this database"),
    "key: for all to read": (lambda folder: os.chmod(folder / "secret.key", 0o644), "chmod 600"),
    "key: a folder": (make_folder("secret.key"), "secret.key is not a file"),
    "key: a pipe": (make_pipe("secret.key"), "secret.key is not a file"),
    "sandbox: garbage": (replace("sandbox.db", GARBAGE), "sandbox.db"),
    "sandbox: cut short": (cut("sandbox.db", 4096), "sandbox.db"),
    "sandbox: damaged schema": (damage("sandbox.db", 3000, 4096), "sandbox.db"),
    "sandbox: a folder": (make_folder("sandbox.db"), "sandbox.db"),
    "generation: a folder": (make_folder("generation"), "generation"),
    "lock: a folder": (make_folder("lock"), "lock"),
}


SQLITES = {name: case for name, case in CASES.items() if name.partition(":")[0] in ("database", "generation", "lock")}


@pytest.mark.parametrize("change,words", [
    pytest.param(*case, id=name, marks=[pytest.mark.sqlite("its file, or one beside it")] if name in SQLITES else [])
    for name, case in CASES.items()])
def test_unfit_folder(copy, change, words):
    change(copy)
    before = contents(copy)
    expect_refusal(copy, words)
    after = contents(copy)
    assert after.get("secret.key") == before.get("secret.key")
    assert ("dfyd.db" in after) == ("dfyd.db" in before), "no empty database in the place of a lost one"


@pytest.mark.sqlite("what stands beside its file")
@pytest.mark.parametrize("change", [remove("generation"), remove("lock"), replace("generation", b"x"),
                                    replace("lock", GARBAGE)])
def test_what_can_be_made_again(fresh, copy, change):
    change(copy)
    server = fresh(dir=copy)
    assert len(server.wait_accounts(2)) == 2
    assert server.order([item("again.com")])["order_placed"]


@pytest.mark.sqlite("nodes may share a folder")
def test_second_server(fresh):
    server = fresh()
    expect_refusal(server.dir, f"another dfyd serves {server.dir} (pid {server.pid})")
    # A lock file that somebody took for a left-over.
    (server.dir / "lock").unlink()
    expect_refusal(server.dir, f"another dfyd serves {server.dir}")
    assert server.order([item("second.com")])["order_placed"]
    server.stop()
    server.start()


@pytest.mark.sqlite("its file")
def test_database_removed_from_under_it(fresh):
    """What is written to a file without a name is lost at the next start: no order is taken."""
    server = fresh(lease_ms=1000)
    key = server.key
    assert server.order([item("before.com")])["order_placed"]
    server.wait_accounts(2)
    kept = server.dir / "elsewhere"
    os.rename(server.dir / "dfyd.db", kept)
    for number in range(40):  # many threads, some of which open the database only now
        response = server.post_order([item(f"removed-{number}.com")])
        assert response.status_code == 503, response.text
    assert server.request("GET", "/readyz").status_code == 503
    assert server.request("GET", "/healthz").status_code == 200
    assert not (server.dir / "dfyd.db").exists()
    assert rows(server, "SELECT count(*) FROM charges", file="sandbox.db") == [(1,)]
    os.rename(kept, server.dir / "dfyd.db")
    assert server.request("GET", "/readyz").status_code == 200
    assert server.order([item("after.com")])["order_placed"]
    assert key == server.key
