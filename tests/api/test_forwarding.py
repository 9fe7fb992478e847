"""GET, PUT and DELETE /api/v2/domains/{domain}/forwarding."""
import itertools

import pytest
from conftest import database, wait_for

ORDERS = "/api/v2/dfy-email-account-orders"
PATTERN = r'must match pattern "^\s*\S+\.[a-zA-Z]{2,}\s*$"'
numbers = itertools.count(1)


def order(server, domain=None, **more):
    domain = domain or f"forward-{next(numbers)}.com"
    person = {"email_address_prefix": "ann", "first_name": "Ann", "last_name": "Lee"}
    assert server.order([{"domain": domain, "accounts": [person], **more}])["order_placed"]
    return domain


def ready(server, domain=None, **more):
    domain = order(server, domain, **more)
    server.wait_order(domain, "create_mailbox")
    wait_for(f"{domain} is set up", lambda: not any(
        f" {word} " in server.wait_order(domain, "create_mailbox") for word in ("blocked", "due", "running", "retrying")))
    return domain


def call(server, method, domain, body=None, **kw):
    return server.request(method, f"/api/v2/domains/{domain}/forwarding", json=body, **kw)


def addresses(server, domain):
    with database(server, "sandbox.db") as db:
        return {row[0] for row in db.execute("SELECT name FROM rrsets WHERE zone = ? AND type = 'A'", [domain])}


def config(domain, target=None, mode=None):
    return {"domain": domain, "forwarding_domain": target, "forwarding_mode": mode}


def listed(server, domain):
    return next(config(domain, o["forwarding_domain"], o["forwarding_mode"])
                for o in server.pages(ORDERS) if o["domain"] == domain)


def test_set_change_and_remove(dfyd):
    domain = ready(dfyd)
    assert call(dfyd, "GET", domain).json() == config(domain) == listed(dfyd, domain)
    response = call(dfyd, "PUT", domain, {"forwarding_domain": " Www.Home.NET "})
    assert response.status_code == 200 and response.json() == config(domain, "www.home.net", "redirect")
    assert addresses(dfyd, domain) == {domain, "www." + domain}
    changed = config(domain, "other.org", "stealth")
    assert call(dfyd, "PUT", domain, {"forwarding_domain": "other.org", "forwarding_mode": "stealth"}).json() == changed
    assert call(dfyd, "GET", domain).json() == changed == listed(dfyd, domain)
    for _ in range(2):
        response = call(dfyd, "DELETE", domain)
        assert response.status_code == 200 and response.json() == config(domain)
    assert addresses(dfyd, domain) == set() and listed(dfyd, domain) == config(domain)


def test_what_was_ordered(dfyd):
    domain = ready(dfyd, forwarding_domain="home.net")
    assert call(dfyd, "GET", domain).json() == config(domain, "home.net", "redirect")
    assert call(dfyd, "DELETE", domain).json() == config(domain)
    assert addresses(dfyd, domain) == set()


def test_the_name_in_the_path(dfyd):
    domain = ready(dfyd)
    assert call(dfyd, "GET", domain.upper()).json() == config(domain)
    assert call(dfyd, "GET", "%20" + domain + "%20").json() == config(domain)
    for bad in ("forward", "a.b1", "%20", "two%20words.com", ".com"):
        response = call(dfyd, "GET", bad)
        assert (response.status_code, response.json()["message"]) == (400, "params/domain " + PATTERN), bad


@pytest.mark.parametrize("method,body", [("GET", None), ("PUT", {"forwarding_domain": "home.net"}), ("DELETE", None)])
def test_not_there(dfyd, method, body):
    assert call(dfyd, method, "never-ordered.com", body).status_code == 404
    assert call(dfyd, method, "no_name_.com", body).json() == {"statusCode": 404, "error": "Not Found",
                                                               "message": "Resource not found"}
    domain = ready(dfyd)
    name = f"forward-stranger-{method}"
    dfyd.cli("workspace", "create", "--name", name)
    key = dfyd.cli("key", "create", "--workspace", name, "--scope", "all:all").strip()
    response = call(dfyd, method, domain, body, headers={"Authorization": f"Bearer {key}"})
    assert response.status_code == 404 and response.json()["message"] == "Resource not found"


