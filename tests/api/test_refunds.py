"""What was paid for and cannot be delivered goes back: how much, when, once; and what an operator sees and does."""
import json
import re

import pytest
from conftest import ORDERS, database, rows, wait_for
from contract import item, make_client, name, person
from money import balance, refunds, server  # noqa: F401, a fixture

DAY_MS = 86400000


def given_back(client):
    """What the sandbox's bank gave back of the workspace's charges, in dollars."""
    keys = [key for key, in rows(client.server, "SELECT id FROM orders WHERE workspace_id = ?", client.workspace_id)]
    marks = ",".join("?" * len(keys))
    return [amount / 100 for amount, in rows(client.server, f"SELECT amount FROM refunds WHERE charge_key IN ({marks})",
                                             *keys, file="sandbox.db")]


def wait_state(client, *expected):
    wait_for(f"refunds {expected}", lambda: refunds(client) == list(expected))


def order_of(client):
    [(order,)] = rows(client.server, "SELECT id FROM orders WHERE workspace_id = ?", client.workspace_id)
    return order


@pytest.mark.parametrize("word,waits", [("refused-", True), ("snatched-", True), ("nodns-", False)])
def test_a_failed_domain_is_paid_back_in_full(server, word, waits):
    """A domain that could not be registered may be swapped for a day; one that fails later is paid back at once."""
    client = make_client(server)
    client.placed([item(word + name(), accounts=2), item()])
    wait_state(client, ("waiting" if waits else "done", 25))
    if waits:
        assert given_back(client) == [] and balance(server, "payable/%") == -25
        server.cli("clock", "advance", "23h")
        assert refunds(client) == [("waiting", 25)]
        server.cli("clock", "advance", "1h")
    assert refunds(client) == [("done", 25)] and given_back(client) == [25]
    assert balance(server, "payable/%") == 0 and balance(server, "%") == 0 and balance(server, "cash/sandbox") == 20
    [(document,)] = rows(server, "SELECT document FROM invoices WHERE kind = 'credit_note'")
    assert json.loads(document)["total"] == 25


def test_without_hours_to_swap_it_goes_back_at_once(fresh):
    client = make_client(fresh(swap_hours=0))
    client.placed([item("refused-" + name())])
    wait_state(client, ("done", 20))


def test_a_refused_mailbox_is_paid_back(server):
    client = make_client(server)
    client.placed([item(accounts=[person("ana"), person("refused"), person("refused.two")])])
    wait_state(client, ("done", 5), ("done", 5))
    assert given_back(client) == [5, 5]


def test_a_lost_answer_gives_back_once(fresh):
    client = make_client(fresh(swap_hours=0), card="tok_lostrefund")
    client.placed([item("refused-" + name())])
    wait_state(client, ("done", 20))
    assert given_back(client) == [20]
    assert rows(client.server, "SELECT attempts FROM refunds") == [(2,)]


