"""The servers of a mail host as packaging/mailhost configures them, with rows that the test writes: what they read, and what they refuse."""
import base64
import concurrent.futures
import contextlib
import imaplib
import os
import smtplib
import socket
import sqlite3
import subprocess
import threading
import time

import dkim
import pytest

from servers.mailhost import MailHost
from servers.process import wait_until

PASSWORD = "correct horse battery"
SIGNER_SCHEMA = """
CREATE TABLE dkim_keys(name TEXT PRIMARY KEY, domain TEXT NOT NULL, algorithm TEXT NOT NULL, selector TEXT NOT NULL, private_key TEXT NOT NULL);
CREATE TABLE dkim_signing(domain TEXT NOT NULL, algorithm TEXT NOT NULL, name TEXT NOT NULL REFERENCES dkim_keys(name), PRIMARY KEY(domain, algorithm));
CREATE VIEW dkim_signer AS SELECT s.domain, s.algorithm, k.selector, k.private_key FROM dkim_signing s JOIN dkim_keys k ON k.name = s.name;
"""
MAIL_SCHEMA = """
CREATE TABLE mailhost_domains(name TEXT PRIMARY KEY);
CREATE TABLE mailhost_users(email TEXT PRIMARY KEY, password TEXT, active INTEGER, quota INTEGER, home TEXT, sends_per_day INTEGER);
"""


def openssl(*words, stdin=b""):
    return subprocess.run(["openssl", *words], input=stdin, check=True, capture_output=True).stdout


class Books:
    """mail.db and dkim.db, kept as dfyd keeps them."""

    def __init__(self, host):
        self.dns = {}  # TXT records of the keys
        self.mail = self._make(host.mailhost_dir / "mail.db", MAIL_SCHEMA)
        self.signer = self._make(host.signer_dir / "dkim.db", SIGNER_SCHEMA)
        self.hash = subprocess.run(["doveadm", "-O", "pw", "-s", "ARGON2ID", "-p", PASSWORD], check=True,
                                   capture_output=True, text=True).stdout.strip().partition("}")[2]

    @staticmethod
    def _make(path, schema):
        db = sqlite3.connect(path, isolation_level=None, timeout=10)
        db.executescript(schema)
        os.chmod(path, 0o640)
        return db

    def domain(self, name, algorithms=("rsa", "ed25519"), selector="dfy1"):
        self.mail.execute("INSERT OR IGNORE INTO mailhost_domains VALUES (?)", (name,))
        for algorithm in algorithms:
            self.key(name, algorithm, selector + ("e" if algorithm == "ed25519" else ""))

    def key(self, domain, algorithm, selector):
        how = ["-algorithm", "ED25519"] if algorithm == "ed25519" else ["-algorithm", "RSA", "-pkeyopt", "rsa_keygen_bits:2048"]
        private = openssl("genpkey", *how)
        public = openssl("pkey", "-pubout", "-outform", "DER", stdin=private)
        public = public[-32:] if algorithm == "ed25519" else public  # RFC 8463: the bare key
        self.dns[f"{selector}._domainkey.{domain}."] = f"v=DKIM1; k={algorithm}; p={base64.b64encode(public).decode()}".encode()
        with self.transaction(self.signer) as db:
            db.execute("INSERT INTO dkim_keys VALUES (?, ?, ?, ?, ?)", (f"{domain}/{selector}", domain, algorithm, selector, private.decode()))
            db.execute("INSERT INTO dkim_signing VALUES (?, ?, ?) ON CONFLICT DO UPDATE SET name = excluded.name",
                       (domain, algorithm, f"{domain}/{selector}"))

    def user(self, email, home=None, quota=50 << 20, sends=100):
        self.mail.execute("INSERT INTO mailhost_users VALUES (?, ?, 1, ?, ?, ?)", (email, self.hash, quota, home or f"acc_{email}", sends))
        return email

    def set(self, email, **columns):
        for name, value in columns.items():
            self.mail.execute(f"UPDATE mailhost_users SET {name} = ? WHERE email = ?", (value, email))

    @staticmethod
    @contextlib.contextmanager
    def transaction(db):
        db.execute("BEGIN IMMEDIATE")
        yield db
        db.execute("COMMIT")

    def verify(self, message):
        """(selector, whether it holds) of each signature."""
        checker = dkim.DKIM(message)
        found = []
        for index, (_, value) in enumerate([h for h in checker.headers if h[0].lower() == b"dkim-signature"]):
            fields = dkim.util.parse_tag_value(value)
            try:
                holds = dkim.DKIM(message).verify(index, dnsfunc=lambda name, timeout=5: self.dns.get(name.decode()))
            except dkim.ValidationError:
                holds = False
            found.append((fields[b"s"].decode(), fields[b"d"].decode(), holds))
        return sorted(found)


