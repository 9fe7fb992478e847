"""Signing in to the console: the cookie, what ends a session, and what other sites cannot do with it."""
import re
import threading
import uuid

import pytest
import requests

from conftest import LIMIT, ORDERS, database, rows, stores, wait_for
from test_audit import FIELDS, logs
from test_keys import KEYS, TIME, Place

SESSION = "/api/dfyd/v1/session"
CURRENT = "/api/v2/workspaces/current"
OWN = {"x-dfyd-console": "1"}
COOKIE = re.compile(r"dfyd_session=([\w-]{43}); Path=/; HttpOnly; SameSite=Strict; Max-Age=43200")
GONE = "dfyd_session=; Path=/; HttpOnly; SameSite=Strict; Max-Age=0"
ENDED = {"statusCode": 401, "error": "Unauthorized", "message": "The session ended. Sign in again."}


class Browser:
    """Keeps the cookie as a browser does, and sends what the console's page sends unless HEADERS say otherwise."""

    def __init__(self, server, name="dfyd_session"):
        self.server, self.name, self.token = server, name, None

    def call(self, method, path, headers=None, **kw):
        cookies = {self.name: self.token} if self.token else {}
        answer = self.server.request(method, path, headers=OWN if headers is None else headers, auth=False, cookies=cookies, **kw)
        if "Set-Cookie" in answer.headers:
            self.token = re.match(rf"{self.name}=([\w-]*)", answer.headers["Set-Cookie"])[1]
        return answer

    def sign_in(self, key, **kw):
        answer = self.call("POST", SESSION, json={"key": key}, **kw)
        assert answer.status_code == 200, answer.text
        return answer

    def is_signed_in(self):
        answer = self.call("GET", SESSION)
        assert answer.status_code == 200 or answer.json() == ENDED
        return answer.status_code == 200


@pytest.fixture
def place(dfyd):
    return Place(dfyd, "all:all")


@pytest.fixture
def browser(place):
    browser = Browser(place.server)
    browser.sign_in(place.key)
    return browser


# ---- signing in


def test_the_cookie_is_random_and_the_pages_alone(place):
    browser = Browser(place.server)
    answer = browser.sign_in(place.key)
    assert COOKIE.fullmatch(answer.headers["Set-Cookie"])
    assert answer.headers["Cache-Control"] == "no-store"
    assert place.key not in answer.text and browser.token not in answer.text
    other = Browser(place.server)
    assert other.sign_in(place.key).headers["Set-Cookie"] != answer.headers["Set-Cookie"]


def test_over_https_the_cookie_stays_there(fresh):
    server = fresh(public_url="https://mail.example.com", session_hours=2)
    place, browser = Place(server, "all:all"), Browser(server, "__Host-dfyd_session")
    answer = browser.sign_in(place.key)
    assert re.fullmatch(r"__Host-dfyd_session=[\w-]{43}; Path=/; HttpOnly; SameSite=Strict; Max-Age=7200; Secure", answer.headers["Set-Cookie"])
    assert browser.is_signed_in()
    plain = Browser(server)
    plain.token = browser.token
    assert plain.call("GET", SESSION).json()["message"] == "Missing Authorization header"
    assert browser.call("DELETE", SESSION).headers["Set-Cookie"] == \
        "__Host-dfyd_session=; Path=/; HttpOnly; SameSite=Strict; Max-Age=0; Secure"


