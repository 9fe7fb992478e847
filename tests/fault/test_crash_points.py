"""SIGKILL at every named point of placing, settling and provisioning; then a restart, and the books must agree."""
import time

import pytest
import requests

from conftest import ON_POSTGRES, database, wait_for

PEOPLE = [{"email_address_prefix": p, "first_name": p.title(), "last_name": "Doe"} for p in ("ann", "ben")]
ITEMS = [
    {"domain": "crash-one.com", "email_provider": 1, "accounts": PEOPLE, "forwarding_domain": "home.net"},
    {"domain": "crash-two.org", "email_provider": 2, "accounts": PEOPLE},
]
PRICE_CENTS = 2 * 1500 + 2 * 500 + 2 * 400

# point, the card that leads there, whether the money was taken before it
PLACING = [
    ("place.reserved", "tok_visa", False),
    ("place.charged", "tok_visa", True),
    ("place.settled", "tok_visa", True),
    ("place.charged", "tok_declined", False),
    ("place.released", "tok_declined", False),
    ("place.charged", "tok_lost", True),
    ("place.closed", "tok_lost", True),
    ("place.charged", "tok_dropped", False),
    ("place.closed", "tok_dropped", False),
]
# point, and at which of its times; steps are claimed several at once, so that point is passed less often
PROVISIONING = [("step.claimed", count) for count in (1, 2, 4)] + [
    (point, count) for point in ("step.looked", "step.acted", "step.recorded") for count in (1, 2, 4, 6, 9)] + [
    # two domains have mail records, one forwards
    (point, count) for point in ("zone.intended", "zone.changed", "zone.recorded") for count in (1, 3)]


def book(server):
    """What the outside world remembers, read without dfyd."""
    with database(server, "sandbox.db") as db:
        return {
            "cents": db.execute("SELECT coalesce(sum(amount), 0) FROM charges WHERE decline = 0").fetchone()[0],
            "charges": db.execute("SELECT count(*) FROM charges WHERE decline = 0").fetchone()[0],
            "names": sorted(row[0] for row in db.execute("SELECT name FROM registrations")),
            "mailboxes": sorted(row[0] for row in db.execute("SELECT email FROM mailboxes")),
        }


def order_states(server):
    with database(server) as db:
        return sorted(row[0] for row in db.execute("SELECT state FROM orders"))


def place(server, **headers):
    """The answer, or None when the server died before giving one."""
    try:
        return server.order(ITEMS, headers=headers)
    except requests.RequestException:
        return None


def steps_open(server):
    with database(server) as db:
        return db.execute("SELECT count(*) FROM steps WHERE state <> 'done'").fetchone()[0]


def expect_served_as_published(server):
    """Nothing is under way any more, and the DNS host has what stands in the book."""
    with database(server) as db:
        parts = db.execute("SELECT published, intended, overwrite FROM zone_parts").fetchall()
    assert len(parts) == 3 and all(intended is None and not overwrite for _, intended, overwrite in parts)
    published = {tuple(line.split("\t")[:3]) for text, _, _ in parts for line in text.splitlines()}
    with database(server, "sandbox.db") as db:
        served = {(name, kind, str(ttl)) for name, kind, ttl in db.execute("SELECT name, type, ttl FROM rrsets")}
    assert served == published


def expect_all_delivered(server):
    accounts = server.wait_accounts(4)
    emails = sorted(f"{p['email_address_prefix']}@{i['domain']}" for i in ITEMS for p in PEOPLE)
    assert sorted(a["email"] for a in accounts) == emails
    assert book(server) == {"cents": PRICE_CENTS, "charges": 1, "names": ["crash-one.com", "crash-two.org"],
                            "mailboxes": emails}
    assert order_states(server)[-1:] == ["placed"] and order_states(server).count("placed") == 1
    server.cli("ledger", "check")


def expect_nothing_sold(server):
    if ON_POSTGRES:  # once the dead server's lease is over
        wait_for("the end of the order", lambda: order_states(server) in ([], ["payment_failed"]))
    assert server.request("GET", "/api/v2/dfy-email-account-orders").json()["items"] == []
    assert book(server)["cents"] == 0
    assert order_states(server) in ([], ["payment_failed"])
    server.cli("ledger", "check")


@pytest.mark.parametrize("point,token,paid", PLACING)
def test_killed_while_placing(fresh, point, token, paid):
    server = fresh(crash_at=point)
    server.cli("card", "set", "--workspace", "default", "--token", token, "--name", "Jane Doe")
    assert place(server) is None
    server.wait_dead()

    server.restart()
    if paid:
        expect_all_delivered(server)
        again = server.order(ITEMS)
        assert again["order_error"] == "unavailable_domains" and not again["order_placed"]
    else:
        expect_nothing_sold(server)
        server.cli("card", "set", "--workspace", "default", "--token", "tok_visa", "--name", "Jane Doe")
        assert server.order(ITEMS)["order_placed"], "names that were given back can be bought"
        expect_all_delivered(server)


