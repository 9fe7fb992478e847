"""The DNS driver `rfc2136` and a primary that misbehaves as told."""
import contextlib
import struct
import time

import dns.flags
import dns.message
import dns.opcode
import dns.rcode
import dns.rdataclass
import dns.rdatatype
import dns.rrset
import dns.tsigkeyring
import pytest

from dns_talk import NONE, Talk, change
from dns_tcp import DnsTcp, receive, send
from servers.primary import OTHER, SECRET

ZONE = "a.test"
KEYS = dns.tsigkeyring.from_text({"dfyd": SECRET})
TXT = change(ZONE, "TXT", NONE, [300, ["x"]])


class Fake(DnsTcp):
    """Serves ZONE over TCP. QUERY and UPDATE make the answer to a message: a message, bytes, None for silence, or "close"."""

    def __init__(self):
        self.serial = 1
        self.records = {}  # (name, type) -> rrset
        self.query, self.update = self.good_query, self.good_update
        self.updates = []
        self.hold = 1  # so many answers are gathered and sent the wrong way round
        super().__init__()

    def talk(self, connection):
        held = []
        while True:
            message = dns.message.from_wire(receive(connection), keyring=KEYS)
            is_update = message.opcode() == dns.opcode.UPDATE
            if is_update:
                self.updates.append(message)
            said = (self.update if is_update else self.query)(message)
            if said == "close":
                return
            if callable(said):
                return said(connection)
            if said is None:
                continue
            held.append(said if isinstance(said, bytes) else said.to_wire(max_size=65535))
            if len(held) == self.hold or is_update:
                for one in reversed(held):
                    send(connection, one)
                held = []

    def good_query(self, query):
        answer = dns.message.make_response(query)
        answer.flags |= dns.flags.AA
        name, type_ = str(query.question[0].name), dns.rdatatype.to_text(query.question[0].rdtype)
        if type_ == "SOA":
            answer.answer.append(dns.rrset.from_text(f"{ZONE}.", 60, "IN", "SOA", f"ns.test. h.test. {self.serial} 2 3 4 5"))
        elif (name, type_) in self.records:
            answer.answer.append(self.records[name, type_])
        return answer

    def good_update(self, update):
        for section in update.authority:
            kind = section.rdclass if section.deleting is None else section.deleting
            key = (str(section.name), dns.rdatatype.to_text(section.rdtype))
            if kind == dns.rdataclass.IN:
                self.records[key] = dns.rrset.from_rdata_list(section.name, section.ttl, list(section))
            else:
                self.records.pop(key, None)
        self.serial += 1
        return dns.message.make_response(update)


@pytest.fixture
def fake():
    one = Fake()
    yield one
    one.stop()


def open_talk(fake, timeout_ms):
    return Talk("rfc2136", secrets=[SECRET], TALK_HOST="127.0.0.1", TALK_PORT=str(fake.port), TALK_KEY=f"hmac-sha256:dfyd:{SECRET}",
                TALK_NAMESERVERS="ns.test", TALK_TIMEOUT_MS=str(timeout_ms))


@pytest.fixture
def talk(fake):
    one = open_talk(fake, 30000)  # more than anybody stands still
    yield one
    one.end()


@pytest.fixture
def hasty(fake):
    """Waits long enough for what is answered before the silence."""
    one = open_talk(fake, 4000)
    yield one
    one.end()


def unknown(said, words):
    assert said["outcome"] == "unknown" and words in said["reason"], said
    return said


def test_good(fake, talk):
    """What follows fails for its reason alone."""
    talk.must_change(ZONE, TXT)
    assert talk.served(ZONE, ZONE, "TXT") == [300, ["x"]]
    soa, none = fake.updates[0].answer
    assert soa.rdtype == dns.rdatatype.SOA and (none.name.to_text(), none.rdtype, none.deleting) == (
        f"{ZONE}.", dns.rdatatype.TXT, dns.rdataclass.NONE)


