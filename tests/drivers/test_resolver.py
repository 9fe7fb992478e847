"""The resolver driver `stub` in conversation with a server that misbehaves as told, over UDP and TCP."""
import contextlib
import os
import socket
import struct
import threading
import time

import dns.flags
import dns.message
import dns.name
import dns.opcode
import dns.rcode
import dns.rrset
import pytest

from resolver_talk import Talk
from servers.process import free_ports

TRY_MS = 30000  # more than anybody stands still
HASTY_MS = 400  # where nobody answers


class Fake:
    """Answers what UDP(query) and TCP(query) give: a message, bytes, a list of these, or None for silence."""

    def __init__(self, host="127.0.0.1", port=0):
        self.host = host
        self.udp = self.tcp = lambda query: None
        self.asked = []  # ("udp" or "tcp", message)
        self.stopped, self.caught_up = False, threading.Event()
        self.datagrams = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
        self.stream = socket.socket()
        while True:  # the same number for both
            self.datagrams.bind((host, port))
            self.port = self.datagrams.getsockname()[1]
            try:
                self.stream.bind((host, self.port))
                break
            except OSError:
                self.datagrams.close()
                if port:
                    raise
                self.datagrams = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
        self.stream.listen(64)
        self.threads = [threading.Thread(target=run, daemon=True) for run in (self.serve_udp, self.serve_tcp)]
        for thread in self.threads:
            thread.start()

    @staticmethod
    def messages(said):
        said = said if isinstance(said, list) else [said]
        return [one if isinstance(one, bytes) else one.to_wire(max_size=65535) for one in said if one is not None]

    def serve_udp(self):
        while True:
            bytes_, sender = self.datagrams.recvfrom(65535)
            if self.stopped:
                return
            if not bytes_:
                self.caught_up.set()
                continue
            query = dns.message.from_wire(bytes_)
            self.asked.append(("udp", query))
            for one in self.messages(self.udp(query)):
                self.datagrams.sendto(one, sender)

    def serve_tcp(self):
        while True:
            connection, _ = self.stream.accept()
            if self.stopped:
                return
            threading.Thread(target=self.talk_tcp, args=(connection,), daemon=True).start()

    def talk_tcp(self, connection):
        with connection, contextlib.suppress(OSError):
            size = struct.unpack("!H", connection.recv(2, socket.MSG_WAITALL))[0]
            query = dns.message.from_wire(connection.recv(size, socket.MSG_WAITALL))
            self.asked.append(("tcp", query))
            said = self.tcp(query)
            if callable(said):
                return said(connection)
            for one in self.messages(said):
                connection.sendall(struct.pack("!H", len(one)) + one)

    def wake(self):
        with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as waker:
            waker.sendto(b"", (self.host, self.port))

    def heard(self):
        """What it was asked, with all that came over UDP until now."""
        self.caught_up.clear()
        self.wake()
        assert self.caught_up.wait(30)
        return self.asked

    def stop(self):
        self.stopped = True
        self.wake()
        socket.create_connection((self.host, self.port)).close()
        for thread in self.threads:
            thread.join(10)
        self.datagrams.close()
        self.stream.close()


@pytest.fixture
def fake():
    one = Fake()
    yield one
    one.stop()


@pytest.fixture
def talk(fake):
    one = Talk(TALK_HOST="127.0.0.1", TALK_PORT=fake.port, TALK_TRY_MS=TRY_MS)
    yield one
    one.end()


@pytest.fixture
def hasty(fake):
    one = Talk(TALK_HOST="127.0.0.1", TALK_PORT=fake.port, TALK_TRY_MS=HASTY_MS)
    yield one
    one.end()


def answer(query, *lines, rcode="NOERROR", authority=(), flags=dns.flags.RA):
    """LINES: "NAME TTL IN TYPE VALUE" each."""
    message = dns.message.make_response(query, recursion_available=True)
    message.flags |= flags
    message.set_rcode(dns.rcode.from_text(rcode))
    for section, texts in ((message.answer, lines), (message.authority, authority)):
        for line in texts:
            name, ttl, _, type_, value = line.split(" ", 4)
            section.append(dns.rrset.from_text(name, int(ttl), "IN", type_, value))
    return message


SOA = "test. 60 IN SOA ns.test. h.test. 1 2 3 4 5"


# ---- what is read


