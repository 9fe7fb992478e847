"""The ground rules: keys, scopes, plans, other workspaces, the order of checks, the envelope, and Ajv's words."""
import json
import re

import pytest
import requests

from contract import asker, client  # noqa: F401, fixtures
from contract import ACCOUNTS, JSON, ORDERS, UUID_7, Client, check_error, item, make_client, name

RESOURCE = "dfy_email_account_orders"
CALLS = {"create": ("POST", ORDERS), "read orders": ("GET", ORDERS), "read accounts": ("GET", ACCOUNTS)}
calls = pytest.mark.parametrize("call", CALLS)
HEALTHY = {"items": [], "order_type": "dfy", "simulation": True}


def call_of(client, call, **kw):
    method, path = CALLS[call]
    return client.send(method, path, **({"json": HEALTHY} if method == "POST" else {}) | kw)


# ---- 401


@calls
def test_without_authorization(asker, call):
    check_error(call_of(asker, call, headers={"Authorization": None}, auth=False), 401, "Missing Authorization header")


@pytest.mark.parametrize("value", ["", "Bearer", "Bearer ", "Basic YTpi", "{key}", "Token {key}", "Bearer{key}",
                                   "Bearer {key} {key}", "Bearer, {key}"])
def test_not_a_bearer_token(asker, value):
    header = {"Authorization": value.format(key=asker.key)}
    check_error(asker.send("GET", headers=header), 401, "Invalid authorization header")


def test_the_scheme_has_no_case(asker):
    for scheme in ("Bearer", "bearer", "BEARER"):
        assert asker.send("GET", headers={"Authorization": f"{scheme} {asker.key}"}).status_code == 200


@calls
def test_unknown_and_revoked_keys_are_not_told_apart(client, call):
    other = Client(client.server, client.workspace, client.workspace_id)
    assert call_of(other, call).status_code == 200
    listed = client.cli("key", "list").splitlines()[1]  # newest first
    client.server.cli("key", "revoke", "--id", UUID_7.search(listed)[0])
    check_error(call_of(other, call), 401, "Invalid API key")
    assert call_of(client, call).status_code == 200
    for unknown in ("x", "dfyd_", client.key[:-1], client.key + "A", client.key.upper(), "%00", "é", "x" * 4000):
        header = {"Authorization": f"Bearer {unknown}".encode()}
        check_error(call_of(client, call, headers=header), 401, "Invalid API key")


# ---- 403


@calls
@pytest.mark.parametrize("resource", [RESOURCE, "all", "api_keys", "workspaces", "webhooks"])
@pytest.mark.parametrize("action", ["create", "read", "update", "delete", "all"])
def test_scopes(client, call, resource, action):
    needed = call.split()[0]
    response = call_of(Client(client.server, client.workspace, client.workspace_id, [f"{resource}:{action}"]), call)
    if resource in (RESOURCE, "all") and action in (needed, "all"):
        assert response.status_code == 200, response.text
    else:
        check_error(response, 403, f"This API key needs one of the scopes {RESOURCE}:{needed}, {RESOURCE}:all, "
                                   f"all:{needed}, all:all")


def test_any_one_of_a_keys_scopes_will_do(client):
    both = Client(client.server, client.workspace, client.workspace_id, ["webhooks:all", f"{RESOURCE}:read"])
    assert both.send("GET").status_code == 200 and both.send("POST", json=HEALTHY).status_code == 403


# ---- x-as-workspace


def test_an_operators_key_acts_for_another_workspace(client):
    operator = make_client(client.server, card=None, operator=True)
    client.price(google_mailbox_month="4.05")
    client.card("tok_amex", "Olaf Dahl")
    headers = {"x-as-workspace": client.workspace_id}
    wanted = item()
    answer = operator.placed([wanted], headers=headers)
    assert answer["total_price"].text == "19.05" and answer["payment_method_brand"] == "amex"
    assert answer["payment_method_last_4_digits"] == "0005" and answer["payment_method_name_on_card"] == "Olaf Dahl"

    assert operator.list(ORDERS) == operator.list(ACCOUNTS) == {"items": []}, "without the header it is its own"
    for reader in (client, operator):
        rows = reader.send("GET", headers=headers if reader is operator else {}).json()["items"]
        assert [(row["domain"], row["workspace_id"]) for row in rows] == [(wanted["domain"], client.workspace_id)]
    own = {"x-as-workspace": operator.workspace_id}
    assert operator.send("GET", headers=own).json() == {"items": []}


