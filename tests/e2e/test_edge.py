"""Forwarded domains as visitors meet them: dfyd, a real Caddy with the packaged configuration, curl.

The world's DNS is the sandbox's: what a target resolves to is written into its book."""
import contextlib
import http.server
import importlib
import itertools
import json
import os
import pathlib
import re
import socket
import sqlite3
import ssl
import subprocess
import tempfile
import threading

import pytest
import requests
from conftest import Server, rows, wait_for
from servers.caddy import Authority, Caddy, Pebble, missing
from servers.process import free_ports

ORDERS = "/api/v2/dfy-email-account-orders"
PLAIN, SECURE = "127.0.0.2", "127.0.0.1"  # where only HTTP answers, and where HTTPS does, too
numbers = itertools.count(1)

if missing("caddy", "curl", "openssl", "pebble"):
    if os.environ.get("CI"):
        raise AssertionError("scripts/setup servers has not been run")
    pytest.skip("needs caddy, pebble, curl and openssl: scripts/setup servers", allow_module_level=True)


def needs(module):
    """A module of `scripts/setup servers`."""
    if os.environ.get("CI"):
        return importlib.import_module(module)
    return pytest.importorskip(module)


# ---- the parts ----

class Echo(http.server.BaseHTTPRequestHandler):
    """Answers with what it was asked."""
    protocol_version = "HTTP/1.1"

    def do_GET(self):
        length = int(self.headers.get("Content-Length") or 0)
        body = json.dumps({
            "method": self.command, "path": self.path, "headers": {k.lower(): v for k, v in self.headers.items()},
            "body": self.rfile.read(length).decode(), "sni": getattr(self.connection, "asked_name", None),
        }).encode()
        self.send_response(200)
        self.send_header("Content-Type", "application/json")
        self.send_header("Content-Length", str(len(body)))
        self.send_header("Set-Cookie", "seen=1; Path=/")
        self.send_header("X-Dfy-Mode", "from the target")
        self.end_headers()
        self.wfile.write(body)

    do_POST = do_PUT = do_GET

    def log_message(self, *args):
        pass


def serve(address, port, context=None):
    server = http.server.ThreadingHTTPServer((address, port), Echo)
    if context:
        server.socket = context.wrap_socket(server.socket, server_side=True)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    return server


class Dfyd(Server):
    """With an edge; EDGE is its host:port."""

    def __init__(self, dir, **settings):
        self.edge = f"127.0.0.1:{free_ports(1)[0]}"
        super().__init__(dir, edge_listen=self.edge, mailhost_name="mx.dfy.test", mta_sts="enforce", **settings)

    def ask(self, name):
        return requests.get(f"http://{self.edge}/ask", params={"domain": name}, timeout=10).status_code

    def route(self, host):
        """(status, mode, target, address)"""
        got = requests.get(f"http://{self.edge}/route?a=1", headers={"X-Forwarded-Host": host}, timeout=30)
        return (got.status_code, *(got.headers.get("X-Dfy-" + name) for name in ("Mode", "Target", "Address")))

    def sells(self, target=None, mode="redirect", domain=None, provider=2):
        """A domain of one mailbox, ready, and forwarded."""
        domain = domain or f"edge-{next(numbers)}.com"
        person = {"email_address_prefix": "ann", "first_name": "Ann", "last_name": "Lee"}
        answer = self.order([{"domain": domain, "accounts": [person], "email_provider": provider}])
        assert answer["order_placed"], answer
        self.wait_accounts(1, domain)
        if target:
            assert self.put(domain, target, mode).status_code == 200
        return domain

    def put(self, domain, target, mode="redirect"):
        body = {"forwarding_domain": target, "forwarding_mode": mode}
        # While the last step of the order is recorded, it is 409.

        def told():
            got = self.request("PUT", f"/api/v2/domains/{domain}/forwarding", json=body)
            return [got] if got.status_code != 409 else None
        return wait_for(f"forwarding {domain}", told, 20)[0]

    def world_sees(self, name, *addresses, type="A"):
        """From now on NAME resolves to ADDRESSES."""
        data = "".join(f"{len(address)}:{address}" for address in sorted(addresses))
        with contextlib.closing(sqlite3.connect(self.dir / "sandbox.db", timeout=20)) as db, db:
            db.execute("INSERT OR IGNORE INTO zones (zone) VALUES (?)", [name])
            db.execute("DELETE FROM rrsets WHERE name = ? AND type = ?", [name, type])
            if addresses:
                db.execute("INSERT INTO rrsets (zone, name, type, ttl, data) VALUES (?, ?, ?, 60, ?)",
                           [name, name, type, data])


