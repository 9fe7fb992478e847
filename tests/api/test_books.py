"""What became of money: orders in full, payments, invoices, over HTTP."""
import re

import pytest

from contract import TIME, check_error, check_policy, client, item, make_client, name  # noqa: F401, a fixture
from conftest import wait_for

OWN = "/api/dfyd/v1"
NOT_FOUND = "Resource not found"
SELLER = 'Mail <Makers> & "Sons", 1 High Street, Leeds, VAT GB1'


def get(client, path, **params):
    response = client.send("GET", OWN + path, params=params)
    assert response.status_code == 200, response.text
    return response.json()


def items(client, path, **params):
    return get(client, path, **params)["items"]


def pages(client, path, limit):
    rows, after = [], {}
    while True:
        page = get(client, path, limit=limit, **after)
        assert len(page["items"]) == limit or "next_starting_after" not in page
        rows += page["items"]
        if "next_starting_after" not in page:
            return rows
        after = {"starting_after": page["next_starting_after"]}


def test_a_charge_is_listed_with_its_invoice(client):
    domain = name()
    client.placed([item(domain, 1, 3)])
    payment, = items(client, "/payments")
    assert payment["kind"] == "charge" and payment["state"] == "succeeded" and payment["amount"] == 30
    assert payment["driver"] == "sandbox" and payment["currency"] == "USD"
    assert (payment["payment_method_brand"], payment["payment_method_last_4_digits"]) == ("visa", "4242")
    assert payment["payment_failure_reason"] is None and payment["renewal_id"] is None
    assert payment["id"] == payment["order_id"] and TIME.fullmatch(payment["timestamp_created"])

    invoice, = items(client, "/invoices")
    assert invoice["kind"] == "invoice" and invoice["state"] == "paid" and invoice["total"] == 30
    assert invoice["order_id"] == payment["order_id"] and invoice["timestamp_paid"] == invoice["timestamp_issued"]
    whole = get(client, f"/invoices/{invoice['number']}")
    document = whole.pop("document")
    assert whole == invoice
    assert document["number"] == invoice["number"] and document["total"] == 30 and document["total_discount"] == 0
    assert document["customer"] == {"workspace_id": client.workspace_id, "name": client.workspace}
    year, month = document["items"]
    assert (year["kind"], year["domain"], year["quantity"], year["unit_price"], year["amount"]) == ("domain_year", domain, 1, 15, 15)
    assert (month["kind"], month["domain"], month["quantity"], month["unit_price"], month["amount"]) == ("mailbox_month", domain, 3, 5, 15)
    assert document["payment"]["method"] == "card" and document["payment"]["last_4_digits"] == "4242"


def test_a_declined_charge_says_why(client):
    client.card("tok_expired")
    assert client.order([item()])["payment_failure_reason"] == "card_expired"
    payment, = items(client, "/payments")
    assert payment["state"] == "failed" and payment["payment_failure_reason"] == "card_expired" and payment["amount"] == 20
    assert payment["reason"] and payment["reason"] != "card_expired", "for people"
    assert items(client, "/invoices") == []
    order = get(client, f"/orders/{payment['order_id']}")
    assert order["state"] == "payment_failed" and order["reason"] == "card_expired" and order["domains"] == []
    assert order["payments"] == [payment] and order["invoices"] == [] and order["items"] == []


def test_an_order_tells_all(client):
    good, bad = name(), name(word="refused-")
    client.placed([item(good, 1, 2), item(bad, 3, 50)])
    order_id = items(client, "/payments")[0]["order_id"]

    def ended():
        order = get(client, f"/orders/{order_id}")
        open_steps = [s for d in order["domains"] for s in d["steps"] if s["state"] not in ("done", "failed", "skipped")]
        return order if not open_steps else None
    order = wait_for("the end of the work", ended)
    assert order["state"] == "placed" and order["order_type"] == "dfy" and order["reason"] is None
    assert order["total_price"] == 15 + 10 + 15 + 20 and order["price_version"] >= 0 and order["promotion"] is None
    assert [d["domain"] for d in order["domains"]] == [good, bad]
    assert [(line["kind"], line["domain"], line["quantity"], line["amount"]) for line in order["items"]] == [
        ("domain_year", good, 1, 15), ("mailbox_month", good, 2, 10), ("domain_year", bad, 1, 15),
        ("domain_month", bad, 1, 20)], "what costs nothing has no line"
    first = order["domains"][0]
    assert first["state"] == "ready" and [a["email"] for a in first["accounts"]] == [f"p0@{good}", f"p1@{good}"]
    assert {s["kind"] for s in first["steps"]} == {"register_domain", "publish_dns", "create_mailbox"}
    assert all(s["state"] == "done" and s["timestamp_next_try"] is None for s in first["steps"])
    lost = order["domains"][1]
    assert lost["state"] == "failed" and lost["steps"][0]["state"] == "failed" and lost["steps"][0]["reason"]
    assert {a["state"] for a in lost["accounts"]} == {"failed"} and len(lost["accounts"]) == 50
    assert (order["payments"][0]["kind"], order["payments"][0]["amount"]) == ("charge", 60)
    assert (order["invoices"][0]["order_id"], order["invoices"][0]["total"]) == (order_id, 60)


