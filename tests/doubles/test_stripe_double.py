"""The double of Stripe's API: one case a rule. What stands here is Stripe's public reference, not what a driver needs."""
import concurrent.futures
import hashlib
import hmac
import http.server
import json
import threading

import pytest
import requests

from doubles.stripe.fixture import KEY, VERSION, Stripe, stripe  # noqa: F401

CHARGE = {"amount": "1234", "currency": "usd", "payment_method_types[]": "card", "confirm": "true"}


@pytest.fixture(scope="module")
def shared():
    """One double for the cases that leave nothing behind that another could see."""
    double = Stripe()
    yield double
    double.stop()


def error(answer, status):
    assert answer.status_code == status, answer.text
    assert answer.headers["Request-Id"].startswith("req_")
    return answer.json()["error"]


def charge(stripe, customer, method, key=None, **more):
    return stripe.post("payment_intents", {**CHARGE, "customer": customer, "payment_method": method, "off_session": "true",
                                           **more}, key)


# -- who asks, and how

@pytest.mark.parametrize("headers, status, word", [
    ({"Authorization": None}, 401, "did not provide"),
    ({"Authorization": "Bearer sk_test_other"}, 401, "Invalid API Key"),
    ({"Authorization": "Bearer pk_test_double"}, 401, "Invalid API Key"),
    ({"Authorization": "Digest " + KEY}, 401, "neither"),
    ({"Authorization": "Basic !"}, 401, "not Basic"),
    ({"Stripe_Version": None}, 400, "no Stripe-Version"),
    ({"Stripe_Version": "2026-06-25.dahlia"}, 400, "Invalid Stripe API version"),
])
def test_headers(shared, headers, status, word):
    answer = shared.post("customers", {"name": "A"}, **headers)
    assert word in error(answer, status)["message"]
    assert ("WWW-Authenticate" in answer.headers) == (status == 401)


def test_basic_and_bearer_are_the_same(shared):
    basic = requests.post(shared.base + "/v1/customers", auth=(KEY, ""), headers={"Stripe-Version": VERSION}, timeout=60)
    assert basic.status_code == shared.post("customers").status_code == 200
    assert basic.headers["Stripe-Version"] == VERSION


@pytest.mark.parametrize("method, path", [
    ("GET", "nothing"), ("POST", "charges"), ("DELETE", "customers/cus_1"), ("GET", "events"), ("GET", "payment_intents/"),
    ("POST", "payment_intents/pi_1/capture"), ("GET", "payment_intents/search/x")])
def test_other_urls(shared, method, path):
    assert "Unrecognized request URL" in error(shared.call(method, path), 404)["message"]


def test_only_forms(shared):
    def send(body, kind):
        headers = {"Authorization": "Bearer " + KEY, "Stripe-Version": VERSION, "Content-Type": kind}
        return requests.post(shared.base + "/v1/customers", data=body, headers=headers, timeout=60)

    form = "application/x-www-form-urlencoded"
    assert send(b"name=A", form).status_code == 200
    assert send(b"name=A", form + "; charset=utf-8").status_code == 200
    assert error(send(b'{"name": "A"}', "application/json"), 400)
    for body in (b"name", b"name=%ff", b"name=\xc3\xa4", b"name[=1", b"name=1&name=2", b"a]b=1", b"metadata[a]=1&metadata=2",
                 b"line[][a]=1"):
        assert error(send(body, form), 400)
    answer = requests.post(shared.base + "/v1/customers?name=A", headers={"Authorization": "Bearer " + KEY,
                                                                          "Stripe-Version": VERSION}, timeout=60)
    assert "body" in error(answer, 400)["message"]


def intent(**values):
    return {name: value for name, value in {"amount": "100", "currency": "usd", **values}.items() if value is not None}


def session(**values):
    made = {"mode": "payment", "success_url": "https://a.test/ok", "line_items[0][quantity]": "1",
            "line_items[0][price_data][currency]": "usd", "line_items[0][price_data][unit_amount]": "1234",
            "line_items[0][price_data][product_data][name]": "Order"}
    return {name: value for name, value in {**made, **values}.items() if value is not None}