@pytest.fixture(scope="module")
def folder():
    with tempfile.TemporaryDirectory(prefix="dfyd-edge-") as path:
        os.chmod(path, 0o755)
        yield pathlib.Path(path)


@pytest.fixture(scope="module")
def authority(folder):
    return Authority(folder)


@pytest.fixture(scope="module")
def ports(authority):
    """(http, https) of websites on this machine."""
    http_port, https_port = free_ports(2)
    certificate, key = authority.sign("secure.site.test", "other.site.test", "*.many.site.test")
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(certificate, key)

    def remember(connection, name, _):
        connection.asked_name = name
    context.sni_callback = remember
    servers = [serve(PLAIN, http_port), serve(SECURE, http_port), serve(SECURE, https_port, context)]
    yield http_port, https_port
    for server in servers:
        server.shutdown()
        server.server_close()


@pytest.fixture(scope="module")
def server(folder, ports):
    """Targets may be on this machine."""
    it = Dfyd(folder / "data", forwarding_private_targets="yes", forwarding_http_port=ports[0],
              forwarding_https_port=ports[1])
    it.start()
    it.world_sees("plain.site.test", PLAIN)
    it.world_sees("secure.site.test", SECURE)
    it.world_sees("other.site.test", SECURE)
    yield it
    it.stop()


@pytest.fixture(scope="module")
def strict(folder, ports):
    """Targets may not be inside the network."""
    it = Dfyd(folder / "strict", forwarding_http_port=ports[0], forwarding_https_port=ports[1])
    it.start()
    yield it
    it.stop()


@pytest.fixture(scope="module")
def caddy(server, authority):
    it = Caddy(server.edge, target_ca=authority.root)
    yield it
    it.stop()


class Answer:
    def __init__(self, text):
        head, _, self.body = text.replace("\r\n", "\n").partition("\n\n")
        lines = head.splitlines()
        self.status = int(lines[0].split()[1])
        self.headers = {name.lower(): value for name, _, value in (line.partition(": ") for line in lines[1:])}

    def json(self):
        return json.loads(self.body)


def curl(caddy, url, *args, root=None, check=True):
    """What a visitor gets; with check=False curl's exit status where there is no answer."""
    secure = url.startswith("https:")
    name = re.match(r"https?://([^/:]+)", url)[1]
    port = caddy.https if secure else caddy.http
    done = subprocess.run(
        ["curl", "-si", "--max-time", "30", "--cacert", str(root or caddy.root), "--connect-to", f"{name}:{443 if secure else 80}:127.0.0.1:{port}",
         *args, url], capture_output=True, text=True, check=False)
    if done.returncode and not check:
        return done.returncode
    assert done.returncode == 0, (done.returncode, done.stderr, caddy.log()[-3000:])
    return Answer(done.stdout)


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
        assert curl(caddy, f"https://{domain}/").headers["location"] == f"https://{target}/"
    server.request("DELETE", f"/api/v2/domains/{domain}/forwarding")
    assert curl(caddy, f"https://{domain}/").status == 404
    assert server.ask(domain) == 404


def test_what_another_connection_changes_is_seen(server, caddy):
    domain = server.sells("home.net")
    assert curl(caddy, f"https://{domain}/").status == 301
    with contextlib.closing(sqlite3.connect(server.dir / "dfyd.db", timeout=20)) as db, db:
        db.execute("UPDATE domains SET forwarding = 'elsewhere.net' WHERE name = ?", [domain])
    wait_for("the change", lambda: curl(caddy, f"https://{domain}/").headers["location"] == "https://elsewhere.net/", 3)


def test_a_cancelled_domain_is_not_forwarded(server, caddy):
    domain = server.sells("home.net")
    assert curl(caddy, f"https://{domain}/").status == 301
    server.request("POST", ORDERS + "/accounts/cancel", json={"accounts": [f"ann@{domain}"]})
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
        assert server.route(domain)[0] == server.ask(domain) == 404
        assert server.ask("mta-sts." + domain) == 200, "its mailboxes are there"
        server.cli("card", "set", "--workspace", "default", "--token", "tok_visa", "--name", "Ann")
        server.cli("renewal", "retry", "--id", rows(server, "SELECT id FROM renewals")[0][0])
        wait_for("it is paid", lambda: rows(server, "SELECT state FROM renewals") == [("paid",)])
        assert server.route(domain) == (200, "redirect", "home.net", None)
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
    with contextlib.closing(sqlite3.connect(server.dir / "dfyd.db", timeout=20)) as db, db:
        for a, b in ((first, second), (second, first)):
            db.execute("UPDATE domains SET forwarding = ? WHERE name = ?", [b, a])
    wait_for("the loop", lambda: server.route(first)[0] == server.route("www." + second)[0] == 508, 3)
    got = curl(caddy, f"https://{first}/")
    assert got.status == 508 and "forwarded to itself" in got.body


