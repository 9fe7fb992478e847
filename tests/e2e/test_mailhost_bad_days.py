"""Whole orders on bad days, with PowerDNS and a mail host: what waits says why and what to do, goes on by itself, and nothing is
made twice or overwritten unasked."""
import contextlib
import itertools
import sqlite3
import time

import pytest

from conftest import rows, wait_for
from servers.process import Folder
from servers.site import Site
from servers.sold import HERE, Disk, Shop

numbers = itertools.count(1)
POWERDNS_WAIT_S = 8  # for one answer, as src/driver/dns/powerdns/powerdns.c


@pytest.fixture(scope="module")
def disk():
    """The mail host's files lie on a small disk, where one can be mounted."""
    folder = Folder("small-disk")
    disk = Disk(folder.path / "mailhost", 4096)
    yield disk
    disk.end()
    folder.remove()


@pytest.fixture(scope="module")
def site(disk, request):
    failed = request.session.testsfailed
    one = Site(disk.folder)
    yield one
    if request.session.testsfailed > failed:
        print(one.mailhost.logs())
    one.close()


@pytest.fixture(scope="module")
def shop(site, tmp_path_factory):
    with pytest.MonkeyPatch.context() as patch:
        # Nobody is killed here, and a host that hangs keeps its caller longer than the short leases of tests last.
        one = Shop(site, tmp_path_factory.mktemp("shop") / "data", patch, check_hours=0, lease_ms=120_000)
        one.start()
        yield one
        one.stop()


@pytest.fixture
def domain():
    return f"badday{next(numbers)}.com"


@contextlib.contextmanager
def frozen(process):
    """It hangs: connections are made, and nobody answers."""
    process.freeze()
    try:
        yield
    finally:
        process.thaw()


@contextlib.contextmanager
def down(powerdns):
    powerdns.stop()
    try:
        yield
    finally:
        powerdns.start()


# ---- PowerDNS


def test_powerdns_is_down(shop, domain):
    with down(shop.dns):
        shop.sell(domain, "ann", "ben", forwarding_domain="home.net")
        shop.says(domain, "no answer from PowerDNS", "see that it runs, at powerdns_url")
        shown = shop.records(domain)
        assert not shown["ok"] and "no answer from PowerDNS" in shown["reason"]
        assert shop.is_pending(domain) and shop.mailbox_rows(domain) == []
    shop.expect_delivered(domain, 2)
    assert shop.dns.dig(domain, "A") == (300, [HERE])
    shop.expect_no_drift(domain)


def test_powerdns_is_slow(shop, domain):
    """It hangs: orders are taken at once all the same, and what was asked for is done once when it goes on."""
    with frozen(shop.dns.process):
        since = time.monotonic()
        shop.sell(domain)
        assert time.monotonic() - since < POWERDNS_WAIT_S, "it was waited for"
        shop.says(domain, "no answer from PowerDNS", "see that it runs, at powerdns_url")
        assert shop.is_pending(domain)
    shop.expect_delivered(domain, 1)


def test_powerdns_is_slower_than_a_lease(shop, domain):
    """Whoever waits for it has lost the step to another meanwhile: the log says what to raise."""
    shop.restart(lease_ms=1000)
    with frozen(shop.dns.process):
        shop.sell(domain)
        lost = wait_for("a lost lease", lambda: [line for line in shop.log().splitlines() if "event=step_lease_lost" in line and domain in line])
        assert all('next="another worker took it over; raise lease_ms if this goes on"' in line for line in lost), lost
    shop.restart()
    shop.expect_delivered(domain, 1)


def test_powerdns_does_not_take_the_records(shop, domain):
    """422: no record may stand beside a CNAME. The rest of the zone is not published by halves."""
    shop.dns.add_zone(domain, "dfyd", rrsets=[cname(f"_dmarc.{domain}")])
    shop.sell(domain)
    shop.says(domain, "PowerDNS does not take these records (422)", f"_dmarc.{domain}", "Conflicts", "remove")
    assert shop.dns.kept(domain, domain, "MX") is None and shop.is_pending(domain)
    shop.dns.set(domain, f"_dmarc.{domain}", "CNAME")
    shop.expect_delivered(domain, 1)


def cname(name):
    return {"name": f"{name}.", "type": "CNAME", "ttl": 300, "records": [{"content": "else.where.", "disabled": False}]}


