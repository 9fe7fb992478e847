"""The operator's view: who may see it, and the price book, promotions, workspaces and records of the whole business."""
from datetime import datetime, timedelta, timezone

import pytest

from operator_key import BASE, Operator, workspace

READS = ["/workspaces", "/prices", "/promotions", "/inventory", "/audit-logs"]


@pytest.fixture(scope="module")
def operator(dfyd):
    return Operator(dfyd)


def ahead(**kw):
    return (datetime.now(timezone.utc) + timedelta(**kw)).isoformat(timespec="milliseconds").replace("+00:00", "Z")


# -- who may

@pytest.mark.parametrize("path", READS)
def test_only_an_operator_with_every_scope_may(operator, dfyd, path):
    assert operator.send("GET", path).status_code == 200
    few = dfyd.cli("key", "create", "--workspace", "default", "--scope", "all:read", "--operator").strip()
    for key in (dfyd.key, few):
        operator.refused(403, "GET", path, "operator's API key", "`dfyd key create --operator --scope all:all`", key=key)


def test_nothing_changes_without_the_key(operator, dfyd):
    before = operator.get("/prices")
    for path, body in [("/prices", {"name": "domain_year", "amount": 1}), ("/prices/1/end", {}),
                       ("/promotions", {"name": "mine", "kind": "percent", "value": 100}), ("/inventory", {"items": []})]:
        operator.refused(403, "POST", path, "operator's", key=dfyd.key, json=body)
    operator.refused(403, "DELETE", "/inventory/a.com", "operator's", key=dfyd.key)
    assert operator.get("/prices") == before


def test_a_key_made_by_an_operator_is_none(operator, dfyd):
    made = dfyd.request("POST", "/api/v2/api-keys", headers={"Authorization": f"Bearer {operator.key}"},
                        json={"name": "x", "scopes": ["all:all"]}).json()["key"]
    operator.refused(403, "GET", "/prices", "operator's", key=made)


# -- workspaces

def test_workspaces(operator, dfyd):
    made = [workspace(dfyd) for _ in range(3)]
    found = operator.get("/workspaces", limit=3)
    assert [(w["name"], w["id"]) for w in found["items"]] == made[::-1]
    assert found["items"][0]["payment_driver"] is None and found["items"][0]["plan_active"] is True
    rest = operator.pages("/workspaces", limit=2)
    assert [w["id"] for w in rest[:3]] == [id for _, id in made[::-1]] and rest[-1]["name"] == "default"
    assert rest[-1]["payment_driver"] == "sandbox"
    name, id = made[1]
    assert [w["id"] for w in operator.get("/workspaces", search=name.upper())["items"]] == [id]
    assert [w["id"] for w in operator.get("/workspaces", search=id)["items"]] == [id]
    assert operator.get("/workspaces", search="%")["items"] == []
    operator.refused(400, "GET", "/workspaces", "starting_after", params={"starting_after": "x"})


# -- prices

def price(operator, name, **params):
    return next(p for p in operator.get("/prices", **params)["prices"] if p["name"] == name)


def test_a_price_for_one_workspace(operator, dfyd):
    name, id = workspace(dfyd)
    made = operator.post("/prices", {"name": "domain_year", "amount": 12.5, "workspace": name})
    assert made["state"] == "in_force" and made["workspace_id"] == id and made["workspace"] == name and made["amount"] == 12.5
    book = operator.get("/prices", workspace=id)
    assert price(operator, "domain_year", workspace=name) == {"name": "domain_year", "what": "a new domain, a year", "amount": 12.5,
                                                              "standard_amount": 15, "follows": None}
    assert book["items"][0] == made and book["workspace"] == name and book["version"] == made["version"]
    assert price(operator, "domain_year")["amount"] == 15
    ended = operator.post(f"/prices/{made['version']}/end")
    assert ended["amount"] is None and ended["state"] == "over" and ended["version"] > made["version"]
    assert price(operator, "domain_year", workspace=name)["amount"] == 15
    assert [v["state"] for v in operator.get("/prices", workspace=name, limit=2)["items"]] == ["over", "over"]
    operator.refused(409, "POST", f"/prices/{made['version']}/end", "a later one has taken its place")
    operator.refused(409, "POST", f"/prices/{ended['version']}/end", "is the end of a price itself")