@pytest.fixture(scope="module")
def host(request):
    failed = request.session.testsfailed
    host = MailHost()
    try:
        host.books = Books(host)
        host.books.domain("ex1.test")
        host.books.domain("ex2.test")
        yield host.start()
    finally:
        if request.session.testsfailed > failed:
            print(host.logs())
        host.stop()


@pytest.fixture(scope="module")
def books(host):
    return host.books


@contextlib.contextmanager
def submission(host, login=None, password=PASSWORD, port=None):
    if port == host.submission:
        smtp = smtplib.SMTP("127.0.0.1", port, local_hostname="laptop.home", timeout=30)
        smtp.starttls(context=host.client_context())
    else:
        smtp = smtplib.SMTP_SSL("127.0.0.1", host.submissions, local_hostname="laptop.home", timeout=30, context=host.client_context())
    try:
        if login:
            smtp.ehlo()
            smtp.user, smtp.password = login, password
            smtp.auth("PLAIN", smtp.auth_plain)
        yield smtp
    finally:
        smtp.close()


def text(sender, subject="hello", body="hello\r\n", more=""):
    return f"From: {sender}\r\n{more}Subject: {subject}\r\nTo: somebody@outside.test\r\n\r\n{body}"


def send(host, login, *to, sender=None, header=None, **rest):
    """What the server said: (250, ...) or its refusal."""
    port = rest.pop("port", None)
    with submission(host, login, port=port) as smtp:
        smtp.ehlo()
        for code, words in (smtp.mail(sender or login), *(smtp.rcpt(one) for one in to)):
            if code >= 400:
                return code, words.decode()
        code, words = smtp.data(text(header or f"Somebody <{login}>", **rest))
        return code, words.decode()


def outside_in(host, to, sender="stranger@outside.test", body="hello\r\n", size=None):
    """The same for a stranger at port 25."""
    with smtplib.SMTP("127.0.0.1", host.mx, local_hostname="outside.test", timeout=30) as smtp:
        smtp.ehlo()
        for code, words in (smtp.mail(sender, [f"SIZE={size}"] if size else []), smtp.rcpt(to)):
            if code >= 400:
                return code, words.decode()
        code, words = smtp.data(text(sender, body=body))
        return code, words.decode()


@contextlib.contextmanager
def imap(host, login, password=PASSWORD):
    one = imaplib.IMAP4_SSL("127.0.0.1", host.imaps, ssl_context=host.client_context(), timeout=30)
    try:
        one.login(login, password)
        yield one
    finally:
        with contextlib.suppress(OSError, imaplib.IMAP4.error):
            one.logout()


def inbox(host, login, subject=None):
    """The messages of a mailbox, over IMAP."""
    with imap(host, login) as one:
        one.select(readonly=True)
        numbers = one.search(None, *(["SUBJECT", f'"{subject}"'] if subject else ["ALL"]))[1][0].split()
        return [one.fetch(number, "(RFC822)")[1][0][1] for number in numbers]


def test_dovecot_has_nothing_to_warn_of(host):
    """The installer stops at such words: limits that do not fit each other, above all."""
    done = subprocess.run(["doveconf", "-n", "-c", str(host.folder.path / "etc/dovecot/dovecot.conf")], capture_output=True, text=True)
    assert done.returncode == 0 and "warning" not in done.stderr.lower(), done.stderr