@calls
def test_other_keys_may_not(client, call):
    other = make_client(client.server)
    for workspace in (other.workspace_id, client.workspace_id, "nonsense", other.workspace, ""):
        check_error(call_of(client, call, headers={"x-as-workspace": workspace}), 403,
                    "Only an operator's API key may send x-as-workspace")


@calls
def test_an_operator_for_an_unknown_workspace(client, call):
    operator = make_client(client.server, operator=True)
    for workspace in ("01a205fc-5460-7000-9410-bf3aea562d97", "nonsense", client.workspace, ""):
        check_error(call_of(operator, call, headers={"x-as-workspace": workspace}), 404, "Resource not found")


def test_an_operators_key_still_needs_the_scope(client):
    operator = make_client(client.server, operator=True, scopes=[f"{RESOURCE}:create"])
    assert operator.send("GET", headers={"x-as-workspace": client.workspace_id}).status_code == 403


# ---- 402


@calls
def test_without_a_paid_plan(client, call):
    message = "Workspace does not have an active paid plan"
    client.cli("workspace", "plan", "--active", "no")
    check_error(call_of(client, call), 402, message)
    operator = make_client(client.server, operator=True)
    assert call_of(operator, call).status_code == 200
    check_error(call_of(operator, call, headers={"x-as-workspace": client.workspace_id}), 402, message)
    client.cli("workspace", "plan", "--active", "yes")
    assert call_of(client, call).status_code == 200


# ---- 404


@pytest.mark.parametrize("method,path", [
    ("GET", "/nothing"), ("POST", "/orders"), ("GET", "/api/v2"), ("GET", "/api/v2/x"), ("POST", ACCOUNTS), ("PUT", ORDERS), ("DELETE", ORDERS),
    ("PATCH", ACCOUNTS), ("GET", ORDERS + "/"), ("GET", ORDERS + "//accounts"), ("GET", ORDERS.upper()),
    ("GET", "/api/v2/x?limit=1&a=b"), ("GET", "/api/v1/dfy-email-account-orders"), ("OPTIONS", ORDERS)])
def test_unknown_routes(asker, method, path):
    for auth in ({}, {"Authorization": None}, {"Authorization": "Bearer nobody"}):
        check_error(asker.send(method, path, headers=auth, auth=False), 404, f"Route {method}:{path} not found")


def test_a_long_unknown_route_is_cut(asker):
    path = "/" + "x" * 3000
    check_error(asker.send("GET", path), 404, re.compile(r"Route GET:/x+\.\.\. not found"))


# ---- the order of checks: each call breaks its own rule and all that come later


def test_order_of_checks(client):
    scopeless = Client(client.server, client.workspace, client.workspace_id, ["webhooks:all"])
    bad = {"data": b"{", "headers": {"content-type": "text/plain"}}
    client.cli("workspace", "plan", "--active", "no")
    statuses = []
    for method, path in (("POST", ORDERS), ("GET", ORDERS + "?limit=0"), ("GET", ACCOUNTS + "?limit=0")):
        kw = bad if method == "POST" else {"headers": {}}
        statuses.append([
            client.send(method, "/nowhere", **{**kw, "headers": {**kw["headers"], "Authorization": None}},
                        auth=False).status_code,
            client.send(method, path, **{**kw, "headers": {**kw["headers"], "Authorization": None}},
                        auth=False).status_code,
            client.send(method, path, **{**kw, "headers": {**kw["headers"], "Authorization": "x"}}).status_code,
            scopeless.send(method, path, **kw).status_code,
            client.send(method, path, **kw).status_code,
        ])
    client.cli("workspace", "plan", "--active", "yes")
    for row, (method, path) in zip(statuses, (("POST", ORDERS), ("GET", ORDERS + "?limit=0"),
                                              ("GET", ACCOUNTS + "?limit=0"))):
        row.append(client.send(method, path, **(bad if method == "POST" else {})).status_code)
    assert statuses == [[404, 401, 401, 403, 402, 415], [404, 401, 401, 403, 402, 400], [404, 401, 401, 403, 402, 400]]


def test_a_body_is_judged_before_the_work(client):
    wanted = item()
    body = {"items": [wanted, {"domain": {}}], "order_type": "dfy"}
    check_error(client.send("POST", json=body), 400, "body/items/1/domain must be string")
    assert client.list(ORDERS) == {"items": []}
    client.placed([wanted])


