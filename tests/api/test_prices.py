"""The price book: prices that start later, what a client is told of it, and orders while it changes."""
import itertools
import threading
import time
from concurrent.futures import ThreadPoolExecutor
from datetime import datetime, timedelta, timezone

import pytest

from conftest import LIMIT, begin_alone, database, wait_for
from contract import client  # noqa: F401, a fixture
from contract import check_error, check_head, item, make_client

PRICES = "/api/dfyd/v1/prices"
STANDARD = {"domain_year": 15, "google_mailbox_month": 5, "airmail_mailbox_month": 4, "microsoft_mailbox_month": 0,
            "microsoft_domain_month": 20, "extra_google_mailbox_month": 5, "extra_airmail_mailbox_month": 4,
            "pre_warmed_domain_year": 15, "pre_warmed_mailbox_month": 10, "pre_warmed_google_mailbox_month": 10,
            "pre_warmed_airmail_mailbox_month": 10, "pre_warmed_microsoft_mailbox_month": 10}


def book(client, **kw):
    """What the client is told of prices."""
    response = client.send("GET", PRICES, **kw)
    assert response.status_code == 200, response.text
    check_head(response)
    return response.json()


def start(seconds):
    when = datetime.now(timezone.utc) + timedelta(seconds=seconds)
    return when.isoformat(timespec="milliseconds").replace("+00:00", "Z")


def is_past(when):
    return start(0) >= when


# -- what things cost

def test_prices_follow_until_they_are_set(client):
    client.price(google_mailbox_month="3")
    mine = [item()]
    client.placed(mine)
    extra = [{**mine[0], "accounts": [{"email_address_prefix": "x", "first_name": "X", "last_name": "Y"}]}]
    assert client.quote(extra, "extra_accounts")["total_price"] == 3
    client.price(extra_google_mailbox_month="2.50")
    assert client.quote(extra, "extra_accounts")["total_price"] == 2.5
    assert client.quote([item()])["price_per_account_per_month"] == 3


def test_a_price_starts_by_itself(client):
    """Nothing is committed when it does, so what the server keeps of prices has to end by the clock."""
    one, then = [item()], start(6)
    client.cli("price", "set", "--name", "domain_year", "--amount", "11", "--starts", then)
    assert client.quote(one)["total_price"] == 20 or is_past(then)
    wait_for("the new price", lambda: client.quote(one)["total_price"] == 16)
    assert client.placed(one)["total_price"] == 16


# -- what a client is told

def test_the_book(client):
    told = book(client)
    assert told["currency"] == "USD" and told["prices"] == STANDARD
    assert told["planned"] == [] and told["promotions"] == []
    client.price(pre_warmed_mailbox_month="9", pre_warmed_airmail_mailbox_month="8.50")
    client.cli("price", "set", "--name", "airmail_mailbox_month", "--amount", "3.99", "--starts", "2999-01-01")
    client.cli("price", "set", "--name", "domain_year", "--amount", "12", "--starts", "2999-01-01")
    client.cli("price", "unset", "--name", "airmail_mailbox_month", "--starts", "2999-02-01")
    changed = book(client)
    assert changed["version"] == told["version"] + 2, "what is planned does not count yet"
    assert changed["prices"] == {**STANDARD, "pre_warmed_mailbox_month": 9, "pre_warmed_google_mailbox_month": 9,
                                 "pre_warmed_airmail_mailbox_month": 8.5, "pre_warmed_microsoft_mailbox_month": 9}
    assert changed["planned"] == [
        {"timestamp_start": "2999-01-01T00:00:00.000Z",
         "prices": {"domain_year": 12, "airmail_mailbox_month": 3.99, "extra_airmail_mailbox_month": 3.99}},
        {"timestamp_start": "2999-02-01T00:00:00.000Z",
         "prices": {"airmail_mailbox_month": 4, "extra_airmail_mailbox_month": 4}}]


def test_the_book_is_the_workspaces_own(client, dfyd):
    client.price(domain_year="7")
    other = make_client(dfyd)
    assert book(client)["prices"]["domain_year"] == 7 and book(other)["prices"]["domain_year"] == 15
    operator = make_client(dfyd, operator=True)
    assert book(operator, headers={"x-as-workspace": client.workspace_id})["prices"]["domain_year"] == 7


def test_the_book_needs_the_scope(dfyd):
    stranger = make_client(dfyd, scopes=("webhooks:all",))
    check_error(stranger.send("GET", PRICES), 403,
                "This API key needs one of the scopes dfy_email_account_orders:read, dfy_email_account_orders:all,"
                " all:read, all:all")
    assert book(make_client(dfyd, scopes=("dfy_email_account_orders:read",)))["currency"] == "USD"


def test_promotions_and_what_is_left_of_them(client):
    client.cli("promo", "add", f"{client.workspace}-free", "--kind", "free_domains", "--value", "2", "--orders-each", "9")
    client.cli("promo", "add", f"{client.workspace}-off", "--kind", "amount", "--value", "0.50", "--ends", "2999-01-01")
    client.cli("promo", "add", f"{client.workspace}-later", "--kind", "first_month", "--starts", "2998-01-01")
    free, off = book(client)["promotions"]
    assert (free["kind"], free["value"], free["orders_left"], free["domains_left"]) == ("free_domains", 2, 9, 2)
    assert (off["kind"], off["value"], off["orders_left"], off["domains_left"]) == ("amount", 0.5, None, None)
    assert off["timestamp_end"] == "2999-01-01T00:00:00.000Z" and free["timestamp_end"] is None
    client.placed([item()])
    free, off = book(client)["promotions"]
    assert (free["orders_left"], free["domains_left"]) == (8, 1)
    client.placed([item()])
    assert [one["name"] for one in book(client)["promotions"]] == [f"{client.workspace}-off"]


