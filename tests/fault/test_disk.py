"""A disk that is full or read-only: orders are refused with 503, nothing is half done, and it goes on afterwards."""
import contextlib
import os
import random
import resource
import shutil
import subprocess
import time

import pytest

from books import Load, expect_agreement, item, open_work, placed_domains
from conftest import LIMIT, database, wait_for

pytestmark = pytest.mark.sqlite("its disk is the server's own")
ITEM = {"domain": "disk-full.com", "accounts": [{"email_address_prefix": "a", "first_name": "A", "last_name": "B"}]}


def limit_files(server, size):
    """No file of the server may grow beyond SIZE bytes; what a full disk looks like to it."""
    soft, hard = resource.prlimit(server.pid, resource.RLIMIT_FSIZE)
    resource.prlimit(server.pid, resource.RLIMIT_FSIZE, (size if size is not None else hard, hard))
    return soft


def charged(server):
    with database(server, "sandbox.db") as db:
        return db.execute("SELECT count(*) FROM charges WHERE decline = 0").fetchone()[0]


def test_full_disk(fresh):
    server = fresh()
    limit_files(server, 1)
    response = server.post_order([ITEM])
    assert response.status_code == 503, response.text
    assert response.json()["error"] == "Service Unavailable" and int(response.headers["Retry-After"]) >= 1
    assert server.request("GET", "/readyz").status_code == 503
    assert server.request("GET", "/healthz").status_code == 200
    assert server.order([ITEM], simulation=True)["order_is_valid"], "reading goes on"
    assert charged(server) == 0

    limit_files(server, None)
    assert server.request("GET", "/readyz").status_code == 200
    assert server.order([ITEM])["order_placed"]
    server.wait_accounts(1)
    assert charged(server) == 1


def test_read_only_folder(fresh, tmp_path):
    if os.getuid() == 0:
        pytest.skip("root writes anywhere")
    folder = tmp_path / "read-only"
    folder.mkdir(mode=0o500)
    server = fresh(dir=folder, expect_start=False)
    server.wait_dead()
    assert str(folder) in server.log()


FILES = ["dfyd.db", "dfyd.db-wal", "sandbox.db", "sandbox.db-wal"]


@pytest.mark.parametrize("token,keyed", [("tok_visa", False), ("tok_visa", True), ("tok_lost", True),
                                         ("tok_declined", True)])
def test_disk_that_fills_up_again_and_again(fresh, token, keyed):
    """Full at any moment and at any byte, while many order: then the books agree, without a restart."""
    server = fresh(lease_ms=1000, retry_max_ms=500, log_level="error")
    server.cli("card", "set", "--workspace", "default", "--token", token, "--name", "Jane Doe")
    load = Load(server, keyed=keyed)
    chance = random.Random(f"{token} {keyed}")
    until = time.monotonic() + 3
    while time.monotonic() < until or (not (load.domains(503) and load.domains(200)) and time.monotonic() < until + LIMIT):
        file = server.dir / chance.choice(FILES)
        size = file.stat().st_size if file.exists() else 0
        limit_files(server, max(1, chance.choice([0, size]) + chance.choice([0, 1, 4096, 8192, 20000, 50000])))
        time.sleep(chance.choice([0.002, 0.01, 0.05]))
        assert server.request("GET", "/healthz").status_code == 200
        limit_files(server, None)
        time.sleep(chance.choice([0.002, 0.01, 0.05]))
    load.stop()
    assert server.request("GET", "/readyz").status_code == 200
    assert load.domains(200, 409, 503) == set(load.told), "nothing but an answer, a refusal, or one that still runs"
    assert load.domains(503) and load.domains(200), "the disk was full at times, and at times not"

    wait_for("the end of all work", lambda: not open_work(server))
    expect_agreement(server)
    placed = placed_domains(server)
    assert load.placed() <= placed
    assert bool(placed) == (token != "tok_declined")
    # Who was told 503 may order again, unless the answer said that the order is settled by itself.
    for domain in sorted(load.domains(503) - placed)[:3]:
        server.cli("card", "set", "--workspace", "default", "--token", "tok_visa", "--name", "Jane Doe")
        assert server.order([item(domain)])["order_placed"]


def test_key_that_a_full_disk_kept_is_given_back(fresh):
    """Room for the claim of an Idempotency-Key and no more: once there is room, the key is free without a request."""
    server = fresh(log_level="warn")
    server.cli("card", "set", "--workspace", "default", "--token", "tok_visa", "--name", "Jane Doe")
    assert server.request("GET", "/readyz").status_code == 200
    log = server.dir / "dfyd.db-wal"

    def order(name):
        return server.post_order([{**ITEM, "domain": name}], headers={"Idempotency-Key": name})

    for pages in [*range(1, 9)] * 3:  # how many a claim writes is SQLite's affair
        name = f"kept-{pages}-{log.stat().st_size}.com"
        limit_files(server, log.stat().st_size + pages * 4120)
        assert order(name).status_code == 503
        kept = open_work(server)
        limit_files(server, None)
        if kept:
            break
    assert kept == [(name,)] and "idempotency_key_not_dropped" in server.log()
    wait_for("the key to be given back", lambda: not open_work(server))
    assert order(name).json()["order_placed"]


@pytest.fixture
def small_disk(tmp_path):
    """A file system of 160 MiB: some times what the orders of a test need."""
    folder = tmp_path / "disk"
    folder.mkdir()
    if os.getuid() != 0 or subprocess.run(["mount", "-t", "tmpfs", "-o", "size=160m", "dfyd-test", str(folder)],
                                          capture_output=True, check=False).returncode != 0:
        pytest.skip("mounting needs root")
    yield folder
    subprocess.run(["umount", "-l", str(folder)], check=True)


def fill(file):
    """Lets FILE, an empty one, take all the room that is left."""
    for size in [1 << 20, 4096]:
        with contextlib.suppress(OSError):  # full
            while True:
                os.posix_fallocate(file.fileno(), os.fstat(file.fileno()).st_size, size)


def test_file_system_that_is_full(small_disk, fresh):
    """Not one file at its limit, but no room for anybody: also not for the files that SQLite maps."""
    server = fresh(dir=small_disk / "data", lease_ms=1000, retry_max_ms=500, log_level="error")
    load = Load(server)
    ballast = small_disk / "ballast"
    for _ in range(20):
        with open(ballast, "wb") as file:
            fill(file)
            full_at = load.answers
            wait_for("answers on a full disk", lambda: load.answers >= full_at + 20)
        ballast.unlink()
        seen = load.answers
        wait_for("answers with room", lambda: load.answers >= seen + 5)
    load.stop()
    assert load.domains(200, 503) == set(load.told) and load.domains(503) and load.domains(200)
    assert shutil.disk_usage(small_disk).free > 32 << 20, "the orders themselves fill the disk: it is too small for this test"
    wait_for("the end of all work", lambda: not open_work(server))
    expect_agreement(server)
    assert load.placed() <= placed_domains(server)


def test_started_on_a_full_disk(small_disk, fresh, cli):
    with open(small_disk / "ballast", "wb") as file:
        fill(file)
    done = cli("serve", "--data", str(small_disk / "data"), "--listen", "127.0.0.1:0")
    assert done.returncode == 1 and len(done.stderr.splitlines()) == 1
    assert "full" in done.stderr or "No space left" in done.stderr, done.stderr
    (small_disk / "ballast").unlink()
    server = fresh(dir=small_disk / "data")
    assert server.order([ITEM])["order_placed"]