LINE = "line_items[0][price_data]"
WRONG = [
    # path, form, code, param
    ("payment_intents", intent(amount=None), "parameter_missing", "amount"),
    ("payment_intents", intent(currency=None), "parameter_missing", "currency"),
    ("payment_intents", intent(amount="12.34"), "parameter_invalid_integer", "amount"),
    ("payment_intents", intent(amount="0"), "parameter_invalid_integer", "amount"),
    ("payment_intents", intent(amount="-5"), "parameter_invalid_integer", "amount"),
    ("payment_intents", intent(amount=""), "parameter_invalid_integer", "amount"),
    ("payment_intents", intent(amount="1e3"), "parameter_invalid_integer", "amount"),
    ("payment_intents", intent(amount="49"), "amount_too_small", "amount"),
    ("payment_intents", intent(amount="100000000"), "amount_too_large", "amount"),
    ("payment_intents", intent(currency="xxx"), None, "currency"),
    ("payment_intents", intent(currency="USD"), None, "currency"),
    ("payment_intents", intent(sum="1"), "parameter_unknown", "sum"),
    ("payment_intents", {**intent(), "automatic_payment_methods[on]": "true"}, "parameter_unknown",
     "automatic_payment_methods[on]"),
    ("payment_intents", {**intent(), "automatic_payment_methods[allow_redirects]": "never"}, "parameter_missing",
     "automatic_payment_methods[enabled]"),
    ("payment_intents", intent(confirm="yes"), None, "confirm"),
    ("payment_intents", intent(customer=""), "parameter_invalid_empty", "customer"),
    ("payment_intents", intent(description="   "), "parameter_invalid_string_blank", "description"),
    ("payment_intents", intent(customer="cus_none"), "resource_missing", "customer"),
    ("payment_intents", intent(payment_method="pm_none"), "resource_missing", "payment_method"),
    ("payment_intents", intent(payment_method="tok_visa"), "resource_missing", "payment_method"),
    ("payment_intents", intent(off_session="true"), "payment_intent_invalid_parameter", "off_session"),
    ("payment_intents", intent(return_url="https://a.test"), "payment_intent_invalid_parameter", "return_url"),
    ("payment_intents", intent(confirm="true", return_url="nowhere"), "url_invalid", "return_url"),
    ("payment_intents", intent(confirm="true"), "payment_intent_unexpected_state", "payment_method"),
    ("payment_intents", intent(confirm="true", payment_method="pm_card_visa"), None, "return_url"),
    ("payment_intents", intent(setup_future_usage="always"), None, "setup_future_usage"),
    ("payment_intents", intent(payment_method_types="card"), None, "payment_method_types"),
    ("payment_intents", {**intent(), "payment_method_types[1]": "card"}, None, "payment_method_types"),
    ("payment_intents", {**intent(), "metadata[" + "k" * 41 + "]": "v"}, None, "metadata"),
    ("payment_intents", {**intent(), "metadata[k]": "v" * 501}, "parameter_invalid_string", "metadata[k]"),
    ("payment_intents", {**intent(), **{f"metadata[k{i}]": "v" for i in range(51)}}, None, "metadata"),
    ("payment_intents", {**intent(), "payment_method_types[]": "card", "automatic_payment_methods[enabled]": "true"},
     "payment_intent_invalid_parameter", "payment_method_types"),
    ("payment_intents", intent(transfer_group="g"), "double_left_out", "transfer_group"),
    ("payment_intents", {**intent(), "expand[]": "nothing"}, None, "expand"),
    ("payment_intents/pi_none/confirm", {}, "resource_missing", "intent"),
    ("payment_intents/pi_none/cancel", {"cancellation_reason": "bored"}, None, "cancellation_reason"),
    ("customers", {"nickname": "A"}, "parameter_unknown", "nickname"),
    ("customers/cus_none", {"name": "A"}, "resource_missing", "id"),
    ("payment_methods", {"type": "card", "card[number]": "4242424242424242"}, None, "card[number]"),
    ("payment_methods", {"type": "card", "card[token]": "tok_none"}, "resource_missing", "card[token]"),
    ("payment_methods", {"type": "cash", "card[token]": "tok_visa"}, None, "type"),
    ("payment_methods/pm_none/attach", {"customer": "cus_none"}, "resource_missing", "payment_method"),
    ("payment_methods/pm_card_visa/attach", {}, "parameter_missing", "customer"),
    ("setup_intents", {"confirm": "true"}, "setup_intent_unexpected_state", "payment_method"),
    ("setup_intents", {"usage": "later"}, None, "usage"),
    ("refunds", {}, "parameter_missing", "payment_intent"),
    ("refunds", {"payment_intent": "pi_none"}, "resource_missing", "payment_intent"),
    ("refunds", {"charge": "ch_none"}, "resource_missing", "charge"),
    ("refunds", {"charge": "ch_none", "amount": "0"}, "parameter_invalid_integer", "amount"),
    ("refunds", {"charge": "ch_none", "reason": "regret"}, None, "reason"),
    ("checkout/sessions", session(success_url=None), "parameter_missing", "success_url"),
    ("checkout/sessions", session(success_url="a.test"), "url_invalid", "success_url"),
    ("checkout/sessions", session(mode=None), "parameter_missing", "mode"),
    ("checkout/sessions", session(**{LINE + "[currency]": None}), "parameter_missing", LINE + "[currency]"),
    ("checkout/sessions", session(**{LINE + "[colour]": "red"}), "parameter_unknown", LINE + "[colour]"),
    ("checkout/sessions", session(**{"line_items[0][quantity]": "0"}), "parameter_invalid_integer", "line_items[0][quantity]"),
    ("checkout/sessions", session(**{LINE + "[unit_amount]": "49"}), "amount_too_small", "line_items"),
    ("checkout/sessions", session(expires_at="1"), None, "expires_at"),
    ("checkout/sessions", session(customer="cus_none"), "resource_missing", "customer"),
    ("checkout/sessions", session(client_reference_id="r" * 201), "parameter_invalid_string", "client_reference_id"),
    ("checkout/sessions/cs_test_none/expire", {}, "resource_missing", "session"),
]


@pytest.mark.parametrize("path, form, code, param", WRONG)
def test_wrong_parameters(shared, path, form, code, param):
    before = shared.books()
    got = error(shared.post(path, form), 404 if "_none" in path and code == "resource_missing" else 400)
    assert (got["type"], got.get("code"), got.get("param")) == ("invalid_request_error", code, param)
    assert ("doc_url" in got) == (code is not None)
    assert shared.books() == before


