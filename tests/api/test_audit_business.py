"""What the audit log tells of changes of the business: by commands as by an operator's calls, and together with the change."""
import itertools
import pathlib
import re

import pytest

from conftest import database, rows, wait_for
from contract import item, make_client
from operator_key import Operator, workspace
from test_audit import FIELDS, logs
from test_keys import Place

numbers = itertools.count(1)


@pytest.fixture(scope="module")
def operator(dfyd):
    return Operator(dfyd)


def one(operator, activity, search):
    record, = operator.records(activity, search=search)
    return record


def is_of_the_command_line(record, affected=1):
    assert record["workspace"] == "default" and record["affected_count"] == affected
    return (record["api_key_id"], record["ip_address"], record["user_agent"]) == (None, None, None)


def test_prices_of_the_command_line(operator, dfyd):
    name, id = workspace(dfyd)
    dfyd.cli("price", "add", "domain_year", "--amount", "12.50", "--workspace", name, "--starts", "2999-02-28")
    dfyd.cli("price", "end", "domain_year", "--workspace", name, "--at", "2999-03-01")
    dfyd.cli("price", "end", "google_mailbox_month", "--workspace", name)  # which it has not: nothing changes
    version = operator.get("/prices", workspace=name)["items"][1]["version"]
    added, ended = one(operator, "price_set", id), one(operator, "price_ended", id)
    assert added["detail"] == {"version": version, "name": "domain_year", "amount": 12.5, "workspace_id": id,
                               "timestamp_start": "2999-02-28T00:00:00.000Z"}
    assert ended["detail"] == {**added["detail"], "amount": None, "timestamp_start": "2999-03-01T00:00:00.000Z"}
    assert is_of_the_command_line(added) and is_of_the_command_line(ended)


def test_prices_of_a_call_are_told_alike(operator, dfyd):
    name, id = workspace(dfyd)
    made = operator.post("/prices", {"name": "domain_year", "amount": 9, "workspace": name})
    operator.post(f"/prices/{made['version']}/end", {"timestamp_end": "2999-01-01"})
    added, ended = one(operator, "price_set", id), one(operator, "price_ended", id)
    assert added["detail"] == {"version": made["version"], "name": "domain_year", "amount": 9, "workspace_id": id,
                               "timestamp_start": made["timestamp_start"]}
    assert ended["detail"] == {**added["detail"], "amount": None, "timestamp_start": "2999-01-01T00:00:00.000Z"}
    assert added["api_key_name"] == "console" and added["ip_address"] == "127.0.0.1"


def test_promotions_of_the_command_line(operator, dfyd):
    name, id = workspace(dfyd)
    made = f"told-{name}"
    dfyd.cli("promo", "add", made, "--kind", "amount", "--value", "5.50", "--workspace", name, "--starts", "2999-01-01",
             "--orders", "7")
    assert dfyd.run("promo", "add", made, "--kind", "first_month").returncode == 1
    dfyd.cli("promo", "end", made, "--at", "2999-02-01")
    row, = operator.get("/promotions", search=made, state="all")["items"]
    added, ended = one(operator, "promotion_added", made), one(operator, "promotion_ended", made)
    assert added["detail"] == {"promotion_id": row["id"], "name": made, "kind": "amount", "value": 5.5, "workspace_id": id,
                               "timestamp_start": "2999-01-01T00:00:00.000Z", "timestamp_end": None, "max_orders": 7, "max_orders_each": None}
    assert ended["detail"] == {**added["detail"], "timestamp_end": "2999-02-01T00:00:00.000Z"}
    assert is_of_the_command_line(added) and is_of_the_command_line(ended)


def test_stock_of_the_command_line(operator, dfyd):
    domain = f"told-stock-{next(numbers)}.com"
    dfyd.cli("inventory", "add", "--domain", domain, "--provider", "1", "--account", "anna,Anna,Berg", "--account", "olaf,Olaf,Dahl")
    assert dfyd.run("inventory", "add", "--domain", domain, "--provider", "1", "--account", "anna,Anna,Berg").returncode == 1
    dfyd.cli("inventory", "remove", domain)
    assert dfyd.run("inventory", "remove", domain).returncode == 1
    added, removed = one(operator, "inventory_added", domain), one(operator, "inventory_removed", domain)
    assert added["detail"] == {"domains": [domain], "n_mailboxes": 2} and removed["detail"] == {"domain": domain}
    assert is_of_the_command_line(added) and is_of_the_command_line(removed)


