"""Webhooks: the calls that manage them, and what reaches a receiver."""
import collections
import hashlib
import hmac
import itertools
import json
import pathlib
import re
import uuid

import jsonschema
import pytest
from conftest import ROOT, database, stores, wait_for
from receiver import receiver  # noqa: F401, a fixture

HOOKS = "/api/v2/webhooks"
PUBLIC = "https://hooks.example.com/in"
QUICK = {"webhook_private_targets": "yes", "webhook_retry_ms": 20}
numbers = itertools.count(1)

WEBHOOK = {"id", "organization", "campaign", "name", "target_hook_url", "event_type", "custom_interest_value", "headers",
           "timestamp_created", "status", "timestamp_error"}


def create(server, status=200, **body):
    response = server.request("POST", HOOKS, json=body)
    assert response.status_code == status, response.text
    return response.json()


def show(server, id):
    return server.request("GET", f"{HOOKS}/{id}").json()


def refusal(response, status, message):
    assert response.status_code == status, response.text
    assert response.json()["message"] == message


def domain_item(count=1, **more):
    people = [{"email_address_prefix": f"p{i}", "first_name": "A", "last_name": "B"} for i in range(count)]
    return {"domain": f"hook-{next(numbers)}.com", "email_provider": 1, "accounts": people, **more}


def order(server, *items):
    answer = server.order(list(items))
    assert answer["order_placed"], answer
    return [item["domain"] for item in items]


# ---- the calls


def test_a_webhook_has_the_references_shape(dfyd):
    reference = json.loads((pathlib.Path(__file__).parent / "webhook.schema.json").read_text())
    for given, expected in [({"event_type": "all_events"}, WEBHOOK), ({}, WEBHOOK - {"event_type"})]:
        made = create(dfyd, target_hook_url=PUBLIC, **given)
        assert set(made) == expected, "an event_type of null is left out: the reference's enum has none"
        assert made["status"] == 1 and made["headers"] is None and made["timestamp_error"] is None
        jsonschema.validate(made, reference)
        assert show(dfyd, made["id"]) == made


def test_everything_that_can_be_set_comes_back(dfyd):
    given = {"target_hook_url": PUBLIC, "name": "mine é", "event_type": "dfy_domain_ready", "campaign": "c-1",
             "custom_interest_value": 1.5, "headers": {"Authorization": "Bearer a:b", "X-Empty": ""}}
    made = create(dfyd, **given)
    assert {name: made[name] for name in given} == given
    changed = dfyd.request("PATCH", f"{HOOKS}/{made['id']}", json={"name": None, "headers": {"X-New": "1"}}).json()
    assert changed == {**made, "name": None, "headers": {"X-New": "1"}}
    assert dfyd.request("PATCH", f"{HOOKS}/{made['id']}", json={"nobody": "knows this"}).json() == changed
    assert dfyd.request("DELETE", f"{HOOKS}/{made['id']}").json() == changed
    refusal(dfyd.request("GET", f"{HOOKS}/{made['id']}"), 404, "Resource not found")


@pytest.mark.parametrize("body, message", [
    ({}, "body must have required property 'target_hook_url'"),
    ({"target_hook_url": "ftp://x.com"}, 'body/target_hook_url must match pattern "^https?://"'),
    ({"target_hook_url": "https://a b"}, 'body/target_hook_url must match format "uri"'),
    ({"target_hook_url": "https://"}, 'body/target_hook_url must match format "uri"'),
    ({"target_hook_url": PUBLIC, "event_type": "nonsense"},
     "body/event_type must be equal to one of the allowed values"),
    ({"target_hook_url": PUBLIC, "custom_interest_value": "many"}, "body/custom_interest_value must be number,null"),
    ({"target_hook_url": PUBLIC, "headers": "none"}, "body/headers must be object,null"),
    ({"target_hook_url": PUBLIC, "headers": {"X-A": {}}}, "body/headers/X-A must be string"),
    ({"target_hook_url": PUBLIC, "headers": {"X-A": "1\r\nX-B: 2"}}, "body/headers/X-A must be printable ASCII"),
    ({"target_hook_url": PUBLIC, "headers": {"X A": "1"}},
     "body/headers/X A must have a name of letters, digits and hyphens"),
    ({"target_hook_url": PUBLIC, "headers": {"content-length": "1"}},
     "body/headers/content-length is set by dfyd and cannot be changed"),
    ({"target_hook_url": PUBLIC, "headers": {"x-dfyd-signature": "1"}},
     "body/headers/x-dfyd-signature is set by dfyd and cannot be changed"),
])
def test_a_bad_webhook_is_refused(dfyd, body, message):
    refusal(dfyd.request("POST", HOOKS, json=body), 400, message)


