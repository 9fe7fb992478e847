"""GET /api/dfyd/v1/domains/{domain}/dns, records that were changed by hand, and `dfyd domain repair`."""

import pytest
from conftest import ORDERS, database, rows, wait_for
from contract import check_error, item, make_client, name, people


@pytest.fixture(scope="module")
def server(dfyd):
    return dfyd


def dns(client, domain):
    response = client.send("GET", f"/api/dfyd/v1/domains/{domain}/dns")
    assert response.status_code == 200, response.text
    return response.json()


def lines(client, domain, state=None):
    """(name, type) -> line, of those in STATE."""
    return {(line["name"], line["type"]): line for line in dns(client, domain)["records"]
            if state is None or line["state"] == state}


def open_steps(server, domain):
    return rows(server, "SELECT s.kind, s.state, s.reason FROM steps s JOIN domains d ON d.id = s.domain_id"
                        " WHERE d.name = ? AND s.state NOT IN ('done', 'failed', 'skipped')", domain)


def ready(client, domain=None, **more):
    domain = domain or name()
    client.placed([item(domain, **more)])
    wait_for(f"{domain} to be set up", lambda: not open_steps(client.server, domain))
    return domain


def cancel_all(client, domain):
    emails = [row["email"] for row in client.all(ORDERS + "/accounts") if row["domain"] == domain]
    assert client.send("POST", ORDERS + "/accounts/cancel", json={"accounts": emails}).status_code == 200


def netstring(*values):
    return "".join(f"{len(value.encode())}:{value}" for value in sorted(values))


def by_hand(server, zone, record, kind, *values, ttl=600):
    """Somebody changes the zone at the DNS host, past dfyd."""
    with database(server, "sandbox.db") as db:
        db.execute("DELETE FROM rrsets WHERE zone = ? AND name = ? AND type = ?", [zone, record, kind])
        if values:
            db.execute("INSERT INTO rrsets (zone, name, type, ttl, data) VALUES (?, ?, ?, ?, ?)",
                       [zone, record, kind, ttl, netstring(*values)])


def repair(server, domain):
    # Refused while its step is running.
    wait_for("the leave to overwrite", lambda: server.run("domain", "repair", domain).returncode == 0)
    wait_for("the repair", lambda: not open_steps(server, domain))


def test_a_domain_that_is_set_up(server):
    client = make_client(server)
    domain = ready(client, forwarding_domain="acme.example")
    answer = dns(client, domain)
    assert answer["domain"] == domain and answer["ok"] is True and answer["reason"] is None
    found = {(line["name"], line["type"]): line for line in answer["records"]}
    dkim = f"dfy1._domainkey.{domain}"
    assert set(found) == {(domain, "MX"), (domain, "TXT"), (dkim, "TXT"), (f"_dmarc.{domain}", "TXT"), (domain, "A"),
                          (f"www.{domain}", "A")}
    for line in found.values():
        assert line["state"] == "ok" and line["reason"] is None
        assert line["wanted"] == line["published"] == line["seen"] and line["wanted_ttl"] == line["published_ttl"]
    assert found[domain, "MX"]["wanted"] == ["1 mx.google.sandbox.test."]
    assert {line["part"] for line in found.values() if line["type"] == "A"} == {"web"}
    assert client.send("GET", f"/api/dfyd/v1/domains/{domain.upper()}/dns").json() == answer


def test_a_domain_without_forwarding_wants_no_addresses(server):
    client = make_client(server)
    domain = ready(client)
    assert {line["part"] for line in dns(client, domain)["records"]} == {"mail"}


