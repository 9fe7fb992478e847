"""The check of a mailbox against servers that cut, flood, lie or keep silent: it always ends in time, says at which stage, tells no
secret, and deletes its message wherever the server lets it."""
import base64
import concurrent.futures
import json
import pathlib
import time

import pytest

from hostile_mail import HOST, Hostile, cut, cut_within, flood, silence
from mailbox_talk import Talk
from servers.process import wait_until

EMAIL, PASSWORD = "ann@a.test", "correct-horse-1"
UNSIGNED = "the message arrived without a DKIM signature"  # what is left to say when all else went well


@pytest.fixture(scope="module")
def server(tmp_path_factory):
    one = Hostile(tmp_path_factory.mktemp("hostile"))
    yield one
    one.stop()


@pytest.fixture(scope="module")
def talk(server, tmp_path_factory):
    one = talk_to(server, tmp_path_factory.mktemp("book"))
    yield one
    one.end()


def talk_to(server, folder, **settings):
    return Talk(folder, **{"name": HOST, "imap": f"127.0.0.1:{server.imap}", "submission": f"127.0.0.1:{server.submission}",
                           "ca_file": server.ca, "resolver": "127.0.0.1:1", **settings})


def verify(talk, server, email=EMAIL, **faults):
    """What is said, and how long it took."""
    server.begin(**faults)
    since = time.monotonic()
    said = talk.ask("verify", email=email, key="k1", password=PASSWORD)
    assert base64.b64encode(f"\0{email}\0{PASSWORD}".encode()).decode() not in json.dumps(said)
    assert said["outcome"] == "done" or said["reason"]
    return said, time.monotonic() - since


def test_a_server_that_does_all(server, talk):
    said, _ = verify(talk, server)
    assert (said["outcome"], said["reason"]) == ("refused", UNSIGNED)
    assert server.inbox == {}
    # One login each, and both are left politely. The last word is not waited for long.
    wait_until(lambda: "imap logout" in server.said, "it is left")
    assert [stage for stage in server.said if stage in ("imap authenticate", "imap logout", "smtp auth", "smtp quit")] == [
        "imap authenticate", "smtp auth", "smtp quit", "imap logout"]


STAGES = {
    "imap greeting": "login over IMAP", "imap capability": "login over IMAP", "imap authenticate": "login over IMAP",
    "imap select": "opening INBOX over IMAP", "imap noop": "the first command over IMAP",
    "imap search": "looking for the message over IMAP", "imap fetch": "fetching the message over IMAP",
    "smtp greeting": "the connection for submission", "smtp ehlo": "the connection for submission", "smtp auth": "login for submission",
    "smtp mail": "the sender at submission", "smtp rcpt": "the recipient at submission", "smtp data": "the message at submission",
    "smtp body": "the message at submission",
}
BREAKS = {"cut": cut, "cut within": cut_within, "endless line": flood(b"x"), "endless lines": flood(b"* y\r\n"),
          "endless reply": flood(b"250-y\r\n"), "binary": lambda one: (one.sendall(bytes(range(256)) * 20), cut(one))}


@pytest.mark.parametrize("stage", STAGES)
def test_breaks(server, talk, stage):
    for name, fault in BREAKS.items():
        said, took = verify(talk, server, **{stage: fault})
        assert said["outcome"] == "unknown", (name, said)
        assert said["reason"].startswith(STAGES[stage] + ": "), (name, said)
        assert "no answer within" not in said["reason"] and took < 20, (name, said)
        # Where the server heals, the message is deleted over a new connection.
        assert stage in ("smtp body", "imap search") or server.inbox == {}, (name, said)


