"""The DNS driver `powerdns` in conversation with something that is no PowerDNS, or a broken one: every answer that is not
a clear yes is unknown, says what to mend, and changes nothing."""
import contextlib
import json
import socket
import threading
import time

import pytest

from dns_talk import NONE, Talk, change

KEY = "secret-4711"
ZONE = "broken.test"
NOTHING = None  # the connection ends without an answer


def answer(status, body=b"", length=None, **headers):
    body = body if isinstance(body, bytes) else json.dumps(body).encode()
    fields = {"Content-Type": "application/json", "Content-Length": len(body) if length is None else length, "Connection": "close", **headers}
    return f"HTTP/1.1 {status} X\r\n".encode() + b"".join(f"{name}: {value}\r\n".encode() for name, value in fields.items()) + b"\r\n" + body


def zone(account="dfyd", *rrsets, name=f"{ZONE}.", soa=True):
    own = [rrset("SOA", "ns1.dns.test. hostmaster.broken.test. 1 10800 3600 604800 3600")] if soa else []
    return {"name": name, "account": account, "rrsets": own + list(rrsets)}


def rrset(type, *contents, name=f"{ZONE}.", ttl=300):
    return {"name": name, "type": type, "ttl": ttl, "records": [{"content": one, "disabled": False} for one in contents]}


FAULTLESS = {"GET": answer(200, zone()), "NAME": answer(200, zone()), "LIST": answer(200, []), "POST": answer(201, zone()), "PATCH": answer(204),
             "PUT": answer(200, {"count": 0})}


class Impostor:
    """SAYS what is answered to POST, PATCH, GET of the zone, of one NAME in it, of the LIST of zones: bytes, or a function of the
    connection; what it does not say is answered without fault."""

    def __init__(self, **says):
        self.says, self.seen = says, []
        self.socket = socket.create_server(("127.0.0.1", 0))
        self.url = f"http://127.0.0.1:{self.socket.getsockname()[1]}"
        self.thread = threading.Thread(target=self.serve, daemon=True)
        self.thread.start()

    def serve(self):
        with contextlib.suppress(OSError):
            while True:
                connection, _ = self.socket.accept()
                with connection, contextlib.suppress(OSError):
                    self.converse(connection)

    def converse(self, connection):
        connection.settimeout(10)
        data = b""
        while b"\r\n\r\n" not in data:
            more = connection.recv(65536)
            if not more:
                return
            data += more
        head, body = data.split(b"\r\n\r\n", 1)
        method, path, _ = head.split(b"\r\n")[0].decode().split(" ")
        fields = {one.split(b":")[0].lower(): one.split(b":", 1)[1].strip() for one in head.split(b"\r\n")[1:]}
        while len(body) < int(fields.get(b"content-length", 0)):
            body += connection.recv(65536)
        self.seen.append((method, path, body))
        what = method if method != "GET" else "LIST" if "?zone=" in path else "NAME" if "?rrset_name=" in path else "GET"
        said = self.says.get(what, FAULTLESS[what])
        if callable(said):
            said(connection)
        elif said is not NOTHING:
            connection.sendall(said)

    def all_seen(self):
        """What was said to it, with all that came until now: it takes one after the other."""
        with socket.create_connection(self.socket.getsockname(), timeout=60) as last:
            last.shutdown(socket.SHUT_WR)
            assert last.recv(1) == b""
        return self.seen

    def wrote(self):
        return [(method, path) for method, path, _ in self.all_seen() if method != "GET"]

    def end(self):
        self.socket.shutdown(socket.SHUT_RDWR)  # ends accept(); closed first, its number could be the next one's socket
        self.thread.join(60)
        self.socket.close()


@contextlib.contextmanager
def conversation(timeout_ms="30000", **says):
    impostor = Impostor(**says)
    talk = Talk("powerdns", secrets=[KEY], TALK_URL=impostor.url, TALK_KEY=KEY, TALK_NAMESERVERS="ns1.dns.test", TALK_TIMEOUT_MS=timeout_ms)
    yield impostor, talk
    talk.end()
    impostor.end()


def ask_both(talk):
    return [talk.fetch(ZONE, (ZONE, "TXT")), talk.change(ZONE, change(ZONE, "TXT", NONE, [300, ["x"]]))]


def dribble(connection):
    """A byte at a time, for longer than anybody waits."""
    for byte in answer(200, zone()):
        connection.sendall(bytes([byte]))
        time.sleep(0.05)


def never_ending(connection):
    connection.sendall(b"HTTP/1.1 200 X\r\nContent-Type: application/json\r\nConnection: close\r\n\r\n{\"name\": \"")
    while True:
        connection.sendall(b"x" * 65536)