def test_what_a_session_says(place):
    browser = Browser(place.server)
    first = browser.sign_in(place.key).json()
    seen = browser.call("GET", SESSION).json()
    current = browser.call("GET", CURRENT).json()
    assert {**first, "timestamp_now": ""} == {**seen, "timestamp_now": ""}
    assert seen["workspace"] == {"id": current["id"], "name": place.workspace}
    key, = place.call("GET").json()["items"]
    assert seen["key"] == {"id": key["id"], "name": key["name"] or None} and seen["scopes"] == ["all:all"]
    assert seen["is_operator"] is False and seen["is_sandbox"] is True and seen["card"] is None
    assert TIME.fullmatch(seen["timestamp_expires"]) and seen["timestamp_expires"] > seen["timestamp_now"]
    place.server.cli("card", "set", "--workspace", place.workspace, "--token", "tok_visa", "--name", "Ana Silva")
    card = wait_for("the card", lambda: browser.call("GET", SESSION).json()["card"])
    assert card == {"driver": "sandbox", "brand": "visa", "last_4_digits": "4242", "name_on_card": "Ana Silva"}


def test_a_key_says_the_same_of_itself(place):
    browser = Browser(place.server)
    session = browser.sign_in(place.key).json()
    asked = place.call("GET", SESSION).json()
    assert asked["timestamp_expires"] is None
    assert {**asked, "timestamp_now": "", "timestamp_expires": ""} == {**session, "timestamp_now": "", "timestamp_expires": ""}


@pytest.mark.parametrize("key", ["", "x", "dfyd_", "dfyd_" + "a" * 42, "dfyd_" + "a" * 43, "dfyd_" + "a" * 44, "é" * 24, "dfyd_" + "'" * 43])
def test_wrong_keys(dfyd, key):
    answer = Browser(dfyd).call("POST", SESSION, json={"key": key})
    assert (answer.status_code, answer.json()["message"]) == (401, "Invalid API key")
    assert "Set-Cookie" not in answer.headers


def test_a_key_may_be_pasted_with_space_around_it(place):
    Browser(place.server).sign_in(f" {place.key}\n")


def test_wrong_bodies(dfyd):
    browser = Browser(dfyd)
    for body, message in (({}, "body must have required property 'key'"), ({"key": {}}, "body/key must be string"), ([], "body must be object")):
        answer = browser.call("POST", SESSION, json=body)
        assert (answer.status_code, answer.json()["message"]) == (400, message)


def test_a_token_is_no_key_and_a_key_no_token(place, browser):
    assert place.call("GET", CURRENT, key=browser.token).status_code == 401
    browser.token = place.key
    assert browser.call("GET", CURRENT).json() == ENDED


def test_a_header_goes_before_the_cookie(place, browser):
    """Also a wrong one: who sends a key means it."""
    other = Place(place.server, "all:all")
    answer = browser.call("GET", CURRENT, headers={"Authorization": f"Bearer {other.key}"})
    assert answer.json()["name"] == other.workspace
    assert browser.call("GET", CURRENT, headers={"Authorization": "Bearer nobody"}).status_code == 401


# ---- what ends a session


def test_signing_out_ends_it(place, browser):
    token = browser.token
    answer = browser.call("DELETE", SESSION)
    assert answer.status_code == 204 and not answer.content and answer.headers["Set-Cookie"] == GONE
    browser.token = token
    assert not browser.is_signed_in()
    # What ended can be ended again, and so can what never was.
    for again in (token, "nothing", None):
        browser.token = again
        answer = browser.call("DELETE", SESSION)
        assert answer.status_code == 204 and answer.headers["Set-Cookie"] == GONE


def test_signing_in_again_ends_the_session_before(place, browser):
    before, other = browser.token, Browser(place.server)
    other.sign_in(place.key)
    browser.sign_in(place.key)
    assert browser.is_signed_in() and other.is_signed_in()
    browser.token = before
    assert not browser.is_signed_in()


def test_a_revoked_key_ends_its_sessions(place):
    made = place.make("for the console", ["all:all"])
    one, two, other = Browser(place.server), Browser(place.server), Browser(place.server)
    one.sign_in(made["key"])
    two.sign_in(made["key"])
    other.sign_in(place.key)
    assert one.is_signed_in() and two.is_signed_in()
    assert place.call("DELETE", f"{KEYS}/{made['id']}").status_code == 200
    assert not one.is_signed_in() and not two.is_signed_in() and other.is_signed_in()


