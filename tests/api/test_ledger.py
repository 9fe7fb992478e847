"""`dfyd ledger check`: proves the books of a server that has seen all there is, and finds whatever is changed in them."""
import concurrent.futures
import json
import threading
import time

import pytest

from conftest import LIMIT, ON_POSTGRES, copy_data, database, run_cli, wait_for
from contract import item, make_client, name

OWN = "/api/dfyd/v1"
CHECKS = ["every transaction adds up to 0", "all that happened is entered, and nothing else",
          "what is charged is the sum of its lines", "payments are those of orders, renewals and refunds",
          "invoices are numbered without a gap", "invoices show what was charged and given back",
          "no more goes back than was charged", "the book of sandbox says the same", "the book of invoice says the same"]


@pytest.fixture(scope="module")
def books(tmp_path_factory):
    """The folder of a server, stopped, on which orders were placed, declined, given back, taken on account and paid."""
    from conftest import ON_POSTGRES, Server
    server = Server(tmp_path_factory.mktemp("books") / "data", swap_hours=0)
    server.start()
    client = make_client(server)
    client.placed([item(name(), 1, 2), item(name(), 3, 50)])
    client.placed([item(name(word="refused-"), 1, 2), item(name(), 2, 1)])
    client.card("tok_expired")
    client.order([item()])
    client.cli("card", "set", "--on-account")
    client.cli("workspace", "credit", "--limit", "1000")
    client.placed([item()])
    client.placed([item(name(word="refused-"), 1, 2), item()])

    def given_back():
        return len([p for p in client.send("GET", OWN + "/payments").json()["items"] if p["kind"] == "refund"]) == 2
    wait_for("both refunds", given_back)
    owed = [i["number"] for i in client.send("GET", OWN + "/invoices").json()["items"] if i["state"] == "owed"]
    assert len(owed) == 2
    server.cli("invoice", "pay", str(owed[0]), "--note", "bank 77")
    server.stop()
    return server.dir


def check(folder, *flags):
    """(exit status, rows of the table as {check: (looked at, differences)}, the rest)."""
    done = run_cli("ledger", "check", "--data", str(folder), *flags)
    rows = {}
    for line in done.stdout.split("\n\n")[0].splitlines()[1:]:
        what, looked_at, differences = line.rsplit(None, 2)
        rows[what.strip()] = (int(looked_at), int(differences))
    return done.returncode, rows, done.stdout + done.stderr


def test_true_books_are_proved(books):
    status, rows, text = check(books)
    assert status == 0, text
    assert list(rows) == CHECKS and all(differences == 0 for _, differences in rows.values())
    assert all(looked_at > 0 for looked_at, _ in rows.values()), "every check has something to look at"
    assert rows["the book of sandbox says the same"] == (3, 0) and rows["the book of invoice says the same"] == (3, 0)


def test_balances_are_those_of_what_happened(books):
    text = run_cli("ledger", "show", "--data", str(books)).stdout
    balance = {line.split()[0].split("/0")[0]: line.split()[-1] for line in text.splitlines()[1:]}
    # 25 + 35 and 25 + 19 by card, 20 and 25 + 20 on account; of each refused domain 15 + 10 went back.
    assert balance["cash/sandbox"] == "79.00" and balance["refunds"] == "50.00" and balance["payable"] == "0.00"
    assert balance["revenue/domains"] == "-105.00" and balance["revenue/mailboxes"] == "-64.00"
    assert float(balance["cash/bank"]) + float(balance["receivable"]) == 40 and balance["total"] == "0.00"
    part = run_cli("ledger", "show", "--account", "cash", "--data", str(books)).stdout
    assert [line.split()[0] for line in part.splitlines()[1:]] == ["cash/bank", "cash/sandbox", "total"]


def free(table):
    return ROLE if ON_POSTGRES else f"DROP TRIGGER {table}_stay; DROP TRIGGER {table}_last; "


