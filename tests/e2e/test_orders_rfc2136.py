"""Orders whose zones are served by a primary that takes updates, Knot DNS and BIND. Everything else is the sandbox's."""
import pytest

from conftest import Server, rows, wait_for
from servers.bind import Bind
from servers.knot import Knot
from servers.primary import KEYS, SECRET
from zones import is_mail_served, is_web_served, item, placed


@pytest.fixture(scope="module", params=[Knot, Bind], ids=["knot", "bind"])
def primary(request):
    one = request.param()
    yield one
    one.end()


@pytest.fixture(scope="module")
def shop(primary, tmp_path_factory):
    key = tmp_path_factory.mktemp("key") / "rfc2136.key"
    key.write_text(f"{KEYS['dfyd'][0]}:dfyd:{SECRET}\n")
    server = Server(tmp_path_factory.mktemp("shop") / "data", retry_max_ms=200, dns="rfc2136",
                    rfc2136_server=f"127.0.0.1:{primary.port}", rfc2136_key_file=key, dns_nameservers="ns1.dns.test",
                    resolver=f"127.0.0.1:{primary.port}", web_address="192.0.2.80", web_address6="2001:DB8::80")
    server.start()
    yield server
    assert SECRET not in server.log()
    server.stop()


def test_an_order_with_a_website(primary, shop):
    one = item(forwarding_domain="elsewhere.net")
    primary.add_zone(one["domain"])
    placed(shop, one)
    shop.wait_accounts(2, one["domain"])
    shop.wait_order(one["domain"], "ready")
    is_mail_served(primary, one["domain"])
    is_web_served(primary, one["domain"])


def test_the_zone_is_made_later(primary, shop):
    """The paid domain waits for a person, who is told what to do; and then it goes on by itself."""
    one = item()
    placed(shop, one)
    wait_for("the reason", lambda: "create the zone at the primary" in shop.wait_order(one["domain"], "provisioning"))
    assert shop.ready_accounts(one["domain"]) == []
    primary.add_zone(one["domain"])
    shop.wait_accounts(2, one["domain"])
    is_mail_served(primary, one["domain"])
    assert rows(shop, "SELECT count(*) FROM refunds")[0][0] == 0


def test_the_primary_is_down_when_an_order_comes(primary, shop):
    one = item()
    primary.add_zone(one["domain"])
    primary.kill()
    try:
        placed(shop, one)
        wait_for("the reason", lambda: "refused" in shop.wait_order(one["domain"], "provisioning").lower())
    finally:
        primary.start()
    shop.wait_accounts(2, one["domain"])
    is_mail_served(primary, one["domain"])


def test_records_of_others_are_left_alone(primary, shop):
    one = item()
    primary.add_zone(one["domain"])
    primary.set(one["domain"], one["domain"], "TXT", '"google-site-" "verification=1"')
    primary.set(one["domain"], f"shop.{one['domain']}", "CNAME", "shops.example.net.")
    placed(shop, one)
    shop.wait_accounts(2, one["domain"])
    assert primary.strings(one["domain"]) == [["google-site-", "verification=1"], ["v=spf1 include:_spf.airmail.sandbox.test ~all"]]
    assert primary.dig(f"shop.{one['domain']}", "CNAME") == (300, ["shops.example.net."])


@pytest.mark.parametrize("point", ["zone.intended", "zone.changed", "zone.recorded"])
def test_killed_on_the_way(primary, shop, tmp_path, point):
    one = item()
    primary.add_zone(one["domain"])
    server = Server(tmp_path / "data", **{**shop.settings, "listen": "127.0.0.1:0"})
    server.start(crash_at=point)
    server.order_and_die([one])
    server.start()
    server.wait_accounts(2, one["domain"])
    is_mail_served(primary, one["domain"])
    server.stop()


def test_many_orders(primary, shop):
    items = [item() for _ in range(12)]
    for one in items:
        primary.add_zone(one["domain"])
    placed(shop, *items)
    for one in items:
        shop.wait_accounts(2, one["domain"])
        is_mail_served(primary, one["domain"])
