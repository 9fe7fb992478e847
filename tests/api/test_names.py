"""Which names can be had: domains/check, domains/similar, domains/pre-warmed-up-list, and the operator's restrictions."""
import json
import threading
import time
from concurrent.futures import ThreadPoolExecutor

import pytest

from conftest import LIMIT

ORDERS = "/api/v2/dfy-email-account-orders"
ACCOUNT = {"email_address_prefix": "a", "first_name": "A", "last_name": "B"}


def call(server, what, body, **more):
    return server.request("POST", f"{ORDERS}/domains/{what}", json=body, **more)


def check(server, *names, **more):
    response = call(server, "check", {"domains": names}, **more)
    assert response.status_code == 200, response.text
    assert set(response.json()) == {"results"}
    return response.json()["results"]


def is_free(server, name, **more):
    return check(server, name, **more)[0]["available"]


def similar(server, domain, *tlds, **more):
    response = call(server, "similar", {"domain": domain, **({"tlds": tlds} if tlds else {})}, **more)
    assert response.status_code == 200, response.text
    assert set(response.json()) == {"domains"}
    return response.json()["domains"]


def pre_warmed(server, body=None):
    response = call(server, "pre-warmed-up-list", body) if body is not None else server.request(
        "POST", f"{ORDERS}/domains/pre-warmed-up-list")
    assert response.status_code == 200, response.text
    answer = response.json()
    assert set(answer) == {"domains", "domains_with_type"}
    assert answer["domains"] == [row["domain"] for row in answer["domains_with_type"]]
    return answer


def refused(response, status, message):
    assert response.status_code == status, response.text
    assert response.json() == {"statusCode": status, "error": response.reason, "message": message}


# -- check

def test_results_stand_in_the_order_of_the_request_and_echo_it(dfyd):
    names = ["free-one.com", "FREE-Two.ORG", "taken-x.com", "free-one.com", "example.com", "free-three.com.", " free-four.com\n"]
    assert check(dfyd, *names) == [
        {"domain": "free-one.com", "available": True},
        {"domain": "FREE-Two.ORG", "available": True},
        {"domain": "taken-x.com", "available": False},
        {"domain": "free-one.com", "available": True},
        {"domain": "example.com", "available": False, "unavailable_reason": "restricted", "restricted_keyword": "example"},
        {"domain": "free-three.com.", "available": True},
        {"domain": " free-four.com\n", "available": True},
    ]


@pytest.mark.parametrize("name", [
    "", " ", ".", "free", "free one.com", "free..com", ".free.com", "free.co.", "http://free.com",
    "https://free.com/", "free.com:80", "free.com/x", "user@free.com", "-free.com", "free-.com", "ab--cd.com", "free_one.com",
    "1.2.3.4", "[::1]", "www.free.com", "com", "co.uk", "free.io", "free.co", "free.net", "free.co.uk", "xn--.com", "xn--a.com",
    "\U0001f600.com", "\U0001f600", "*.com", "a" * 64 + ".com", ("a" * 60 + ".") * 5 + "com", "%66ree.com", "free.\ncom",
    "free.com,x.com", "<b>.com", "'; DROP TABLE domains; --.com",
])
def test_what_cannot_be_ordered_is_not_available(dfyd, name):
    assert check(dfyd, name) == [{"domain": name, "available": False}]


@pytest.mark.parametrize("name", ["bücher.com", "BÜCHER.org", "xn--bcher-kva.com", "Ｆｒｅｅ.com", "free。com", "东京.com"])
def test_international_names(dfyd, name):
    assert check(dfyd, name) == [{"domain": name, "available": True}]


@pytest.mark.parametrize("name,keyword", [
    ("g00gle.com", "google"), ("paypa1.org", "paypal"), ("micr0soft-login.com", "microsoft"), ("goo-gle.com", "google"),
    ("gооgle.com", "google"), ("xn--ggle-55da.com", "google"), ("аррӏе.com", "apple"), ("rnicrosoft.com", "microsoft"),
    ("Get-APPLE-Help.com", "apple"), ("google.net", "google"),
])
def test_restricted_names_say_why(dfyd, name, keyword):
    assert check(dfyd, name) == [
        {"domain": name, "available": False, "unavailable_reason": "restricted", "restricted_keyword": keyword}]


