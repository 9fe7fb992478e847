"""Charges by the payment driver `stripe`, in conversation with a strict double of Stripe's API.

Whatever goes wrong on the way, what the driver says of a charge in the end is what stands in the double's books.
"""
import json
import os
import subprocess
import threading

import pytest

from conversation import program
from doubles.stripe.cards import DECLINES
from doubles.stripe.fixture import KEY, stripe  # noqa: F401, a fixture
from stripe_talk import AT_ONCE, Talk, agree, hasty, settle, succeeded, talk  # noqa: F401, fixtures too

AUTHENTICATE, EXPIRED, UNSUPPORTED = "authentication_required", "card_expired", "payment_method_not_supported"
EXPECTED = {"expired_card": EXPIRED, "authentication_required": AUTHENTICATE, "card_not_supported": UNSUPPORTED,
            "currency_not_supported": UNSUPPORTED}
HELD = ["late", "hold_before", "hold_within", "hold_after"]
CREATE, CONFIRM = "payment_intents$", "confirm$"


def test_a_charge(stripe, talk):
    job = talk.job()
    said = talk.ask("charge", **job)
    assert (said["outcome"], said["reason"], said["decline"]) == ("done", "", "")
    agree(talk, job, said)
    intent = succeeded(stripe, job["key"])[0]
    assert (intent["customer"], intent["payment_method"], intent["currency"]) == (talk.customer, talk.card, "usd")
    assert intent["description"] == "Two domains"
    assert intent["metadata"] == {"dfyd_key": job["key"], "dfyd_workspace": "w1"}
    assert talk.ask("charge", **job) == said
    assert talk.ask("close", **job)["reference"] == said["reference"]
    agree(talk, job, said)


@pytest.mark.parametrize("reason", DECLINES)
def test_declines(stripe, talk, reason):
    customer, card = stripe.customer(f"pm_double_attached_{reason}")
    job = talk.job(token=f"{customer}/{card}")
    said = talk.ask("charge", **job)
    assert (said["outcome"], said["decline"]) == ("refused", EXPECTED.get(reason, "generic_decline")), said
    assert ("stolen" in said["reason"], "lost" in said["reason"]) == (False, False)
    again = talk.ask("close", **job)
    assert (again["outcome"], again["decline"]) == ("refused", said["decline"])
    agree(talk, job, again)


def test_a_card_that_always_wants_its_holder(stripe, talk):
    stripe.card(talk.card, authenticate="always")
    job = talk.job()
    said = talk.ask("charge", **job)
    assert (said["outcome"], said["decline"]) == ("refused", AUTHENTICATE)
    assert settle(talk, job)["decline"] == AUTHENTICATE
    agree(talk, job, said)


def test_a_card_that_works_for_the_first_charge_only(stripe, talk):
    customer, card = stripe.customer("pm_double_declineAfterFirst")
    first, second = (talk.job(token=f"{customer}/{card}") for _ in range(2))
    assert talk.ask("charge", **first)["outcome"] == "done"
    assert talk.ask("charge", **second)["outcome"] == "refused"
    assert talk.ask("close", **first)["outcome"] == "done"


def test_a_declined_key_is_not_tried_again(stripe, talk):
    stripe.card(talk.card, charges=["insufficient_funds", "ok"])
    job = talk.job()
    said = talk.ask("charge", **job)
    assert (said["outcome"], said["decline"]) == ("refused", "generic_decline")
    assert talk.ask("charge", **job) == said
    agree(talk, job, settle(talk, job))


def test_one_key_many_times_at_once(stripe, talk):
    job = talk.job()
    said = talk.ask("charge", **job, times=12)
    assert {one["outcome"] for one in said} <= {"done", "unknown"}
    agree(talk, job, settle(talk, job))


