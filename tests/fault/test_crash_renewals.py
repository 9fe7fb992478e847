"""SIGKILL at every named point of a renewal: after the restart it was charged once, and everything says so."""

import pytest
from conftest import rows, wait_for

PEOPLE = [{"email_address_prefix": p, "first_name": p.title(), "last_name": "Doe"} for p in ("ann", "ben")]
POINTS = ["renew.collected", "renew.claimed", "renew.started", "renew.charged", "renew.recorded"]


def ordered(fresh, card):
    """A server with an order of two mailboxes, and CARD for its renewals."""
    server = fresh()
    assert server.order([{"domain": "renew-crash.com", "accounts": PEOPLE}])["order_placed"]
    server.wait_accounts(2)
    server.cli("card", "set", "--token", card, "--name", "Ann Doe")
    return server


def kill_at(server, point, count=1):
    """On the way 64 days ahead, over one or two renewals."""
    server.restart(crash_at=point, crash_at_count=count)
    server.cli("clock", "advance", "64d", "--no-wait")
    server.wait_dead()


def wait_arrived(server):
    wait_for("the clock", lambda: rows(server, "SELECT ahead_ms = target_ahead_ms FROM sandbox_clock") == [(1,)])


def check_books(server):
    charged = rows(server, "SELECT COUNT(*), SUM(amount) FROM charges WHERE decline = 0", file="sandbox.db")[0]
    renewals = rows(server, "SELECT COUNT(*) FROM renewals WHERE state = 'paid'")[0][0]
    assert charged == (1 + renewals, 2500 + 1000 * renewals)
    assert rows(server, "SELECT COUNT(*), SUM(amount) FROM payments WHERE state = 'succeeded'") == [charged]
    assert rows(server, "SELECT SUM(amount) FROM ledger_entries WHERE account = 'cash/sandbox'") == [(charged[1],)]
    assert rows(server, "SELECT COUNT(*) FROM invoices") == [(1 + renewals,)]
    assert rows(server, "SELECT 1 FROM renewal_items GROUP BY account_id, from_ms HAVING COUNT(*) > 1") == []
    assert rows(server, "SELECT COUNT(*) FROM events WHERE type = 'dfy_renewal_succeeded'") == [(renewals,)]
    server.cli("ledger", "check")
    return renewals


@pytest.mark.parametrize("point,card", [(point, "tok_visa") for point in POINTS] + [
    ("renew.charged", "tok_lost"), ("renew.closed", "tok_lost")])
def test_killed_while_renewing(fresh, point, card):
    server = ordered(fresh, card)
    kill_at(server, point)
    server.restart()
    wait_arrived(server)
    assert check_books(server) >= 1
    assert rows(server, "SELECT DISTINCT state FROM renewals") == [("paid",)]
    assert rows(server, "SELECT COUNT(*) FROM events WHERE type = 'dfy_renewal_failed'") == [(0,)]


@pytest.mark.parametrize("point", ["renew.charged", "renew.recorded"])
def test_killed_while_declined(fresh, point):
    """A decline that was not recorded is asked for anew; one that was is tried a day later."""
    server = ordered(fresh, "tok_declined")
    kill_at(server, point)
    day = rows(server, "SELECT day_ms FROM renewals")[0][0]
    server.cli("card", "set", "--token", "tok_visa", "--name", "Ann Doe")
    server.restart()
    wait_arrived(server)
    assert check_books(server) >= 1
    failed = rows(server, "SELECT COUNT(*) FROM events WHERE type = 'dfy_renewal_failed'")[0][0]
    assert failed == (point == "renew.recorded")
    paid_ms = rows(server, "SELECT due_ms FROM renewals ORDER BY id LIMIT 1")[0][0]
    assert (paid_ms - day) // 86400000 == failed


def test_killed_again_and_again(fresh):
    server = ordered(fresh, "tok_visa")
    kill_at(server, "renew.collected")
    for point in ("renew.claimed", "renew.started", "renew.charged", "renew.closed", "renew.recorded"):
        server.restart(crash_at=point, expect_start=False)
        server.wait_dead()
    server.restart()
    wait_arrived(server)
    assert check_books(server) >= 1
