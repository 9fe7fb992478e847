"""What a domain has beside its website at the edge: documents for mail programs, and certificates."""
import contextlib
import socket
import threading

from servers.caddy import Caddy, Pebble
from servers.process import free_ports
from visitors import ORDERS, curl, needs, shows
from visitors import authority, caddy, folder, ports, server  # noqa: F401, fixtures


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
    shows(lambda: [server.ask(name) for name in names] == [404] * 3)


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