@pytest.mark.parametrize("target", ["db.internal", "printer.local", "x.localhost", "nas.home.arpa"])
def test_names_of_this_network(strict, target):
    domain = strict.sells()
    got = strict.put(domain, target)
    assert got.status_code == 422 and target in got.json()["message"]
    with contextlib.closing(sqlite3.connect(strict.dir / "dfyd.db", timeout=20)) as db, db:  # as an order may have it
        db.execute("UPDATE domains SET forwarding = ? WHERE name = ?", [target, domain])
    wait_for("the change", lambda: strict.route(domain) == (403, None, None, None), 3)


@pytest.mark.parametrize("addresses,type", [
    (["127.0.0.1"], "A"), (["10.1.2.3"], "A"), (["192.168.0.1"], "A"), (["169.254.169.254"], "A"), (["100.64.0.1"], "A"),
    (["8.8.8.8", "10.0.0.1"], "A"), (["::1"], "AAAA"), (["fd00::1"], "AAAA"), (["fe80::1"], "AAAA"),
    (["::ffff:127.0.0.1"], "AAAA"), (["64:ff9b::7f00:1"], "AAAA")])
def test_targets_inside_the_network(strict, addresses, type):
    target = f"inside-{next(numbers)}.site.test"
    strict.world_sees(target, *addresses, type=type)
    domain = strict.sells(target, "stealth")
    assert strict.route(domain) == (403, None, None, None)
    assert strict.put(domain, target, "redirect").status_code == 200  # nobody of dfyd's connects to it
    assert strict.route(domain)[:3] == (200, "redirect", target)


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


# ---- mail programs ----

def test_the_policy_for_mail_servers(server, caddy):
    sts = needs("postfix_mta_sts_resolver.utils")
    domain = server.sells()
    got = curl(caddy, f"https://mta-sts.{domain}/.well-known/mta-sts.txt")
    assert got.status == 200 and sts.is_plaintext(got.headers["content-type"])
    assert sts.parse_mta_sts_policy(got.body) == {"version": "STSv1", "mode": "enforce", "mx": ["mx.dfy.test"],
                                                  "max_age": "604800"}
    assert curl(caddy, f"https://mta-sts.{domain}/").status == 404
    assert curl(caddy, f"https://mta-sts.{domain}/ask?domain={domain}").status == 404
    assert curl(caddy, f"https://mta-sts.{domain}/../ask?domain=mta-sts.{domain}", "--path-as-is").status == 404
    google = server.sells(provider=1)
    assert server.ask("mta-sts." + google) == 200, "the sandbox's mail host serves all providers"


def test_autoconfig(server, caddy):
    import xml.etree.ElementTree as etree
    domain = server.sells("home.net")
    for path in ("/mail/config-v1.1.xml?emailaddress=ann%40x", "/.well-known/autoconfig/mail/config-v1.1.xml"):
        got = curl(caddy, f"https://autoconfig.{domain}{path}")
        assert got.status == 200 and got.headers["content-type"].startswith("application/xml")
        root = etree.fromstring(got.body)
        assert root.tag == "clientConfig" and root.get("version") == "1.1"
        provider = root.find("emailProvider")
        assert (provider.get("id"), provider.findtext("domain")) == (domain, domain)
        servers = {(s.tag, s.get("type"), *(s.findtext(name) for name in (
            "hostname", "port", "socketType", "authentication", "username"))) for s in provider if s.get("type")}
        assert servers == {
            ("incomingServer", "imap", "mx.dfy.test", "993", "SSL", "password-cleartext", "%EMAILADDRESS%"),
            ("outgoingServer", "smtp", "mx.dfy.test", "465", "SSL", "password-cleartext", "%EMAILADDRESS%")}
    assert curl(caddy, f"http://autoconfig.{domain}/mail/config-v1.1.xml").status == 200
    assert curl(caddy, f"https://autoconfig.{domain}/autodiscover/autodiscover.xml").status == 404


REQUEST = """<?xml version="1.0" encoding="utf-8"?>
<Autodiscover xmlns="http://schemas.microsoft.com/exchange/autodiscover/outlook/requestschema/2006">
<Request><EMailAddress>%s</EMailAddress><AcceptableResponseSchema>
http://schemas.microsoft.com/exchange/autodiscover/outlook/responseschema/2006a</AcceptableResponseSchema></Request></Autodiscover>"""