@pytest.mark.parametrize("target", [
    "http://127.0.0.1/", "http://localhost:8080/", "https://LOCALHOST./", "http://a.localhost/", "http://10.1.2.3/",
    "http://169.254.169.254/latest/meta-data/", "http://[::1]/", "http://[::ffff:127.0.0.1]/", "http://2130706433/",
    "http://0x7f.1/", "http://user@192.168.0.1:80/", "http://printer.local/", "http://[fe80::1]/",
    "http://[64:ff9b::7f00:1]/", "http://[2002:7f00:1::]/",
])
def test_private_targets_are_refused(dfyd, target):
    message = "body/target_hook_url must be a public address, not one of this machine or a private network"
    refusal(dfyd.request("POST", HOOKS, json={"target_hook_url": target}), 400, message)
    made = create(dfyd, target_hook_url=PUBLIC)
    refusal(dfyd.request("PATCH", f"{HOOKS}/{made['id']}", json={"target_hook_url": target}), 400, message)


def test_a_change_has_to_change_something(dfyd):
    made = create(dfyd, target_hook_url=PUBLIC)
    refusal(dfyd.request("PATCH", f"{HOOKS}/{made['id']}", json={}), 400,
            "body must NOT have fewer than 1 properties")


def test_lists_are_paged_and_filtered(fresh):
    server = fresh()
    made = [create(server, target_hook_url=PUBLIC, event_type=type, campaign=campaign)["id"]
            for type, campaign in [("all_events", "a"), ("dfy_domain_ready", "a"), ("all_events", "b")]]
    page = server.request("GET", HOOKS, params={"limit": 2}).json()
    assert [hook["id"] for hook in page["items"]] == made[:0:-1]
    assert page["next_starting_after"] == made[1]
    last = server.request("GET", HOOKS, params={"limit": 2, "starting_after": made[1]}).json()
    assert [hook["id"] for hook in last["items"]] == made[:1] and "next_starting_after" not in last
    assert [hook["id"] for hook in server.pages(HOOKS, campaign="a")] == made[1::-1]
    assert [hook["id"] for hook in server.pages(HOOKS, event_type="dfy_domain_ready")] == [made[1]]
    refusal(server.request("GET", HOOKS, params={"event_type": "x"}), 400,
            "querystring/event_type must be equal to one of the allowed values")
    assert server.request("GET", HOOKS, params={"starting_after": "x"}).status_code == 400


def test_a_workspace_has_a_limit(fresh):
    server = fresh()
    for _ in range(50):
        create(server, target_hook_url=PUBLIC)
    refusal(server.request("POST", HOOKS, json={"target_hook_url": PUBLIC}), 400,
            "A workspace can have at most 50 webhooks. Delete one first.")


def test_event_types(dfyd):
    types = dfyd.request("GET", HOOKS + "/event-types").json()["event_types"]
    assert all(set(type) == {"id", "label", "type"} for type in types)
    ids = [type["id"] for type in types]
    assert {"all_events", "dfy_order_placed", "dfy_renewal_failed", "email_sent", "lead_no_show"} <= set(ids)
    assert len(ids) == len(set(ids)) == 30