def test_charging_and_closing_at_once(stripe, talk):
    other = Talk(stripe)
    for _ in range(15):
        job = talk.job()
        thread = threading.Thread(target=talk.ask, args=["charge"], kwargs=job)
        thread.start()
        said = other.ask("close", **job)
        thread.join()
        if said["outcome"] == "unknown":
            said = settle(other, job)
        agree(other, job, said)
    other.end()


def test_the_amount_is_none_that_stripe_takes(stripe, talk):
    job = talk.job(amount=49)
    said = talk.ask("charge", **job)
    assert (said["outcome"], said["decline"]) == ("refused", "generic_decline"), said
    agree(talk, job, settle(talk, job))


def test_a_card_that_is_gone(stripe, talk):
    job = talk.job()
    stripe.post(f"payment_methods/{talk.card}/detach")
    said = talk.ask("charge", **job)
    assert said["outcome"] == "refused", said
    agree(talk, job, settle(talk, job))
    stripe.post(f"payment_methods/{talk.card}/attach", {"customer": talk.customer})
    assert talk.ask("charge", **job)["outcome"] != "done"
    assert succeeded(stripe, job["key"]) == []


@pytest.mark.parametrize("token", ["cus_none/pm_none", "cus_none/CARD", "CUSTOMER/pm_none"])
def test_a_card_that_never_was(stripe, talk, token):
    job = talk.job(token=token.replace("CARD", talk.card).replace("CUSTOMER", talk.customer))
    said = talk.ask("charge", **job)
    assert (said["outcome"], said["decline"]) == ("refused", "generic_decline"), said
    assert settle(talk, job)["outcome"] == "refused"
    assert succeeded(stripe, job["key"]) == []


def test_a_key_comes_back_with_other_values(stripe, talk):
    job = talk.job()
    talk.expected = "was first used with other"
    assert talk.ask("charge", **job)["outcome"] == "done"
    other = {**job, "description": "Three domains"}
    said = talk.ask("charge", **other)
    assert said["outcome"] == "unknown" and "idempotency key" in said["reason"]
    agree(talk, job, settle(talk, other))


def test_the_bank_takes_its_time(stripe, talk):
    for outcome, expected in [("succeeded", "done"), ("failed", "refused")]:
        customer, card = stripe.customer("pm_double_processing")
        job = talk.job(token=f"{customer}/{card}")
        assert talk.ask("charge", **job)["outcome"] == "unknown"
        assert talk.ask("close", **job)["outcome"] == "unknown"
        [intent] = [i for i in stripe.objects("payment_intent") if i["metadata"]["dfyd_key"] == job["key"]]
        stripe.settle(intent["id"], outcome)
        said = talk.ask("close", **job)
        assert said["outcome"] == expected
        agree(talk, job, said)


# ---- what goes wrong on the way


@pytest.mark.parametrize("path", [CREATE, CONFIRM], ids=["create", "confirm"])
@pytest.mark.parametrize("kind", AT_ONCE)
def test_trouble_with_a_charge(stripe, talk, kind, path):
    job = talk.job()
    fault = stripe.fault(kind, method="POST", path=path)
    said = talk.ask("charge", **job)
    assert said["outcome"] in ("unknown", "done"), said
    fault.wait("done")
    said = settle(talk, job)
    agree(talk, job, said)
    # Closed is closed, and paid is paid, whatever comes now.
    talk.ask("charge", **job)
    agree(talk, job, talk.ask("close", **job))
    assert talk.ask("close", **job)["outcome"] == said["outcome"]


@pytest.mark.parametrize("path", [CREATE, CONFIRM], ids=["create", "confirm"])
@pytest.mark.parametrize("kind", HELD)
def test_a_charge_still_on_its_way_when_it_is_closed(stripe, hasty, kind, path):
    job = hasty.job()
    fault = stripe.fault(kind, method="POST", path=path)
    # A kept connection that ends without an answer is made anew by libcurl, with the same key.
    assert hasty.ask("charge", **job)["outcome"] in (["unknown", "done"] if kind == "late" else ["unknown"])
    fault.wait("waiting")
    said = hasty.ask("close", **job)
    fault.release()
    fault.wait("done")
    if said["outcome"] == "unknown":
        said = settle(hasty, job)
    agree(hasty, job, said)
    assert hasty.ask("close", **job)["outcome"] == said["outcome"]


