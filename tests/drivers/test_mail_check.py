"""The check of a mailbox against a private mail host and a PowerDNS: it works, and each thing that can be wrong is told."""
import contextlib
import imaplib
import re
import signal
import sqlite3
import time

import pytest

from mailbox_talk import Talk
from servers.mailhost import MailHost
from servers.powerdns import PowerDns
from servers.process import wait_until

DOMAIN = "a.test"
EMAIL, PASSWORD = f"ann@{DOMAIN}", "correct-horse-1"


def key_of(email):
    return "key-" + email.partition("@")[0]


class Stack:
    """A mail host whose driver is asked directly, and a DNS that has what the driver wants."""

    def __init__(self):
        with contextlib.ExitStack() as stack:
            self.dns = PowerDns()
            stack.callback(self.dns.end)
            self.host = MailHost()
            stack.callback(self.host.stop)
            self.talk = self.make_talk()
            stack.callback(self.talk.end)
            self._begin()
            self.closing = stack.pop_all()

    def _begin(self):
        self.facts = self.talk.must("facts", domain=DOMAIN)
        # As an installed machine has it by the folders' groups.
        self.host.rights.run("chgrp", "postfix", self.host.mailhost_dir / "mail.db")
        self.host.rights.run("chgrp", "opendkim", self.host.signer_dir / "dkim.db")
        self.host.start()
        self.dns.add_zone(DOMAIN)
        self.publish()
        self.make(EMAIL)

    def make_talk(self, **settings):
        host = self.host
        return Talk(host.mailhost_dir, **{
            "name": host.host, "imap": f"127.0.0.1:{host.imaps}", "submission": f"127.0.0.1:{host.submissions}", "ca_file": host.ca,
            "resolver": f"127.0.0.1:{self.dns.dns_port}", "doveadm_url": f"http://127.0.0.1:{host.doveadm}",
            "doveadm_key": host.doveadm_key, **settings})

    def publish(self):
        for selector, value in self.facts["dkim"]:
            self.dns.set(DOMAIN, f"{selector}._domainkey.{DOMAIN}", "TXT", f'"{value}"')

    def make(self, email, password=PASSWORD):
        self.talk.must("create", email=email, key=key_of(email), password=password)

    def verify(self, email=EMAIL, password=PASSWORD, talk=None):
        since = time.monotonic()
        said = (talk or self.talk).ask("verify", email=email, key=key_of(email), password=password)
        assert time.monotonic() - since < 60, said
        return said

    def works(self, email=EMAIL):
        said = self.verify(email)
        assert said["outcome"] == "done", said

    def says(self, outcome, *pieces, **asked):
        said = self.verify(**asked)
        assert said["outcome"] == outcome and not [one for one in pieces if one not in said["reason"]], said

    @contextlib.contextmanager
    def mailbox(self, email=EMAIL):
        """As its owner sees it, with Python's IMAP."""
        one = imaplib.IMAP4_SSL("127.0.0.1", self.host.imaps, ssl_context=self.host.client_context(), timeout=60)
        one.login(email, PASSWORD)
        one.select("INBOX")
        try:
            yield one
        finally:
            one.logout()

    def subjects(self, email=EMAIL):
        with self.mailbox(email) as one:
            _, found = one.fetch("1:*", "(BODY.PEEK[HEADER.FIELDS (SUBJECT)])") if one.search(None, "ALL")[1][0] else (0, [])
            return sorted(re.search(rb"Subject: (\S+)", part[1]).group(1).decode() for part in found if isinstance(part, tuple))

    def stop(self):
        self.closing.close()


@pytest.fixture(scope="module")
def stack():
    one = Stack()
    yield one
    print(one.host.logs())  # shown when a test failed
    one.stop()


@pytest.fixture(autouse=True)
def all_is_well_again(stack):
    """Whatever a test broke, it mended; and no check leaves anything."""
    yield
    stack.works()
    assert stack.subjects() == []


def test_works_and_leaves_nothing(stack):
    took = []
    for _ in range(3):
        since = time.monotonic()
        stack.works()
        took.append(time.monotonic() - since)
    assert min(took) < 5, took  # a machine may stand still for once
    home, = stack.talk.rows("SELECT home FROM mailhost_users WHERE email = $1", EMAIL)[0]
    assert stack.host.mail_of(home) == b""


def test_many_at_once(stack):
    emails = [f"many{i}@{DOMAIN}" for i in range(24)]
    stack.talk.all([{"do": "create", "email": one, "key": key_of(one), "password": PASSWORD} for one in emails])
    said = stack.talk.all([{"do": "verify", "email": one, "key": key_of(one), "password": PASSWORD} for one in emails])
    assert {(one["outcome"], one["reason"]) for one in said["answers"]} == {("done", "")}


def test_two_checks_of_one_mailbox(stack):
    """Neither takes the other's message for left over."""
    job = {"do": "verify", "email": EMAIL, "key": "k", "password": PASSWORD}
    said = stack.talk.all([job] * 8, threads=4)
    assert {(one["outcome"], one["reason"]) for one in said["answers"]} == {("done", "")}


