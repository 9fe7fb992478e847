"""Stuck work as an operator sees it: what, why, what happens next, and what helps."""
import itertools

import pytest

from conftest import database, rows, wait_for
from operator_key import Operator, workspace

ANNA = {"email_address_prefix": "anna", "first_name": "Anna", "last_name": "Berg"}
numbers = itertools.count(1)


@pytest.fixture
def operator(fresh):
    """Of a server of its own, whose second tries are far away."""
    return Operator(fresh(retry_base_ms=3600000, retry_max_ms=3600000, swap_hours=0))


def place(operator, domain, prefix="anna"):
    answer = operator.server.order([{"domain": domain, "accounts": [{**ANNA, "email_address_prefix": prefix}]}])
    assert answer["order_placed"], answer
    return answer


def work(operator, kind=None, n=None):
    """The items, once there are N of them."""
    def look():
        page = operator.get("/work", **({"kind": kind} if kind else {}))
        assert page["more"] == []
        return page["items"]
    return look() if n is None else wait_for(f"{n} stuck {kind}", lambda: [found for found in [look()] if len(found) == n])[0]


def retry(operator, item):
    return operator.post("/work/retry", {"kind": item["kind"], "id": item["id"]})


def test_nothing_is_stuck_when_all_is_well(operator):
    place(operator, "well.com")
    operator.server.wait_accounts(1)
    assert operator.get("/work") == {"items": [], "more": []}


def test_a_step_that_is_tried_again(operator):
    place(operator, "flaky-step.com")
    item = work(operator, "step", 1)[0]
    assert item["what"] == "Registering flaky-step.com" and item["why"] and item["workspace"] == "default"
    assert (item["next"], item["action"], item["action_text"], item["attempts"]) == ("It is tried again", "retry", "Try now", 1)
    assert item["timestamp_since"] < item["timestamp_next"]
    assert retry(operator, item) == {"kind": "step", "id": item["id"]}
    wait_for("the end of the second try", lambda: [i for i in work(operator, "step") if i["attempts"] == 2 and i["action"]])
    retry(operator, item)
    operator.server.wait_accounts(1)
    assert work(operator) == []
    operator.refused(409, "POST", "/work/retry", "The step is done by now", json={"kind": "step", "id": item["id"]})
    assert [r["detail"] for r in operator.records("work_retried")] == [{"kind": "step", "id": item["id"], "workspace_id": item["workspace_id"]}] * 2


def test_a_step_that_failed_and_what_goes_back(operator):
    operator.server.cli("card", "set", "--workspace", "default", "--token", "tok_norefund", "--name", "A B")
    place(operator, "refused-all.com")
    refund = work(operator, "refund", 1)[0]
    step = work(operator, "step", 1)[0]
    assert step["what"] == "Registering refused-all.com" and step["action"] is None and step["timestamp_since"]
    assert step["next"] == "The refund was refused, too: it stands among the refunds"
    assert refund["what"] == "Refund of $20.00 for refused-all.com" and "does not take it back" in refund["why"]
    assert refund["next"].startswith("Nothing is tried any more") and refund["action_text"] == "Try again" and not refund["timestamp_next"]
    retry(operator, refund)
    tried = wait_for("the next try", lambda: [i for i in work(operator, "refund", 1) if i["attempts"] == 2 and i["action"]])
    assert tried[0]["id"] == refund["id"]


def test_a_failed_step_may_wait_for_a_swap(fresh):
    operator = Operator(fresh(swap_hours=2))
    place(operator, "refused-swap.com")
    step = work(operator, "step", 1)[0]
    assert step["next"].startswith("Its owner may take another name until then") and step["timestamp_next"] > step["timestamp_since"]
    # What was made good is nobody's work any more.
    operator.server.request("POST", "/api/dfyd/v1/domains/refused-swap.com/swap", json={"domain": "taken-instead-of.org"[6:]})
    assert work(operator, "step", 0) == []


