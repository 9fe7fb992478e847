"""Whole orders over a real PowerDNS: what is there first, what is changed by hand, and what the repair does to it."""
import pytest
from servers.powerdns import powerdns  # noqa: F401, a fixture
from zones import dns, reason, repair, states, wait_done

PERSON = {"email_address_prefix": "ann", "first_name": "Ann", "last_name": "Lee"}
SPF = '"v=spf1 include:_spf.google.sandbox.test ~all"'


@pytest.fixture(scope="module")
def names():
    return iter(f"zone-{number}.com" for number in range(100))


@pytest.fixture
def server(fresh, powerdns, tmp_path):  # noqa: F811
    key = tmp_path / "powerdns.key"
    key.write_text(powerdns.key)
    key.chmod(0o600)
    return fresh(dns="powerdns", powerdns_url=powerdns.url, powerdns_key_file=key, dns_nameservers="ns1.dns.test",
                 resolver=f"127.0.0.1:{powerdns.dns_port}", retry_max_ms=100)


def order(server, domain, **more):
    assert server.order([{"domain": domain, "accounts": [PERSON], **more}])["order_placed"]


def test_an_order_and_changes_by_hand(server, powerdns, names):  # noqa: F811
    domain = next(names)
    order(server, domain, forwarding_domain="acme.example")
    wait_done(server, domain)
    assert dns(server, domain)["ok"] is True and len(states(server, domain)) == 6
    assert powerdns.dig(domain, "MX") == (3600, ["1 mx.google.sandbox.test."])

    powerdns.set(domain, domain, "TXT", SPF, '"site-verification=1"')
    powerdns.set(domain, f"_dmarc.{domain}", "TXT")
    powerdns.set(domain, domain, "MX", "5 mail.else.", ttl=60)
    powerdns.set(domain, f"www.{domain}", "A")
    powerdns.set(domain, f"www.{domain}", "CNAME", "shop.else.")
    by_hand = {line for line, state in states(server, domain).items() if state == "by_hand"}
    assert by_hand == {(domain, "MX"), (f"_dmarc.{domain}", "TXT"), (f"www.{domain}", "A"), (f"www.{domain}", "CNAME")}
    assert powerdns.dig(domain, "MX") == (60, ["5 mail.else."]), "left alone"
    repair(server, domain)
    assert set(states(server, domain).values()) == {"ok"}
    assert sorted(powerdns.dig(domain, "TXT")[1]) == sorted(["site-verification=1", SPF.strip('"')])
    assert powerdns.dig(f"www.{domain}", "CNAME") is None


def test_an_alias_that_is_there_first(server, powerdns, names):  # noqa: F811
    domain = next(names)
    powerdns.add_zone(domain, account="dfyd")
    powerdns.set(domain, f"www.{domain}", "CNAME", "shop.else.")
    order(server, domain, forwarding_domain="acme.example")
    assert f'www.{domain} CNAME was put there by hand: it is "shop.else."' in reason(server, domain, "set_forwarding")
    assert powerdns.dig(f"www.{domain}", "CNAME") == (300, ["shop.else."])
    repair(server, domain)
    assert dns(server, domain)["ok"] is True


def test_somebody_elses_zone(server, powerdns, names):  # noqa: F811
    domain = next(names)
    powerdns.add_zone(domain, account="others")
    order(server, domain)
    assert "not dfyd's, and nothing in it is changed" in reason(server, domain)
    answer = dns(server, domain)
    assert answer["ok"] is False and "not dfyd's" in answer["reason"]
    assert powerdns.kept(domain, domain, "MX") is None
    assert powerdns.api("PUT", f"/zones/{domain}.", {"account": "dfyd"}).status_code == 204
    wait_done(server, domain)
    assert dns(server, domain)["ok"] is True


def test_powerdns_is_down_and_comes_back(server, powerdns, names):  # noqa: F811
    domain = next(names)
    powerdns.stop()
    try:
        order(server, domain)
        assert reason(server, domain)
        answer = dns(server, domain)
        assert answer["ok"] is False and {line["state"] for line in answer["records"]} == {"unknown"}
        assert all(line["published"] is None for line in answer["records"])
    finally:
        powerdns.start()
    wait_done(server, domain)
    assert dns(server, domain)["ok"] is True


def test_a_zone_that_was_deleted(server, powerdns, names):  # noqa: F811
    domain = next(names)
    order(server, domain)
    wait_done(server, domain)
    assert powerdns.api("DELETE", f"/zones/{domain}.").status_code == 204
    assert set(states(server, domain).values()) == {"by_hand"} and not powerdns.has_zone(domain)
    repair(server, domain)
    assert dns(server, domain)["ok"] is True