def test_login_over_tls_only(host, books):
    user = books.user("login@ex1.test")
    with imap(host, user) as one:
        assert one.select()[0] == "OK"
        assert {b"Drafts", b"Junk", b"Sent", b"Trash", b"INBOX"} == {line.rpartition(b" ")[2] for line in one.list()[1]}
    with imap(host, user.upper()) as one:
        assert one.select()[0] == "OK"
    with pytest.raises(imaplib.IMAP4.error, match="AUTHENTICATIONFAILED"), imap(host, user, "wrong"):
        pass
    with smtplib.SMTP("127.0.0.1", host.submission, timeout=30) as smtp:
        smtp.ehlo()
        assert not smtp.has_extn("auth")
        assert smtp.docmd("MAIL", f"FROM:<{user}>")[0] == 530  # STARTTLS first
    with smtplib.SMTP("127.0.0.1", host.mx, timeout=30) as smtp:
        smtp.starttls(context=host.client_context())
        smtp.ehlo()
        assert not smtp.has_extn("auth")  # port 25 takes no logins
    with submission(host) as smtp:
        smtp.ehlo()
        assert smtp.mail("somebody@outside.test")[0] in (530, 554) or smtp.rcpt(user)[0] in (530, 554)


def test_wrong_passwords_do_not_slow_others_down(host, books):
    """All come from one address here, as dfyd's own logins do."""
    user = books.user("patience@ex1.test")
    for number in range(4):
        with pytest.raises(imaplib.IMAP4.error, match="AUTHENTICATIONFAILED"), imap(host, f"guess{number}@ex1.test", "wrong"):
            pass
    started = time.monotonic()
    with imap(host, user), submission(host, user):
        pass
    assert time.monotonic() - started < 10, "Dovecot lets who guessed four times wait for 15 s"


def test_mail_to_each_other_and_outside_is_signed_by_both_keys(host, books):
    one, other = books.user("one@ex1.test"), books.user("other@ex2.test")
    for port in (host.submissions, host.submission):
        subject = f"signed {port}"
        code, words = send(host, one, other, "friend@outside.test", subject=subject, port=port)
        assert code == 250, words
        gone = host.outside.wait(lambda message: subject.encode() in message["data"])
        assert (gone["sender"], gone["recipients"], gone["is_tls"]) == (one, ["friend@outside.test"], True)
        assert books.verify(gone["data"]) == [("dfy1", "ex1.test", True), ("dfy1e", "ex1.test", True)]
        here, = wait_until(lambda: inbox(host, other, subject), "the message arrives")
        assert books.verify(here) == [("dfy1", "ex1.test", True), ("dfy1e", "ex1.test", True)]
        assert books.verify(here.replace(b"hello", b"Hello"))[0][2] is False


def test_the_senders_place_and_program_are_not_told(host, books):
    user = books.user("private@ex1.test")
    assert send(host, user, "friend@outside.test", subject="private", more="User-Agent: Program/1\r\nX-Originating-IP: 192.0.2.7\r\n")[0] == 250
    data = host.outside.wait(lambda message: b"Subject: private" in message["data"])["data"]
    for word in (b"laptop.home", b"127.0.0.1", b"Program/1", b"192.0.2.7"):
        assert word not in data
    assert data.count(b"Received:") == 1 and b"by mx.dfyd.test (Postfix) with ESMTPSA" in data
    assert b"Message-Id: <" in data and b"Date: " in data  # added, and signed with the rest


def test_sender_must_be_the_mailbox_that_logged_in(host, books):
    mine, theirs = books.user("mine@ex1.test"), books.user("theirs@ex1.test")
    for sender in (theirs, "somebody@outside.test", "nobody@ex1.test"):
        code, words = send(host, mine, theirs, sender=sender)
        assert (code, "not owned by user" in words) == (553, True), words
    assert send(host, mine, theirs, sender="Mine@EX1.test")[0] == 250


@pytest.mark.parametrize("header", [
    "{theirs}", "{mine}, {theirs}", "Me <{mine}>, <{theirs}>", "{theirs} <{mine}>", "<{theirs}> <{mine}>", "Me <{mine}> ({theirs}) <{theirs}>",
    '"Me <{mine}>" <{theirs}>', "friends: {mine};", "nobody", "{mine}\r\nFrom: {theirs}"])