@pytest.mark.parametrize("body,message", [
    ({}, "body must have required property 'forwarding_domain'"),
    ({"forwarding_domain": ""}, "body/forwarding_domain must NOT have fewer than 1 characters"),
    ({"forwarding_domain": None}, "body/forwarding_domain must NOT have fewer than 1 characters"),
    ({"forwarding_domain": "home"}, "body/forwarding_domain " + PATTERN),
    ({"forwarding_domain": "home.n1", "forwarding_mode": "no"}, "body/forwarding_domain " + PATTERN),
    ({"forwarding_domain": 5}, "body/forwarding_domain " + PATTERN),
    ({"forwarding_domain": {}}, "body/forwarding_domain must be string"),
    ({"forwarding_domain": "home.net", "forwarding_mode": "iframe"},
     "body/forwarding_mode must be equal to one of the allowed values"),
    ({"forwarding_domain": "https://home.net"}, "body/forwarding_domain must be a host name, such as www.acme.com"),
    ({"forwarding_domain": "SELF"}, "body/forwarding_domain must differ from the domain"),
])
def test_bad_bodies(dfyd, body, message):
    domain = "forward-bad.com"
    if body.get("forwarding_domain") == "SELF":
        body = {"forwarding_domain": domain.upper()}
    response = call(dfyd, "PUT", domain, body)
    assert (response.status_code, response.json()["message"]) == (400, message)


def test_targets_that_lead_back(dfyd):
    first, second = ready(dfyd), ready(dfyd)
    assert call(dfyd, "PUT", first, {"forwarding_domain": "www." + second}).status_code == 200
    for target in (first, "www." + first):
        response = call(dfyd, "PUT", second, {"forwarding_domain": target})
        assert (response.status_code, response.json()["error"]) == (422, "Unprocessable Entity")
        assert response.json()["message"] == f"{target} cannot be the target of {second}: it leads back to it"
    assert call(dfyd, "PUT", second, {"forwarding_domain": "www." + second}).status_code == 422
    assert call(dfyd, "GET", second).json() == config(second)
    assert call(dfyd, "PUT", first, {"forwarding_domain": "home.net"}).status_code == 200
    assert call(dfyd, "PUT", second, {"forwarding_domain": first}).status_code == 200


@pytest.mark.parametrize("target,reason", [("www.SELF", "it leads back to it"), ("db.internal", "inside the operator's network")])
def test_targets_that_were_ordered(dfyd, target, reason):
    """The order stands, as the contract has no word for it; the forwarding fails by itself and can be set anew."""
    domain = f"forward-{next(numbers)}.com"
    ready(dfyd, domain, forwarding_domain=target.replace("SELF", domain))
    shown = next(line for line in dfyd.wait_order(domain, "failed").splitlines() if "set_forwarding" in line)
    assert "failed" in shown and reason in shown
    assert addresses(dfyd, domain) == set()
    assert call(dfyd, "PUT", domain, {"forwarding_domain": "home.net"}).status_code == 200
    assert addresses(dfyd, domain) == {domain, "www." + domain}


def test_targets_inside_the_network(dfyd):
    domain = ready(dfyd)
    for target in ("db.internal", "a.b.LOCAL", "localhost.localdomain", "x.localhost", "router.home.arpa"):
        response = call(dfyd, "PUT", domain, {"forwarding_domain": target})
        assert response.status_code == 422 and target.lower() in response.json()["message"]
    assert call(dfyd, "PUT", domain, {"forwarding_domain": "local.internal.net"}).status_code == 200


def test_unknown_properties_are_dropped(dfyd):
    domain = ready(dfyd)
    assert call(dfyd, "PUT", domain, {"forwarding_domain": ["home.net"], "x": 1}).status_code == 200