@pytest.mark.parametrize("name", ["metalworks.com", "pineapple.com", "purchase.com", "revolution.com"])
def test_ordinary_words_are_free(dfyd, name):
    assert is_free(dfyd, name)


def test_a_listed_name_is_restricted_without_keyword(dfyd):
    assert check(dfyd, "seen-in-phishing.com") == [
        {"domain": "seen-in-phishing.com", "available": False, "unavailable_reason": "restricted"}]


def test_sold_and_stocked_names_are_not_available(fresh):
    server = fresh()
    assert is_free(server, "mine-now.com") and is_free(server, "stocked-now.com")
    server.cli("inventory", "add", "--domain", "stocked-now.com", "--provider", "1", "--account", "a,A,B")
    assert server.order([{"domain": "mine-now.com", "accounts": [ACCOUNT]}])["order_placed"]
    assert [row["available"] for row in check(server, "mine-now.com", "Stocked-Now.com", "other-now.com")] == [False, False, True]


def test_what_is_available_can_be_ordered(dfyd):
    names = ["free-a.com", "taken-a.com", "example.org", "free.io", "free-b.org", "bad name", "g00gle.com", "metalworks.org"]
    for row in check(dfyd, *names):
        answer = dfyd.order([{"domain": row["domain"], "accounts": [ACCOUNT]}], simulation=True)
        assert answer["order_is_valid"] == row["available"], row


def test_fifty_names_and_no_more(dfyd):
    names = [f"free-{i}.com" for i in range(50)]
    assert [row["domain"] for row in check(dfyd, *names)] == names
    refused(call(dfyd, "check", {"domains": names + ["one-more.com"]}), 400, "body/domains must NOT have more than 50 items")


@pytest.mark.parametrize("body,message", [
    ({}, "body must have required property 'domains'"),
    ([], "body must be object"),
    ({"domains": {}}, "body/domains must be array"),
    ({"domains": [["a", "b"]]}, "body/domains/0 must be string"),
    ({"domains": ["a.com", {}]}, "body/domains/1 must be string"),
])
def test_a_wrong_check(dfyd, body, message):
    refused(call(dfyd, "check", body), 400, message)


def test_bodies_are_coerced(dfyd):
    assert call(dfyd, "check", {"domains": []}).json() == {"results": []}
    assert call(dfyd, "check", {"domains": "free.com", "x": 1}).json() == {"results": [{"domain": "free.com", "available": True}]}
    assert call(dfyd, "check", {"domains": [5, None, True]}).json()["results"] == [
        {"domain": "5", "available": False}, {"domain": "", "available": False}, {"domain": "true", "available": False}]


def test_a_silent_registrar_is_no_answer(dfyd):
    for response in (call(dfyd, "check", {"domains": ["free.com", "unsure-x.com"]}), call(dfyd, "similar", {"domain": "unsure-x.com"})):
        refused(response, 503, "It could not be checked whether the domains are available. Try again.")
        assert int(response.headers["Retry-After"]) > 0
    assert not is_free(dfyd, "unsure-google.com")  # not asked about


@pytest.mark.parametrize("what,action", [("check", "create"), ("similar", "create"), ("pre-warmed-up-list", "read")])
def test_scopes(dfyd, what, action):
    body = {"check": {"domains": ["free.com"]}, "similar": {"domain": "free.com"}}.get(what, {})
    other = {"create": "read", "read": "create"}[action]
    for scope in (f"dfy_email_account_orders:{action}", "dfy_email_account_orders:all", f"all:{action}"):
        key = dfyd.cli("key", "create", "--scope", scope).strip()
        assert call(dfyd, what, body, headers={"Authorization": f"Bearer {key}"}).status_code == 200
    key = dfyd.cli("key", "create", "--scope", f"all:{other}", "--scope", f"dfy_email_account_orders:{other}").strip()
    response = call(dfyd, what, body, headers={"Authorization": f"Bearer {key}"})
    assert response.status_code == 403 and f"dfy_email_account_orders:{action}" in response.json()["message"]
    assert call(dfyd, what, body, auth=False).status_code == 401
    assert dfyd.request("GET", f"{ORDERS}/domains/{what}").status_code == 404


# -- similar