def test_a_workspace_on_the_command_line(operator, dfyd):
    """What is changed of one workspace is told to it."""
    name, id = workspace(dfyd)
    dfyd.cli("card", "set", "--workspace", name, "--token", "tok_visa", "--name", "Jane Doe")
    dfyd.cli("card", "remove", "--workspace", name)
    assert dfyd.run("card", "remove", "--workspace", name).returncode == 1
    dfyd.cli("card", "set", "--workspace", name, "--on-account")
    dfyd.cli("workspace", "credit", "--workspace", name, "--limit", "99.50")
    dfyd.cli("workspace", "credit", "--workspace", name)  # only shows it
    dfyd.cli("workspace", "plan", "--workspace", name, "--active", "no")
    dfyd.cli("webhook", "secret", "--workspace", name)
    dfyd.cli("webhook", "secret", "--workspace", name, "--rotate")
    told = operator.get("/audit-logs", workspace=name, limit=100)["items"]
    assert [(r["activity"], r["detail"]) for r in reversed(told)] == [
        ("workspace_created", {"name": name, "plan_active": True}),
        ("card_set", {"driver": "sandbox", "brand": "visa", "last4": "4242"}),
        ("card_removed", {}),
        ("card_set", {"driver": "invoice", "brand": "invoice", "last4": None}),
        ("workspace_changed", {"credit_limit": 99.5}),
        ("workspace_changed", {"plan_active": False}),
        ("webhook_secret_rotated", {}),
    ]
    for record in told:
        assert (record["workspace_id"], record["api_key_id"], record["ip_address"], record["affected_count"]) == (id, None, None, 1)
    assert "tok_visa" not in str(told)


def test_restrictions_of_the_command_line(operator, dfyd):
    name, id = workspace(dfyd)
    mark = f"told{next(numbers)}mark"
    dfyd.cli("restrict", "add", mark)
    dfyd.cli("restrict", "allow", mark, "--workspace", name)
    dfyd.cli("restrict", "remove", mark, "--workspace", name)
    dfyd.cli("restrict", "remove", mark)
    assert dfyd.run("restrict", "remove", mark).returncode == 1
    sets, removed = operator.records("restriction_set", search=mark), operator.records("restriction_removed", search=mark)
    assert [r["detail"] for r in reversed(sets)] == [{"entry": mark, "workspace_id": None, "rule": "restricted"},
                                                     {"entry": mark, "workspace_id": id, "rule": "allowed"}]
    assert [r["detail"] for r in reversed(removed)] == [{"entry": mark, "workspace_id": id}, {"entry": mark, "workspace_id": None}]
    for record in sets + removed:
        assert is_of_the_command_line(record)


def test_domains_of_the_command_line(operator, dfyd):
    one_item = item()
    domain = one_item["domain"]
    make_client(dfyd).placed([one_item])
    wait_for("the domain", lambda: rows(dfyd, "SELECT 1 FROM domains WHERE name = ? AND state = 'ready'", domain))
    dfyd.cli("domain", "publish")
    for command in ("repair", "rotate-dkim"):  # refused while the server publishes
        wait_for(command, lambda command=command: dfyd.run("domain", command, domain).returncode == 0, every=0.1)
    assert one(operator, "domain_repaired", domain)["detail"] == {"domain": domain}
    assert one(operator, "dkim_rotated", domain)["detail"] == {"domain": domain, "key": 2}
    assert operator.records("records_published")[0]["affected_count"] >= 1


