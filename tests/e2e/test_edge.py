"""Forwarded domains as visitors meet them."""
import json

import pytest
import requests
from conftest import database, rows, wait_for
from visitors import ORDERS, PLAIN, SECURE, Dfyd, curl, numbers, shows
from visitors import authority, caddy, folder, ports, server, strict  # noqa: F401, fixtures


# ---- redirect ----

def test_redirect_over_tls_with_path_and_query(server, caddy):
    domain = server.sells("home.net")
    for url in (f"https://{domain}/a/b%20c?d=1&e=%2F", f"https://www.{domain}/a/b%20c?d=1&e=%2F",
                f"http://{domain}/a/b%20c?d=1&e=%2F"):
        got = curl(caddy, url)
        assert (got.status, got.headers["location"]) == (301, "https://home.net/a/b%20c?d=1&e=%2F"), url
    assert curl(caddy, f"https://{domain}").headers["location"] == "https://home.net/"
    assert curl(caddy, f"https://{domain.upper()}/").status == 301
    assert curl(caddy, f"https://{domain}/{{env.HOME}}?{{http.request.host}}", "--globoff").headers["location"] == (
        "https://home.net/%7Benv.HOME%7D?{http.request.host}"), "nothing that a visitor writes is filled in"


def test_unknown_names_get_no_certificate(server, caddy):
    domain = server.sells()
    for name in ("never-sold.com", domain, "www." + domain, "shop." + server.sells("home.net")):
        assert curl(caddy, f"https://{name}/", check=False) == 35, name
        assert curl(caddy, f"http://{name}/").status == 404
        assert server.ask(name) == 404 and server.route(name)[0] == 404
    assert server.ask("") == 404 and server.ask("." * 300) == 404


def test_a_change_is_in_effect_when_it_is_answered(server, caddy):
    domain = server.sells("home.net")
    for target in ("one.net", "two.net", "three.net"):
        assert server.put(domain, target).status_code == 200
        shows(lambda: server.route(domain)[2] == target)
        assert curl(caddy, f"https://{domain}/").headers["location"] == f"https://{target}/"
    server.request("DELETE", f"/api/v2/domains/{domain}/forwarding")
    shows(lambda: server.ask(domain) == 404)
    assert curl(caddy, f"https://{domain}/").status == 404
    assert server.ask(domain) == 404


def test_what_another_connection_changes_is_seen(server, caddy):
    domain = server.sells("home.net")
    assert curl(caddy, f"https://{domain}/").status == 301
    with database(server) as db:
        db.execute("UPDATE domains SET forwarding = 'elsewhere.net' WHERE name = ?", [domain])
    wait_for("the change", lambda: curl(caddy, f"https://{domain}/").headers["location"] == "https://elsewhere.net/")


def test_a_cancelled_domain_is_not_forwarded(server, caddy):
    domain = server.sells("home.net")
    assert curl(caddy, f"https://{domain}/").status == 301
    server.request("POST", ORDERS + "/accounts/cancel", json={"accounts": [f"ann@{domain}"]})
    shows(lambda: server.ask(domain) == 404)
    assert curl(caddy, f"https://{domain}/").status == 404
    assert server.ask(domain) == 404 and server.ask("mta-sts." + domain) == 404


def test_what_was_ordered_is_forwarded_once_it_is_registered(server):
    person = {"email_address_prefix": "ann", "first_name": "Ann", "last_name": "Lee"}
    domain = "pending-edge.com"  # the registrar takes its time
    assert server.order([{"domain": domain, "accounts": [person], "forwarding_domain": "home.net"}])["order_placed"]
    wait_for(f"{domain} is forwarded", lambda: server.route(domain) == (200, "redirect", "home.net", None))


def test_after_a_restart(server):
    domain = server.sells("home.net")
    server.restart()
    assert server.route(domain) == (200, "redirect", "home.net", None)
    assert "edge_names_read" in server.log()


def test_an_unpaid_domain_is_not_forwarded_until_it_is_paid(tmp_path):
    """On a server of its own, since its clock is moved: the 15th at least a month on, and 7 days of failed tries."""
    server = Dfyd(tmp_path / "data")
    server.start()
    try:
        domain = server.sells("home.net")
        server.cli("card", "set", "--workspace", "default", "--token", "tok_expired", "--name", "Ann")
        for _ in range(30):
            server.cli("clock", "advance", "3d")
            states = [state for state, in rows(server, "SELECT state FROM renewals")]
            if "suspended" in states:
                break
        assert states == ["suspended"]
        shows(lambda: server.route(domain)[0] == server.ask(domain) == 404)
        assert server.ask("mta-sts." + domain) == 200, "its mailboxes are there"
        server.cli("card", "set", "--workspace", "default", "--token", "tok_visa", "--name", "Ann")
        server.cli("renewal", "retry", "--id", rows(server, "SELECT id FROM renewals")[0][0])
        wait_for("it is paid", lambda: rows(server, "SELECT state FROM renewals") == [("paid",)])
        shows(lambda: server.route(domain) == (200, "redirect", "home.net", None))
    finally:
        server.stop()