def test_what_is_deleted(stack):
    """What interrupted checks left, and nothing else: neither the owner's mail, nor what the owner marked, nor a check that runs."""
    def message(subject, *fields):
        return "\r\n".join([f"Subject: {subject}", "From: x@b.test", *fields, "", "text", ""]).encode()
    now, hour_ago = time.time(), time.time() - 3600
    field = "X-Dfyd-Check: 0123456789abcdef0123456789abcdef"
    with stack.mailbox() as box:
        for subject, when, flags, *fields in (("left", hour_ago, None, field), ("left2", hour_ago, r"(\Seen)", field), ("runs", now, None, field),
                                              ("own", hour_ago, None), ("marked", hour_ago, r"(\Deleted)"), ("named", hour_ago, None, "X-Dfyd: 1")):
            box.append("INBOX", flags, imaplib.Time2Internaldate(when), message(subject, *fields))
    stack.works()
    with stack.mailbox() as box:
        assert box.uid("search", None, "DELETED")[1][0].split() != []
    assert stack.subjects() == ["marked", "named", "own", "runs"]
    with stack.mailbox() as box:
        box.store("1:*", "+FLAGS", r"(\Deleted)")
        box.expunge()


# ---- logins


def test_wrong_password(stack):
    stack.says("refused", "login over IMAP was refused: [AUTHENTICATIONFAILED] ", password="wrong-horse-1")


def test_closed_mailbox(stack):
    email = f"closed@{DOMAIN}"
    stack.make(email)
    stack.works(email)
    stack.talk.must("access", email=email, key=key_of(email), allowed=False, change=1)
    stack.says("refused", "login over IMAP was refused: ", email=email)
    stack.talk.must("access", email=email, key=key_of(email), allowed=True, change=2)
    stack.works(email)


def test_odd_password(stack):
    email, odd = f"odd@{DOMAIN}", 'a"b\\c{d}%n$u ü]e*'
    stack.make(email, odd)
    assert stack.verify(email, odd)["outcome"] == "done"


# ---- servers that are down, stopped or broken


def test_dovecot_down(stack):
    with stack.host.without("dovecot"):
        stack.says("unknown", "login over IMAP: ", "connect")


def test_postfix_down(stack):
    with stack.host.without("postfix"):
        stack.says("unknown", "the connection for submission: ", "connect")


@pytest.mark.parametrize("name, reason", [("dovecot", "login over IMAP: no answer within "),
                                          ("postfix", "the connection for submission: no answer within ")])
def test_stopped(stack, name, reason):
    processes = family(stack.host.running[name].pid)
    signal_all(stack, processes, signal.SIGSTOP)
    try:
        stack.says("unknown", reason)
    finally:
        signal_all(stack, processes, signal.SIGCONT)


def family(pid):
    """A process and all that descend from it."""
    found = [pid]
    for one in found:
        with contextlib.suppress(OSError), open(f"/proc/{one}/task/{one}/children", encoding="ascii") as children:
            found += map(int, children.read().split())
    return found


def signal_all(stack, processes, number):
    stack.host.rights.run("sh", "-c", f"kill -{int(number)} {' '.join(map(str, processes))} || true")


@pytest.mark.parametrize("name", ["rsa", "ed25519"])
def test_signer_down(stack, name):
    """Mail is not taken then, so nothing goes out unsigned; it goes on by itself."""
    with stack.host.without(name):
        stack.says("unknown", "login for submission was not taken: 454 ", "; see whether Dovecot and both signers are up")


def test_unsigned(stack):
    with changed(stack, "master.cf", r"-o \{ smtpd_milters = [^}]*\}", "-o smtpd_milters="):
        stack.says("refused", "the message arrived without a DKIM signature")


def test_does_not_arrive(stack):
    with changed(stack, "main.cf", r"\Z", "\ndefer_transports = lmtp\n"):
        stack.says("unknown", "the message was accepted but did not arrive within 10 s; the mailbox holds 0 of 2097152 KiB")
    with stack.mailbox() as box:  # it comes late; a later check would delete it
        stack.host.rights.run("postqueue", "-c", stack.host.path / "etc/postfix", "-f")
        wait_until(lambda: box.noop() and box.search(None, "HEADER", "X-Dfyd-Check", '""')[1][0], "the message comes late")
        box.store("1:*", "+FLAGS", r"(\Deleted)")
        box.expunge()


@contextlib.contextmanager
def changed(stack, name, pattern, by):
    """Postfix with another configuration."""
    path = stack.host.path / "etc/postfix" / name
    before = path.read_text()
    path.write_text(re.sub(pattern, by, before))
    assert path.read_text() != before
    stack.host.restart_server("postfix")
    try:
        yield
    finally:
        path.write_text(before)
        stack.host.restart_server("postfix")