def test_who_may_look(server):
    client = make_client(server)
    domain = ready(client)
    path = f"/api/dfyd/v1/domains/{domain}/dns"
    check_error(client.send("GET", f"/api/dfyd/v1/domains/{name()}/dns"), 404, "Resource not found")
    check_error(make_client(server).send("GET", path), 404, "Resource not found")
    assert client.send("GET", "/api/dfyd/v1/domains/no-name/dns").status_code == 400
    assert client.send("GET", "/api/dfyd/v1/domains/no_name_.com/dns").status_code == 404
    writer = server.cli("key", "create", "--workspace", client.workspace, "--scope",
                        "dfy_email_account_orders:update").strip()
    assert server.request("GET", path, headers={"Authorization": f"Bearer {writer}"}).status_code == 403
    cancel_all(client, domain)
    check_error(client.send("GET", path), 404, "Resource not found")


CHANGES = [
    # what somebody leaves: the name, its type, values
    ("{}", "MX", ["5 mail.else."]),
    ("{}", "MX", []),
    ("_dmarc.{}", "TXT", ["v=DMARC1; p=none"]),
    ("www.{}", "A", ["198.51.100.7"]),
    ("www.{}", "CNAME", ["shop.else."]),
]


@pytest.mark.parametrize("record,kind,values", CHANGES)
def test_a_change_by_hand_is_reported_and_stays_until_the_repair(server, record, kind, values):
    client = make_client(server)
    domain = ready(client, forwarding_domain="acme.example")
    record = record.format(domain)
    by_hand(server, domain, record, kind, *values)
    line = lines(client, domain, "by_hand")[record, kind]
    assert line["published"] == values and line["wanted"] != values
    assert line["reason"] == f"changed by hand; `dfyd domain repair {domain}` changes it back"
    assert dns(client, domain)["ok"] is False
    repair(server, domain)
    assert dns(client, domain)["ok"] is True
    assert all(line["state"] == "ok" for line in dns(client, domain)["records"])


def test_a_ttl_by_hand(server):
    client = make_client(server)
    domain = ready(client)
    by_hand(server, domain, domain, "MX", "1 mx.google.sandbox.test.", ttl=60)
    line = lines(client, domain, "by_hand")[domain, "MX"]
    assert (line["wanted_ttl"], line["published_ttl"]) == (3600, 60) and line["wanted"] == line["published"]
    repair(server, domain)
    assert dns(client, domain)["ok"] is True


def test_texts_of_others_stay(server):
    client = make_client(server)
    domain = ready(client)
    spf = "v=spf1 include:_spf.google.sandbox.test ~all"
    by_hand(server, domain, domain, "TXT", spf, "site-verification=1", "v=spf1 include:else.test -all", "caf\xe9\x01")
    line = lines(client, domain, "by_hand")[domain, "TXT"]
    assert line["wanted"] == [spf] and "caf\\195\\169\\001" in line["published"]
    repair(server, domain)
    line = lines(client, domain)[domain, "TXT"]
    assert line["state"] == "ok"
    assert sorted(line["published"]) == sorted([spf, "site-verification=1", "caf\\195\\169\\001"])


def test_what_was_there_first_holds_the_order_up(server):
    """A zone with somebody's SPF policy in it: the domain waits and says why, and goes on after the repair."""
    client, domain = make_client(server), name()
    with database(server, "sandbox.db") as db:
        db.execute("INSERT INTO zones (zone) VALUES (?)", [domain])
    by_hand(server, domain, domain, "TXT", "v=spf1 include:else.test -all")
    client.placed([item(domain)])
    [(_, _, reason)] = wait_for("the reason", lambda: [
        step for step in open_steps(server, domain) if step[:2] == ("publish_dns", "retrying")])
    assert reason.startswith(f'{domain} TXT has "v=spf1 include:else.test -all" put there by hand')
    assert reason.endswith(f"`dfyd domain repair {domain}` changes it back")
    states = {(line["type"], line["state"]) for line in dns(client, domain)["records"]}
    assert ("TXT", "by_hand") in states and ("MX", "missing") in states
    assert not any(line["seen"] for line in dns(client, domain)["records"] if line["type"] == "MX")
    repair(server, domain)
    wait_for("its mailbox", lambda: [
        row for row in client.all(ORDERS + "/accounts", with_passwords="true") if row["domain"] == domain and row["password"]])