def test_others_webhooks_do_not_exist(dfyd):
    mine = create(dfyd, target_hook_url=PUBLIC)["id"]
    name = f"stranger-{uuid.uuid4()}"
    dfyd.cli("workspace", "create", "--name", name)
    key = dfyd.cli("key", "create", "--workspace", name, "--scope", "webhooks:all").strip()
    headers = {"Authorization": f"Bearer {key}"}
    for method, path in [("GET", ""), ("DELETE", ""), ("POST", "/test"), ("POST", "/resume"), ("PATCH", "")]:
        body = {"name": "x"} if method == "PATCH" else None
        for id in (mine, str(uuid.uuid4()), "no-id"):
            refusal(dfyd.request(method, f"{HOOKS}/{id}{path}", headers=headers, json=body), 404, "Resource not found")
    assert dfyd.request("GET", HOOKS, headers=headers, params={"starting_after": mine}).json() == {"items": []}
    assert show(dfyd, mine)["id"] == mine


def test_scopes(dfyd):
    key = dfyd.cli("key", "create", "--scope", "webhooks:read").strip()
    headers = {"Authorization": f"Bearer {key}"}
    assert dfyd.request("GET", HOOKS, headers=headers).status_code == 200
    assert dfyd.request("POST", HOOKS, headers=headers, json={"target_hook_url": PUBLIC}).status_code == 403
    assert dfyd.request("POST", f"{HOOKS}/x/test", headers=headers).status_code == 403


def test_changes_are_audited(fresh):
    server = fresh()
    id = create(server, target_hook_url=PUBLIC)["id"]
    server.request("PATCH", f"{HOOKS}/{id}", json={"name": "n"})
    server.request("POST", f"{HOOKS}/{id}/resume")
    server.request("DELETE", f"{HOOKS}/{id}")
    assert server.request("GET", "/api/v2/audit-logs").status_code == 200
    with database(server) as db:
        rows = db.execute("SELECT activity, detail FROM audit_logs WHERE activity LIKE 'webhook%' ORDER BY id").fetchall()
    assert [row[0] for row in rows] == ["webhook_created", "webhook_changed", "webhook_changed", "webhook_removed"]
    assert all(json.loads(row[1]) == {"webhook_id": id} for row in rows)


def test_header_fields_do_not_lie_open_in_the_database(fresh):
    server = fresh()
    create(server, target_hook_url=PUBLIC, headers={"Authorization": "Bearer very-secret-thing"})
    secret = server.cli("webhook", "secret").strip()
    server.stop()
    assert stores(server, PUBLIC) and not stores(server, "very-secret-thing") and not stores(server, secret[6:])


# ---- deliveries


def verify(got, secret):
    """What a receiver does, as docs/webhooks.md shows it."""
    scope = {}
    exec(re.search(r"```python\n(.*?)```", (ROOT / "docs/webhooks.md").read_text(), re.S)[1], scope)
    return scope["is_genuine"](secret, got.headers["X-Dfyd-Signature"], got.body)