@pytest.mark.parametrize("paid", [True, False])
@pytest.mark.parametrize("path", [CREATE, "pi_[^/]*$", "cancel$"], ids=["create", "get", "cancel"])
@pytest.mark.parametrize("kind", AT_ONCE)
def test_trouble_with_closing(stripe, talk, kind, path, paid):
    job = talk.job()
    if paid:
        assert talk.ask("charge", **job)["outcome"] == "done"
    stripe.fault(kind, path=path)
    said = settle(talk, job)
    assert said["outcome"] == ("done" if paid else "refused")
    stripe.clear_faults()
    talk.ask("charge", **job)
    agree(talk, job, said)


def test_nobody_is_told_of_the_key(stripe, talk):
    wrong = Talk(stripe, TALK_KEY="sk_test_wrong_4711")
    wrong.expected = talk.expected = "Invalid API Key"
    said = wrong.ask("charge", **wrong.job())
    assert said["outcome"] == "unknown"
    assert said["reason"].startswith("the Stripe key is refused; set a valid secret key")
    assert "4711" not in json.dumps(said)
    wrong.end()


@pytest.mark.parametrize("env, word", [({"TALK_URL": "http://stripe.example.com"}, "https"), ({"TALK_KEY": "pk_test_1"}, "sk_"),
                                       ({"TALK_WEBHOOK_SECRET": "x"}, "whsec_"), ({"TALK_URL": "stripe"}, "api.stripe.com")])
def test_settings_that_cannot_work(env, word):
    done = subprocess.run([program("stripe-talk")], env={**os.environ, "TALK_URL": "https://api.stripe.com", "TALK_KEY": KEY, **env},
                          stdin=subprocess.DEVNULL, capture_output=True, text=True, timeout=60)
    assert done.returncode == 2 and word in done.stderr


# ---- later than Stripe remembers keys


def test_a_late_close_finds_what_was_paid(stripe, talk):
    job = talk.job()
    assert talk.ask("charge", **job)["outcome"] == "done"
    for _ in range(120):  # newer ones of the same customer: more than a page
        stripe.post("payment_intents", {"amount": 100, "currency": "usd", "customer": talk.customer,
                                        "payment_method_types[]": "card"})
    stripe.clock(advance_s=30 * 3600)
    said = talk.ask("close", **job)
    assert said["outcome"] == "done", said
    agree(talk, job, said)
    assert len(stripe.objects("payment_intent")) == 121


def test_a_late_close_of_what_was_never_made(stripe, talk):
    job = talk.job()
    stripe.clock(advance_s=30 * 3600)
    before = len(stripe.requests())
    said = talk.ask("charge", **job)
    assert (said["outcome"], len(stripe.requests())) == ("unknown", before)
    assert settle(talk, job)["outcome"] == "refused"
    assert stripe.objects("payment_intent") == []


def test_a_late_close_of_what_was_made_only(stripe, talk):
    job = talk.job()
    stripe.fault("drop_after", method="POST", path=CREATE)
    assert talk.ask("charge", **job)["outcome"] == "unknown"
    stripe.clock(advance_s=30 * 3600)
    agree(talk, job, settle(talk, job))
    assert [i["status"] for i in stripe.objects("payment_intent")] == ["canceled"]


@pytest.mark.parametrize("paid", [True, False])
def test_our_clock_stood_still_while_stripe_forgot_the_key(stripe, talk, paid):
    job = talk.job()
    if paid:
        assert talk.ask("charge", **job)["outcome"] == "done"
    stripe.clock(advance_s=30 * 3600)
    said = talk.ask("close", **{**job, "now_ms": job["created_ms"] + 1000})
    assert said["outcome"] == ("done" if paid else "refused"), said
    agree(talk, job, said)
