"""`dfyd domain`: what is wanted, served and seen of a domain in use, checks by themselves, and its DKIM keys."""
import contextlib
import datetime
import fcntl
import json
import os
import pty
import re
import struct
import subprocess
import termios

import pytest
from conftest import binary, database, environment, rows, wait_for
from contract import ORDERS, item, name

DAY_MS = 86400000


def order(server, accounts=2, **more):
    """The name of a domain in use."""
    domain = name()
    assert server.order([item(domain, accounts=accounts, provider=2, **more)])["order_placed"]
    wait_for("the domain", lambda: rows(server, "SELECT 1 FROM domain_care c JOIN domains d ON d.id = c.domain_id"
                                        " WHERE d.name = ?", domain))
    return domain


def outside(server, sql, *values):
    """Changes the outside world by hand."""
    with database(server, "sandbox.db") as db:
        assert db.execute(sql, values).rowcount > 0


def care(server, domain, columns):
    return rows(server, f"SELECT {columns} FROM domain_care c JOIN domains d ON d.id = c.domain_id WHERE d.name = ?",
                domain)[0]


def served(server, domain):
    """The selectors whose records are there."""
    return sorted(row[0].split(".")[0] for row in rows(
        server, "SELECT name FROM rrsets WHERE zone = ? AND name LIKE '%._domainkey.%'", domain, file="sandbox.db"))


def signing(server, domain):
    """The number of the key that the mail host signs with."""
    found = rows(server, "SELECT rotation - (phase = 0) FROM dkim WHERE domain = ?", domain, file="sandbox.db")
    return found[0][0] if found else 1


def told(server, domain):
    return [kind.removeprefix("dfy_domain_") for kind, in rows(
        server, "SELECT type FROM events WHERE domain = ? AND type IN ('dfy_domain_drifted', 'dfy_domain_restored')"
                " ORDER BY seq", domain)]


def shown(server, domain):
    """The pairs of `domain show`."""
    lines = server.cli("domain", "show", domain).split("\n\n")[0].splitlines()
    return {line[:12].strip(): line[12:] for line in lines}


def check(server, domain):
    """Its exit status, the words of each line that stands for a record or mailbox, and all that it printed."""
    done = server.run("domain", "check", domain)
    lines = [line.split() for line in done.stdout.splitlines() if re.match(rf"(mail|web) |\S+@{domain} ", line)]
    return done.returncode, lines, done.stdout + done.stderr


@pytest.fixture(scope="module")
def server(tmp_path_factory):
    from conftest import Server
    server = Server(tmp_path_factory.mktemp("domains") / "data")
    server.start()
    yield server
    server.stop()


def test_list_and_show(server):
    domain = order(server, forwarding_domain="home.net")
    [line] = [line.split() for line in server.cli("domain", "list").splitlines() if line.startswith(domain)]
    assert line[2:8] == ["default", "AirMail", "ready", "2", "1", "never"]
    assert server.cli("domain", "list", "--limit", "1").count("\n") == 2
    assert domain not in server.cli("domain", "list", "--stuck")
    text = server.cli("domain", "show", domain)
    pairs = shown(server, domain)
    assert pairs["state"] == "ready" and pairs["provider"] == "AirMail" and pairs["mailboxes"] == "2"
    assert pairs["forwarding"] == "home.net (redirect)" and pairs["checked"] == "never"
    assert re.match(r"1, since \S+: it signs alone$", pairs["key"])
    since, after = (datetime.datetime.fromisoformat(re.search(r"(\S+)Z", pairs[what])[1]) for what in ("key", "next key"))
    assert (after - since).days == 180
    assert text.count(f"@{domain}  ready") == 2


def test_names_that_are_none(server):
    for command in ("show", "check", "rotate-dkim"):
        done = server.run("domain", command, "nobody-has-this.com")
        assert done.returncode == 1 and "there is no domain nobody-has-this.com" in done.stderr
    assert server.run("domain", "show").returncode == 2
    domain = order(server, accounts=1)
    server.request("POST", ORDERS + "/accounts/cancel", json={"accounts": [f"{email_prefix(server, domain)}@{domain}"]})
    assert shown(server, domain)["state"] == "cancelled" and "key" not in shown(server, domain)
    for command in ("check", "rotate-dkim"):
        done = server.run("domain", command, domain)
        assert done.returncode == 1 and f"{domain} is not in use, it is cancelled" in done.stderr