@pytest.mark.parametrize("type_, value, expected", [
    ("A", "192.0.2.7", "192.0.2.7"),
    ("AAAA", "2001:DB8:0:0::7", "2001:db8::7"),
    ("MX", "10 MX.Example.NET.", "10 mx.example.net."),
    ("MX", "0 .", "0 ."),
    ("CNAME", "Other.Test.", "other.test."),
    ("NS", "NS1.Test.", "ns1.test."),
    ("SRV", "0 1 993 IMAP.test.", "0 1 993 imap.test."),
    ("TXT", '"v=spf1 -all"', "v=spf1 -all"),
    ("TXT", '"say \\"hi\\"; " "a\\\\b" "" "\\195\\164"', 'say "hi"; a\\b\u00c3\u00a4'),
    ("TXT", '""', ""),
])
def test_values(fake, talk, type_, value, expected):
    fake.udp = lambda query: answer(query, f"A.Test. 300 IN {type_} {value}")
    said = talk.ask("a.test", type_)
    assert said == {"outcome": "done", "reason": "", "name": "a.test", "type": type_, "ttl": 300, "data": [expected]}
    (_, query), = fake.asked
    assert query.flags == dns.flags.RD and query.edns == 0 and query.payload == 1232


def test_long_texts_are_joined(fake, talk):
    key = "v=DKIM1; p=" + "A" * 400
    fake.udp = lambda query: answer(query, f'a.test. 1 IN TXT "{key[:255]}" "{key[255:]}"', 'a.test. 9 IN TXT "x"')
    assert talk.data("a.test", "TXT") == sorted([key, "x"])
    assert talk.ask("a.test", "TXT")["ttl"] == 1


def test_none(fake, talk):
    for rcode in ("NXDOMAIN", "NOERROR"):
        fake.udp = lambda query: answer(query, rcode=rcode, authority=[SOA])
        assert talk.data("a.test") == []
    fake.udp = lambda query: answer(query)  # without an SOA it is none, too
    assert talk.data("a.test") == []
    assert len(fake.asked) == 3
    fake.udp = lambda query: answer(query, "b.test. 1 IN A 192.0.2.1", "a.test. 1 IN AAAA ::1")  # of others
    assert talk.data("a.test") == []


def test_names_of_all_kinds(fake, talk):
    fake.udp = lambda query: answer(query, f"{query.question[0].name} 1 IN A 192.0.2.1")
    long = ".".join(["a" * 63] * 3 + ["b" * 61])
    for name in ("_dmarc.a.test", "xn--bcher-kva.test", "*.a.test", "a.test.", long):
        assert talk.data(name) == ["192.0.2.1"]
    before = len(fake.asked)
    for name in ("a..test", "." + "a" * 3, "a" * 64 + ".test", long + "b"):
        assert "nothing that can be asked for" in talk.unknown(name)
    for type_ in ("SPF", "ANY", "mx", "TYPE1"):
        assert "nothing that can be asked for" in talk.unknown("a.test", type_)
    assert len(fake.asked) == before


# ---- aliases


def test_aliases_in_one_answer(fake, talk):
    fake.udp = lambda query: answer(query, "c.test. 5 IN A 192.0.2.1", "a.test. 9 IN CNAME B.test.", "b.test. 9 IN CNAME c.test.")
    assert talk.data("a.test") == ["192.0.2.1"]
    assert talk.data("a.test", "CNAME") == ["b.test."]
    fake.udp = lambda query: answer(query, "a.test. 9 IN CNAME b.test.", authority=[SOA])
    assert talk.data("a.test") == []
    fake.udp = lambda query: answer(query, "a.test. 9 IN CNAME b.test.", rcode="NXDOMAIN", authority=[SOA])
    assert talk.data("a.test") == []


def test_aliases_to_ask_for(fake, talk):
    zone = {"a.test.": "CNAME b.test.", "b.test.": "CNAME c.test.", "c.test.": "A 192.0.2.1"}
    fake.udp = lambda query: answer(query, f"{query.question[0].name} 60 IN {zone[str(query.question[0].name)]}")
    assert talk.data("a.test") == ["192.0.2.1"]
    assert [str(query.question[0].name) for _, query in fake.asked] == ["a.test.", "b.test.", "c.test."]


def test_aliases_in_circles(fake, talk):
    fake.udp = lambda query: answer(query, "a.test. 9 IN CNAME b.test.", "b.test. 9 IN CNAME a.test.")
    assert "circles" in talk.unknown("a.test")
    fake.udp = lambda query: answer(query, "a.test. 9 IN CNAME a.test.")
    assert "circles" in talk.unknown("a.test")
    other = {"a.test.": "b.test.", "b.test.": "a.test."}
    fake.udp = lambda query: answer(query, f"{query.question[0].name} 9 IN CNAME {other[str(query.question[0].name)]}")
    assert "circles" in talk.unknown("a.test")
    many = [f"a{i}.test. 9 IN CNAME a{i + 1}.test." for i in range(30)]
    fake.udp = lambda query: answer(query, *many, "a30.test. 1 IN A 192.0.2.1")
    assert "circles" in talk.unknown("a0.test")


