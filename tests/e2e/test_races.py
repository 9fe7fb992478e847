"""Many at once want the same thing: it is sold once, every answer is true, and the books agree."""
import threading
from collections import Counter
from concurrent.futures import ThreadPoolExecutor

import pytest
import requests

from conftest import database, wait_for

ORDERS = "/api/v2/dfy-email-account-orders"
MANY = 24


@pytest.fixture
def at_once():
    """at_once(f, n): f(0) ... f(n-1), all let go at the same moment; their results."""
    def run(f, n=MANY):
        gate = threading.Barrier(n)

        def one(number):
            gate.wait()
            return f(number)

        with ThreadPoolExecutor(n) as pool:
            return list(pool.map(one, range(n)))

    return run


def person(prefix="ann"):
    return {"email_address_prefix": prefix, "first_name": "Ann", "last_name": "Doe"}


def item(domain, *prefixes, provider=1):
    return {"domain": domain, "email_provider": provider, "accounts": [person(p) for p in prefixes or ("ann",)]}


def charges(server):
    """Amounts in cents, by order, that the bank took."""
    with database(server, "sandbox.db") as db:
        return dict(db.execute("SELECT key, amount FROM charges WHERE decline = 0"))


@pytest.fixture
def spent(dfyd):
    """spent(): cents taken since the test began, and for how many orders."""
    before = charges(dfyd)

    def since():
        new = {key: amount for key, amount in charges(dfyd).items() if key not in before}
        return sum(new.values()), len(new)

    return since


def test_same_domain(dfyd, at_once, spent):
    for number in range(5):
        answers = at_once(lambda _: dfyd.post_order([item(f"race-same-{number}.com")]))
        told = Counter((a.status_code, a.json().get("order_placed"), a.json().get("order_error")) for a in answers)
        assert told.pop((200, True, None)) == 1
        assert told.pop((200, False, "unavailable_domains")) == MANY - 1 and not told
    assert spent() == (5 * 2000, 5)


