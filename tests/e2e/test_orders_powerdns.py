"""Orders whose zones are served by a real PowerDNS: what is published, and what happens on its bad days. Everything else
is the sandbox's."""
import time

import pytest

from conftest import Server, rows, wait_for
from servers.powerdns import powerdns  # noqa: F401, a fixture
from zones import is_mail_served, is_web_served, item, placed


@pytest.fixture(scope="module")
def shop(powerdns, tmp_path_factory):  # noqa: F811
    key = tmp_path_factory.mktemp("key") / "powerdns.key"
    key.write_text(f"{powerdns.key}\n")
    server = Server(tmp_path_factory.mktemp("shop") / "data", retry_max_ms=200, dns="powerdns", powerdns_url=powerdns.url, powerdns_key_file=key,
                    dns_nameservers="ns1.dns.test,ns2.dns.test", resolver=f"127.0.0.1:{powerdns.dns_port}", web_address="192.0.2.80",
                    web_address6="2001:DB8::80")
    server.start()
    yield server
    server.stop()


def refunds(shop):
    return rows(shop, "SELECT count(*) FROM refunds")[0][0]


def is_all_served(powerdns, domain):  # noqa: F811
    is_mail_served(powerdns, domain)
    assert powerdns.dig(domain, "NS") == (3600, ["ns1.dns.test.", "ns2.dns.test."])
    keys = [one for one in powerdns.api("GET", f"/zones/{domain}.").json()["rrsets"] if "._domainkey." in one["name"]]
    assert len(keys) == 1
    _, (text,) = powerdns.dig(keys[0]["name"][:-1], "TXT")
    assert text.startswith("v=DKIM1; ")


def test_an_order_with_a_website(powerdns, shop):  # noqa: F811
    one = item(forwarding_domain="elsewhere.net")
    placed(shop, one)
    shop.wait_accounts(2, one["domain"])
    shop.wait_order(one["domain"], "ready")
    is_all_served(powerdns, one["domain"])
    is_web_served(powerdns, one["domain"])


def test_powerdns_is_down_when_an_order_comes(powerdns, shop):  # noqa: F811
    one = item()
    powerdns.kill()
    try:
        placed(shop, one)
        wait_for("the reason", lambda: "no answer from PowerDNS" in shop.wait_order(one["domain"], "provisioning"))
        assert shop.ready_accounts(one["domain"]) == []
    finally:
        powerdns.start()
    shop.wait_accounts(2, one["domain"])
    is_all_served(powerdns, one["domain"])
    assert refunds(shop) == 0


def test_a_zone_that_is_somebody_elses(powerdns, shop):  # noqa: F811
    """The paid domain waits for a person, who is told what to do; and then it goes on by itself."""
    one = item()
    powerdns.add_zone(one["domain"], "customer-7")
    serial = powerdns.serial(one["domain"])
    placed(shop, one)
    wait_for("the reason", lambda: "is not dfyd's" in shop.wait_order(one["domain"], "provisioning"))
    assert powerdns.serial(one["domain"]) == serial
    assert refunds(shop) == 0
    assert powerdns.api("PUT", f"/zones/{one['domain']}.", {"account": "dfyd"}).status_code == 204
    shop.wait_accounts(2, one["domain"])
    # Its name servers are those that it had.
    assert powerdns.dig(one["domain"], "NS") == (3600, ["ns1.dns.test."])
    assert powerdns.dig(one["domain"], "MX") == (3600, ["10 mx.airmail.sandbox.test."])


def dns_lines(shop, domain, *states):
    answer = shop.request("GET", f"/api/dfyd/v1/domains/{domain}/dns")
    assert answer.status_code == 200, answer.text
    return {(line["name"], line["type"]): line for line in answer.json()["records"] if line["state"] in states}


def test_records_that_were_changed_by_hand(powerdns, shop):  # noqa: F811
    """They are told, and changed back when somebody says so; what others put beside dfyd's stays for good."""
    one = item()
    domain = one["domain"]
    placed(shop, one)
    shop.wait_accounts(2, domain)
    powerdns.set(domain, domain, "MX", "5 mx.elsewhere.net.")
    powerdns.set(domain, domain, "TXT", '"v=spf1 include:_spf.airmail.sandbox.test ~all"', '"verify=" "4711"', ttl=3600)
    powerdns.set(domain, f"shop.{domain}", "CNAME", "shop.elsewhere.net.")
    (by_hand,) = dns_lines(shop, domain, "by_hand", "missing", "different", "unknown").values()
    assert (by_hand["type"], by_hand["published"], by_hand["wanted"]) == ("MX", ["5 mx.elsewhere.net."], ["10 mx.airmail.sandbox.test."])
    assert by_hand["seen"] == by_hand["published"] and by_hand["state"] == "by_hand"
    shop.repair(domain)
    wait_for("the repair", lambda: not dns_lines(shop, domain, "by_hand", "missing", "different", "unknown"))
    assert powerdns.dig(domain, "MX") == (3600, ["10 mx.airmail.sandbox.test."])
    assert powerdns.dig(domain, "TXT") == (3600, ["v=spf1 include:_spf.airmail.sandbox.test ~all", "verify=4711"])
    assert '"verify=" "4711"' in [one["content"] for one in powerdns.kept(domain, domain, "TXT")["records"]]
    assert powerdns.dig(f"shop.{domain}", "CNAME") == (300, ["shop.elsewhere.net."])


def test_dfyd_is_killed_again_and_again(powerdns, shop):  # noqa: F811
    items = [item() for _ in range(12)]
    placed(shop, *items)
    for _ in range(4):
        shop.kill()
        shop.start()
    for one in items:
        shop.wait_accounts(2, one["domain"])
        is_all_served(powerdns, one["domain"])
        assert len(powerdns.kept(one["domain"], one["domain"], "SOA")["records"]) == 1


def test_a_hundred_domains(powerdns, shop):  # noqa: F811
    items = [item() for _ in range(100)]
    began = time.monotonic()
    for start in range(0, 100, 25):
        placed(shop, *items[start:start + 25])
    for one in items:
        shop.wait_order(one["domain"], "ready")
    print(f"\n100 domains ordered, served and seen: {time.monotonic() - began:.1f} s")
    for one in items:
        is_all_served(powerdns, one["domain"])
    shop.cli("ledger", "check")