# ---- no answers


@pytest.mark.parametrize("rcode", ["SERVFAIL", "REFUSED", "NOTAUTH", "YXDOMAIN"])
def test_refusals(fake, talk, rcode):
    fake.udp = lambda query: answer(query, "a.test. 1 IN A 192.0.2.1", rcode=rcode)
    reason = talk.unknown("a.test")
    assert f"127.0.0.1:{fake.port}: " in reason and "asked for a.test A" in reason
    assert rcode not in ("SERVFAIL", "REFUSED") or rcode in reason
    assert len(fake.asked) == 1  # it would say the same again


def test_refusal_without_the_question(fake, talk):
    fake.udp = lambda query: struct.pack("!HHHHHH", query.id, 0x8005, 0, 0, 0, 0)
    assert "REFUSED" in talk.unknown("a.test")


def test_no_resolver(fake, talk):
    fake.udp = lambda query: answer(query, authority=["test. 9 IN NS ns.test."])
    assert "refers to other servers" in talk.unknown("a.test")
    fake.udp = lambda query: answer(query, authority=["test. 9 IN NS ns.test.", SOA])
    assert talk.data("a.test") == []


def test_without_edns(fake, talk):
    for rcode in ("FORMERR", "NOTIMP", "BADVERS"):
        fake.udp = lambda query: answer(query, rcode=rcode) if query.edns == 0 else answer(query, "a.test. 1 IN A 192.0.2.1")
        assert talk.data("a.test") == ["192.0.2.1"]
    fake.udp = lambda query: answer(query, rcode="FORMERR")
    assert "does not understand" in talk.unknown("a.test")


def test_silence(fake):
    """It asks twice, and gives up four times a try later in any case."""
    talk = Talk(TALK_HOST="127.0.0.1", TALK_PORT=fake.port, TALK_TRY_MS=2000)
    before = time.monotonic()
    assert "no answer in time" in talk.unknown("a.test")
    took_ms = (time.monotonic() - before) * 1000
    assert 4000 - 2 <= took_ms < 20000  # it counts whole milliseconds
    assert len(fake.heard()) == 2
    talk.end()


def test_asked_again(fake):
    talk = Talk(TALK_HOST="127.0.0.1", TALK_PORT=fake.port, TALK_TRY_MS=5000)
    calls = iter([None])
    fake.udp = lambda query: next(calls, answer(query, "a.test. 1 IN A 192.0.2.1"))
    assert talk.data("a.test") == ["192.0.2.1"]
    talk.end()


def test_nobody_listens():
    talk = Talk(TALK_HOST="127.0.0.1", TALK_PORT=free_ports(1)[0], TALK_TRY_MS=TRY_MS)
    before = time.monotonic()
    assert "refused" in talk.unknown("a.test").lower()
    assert time.monotonic() - before < TRY_MS / 1000
    talk.end()


def other_id(query):
    said = answer(query, "a.test. 1 IN A 192.0.2.66")
    said.id ^= 0x4321
    return said


def other_question(query):
    said = answer(query, "a.test. 1 IN A 192.0.2.66")
    said.question = [dns.rrset.RRset(dns.name.from_text("b.test."), 1, 1)]
    return said


def no_question(query):
    said = answer(query, "a.test. 1 IN A 192.0.2.66")
    said.question = []
    return said


def a_query(query):
    said = answer(query, "a.test. 1 IN A 192.0.2.66")
    said.flags &= ~dns.flags.QR
    return said


def other_opcode(query):
    said = answer(query, "a.test. 1 IN A 192.0.2.66")
    said.set_opcode(dns.opcode.UPDATE)
    return said


@pytest.mark.parametrize("wrong", [other_id, other_question, no_question, a_query, other_opcode, lambda q: b"",
                                   lambda q: b"\0", lambda q: b"x" * 11, lambda q: b"\xff" * 600])
def test_strangers_are_not_heard(fake, talk, hasty, wrong):
    """Anybody may send datagrams: they neither answer nor end the waiting."""
    fake.udp = lambda query: [wrong(query), wrong(query), answer(query, "A.tEsT. 1 IN A 192.0.2.1")]
    assert talk.data("a.test") == ["192.0.2.1"]
    fake.udp = wrong
    assert "no answer in time" in hasty.unknown("a.test")


