"""The whole server with `payment = stripe`, against the double: what customers are told, dfyd's ledger and the double's
books say the same.
"""
import itertools
import os

import pytest
import requests

from conftest import Server, wait_for
from doubles.stripe.cards import DECLINES
from doubles.stripe.fixture import KEY, stripe  # noqa: F401, a fixture

numbers = itertools.count(1)
REASONS = {"expired_card": "card_expired", "authentication_required": "authentication_required",
           "card_not_supported": "payment_method_not_supported", "currency_not_supported": "payment_method_not_supported",
           "insufficient_funds": "generic_decline", "stolen_card": "generic_decline"}


def item(word="", count=1):
    return {"domain": f"{word}stripe-{next(numbers)}.com", "email_provider": 1, "accounts": [
        {"email_address_prefix": f"p{i}", "first_name": "Ana", "last_name": "Silva"} for i in range(count)]}


class Shop(Server):
    """A server that takes cards by the double, and a customer with a card there."""

    def __init__(self, dir, stripe, **settings):
        super().__init__(dir, retry_max_ms=50, **settings)
        self.stripe = stripe

    def open(self, card="pm_card_visa", **settings):
        self.start(**settings)
        return self.pay_with(card)

    def pay_with(self, card):
        self.customer, self.method = self.stripe.customer(card)
        self.cli("card", "set", "--token", self.method, "--name", "Ana Silva")
        return self

    def charged(self):
        return self.stripe.books()["charged"]

    def check_books(self):
        """dfyd's ledger is whole and agrees with the double's, and nothing was sent that Stripe would not take."""
        self.cli("ledger", "check")
        assert self.stripe.complaints() == []


@pytest.fixture
def shop(stripe, tmp_path, monkeypatch):
    for name in list(os.environ):
        if name.startswith("DFYD_STRIPE"):
            monkeypatch.delenv(name)
    monkeypatch.setenv("DFYD_PAYMENT", "stripe")
    monkeypatch.setenv("DFYD_STRIPE_URL", stripe.base)
    monkeypatch.setenv("DFYD_STRIPE_KEY", KEY)
    server = Shop(tmp_path / "data", stripe)
    yield server
    server.stop()
    assert KEY not in server.log()


def test_an_order_is_charged_once_and_stands_in_all_books(stripe, shop):
    shop.open()
    order = shop.order([item(count=2), item()])
    assert order["order_placed"], order
    assert (order["payment_method_brand"], order["payment_method_last_4_digits"]) == ("visa", "4242")
    assert order["payment_method_name_on_card"] == "Ana Silva"
    assert shop.charged() == round(order["total_price"] * 100) == 4500
    [intent] = stripe.objects("payment_intent")
    assert (intent["customer"], intent["payment_method"]) == (shop.customer, shop.method)
    assert intent["metadata"]["dfyd_key"] in shop.cli("order", "list")
    [payment] = shop.pages("/api/dfyd/v1/payments")
    assert payment["reference"] == intent["id"]
    shop.check_books()


@pytest.mark.parametrize("decline", REASONS)
def test_a_declined_order_says_why_and_gives_the_names_back(stripe, shop, decline):
    assert decline in DECLINES
    shop.open(f"pm_double_attached_{decline}")
    items = [item()]
    order = shop.order(items)
    assert not order["order_placed"] and order["order_is_valid"], order
    assert (order["order_error"], order["payment_failure_reason"]) == ("payment_failed", REASONS[decline])
    assert shop.charged() == 0
    assert shop.pay_with("pm_card_visa").order(items)["order_placed"]
    assert shop.charged() == 2000
    shop.check_books()