def email_prefix(server, domain):
    return rows(server, "SELECT email FROM accounts WHERE email LIKE ?", f"%@{domain}")[0][0].split("@")[0]


def test_a_check_that_finds_nothing(server):
    domain = order(server, forwarding_domain="home.net")
    status, lines, text = check(server, domain)
    assert status == 0, text
    records = [line for line in lines if "@" not in line[0]]
    assert {line[1] for line in records} == {"ok"}
    assert {(line[0], line[2], line[3]) for line in records} >= {
        ("mail", "MX", "@"), ("mail", "TXT", "@"), ("mail", "TXT", "dfy1._domainkey"), ("mail", "TXT", "_dmarc"),
        ("web", "A", "@"), ("web", "A", "www")}
    assert all(line[4:6] == ["same", "same"] for line in records)
    assert [line[1] for line in lines if "@" in line[0]] == ["ok", "ok"]
    assert care(server, domain, "findings") == ("",) and told(server, domain) == []
    assert shown(server, domain)["findings"] == "0"


def on_terminal(server, columns, *words):
    """What a command prints on a terminal of that width."""
    try:
        reader, writer = pty.openpty()
    except OSError as error:
        pytest.skip(f"no pseudo-terminals here: {error}")
    fcntl.ioctl(writer, termios.TIOCSWINSZ, struct.pack("HHHH", 24, columns, 0, 0))
    child = subprocess.Popen([binary(), *words, "--data", str(server.dir)], stdout=writer, stderr=subprocess.DEVNULL,
                             env=environment("--data", server.dir))
    os.close(writer)
    text = b""
    with contextlib.suppress(OSError):  # the other end is gone
        while more := os.read(reader, 65536):
            text += more
    os.close(reader)
    child.wait(30)
    return text.decode().splitlines()


def test_a_check_fits_the_terminal(server):
    """On a terminal lines are no longer than it is wide; elsewhere nothing is cut."""
    domain = order(server)
    policy = "v=spf1 include:a.very.long.name.of.somebody ~all"
    outside(server, "UPDATE rrsets SET data = ? WHERE name = ? AND data LIKE '%v=spf1%'", f"{len(policy)}:{policy}", domain)
    full = check(server, domain)[2]
    assert f"  {policy}  " in full and "..." not in full
    for columns in (80, 120):
        table = on_terminal(server, columns, "domain", "check", domain)
        records = table[:table.index("")]
        assert len(records) > 4 and max(map(len, records)) <= columns
        assert any(re.search(r"  (v=spf1\S* ?\S*\.\.\.)  +\1  +v=spf1 ", line) for line in records), records
        assert f"  seen    {policy} at the DNS host" in table
    assert any(line.endswith("...") for line in on_terminal(server, 60, "domain", "check", domain))


def test_a_record_changed_by_hand(server):
    """Found, told once, shown with what mends it, and left as it is; told again when it is as it was."""
    domain = order(server)
    [(data,)] = rows(server, "SELECT data FROM rrsets WHERE name = ? AND type = 'MX'", domain, file="sandbox.db")
    outside(server, "UPDATE rrsets SET data = '14:5 mx.evil.net.' WHERE name = ? AND type = 'MX'", domain)
    changed = rows(server, "SELECT * FROM rrsets WHERE zone = ?", domain, file="sandbox.db")
    for _ in range(2):
        status, lines, text = check(server, domain)
        assert status == 1 and f"{domain}: 1 finding\n" in text
        assert ["mail", "by_hand", "MX"] in [line[:3] for line in lines]
        assert re.search(rf"^finding +MX {domain}\n +wanted +10 \S+\n +seen +\S.*\n +to do +`dfyd domain repair {domain}`",
                         text, re.M), text
        assert told(server, domain) == ["drifted"]
    assert rows(server, "SELECT * FROM rrsets WHERE zone = ?", domain, file="sandbox.db") == changed
    payload = json.loads(rows(server, "SELECT payload FROM events WHERE type = 'dfy_domain_drifted' AND domain = ?",
                              domain)[0][0])
    assert payload["domain"] == domain and payload["more"] == 0
    [finding] = payload["findings"]
    assert finding["what"] == f"MX {domain}" and "repair" in finding["mend"]
    assert domain in server.cli("domain", "list", "--stuck")
    assert f"finding   MX {domain}" in server.cli("domain", "show", domain)
    outside(server, "UPDATE rrsets SET data = ? WHERE name = ? AND type = 'MX'", data, domain)
    assert check(server, domain)[0] == 0
    assert told(server, domain) == ["drifted", "restored"]
    assert domain not in server.cli("domain", "list", "--stuck")


