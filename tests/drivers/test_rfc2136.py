"""The DNS driver `rfc2136` against real servers: Knot DNS and BIND."""
import socket
import struct
import threading
import time

import dns.opcode
import dns.rcode
import pytest

from dns_talk import NONE, Talk, change
from dns_tcp import DnsTcp, receive, send
from servers.bind import SIGNED, Bind
from servers.knot import Knot
from servers.primary import KEYS, OTHER, SECRET, ZONES
from servers.process import wait_until

TIMEOUT_MS = 15000


@pytest.fixture(scope="module", params=[Knot, Bind], ids=["knot", "bind"])
def primary(request):
    one = request.param()
    yield one
    one.end()


def open_talk(primary, name="dfyd", algorithm=None, secret=None, timeout_ms=TIMEOUT_MS, **env):
    algorithm, secret = algorithm or KEYS[name][0], secret or KEYS[name][1]
    return Talk("rfc2136", secrets=[secret], **{
        "TALK_HOST": "127.0.0.1", "TALK_PORT": str(primary.port), "TALK_KEY": f"{algorithm}:{name}:{secret}",
        "TALK_NAMESERVERS": "ns1.dns.test, ns2.dns.test", "TALK_TIMEOUT_MS": str(timeout_ms), **env})


@pytest.fixture
def talk(primary):
    one = open_talk(primary)
    yield one
    one.end()


@pytest.fixture
def hasty(primary):
    one = open_talk(primary, timeout_ms=700)
    yield one
    one.end()


@pytest.fixture
def zone(primary):
    """One that no test before has touched."""
    used = primary.__dict__.setdefault("used", iter(ZONES))
    return next(used)


def unknown(said, *words):
    assert said["outcome"] == "unknown", said
    for word in words:
        assert word in said["reason"], said
    return said["reason"]


# ---- records of all kinds


def test_nameservers(talk):
    assert talk.ask("nameservers")["nameservers"] == ["ns1.dns.test", "ns2.dns.test"]


DKIM = "v=DKIM1; k=rsa; p=" + "MIIBIjANBgkqhkiG9w0BAQEFAAOCAQ8A" * 12
KINDS = [
    ("", "MX", ["10 mx.dns.test.", "20 mx2.dns.test."]),
    ("", "TXT", ["v=spf1 a:mx.dns.test ~all"]),
    ("dfy1._domainkey.", "TXT", [DKIM]),
    ("_dmarc.", "TXT", ["v=DMARC1; p=quarantine"]),
    ("odd.", "TXT", ['say "hi"; \\back\\ \u00c3\u00a4\n\t', ""]),
    ("www.", "A", ["192.0.2.1", "192.0.2.2"]),
    ("www.", "AAAA", ["2001:db8::1"]),
    ("_imaps._tcp.", "SRV", ["0 1 993 mx.dns.test."]),
    ("_pop3._tcp.", "SRV", ["0 0 0 ."]),
    ("alias.", "CNAME", ["www.dns.test."]),
]


def test_all_kinds(primary, talk, zone):
    wanted = [(prefix + zone, type, values) for prefix, type, values in KINDS]
    assert all(talk.served(zone, name, type) == NONE for name, type, _ in wanted)
    serial = primary.serial(zone)
    talk.must_change(zone, *[change(name, type, NONE, [600, values]) for name, type, values in wanted])
    assert primary.serial(zone) != serial
    for name, type, values in wanted:
        assert talk.served(zone, name, type) == [600, sorted(values)]
    assert primary.dig(f"_imaps._tcp.{zone}", "SRV") == (600, ["0 1 993 mx.dns.test."])
    assert primary.dig(f"odd.{zone}", "TXT") == (600, sorted(KINDS[4][2]))
    assert primary.strings(f"dfy1._domainkey.{zone}") == [[DKIM[:255], DKIM[255:]]]
    # As wanted: nothing is sent. Other values, other TTL, and away again.
    serial = primary.serial(zone)
    talk.must_change(zone, *[change(name, type, [600, values], [600, values[::-1]]) for name, type, values in wanted])
    assert primary.serial(zone) == serial
    talk.must_change(zone, *[change(name, type, [600, values], [60, values]) for name, type, values in wanted])
    assert primary.dig(f"www.{zone}", "A") == (60, ["192.0.2.1", "192.0.2.2"])
    talk.must_change(zone, change(f"www.{zone}", "A", [60, ["192.0.2.2", "192.0.2.1"]], [60, ["192.0.2.2", "192.0.2.3"]]))
    assert primary.dig(f"www.{zone}", "A") == (60, ["192.0.2.2", "192.0.2.3"])
    talk.must_change(zone, change(f"www.{zone}", "A", [60, ["192.0.2.2", "192.0.2.3"]], NONE),
                     *[change(name, type, [60, values], NONE) for name, type, values in wanted if type != "A"])
    assert all(primary.dig(name, type) is None for name, type, _ in wanted)
    assert primary.dig(zone, "NS") == (300, ["ns1.dns.test."])


