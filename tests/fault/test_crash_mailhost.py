"""SIGKILL at every named point on the way to real mailboxes, with PowerDNS and a mail host; after a restart the domain goes on from
where it was, and nothing is made twice."""
import random
import smtplib
import time

import pytest
import requests

from conftest import ORDERS, rows, wait_for
from servers.site import Site
from servers.sold import HERE, Shop, item
from servers.verifier import Verifier

PEOPLE = ("ann", "ben")
# The steps are register_domain, publish_dns, set_forwarding and two create_mailbox; two of them change the zone.
POINTS = [("step.claimed", count) for count in (1, 3)] + [
    ("step.looked", count) for count in (2, 4)] + [("step.acted", count) for count in (1, 2, 3, 4, 5)] + [
    ("step.recorded", count) for count in (1, 2, 4)] + [
    (point, count) for point in ("zone.intended", "zone.changed", "zone.recorded") for count in (1, 2)]


@pytest.fixture(scope="module")
def site(request):
    failed = request.session.testsfailed
    one = Site()
    yield one
    if request.session.testsfailed > failed:
        print(one.mailhost.logs())
    one.close()


@pytest.fixture
def open_shop(site, tmp_path, monkeypatch):
    """Makes a server of its own at the site, and starts it."""
    made = []

    def make(**settings):
        made.append(Shop(site, tmp_path / f"data{len(made)}", monkeypatch, **settings))
        made[-1].start()
        return made[-1]
    yield make
    for one in made:
        one.stop()


def sell_and_die(shop, domain):
    """Killed before the answer is out, or after."""
    sell_anyhow(shop, domain)
    shop.wait_dead()


def sell_anyhow(shop, domain):
    try:
        answer = shop.order([item(domain, *PEOPLE, forwarding_domain="home.net")])
        assert answer["order_placed"], answer
    except requests.RequestException:
        pass


def left(shop, domain):
    """What is durable: steps that are done with their tries, mailboxes with their home, keys, and those that are published."""
    done = rows(shop, "SELECT s.kind, s.account_id, s.attempts FROM steps s JOIN domains d ON d.id = s.domain_id"
                      " WHERE d.name = ? AND s.state = 'done'", domain)
    return set(done), set(shop.mailbox_rows(domain)), set(shop.keys(domain).items()), set(shop.published_keys(domain).items())


def expect_went_on(shop, domain, before):
    """All that was there before still is, as it was; and what was sold is there once."""
    accounts = shop.expect_delivered(domain, len(PEOPLE), was_killed=True)
    for was, now in zip(before, left(shop, domain)):
        assert was <= now, "made anew"
    assert shop.dns.dig(domain, "A") == (300, [HERE])
    assert rows(shop, "SELECT count(*) FROM charges", file="sandbox.db") == [(1,)]
    assert sorted(one["email"] for one in accounts) == [f"{one}@{domain}" for one in PEOPLE]
    for type, count in (("dfy_order_placed", 1), ("dfy_account_ready", 2), ("dfy_domain_ready", 1)):
        assert rows(shop, "SELECT count(*) FROM events WHERE type = ?", type) == [(count,)]
    shop.expect_no_drift(domain)


@pytest.mark.parametrize("point, count", POINTS)
def test_killed_on_the_way(open_shop, point, count):
    domain = f"crash{point.replace('.', '')}{count}.com"
    shop = open_shop(crash_at=point, crash_at_count=count)
    sell_and_die(shop, domain)
    before = left(shop, domain)
    shop.restart()
    expect_went_on(shop, domain, before)


def test_killed_at_each_start(open_shop):
    """Every start dies where the next thing was done outside."""
    domain = "crashagain.com"
    shop = open_shop(crash_at="step.acted")
    sell_and_die(shop, domain)
    deaths, before = 1, left(shop, domain)
    while deaths < 10:
        shop.restart(crash_at="step.acted", crash_at_count=2, expect_start=False)
        if not shop.wait_dead(unless=lambda: shop.has_ended(domain)):
            break
        deaths += 1
        now = left(shop, domain)
        assert all(was <= later for was, later in zip(before, now))
        before = now
    assert deaths >= 2
    shop.restart()
    expect_went_on(shop, domain, before)


