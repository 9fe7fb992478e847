"""POST …/accounts/cancel: who is cancelled, what the answer holds, what stops working, and what may be ordered again."""
import itertools

import pytest

from conftest import database

ORDERS = "/api/v2/dfy-email-account-orders"
ACCOUNT = {"id", "domain", "email", "email_provider", "first_name", "last_name", "is_pre_warmed_up",
           "timestamp_cancelled", "timestamp_created"}
numbers = itertools.count(1)


def order(server, *prefixes, domain=None, type="dfy", **more):
    domain = domain or f"cancel-{next(numbers)}.com"
    item = {"domain": domain, "email_provider": 1, **more, "accounts": [
        {"email_address_prefix": p, "first_name": "Ann", "last_name": "Lee"} for p in prefixes]}
    answer = server.order([item], type=type)
    return domain if answer["order_placed"] else answer


def cancel(server, *emails, **kw):
    return server.request("POST", ORDERS + "/accounts/cancel", json={"accounts": list(emails)}, **kw)


def listed(server, domain):
    return next(o for o in server.pages(ORDERS) if o["domain"] == domain)


def outside(server, domain):
    with database(server, "sandbox.db") as db:
        return {row[0] for row in db.execute("SELECT email FROM mailboxes") if row[0].endswith("@" + domain)}


def wait_outside(server, domain, emails):
    from conftest import wait_for
    wait_for(f"{emails} at {domain}", lambda: outside(server, domain) == emails)


def test_one_of_two(dfyd):
    domain = order(dfyd, "ann", "ben")
    dfyd.wait_accounts(2, domain=domain)
    response = cancel(dfyd, f"ann@{domain}")
    assert response.status_code == 200 and list(response.json()) == ["items"]
    [item] = response.json()["items"]
    assert set(item) == ACCOUNT and item["email"] == f"ann@{domain}" and item["timestamp_cancelled"]
    accounts = {a["email"]: a for a in dfyd.accounts() if a["domain"] == domain}
    assert accounts[f"ann@{domain}"] == {**item, "password": ""}, "the list says the same, and shows no password"
    assert accounts[f"ben@{domain}"]["timestamp_cancelled"] == "" and accounts[f"ben@{domain}"]["password"]
    wait_outside(dfyd, domain, {f"ben@{domain}"})
    assert listed(dfyd, domain)["timestamp_cancelled"] is None


def test_the_last_one_takes_the_order_with_it(dfyd):
    domain = order(dfyd, "ann", "ben")
    dfyd.wait_accounts(2, domain=domain)
    first = cancel(dfyd, f"ann@{domain}").json()["items"][0]["timestamp_cancelled"]
    last = cancel(dfyd, f"ben@{domain}").json()["items"][0]["timestamp_cancelled"]
    assert listed(dfyd, domain)["timestamp_cancelled"] == last >= first
    wait_outside(dfyd, domain, set())
    answer = order(dfyd, "new", domain=domain, type="extra_accounts")
    assert answer["order_error"] == "missing_domain_orders" and answer["missing_domain_orders"] == [domain]
    assert order(dfyd, "new", domain=domain)["order_error"] == "unavailable_domains", "the name stays held"


def test_repeats_unknown_ones_and_spelling(dfyd):
    domain = order(dfyd, "ann", "ben")
    dfyd.wait_accounts(2, domain=domain)
    ann, ben = f"ann@{domain}", f"ben@{domain}"
    first = cancel(dfyd, ann.upper(), "nobody@nowhere.com", ann, ann.title(), "not an address").json()["items"]
    assert [a["email"] for a in first] == [ann]
    again = cancel(dfyd, ben, ann).json()["items"]
    assert [a["email"] for a in again] == [ben, ann] and again[1] == first[0], "with its first timestamp"
    assert cancel(dfyd, ann).json()["items"] == first


def test_none_known(dfyd):
    response = cancel(dfyd, "nobody@nowhere.com")
    assert response.status_code == 404
    assert response.json() == {"statusCode": 404, "error": "Not Found", "message": "Resource not found"}


def test_of_another_workspace(dfyd):
    domain = order(dfyd, "ann")
    dfyd.wait_accounts(1, domain=domain)
    dfyd.cli("workspace", "create", "--name", "cancel-stranger")
    key = dfyd.cli("key", "create", "--workspace", "cancel-stranger", "--scope", "all:all").strip()
    response = cancel(dfyd, f"ann@{domain}", headers={"Authorization": f"Bearer {key}"})
    assert response.status_code == 404 and response.json()["message"] == "Resource not found"
    assert dfyd.ready_accounts(domain)


@pytest.mark.parametrize("scope,status", [("dfy_email_account_orders:delete", 404), ("all:delete", 404),
                                          ("dfy_email_account_orders:update", 403), ("all:read", 403)])
def test_scope(dfyd, scope, status):
    key = dfyd.cli("key", "create", "--workspace", "default", "--scope", scope).strip()
    assert cancel(dfyd, "nobody@nowhere.com", headers={"Authorization": f"Bearer {key}"}).status_code == status


