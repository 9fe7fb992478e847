"""The two lists: rows, order, pages, cursors, passwords, times, ids, and that each workspace sees its own alone."""
import datetime
import threading
import time
import uuid

import pytest

from conftest import wait_for
from contract import client  # noqa: F401, a fixture
from contract import (ACCOUNTS, ORDERS, TIME, UUID_7, check_error, item, make_client, name, people, person)

paths = pytest.mark.parametrize("path", [ORDERS, ACCOUNTS])
BAD_CURSOR = "querystring/starting_after must be the next_starting_after of the page before"


def seconds(stamp):
    assert TIME.fullmatch(stamp)
    return datetime.datetime.fromisoformat(stamp.replace("Z", "+00:00")).timestamp()


def key_of(row):
    return row.get("email", row["domain"])


# ---- rows


def test_an_order_row(client):
    plain, forwarded = item(), item(name("org"), forwarding_domain="Forge.example")
    before = time.time()
    client.placed([plain, forwarded])
    rows = client.list(ORDERS)["items"]
    for row in rows:
        assert before - 0.01 <= seconds(row.pop("timestamp_created")) <= time.time() + 0.01
    assert rows == [
        {"workspace_id": client.workspace_id, "domain": plain["domain"], "forwarding_domain": None,
         "forwarding_mode": None, "is_pre_warmed_up": False, "timestamp_cancelled": None},
        {"workspace_id": client.workspace_id, "domain": forwarded["domain"], "forwarding_domain": "forge.example",
         "forwarding_mode": "redirect", "is_pre_warmed_up": False, "timestamp_cancelled": None}]


def test_an_account_row(client):
    wanted = item(provider=2, accounts=[person("Ana.Silva", " Ana ", "Silva")])
    before = time.time()
    client.placed([wanted])
    [row] = client.list(ACCOUNTS)["items"]
    number = row.pop("id")
    assert UUID_7.fullmatch(number)
    made = uuid.UUID(number).int >> 80
    assert made == round(seconds(row.pop("timestamp_created")) * 1000) and before - 0.01 <= made / 1000 <= time.time() + 0.01
    assert row == {"domain": wanted["domain"], "email": f"ana.silva@{wanted['domain']}", "email_provider": 2,
                   "first_name": "Ana", "last_name": "Silva", "is_pre_warmed_up": False, "timestamp_cancelled": ""}


def test_ids_are_unique(client):
    client.placed([item(provider=3, accounts=100)])
    ids = [row["id"] for row in client.all(ACCOUNTS, limit=100)]
    assert len(set(ids)) == 100 and ids == sorted(ids, reverse=True)


def test_a_failed_domain_stays_in_the_lists(client):
    wanted = item("refused-" + name())
    client.placed([wanted])
    wait_for("the end of the domain", lambda: client.quote(
        [{**wanted, "accounts": [person("x")]}], "extra_accounts")["missing_domain_orders"])
    [order], [account] = client.list(ORDERS)["items"], client.list(ACCOUNTS, with_passwords="true")["items"]
    assert order["domain"] == wanted["domain"] and order["timestamp_cancelled"] is None
    assert account["password"] == "" and account["timestamp_cancelled"] == ""


# ---- order


def test_newest_first_and_items_in_their_order(client):
    orders = [[item(accounts=2), item(accounts=3)], [item(accounts=1)], [item(accounts=2), item(), item()]]
    for wanted in orders:
        client.placed(wanted)
    newest_first = [one for wanted in reversed(orders) for one in wanted]
    assert [row["domain"] for row in client.all(ORDERS)] == [one["domain"] for one in newest_first]
    assert [row["email"] for row in client.all(ACCOUNTS)] == [
        f"{who['email_address_prefix']}@{one['domain']}" for one in newest_first for who in one["accounts"]]
    oldest = orders[0][0]
    client.placed([{**oldest, "accounts": people(1, start=5)}], "extra_accounts")
    assert client.list(ACCOUNTS, limit=1)["items"][0]["email"] == f"p5@{oldest['domain']}", "an extra account is new"
    assert len(client.all(ORDERS)) == 6, "and no new domain"
    created = [row["timestamp_created"] for row in client.all(ACCOUNTS)]
    assert created == sorted(created, reverse=True)


# ---- pages