@pytest.mark.parametrize("stage", STAGES)
def test_refusals(server, talk, stage):
    kind = stage.split()[0]
    no, not_now = {"imap": (b"TAG NO [NOPERM] not you\r\n", b"TAG NO [UNAVAILABLE] later\r\n"),
                   "smtp": (b"554 5.7.1 not you\r\n", b"451 4.3.0 later\r\n")}[kind]
    if stage == "imap greeting":
        no = not_now = b"* BYE later\r\n"
    if stage == "smtp ehlo":  # then HELO is said, which knows no logins
        return
    said, _ = verify(talk, server, **{stage: no})
    assert said["outcome"] == ("unknown" if stage == "imap greeting" else "refused") and "later" in said["reason"] or "not you" in said["reason"]
    assert said["reason"].startswith(STAGES[stage]), said
    said, _ = verify(talk, server, **{stage: not_now})
    assert said["outcome"] == "unknown" and said["reason"].startswith(STAGES[stage]) and "later" in said["reason"], said


SILENCES = [["imap connect"], ["imap authenticate"], ["imap fetch"], ["smtp connect"], ["smtp body"], ["imap logout", "smtp quit"]]


def test_silence_is_bounded(tmp_path):
    """All at once, since each takes as long as it is allowed to. Logging out is waited for as well, but not for long."""
    def run(stages):
        folder = tmp_path / stages[0].replace(" ", "-")
        folder.mkdir()
        server = Hostile(folder)
        talk = talk_to(server, folder / "book")
        said = verify(talk, server, **{stage: silence for stage in stages})
        talk.end()
        server.stop()
        return said
    with concurrent.futures.ThreadPoolExecutor(len(SILENCES)) as pool:
        for stages, (said, took) in zip(SILENCES, pool.map(run, SILENCES)):
            assert took < 30, (stages, said, took)
            if "smtp quit" in stages:
                assert said["reason"] == UNSIGNED, said
            else:
                assert said["outcome"] == "unknown" and "no answer within " in said["reason"], (stages, said)


def test_no_tls(server, talk):
    for kind, what in (("imap", "login over IMAP"), ("smtp", "the connection for submission")):
        said, _ = verify(talk, server, **{f"{kind} connect": b"* OK IMAP4rev1 in the clear\r\n"})
        assert said["outcome"] == "unknown" and said["reason"].startswith(f"{what}: "), said
        assert f"{kind} greeting" not in server.said


@pytest.mark.parametrize("stage", ["imap save", "imap store", "imap expunge"])
def test_deleting_fails(server, talk, stage):
    """Then it is said, unless there is something worse to say."""
    said, _ = verify(talk, server, **{stage: b"TAG NO not now\r\n"})
    assert said["reason"] == UNSIGNED
    assert len(server.inbox) == 1


def test_a_server_that_repeats_the_password(server, talk):
    def parrot(one):
        one.sendall(f"A002 NO you said {server.credentials}, that is {PASSWORD}\r\n".encode())
        cut(one)
    for stage in ("imap authenticate", "smtp mail"):
        said, _ = verify(talk, server, **{stage: parrot})
        assert said["outcome"] in ("refused", "unknown")


def test_a_submission_without_logins(server, talk):
    """What takes mail from anybody is not a customer's submission."""
    said, _ = verify(talk, server, **{"smtp ehlo": b"250 here\r\n"})
    assert (said["outcome"], said["reason"]) == ("refused", "submission takes messages without a login")
    assert server.inbox == {}


# ---- answers that lie about the message


def fetch(body, size=None):
    return b"* 1 FETCH (UID 1 BODY[] {%d}\r\n" % (len(body) if size is None else size) + body + b")\r\nTAG OK done\r\n"