BROKEN = {
    "nothing": (NOTHING, "no answer from PowerDNS"),
    "no HTTP": (b"220 mail.test ESMTP\r\n", "no answer from PowerDNS"),
    "half an answer": (answer(200, b'{"name": "broken.te', length=500), "no answer from PowerDNS"),
    "half the JSON": (answer(200, b'{"name": "broken.test.", "account": "dfyd", "rrsets": ['), "is broken (200)"),
    "empty": (answer(200), "is broken (200)"),
    "a page": (answer(200, b"<html>Welcome</html>", **{"Content-Type": "text/html"}), "is not PowerDNS"),
    "a list": (answer(200, [1, 2]), "is broken (200)"),
    "no account": (answer(200, {"name": f"{ZONE}.", "rrsets": []}), "is broken (200)"),
    "no records": (answer(200, {"name": f"{ZONE}.", "account": "dfyd"}), "is broken (200)"),
    "another zone": (answer(200, zone(name="other.test.")), "is broken (200)"),
    "a record without content": (answer(200, zone("dfyd", {**rrset("TXT"), "records": [{}]})), "is broken (200)"),
    "a TTL below 0": (answer(200, zone("dfyd", rrset("TXT", '"x"', ttl=-1))), "is broken (200)"),
    "a TTL in words": (answer(200, zone("dfyd", rrset("TXT", '"x"', ttl="300"))), "is broken (200)"),
    "deep": (answer(200, b"[" * 200000), "is broken (200)"),
    "no UTF-8": (answer(200, b'{"name": "\xff\xfe", "account": "dfyd", "rrsets": []}'), "is broken (200)"),
    "201": (answer(201, zone()), "is broken (201)"),
    "302": (answer(302, Location="http://127.0.0.1:9/elsewhere"), "sends elsewhere (302)"),
    "401": (answer(401, {"error": "Unauthorized"}), "powerdns_key_file or DFYD_POWERDNS_KEY must hold its api-key (401)"),
    "403": (answer(403, b"Forbidden"), "webserver-allow-from"),
    "429": (answer(429, {"error": "slow down"}), "(429): slow down"),
    "500": (answer(500, {"error": "database is locked"}), "PowerDNS failed; it is asked again (500): database is locked"),
    "500 with the key": (answer(500, {"error": f"bad header X-API-Key: {KEY}"}), "PowerDNS failed; it is asked again (500)"),
    "500 with bytes": (answer(500, {"error": "a\n\x1b[31m\u00e4" + "z" * 500}), "(500): a??[31m??zzz"),
    "502": (answer(502, b"<html>Bad gateway"), "PowerDNS failed; it is asked again (502)"),
    "503": (answer(503, {"error": 7}), "PowerDNS failed; it is asked again (503)"),
    "slow": (dribble, "imeout"),
}


@pytest.mark.parametrize("case", BROKEN)
def test_broken_answers_when_it_looks(case):
    said, words = BROKEN[case]
    with conversation(timeout_ms="3000" if said is dribble else "30000", GET=said) as (impostor, talk):
        for one in ask_both(talk):
            assert one["outcome"] == "unknown" and words in one["reason"], one
            assert len(one["reason"]) < 200 and one["reason"].isprintable()
        assert impostor.wrote() == []
        assert len(impostor.all_seen()) == 2  # nothing is followed or asked twice


def test_an_answer_without_end():
    """Read name by name then, and when that does not help either, left."""
    with conversation(GET=never_ending, NAME=never_ending) as (impostor, talk):
        for one in ask_both(talk):
            assert one["outcome"] == "unknown" and one["reason"] == "the answer of PowerDNS is longer than dfyd reads"
        assert impostor.wrote() == []


def test_all_names_of_a_long_zone_have_to_answer():
    with conversation(GET=never_ending) as (_, talk):
        assert talk.fetch(ZONE, (ZONE, "TXT"), (f"www.{ZONE}", "A"))["outcome"] == "done"
    with conversation(GET=never_ending, NAME=answer(500)) as (_, talk):
        assert talk.fetch(ZONE, (ZONE, "TXT"), (f"www.{ZONE}", "A"))["outcome"] == "unknown"


@pytest.mark.parametrize("said, words", [(answer(404, {"error": "Not Found"}), "no PowerDNS API at powerdns_url"), (answer(200, {}), "is broken (200)"),
                                         (answer(200, [{"name": f"{ZONE}."}]), "only now"), (NOTHING, "no answer from PowerDNS"),
                                         (answer(500), "(500)"), (answer(200, b"[]x"), "is broken (200)")])
def test_missing_is_only_what_the_list_says_too(said, words):
    with conversation(GET=answer(404, {"error": "Not Found"}), LIST=said) as (impostor, talk):
        for one in ask_both(talk):
            assert one["outcome"] == "unknown" and words in one["reason"], one
        assert impostor.wrote() == []


