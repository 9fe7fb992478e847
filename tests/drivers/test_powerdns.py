"""The DNS driver `powerdns` in conversation with a real PowerDNS, whose answers to the world another program reads."""
import base64
import concurrent.futures
import itertools
import os
import sqlite3
import subprocess
import time

import pytest

from conftest import binary
from dns_talk import NONE, Talk, change
from servers.powerdns import KEY, powerdns  # noqa: F401, a fixture
from servers.process import wait_until

numbers = itertools.count(1)


def start(server, **env):
    return Talk("powerdns", secrets=[KEY], **{"TALK_URL": server.url, "TALK_KEY": server.key, "TALK_TIMEOUT_MS": "8000",
                                              "TALK_NAMESERVERS": "ns1.dns.test, NS2.dns.test.", **env})


@pytest.fixture(scope="module")
def talk(powerdns):  # noqa: F811
    one = start(powerdns)
    yield one
    one.end()


@pytest.fixture
def zone():
    return f"zone{next(numbers)}.test"


def mx(zone, host="mx.dns.test"):
    return change(zone, "MX", NONE, [3600, [f"10 {host}."]])


def test_a_zone_is_made_and_served(powerdns, talk, zone):  # noqa: F811
    assert talk.ask("nameservers")["nameservers"] == ["ns1.dns.test", "ns2.dns.test"]
    assert talk.fetch(zone, (zone, "MX"))["state"] == "missing"
    assert talk.fetch(zone, (zone, "MX"))["served"] == [[zone, "MX", 0, []]]
    talk.must_change(
        zone, mx(zone), change(zone, "TXT", NONE, [3600, ["v=spf1 a:mx.dns.test ~all"]]),
        change(f"_imaps._tcp.{zone}", "SRV", NONE, [3600, ["0 1 993 mx.dns.test."]]),
        change(f"_pop3._tcp.{zone}", "SRV", NONE, [3600, ["0 0 0 ."]]),
        change(f"www.{zone}", "A", NONE, [300, ["192.0.2.1"]]), change(f"www.{zone}", "AAAA", NONE, [300, ["2001:db8::10"]]))
    assert powerdns.dig(zone, "MX") == (3600, ["10 mx.dns.test."])
    assert powerdns.dig(zone, "TXT") == (3600, ["v=spf1 a:mx.dns.test ~all"])
    assert powerdns.dig(f"_imaps._tcp.{zone}", "SRV") == (3600, ["0 1 993 mx.dns.test."])
    assert powerdns.dig(f"_pop3._tcp.{zone}", "SRV") == (3600, ["0 0 0 ."])
    assert powerdns.dig(f"www.{zone}", "A") == (300, ["192.0.2.1"])
    assert powerdns.dig(f"www.{zone}", "AAAA") == (300, ["2001:db8::10"])
    assert powerdns.dig(zone, "NS") == (3600, ["ns1.dns.test.", "ns2.dns.test."])
    assert talk.fetch(zone, (zone, "MX"), (f"www.{zone}", "AAAA"), (f"www.{zone}", "CNAME"))["served"] == [
        [zone, "MX", 3600, ["10 mx.dns.test."]], [f"www.{zone}", "AAAA", 300, ["2001:db8::10"]], [f"www.{zone}", "CNAME", 0, []]]
    about = powerdns.api("GET", f"/zones/{zone}.").json()
    assert (about["account"], about["kind"], about["soa_edit_api"]) == ("dfyd", "Master", "INCREASE")


def test_asking_too_early_delays_nothing(powerdns, talk, zone):  # noqa: F811
    """What PowerDNS said before it knew better is not kept."""
    names = [(zone, "MX"), (zone, "TXT"), (f"www.{zone}", "A"), (zone, "SOA")]
    assert [powerdns.dig(*name) for name in names] == [None] * 4
    talk.must_change(zone, mx(zone))
    assert powerdns.dig(zone, "MX") == (3600, ["10 mx.dns.test."])
    assert [powerdns.dig(*name) for name in names[1:3]] == [None] * 2
    talk.must_change(zone, *web(zone))
    assert powerdns.dig(f"www.{zone}", "A") == (300, ["192.0.2.1"])
    talk.must_change(zone, change(f"www.{zone}", "A", [300, ["192.0.2.1"]], [300, ["192.0.2.2"]]))
    assert powerdns.dig(f"www.{zone}", "A") == (300, ["192.0.2.2"])
    talk.must_change(zone, change(f"www.{zone}", "A", [300, ["192.0.2.2"]], NONE))
    assert powerdns.dig(f"www.{zone}", "A") is None


