"""The mail host's driver ends open sessions through Dovecot's doveadm: against answers of all kinds, and against Dovecot itself."""
import base64
import contextlib
import http.server
import json
import secrets
import threading
import time

import pytest

from mailbox_talk import Talk
from servers.process import free_ports

KEY = "a-key-that-nobody-may-see"
DONE = [["doveadmResponse", [{"entries": "0"}], "cache"], ["doveadmResponse", [{"result": "ann@a.test"}], "sessions"]]
NOBODY = [DONE[0], ["error", {"type": "exitCode", "exitCode": 68}, "sessions"]]


class Doveadm(http.server.ThreadingHTTPServer):
    """Answers with STATUS and BODY, after DELAY seconds; keeps what was asked."""

    def __init__(self):
        super().__init__(("127.0.0.1", 0), Asked)
        self.status, self.body, self.wait, self.asked = 200, json.dumps(DONE), None, []
        self.url = f"http://127.0.0.1:{self.server_address[1]}"


class Asked(http.server.BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"

    def do_POST(self):
        body = self.rfile.read(int(self.headers["Content-Length"]))
        self.server.asked.append((self.path, self.headers["Authorization"], json.loads(body)))
        if self.server.wait:
            self.server.wait.wait(120)
        with contextlib.suppress(OSError):
            answer = self.server.body.encode()
            self.send_response(self.server.status)
            self.send_header("Content-Length", str(len(answer)))
            self.end_headers()
            self.wfile.write(answer)

    def log_message(self, *words):
        pass


@pytest.fixture(scope="module")
def doveadm():
    with Doveadm() as server:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        yield server
        server.shutdown()


@pytest.fixture
def talk(doveadm, tmp_path):
    doveadm.status, doveadm.body, doveadm.wait, doveadm.asked = 200, json.dumps(DONE), None, []
    one = Talk(tmp_path / "mailhost", secrets=[KEY, base64.b64encode(KEY.encode()).decode()], doveadm_url=doveadm.url, doveadm_key=KEY)
    yield one
    one.end()


def made(talk, prefix="ann", key="k1"):
    account = {"email": f"{prefix}@a.test", "key": key}
    talk.must("create", password=secrets.token_hex(8), **account)
    return account


def test_what_is_asked(doveadm, talk):
    account = made(talk)
    assert doveadm.asked == []
    talk.must("remove", **account)
    talk.must("remove", **account)  # the sessions may have been what failed before
    authorization = "X-Dovecot-API " + base64.b64encode(KEY.encode()).decode()
    assert doveadm.asked == 2 * [("/doveadm/v1", authorization, [
        ["authCacheFlush", {"user": ["ann@a.test"]}, "cache"], ["kick", {"mask": ["ann@a.test"], "force": True}, "sessions"]])]


def test_closing_ends_sessions_and_opening_does_not(doveadm, talk):
    account = made(talk)
    talk.must("access", **account, allowed=False, change=1)
    assert len(doveadm.asked) == 1
    talk.must("access", **account, allowed=False, change=1)
    assert len(doveadm.asked) == 2
    talk.must("access", **account, allowed=True, change=2)
    talk.must("access", **account, allowed=False, change=1)  # came late, closes nothing
    assert len(doveadm.asked) == 2
    talk.must("access", email="bob@a.test", key="k2", allowed=False, change=1)  # has no mailbox yet
    assert len(doveadm.asked) == 2


def test_addresses_that_cannot_be_are_no_masks(doveadm, talk):
    for email in ("*@a.test", "a?@a.test", "*", "ann"):
        talk.must("remove", email=email, key="k9")
    assert doveadm.asked == []


def test_nobody_was_there(doveadm, talk):
    account = made(talk)
    doveadm.body = json.dumps(NOBODY)
    talk.must("remove", **account)


@pytest.mark.parametrize("status, body, says", [
    (401, "", "mailhost_doveadm_key_file"),
    (400, "Request must be a JSON array", "answered 400"),
    (500, "", "answered 500"),
    (200, "", "is it Dovecot"),
    (200, "<html>", "is it Dovecot"),
    (200, "[]", "is it Dovecot"),
    (200, "{}", "is it Dovecot"),
    (200, json.dumps(DONE[1:]), "is it Dovecot"),
    (200, json.dumps([DONE[0], ["error", {"type": "exitCode", "exitCode": 75}, "sessions"]]), "exitCode (75)"),
    (200, json.dumps([DONE[0], ["error", {"type": "unknownMethod", "exitCode": 0}, "sessions"]]), "unknownMethod"),
    (200, json.dumps([["error", {"type": "exitCode", "exitCode": 68}, "cache"], DONE[1]]), "exitCode (68)"),
    (200, json.dumps([DONE[0], ["error", 7, "sessions"]]), "an error"),
    (200, json.dumps([DONE[0], ["what", [], 7]]), "none"),
    (200, json.dumps([1, 2]), "none"),
    (200, None, "says too much"),
], ids=lambda value: str(value)[-30:])
def test_not_ended(doveadm, talk, status, body, says):
    account = made(talk)
    doveadm.status, doveadm.body = status, json.dumps(DONE) + " " * (2 << 20) if body is None else body
    said = talk.ask("remove", **account)
    assert said["outcome"] == "unknown"
    assert said["reason"].startswith("it cannot log in any more; sessions that are open go on: ") and says in said["reason"], said
    # The row is gone all the same, and stays gone when the call is repeated.
    assert talk.rows("SELECT * FROM mailhost_users") == []
    assert talk.ask("create", password=secrets.token_hex(8), **account)["outcome"] == "refused"
    doveadm.status, doveadm.body = 200, json.dumps(NOBODY)
    talk.must("remove", **account)


def test_silence_has_an_end(doveadm, talk):
    account = made(talk)
    doveadm.wait = threading.Event()
    since = time.monotonic()
    said = talk.ask("remove", **account)
    assert said["outcome"] == "unknown" and "does not answer" in said["reason"]
    assert time.monotonic() - since < 60
    doveadm.wait.set()


def test_nobody_listens(tmp_path):
    talk = Talk(tmp_path / "mailhost", doveadm_url=f"http://127.0.0.1:{free_ports(1)[0]}", doveadm_key=KEY)
    account = made(talk)
    said = talk.ask("access", **account, allowed=False, change=1)
    assert said["outcome"] == "unknown" and "does not answer" in said["reason"], said
    assert talk.rows("SELECT active FROM mailhost_users") == [(0,)]
    talk.end()


def test_without_doveadm_there_is_nothing_to_do(tmp_path):
    talk = Talk(tmp_path / "mailhost")
    account = made(talk)
    talk.must("access", **account, allowed=False, change=1)
    talk.must("remove", **account)
    talk.end()