def test_a_planned_price_is_taken_back(operator, dfyd):
    """What holds until then goes on, not the standard."""
    name, _ = workspace(dfyd)
    operator.post("/prices", {"name": "domain_year", "amount": 14, "workspace": name})
    planned = operator.post("/prices", {"name": "domain_year", "amount": 16, "workspace": name, "timestamp_start": "2999-01-01"})
    assert planned["state"] == "planned" and planned["timestamp_start"] == "2999-01-01T00:00:00.000Z"
    book = operator.get("/prices", workspace=name)
    assert {"timestamp_start": planned["timestamp_start"], "prices": {"domain_year": 16}} in book["planned"]
    back = operator.post(f"/prices/{planned['version']}/end", {"timestamp_end": None})
    assert back["amount"] == 14 and back["timestamp_start"] == planned["timestamp_start"]
    assert not any("domain_year" in plan["prices"] for plan in operator.get("/prices", workspace=name)["planned"])
    states = {v["version"]: v["state"] for v in operator.get("/prices", workspace=name)["items"]}
    assert states[planned["version"]] == "over" and states[back["version"]] == "planned"
    first = operator.post("/prices", {"name": "google_mailbox_month", "amount": 9, "workspace": name, "timestamp_start": "2999-01-01"})
    assert operator.post(f"/prices/{first['version']}/end")["amount"] is None


def test_a_price_ends_at_a_time(fresh):
    server = fresh()
    operator, (name, _) = Operator(server), workspace(server)
    made = operator.post("/prices", {"name": "domain_year", "amount": 11, "workspace": name})
    end = ahead(hours=1)
    assert operator.post(f"/prices/{made['version']}/end", {"timestamp_end": end})["timestamp_start"] == end
    assert price(operator, "domain_year", workspace=name)["amount"] == 11
    server.cli("clock", "advance", "1h")
    assert price(operator, "domain_year", workspace=name)["amount"] == 15
    other = operator.post("/prices", {"name": "domain_year", "amount": 11, "workspace": name})
    operator.post("/prices", {"name": "domain_year", "amount": 13, "workspace": name, "timestamp_start": ahead(days=1)})
    operator.refused(409, "POST", f"/prices/{other['version']}/end", "does not hold then", json={"timestamp_end": ahead(days=2)})


def test_the_command_line_and_the_console_share_the_book(operator, dfyd):
    name, _ = workspace(dfyd)
    dfyd.cli("price", "set", "--name", "domain_year", "--amount", "9.99", "--workspace", name)
    assert price(operator, "domain_year", workspace=name)["amount"] == 9.99
    operator.post("/prices", {"name": "domain_year", "amount": 8, "workspace": name})
    assert "8.00" in dfyd.cli("price", "list", "--workspace", name)


def test_pages_of_versions(operator, dfyd):
    name, id = workspace(dfyd)
    for amount in range(1, 6):
        operator.post("/prices", {"name": "domain_year", "amount": amount, "workspace": name})
    every = operator.pages("/prices", workspace=name, limit=2)
    assert [v["amount"] for v in every if v["workspace_id"] == id] == [5, 4, 3, 2, 1]
    assert len({v["version"] for v in every}) == len(every)
    assert {v["version"] for v in every} <= {v["version"] for v in operator.pages("/prices", limit=100)}
    operator.refused(400, "GET", "/prices", "starting_after", params={"starting_after": "x"})
    operator.refused(404, "GET", "/prices", 'no workspace "nobody"', params={"workspace": "nobody"})


