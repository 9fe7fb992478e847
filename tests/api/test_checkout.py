"""Hosted checkout: orders without a card are paid on a page; each is placed once when paid, or given up, whatever notices say."""
import concurrent.futures
import hashlib
import hmac
import itertools
import json
import re
import time
import uuid

import pytest
import requests
from conftest import Server, database, rows, wait_for
from contract import check_policy

EVENTS = "/api/dfyd/v1/payment-events/sandbox"
PEOPLE = [{"email_address_prefix": "ann", "first_name": "Ann", "last_name": "Lee"}]  # an order of one: 20 dollars
UNKNOWN_ORDER = "01900000-0000-7000-8000-00000000abcd"


def item(domain):
    return {"domain": domain, "email_provider": 1, "accounts": PEOPLE}


numbers = itertools.count(1)


def name():
    """No random one: that is one day refused, as 7a0ba0 is for "taobao"."""
    return f"page-{next(numbers)}.com"


@pytest.fixture(scope="module")
def shop(tmp_path_factory):
    """A server with checkout on, which the tests of this file share: each with a workspace of its own."""
    server = Server(tmp_path_factory.mktemp("shop") / "data", checkout="on")
    server.start()
    yield server
    server.stop()


class Customer:
    """A workspace of its own, without a card."""

    def __init__(self, server):
        self.server, self.name = server, f"customer-{uuid.uuid4().hex[:8]}"
        server.cli("workspace", "create", "--name", self.name)
        key = server.cli("key", "create", "--workspace", self.name, "--scope", "all:all").strip()
        self.headers = {"Authorization": f"Bearer {key}"}

    def order(self, *domains, headers=None, **more):
        return self.server.order([item(domain) for domain in domains], headers={**self.headers, **(headers or {})},
                                 **more)

    def open(self, *domains, **more):
        answer = self.order(*(domains or (name(),)), **more)
        assert answer["checkout_required"] is True and not answer["order_placed"], answer
        return answer

    def placed(self):
        return [row["domain"] for row in
                self.server.request("GET", "/api/v2/dfy-email-account-orders", headers=self.headers).json()["items"]]


def state(server, answer):
    return rows(server, "SELECT state FROM orders WHERE id = ?", answer["cart_order_id"])[0][0]


def charges(server, answer):
    return rows(server, "SELECT amount FROM charges WHERE decline = 0 AND key = ?",
                answer["cart_order_id"], file="sandbox.db")


def payments(server, answer):
    return rows(server, "SELECT kind, state, amount FROM payments WHERE bill_id = ? ORDER BY id",
                answer["cart_order_id"])


def pay(answer, card="tok_visa"):
    return requests.post(answer["checkout_url"], data={"card": card}, timeout=60)


def pay_unnoticed(server, answer, card="tok_visa"):
    """As if the bank's notice were still on its way."""
    with database(server, "sandbox.db") as db:
        db.execute("INSERT INTO charges (key, token, amount, decline, description, at_ms) VALUES (?, ?, 2000, 0, '', ?)",
                   (answer["cart_order_id"], card, int(time.time() * 1000)))
        db.execute("UPDATE pages SET token = ? WHERE key = ?", (card, answer["cart_order_id"]))


def signed(server, body, at=None):
    secret = rows(server, "SELECT value FROM secrets WHERE name = 'notices'", file="sandbox.db")[0][0]
    at = int(time.time()) if at is None else at
    mac = hmac.new(secret.encode(), f"{at}.{body}".encode(), hashlib.sha256).hexdigest()
    return {"Content-Type": "application/json", "X-Sandbox-Signature": f"t={at},v1={mac}"}


def notice(order, type="checkout.paid"):
    return json.dumps({"id": f"evt_{uuid.uuid4().hex}", "type": type, "key": order, "created": int(time.time())})


def send(server, body, headers=None):
    """Without any API key, as a provider does."""
    headers = signed(server, body) if headers is None else headers
    return server.request("POST", EVENTS, data=body, headers=headers, auth=False)


def back(server, answer):
    page = server.request("GET", f"/checkout/{answer['cart_order_id']}", auth=False)
    assert page.status_code == 200
    return re.search(r"<h1>(.*?)</h1>", page.text)[1]