def test_changes_may_be_repeated(primary, talk, zone):
    one = change(zone, "TXT", NONE, [300, ["a"]])
    talk.must_change(zone, one)
    serial = primary.serial(zone)
    talk.must_change(zone, one)
    assert primary.serial(zone) == serial


def test_names_in_any_case(primary, talk, zone):
    primary.set(zone, zone, "MX", "10 MX.Dns.Test.")
    assert talk.served(zone, zone, "MX") == [300, ["10 mx.dns.test."]]
    talk.must_change(zone, change(zone, "MX", [300, ["10 mx.dns.test."]], [300, ["20 mx.dns.test."]]))
    assert talk.served(zone, zone, "MX") == [300, ["20 mx.dns.test."]]


def test_shared_texts_keep_their_strings(primary, talk, zone):
    primary.set(zone, zone, "TXT", '"google-site-" "verification=1" ""', '"two" "strings"')
    was = [300, ["google-site-verification=1", "twostrings"]]
    assert talk.served(zone, zone, "TXT") == was
    talk.must_change(zone, change(zone, "TXT", was, [300, was[1] + ["v=spf1 ~all"]]))
    assert primary.strings(zone) == [["google-site-", "verification=1", ""], ["two", "strings"], ["v=spf1 ~all"]]
    talk.must_change(zone, change(zone, "TXT", [300, was[1] + ["v=spf1 ~all"]], was))
    assert primary.strings(zone) == [["google-site-", "verification=1", ""], ["two", "strings"]]


def test_an_alias_makes_room(primary, talk, zone):
    primary.set(zone, f"www.{zone}", "CNAME", "old.dns.test.")
    address, alias = change(f"www.{zone}", "A", NONE, [300, ["192.0.2.1"]]), [300, ["old.dns.test."]]
    said = talk.change(zone, address, change(zone, "MX", NONE, [300, ["10 mx.dns.test."]]))
    unknown(said, "alias (CNAME)", f"www.{zone} A")
    assert primary.dig(zone, "MX") is None
    assert talk.served(zone, f"www.{zone}", "A") == NONE
    talk.must_change(zone, address, change(f"www.{zone}", "CNAME", alias, NONE))
    assert primary.dig(f"www.{zone}", "A") == (300, ["192.0.2.1"])
    # The other way round, servers drop the alias without a word.
    unknown(talk.change(zone, change(f"www.{zone}", "CNAME", NONE, alias)), "does not serve it", f"www.{zone} CNAME")


def test_wildcards(primary, talk, zone):
    """What a wildcard answers with is no record that could be changed."""
    primary.set(zone, f"*.{zone}", "A", "192.0.2.99")
    assert talk.served(zone, f"www.{zone}", "A") == [300, ["192.0.2.99"]]
    said = talk.change(zone, change(f"www.{zone}", "A", [300, ["192.0.2.99"]], [300, ["192.0.2.1"]]))
    unknown(said, "wildcard", f"www.{zone} A")
    assert primary.dig(f"www.{zone}", "A") == (300, ["192.0.2.99"])