def test_a_zone_without_records(powerdns, talk, zone):  # noqa: F811
    talk.must_change(zone)
    assert powerdns.dig(zone, "NS") == (3600, ["ns1.dns.test.", "ns2.dns.test."])
    assert talk.served(zone, zone, "MX") == NONE


def test_repeating_writes_nothing(powerdns, talk, zone):  # noqa: F811
    records = [mx(zone), change(zone, "TXT", NONE, [300, ["b", "a"]])]
    talk.must_change(zone, *records)
    serial = powerdns.serial(zone)
    talk.must_change(zone, *records)
    talk.must_change(zone, change(zone, "TXT", NONE, [300, ["a", "b"]]), change(zone, "A", [300, ["192.0.2.9"]], NONE))
    assert powerdns.serial(zone) == serial
    talk.must_change(zone, change(zone, "TXT", [300, ["a", "b"]], [300, ["a"]]))
    assert powerdns.serial(zone) > serial


def test_changes_and_removals(powerdns, talk, zone):  # noqa: F811
    talk.must_change(zone, mx(zone), change(f"www.{zone}", "A", NONE, [300, ["192.0.2.1"]]))
    talk.must_change(zone, change(zone, "MX", [3600, ["10 mx.dns.test."]], [3600, ["10 mx2.dns.test.", "20 mx3.dns.test."]]),
                     change(f"www.{zone}", "A", [300, ["192.0.2.1"]], NONE))
    assert powerdns.dig(zone, "MX") == (3600, ["10 mx2.dns.test.", "20 mx3.dns.test."])
    assert powerdns.dig(f"www.{zone}", "A") is None
    # The TTL alone.
    talk.must_change(zone, change(zone, "MX", [3600, ["20 mx3.dns.test.", "10 mx2.dns.test."]], [60, ["10 mx2.dns.test.", "20 mx3.dns.test."]]))
    assert powerdns.dig(zone, "MX")[0] == 60


@pytest.mark.parametrize("text", [
    "v=DKIM1; k=rsa; p=" + base64.b64encode(bytes(range(256)) * 2).decode(), "x" * 255, "x" * 256, "y" * 255 + "z" * 255 + "!",
    'quotes " and \\ backslashes \\" \\065', "bytes \x00\x01\x7f\x80\xff\xe4", "", " spaces ", "; # $ @ ( )"],
    ids=["DKIM", "255", "256", "511", "escapes", "bytes", "empty", "spaces", "signs"])
def test_any_text(powerdns, talk, zone, text):  # noqa: F811
    name = f"k._domainkey.{zone}"
    talk.must_change(zone, change(name, "TXT", NONE, [3600, [text]]))
    assert powerdns.dig(name, "TXT") == (3600, [text])
    assert talk.served(zone, name, "TXT") == [3600, [text]]
    serial = powerdns.serial(zone)
    talk.must_change(zone, change(name, "TXT", NONE, [3600, [text]]))
    assert powerdns.serial(zone) == serial


def test_what_others_wrote_beside_it_stays_as_it_is(powerdns, talk, zone):  # noqa: F811
    talk.must_change(zone, change(zone, "TXT", NONE, [300, ["v=spf1 a ~all"]]))
    powerdns.set(zone, zone, "TXT", '"v=spf1 a ~all"', '"verify=" "1\\195\\169"', disabled=['"switched off"'])
    assert talk.served(zone, zone, "TXT") == [300, ["v=spf1 a ~all", "verify=1\xc3\xa9"]]
    talk.must_change(zone, change(zone, "TXT", [300, ["v=spf1 a ~all", "verify=1\xc3\xa9"]], [300, ["v=spf1 mx ~all", "verify=1\xc3\xa9"]]))
    assert powerdns.dig(zone, "TXT") == (300, ["v=spf1 mx ~all", "verify=1\xc3\xa9"])
    kept = {(one["content"], one["disabled"]) for one in powerdns.kept(zone, zone, "TXT")["records"]}
    assert kept == {('"v=spf1 mx ~all"', False), ('"verify=" "1\\195\\169"', False), ('"switched off"', True)}
    # Nothing is served any more, and what is switched off is still there.
    talk.must_change(zone, change(zone, "TXT", [300, ["v=spf1 mx ~all", "verify=1\xc3\xa9"]], NONE))
    assert powerdns.dig(zone, "TXT") is None
    assert powerdns.kept(zone, zone, "TXT")["records"] == [{"content": '"switched off"', "disabled": True}]
    assert talk.served(zone, zone, "TXT") == NONE