def test_answers_in_any_order(fake, talk):
    for i in range(15):
        fake.records[f"n{i}.{ZONE}.", "A"] = dns.rrset.from_text(f"n{i}.{ZONE}.", 9, "IN", "A", f"192.0.2.{i}")
    fake.hold = 16
    said = talk.fetch(ZONE, *[(f"n{i}.{ZONE}", "A") for i in range(15)])
    assert [row[3] for row in said["served"]] == [[f"192.0.2.{i}"] for i in range(15)]


# ---- answers that are none


def respond(message, rcode="NOERROR"):
    answer = dns.message.make_response(message)
    answer.flags |= dns.flags.AA
    answer.set_rcode(dns.rcode.from_text(rcode))
    return answer


def unsigned(message):
    answer = respond(message)
    answer.tsig = None
    return answer


def tampered(message):
    """A record more, behind the server's back."""
    wire = bytearray(respond(message).to_wire())
    wire[2] ^= 0x01  # RD
    return bytes(wire)


def signed_by_another(message):
    answer = unsigned(message)
    answer.use_tsig(dns.tsigkeyring.from_text({"dfyd": OTHER}), "dfyd", algorithm="hmac-sha256")
    answer.request_mac = message.mac
    return answer


def signed_by_another_name(message):
    answer = unsigned(message)
    answer.use_tsig(dns.tsigkeyring.from_text({"other": SECRET}), "other", algorithm="hmac-sha256")
    answer.request_mac = message.mac
    return answer


def signed_for_another_question(message):
    answer = unsigned(message)
    answer.use_tsig(KEYS, "dfyd", algorithm="hmac-sha256")
    answer.request_mac = b"x" * 32
    return answer


def by_weaker_algorithm(message):
    answer = unsigned(message)
    answer.use_tsig(KEYS, "dfyd", algorithm="hmac-md5.sig-alg.reg.int")
    answer.request_mac = message.mac
    return answer


def bad_time(message):
    answer = respond(message, "NOTAUTH")
    answer.use_tsig(KEYS, "dfyd", algorithm="hmac-sha256", tsig_error=dns.rcode.BADTIME, other_data=b"\0" * 6)
    return answer


def other_id(message):
    answer = respond(message)
    answer.id ^= 0x4242
    return answer


def plain_error(message):
    answer = respond(message, "FORMERR")
    answer.tsig = None
    return answer


def drip(connection):
    with contextlib.suppress(OSError):
        for byte in struct.pack("!H", 500) + b"x" * 500:
            connection.sendall(bytes([byte]))
            time.sleep(0.05)


BROKEN = [
    (unsigned, "not signed with the key"), (tampered, "not signed with the key"), (signed_by_another, "not signed with the key"),
    (signed_by_another_name, "not signed with the key"), (signed_for_another_question, "not signed with the key"),
    (by_weaker_algorithm, "not signed with the key"), (bad_time, "clock"), (other_id, "what was not asked"),
    (plain_error, "an error, and not signed"), (lambda m: respond(m, "SERVFAIL"), ""), (lambda m: b"", "cannot be read"),
    (lambda m: b"\xff" * 100, "cannot be read"), (lambda m: respond(m).to_wire()[:-4], "cannot be read"),
    (lambda m: m.to_wire(), "cannot be read"), (lambda m: "close", "closed"), (lambda m: None, "no answer in time"),
    (lambda m: drip, "no answer in time"),
    (lambda m: (lambda connection: connection.sendall(b"\1\0" + b"x" * 20)), "closed"),
]


@pytest.mark.parametrize("broken, words", BROKEN)
def test_broken_answers_to_questions(fake, broken, words):
    talk = open_talk(fake, 1000 if words == "no answer in time" else 30000)
    fake.query = broken
    before = time.monotonic()
    said = unknown(talk.fetch(ZONE, (ZONE, "TXT"), (ZONE, "MX")), words)
    assert said["retry_after_ms"] == 0 and time.monotonic() - before < 20
    unknown(talk.change(ZONE, TXT), words)
    assert not fake.updates
    talk.end()


