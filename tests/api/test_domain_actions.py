"""POST /api/dfyd/v1/domains/{domain}/retry, /repair and /check: what is begun, what is left alone, and who may."""
import json

import pytest
from conftest import database, rows, wait_for
from contract import check_error, item, make_client, name
from test_domain_dns import by_hand, cancel_all, lines, open_steps, ready

ACTIONS = ["retry", "repair", "check"]


@pytest.fixture(scope="module")
def server(dfyd):
    return dfyd


def act(client, domain, action):
    return client.send("POST", f"/api/dfyd/v1/domains/{domain}/{action}")


def done(client, domain, action):
    response = act(client, domain, action)
    assert response.status_code == 200, response.text
    return response.json()


def logs(client, activity):
    found = [log for log in client.send("GET", "/api/v2/audit-logs").json()["items"]
             if log["audit_metadata"]["activity"] == activity]
    return [(log["audit_metadata"]["domain"], log["affected_count"]) for log in found]


def steps(server, domain):
    return rows(server, "SELECT s.kind, s.state, s.attempts FROM steps s JOIN domains d ON d.id = s.domain_id WHERE d.name = ?"
                        " ORDER BY s.rank, s.kind, s.account_id", domain)


# ---- retry

def test_a_retry_ends_the_pause(patient):
    client, domain = make_client(patient), "flaky-" + name()
    client.placed([item(domain)])
    for tries in (1, 2):
        wait_for("a failed try", lambda tries=tries: ("register_domain", "retrying", tries) in steps(patient, domain))
        assert done(client, domain, "retry") == {"domain": domain, "retried": 1}
    wait_for("the domain", lambda: not open_steps(patient, domain))
    check_error(act(client, domain, "retry"), 409, f"Nothing of {domain} waits for another try: it is ready.")
    assert logs(client, "domain_retried") == [(domain, 1), (domain, 1)]


def test_a_retry_of_several_mailboxes(patient):
    client, domain = make_client(patient), name()
    people = [{"email_address_prefix": f"silent.{letter}", "first_name": "A", "last_name": "B"} for letter in "abc"]
    client.placed([item(domain, accounts=people)])

    def waiting(tries):
        return [step for step in steps(patient, domain) if step == ("create_mailbox", "retrying", tries)]
    wait_for("three mailboxes that wait", lambda: len(waiting(1)) == 3)
    assert done(client, domain.upper(), "retry") == {"domain": domain, "retried": 3}
    wait_for("another try of each", lambda: len(waiting(2)) == 3)
    assert logs(client, "domain_retried") == [(domain, 3)]


def test_a_retry_leaves_alone_what_is_done_or_leased(patient):
    client, domain = make_client(patient), "silent-" + name()
    client.placed([item(domain)])
    wait_for("a failed try", lambda: ("register_domain", "retrying", 1) in steps(patient, domain))
    with database(patient) as db:  # as a worker holds it
        db.execute("UPDATE steps SET state = 'running', due_ms = due_ms + 86400000 WHERE kind = 'register_domain'")
    before = rows(patient, "SELECT kind, state, attempts, due_ms FROM steps ORDER BY kind")
    check_error(act(client, domain, "retry"), 409,
                f"Nothing of {domain} waits for another try: it is provisioning, and what is left to do for it is being done now.")
    assert rows(patient, "SELECT kind, state, attempts, due_ms FROM steps ORDER BY kind") == before
    assert logs(client, "domain_retried") == []


def test_nothing_to_retry(server):
    client = make_client(server)
    failed = "nodns-" + name()
    client.placed([item(failed)])
    wait_for("its end", lambda: rows(server, "SELECT 1 FROM domains WHERE name = ? AND state = 'failed'", failed))
    check_error(act(client, failed, "retry"), 409, f"Nothing of {failed} waits for another try: it is failed.")
    assert logs(client, "domain_retried") == []


# ---- repair

def test_a_repair_changes_back_what_was_changed_by_hand(server):
    client = make_client(server)
    domain = ready(client)
    by_hand(server, domain, domain, "MX", "5 mail.else.")
    assert (domain, "MX") in lines(client, domain, "by_hand")
    assert done(client, domain, "repair") == {"domain": domain}
    wait_for("the repair", lambda: not open_steps(server, domain))
    assert not lines(client, domain, "by_hand") and set(lines(client, domain, "ok")) == set(lines(client, domain))
    assert logs(client, "domain_repaired") == [(domain, 1)]


def test_no_repair_while_the_records_are_published(patient):
    client, domain = make_client(patient), "silentdns-" + name()
    client.placed([item(domain)])
    wait_for("a failed try", lambda: ("publish_dns", "retrying", 1) in steps(patient, domain))
    with database(patient) as db:
        db.execute("UPDATE steps SET state = 'running', due_ms = due_ms + 86400000 WHERE kind = 'publish_dns'")
    check_error(act(client, domain, "repair"), 409, f"Records of {domain} are being published at this moment. Try again.")
    assert logs(client, "domain_repaired") == []
    with database(patient) as db:
        db.execute("UPDATE steps SET state = 'retrying' WHERE kind = 'publish_dns'")
    done(client, domain, "repair")
    wait_for("another try", lambda: ("publish_dns", "retrying", 2) in steps(patient, domain))