@pytest.mark.parametrize("path, query, code, param", [
    ("payment_intents", {"limit": "0"}, "parameter_invalid_integer", "limit"),
    ("payment_intents", {"limit": "101"}, "parameter_invalid_integer", "limit"),
    ("payment_intents", {"status": "succeeded"}, "parameter_unknown", "status"),
    ("payment_intents", {"created[from]": "1"}, "parameter_unknown", "created[from]"),
    ("payment_intents", {"created[gte]": "soon"}, "parameter_invalid_integer", "created[gte]"),
    ("payment_intents", {"starting_after": "pi_none"}, "resource_missing", "starting_after"),
    ("payment_intents", {"customer": "cus_none"}, "resource_missing", "customer"),
    ("refunds", {"payment_intent": "pi_none"}, "resource_missing", "payment_intent"),
    ("charges", {"limit": "ten"}, "parameter_invalid_integer", "limit"),
    ("payment_intents", {"expand[]": "customer"}, None, "expand"),
    ("checkout/sessions", {"page": "2"}, "parameter_unknown", "page"),
])
def test_wrong_queries(shared, path, query, code, param):
    got = error(shared.get(path, **query), 400)
    assert (got.get("code"), got.get("param")) == (code, param)


@pytest.mark.parametrize("path, param", [
    ("customers/cus_none", "id"), ("payment_intents/pi_none", "intent"), ("charges/ch_none", "charge"),
    ("refunds/re_none", "refund"), ("checkout/sessions/cs_test_none", "session"), ("setup_intents/seti_none", "intent"),
    ("payment_methods/pm_none", "payment_method"), ("balance_transactions/txn_none", "id")])
def test_missing_objects(shared, path, param):
    got = error(shared.get(path), 404)
    assert (got["code"], got["param"]) == ("resource_missing", param)


# -- money

def test_a_charge(stripe):
    customer, method = stripe.customer(name="Ada", email="ada@a.test")
    answer = charge(stripe, customer, method, "k1", **{"metadata[order]": "o1", "description": "Order o1"})
    assert answer.status_code == 200 and answer.headers["Idempotency-Key"] == "k1"
    made = answer.json()
    assert (made["status"], made["amount"], made["amount_received"], made["currency"]) == ("succeeded", 1234, 1234, "usd")
    assert made["metadata"] == {"order": "o1"} and made["customer"] == customer and made["livemode"] is False
    paid = stripe.get(f"charges/{made['latest_charge']}").json()
    assert (paid["paid"], paid["captured"], paid["amount_captured"], paid["payment_intent"]) == (True, True, 1234, made["id"])
    assert paid["payment_method_details"]["card"]["last4"] == "4242"
    line, = stripe.books()["lines"]
    assert (line["kind"], line["amount"], line["fee"], line["payment_intent"]) == ("charge", 1234, 0, made["id"])
    transaction = stripe.get(f"balance_transactions/{paid['balance_transaction']}").json()
    assert (transaction["net"], transaction["source"]) == (1234, paid["id"])
    assert stripe.complaints() == []


DECLINES = [
    ("pm_card_visa_chargeDeclined", "card_declined", "generic_decline"),
    ("pm_card_visa_chargeDeclinedInsufficientFunds", "card_declined", "insufficient_funds"),
    ("pm_card_visa_chargeDeclinedLostCard", "card_declined", "lost_card"),
    ("pm_card_visa_chargeDeclinedStolenCard", "card_declined", "stolen_card"),
    ("pm_card_chargeDeclinedExpiredCard", "expired_card", None),
    ("pm_card_chargeDeclinedIncorrectCvc", "incorrect_cvc", None),
    ("pm_card_chargeDeclinedProcessingError", "processing_error", None),
    ("pm_card_visa_chargeDeclinedVelocityLimitExceeded", "card_declined", "card_velocity_exceeded"),
]
ATTACHED = [("pm_card_chargeCustomerFail", "card_declined", "generic_decline"),
            ("pm_card_authenticationRequired", "authentication_required", "authentication_required"),
            ("pm_card_authenticationRequiredOnSetup", "authentication_required", "authentication_required"),
            ("pm_double_attached_expired_card", "expired_card", None),
            ("pm_double_attached_card_not_supported", "card_declined", "card_not_supported")]


@pytest.mark.parametrize("card, code, decline_code", DECLINES)
def test_declining_cards_cannot_be_attached(shared, card, code, decline_code):
    customer = shared.post("customers").json()["id"]
    got = error(shared.post(f"payment_methods/{card}/attach", {"customer": customer}), 402)
    assert (got["type"], got["code"], got.get("decline_code")) == ("card_error", code, decline_code)
    got = error(shared.post("setup_intents", {"customer": customer, "payment_method": card, "confirm": "true"}), 402)
    assert got["code"] == code and got["setup_intent"]["status"] == "requires_payment_method"


@pytest.mark.parametrize("card, code, decline_code", DECLINES + ATTACHED)
def test_declines(shared, card, code, decline_code):
    before = shared.books()
    if (card, code, decline_code) in DECLINES:
        customer, method = shared.post("customers").json()["id"], card
    else:
        customer, method = shared.customer(card)
    got = error(charge(shared, customer, method), 402)
    assert (got["type"], got["code"], got.get("decline_code")) == ("card_error", code, decline_code)
    made = shared.get(f"payment_intents/{got['payment_intent']['id']}").json()
    assert made == got["payment_intent"]
    assert made["status"] == "requires_payment_method" and made["payment_method"] is None and made["amount_received"] == 0
    assert made["last_payment_error"]["code"] == code and made["last_payment_error"]["charge"] == got["charge"]
    failed = shared.get(f"charges/{got['charge']}").json()
    assert (failed["status"], failed["paid"], failed["failure_code"]) == ("failed", False, code)
    assert shared.books() == before
    other = shared.post("payment_methods/pm_card_visa/attach", {"customer": customer}).json()["id"]
    again = shared.post(f"payment_intents/{made['id']}/confirm", {"payment_method": other, "off_session": "true"})
    assert again.json()["status"] == "succeeded" and again.json()["last_payment_error"] is None