def test_the_command_line_ends_them_within_a_second(place, browser):
    assert browser.is_signed_in()
    key, = place.call("GET").json()["items"]
    place.server.cli("key", "revoke", "--id", key["id"])
    wait_for("the end of the session", lambda: not browser.is_signed_in())


def test_a_session_ends_by_itself(place, browser):
    assert browser.is_signed_in()
    key = browser.call("GET", SESSION).json()["key"]["id"]
    with database(place.server) as db:
        db.execute("UPDATE sessions SET expires_ms = 1 WHERE key_id = ?", (key,))
    # Who calls is remembered until somebody changes something.
    place.make()
    wait_for("the end of the session", lambda: not browser.is_signed_in())


class Follower(threading.Thread):
    """Reads a workspace's events until they end."""

    def __init__(self, server, **kw):
        super().__init__(daemon=True)
        self.answer = requests.get(server.base + "/api/dfyd/v1/events", stream=True, timeout=LIMIT, **kw)
        assert self.answer.status_code == 200, self.answer.text
        self.start()

    def run(self):
        for _ in self.answer.iter_content(None):
            pass


def test_what_is_followed_ends_with_the_session(place, browser):
    """What was asked for by the cookie; by the key it goes on."""
    by_key = Follower(place.server, headers={"Authorization": f"Bearer {place.key}"})
    by_cookie = Follower(place.server, cookies={browser.name: browser.token})
    place.make()  # something happens, and both are still there
    by_cookie.join(2)
    assert by_cookie.is_alive()
    assert browser.call("DELETE", SESSION).status_code == 204
    wait_for("the end of the stream", lambda: not by_cookie.is_alive())
    assert by_key.is_alive()


def test_it_ends_by_the_time_of_the_day(fresh):
    """A sandbox's clock that is moved signs nobody out."""
    server = fresh()
    browser = Browser(server)
    before = browser.sign_in(server.key).json()
    server.cli("clock", "advance", "30d")
    after = browser.call("GET", SESSION).json()
    assert after["timestamp_expires"] == before["timestamp_expires"] < after["timestamp_now"]


def test_sessions_outlive_the_server(fresh):
    server = fresh()
    browser = Browser(server)
    browser.sign_in(server.key)
    server.kill()
    server.restart()
    assert browser.is_signed_in()


def test_ended_sessions_are_removed(fresh):
    """Each hour, and so at each start."""
    server = fresh()
    old, new = Browser(server), Browser(server)
    old.sign_in(server.key)
    with database(server) as db:
        db.execute("UPDATE sessions SET expires_ms = 1")
    new.sign_in(server.key)
    server.restart()
    wait_for("the removal", lambda: rows(server, "SELECT COUNT(*) FROM sessions") == [(1,)])
    assert new.is_signed_in() and not old.is_signed_in()


# ---- what a session may do


def test_a_session_may_do_what_its_key_may(dfyd):
    reader = Place(dfyd, "dfy_email_account_orders:read")
    browser = Browser(dfyd)
    browser.sign_in(reader.key)
    assert browser.call("GET", ORDERS).status_code == 200
    answer = browser.call("GET", CURRENT)
    assert answer.status_code == 403 and "workspaces:read" in answer.json()["message"]
    nothing = Place(dfyd, "webhooks:read")
    browser.sign_in(nothing.key)
    assert browser.call("GET", ORDERS).status_code == 403 and browser.is_signed_in()


def test_changes_by_a_session_are_the_keys(place, browser):
    name = f"new-{uuid.uuid4()}"
    answer = browser.call("PATCH", CURRENT, json={"name": name})
    assert answer.status_code == 200 and answer.headers["Cache-Control"] == "no-store"
    record = browser.call("GET", "/api/v2/audit-logs").json()["items"][0]
    key = browser.call("GET", SESSION).json()["key"]["id"]
    assert record["audit_metadata"]["activity"] == "workspace_changed" and key in str(record)


