"""The price book: prices that start later, and what an order is charged when they change meanwhile."""
from datetime import datetime, timedelta, timezone

from conftest import wait_for
from contract import client  # noqa: F401, a fixture
from contract import item


def test_prices_follow_until_they_are_set(client):
    client.price(google_mailbox_month="3")
    mine = [item()]
    client.placed(mine)
    extra = [{**mine[0], "accounts": [{"email_address_prefix": "x", "first_name": "X", "last_name": "Y"}]}]
    assert client.quote(extra, "extra_accounts")["total_price"] == 3
    client.price(extra_google_mailbox_month="2.50")
    assert client.quote(extra, "extra_accounts")["total_price"] == 2.5
    assert client.quote([item()])["price_per_account_per_month"] == 3


def start(seconds):
    when = datetime.now(timezone.utc) + timedelta(seconds=seconds)
    return when.isoformat(timespec="milliseconds").replace("+00:00", "Z")


def test_a_price_starts_by_itself(client):
    """Nothing is committed when it does, so what the server keeps of prices has to end by the clock."""
    one = [item()]
    client.cli("price", "set", "--name", "domain_year", "--amount", "11", "--starts", start(3))
    assert client.quote(one)["total_price"] == 20
    wait_for("the price of tomorrow", lambda: client.quote(one)["total_price"] == 16, limit=20)
    assert client.placed(one)["total_price"] == 16