def test_autodiscover(server, caddy):
    properties = needs("exchangelib.autodiscover.properties")
    domain = server.sells()
    url = f"https://autodiscover.{domain}/autodiscover/autodiscover.xml"
    got = curl(caddy, url, "-H", "Content-Type: text/xml", "--data", REQUEST % f"Ann@{domain}")
    assert got.status == 200
    found = properties.Autodiscover.from_bytes(got.body.encode())
    assert found.response.account.type == "email" and found.response.account.action == "settings"
    assert {(p.type, p.server, p.port, p.login_name) for p in found.response.account.protocols} == {
        ("IMAP", "mx.dfy.test", 993, f"Ann@{domain}"), ("SMTP", "mx.dfy.test", 465, f"Ann@{domain}")}
    for address in ("ann@elsewhere.com", f"<b>@{domain}", "", f"&lt;x&gt;@{domain}", f"\"@{domain}"):
        got = curl(caddy, url, "--data", REQUEST % address)
        assert got.status == 200 and "LoginName" not in got.body
    assert curl(caddy, url.replace("/autodiscover/autodiscover", "/Autodiscover/Autodiscover")).status == 200


def test_mail_names_end_with_the_domain(server):
    domain = server.sells()
    names = [f"{label}.{domain}" for label in ("mta-sts", "autoconfig", "autodiscover")]
    assert [server.ask(name) for name in names] == [200] * 3
    assert [server.route(name + ":8443")[:2] for name in names] == [(200, "dfyd")] * 3
    server.request("POST", ORDERS + "/accounts/cancel", json={"accounts": [f"ann@{domain}"]})
    assert [server.ask(name) for name in names] == [404] * 3


# ---- certificates ----

def test_so_many_certificates_and_no_more(server):
    """What was got before counts no more after a restart: it is read from the store."""
    domains = [server.sells("home.net") for _ in range(4)]
    caddy = Caddy(server.edge, burst=2)
    try:
        def visits(*domains):
            answers = [curl(caddy, f"https://{domain}/", check=False) for domain in domains]
            return [answer if isinstance(answer, int) else answer.status for answer in answers]
        assert visits("never-sold.com", "unknown.com", "other.com") == [35] * 3, "those are asked about first"
        assert visits(*domains[:3]) == [301, 301, 35]
        assert visits(*domains[:2]) == [301, 301]
        caddy.process.stop()
        caddy.start()
        assert visits(*domains[:2], domains[3]) == [301] * 3
    finally:
        caddy.stop()


class Names(threading.Thread):
    """A DNS server: every name is at 127.0.0.1."""

    def __init__(self):
        super().__init__(daemon=True)
        self.socket = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
        self.socket.bind(("127.0.0.1", 0))
        self.port = self.socket.getsockname()[1]
        self.start()

    def run(self):
        import dns.message
        import dns.rdatatype
        import dns.rrset
        while True:
            data, client = self.socket.recvfrom(4096)
            if not data:
                return
            query = dns.message.from_wire(data)
            reply = dns.message.make_response(query)
            asked = query.question[0]
            if asked.rdtype == dns.rdatatype.A:
                reply.answer.append(dns.rrset.from_text(asked.name, 60, "IN", "A", "127.0.0.1"))
            self.socket.sendto(reply.to_wire(), client)

    def stop(self):
        with contextlib.suppress(OSError):  # it says that it has no peer, and wakes the thread
            self.socket.shutdown(socket.SHUT_RDWR)
        self.join()
        self.socket.close()


def test_a_certificate_from_an_acme_server(server):
    needs("dns.message")
    http_port, https_port = free_ports(2)
    with contextlib.ExitStack() as stack:
        names = Names()
        stack.callback(names.stop)
        pebble = Pebble(names.port, http_port, https_port)
        stack.callback(pebble.stop)
        caddy = Caddy(server.edge, acme=(pebble.directory, pebble.root_of_directory), ports=(http_port, https_port))
        stack.callback(caddy.stop)
        root = pebble.write_root()
        domain = server.sells("home.net")
        assert curl(caddy, f"https://{domain}/a?b", root=root).headers["location"] == "https://home.net/a?b"
        assert curl(caddy, f"https://www.{domain}/", root=root).status == 301
        assert curl(caddy, f"https://mta-sts.{domain}/.well-known/mta-sts.txt", root=root).status == 200
        assert curl(caddy, "https://never-sold.com/", root=root, check=False) == 35
        assert "never-sold.com" not in (pebble.path / "log").read_text()
