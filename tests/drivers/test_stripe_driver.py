"""The payment driver `stripe` alone (stripe-talk), in conversation with a strict double of Stripe's API.

Whatever goes wrong on the way, what the driver says of a charge in the end is what stands in the double's books.
"""
import http.server
import json
import os
import pathlib
import subprocess
import threading
import uuid

import pytest

from conftest import binary
from doubles.stripe.cards import DECLINES
from doubles.stripe.fixture import KEY, stripe  # noqa: F401, a fixture

SECRET = "whsec_talk"
HOUR_MS = 3600000
AUTHENTICATE, EXPIRED, UNSUPPORTED = "authentication_required", "card_expired", "payment_method_not_supported"
EXPECTED = {"expired_card": EXPIRED, "authentication_required": AUTHENTICATE, "card_not_supported": UNSUPPORTED,
            "currency_not_supported": UNSUPPORTED}


def program():
    built = pathlib.Path(binary()).resolve().parents[3] / "tests/drivers/stripe-talk"
    if not built.exists():
        pytest.skip(f"{built} is not built: meson setup with -Dtests=true")
    return str(built)


class Talk:
    expected = ""  # part of the complaints that a test provokes

    def __init__(self, stripe, **env):
        self.stripe = stripe
        self.process = subprocess.Popen([program()], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True, env={
            **os.environ, "TALK_URL": stripe.base, "TALK_KEY": KEY, "TALK_WEBHOOK_SECRET": SECRET, "TALK_TIMEOUT_MS": "20000",
            **env})
        self.customer, self.card = stripe.customer()
        self.token = f"{self.customer}/{self.card}"

    def ask(self, do, **asked):
        asked = {"do": do, "now_ms": self.stripe.clock(), "workspace": "w1", "description": "Two domains", **asked}
        self.process.stdin.write(json.dumps(asked) + "\n")
        self.process.stdin.flush()
        said = json.loads(self.process.stdout.readline())
        assert KEY not in json.dumps(said)
        return said

    def job(self, **asked):
        return {"key": str(uuid.uuid4()), "token": self.token, "amount": 1234, "created_ms": self.stripe.clock(), **asked}

    def end(self):
        self.process.stdin.close()
        assert self.process.wait(30) == 0
        self.process.stdout.close()
        said = [one["complaint"] for one in self.stripe.complaints()]
        assert [one for one in said if not self.expected or self.expected not in one] == []


@pytest.fixture
def talk(stripe):
    one = Talk(stripe)
    yield one
    one.end()


@pytest.fixture
def hasty(stripe):
    """Does not wait long, for answers that never come."""
    one = Talk(stripe, TALK_TIMEOUT_MS="700")
    yield one
    one.end()


def succeeded(stripe, key):
    return [i for i in stripe.objects("payment_intent") if i["metadata"].get("dfyd_key") == key and i["status"] == "succeeded"]


def settle(talk, job, tries=4):
    """Asks what became of it until that is known."""
    for _ in range(tries):
        said = talk.ask("close", **job)
        if said["outcome"] != "unknown":
            return said
    pytest.fail(f"still unknown: {said}")


def agree(talk, job, said):
    """The driver's last word and the double's books."""
    paid = succeeded(talk.stripe, job["key"])
    assert len(paid) == (said["outcome"] == "done"), (said, paid)
    if paid:
        assert paid[0]["amount_received"] == job["amount"]
        assert said["reference"] == paid[0]["id"]


# ---- charges


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

AT_ONCE = ["drop_before", "rate_limit", "lock_timeout", "error_before", "html_before", "error_within", "error_after",
           "drop_after", "truncate", "half_json", "html_after"]
HELD = ["late", "hold_before", "hold_within", "hold_after"]
CREATE, CONFIRM = "payment_intents$", "confirm$"


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
    done = subprocess.run([program()], env={**os.environ, "TALK_URL": "https://api.stripe.com", "TALK_KEY": KEY, **env},
                          stdin=subprocess.DEVNULL, capture_output=True, text=True, timeout=30)
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


# ---- cards


def test_describe(stripe, talk):
    for token in (talk.card, talk.token):
        said = talk.ask("describe", token=token)
        assert (said["outcome"], said["brand"], said["last4"], said["token"]) == ("done", "visa", "4242", talk.token)
    loose = stripe.post("payment_methods", {"type": "card", "card[token]": "tok_visa"}).json()["id"]
    said = talk.ask("describe", token=loose)
    assert said["outcome"] == "refused" and "attach it" in said["reason"]
    said = talk.ask("describe", token="pm_none")
    assert said["outcome"] == "refused" and "pm_none" in said["reason"]
    other, _ = stripe.customer()
    assert talk.ask("describe", token=f"{other}/{talk.card}")["outcome"] == "refused"
    said = talk.ask("describe", token="4242424242424242")
    assert said["outcome"] == "refused" and "4242" not in said["reason"]
    stripe.fault("error_before")
    assert talk.ask("describe", token=talk.card)["outcome"] == "unknown"


# ---- refunds