@pytest.mark.parametrize("body,message", [
    ({}, "body must have required property 'accounts'"),
    ({"accounts": []}, "body/accounts must NOT have fewer than 1 items"),
    ({"accounts": [{}]}, "body/accounts/0 must be string"),
    ({"accounts": {}}, "body/accounts must be array"),
])
def test_bad_bodies(dfyd, body, message):
    response = dfyd.request("POST", ORDERS + "/accounts/cancel", json=body)
    assert response.status_code == 400 and response.json()["message"] == message


def test_one_address_alone_stands_for_a_list(dfyd):
    response = dfyd.request("POST", ORDERS + "/accounts/cancel", json={"accounts": "nobody@nowhere.com"})
    assert response.status_code == 404


def test_ordered_again(dfyd):
    """`stuck` cannot be removed at once: until it is, the address is held."""
    domain = order(dfyd, "ann", "stuck")
    dfyd.wait_accounts(2, domain=domain)
    old = {a["email"]: a["id"] for a in dfyd.accounts()}
    assert cancel(dfyd, f"stuck@{domain}").status_code == 200
    wait_outside(dfyd, domain, {f"ann@{domain}"})
    from conftest import wait_for
    wait_for("the address is free", lambda: order(dfyd, "stuck", domain=domain, type="extra_accounts") == domain)
    dfyd.wait_accounts(2, domain=domain)
    new = [a for a in dfyd.accounts() if a["email"] == f"stuck@{domain}"]
    assert len(new) == 2 and new[1]["id"] == old[f"stuck@{domain}"] and new[0]["timestamp_cancelled"] == ""
    [answer] = cancel(dfyd, f"stuck@{domain}").json()["items"]
    assert answer["id"] == new[0]["id"], "the newest is meant"


def test_while_it_is_made(dfyd):
    """A mailbox that is never made is skipped, its siblings go on; a silent one does not hold up the domain."""
    domain = order(dfyd, "ann", "silent")
    dfyd.wait_accounts(1, domain=domain)
    assert cancel(dfyd, f"silent@{domain}").status_code == 200
    text = dfyd.wait_order(domain, "remove_mailbox")
    assert "skipped" in text and "cancelled" in text
    assert listed(dfyd, domain)["timestamp_cancelled"] is None
    assert cancel(dfyd, f"ann@{domain}").status_code == 200
    wait_outside(dfyd, domain, set())


def test_before_the_domain_is_registered(dfyd):
    domain = order(dfyd, "ann", domain="silent-cancel.com", forwarding_domain="home.net")
    assert cancel(dfyd, f"ann@{domain}").status_code == 200
    assert listed(dfyd, domain)["timestamp_cancelled"]
    from conftest import wait_for
    wait_for("its steps have ended", lambda: not any(word in dfyd.wait_order(domain, "register_domain")
                                                     for word in ("retrying", "running", "due", "blocked")))
    assert outside(dfyd, domain) == set()


def test_a_failed_one(dfyd):
    domain = order(dfyd, "ann", "refused")
    dfyd.wait_order(domain, "failed")
    [item] = cancel(dfyd, f"refused@{domain}").json()["items"]
    assert item["timestamp_cancelled"]
    dfyd.wait_accounts(1, domain=domain)
    assert cancel(dfyd, f"ann@{domain}").status_code == 200
    assert listed(dfyd, domain)["timestamp_cancelled"]


def test_all_of_a_pre_warmed_domain(dfyd):
    domain = "cancel-warm.co"
    dfyd.cli("inventory", "add", "--domain", domain, "--provider", "2", "--account", "anna,Anna,Berg")
    assert dfyd.order([{"domain": domain}], type="pre_warmed_up")["order_placed"]
    dfyd.wait_accounts(1, domain=domain)
    [item] = cancel(dfyd, f"anna@{domain}").json()["items"]
    assert item["is_pre_warmed_up"] and item["email_provider"] == 2
    wait_outside(dfyd, domain, set())
    assert dfyd.order([{"domain": domain}], type="pre_warmed_up")["order_error"] == "unavailable_domains"


def test_it_is_recorded(fresh):
    server = fresh()
    domain = order(server, "ann", "ben")
    server.wait_accounts(2, domain=domain)
    cancel(server, f"ann@{domain}", f"ben@{domain}")
    cancel(server, f"ann@{domain}")
    with database(server) as db:
        assert db.execute("SELECT affected, json_extract(detail, '$.accounts') FROM audit_logs"
                          " WHERE activity = 'accounts_cancelled'").fetchall() == [
            (2, f'["ann@{domain}","ben@{domain}"]')], "what changed nothing is not recorded"
        assert [row[0] for row in db.execute("SELECT json_extract(payload, '$.email') FROM events"
                                             " WHERE type = 'dfy_account_cancelled' ORDER BY seq")] == [
            f"ann@{domain}", f"ben@{domain}"]
    logs = server.request("GET", "/api/v2/audit-logs").json()["items"]
    assert any(log["audit_metadata"]["activity"] == "accounts_cancelled" for log in logs)