def test_a_forwarding_is_not_changed_over_what_is_there_by_hand(server):
    client = make_client(server)
    domain = ready(client)
    by_hand(server, domain, domain, "A", "198.51.100.7")
    response = client.send("PUT", f"/api/v2/domains/{domain}/forwarding", json={"forwarding_domain": "acme.example"})
    assert response.status_code == 502 and "was put there by hand" in response.json()["message"]
    assert client.send("GET", f"/api/v2/domains/{domain}/forwarding").json()["forwarding_domain"] is None
    with database(server, "sandbox.db") as db:
        assert db.execute("SELECT data FROM rrsets WHERE zone = ? AND type = 'A'", [domain]).fetchall() == [
            (netstring("198.51.100.7"),)]


def test_a_zone_that_is_gone_is_made_anew_by_a_repair_alone(server):
    client = make_client(server)
    domain = ready(client)
    with database(server, "sandbox.db") as db:
        db.execute("DELETE FROM rrsets WHERE zone = ?", [domain])
        db.execute("DELETE FROM zones WHERE zone = ?", [domain])
    assert {line["state"] for line in dns(client, domain)["records"]} == {"by_hand"}
    repair(server, domain)
    assert dns(client, domain)["ok"] is True


def test_a_repair_needs_a_domain_in_use(server):
    client = make_client(server)
    done = server.run("domain", "repair", name())
    assert done.returncode == 1 and "there is no domain" in done.stderr
    domain = ready(client)
    cancel_all(client, domain)
    done = server.run("domain", "repair", domain)
    assert done.returncode == 1 and "is not in use any more" in done.stderr
    warm = name("co")
    server.cli("inventory", "add", "--domain", warm, "--provider", "2", "--account", "ana,Ana,Silva")
    client.placed([{"domain": warm, "accounts": people(1)}], "pre_warmed_up")
    done = server.run("domain", "repair", warm)
    assert done.returncode == 1 and "dfyd does not publish the records" in done.stderr


def test_a_changed_setting_reaches_all_domains_but_what_was_changed_by_hand(fresh):
    server = fresh(web_address="192.0.2.1")
    client = make_client(server)
    first, second, parked = (ready(client, forwarding_domain="acme.example") for _ in range(3))
    cancel_all(client, parked)
    by_hand(server, second, f"www.{second}", "A", "198.51.100.7", ttl=300)
    server.restart(web_address="192.0.2.2")
    assert all(line["published"] == ["192.0.2.1"] for line in lines(client, first, "different").values())
    assert server.cli("domain", "publish").startswith("the server looks at the records of 2 domains and publishes")
    wait_for("the first domain", lambda: dns(client, first)["ok"])
    assert lines(client, first)[f"www.{first}", "A"]["published"] == ["192.0.2.2"]
    wait_for("the second to wait", lambda: any(state == "retrying" and "by hand" in why for _, state, why in open_steps(server, second)))
    assert lines(client, second)[f"www.{second}", "A"]["published"] == ["198.51.100.7"]
    assert second in server.cli("domain", "list", "--stuck")


def test_a_domain_of_a_dfyd_that_kept_no_book(server):
    """What it published counts as dfyd's own: nothing is by hand, and changes go on."""
    client = make_client(server)
    domain = ready(client, forwarding_domain="acme.example")
    with database(server) as db:
        db.execute("DELETE FROM zone_parts WHERE domain_id = (SELECT id FROM domains WHERE name = ?)", [domain])
    assert dns(client, domain)["ok"] is True
    assert client.send("DELETE", f"/api/v2/domains/{domain}/forwarding").status_code == 200
    assert {line["part"] for line in dns(client, domain)["records"]} == {"mail"}
    assert client.list(ORDERS)["items"]
