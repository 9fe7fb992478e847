"""The resolver driver `stub` and real servers: asked directly, and through a BIND that resolves for others."""
import contextlib

import dns.exception
import pytest

from resolver_talk import Talk
from servers.bind import Bind
from servers.knot import Knot
from servers.powerdns import PowerDns
from servers.primary import ZONES
from servers.process import wait_until

ZONE = ZONES[0]
DKIM = "v=DKIM1; k=rsa; p=" + "MIIBIjANBgkqhkiG9w0BAQEFAAOCAQ8A" * 12
RECORDS = [
    (ZONE, "MX", ["10 mx.dns.test.", "20 mx2.dns.test."]), (f"k._domainkey.{ZONE}", "TXT", [DKIM]),
    (f"www.{ZONE}", "A", ["192.0.2.1"]), (f"www.{ZONE}", "AAAA", ["2001:db8::1"]),
    (f"_imaps._tcp.{ZONE}", "SRV", ["0 1 993 mx.dns.test."]), (f"_pop3._tcp.{ZONE}", "SRV", ["0 0 0 ."]),
    (f"alias.{ZONE}", "CNAME", [f"www.{ZONE}."]), (f"away.{ZONE}", "CNAME", ["www.elsewhere.test."]),
    (f"big.{ZONE}", "TXT", [f"{i} " + "x" * 200 for i in range(20)]),
]


def quoted(values, type):
    if type != "TXT":
        return values
    return [" ".join(f'"{value[i:i + 255]}"' for i in range(0, len(value), 255)) for value in values]


@pytest.fixture(scope="module", params=[Knot, Bind, PowerDns], ids=["knot", "bind", "powerdns"])
def server(request):
    one = request.param()
    if isinstance(one, PowerDns):
        one.port = one.dns_port
        one.add_zone(ZONE)
    for name, type, values in RECORDS:
        one.set(ZONE, name, type, *quoted(values, type))
    yield one
    one.end()


def open_talk(port, try_ms=30000):
    return Talk(TALK_HOST="127.0.0.1", TALK_PORT=port, TALK_TRY_MS=try_ms)


def test_what_is_served(server):
    talk = open_talk(server.port)
    for name, type, values in RECORDS:
        assert talk.data(name, type) == sorted(values)  # "big" over TCP
    assert talk.ask(ZONE, "MX")["ttl"] == 300
    assert talk.data(ZONE, "NS") == ["ns1.dns.test."]
    assert talk.data(f"ALIAS.{ZONE}", "A") == ["192.0.2.1"]
    assert talk.data(f"alias.{ZONE}", "AAAA") == ["2001:db8::1"]
    assert talk.data(f"alias.{ZONE}", "MX") == []
    assert talk.data(f"nothing.{ZONE}") == []
    assert talk.data(ZONE) == []
    assert {tuple(one["data"]) for one in talk.asks(f"www.{ZONE}", times=32)} == {("192.0.2.1",)}
    talk.end()


def test_what_is_not(server):
    talk = open_talk(server.port)
    assert "REFUSED" in talk.unknown("a.elsewhere.test", "MX")
    assert "REFUSED" in talk.unknown(f"away.{ZONE}")  # its target is asked for
    talk.end()


def test_slow(server):
    talk = open_talk(server.port, try_ms=300)
    server.freeze()
    try:
        assert "no answer in time" in talk.unknown(ZONE, "MX")
    finally:
        server.thaw()
    wait_until(lambda: talk.ask(ZONE, "MX")["outcome"] == "done", "an answer")
    talk.end()


class Recursor(Bind):
    """Resolves; the zones of another server are forwarded to it. Validates nothing, as nothing is signed here."""

    def __init__(self, upstream):
        self.upstream = upstream
        super().__init__()

    def write_config(self):
        (self.zones / "root").write_text("$TTL 60\n@ SOA ns.root. h.root. 1 2 3 4 60\n@ NS ns.root.\nns.root. A 127.0.0.1\n"
                                        f"{ZONE}. NS ns.root.\n")
        (self.folder.path / "named.conf").write_text(f"""options {{
            directory "{self.folder.path}"; pid-file none; session-keyfile none; recursion yes; dnssec-validation no;
            listen-on port {self.port} {{ 127.0.0.1; }}; listen-on-v6 {{ none; }}; empty-zones-enable no; max-ncache-ttl 0;
            servfail-ttl 0;
        }};
        controls {{ }};
        zone "." {{ type primary; file "zones/root"; }};
        zone "{ZONE}" {{ type forward; forward only; forwarders {{ 127.0.0.1 port {self.upstream.port}; }}; }};
        """)

    def answers(self):
        """It listens before it has its zones."""
        with contextlib.suppress(dns.exception.DNSException, OSError):
            return self.dig("", "SOA") is not None
        return False


def test_through_a_resolver(server):
    recursor = Recursor(server)
    try:
        talk = open_talk(recursor.port)
        for name, type, values in RECORDS:
            assert talk.data(name, type) == sorted(values)
        assert talk.data(f"alias.{ZONE}", "A") == ["192.0.2.1"]
        assert talk.data(f"away.{ZONE}", "A") == []  # the resolver followed it, to nowhere
        assert talk.data(f"nothing.{ZONE}") == []
        server.set(ZONE, f"late.{ZONE}", "A", "192.0.2.7")
        assert talk.data(f"late.{ZONE}") == ["192.0.2.7"]
        server.kill()
        assert "SERVFAIL" in talk.unknown(f"other.{ZONE}")
        talk.end()
    finally:
        recursor.end()
        server.start()
