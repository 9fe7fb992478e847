"""The page about money: what is due and when, what failed and what follows, payments; invoices, on the screen and on paper."""
import datetime
import decimal

import pytest
from conftest import from_noon, today, wait_for
from console import browser, console, make_console, workspace  # noqa: F401, fixtures
from shop import buy, get, item, name, order, person

OWN = "/api/dfyd/v1"


def dollars(text):
    return decimal.Decimal(text.replace("$", "").replace(",", "").replace("−", "-"))


def months(console):
    """The table "Due by month": [(month, domains, mailboxes, due)], and its total."""
    rows = console.rows("table.months tbody tr")
    total = dollars(console.rows("table.months tfoot tr")[0][-1])
    return [(month, *(0 if n == "—" else int(n) for n in (domains, mailboxes)), dollars(due)) for month, domains, mailboxes, due in rows], total


def by_month(upcoming):
    """The same from what the API says."""
    sums = {}
    for day in upcoming:
        month = datetime.date.fromisoformat(day["day"]).strftime("%B %Y")
        domains, mailboxes, due = sums.get(month, (0, 0, decimal.Decimal(0)))
        sums[month] = (domains + day["domain_years"] + day["domain_months"], mailboxes + day["mailbox_months"], due + decimal.Decimal(str(day["amount"])))
    return sums


@pytest.fixture
def lone(fresh, make_console):
    """A person alone on a server, so that its clock can be moved."""
    server = fresh()
    return make_console(server, workspace(server))


def card(console, token):
    console.server.cli("card", "set", "--workspace", get(console, "/api/v2/workspaces/current")["name"], "--token", token, "--name", "Jane Doe")


def test_nothing_yet(console):
    console.sign_in("/money")
    console.see("Nothing renews", "None yet", "Nothing was charged yet", "•••• 4242")
    assert not console.all("table.months")  # a plot of nothing
    console.shot("money-empty")


def test_what_is_due_by_month_is_a_plot_and_the_same_numbers(console):
    buy(console, item(name("due"), 3), item(name("due"), 100, provider=3), item(name("due"), 2, provider=2), wait=0)
    upcoming = get(console, f"{OWN}/renewals")["upcoming"]
    console.sign_in("/money")
    console.see("Due by month")
    rows, total = months(console)
    wanted = by_month(upcoming)
    assert len(rows) == 13 and {row[0]: row[1:] for row in rows if any(row[1:])} == wanted
    assert total == sum(due for *_, due in wanted.values()) and total > 100
    plot = console.find("[role=img]")
    assert plot.accessible_name.startswith("Due by month") and "table below" in plot.accessible_name
    canvas = console.find("[role=img] canvas")
    inked = """const canvas = arguments[0]; const { data } = canvas.getContext("2d").getImageData(0, 0, canvas.width, canvas.height);
               const [r, g, b] = arguments[1]; let n = 0;
               for (let i = 0; i < data.length; i += 4) if (data[i] === r && data[i + 1] === g && data[i + 2] === b && data[i + 3] === 255) n++;
               return n;"""
    wait_for("bars", lambda: console.script(inked, canvas, [0x34, 0x51, 0xb2]) > 2000)
    console.click("Dark")
    wait_for("bars of the dark theme", lambda: console.script(inked, canvas, [0x93, 0xa8, 0xff]) > 2000 and not console.script(inked, canvas, [0x34, 0x51, 0xb2]))
    console.click("System")
    first = upcoming[0]
    console.see("Next charge", f"${first['amount']:,.2f}", f"{first['mailbox_months']} mailboxes for a month", css=".figures, .table")
    console.see("Payments", "Visa •••• 4242", css=".panel")
    days = console.rows(".table tbody tr")
    console.click(f"All {len(upcoming)} days")
    wait_for("all days", lambda: len(console.rows(".table tbody tr")) == len(days) - 6 + len(upcoming))
    console.shot("money")


def test_a_charge_that_fails_says_why_and_what_follows(lone):
    console = lone
    from_noon(console.server)
    domain = name("late")
    buy(console, item(domain, 2))
    card(console, "tok_declined")
    first = get(console, f"{OWN}/renewals")["upcoming"][0]

    def advance_to(days):
        """To noon, DAYS after the first renewal."""
        until = datetime.date.fromisoformat(first["day"]) + datetime.timedelta(days)
        console.server.cli("clock", "advance", f"{(until - today(console.server)).days}d")

    def renewal():
        return get(console, f"{OWN}/renewals")["items"][0]

    advance_to(0)
    wait_for("the first try", lambda: renewal()["failures"] == 1)
    console.sign_in("/money")
    console.see("$10.00 for", "could not be charged", "Tried once (Visa ending in 0002)", "It is tried again on", "ask the operator", css=".notice")
    console.see("failed", "It is tried again: see above", "The bank declined it", css=".panel")
    console.shot("money-failed")
    advance_to(4)
    wait_for("the third try", lambda: renewal()["failures"] == 3)
    console.open("/money")
    console.see("If that fails too, its mailboxes are closed", css=".notice")
    advance_to(8)
    wait_for("the fourth try", lambda: renewal()["state"] == "suspended")
    console.open("/money")
    console.see("Its mailboxes are closed: nobody can sign in", "cancelled a week later", css=".notice")
    console.shot("money-suspended")
    console.open("/mailboxes")
    console.see("suspended", "unpaid", "A renewal is unpaid")
    console.shot("mailboxes-suspended")
    console.click("what to do")
    console.see("could not be charged")
    advance_to(15)
    wait_for("the fifth try", lambda: renewal()["next"] == "cancel")
    console.open("/money")
    console.see("the mailboxes are removed with the mail in them", css=".notice")
    card(console, "tok_visa")
    console.server.cli("renewal", "retry", "--id", renewal()["id"])
    wait_for("the payment", lambda: renewal()["state"] == "paid")
    console.open("/money")
    console.see("Paid later", "paid", css=".panel")
    assert not console.all(".notice")
    console.click(console.find(".table summary").accessible_name)
    console.see(f"{domain}: 2 mailboxes for a month", "$10.00")
    console.shot("money-paid")