# ---- bodies that never get as far as the schema


@pytest.mark.parametrize("content_type", ["application/json", "Application/JSON", JSON, "application/json;charset=utf-8",
                                          "application/json ; x=y"])
def test_content_types_that_are_json(asker, content_type):
    headers = {"content-type": content_type}
    assert asker.send("POST", data=json.dumps(HEALTHY), headers=headers).status_code == 200


@pytest.mark.parametrize("content_type", ["text/plain", "text/json", "application/x-www-form-urlencoded", "",
                                          "application/jsonx", "application/xml", "multipart/form-data; boundary=x"])
def test_content_types_that_are_not(asker, content_type):
    headers = {"content-type": content_type}
    check_error(asker.send("POST", data=json.dumps(HEALTHY), headers=headers), 415,
                "Unsupported Media Type: send application/json")


def test_a_body_without_content_type(asker):
    check_error(asker.send("POST", data=json.dumps(HEALTHY).encode()), 415,
                "Unsupported Media Type: send application/json")


def test_an_empty_body(asker):
    check_error(asker.send("POST", headers={"content-type": "application/json"}), 400,
                "Body cannot be empty when content-type is set to 'application/json'")
    check_error(asker.send("POST", data=b"", headers={"content-type": "application/json"}), 400,
                "Body cannot be empty when content-type is set to 'application/json'")


def test_a_body_over_the_limit(asker):
    def body(size):
        text = json.dumps({**HEALTHY, "x": ""})
        return text.replace('""', '"' + "x" * (size - len(text)) + '"')
    headers = {"content-type": "application/json"}
    assert asker.send("POST", data=body(1 << 20), headers=headers).status_code == 200
    check_error(asker.send("POST", data=body((1 << 20) + 1), headers=headers), 413, "Request body is too large")


@pytest.mark.parametrize("body", ["{", "items", "{'items':[]}", '{"items":[],}', '{"items":[]} x', "\0", '"', "[1,]",
                                  '{"items":[NaN]}', "undefined", '{"items":[], /* none */ "order_type":"dfy"}'])
def test_what_is_not_json(asker, body):
    check_error(asker.send("POST", data=body, headers={"content-type": "application/json"}), 400,
                re.compile(r"body is not valid JSON: .+ at byte \d+"))


# ---- Ajv's words. The rows of the body's schema, each with every way to break it


ONE = {"domain": "a.com"}
WHO = {"email_address_prefix": "p", "first_name": "F", "last_name": "L"}


def with_item(**more):
    return {"items": [ONE, {**ONE, **more}], "order_type": "dfy"}


def with_account(*remove, **more):
    account = {key: value for key, value in {**WHO, **more}.items() if key not in remove}
    return with_item(accounts=[WHO, account])


