"""Renewals through the server, with the sandbox's clock: what is charged when, what a customer and an operator see."""
import datetime
import json

import pytest
from conftest import from_noon, rows, today, wait_for
from contract import ACCOUNTS, ORDERS, client, item, make_client, name, person  # noqa: F401

RENEWALS = "/api/dfyd/v1/renewals"


def get(client, path, **params):
    response = client.send("GET", path, params=params)
    assert response.status_code == 200, response.text
    return response.json()


def every(client, path):
    """All rows of up to 100."""
    page = get(client, path, limit=100)
    assert "next_starting_after" not in page
    return page["items"]


def seen(client):
    return get(client, RENEWALS, limit=100)


def short(client):
    """State and dollars of all renewals, oldest first."""
    return [(one["state"], float(one["amount"])) for one in reversed(seen(client)["items"])]


def advance(client, by):
    client.server.cli("clock", "advance", by)


def first_15th(day):
    """The first 15th at least one calendar month after DAY."""
    months = day.month + (0 if day.day <= 15 else 1)
    return datetime.date(day.year + months // 12, months % 12 + 1, 15)


def add_years(day, years):
    try:
        return day.replace(year=day.year + years)
    except ValueError:
        return day.replace(year=day.year + years, day=28)


def until(client, day):
    """Goes on to the noon of DAY."""
    advance(client, f"{(day - today(client.server)).days}d")


def ordering_at_noon(client):
    """CLIENT; `ordered` is the day that it is for it."""
    from_noon(client.server)
    client.ordered = today(client.server)
    return client


@pytest.fixture
def owner(fresh):
    return ordering_at_noon(make_client(fresh()))


def test_nothing_yet(client):
    assert seen(client) == {"upcoming": [], "items": []}


def test_what_comes(owner):
    owner.placed([item(accounts=2), item(accounts=1), item(provider=3, accounts=50)])
    upcoming = seen(owner)["upcoming"]
    first, year = first_15th(owner.ordered), add_years(owner.ordered, 1)
    days = [one["day"] for one in upcoming]
    assert days == sorted(set(days)) and days[0] == str(first) and str(year) in days
    assert all(day.endswith("-15") for day in days if day != str(year))
    for one in upcoming:
        months, years = one["day"].endswith("-15"), one["day"] == str(year)
        assert float(one["amount"]) == 35 * months + 45 * years
        assert one["mailbox_months"] == 3 * months and one["domain_months"] == months and one["domain_years"] == 3 * years
    assert seen(owner)["items"] == []


def test_a_year_in_a_second(owner):
    owner.placed([item(accounts=3), item(accounts=2)])
    advance(owner, "400d")
    end, day, months = owner.ordered + datetime.timedelta(days=400), first_15th(owner.ordered), 0
    while day <= end:
        months, day = months + 1, first_15th(day)
    found = short(owner)
    year = ("paid", 30.0)
    if first_15th(owner.ordered).day == owner.ordered.day:
        assert len(found) == months and found.count(("paid", 55.0)) == 1
    else:
        assert sorted(found) == sorted([("paid", 25.0)] * months + [year])
    total = 25 * months + 30
    assert sum(float(one["amount"]) for one in every(owner, "/api/dfyd/v1/payments")) == 55 + total
    assert rows(owner.server, "SELECT SUM(amount) FROM charges WHERE decline = 0", file="sandbox.db") == [(100 * (55 + total),)]
    assert {years for years, in rows(owner.server, "SELECT years FROM registrations", file="sandbox.db")} == {2}
    assert rows(owner.server, "SELECT SUM(amount) FROM ledger_entries") == [(0,)]
    owner.server.cli("ledger", "check")
    one = seen(owner)["items"][-1]
    assert one["day"] == str(first_15th(owner.ordered)) and one["next"] is None and one["timestamp_ended"]
    assert [(line["kind"], line["quantity"], float(line["amount"])) for line in one["items"]] == [
        ("mailbox_month", 3, 15), ("mailbox_month", 2, 10)] or [line["quantity"] for line in one["items"]] == [2, 3]
    invoices = [found for found in every(owner, "/api/dfyd/v1/invoices") if found["renewal_id"] == one["id"]]
    assert [float(invoice["total"]) for invoice in invoices] == [25]


def test_pages(owner):
    owner.placed([item()])
    advance(owner, "200d")
    everything = seen(owner)
    assert len(everything["items"]) >= 5 and "next_starting_after" not in everything
    first = get(owner, RENEWALS, limit=2)
    second = get(owner, RENEWALS, limit=2, starting_after=first["next_starting_after"])
    assert first["items"] + second["items"] == everything["items"][:4] and "upcoming" not in second
    response = owner.send("GET", RENEWALS, params={"starting_after": "x"})
    assert response.status_code == 400


def events(client):
    return [(kind, json.loads(payload)) for kind, payload in
            rows(client.server, "SELECT type, payload FROM events WHERE type LIKE 'dfy_renewal%' ORDER BY seq")]


def test_unpaid_from_the_first_try_to_the_end(owner):
    domain = name()
    owner.placed([item(domain, accounts=2)])
    first = first_15th(owner.ordered)
    owner.card("tok_expired")
    until(owner, first)
    (one,) = seen(owner)["items"]
    assert (one["state"], one["failures"], one["next"], one["reason"]) == ("due", 1, "try", "the card has expired")
    assert one["timestamp_next"].startswith(str(first + datetime.timedelta(days=1)))
    assert (one["payment_method_brand"], one["payment_method_last_4_digits"]) == ("visa", "0069")
    assert seen(owner)["upcoming"][0]["day"] == str(first_15th(first))  # the period after
    assert one["id"] in owner.server.cli("renewal", "list", "--stuck")
    order = rows(owner.server, "SELECT id FROM orders")[0][0]
    assert one["id"] in owner.server.cli("order", "show", "--id", order)
    states = []
    for days in (1, 3, 7, 14, 21):
        until(owner, first + datetime.timedelta(days=days))
        (one,) = seen(owner)["items"]
        states.append((one["state"], one["failures"], one["next"]))
    assert states == [("due", 2, "try"), ("due", 3, "try"), ("suspended", 4, "try"), ("suspended", 5, "cancel"),
                      ("cancelled", 5, None)]
    assert [(kind, body["state"], body.get("next"), body["amount"], body.get("attempt")) for kind, body in events(owner)] == [
        ("dfy_renewal_failed", "due", "try", 10, 1), ("dfy_renewal_failed", "due", "try", 10, 2),
        ("dfy_renewal_failed", "due", "try", 10, 3), ("dfy_renewal_failed", "suspended", "try", 10, 4),
        ("dfy_renewal_failed", "suspended", "cancel", 10, 5), ("dfy_renewal_failed", "cancelled", None, 10, None)]
    assert all(row["timestamp_cancelled"] for row in owner.all(ACCOUNTS))
    assert [bool(row["timestamp_cancelled"]) for row in owner.all(ORDERS)] == [True]
    assert rows(owner.server, "SELECT COUNT(*) FROM mailboxes", file="sandbox.db") == [(0,)]
    owner.server.cli("ledger", "check")
    owner.card("tok_visa")
    advance(owner, "500d")
    assert len(seen(owner)["items"]) == 1 and seen(owner)["upcoming"] == []


def test_a_new_card_opens_the_mailboxes_again(owner):
    owner.placed([item(accounts=1)])
    first = first_15th(owner.ordered)
    owner.card("tok_declined")
    until(owner, first + datetime.timedelta(days=8))
    assert rows(owner.server, "SELECT is_allowed FROM mailbox_access", file="sandbox.db") == [(0,)]
    (one,) = seen(owner)["items"]
    owner.card("tok_visa")
    owner.server.cli("renewal", "retry", one["id"])
    wait_for("the payment", lambda: short(owner) == [("paid", 5.0)])
    wait_for("the mailbox", lambda: rows(owner.server, "SELECT is_allowed FROM mailbox_access", file="sandbox.db") == [(1,)])
    assert events(owner)[-1][0] == "dfy_renewal_succeeded"
    done = owner.server.run("renewal", "retry", one["id"])
    assert done.returncode == 1 and "has ended: it is paid" in done.stderr
    assert "no renewal x" in owner.server.run("renewal", "retry", "x").stderr
    assert one["id"] not in owner.server.cli("renewal", "list", "--stuck")


def test_a_price_of_the_order_stays(owner):
    owner.placed([item(accounts=1)])
    owner.price(google_mailbox_month="9")
    owner.placed([item(accounts=1)])
    until(owner, first_15th(owner.ordered))
    assert short(owner) == [("paid", 14.0)]


def test_cancelled_is_not_charged(owner):
    domain = name()
    owner.placed([item(domain, accounts=[person("ana"), person("bob")])])
    response = owner.send("POST", ACCOUNTS + "/cancel", json={"accounts": [f"ana@{domain}"]})
    assert response.status_code == 200
    until(owner, first_15th(owner.ordered))
    assert short(owner) == [("paid", 5.0)]


def test_a_registrar_that_does_not_renew(owner):
    """docs/sandbox.md: norenew-."""
    domain = "norenew-" + name()
    owner.placed([item(domain, accounts=1)])
    until(owner, add_years(owner.ordered, 1))
    wait_for("the refund", lambda: rows(owner.server, "SELECT state, bill_kind FROM refunds") == [("done", "renewal")])
    assert events(owner)[-1][1]["state"] == "refused" and events(owner)[-1][1]["domain"] == domain
    paid = len(seen(owner)["items"])
    advance(owner, "400d")
    assert len(seen(owner)["items"]) == paid


def test_on_strangers(fresh):
    server = fresh()
    mine, stranger = make_client(server), make_client(server)
    mine.placed([item()])
    advance(mine, "70d")
    assert seen(mine)["items"] and seen(stranger) == {"upcoming": [], "items": []}


def test_on_account(fresh):
    """Renewals are owed, up to the limit."""
    client = make_client(fresh(), card=None)
    client.cli("card", "set", "--on-account")
    client.cli("workspace", "credit", "--limit", "29.99")
    ordering_at_noon(client)
    client.placed([item()])
    first = first_15th(client.ordered)
    until(client, first)
    assert short(client) == [("paid", 5.0)]
    second = first_15th(first)
    until(client, second)
    assert short(client) == [("paid", 5.0), ("due", 5.0)]
    assert seen(client)["items"][0]["reason"]
    client.cli("workspace", "credit", "--limit", "30")
    until(client, second + datetime.timedelta(days=1))
    assert short(client) == [("paid", 5.0), ("paid", 5.0)]
    owed = rows(client.server, "SELECT SUM(amount) FROM ledger_entries WHERE account LIKE 'receivable/%'")
    assert owed == [(3000,)] and rows(client.server, "SELECT COUNT(*) FROM charges", file="sandbox.db") == [(0,)]
    client.server.cli("ledger", "check")


def test_extra_accounts_and_a_promotion(fresh):
    """Each mailbox on its own first day; what a promotion took off the order is not taken off renewals."""
    client = ordering_at_noon(make_client(fresh()))
    client.server.cli("promo", "add", "half", "--kind", "percent", "--value", "50")
    domain = name()
    assert float(client.placed([item(domain, accounts=[person("ana")])])["total_price"]) == 10
    until(client, client.ordered + datetime.timedelta(days=20))
    client.placed([item(domain, accounts=[person("bob")])], "extra_accounts")
    later = client.ordered + datetime.timedelta(days=20)
    days = {}
    for ordered in (client.ordered, later):
        day = first_15th(ordered)
        for _ in range(3):
            days[day] = days.get(day, 0) + 5
            day = first_15th(day)
    end = sorted(days)[2]
    until(client, end)
    assert short(client) == [("paid", float(days[day])) for day in sorted(days) if day <= end]
