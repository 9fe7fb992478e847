"""Audit logs: who did what, from where, with which key; their filters and pages."""
import socket
from datetime import datetime, timedelta, timezone

import pytest

from conftest import ORDERS
from test_keys import KEYS, TIME, Place
from test_workspace import CURRENT

LOGS = "/api/v2/audit-logs"
FIELDS = {"id", "timestamp", "organization_id", "activity_type", "user_agent", "user_id", "ip_address", "from_api", "api_key_id",
          "affected_count", "campaign_id", "webhook_id", "subsequence_id", "list_id", "audit_metadata", "user_name"}
ORDER, KEY_MADE, KEY_GONE, OTHER = 6, 37, 38, 40


@pytest.fixture
def place(dfyd):
    return Place(dfyd, "all:all")


def logs(place, **params):
    response = place.call("GET", LOGS, params={"limit": 1000, **params})
    assert response.status_code == 200, response.text
    return response.json()["items"]


def test_changes_are_told(place):
    own = place.call("GET").json()["items"][0]["id"]
    made = place.make("ci")
    place.call("DELETE", f"{KEYS}/{made['id']}", headers={"User-Agent": "robot/1.0"})
    place.call("PATCH", CURRENT, json={"org_logo_url": None})
    changed, removed, created, first, began = logs(place)
    assert all(set(entry) == FIELDS for entry in logs(place))
    assert [e["activity_type"] for e in (changed, removed, created, first, began)] == [OTHER, KEY_GONE, KEY_MADE, KEY_MADE, OTHER]
    assert removed["user_agent"] == "robot/1.0" and removed["api_key_id"] == own and removed["from_api"] is True
    assert removed["ip_address"] == "127.0.0.1" and removed["affected_count"] == 1
    assert removed["audit_metadata"] == {"activity": "key_revoked", "api_key_id": made["id"], "name": "ci"}
    assert changed["audit_metadata"] == {"activity": "workspace_changed", "org_logo_url": None}
    assert TIME.fullmatch(created["timestamp"]) and created["organization_id"] == made["organization_id"]
    assert began["audit_metadata"]["activity"] == "workspace_created"
    # The workspace and its first key came from the command line.
    for entry in (first, began):
        assert (entry["from_api"], entry["api_key_id"], entry["user_agent"], entry["ip_address"]) == (False, None, None, "")
    assert all(entry[name] is None for entry in logs(place)
               for name in ("user_id", "campaign_id", "webhook_id", "subsequence_id", "list_id", "user_name"))


def test_what_failed_is_not_told(dfyd, place):
    before = logs(place)
    place.call("POST", json={"name": "x", "scopes": ["nonsense"]})
    place.call("DELETE", f"{KEYS}/00000000-0000-7000-8000-000000000000")
    place.call("PATCH", CURRENT, json={"name": Place(dfyd, "all:all").workspace})
    place.call("PATCH", CURRENT, json={"other": 1})
    assert logs(place) == before


def test_an_order_is_told(dfyd):
    place = Place(dfyd, "all:all", workspace="default")
    item = {"domain": "audited-order.com", "accounts": [{"email_address_prefix": "a", "first_name": "A", "last_name": "B"}]}
    answer = place.call("POST", ORDERS, json={"items": [item], "order_type": "dfy"}).json()
    assert answer["order_placed"], answer
    entry = logs(place, activity_type=ORDER)[0]
    assert entry["audit_metadata"]["activity"] == "order_placed" and entry["audit_metadata"]["order_type"] == "dfy"
    assert entry["affected_count"] == 1 and entry["user_agent"].startswith("python-requests")


def test_pages(place):
    for i in range(7):
        place.make(f"k{i}")
    whole = logs(place)
    assert [e["audit_metadata"].get("name") for e in whole[:-1]] == [f"k{i}" for i in reversed(range(7))] + [None]
    first = place.call("GET", LOGS, params={"limit": 3}).json()
    assert first["items"] == whole[:3] and first["next_starting_after"] == whole[2]["id"]
    assert logs(place, starting_after=whole[2]["id"]) == whole[3:]
    assert logs(place, starting_after=whole[-1]["id"]) == []
    last = place.call("GET", LOGS, params={"limit": 9}).json()
    assert last["items"] == whole and "next_starting_after" not in last
    assert len(place.call("GET", LOGS).json()["items"]) == 9


def test_cursors_of_others_give_nothing(dfyd, place):
    theirs = logs(Place(dfyd, "all:all"))[0]["id"]
    assert logs(place, starting_after=theirs) == []
    assert logs(place, starting_after="01900000-0000-7000-8000-000000000000") == []
    assert theirs not in str(logs(place))