@pytest.mark.parametrize("point", ["settle.claimed", "settle.asked", "settle.recorded"])
def test_killed_while_settling(fresh, point):
    server = fresh(crash_at="place.charged")
    assert place(server) is None
    server.wait_dead()
    server.restart(crash_at=point, expect_start=False)
    server.wait_dead()
    server.restart()
    expect_all_delivered(server)


@pytest.mark.parametrize("point,count", PROVISIONING)
def test_killed_while_provisioning(fresh, point, count):
    server = fresh(crash_at=point, crash_at_count=count)
    answer = place(server)
    server.wait_dead()
    server.restart()
    assert answer is None or answer["order_placed"]
    expect_all_delivered(server)
    if point.startswith("zone."):
        wait_for("all steps to be done", lambda: steps_open(server) == 0)
        expect_served_as_published(server)


def test_killed_again_and_again(fresh):
    """Every start dies at its third step; the work still ends, and only once."""
    server = fresh(crash_at="step.acted", crash_at_count=3)
    place(server)
    deaths = 0
    while server.wait_dead(unless=lambda: not steps_open(server)) and deaths < 20:
        deaths += 1
        server.restart(crash_at="step.acted", crash_at_count=3, expect_start=False)
    assert deaths >= 1
    if not server.alive():
        server.restart()
    expect_all_delivered(server)


def test_answer_lost_in_the_crash_is_replayed(fresh):
    """Paid, then killed before the answer: the same Idempotency-Key gets it after the restart."""
    server = fresh(crash_at="place.settled")
    assert place(server, **{"Idempotency-Key": "once"}) is None
    server.wait_dead()
    server.restart()
    response = server.post_order(ITEMS, headers={"Idempotency-Key": "once"})
    assert response.status_code == 200 and response.headers["Idempotency-Replayed"] == "true"
    assert response.json()["order_placed"] and response.json()["total_price"] == PRICE_CENTS / 100
    expect_all_delivered(server)


@pytest.mark.parametrize("point", ["key.claimed", "place.reserved"])
def test_key_is_free_again_after_a_crash_before_payment(fresh, point):
    server = fresh(crash_at=point)
    assert place(server, **{"Idempotency-Key": "once"}) is None
    server.wait_dead()
    server.restart()

    def answered():
        response = server.post_order(ITEMS, headers={"Idempotency-Key": "once"})
        is_held = ON_POSTGRES and response.status_code == 409  # until the dead server's lease is over; else it is free at once
        return None if is_held else [response]

    response, = wait_for("the end of the lease", answered)
    assert response.status_code == 200 and "Idempotency-Replayed" not in response.headers
    assert response.json()["order_placed"]
    expect_all_delivered(server)


def test_killed_under_load(fresh):
    """Orders from many clients, SIGKILL in the middle, three times over: all answered orders are there, money adds up."""
    from concurrent.futures import ThreadPoolExecutor

    server = fresh()
    answered = []

    def buy(number):
        item = {"domain": f"load-{number}.com", "email_provider": 1, "accounts": PEOPLE}
        try:
            answer = server.order([item])
        except (requests.RequestException, ValueError):
            return
        if answer.get("order_placed"):
            answered.append(item["domain"])

    number = 0
    for _ in range(3):
        with ThreadPoolExecutor(16) as pool:
            before = len(answered)
            jobs = [pool.submit(buy, number + i) for i in range(400)]
            number += 400
            deadline = time.monotonic() + 30
            while len(answered) < before + 25 and time.monotonic() < deadline:
                time.sleep(0.005)
            server.kill()
            for job in jobs:
                job.result()
        server.restart()
    assert len(answered) >= 75
    if ON_POSTGRES:  # once the leases of all dead servers are over
        wait_for("the end of all orders", lambda: "reserved" not in order_states(server))

    with database(server) as db:
        placed = {row[0] for row in db.execute(
            "SELECT d.name FROM domains d JOIN orders o ON o.id = d.order_id WHERE o.state = 'placed'")}
        count, cents = db.execute("SELECT count(*), sum(amount) FROM orders WHERE state = 'placed'").fetchone()
        assert db.execute("SELECT count(*) FROM orders WHERE state = 'reserved'").fetchone()[0] == 0
    assert set(answered) <= placed, "an answered order is missing"
    assert len(placed) == count, "a domain was sold twice"
    server.wait_accounts(2 * count)
    assert (book(server)["charges"], book(server)["cents"]) == (count, cents)
    assert sorted(book(server)["names"]) == sorted(placed)