def test_other_names_and_types_are_not_touched(powerdns, talk, zone):  # noqa: F811
    talk.must_change(zone, mx(zone))
    powerdns.set(zone, f"shop.{zone}", "CNAME", "Shop.Example.NET.")
    powerdns.set(zone, zone, "CAA", '0 issue "ca.test"')
    talk.must_change(zone, change(zone, "MX", [3600, ["10 mx.dns.test."]], [3600, ["10 other.dns.test."]]))
    assert powerdns.dig(zone, "CAA") == (300, ['0 issue "ca.test"'])
    assert talk.served(zone, f"shop.{zone}", "CNAME") == [300, ["shop.example.net."]]
    assert powerdns.kept(zone, f"shop.{zone}", "CNAME")["records"][0]["content"] == "Shop.Example.NET."


def test_names_are_compared_in_lower_case(powerdns, talk, zone):  # noqa: F811
    talk.must_change(zone)
    powerdns.set(zone, zone, "MX", "10 MX.Dns.Test.")
    assert talk.served(zone, zone, "MX") == [300, ["10 mx.dns.test."]]
    talk.must_change(zone, change(zone, "MX", [300, ["10 mx.dns.test."]], [300, ["10 mx2.dns.test."]]))
    assert powerdns.dig(zone, "MX") == (300, ["10 mx2.dns.test."])


def test_a_hand_change_between_looking_and_changing(powerdns, talk, zone):  # noqa: F811
    talk.must_change(zone, mx(zone), change(zone, "TXT", NONE, [300, ["one"]]))
    powerdns.set(zone, zone, "TXT", '"by hand"')
    serial = powerdns.serial(zone)
    said = talk.change(zone, change(zone, "MX", [3600, ["10 mx.dns.test."]], [3600, ["10 new.dns.test."]]),
                       change(zone, "TXT", [300, ["one"]], [300, ["two"]]))
    assert (said["outcome"], said["reason"]) == ("unknown", f"{zone} TXT was changed by somebody else meanwhile")
    assert powerdns.dig(zone, "MX") == (3600, ["10 mx.dns.test."])  # all or nothing
    assert powerdns.dig(zone, "TXT") == (300, ["by hand"])
    assert powerdns.serial(zone) == serial
    # The zone was taken away: what was there is not any more.
    assert powerdns.api("DELETE", f"/zones/{zone}.").status_code == 204
    said = talk.change(zone, change(zone, "TXT", [300, ["by hand"]], [300, ["two"]]))
    assert (said["outcome"], powerdns.has_zone(zone)) == ("unknown", False)


@pytest.mark.parametrize("account", ["", "somebody", "DFYD"])
def test_a_foreign_zone(powerdns, talk, zone, account):  # noqa: F811
    powerdns.add_zone(zone, account, rrsets=[{"name": f"{zone}.", "type": "MX", "ttl": 60, "records": [{"content": "5 mx.old.test.", "disabled": False}]}])
    serial = powerdns.serial(zone)
    said = talk.fetch(zone, (zone, "MX"))
    assert (said["outcome"], said["state"], said["served"]) == ("done", "foreign", [[zone, "MX", 60, ["5 mx.old.test."]]])
    said = talk.change(zone, change(zone, "MX", [60, ["5 mx.old.test."]], [60, ["10 mx.dns.test."]]))
    shown = account.lower() if account != "DFYD" else ""  # PowerDNS may keep accounts in lower case
    assert said["outcome"] == "unknown" and zone in said["reason"] and 'give it the account "dfyd"' in said["reason"]
    assert shown in said["reason"]
    assert powerdns.serial(zone) == serial
    # Handing it over is what the reason says.
    assert powerdns.api("PUT", f"/zones/{zone}.", {"account": "dfyd"}).status_code == 204
    talk.must_change(zone, change(zone, "MX", [60, ["5 mx.old.test."]], [60, ["10 mx.dns.test."]]))
    assert powerdns.dig(zone, "MX") == (60, ["10 mx.dns.test."])


