"""Another name in place of a domain that could not be registered: what it brings, when it goes, and that it goes once."""
import json
import threading

import pytest
from conftest import ORDERS, database, rows, wait_for
from contract import check_error, item, make_client, name, people
from money import balance, refunds, server  # noqa: F401, a fixture

ACCOUNTS = ORDERS + "/accounts"


def swap(client, old, new, **kw):
    return client.send("POST", f"/api/dfyd/v1/domains/{old}/swap", json={"domain": new}, **kw)


def swapped(client, old, new):
    response = swap(client, old, new)
    assert response.status_code == 200, response.text
    answer = response.json()
    assert (answer["domain"], answer["swapped_domain"]) == (new, old)
    return answer


def wait_ready(client, domain, n):
    def ready():
        found = [row for row in client.all(ACCOUNTS, with_passwords="true") if row["domain"] == domain and row["password"]]
        return found if len(found) == n else None
    return wait_for(f"{n} mailboxes on {domain}", ready)


def fail(client, word="refused-", **more):
    """A domain of the client's that could not be registered and whose refund waits."""
    domain = word + name()
    client.placed([item(domain, **more)])
    wait_for("its refund", lambda: ("waiting" in [state for state, _ in refunds(client)]))
    return domain


def test_a_swap_brings_what_was_ordered(server):
    client, new = make_client(server), name()
    old = fail(client, accounts=3, forwarding_domain="acme.com")
    answer = swapped(client, old, new)
    assert answer["email_provider"] == 1 and answer["forwarding_domain"] == "acme.com"
    found = wait_ready(client, new, 3)
    assert sorted(row["email"] for row in found) == sorted(
        f"{person['email_address_prefix']}@{new}" for person in people(3))
    assert refunds(client) == [("swapped", 30)]
    assert balance(server, "payable/%") == 0 and balance(server, "refunds") == 0 and balance(server, "cash/sandbox") == 30
    [(order,)] = rows(server, "SELECT order_id FROM domains WHERE name = ?", new)
    assert order == answer["order_id"]
    assert rows(server, "SELECT year_price, month_price, created_ms FROM domains WHERE name = ?", new) == rows(
        server, "SELECT year_price, month_price, created_ms FROM domains WHERE name = ?", old)
    assert rows(server, "SELECT SUM(month_price) FROM accounts WHERE domain_id = (SELECT id FROM domains WHERE name = ?)",
                new) == [(1500,)]
    forwarding = client.send("GET", f"/api/v2/domains/{new}/forwarding").json()
    assert forwarding["forwarding_domain"] == "acme.com"
    server.cli("clock", "advance", "2d")
    assert refunds(client) == [("swapped", 30)] and rows(server, "SELECT COUNT(*) FROM payments WHERE kind = 'refund'") == [(0,)]


def test_it_is_told(server):
    client, new = make_client(server), name()
    old = fail(client)
    swapped(client, old, new)
    [(payload,)] = rows(server, "SELECT payload FROM events WHERE type = 'dfy_domain_swapped'")
    payload = json.loads(payload)
    assert payload["domain"] == new and payload["swapped_domain"] == old and payload["order_id"]
    logs = client.send("GET", "/api/v2/audit-logs").json()["items"]
    [log] = [log for log in logs if log["audit_metadata"]["activity"] == "domain_swapped"]
    assert log["audit_metadata"]["domain"] == new and log["audit_metadata"]["swapped_domain"] == old


def test_a_mailbox_that_was_cancelled_before_is_paid_back(server):
    client, new = make_client(server), name()
    old = fail(client, accounts=3)
    [order] = [one for (one,) in rows(server, "SELECT order_id FROM domains WHERE name = ?", old)]
    gone = people(3)[1]["email_address_prefix"] + "@" + old
    assert client.send("POST", ACCOUNTS + "/cancel", json={"accounts": [gone]}).status_code == 200
    swapped(client, old, new)
    wait_ready(client, new, 2)
    wait_for("the refund", lambda: refunds(client) == [("swapped", 30), ("done", 5)])
    assert balance(server, "payable/%") == 0 and balance(server, "cash/sandbox") == 25
    [(payload,)] = rows(server, "SELECT payload FROM events WHERE type = 'dfy_domain_swapped'")
    assert json.loads(payload)["refund"] == 5
    shown = client.send("GET", f"/api/dfyd/v1/orders/{order}").json()
    assert [refund["amount"] for refund in shown["refunds"] if refund["state"] == "done"] == [5]


def test_the_same_again_answers_the_same(server):
    client, new = make_client(server), name()
    old = fail(client)
    first = swap(client, old, new)
    again = swap(client, old.upper(), f" {new.upper()} ")
    assert again.status_code == first.status_code == 200 and again.content == first.content
    server.cli("clock", "advance", "30d")
    assert swap(client, old, new).content == first.content
    check_error(swap(client, old, name()), 409, f"{old} was swapped for {new} before.")
    assert rows(server, "SELECT COUNT(*) FROM domains") == [(2,)]
    assert rows(server, "SELECT COUNT(*) FROM audit_logs WHERE activity = 'domain_swapped'") == [(1,)]


