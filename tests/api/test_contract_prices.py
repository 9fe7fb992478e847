"""What orders cost: every mix of providers and order types, the operator's prices to the cent, large orders."""
from decimal import Decimal

import pytest

from contract import asker, client  # noqa: F401, fixtures
from contract import check_error, exact, is_shortest, item, make_client, name, person

# Which of 1 Google, 2 AirMail, 3 Microsoft: (accounts each), and what the answer says.
MIXES = {
    "Google": ({1: 3}, dict(account=5, monthly=15, due=30)),
    "AirMail": ({2: 2}, dict(account=4, monthly=8, due=23)),
    "Microsoft": ({3: 50}, dict(account=0, domain_month=20, monthly=20, due=35)),
    "Google and AirMail": ({1: 1, 2: 1}, dict(account=None, by_type={"1": 5, "2": 4}, monthly=9, due=39)),
    "Google and Microsoft": ({1: 1, 3: 50}, dict(account=None, domain_month=20, monthly=25, due=55)),
    "AirMail and Microsoft": ({2: 1, 3: 50}, dict(account=None, domain_month=20, monthly=24, due=54)),
    "all three": ({1: 5, 2: 5, 3: 100}, dict(account=None, by_type={"1": 5, "2": 4}, domain_month=20, monthly=65,
                                             due=110)),
}


def check_units(answer, account, by_type=None, domain_month=None, domain_year=15, monthly=None, due=None):
    assert answer["price_per_account_per_month"] == account
    assert answer.get("price_per_account_per_month_by_account_type") == by_type
    assert answer["price_per_domain_per_month"] == domain_month
    assert answer["price_per_domain_per_year"] == domain_year
    assert answer["total_accounts_price_per_month"] == answer["total_price_per_month"] == monthly
    assert answer["total_price"] == due


@pytest.mark.parametrize("mix", MIXES)
def test_new_domains(client, mix):
    counts, expected = MIXES[mix]
    wanted = [item(provider=provider, accounts=count) for provider, count in counts.items()]
    quote = client.quote(wanted)
    check_units(quote, **expected)
    assert quote["number_of_domains_ordered"] == len(wanted)
    assert quote["number_of_accounts_ordered"] == sum(counts.values())
    each = {1: 5, 2: 4, 3: 0}
    for one, (provider, count) in zip(quote["order_items"], counts.items()):
        assert one["domain_price"] == 15 and one["accounts_price"] == each[provider] * count
        assert one["domain_monthly_price"] == (20 if provider == 3 else None)
    assert client.placed(wanted) == {**quote, "order_placed": True, "simulation": False}


def test_two_domains_of_one_provider(asker):
    answer = asker.quote([item(accounts=2), item(accounts=5)])
    check_units(answer, account=5, monthly=35, due=65)
    answer = asker.quote([item(provider=3, accounts=50), item(provider=3, accounts=60)])
    check_units(answer, account=0, domain_month=20, monthly=40, due=70)


@pytest.mark.parametrize("mix", [[1], [2], [3], [1, 2], [1, 3], [2, 3], [1, 2, 3]])
def test_pre_warmed_domains_cost_the_same_of_each_provider(client, mix):
    wanted, count = [], 0
    for provider in mix:
        domain, n = name(("com", "org", "co")[provider - 1]), 50 if provider == 3 else 2
        accounts = [part for i in range(n) for part in ("--account", f"u{i},U,V")]
        client.server.cli("inventory", "add", "--domain", domain, "--provider", str(provider), *accounts)
        wanted.append({"domain": domain})
        count += n
    quote = client.quote(wanted, "pre_warmed_up")
    check_units(quote, account=10, monthly=10 * count, due=10 * count + 15 * len(mix))
    assert quote["number_of_domains_ordered"] == len(mix) and quote["number_of_accounts_ordered"] == count
    for one in quote["order_items"]:
        assert one["domain_price"] == 15 and one["domain_monthly_price"] is None
        assert one["accounts_price"] == 10 * len(one["accounts"])
    assert client.placed(wanted, "pre_warmed_up") == {**quote, "order_placed": True, "simulation": False}