@paths
@pytest.mark.parametrize("count", [0, 1, 2, 6, 12])
def test_pages(client, path, count):
    """Whatever the limit: all rows, each once, in order; a cursor on all pages but the last, and no empty last page."""
    if count:
        client.placed([item() for _ in range(count)])
    everything = [key_of(row) for row in client.list(path, limit=100)["items"]]
    assert len(everything) == count
    for limit in (1, 2, 3, 4, 5, 6, 7, 11, 12, 13, 100):
        pages = client.pages(path, limit=limit)
        assert [key_of(row) for page in pages for row in page["items"]] == everything
        assert [len(page["items"]) for page in pages[:-1]] == [limit] * (len(pages) - 1)
        assert len(pages) == max(1, -(-count // limit))


@paths
def test_the_default_limit_is_10(client, path):
    client.placed([item() for _ in range(11)])
    assert [len(page["items"]) for page in client.pages(path)] == [10, 1]


@paths
def test_a_page_of_100(client, path):
    client.placed([item() for _ in range(101)])
    assert [len(page["items"]) for page in client.pages(path, limit=100)] == [100, 1]
    assert [len(page["items"]) for page in client.pages(path, limit=50)] == [50, 50, 1]


@paths
def test_pages_are_steady_while_orders_come_in(client, path):
    client.placed([item() for _ in range(5)])
    first = client.list(path, limit=2)
    seen = [key_of(row) for row in client.list(path, limit=5)["items"]]
    client.placed([item() for _ in range(3)])
    rest = client.list(path, limit=100, starting_after=first["next_starting_after"])
    assert [key_of(row) for row in first["items"] + rest["items"]] == seen
    again = client.list(path, limit=100, starting_after=first["next_starting_after"])
    assert again == rest, "a cursor can be used again"


@paths
def test_pages_while_many_order(client, path):
    """Rows that are there at the start are each seen once, whatever is placed meanwhile."""
    client.placed([item() for _ in range(30)])
    before = {key_of(row) for row in client.all(path, limit=100)}
    stop = threading.Event()

    def order():
        while not stop.is_set():
            client.post([item()])
    threads = [threading.Thread(target=order) for _ in range(4)]
    for thread in threads:
        thread.start()
    try:
        for _ in range(5):
            seen = [key_of(row) for row in client.all(path, limit=7)]
            assert len(seen) == len(set(seen)) and before <= set(seen)
    finally:
        stop.set()
        for thread in threads:
            thread.join()


# ---- cursors


def test_the_form_of_cursors(client):
    client.placed([item(accounts=3), item()])
    assert UUID_7.fullmatch(client.list(ORDERS, limit=1)["next_starting_after"])
    page = client.list(ACCOUNTS, limit=2)
    last = page["items"][-1]
    assert page["next_starting_after"] == f"{last['id']}:{last['timestamp_created']}"


@paths
@pytest.mark.parametrize("cursor", ["x", "0", "%", "01a205fc-5460-7000-9410-bf3aea562d9", "{cursor}x", " {cursor}", "{CURSOR}",
                                    "{id}:", "{id}:x", ":2026-11-23T01:19:12.150Z", "' OR 1=1 --", "é"])
def test_forged_cursors(client, path, cursor):
    client.placed([item(), item()])
    real = client.list(path, limit=1)["next_starting_after"]
    forged = cursor.format(cursor=real, CURSOR=real.upper(), id=real[:36])
    check_error(client.send("GET", path, params={"starting_after": forged}), 400, BAD_CURSOR)


def test_the_cursor_of_one_list_is_not_the_others(client):
    client.placed([item(), item()])
    for path, other in ((ORDERS, ACCOUNTS), (ACCOUNTS, ORDERS)):
        cursor = client.list(path, limit=1)["next_starting_after"]
        check_error(client.send("GET", other, params={"starting_after": cursor}), 400, BAD_CURSOR)


@paths
def test_a_foreign_cursor_shows_nothing_foreign(client, path):
    other = make_client(client.server)
    other.placed([item(), item()])
    client.placed([item(), item()])
    other.placed([item(), item()])
    own = {key_of(row) for row in client.all(path)}
    for limit in (1, 3):
        cursor = other.list(path, limit=limit)["next_starting_after"]
        assert {key_of(row) for row in client.all(path, starting_after=cursor)} <= own
    for edge, expected in (("ffffffff-ffff-7fff-bfff-ffffffffffff", own), ("00000000-0000-7000-8000-000000000000", set())):
        cursor = edge if path == ORDERS else edge + ":2026-11-23T01:19:12.150Z"
        assert {key_of(row) for row in client.all(path, starting_after=cursor)} == expected


@paths
def test_an_empty_cursor_is_the_first_page(client, path):
    client.placed([item()])
    assert client.list(path, starting_after="") == client.list(path)


@paths
def test_workspaces_see_their_own_alone(client, path):
    other = make_client(client.server)
    mine, theirs = item(), item()
    client.placed([mine])
    other.placed([theirs])
    assert [row["domain"] for row in client.all(path)] == [mine["domain"]]
    assert [row["domain"] for row in other.all(path)] == [theirs["domain"]]


# ---- passwords


def test_passwords_are_shown_only_when_asked_for(client):
    client.placed([item(accounts=3)])
    for value in (None, "false"):
        assert all("password" not in row for row in client.list(ACCOUNTS, with_passwords=value)["items"])
    rows = client.list(ACCOUNTS, with_passwords="true")["items"]
    assert all("password" in row for row in rows)
    assert all("password" not in row for row in client.list(ORDERS, with_passwords="true")["items"])


def test_a_password_is_empty_until_the_mailbox_is_ready(client):
    client.placed([item("silent-" + name()), item(accounts=[person(), person("silent")])])

    def passwords():
        return {row["email"].split("@")[0] + row["domain"][:6]: row["password"]
                for row in client.all(ACCOUNTS, with_passwords="true")}
    ready = wait_for("the mailbox", lambda: {k: v for k, v in passwords().items() if v})
    assert list(ready) == [key for key in passwords() if key.startswith("ana")]
    assert sorted(passwords().values())[:2] == ["", ""], "the domain, and the mailbox, that never come"
    assert passwords() == passwords(), "and it stays the same"