def test_first_charge_works_and_the_next_does_not(stripe):
    customer, method = stripe.customer("pm_double_declineAfterFirst")
    assert charge(stripe, customer, method).status_code == 200
    assert error(charge(stripe, customer, method), 402)["decline_code"] == "generic_decline"
    stripe.card(method, charges=["expired_card", "ok"])
    assert error(charge(stripe, customer, method), 402)["code"] == "expired_card"
    assert charge(stripe, customer, method).json()["status"] == "succeeded"
    assert stripe.books()["charged"] == 2 * 1234


def test_cards_belong_to_one_customer(stripe):
    customer, method = stripe.customer()
    other, _ = stripe.customer()
    assert error(charge(stripe, other, method), 400)["param"] == "payment_method"
    assert error(stripe.post("payment_intents", {**CHARGE, "payment_method": method}), 400)["param"] == "payment_method"
    assert error(stripe.post(f"payment_methods/{method}/attach", {"customer": other}), 400)["param"] == "payment_method"
    assert error(stripe.post(f"customers/{other}", {"invoice_settings[default_payment_method]": method}), 400)
    assert stripe.post(f"payment_methods/{method}/detach").json()["customer"] is None
    assert stripe.get(f"customers/{customer}").json()["invoice_settings"]["default_payment_method"] is None
    assert error(charge(stripe, customer, method), 400)["param"] == "payment_method"
    assert error(stripe.post(f"payment_methods/{method}/attach", {"customer": customer}), 400)
    assert stripe.books()["lines"] == []


def test_an_unattached_card_pays_once(stripe):
    method = stripe.post("payment_methods", {"type": "card", "card[token]": "tok_visa"}).json()["id"]
    assert stripe.post("payment_intents", {**CHARGE, "payment_method": method}).json()["status"] == "succeeded"
    assert error(stripe.post("payment_intents", {**CHARGE, "payment_method": method}), 400)["param"] == "payment_method"
    customer = stripe.post("customers").json()["id"]
    paid = stripe.post("payment_intents", {**CHARGE, "payment_method": "pm_card_amex", "customer": customer,
                                           "setup_future_usage": "off_session"}).json()
    assert charge(stripe, customer, paid["payment_method"]).json()["status"] == "succeeded"


def test_states(stripe):
    """Every move of a PaymentIntent that is not allowed is refused, says so, and moves nothing."""
    customer, visa = stripe.customer()
    slow = stripe.post("payment_methods/pm_double_processing/attach", {"customer": customer}).json()["id"]
    asking = stripe.post("payment_methods/pm_card_authenticationRequired/attach", {"customer": customer}).json()["id"]

    def make(**more):
        return stripe.post("payment_intents", {**CHARGE, "customer": customer, **more}).json()

    def act(made, verb, **form):
        return stripe.post(f"payment_intents/{made['id']}/{verb}", form)

    bare = stripe.post("payment_intents", {"amount": "99", "currency": "usd", "customer": customer}).json()
    assert bare["status"] == "requires_payment_method"
    assert error(act(bare, "confirm"), 400)["code"] == "payment_intent_unexpected_state"
    ready = make(payment_method=visa, confirm="false")
    assert ready["status"] == "requires_confirmation"
    assert act(ready, "confirm").json()["status"] == "succeeded"
    waiting = make(payment_method=asking, return_url="https://a.test/back")
    assert waiting["status"] == "requires_action" and waiting["next_action"]["type"] == "redirect_to_url"
    processing = make(payment_method=slow)
    assert processing["status"] == "processing"
    canceled = act(bare, "cancel", cancellation_reason="abandoned").json()
    assert (canceled["status"], canceled["cancellation_reason"]) == ("canceled", "abandoned") and canceled["canceled_at"]
    for made in (ready, processing, canceled):
        for verb in ("confirm", "cancel"):
            got = error(act(made, verb), 400)
            assert got["code"] == "payment_intent_unexpected_state"
            assert got["payment_intent"]["id"] == made["id"]
    assert stripe.authenticate(waiting["id"]) == "succeeded"
    assert stripe.settle(processing["id"]) == "succeeded"
    assert stripe.books()["charged"] == 3 * 1234
    gone = make(payment_method=asking)
    assert act(gone, "cancel").json()["status"] == "canceled"
    failed = make(payment_method=slow)
    assert stripe.settle(failed["id"], "failed") == "requires_payment_method"
    asked = make(payment_method=asking)
    assert stripe.authenticate(asked["id"], passed=False) == "requires_payment_method"
    got = error(stripe.post("payment_intents", {**CHARGE, "customer": customer, "payment_method": asking,
                                                "error_on_requires_action": "true"}), 402)
    assert got["code"] == "authentication_required"
    assert stripe.books()["charged"] == 3 * 1234


def test_setup(stripe):
    customer = stripe.post("customers").json()["id"]
    form = {"customer": customer, "confirm": "true", "payment_method_types[]": "card"}
    made = stripe.post("setup_intents", {**form, "payment_method": "pm_card_mastercard"}).json()
    assert made["status"] == "succeeded"
    card = stripe.get(f"payment_methods/{made['payment_method']}").json()
    assert (card["customer"], card["card"]["brand"], card["card"]["last4"]) == (customer, "mastercard", "4444")
    asked = stripe.post("setup_intents", {**form, "payment_method": "pm_card_authenticationRequiredOnSetup"}).json()
    assert asked["status"] == "requires_action"
    assert stripe.authenticate(asked["id"]) == "succeeded"
    assert charge(stripe, customer, asked["payment_method"]).json()["status"] == "succeeded"
    assert error(stripe.post(f"setup_intents/{asked['id']}/confirm"), 400)["code"] == "setup_intent_unexpected_state"
    listed = stripe.get(f"customers/{customer}/payment_methods").json()["data"]
    assert [card["id"] for card in listed] == [asked["payment_method"], made["payment_method"]]