@pytest.mark.parametrize("mix,expected", [
    ([1], dict(account=5, monthly=5, due=5)), ([2], dict(account=4, monthly=4, due=4)),
    ([1, 2], dict(account=None, by_type={"1": 5, "2": 4}, monthly=9, due=9))])
def test_extra_accounts_cost_no_domain(client, mix, expected):
    mine = [item(provider=provider) for provider in mix]
    client.placed(mine)
    extra = [{**one, "accounts": [person()]} for one in mine]
    quote = client.quote(extra, "extra_accounts")
    check_units(quote, domain_year=0, **expected)
    assert quote["number_of_domains_ordered"] == 0 and quote["number_of_accounts_ordered"] == len(mix)
    assert all(one["domain_price"] == 0 and one["domain_monthly_price"] is None for one in quote["order_items"])
    assert client.placed(extra, "extra_accounts") == {**quote, "order_placed": True, "simulation": False}


def test_nothing_good(asker):
    """Units are those of what was asked for, totals 0."""
    bad = "bad name"
    for provider, units in ((1, dict(account=5)), (2, dict(account=4)), (3, dict(account=0, domain_month=20))):
        check_units(asker.quote([item(bad, provider)]), monthly=0, due=0, **units)
    check_units(asker.quote([item(bad, 1), item(bad, 2)]), account=None, by_type={"1": 5, "2": 4}, monthly=0, due=0)
    check_units(asker.quote([]), account=5, monthly=0, due=0)
    check_units(asker.quote([item(bad)], "pre_warmed_up"), account=10, monthly=0, due=0)
    check_units(asker.quote([item(bad, 2)], "extra_accounts"), account=4, domain_year=0, monthly=0, due=0)


def test_bad_items_do_not_mix(asker):
    answer = asker.quote([item(provider=1), item("bad name", 2), item("bad name", 3)])
    check_units(answer, account=5, monthly=5, due=20)


# ---- the operator's prices


def test_odd_cents_are_exact_in_the_text(client):
    """0.1 three times is 0.3, not 0.30000000000000004; check_answer has looked at every number's text already."""
    client.price(google_mailbox_month="0.1", airmail_mailbox_month="4.05", domain_year="9.99", microsoft_domain_month="0.07")
    answer = client.quote([item(accounts=3)])
    assert answer["total_accounts_price_per_month"].text == "0.3" and answer["total_price"].text == "10.29"
    answer = client.quote([item(provider=2)])
    assert answer["price_per_account_per_month"].text == "4.05" and answer["total_price"].text == "14.04"
    answer = client.quote([item(provider=3, accounts=50)])
    assert answer["price_per_domain_per_month"].text == "0.07" and answer["total_price"].text == "10.06"
    assert answer["order_items"][0]["domain_monthly_price"].text == "0.07"
    wanted = [item(accounts=3), item(provider=2, accounts=2), item(provider=3, accounts=50)]
    answer = client.placed(wanted)
    assert {key: value.text for key, value in answer["price_per_account_per_month_by_account_type"].items()} == {
        "1": "0.1", "2": "4.05"}
    assert answer["total_price_per_month"].text == "8.47" and answer["total_price_per_year"].text == "29.97"
    assert answer["total_price"].text == "38.44"


@pytest.mark.parametrize("dollars", ["0", "0.01", "0.1", "0.10", "1", "1.00", "4.05", "4.5", "9.99", "1000", "1234567.89"])
def test_prices_as_text(client, dollars):
    client.price(google_mailbox_month=dollars)
    price = client.quote([item()])["price_per_account_per_month"]
    assert price == Decimal(dollars) and is_shortest(price)


