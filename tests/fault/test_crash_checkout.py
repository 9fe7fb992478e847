"""SIGKILL at every named point of hosted checkout; then a restart: a page is paid once, or nobody can pay on it any more."""
import re
import time

import pytest
import requests
from conftest import ON_POSTGRES, rows, wait_for

PEOPLE = [{"email_address_prefix": "ann", "first_name": "Ann", "last_name": "Lee"}]
ITEMS = [{"domain": "crash-page.com", "email_provider": 1, "accounts": PEOPLE}]
KEY = {"Idempotency-Key": "once"}


def serve(fresh, **settings):
    server = fresh(checkout="on")
    server.cli("card", "remove")
    server.cli("key", "create", "--scope", "all:all")
    if settings:
        server.restart(**settings)
    return server


def order(server):
    """The answer, or None when the server died before giving one."""
    try:
        return server.order(ITEMS, headers=KEY)
    except requests.RequestException:
        return None


def pages(server):
    """What may still be paid on or was paid, by the bank's book."""
    return rows(server, "SELECT reference FROM pages WHERE is_closed = 0", file="sandbox.db")


def states(server):
    return [row[0] for row in rows(server, "SELECT state FROM orders ORDER BY id")]


def pay(server, answer):
    url = re.sub(r"^http://[^/]*", server.base, answer["checkout_url"])
    try:
        return requests.post(url, data={"card": "tok_visa"}, timeout=60)
    except requests.RequestException:
        return None


def expect_paid_once(server):
    wait_for("the order", lambda: states(server)[-1:] == ["placed"])
    assert rows(server, "SELECT count(*), sum(amount) FROM charges WHERE decline = 0", file="sandbox.db") == [(1, 2000)]
    assert rows(server, "SELECT count(*), sum(amount) FROM payments WHERE state = 'succeeded'") == [(1, 2000)]
    assert [account["email"] for account in server.wait_accounts(1)] == ["ann@crash-page.com"]
    assert rows(server, "SELECT driver, last4 FROM cards") == [("sandbox", "4242")]
    server.cli("ledger", "check")


@pytest.mark.parametrize("point", ["place.reserved", "checkout.opened"])
def test_a_page_that_nobody_heard_of_is_closed(fresh, point):
    server = serve(fresh, crash_at=point)
    assert order(server) is None
    server.wait_dead()
    assert len(pages(server)) == (point == "checkout.opened")
    server.restart()
    if ON_POSTGRES:  # once the lease is over
        wait_for("the end", lambda: states(server) == ["payment_failed"] and "checkout_required" in order(server))
    else:
        assert states(server) == ["payment_failed"]
    assert len(pages(server)) == ON_POSTGRES
    answer = order(server)
    assert answer["checkout_required"], "names and key are free again"
    assert pay(server, answer).status_code == 200
    expect_paid_once(server)


def test_the_answer_of_a_page_that_is_open_is_kept(fresh):
    server = serve(fresh, crash_at="checkout.kept")
    assert order(server) is None
    server.wait_dead()
    server.restart()
    response = server.post_order(ITEMS, headers=KEY)
    assert response.headers["Idempotency-Replayed"] == "true" and states(server) == ["reserved"]
    assert response.json()["checkout_required"] and response.json()["cart_order_id"]
    pay(server, response.json())
    expect_paid_once(server)


@pytest.mark.parametrize("point,count", [("checkout.paid", 1), ("checkout.asked", 2), ("checkout.ended", 2)])
def test_killed_between_payment_and_answer(fresh, point, count):
    """The bank has the money; its notice was lost, or half taken. The first time is the look at start."""
    server = serve(fresh)
    answer = order(server)
    # Beside other nodes a start looks at nothing before its time.
    server.restart(crash_at=point, crash_at_count=1 if ON_POSTGRES else count)
    wait_for("the look at start", lambda: rows(
        server, "SELECT 1 FROM orders WHERE settle_after_ms > ?", int(time.time() * 1000) + 30000))
    assert pay(server, answer) is None
    server.wait_dead()
    assert rows(server, "SELECT count(*) FROM charges", file="sandbox.db") == [(1,)]
    server.restart()
    if ON_POSTGRES:  # the next look comes a minute after the page was opened
        server.cli("clock", "advance", "1m", "--no-wait")
    expect_paid_once(server)
    assert "<h1>Paid</h1>" in pay(server, answer).text
    expect_paid_once(server)


@pytest.mark.parametrize("point", ["settle.claimed", "checkout.asked", "checkout.ended"])
def test_killed_while_closing(fresh, point):
    server = serve(fresh, crash_at=point)
    order(server)
    server.cli("clock", "advance", "31m", "--no-wait")
    server.wait_dead()
    server.restart(lease_ms=1000)
    wait_for("the end", lambda: states(server) == ["payment_failed"])
    assert pages(server) == [] and rows(server, "SELECT count(*) FROM domains") == [(0,)]
    assert "checkout_url" in order(server), "the stored answer; its page is closed"
    assert rows(server, "SELECT count(*) FROM charges", file="sandbox.db") == [(0,)]