def test_signing_in_and_out_is_told(place):
    """Who, from where, by which key; once each, and never the token."""
    key = place.call("GET").json()["items"][0]["id"]
    browser = Browser(place.server)
    session = browser.sign_in(place.key, headers={**OWN, "User-Agent": "Firefox/150"}).json()
    token = browser.token
    assert browser.call("DELETE", SESSION, headers={**OWN, "User-Agent": "Firefox/151"}).status_code == 204
    browser.token = token
    assert browser.call("DELETE", SESSION).status_code == 204, "nobody is signed in any more"
    assert browser.call("POST", SESSION, json={"key": "dfyd_" + "a" * 43}).status_code == 401
    gone, came = logs(place)[:2]
    assert [e["audit_metadata"] for e in (gone, came)] == [{"activity": "signed_out"}, {"activity": "signed_in"}]
    assert [e["activity_type"] for e in (gone, came)] == [40, 1]
    assert [e["user_agent"] for e in (gone, came)] == ["Firefox/151", "Firefox/150"]
    for entry in (gone, came):
        assert set(entry) == FIELDS and entry["api_key_id"] == key and entry["ip_address"] == "127.0.0.1"
        assert entry["organization_id"] == session["workspace"]["id"] and entry["from_api"] is True and entry["affected_count"] == 1
    assert len(logs(place)) == 4 and token not in str(logs(place)), "the others are the workspace's and the key's own"


@pytest.mark.sqlite("a trigger of its own")
def test_without_its_record_nobody_is_signed_in_or_out(fresh):
    server = fresh()
    browser = Browser(server)
    browser.sign_in(server.key)
    with database(server) as db:
        db.execute("CREATE TRIGGER no_more BEFORE INSERT ON audit_logs BEGIN SELECT RAISE(ABORT, 'no more'); END")
    answer = Browser(server).call("POST", SESSION, json={"key": server.key})
    assert answer.status_code == 500 and "Set-Cookie" not in answer.headers
    assert browser.call("DELETE", SESSION).status_code == 500 and browser.is_signed_in()
    assert rows(server, "SELECT COUNT(*) FROM sessions") == [(1,)]


def test_a_plan_that_ended(place, browser):
    place.server.cli("workspace", "plan", "--workspace", place.workspace, "--active", "no")
    wait_for("the end of the plan", lambda: browser.call("GET", CURRENT).status_code == 402)
    assert browser.call("GET", SESSION).status_code == 402
    assert Browser(place.server).call("POST", SESSION, json={"key": place.key}).status_code == 402
    assert browser.call("DELETE", SESSION).status_code == 204


def test_operators_act_for_others(dfyd, place):
    operator, browser = Place(dfyd, "all:all", workspace="default", operator=True), Browser(dfyd)
    assert browser.sign_in(operator.key).json()["is_operator"] is True
    id = place.call("GET", CURRENT).json()["id"]
    acting = {**OWN, "x-as-workspace": id}
    assert browser.call("GET", SESSION, headers=acting).json()["workspace"] == {"id": id, "name": place.workspace}
    assert browser.call("GET", SESSION).json()["workspace"]["name"] == "default"
    assert browser.call("PATCH", CURRENT, headers=acting, json={"org_logo_url": "x"}).json()["name"] == place.workspace
    customer = Browser(dfyd)
    customer.sign_in(place.key)
    assert customer.call("GET", CURRENT, headers={**OWN, "x-as-workspace": id}).status_code == 403


# ---- other sites


REFUSED = {
    "no header": {},
    "another value": {"x-dfyd-console": "0"},
    "another site": {**OWN, "Sec-Fetch-Site": "cross-site"},
    "a neighbour": {**OWN, "Sec-Fetch-Site": "same-site"},
    "typed in": {**OWN, "Sec-Fetch-Site": "none"},
    "a form": {"Sec-Fetch-Site": "same-origin"},
}