def test_the_new_one_may_fail_too(server):
    """Swapped once more, and then it is too late: what goes back in the end is what was paid, once."""
    client, second, third = make_client(server), "refused-" + name(), "snatched-" + name()
    first = fail(client, accounts=2)
    swapped(client, first, second)
    wait_for("its refund", lambda: refunds(client) == [("swapped", 25), ("waiting", 25)])
    swapped(client, second, third)
    wait_for("its refund", lambda: refunds(client) == [("swapped", 25), ("swapped", 25), ("waiting", 25)])
    server.cli("clock", "advance", "1d")
    assert refunds(client)[-1] == ("done", 25) and balance(server, "cash/sandbox") == 0 and balance(server, "payable/%") == 0


def test_what_cannot_be_swapped(server):
    client, stranger = make_client(server), make_client(server)
    ready, old, late = name(), fail(client), "nodns-" + name()
    client.placed([item(ready), item(late)])
    wait_ready(client, ready, 1)
    wait_for("it has failed", lambda: len(refunds(client)) == 2)
    check_error(swap(client, ready, name()), 409, f"{ready} is ready. Only a domain that could not be registered can be swapped.")
    assert swap(client, late, name()).status_code == 409
    check_error(swap(client, "nobody-has.com", name()), 404, "Resource not found")
    check_error(swap(client, "no name", name()), 404, "Resource not found")
    check_error(swap(stranger, old, name()), 404, "Resource not found")
    check_error(swap(client, old, old), 400, "body/domain must differ from the domain that failed")
    check_error(client.send("POST", f"/api/dfyd/v1/domains/{old}/swap", json={}), 400,
                "body must have required property 'domain'")
    assert ("waiting", 20) in refunds(client) and rows(server, "SELECT COUNT(*) FROM domains") == [(3,)]
    server.cli("clock", "advance", "1d")
    check_error(swap(client, old, name()), 409,
                f"{old} can no longer be swapped: what was paid for it goes back, or nothing was paid.")


def test_a_key_without_the_scope(server):
    client = make_client(server, scopes=["dfy_email_account_orders:create"])
    assert swap(client, "a.com", "b.com").status_code == 403


@pytest.mark.parametrize("new,error", [
    ("not a name", "invalid_domains"), ("acme.io", "invalid_domains"), ("my-google-team.com", "blacklist_domains"),
    ("taken-" + name(), "unavailable_domains"), ("acme.com", "invalid_forwarding_domains")])
def test_the_new_name_is_judged_like_an_order(server, new, error):
    client = make_client(server)
    old = fail(client, forwarding_domain="acme.com")
    response = swap(client, old, new)
    answer = response.json()
    assert response.status_code == answer["statusCode"] == 422
    assert answer["message"] == f"The new domain cannot be ordered: {error}. Nothing was swapped."
    ordered = client.quote([item(new, forwarding_domain="acme.com")])
    assert answer["order_error"] == ordered["order_error"] == error
    assert {k: v for k, v in answer.items() if isinstance(v, list)} == {
        k: v for k, v in ordered.items() if isinstance(v, list) and k not in ("order_items", "free_domains")}
    assert refunds(client) == [("waiting", 20)]
    swapped(client, old, name())


def test_a_name_that_somebody_has(server):
    client, other, new = make_client(server), make_client(server), name()
    other.placed([item(new)])
    old = fail(client)
    assert swap(client, old, new).json()["unavailable_domains"] == [new]
    assert swap(client, old, "unsure-" + name()).status_code == 503
    assert refunds(client) == [("waiting", 20)]


def test_many_swaps_at_once(server):
    """Ten at once for different names: one wins, the others are told."""
    client = make_client(server)
    old, answers = fail(client), []
    threads = [threading.Thread(target=lambda new=name(): answers.append(swap(client, old, new))) for _ in range(10)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert sorted(answer.status_code for answer in answers) == [200] + [409] * 9
    assert rows(server, "SELECT COUNT(*) FROM domains") == [(2,)] and refunds(client) == [("swapped", 20)]


def test_a_swap_while_the_refund_becomes_due(server):
    """Exactly one of the two, every time."""
    ends = set()
    for _ in range(6):
        client, answers = make_client(server), []
        old = fail(client)
        moving = threading.Thread(target=server.cli, args=("clock", "advance", "1d"))
        moving.start()
        while not answers or (answers[-1].status_code != 409 and moving.is_alive()):
            answers.append(swap(client, old, name()))
            if answers[-1].status_code == 200:
                break
        moving.join()
        end = "swapped" if answers[-1].status_code == 200 else "done"
        wait_for("the end", lambda: refunds(client) == [(end, 20)])
        assert rows(server, "SELECT COUNT(*) FROM domains WHERE workspace_id = ?", client.workspace_id) == [
            (2 if end == "swapped" else 1,)]
        ends.add(end)
    assert balance(server, "payable/%") == 0 and ends


def test_mailboxes_added_meanwhile_go_over_too(server):
    client, new, old = make_client(server), name(), "silent-" + name()
    client.placed([item(old)])
    client.placed([{"domain": old, "accounts": people(2, 3)}], "extra_accounts")
    with database(server) as db:
        db.execute("UPDATE domains SET name = ? WHERE name = ?", ("refused-" + old, old))
    old = "refused-" + old
    server.restart()
    wait_for("the refunds", lambda: refunds(client) == [("waiting", 20), ("waiting", 10)])
    swapped(client, old, new)
    found = wait_ready(client, new, 3)
    assert sorted(row["email"].split("@")[0] for row in found) == sorted(
        person["email_address_prefix"] for person in people(1) + people(2, 3))
    assert refunds(client) == [("swapped", 20), ("swapped", 10)] and balance(server, "payable/%") == 0