WRITES = {  # what it says, the reason, and how long the driver wants peace after it
    "done but another word": (answer(200, zone()), "is broken (200)", 0),
    "accepted for later": (answer(202), "is broken (202)", 0),
    "not taken": (answer(422, {"error": "RRset x IN A: Conflicts"}), "PowerDNS does not take these records (422): RRset x IN A: Conflicts", 0),
    "too much": (answer(413), "PowerDNS does not take these records (413)", 0),
    "failed": (answer(500, {"error": "x"}), "(500): x", 0),
    "sent elsewhere": (answer(307, Location="/"), "sends elsewhere (307)", 0),
    "dropped": (NOTHING, "no answer from PowerDNS", 5000),
    "half": (answer(204, b"", length=7), "", 0),  # 204 has no body, whatever is said of it
}


@pytest.mark.parametrize("case", WRITES)
@pytest.mark.parametrize("is_new", [True, False])
def test_broken_answers_when_it_writes(case, is_new):
    said, words, peace_ms = WRITES[case]
    if is_new and case == "half":
        said, words = answer(201, b"{", length=7), "no answer from PowerDNS"
        peace_ms = 5000
    says = {"GET": answer(404), "LIST": answer(200, []), "POST": said} if is_new else {"PATCH": said}
    with conversation(**says) as (impostor, talk):
        one = talk.change(ZONE, change(ZONE, "TXT", NONE, [300, ["x"]]))
        if not words:
            assert one["outcome"] == "done"
        else:
            assert one["outcome"] == "unknown" and words in one["reason"], one
        assert one["retry_after_ms"] == peace_ms
        zones = "/api/v1/servers/localhost/zones"
        assert impostor.wrote() == [("POST", zones) if is_new else ("PATCH", f"{zones}/{ZONE}.")]


@pytest.mark.parametrize("is_new", [True, False])
def test_a_zone_that_comes_and_goes(is_new):
    """It is looked at once more, and not for ever."""
    says = {"GET": answer(404), "LIST": answer(200, []), "POST": answer(409)} if is_new else {"PATCH": answer(404)}
    with conversation(**says) as (impostor, talk):
        assert talk.change(ZONE, change(ZONE, "TXT", NONE, [300, ["x"]]))["outcome"] == "unknown"
        assert len(impostor.wrote()) == 2


@pytest.mark.parametrize("said", [NOTHING, answer(404), answer(500), answer(200, b"no JSON")])
def test_a_cache_that_cannot_be_flushed(said):
    """The zone was made all the same."""
    with conversation(GET=answer(404), LIST=answer(200, []), PUT=said) as (impostor, talk):
        talk.must_change(ZONE, change(ZONE, "TXT", NONE, [300, ["x"]]))
        assert impostor.wrote() == [("POST", "/api/v1/servers/localhost/zones"), ("PUT", f"/api/v1/servers/localhost/cache/flush?domain={ZONE}.")]


def test_what_is_sent():
    with conversation(GET=answer(200, zone("dfyd", rrset("TXT", '"a"', '"b" "c"')))) as (impostor, talk):
        talk.must_change(ZONE, change(ZONE, "MX", NONE, [3600, ["10 mx.test."]]), change(ZONE, "TXT", [300, ["bc", "a"]], [300, ["bc", 'd"']]),
                         change(f"www.{ZONE}", "A", NONE, NONE))
        assert json.loads(impostor.seen[-1][2]) == {"rrsets": [
            {"name": f"{ZONE}.", "type": "MX", "ttl": 3600, "changetype": "REPLACE", "records": [{"content": "10 mx.test.", "disabled": False}]},
            {"name": f"{ZONE}.", "type": "TXT", "ttl": 300, "changetype": "REPLACE", "records": [
                {"content": '"b" "c"', "disabled": False}, {"content": '"d\\""', "disabled": False}]}]}
        # Nothing to do, nothing sent.
        asked = len(impostor.wrote())
        talk.must_change(ZONE, change(ZONE, "TXT", NONE, [300, ["a", "bc"]]))
        assert len(impostor.wrote()) == asked


def test_strange_text_is_kept_as_it_stands():
    """TXT that no rule can read is somebody else's: shown, compared and left in place."""
    for content in ['no quotes', '"open', '"a"b', '"\\300"', '"\\25"', '"\\', '', '"a" x']:
        with conversation(GET=answer(200, zone("dfyd", rrset("TXT", content)))) as (impostor, talk):
            assert talk.served(ZONE, ZONE, "TXT") == [300, [content]]
            talk.must_change(ZONE, change(ZONE, "TXT", [300, [content]], [300, [content, "mine"]]))
            (sent,) = json.loads(impostor.seen[-1][2])["rrsets"]
            assert [one["content"] for one in sent["records"]] == [content, '"mine"']