def test_refunds(stripe):
    paid = charge(stripe, *stripe.customer()).json()
    first = stripe.post("refunds", {"payment_intent": paid["id"], "amount": "234", "metadata[id]": "r1"}).json()
    assert (first["status"], first["amount"], first["charge"]) == ("succeeded", 234, paid["latest_charge"])
    assert error(stripe.post("refunds", {"payment_intent": paid["id"], "amount": "1001"}), 400)["param"] == "amount"
    rest = stripe.post("refunds", {"charge": paid["latest_charge"]}).json()
    assert rest["amount"] == 1000
    for form in ({"payment_intent": paid["id"]}, {"charge": paid["latest_charge"], "amount": "1"}):
        assert error(stripe.post("refunds", form), 400)["code"] == "charge_already_refunded"
    done = stripe.get(f"charges/{paid['latest_charge']}").json()
    assert (done["amount_refunded"], done["refunded"]) == (1234, True)
    listed = stripe.get("refunds", payment_intent=paid["id"]).json()
    assert [refund["id"] for refund in listed["data"]] == [rest["id"], first["id"]]
    assert stripe.get(f"refunds/{first['id']}").json()["metadata"] == {"id": "r1"}
    report = stripe.books()
    assert (report["charged"], report["refunded"], report["net"]) == (1234, 1234, 0)
    unpaid = stripe.post("payment_intents", {"amount": "99", "currency": "usd"}).json()
    assert error(stripe.post("refunds", {"payment_intent": unpaid["id"]}), 400)["code"] == "payment_intent_unexpected_state"


@pytest.mark.parametrize("card, first, outcome, last, refunded", [
    ("pm_card_pendingRefund", "pending", "succeeded", "succeeded", 1234),
    ("pm_card_pendingRefund", "pending", "failed", "failed", 0),
    ("pm_card_refundFail", "succeeded", "failed", "failed", 0),
    ("pm_double_refundFailedAtOnce", "failed", None, "failed", 0),
])
def test_refunds_that_are_not_done_at_once(stripe, card, first, outcome, last, refunded):
    paid = charge(stripe, *stripe.customer(card)).json()
    refund = stripe.post("refunds", {"payment_intent": paid["id"]}).json()
    assert refund["status"] == first
    if outcome:
        assert stripe.settle(refund["id"], outcome) == last
    assert stripe.get(f"refunds/{refund['id']}").json()["status"] == last
    assert stripe.get(f"charges/{paid['latest_charge']}").json()["amount_refunded"] == refunded
    assert stripe.books()["refunded"] == refunded and stripe.books()["net"] == 1234 - refunded


# -- lists and expand[]

def test_lists(stripe):
    customer, method = stripe.customer()
    stripe.clock(frozen=True)
    made = []
    for _ in range(5):
        made.append(charge(stripe, customer, method).json())
        stripe.clock(advance_s=10)
    charge(stripe, *stripe.customer())
    names = [intent["id"] for intent in reversed(made)]
    times = [intent["created"] for intent in made]

    def listed(**query):
        answer = stripe.get("payment_intents", customer=customer, **query).json()
        return [intent["id"] for intent in answer["data"]], answer["has_more"]

    assert listed() == (names, False)
    assert listed(limit="2") == (names[:2], True)
    assert listed(limit="2", starting_after=names[1]) == (names[2:4], True)
    assert listed(limit="2", starting_after=names[3]) == (names[4:], False)
    assert listed(limit="2", ending_before=names[3]) == (names[1:3], True)
    assert listed(**{"created[gte]": times[3]}) == (names[:2], False)
    assert listed(**{"created[gt]": times[3]}) == (names[:1], False)
    assert listed(**{"created[lte]": times[1]}) == (names[3:], False)
    assert listed(**{"created[lt]": times[1], "created[gte]": times[0]}) == (names[4:], False)
    assert listed(created=times[2]) == (names[2:3], False)
    assert stripe.get("payment_intents").json()["has_more"] is False
    assert len(stripe.get("charges", customer=customer).json()["data"]) == 5
    assert len(stripe.get("balance_transactions", type="charge", limit="100").json()["data"]) == 6


def test_expand(stripe):
    customer, method = stripe.customer()
    paid = charge(stripe, customer, method, **{"expand[]": "latest_charge.balance_transaction"}).json()
    assert paid["latest_charge"]["balance_transaction"]["amount"] == 1234 and paid["customer"] == customer
    listed = stripe.get("payment_intents", **{"expand[0]": "data.payment_method", "expand[1]": "data.customer"}).json()
    assert listed["data"][0]["payment_method"]["card"]["last4"] == "4242" and listed["data"][0]["customer"]["id"] == customer
    known = stripe.get(f"customers/{customer}", **{"expand[]": "invoice_settings.default_payment_method"}).json()
    assert known["invoice_settings"]["default_payment_method"]["id"] == method
    assert error(charge(stripe, customer, method, **{"expand[]": "refunds"}), 400)["param"] == "expand"
    assert stripe.books()["charged"] == 1234


# -- idempotency