def test_each_price_of_the_book(client):
    client.price(domain_year="1.01", google_mailbox_month="2.02", airmail_mailbox_month="3.03",
                 microsoft_mailbox_month="0.04", microsoft_domain_month="5.05", pre_warmed_domain_year="6.06",
                 pre_warmed_mailbox_month="7.07")
    first, second, third = client.placed([item(), item(provider=2), item(provider=3, accounts=50)])["order_items"]
    assert [str(one["total_price"]) for one in (first, second, third)] == ["3.03", "4.04", "8.06"]
    assert third["accounts_price"].text == "2" and third["domain_monthly_price"].text == "5.05"
    extra = [{**item(first["domain"]), "accounts": [person()]}]
    assert client.quote(extra, "extra_accounts")["total_price"].text == "2.02"
    domain = name("co")
    client.server.cli("inventory", "add", "--domain", domain, "--provider", "1", "--account", "a,A,B")
    warm = client.quote([{"domain": domain}], "pre_warmed_up")["order_items"][0]
    assert warm["domain_price"].text == "6.06" and warm["accounts_price"].text == "7.07"


def test_equal_prices_are_not_mixed(client):
    client.price(airmail_mailbox_month="5")
    check_units(client.quote([item(), item(provider=2)]), account=5, monthly=10, due=40)


def test_prices_for_everyone_and_for_one(fresh):
    server = fresh()
    one, other = make_client(server), make_client(server)

    def price_of(client):
        return client.quote([item()])["price_per_account_per_month"].text
    assert price_of(one) == price_of(other) == "5"
    server.cli("price", "set", "--name", "google_mailbox_month", "--amount", "4.05")
    assert price_of(one) == price_of(other) == "4.05"
    one.price(google_mailbox_month="0.1")
    assert price_of(one) == "0.1" and price_of(other) == "4.05"
    server.cli("price", "set", "--name", "google_mailbox_month", "--amount", "6")
    assert price_of(one) == "0.1" and price_of(other) == "6"
    one.cli("price", "unset", "--name", "google_mailbox_month")
    assert price_of(one) == "6"
    server.cli("price", "unset", "--name", "google_mailbox_month")
    assert price_of(one) == price_of(other) == "5"


def test_the_quoted_price_is_charged(client):
    client.price(google_mailbox_month="4.05", domain_year="0.1")
    answer = client.placed([item(accounts=3)])
    assert answer["total_price"].text == "12.25"
    newest = client.server.cli("order", "list").splitlines()[1]
    assert client.workspace in newest and " 12.25 " in newest


# ---- large orders


def test_a_large_order(client):
    """A body near the limit: 1,500 domains, 7,500 mailboxes, and every cent."""
    client.price(google_mailbox_month="4.05", airmail_mailbox_month="0.1", domain_year="9.99")
    accounts = [{"email_address_prefix": f"p{i}", "first_name": "A", "last_name": "B"} for i in range(5)]
    wanted = [{"domain": name(), "email_provider": 1 + i % 2, "accounts": accounts} for i in range(1500)]
    answer = client.quote(wanted)
    assert answer["order_is_valid"] and answer["number_of_accounts_ordered"] == 7500
    assert answer["total_domains_price_per_year"].text == "14985"
    assert answer["total_accounts_price_per_month"].text == "15562.5"
    assert answer["total_price"].text == "30547.5"
    some = client.placed(wanted[:200])
    assert some["total_price"].text == "4073"
    assert len(client.all("/api/v2/dfy-email-account-orders", limit=100)) == 200


def test_money_beyond_all_bounds(client):
    most = next(line for line in client.server.run("price", "set", "--name", "domain_year", "--amount", "x").stderr.split()
                if line.rstrip(",;").isdigit() and len(line) > 4).rstrip(",;")
    client.price(domain_year=most)
    one = client.quote([item(accounts=[])])
    assert one["price_per_domain_per_year"].text == most
    check_error(client.post([item(), item()], simulation=True), 400,
                "the order is too large to be priced: split it into several smaller orders")
    check_error(client.post([item(), item()]), 400,
                "the order is too large to be priced: split it into several smaller orders")
    assert exact(client.send("GET").text) == {"items": []}
