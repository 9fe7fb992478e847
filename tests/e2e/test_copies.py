"""A hundred copies of one request with one Idempotency-Key: one order, one charge, also across SIGKILL and a restart."""
import threading
from collections import Counter
from concurrent.futures import ThreadPoolExecutor

import pytest
import requests

from conftest import ON_POSTGRES, ORDERS, database, rows, wait_for

COPIES = 100
HEADERS = {"Idempotency-Key": "a-hundred"}
ITEMS = [{"domain": "copies.com", "email_provider": 1, "accounts": [
    {"email_address_prefix": "ann", "first_name": "Ann", "last_name": "Doe"}]}]


def send_copies(server):
    """The answers; None where the server died before it gave one."""
    gate = threading.Barrier(COPIES)

    def send(_):
        gate.wait()
        try:
            return server.post_order(ITEMS, headers=HEADERS)
        except requests.ConnectionError:
            return None

    with ThreadPoolExecutor(COPIES) as pool:
        return list(pool.map(send, range(COPIES)))


def expect_one(server):
    """One order in dfyd's books, one charge in the bank's, and the ledger is proved."""
    assert [(order["domain"]) for order in server.pages(ORDERS)] == ["copies.com"]
    with database(server, "sandbox.db") as bank:
        assert bank.execute("SELECT COUNT(*), SUM(amount) FROM charges WHERE decline = 0").fetchone() == (1, 2000)
    with database(server) as db:
        assert db.execute("SELECT COUNT(*) FROM orders WHERE state = 'placed'").fetchone() == (1,)
        assert db.execute("SELECT COUNT(*), SUM(amount) FROM payments").fetchone() == (1, 2000)
    server.cli("ledger", "check")


def test_a_hundred_copies(fresh):
    server = fresh()
    answers = send_copies(server)
    placed = [answer for answer in answers if answer.status_code == 200]
    told = Counter((answer.status_code, answer.headers.get("Idempotency-Replayed")) for answer in answers)
    assert told.pop((200, None)) == 1 and set(told) <= {(200, "true"), (409, None)}, told
    assert len({answer.content for answer in placed}) == 1 and placed[0].json()["order_placed"]
    expect_one(server)
    server.restart()
    again = send_copies(server)
    assert {(answer.status_code, answer.headers["Idempotency-Replayed"]) for answer in again} == {(200, "true")}
    assert {answer.content for answer in again} == {placed[0].content}
    expect_one(server)


@pytest.mark.parametrize("point", ["place.reserved", "place.charged", "place.settled"])
def test_a_hundred_copies_of_which_one_was_killed(fresh, point):
    """Whoever did it told nobody; once its order has an end all copies are told the same, and paid once at most."""
    server = fresh(crash_at=point)
    answers = send_copies(server)
    server.wait_dead()
    told = {(answer.status_code, answer.headers.get("Idempotency-Replayed")) for answer in answers if answer is not None}
    # Once it is settled its answer is stored: a copy may be told before the one that did it dies.
    assert told <= {(409, None), *([(200, "true")] if point == "place.settled" else [])}, told
    replayed = {answer.content for answer in answers if answer is not None and answer.status_code == 200}
    server.restart()
    if ON_POSTGRES:  # what it held may be another node's: a start ends nothing before its lease is over
        wait_for("the end of the order", lambda: not rows(server, "SELECT id FROM orders WHERE state = 'reserved'"))
    again = send_copies(server)
    told = Counter((answer.status_code, answer.headers.get("Idempotency-Replayed")) for answer in again)
    assert told[200, None] == (point == "place.reserved"), told
    assert set(told) <= {(200, None), (200, "true"), (409, None)}, told
    assert {answer.json()["order_placed"] for answer in again if answer.status_code == 200} == {True}
    assert replayed <= {answer.content for answer in again}
    expect_one(server)