def test_the_key_is_wrong(shop, site, domain):
    """Mended in the file and by a restart; no secret is told."""
    file = site.powerdns.folder.path / "key"
    file.write_text("wrong-4711")
    try:
        shop.restart()
        shop.sell(domain)
        reason = shop.says(domain, "PowerDNS refuses the key", "powerdns_key_file")
        assert "4711" not in reason and "4711" not in shop.log()
    finally:
        file.write_text(site.powerdns.key)
        shop.restart()
    shop.expect_delivered(domain, 1)


# ---- a zone that is not as dfyd left it


def test_the_zone_is_somebody_elses(shop, domain):
    """Nothing in it is changed, whatever is asked for, until the operator gives it to dfyd; what else is in it stays even then."""
    shop.dns.add_zone(domain, "hosting", rrsets=[{"name": f"shop.{domain}.", "type": "A", "ttl": 60, "records": [
        {"content": "192.0.2.7", "disabled": False}]}])
    before = shop.dns.api("GET", f"/zones/{domain}.").json()["rrsets"]
    shop.sell(domain)
    shop.says(domain, f"a zone {domain} that is not dfyd's", "remove it there, or give it to dfyd")
    shop.repair(domain)
    attempts = tries(shop, domain)
    wait_for("two more tries", lambda: tries(shop, domain) >= attempts + 2)
    assert shop.dns.api("GET", f"/zones/{domain}.").json()["rrsets"] == before and shop.is_pending(domain)
    assert "not dfyd's" in shop.records(domain)["reason"]
    assert shop.dns.api("PUT", f"/zones/{domain}.", {"account": "dfyd"}).status_code == 204
    shop.expect_delivered(domain, 1)
    assert shop.dns.dig(f"shop.{domain}", "A") == (60, ["192.0.2.7"])


def tries(shop, domain):
    return rows(shop, "SELECT max(s.attempts) FROM steps s JOIN domains d ON d.id = s.domain_id WHERE d.name = ? AND s.state <> 'done'", domain)[0][0]


def test_a_record_stands_there_before_the_first(shop, domain):
    shop.dns.add_zone(domain, "dfyd")
    shop.dns.set(domain, domain, "MX", "5 mail.else.")
    shop.sell(domain)
    shop.says(domain, f"{domain} MX was put there by hand", '"5 mail.else."', f"`dfyd domain repair {domain}` changes it back")
    line, = [one for one in shop.records(domain)["records"] if one["state"] == "by_hand"]
    assert (line["type"], line["published"], line["wanted"]) == ("MX", ["5 mail.else."], [f"10 {shop.mail.host}."])
    assert shop.dns.dig(domain, "MX") == (300, ["5 mail.else."]) and shop.is_pending(domain)
    assert shop.dns.kept(domain, f"_dmarc.{domain}", "TXT") is None, "nothing of the part is changed"
    shop.repair(domain)
    shop.expect_delivered(domain, 1)
    assert shop.dns.dig(domain, "MX")[1] == [f"10 {shop.mail.host}."]


def test_a_record_is_changed_later(shop, domain):
    """Found by the check, told as an event, left alone also by a restart, changed back by the repair alone."""
    shop.sell(domain)
    shop.expect_delivered(domain, 1)
    shop.expect_no_drift(domain)
    shop.dns.set(domain, domain, "MX", "5 mail.else.")
    done = shop.run("domain", "check", domain)
    assert done.returncode == 1 and done.stderr.startswith(f"dfyd: {domain}: 1 finding")
    assert f"`dfyd domain repair {domain}` publishes it again" in done.stdout and "5 mail.else." in done.stdout
    assert domain in shop.cli("domain", "list", "--stuck") and f"MX {domain}" in shop.cli("domain", "show", domain)
    line, = [one for one in shop.records(domain)["records"] if one["state"] != "ok"]
    assert (line["type"], line["state"], line["published"]) == ("MX", "by_hand", ["5 mail.else."])
    assert len(shop.events("dfy_domain_drifted", domain)) == 1
    shop.restart()
    assert shop.run("domain", "check", domain).returncode == 1
    assert len(shop.events("dfy_domain_drifted", domain)) == 1, "told once"
    assert shop.dns.dig(domain, "MX") == (300, ["5 mail.else."])
    shop.repair(domain)
    wait_for("the repair", lambda: shop.dns.dig(domain, "MX")[1] == [f"10 {shop.mail.host}."])
    shop.ended(domain)
    shop.expect_no_drift(domain)
    assert len(shop.events("dfy_domain_restored", domain)) == 1
    assert domain not in shop.cli("domain", "list", "--stuck")


