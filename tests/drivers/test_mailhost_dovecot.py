"""The mail host's driver and Dovecot itself, which reads what the driver wrote: who may log in, and what ends when a mailbox ends."""
import contextlib
import imaplib
import itertools
import secrets
import socket

import pytest

from mailbox_talk import Talk
from servers.mailhost import MailHost
from servers.process import wait_until


@pytest.fixture(scope="module")
def host():
    one = MailHost()
    with contextlib.ExitStack() as stack:
        stack.callback(one.stop)
        one.talk = Talk(one.mailhost_dir, secrets=[one.doveadm_key], name=one.host, doveadm_url=f"http://127.0.0.1:{one.doveadm}",
                        doveadm_key=one.doveadm_key)
        stack.callback(one.talk.end)
        one.start_server("dovecot")
        yield one


class Session(imaplib.IMAP4_SSL):
    """From an address of its own, for Dovecot makes an address wait that failed before."""
    addresses = (f"127.0.0.{last}" for last in itertools.count(2))

    def _create_socket(self, timeout):
        plain = socket.create_connection((self.host, self.port), timeout, (next(self.addresses), 0))
        return self.ssl_context.wrap_socket(plain, server_hostname=self.host)


class Account:
    made = 0

    def __init__(self, host, email=None):
        Account.made += 1
        self.host, self.key = host, f"key-{Account.made}"
        self.email, self.password = email or f"user{Account.made}@a.test", secrets.token_hex(12)
        self.named = {"email": self.email, "key": self.key}
        host.talk.must("create", password=self.password, **self.named)

    def login(self):
        session = Session("127.0.0.1", self.host.imaps, ssl_context=self.host.client_context())
        session.login(self.email, self.password)
        assert session.select()[0] == "OK"
        return session

    def cannot_log_in(self):
        with pytest.raises(imaplib.IMAP4.error, match="AUTHENTICATIONFAILED"):
            self.login()


def is_over(session):
    """Whether Dovecot ended it. It is asked for nothing: what it says last may come late."""
    def ended():
        try:
            return session.noop()[0] != "OK"
        except (imaplib.IMAP4.abort, OSError):
            return True
    return wait_until(ended, "the session ends")


def test_works_from_the_moment_that_it_is_made(host):
    for _ in range(3):
        account = Account(host)
        account.login().logout()
    account.password = "another"
    account.cannot_log_in()


def test_removal_ends_its_sessions_and_no_others(host):
    ann, bob = Account(host), Account(host)
    sessions, other = [ann.login() for _ in range(3)], bob.login()
    host.talk.must("remove", **ann.named)
    assert all(is_over(one) for one in sessions)
    ann.cannot_log_in()
    assert other.noop()[0] == "OK"
    other.logout()
    host.talk.must("remove", **ann.named)


def test_closed_and_opened_again(host):
    ann = Account(host)
    session = ann.login()
    assert session.append("INBOX", None, None, b"Subject: kept\r\n\r\nx\r\n")[0] == "OK"
    host.talk.must("access", **ann.named, allowed=False, change=1)
    assert is_over(session)
    ann.cannot_log_in()
    host.talk.must("access", **ann.named, allowed=True, change=2)
    session = ann.login()
    assert session.select()[1] == [b"1"]
    session.logout()


def test_an_address_that_is_sold_again_starts_empty(host):
    ann = Account(host)
    session = ann.login()
    assert session.append("INBOX", None, None, b"Subject: for Ann alone\r\n\r\nx\r\n")[0] == "OK"
    session.logout()
    host.talk.must("remove", **ann.named)
    next_one = Account(host, ann.email)
    session = next_one.login()
    assert session.select()[1] == [b"0"]
    session.logout()
    ann.cannot_log_in()


def test_a_new_password(host):
    ann = Account(host)
    before = ann.password
    ann.password = secrets.token_hex(12)
    host.talk.must("create", password=ann.password, **ann.named)
    ann.login().logout()
    ann.password = before
    ann.cannot_log_in()


def test_dovecot_is_away_for_a_while(host):
    ann = Account(host)
    with host.without("dovecot"):
        said = host.talk.ask("remove", **ann.named)
        assert said["outcome"] == "unknown" and "does not answer" in said["reason"], said
    ann.cannot_log_in()
    host.talk.must("remove", **ann.named)


def test_another_key(host, tmp_path):
    talk = Talk(host.mailhost_dir, name=host.host, doveadm_url=f"http://127.0.0.1:{host.doveadm}", doveadm_key="another")
    ann = Account(host)
    said = talk.ask("remove", **ann.named)
    assert said["outcome"] == "unknown" and "mailhost_doveadm_key_file" in said["reason"], said
    talk.end()
