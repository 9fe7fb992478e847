"""What the tests of lists and of money order before they look."""
import datetime
import itertools

import pytest

from conftest import ORDERS, today, wait_for

_names = itertools.count(1)


def name(word="shop", tld="com"):
    """A domain of its own."""
    return f"{word}-{next(_names)}-acme.{tld}"


def person(n=1, prefix=None):
    return {"email_address_prefix": prefix or f"p{n}", "first_name": "Pat", "last_name": f"Doe {n}"}


def item(domain, people=1, provider=1, **more):
    accounts = people if isinstance(people, list) else [person(n) for n in range(1, people + 1)]
    return {"domain": domain, "email_provider": provider, "accounts": accounts, **more}


def headers(console):
    return {"Authorization": f"Bearer {console.key}"}


def get(console, path, **params):
    answer = console.server.request("GET", path, params=params, headers=headers(console))
    assert answer.status_code == 200, answer.text
    return answer.json()


def order(console, *items, type="dfy"):
    """The answer to an order of the person at CONSOLE."""
    return console.server.order(list(items), type, headers=headers(console))


def ready(console, n):
    """Waits until N mailboxes are ready, that is until each has its password."""
    def count():
        page = get(console, ORDERS + "/accounts", limit=100, with_passwords="true")
        return sum(bool(one["password"]) for one in page["items"]) >= n
    wait_for(f"{n} mailboxes", count, every=0.1)


def on_day(server, day):
    """Moves the clock of a sandbox to the next DAYth of a month, unless that is today."""
    now = today(server)
    days = next(n for n in range(40) if (now + datetime.timedelta(n)).day == day)
    if days:
        server.cli("clock", "advance", f"{days}d")


def buy(console, *items, type="dfy", wait=None):
    """Places an order and waits until WAIT mailboxes of the workspace are ready: by itself all that it has."""
    answer = order(console, *items, type=type)
    if not answer["order_placed"]:
        pytest.fail(f"not placed: {answer}")
    ready(console, sum(len(one["accounts"]) for one in items) if wait is None else wait)
    return answer