def test_a_record_that_is_gone(server):
    domain = order(server)
    outside(server, "DELETE FROM rrsets WHERE name = ?", f"dfy1._domainkey.{domain}")
    status, _, text = check(server, domain)
    assert status == 1 and re.search(rf"^finding +TXT dfy1\._domainkey\.{domain}\n +wanted +v=DKIM1;.*\n +seen +nothing",
                                     text, re.M), text


def test_a_mailbox_that_does_not_work(server):
    domain = order(server)
    email = f"{email_prefix(server, domain)}@{domain}"
    outside(server, "UPDATE mailboxes SET password = 'x' WHERE email = ?", email)
    status, lines, text = check(server, domain)
    assert status == 1 and [email, "broken"] in [line[:2] for line in lines], text
    assert sorted(line[1] for line in lines if "@" in line[0]) == ["broken", "ok"]
    payload = json.loads(rows(server, "SELECT payload FROM events WHERE type = 'dfy_domain_drifted' AND domain = ?",
                              domain)[0][0])
    assert [finding["what"] for finding in payload["findings"]] == [email]
    # Closed for use, it has not to work.
    outside(server, "UPDATE mailboxes SET password = 'y' WHERE email = ?", email)
    with database(server) as db:
        db.execute("UPDATE accounts SET suspended_ms = 1 WHERE email = ?", (email,))
    wait_for("the change to be seen", lambda: check(server, domain)[0] == 0)
    assert told(server, domain) == ["drifted", "restored"]


def test_a_pre_warmed_domain(server):
    domain = name()
    server.cli("inventory", "add", "--domain", domain, "--provider", "2", "--account", "anna,Anna,Berg")
    assert server.order([{"domain": domain}], type="pre_warmed_up")["order_placed"]
    server.wait_accounts(1, domain=domain)
    wait_for("the domain", lambda: rows(server, "SELECT 1 FROM domain_care c JOIN domains d ON d.id = c.domain_id"
                                        " WHERE d.name = ?", domain))
    assert shown(server, domain)["key"].startswith("none: ")
    assert check(server, domain)[0] == 0
    done = server.run("domain", "rotate-dkim", domain)
    assert done.returncode == 1 and "not published by dfyd" in done.stderr


def test_a_check_with_other_settings_than_the_servers(server):
    """It would look elsewhere and find everything wrong: it says which setting, and keeps and tells nothing."""
    domain = order(server, forwarding_domain="home.net")
    for env, what in (({"DFYD_WEB_ADDRESS": "192.0.2.9"}, 'web_address "127.0.0.1", this command with "192.0.2.9"'),
                      ({"DFYD_MTA_STS": "enforce"}, 'mta_sts "off", this command with "enforce"')):
        done = server.run("domain", "check", domain, env=env)
        assert done.returncode == 1 and done.stdout == "" and f"the server works with {what}" in done.stderr, done
    assert care(server, domain, "findings, attempts, is_leased") == (None, 0, 0) and told(server, domain) == []


