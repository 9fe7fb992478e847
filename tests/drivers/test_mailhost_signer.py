"""The mail host's driver and the signer: what signs is what the driver says, from the next message on."""
import contextlib
import json
import re
import secrets
import smtplib

import pytest

from mailbox_talk import Talk
from servers.mailhost import MailHost


@pytest.fixture(scope="module")
def host():
    one = MailHost()
    with contextlib.ExitStack() as stack:
        stack.callback(one.stop)
        one.talk = Talk(one.mailhost_dir, name=one.host)
        stack.callback(one.talk.end)
        one.start()
        yield one


def account(host, domain):
    named = {"email": f"ann@{domain}", "key": secrets.token_hex(8)}
    password = secrets.token_hex(12)
    host.talk.must("facts", domain=domain)
    host.talk.must("create", password=password, **named)
    return named["email"], password


def selectors_of(host, email, password):
    """Those that a message is signed by that the mailbox submits."""
    word = secrets.token_hex(8)
    with smtplib.SMTP_SSL("127.0.0.1", host.submissions, context=host.client_context(), timeout=30) as session:
        session.login(email, password)
        session.sendmail(email, ["somebody@outside.test"], f"From: <{email}>\r\nTo: <somebody@outside.test>\r\nSubject: {word}\r\n\r\nx\r\n")
    data = host.outside.wait(lambda one: word.encode() in one["data"])["data"].decode()
    head = re.sub(r"\r?\n[ \t]+", " ", data.partition("\r\n\r\n")[0])
    signatures = re.findall(r"^DKIM-Signature:(.*)$", head, re.MULTILINE)
    domain = email.partition("@")[2]
    assert all(re.search(rf"\bd={re.escape(domain)};", one) for one in signatures), signatures
    return sorted(re.search(r"\bs=([^; ]+)", one)[1] for one in signatures)


def test_a_rotation(host):
    ann, password = account(host, "a.test")
    bob = account(host, "b.test")
    assert selectors_of(host, ann, password) == ["dfy1", "dfy1e"]
    for phase, signs, published in (("announced", 1, [1, 2]), ("signing", 2, [1, 2]), ("sole", 2, [2])):
        host.talk.must("dkim", domain="a.test", rotation=2, phase=phase)
        assert selectors_of(host, ann, password) == [f"dfy{signs}", f"dfy{signs}e"]
        facts = host.talk.must("facts", domain="a.test")
        assert [one for one, _ in facts["dkim"]] == [f"dfy{n}{end}" for n in published for end in ("", "e")]
    assert selectors_of(host, *bob) == ["dfy1", "dfy1e"]


def test_signed_while_keys_come_and_go(host):
    """A commit keeps the signer out for a moment; no message goes unsigned or comes back for that."""
    ann, password = account(host, "busy.test")
    other = Talk(host.mailhost_dir, name=host.host)
    jobs = [{"do": "facts", "domain": f"other{n}.test"} for n in range(20)]
    jobs += [{"do": "dkim", "domain": f"other{n}.test", "rotation": 2, "phase": "sole"} for n in range(20)]
    other.write(json.dumps({"do": "all", "jobs": jobs, "threads": 4}))
    for _ in range(8):
        assert selectors_of(host, ann, password) == ["dfy1", "dfy1e"]
    said = other.read()
    assert all(one["outcome"] == "done" for one in said["answers"])
    other.end()
