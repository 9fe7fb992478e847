"""Hosted checkout with `payment = stripe`, against the double: pages, signed events, lost answers; the books agree."""
import time

import pytest
from conftest import database, wait_for
from doubles.stripe.fixture import stripe  # noqa: F401, a fixture
from test_stripe import Shop, item, shop  # noqa: F401, a fixture

SECRET = "whsec_of_the_test"


@pytest.fixture
def counter(stripe, shop, monkeypatch):  # noqa: F811
    """A shop whose customers have no card, and whose address Stripe knows."""
    monkeypatch.setenv("DFYD_STRIPE_WEBHOOK_SECRET", SECRET)
    shop.start(checkout="on", public_url="https://shop.example")
    yield shop
    assert SECRET not in shop.log()


def listen(shop, stripe, **asked):  # noqa: F811
    stripe.webhook(shop.base + "/api/dfyd/v1/payment-events/stripe", SECRET, **asked)


def opened(shop, *items):  # noqa: F811
    answer = shop.order(list(items) or [item()])
    assert answer["checkout_required"] and not answer["order_placed"], answer
    return answer


def sql(shop, text, *values):  # noqa: F811
    with database(shop) as db:
        return db.execute(text, values).fetchall()


def state(shop, answer):  # noqa: F811
    return sql(shop, "SELECT state FROM orders WHERE id = ?", answer["cart_order_id"])[0][0]


def page_of(shop, answer):  # noqa: F811
    return sql(shop, "SELECT checkout_reference FROM orders WHERE id = ?", answer["cart_order_id"])[0][0]


def is_placed(shop, answer):  # noqa: F811
    return wait_for("the order", lambda: state(shop, answer) == "placed")


def test_the_signed_event_places_the_order_and_the_card_is_kept(stripe, counter):  # noqa: F811
    listen(counter, stripe)
    answer = opened(counter)
    assert answer["checkout_url"].startswith("http") and "sandbox" not in answer["checkout_url"]
    assert stripe.pay(page_of(counter, answer)).status_code == 200
    assert {delivery["status"] for delivery in stripe.delivered()} == {200}
    assert state(counter, answer) == "placed", "what a delivery led to is durable when it is answered"
    again = counter.order([item()])
    assert again["order_placed"] and again["payment_method_last_4_digits"] == "4242"
    assert counter.charged() == 4000
    counter.check_books()


def test_events_that_come_wrong(stripe, counter):  # noqa: F811
    listen(counter, stripe, auto=False)
    answer = opened(counter)
    stripe.pay(page_of(counter, answer))
    [event] = stripe.events("checkout.session.completed")
    for wrong in ({"age_s": 301}, {"secret": "whsec_other"}, {"header": "t=1,v1=00"}):
        assert stripe.send(event, **wrong)["status"] == 400, wrong
    assert state(counter, answer) == "reserved"
    for _ in range(3):
        assert stripe.send(event)["status"] == 200
    assert state(counter, answer) == "placed" and counter.charged() == 2000
    counter.check_books()


def test_without_any_event_it_is_found_when_the_customer_comes_back(stripe, counter):  # noqa: F811
    answer = opened(counter)
    path = f"/checkout/{answer['cart_order_id']}"
    assert "Not paid yet" in counter.request("GET", path, auth=False).text
    assert stripe.pay(page_of(counter, answer), "pm_card_visa_chargeDeclined").status_code == 402
    stripe.pay(page_of(counter, answer))
    assert "<h1>Paid</h1>" in counter.request("GET", path, auth=False).text
    assert state(counter, answer) == "placed"
    counter.check_books()


@pytest.mark.parametrize("paid", [False, True])
def test_the_end_of_a_page(stripe, counter, paid):  # noqa: F811
    answer = opened(counter)
    page = page_of(counter, answer)
    if paid:
        stripe.pay(page)
    now = int(time.time() * 1000)
    sql(counter, "UPDATE orders SET checkout_expires_ms = ?, settle_after_ms = ?", now, now)
    wait_for("the end", lambda: state(counter, answer) == ("placed" if paid else "payment_failed"))
    assert stripe.pay(page).status_code != 200, "nothing can be paid there any more"
    assert counter.charged() == (2000 if paid else 0)
    counter.check_books()


@pytest.mark.parametrize("times", [1, 2])
def test_a_lost_answer_to_opening(stripe, counter, times):  # noqa: F811
    """Once: it is asked again and finds the page. Twice: nobody hears of the page, so it is closed."""
    for _ in range(times):
        stripe.fault("drop_after", method="POST", path="sessions$", times=1)
    wanted = item()
    response = counter.post_order([wanted])
    [session] = stripe.objects("checkout.session")
    if times == 1:
        assert response.json()["checkout_required"]
        stripe.pay(session["id"])
        counter.request("GET", f"/checkout/{response.json()['cart_order_id']}", auth=False)
        assert counter.charged() == 2000
    else:
        assert response.status_code == 503 and "Nothing was charged" in response.json()["message"]
        wait_for("the names", lambda: sql(counter, "SELECT state FROM orders") == [("payment_failed",)])
        assert stripe.pay(session["id"]).status_code != 200
        assert opened(counter, wanted)["checkout_url"]
    counter.check_books()