def test_an_order_without_a_card_gets_a_page(shop):
    customer, domain = Customer(shop), name()
    answer = customer.open(domain)
    assert answer["order_is_valid"] and "order_error" not in answer and "payment_failure_reason" not in answer
    assert answer["checkout_url"].startswith(shop.base + "/sandbox/checkout/") and answer["total_price"] == 20
    assert state(shop, answer) == "reserved" and customer.placed() == []
    assert customer.order(domain)["order_error"] == "unavailable_domains", "held for who may be paying"
    view = shop.request("GET", "/api/dfyd/v1/orders/" + answer["cart_order_id"], headers=customer.headers).json()
    assert (view["state"], view["checkout_url"]) == ("reserved", answer["checkout_url"])
    assert view["timestamp_checkout_ends"] > view["timestamp_created"]
    assert answer["cart_order_id"] in shop.cli("order", "list", "--limit", "1000")
    assert answer["cart_order_id"] not in shop.cli("order", "list", "--stuck"), "it waits for the customer alone"
    page = requests.get(answer["checkout_url"], timeout=60)
    assert page.status_code == 200 and "$20.00" in page.text and "<script" not in page.text
    check_policy(page)
    assert page.headers["Cache-Control"] == "no-store"


def test_paid(shop):
    customer, domain = Customer(shop), name()
    answer = customer.open(domain)
    assert back(shop, answer) == "Not paid yet"
    assert "Paid" in re.search("<h1>(.*?)</h1>", pay(answer, "tok_mastercard").text)[1]
    assert state(shop, answer) == "placed" and customer.placed() == [domain]
    assert back(shop, answer) == "Paid"
    assert charges(shop, answer) == [(2000,)] and payments(shop, answer) == [("charge", "succeeded", 2000)]
    view = shop.request("GET", "/api/dfyd/v1/orders/" + answer["cart_order_id"], headers=customer.headers).json()
    assert (view["state"], view["checkout_url"], view["timestamp_checkout_ends"]) == ("placed", None, None)
    # The card is kept: the next order needs no page, and renewals can be paid.
    again = customer.order(name())
    assert again["order_placed"] and again["payment_method_last_4_digits"] == "4444"
    assert "checkout_required" not in again


def test_paid_twice(shop):
    customer = Customer(shop)
    answer = customer.open()
    with concurrent.futures.ThreadPoolExecutor(8) as pool:
        pages = list(pool.map(lambda _: pay(answer), range(8)))
    assert all("<h1>Paid</h1>" in page.text for page in pages)
    pay(answer, "tok_amex")
    assert charges(shop, answer) == [(2000,)] and payments(shop, answer) == [("charge", "succeeded", 2000)]
    assert rows(shop, "SELECT count(*) FROM invoices WHERE subject_id = ?",
                answer["cart_order_id"]) == [(1,)]
    assert state(shop, answer) == "placed"


def test_a_declined_card_can_be_replaced(shop):
    customer = Customer(shop)
    answer = customer.open()
    page = pay(answer, "tok_expired")
    assert "the card has expired" in page.text and state(shop, answer) == "reserved"
    assert "no such card" in pay(answer, "tok_nonsense").text
    assert "no such card" in requests.post(answer["checkout_url"], data="x" * 10000, timeout=60).text
    pay(answer)
    assert state(shop, answer) == "placed"


def test_the_same_key_gets_the_same_page(shop):
    customer, domain = Customer(shop), name()
    key = {"Idempotency-Key": uuid.uuid4().hex}

    def post():
        return shop.post_order([item(domain)], headers={**customer.headers, **key})

    first = post()
    assert first.json()["checkout_required"] and "Idempotency-Replayed" not in first.headers
    again = post()
    assert again.text == first.text and again.headers["Idempotency-Replayed"] == "true"
    pay(first.json())
    assert post().text == first.text, "the answer of a key does not change; the order's own page says that it is paid"
    assert state(shop, first.json()) == "placed"
    assert rows(shop, "SELECT count(*) FROM orders WHERE workspace_id = (SELECT id FROM workspaces"
                " WHERE name = ?)", customer.name) == [(1,)]


def test_a_simulation_opens_nothing(shop):
    customer = Customer(shop)
    answer = customer.order(name(), simulation=True)
    assert answer["checkout_required"] is True and not {"checkout_url", "cart_order_id"} & set(answer)
    assert rows(shop, "SELECT count(*) FROM orders o JOIN workspaces w ON w.id = o.workspace_id"
                " WHERE w.name = ?", customer.name) == [(0,)]


def test_off_it_is_a_failed_payment(fresh):
    server = fresh()
    server.cli("card", "remove")
    answer = server.order([item(name())])
    assert answer["order_error"] == "payment_failed" and "checkout_required" not in answer