def test_an_order_whose_charge_is_not_known(operator):
    operator.server.cli("card", "set", "--workspace", "default", "--token", "tok_silent", "--name", "A B")
    response = operator.server.post_order([{"domain": "charge.com", "accounts": [ANNA]}])
    assert response.status_code == 503
    item = work(operator, "order", 1)[0]
    assert item["what"] == "Order of $20.00" and item["action_text"] == "Ask now" and item["next"].startswith("The payment service is asked")
    for _ in range(5):
        if operator.send("POST", "/work/retry", json={"kind": "order", "id": item["id"]}).status_code == 409:
            break
        wait_for("an answer", lambda before=item["attempts"]: all(i["attempts"] > before for i in work(operator, "order")))
        item = (work(operator, "order") or [item])[0]
    assert work(operator, "order", 0) == []
    operator.refused(409, "POST", "/work/retry", "Nobody waits", json={"kind": "order", "id": item["id"]})


def test_a_renewal_that_is_not_paid(operator):
    operator.server.cli("card", "set", "--workspace", "default", "--token", "tok_renewal_flaky", "--name", "A B")
    place(operator, "renews.com")
    operator.server.wait_accounts(1)
    operator.server.cli("clock", "advance", "--by", "63d")
    # It failed once, and was paid at its next try: then nothing is stuck.
    assert work(operator, "renewal", 0) == []
    operator.server.cli("card", "set", "--workspace", "default", "--token", "tok_renewal_declined", "--name", "A B")
    wait_for("an unpaid renewal", lambda: operator.server.cli("clock", "advance", "--by", "5d") and work(operator, "renewal"), limit=120)
    item = work(operator, "renewal")[0]
    assert item["what"].startswith("Renewal of $5.00") and item["why"] and item["action_text"] == "Charge now"
    operator.server.cli("card", "set", "--workspace", "default", "--token", "tok_visa", "--name", "A B")
    retry(operator, item)
    assert work(operator, "renewal", 0) == []


def test_a_webhook_that_was_switched_off(operator):
    made = operator.server.request("POST", "/api/v2/webhooks", json={"target_hook_url": "https://hooks.example.com/x", "event_type": "all_events"}).json()
    with database(operator.server) as db:
        db.execute("UPDATE webhooks SET status = -1, error_ms = 1000, reason = 'it answered 500', failures = 20 WHERE id = ?", (made["id"],))
    item = work(operator, "webhook", 1)[0]
    assert item["what"] == "Webhook to https://hooks.example.com/x" and item["why"] == "it answered 500" and item["action_text"] == "Switch on"
    retry(operator, item)
    assert work(operator, "webhook") == []
    operator.refused(409, "POST", "/work/retry", "is switched on", json={"kind": "webhook", "id": item["id"]})


def test_a_domain_that_is_not_as_it_should_be(operator):
    place(operator, "drifts.com")
    operator.server.wait_accounts(1)
    wait_for("its care", lambda: rows(operator.server, "SELECT 1 FROM domain_care"))
    finding = "record\tTXT drifts.com\tv=spf1 -all\tnothing\tpublish it\nmailbox\tanna@drifts.com\tit works\tno answer\twait\n"
    with database(operator.server) as db:
        db.execute("UPDATE domain_care SET findings = ?", (finding,))
    item = work(operator, "domain", 1)[0]
    assert item["what"] == item["id"] == "drifts.com" and item["action_text"] == "Repair DNS"
    assert item["why"].startswith("TXT drifts.com") and item["why"].endswith("; and 1 more") and item["next"] == "It is checked again; publish it"
    retry(operator, item)
    with database(operator.server) as db:  # due in the year 2100: a worker would mend it before it is seen
        db.execute("UPDATE domain_care SET findings = '', dkim_reason = 'the mail host is silent', dkim_again_ms = 4102444800000, dkim_tries = 3")
    item = work(operator, "domain", 1)[0]
    assert item["why"] == "Its DKIM key could not be changed: the mail host is silent" and item["action"] is None and item["attempts"] == 3