def test_while_the_order_is_provisioned(dfyd):
    domain = order(dfyd, "silent-forward.com")
    for method, body in (("PUT", {"forwarding_domain": "home.net"}), ("DELETE", None)):
        response = call(dfyd, method, domain, body)
        if method == "DELETE":
            assert response.status_code == 200, "there is nothing to remove"
            continue
        assert response.status_code == 409 and response.json()["error"] == "Conflict"
        assert domain in response.json()["message"]
    assert call(dfyd, "GET", domain).json() == config(domain)
    domain = order(dfyd, "silent-forward2.com", forwarding_domain="home.net")
    assert call(dfyd, "DELETE", domain).status_code == 409


def test_refused_by_the_host(dfyd):
    domain = ready(dfyd, "noweb-forward.com")
    response = call(dfyd, "PUT", domain, {"forwarding_domain": "home.net"})
    assert response.status_code == 502 and response.json()["error"] == "Bad Gateway"
    assert "Nothing was changed" in response.json()["message"]
    assert call(dfyd, "GET", domain).json() == config(domain) and addresses(dfyd, domain) == set()
    assert "failed" not in dfyd.wait_order(domain, "set_forwarding")


def test_no_answer_from_the_host(dfyd):
    """Twice nothing is changed and said so; the third time it works. Then an order whose forwarding was not published."""
    domain = ready(dfyd, "flakyweb-forward.com")
    statuses = []
    while not statuses or statuses[-1] != 200:
        response = call(dfyd, "PUT", domain, {"forwarding_domain": "home.net"})
        statuses.append(response.status_code)
        if response.status_code == 502:
            assert "Nothing was changed" in response.json()["message"]
            assert call(dfyd, "GET", domain).json() == config(domain)
    assert statuses[0] == 502 and set(statuses) <= {200, 409, 502}
    wait_for("the records", lambda: addresses(dfyd, domain) == {domain, "www." + domain})
    assert call(dfyd, "GET", domain).json() == config(domain, "home.net", "redirect")


def test_a_refused_forwarding_can_be_taken_off(dfyd):
    domain = order(dfyd, "noweb-forward2.com", forwarding_domain="home.net")
    dfyd.wait_order(domain, "failed")
    assert call(dfyd, "PUT", domain, {"forwarding_domain": "other.net"}).status_code == 502
    assert "failed" in dfyd.wait_order(domain, "set_forwarding"), "as it was"
    assert call(dfyd, "DELETE", domain).json() == config(domain)
    assert "failed" not in dfyd.wait_order(domain, "set_forwarding")


def test_of_a_cancelled_order(dfyd):
    domain = ready(dfyd, forwarding_domain="home.net")
    dfyd.request("POST", ORDERS + "/accounts/cancel", json={"accounts": [f"ann@{domain}"]})
    assert call(dfyd, "GET", domain).json() == config(domain, "home.net", "redirect")
    assert call(dfyd, "PUT", domain, {"forwarding_domain": "other.net"}).status_code == 404
    assert call(dfyd, "DELETE", domain).status_code == 404


@pytest.mark.parametrize("method,action", [("GET", "read"), ("PUT", "update"), ("DELETE", "delete")])
def test_scopes(dfyd, method, action):
    for scope, status in ((f"dfy_email_account_orders:{action}", 404), ("dfy_email_account_orders:create", 403)):
        key = dfyd.cli("key", "create", "--workspace", "default", "--scope", scope).strip()
        response = call(dfyd, method, "never-ordered.com", {"forwarding_domain": "home.net"},
                        headers={"Authorization": f"Bearer {key}"})
        assert response.status_code == status


def test_it_is_recorded(fresh):
    server = fresh()
    domain = ready(server)
    call(server, "PUT", domain, {"forwarding_domain": "home.net"})
    call(server, "DELETE", domain)
    call(server, "DELETE", domain)
    call(server, "PUT", domain, {"forwarding_domain": "home.n1"})
    with database(server) as db:
        assert db.execute("SELECT activity, detail FROM audit_logs WHERE activity LIKE 'forwarding%' ORDER BY id"
                          ).fetchall() == [
            ("forwarding_set",
             f'{{"domain":"{domain}","forwarding_domain":"home.net","forwarding_mode":"redirect"}}'),
            ("forwarding_removed", f'{{"domain":"{domain}"}}')]