def test_many_changes_at_once(primary, talk, zone):
    names = [f"n{i}.{zone}" for i in range(50)]
    talk.must_change(zone, *[change(name, "TXT", NONE, [300, [f"{name} {'x' * 300}"]]) for name in names])
    said = talk.fetch(zone, *[(name, "TXT") for name in names])
    assert [row[3] for row in said["served"]] == [[f"{name} {'x' * 300}"] for name in names]
    # One that does not fit: none is made.
    wrong = [change(name, "TXT", [300, [f"{name} {'x' * 300}"]], NONE) for name in names]
    unknown(talk.change(zone, *wrong[:-1], change(names[-1], "TXT", [300, ["y"]], NONE)), "changed meanwhile", names[-1])
    assert primary.dig(names[0], "TXT")
    huge = [change(f"h{i}.{zone}", "TXT", NONE, [300, ["x" * 50000]]) for i in range(2)]
    unknown(talk.change(zone, *huge), "too long")


# ---- whose zone, whose key


def test_zones_are_made_by_people(talk):
    said = talk.fetch("missing.test", ("missing.test", "MX"))
    assert (said["outcome"], said["state"], said["served"]) == ("done", "missing", [["missing.test", "MX", 0, []]])
    said = talk.change("missing.test", change("missing.test", "MX", NONE, [300, ["10 mx.dns.test."]]))
    unknown(said, "create the zone at the primary", "missing.test")


def test_below_a_zone_is_no_zone(talk):
    said = talk.fetch(f"sub.{ZONES[0]}", (f"sub.{ZONES[0]}", "MX"))
    assert (said["outcome"], said["state"]) == ("done", "missing")


def test_nonsense(talk, zone):
    unknown(talk.fetch(zone, ("other.test", "A")), "not in the zone")
    unknown(talk.fetch(zone, (f"x{zone}", "A")), "not in the zone")
    unknown(talk.fetch(zone, (f"a..{zone}", "A")), "nothing that can be published")
    unknown(talk.fetch(zone, (zone, "SPF")), "nothing that can be published")
    unknown(talk.fetch("a..b", ("a..b", "A")), "no name of a zone")
    for type, value in (("A", "192.0.2"), ("A", "::1"), ("MX", "mx.dns.test."), ("MX", "65536 mx."), ("MX", "-1 mx."),
                        ("SRV", "0 1 mx."), ("AAAA", "1.2.3.4"), ("CNAME", "a..b."), ("MX", "10 a b")):
        unknown(talk.change(zone, change(f"x.{zone}", type, NONE, [300, [value]])), "cannot be written", f"x.{zone} {type}")


def test_the_other_algorithm(primary, zone):
    """sha512, and a name that shares labels with the zone's."""
    talk = open_talk(primary, "long.key.ex1.test")
    talk.must_change(zone, change(zone, "TXT", NONE, [300, ["by another key"]]))
    talk.must_change("ex1.test", change("a.ex1.test", "TXT", NONE, [300, ["by another key"]]))
    talk.must_change("ex1.test", change("a.ex1.test", "TXT", [300, ["by another key"]], NONE))
    talk.end()
    assert primary.dig(zone, "TXT") == (300, ["by another key"])


@pytest.mark.parametrize("key, words", [
    ({"name": "nobody", "algorithm": "hmac-sha256", "secret": SECRET}, ["nobody.", "does not know the key"]),
    ({"name": "dfyd", "secret": OTHER}, ["dfyd.", "another secret"]),
    ({"name": "dfyd", "algorithm": "hmac-sha512"}, ["dfyd. (hmac-sha512)"]),
])
def test_wrong_keys(primary, zone, key, words):
    talk = open_talk(primary, **key)
    unknown(talk.fetch(zone, (zone, "MX")), *words)
    unknown(talk.change(zone, change(zone, "MX", NONE, [300, ["10 mx.dns.test."]])), *words)
    talk.end()
    assert primary.dig(zone, "MX") is None


def test_a_key_that_may_not(primary, zone):
    talk = open_talk(primary, "looker")
    said = talk.fetch(zone, (zone, "MX"))
    assert (said["outcome"], said["state"]) == ("done", "ours")  # as far as it can see
    said = talk.change(zone, change(zone, "MX", NONE, [300, ["10 mx.dns.test."]]))
    unknown(said, "looker.", "allow it", "zone")
    assert said["retry_after_ms"] == 0
    talk.end()
    assert primary.dig(zone, "MX") is None