@pytest.mark.parametrize("broken, words", BROKEN)
def test_broken_answers_to_updates(fake, talk, hasty, broken, words):
    """It may have been done: it is asked again later, and what was done is then found done."""
    def update(message):
        fake.good_update(message)
        return broken(message)

    fake.update = update
    said = unknown((hasty if words == "no answer in time" else talk).change(ZONE, TXT), words)
    assert (said["retry_after_ms"] == 0) == (broken is bad_time or not words)  # those are clear: not done
    assert len(fake.updates) == 1
    fake.update = fake.good_update
    talk.must_change(ZONE, TXT)
    assert len(fake.updates) == 1


@pytest.mark.parametrize("rcode, words", [
    ("SERVFAIL", "error 2"), ("FORMERR", "error 1"), ("NOTIMP", "error 4"), ("NOTZONE", "error 10"),
    ("REFUSED", "let the key"), ("NOTAUTH", "let the key"),
])
def test_updates_that_are_not_taken(fake, talk, rcode, words):
    fake.update = lambda message: respond(message, rcode)
    assert unknown(talk.change(ZONE, TXT), words)["retry_after_ms"] == 0
    assert len(fake.updates) == 1


def test_taken_and_not_done(fake, talk):
    fake.update = respond
    unknown(talk.change(ZONE, TXT), f"does not serve it (yet): {ZONE} TXT")


@pytest.mark.parametrize("rcode", ["NXDOMAIN", "REFUSED", "NOTAUTH"])
def test_missing_zones(fake, talk, rcode):
    fake.query = lambda message: respond(message, rcode)
    said = talk.fetch(ZONE, (ZONE, "TXT"))
    assert (said["outcome"], said["state"], said["served"]) == ("done", "missing", [[ZONE, "TXT", 0, []]])
    unknown(talk.change(ZONE, TXT), "create the zone")
    fake.query = respond  # no SOA
    assert talk.fetch(ZONE, (ZONE, "TXT"))["state"] == "missing"

    def elsewhere(message):  # a resolver's answer
        answer = fake.good_query(message)
        answer.flags &= ~dns.flags.AA
        return answer

    fake.query = elsewhere
    assert talk.fetch(ZONE, (ZONE, "TXT"))["state"] == "missing"


def test_half_an_answer(fake, talk):
    """The zone is there, and one of the names cannot be told."""
    fake.query = lambda m: fake.good_query(m) if m.question[0].rdtype == dns.rdatatype.SOA else respond(m, "SERVFAIL")
    unknown(talk.fetch(ZONE, (ZONE, "TXT")), "SERVFAIL")
    fake.query = lambda m: fake.good_query(m) if m.question[0].rdtype == dns.rdatatype.SOA else respond(m, "REFUSED")
    unknown(talk.fetch(ZONE, (ZONE, "TXT")), "error 5")


# ---- prerequisites


def has_serial(update):
    return any(one.rdtype == dns.rdatatype.SOA for one in update.answer)


@pytest.mark.parametrize("rcode", ["YXRRSET", "NXRRSET", "YXDOMAIN", "NXDOMAIN"])
def test_prerequisites_that_fail_and_nothing_moved(fake, talk, rcode):
    """First the serial is suspected, then what is served."""
    fake.update = lambda message: respond(message, rcode)
    unknown(talk.change(ZONE, TXT), "wildcard")
    assert [has_serial(one) for one in fake.updates] == [True, False]


def test_a_zone_that_never_rests(fake, talk):
    def update(message):
        fake.serial += 1
        return respond(message, "NXRRSET")

    fake.update = update
    unknown(talk.change(ZONE, TXT), "again and again")
    assert [has_serial(one) for one in fake.updates] == [True] * 4


def test_a_serial_of_another_copy(fake, talk):
    fake.update = lambda message: respond(message, "NXRRSET") if has_serial(message) else fake.good_update(message)
    talk.must_change(ZONE, TXT)
    assert [has_serial(one) for one in fake.updates] == [True, False]


def test_changed_between(fake, talk):
    def update(message):
        fake.records[f"{ZONE}.", "TXT"] = dns.rrset.from_text(f"{ZONE}.", 9, "IN", "TXT", '"by hand"')
        fake.serial += 1
        return respond(message, "YXRRSET")

    fake.update = update
    unknown(talk.change(ZONE, TXT), "changed meanwhile, by somebody else")
    assert len(fake.updates) == 1
