"""Pages to pay on with `payment = stripe`, against the double: an order without a card is placed once its page is paid,
and what notices say is only a reason to look.
"""
import pytest

from conftest import wait_for
from doubles.stripe.fixture import stripe  # noqa: F401, a fixture
from test_stripe import item, shop  # noqa: F401, a fixture

SECRET = "whsec_pages"
EVENTS = "/api/dfyd/v1/payment-events/stripe"


@pytest.fixture
def pages(stripe, shop, monkeypatch):
    monkeypatch.setenv("DFYD_STRIPE_WEBHOOK_SECRET", SECRET)
    shop.start(checkout="on", public_url="https://dfyd.example.com")
    return shop


def opened(shop, *items):
    order = shop.order(list(items) or [item()])
    assert order["checkout_required"] and not order["order_placed"] and order["order_is_valid"], order
    [session] = [s for s in shop.stripe.objects("checkout.session") if s["client_reference_id"] == order["cart_order_id"]]
    assert order["checkout_url"] == session["url"]
    return session["id"]


def placed(shop):
    return "placed" in shop.cli("order", "list").split()


def ended(shop):
    wait_for("no order without an end", lambda: "reserved" not in shop.cli("order", "list"))


def test_a_paid_page_places_the_order_once_and_keeps_the_card(stripe, pages):
    stripe.webhook(pages.base + EVENTS, SECRET)
    session = opened(pages)
    assert stripe.pay(session).status_code == 200
    wait_for("it is placed", lambda: placed(pages))
    assert {d["status"] for d in stripe.delivered()} == {200}
    assert pages.charged() == 2000
    [event] = stripe.events("checkout.session.completed")
    for _ in range(3):
        assert stripe.send(event)["status"] == 200
    assert pages.charged() == 2000
    again = pages.order([item()])
    assert again["order_placed"] and again["payment_method_last_4_digits"] == "4242"
    assert pages.charged() == 4000
    pages.check_books()


def test_notices_that_are_not_believed(stripe, pages):
    stripe.webhook(pages.base + EVENTS, SECRET, auto=False)
    session = opened(pages)
    assert stripe.pay(session).status_code == 200
    [event] = stripe.events("checkout.session.completed")
    assert stripe.send(event, secret="whsec_other")["status"] == 400
    assert stripe.send(event, age_s=301)["status"] == 400
    assert stripe.send(event, header="")["status"] == 400
    assert not placed(pages)
    assert stripe.send(event)["status"] == 200
    wait_for("it is placed", lambda: placed(pages))
    pages.check_books()


def test_a_notice_of_somebody_elses_page(stripe, pages):
    stripe.webhook(pages.base + EVENTS, SECRET)
    made = stripe.post("checkout/sessions", {
        "mode": "payment", "success_url": "https://a.example.com/", "line_items[0][price_data][currency]": "usd",
        "line_items[0][price_data][unit_amount]": 500, "line_items[0][price_data][product_data][name]": "Tea",
        "line_items[0][quantity]": 1, "client_reference_id": "cart 7"}).json()
    assert stripe.pay(made["id"]).status_code == 200
    assert {d["status"] for d in stripe.delivered()} == {200}
    assert not placed(pages)


def test_a_declined_card_on_the_page_is_not_the_end(stripe, pages):
    stripe.webhook(pages.base + EVENTS, SECRET)
    session = opened(pages)
    assert stripe.pay(session, "pm_card_visa_chargeDeclined").status_code == 402
    stripe.delivered()
    assert not placed(pages)
    assert stripe.pay(session, "pm_card_mastercard").status_code == 200
    wait_for("it is placed", lambda: placed(pages))
    assert pages.charged() == 2000
    pages.check_books()


def test_a_page_that_ended_unpaid_gives_the_names_back(stripe, pages):
    stripe.webhook(pages.base + EVENTS, SECRET)
    one = item()
    session = opened(pages, one)
    assert stripe.post(f"checkout/sessions/{session}/expire").status_code == 200
    ended(pages)
    assert not placed(pages) and pages.charged() == 0
    opened(pages, one)
    pages.check_books()


@pytest.mark.parametrize("kind", ["drop_before", "error_before", "drop_after", "truncate", "html_after", "error_within"])
def test_trouble_with_opening_a_page(stripe, pages, kind):
    stripe.fault(kind, method="POST", path="sessions$")
    response = pages.post_order([one := item()])
    if response.status_code == 200:  # a connection that ended is made anew
        [session] = stripe.objects("checkout.session")
        assert response.json()["checkout_url"] == session["url"]
        return
    assert response.status_code == 503, response.text
    ended(pages)
    assert not placed(pages)
    assert "open" not in [s["status"] for s in stripe.objects("checkout.session")]
    session = opened(pages, one)
    assert stripe.pay(session).status_code == 200
    pages.check_books()


def test_a_notice_while_stripe_is_down_is_looked_at_later(stripe, pages):
    stripe.webhook(pages.base + EVENTS, SECRET, auto=False)
    session = opened(pages)
    assert stripe.pay(session).status_code == 200
    stripe.fault("error_before", path="sessions/", times=1)
    later = stripe.fault("hold_before", path="sessions/")  # the next look, some seconds later
    [event] = stripe.events("checkout.session.completed")
    stripe.send(event)
    assert not placed(pages)
    later.release()
    wait_for("it is placed", lambda: placed(pages))
    assert pages.charged() == 2000
    pages.check_books()
