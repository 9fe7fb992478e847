"""A disk that is full or read-only: orders are refused with 503, nothing is half done, and it goes on afterwards."""
import os
import resource
import sqlite3

import pytest

ITEM = {"domain": "disk-full.com", "accounts": [{"email_address_prefix": "a", "first_name": "A", "last_name": "B"}]}


def limit_files(server, size):
    """No file of the server may grow beyond SIZE bytes; what a full disk looks like to it."""
    soft, hard = resource.prlimit(server.pid, resource.RLIMIT_FSIZE)
    resource.prlimit(server.pid, resource.RLIMIT_FSIZE, (size if size is not None else hard, hard))
    return soft


def charged(server):
    with sqlite3.connect(f"file:{server.dir}/sandbox.db?mode=ro", uri=True) as db:
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