def test_the_event_says_what_goes_back_and_until_when(server):
    client = make_client(server)
    client.placed([item("refused-" + name())])
    client.placed([item("nodns-" + name())])
    wait_for("both have failed", lambda: len(refunds(client)) == 2)
    first, second = (json.loads(payload) for payload, in
                     rows(server, "SELECT payload FROM events WHERE type = 'dfy_domain_failed' ORDER BY seq"))
    swappable, other = (first, second) if "refused-" in first["domain"] else (second, first)
    assert swappable["refund"] == other["refund"] == 20 and "swap_until" not in other
    [(due, created)] = rows(server, "SELECT due_ms, created_ms FROM refunds WHERE state = 'waiting'")
    assert due - created == DAY_MS and re.fullmatch(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z", swappable["swap_until"])


def test_a_refused_refund_is_stuck_until_it_is_tried_again(fresh):
    server = fresh(swap_hours=0)
    client = make_client(server, card="tok_norefund")
    client.placed([item("refused-" + name())])
    wait_state(client, ("failed", 20))
    order = order_of(client)
    stuck = server.cli("order", "list", "--stuck")
    assert order in stuck and re.search(r"register_domain refused-\S+: the registry does not accept", stuck)
    stuck = server.cli("refund", "list", "--stuck")
    assert "the bank does not take it back to this card" in stuck and " failed " in stuck
    assert "dfyd refund retry" in wait_for("the log", lambda: re.search(r"event=refund_refused .*", server.log()))[0]
    assert balance(server, "payable/%") == -20 and balance(server, "cash/sandbox") == 20
    number = re.search(r"^[0-9a-f-]{36}", stuck, re.M)[0]
    with database(server, "sandbox.db") as bank:
        bank.execute("UPDATE charges SET token = 'tok_visa'")
    server.cli("refund", "retry", "--id", number)
    told = rows(server, "SELECT detail FROM audit_logs WHERE activity = 'work_retried'")
    assert [json.loads(detail) for detail, in told] == [{"kind": "refund", "id": number, "workspace_id": None}]
    wait_state(client, ("done", 20))
    assert given_back(client) == [20] and balance(server, "payable/%") == 0
    assert order not in server.cli("order", "list", "--stuck"), "the customer has the money back"
    shown = server.cli("order", "show", order)
    assert re.search(r"^domain_year +refused-\S+ +1 +15\.00 +- +15\.00 +20", shown, re.M)
    assert re.search(r"^charge +20\.00 +succeeded +\S+Z +sandbox visa 0143 +1 +-", shown, re.M)
    assert re.search(r"^refund +20\.00 +done +\S+Z +sandbox +2 +- +refused-\S+: the registry", shown, re.M)
    assert number not in server.cli("refund", "list", "--stuck") and number in server.cli("refund", "list")
    done = server.run("refund", "retry", number)
    assert done.returncode == 1 and "is done: only a failed one" in done.stderr


def test_an_operator_gives_back_a_part(server):
    client = make_client(server)
    client.placed([item(accounts=2)])
    order = order_of(client)
    number = client.server.cli("refund", "make", "--order", order, "--amount", "5.00", "--why", "sorry for the delay").strip()
    wait_state(client, ("done", 5))
    assert "sorry for the delay" in server.cli("refund", "list")

    def fails(status, words, *args):
        done = server.run("refund", "make", *args)
        assert done.returncode == status and words in done.stderr, done
    fails(2, "20.00 is all that is left", "--order", order, "--amount", "20.01", "--why", "x")
    fails(1, "is a refund", "--order", number, "--amount", "1", "--why", "x")
    fails(1, "there is no order", "--order", "none", "--amount", "1", "--why", "x")
    fails(2, "--amount must be dollars", "--order", order, "--amount", "0", "--why", "x")
    fails(2, "--why", "--order", order, "--amount", "1", "--why", " ")
    server.cli("refund", "make", "--order", order, "--amount", "20", "--why", "the rest")
    wait_state(client, ("done", 5), ("done", 20))
    fails(2, "0.00 is all that is left", "--order", order, "--amount", "0.01", "--why", "x")
    assert sum(given_back(client)) == 25 and balance(server, "cash/sandbox") == 0


def test_what_fails_does_not_renew(server):
    client = make_client(server)
    client.placed([item("refused-" + name()), item(accounts=[person("refused"), person("ana")])])
    wait_for("both ends", lambda: len(refunds(client)) == 2 and len(
        [row for row in client.list(ORDERS + "/accounts", with_passwords="true")["items"] if row["password"]]) == 1)
    assert rows(server, "SELECT COUNT(*) FROM domains WHERE state = 'failed' AND year_renews_ms + month_renews_ms > 0") == [(0,)]
    assert rows(server, "SELECT COUNT(*) FROM accounts WHERE state = 'failed' AND renews_ms > 0") == [(0,)]


def test_a_driver_that_is_not_open_is_waited_for(server, tmp_path):
    """The money was taken by the sandbox; a server that takes cards by Stripe cannot give it back, and says so."""
    client = make_client(server)
    client.placed([item(accounts=2)])
    order = order_of(client)
    server.stop()
    server.cli("refund", "make", "--order", order, "--amount", "5", "--why", "x")
    key = tmp_path / "stripe.key"
    key.write_text("sk_test_1", encoding="ascii")
    key.chmod(0o600)
    server.start(payment="stripe", stripe_key_file=key, stripe_url="http://127.0.0.1:9")
    wait_for("why", lambda: "the payment driver sandbox is not open here" in server.cli("refund", "list", "--stuck"))
    server.restart()
    wait_state(client, ("done", 5))
    assert given_back(client) == [5]