# ---- the mail host


@pytest.mark.parametrize("server, words", [
    ("dovecot", ["login over IMAP", "see whether Dovecot is up"]),
    ("postfix", ["the connection for submission", "see whether Postfix is up"]),
    ("mail-lookup", ["the recipient at submission", "451", "see whether mail-lookup is up"]),
    ("rsa", ["login for submission", "454", "see whether Dovecot and both signers are up"]),
    ("ed25519", ["login for submission", "454", "see whether Dovecot and both signers are up"]),
])
def test_a_server_of_the_mail_host_is_down(shop, domain, server, words):
    with shop.mail.without(server):
        shop.sell(domain)
        shop.says(domain, "made; not usable yet: ", *words)
        assert shop.is_pending(domain)
    shop.expect_delivered(domain, 1)


@pytest.mark.parametrize("server, words", [("dovecot", ["login over IMAP: no answer", "see whether Dovecot is up"]),
                                           ("postfix", ["the connection for submission: no answer", "see whether Postfix is up"])])
def test_a_server_of_the_mail_host_hangs(shop, domain, server, words):
    with frozen(shop.mail.running[server]):
        shop.sell(domain)
        shop.says(domain, "made; not usable yet: ", *words)
        assert shop.is_pending(domain)
    shop.expect_delivered(domain, 1)


def test_dovecot_refuses(shop, domain):
    """A right password is refused, since somebody closed the mailbox in the mail host's own book."""
    with shop.mail.without("dovecot"):
        shop.sell(domain)
        shop.says(domain, "login over IMAP")
        close(shop, domain, 0)
    shop.says(domain, "made; not usable yet: login over IMAP was refused: [AUTHENTICATIONFAILED]")
    assert shop.is_pending(domain)
    close(shop, domain, 1)
    shop.expect_delivered(domain, 1)


def close(shop, domain, active):
    with contextlib.closing(sqlite3.connect(shop.mail.mailhost_dir / "mail.db", timeout=10)) as db, db:
        assert db.execute("UPDATE mailhost_users SET active = ? WHERE domain = ?", (active, domain)).rowcount == 1


def test_the_signer_does_not_know_the_key(shop, domain):
    """It lets nothing out unsigned."""
    with shop.mail.without("dovecot"):
        shop.sell(domain)
        shop.says(domain, "login over IMAP")
        signing = shop.signer("DELETE FROM dkim_signing WHERE domain = ? RETURNING domain, algorithm, name", domain)
        assert len(signing) == 2
    shop.says(domain, "made; not usable yet: the message at submission was not taken: 451", "see the logs of Postfix and of both signers")
    assert shop.is_pending(domain)
    for one in signing:
        shop.signer("INSERT INTO dkim_signing VALUES (?, ?, ?)", *one)
    shop.expect_delivered(domain, 1)


def test_no_room_for_mailboxes(shop, disk, domain):
    """The disk with mail.db and the keys is full: first no key can be made, then no mailbox. What was sold before works on."""
    if not disk.is_there:
        pytest.skip("nobody may mount a file system here")
    shop.sell(domain, "ann")
    sold, = shop.expect_delivered(domain, 1)
    other, third = domain.replace("bad", "worse"), domain.replace("bad", "worst")
    shop.dns.add_zone(other, "hosting")
    shop.sell(other)
    shop.says(other, "not dfyd's")  # its keys are made
    disk.fill()
    try:
        assert shop.dns.api("PUT", f"/zones/{other}.", {"account": "dfyd"}).status_code == 204
        shop.says(other, "mail.db: no room left on its disk")
        shop.sell(third)
        shop.says(third, "dkim.db: no room left on its disk")
        assert shop.is_pending(other) and shop.is_pending(third)
        assert shop.opens(sold["email"], sold["password"])
    finally:
        disk.free()
    for one in (other, third):
        shop.expect_delivered(one, 1)