ROLE = "SET session_replication_role = replica; "  # of a superuser, for whom neither triggers nor keys count
LEDGER, INVOICES = free("ledger_entries"), free("invoices")
LOOSE = ROLE if ON_POSTGRES else "PRAGMA foreign_keys = 0; "
PLACED = "(SELECT id FROM orders WHERE state = 'placed' AND payment_driver = 'sandbox' ORDER BY id LIMIT 1)"
BACK = "(SELECT id FROM refunds ORDER BY id LIMIT 1)"
TAMPERED = {
    "an entry's amount": ("dfyd", LEDGER + f"UPDATE ledger_entries SET amount = amount + 1 WHERE account = 'cash/sandbox' AND transaction_id = {PLACED}",
                          {0: 1, 1: 2}, "adds up to 0.01"),
    "an entry's account": ("dfyd", LEDGER + f"UPDATE ledger_entries SET account = 'cash/other' WHERE account = 'cash/sandbox' AND transaction_id = {PLACED}",
                           {1: 2}, "the entry cash/sandbox 60.00 is missing"),
    "a transaction is gone": ("dfyd", LEDGER + f"DELETE FROM ledger_entries WHERE transaction_id = {BACK} || '/paid'",
                              {1: 2}, "is missing"),
    "a transaction of nothing": ("dfyd", "INSERT INTO ledger_entries (transaction_id, account, amount, workspace_id, subject_kind, subject_id, at_ms)"
                                 " SELECT 'x', column1, column2, (SELECT id FROM workspaces LIMIT 1), 'order', 'x', 1"
                                 " FROM (VALUES ('cash/sandbox', -500), ('refunds', 500)) AS moved", {1: 2}, "belongs to nothing"),
    "a line": ("dfyd", f"UPDATE bill_lines SET amount = amount - 100, discount = discount + 100 WHERE bill_id = {PLACED} AND position = 0",
               {1: 1, 2: 1}, "its lines add up to 59.00"),
    "what an order charged": ("dfyd", f"UPDATE orders SET amount = 6100 WHERE id = {PLACED}", {1: 2, 2: 1, 3: 2, 5: 2},
                              "charges 61.00, its lines add up to 60.00"),
    "a payment's amount": ("dfyd", f"UPDATE payments SET amount = 5900 WHERE id = {PLACED}", {3: 2, 7: 1}, "a charge of 59.00 here, of 60.00 at sandbox"),
    "a payment is gone": ("dfyd", f"DELETE FROM payments WHERE id = {BACK}", {3: 1}, "is not among the payments"),
    "a payment of nothing": ("dfyd", "INSERT INTO payments SELECT 'made-up', workspace_id, kind, bill_kind, bill_id, driver, reference, state, amount,"
                             f" decline, reason, brand, last4, at_ms FROM payments WHERE id = {PLACED}", {3: 1, 7: 1},
                             "a charge of 60.00 is written down here; sandbox has none"),
    "an invoice is gone": ("dfyd", INVOICES + "DELETE FROM invoices WHERE number = 2", {4: 1, 5: 1}, "invoice 2"),
    "the last invoice is gone": ("dfyd", INVOICES + LOOSE + "DELETE FROM invoices WHERE number = (SELECT MAX(number) FROM invoices)",
                                 {5: 1}, "has no"),
    "an invoice's total": ("dfyd", INVOICES + f"UPDATE invoices SET total = total + 1 WHERE subject_id = {PLACED}", {5: 3}, "that is not what moved"),
    "an invoice's document": ("dfyd", INVOICES + f"UPDATE invoices SET document = replace(document, '\"total\":60', '\"total\":61') WHERE subject_id = {PLACED}",
                              {5: 1}, "its document shows another number, total or lines"),
    "an invoice's lines": ("dfyd", INVOICES + f"UPDATE invoices SET document = replace(document, '\"amount\":20', '\"amount\":2') WHERE subject_id = {PLACED}",
                           {5: 1}, "its document shows another number, total or lines"),
    "more is given back": ("dfyd", "INSERT INTO refunds SELECT 'made-up', workspace_id, bill_kind, bill_id, payment_id, payment_driver, '', '', 9000, 'due',"
                           f" why, 0, 0, due_ms, reason, created_ms, 0 FROM refunds WHERE id = {BACK}", {1: 2, 6: 1}, "gives back 115.00"),
    "the sandbox lost a charge": ("sandbox", "DELETE FROM charges WHERE decline = 0 AND amount = 6000", {7: 1}, "sandbox has none"),
    "the sandbox took more": ("sandbox", "UPDATE charges SET amount = 6001 WHERE amount = 6000", {7: 1}, "a charge of 60.00 here, of 60.01 at sandbox"),
    "the sandbox took what it declined": ("sandbox", "UPDATE charges SET decline = 0 WHERE decline <> 0", {7: 1}, "here it is not paid"),
    "the sandbox took without being asked": ("sandbox", "INSERT INTO charges SELECT 'other', token, amount, decline, description, at_ms FROM charges"
                                             " WHERE amount = 6000", {7: 1}, "that nothing here knows"),
    "the sandbox gave nothing back": ("sandbox", "DELETE FROM refunds", {7: 1}, "a refund of 25.00 is written down here; sandbox has none"),
    "on account, a charge is gone": ("dfyd", LOOSE + "DELETE FROM credit_charges WHERE amount = 2000", {8: 1}, "invoice has none"),
    "on account, less was owed": ("dfyd", "UPDATE credit_charges SET amount = 1000 WHERE amount = 2000", {8: 1}, "a charge of 20.00 here, of 10.00 at invoice"),
}