def test_an_order_is_told_signed_and_in_order(fresh, receiver):
    server = fresh(**QUICK)
    create(server, target_hook_url=receiver.url(path="/in?token=1"), event_type="all_events",
           headers={"Authorization": "Bearer r", "X-Empty": ""})
    domains = order(server, *[domain_item(2) for _ in range(3)])
    wait_for("all events", lambda: len(receiver.events("dfy_domain_ready")) == 3)

    assert len(receiver.events("dfy_order_placed")) == 1
    for domain in domains:
        types = [event["event_type"] for event in receiver.events(domain=domain)]
        assert types == ["dfy_account_ready"] * 2 + ["dfy_domain_ready"]
    secret = server.cli("webhook", "secret").strip()
    workspace = server.request("GET", "/api/v2/workspaces/current").json()["id"]
    for got in receiver.got:
        assert got.path == "/in?token=1"
        assert got.headers["Content-Type"] == "application/json; charset=utf-8"
        assert got.headers["Authorization"] == "Bearer r" and got.headers["X-Empty"] == ""
        assert got.headers["X-Dfyd-Event-Id"] == got.event["event_id"]
        assert got.event["workspace"] == got.event["organization"] == workspace
        assert re.fullmatch(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z", got.event["timestamp"])
        stamp, signature = re.fullmatch(r"t=(\d+),v1=([0-9a-f]{64})", got.headers["X-Dfyd-Signature"]).groups()
        expected = hmac.new(secret.encode(), stamp.encode() + b"." + got.body, hashlib.sha256).hexdigest()
        assert signature == expected
        assert verify(got, secret)
        assert not verify(got._replace(body=got.body + b" "), secret) and not verify(got, secret + "x")
    assert len({got.event["event_id"] for got in receiver.got}) == len(receiver.got)


def test_only_what_was_asked_for_is_told(fresh, receiver):
    server = fresh(**QUICK)
    order(server, domain_item())
    server.wait_accounts(1)
    create(server, target_hook_url=receiver.url(), event_type="dfy_domain_ready")
    create(server, target_hook_url=receiver.url(path="/placed"), event_type="dfy_order_placed")
    create(server, target_hook_url=receiver.url(path="/never"), event_type="email_sent")
    create(server, target_hook_url=receiver.url(path="/label"), custom_interest_value=3)
    (domain,) = order(server, domain_item())
    wait_for("both", lambda: len(receiver.got) >= 2)
    marker = create(server, target_hook_url=receiver.url(path="/marker"))
    order(server, domain_item())
    wait_for("the next order", lambda: [g for g in receiver.got if g.path == "/marker"
                                        and g.event["event_type"] == "dfy_domain_ready"])
    wait_for("nothing is left", lambda: re.findall(r"active +(\d+)", server.cli("webhook", "list")) == ["0"] * 5)
    seen = {(g.path, g.event["event_type"]) for g in receiver.got if g.path != "/marker"}
    assert seen == {("/in", "dfy_domain_ready"), ("/placed", "dfy_order_placed")}
    assert receiver.events("dfy_domain_ready")[0]["domain"] == domain, "earlier events are not told"
    assert "event_type" not in marker


def test_a_failing_receiver_is_tried_again_and_order_is_kept(fresh, receiver):
    server = fresh(**QUICK)
    tries = collections.Counter()

    def answer(got):
        tries[got.event["event_id"]] += 1
        bad = got.event.get("domain") == domains[0] and tries[got.event["event_id"]] <= 2
        return 503 if bad else 202

    items = [domain_item(2), domain_item(2)]
    domains = [item["domain"] for item in items]
    receiver.answer = answer
    create(server, target_hook_url=receiver.url(), event_type="all_events")
    order(server, *items)
    wait_for("both domains", lambda: {e["domain"] for e in receiver.events("dfy_domain_ready")} == set(domains)
             and len(receiver.events(domain=domains[0])) == 9)
    ids = [e["event_id"] for e in receiver.events(domain=domains[0])]
    assert ids == [id for first in ids[::3] for id in [first] * 3], "each three times, one after another"
    assert len(receiver.events(domain=domains[1])) == 3
    assert show(server, server.pages(HOOKS)[0]["id"])["status"] == 1


def test_redirects_are_not_followed(fresh, receiver):
    server = fresh(**QUICK, webhook_tries=1)
    receiver.answer = lambda got: (307, {"Location": receiver.url(path="/elsewhere")})
    id = create(server, target_hook_url=receiver.url())["id"]
    tested = server.request("POST", f"{HOOKS}/{id}/test").json()
    assert tested["error"] == "the target answered 307; redirects are not followed"
    assert tested["status_code"] == 307 and not tested["success"]
    assert [g.path for g in receiver.got] == ["/in"]


def test_it_is_switched_off_and_resumed(fresh, receiver):
    server = fresh(**QUICK, webhook_tries=3)
    receiver.answer = lambda got: 500
    id = create(server, target_hook_url=receiver.url(), event_type="dfy_domain_ready")["id"]
    (domain,) = order(server, domain_item())
    off = wait_for("switched off", lambda: (hook := show(server, id))["status"] == -1 and hook)
    assert re.fullmatch(r"\d{4}-.*Z", off["timestamp_error"])
    assert len(receiver.got) == 3
    assert re.search(rf"{id} +dfy_domain_ready +off since \S+ +1 +http://\S+ +the target answered 500",
                     server.cli("webhook", "list"))

    (later,) = order(server, domain_item())
    server.wait_accounts(1, later)
    receiver.answer = lambda got: 200
    server.restart()
    assert len(receiver.got) == 3, "nothing is sent while it is off"
    resumed = server.request("POST", f"{HOOKS}/{id}/resume").json()
    assert resumed == {**off, "status": 1, "timestamp_error": None}
    wait_for("what waited", lambda: len(receiver.got) >= 5)
    assert [e["domain"] for e in receiver.events()[3:]] == [domain, later]


@pytest.mark.parametrize("point, times", [("deliver.claimed", 1), ("deliver.sent", 2), ("deliver.recorded", 1)])
def test_a_killed_server_loses_no_event(fresh, receiver, point, times):
    server = fresh(**QUICK, crash_at=point)
    create(server, target_hook_url=receiver.url(), event_type="all_events")
    bought = domain_item(2)
    server.order_and_die([bought])
    server.restart()
    wait_for("all events", lambda: receiver.events("dfy_domain_ready", bought["domain"]))
    counts = collections.Counter(g.event["event_id"] for g in receiver.got)
    assert len(counts) == 4 and counts[receiver.got[0].event["event_id"]] == times


def test_a_sample(fresh, receiver):
    server = fresh(**QUICK)
    id = create(server, target_hook_url=receiver.url(), event_type="dfy_account_ready")["id"]
    tested = server.request("POST", f"{HOOKS}/{id}/test").json()
    assert tested.pop("response_time_ms") >= 0
    assert tested == {"success": True, "message": "The target took the sample event.", "status_code": 200}
    (got,) = receiver.got
    assert got.event["event_type"] == "dfy_account_ready" and got.event["test"] is True
    assert verify(got, server.cli("webhook", "secret").strip())

    receiver.answer = lambda got: 404
    tested = server.request("POST", f"{HOOKS}/{id}/test").json()
    assert (tested["success"], tested["status_code"], tested["error"]) == (False, 404, "the target answered 404")
    assert show(server, id)["status"] == 1


@pytest.mark.parametrize("host", ["127.0.0.1", "localhost", "[::1]", "[::ffff:127.0.0.1]", "0.0.0.0", "2130706433"])
def test_private_addresses_are_refused_where_it_connects(fresh, receiver, host):
    server = fresh(**QUICK)
    id = create(server, target_hook_url=receiver.url(host))["id"]
    server.restart(webhook_private_targets="no")
    tested = server.request("POST", f"{HOOKS}/{id}/test").json()
    assert tested["error"] == "the target's address is private, of this machine or reserved: nothing was sent"
    assert not tested["success"] and "status_code" not in tested
    order(server, domain_item())
    wait_for("a failed try", lambda: "nothing was sent" in server.cli("webhook", "list"))
    assert not receiver.got


def test_a_new_secret_signs_at_once(fresh, receiver):
    server = fresh(**QUICK)
    id = create(server, target_hook_url=receiver.url())["id"]
    old = server.cli("webhook", "secret").strip()
    new = server.cli("webhook", "secret", "--rotate").strip()
    assert re.fullmatch(r"whsec_[0-9a-f]{64}", new) and old != new
    assert server.cli("webhook", "secret").strip() == new
    server.request("POST", f"{HOOKS}/{id}/test")
    assert verify(receiver.got[0], new) and not verify(receiver.got[0], old)