def test_a_card_that_is_not_there_is_not_taken(stripe, shop):
    shop.start()
    done = shop.run("card", "set", "--token", "pm_none", "--name", "Ana Silva")
    assert done.returncode == 2 and "Stripe knows no pm_none" in done.stderr
    loose = stripe.post("payment_methods", {"type": "card", "card[token]": "tok_visa"}).json()["id"]
    done = shop.run("card", "set", "--token", loose, "--name", "Ana Silva")
    assert done.returncode == 2 and "belongs to no customer" in done.stderr
    done = shop.run("card", "set", "--token", "4242424242424242", "--name", "Ana Silva")
    assert done.returncode == 2 and "never by its number" in done.stderr and "4242" not in done.stderr


@pytest.mark.parametrize("path", ["payment_intents$", "confirm$"], ids=["create", "confirm"])
@pytest.mark.parametrize("kind", ["drop_before", "error_before", "error_within", "error_after", "drop_after", "truncate",
                                  "half_json", "html_after", "rate_limit"])
def test_trouble_on_the_way_is_never_paid_twice_or_for_nothing(stripe, shop, kind, path):
    """Whatever the customer was told at first: what is charged is ordered, and what is not is free again."""
    shop.open()
    stripe.fault(kind, method="POST", path=path)
    items = [item()]
    response = shop.post_order(items)
    assert response.status_code in (200, 503), response.text
    wait_for("no order without an end", lambda: "reserved" not in shop.cli("order", "list"))
    placed = "placed" in shop.cli("order", "list").split()
    if response.status_code == 200:
        assert response.json()["order_placed"] and placed
    assert shop.charged() == (2000 if placed else 0)
    again = shop.order(items)
    assert again["order_placed"] != placed
    assert shop.charged() == 2000
    shop.check_books()


@pytest.mark.parametrize("point", ["place.reserved", "place.charged", "place.settled"])
def test_killed_on_the_way(stripe, shop, point):
    shop.open(crash_at=point)
    try:
        shop.post_order([item()])
        pytest.fail("it lives")
    except requests.ConnectionError:
        shop.wait_dead()
    before = shop.charged()
    assert before == (0 if point == "place.reserved" else 2000)
    shop.restart()
    wait_for("no order without an end", lambda: "reserved" not in shop.cli("order", "list"))
    assert shop.charged() == before
    assert ("placed" in shop.cli("order", "list").split()) == (before > 0)
    shop.check_books()


def test_what_cannot_be_delivered_goes_back(stripe, shop):
    shop.open(swap_hours=0)
    order = shop.order([item("refused-"), item()])
    assert order["order_placed"] and shop.charged() == 4000
    wait_for("the money is back", lambda: stripe.books()["refunded"] == 2000)
    wait_for("dfyd knows", lambda: "done" in shop.cli("refund", "list").split())
    [refund] = stripe.objects("refund")
    assert refund["metadata"]["dfyd_key"] in shop.cli("refund", "list")
    shop.check_books()


@pytest.mark.parametrize("kind", ["drop_before", "error_before", "error_after", "drop_after", "truncate", "html_after"])
def test_trouble_with_a_refund_is_never_given_back_twice(stripe, shop, kind):
    shop.open(swap_hours=0)
    stripe.fault(kind, method="POST", path="refunds$", times=2)
    assert shop.order([item("refused-")])["order_placed"]
    wait_for("dfyd knows", lambda: "done" in shop.cli("refund", "list").split())
    assert stripe.books()["refunded"] == shop.charged() == 2000
    shop.check_books()


def test_a_refund_that_stripe_cannot_make_is_stuck_and_shown(stripe, shop):
    shop.open("pm_double_refundFailedAtOnce", swap_hours=0)
    assert shop.order([item("refused-")])["order_placed"]
    wait_for("it is stuck", lambda: "Stripe could not give it back" in shop.cli("refund", "list", "--stuck"))
    assert stripe.books()["net"] == 2000
    shop.check_books()
    [refund] = stripe.objects("refund")
    stripe.card(shop.method, refund="ok")
    shop.cli("refund", "retry", "--id", refund["metadata"]["dfyd_key"])
    wait_for("it went back", lambda: stripe.books()["net"] == 0 and "done" in shop.cli("refund", "list").split())
    assert refund["metadata"]["dfyd_key"] not in shop.cli("refund", "list", "--stuck")
    shop.check_books()