@pytest.mark.parametrize("body, status, words", [
    ({"name": "domain_year"}, 400, ["required property 'amount'"]),
    ({"name": "domain_yaer", "amount": 1}, 400, ['no price "domain_yaer"']),
    ({"name": "domain_year", "amount": -1}, 400, ["US dollars, the one currency"]),
    ({"name": "domain_year", "amount": 1.005}, 400, ["US dollars, the one currency"]),
    ({"name": "domain_year", "amount": "x"}, 400, ["body/amount must be number"]),
    ({"name": "domain_year", "amount": 1, "timestamp_start": "tomorrow"}, 400, ['such as 2026-12-01 or', '"tomorrow"']),
    ({"name": "domain_year", "amount": 1, "timestamp_start": "2020-01-01"}, 400, ["2020-01-01T00:00:00.000Z is past"]),
    ({"name": "domain_year", "amount": 1, "workspace": "nobody"}, 404, ['no workspace "nobody"']),
])
def test_prices_that_are_none(operator, body, status, words):
    before = operator.get("/prices")["items"][:1]
    operator.refused(status, "POST", "/prices", *words, json=body)
    assert operator.get("/prices")["items"][:1] == before


def test_versions_that_are_none(operator):
    operator.refused(404, "POST", "/prices/999999/end", "no version 999999")
    operator.refused(404, "POST", "/prices/x/end", "not found")


def test_prices_are_told(operator, dfyd):
    name, id = workspace(dfyd)
    made = operator.post("/prices", {"name": "domain_year", "amount": 12, "workspace": name}, headers={"User-Agent": "robot/2"})
    ended = operator.post(f"/prices/{made['version']}/end")
    record = operator.records("price_set", search=f'"version":{made["version"]},')[0]
    assert record["detail"] == {"version": made["version"], "name": "domain_year", "amount": 12, "workspace_id": id,
                                "timestamp_start": made["timestamp_start"]}
    assert record["workspace"] == "default" and record["api_key_name"] == "console" and record["user_agent"] == "robot/2"
    assert record["ip_address"] == "127.0.0.1" and record["affected_count"] == 1
    record = operator.records("price_ended", search=f'"version":{made["version"]},')[0]
    assert record["detail"]["amount"] is None and record["detail"]["timestamp_start"] == ended["timestamp_start"]


# -- promotions

def test_a_promotion(operator, dfyd):
    name, id = workspace(dfyd)
    made = operator.post("/promotions", {"name": f"half-{name}", "kind": "percent", "value": 50, "workspace": name, "max_orders_each": 2})
    assert made["state"] == "open" and made["workspace_id"] == id and made["value"] == 50
    assert (made["max_orders"], made["max_orders_each"], made["timestamp_end"], made["used_orders"]) == (None, 2, None, 0)
    assert operator.get("/promotions", search=f"HALF-{name}")["items"] == [made]
    assert made["name"] in dfyd.cli("promo", "list")
    ended = operator.post(f"/promotions/{made['id']}/end")
    assert ended["state"] == "over" and ended["timestamp_end"]
    assert operator.get("/promotions", search=name)["items"] == []
    assert operator.get("/promotions", search=name, state="all")["items"] == [ended]
    operator.refused(409, "POST", f"/promotions/{made['id']}/end", "has ended before")
    kinds = [operator.records(f"promotion_{word}", search=name)[0]["detail"] for word in ("added", "ended")]
    assert all(detail["promotion_id"] == made["id"] and detail["workspace_id"] == id for detail in kinds)
    assert kinds[1]["timestamp_end"] == ended["timestamp_end"]


@pytest.mark.parametrize("kind, value", [("percent", 20), ("amount", 5.25), ("free_domains", 3), ("first_month", None)])
def test_kinds_of_promotions(operator, dfyd, kind, value):
    name, _ = workspace(dfyd)
    made = operator.post("/promotions", {"name": name, "kind": kind, "value": value, "workspace": name, "timestamp_start": "2999-01-01",
                                         "timestamp_end": "2999-02-01T12:00:00Z", "max_orders": 5})
    assert (made["kind"], made["value"], made["state"], made["max_orders"]) == (kind, value, "planned", 5)
    assert (made["timestamp_start"], made["timestamp_end"]) == ("2999-01-01T00:00:00.000Z", "2999-02-01T12:00:00.000Z")