def test_pages_of_a_kind(operator):
    operator.server.cli("card", "set", "--workspace", "default", "--token", "tok_norefund", "--name", "A B")
    for word in ("refused", "silent", "refused", "silent", "silent"):
        place(operator, f"{word}-{next(numbers)}.com")
    operator.server.cli("card", "set", "--workspace", "default", "--token", "tok_silent", "--name", "A B")
    for i in range(3):
        assert operator.server.post_order([{"domain": f"charge-{i}.com", "accounts": [ANNA]}]).status_code == 503
    for i in range(3):
        operator.server.request("POST", "/api/v2/webhooks", json={"target_hook_url": f"https://hooks.example.com/{i}", "event_type": "all_events"})
    with database(operator.server) as db:
        db.execute("UPDATE webhooks SET status = -1, error_ms = 1000, reason = 'it answered 500', failures = 20")
    for kind, n in (("refund", 2), ("step", 5), ("order", 3), ("webhook", 3)):  # what is said of a step depends on its refund
        whole = work(operator, kind, n)
        assert operator.pages("/work", kind=kind, limit=1) == whole == operator.pages("/work", kind=kind, limit=2)
        first = operator.get("/work", kind=kind, limit=1)
        assert first["more"] == [kind] and first["next_starting_after"]
    steps = work(operator, "step")
    assert [bool(step["action"]) for step in steps] == [True] * 3 + [False] * 2, "those that are tried again come first"
    assert steps[3]["timestamp_since"] >= steps[4]["timestamp_since"]
    assert set(operator.get("/work", limit=1)) == {"items", "more"}, "all kinds beside each other have no pages"


def test_pages_of_domains(operator):
    for i in range(3):
        place(operator, f"page-{i}.com")
    operator.server.wait_accounts(3)
    wait_for("their care", lambda: len(rows(operator.server, "SELECT 1 FROM domain_care")) == 3)
    with database(operator.server) as db:
        db.execute("UPDATE domain_care SET dkim_reason = 'the mail host is silent'")
    workspace(operator.server)  # what a thread of the server read last is true to it until somebody changes something
    whole = work(operator, "domain", 3)
    assert {item["id"] for item in whole} == {"page-0.com", "page-1.com", "page-2.com"}
    assert operator.pages("/work", kind="domain", limit=1) == whole


def test_cursors_that_are_none(operator):
    for cursor in ("x", "open", "open.1", "open.1.", "open.x.id", "shut.1.id", "over.-1.id", "open.99999999999999999999.id"):
        operator.refused(400, "GET", "/work", "starting_after must be the next_starting_after", params={"kind": "step", "starting_after": cursor})
        operator.refused(400, "GET", "/work", "starting_after needs the kind", params={"starting_after": cursor})
    assert operator.get("/work", kind="step", starting_after="open.1.an-id-that-is-gone") == {"items": [], "more": []}


def test_bounds_and_words(operator):
    for _ in range(3):
        place(operator, f"silent-{next(numbers)}.com")
    work(operator, "step", 3)
    page = operator.get("/work", limit=2)
    assert len(page["items"]) == 2 and page["more"] == ["step"]
    assert [i["timestamp_since"] for i in work(operator)] == sorted((i["timestamp_since"] for i in work(operator)), reverse=True)
    operator.refused(400, "GET", "/work", "querystring/limit", params={"limit": 101})
    operator.refused(400, "GET", "/work", "querystring/kind", params={"kind": "x"})
    operator.refused(400, "POST", "/work/retry", "body/kind", json={"kind": "x", "id": "y"})
    for kind in ("step", "order", "renewal", "refund", "webhook", "domain"):
        operator.refused(404, "POST", "/work/retry", json={"kind": kind, "id": "0199a3c1-5f1e-7cc3-98f2-3f0e5a1b2c3d"})
    operator.refused(403, "GET", "/work", "operator's", key=operator.server.key)
    operator.refused(403, "POST", "/work/retry", "operator's", key=operator.server.key, json={"kind": "step", "id": "x"})
