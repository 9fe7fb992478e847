"""SIGKILL at every named point of a check and of a change of DKIM keys: what signs can be verified at every moment."""

import pytest
from conftest import database, rows, wait_for

PEOPLE = [{"email_address_prefix": p, "first_name": p.title(), "last_name": "Doe"} for p in ("ann", "ben")]
DOMAIN = "care-crash.com"
CARE = "SELECT dkim_rotation, dkim_phase, dkim_since_ms > 0 FROM domain_care"


def sold(fresh):
    server = fresh()
    assert server.order([{"domain": DOMAIN, "accounts": PEOPLE}])["order_placed"]
    server.wait_accounts(2)
    wait_for("the domain", lambda: rows(server, CARE))
    return server


def check_signature(server):
    """The key that the mail host signs with has its record; returns its number and all selectors that are served."""
    found = rows(server, "SELECT rotation - (phase = 0) FROM dkim", file="sandbox.db")
    signing = found[0][0] if found else 1
    served = [row[0].split(".")[0] for row in rows(
        server, "SELECT name FROM rrsets WHERE name LIKE '%._domainkey.%' ORDER BY name", file="sandbox.db")]
    assert f"dfy{signing}" in served, (signing, served)
    return signing, served


def check_end(server):
    assert check_signature(server) == (2, ["dfy2"])
    assert rows(server, CARE) == [(2, "sole", 1)]
    assert server.run("domain", "check", DOMAIN).returncode == 0
    assert rows(server, "SELECT COUNT(*) FROM events WHERE type LIKE '%drifted'") == [(0,)]


# Each point once for each of the three moves; the records are published in the first and the last.
@pytest.mark.parametrize("point,count", [(point, count) for count in (1, 2, 3) for point in (
    "care.claimed", "care.keyed", "care.acted", "care.recorded")])
def test_killed_while_keys_change(fresh, point, count):
    server = sold(fresh)
    server.restart(check_hours=0, **({"crash_at": point, "crash_at_count": count} if count < 3 else {}))
    server.cli("domain", "rotate-dkim", DOMAIN)
    if count < 3:
        server.wait_dead()
        signing, served = check_signature(server)
        assert "dfy1" in served and signing <= count
        server.restart(check_hours=0)
    wait_for("the new key", lambda: rows(server, CARE) == [(2, "signing", 1)])
    assert check_signature(server) == (2, ["dfy1", "dfy2"])
    if count == 3:  # counted from here: a move that was tried twice passes its points twice
        server.restart(crash_at=point, check_hours=0)
    server.cli("clock", "advance", "8d", "--no-wait")
    if count == 3:
        server.wait_dead()
        assert check_signature(server)[0] == 2
        server.restart(check_hours=0)
    wait_for("the end", lambda: rows(server, CARE) == [(2, "sole", 1)])
    check_end(server)


def test_killed_again_and_again(fresh):
    """Every start dies once more on the way; the rotation still ends, and only forwards."""
    server = sold(fresh)
    server.stop()  # or it makes the first moves itself
    server.cli("domain", "rotate-dkim", DOMAIN)
    order = [(1, "sole"), (2, "announced"), (2, "signing"), (2, "sole")]
    seen = 0
    for point in ("care.claimed", "care.keyed", "care.acted", "care.claimed", "care.keyed", "care.acted"):
        server.restart(crash_at=point, check_hours=0, expect_start=False)
        server.wait_dead()
        check_signature(server)
        at = order.index(rows(server, CARE)[0][:2])
        assert at >= seen
        seen = at
    server.restart(check_hours=0)
    wait_for("the new key", lambda: rows(server, CARE) == [(2, "signing", 1)])
    server.cli("clock", "advance", "8d")
    wait_for("the end", lambda: rows(server, CARE) == [(2, "sole", 1)])
    check_end(server)


@pytest.mark.parametrize("point", ["care.claimed", "care.acted", "care.recorded"])
def test_killed_while_checking(fresh, point):
    """It is checked after the restart, and told once."""
    server = sold(fresh)
    with database(server, "sandbox.db") as db:
        db.execute("DELETE FROM rrsets WHERE type = 'MX'")
    server.restart(crash_at=point)
    server.cli("clock", "advance", "25h", "--no-wait")
    server.wait_dead()
    server.restart()
    wait_for("the check", lambda: rows(server, "SELECT findings <> '' FROM domain_care") == [(1,)])
    assert rows(server, "SELECT COUNT(*) FROM events WHERE type = 'dfy_domain_drifted'") == [(1,)]
    assert rows(server, "SELECT is_leased FROM domain_care") == [(0,)]
