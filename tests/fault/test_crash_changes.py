"""SIGKILL while a client cancels mailboxes or changes a forwarding; then a restart, and both sides must agree."""

import pytest
import requests
from conftest import ORDERS, database, wait_for

DOMAIN = "crash-change.com"
PEOPLE = [{"email_address_prefix": p, "first_name": p.title(), "last_name": "Doe"} for p in ("ann", "ben")]
EMAILS = [f"{p['email_address_prefix']}@{DOMAIN}" for p in PEOPLE]
FORWARDING = f"/api/v2/domains/{DOMAIN}/forwarding"


def outside(server, sql):
    with database(server, "sandbox.db") as db:
        return {row[0] for row in db.execute(sql)}


def mailboxes(server):
    return outside(server, "SELECT email FROM mailboxes")


def addresses(server):
    return outside(server, "SELECT name FROM rrsets WHERE type = 'A'")


def ended(server):
    with database(server) as db:
        return db.execute("SELECT count(*) FROM steps WHERE state NOT IN ('done', 'failed', 'skipped')").fetchone()[0] == 0


@pytest.fixture
def sold(fresh):
    """A server with DOMAIN and its mailboxes ready, stopped; start it with restart."""
    def make(**more):
        server = fresh()
        assert server.order([{"domain": DOMAIN, "accounts": PEOPLE, **more}])["order_placed"]
        server.wait_accounts(2)
        wait_for("all steps have ended", lambda: ended(server))
        return server
    return make


def dies(server, method, path, body=None):
    with pytest.raises(requests.RequestException):
        server.request(method, path, json=body)
    server.wait_dead()


def cancel(server, emails):
    return server.request("POST", ORDERS + "/accounts/cancel", json={"accounts": emails})


def test_killed_after_cancelling(sold):
    """Cancelled and not answered: the client asks again and gets the first time; the mailboxes are removed."""
    server = sold()
    server.restart(crash_at="cancel.recorded")
    dies(server, "POST", ORDERS + "/accounts/cancel", {"accounts": EMAILS})
    with database(server) as db:
        assert db.execute("SELECT count(*) FROM accounts WHERE state = 'cancelled'").fetchone()[0] == 2
    server.restart()
    wait_for("the mailboxes are removed", lambda: mailboxes(server) == set())
    items = cancel(server, EMAILS).json()["items"]
    assert [a["email"] for a in items] == EMAILS and all(a["timestamp_cancelled"] for a in items)
    [order] = server.pages(ORDERS)
    assert order["timestamp_cancelled"] == items[0]["timestamp_cancelled"]


@pytest.mark.parametrize("point,count", [("step.claimed", 1), ("step.acted", 1), ("step.acted", 2),
                                         ("step.recorded", 1), ("step.recorded", 2)])
def test_killed_while_removing(sold, point, count):
    server = sold()
    server.restart(crash_at=point, crash_at_count=count)
    try:
        assert cancel(server, EMAILS).status_code == 200
    except requests.RequestException:
        pass  # it can die before it has answered
    server.wait_dead()
    server.restart()
    wait_for("the mailboxes are removed", lambda: mailboxes(server) == set())
    wait_for("the removals have ended", lambda: ended(server))


def test_killed_while_a_cancelled_mailbox_is_made(fresh):
    """The worker dies in the middle of making it; after the restart it is not made again, and not left over."""
    server = fresh(crash_at="step.acted", crash_at_count=3)
    server.order_and_die([{"domain": DOMAIN, "accounts": PEOPLE}])
    server.restart(worker_threads=1, lease_ms=1000)
    assert cancel(server, EMAILS).status_code == 200
    wait_for("all steps have ended", lambda: ended(server))
    assert mailboxes(server) == set()
    assert server.ready_accounts() == []


@pytest.mark.parametrize("point", ["forward.intended", "forward.acted", "forward.recorded"])
@pytest.mark.parametrize("method,before", [("PUT", None), ("PUT", "old.net"), ("DELETE", "old.net")])
def test_killed_while_forwarding_changes(sold, point, method, before):
    """The intent was durable: a worker ends what the client began, once."""
    server = sold(**({"forwarding_domain": before} if before else {}))
    server.restart(crash_at=point)
    body = {"forwarding_domain": "new.net", "forwarding_mode": "stealth"} if method == "PUT" else None
    dies(server, method, FORWARDING, body)
    server.restart()
    wait_for("all steps have ended", lambda: ended(server))
    wanted = ("new.net", "stealth") if method == "PUT" else (None, None)
    got = server.request("GET", FORWARDING).json()
    assert (got["forwarding_domain"], got["forwarding_mode"]) == wanted
    assert addresses(server) == ({DOMAIN, "www." + DOMAIN} if method == "PUT" else set())
    with database(server) as db:
        assert db.execute("SELECT count(*) FROM audit_logs WHERE activity LIKE 'forwarding%'").fetchone()[0] == 1
        assert db.execute("SELECT count(*) FROM forwarding_changes").fetchone()[0] == 0
