"""Whole orders over primaries that take signed updates: what is changed by hand, and what the repair does to it."""
import pytest
from servers import primary as primaries
from servers.bind import Bind
from servers.knot import Knot
from zones import reason, repair, states

PERSON = {"email_address_prefix": "ann", "first_name": "Ann", "last_name": "Lee"}
DOMAIN, MISSING = "zone-primary.com", "zone-missing.com"


@pytest.fixture(scope="module", params=[Knot, Bind], ids=["knot", "bind"])
def primary(request):
    primaries.ZONES.insert(0, DOMAIN)
    try:
        one = request.param()
        yield one
        one.end()
    finally:
        primaries.ZONES.remove(DOMAIN)


@pytest.fixture
def server(fresh, primary, tmp_path):
    key = tmp_path / "dns.key"
    key.write_text(f"{primaries.KEYS['dfyd'][0]}:dfyd:{primaries.SECRET}")
    key.chmod(0o600)
    address = f"127.0.0.1:{primary.port}"
    return fresh(dns="rfc2136", rfc2136_server=address, rfc2136_key_file=key, dns_nameservers="ns1.dns.test,ns2.dns.test",
                 resolver=address, retry_max_ms=100)


def test_an_order_and_changes_by_hand(server, primary):
    primary.set(DOMAIN, f"www.{DOMAIN}", "CNAME", "shop.else.")
    assert server.order([{"domain": DOMAIN, "accounts": [PERSON], "forwarding_domain": "acme.example"}])["order_placed"]
    assert f'www.{DOMAIN} CNAME was put there by hand: it is "shop.else."' in reason(server, DOMAIN, "set_forwarding")
    repair(server, DOMAIN)
    assert set(states(server, DOMAIN).values()) == {"ok"} and len(states(server, DOMAIN)) == 6

    primary.set(DOMAIN, DOMAIN, "MX", "5 mail.else.")
    primary.set(DOMAIN, DOMAIN, "TXT", '"v=spf1 include:_spf.google.sandbox.test ~all"', '"site-verification=1"',
                '"v=spf1 -all"')
    by_hand = {line for line, state in states(server, DOMAIN).items() if state == "by_hand"}
    assert by_hand == {(DOMAIN, "MX"), (DOMAIN, "TXT")}
    repair(server, DOMAIN)
    assert set(states(server, DOMAIN).values()) == {"ok"}
    assert sorted(primary.strings(DOMAIN)) == [
        ["site-verification=1"], ["v=spf1 include:_spf.google.sandbox.test ~all"]]


def test_a_zone_that_the_primary_does_not_have(server):
    assert server.order([{"domain": MISSING, "accounts": [PERSON]}])["order_placed"]
    assert MISSING in reason(server, MISSING)
    assert set(states(server, MISSING).values()) <= {"missing", "unknown"}