# ---- stealth ----

def test_stealth_over_http(server, caddy):
    domain = server.sells("plain.site.test", "stealth")
    for scheme in ("http", "https"):
        got = curl(caddy, f"{scheme}://{domain}/a?b=1", "-H", "Cookie: a=b")
        assert got.status == 200
        seen = got.json()
        assert (seen["method"], seen["path"], seen["sni"]) == ("GET", "/a?b=1", None)
        headers = seen["headers"]
        assert (headers["host"], headers["cookie"]) == ("plain.site.test", "a=b")
        assert (headers["x-forwarded-host"], headers["x-forwarded-proto"]) == (domain, scheme)
        assert headers["x-forwarded-for"] == "127.0.0.1"
        assert got.headers["set-cookie"] == "seen=1; Path=/"
        assert not [name for name in (*headers, *got.headers) if name.startswith("x-dfy")]


def test_stealth_over_https_names_the_target_in_tls(server, caddy):
    first, second = server.sells("secure.site.test", "stealth"), server.sells("other.site.test", "stealth")
    for domain, target in ((first, "secure.site.test"), (second, "other.site.test"), (first, "secure.site.test")):
        seen = curl(caddy, f"https://www.{domain}/p", "--data", "x=1&y=2").json()
        assert (seen["sni"], seen["headers"]["host"]) == (target, target)
        assert (seen["method"], seen["path"], seen["body"]) == ("POST", "/p", "x=1&y=2")
        assert seen["headers"]["x-forwarded-host"] == "www." + domain


def test_a_target_with_a_wrong_certificate_is_not_shown(server, caddy):
    server.world_sees("wrong.site.test", SECURE)
    domain = server.sells("wrong.site.test", "stealth")
    assert server.route(domain)[1] == "proxy-https"
    assert curl(caddy, f"https://{domain}/").status == 502


def test_a_target_without_an_address(server, caddy):
    server.world_sees("empty.site.test")
    domain = server.sells("empty.site.test", "stealth")
    got = curl(caddy, f"https://{domain}/")
    assert got.status == 502 and "has no address" in got.body


def test_the_address_that_was_judged_is_the_one_that_is_used(server, caddy, ports):
    """A name that resolves to something else a moment later: Caddy does not resolve it."""
    domain = server.sells("plain.site.test", "stealth")
    assert server.route(domain) == (200, "proxy-http", "plain.site.test", f"{PLAIN}:{ports[0]}")
    server.world_sees("plain.site.test", "127.0.0.9")
    try:
        assert server.route(domain)[3] == f"{PLAIN}:{ports[0]}"
        assert curl(caddy, f"https://{domain}/").status == 200
    finally:
        server.world_sees("plain.site.test", PLAIN)


# ---- headers of visitors ----

@pytest.mark.parametrize("mode", ["proxy-http", "proxy-https", "redirect", "dfyd", "dfyd\tx"])
def test_what_a_visitor_says_about_the_route_counts_for_nothing(server, caddy, mode, ports):
    domain = server.sells("home.net")
    smuggled = [part for name, value in {"X-Dfy-Mode": mode, "X-Dfy-Target": "evil.test", "x-dfy-address": f"{PLAIN}:{ports[0]}",
                                         "X-Forwarded-Host": "plain.site.test", "Connection": "X-Dfy-Mode"}.items()
                for part in ("-H", f"{name}: {value}")]
    assert curl(caddy, f"https://{domain}/x", *smuggled).headers["location"] == "https://home.net/x"
    assert curl(caddy, "http://never-sold.com/x", *smuggled).status == 404
    shown = server.sells("plain.site.test", "stealth")
    seen = curl(caddy, f"https://{shown}/x", *smuggled).json()
    assert seen["headers"]["host"] == "plain.site.test" and "evil" not in json.dumps(seen)
    assert seen["headers"]["x-forwarded-host"] == shown


def test_large_headers_of_visitors_do_not_reach_dfyd(server, caddy):
    domain = server.sells("home.net")
    got = curl(caddy, f"https://{domain}/{'a' * 6000}?{'b' * 6000}", "-H", "Cookie: " + "c" * 12000)
    assert got.status == 301 and len(got.headers["location"]) > 12000


# ---- targets that are refused ----

def test_loops_are_refused_when_they_are_made(server):
    first, second, third = server.sells(), server.sells(), server.sells()
    assert server.put(first, first).status_code == 400
    assert server.put(first, "www." + first.upper()).status_code == 422
    assert server.put(first, second).status_code == 200
    assert server.put(second, "www." + third).status_code == 200
    for target in (first, "www." + first):
        got = server.put(third, target)
        assert got.status_code == 422 and "back to" in got.json()["message"], got.text
    assert server.put(third, "home.net").status_code == 200
    assert server.route(first) == (200, "redirect", second, None)


