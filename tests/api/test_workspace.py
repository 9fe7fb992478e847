"""The workspace of the key: reading and changing it."""
import uuid

import pytest

from test_keys import TIME, Place, bearer

CURRENT = "/api/v2/workspaces/current"
FIELDS = {"id", "timestamp_created", "timestamp_updated", "scheduled_for_removal_at", "owner", "name", "plan_id", "plan_id_bundle",
          "add_unsub_to_block", "default_opportunity_value", "plan_id_leadfinder", "org_logo_url", "org_client_domain", "plan_id_crm",
          "plan_id_website_visitor", "plan_id_inbox_placement"}


@pytest.fixture
def place(dfyd):
    return Place(dfyd, "all:all")


def test_the_workspace_of_the_key(place):
    response = place.call("GET", CURRENT)
    assert response.status_code == 200
    found = response.json()
    assert set(found) == FIELDS
    assert found["name"] == place.workspace and found["owner"] == found["id"]
    assert TIME.fullmatch(found["timestamp_created"]) and found["timestamp_updated"] == found["timestamp_created"]
    assert all(found[name] is None for name in FIELDS - {"id", "name", "owner", "timestamp_created", "timestamp_updated"})


def test_an_operator_sees_the_one_it_acts_for(dfyd, place):
    operator = Place(dfyd, "all:all", workspace="default", operator=True)
    id = place.call("GET", CURRENT).json()["id"]
    assert operator.call("GET", CURRENT, headers={"x-as-workspace": id}).json()["name"] == place.workspace


def test_what_can_be_changed(place):
    before = place.call("GET", CURRENT).json()
    name = f"new-{uuid.uuid4()}"
    after = place.call("PATCH", CURRENT, json={"name": name})
    assert after.status_code == 200
    assert after.json() == {**before, "name": name, "timestamp_updated": after.json()["timestamp_updated"]}
    assert after.json()["timestamp_updated"] >= before["timestamp_updated"]
    assert place.call("GET", CURRENT).json() == after.json()
    changed = place.call("PATCH", CURRENT, json={"org_logo_url": "https://example.com/é.png"}).json()
    assert (changed["name"], changed["org_logo_url"]) == (name, "https://example.com/é.png")
    assert place.call("PATCH", CURRENT, json={"org_logo_url": None}).json()["org_logo_url"] is None
    assert place.call("PATCH", CURRENT, json={"name": name, "org_logo_url": ""}).json()["org_logo_url"] == ""
    # What is not known is dropped, and then nothing is left to change.
    same = place.call("PATCH", CURRENT, json={"plan_id": "gold"})
    assert same.status_code == 200 and same.json() == place.call("GET", CURRENT).json()
    assert name in place.server.cli("workspace", "show", name)


@pytest.mark.parametrize("body, message", [
    ({}, "body must NOT have fewer than 1 properties"),
    ([], "body must be object"),
    ({"name": []}, "body/name must be string"),
    ({"name": ""}, "a workspace's name has 1 to 100 bytes"),
    ({"name": None}, "a workspace's name has 1 to 100 bytes"),
    ({"name": "x" * 101}, "a workspace's name has 1 to 100 bytes"),
    ({"org_logo_url": {}}, "body/org_logo_url must be string,null"),
    ({"org_logo_url": "x" * 2049}, "body/org_logo_url must NOT have more than 2048 characters"),
])
def test_wrong_bodies(place, body, message):
    before = place.call("GET", CURRENT).json()
    response = place.call("PATCH", CURRENT, json=body)
    assert (response.status_code, response.json()["message"]) == (400, message)
    assert place.call("GET", CURRENT).json() == before


def test_names_are_unique(dfyd, place):
    other = Place(dfyd, "all:all")
    response = place.call("PATCH", CURRENT, json={"name": other.workspace, "org_logo_url": "x"})
    assert response.status_code == 409 and response.json()["error"] == "Conflict"
    assert place.call("GET", CURRENT).json()["org_logo_url"] is None
    assert place.call("PATCH", CURRENT, json={"name": place.workspace}).status_code == 200


def test_scopes(dfyd):
    reader, writer = Place(dfyd, "workspaces:read"), Place(dfyd, "workspaces:update")
    assert reader.call("GET", CURRENT).status_code == 200
    assert reader.call("PATCH", CURRENT, json={"name": "x"}).status_code == 403
    assert writer.call("GET", CURRENT).status_code == 403
    assert writer.call("PATCH", CURRENT, json={"org_logo_url": None}).status_code == 200
    assert dfyd.request("GET", CURRENT, auth=False).status_code == 401
    assert dfyd.request("GET", CURRENT, headers=bearer("x")).status_code == 401