def test_replays(stripe):
    customer, method = stripe.customer()
    first = charge(stripe, customer, method, "k1")
    again = charge(stripe, customer, method, "k1")
    assert (again.status_code, again.content) == (200, first.content)
    assert again.headers["Idempotent-Replayed"] == "true" and "Idempotent-Replayed" not in first.headers
    assert again.headers["Original-Request"] == first.headers["Request-Id"] != again.headers["Request-Id"]
    assert error(charge(stripe, customer, method, "k1", amount="999"), 400)["type"] == "idempotency_error"
    assert error(stripe.post("customers", {}, "k1"), 400)["type"] == "idempotency_error"
    assert error(charge(stripe, customer, method, "k" * 256), 400)
    assert stripe.books()["charged"] == 1234


def test_declines_are_replayed(stripe):
    customer, method = stripe.customer("pm_card_chargeCustomerFail")
    first = charge(stripe, customer, method, "k1")
    stripe.card(method, charges=["ok"])
    again = charge(stripe, customer, method, "k1")
    assert (again.status_code, again.content) == (402, first.content) and again.headers["Idempotent-Replayed"] == "true"
    assert charge(stripe, customer, method, "k2").status_code == 200


def test_what_is_not_kept(stripe):
    """Refused parameters, keys and versions: the same idempotency key still works afterwards."""
    customer, method = stripe.customer()
    assert error(charge(stripe, customer, method, "k1", amount="twelve"), 400)["code"] == "parameter_invalid_integer"
    form = {**CHARGE, "customer": customer, "payment_method": method, "off_session": "true"}
    error(stripe.post("payment_intents", form, "k1", Authorization="Bearer sk_test_other"), 401)
    error(stripe.post("payment_intents", form, "k1", Stripe_Version="2011-01-01"), 400)
    assert charge(stripe, customer, method, "k1").status_code == 200
    assert stripe.books()["charged"] == 1234


def test_keys_are_forgotten_after_a_day(stripe):
    customer, method = stripe.customer()
    stripe.clock(frozen=True)
    charge(stripe, customer, method, "k1")
    stripe.clock(advance_s=24 * 3600 - 1)
    assert charge(stripe, customer, method, "k1").headers["Idempotent-Replayed"] == "true"
    stripe.clock(advance_s=1)
    assert "Idempotent-Replayed" not in charge(stripe, customer, method, "k1").headers
    assert stripe.books()["charged"] == 2 * 1234


def test_a_hundred_copies_charge_once(stripe):
    customer, method = stripe.customer()
    start = threading.Barrier(100)

    def one(_):
        with requests.Session() as http:
            start.wait()
            form = {**CHARGE, "customer": customer, "payment_method": method, "off_session": "true"}
            return stripe.call("POST", "payment_intents", form, "same", http=http)

    with concurrent.futures.ThreadPoolExecutor(100) as pool:
        answers = list(pool.map(one, range(100)))
    assert {answer.status_code for answer in answers} <= {200, 409}
    assert len({answer.content for answer in answers if answer.status_code == 200}) == 1
    assert sum("Idempotent-Replayed" not in answer.headers for answer in answers if answer.status_code == 200) == 1
    assert len(stripe.books()["lines"]) == 1 and len(stripe.objects("payment_intent")) == 1


def test_a_copy_of_a_request_under_way(stripe):
    customer, method = stripe.customer()
    fault = stripe.fault("hold_within", path="payment_intents")
    with concurrent.futures.ThreadPoolExecutor() as pool:
        with requests.Session() as http:
            form = {**CHARGE, "customer": customer, "payment_method": method, "off_session": "true"}
            first = pool.submit(stripe.call, "POST", "payment_intents", form, "k1", http)
            fault.wait("waiting")
            got = error(charge(stripe, customer, method, "k1"), 409)
            assert got["code"] == "idempotency_key_in_use"
            fault.release()
            assert first.result().status_code == 200
    assert stripe.books()["charged"] == 1234


# -- faults

LOST = requests.exceptions.ConnectionError, requests.exceptions.ChunkedEncodingError


@pytest.mark.parametrize("kind, charged, again, replayed", [
    # charged: after the faulty request; again: the same request once more, under the same key
    ("drop_before", 0, 200, False), ("error_before", 0, 200, False), ("html_before", 0, 200, False),
    ("rate_limit", 0, 200, False), ("lock_timeout", 0, 200, False), ("error_within", 0, 500, True),
    ("error_after", 1234, 500, True), ("drop_after", 1234, 200, True), ("truncate", 1234, 200, True),
    ("half_json", 1234, 200, True), ("html_after", 1234, 200, True),
])
def test_faults(stripe, kind, charged, again, replayed):
    customer, method = stripe.customer()
    fault = stripe.fault(kind, method="POST", path="^/v1/payment_intents$", contains="k1")
    assert charge(stripe, customer, method, "k0").status_code == 200
    if kind in ("drop_before", "drop_after"):
        with pytest.raises(LOST):
            charge(stripe, customer, method, "k1")
    else:
        answer = charge(stripe, customer, method, "k1")
        assert (len(answer.content) < int(answer.headers["Content-Length"])) == (kind == "truncate")
        if kind in ("truncate", "half_json"):
            with pytest.raises(ValueError):
                answer.json()
        else:
            assert answer.status_code in (429, 500, 502)
        assert ("json" in answer.headers["Content-Type"]) == (not kind.startswith("html"))
    fault.wait("done")
    assert stripe.books()["charged"] == 1234 + charged
    repeat = charge(stripe, customer, method, "k1")
    assert (repeat.status_code, "Idempotent-Replayed" in repeat.headers) == (again, replayed)
    if again == 500:
        assert repeat.json()["error"]["type"] == "api_error"
        assert len(stripe.get("payment_intents", customer=customer).json()["data"]) == 1 + (charged > 0)
    assert stripe.books()["charged"] == 1234 + (charged if again == 500 else 1234)