@pytest.mark.parametrize("env, words", [
    ({"TALK_HOST": ""}, "rfc2136_server is missing"),
    ({"TALK_PORT": "0"}, "rfc2136_server is missing"),
    ({"TALK_HOST": "ns1.example.net"}, "numeric address"),
    ({"TALK_KEY": ""}, "TSIG key is missing"),
    ({"TALK_KEY": "dfyd"}, "ALGORITHM:NAME:BASE64"),
    ({"TALK_KEY": f"hmac-md5:dfyd:{SECRET}"}, "algorithm must be"),
    ({"TALK_KEY": f"hmac-sha256:d..d:{SECRET}"}, "DNS name"),
    ({"TALK_KEY": "hmac-sha256:dfyd:***"}, "base64"),
    ({"TALK_NAMESERVERS": ""}, "dns_nameservers is missing"),
])
def test_settings(capfd, env, words):
    env = {"TALK_HOST": "127.0.0.1", "TALK_PORT": "53", "TALK_KEY": f"hmac-sha256:dfyd:{SECRET}", "TALK_NAMESERVERS": "ns1.dns.test", **env}
    talk = Talk("rfc2136", **env)
    assert talk.process.wait(60) == 2
    said = capfd.readouterr().err
    assert words in said and SECRET not in said
    talk.process.stdin.close()
    talk.process.stdout.close()


# ---- others change things, too


def test_changed_by_hand_meanwhile(primary, talk, zone):
    talk.must_change(zone, change(zone, "TXT", NONE, [300, ["ours"]]))
    primary.set(zone, zone, "TXT", '"by hand"')
    said = talk.change(zone, change(zone, "TXT", [300, ["ours"]], [300, ["ours, newer"]]))
    unknown(said, "changed meanwhile", f"{zone} TXT")
    assert primary.dig(zone, "TXT") == (300, ["by hand"])
    primary.set(zone, zone, "TXT")
    unknown(talk.change(zone, change(zone, "TXT", [300, ["ours"]], [300, ["newer"]]), change(zone, "MX", NONE, [300, ["1 a.test."]])),
            "changed meanwhile")
    primary.set(zone, zone, "TXT", '"by hand"')
    unknown(talk.change(zone, change(zone, "TXT", NONE, [300, ["ours"]])), "changed meanwhile")
    assert primary.dig(zone, "TXT") == (300, ["by hand"]) and primary.dig(zone, "MX") is None


def test_others_in_the_same_zone(primary, talk, zone):
    """What changes elsewhere in the zone, at the same moment, is no reason to give up."""
    stop = threading.Event()

    def disturb():
        for i in range(10000):
            if stop.is_set():
                return
            primary.set(zone, f"busy.{zone}", "TXT", f'"{i}"')

    thread = threading.Thread(target=disturb)
    thread.start()
    done = 0
    try:
        for i in range(20):
            before = [300, [f"{i - 1}"]] if i else NONE
            said = talk.change(zone, change(f"a.{zone}", "TXT", before, [300, [f"{i}"]]))
            while said["outcome"] != "done":  # four rounds in a row were overtaken
                unknown(said, "again and again")
                said = talk.change(zone, change(f"a.{zone}", "TXT", before, [300, [f"{i}"]]))
            done += 1
    finally:
        stop.set()
        thread.join(30)
    assert done == 20


def test_many_threads(primary, talk, zone):
    jobs = [{"do": "change", "zone": zone, "changes": [change(f"t{i}.{zone}", "TXT", NONE, [300, [f"{i}"]])]} for i in range(24)]
    left = jobs
    for _ in range(24):
        said = talk.all(left, threads=8)
        assert {one["outcome"] for one in said} <= {"done", "unknown"}
        left = [job for job, one in zip(left, said) if one["outcome"] != "done"]
        if not left:
            break
    assert not left
    assert [primary.dig(f"t{i}.{zone}", "TXT") for i in range(24)] == [(300, [f"{i}"]) for i in range(24)]


# ---- bad days


def test_down_and_up_again(primary, talk, zone):
    talk.must_change(zone, change(zone, "TXT", NONE, [300, ["before"]]))
    primary.kill()
    try:
        unknown(talk.fetch(zone, (zone, "TXT")), f"127.0.0.1:{primary.port}", "refused")
        unknown(talk.change(zone, change(zone, "TXT", [300, ["before"]], NONE)), "refused")
    finally:
        primary.start()
    assert talk.served(zone, zone, "TXT") == [300, ["before"]]
    talk.must_change(zone, change(zone, "TXT", [300, ["before"]], [300, ["after"]]))