ENUM = "must be equal to one of the allowed values"
BODIES = [
    ([], "body must be object"),
    (None, "body must be object"),
    (7, "body must be object"),
    ("x", "body must be object"),
    ([{"items": [], "order_type": "dfy"}], "body must be object"),
    ({}, "body must have required property 'items'"),
    ({"order_type": "dfy"}, "body must have required property 'items'"),
    ({"items": []}, "body must have required property 'order_type'"),
    ({"items": {}, "simulation": {}}, "body must have required property 'order_type'"),
    ({"items": {}, "order_type": "x", "simulation": {}}, "body/items must be array"),
    ({"items": ["a.com"], "order_type": "x"}, "body/items/0 must be object"),
    ({"items": "a.com", "order_type": "x"}, "body/items/0 must be object"),
    ({"items": None, "order_type": "dfy"}, "body/items/0 must be object"),
    ({"items": [None], "order_type": "dfy"}, "body/items/0 must be object"),
    ({"items": [[ONE]], "order_type": "dfy"}, "body/items/0 must be object"),
    ({"items": [{}], "order_type": "x"}, "body/items/0 must have required property 'domain'"),
    ({"items": [ONE, {"accounts": 1}], "order_type": "dfy"}, "body/items/1 must have required property 'domain'"),
    ({"items": [ONE], "order_type": "x", "simulation": {}}, f"body/order_type {ENUM}"),
    ({"items": [ONE], "order_type": None}, f"body/order_type {ENUM}"),
    ({"items": [ONE], "order_type": ""}, f"body/order_type {ENUM}"),
    ({"items": [ONE], "order_type": 1}, f"body/order_type {ENUM}"),
    ({"items": [ONE], "order_type": "Dfy"}, f"body/order_type {ENUM}"),
    ({"items": [ONE], "order_type": {}}, "body/order_type must be string"),
    ({"items": [ONE], "order_type": ["dfy", "dfy"]}, "body/order_type must be string"),
    *[({"items": [ONE], "order_type": "dfy", "simulation": value}, "body/simulation must be boolean")
      for value in ("yes", "", "TRUE", "1", "0", 2, -1, 0.5, {}, [], [True, True])],
    *[(with_item(domain=value), "body/items/1/domain must be string") for value in ({}, [], ["a", "b"], [["a"]], [{}])],
    *[(with_item(email_provider=value), "body/items/1/email_provider must be number")
      for value in ("", "x", "1,0", {}, [], [1, 2], "google", "NaN")],
    *[(with_item(email_provider=value), f"body/items/1/email_provider {ENUM}")
      for value in (0, 4, -1, 1.5, "4", None, False, " ", 1e300, -1e300)],
    (with_item(forwarding_domain={}), "body/items/1/forwarding_domain must be string"),
    (with_item(forwarding_domain=["a", "b"]), "body/items/1/forwarding_domain must be string"),
    (with_item(accounts={}), "body/items/1/accounts must be array"),
    (with_item(accounts=None), "body/items/1/accounts/0 must be object"),
    (with_item(accounts="x"), "body/items/1/accounts/0 must be object"),
    (with_item(accounts=[WHO] * 101), "body/items/1/accounts must NOT have more than 100 items"),
    (with_item(accounts=[{}] * 101), "body/items/1/accounts must NOT have more than 100 items"),
    (with_item(accounts=[{}]), "body/items/1/accounts/0 must have required property 'email_address_prefix'"),
    (with_account("first_name", "last_name"), "body/items/1/accounts/1 must have required property 'first_name'"),
    (with_account("last_name"), "body/items/1/accounts/1 must have required property 'last_name'"),
    *[(with_account(**{field: {}}), f"body/items/1/accounts/1/{field} must be string") for field in WHO],
    # the schema's order, not the body's
    ({"items": [{"accounts": {}, "email_provider": {}, "domain": {}}], "order_type": "dfy"},
     "body/items/0/domain must be string"),
    ({"items": [{"accounts": {}, "email_provider": {}, "domain": ""}], "order_type": "dfy"},
     "body/items/0/email_provider must be number"),
    ({"items": [{"accounts": {}, "forwarding_domain": {}, "domain": ""}], "order_type": "dfy"},
     "body/items/0/forwarding_domain must be string"),
]


@pytest.mark.parametrize("body,message", BODIES)
def test_words_for_bodies(asker, body, message):
    check_error(asker.send("POST", data=json.dumps(body), headers={"content-type": "application/json"}), 400, message)


@pytest.mark.parametrize("type", ["dfy", "pre_warmed_up", "extra_accounts"])
def test_the_schema_is_that_of_every_order_type(asker, type):
    body = {**with_item(accounts=[{}]), "order_type": type}
    check_error(asker.send("POST", json=body), 400,
                "body/items/1/accounts/0 must have required property 'email_address_prefix'")


# ---- coercion and defaults, seen in the answer


def simulated(asker, **body):
    response = asker.send("POST", json={"order_type": "dfy", "simulation": True, **body})
    assert response.status_code == 200, response.text
    return response.json()


def test_defaults(client):
    wanted = {"domain": name(), "accounts": [WHO]}
    response = client.send("POST", json={"items": [wanted], "order_type": "dfy"})
    assert response.json()["simulation"] is False and response.json()["order_placed"] is True
    assert response.json()["order_items"][0]["email_provider"] == 1
    assert simulated(client, items=[{"domain": "a.com"}])["domains_without_accounts"] == ["a.com"]


@pytest.mark.parametrize("value,provider", [(2, 2), (2.0, 2), ("2", 2), (" 2\n", 2), ("2e0", 2), ("0x2", 2), (True, 1),
                                            ([2], 2), (["2"], 2)])
def test_coercion_to_a_number(asker, value, provider):
    answer = simulated(asker, items=[{"domain": name(), "email_provider": value, "accounts": [WHO]}])
    assert answer["order_items"][0]["email_provider"] == provider


