"""API keys over HTTP: making, listing and removing them, and what a key may hand on."""
import re
import uuid

import pytest

from conftest import ORDERS

KEYS = "/api/v2/api-keys"
FIELDS = {"id", "name", "scopes", "key", "organization_id", "timestamp_created", "timestamp_updated"}
TIME = re.compile(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z")
NOT_FOUND = {"statusCode": 404, "error": "Not Found", "message": "Resource not found"}


def bearer(key):
    return {"Authorization": f"Bearer {key}"}


@pytest.fixture
def place(dfyd):
    """A workspace of its own: call(method, path, **kw) with a key for everything."""
    return Place(dfyd, "all:all")


class Place:
    def __init__(self, server, *scopes, workspace=None, operator=False):
        self.server = server
        self.workspace = workspace or f"keys-{uuid.uuid4()}"
        if workspace is None:
            server.cli("workspace", "create", "--name", self.workspace)
        flags = [part for scope in scopes for part in ("--scope", scope)] + (["--operator"] if operator else [])
        self.key = server.cli("key", "create", "--workspace", self.workspace, *flags).strip()

    def call(self, method, path=KEYS, key=None, headers=None, **kw):
        return self.server.request(method, path, headers={**bearer(key or self.key), **(headers or {})}, **kw)

    def make(self, name="ci", scopes=("all:read",), key=None):
        response = self.call("POST", key=key, json={"name": name, "scopes": list(scopes)})
        assert response.status_code == 200, response.text
        return response.json()


def test_a_key_is_shown_once(place):
    made = place.make("build server", ["dfy_email_account_orders:read", "background-jobs:all"])
    assert set(made) == FIELDS
    assert made["name"] == "build server" and made["scopes"] == ["dfy_email_account_orders:read", "background-jobs:all"]
    assert re.fullmatch(r"dfyd_[\w-]{43}", made["key"])
    assert TIME.fullmatch(made["timestamp_created"]) and made["timestamp_updated"] == made["timestamp_created"]
    assert place.call("GET", ORDERS, key=made["key"]).status_code == 200
    assert place.call("POST", ORDERS, key=made["key"], json={}).status_code == 403
    page = place.call("GET").json()
    shown = page["items"][0]
    assert shown == {**made, "key": made["key"][:9] + "…"}
    assert made["key"] not in place.call("GET").text
    assert place.call("GET", key=shown["key"].rstrip("…")).status_code == 401


def test_keys_are_listed_newest_first(place):
    made = [place.make(f"k{i}") for i in range(5)]
    first = place.call("GET", params={"limit": 2}).json()
    assert [k["name"] for k in first["items"]] == ["k4", "k3"]
    assert first["next_starting_after"] == made[3]["id"]
    second = place.call("GET", params={"limit": 100, "starting_after": made[3]["id"]}).json()
    assert [k["name"] for k in second["items"][:3]] == ["k2", "k1", "k0"] and len(second["items"]) == 4
    assert "next_starting_after" not in second
    assert place.call("GET", params={"limit": 0}).json()["message"] == "querystring/limit must be >= 1"
    assert place.call("GET", params={"limit": 101}).json()["message"] == "querystring/limit must be <= 100"
    assert place.call("GET", params={"starting_after": "nonsense"}).status_code == 400


def test_a_removed_key_is_refused_at_once(place):
    made = place.make()
    assert place.call("GET", ORDERS, key=made["key"]).status_code == 200
    gone = place.call("DELETE", f"{KEYS}/{made['id']}")
    assert gone.status_code == 200 and set(gone.json()) == FIELDS
    assert gone.json()["id"] == made["id"] and gone.json()["key"] == made["key"][:9] + "…"
    assert gone.json()["timestamp_updated"] >= made["timestamp_created"]
    refused = place.call("GET", ORDERS, key=made["key"])
    assert refused.status_code == 401 and refused.json()["message"] == "Invalid API key"
    assert made["id"] not in place.call("GET").text
    assert place.call("DELETE", f"{KEYS}/{made['id']}").json() == NOT_FOUND


def test_a_key_may_remove_itself(place):
    own = place.call("GET").json()["items"][0]["id"]
    assert place.call("DELETE", f"{KEYS}/{own}").status_code == 200
    assert place.call("GET").status_code == 401


def test_ids_of_others_do_not_exist(dfyd, place):
    other = Place(dfyd, "all:all")
    theirs = other.make()
    for id in (theirs["id"], str(uuid.uuid4()), "x", "%00", "%ff", "%27--"):
        assert place.call("DELETE", f"{KEYS}/{id}").json() == NOT_FOUND
    assert other.call("GET", ORDERS, key=theirs["key"]).status_code == 200
    assert place.call("GET", params={"starting_after": "ffffffff-ffff-7fff-bfff-ffffffffffff"}).json()["items"]
    assert all(k["organization_id"] != theirs["organization_id"] for k in place.call("GET").json()["items"])


@pytest.mark.parametrize("body, message", [
    ({}, "body must have required property 'name'"),
    ({"name": "x"}, "body must have required property 'scopes'"),
    ({"scopes": ["nonsense"]}, "body must have required property 'name'"),
    ({"name": {}, "scopes": []}, "body/name must be string"),
    ({"name": "x", "scopes": {}}, "body/scopes must be array"),
    ({"name": "x", "scopes": ["all:read", "nonsense"]}, "body/scopes/1 must be equal to one of the allowed values"),
    ({"name": "x", "scopes": "email_verifications:delete"}, "body/scopes/0 must be equal to one of the allowed values"),
    ({"name": "x", "scopes": ["all:all "]}, "body/scopes/0 must be equal to one of the allowed values"),
    ({"name": "x", "scopes": [None]}, "body/scopes/0 must be equal to one of the allowed values"),
    ({"name": "é" * 256, "scopes": []}, "body/name must NOT have more than 255 characters"),
])
def test_wrong_bodies(place, body, message):
    response = place.call("POST", json=body)
    assert (response.status_code, response.json()["message"]) == (400, message)


def test_bodies_that_are_coerced(place):
    assert place.make(5, ["all:read"])["name"] == "5"
    assert place.call("POST", json={"name": "x", "scopes": "all:read", "other": 1}).json()["scopes"] == ["all:read"]
    assert place.make("é" * 255, ["all:read", "all:read", "leads:read"])["scopes"] == ["all:read", "leads:read"]
    nothing = place.make("", [])
    assert nothing["scopes"] == [] and nothing["name"] == ""
    assert place.call("GET", ORDERS, key=nothing["key"]).status_code == 403


@pytest.mark.parametrize("held, given, allowed", [
    ("all:all", "all:all", True),
    ("api_keys:create all:read", "webhooks:read", True),
    ("api_keys:create all:read", "all:read", True),
    ("api_keys:create all:read", "webhooks:all", False),
    ("api_keys:create all:read", "all:all", False),
    ("api_keys:create webhooks:all", "webhooks:delete", True),
    ("api_keys:create webhooks:all", "webhook_events:read", False),
    ("api_keys:create", "api_keys:create", True),
    ("api_keys:create", "api_keys:all", False),
    ("all:create", "api_keys:create", True),
])
def test_a_key_gives_no_more_than_it_has(dfyd, held, given, allowed):
    place = Place(dfyd, *held.split())
    response = place.call("POST", json={"name": "x", "scopes": [given]})
    assert response.status_code == (200 if allowed else 403)
    if not allowed:
        assert response.json()["error"] == "Forbidden" and given in response.json()["message"]


@pytest.mark.parametrize("method, scope, path", [
    ("POST", "create", KEYS), ("GET", "read", KEYS), ("DELETE", "delete", f"{KEYS}/x")])
def test_scopes_of_the_calls(dfyd, method, scope, path):
    others = [a for a in ("create", "read", "update", "delete") if a != scope]
    response = Place(dfyd, *(f"api_keys:{a}" for a in others)).call(method, path, json={"name": "x", "scopes": []})
    assert response.status_code == 403 and f"api_keys:{scope}" in response.json()["message"]
    done = Place(dfyd, f"api_keys:{scope}").call(method, path, json={"name": "x", "scopes": []})
    assert done.status_code == (404 if method == "DELETE" else 200)


def test_operators_keys_are_out_of_reach(dfyd):
    place = Place(dfyd, "all:all")
    operator = Place(dfyd, "all:all", workspace=place.workspace, operator=True)
    assert len(place.call("GET").json()["items"]) == 1
    listed = operator.call("GET").json()["items"]
    assert len(listed) == 2
    assert place.call("DELETE", f"{KEYS}/{listed[0]['id']}").json() == NOT_FOUND
    # It acts for another workspace: the key it makes belongs there and is no operator's.
    other = Place(dfyd, "all:all")
    there = other.call("GET").json()["items"][0]["organization_id"]
    made = operator.call("POST", headers={"x-as-workspace": there}, json={"name": "x", "scopes": ["all:all"]}).json()
    assert made["organization_id"] == there
    assert other.call("DELETE", f"{KEYS}/{made['id']}").status_code == 200
    refused = other.call("GET", key=other.make("y", ["all:all"])["key"], headers={"x-as-workspace": place.workspace})
    assert refused.status_code == 403


def test_the_secret_is_not_stored(fresh):
    server = fresh()
    made = Place(server, "all:all").make()
    server.stop()
    for file in server.dir.iterdir():
        assert made["key"][9:].encode() not in file.read_bytes(), file
