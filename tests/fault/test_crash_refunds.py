"""SIGKILL while money is given back: after the restart it was given back once, and the books say so."""

import pytest
import requests
from conftest import rows, wait_for

PEOPLE = [{"email_address_prefix": "ann", "first_name": "Ann", "last_name": "Doe"}]


@pytest.mark.parametrize("point", ["refund.claimed", "refund.acted", "refund.recorded"])
def test_killed_while_refunding(fresh, point):
    server = fresh(swap_hours=0, crash_at=point)
    server.order_and_die([{"domain": "refused-crash.com", "accounts": PEOPLE}])
    server.restart()
    wait_for("the refund", lambda: rows(server, "SELECT state, amount FROM refunds") == [("done", 2000)])
    assert rows(server, "SELECT amount FROM refunds", file="sandbox.db") == [(2000,)]
    assert rows(server, "SELECT account, SUM(amount) FROM ledger_entries WHERE account NOT LIKE 'revenue/%'"
                                   " GROUP BY account HAVING SUM(amount) <> 0") == [("refunds", 2000)]
    assert rows(server, "SELECT COUNT(*) FROM invoices WHERE kind = 'credit_note'") == [(1,)]
    server.cli("ledger", "check")


def test_killed_after_swapping(fresh):
    """Durable and not answered: the client asks again and is told what was done; nothing goes back."""
    server = fresh(crash_at="swap.recorded")
    assert server.order([{"domain": "refused-crash.com", "accounts": PEOPLE}])["order_placed"]
    wait_for("the refund", lambda: rows(server, "SELECT state FROM refunds") == [("waiting",)])
    with pytest.raises(requests.RequestException):
        server.request("POST", "/api/dfyd/v1/domains/refused-crash.com/swap", json={"domain": "good-crash.com"})
    server.wait_dead()
    server.restart()
    answer = server.request("POST", "/api/dfyd/v1/domains/refused-crash.com/swap", json={"domain": "good-crash.com"})
    assert answer.status_code == 200 and answer.json()["domain"] == "good-crash.com"
    server.wait_accounts(1, "good-crash.com")
    assert rows(server, "SELECT state FROM refunds") == [("swapped",)]
    assert rows(server, "SELECT COUNT(*) FROM domains WHERE name = 'good-crash.com'") == [(1,)]
    server.cli("ledger", "check")