def charged(talk, **asked):
    job = talk.job(**asked)
    said = talk.ask("charge", **job)
    assert said["outcome"] == "done", said
    return {"key": str(uuid.uuid4()), "charge_key": job["key"], "reference": said["reference"], "amount": 500}


def given_back(stripe):
    return sorted(r["amount"] for r in stripe.objects("refund") if r["status"] not in ("failed", "canceled"))


def test_refunds(stripe, talk):
    job = charged(talk)
    said = talk.ask("refund", **job)
    assert said["outcome"] == "done" and said["reference"].startswith("re_")
    assert talk.ask("refund", **job) == said
    second = {**job, "key": str(uuid.uuid4()), "amount": 734}
    assert talk.ask("refund", **second)["outcome"] == "done"
    more = {**job, "key": str(uuid.uuid4()), "amount": 1}
    said = talk.ask("refund", **more)
    assert said["outcome"] == "refused" and said["reason"]
    stripe.clock(advance_s=30 * 3600)
    assert talk.ask("refund", **job)["outcome"] == "done"
    assert given_back(stripe) == [500, 734]


def test_more_than_is_left_of_a_charge(stripe, talk):
    job = charged(talk)
    assert talk.ask("refund", **{**job, "amount": 1235})["outcome"] == "refused"
    assert given_back(stripe) == []


@pytest.mark.parametrize("kind", AT_ONCE)
def test_trouble_with_a_refund(stripe, talk, kind):
    job = charged(talk)
    fault = stripe.fault(kind, method="POST", path="refunds$")
    said = talk.ask("refund", **job)
    fault.wait("done")
    for _ in range(3):
        said = talk.ask("refund", **job)
    if said["outcome"] == "unknown":  # the failure is kept under the key, for a day
        assert kind == "error_within"
        stripe.clock(advance_s=30 * 3600)
        said = talk.ask("refund", **job)
    assert said["outcome"] == "done"
    assert given_back(stripe) == [500]


def test_one_refund_many_times_at_once(stripe, talk):
    job = charged(talk)
    assert {one["outcome"] for one in talk.ask("refund", **job, times=10)} <= {"done", "unknown"}
    assert talk.ask("refund", **job)["outcome"] == "done"
    assert given_back(stripe) == [500]


@pytest.mark.parametrize("card, later, outcomes", [("pm_card_pendingRefund", "succeeded", ["done", "done"]),
                                                   ("pm_card_refundFail", "failed", ["done", "refused"]),
                                                   ("pm_double_refundFailedAtOnce", None, ["refused", "refused"])])
def test_refunds_that_take_time_or_fail(stripe, talk, card, later, outcomes):
    customer, method = stripe.customer(card)
    job = charged(talk, token=f"{customer}/{method}")
    first = talk.ask("refund", **job)["outcome"]
    if later:
        stripe.settle(stripe.objects("refund")[0]["id"], later)
    assert [first, talk.ask("refund", **job)["outcome"]] == outcomes


def test_a_refund_of_nothing(stripe, talk):
    said = talk.ask("refund", key="k", charge_key="c", reference="", amount=1)
    assert said["outcome"] == "refused" and "dashboard" in said["reason"]


# ---- pages to pay on


def page_job(talk, **asked):
    return {**talk.job(token="", **asked), "expires_ms": talk.stripe.clock() + HOUR_MS // 2,
            "success_url": "https://dfyd.example.com/a?b=1", "cancel_url": "https://dfyd.example.com/c"}


def opened(talk):
    job = page_job(talk)
    said = talk.ask("open_page", **job)
    assert said["outcome"] == "done" and said["reference"].startswith("cs_") and said["url"].startswith("http"), said
    return {**job, "page": said["reference"]}


def test_a_page_is_paid(stripe, talk):
    job = opened(talk)
    assert talk.ask("open_page", **job)["reference"] == job["page"]
    assert talk.ask("look_at_page", **job)["outcome"] == "unknown"
    assert stripe.pay(job["page"]).status_code == 200
    said = talk.ask("look_at_page", **job)
    assert (said["outcome"], said["brand"], said["last4"]) == ("done", "visa", "4242"), said
    agree(talk, job, said)
    assert talk.ask("close_page", **job) == said
    assert talk.ask("close", **job)["reference"] == said["reference"]
    renewal = talk.job(token=said["token"])
    assert talk.ask("charge", **renewal)["outcome"] == "done"
    assert talk.ask("refund", key=str(uuid.uuid4()), charge_key=job["key"], reference=said["reference"],
                    amount=1234)["outcome"] == "done"


def test_a_page_is_closed(stripe, talk):
    job = opened(talk)
    said = talk.ask("close_page", **job)
    assert (said["outcome"], said["decline"]) == ("refused", "generic_decline")
    assert stripe.pay(job["page"]).status_code != 200
    assert talk.ask("look_at_page", **job)["outcome"] == "refused"
    agree(talk, job, talk.ask("close_page", **job))


def test_a_page_ends_by_itself(stripe, talk):
    job = opened(talk)
    stripe.clock(advance_s=3600)
    assert talk.ask("look_at_page", **job)["outcome"] == "refused"
    assert talk.ask("close_page", **job)["outcome"] == "refused"