@pytest.mark.parametrize("what", TAMPERED)
def test_what_is_changed_is_found(books, tmp_path, what):
    file, sql, differences, words = TAMPERED[what]
    folder = tmp_path / "data"
    copy_data(books, folder)
    with database(folder, f"{file}.db") as db:
        db.executescript(sql)
    status, rows, text = check(folder)
    assert status == 1 and words in text, text
    assert {i: rows[title][1] for i, title in enumerate(CHECKS) if rows[title][1]} == differences, text
    assert f"the books do not agree: {sum(differences.values())} differences" in text
    assert text.count("\n  to do") == sum(differences.values()) == text.count("\ndifference ")


def test_a_charge_that_is_being_made_is_no_difference(books, tmp_path):
    """What a crash, or a server at work, has between the charge and its record."""
    folder = tmp_path / "data"
    copy_data(books, folder)
    with database(folder) as db:
        db.execute("INSERT INTO orders (id, workspace_id, type, state, amount, card_token, idempotency_key, answer, reason, attempts, settle_after_ms,"
                   " created_ms, ended_ms) SELECT 'open', workspace_id, 'dfy', 'reserved', 6000, '', '', '', '', 0, 0, 0, 0 FROM orders LIMIT 1")
    with database(folder, "sandbox.db") as db:
        db.execute("INSERT INTO charges SELECT 'open', token, amount, decline, description, at_ms FROM charges WHERE amount = 6000")
    status, rows, text = check(folder)
    assert status == 0 and rows["the book of sandbox says the same; 1 under way"] == (4, 0), text


def test_a_driver_that_is_not_asked_is_told(books, tmp_path):
    folder = tmp_path / "data"
    copy_data(books, folder)
    with database(folder) as db:
        db.execute(f"UPDATE payments SET driver = 'elsewhere' WHERE id = {PLACED}")
    status, rows, text = check(folder)
    assert status == 1 and rows["the book of elsewhere says the same"] == (0, 1) and "its book was not asked" in text


def test_invoices_and_payments_are_listed(books):
    listed = run_cli("invoice", "list", "--data", str(books)).stdout.splitlines()
    assert listed[0].split() == ["NUMBER", "ISSUED", "WORKSPACE", "KIND", "TOTAL", "STATE", "OWED", "ABOUT"]
    assert [line.split()[0] for line in listed[1:]] == ["6", "5", "4", "3", "2", "1"]
    assert sorted(line.split()[5] for line in listed[1:]) == ["owed"] + ["paid"] * 5
    assert all(line.split()[2].startswith("contract-") for line in listed[1:])
    document = json.loads(run_cli("invoice", "show", "1", "--data", str(books)).stdout)
    assert document["number"] == 1 and document["total"] == 60
    page = run_cli("invoice", "show", "1", "--page", "--data", str(books)).stdout
    assert page.startswith("<!doctype html>") and "$60.00" in page and page.rstrip().endswith("</html>")
    notes = [json.loads(run_cli("invoice", "show", line.split()[0], "--data", str(books)).stdout) for line in listed[1:] if "credit_note" in line]
    assert [note["subject"].startswith("refused-") and note["total"] for note in notes] == [25, 25] and all(note["reason"] for note in notes)
    payments = run_cli("payment", "list", "--data", str(books)).stdout
    assert len(payments.splitlines()) == 1 + 7 and "card_expired" in payments
    assert len(run_cli("payment", "list", "--limit", "2", "--data", str(books)).stdout.splitlines()) == 3
    assert len(run_cli("payment", "list", "--workspace", "default", "--data", str(books)).stdout.splitlines()) == 1