def test_a_step_that_is_tried_again_says_when(fresh):
    client = make_client(fresh(retry_base_ms=600000))
    client.placed([item(name(word="flaky-"))])
    order_id = items(client, "/payments")[0]["order_id"]

    def waiting():
        steps = [s for d in get(client, f"/orders/{order_id}")["domains"] for s in d["steps"] if s["state"] == "retrying"]
        return steps and steps[0]
    step = wait_for("a step that is tried again", waiting)
    assert step["attempts"] >= 1 and step["reason"] and TIME.fullmatch(step["timestamp_next_try"])


def test_nobody_sees_what_is_anothers(dfyd, client):
    client.placed([item()])
    payment, invoice = items(client, "/payments")[0], items(client, "/invoices")[0]
    stranger = make_client(dfyd)
    for path in (f"/orders/{payment['order_id']}", f"/invoices/{invoice['number']}", f"/invoices/{invoice['number']}/page"):
        assert client.send("GET", OWN + path).status_code == 200
        check_error(stranger.send("GET", OWN + path), 404, NOT_FOUND)
    assert items(stranger, "/payments") == items(stranger, "/invoices") == []
    assert items(stranger, "/payments", starting_after="ffffffff-ffff-7fff-bfff-ffffffffffff") == []
    assert items(stranger, "/invoices", starting_after="99999999") == []
    for path in ("/orders/x", "/orders/01900000-0000-7000-8000-0000000000ff", "/invoices/0", "/invoices/x", "/invoices/-1",
                 "/invoices/999999999999999999999", "/invoices/4000000/page"):
        check_error(client.send("GET", OWN + path), 404, NOT_FOUND)


def test_pages_hold_each_once(client):
    for _ in range(5):
        client.placed([item()])
    for path, key in (("/payments", "id"), ("/invoices", "number")):
        whole = items(client, path, limit=100)
        assert [row[key] for row in whole] == sorted((row[key] for row in whole), reverse=True) and len(whole) == 5
        for limit in (1, 2, 5):
            assert pages(client, path, limit) == whole
        check_error(client.send("GET", OWN + path, params={"starting_after": "x"}), 400,
                    "querystring/starting_after must be the next_starting_after of the page before")
        check_error(client.send("GET", OWN + path, params={"limit": 101}), 400, "querystring/limit must be <= 100")


@pytest.mark.parametrize("path", ["/payments", "/invoices", "/invoices/1", "/invoices/1/page", "/orders/x"])
def test_the_read_scope_is_needed(dfyd, path):
    client = make_client(dfyd, scopes=("dfy_email_account_orders:create",))
    assert client.send("GET", OWN + path).status_code == 403


def test_the_page_holds_the_text_and_nothing_that_runs(fresh):
    server = fresh(seller=SELLER)
    client = make_client(server)
    domain = name()
    client.placed([item(domain, 1, 2)])
    invoice, = items(client, "/invoices")
    assert get(client, f"/invoices/{invoice['number']}")["document"]["seller"] == SELLER
    response = client.send("GET", f"{OWN}/invoices/{invoice['number']}/page")
    assert response.status_code == 200 and response.headers["content-type"] == "text/html; charset=utf-8"
    check_policy(response)
    text = response.text
    for expected in ("Mail &lt;Makers&gt; &amp; &quot;Sons&quot;", "1 High Street<br>Leeds<br>VAT GB1", domain, "$25.00",
                     f"Invoice {invoice['number']}", "visa ending in 4242", client.workspace, "@page{size:A4"):
        assert expected in text, expected
    assert "<Makers>" not in text
    assert not re.search(r"<script|\bsrc=|\bhref=|url\(|@import|\bon\w+=", text)

    # What was issued stays as it was; what comes later says what the setting says then.
    server.restart(seller="Other")
    client.placed([item()])
    assert [get(client, f"/invoices/{row['number']}")["document"]["seller"] for row in items(client, "/invoices")] == ["Other", SELLER]


def test_a_seller_that_is_no_text_is_refused(fresh):
    server = fresh()
    assert not server.restart(expect_start=False, seller="x" * 501)
    assert "seller must be UTF-8 text of at most 500 bytes" in server.log()
    server.settings.pop("seller", None)