def test_nothing_to_repair(server):
    client = make_client(server)
    domain, failed = ready(client), "nodns-" + name()
    client.placed([item(failed)])
    wait_for("its end", lambda: rows(server, "SELECT 1 FROM domains WHERE name = ? AND state = 'failed'", failed))
    check_error(act(client, failed, "repair"), 409, f"{failed} is failed: its records are not published any more.")
    cancel_all(client, domain)
    check_error(act(client, domain, "repair"), 409, f"{domain} is cancelled: its records are not published any more.")
    assert logs(client, "domain_repaired") == []


# ---- check

def test_a_check_of_what_is_well(server):
    client = make_client(server)
    domain = ready(client, accounts=2, forwarding_domain="acme.com")
    answer = done(client, domain, "check")
    assert answer["ok"] and answer["kept"] and answer["findings"] == []
    assert [seen["state"] for seen in answer["mailboxes"]] == ["ok", "ok"]
    assert {line["state"] for line in answer["records"]} == {"ok"} and {line["part"] for line in answer["records"]} == {"mail", "web"}
    assert logs(client, "domain_checked") == [(domain, 1)]
    [(findings,)] = rows(server, "SELECT findings FROM domain_care c JOIN domains d ON d.id = c.domain_id WHERE d.name = ?", domain)
    assert findings == "" and "findings    0" in server.cli("domain", "show", domain)


def test_a_check_of_what_drifted(server):
    client = make_client(server)
    domain = ready(client)
    by_hand(server, domain, domain, "MX", "5 mail.else.")
    answer = done(client, domain, "check")
    [finding] = answer["findings"]
    assert not answer["ok"] and answer["kept"] and finding["kind"] == "record"
    assert finding["subject"] == f"MX {domain}" and finding["wanted"] == "1 mx.google.sandbox.test." and "5 mail.else." in finding["seen"]
    [(event,)] = rows(server, "SELECT payload FROM events WHERE type = 'dfy_domain_drifted' AND payload LIKE ?", f"%{domain}%")
    assert json.loads(event)["domain"] == domain
    done(client, domain, "repair")
    wait_for("the repair", lambda: not open_steps(server, domain))
    assert done(client, domain, "check")["ok"]
    assert rows(server, "SELECT 1 FROM events WHERE type = 'dfy_domain_restored' AND payload LIKE ?", f"%{domain}%")


def test_a_check_beside_the_servers_own_is_not_kept(server):
    client = make_client(server)
    domain = ready(client)
    with database(server) as db:
        db.execute("UPDATE domain_care SET is_leased = 1, due_ms = due_ms + 86400000 WHERE domain_id ="
                   " (SELECT id FROM domains WHERE name = ?)", [domain])
    answer = done(client, domain, "check")
    assert answer["ok"] and not answer["kept"]


def test_what_is_not_in_use_is_not_checked(server):
    client, slow = make_client(server), "silent-" + name()
    client.placed([item(slow)])
    check_error(act(client, slow, "check"), 409, f"{slow} is provisioning. Only a domain that is in use can be checked.")
    assert logs(client, "domain_checked") == []


# ---- all of them

@pytest.mark.parametrize("action", ACTIONS)
def test_who_may(server, action):
    client, stranger = make_client(server), make_client(server)
    domain = ready(client)
    before = steps(server, domain)
    check_error(act(stranger, domain, action), 404, "Resource not found")
    check_error(act(client, name(), action), 404, "Resource not found")
    assert act(client, "no-name", action).status_code == 400 and act(client, "no_name_.com", action).status_code == 404
    reader = server.cli("key", "create", "--workspace", client.workspace, "--scope", "dfy_email_account_orders:read").strip()
    response = server.request("POST", f"/api/dfyd/v1/domains/{domain}/{action}", headers={"Authorization": f"Bearer {reader}"})
    assert response.status_code == 403
    assert steps(server, domain) == before


def test_a_name_that_was_used_before(server):
    """The one that is in use is meant, not the one that failed under the same name."""
    client, stranger = make_client(server), make_client(server)
    domain = ready(client)
    cancel_all(client, domain)
    check_error(act(client, domain, "check"), 409, f"{domain} is cancelled. Only a domain that is in use can be checked.")
    check_error(act(stranger, domain, "check"), 404, "Resource not found")


@pytest.mark.parametrize("action", ACTIONS)
def test_limits(fresh, action):
    server = fresh(rate_limit="on")
    client = make_client(server)
    domain = ready(client)
    answers = [act(client, domain, action) for _ in range(11)]
    assert {answer.status_code for answer in answers[:10]} <= {200, 409}
    assert answers[-1].status_code == 429 and "Retry-After" in answers[-1].headers