def test_similar_names_are_available_and_the_best_come_first(dfyd):
    names = similar(dfyd, "acme-works.com")
    assert names == similar(dfyd, "acme-works.com") and len(names) == len(set(names))
    assert names[:4] == ["acme-works.org", "acmeworks.com", "acmeworks.org", "getacmeworks.com"]
    assert {"tryacmeworks.com", "acmeworkshq.org", "get-acme-works.com", "acme-works-hq.com"} < set(names)
    assert "acme-works.com" not in names
    for extension in ("com", "org"):
        assert sum(name.endswith("." + extension) for name in names) == 67
    for i in range(0, len(names), 50):
        assert all(row["available"] for row in check(dfyd, *names[i:i + 50]))


def test_similar_extensions(dfyd):
    com, org = similar(dfyd, "brightforge.io", "com"), similar(dfyd, "brightforge.io", "org")
    assert len(com) == len(org) == 67
    assert [name[:-4] for name in com] == [name[:-4] for name in org]
    assert com[0] == "brightforge.com"
    both = similar(dfyd, "brightforge.io", "org", "com", "com")
    assert both == similar(dfyd, "brightforge.io") == [name for pair in zip(com, org) for name in pair]
    assert call(dfyd, "similar", {"domain": "brightforge.io", "tlds": "org"}).json()["domains"] == org
    assert call(dfyd, "similar", {"domain": "brightforge.io", "tlds": []}).json()["domains"] == both


def test_similar_leaves_out_what_is_sold_taken_or_restricted(fresh):
    server = fresh()
    before = similar(server, "harborlane.com", "com")
    for name in before[:5]:
        assert server.order([{"domain": name, "accounts": [ACCOUNT]}])["order_placed"]
    server.cli("inventory", "add", "--domain", before[5], "--provider", "1", "--account", "a,A,B")
    server.cli("restrict", "add", "=" + before[6][:-4])
    after = similar(server, "harborlane.com", "com")
    assert len(after) == 67 and not set(before[:7]) & set(after)
    assert after[:60] == before[7:67]
    taken = similar(server, "taken-lane.com", "com")  # with a word behind it is still taken
    assert taken and all(not name.startswith("taken-") for name in taken)


@pytest.mark.parametrize("domain,label", [
    ("brightforge", "brightforge"), (" BrightForge.COM ", "brightforge"), ("www.brightforge.co.uk", "brightforge"),
    ("brightforge.de.", "brightforge"),
])
def test_similar_takes_names_as_people_write_them(dfyd, domain, label):
    assert f"get{label}.com" in similar(dfyd, domain)


def test_similar_international_names(dfyd):
    names = similar(dfyd, "bücher.de", "com")
    assert "getbücher.com".encode("idna").decode() in names and len(names) == 67
    assert names == similar(dfyd, "xn--bcher-kva.de", "com")


def test_similar_of_a_name_as_long_as_they_get(dfyd):
    assert similar(dfyd, "a" * 63 + ".com") == ["a" * 63 + ".org"]
    assert 0 < len(similar(dfyd, "a" * 60 + ".com", "com")) < 67


@pytest.mark.parametrize("domain,keyword", [("example.com", "example"), ("my-g00gle.io", "google"), ("www.paypal.com", "paypal"),
                                            ("Google", "google"), ("gооgle.com", "google")])
def test_similar_refuses_restricted_names(dfyd, domain, keyword):
    response = call(dfyd, "similar", {"domain": domain})
    assert response.status_code == 400
    assert response.json() == {
        "statusCode": 400, "error": "Bad Request", "code": "restricted_domain", "keyword": keyword,
        "message": f'The provided domain contains a restricted keyword: "{keyword}". Please choose another domain.'}


def test_similar_refuses_listed_names(dfyd):
    response = call(dfyd, "similar", {"domain": "seen-in-phishing.com"})
    assert response.status_code == 400 and response.json()["code"] == "restricted_domain"
    assert "keyword" not in response.json()


@pytest.mark.parametrize("domain", ["", " ", "two words", "https://acme.com", "acme.com:80", "acme.com/x", "\U0001f600.com", "a_b.com",
                                    "1.2.3.4", "com.", "co.uk", "-a.com", "a" * 64, "acme.nosuchextension"])
def test_similar_of_what_is_no_name(dfyd, domain):
    refused(call(dfyd, "similar", {"domain": domain}), 400, "The provided domain is not a domain name. Send one such as acme.com.")