def test_records_that_powerdns_does_not_take(powerdns, talk, zone):  # noqa: F811
    talk.must_change(zone, mx(zone))
    powerdns.set(zone, f"www.{zone}", "CNAME", "elsewhere.test.")
    serial = powerdns.serial(zone)
    said = talk.change(zone, change(f"www.{zone}", "A", NONE, [300, ["192.0.2.1"]]), change(zone, "TXT", NONE, [300, ["x"]]))
    assert said["outcome"] == "unknown"
    assert "PowerDNS does not take these records (422)" in said["reason"] and f"www.{zone}" in said["reason"]
    assert powerdns.dig(zone, "TXT") is None and powerdns.serial(zone) == serial
    said = talk.change(zone, change(f"www.{zone}", "AAAA", NONE, [300, ["192.0.2.1"]]))
    assert said["outcome"] == "unknown" and "(422)" in said["reason"]
    # Taking the CNAME away in the same change makes room, wherever it stands.
    talk.must_change(zone, change(f"www.{zone}", "A", NONE, [300, ["192.0.2.1"]]), change(f"www.{zone}", "CNAME", [300, ["elsewhere.test."]], NONE))
    assert powerdns.dig(f"www.{zone}", "A") == (300, ["192.0.2.1"])
    # A new zone is made whole or not at all.
    fresh = f"new-{zone}"
    said = talk.change(fresh, mx(fresh), change(fresh, "A", NONE, [300, ["no address"]]))
    assert (said["outcome"], powerdns.has_zone(fresh)) == ("unknown", False)


def test_names_outside_the_zone(powerdns, talk, zone):  # noqa: F811
    talk.must_change(zone)
    for name in [f"x{zone}", "other.test", f"a?b.{zone}", f"../{zone}.{zone}"]:
        assert talk.change(zone, change(name, "A", NONE, [300, ["192.0.2.1"]]))["outcome"] == "unknown"
    assert talk.change(f"a/{zone}", mx(f"a/{zone}"))["outcome"] == "unknown"


def test_a_zone_that_was_only_half_made(powerdns, talk, zone):  # noqa: F811
    """As it is left when PowerDNS dies in the middle of making it: without its records, also those of its own. Whether it is
    being made just now can only be told by waiting."""
    with sqlite3.connect(powerdns.folder.path / "zones.db", timeout=10) as db:
        db.execute("INSERT INTO domains (name, type, account) VALUES (?, 'MASTER', 'dfyd')", (zone,))
    assert talk.served(zone, zone, "MX") == NONE
    hasty = start(powerdns, TALK_TIMEOUT_MS="1000")
    began = time.monotonic()

    def first_look():
        said = hasty.change(zone, mx(zone))
        assert said["outcome"] == "unknown"
        return "by halves" in said["reason"]  # or PowerDNS did not answer in time

    wait_until(first_look, "a look at it")
    assert powerdns.kept(zone, zone, "SOA") is None
    wait_until(lambda: hasty.change(zone, mx(zone))["outcome"] == "done", "a whole zone")
    assert time.monotonic() - began > 1
    hasty.end()
    wait_until(lambda: powerdns.dig(zone, "MX") == (3600, ["10 mx.dns.test."]), "its next look at which zones there are")
    assert powerdns.dig(zone, "NS") == (3600, ["ns1.dns.test.", "ns2.dns.test."])
    assert powerdns.serial(zone) >= 1


def test_a_large_zone_is_read_name_by_name(powerdns, talk, zone):  # noqa: F811
    talk.must_change(zone, mx(zone), change(f"www.{zone}", "A", NONE, [300, ["192.0.2.1"]]))
    with sqlite3.connect(powerdns.folder.path / "zones.db", timeout=10) as db:
        (id,) = db.execute("SELECT id FROM domains WHERE name = ?", (zone,)).fetchone()
        db.executemany("INSERT INTO records (domain_id, name, type, content, ttl, prio, disabled, auth) VALUES (?, ?, 'TXT', ?, 300, 0, 0, 1)",
                       [(id, f"filler{i}.{zone}", '"' + "x" * 250 + '"') for i in range(5000)])
    assert len(powerdns.api("GET", f"/zones/{zone}.").content) > 1 << 20
    said = talk.fetch(zone, (zone, "MX"), (f"www.{zone}", "A"), (f"www.{zone}", "AAAA"), (f"none.{zone}", "A"))
    assert [one[2:] for one in said["served"]] == [[3600, ["10 mx.dns.test."]], [300, ["192.0.2.1"]], [0, []], [0, []]]
    talk.must_change(zone, change(f"www.{zone}", "A", [300, ["192.0.2.1"]], [300, ["192.0.2.2"]]), change(zone, "TXT", NONE, [300, ["x"]]))
    assert powerdns.dig(f"www.{zone}", "A") == (300, ["192.0.2.2"])
    assert powerdns.dig(f"filler4999.{zone}", "TXT") == (300, ["x" * 250])


