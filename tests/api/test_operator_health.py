"""The queue and the health of what everything depends on, as operators see them: what is counted, written down and kept."""
import re
import time

import pytest

from conftest import ON_POSTGRES, database, rows, wait_for
from operator_key import Operator

ANNA = {"email_address_prefix": "anna", "first_name": "Anna", "last_name": "Berg"}
MINUTE = 60 * 1000


@pytest.fixture
def operator(fresh):
    return Operator(fresh(retry_base_ms=3600000, retry_max_ms=3600000))


def place(operator, domain):
    return operator.server.order([{"domain": domain, "accounts": [ANNA]}])


def minutes(server):
    return rows(server, "SELECT minute_ms, due, running, retrying, late_ms FROM queue_minutes ORDER BY minute_ms")


# -- the queue

def test_a_minute_is_written_down_at_the_start(operator):
    first = wait_for("a minute", lambda: minutes(operator.server))
    assert len(first) <= 2 and all(minute % MINUTE == 0 for minute, *_ in first)
    assert abs(first[0][0] - time.time() * 1000) < 10 * MINUTE
    queue = operator.get("/queue")
    assert queue["hours"] == 24 and queue["step_seconds"] == 300
    assert queue["now"] == {"due": 0, "running": 0, "retrying": 0, "late_seconds": 0}
    assert 1 <= len(queue["items"]) <= 2, "the next minute may be another span's"
    assert all(set(item) == {"timestamp", "due", "running", "retrying", "late_seconds"} for item in queue["items"])


def test_the_queue_now(operator):
    place(operator, "silent-queue.com")
    wait_for("a step that is tried again", lambda: operator.get("/queue")["now"] == {"due": 0, "running": 0, "retrying": 1, "late_seconds": 0})
    with database(operator.server) as db:
        db.execute("UPDATE steps SET state = 'due', due_ms = due_ms + 86400000 WHERE state = 'retrying'")
    assert operator.get("/queue")["now"]["due"] == 0, "its time has not come"


def test_items_are_the_highest_of_their_span(operator):
    wait_for("a minute", lambda: minutes(operator.server))
    base = int(time.time() * 1000) // (30 * MINUTE) * 30 * MINUTE - 3 * 60 * MINUTE
    with database(operator.server) as db:
        for i in range(30):
            db.execute("INSERT INTO queue_minutes (minute_ms, due, running, retrying, late_ms) VALUES (?, ?, ?, ?, ?)",
                       (base + i * MINUTE, i, 30 - i, 3, 1999))

    def items(hours):
        queue = operator.get("/queue", hours=hours)
        return queue["step_seconds"], [item for item in queue["items"] if item["retrying"] == 3]

    step, fine = items(6)
    assert step == 60 and [item["due"] for item in fine] == list(range(30))
    step, day = items(24)
    assert step == 300 and [(item["due"], item["running"]) for item in day] == [(4 + 5 * i, 30 - 5 * i) for i in range(6)]
    step, week = items(168)
    assert step == 1800 and [(item["due"], item["running"], item["late_seconds"]) for item in week] == [(29, 30, 1)]
    assert items(1)[1] == []
    operator.refused(400, "GET", "/queue", "querystring/hours", params={"hours": 193})


# -- the drivers

def drivers(operator):
    return {driver["kind"]: driver for driver in operator.get("/health")["drivers"]}


def test_calls_are_counted_and_kept_when_the_server_ends(operator):
    place(operator, "health.com")
    operator.server.wait_accounts(1)
    operator.server.cli("card", "set", "--workspace", "default", "--token", "tok_declined", "--name", "A B")
    assert not place(operator, "declined.com")["order_placed"]
    place(operator, "unsure-health.com")
    operator.server.restart()
    found = drivers(operator)
    assert set(found) == {"registrar", "dns", "mailbox", "payment"} and all(driver["driver"] == "sandbox" for driver in found.values())
    assert found["payment"]["hour"]["done"] >= 1 and found["payment"]["hour"]["refused"] == 1 and found["payment"]["hour"]["unknown"] == 0
    assert found["registrar"]["hour"]["unknown"] == 1 and found["registrar"]["hour"]["refused"] == 0 and found["registrar"]["hour"]["done"] >= 3
    assert found["registrar"]["reason"] and found["registrar"]["timestamp_reason"].endswith(":00.000Z")
    assert found["mailbox"]["reason"] is None and found["mailbox"]["hour"] == found["mailbox"]["day"] and found["mailbox"]["hour"]["done"] >= 2
    before = found["mailbox"]["day"]["done"]
    operator.server.cli("card", "set", "--workspace", "default", "--token", "tok_visa", "--name", "A B")
    place(operator, "health-two.com")
    operator.server.wait_accounts(2)
    operator.server.restart()
    assert drivers(operator)["mailbox"]["day"]["done"] >= before + 2, "counts of a minute are added up"