def test_a_card_of_a_driver_that_is_not_here_is_none(shop):
    customer = Customer(shop)
    shop.cli("card", "set", "--workspace", customer.name, "--token", "tok_visa", "--name", "Ann")
    with database(shop) as db:
        db.execute("UPDATE cards SET driver = 'stripe' WHERE workspace_id = (SELECT id FROM workspaces WHERE name = ?)",
                   (customer.name,))
    answer = wait_for("the page", lambda: (a := customer.order(name())).get("checkout_required") and a)
    assert answer["payment_method_brand"] == ""
    pay(answer)
    assert state(shop, answer) == "placed"
    assert re.search(r"^driver +sandbox$", shop.cli("card", "show", "--workspace", customer.name), re.M)


# -- notices

def test_a_notice_is_looked_up_and_not_believed(shop):
    customer = Customer(shop)
    answer = customer.open()
    body = notice(answer["cart_order_id"])
    assert send(shop, body).json() == {"received": True}
    assert state(shop, answer) == "reserved", "it says paid, the bank does not"
    pay_unnoticed(shop, answer)
    assert state(shop, answer) == "reserved"
    assert send(shop, body).status_code == 200
    assert state(shop, answer) == "placed"


def test_replayed_and_out_of_order(shop):
    customer = Customer(shop)
    answer = customer.open()
    pay_unnoticed(shop, answer)
    for type in ("checkout.expired", "checkout.paid", "checkout.opened", "checkout.expired"):
        body = notice(answer["cart_order_id"], type)
        for _ in range(3):
            assert send(shop, body).status_code == 200
        assert state(shop, answer) == "placed"
    assert payments(shop, answer) == [("charge", "succeeded", 2000)]


def test_many_notices_at_once(shop):
    customer = Customer(shop)
    answer = customer.open()
    pay_unnoticed(shop, answer)
    bodies = [notice(answer["cart_order_id"]) for _ in range(16)]
    with concurrent.futures.ThreadPoolExecutor(16) as pool:
        assert {response.status_code for response in pool.map(lambda body: send(shop, body), bodies)} == {200}
    assert state(shop, answer) == "placed" and payments(shop, answer) == [("charge", "succeeded", 2000)]


def test_unsigned_old_and_damaged_notices(shop):
    answer = Customer(shop).open()
    pay_unnoticed(shop, answer)
    body, plain = notice(answer["cart_order_id"]), {"Content-Type": "application/json"}
    good = signed(shop, body)
    mac = good["X-Sandbox-Signature"]
    other = mac[:-1] + ("0" if mac[-1] != "0" else "1")
    for headers in (plain, {**plain, "X-Sandbox-Signature": ""}, {**plain, "X-Sandbox-Signature": other},
                    {**plain, "X-Sandbox-Signature": mac.split(",")[0]},
                    {**plain, "X-Sandbox-Signature": mac.replace("t=", "t=1")},
                    {**plain, "X-Sandbox-Signature": mac.replace("v1=", "v0=")},
                    signed(shop, body, int(time.time()) - 301), signed(shop, body, int(time.time()) + 320),
                    signed(shop, body + " ")):
        response = send(shop, body, headers)
        assert response.status_code == 400 and "The notice was not taken" in response.json()["message"], headers
    assert send(shop, "not json", signed(shop, "not json")).status_code == 400
    assert send(shop, body, {**good, "Content-Type": "text/plain"}).status_code == 415
    big = "{" + " " * (1 << 20) + "}"
    assert send(shop, big, signed(shop, big)).status_code == 413
    assert state(shop, answer) == "reserved"
    assert send(shop, body, good).status_code == 200 and state(shop, answer) == "placed"


def test_notices_about_nothing_of_ours(shop):
    for body in (notice(UNKNOWN_ORDER), notice(""), notice("x' OR 1=1"), "{}", "[]", "7",
                 json.dumps({"id": "evt_1", "key": {"a": 1}})):
        assert send(shop, body).status_code == 200, body
    assert "notice_of_no_page" in shop.log() and UNKNOWN_ORDER in shop.log()
    placed = Customer(shop)
    shop.cli("card", "set", "--workspace", placed.name, "--token", "tok_visa", "--name", "Ann")
    assert placed.order(name())["order_placed"]
    charged = rows(shop, "SELECT o.id FROM orders o JOIN workspaces w ON w.id = o.workspace_id"
                   " WHERE w.name = ?", placed.name)[0][0]
    assert send(shop, notice(charged)).status_code == 200