@pytest.mark.parametrize("body,message", [
    ({}, "body must have required property 'domain'"),
    ({"domain": ["a.com", "b.com"]}, "body/domain must be string"),
    ({"domain": "a.com", "tlds": ["com", "net"]}, "body/tlds/1 must be equal to one of the allowed values"),
    ({"domain": "a.com", "tlds": {}}, "body/tlds must be array"),
])
def test_a_wrong_similar(dfyd, body, message):
    refused(call(dfyd, "similar", body), 400, message)


@pytest.mark.parametrize("what", ["check", "similar"])
def test_a_body_is_needed(dfyd, what):
    path = f"{ORDERS}/domains/{what}"
    assert dfyd.request("POST", path, data="", headers={"Content-Type": "application/json"}).status_code == 400
    assert dfyd.request("POST", path, data="{", headers={"Content-Type": "application/json"}).status_code == 400
    assert dfyd.request("POST", path, data="{}", headers={"Content-Type": "text/plain"}).status_code == 415


# -- pre-warmed

def test_pre_warmed(fresh):
    server = fresh()
    assert pre_warmed(server) == {"domains": [], "domains_with_type": []}
    stock = {"warm-b.com": 1, "warm-a.org": 2, "alpine-mail.co": 3, "bücher-warm.com": 1, "warm-c.com": 2}
    for name, provider in stock.items():
        accounts = [part for i in range(50 if provider == 3 else 1) for part in ("--account", f"a{i},A,B")]
        server.cli("inventory", "add", "--domain", name, "--provider", str(provider), *accounts)
    idn = "bücher-warm.com".encode("idna").decode()
    everything = ["alpine-mail.co", "warm-a.org", "warm-b.com", "warm-c.com", idn]
    for body in (None, {}, {"extensions": []}, {"search": ""}, {"search": " "}, {"extensions": ["com", "org", "co"]}, {"other": 1}):
        assert pre_warmed(server, body)["domains"] == everything, body
    assert [row["account_type"] for row in pre_warmed(server)["domains_with_type"]] == [3, 2, 1, 2, 1]
    assert pre_warmed(server, {"extensions": ["co", "org"]})["domains"] == ["alpine-mail.co", "warm-a.org"]
    assert pre_warmed(server, {"extensions": "com", "search": "WARM"})["domains"] == ["warm-b.com", "warm-c.com", idn]
    assert pre_warmed(server, {"search": "bücher"})["domains"] == [idn]
    assert pre_warmed(server, {"search": "-b.c"})["domains"] == ["warm-b.com"]
    assert pre_warmed(server, {"search": "%"})["domains"] == []
    # an empty body is none, whatever it is called
    for headers in ({}, {"Content-Type": "application/json"}, {"Content-Type": "text/plain"}):
        response = server.request("POST", f"{ORDERS}/domains/pre-warmed-up-list", data="", headers=headers)
        assert response.status_code == 200 and response.json()["domains"] == everything

    # all that is listed can be ordered, and what is sold is listed no more
    items = [{"domain": name} for name in everything]
    assert server.order(items, type="pre_warmed_up", simulation=True)["order_is_valid"]
    assert server.order([{"domain": "warm-b.com"}], type="pre_warmed_up")["order_placed"]
    assert "warm-b.com" not in pre_warmed(server)["domains"]
    server.cli("restrict", "add", "alpine-mail.co")
    assert pre_warmed(server)["domains"] == ["warm-a.org", "warm-c.com", idn]
    server.restart(providers_off="2")
    assert pre_warmed(server)["domains"] == [idn]


@pytest.mark.parametrize("body,message", [
    ("[]", "body must be object"),
    ("null", "body must be object"),
    ('{"extensions":["net"]}', "body/extensions/0 must be equal to one of the allowed values"),
    ('{"search":{}}', "body/search must be string"),
])
def test_a_wrong_pre_warmed_list(dfyd, body, message):
    response = dfyd.request("POST", f"{ORDERS}/domains/pre-warmed-up-list", data=body, headers={"Content-Type": "application/json"})
    refused(response, 400, message)


def test_a_body_of_another_kind(dfyd):
    path = f"{ORDERS}/domains/pre-warmed-up-list"
    assert dfyd.request("POST", path, data="{}", headers={"Content-Type": "text/plain"}).status_code == 415
    assert dfyd.request("POST", path, data=json.dumps({"search": "x" * (1 << 20)}), headers={"Content-Type": "application/json"}).status_code == 413


