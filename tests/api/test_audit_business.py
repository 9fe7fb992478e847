"""What the audit log tells of changes of the business: by commands as by an operator's calls, and together with the change."""
import itertools

import pytest

from conftest import database
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


def test_customers_do_not_see_them(dfyd):
    name, id = workspace(dfyd)
    dfyd.cli("price", "add", "domain_year", "--amount", "11", "--workspace", name)
    assert [e["audit_metadata"]["activity"] for e in logs(Place(dfyd, "all:all", workspace=name))] == ["key_created"]
    entry = logs(Place(dfyd, "all:all", workspace="default"), search=id)[0]
    assert set(entry) == FIELDS and (entry["activity_type"], entry["from_api"], entry["ip_address"]) == (40, False, "")
    assert entry["audit_metadata"]["activity"] == "price_set" and entry["audit_metadata"]["amount"] == 11


COMMANDS = [
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
    server.cli("inventory", "add", "--domain", "first.com", "--provider", "1", "--account", "anna,Anna,Berg")
    look = lambda: [server.cli(*command) for command in (["price", "history"], ["promo", "list", "--all"], ["inventory", "list"])]
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
    assert [now != then for now, then in zip(look(), before)] == [True] * 3