@pytest.mark.parametrize("headers", REFUSED.values(), ids=REFUSED)
def test_no_other_site_changes_anything(place, browser, headers):
    before = browser.call("GET", CURRENT).json()
    for method, path, body in (("PATCH", CURRENT, {"name": "stolen"}), ("POST", ORDERS, {"items": [], "order_type": "dfy", "simulation": True}),
                               ("DELETE", f"{KEYS}/x", None), ("POST", SESSION, {"key": place.key}), ("DELETE", SESSION, None)):
        answer = browser.call(method, path, headers=headers, json=body)
        assert answer.status_code == 403 and "cookie" in answer.json()["message"] and "Set-Cookie" not in answer.headers
    assert browser.call("GET", CURRENT).json() == before


def test_the_page_itself_changes_what_it_wants(browser):
    headers = {**OWN, "Sec-Fetch-Site": "same-origin"}
    assert browser.call("POST", ORDERS, headers=headers, json={"items": [], "order_type": "dfy", "simulation": True}).status_code == 200
    assert browser.call("DELETE", SESSION, headers=headers).status_code == 204


@pytest.mark.parametrize("site,status", [("same-origin", 200), ("none", 200), ("same-site", 403), ("cross-site", 403)])
def test_who_may_read(browser, site, status):
    for path in (CURRENT, SESSION, ORDERS):
        assert browser.call("GET", path, headers={"Sec-Fetch-Site": site}).status_code == status


def test_keys_need_no_such_header(place):
    assert place.call("PATCH", CURRENT, json={"org_logo_url": "x"}, headers={"Sec-Fetch-Site": "cross-site"}).status_code == 200


def test_no_site_is_let_in(browser):
    """No answer has a header of CORS, so no browser lets another site send ours or read an answer."""
    for method in ("OPTIONS", "GET"):
        answer = browser.call(method, SESSION, headers={"Origin": "https://evil.example", "Access-Control-Request-Method": "POST",
                                                        "Access-Control-Request-Headers": "x-dfyd-console"})
        assert not [name for name in answer.headers if name.lower().startswith("access-control")]


# ---- limits, and what is written down


def test_signing_in_counts(fresh):
    server = fresh(rate_limit="on", rate_per_second=0, rate_per_minute=0)
    key, other = server.key, Place(server, "all:all").key
    browser = Browser(server)
    answers = [browser.call("POST", SESSION, json={"key": key}) for _ in range(31)]
    assert [answer.status_code for answer in answers] == [200] * 30 + [429]
    assert int(answers[-1].headers["Retry-After"]) >= 1 and "Set-Cookie" not in answers[-1].headers
    assert browser.is_signed_in()
    assert Browser(server).call("POST", SESSION, json={"key": other}).status_code == 200, "another workspace"


def test_calls_of_sessions_and_keys_share_a_limit(fresh):
    server = fresh(rate_limit="on", rate_per_second=0, rate_per_minute=4)
    browser = Browser(server)
    browser.sign_in(server.key)
    assert browser.call("GET", SESSION).headers["RateLimit-Remaining"] == "2"
    assert browser.call("GET", ORDERS).headers["RateLimit-Remaining"] == "1"
    assert server.request("GET", ORDERS).headers["RateLimit-Remaining"] == "0"
    assert browser.call("GET", SESSION).status_code == 429
    assert browser.call("DELETE", SESSION).status_code == 204, "leaving is always possible"


def test_neither_key_nor_token_is_written_anywhere(fresh):
    server = fresh(log_level="debug")
    key, browser = server.key, Browser(server)
    browser.sign_in(key)
    browser.call("GET", ORDERS)
    browser.call("POST", SESSION, json={"key": key + "x"})
    token = browser.token
    server.stop()
    assert key[5:] not in server.log() and token not in server.log()
    assert not stores(server, token) and not stores(server, key[5:])
