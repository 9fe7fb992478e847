"""Orders of real mailboxes: `dfyd serve` with PowerDNS and a private mail host. A mailbox is ready, and its password given out, only
when mail from it to itself arrived signed by keys that a resolver sees."""
import contextlib
import imaplib
import itertools

import pytest

from conftest import Server, wait_for
from servers.mailhost import MailHost
from servers.powerdns import PowerDns

numbers = itertools.count(1)


class Site(Server):
    def __init__(self, folder, mailhost, powerdns):
        key = folder / "powerdns.key"
        key.write_text(powerdns.key)
        super().__init__(folder / "data", **mailhost.settings(), dns="powerdns", powerdns_url=powerdns.url, powerdns_key_file=key,
                         dns_nameservers="ns1.dns.test", resolver=f"127.0.0.1:{powerdns.dns_port}", web_address="127.0.0.1",
                         retry_max_ms=300)
        self.mailhost, self.powerdns = mailhost, powerdns

    def sell(self, count=1):
        domain = f"verify-{next(numbers)}.com"
        people = [{"email_address_prefix": f"p{i}", "first_name": "Pat", "last_name": "Lee"} for i in range(count)]
        answer = self.order([{"domain": domain, "email_provider": 2, "accounts": people}])
        assert answer["order_placed"], answer
        return domain

    def can_log_in(self, account):
        with imaplib.IMAP4_SSL("127.0.0.1", self.mailhost.imaps, ssl_context=self.mailhost.client_context()) as one:
            one.login(account["email"], account["password"])
            assert one.select("INBOX") == ("OK", [b"0"]), "a check left something"


@pytest.fixture(scope="module")
def site(tmp_path_factory):
    with contextlib.ExitStack() as stack:
        powerdns = PowerDns()
        stack.callback(powerdns.end)
        mailhost = MailHost()
        stack.callback(mailhost.stop)
        mailhost.start()
        one = Site(tmp_path_factory.mktemp("site"), mailhost, powerdns)
        one.start()
        stack.callback(one.stop)
        yield one
        print(mailhost.logs())  # shown when a test failed


def test_an_order_is_ready_when_its_mailboxes_work(site):
    for account in site.wait_accounts(3, site.sell(3)):
        site.can_log_in(account)


def stays_pending(site, domain, reason):
    """REASON stands in `order show`, and no password is given out."""
    text = site.wait_order(domain, "retrying")
    shown = wait_for(f"`{reason}`", lambda: reason in site.wait_order(domain, "retrying"))
    assert shown and site.ready_accounts(domain) == [], text
    return site.wait_order(domain, "retrying")


@pytest.mark.parametrize("name, reason", [
    ("rsa", "not usable yet: login for submission was not taken: 454 "),
    ("ed25519", "not usable yet: login for submission was not taken: 454 "),
    ("postfix", "not usable yet: the connection for submission: "),
    ("dovecot", "not usable yet: login over IMAP: "),
])
def test_goes_on_by_itself(site, name, reason):
    """With a server down the order waits and says for what; when it is back nobody has to do anything."""
    with site.mailhost.without(name):
        domain = site.sell()
        stays_pending(site, domain, reason)
    account, = site.wait_accounts(1, domain)
    site.can_log_in(account)


def test_a_key_that_the_world_does_not_see(site):
    """Published but changed by hand before the mailbox is verified: it waits, and says for which key."""
    with site.mailhost.without("dovecot"):
        domain = site.sell()
        stays_pending(site, domain, "not usable yet: login over IMAP: ")
        name = f"dfy1._domainkey.{domain}"
        (_, [value]) = site.powerdns.dig(name, "TXT")
        site.powerdns.set(domain, name, "TXT", '"v=DKIM1; k=rsa; p="')
    stays_pending(site, domain, "not usable yet: the signature by dfy1 does not verify: ")
    site.powerdns.set(domain, name, "TXT", f'"{value}"', ttl=3600)
    account, = site.wait_accounts(1, domain)
    site.can_log_in(account)


def test_killed_while_it_waits(site):
    with site.mailhost.without("rsa"):
        domain = site.sell()
        stays_pending(site, domain, "not usable yet: ")
        site.kill()
    site.start()
    account, = site.wait_accounts(1, domain)
    site.can_log_in(account)