def test_filters(place):
    for name in ("alpha", "100%_beta"):
        place.call("DELETE", f"{KEYS}/{place.make(name)['id']}")
    assert [e["activity_type"] for e in logs(place, activity_type=KEY_GONE)] == [KEY_GONE] * 2
    assert logs(place, activity_type=1) == [] and logs(place, activity_type=-5) == []
    assert len(logs(place, search="ALPHA")) == 2
    assert len(logs(place, search="%_b")) == 2
    assert len(logs(place, search="key_revoked")) == 2
    assert len(logs(place, search="alpha", activity_type=KEY_GONE)) == 1
    assert logs(place, search="nowhere") == []
    page = place.call("GET", LOGS, params={"search": "key_", "limit": 2}).json()
    assert len(logs(place, search="key_", starting_after=page["next_starting_after"])) == 3


def test_times(place):
    place.make()
    at = datetime.strptime(logs(place)[0]["timestamp"], "%Y-%m-%dT%H:%M:%S.%f%z")
    day, stamp = timedelta(days=1), lambda t: t.isoformat(timespec="milliseconds")
    today, tomorrow, yesterday = (f"{at + i * day:%Y-%m-%d}" for i in (0, 1, -1))
    everything = logs(place)
    assert logs(place, start_date=yesterday, end_date=tomorrow) == everything
    assert logs(place, start_date=today)[0] == everything[0] == logs(place, end_date=today)[0]
    assert logs(place, start_date=tomorrow) == [] == logs(place, end_date=yesterday)
    assert logs(place, start_date=tomorrow, end_date=yesterday) == []
    # Both ends belong to it, to the millisecond, in any zone.
    for zone in (timezone.utc, timezone(timedelta(hours=-9, minutes=-30)), timezone(timedelta(hours=14))):
        here = at.astimezone(zone)
        assert everything[0] in logs(place, start_date=stamp(here), end_date=stamp(here))
        assert everything[0] not in logs(place, start_date=stamp(here + timedelta(milliseconds=1)))
        assert everything[0] not in logs(place, end_date=stamp(here - timedelta(milliseconds=1)))
    assert logs(place, start_date=f"{at - day:%Y-%m-%dT%H:%M:%SZ}") == everything
    assert logs(place, end_date="") == everything


@pytest.mark.parametrize("name", ["start_date", "end_date"])
@pytest.mark.parametrize("value", ["today", "2026-02-30", "2026-13-01", "2026-3-5", "20260305", "2026-03-05T", "2026-03-05T10:00",
                                   "2026-03-05T10:00:00", "2026-03-05T25:00:00Z", "2026-03-05T10:00:00.Z", "2026-03-05 10:00:00Z",
                                   "2026-03-05T10:00:00+2:00", "2026-03-05T10:00:00+99:00", "1772700000", "2026-03-05T10:00:00ZZ",
                                   "2026-03-05T10:00:00.4x6Z"])
def test_times_that_are_none(place, name, value):
    response = place.call("GET", LOGS, params={name: value})
    assert response.status_code == 400 and response.json()["message"].startswith(f"querystring/{name} must be a date such as")


@pytest.mark.parametrize("params, message", [
    ({"limit": 0}, "querystring/limit must be >= 1"),
    ({"limit": 1001}, "querystring/limit must be <= 1000"),
    ({"limit": "x"}, "querystring/limit must be integer"),
    ({"activity_type": "login"}, "querystring/activity_type must be number"),
    ({"starting_after": "x"}, "querystring/starting_after must be the next_starting_after of the page before"),
])
def test_wrong_queries(place, params, message):
    response = place.call("GET", LOGS, params=params)
    assert (response.status_code, response.json()["message"]) == (400, message)


def test_scopes(dfyd):
    assert Place(dfyd, "audit_logs:read").call("GET", LOGS).status_code == 200
    assert Place(dfyd, "audit_logs:update", "workspaces:all").call("GET", LOGS).status_code == 403


def test_user_agents_that_are_no_text(dfyd, place):
    with socket.create_connection((dfyd.host, dfyd.port), 30) as s:
        body = b'{"org_logo_url":null}'
        s.sendall(f"PATCH {CURRENT} HTTP/1.1\r\nHost: x\r\nAuthorization: Bearer {place.key}\r\nConnection: close\r\nContent-Type: "
                  f"application/json\r\nContent-Length: {len(body)}\r\n".encode() + b'User-Agent: a"\xff\xc3\xa9\xed\xa0\x80'
                  + b"z" * 3000 + b"\r\n\r\n" + body)
        answer = b"".join(iter(lambda: s.recv(65536), b""))
    assert answer.startswith(b"HTTP/1.1 200")
    entry = logs(place)[0]
    assert entry["user_agent"].startswith('a"?é???zzz') and len(entry["user_agent"].encode()) == 512
    assert logs(place, search='a"?') == [entry]