def test_an_hour_is_part_of_the_day(operator):
    now = int(time.time() * 1000) // MINUTE * MINUTE
    with database(operator.server) as db:
        for ago, n, reason in [(10, 1, ""), (100, 2, "it was silent"), (1500, 4, "long ago")]:
            db.execute("INSERT INTO driver_minutes (minute_ms, kind, driver, done, refused, unknown, slowest_ms, reason)"
                       " VALUES (?, 'dns', 'powerdns', ?, ?, ?, ?, ?)", (now - ago * MINUTE, n, 10 * n, 100 * n, 7 * n, reason))
    driver = drivers(operator)["dns"]
    assert driver["hour"] == {"done": 1, "refused": 10, "unknown": 100, "slowest_ms": 7}
    assert driver["day"] == {"done": 3, "refused": 30, "unknown": 300, "slowest_ms": 14}
    assert driver["reason"] == "it was silent"


def test_old_minutes_are_forgotten(operator):
    now = int(time.time() * 1000)
    with database(operator.server) as db:
        for days in (7, 9):
            at = (now - days * 24 * 60 * MINUTE) // MINUTE * MINUTE
            db.execute("INSERT INTO queue_minutes (minute_ms, due, running, retrying, late_ms) VALUES (?, 1, 1, 1, 1)", (at,))
            db.execute("INSERT INTO driver_minutes (minute_ms, kind, driver, done, refused, unknown, slowest_ms, reason)"
                       " VALUES (?, 'dns', 'old', 1, 0, 0, 1, '')", (at,))
    operator.server.restart()  # its first hour begins at once
    wait_for("the end of the old ones", lambda: [n for (n,) in rows(operator.server, "SELECT COUNT(*) FROM driver_minutes WHERE driver = 'old'")] == [1])
    limit = now - 8 * 24 * 60 * MINUTE
    wait_for("the end of the old ones", lambda: all(minute > limit for minute, *_ in minutes(operator.server)))


# -- the rest

def test_payments_by_outcome(operator):
    place(operator, "paid-one.com")
    place(operator, "refused-paid.com")
    operator.server.cli("card", "set", "--workspace", "default", "--token", "tok_declined", "--name", "A B")
    place(operator, "declined-pay.com")
    operator.server.cli("card", "set", "--workspace", "default", "--token", "tok_silent", "--name", "A B")
    operator.server.post_order([{"domain": "unknown-pay.com", "accounts": [ANNA]}])
    assert {p["outcome"]: (p["count"], p["amount"]) for p in operator.get("/health")["payments"]} == {
        "paid": (2, 40), "declined": (1, 20), "unknown": (1, 20)}


def test_nodes_database_and_webhooks(operator):
    health = operator.get("/health")
    node, = health["nodes"]
    assert node["is_alive"] and node["roles"] == "api worker" and node["timestamp_seen"] >= node["timestamp_started"]
    assert health["database"]["engine"] == ("postgresql" if ON_POSTGRES else "sqlite") and health["database"]["is_up"] is True
    assert re.fullmatch(r"\d+\.\d MiB", health["database"]["detail"]) and health["database"]["schema"] >= 10
    assert health["webhooks"] == {"active": 0, "off": 0, "waiting": 0, "oldest_seconds": 0}
    made = [operator.server.request("POST", "/api/v2/webhooks", json={"target_hook_url": "https://hooks.example.com/x", "event_type": "all_events"}).json()
            for _ in range(2)]
    with database(operator.server) as db:
        db.execute("UPDATE webhooks SET status = -1 WHERE id = ?", (made[0]["id"],))
    place(operator, "told.com")
    wait_for("an event that waits", lambda: operator.get("/health")["webhooks"]["waiting"] >= 1)
    webhooks = operator.get("/health")["webhooks"]
    assert (webhooks["active"], webhooks["off"]) == (1, 1) and webhooks["oldest_seconds"] < 600
    operator.refused(403, "GET", "/health", "operator's", key=operator.server.key)
    operator.refused(403, "GET", "/queue", "operator's", key=operator.server.key)