@pytest.mark.parametrize("args,status,words", [
    (("pay", "1", "--note", "x"), 1, "1 is not an invoice on account: there is nothing to pay"),
    (("pay", "99", "--note", "x"), 1, "there is no invoice 99"),
    (("show", "99"), 1, "there is no invoice 99"),
    (("show", "x"), 2, "--number must be that of an invoice"),
    (("pay", "1"), 2, "note"),
    (("list", "--limit", "0"), 2, "--limit must be a whole number"),
])
def test_what_cannot_be_is_said(books, args, status, words):
    done = run_cli("invoice", *args, "--data", str(books))
    assert (done.returncode, done.stdout) == (status, "") and words in done.stderr


def test_an_invoice_is_paid_once(books, tmp_path):
    folder = tmp_path / "data"
    copy_data(books, folder)
    owed = next(line.split()[0] for line in run_cli("invoice", "list", "--data", str(folder)).stdout.splitlines() if " owed " in line)
    assert run_cli("invoice", "pay", owed, "--note", "bank 78", "--data", str(folder)).stdout == f"invoice {owed}: 20.00 paid\n"
    again = run_cli("invoice", "pay", owed, "--note", "bank 78", "--data", str(folder))
    assert again.returncode == 1 and f"nothing is owed on invoice {owed}: it is paid" in again.stderr
    assert check(folder)[0] == 0


def test_the_books_of_a_year_are_proved(fresh):
    """Renewals by card and on account, one that is declined until it is cancelled, a swap, and a part given back."""
    server = fresh()
    cards, owing, failing = (make_client(server) for _ in range(3))
    owing.cli("card", "set", "--on-account")
    owing.cli("workspace", "credit", "--limit", "1000")
    lost = name(word="refused-")
    for client in (cards, owing, failing):
        client.placed([item(name(), 1, 2)])
    cards.placed([item(lost, 1, 1)])
    order_id = cards.send("GET", OWN + "/payments").json()["items"][0]["order_id"]
    wait_for("the domain's loss", lambda: cards.send("GET", f"{OWN}/orders/{order_id}").json()["domains"][0]["state"] == "failed")
    swapped = cards.send("POST", f"{OWN}/domains/{lost}/swap", json={"domain": name()})
    assert swapped.status_code == 200, swapped.text
    server.cli("refund", "make", "--order", order_id, "--amount", "1.50", "--why", "a kindness")
    failing.card("tok_expired")
    server.cli("clock", "advance", "400d")

    payments = server.cli("payment", "list", "--limit", "1000").splitlines()[1:]
    assert len([line for line in payments if "renewal" in line and "succeeded" in line]) >= 2 * 12
    assert len([line for line in payments if "renewal" in line and "card_expired" in line]) == 5, "the published schedule"
    status, rows, text = check(server.dir)
    assert status == 0 and list(rows) == CHECKS, text
    view = cards.send("GET", f"{OWN}/orders/{order_id}").json()
    assert [refund["state"] for refund in view["refunds"]] == ["swapped", "done"]
    assert [d["swapped_for"] is not None for d in view["domains"]].count(True) == 1
    assert [invoice["kind"] for invoice in view["invoices"]] == ["invoice", "credit_note"]
    note = view["invoices"][1]
    page = cards.send("GET", f"{OWN}/invoices/{note['number']}/page").text
    assert "Credit note" in page and "a kindness" in page and "$1.50" in page


def test_the_check_runs_beside_a_server_at_work(fresh):
    """What is charged and written down while it looks is no difference."""
    server = fresh()
    clients = [make_client(server, card=card) for card in ("tok_visa", "tok_lost", "tok_expired", "tok_visa")]
    busy = threading.Event()
    busy.set()

    def order(client):
        while busy.is_set():
            client.post([item()])
    with concurrent.futures.ThreadPoolExecutor(len(clients)) as pool:
        work = [pool.submit(order, client) for client in clients]
        seen = [0]
        try:
            deadline = time.monotonic() + LIMIT
            while len(seen) <= 8 or (seen[-1] <= 8 and time.monotonic() < deadline):
                status, rows, text = check(server.dir)
                assert status == 0, text
                seen.append(next(looked_at for what, (looked_at, _) in rows.items() if what.startswith("the book of sandbox")))
        finally:
            busy.clear()
        for one in work:
            one.result()
    assert seen == sorted(seen) and seen[-1] > 8, "orders came while it looked"