def test_a_driver_that_is_not_there(shop):
    for driver in ("stripe", "invoice", "none"):
        response = shop.request("POST", f"/api/dfyd/v1/payment-events/{driver}", json={}, auth=False)
        assert response.status_code == 404, driver


def test_pages_that_are_not_there(shop):
    for method, path in (("GET", "/checkout/" + UNKNOWN_ORDER), ("GET", "/sandbox/checkout/cs_sandbox_0"),
                         ("POST", "/sandbox/checkout/cs_sandbox_0")):
        assert shop.request(method, path, auth=False).status_code == 404


# -- time

def advance(server, by):
    server.cli("clock", "advance", by)


def test_expired(fresh):
    server = fresh(checkout="on", checkout_minutes=45)
    server.cli("card", "remove")
    customer, domain = Customer(server), name()
    answer = customer.open(domain)
    advance(server, "44m")
    assert state(server, answer) == "reserved" and "<button" in requests.get(answer["checkout_url"], timeout=60).text
    advance(server, "2m")
    assert state(server, answer) == "payment_failed" and back(server, answer) == "Not paid"
    assert "closed" in pay(answer).text and charges(server, answer) == []
    assert customer.open(domain)["cart_order_id"] != answer["cart_order_id"], "the name is free again"


def test_paid_just_before_the_end(fresh):
    """The bank took the money in time, and the notice was lost: the order is placed when its page is closed."""
    server = fresh(checkout="on")
    server.cli("card", "remove")
    customer = Customer(server)
    answer = customer.open()
    advance(server, "29m30s")
    pay_unnoticed(server, answer)
    advance(server, "1m")
    assert state(server, answer) == "placed" and payments(server, answer) == [("charge", "succeeded", 2000)]


def test_a_lost_notice_is_made_up_for(fresh):
    server = fresh(checkout="on")
    server.cli("card", "remove")
    answer = Customer(server).open()
    pay_unnoticed(server, answer)
    advance(server, "61s")
    assert state(server, answer) == "placed"


def test_the_customer_comes_back_before_the_notice(shop):
    answer = Customer(shop).open()
    pay_unnoticed(shop, answer)
    assert back(shop, answer) == "Paid" and state(shop, answer) == "placed"


def test_paid_after_the_end_goes_back(fresh):
    """A bank that takes money for a page it had called closed."""
    server = fresh(checkout="on")
    server.cli("card", "remove")
    customer, domain = Customer(server), name()
    answer = customer.open(domain)
    advance(server, "31m")
    assert state(server, answer) == "payment_failed"
    other = Customer(server)
    pay(other.open(domain))
    pay_unnoticed(server, answer)
    for _ in range(3):
        body = notice(answer["cart_order_id"])
        ahead = signed(server, body, int(time.time()) + 31 * 60)
        assert send(server, body, ahead).status_code == 200
    wait_for("the refund", lambda: ("refund", "succeeded", 2000) in payments(server, answer))
    assert sorted(payments(server, answer)) == [("charge", "succeeded", 2000), ("refund", "succeeded", 2000)]
    assert rows(server, "SELECT amount FROM refunds WHERE charge_key = ?",
                answer["cart_order_id"], file="sandbox.db") == [(2000,)]
    page = requests.get(f"{server.base}/checkout/{answer['cart_order_id']}", timeout=30).text
    assert "Paid too late" in page and "Nothing was charged" not in page
    assert state(server, answer) == "payment_failed" and customer.placed() == [] and other.placed() == [domain]
    assert rows(server, "SELECT sum(amount) FROM ledger_entries WHERE account LIKE 'payable/%'") == [(0,)]
    done = server.run("ledger", "check")
    assert done.returncode == 0, done.stdout


def test_a_restart_does_not_close_pages(fresh):
    server = fresh(checkout="on")
    server.cli("card", "remove")
    customer = Customer(server)
    answer, paid = customer.open(), customer.open()
    pay_unnoticed(server, paid)
    server.restart()
    wait_for("the page that was paid meanwhile", lambda: state(server, paid) == "placed")
    assert state(server, answer) == "reserved"
    url = server.base + answer["checkout_url"].split("/", 3)[3].join(("/", ""))
    assert "<h1>Paid</h1>" in requests.post(url, data={"card": "tok_visa"}, timeout=60).text
    assert state(server, answer) == "placed"


def test_the_public_url_stands_in_answers(fresh):
    server = fresh(checkout="on", public_url="https://mail.example.com/dfyd/")
    server.cli("card", "remove")
    answer = server.order([item(name())])
    assert answer["checkout_url"].startswith("https://mail.example.com/dfyd/sandbox/checkout/")