# -- the operator's restrictions

def test_restrictions_work_at_once_in_a_running_server(fresh):
    server = fresh()
    name = "get-zebracorn.com"
    assert is_free(server, name) and is_free(server, "zebra-c0rn.org")
    server.cli("restrict", "add", "Zebracorn")
    assert check(server, name, "zebra-c0rn.org") == [
        {"domain": domain, "available": False, "unavailable_reason": "restricted", "restricted_keyword": "zebracorn"}
        for domain in (name, "zebra-c0rn.org")]
    answer = server.order([{"domain": name, "accounts": [ACCOUNT]}], simulation=True)
    assert answer["order_error"] == "blacklist_domains" and answer["blacklist_keywords"] == ["zebracorn"]
    assert not server.order([{"domain": name, "accounts": [ACCOUNT]}])["order_placed"]
    assert "zebracorn" in server.run("inventory", "add", "--domain", "zebracorns.com", "--provider", "1", "--account", "a,A,B").stderr
    server.cli("restrict", "remove", "zebracorn")
    assert is_free(server, name)
    server.cli("restrict", "add", "--entry", name)
    assert check(server, name, "get-zebracorn.org") == [
        {"domain": name, "available": False, "unavailable_reason": "restricted"},
        {"domain": "get-zebracorn.org", "available": True}]


def test_the_holder_of_a_mark(fresh):
    server = fresh()
    server.cli("workspace", "create", "--name", "Google Inc")
    key = {"Authorization": "Bearer " + server.cli("key", "create", "--workspace", "Google Inc", "--scope", "all:all").strip()}
    assert not is_free(server, "get-google.com") and not is_free(server, "get-google.com", headers=key)
    server.cli("restrict", "allow", "google", "--workspace", "Google Inc")
    assert is_free(server, "get-google.com", headers=key) and not is_free(server, "get-google.com")
    assert "getgoogle.com" in similar(server, "google.com", headers=key)
    assert call(server, "similar", {"domain": "google.com"}).status_code == 400
    assert not is_free(server, "g00gle.com", headers=key)  # nobody's mark
    server.cli("restrict", "allow", "paypal-partners.com")
    assert is_free(server, "paypal-partners.com") and not is_free(server, "paypal-partners.org")
    lines = [line.split() for line in server.cli("restrict", "list").splitlines()]
    assert lines[0] == ["ENTRY", "RULE", "FOR", "SINCE"]
    assert lines[1][:4] == ["google", "allowed", "Google", "Inc"] and lines[2][:3] == ["paypal-partners.com", "allowed", "everyone"]
    server.cli("restrict", "remove", "google", "--workspace", "Google Inc")
    assert not is_free(server, "get-google.com", headers=key)


@pytest.mark.parametrize("args,status,parts", [
    (["add", "a"], 2, ['"a"', "2 to 63", "acme.com"]),
    (["add", "two words"], 2, ['"two words"']),
    (["add", "a..b"], 2, ['"a..b"']),
    (["add", "acme", "--workspace", "default"], 2, ["--workspace"]),
    (["allow", "acme", "--workspace", "nobody"], 1, ['"nobody"']),
    (["remove", "never-added"], 1, ['"neveradded"', "dfyd restrict list"]),
    (["add"], 2, ["--entry"]),
])
def test_wrong_restrictions(dfyd, args, status, parts):
    done = dfyd.run("restrict", *args)
    assert done.returncode == status and done.stderr.startswith("dfyd: "), done
    for part in parts:
        assert part in done.stderr, done.stderr


def test_restrictions_change_under_load(fresh):
    """Many threads of the server move from edition to edition while requests run."""
    server, seen, over = fresh(http_threads=4), set(), threading.Event()
    def ask(_):
        while not over.is_set():
            seen.add(is_free(server, "zebracorn.com"))
    with ThreadPoolExecutor(4) as pool:
        asked = pool.map(ask, range(4))
        began = time.monotonic()
        try:
            while time.monotonic() - began < 2 or (len(seen) < 2 and time.monotonic() - began < LIMIT):
                server.cli("restrict", "add", "zebracorn")
                server.cli("restrict", "remove", "zebracorn")
        finally:
            over.set()
        list(asked)
    assert seen == {True, False}
    assert is_free(server, "zebracorn.com")