def test_payments_and_refunds(console):
    good, bad = name("paid"), name("nodns")
    buy(console, item(good, 1), item(bad, 1), wait=1)
    wait_for("the refund", lambda: len(get(console, f"{OWN}/payments")["items"]) == 2)
    card(console, "tok_expired")
    order(console, item(name("unpaid")))
    console.sign_in("/money")
    console.see("given back", "-$20.00", "$40.00", "The card has expired. Nothing was ordered or charged.", "Visa •••• 4242", "Visa •••• 0069")
    console.click("Invoices")
    console.wait_path("/invoices")
    console.see("Credit note", "given back", "-$20.00")
    console.shot("invoices")
    note = next(one for one in get(console, f"{OWN}/invoices")["items"] if one["kind"] == "credit_note")
    console.click(f"Credit note {note['number']}")
    console.see(bad, "Given back on", "$20.00", "Credits")
    assert console.driver.title == f"Credit note {note['number']} · dfyd"
    console.shot("invoice-credit-note")


def test_an_invoice_on_the_screen_and_on_paper(console):
    domain, other = name("bill"), name("bill")
    buy(console, item(domain, 2), item(other, [person(1)]), wait=3)
    number = get(console, f"{OWN}/invoices")["items"][0]["number"]
    console.sign_in("/invoices")
    console.click(f"Invoice {number}")
    console.wait_path(f"/invoices/{number}")
    console.see(domain, "Mailboxes", "Total (USD)", "$45.00", "Paid on", "by Visa ending in 4242")
    console.shot("invoice")
    console.script("window.print = () => (window.printed = true)")
    console.click("Print")
    assert console.script("return printed")
    paper = console.driver.execute_cdp_cmd("Emulation.setEmulatedMedia", {"media": "print"})
    try:
        assert paper == {}
        shown = [text for text in ("Overview", "Print", "Plain page", "Sign out") if console.named("a[href], button", text)]
        assert not shown and console.find(".sheet").is_displayed() and console.h1() == f"Invoice {number}"
        assert "$45.00" in console.body()
    finally:
        console.driver.execute_cdp_cmd("Emulation.setEmulatedMedia", {"media": ""})
        console.media("light")
    status, page = console.fetch(console.link("Plain page").get_attribute("href"))
    assert status == 200 and f"<title>Invoice {number}</title>" in page
    console.back()
    console.wait_path("/invoices")
    console.type("Search number or domain", other)
    console.see(f"Invoice {number}")
    console.type("Search number or domain", "no such domain")
    console.see("No invoices match")


def test_an_invoice_of_nobody(console):
    console.allowed = {404}
    console.sign_in("/invoices/999999")
    console.see("This could not be loaded", "Resource not found")
    console.shot("invoice-missing")


def test_what_is_owed_on_account(console):
    current = get(console, "/api/v2/workspaces/current")["name"]
    console.server.cli("card", "set", "--on-account", "--workspace", current)
    console.server.cli("workspace", "credit", "--workspace", current, "--limit", "100")
    buy(console, item(name("owed"), 1))
    console.sign_in("/money")
    console.see("$20.00 is owed on account", "on account")
    console.shot("money-owed")
    console.click("1 invoice waits for a payment")
    console.wait_path("/invoices?state=owed")
    console.see("owed", "$20.00")
    console.click(console.find(".table tbody a").accessible_name)
    console.see("On account. To be paid: $20.00.")


MONTHS = """const done = arguments[0];
import("/console/money/months.js").then(({ sumByMonth, sumMoney, dueWithin }) => {
    const day = (day, amount, mailboxes = 0, years = 0) => ({ day, amount, domain_years: years, domain_months: 0, mailbox_months: mailboxes });
    const today = Date.UTC(2026, 10, 23, 23, 59);
    const short = (rows) => rows.filter(({ amount }) => amount).map(({ ms, amount, domains, mailboxes }) => [new Date(ms).toISOString().slice(0, 7), amount, domains, mailboxes]);
    done({
        cents: sumMoney([0.1, 0.2, 0.3, 19.99]),
        none: sumByMonth([], today).map(({ ms }) => new Date(ms).toISOString().slice(0, 10)),
        some: short(sumByMonth([day("2026-11-30", 0.1, 1), day("2026-12-01", 0.2, 2), day("2026-12-31", 0.1, 1, 1), day("2027-11-23", 15, 0, 1)], today)),
        ahead: short(sumByMonth([day("2031-02-15", 5, 1), day("2032-02-15", 5, 1)], today)),
        within: dueWithin([day("2026-11-23", 1), day("2026-12-22", 2), day("2026-12-23", 4)], "2026-11-23", 30),
    });
}, (error) => done(String(error)));"""


def test_months_are_summed_to_the_cent(console):
    console.sign_in("/money")
    found = console.driver.execute_async_script(MONTHS)
    assert found["cents"] == 20.59
    assert found["none"][0] == "2026-11-01" and found["none"][-1] == "2027-11-01" and len(found["none"]) == 13
    assert found["some"] == [["2026-11", 0.1, 0, 1], ["2026-12", 0.3, 1, 3], ["2027-11", 15, 1, 0]]
    assert found["ahead"] == [["2031-02", 5, 0, 1], ["2032-02", 5, 0, 1]]  # a clock far from this one's
    assert found["within"] == 3