def test_from_header_of_somebody_else_is_refused(host, books, header):
    mine, theirs = "header@ex1.test", "victim@ex1.test"
    books.mail.execute("INSERT OR IGNORE INTO mailhost_users VALUES (?, ?, 1, 1000000, 'acc_header', 1000)", (mine, books.hash))
    code, words = send(host, mine, mine, header=header.format(mine=mine, theirs=theirs))
    assert (code, "From: must be the mailbox" in words) == (550, True), words


@pytest.mark.parametrize("header", [
    "{mine}", "<{mine}>", '"Doe, John <boss@outside.test>" <{mine}>', "=?utf-8?q?J=C3=B6rg?= <{mine}>", "Me\r\n <{mine}>", "{mine} (me)",
    '"a \\" b" <{mine}>', "M. E. <HEADER@ex1.test>"])
def test_from_header_of_ones_own_is_taken(host, books, header):
    mine = "header@ex1.test"
    books.mail.execute("INSERT OR IGNORE INTO mailhost_users VALUES (?, ?, 1, 1000000, 'acc_header', 1000)", (mine, books.hash))
    code, words = send(host, mine, mine, header=header.format(mine=mine))
    assert code == 250, words


def test_no_relay_and_no_unknown_recipients(host, books):
    user = books.user("known@ex1.test")
    assert outside_in(host, user)[0] == 250
    for to, code in (("somebody@elsewhere.test", 554), ("unknown@ex1.test", 550), ("known@ex9.test", 554), ("known%ex9.test@ex1.test", 554),
                     ("@ex1.test:somebody@elsewhere.test", 554), ("somebody@[127.0.0.1]", 550)):
        got, words = outside_in(host, to)
        assert got == code, (to, got, words)
    assert outside_in(host, "known@ex1.test' OR '1'='1")[0] >= 500
    assert outside_in(host, f"postmaster@{host.host}")[0] == 250  # the operator's


@pytest.mark.parametrize("end", [b"\n.\n", b"\n.\r\n", b"\r\n.\n"])
def test_no_message_hides_in_another(host, books, end):
    user = books.user(f"hidden{len(end)}{end.count(13)}{end[0]}@ex1.test").encode()
    hidden = b"MAIL FROM:<ceo@ex1.test>\r\nRCPT TO:<" + user + b">\r\nDATA\r\nSubject: hidden\r\n\r\nhidden\r\n"
    with socket.create_connection(("127.0.0.1", host.mx), timeout=20) as client, client.makefile("rb") as answers:
        for line, code in ((b"", b"220"), (b"HELO sender.test", b"250"), (b"MAIL FROM:<a@outside.test>", b"250"),
                           (b"RCPT TO:<" + user + b">", b"250"), (b"DATA", b"354")):
            if line:
                client.sendall(line + b"\r\n")
            assert answers.readline().startswith(code)
        client.sendall(b"Subject: shown\r\n\r\nshown" + end + hidden + b"\r\n.\r\nQUIT\r\n")
        assert [line[:3] for line in answers.read().splitlines()] == [b"250", b"221"]


def test_what_is_signed_comes_by_submission_only(host, books):
    user = books.user("forged@ex1.test")
    assert outside_in(host, user, sender="known@ex1.test")[0] == 250
    message, = wait_until(lambda: inbox(host, user), "the message arrives")
    assert b"DKIM-Signature" not in message


def test_a_cancelled_mailbox_stops_at_once(host, books):
    user, other = books.user("closed@ex1.test"), books.user("open@ex1.test")
    with submission(host, user) as smtp:  # logged in before
        smtp.ehlo()
        books.set(user, active=0)
        assert smtp.mail(user)[0] == 250
        assert smtp.rcpt(other)[0] == 553
        smtp.rset()
        assert (smtp.mail("")[0], smtp.rcpt(other)[0]) == (250, 250)  # no sender to compare; but who sends is still known
        code, words = smtp.data(text(user))
        assert (code, b"closed" in words) == (550, True)
    assert outside_in(host, user)[0] == 550
    with pytest.raises(imaplib.IMAP4.error, match="AUTHENTICATIONFAILED"), imap(host, user):
        pass
    with pytest.raises(smtplib.SMTPAuthenticationError) as refused, submission(host, user):
        pass
    assert refused.value.smtp_code == 535
    books.set(user, active=1)
    assert outside_in(host, user)[0] == 250
    with imap(host, user) as one:
        assert one.select()[0] == "OK"