def test_money_of_the_command_line(operator, dfyd):
    client = make_client(dfyd, card=None)
    client.cli("card", "set", "--on-account")
    client.cli("workspace", "credit", "--limit", "1000")
    client.placed([item()])
    [(order, number, owed)] = rows(dfyd, "SELECT subject_id, number, total FROM invoices WHERE workspace_id = ?", client.workspace_id)
    dfyd.cli("invoice", "pay", str(number), "--note", "bank 77")
    assert dfyd.run("invoice", "pay", str(number), "--note", "bank 78").returncode == 1
    refund = dfyd.cli("refund", "make", "--order", order, "--amount", "1.50", "--why", 'for "waiting"').strip()
    assert dfyd.run("refund", "make", "--order", order, "--amount", "99999", "--why", "too much").returncode == 2
    paid, made = one(operator, "invoice_paid", client.workspace_id), one(operator, "refund_made", order)
    assert paid["detail"] == {"invoice": number, "amount": owed / 100, "note": "bank 77", "workspace_id": client.workspace_id}
    assert made["detail"] == {"refund_id": refund, "bill_id": order, "amount": 1.5, "why": 'for "waiting"'}
    assert is_of_the_command_line(paid) and is_of_the_command_line(made)


@pytest.mark.parametrize("place", ["docs/api.md", "web/pages/operator_audit.js"])
def test_every_activity_is_named_for_people(place):
    root = pathlib.Path(__file__).parents[2]
    names = re.findall(r'= "(\w+)",$', (root / "src/store/audit.c").read_text(), re.M)
    said = re.findall(r'[`"](\w+)[`"]', (root / place).read_text())
    assert len(names) > 30 and set(names) <= set(said)


def test_customers_do_not_see_them(dfyd):
    name, id = workspace(dfyd)
    dfyd.cli("price", "add", "domain_year", "--amount", "11", "--workspace", name)
    assert [e["audit_metadata"]["activity"] for e in logs(Place(dfyd, "all:all", workspace=name))] == ["key_created", "workspace_created"]
    entry = logs(Place(dfyd, "all:all", workspace="default"), search=id)[0]
    assert set(entry) == FIELDS and (entry["activity_type"], entry["from_api"], entry["ip_address"]) == (40, False, "")
    assert entry["audit_metadata"]["activity"] == "price_set" and entry["audit_metadata"]["amount"] == 11


COMMANDS = [
    ["restrict", "add", "neithers"],
    ["restrict", "remove", "notours"],
    ["workspace", "create", "--name", "second"],
    ["workspace", "plan", "--active", "no"],
    ["workspace", "credit", "--limit", "5"],
    ["card", "set", "--token", "tok_visa", "--name", "Jane Doe"],
    ["card", "remove"],
    ["price", "add", "domain_year", "--amount", "11"],
    ["price", "end", "google_mailbox_month"],
    ["promo", "add", "second", "--kind", "first_month"],
    ["promo", "end", "first"],
    ["inventory", "add", "--domain", "second.com", "--provider", "1", "--account", "anna,Anna,Berg"],
    ["inventory", "remove", "first.com"],
]


@pytest.mark.sqlite("a trigger of its own")
def test_without_its_record_nothing_changes(fresh):
    server = fresh()
    server.cli("price", "add", "google_mailbox_month", "--amount", "4")
    server.cli("promo", "add", "first", "--kind", "first_month")
    server.cli("restrict", "add", "notours")
    server.cli("inventory", "add", "--domain", "first.com", "--provider", "1", "--account", "anna,Anna,Berg")
    look = lambda: [server.cli(*command) for command in (["price", "history"], ["promo", "list", "--all"], ["inventory", "list"],
                                                         ["restrict", "list"], ["workspace", "list"], ["workspace", "show"])]
    before = look()
    with database(server) as db:
        db.execute("CREATE TRIGGER no_more BEFORE INSERT ON audit_logs BEGIN SELECT RAISE(ABORT, 'no more'); END")
    for command in COMMANDS:
        assert server.run(*command).returncode == 1, command
    assert look() == before
    with database(server) as db:
        db.execute("DROP TRIGGER no_more")
    for command in COMMANDS:
        server.cli(*command)
    assert [now != then for now, then in zip(look(), before)] == [True] * 6