def test_slow(primary, talk, hasty, zone):
    """What was given up on does not take effect late, when others were faster."""
    talk.must_change(zone, change(zone, "TXT", NONE, [300, ["a"]]))
    primary.freeze()
    try:
        before = time.monotonic()
        unknown(hasty.fetch(zone, (zone, "TXT")), "no answer in time")
        unknown(hasty.change(zone, change(zone, "TXT", [300, ["a"]], [300, ["b"]])), "no answer in time")  # before it was sent
        assert time.monotonic() - before < 20
    finally:
        primary.thaw()
    assert talk.served(zone, zone, "TXT") == [300, ["a"]]
    talk.must_change(zone, change(zone, "TXT", [300, ["a"]], [300, ["c"]]))
    assert primary.dig(zone, "TXT") == (300, ["c"])


class LateProxy(DnsTcp):
    """Between the driver and PRIMARY. Keeps the next update to itself, for deliver() to bring it later."""

    def __init__(self, primary):
        self.primary, self.kept, self.keeping = primary, None, True
        super().__init__()

    def talk(self, here):
        with socket.create_connection(("127.0.0.1", self.primary.port)) as there:
            while True:
                message = receive(here)
                if self.keeping and dns.opcode.from_flags(struct.unpack("!H", message[2:4])[0]) == dns.opcode.UPDATE:
                    self.kept, self.keeping = message, False
                    continue
                send(there, message)
                send(here, receive(there))

    def deliver(self):
        """The rcode that the kept update gets now."""
        with socket.create_connection(("127.0.0.1", self.primary.port)) as there:
            send(there, self.kept)
            return receive(there)[3] & 0x0f


@pytest.mark.parametrize("then", ["nothing", "there and back", "elsewhere in the zone"])
def test_what_comes_late(primary, talk, zone, then):
    """An update that was under way for long changes nothing once anything was changed after it; else it is what was meant."""
    proxy = LateProxy(primary)
    slow = open_talk(proxy, timeout_ms=4000)  # all that comes before it has to be in time
    name, a, b = f"www.{zone}", [300, ["192.0.2.1"]], [300, ["192.0.2.2"]]
    talk.must_change(zone, change(name, "A", NONE, a))
    said = slow.change(zone, change(name, "A", a, b))
    unknown(said, "no answer in time")
    assert said["retry_after_ms"] > 0
    if then == "there and back":
        talk.must_change(zone, change(name, "A", a, NONE))
        talk.must_change(zone, change(name, "A", NONE, a))
    elif then == "elsewhere in the zone":
        talk.must_change(zone, change(zone, "TXT", NONE, [300, ["x"]]))
    rcode = proxy.deliver()
    assert (rcode == dns.rcode.NOERROR) == (then == "nothing"), rcode
    assert talk.served(zone, name, "A") == (b if then == "nothing" else a)
    slow.end()
    proxy.stop()


# ---- zones that are signed


@pytest.fixture(scope="module")
def bind():
    one = Bind()
    yield one
    one.end()


def test_inline_signing(bind):
    """Updates change another copy than the one that is served, with serials of its own, and some time before it."""
    wait_until(lambda: bind.dig(SIGNED, "SOA"), "the zone is signed")
    talk = open_talk(bind)
    before = NONE
    for i in range(6):
        one = change(f"a.{SIGNED}", "TXT", before, [300, [f"{i}"]])
        while (said := talk.change(SIGNED, one))["outcome"] != "done":
            unknown(said, "does not serve it (yet)")
            wait_until(lambda: bind.dig(f"a.{SIGNED}", "TXT") == (300, [f"{i}"]), "the signed zone")
        before = [300, [f"{i}"]]
    assert "prerequisite not satisfied" in bind.log()  # the serial's, which is why it goes without
    bind.set(SIGNED, f"a.{SIGNED}", "TXT", '"by hand"')
    wait_until(lambda: bind.dig(f"a.{SIGNED}", "TXT") == (300, ["by hand"]), "the signed zone")
    unknown(talk.change(SIGNED, change(f"a.{SIGNED}", "TXT", before, [300, ["ours"]])), "changed meanwhile")
    talk.end()