@pytest.mark.parametrize("fault, reason", [
    (fetch(b"From: <eve@b.test>\r\n\r\nhi\r\n"), "the message arrived with another From: <eve@b.test>"),
    (fetch(b"\r\n\r\n"), "the message arrived with another From: "),
    (lambda one: one.sendall(fetch(b"From: <ann@a.test>\r\n", size=10 ** 9)) or cut(one), "fetching the message over IMAP"),
    (fetch(b"From: <ann@a.test>\r\n" * 50000), "the server's answer is too long"),
    (fetch(b"From: <ann@a.test>\r\n", size=3), "the message arrived with another From: "),
    (fetch(b"From: <ann@a.test>\r\n", size=-1), "fetching the message over IMAP"),
    (b"* 1 FETCH (UID 1 BODY[] {99999999999999999999}\r\nTAG OK done\r\n", "fetching the message over IMAP"),
    (b"* 1 FETCH (UID 1 BODY[] NIL)\r\nTAG OK done\r\n", "fetching the message over IMAP"),
])
def test_fetched_lies(server, talk, fault, reason):
    said, took = verify(talk, server, **{"imap fetch": fault})
    assert said["outcome"] in ("refused", "unknown") and reason in said["reason"], said
    assert "no answer within" not in said["reason"] and took < 20 and server.inbox == {}


def test_found_lies(server, talk):
    said, _ = verify(talk, server, **{"imap search": b"* SEARCH 77\r\nTAG OK done\r\n", "imap fetch": b"TAG OK nothing there\r\n"})
    assert said["outcome"] == "unknown" and said["reason"].startswith("fetching the message over IMAP"), said


def test_junk(server, talk):
    """Mail that is sorted out arrived, but not where its owner looks."""
    server.begin()
    server.where = "Junk"
    said = talk.ask("verify", email=EMAIL, key="k1", password=PASSWORD)
    assert (said["outcome"], said["reason"]) == ("refused", "the message arrived, but in Junk instead of INBOX")
    assert server.inbox == {}, "it is deleted there, too"


# ---- certificates


@pytest.mark.parametrize("settings, reason", [
    ({"name": "mx.other.test"}, "the certificate is not good for mx.other.test"),
    ({"ca_file": "/etc/ssl/certs/ca-certificates.crt"}, f"the certificate is not good for {HOST}"),
])
def test_certificates(server, tmp_path, settings, reason):
    talk = talk_to(server, tmp_path, **settings)
    said, _ = verify(talk, server)
    assert said["outcome"] == "refused", said
    assert reason in said["reason"], said
    assert "imap authenticate" not in server.said
    talk.end()


def test_certificates_that_are_gone(server, tmp_path):
    file = tmp_path / "ca.pem"
    file.write_bytes(pathlib.Path(server.ca).read_bytes())
    talk = talk_to(server, tmp_path, ca_file=file)
    talk.ask("lookup", email=EMAIL, key="k1")  # it has started
    file.unlink()
    said, _ = verify(talk, server)
    assert said["outcome"] == "unknown" and said["reason"].startswith("login over IMAP: "), said
    talk.end()


# ---- several mailboxes


def test_each_logs_in_as_itself(server, talk):
    """Connections and handles are not shared between users."""
    for email in (EMAIL, "bob@a.test", "ann@b.test", EMAIL):
        verify(talk, server, email=email)
        assert base64.b64decode(server.credentials).decode() == f"\0{email}\0{PASSWORD}"
        assert server.said.count("imap authenticate") == server.said.count("smtp auth") == 1


def test_many_at_once(server, talk):
    server.begin()
    jobs = [{"do": "verify", "email": f"u{i}@a.test", "key": f"k{i}", "password": PASSWORD} for i in range(48)]
    said = talk.all(jobs, threads=16)
    assert {(one["outcome"], one["reason"]) for one in said["answers"]} == {("refused", UNSIGNED)}
    wait_until(lambda: server.said.count("imap logout") >= 48, "all are left")
    assert server.inbox == {} and server.said.count("imap logout") == 48


def test_addresses_that_no_message_can_have(server, talk):
    for email in ("ann", "an n@a.test", "ann@a.test\r\nRCPT TO:<eve@b.test>", "ann@a.test>"):
        said, _ = verify(talk, server, email=email)
        assert said["outcome"] == "refused" and server.said == []