def test_a_wrong_key(powerdns, zone):  # noqa: F811
    one = start(powerdns, TALK_KEY="wrong")
    for said in [one.fetch(zone, (zone, "MX")), one.change(zone, mx(zone))]:
        assert said["outcome"] == "unknown"
        assert said["reason"] == "PowerDNS refuses the key: powerdns_key_file or DFYD_POWERDNS_KEY must hold its api-key (401)"
    one.end()
    assert not powerdns.has_zone(zone)


def test_killed_and_started_again(powerdns, talk, zone):  # noqa: F811
    talk.must_change(zone, mx(zone))
    powerdns.kill()
    try:
        for said in [talk.fetch(zone, (zone, "MX")), talk.change(zone, change(zone, "TXT", NONE, [300, ["x"]]))]:
            assert said["outcome"] == "unknown" and said["reason"].startswith("no answer from PowerDNS: ") and "powerdns_url" in said["reason"]
    finally:
        powerdns.start()
    assert talk.served(zone, zone, "MX") == [3600, ["10 mx.dns.test."]]
    talk.must_change(zone, change(zone, "TXT", NONE, [300, ["x"]]))


def test_stopped_for_long_and_continued(powerdns, talk, zone):  # noqa: F811
    """It may do what it was told meanwhile when it wakes up; asking again is right all the same."""
    talk.must_change(zone, mx(zone))
    hasty = start(powerdns, TALK_TIMEOUT_MS="300")
    powerdns.freeze()
    try:
        began = time.monotonic()
        for said in [hasty.fetch(zone, (zone, "MX")), hasty.change(zone, change(zone, "TXT", NONE, [300, ["late"]]))]:
            assert said["outcome"] == "unknown" and "imeout" in said["reason"], said
        said = hasty.all(jobs([zone] * 6, web), threads=6)  # one after the other
        assert [one["outcome"] for one in said] == ["unknown"] * 6
        assert time.monotonic() - began < 10
    finally:
        powerdns.thaw()
    hasty.end()
    talk.must_change(zone, change(zone, "TXT", NONE, [300, ["late"]]))
    assert powerdns.dig(zone, "TXT") == (300, ["late"])
    assert talk.served(zone, zone, "MX") == [3600, ["10 mx.dns.test."]]


def jobs(zones, records):
    return [{"do": "change", "zone": zone, "changes": records(zone)} for zone in zones]


def mail(zone):
    return [mx(zone), change(zone, "TXT", NONE, [300, ["v=spf1 a ~all"]])]


def web(zone):
    return [change(f"www.{zone}", "A", NONE, [300, ["192.0.2.1"]])]


def all_is_served(powerdns, zones, at_once=True):  # noqa: F811
    for zone in zones:
        if not at_once:
            wait_until(lambda zone=zone: powerdns.dig(zone, "MX"), "its next look at which zones there are")
        assert powerdns.dig(zone, "MX") == (3600, ["10 mx.dns.test."])
        assert powerdns.dig(f"www.{zone}", "A") == (300, ["192.0.2.1"])
        assert len(powerdns.kept(zone, zone, "SOA")["records"]) == 1
        assert len(powerdns.kept(zone, zone, "NS")["records"]) == 2