def test_orders_name_the_version_that_priced_them(client):
    one = [item()]
    version = lambda response: int(response.headers["x-price-version"])
    before = book(client)["version"]
    assert version(client.post(one, simulation=True)) == before
    client.price(domain_year="13")
    assert version(client.post(one, simulation=True)) == before + 1 == book(client)["version"]
    key = {"Idempotency-Key": f"{client.workspace}-version"}
    placed = client.post(one, headers=key)
    assert version(placed) == before + 1 and placed.json()["total_price"] == 18
    assert version(client.post([item("bad name")])) == before + 1
    client.card("tok_declined")
    assert version(client.post([item()])) == before + 1
    client.price(domain_year="14")
    again = client.post(one, headers=key)
    assert again.text == placed.text and "x-price-version" not in again.headers
    assert client.post([{}]).status_code == 400 and "x-price-version" not in client.post([{}]).headers


# -- while it changes

def test_a_price_that_changes_between_quote_and_order(client):
    """The order has been priced and waits to be written down while a change, begun before, is written: it pays the new
    price, and the answer says that."""
    before = client.quote([item()])["total_price"]
    begun_ms = int(time.time() * 1000)
    wanted = [item()]
    with database(client.server, autocommit=True) as db, ThreadPoolExecutor(1) as pool:
        begin_alone(db)
        ordering = pool.submit(client.post, wanted)
        time.sleep(0.5)  # nothing shows that it waits: earlier, the test would only see less
        [version] = db.execute(
            "INSERT INTO price_versions (workspace_id, price, amount, starts_ms, created_ms)"
            " VALUES (?, 'domain_year', 7777, ?, ?) RETURNING version", (client.workspace_id, begun_ms, begun_ms)).fetchone()
        db.execute("COMMIT")
        response = ordering.result()
    if response.status_code == 503:
        assert "prices change" in response.json()["message"]

        def placed():
            again = client.post(wanted)
            return again if again.status_code == 200 else None
        response = wait_for("the new price is seen", placed)
    answer = response.json()
    assert before != answer["total_price"] == 82.77 and answer["order_placed"]
    assert int(response.headers["x-price-version"]) == version
    with database(client.server) as db:
        [order] = db.execute("SELECT id, amount, price_version FROM orders WHERE workspace_id = ? AND state = 'placed'",
                             (client.workspace_id,)).fetchall()
    assert order[1:] == (8277, version)
    with database(client.server, "sandbox.db") as db:
        assert db.execute("SELECT amount FROM charges WHERE key = ?", order[:1]).fetchall() == [(8277,)]


def test_an_order_pays_what_it_was_told_while_prices_change(client):
    """Many order while the price goes up and down: each answer's price is the one of the version that it names, and
    what the bank took."""
    done = threading.Event()
    met, deadline = set(), time.monotonic() + LIMIT

    def change():
        try:
            for i in itertools.count():
                client.price(domain_year=f"{10 + i % 7}.{i % 100:02}")
                if i >= 40 and (len(met) > 5 or time.monotonic() > deadline):
                    break
        finally:
            done.set()

    def order(_):
        told = []
        while not done.is_set():
            response = client.post([item()])
            if response.status_code == 503:
                assert "Nothing was placed or charged" in response.json()["message"]
                continue
            answer, version = response.json(), int(response.headers["x-price-version"])
            assert answer["order_placed"], answer
            met.add(version)
            told.append((answer["order_items"][0]["domain"], version, round(answer["total_price"] * 100)))
        return told

    with ThreadPoolExecutor(7) as pool:
        changing = pool.submit(change)
        told = sum(pool.map(order, range(6)), [])
        changing.result()
    with database(client.server) as db:
        prices = {version: amount for version, amount in db.execute(
            "SELECT version, amount FROM price_versions WHERE workspace_id = ?", (client.workspace_id,))}
        orders = {name: (id, amount) for name, id, amount in db.execute(
            "SELECT d.name, o.id, o.amount FROM domains d JOIN orders o ON o.id = d.order_id WHERE o.workspace_id = ?",
            (client.workspace_id,))}
    with database(client.server, "sandbox.db") as db:
        charges = dict(db.execute("SELECT key, amount FROM charges WHERE decline = 0"))
    assert len(met) > 5, "they met many prices"
    assert len(told) == len(orders)
    for domain, version, cents in told:
        id, amount = orders[domain]
        assert cents == amount == charges[id]
        if version in prices:  # else it was before the first change
            assert cents == prices[version] + 500


@pytest.mark.parametrize("cents", ["999999999.99", "1000000000"])
def test_an_order_too_dear_to_be_counted_is_an_error(client, cents):
    """A total beyond ten digits is a mistake, not money."""
    client.price(domain_year=cents)
    response = client.post([item(), item()], simulation=True)
    check_error(response, 400, "the order is too large to be priced: split it into several smaller orders")
    response = client.post([item(), item()])
    check_error(response, 400, "the order is too large to be priced: split it into several smaller orders")