def test_garbage_behind_a_good_head(fake, talk):
    def garbage(query):
        good = answer(query, "a.test. 1 IN A 192.0.2.1").to_wire()
        return good[:-3]

    fake.udp = garbage
    assert "cannot be read" in talk.unknown("a.test")
    # Three bytes of address: the record is there, but is none.
    fake.udp = lambda query: (lambda w: w[:6] + b"\0\1\0\0\0\0" + w[12:12 + 12] + b"\xc0\x0c\0\1\0\1\0\0\0\1\0\3abc")(
        answer(query).to_wire())
    assert talk.unknown("a.test")


# ---- TCP


def cut(query):
    return answer(query, flags=dns.flags.RA | dns.flags.TC)


def test_long_answers_come_over_tcp(fake, talk):
    many = [f"a.test. 1 IN A 192.0.2.{i}" for i in range(250)]
    fake.udp, fake.tcp = cut, lambda query: answer(query, *many)
    assert len(talk.data("a.test")) == 250
    assert [how for how, _ in fake.asked] == ["udp", "tcp"]


def drip(connection):
    """A byte now and then, which must hold nobody."""
    with contextlib.suppress(OSError):
        for byte in struct.pack("!H", 500) + b"x" * 500:
            connection.sendall(bytes([byte]))
            time.sleep(0.05)


@pytest.mark.parametrize("tcp, reason", [
    (cut, "cut off"), (other_id, "another question"), (other_question, "another question"), (lambda q: b"", "another question"),
    (lambda q: None, "closed"), (lambda q: drip, "no answer in time"), (lambda q: b"x" * 65535, "another question"),
    (lambda q: (lambda connection: connection.sendall(b"\1\0" + b"x" * 20)), "closed"),
])
def test_bad_tcp(fake, talk, hasty, tcp, reason):
    fake.udp, fake.tcp = cut, tcp
    before = time.monotonic()
    assert reason in (hasty if reason == "no answer in time" else talk).unknown("a.test")
    assert time.monotonic() - before < 20


# ---- many, and the system's


def test_threads(fake, talk):
    fake.udp = lambda query: answer(query, "a.test. 1 IN A 192.0.2.1")
    said = talk.asks("a.test", times=48)
    assert [one["data"] for one in said] == [["192.0.2.1"]] * 48
    assert len({query.id for _, query in fake.asked}) > 40


def test_system_file(tmp_path):
    """The first that answers is enough; the file is read with each call."""
    path = tmp_path / "resolv.conf"
    talk = Talk(TALK_RESOLV_CONF=path, TALK_TRY_MS=TRY_MS)
    path.write_text("# mine\noptions ndots:2\nsearch test\nnameserver not-an-address\nnameserver 127.53.53.53\n nameserver 127.53.53.9\n")
    assert "127.53.53.53:53" in talk.unknown("a.test")
    path.write_text("nameserver 127.53.53.54\nnameserver 127.53.53.55\nnameserver 127.53.53.56\nnameserver 127.53.53.57\n")
    reason = talk.unknown("a.test")
    assert "127.53.53.56:53" in reason
    talk.end()


def test_the_second_server(tmp_path):
    """What the first cannot say, the second is asked."""
    first, second = f"127.53.{os.getpid() % 250}.1", f"127.53.{os.getpid() % 250}.2"
    try:
        fakes = Fake(first, 53), Fake(second, 53)
    except PermissionError:
        pytest.skip("port 53 is not for everybody")
    (tmp_path / "resolv.conf").write_text(f"nameserver {first}\nnameserver {second}\n")
    talk = Talk(TALK_RESOLV_CONF=tmp_path / "resolv.conf", TALK_TRY_MS=5000)
    fakes[1].udp = lambda query: answer(query, "a.test. 1 IN A 192.0.2.1")
    for fakes[0].udp in (lambda query: answer(query, rcode="SERVFAIL"), lambda query: None):
        assert talk.data("a.test") == ["192.0.2.1"]
    assert [len(one.heard()) for one in fakes] == [2, 2]
    fakes[0].udp = lambda query: answer(query, rcode="NXDOMAIN", authority=[SOA])  # this is an answer
    assert talk.data("a.test") == [] and len(fakes[1].asked) == 2
    talk.end()
    for one in fakes:
        one.stop()


def test_settings():
    for env in ({"TALK_HOST": "ns1.example.net", "TALK_PORT": 53}, {"TALK_HOST": "127.0.0.1"}):
        talk = Talk(**env)
        assert talk.process.wait(60) == 2
        assert "no numeric address" in talk.process.stdout.read()
        talk.process.stdin.close()
        talk.process.stdout.close()
