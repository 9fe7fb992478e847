"""SIGTERM in the midst of work that is leased several at once: what was leased is ended, nothing more is begun, and no lease is left behind."""
import collections
import os
import signal
import threading
import time

import pytest

from conftest import LIMIT, database, rows, wait_for
from doubles.stripe.fixture import KEY, stripe  # noqa: F401, a fixture
from receiver import receiver  # noqa: F401, a fixture

PEOPLE = [{"email_address_prefix": "ann", "first_name": "Ann", "last_name": "Doe"}]
DAY_MS = 86_400_000
IDLE = 60  # threads that have nothing to do, and end as soon as the workers are told to stop
# One worker leases all; what it would leave behind is nobody's for as long as the tests run.
SETTINGS = {"worker_threads": 1, "webhook_threads": IDLE + 1, "lease_ms": 600_000}


def items(word, count):
    return [{"domain": f"{word}{number}.com", "email_provider": 1, "accounts": PEOPLE} for number in range(count)]


def threads(server):
    return len(os.listdir(f"/proc/{server.pid}/task"))


def end_while_held(server, release):
    """SIGTERM while somebody outside keeps a worker waiting; RELEASE() once the others have ended."""
    before = threads(server)
    server.process.send_signal(signal.SIGTERM)
    wait_for("the end of the threads that have nothing to do", lambda: threads(server) <= before - IDLE)
    assert server.alive()
    release()
    assert server.process.wait(LIMIT) == 0
    server._reap()
    server.check_log()


def states(server, table):
    return dict(rows(server, f"SELECT state, COUNT(*) FROM {table} GROUP BY state"))


@pytest.fixture
def indebted(fresh, stripe, monkeypatch):  # noqa: F811
    """A server that is stopped, with six refunds and six renewals due."""
    for name, value in (("PAYMENT", "stripe"), ("STRIPE_URL", stripe.base), ("STRIPE_KEY", KEY)):
        monkeypatch.setenv(f"DFYD_{name}", value)
    server = fresh(**SETTINGS)
    _, card = stripe.customer()
    server.cli("card", "set", "--token", card, "--name", "Ann Doe")
    assert server.order(items("refused-owed-", 6) + items("drain-renew-", 6))["order_placed"]
    server.wait_accounts(6)
    wait_for("six refunds", lambda: states(server, "refunds") == {"waiting": 6})
    server.stop()
    with database(server) as db:
        db.execute("UPDATE refunds SET due_ms = 0")
        names = [one for one, in db.execute("SELECT d.name FROM domains d JOIN accounts a ON a.domain_id = d.id WHERE a.renews_ms > 0").fetchall()]
        assert len(names) == 6
        today = int(time.time() * 1000) // DAY_MS * DAY_MS
        for days, name in enumerate(names):  # what is due on one day is one renewal
            db.execute("UPDATE accounts SET renews_ms = ? WHERE domain_id = (SELECT id FROM domains WHERE name = ?)", (today - days * DAY_MS, name))
    return server


@pytest.mark.parametrize("held, refunds, renewals", [("refunds$", {"running": 4, "waiting": 2}, {}),
                                                     ("payment_intents$", {"done": 4, "waiting": 2}, {"charging": 1, "due": 3})])
def test_stopped_while_money_moves(indebted, stripe, held, refunds, renewals):  # noqa: F811
    """The bank keeps the first of four waiting; those four are ended, and what else is due is left to the next start."""
    hold = stripe.fault("hold_before", method="POST", path=held)
    indebted.start()
    hold.wait("waiting")
    assert states(indebted, "refunds") == refunds and states(indebted, "renewals") == renewals
    end_while_held(indebted, hold.release)
    assert states(indebted, "refunds") == {"done": 4, "waiting": 2}
    assert states(indebted, "renewals") == ({"paid": 4} if renewals else {}), "what was not begun waits"
    indebted.start()
    wait_for("all refunds", lambda: states(indebted, "refunds") == {"done": 6})
    wait_for("all renewals", lambda: not rows(indebted, "SELECT 1 FROM accounts WHERE renews_ms BETWEEN 1 AND ?", time.time() * 1000)
             and set(states(indebted, "renewals")) == {"paid"})
    paid = states(indebted, "renewals")["paid"]  # where a 15th came in between, for the month after it, too
    assert paid >= 6 and rows(indebted, "SELECT 1 FROM renewal_items GROUP BY account_id, from_ms HAVING COUNT(*) > 1") == []
    assert len(stripe.objects("refund")) == 6 and len(stripe.objects("payment_intent")) == 1 + paid
    books = stripe.books()
    assert (books["charged"], books["refunded"]) == (12 * 2000 + paid * 500, 6 * 2000)
    indebted.cli("ledger", "check")
    assert stripe.complaints() == []


def test_stopped_while_events_are_delivered(fresh, receiver):  # noqa: F811
    """The receiver keeps the first of sixteen waiting; those are sent, once each, and the next start sends the others."""
    server = fresh(**SETTINGS, webhook_tries=1, webhook_private_targets="yes", webhook_retry_ms=20)
    receiver.answer = lambda got: 500
    made = server.request("POST", "/api/v2/webhooks", json={"target_hook_url": receiver.url(), "event_type": "all_events"}).json()
    assert server.order(items("drain-told-", 10))["order_placed"]
    wait_for("21 events that wait", lambda: rows(server, "SELECT COUNT(*) FROM deliveries") == [(21,)])
    wait_for("the end of the webhook", lambda: rows(server, "SELECT status FROM webhooks WHERE is_leased = 0") == [(-1,)])
    assert len(receiver.got) == 1
    released = threading.Event()
    receiver.answer = lambda got: 200 if released.wait(LIMIT) else 500
    server.request("POST", f"/api/v2/webhooks/{made['id']}/resume")
    wait_for("the first", lambda: len(receiver.got) == 2)
    end_while_held(server, released.set)
    assert len(receiver.got) == 1 + 16
    assert rows(server, "SELECT is_leased FROM webhooks") == [(0,)] and rows(server, "SELECT COUNT(*) FROM deliveries") == [(5,)]
    server.start()
    wait_for("the others", lambda: rows(server, "SELECT COUNT(*) FROM deliveries") == [(0,)])
    told = collections.Counter(got.event["event_id"] for got in receiver.got[1:])
    assert len(told) == 21 and set(told.values()) == {1}