def test_an_address_that_is_sold_again_is_empty(host, books):
    user = books.user("again@ex1.test", home="acc_first")
    assert outside_in(host, user)[0] == 250
    wait_until(lambda: inbox(host, user), "the message arrives")
    books.mail.execute("DELETE FROM mailhost_users WHERE email = ?", (user,))
    assert outside_in(host, user)[0] == 550
    books.user(user, home="acc_second")
    assert inbox(host, user) == []
    assert outside_in(host, user)[0] == 250
    assert len(wait_until(lambda: inbox(host, user), "the message arrives")) == 1
    assert host.mail_of("acc_first").count(b"Delivered-To") == 1  # still there, for nobody


def test_a_full_mailbox_is_refused_while_the_sender_is_there(host, books):
    user, other = books.user("full@ex1.test", quota=20000), books.user("writer@ex1.test")
    assert outside_in(host, user, body="x" * 70 + "\r\n")[0] == 250
    assert outside_in(host, user, size=50000) == (552, f"5.2.2 <{user}>: Recipient address rejected: Mailbox is full")
    for count in (2, 3):  # one after the other: two deliveries at once do not see each other's message
        assert outside_in(host, user, body=("x" * 70 + "\r\n") * 120)[0] == 250
        wait_until(lambda count=count: len(inbox(host, user)) == count, "the message arrives")
    wait_until(lambda: outside_in(host, user, size=6000)[0] == 552, "the mailbox is full")
    assert send(host, other, user)[0] in (250, 552)
    assert sum(map(len, inbox(host, user))) <= 20000
    books.set(user, quota=1 << 20)
    assert outside_in(host, user, size=6000)[0] == 250


def test_how_much_a_mailbox_may_send(host, books):
    user, other = books.user("limited@ex1.test", sends=3), books.user("unlimited@ex1.test")
    assert send(host, user, other, "friend@outside.test", subject="two")[0] == 250  # counted by recipient
    code, words = send(host, user, other, "friend@outside.test", subject="two more")
    assert (code, "Limit reached: 3 recipients in 24 hours" in words) == (450, True)
    assert send(host, user, other)[0] == 250
    host.restart_server("mail-lookup")
    assert send(host, user, other)[0] == 450  # a restart forgets nothing
    books.set(user, sends_per_day=4)
    assert send(host, user, other)[0] == 250
    assert send(host, other, user)[0] == 250


def test_nothing_goes_out_uncounted(host, books):
    user, other = books.user("counted@ex1.test"), books.user("counter@ex1.test")
    host.kill_server("mail-lookup")
    try:
        assert send(host, user, other, subject="uncounted")[0] == 451
    finally:
        host.start_server("mail-lookup")
    # each smtpd that saw the failure goes on for 10 connections, or until it had none for 5 s
    wait_until(lambda: send(host, user, other, subject="counted")[0] == 250, "it is taken again")


def test_nothing_goes_out_unsigned(host, books):
    user = books.user("unsigned@ex3.test")
    books.mail.execute("INSERT INTO mailhost_domains VALUES ('ex3.test')")
    assert send(host, user, "friend@outside.test", subject="no key")[0] == 451
    books.key("ex3.test", "rsa", "dfy1")  # no reload
    assert send(host, user, "friend@outside.test", subject="one key")[0] == 250
    books.key("ex3.test", "ed25519", "dfy1e")
    assert send(host, user, "friend@outside.test", subject="both keys")[0] == 250
    books.key("ex3.test", "rsa", "dfy2")  # a rotation
    assert send(host, user, "friend@outside.test", subject="new key")[0] == 250
    for signer in ("rsa", "ed25519"):
        host.kill_server(signer)
        try:
            with pytest.raises(smtplib.SMTPResponseException) as refused:
                send(host, user, "friend@outside.test", subject=f"no {signer} signer")
            assert refused.value.smtp_code == 454  # not even a login
        finally:
            host.start_server(signer)
    expected = {"one key": ["dfy1"], "both keys": ["dfy1", "dfy1e"], "new key": ["dfy1e", "dfy2"]}
    for subject, selectors in expected.items():
        gone = host.outside.wait(lambda message: f"Subject: {subject}".encode() in message["data"])
        assert books.verify(gone["data"]) == [(selector, "ex3.test", True) for selector in selectors]
    assert not [m for m in host.outside.messages if b"no key" in m["data"] or b" signer" in m["data"]]