def test_a_request_that_arrives_late(stripe):
    customer, method = stripe.customer()
    fault = stripe.fault("late", path="payment_intents")
    with pytest.raises(LOST):
        charge(stripe, customer, method, "k1")
    fault.wait("waiting")
    assert stripe.books()["lines"] == []
    fault.release()
    fault.wait("done")
    assert stripe.books()["charged"] == 1234
    assert charge(stripe, customer, method, "k1").headers["Idempotent-Replayed"] == "true"


def test_a_late_request_meets_its_repetition(stripe):
    customer, method = stripe.customer()
    fault = stripe.fault("late", path="payment_intents")
    with pytest.raises(LOST):
        charge(stripe, customer, method, "k1")
    fault.wait("waiting")
    assert "Idempotent-Replayed" not in charge(stripe, customer, method, "k1").headers
    fault.release()
    fault.wait("done")
    assert stripe.books()["charged"] == 1234


@pytest.mark.parametrize("kind, before", [("hold_before", 0), ("hold_after", 1234)])
def test_held_answers(stripe, kind, before):
    customer, method = stripe.customer()
    fault = stripe.fault(kind, path="payment_intents")
    form = {**CHARGE, "customer": customer, "payment_method": method}
    with concurrent.futures.ThreadPoolExecutor() as pool, requests.Session() as http:
        held = pool.submit(stripe.call, "POST", "payment_intents", form, "k1", http)
        fault.wait("waiting")
        assert stripe.books()["charged"] == before
        fault.release()
        assert held.result().status_code == 200
    assert stripe.books()["charged"] == 1234


def test_faults_choose_their_requests(stripe):
    stripe.fault("error_before", method="GET", path="/v1/customers$", times=2, skip=1, status=503)
    assert [stripe.get("customers").status_code for _ in range(4)] == [200, 503, 503, 200]
    assert stripe.post("customers").status_code == 200
    stripe.fault("error_before", times=100)
    stripe.clear_faults()
    assert stripe.get("customers").status_code == 200
    assert [entry["fault"] for entry in stripe.requests()][:3] == [None, "error_before", "error_before"]
    assert stripe.http.post(stripe.base + "/_control/faults", json={"kind": "flood"}, timeout=60).status_code == 400


def test_complaints(stripe):
    """What no client that knows the API sends is listed; what happens to good ones is not."""
    stripe.get("payment_intents/pi_none")
    charge(stripe, *stripe.customer("pm_card_chargeCustomerFail"))
    assert stripe.complaints() == []
    stripe.post("customers", {"nickname": "A"})
    stripe.get("nothing")
    assert len(stripe.complaints()) == 2


# -- checkout

def test_checkout(stripe):
    customer = stripe.post("customers").json()["id"]
    form = session(customer=customer, cancel_url="https://a.test/no", client_reference_id="o1", **{
        "payment_intent_data[setup_future_usage]": "off_session", "payment_intent_data[metadata][order]": "o1",
        "metadata[order]": "o1", "payment_method_types[]": "card", "line_items[0][quantity]": "2"})
    made = stripe.post("checkout/sessions", form, "k1").json()
    assert (made["status"], made["payment_status"], made["amount_total"], made["payment_intent"]) == ("open", "unpaid", 2468, None)
    assert made["url"].startswith("https://checkout.stripe.com/") and made["id"].startswith("cs_test_")
    declined = stripe.pay(made["id"], "pm_card_visa_chargeDeclined")
    assert declined.status_code == 402 and stripe.get(f"checkout/sessions/{made['id']}").json()["status"] == "open"
    held = stripe.get(f"checkout/sessions/{made['id']}").json()["payment_intent"]
    for verb in ("cancel", "confirm"):
        assert error(stripe.post(f"payment_intents/{held}/{verb}"), 400)["code"] == "payment_intent_unexpected_state"
    assert stripe.pay(made["id"], name="Ada Lovelace").status_code == 200
    paid = stripe.get(f"checkout/sessions/{made['id']}", **{"expand[0]": "payment_intent.payment_method",
                                                            "expand[1]": "line_items"}).json()
    assert (paid["status"], paid["payment_status"], paid["url"]) == ("complete", "paid", None)
    assert paid["payment_intent"]["metadata"] == {"order": "o1"}
    assert paid["line_items"]["data"][0]["amount_total"] == 2468
    card = paid["payment_intent"]["payment_method"]
    assert (card["customer"], card["billing_details"]["name"], card["card"]["last4"]) == (customer, "Ada Lovelace", "4242")
    assert charge(stripe, customer, card["id"]).json()["status"] == "succeeded"
    assert stripe.pay(made["id"]).status_code == 400
    assert "complete" in error(stripe.post(f"checkout/sessions/{made['id']}/expire"), 400)["message"]
    assert stripe.books()["charged"] == 2468 + 1234


def test_checkout_makes_a_customer_when_the_card_is_to_be_kept(stripe):
    for future, known in ((None, False), ("off_session", True)):
        made = stripe.post("checkout/sessions", session(**{"payment_intent_data[setup_future_usage]": future})).json()
        stripe.pay(made["id"])
        paid = stripe.get(f"checkout/sessions/{made['id']}", **{"expand[]": "payment_intent.payment_method"}).json()
        assert (paid["customer"] is not None) == known
        assert paid["payment_intent"]["payment_method"]["customer"] == paid["customer"]