def test_a_card_is_declined_on_the_page(stripe, talk):
    job = opened(talk)
    assert stripe.pay(job["page"], "pm_card_visa_chargeDeclined").status_code == 402
    assert talk.ask("look_at_page", **job)["outcome"] == "unknown"
    assert stripe.pay(job["page"]).status_code == 200
    agree(talk, job, talk.ask("look_at_page", **job))


def test_a_page_of_another_order(stripe, talk):
    one, other = opened(talk), opened(talk)
    stripe.pay(one["page"])
    assert talk.ask("look_at_page", **{**other, "page": one["page"]})["outcome"] == "unknown"


@pytest.mark.parametrize("kind", AT_ONCE)
def test_trouble_with_opening(stripe, talk, kind):
    job = page_job(talk)
    fault = stripe.fault(kind, method="POST", path="sessions$")
    talk.ask("open_page", **job)
    fault.wait("done")
    said = talk.ask("open_page", **job)
    if kind in ("error_within", "error_after"):  # the failure is kept under the key
        assert said["outcome"] == "unknown"
    else:
        assert said["outcome"] == "done"
    assert len(stripe.objects("checkout.session")) <= 1
    said = talk.ask("close_page", **job, page="")
    assert said["outcome"] == "refused"
    agree(talk, job, said)


@pytest.mark.parametrize("kind", AT_ONCE)
def test_trouble_with_closing_a_page(stripe, talk, kind):
    for paid in (True, False):
        job = opened(talk)
        if paid:
            stripe.pay(job["page"])
        stripe.fault(kind, path="expire$")
        said = talk.ask("close_page", **job)
        if said["outcome"] == "unknown":
            said = talk.ask("close_page", **job)
        assert said["outcome"] == ("done" if paid else "refused")
        agree(talk, job, said)
        stripe.clear_faults()


def test_a_page_is_opened_again_under_other_settings(stripe, talk):
    job = opened(talk)
    talk.expected = "was first used with other"
    said = talk.ask("open_page", **{**job, "success_url": "https://other.example.com/"})
    assert (said["outcome"], said["reference"]) == ("done", job["page"])


# ---- notices


@pytest.fixture
def mailbox():
    """What is sent to it, as (signature, body)."""
    got = []

    class Handler(http.server.BaseHTTPRequestHandler):
        def do_POST(self):
            got.append((self.headers["Stripe-Signature"], self.rfile.read(int(self.headers["Content-Length"])).decode()))
            self.send_response(200)
            self.send_header("Content-Length", "0")
            self.end_headers()

        def log_message(self, *args):
            pass

    server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    got_at = f"http://127.0.0.1:{server.server_port}/"
    yield got_at, got
    server.shutdown()
    server.server_close()


def test_notices(stripe, talk, mailbox):
    url, got = mailbox
    stripe.webhook(url, SECRET, auto=False)
    job = opened(talk)
    stripe.pay(job["page"])
    [event] = stripe.events("checkout.session.completed")
    stripe.send(event)
    signature, body = got[-1]
    said = talk.ask("read_event", signature=signature, body=body)
    assert (said["outcome"], said["key"], said["id"]) == ("done", job["key"], event["id"]), said
    assert talk.ask("read_event", signature=signature, body=body + " ")["outcome"] == "refused"
    assert talk.ask("read_event", signature="", body=body)["outcome"] == "refused"
    [paid] = stripe.events("payment_intent.succeeded")
    stripe.send(paid)
    assert talk.ask("read_event", signature=got[-1][0], body=got[-1][1])["key"] == job["key"]
    stripe.send(event, age_s=301)
    said = talk.ask("read_event", signature=got[-1][0], body=got[-1][1])
    assert said["outcome"] == "refused" and "five minutes" in said["reason"]
    stripe.send(event, secret="whsec_other")
    assert talk.ask("read_event", signature=got[-1][0], body=got[-1][1])["outcome"] == "refused"


# ---- books


def test_movements(stripe, talk):
    start = stripe.clock()
    jobs = [talk.job() for _ in range(103)]
    said = [talk.ask("charge", **job)["reference"] for job in jobs]
    refund = {"key": str(uuid.uuid4()), "charge_key": jobs[0]["key"], "reference": said[0], "amount": 500}
    assert talk.ask("refund", **refund)["outcome"] == "done"
    page = opened(talk)
    stripe.pay(page["page"])
    stripe.customer("pm_double_attached_expired_card")
    talk.ask("close", **talk.job())
    moved = talk.ask("movements", from_ms=start)
    assert moved["outcome"] == "done", moved
    charges = {m["key"]: m["amount"] for m in moved["movements"] if not m["is_refund"]}
    refunds = {m["key"]: m["amount"] for m in moved["movements"] if m["is_refund"]}
    assert charges == {job["key"]: 1234 for job in [*jobs, page]}
    assert refunds == {refund["key"]: 500}
    assert len(moved["movements"]) == 105
    stripe.clock(advance_s=10)
    assert talk.ask("movements", from_ms=stripe.clock())["movements"] == []
    stripe.fault("error_before", path="refunds")
    assert talk.ask("movements", from_ms=start)["outcome"] == "unknown"