def test_overlapping_orders(dfyd, at_once, spent):
    """Each wants three of six names: whatever wins, no name is in two orders, and who lost got nothing."""
    names = [f"race-overlap-{i}.org" for i in range(6)]
    wanted = [[names[(i + step) % 6] for step in (0, 1, 3)] for i in range(MANY)]
    answers = at_once(lambda i: dfyd.post_order([item(name) for name in wanted[i]]).json())
    won = [name for answer, order in zip(answers, wanted) if answer.get("order_placed") for name in order]
    assert won and len(set(won)) == len(won)
    mine = {order["domain"] for order in dfyd.pages(ORDERS)}
    assert set(won) == mine & set(names), "nothing of a refused order is kept"
    assert spent() == (2000 * len(won), len(won) // 3)
    rest = sorted(set(names) - set(won))
    if rest:
        assert dfyd.order([item(name) for name in rest])["order_placed"]


def test_same_key(dfyd, at_once, spent):
    """One order, however often it is sent: the others get its answer, or are told that it still runs."""
    for number in range(5):
        order = [item(f"race-key-{number}.com")]
        answers = at_once(lambda _: dfyd.post_order(order, headers={"Idempotency-Key": f"race-{number}"}))
        assert {a.status_code for a in answers} <= {200, 409}
        placed = [a for a in answers if a.status_code == 200]
        assert [a for a in placed if "Idempotency-Replayed" not in a.headers] and len({a.text for a in placed}) == 1
        assert sum("Idempotency-Replayed" not in a.headers for a in placed) == 1
        again = dfyd.post_order(order, headers={"Idempotency-Key": f"race-{number}"})
        assert again.headers["Idempotency-Replayed"] == "true" and again.text == placed[0].text
        assert again.json()["order_placed"]
    assert spent() == (5 * 2000, 5)


def test_same_key_for_different_orders(dfyd, at_once, spent):
    answers = at_once(lambda i: dfyd.post_order([item(f"race-bodies-{i}.com")], headers={"Idempotency-Key": "bodies"}))
    assert Counter(a.status_code for a in answers) == {200: 1, 422: MANY - 1}
    assert spent() == (2000, 1)


def test_different_keys_for_the_same_domain(dfyd, at_once, spent):
    order = [item("race-keys.com")]
    answers = at_once(lambda i: dfyd.post_order(order, headers={"Idempotency-Key": f"keys-{i}"}).json())
    assert Counter(a["order_placed"] for a in answers) == {True: 1, False: MANY - 1}
    again = [dfyd.post_order(order, headers={"Idempotency-Key": f"keys-{i}"}).json() for i in range(MANY)]
    assert again == answers, "refusals are kept too"
    assert spent() == (2000, 1)


def test_extra_accounts_up_to_the_limit(dfyd, at_once, spent):
    """A domain takes five mailboxes, whoever is first."""
    assert dfyd.order([item("race-extra.com", "first")])["order_placed"]
    answers = at_once(lambda i: dfyd.order([item("race-extra.com", f"extra{i}")], type="extra_accounts"))
    told = Counter((a.get("order_placed"), a.get("order_error")) for a in answers)
    assert told == {(True, None): 4, (False, "invalid_accounts"): MANY - 4}, told
    assert len(dfyd.wait_accounts(5, domain="race-extra.com")) == 5
    assert spent() == (2000 + 4 * 500, 5)


def test_same_extra_account(dfyd, at_once, spent):
    assert dfyd.order([item("race-address.com", "first")])["order_placed"]
    answers = at_once(lambda _: dfyd.order([item("race-address.com", "second")], type="extra_accounts"))
    assert Counter(a.get("order_placed") for a in answers) == {True: 1, False: MANY - 1}
    assert spent() == (2000 + 500, 2)


def test_stock(dfyd, at_once, spent):
    """The same pre-warmed domain for many; and while it is taken off sale."""
    for number in range(3):
        dfyd.cli("inventory", "add", "--domain", f"race-stock-{number}.co", "--provider", "1", "--account", "ann,Ann,Doe")
        answers = at_once(lambda _: dfyd.order([{"domain": f"race-stock-{number}.co"}], type="pre_warmed_up"))
        assert Counter(a["order_placed"] for a in answers) == {True: 1, False: MANY - 1}
    assert spent() == (3 * 2500, 3)

    for number in range(6):
        domain = f"race-removed-{number}.co"
        dfyd.cli("inventory", "add", "--domain", domain, "--provider", "1", "--account", "ann,Ann,Doe")
        results = at_once(lambda i: dfyd.run("inventory", "remove", "--domain", domain).returncode if i == 0 else
                          dfyd.order([{"domain": domain}], type="pre_warmed_up")["order_placed"], 4)
        removed, sold = results[0] == 0, sum(results[1:])
        assert removed + sold == 1, "either it was removed or it was sold"


def test_key_revoked_under_load(fresh, at_once):
    """Who is told that the key is no longer valid has bought nothing; who was not, has."""
    server = fresh()
    secret = server.cli("key", "create", "--workspace", "default", "--scope", "all:all", "--name", "doomed").strip()
    line = next(line for line in server.cli("key", "list").splitlines() if "doomed" in line)
    told, lock, revoked = {}, threading.Lock(), threading.Event()

    def buy(client):
        session = requests.Session()
        for number in range(1000):
            domain = f"revoked-{client}-{number}.com"
            late = revoked.is_set()
            answer = session.post(server.base + ORDERS, headers={"Authorization": f"Bearer {secret}"}, timeout=60,
                                  json={"items": [item(domain)], "order_type": "dfy"})
            with lock:
                told[domain] = answer.status_code
            if answer.status_code != 200:
                assert answer.json()["message"] == "Invalid API key"
                return
            assert not late, "an order that began after the revocation was taken"

    def revoke():
        wait_for("orders", lambda: len(told) >= 30)
        server.cli("key", "revoke", "--id", line.split()[0])
        revoked.set()

    at_once(lambda i: revoke() if i == 0 else buy(i), 9)
    assert set(told.values()) == {200, 401}
    bought = {order["domain"] for order in server.pages(ORDERS)}
    assert bought == {domain for domain, status in told.items() if status == 200}