def test_checks_by_themselves(fresh):
    """Each day, and what is found is told; never, when the setting says so."""
    server = fresh(check_hours=24)
    domain = order(server)
    server.cli("clock", "advance", "23h")
    assert care(server, domain, "findings") == (None,)
    server.cli("clock", "advance", "2h")
    wait_for("the check", lambda: care(server, domain, "findings") == ("",))
    outside(server, "DELETE FROM rrsets WHERE name = ? AND type = 'MX'", domain)
    server.cli("clock", "advance", "25h")
    wait_for("the event", lambda: told(server, domain) == ["drifted"])
    server.restart(check_hours=0)
    outside(server, "INSERT INTO rrsets SELECT zone, name, 'MX', 3600, '4:10 x' FROM rrsets WHERE zone = ? LIMIT 1",
            domain)
    assert care(server, domain, "due_ms - d.created_ms")[0] > 100 * DAY_MS, "the key alone is due"
    server.restart(check_hours=24, dkim_days=0)
    assert care(server, domain, "c.due_ms - c.checked_ms") == (DAY_MS,)
    server.restart(check_hours=0, dkim_days=0)
    assert care(server, domain, "c.due_ms") == (2**63 - 1,)


def phase(server, domain):
    return care(server, domain, "dkim_rotation, dkim_phase, dkim_since_ms > 0")


def test_a_rotation_on_demand(fresh):
    server = fresh(dkim_overlap_days=7)
    domain = order(server)
    assert (served(server, domain), signing(server, domain)) == (["dfy1"], 1)
    assert "gets key 2" in server.cli("domain", "rotate-dkim", domain)
    done = server.run("domain", "rotate-dkim", domain)
    assert done.returncode == 1 and f"a change of the keys of {domain} is under way, to key 2" in done.stderr
    wait_for("the new key", lambda: phase(server, domain) == (2, "signing", 1))
    assert (served(server, domain), signing(server, domain)) == (["dfy1", "dfy2"], 2)
    assert "it signs; the record of the key before stays" in shown(server, domain)["key"]
    assert check(server, domain)[0] == 0
    server.cli("clock", "advance", "6d")
    assert server.run("domain", "rotate-dkim", domain).returncode == 1
    assert served(server, domain) == ["dfy1", "dfy2"]
    server.cli("clock", "advance", "2d")
    wait_for("the old key to go", lambda: phase(server, domain) == (2, "sole", 1))
    assert (served(server, domain), signing(server, domain)) == (["dfy2"], 2)
    assert check(server, domain)[0] == 0 and told(server, domain) == []
    assert "gets key 3" in server.cli("domain", "rotate-dkim", domain)


def test_rotations_by_age(fresh):
    """Care neither stops the clock nor holds it, so a year has some of them; later is as good as at their time."""
    server = fresh(dkim_days=90, dkim_overlap_days=7)
    domains = [order(server) for _ in range(3)]
    server.cli("clock", "advance", "1y")
    for domain in domains:
        wait_for("the rotations", lambda d=domain: phase(server, d)[0] >= 2)
        seen = None
        while seen != phase(server, domain):  # the next move may come while it is looked at
            seen, number, records = phase(server, domain), signing(server, domain), served(server, domain)
        assert number == seen[0] or seen[1] == "announced"
        assert f"dfy{number}" in records


def test_a_rotation_waits_for_a_person(fresh):
    """Somebody changed the zone: nothing is overwritten, it is said why, and it goes on once that is mended."""
    server = fresh(retry_base_ms=10, retry_max_ms=50)
    domain = order(server)
    [(data,)] = rows(server, "SELECT data FROM rrsets WHERE name = ? AND type = 'MX'", domain, file="sandbox.db")
    outside(server, "UPDATE rrsets SET data = '14:5 mx.evil.net.' WHERE name = ? AND type = 'MX'", domain)
    server.cli("domain", "rotate-dkim", domain)
    wait_for("some tries", lambda: care(server, domain, "dkim_tries")[0] >= 3)
    assert phase(server, domain) == (2, "announced", 0)
    assert (served(server, domain), signing(server, domain)) == (["dfy1"], 1)
    assert f"`dfyd domain repair {domain}`" in shown(server, domain)["key waits"]
    assert domain in server.cli("domain", "list", "--stuck")
    # The new record is not there because of that, which is no finding of its own.
    status, _, text = check(server, domain)
    assert status == 1 and f"{domain}: 1 finding\n" in text, text
    outside(server, "UPDATE rrsets SET data = ? WHERE name = ? AND type = 'MX'", data, domain)
    wait_for("it to go on", lambda: phase(server, domain) == (2, "signing", 1))
    assert shown(server, domain)["key waits"] == "-" and signing(server, domain) == 2