def test_killed_while_it_is_told_things(powerdns, talk):  # noqa: F811
    """However far each change came, asking again ends it, and nothing is there by halves for long."""
    zones = [f"bad-day-{next(numbers)}-{i}.test" for i in range(24)]

    def records(zone):
        return mail(zone) + web(zone)

    with concurrent.futures.ThreadPoolExecutor(1) as pool:
        told = pool.submit(talk.all, jobs(zones, records), threads=6)
        wait_until(lambda: told.done() or any(powerdns.has_zone(zone) for zone in zones[:8]), "the first zone")
        powerdns.kill()
        powerdns.start()
        said = told.result(120)
    hasty = start(powerdns, TALK_TIMEOUT_MS="1000")
    for zone, one in zip(zones, said):
        assert one["outcome"] in ("done", "unknown"), one
        kept = [powerdns.kept(zone, *name) for name in [(zone, "MX"), (zone, "TXT"), (f"www.{zone}", "A")]] if powerdns.has_zone(zone) else [None]
        assert all(kept) if one["outcome"] == "done" else all(kept) or not any(kept), (one, kept)
    wait_until(lambda: {one["outcome"] for one in hasty.all(jobs(zones, records))} == {"done"}, "all zones")
    all_is_served(powerdns, zones, at_once=False)  # what was made by halves was mended
    hasty.end()


def test_a_hundred_zones_from_many_threads(powerdns, talk):  # noqa: F811
    zones = [f"many-{next(numbers)}-{i}.test" for i in range(100)]
    began = time.monotonic()
    for part in (mail, web):
        left = jobs(zones, part)
        while left:
            said = talk.all(left, threads=8)
            left = [job for job, one in zip(left, said) if "other zones are before this one" in one["reason"]]  # on a slow machine
            assert [one for one in said if one["outcome"] != "done"] == [one for one in said if "other zones" in one["reason"]]
    took = time.monotonic() - began
    all_is_served(powerdns, zones)
    print(f"\n100 zones in two parts each: {took:.1f} s, {200 / took:.0f} changes a second")


def test_two_make_the_same_zone(powerdns, talk):  # noqa: F811
    """One of them may find it there by halves, and asks again; whatever the order, it is there once."""
    zones = [f"both-{next(numbers)}-{i}.test" for i in range(30)]
    left = [one for both in zip(jobs(zones, mail), jobs(zones, web)) for one in both]
    for _ in range(20):
        said = talk.all(left, threads=8)
        assert {one["outcome"] for one in said} <= {"done", "unknown"}
        left = [job for job, one in zip(left, said) if one["outcome"] != "done"]
    assert left == []
    all_is_served(powerdns, zones)


def serve(folder, env, **settings):
    """What `dfyd serve` says when it does not start."""
    words = [word for name, value in settings.items() for word in (f"--{name.replace('_', '-')}", value)]
    done = subprocess.run([binary(), "serve", "--data", str(folder), "--listen", "127.0.0.1:0", "--dns", "powerdns", *words], timeout=60,
                          capture_output=True, text=True, check=False, env={**os.environ, **env})
    assert done.returncode == 1, done.stderr
    return done.stderr


@pytest.mark.parametrize("missing, words", [("dns_nameservers", "dns_nameservers is missing"), ("powerdns_key", "powerdns_key_file, or DFYD_POWERDNS_KEY"),
                                            ("powerdns_url", "powerdns_url must begin with https://")])
def test_serving_needs_its_settings(tmp_path, missing, words):
    settings = {"dns_nameservers": "ns1.dns.test ns2.dns.test", "powerdns_url": "http://dns.example.com" if missing == "powerdns_url" else "http://127.0.0.1:9"}
    settings.pop(missing, None) if missing == "dns_nameservers" else None
    said = serve(tmp_path / "data", {"DFYD_POWERDNS_KEY": "" if missing == "powerdns_key" else KEY}, **settings)
    assert "DNS driver powerdns" in said and words in said and KEY not in said


def test_settings_that_cannot_work():
    good = {"TALK_URL": "http://127.0.0.1:1", "TALK_KEY": "k", "TALK_NAMESERVERS": "ns1.dns.test"}
    for wrong in [{"TALK_URL": "127.0.0.1"}, {"TALK_URL": "http://dns.example.com:8081"}, {"TALK_KEY": ""}, {"TALK_KEY": "a b"},
                  {"TALK_NAMESERVERS": ""}, {"TALK_NAMESERVERS": "localhost"}, {"TALK_NAMESERVERS": "ns1.dns.test;ns2.dns.test"},
                  {"TALK_NAMESERVERS": " ".join(f"ns{i}.dns.test" for i in range(14))}]:
        one = Talk("powerdns", **{**good, **wrong})
        one.process.stdin.close()
        assert one.process.wait(60) == 2, wrong
        one.process.stdout.close()
