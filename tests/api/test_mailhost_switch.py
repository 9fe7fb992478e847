"""A mail host in place of the sandbox: what was sold before stays sold, and looking changes nothing."""
import concurrent.futures
import socket
import sqlite3

from conftest import rows, wait_for
from contract import item, make_client, name

MAILHOST = {"mailbox": "mailhost", "mailhost_name": "mx.dfy.test", "mailhost_imap": "127.0.0.1:1", "mailhost_submission": "127.0.0.1:1"}


def states(server):
    return [state for state, in rows(server, "SELECT state FROM domains")]


def steps(server, state):
    return rows(server, "SELECT kind, reason FROM steps WHERE state = ? ORDER BY kind", state)


def test_what_another_mail_host_was_sold_for_is_not_given_up(fresh):
    server = fresh()
    client = make_client(server)
    domain = name()
    client.placed([item(domain, provider=1)])
    wait_for("the domain", lambda: states(server) == ["ready"])
    server.restart(**MAILHOST)
    server.cli("domain", "repair", domain)
    assert wait_for("the repair", lambda: steps(server, "retrying")) == [
        ("publish_dns", "the mail host mailhost does not serve provider 1: start dfyd with one that does")]
    assert states(server) == ["ready"] and not rows(server, "SELECT * FROM refunds")
    server.restart(mailbox="sandbox")
    wait_for("the repair", lambda: not rows(server, "SELECT 1 FROM steps WHERE state IN ('due', 'running', 'retrying')"))
    assert states(server) == ["ready"]


def test_an_order_waits_for_its_mail_host(fresh):
    server = fresh(worker_threads=1, crash_at="step.claimed")
    server.order_and_die([item(name(), provider=1)])
    server.restart(**MAILHOST)
    assert [kind for kind, _ in wait_for("the order", lambda: steps(server, "retrying"))] == ["publish_dns"]
    server.restart(mailbox="sandbox")
    wait_for("the domain", lambda: states(server) == ["ready"])
    assert not rows(server, "SELECT * FROM refunds")


def test_looking_at_a_pre_warmed_domain_makes_no_keys(fresh):
    server = fresh(**MAILHOST)
    client = make_client(server)
    server.cli("inventory", "add", "--domain", "warm.co", "--provider", "2", "--account", "jane,Jane,Doe")
    client.placed([{"domain": "warm.co"}], "pre_warmed_up")
    response = client.send("GET", "/api/dfyd/v1/domains/warm.co/dns")
    assert response.status_code == 200 and response.json()["records"] == []
    with sqlite3.connect(server.dir / "mailhost" / "signer" / "dkim.db") as db:
        assert db.execute("SELECT domain FROM dkim_keys").fetchall() == []


def test_a_silent_dns_host_does_not_keep_orders_waiting(fresh, tmp_path):
    server = fresh()
    client = make_client(server)
    domain = name()
    client.placed([item(domain)])
    wait_for("the domain", lambda: states(server) == ["ready"])
    key = tmp_path / "key"
    key.write_text("secret")
    key.chmod(0o600)
    with socket.create_server(("127.0.0.1", 0), backlog=128) as silent:  # the kernel takes connections, and nobody answers
        server.restart(dns="powerdns", powerdns_url="http://127.0.0.1:%d" % silent.getsockname()[1], powerdns_key_file=key,
                       dns_nameservers="ns1.dfy.test,ns2.dfy.test", resolver="127.0.0.1:1")
        with concurrent.futures.ThreadPoolExecutor(48) as pool:
            calls = [pool.submit(client.send, "GET", f"/api/dfyd/v1/domains/{domain}/dns") for _ in range(48)]
            wait_for("refusals", lambda: sum(call.done() for call in calls) >= 32)
            client.placed([item(name())])
            assert not any(call.done() and call.result().status_code == 200 for call in calls), "nobody's wait was over"
            told = [call.result().status_code for call in calls]
        assert 1 <= told.count(200) <= 16 and told.count(200) + told.count(429) == 48, told