@pytest.mark.parametrize("value,simulation", [(True, True), ("true", True), (1, True), ([True], True), (["true"], True),
                                              (False, False), ("false", False), (0, False), (None, False),
                                              ([None], False)])
def test_coercion_to_a_boolean(client, value, simulation):
    body = {"items": [{"domain": name(), "accounts": [WHO]}], "order_type": ["dfy"], "simulation": value}
    answer = client.send("POST", json=body).json()
    assert answer["simulation"] is simulation and answer["order_placed"] is not simulation


@pytest.mark.parametrize("value,text", [(5, "5"), (1.50, "1.5"), (True, "true"), (False, "false"), (1e21, "1e+21"),
                                        (["Ana"], "Ana"), ([7], "7")])
def test_coercion_to_a_string(asker, value, text):
    answer = simulated(asker, items=[{"domain": [name()], "accounts": [{**WHO, "first_name": value}]}])
    assert answer["order_items"][0]["accounts"][0]["first_name"] == text


def test_null_for_a_string_is_empty(asker):
    answer = simulated(asker, items=[{"domain": name(), "forwarding_domain": None,
                                       "accounts": [{**WHO, "last_name": None}]}, {"domain": None, "accounts": [WHO]}])
    assert [account["reason"] for account in answer["invalid_accounts"]] == ["Last name is required"]
    assert answer["invalid_domains"] == [""] and answer["invalid_forwarding_domains"] == []


def test_a_scalar_for_an_array_of_one_is_still_judged(asker):
    check_error(asker.send("POST", json={"items": 5, "order_type": "dfy"}), 400, "body/items/0 must be object")


def test_unknown_properties_are_dropped(asker):
    wanted = {"domain": name(), "accounts": [{**WHO, "middle_name": [{}]}], "price": 0, "years": {"x": [1]}}
    answer = simulated(asker, items=[wanted], coupon="x", items2=None)
    assert answer["order_is_valid"] and set(answer["order_items"][0]["accounts"][0]) == set(WHO)


# ---- query strings


QUERIES = [
    ("limit=0", "limit must be >= 1"),
    ("limit=-5", "limit must be >= 1"),
    ("limit=101", "limit must be <= 100"),
    ("limit=1e9", "limit must be <= 100"),
    ("limit=1.5", "limit must be integer"),
    ("limit=x", "limit must be integer"),
    ("limit=", "limit must be integer"),
    ("limit", "limit must be integer"),
    ("limit=true", "limit must be integer"),
    ("limit=5&limit=6", "limit must be integer"),
    ("starting_after=a&starting_after=b", "starting_after must be string"),
    ("starting_after=a&limit=0&starting_after=b", "limit must be >= 1"),
    ("limit=0&starting_after=nonsense", "limit must be >= 1"),
]


@pytest.mark.parametrize("path", [ORDERS, ACCOUNTS])
@pytest.mark.parametrize("query,message", QUERIES)
def test_words_for_query_strings(asker, path, query, message):
    check_error(asker.send("GET", f"{path}?{query}"), 400, f"querystring/{message}")


@pytest.mark.parametrize("value", ["1", "0", "yes", "", "TRUE", "null", "true&with_passwords=true"])
def test_words_for_with_passwords(asker, value):
    check_error(asker.send("GET", f"{ACCOUNTS}?with_passwords={value}"), 400,
                "querystring/with_passwords must be boolean")
    assert asker.send("GET", f"{ORDERS}?with_passwords={value}").status_code == 200, "not a word of this list"


@pytest.mark.parametrize("path", [ORDERS, ACCOUNTS])
@pytest.mark.parametrize("query", ["", "?", "?limit=1", "?limit=100", "?limit=1e2", "?limit=%31%30", "?limit=+7+",
                                   "?limit=0x10", "?limit=7.0", "?x=y&limit=5&x=z", "?starting_after=", "?%zz&=&&"])
def test_queries_that_pass(asker, path, query):
    assert asker.send("GET", path + query).json() == {"items": []}


# ---- other methods of known routes


def test_head(asker):
    full, head = asker.send("GET"), asker.send("HEAD")
    assert head.status_code == 200 and head.content == b"" and head.headers["content-type"] == JSON
    assert head.headers["content-length"] == full.headers["content-length"] == str(len(full.content))
    assert requests.head(asker.server.base + ORDERS, timeout=60).status_code == 401