def test_the_ledger_sees_what_stripe_alone_did(stripe, shop):
    shop.open()
    assert shop.order([item()])["order_placed"]
    shop.check_books()
    intent = stripe.objects("payment_intent")[0]["id"]
    assert stripe.post("refunds", {"payment_intent": intent, "amount": 500}).status_code == 200
    done = shop.run("ledger", "check")
    assert done.returncode != 0 and "5.00" in done.stdout + done.stderr


def test_books_are_not_whole_while_stripe_is_silent(stripe, shop):
    shop.open()
    stripe.fault("error_before", path="payment_intents", times=9)
    done = shop.run("ledger", "check")
    assert done.returncode != 0 and "Stripe failed" in done.stdout + done.stderr


def test_the_clock_is_nobodys_to_move(shop):
    shop.open()
    done = shop.run("clock", "advance", "45d")
    assert done.returncode != 0 and "stripe" in done.stderr


@pytest.mark.parametrize("env, word", [({"DFYD_STRIPE_KEY": ""}, "stripe_key_file"), ({"DFYD_STRIPE_KEY": "pk_test_1"}, "sk_"),
                                       ({"DFYD_STRIPE_URL": "http://api.stripe.com"}, "https://"),
                                       ({"DFYD_STRIPE_WEBHOOK_SECRET": "secret_4711"}, "whsec_")])
def test_settings_that_cannot_work_end_the_start(shop, monkeypatch, env, word):
    for name, value in env.items():
        monkeypatch.setenv(name, value)
    assert not shop.start(expect_start=False)
    assert word in shop.log() and "4711" not in shop.log()


# ---- real test mode


@pytest.mark.skipif(not os.environ.get("DFYD_STRIPE_TEST_KEY"), reason="DFYD_STRIPE_TEST_KEY is not set: a secret key of Stripe's test mode")
def test_against_stripes_own_test_mode(tmp_path, monkeypatch):
    """Charges, declines and a refund at Stripe, where money is only pretended."""
    key, base = os.environ["DFYD_STRIPE_TEST_KEY"], "https://api.stripe.com"
    assert key.startswith(("sk_test_", "rk_test_")), "not with a live key"

    def post(path, **form):
        answer = requests.post(f"{base}/v1/{path}", data=form, auth=(key, ""), headers={"Stripe-Version": "2024-06-20"}, timeout=60)
        assert answer.status_code == 200, answer.text
        return answer.json()

    def attach(card):
        customer = post("customers", description="dfyd's test")["id"]
        return post(f"payment_methods/{card}/attach", customer=customer)["id"]

    monkeypatch.setenv("DFYD_PAYMENT", "stripe")
    monkeypatch.setenv("DFYD_STRIPE_URL", base)
    monkeypatch.setenv("DFYD_STRIPE_KEY", key)
    server = Server(tmp_path / "data", retry_max_ms=500, swap_hours=0)
    server.start()
    server.cli("card", "set", "--token", attach("pm_card_visa"), "--name", "Ana Silva")
    word = os.urandom(4).hex()
    placed = server.order([item(f"refused-{word}-"), item(word)])
    assert placed["order_placed"] and placed["payment_method_last_4_digits"] == "4242"
    wait_for("the money is back", lambda: "done" in server.cli("refund", "list").split())
    for card, reason in [("pm_card_chargeCustomerFail", "generic_decline"), ("pm_card_authenticationRequired", "authentication_required")]:
        server.cli("card", "set", "--token", attach(card), "--name", "Ana Silva")
        refused = server.order([item(word)])
        assert (refused["order_error"], refused["payment_failure_reason"]) == ("payment_failed", reason)
    server.stop()