def test_while_the_keys_are_locked_mail_waits(host, books):
    user = books.user("locked@ex1.test")
    books.signer.execute("BEGIN EXCLUSIVE")
    try:
        started = time.monotonic()
        assert send(host, user, "friend@outside.test", subject="locked")[0] == 451
        assert time.monotonic() - started < 20, "Postfix waits so long for a signer (milter_command_timeout)"
    finally:
        books.signer.execute("ROLLBACK")
    assert send(host, user, "friend@outside.test", subject="unlocked")[0] == 250


def test_keys_are_never_mixed_up_while_dfyd_commits(host, books):
    """Whatever becomes of a message when its keys cannot be read, nobody else's key signs it, nor the next one."""
    domains = [f"mix{number}.test" for number in range(4)]
    users = []
    for name in domains:
        books.domain(name)
        users += [books.user(f"{local}@{name}", sends=10000) for local in ("a", "b")]
    ended, codes = threading.Event(), []

    def commit():  # as while domains are sold: its lock is held about half of the time
        with contextlib.closing(sqlite3.connect(host.signer_dir / "dkim.db", isolation_level=None, timeout=10)) as db:
            while not ended.is_set():
                db.execute("BEGIN EXCLUSIVE")
                db.execute("UPDATE dkim_keys SET selector = selector")
                ended.wait(0.02)
                db.execute("COMMIT")
                ended.wait(0.02)

    def submit(user):
        for number in range(8):
            codes.append(send(host, user, f"friend@{user}.outside.test", subject=f"mixed {number}")[0])

    committing = threading.Thread(target=commit)
    committing.start()
    try:
        with concurrent.futures.ThreadPoolExecutor(len(users)) as pool:
            list(pool.map(submit, users))
    finally:
        ended.set()
        committing.join()
    taken = codes.count(250)
    assert set(codes) <= {250, 451} and taken > len(codes) * 0.95, codes

    def arrived():
        return [one for one in host.outside.messages if b"Subject: mixed " in one["data"]]
    wait_until(lambda: len(arrived()) >= taken, "all that was taken arrives")
    for one in arrived():
        domain = one["sender"].partition("@")[2]
        assert {(d, holds) for _, d, holds in books.verify(one["data"])} == {(domain, True)}, one["sender"]
        assert one["data"].count(b"DKIM-Signature:") == 2


def test_while_mail_db_is_locked_mail_waits(host, books):
    user = books.user("patient@ex1.test")
    with submission(host, user) as smtp:
        smtp.ehlo()
        books.mail.execute("BEGIN EXCLUSIVE")
        try:
            assert outside_in(host, user)[0] == 451
            smtp.mail(user)
            assert smtp.rcpt("friend@outside.test")[0] == 451
        finally:
            books.mail.execute("ROLLBACK")
    # Postfix remembers an answer for some seconds, this one too.
    wait_until(lambda: outside_in(host, user)[0] == 250, "mail is taken again")


def test_dovecot_down_and_back(host, books):
    user = books.user("waiting@ex1.test")
    host.stop_server("dovecot")
    try:
        assert outside_in(host, user)[0] == 250  # taken, and kept until it is back
        with pytest.raises(smtplib.SMTPException), submission(host, user):
            pass
    finally:
        host.start_server("dovecot")
    assert send(host, user, "friend@outside.test", subject="back")[0] == 250


def test_two_hosts_side_by_side(host):
    other = MailHost(host="mx2.dfyd.test")
    try:
        other.start()  # before there is a mail.db, or a dkim.db
        with pytest.raises(smtplib.SMTPException), submission(other, "same@ex1.test"):
            pass
        books = Books(other)
        books.domain("ex1.test")
        user = books.user("same@ex1.test")
        assert send(other, user, user, subject="here")[0] == 250
        wait_until(lambda: inbox(other, user), "the message arrives")
        with pytest.raises(imaplib.IMAP4.error), imap(host, user):
            pass
    finally:
        other.stop()