def test_full_mailbox(stack):
    email = f"full@{DOMAIN}"
    stack.make(email)
    with stack.mailbox(email) as box:
        box.append("INBOX", None, None, b"Subject: big\r\n\r\n" + b"x" * 70 + b"\r\n")
    quota = stack.talk.rows("SELECT quota FROM mailhost_users WHERE email = $1", email)[0][0]
    set_quota(stack, email, 10)
    try:
        stack.says("refused", "at submission was refused: 552 ", "full", email=email)
    finally:
        set_quota(stack, email, quota)
    stack.works(email)
    assert stack.subjects(email) == ["big"]


def set_quota(stack, email, quota):
    with contextlib.closing(sqlite3.connect(stack.host.mailhost_dir / "mail.db", timeout=30)) as db, db:
        db.execute("UPDATE mailhost_users SET quota = $1 WHERE email = $2", (quota, email))


# ---- signatures and the DNS


def test_keys_in_the_dns(stack):
    (rsa, rsa_value), (ed25519, ed25519_value) = stack.facts["dkim"]
    name = f"{rsa}._domainkey.{DOMAIN}"
    stack.dns.set(DOMAIN, name, "TXT")
    stack.says("refused", f"the signature by {rsa} does not verify: its key is not in the DNS")
    stack.dns.set(DOMAIN, name, "TXT", f'"{rsa_value[:-12]}AAAAIDAQAB"')
    stack.says("refused", f"the signature by {rsa} does not verify: ")
    stack.dns.set(DOMAIN, name, "TXT", f'"{rsa_value}"', '"v=DKIM1; k=rsa; p="')
    stack.says("refused", f"the key of the signature by {rsa}: the DNS has 2 records where one belongs")
    stack.publish()
    name = f"{ed25519}._domainkey.{DOMAIN}"
    stack.dns.set(DOMAIN, name, "TXT", '"v=DKIM1; k=ed25519; p=11qYAYKxCrfVS/7TyWQHOg7hcvPapiMlrwIaaPcHURo="')
    stack.says("refused", f"the signature by {ed25519} does not verify: the DNS has another key")
    stack.dns.set(DOMAIN, name, "TXT")
    stack.says("refused", f"the signature by {ed25519} does not verify: its key is not in the DNS")
    stack.publish()


def test_rotation(stack):
    """The check believes the new key as soon as it signs, and wants it in the DNS."""
    stack.talk.must("dkim", domain=DOMAIN, rotation=2, phase="announced")
    stack.facts = stack.talk.must("facts", domain=DOMAIN)
    stack.works()  # the first key still signs, whether the second is published or not
    stack.talk.must("dkim", domain=DOMAIN, rotation=2, phase="signing")
    stack.says("refused", "the signature by dfy2", "its key is not in the DNS")
    stack.publish()
    stack.works()
    stack.talk.must("dkim", domain=DOMAIN, rotation=2, phase="sole")
    for selector in ("dfy1", "dfy1e"):
        stack.dns.set(DOMAIN, f"{selector}._domainkey.{DOMAIN}", "TXT")
    stack.facts = stack.talk.must("facts", domain=DOMAIN)


def test_silent_resolver(stack):
    stack.dns.freeze()
    try:
        stack.says("unknown", "the key of the signature by dfy")
    finally:
        stack.dns.thaw()


# ---- certificates


def test_certificates(stack):
    for settings, reason in (({"ca_file": "/etc/ssl/certs/ca-certificates.crt"}, "the certificate is not good for mx.dfyd.test"),
                             ({"name": "mx.other.test"}, "the certificate is not good for mx.other.test")):
        talk = stack.make_talk(**settings)
        stack.says("refused", f"login over IMAP: {reason}", talk=talk)
        talk.end()


# ---- checks that were interrupted


def test_killed_within(stack):
    """Its message lies there until a later check finds it old enough."""
    with changed(stack, "main.cf", r"\Z", "\ndefer_transports = lmtp\n"):
        talk = stack.make_talk()
        talk.write('{"do": "verify", "email": "%s", "key": "k", "password": "%s"}' % (EMAIL, PASSWORD))
        queue = stack.host.path / "queue/deferred"
        wait_until(lambda: any(queue.rglob("*[0-9A-F]*/*")), "the message waits at Postfix")
        talk.process.kill()
        talk.process.wait(60)
    stack.host.rights.run("postqueue", "-c", stack.host.path / "etc/postfix", "-f")
    wait_until(lambda: stack.subjects() == ["Check"], "the message is delivered")
    stack.works()
    assert stack.subjects() == ["Check"]
    with stack.mailbox() as box:  # as if it were from an hour ago
        _, [(_, text), *_] = box.fetch("1", "(BODY.PEEK[])")
        box.append("INBOX", None, imaplib.Time2Internaldate(time.time() - 3600), text)
        box.store("1", "+FLAGS", r"(\Deleted)")
        box.expunge()
    stack.works()
