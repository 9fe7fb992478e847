"""Cards, refunds, pages to pay on, notices and books of the payment driver `stripe`, in conversation with the double."""
import http.server
import threading
import uuid

import pytest

from doubles.stripe.fixture import stripe  # noqa: F401, a fixture
from stripe_talk import AT_ONCE, HOUR_MS, SECRET, agree, talk  # noqa: F401, a fixture too


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


def test_a_refused_refund_is_tried_again_once_it_is_mended(stripe, talk):
    """The failed one stays among Stripe's refunds; the retry is another one, given back once however often it is asked for."""
    customer, method = stripe.customer("pm_double_refundFailedAtOnce")
    job = charged(talk, token=f"{customer}/{method}")
    assert talk.ask("refund", **job)["outcome"] == "refused"
    assert talk.ask("refund", **job, retries=1)["outcome"] == "refused"
    assert talk.ask("refund", **job, retries=1)["outcome"] == "refused"
    assert len(stripe.objects("refund")) == 2 and given_back(stripe) == []
    stripe.card(method, refund="ok")
    assert talk.ask("refund", **job, retries=1)["outcome"] == "refused", "nobody asked for another"
    stripe.fault("hold_after", method="POST", path="refunds$")
    stripe.fault("error_after", method="POST", path="refunds$")
    for _ in range(3):
        said = talk.ask("refund", **job, retries=2)
    assert said["outcome"] == "done" and given_back(stripe) == [500]


def test_a_refusal_that_stripe_keeps_under_its_key(stripe, talk):
    """More than was left, until an earlier refund came back: the kept refusal is not taken for the answer to the retry."""
    customer, method = stripe.customer("pm_card_refundFail")
    job = charged(talk, token=f"{customer}/{method}")
    assert talk.ask("refund", **job)["outcome"] == "done"
    more = {**job, "key": str(uuid.uuid4()), "amount": 1000}
    assert talk.ask("refund", **more)["outcome"] == "refused"
    stripe.settle(stripe.objects("refund")[0]["id"], "failed")
    assert talk.ask("refund", **more)["outcome"] == "refused", "Stripe keeps the first answer"
    assert talk.ask("refund", **more, retries=1)["outcome"] == "done"
    assert given_back(stripe) == [1000]


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
    stripe.clock(advance_s=3 * 3600)
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


def test_a_page_of_an_order_that_waited(stripe, talk):
    """By Stripe's clock it was made an hour ago; it still wants half an hour from now."""
    job = page_job(talk, created_ms=stripe.clock() - HOUR_MS)
    job["expires_ms"] = job["created_ms"] + HOUR_MS // 2
    assert talk.ask("open_page", **job)["outcome"] == "done"


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