def test_no_room_for_mail(shop, domain):
    """The disk with the mail is full: nothing can be delivered, so nothing is ready."""
    disk = Disk(shop.mail.path / "mail", 256)
    if not disk.is_there:
        pytest.skip("nobody may mount a file system here")
    try:
        shop.mail.rights.run("chown", "mail:mail", disk.folder)
        disk.fill()
        shop.sell(domain)
        shop.says(domain, "made; not usable yet: opening INBOX over IMAP", "see Dovecot's log")
        assert shop.is_pending(domain)
        disk.free()
        shop.expect_delivered(domain, 1)
    finally:
        disk.end()


# ---- cancelled meanwhile


def test_cancelled_before_anything_is_made(shop, domain):
    """While PowerDNS is down: the mailboxes are never made, and their addresses can be sold again."""
    with down(shop.dns):
        shop.sell(domain, "ann", "ben")
        shop.says(domain, "no answer from PowerDNS")
        assert len(shop.cancel(f"ann@{domain}", f"ben@{domain}")) == 2
    shop.ended(domain)
    assert shop.mailbox_rows(domain) == [] and shop.is_pending(domain)
    assert shop.answer_to_mail(f"ann@{domain}") in (550, 554)
    shop.cli("ledger", "check")


def test_cancelled_while_it_cannot_be_used(shop, domain):
    """One of two is cancelled while Postfix is down: it goes at once, the other one is delivered."""
    with shop.mail.without("postfix"):
        shop.sell(domain, "ann", "ben")
        shop.says(domain, "the connection for submission")
        wait_for("both rows", lambda: len(shop.mailbox_rows(domain)) == 2)
        shop.cancel(f"ben@{domain}")
        wait_for("one row", lambda: [row[0] for row in shop.mailbox_rows(domain)] == [f"ann@{domain}"])
    shop.expect_delivered(domain, 1)
    assert shop.answer_to_mail(f"ben@{domain}") == 550


def test_cancelled_while_the_mail_host_is_down(shop, domain):
    """Its row goes at once; that sessions may be open is told until Dovecot is back. """
    shop.sell(domain, "ann", "ben")
    by_name = {one["email"].partition("@")[0]: one for one in shop.expect_delivered(domain, 2)}
    with shop.mail.without("dovecot"):
        shop.cancel(f"ben@{domain}")
        shop.says(domain, "it cannot log in any more; sessions that are open go on", "is Dovecot up?")
        assert [row[0] for row in shop.mailbox_rows(domain)] == [f"ann@{domain}"]
        assert shop.answer_to_mail(f"ben@{domain}") == 550
    shop.ended(domain)
    assert not shop.opens(**pick(by_name["ben"])) and shop.opens(**pick(by_name["ann"]))


def pick(account):
    return {"email": account["email"], "password": account["password"]}


def test_an_address_that_is_sold_again(shop, domain):
    """Its new owner never sees old mail, nor does the old one new mail, also when the removal was late."""
    shop.sell(domain, "ann", "keep")
    old = next(one for one in shop.expect_delivered(domain, 2) if one["email"].startswith("ann"))
    assert shop.answer_to_mail(old["email"], b"Subject: old secret\r\n\r\nx\r\n") == 250
    wait_for("the old mail", lambda: len(shop.inbox(old)) == 1)
    with shop.mail.without("dovecot"):
        # taken by Postfix, and still on its way when the mailbox ends
        assert shop.answer_to_mail(old["email"], b"Subject: late secret\r\n\r\nx\r\n") == 250
        shop.cancel(old["email"])
        shop.says(domain, "sessions that are open go on")
    shop.ended(domain)
    shop.sell(domain, "ann", type="extra_accounts")
    new, = wait_for("the new mailbox", lambda: [
        one for one in shop.ready_accounts(domain) if one["email"] == old["email"] and one["id"] != old["id"]])
    assert shop.inbox(new) == [] and not shop.opens(**pick(old))
    assert shop.answer_to_mail(new["email"], b"Subject: new\r\n\r\nx\r\n") == 250
    mail = wait_for("the new mail", lambda: shop.inbox(new))
    assert len(mail) == 1 and b"Subject: new" in mail[0]
    homes = [row[2] for row in shop.mailbox_rows(domain)]
    assert new["id"] in homes and old["id"] not in homes