def test_a_loop_that_appears_later_is_refused_to_visitors(server, caddy):
    first, second = server.sells("home.net"), server.sells("home.net")
    with database(server) as db:
        for a, b in ((first, second), (second, first)):
            db.execute("UPDATE domains SET forwarding = ? WHERE name = ?", [b, a])
    wait_for("the loop", lambda: server.route(first)[0] == server.route("www." + second)[0] == 508)
    got = curl(caddy, f"https://{first}/")
    assert got.status == 508 and "forwarded to itself" in got.body


@pytest.mark.parametrize("target", ["db.internal", "printer.local", "x.localhost", "nas.home.arpa"])
def test_names_of_this_network(strict, target):
    domain = strict.sells()
    got = strict.put(domain, target)
    assert got.status_code == 422 and target in got.json()["message"]
    with database(strict) as db:  # as an order may have it
        db.execute("UPDATE domains SET forwarding = ? WHERE name = ?", [target, domain])
    wait_for("the change", lambda: strict.route(domain) == (403, None, None, None))


@pytest.mark.parametrize("addresses,type", [
    (["127.0.0.1"], "A"), (["10.1.2.3"], "A"), (["192.168.0.1"], "A"), (["169.254.169.254"], "A"), (["100.64.0.1"], "A"),
    (["8.8.8.8", "10.0.0.1"], "A"), (["::1"], "AAAA"), (["fd00::1"], "AAAA"), (["fe80::1"], "AAAA"),
    (["::ffff:127.0.0.1"], "AAAA"), (["64:ff9b::7f00:1"], "AAAA")])
def test_targets_inside_the_network(strict, addresses, type):
    target = f"inside-{next(numbers)}.site.test"
    strict.world_sees(target, *addresses, type=type)
    domain = strict.sells(target, "stealth")
    shows(lambda: strict.route(domain) == (403, None, None, None))
    assert strict.put(domain, target, "redirect").status_code == 200  # nobody of dfyd's connects to it
    shows(lambda: strict.route(domain)[:3] == (200, "redirect", target))


# ---- what only Caddy asks ----

@pytest.mark.parametrize("method,path,headers,status", [
    ("GET", "/", {}, 404), ("GET", "/ask", {}, 404), ("GET", "/ask?domain=", {}, 404), ("GET", "/ask?x=1&domain=DOMAIN", {}, 200),
    ("GET", "/ask?domain=never-sold.com&domain=DOMAIN", {}, 404), ("GET", "/ask?domain=www.DOMAIN.", {}, 200),
    ("GET", "/ask?domain=www.www.DOMAIN", {}, 404), ("GET", "/ask?domain=%00", {}, 404), ("GET", "/ask?domain=.", {}, 404),
    ("GET", "/ask?domain=*.DOMAIN", {}, 404), ("POST", "/ask?domain=DOMAIN", {}, 405), ("PUT", "/route", {}, 405),
    ("GET", "/route", {}, 404), ("GET", "/route", {"X-Forwarded-Host": "DOMAIN:8443"}, 200),
    ("GET", "/route?a=b&c", {"X-Forwarded-Host": "Www.DOMAIN"}, 200), ("GET", "/route?host=DOMAIN", {"X-Forwarded-Host": "x"}, 200),
    ("GET", "/route?host=[::1]:80", {}, 404), ("GET", "/route?host=" + "a" * 254, {}, 404), ("GET", "/route/", {}, 404),
    ("GET", "/mail/DOMAIN/mail/config-v1.1.xml", {}, 404), ("GET", "/mail/", {}, 404), ("GET", "/mail", {}, 404),
    ("GET", "/mail/autoconfig.DOMAIN", {}, 404), ("GET", "/mail/autoconfig.DOMAIN/mail/config-v1.1.xml", {}, 200),
    ("GET", "/mail/autoconfig.never-sold.com/mail/config-v1.1.xml", {}, 404)])
def test_odd_questions(server, asked_domain, method, path, headers, status):
    got = requests.request(method, f"http://{server.edge}{path.replace('DOMAIN', asked_domain)}", timeout=30,
                           headers={name: value.replace("DOMAIN", asked_domain) for name, value in headers.items()})
    assert got.status_code == status, got.text


@pytest.fixture(scope="module")
def asked_domain(server):
    return server.sells("home.net")


def test_a_body_that_is_too_long(server, asked_domain):
    url = f"http://{server.edge}/mail/autodiscover.{asked_domain}/autodiscover/autodiscover.xml"
    assert requests.post(url, data="x" * 60000, timeout=30).status_code == 200
    assert requests.post(url, data="x" * 70000, timeout=30).status_code == 413


def test_the_api_does_not_answer_at_the_edge_nor_the_edge_at_the_api(server):
    assert requests.get(f"http://{server.edge}/api/v2/dfy-email-account-orders", timeout=30).status_code == 404
    assert requests.get(f"{server.base}/ask?domain=x.com", timeout=30).status_code == 404