@pytest.mark.parametrize("body, status, words", [
    ({"kind": "percent"}, 400, ["kind percent needs value: how many percent"]),
    ({"kind": "percent", "value": 0}, 400, ["a whole number from 1"]),
    ({"kind": "percent", "value": 101}, 400, ["1 to 100 percent"]),
    ({"kind": "percent", "value": 1.5}, 400, ["a whole number from 1"]),
    ({"kind": "amount", "value": 1.005}, 400, ["US dollars"]),
    ({"kind": "first_month", "value": 1}, 400, ["takes no value"]),
    ({"kind": "gift", "value": 1}, 400, ["body/kind must be equal to one of the allowed values"]),
    ({"kind": "percent", "value": 5, "name": "two words"}, 400, ["letters, digits"]),
    ({"kind": "percent", "value": 5, "timestamp_start": "2020-01-01"}, 400, ["starts now or later"]),
    ({"kind": "percent", "value": 5, "timestamp_end": "2020-01-01"}, 400, ["end after its start"]),
    ({"kind": "percent", "value": 5, "workspace": "nobody"}, 404, ['no workspace "nobody"']),
    ({"kind": "percent", "value": 5, "max_orders": -1}, 400, ["body/max_orders must be >= 0"]),
])
def test_promotions_that_are_none(operator, body, status, words):
    before = operator.get("/promotions", state="all")["items"]
    operator.refused(status, "POST", "/promotions", *words, json={"name": "none", **body})
    assert operator.get("/promotions", state="all")["items"] == before


def test_promotions_have_names_and_pages(operator, dfyd):
    name, _ = workspace(dfyd)
    made = [operator.post("/promotions", {"name": f"{name}.{i}", "kind": "first_month", "workspace": name}) for i in range(5)]
    operator.refused(409, "POST", "/promotions", "name of its own", json={"name": f"{name}.1", "kind": "first_month"})
    assert operator.pages("/promotions", search=f"{name}.", limit=2) == made[::-1]
    operator.refused(404, "POST", "/promotions/0199a3c1-5f1e-7cc3-98f2-3f0e5a1b2c3d/end", "not found")


# -- records

def test_records_of_all_workspaces(operator, dfyd):
    name, id = workspace(dfyd)
    key = dfyd.cli("key", "create", "--workspace", name, "--scope", "all:all", "--name", f"of-{name}").strip()
    dfyd.request("PATCH", "/api/v2/workspaces/current", headers={"Authorization": f"Bearer {key}"}, json={"org_logo_url": None})
    found = operator.get("/audit-logs", workspace=name)["items"]
    assert [r["activity"] for r in found] == ["workspace_changed", "key_created", "workspace_created"]
    assert found[0]["api_key_name"] == f"of-{name}" and found[0]["workspace_id"] == id and found[0]["detail"]["org_logo_url"] is None
    assert found[1]["api_key_id"] is None and found[1]["ip_address"] is None
    assert operator.get("/audit-logs", search=f"OF-{name}")["items"] == found[:1]
    assert operator.get("/audit-logs", limit=3)["items"] == found
    assert operator.pages("/audit-logs", workspace=name, limit=1) == found
    ids = [r["id"] for r in operator.pages("/audit-logs", limit=50)]
    assert ids == sorted(set(ids), reverse=True)
    operator.refused(404, "GET", "/audit-logs", "no workspace", params={"workspace": "nobody"})


def test_what_failed_is_not_told(operator):
    before = operator.get("/audit-logs")["items"]
    operator.refused(409, "POST", "/promotions", json={"name": operator.get("/promotions", state="all")["items"][0]["name"], "kind": "first_month"})
    assert operator.get("/audit-logs")["items"] == before
    assert BASE not in str(before)