def test_killed_at_any_moment(open_shop):
    """Not at a named point: also within a commit of the mail host's books, a call, or a check of a mailbox."""
    seed = random.randrange(1 << 32)
    print(f"seed {seed}")
    chance = random.Random(seed)
    shop = open_shop()
    for number in range(4):
        domain = f"crashany{number}.com"
        sell_anyhow(shop, domain)
        for _ in range(2):
            time.sleep(chance.random() * 0.4)  # the moment is what is tried
            shop.kill()
            before = left(shop, domain)
            shop.restart()
        accounts = shop.expect_delivered(domain, len(PEOPLE), was_killed=True)
        assert len(accounts) == 2 and all(was <= now for was, now in zip(before, left(shop, domain)))
        shop.expect_no_drift(domain)
    assert rows(shop, "SELECT count(*) FROM charges", file="sandbox.db") == [(4,)]


def test_killed_while_powerdns_does_not_answer(open_shop, site):
    """The call is on its way when dfyd dies; it is done late, and then looked at, not done again."""
    domain = "crashlate.com"
    shop = open_shop()
    site.powerdns.freeze()
    try:
        sell_anyhow(shop, domain)
        wait_for("the call", lambda: rows(shop, "SELECT 1 FROM steps WHERE kind = 'publish_dns' AND state = 'running'"))
        shop.kill()
    finally:
        site.powerdns.thaw()
    before = left(shop, domain)
    shop.restart()
    expect_went_on(shop, domain, before)


# ---- care


def signed_as_published(shop, account):
    """A message of the mailbox, seen by somebody else's verifier through the same DNS."""
    with smtplib.SMTP_SSL(HERE, shop.mail.submissions, context=shop.mail.client_context(), local_hostname="laptop.test") as smtp:
        smtp.login(account["email"], account["password"])
        smtp.sendmail(account["email"], ["buyer@outside.test"], f"From: {account['email']}\r\nTo: buyer@outside.test\r\nSubject: x\r\n"
                                                                "Date: Mon, 23 Nov 2026 07:00:00 +0000\r\nMessage-ID: <1@x.test>\r\n\r\nHello.\r\n")
    message = shop.mail.outside.wait(lambda one: one["sender"] == account["email"] and not one.get("seen"))
    message["seen"] = True
    said = Verifier(shop.dns.dns_port).judge(message["data"], HERE, account["email"], shop.mail.host)
    return "dkim=pass" in said and "dmarc=pass" in said


@pytest.mark.parametrize("point, count", [(point, count) for point in ("care.claimed", "care.keyed", "care.acted", "care.recorded", "zone.changed")
                                          for count in (1, 2) if (point, count) != ("zone.changed", 2)])
def test_killed_while_keys_change(open_shop, point, count):
    domain = f"crash{point.replace('.', '')}keys{count}.com"
    shop = open_shop(check_hours=0)
    shop.sell(domain, "ann")
    account, = shop.expect_delivered(domain, 1)
    first = shop.keys(domain)
    shop.restart(crash_at=point, crash_at_count=count)
    shop.cli("domain", "rotate-dkim", domain)
    shop.wait_dead()
    assert signed_as_published(shop, account), "mail goes on while dfyd is dead"
    shop.restart()
    # The intent stands there from the claim on; the time, once it is done.
    wait_for("the new key", lambda: rows(shop, "SELECT dkim_rotation, dkim_phase FROM domain_care WHERE dkim_since_ms > 0") == [(2, "signing")])
    keys = shop.keys(domain)
    assert set(keys) == {"dfy1", "dfy1e", "dfy2", "dfy2e"} and first.items() <= keys.items()
    assert shop.published_keys(domain) == keys
    assert signed_as_published(shop, account)
    assert sorted(shop.signer("SELECT selector FROM dkim_signer WHERE domain = ?", domain)) == [("dfy2",), ("dfy2e",)]


# ---- cancelled


@pytest.mark.parametrize("point", ["cancel.recorded", "step.claimed", "step.acted", "step.recorded"])
def test_killed_while_a_mailbox_is_cancelled(open_shop, point):
    domain = f"crash{point.replace('.', '')}cancel.com"
    shop = open_shop()
    shop.sell(domain, *PEOPLE)
    accounts = {one["email"]: one["password"] for one in shop.expect_delivered(domain, 2)}
    ben = f"ben@{domain}"
    shop.restart(crash_at=point)
    try:
        shop.request("POST", ORDERS + "/accounts/cancel", json={"accounts": [ben]})
    except requests.RequestException:
        pass
    shop.wait_dead()
    shop.restart()
    shop.ended(domain)
    assert [row[0] for row in shop.mailbox_rows(domain)] == [f"ann@{domain}"]
    assert shop.answer_to_mail(ben) == 550 and not shop.opens(ben, accounts[ben])
    assert shop.opens(f"ann@{domain}", accounts[f"ann@{domain}"])
    shop.cli("ledger", "check")