def test_checkout_ends(stripe):
    stripe.clock(frozen=True)
    now = stripe.clock() // 1000
    for seconds, status in ((1799, 400), (1800, 200), (86400, 200), (86401, 400)):
        assert stripe.post("checkout/sessions", session(expires_at=str(now + seconds))).status_code == status
    early = stripe.post("checkout/sessions", session(expires_at=str(now + 1800))).json()
    ended = stripe.post("checkout/sessions", session()).json()
    tried = stripe.post("checkout/sessions", session()).json()
    stripe.pay(tried["id"], "pm_card_visa_chargeDeclined")
    assert stripe.post(f"checkout/sessions/{ended['id']}/expire").json()["status"] == "expired"
    assert error(stripe.post(f"checkout/sessions/{ended['id']}/expire"), 400)
    stripe.post(f"checkout/sessions/{tried['id']}/expire")
    held = stripe.get(f"checkout/sessions/{tried['id']}", **{"expand[]": "payment_intent"}).json()["payment_intent"]
    assert held["status"] == "canceled"
    stripe.clock(advance_s=1800)
    assert stripe.get(f"checkout/sessions/{early['id']}").json()["status"] == "expired"
    for made in (early, ended, tried):
        assert stripe.pay(made["id"]).status_code == 400
    assert stripe.books()["lines"] == []
    assert len(stripe.events("checkout.session.expired")) >= 3


def test_a_page_that_is_paid_slowly(stripe):
    made = stripe.post("checkout/sessions", session()).json()
    stripe.pay(made["id"], "pm_double_processing")
    slow = stripe.get(f"checkout/sessions/{made['id']}").json()
    assert (slow["status"], slow["payment_status"]) == ("complete", "unpaid")
    stripe.settle(slow["payment_intent"])
    assert stripe.get(f"checkout/sessions/{made['id']}").json()["payment_status"] == "paid"
    assert stripe.events("checkout.session.async_payment_succeeded")


# -- events

@pytest.fixture
def receiver():
    """Takes events; answers with the statuses in .statuses, then 200."""
    got = []

    class Handler(http.server.BaseHTTPRequestHandler):
        def do_POST(self):
            body = self.rfile.read(int(self.headers["Content-Length"]))
            got.append((self.headers.get("Stripe-Signature"), body))
            self.send_response(server.statuses.pop(0) if server.statuses else 200)
            self.send_header("Content-Length", "0")
            self.end_headers()

        def log_message(self, *_):
            pass

    server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    server.statuses, server.got = [], got
    server.url = f"http://127.0.0.1:{server.server_port}/hook"
    threading.Thread(target=server.serve_forever, daemon=True).start()
    yield server
    server.shutdown()
    server.server_close()


def signed_at(header, body, secret):
    """The time that HEADER was signed at, when the signature is right."""
    parts = dict(part.split("=", 1) for part in header.split(","))
    right = hmac.new(secret.encode(), f"{parts['t']}.".encode() + body, hashlib.sha256).hexdigest()
    return int(parts["t"]) if hmac.compare_digest(right, parts["v1"]) else None


def test_events_are_signed_and_tried_again(stripe, receiver):
    receiver.statuses = [500, 503]
    stripe.webhook(receiver.url, "whsec_a", retries=3, retry_ms=1, kinds=["payment_intent.succeeded"])
    paid = charge(stripe, *stripe.customer(), "k1").json()
    assert [delivery["status"] for delivery in stripe.delivered()] == [500, 503, 200]
    assert len({body for _, body in receiver.got}) == 1
    header, body = receiver.got[0]
    assert abs(signed_at(header, body, "whsec_a") - paid["created"]) < 60
    assert signed_at(header, body, "whsec_b") is None
    event = json.loads(body)
    assert (event["object"], event["type"], event["api_version"]) == ("event", "payment_intent.succeeded", VERSION)
    assert event["data"]["object"]["id"] == paid["id"] and event["data"]["object"]["status"] == "succeeded"
    assert event["request"]["idempotency_key"] == "k1"


def test_events_by_hand(stripe, receiver):
    stripe.webhook(receiver.url, "whsec_a", auto=False)
    charge(stripe, *stripe.customer())
    first, last = stripe.events()[0], stripe.events("payment_intent.succeeded")[0]
    assert receiver.got == []
    for event in (last, first, last):
        assert stripe.send(event)["status"] == 200
    assert [json.loads(body)["id"] for _, body in receiver.got] == [last["id"], first["id"], last["id"]]
    stripe.send(last, age_s=301)
    header, body = receiver.got[-1]
    assert stripe.clock() // 1000 - signed_at(header, body, "whsec_a") >= 301
    stripe.send(last, secret="whsec_b")
    assert signed_at(*receiver.got[-1], "whsec_a") is None
    stripe.send(last, header="")
    assert receiver.got[-1][0] is None
    receiver.statuses = [418]
    assert stripe.send(last)["status"] == 418


def test_events_tell_what_happened(stripe):
    customer, method = stripe.customer()
    paid = charge(stripe, customer, method).json()
    stripe.post("refunds", {"payment_intent": paid["id"]})
    stripe.card(method, charges=["expired_card"])
    charge(stripe, customer, method)
    kinds = [event["type"] for event in stripe.events()]
    assert kinds == ["customer.created", "payment_method.attached", "payment_intent.created", "charge.succeeded",
                     "payment_intent.succeeded", "refund.created", "charge.refunded", "payment_intent.created",
                     "charge.failed", "payment_intent.payment_failed"]
    assert len({event["id"] for event in stripe.events()}) == len(kinds)
