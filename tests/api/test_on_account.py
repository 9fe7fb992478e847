"""Orders on account: owed up to a limit, and never more, whatever comes at once."""
import concurrent.futures
import itertools

from conftest import database

numbers = itertools.count(1)
PEOPLE = [{"email_address_prefix": "a", "first_name": "A", "last_name": "B"}]  # an order of one: 15 + 5 dollars


def item(domain):
    return {"domain": domain, "email_provider": 1, "accounts": PEOPLE}


def on_account(server, limit):
    name = f"account-{next(numbers)}"  # domains are called like it, and some of chance are refused
    server.cli("workspace", "create", "--name", name)
    server.cli("card", "set", "--on-account", "--workspace", name)
    server.cli("workspace", "credit", "--workspace", name, "--limit", limit)
    key = server.cli("key", "create", "--workspace", name, "--scope", "all:all").strip()
    return name, {"Authorization": f"Bearer {key}"}


def owed(server, name):
    return server.cli("workspace", "credit", "--workspace", name).split()[3]


def test_an_order_is_owed_up_to_the_limit(dfyd):
    name, headers = on_account(dfyd, "39.99")
    first = dfyd.order([item(f"{name}-1.com")], headers=headers)
    assert first["order_placed"] and first["payment_method_brand"] == "invoice"
    assert first["payment_method_name_on_card"] == name and first["payment_method_last_4_digits"] == ""
    assert owed(dfyd, name) == "20.00"
    second = dfyd.order([item(f"{name}-2.com")], headers=headers)
    assert not second["order_placed"] and second["order_is_valid"]
    assert (second["order_error"], second["payment_failure_reason"]) == ("payment_failed", "generic_decline")
    assert owed(dfyd, name) == "20.00"
    dfyd.cli("workspace", "credit", "--workspace", name, "--limit", "40")
    assert dfyd.order([item(f"{name}-2.com")], headers=headers)["order_placed"]
    assert owed(dfyd, name) == "40.00"


def test_orders_at_once_do_not_pass_the_limit(dfyd):
    name, headers = on_account(dfyd, "100")
    with concurrent.futures.ThreadPoolExecutor(20) as pool:
        answers = list(pool.map(lambda n: dfyd.order([item(f"{name}-{n}.com")], headers=headers), range(20)))
    assert sum(answer["order_placed"] for answer in answers) == 5
    assert owed(dfyd, name) == "100.00"
    with database(dfyd) as db:
        charged = db.execute("SELECT c.amount FROM credit_charges c JOIN orders o ON o.id = c.id JOIN workspaces w"
                             " ON w.id = o.workspace_id WHERE w.name = ? AND o.state = 'placed'", (name,)).fetchall()
    assert charged == [(2000,)] * 5


def test_without_a_limit_nothing_is_owed(dfyd):
    name, headers = on_account(dfyd, "0")
    answer = dfyd.order([item(f"{name}.com")], headers=headers)
    assert not answer["order_placed"] and answer["payment_failure_reason"] == "generic_decline"
    assert owed(dfyd, name) == "0.00"
