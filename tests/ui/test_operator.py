"""The operator's pages: stuck work, the queue, health, prices, promotions, inventory, the audit log."""
import time

import pytest

from conftest import database, rows, wait_for
from console import Keys, browser, make_console, workspace  # noqa: F401, fixtures

MINUTE_MS = 60_000


@pytest.fixture
def server(fresh):
    return fresh(retry_base_ms=60_000)  # what fails waits long enough to be seen


@pytest.fixture
def operator(server, make_console):
    """Whoever runs the business, signed in."""
    return make_console(server, workspace(server, operator=True))


@pytest.fixture
def customer(server):
    """Headers with a customer's key."""
    return {"Authorization": f"Bearer {workspace(server)}"}


def mailbox(prefix="jane"):
    return {"first_name": "Jane", "last_name": "Doe", "email_address_prefix": prefix}


def order(server, customer, domain, **rest):
    answer = server.order([{"domain": domain, "email_provider": 2, "accounts": [mailbox()], **rest}], headers=customer)
    assert answer["order_placed"], answer


# -- stuck work

def test_nothing_is_stuck(operator):
    operator.sign_in("/operator").see("Stuck work", "Nothing is stuck")
    assert operator.script("return document.title") == "Stuck work · dfyd"
    operator.shot("operator-work-empty")


def test_stuck_work_says_why_and_is_tried_again_by_a_button(server, operator, customer):
    order(server, customer, "flaky-stuck-here.com")
    operator.sign_in("/operator").see("flaky-stuck-here.com")
    operator.shot("operator-work")
    operator.see("Registering flaky-stuck-here.com", "Step", "It is tried again", css="table")
    for _ in range(2):  # it fails twice
        wait_for("a try that failed", lambda: rows(server, "SELECT 1 FROM steps WHERE state = 'retrying'"))
        operator.reload()
        operator.click("Try now: Registering flaky-stuck-here.com")
        operator.see("it is being done", css=".toasts")
    server.wait_order("flaky-stuck-here.com", "ready")
    operator.reload()
    operator.see("Nothing is stuck")
    operator.sign_in("/operator/audit").see("work retried")


def test_more_than_a_page_of_stuck_work(server, operator, customer):
    order(server, customer, "flaky-beside-them.com")
    others = [customer, {"Authorization": f"Bearer {workspace(server)}"}]
    for i in range(60):  # a workspace may have 50
        made = server.request("POST", "/api/v2/webhooks", headers=others[i % 2],
                              json={"target_hook_url": f"https://hooks.example.com/{i:02}", "event_type": "all_events"})
        assert made.status_code == 200, made.text
    with database(server) as db:
        db.execute("UPDATE webhooks SET status = -1, reason = 'it answered 500', failures = 20,"
                   " error_ms = ? + CAST(SUBSTR(target, 27) AS BIGINT)", (int(time.time() * 1000) - 60 * MINUTE_MS,))
    targets = lambda: [row[0].split()[2] for row in operator.rows() if row[0].startswith("Webhook")]
    operator.sign_in("/operator").see("flaky-beside-them.com", "There is more of some kinds: all webhooks.")
    assert len(targets()) == 50
    operator.shot("operator-work-more")
    operator.click("all webhooks")
    operator.wait_path("/operator?kind=webhook")
    first = operator.wait("the first page", lambda: "flaky" not in operator.body() and targets())
    assert first == [f"https://hooks.example.com/{i:02}" for i in range(59, 9, -1)]
    operator.shot("operator-work-page")
    # The page looks again by itself from time to time; who presses meanwhile is not left standing.
    operator.script("""const real = window.fetch; window.isHeld = false;
        window.fetch = (path, ...of) => isHeld || !path.includes("/operator/work")
            ? real(path, ...of) : (isHeld = true, new Promise(() => {}));
        document.dispatchEvent(new Event("visibilitychange"));""")
    operator.wait("the look", lambda: operator.script("return isHeld"))
    operator.click("Next")
    operator.wait("the second page", lambda: targets() == [f"https://hooks.example.com/{i:02}" for i in range(9, -1, -1)])
    operator.reload()
    operator.wait("the same page", lambda: len(targets()) == 10)
    operator.click("Previous")
    operator.wait("the first page", lambda: targets() == first)
    operator.choose("Show", "Steps")
    operator.wait_path("/operator?kind=step")
    operator.see("flaky-beside-them.com")


# -- the queue

def put_minutes(server, values):
    """A row a minute that ended before now, oldest first; and none of the server's own, which has one of the minute that it began in."""
    now = int(time.time() * 1000) // MINUTE_MS * MINUTE_MS
    with database(server) as db:
        db.execute("DELETE FROM queue_minutes")
        for i, (due, running, retrying, late_ms) in enumerate(reversed(values)):
            db.execute("INSERT INTO queue_minutes (minute_ms, due, running, retrying, late_ms) VALUES (?, ?, ?, ?, ?)",
                       (now - (i + 1) * MINUTE_MS, due, running, retrying, late_ms))


def test_the_queue_as_a_plot_and_as_the_same_numbers(server, operator):
    put_minutes(server, [(i * 3, 1 + i % 2, i // 10, i * 1000) for i in range(40)])
    operator.sign_in("/operator/queue?hours=1").see("Due", "Running", "Retrying", "Longest wait")
    operator.wait("two plots", lambda: len(operator.all(".uplot canvas")) == 2)
    operator.shot("operator-queue")
    operator.click("The numbers as a table")
    seen = operator.wait("the table", lambda: operator.rows(".numbers[open] tbody tr"))
    assert [row[1:] for row in seen[:40]] == [[str(i * 3), str(1 + i % 2), str(i // 10)] for i in range(40)]
    operator.shot("operator-queue-table")
    operator.choose("Time", "Last day")
    operator.wait_path("/operator/queue?hours=24")
    operator.see("The highest number in each 5 minutes")


def test_the_queue_before_its_first_minute(server, operator):
    operator.sign_in("/operator/queue").see("Longest wait")

    def nothing_is_said():
        with database(server) as db:
            db.execute("DELETE FROM queue_minutes")
        operator.reload()
        operator.see("Longest wait")
        return "No minutes were written down yet" in operator.body()
    wait_for("the page without minutes", nothing_is_said)


# -- health

def test_health_of_what_was_asked(server, operator, customer):
    order(server, customer, "healthy-health.com")
    server.wait_order("healthy-health.com", "ready")
    operator.sign_in("/operator/health").see("Drivers", "Payments of the last day", "Database", "Webhooks")
    operator.see("answers")
    operator.shot("operator-health")


# -- prices

def test_a_price_is_set_and_taken_back(server, operator, customer):
    operator.sign_in("/operator/prices").see("Price book", "Nothing was changed yet")
    operator.click("Set a price")
    operator.see_focus("Price")
    operator.click("Set the price")
    assert "Enter dollars" in operator.error_of("Dollars")
    operator.see_focus("Dollars")
    operator.shot("operator-prices-set")
    operator.choose("Price", operator.field("Price").find_element("css selector", "option[value=domain_year]").text)
    operator.type("Dollars", "16.50")
    operator.press(Keys.ENTER)
    operator.see("Version 1: domain year is $16.50 for everyone")
    operator.see("in force")
    operator.shot("operator-prices")
    quote = server.order([{"domain": "quoted-price.com", "email_provider": 2, "accounts": [mailbox()]}], simulation=True, headers=customer)
    assert quote["order_items"][0]["domain_price"] == 16.5, quote
    operator.click("End")
    operator.see("End this price?")
    operator.click("End it")
    operator.see("Ended")
    operator.gone("dialog")
    operator.wait("no price in force", lambda: not operator.named("button", "End"))


def test_a_price_of_one_workspace_from_a_later_day_on(operator, server):
    server.cli("workspace", "create", "--name", "globex")
    operator.sign_in("/operator/prices").see("Nothing was changed yet")
    operator.click("Set a price")
    operator.type("Dollars", "9")
    operator.type("Workspace optional", "globex")
    field = operator.field("From optional")
    operator.script("arguments[0].value = '2031-05-01T00:00'; arguments[0].dispatchEvent(new Event('input', {bubbles: true}))", field)
    operator.click("Set the price")
    operator.see("for globex")
    operator.click("Take back")
    operator.see("Take this change back?")
    operator.press(Keys.ESCAPE)
    operator.gone("dialog")
    operator.wait("the focus back on the button", lambda: operator.focused().startswith("Take back"))
    operator.type("Prices of workspace", "globex")
    operator.press(Keys.ENTER)
    operator.wait_path("/operator/prices?workspace=globex")
    operator.see("What globex pays", "Planned")


def test_what_the_server_refuses_is_said_in_the_dialog(operator):
    operator.sign_in("/operator/prices").see("Nothing was changed yet")
    operator.click("Set a price")
    operator.type("Dollars", "9")
    operator.type("Workspace optional", "nobody-has-this-name")
    operator.allowed |= {400, 404}
    operator.click("Set the price")
    operator.see("Nothing was changed", "nobody-has-this-name", css="dialog")


# -- promotions

def test_a_promotion_is_added_and_ended(operator):
    operator.sign_in("/operator/promotions").see("No promotion runs or is planned")
    operator.shot("operator-promotions-empty")
    operator.click("Add a promotion")
    operator.click("Add the promotion")
    assert "letters" in operator.error_of("Name")
    operator.see_focus("Name")
    operator.type("Name", "black-friday")
    operator.type("Percent", "20")
    operator.type("Orders in all optional", "500")
    operator.shot("operator-promotions-add")
    operator.click("Add the promotion")
    operator.see("20% off", "0 of 500", "everyone", "open")
    operator.shot("operator-promotions")
    operator.allowed.add(409)
    operator.click("Add a promotion")
    operator.type("Name", "black-friday")
    operator.type("Percent", "20")
    operator.click("Add the promotion")
    operator.see("there is a promotion \"black-friday\" already", css="dialog")
    operator.click("Back")
    operator.click("End black-friday")
    operator.click("End the promotion")
    operator.see("black-friday has ended")
    operator.see("No promotion runs or is planned")
    operator.choose("Show", "All, ended too")
    operator.see("black-friday", "over", css="table")


# -- inventory

GOOD = "domain,provider,mailbox,first name,last name\nwarm-console.com,AirMail,anna,Anna,Berg\nwarm-console.com,AirMail,olaf,Olaf,Dahl\n"


def test_a_list_is_checked_line_by_line_before_it_is_imported(operator):
    operator.sign_in("/operator/inventory").see("No pre-warmed domains")
    operator.shot("operator-inventory-empty")
    operator.click("Import domains")
    operator.click("Check the list")
    assert "Paste a list" in operator.error_of("List")
    operator.type("List", GOOD + "warm console.com,AirMail,eva,Eva,Lind\n")
    operator.click("Check the list")
    operator.see("to mend", css="dialog")
    assert operator.rows("dialog tbody tr")[0][0] == "4"
    operator.shot("operator-inventory-wrong")
    operator.type("List", GOOD)
    operator.click("Check the list")
    operator.see("Nothing is wrong with this list", "1 domain with 2 mailboxes", css="dialog")
    operator.click("Put 1 domain up for sale")
    operator.see("1 domain put up for sale")
    operator.see("warm-console.com", "AirMail", "anna, olaf", "for sale", css="table")
    operator.shot("operator-inventory")
    operator.click("Remove warm-console.com from sale")
    operator.click("Take it off sale")
    operator.see("warm-console.com is no longer for sale")
    operator.see("No pre-warmed domains")


# -- the audit log

def test_the_audit_log_of_all_workspaces(server, operator, customer):
    order(server, customer, "audited-order.com")
    operator.sign_in("/operator/audit").see("order placed")
    operator.shot("operator-audit")
    operator.type("Search the log", "no such text anywhere")
    operator.see("No record matches")
    operator.type("Search the log", "")
    operator.choose("What", "order placed")
    operator.wait("only orders", lambda: {row[2] for row in operator.rows()} == {"order placed"})
    operator.reload()
    operator.wait("only orders", lambda: {row[2] for row in operator.rows()} == {"order placed"})


# -- who it is for

def test_every_page_of_the_operator_has_a_name_and_a_place_in_the_menu(operator):
    for path, name in (("", "Stuck work"), ("/queue", "Queue"), ("/health", "Health"), ("/prices", "Price book"),
                       ("/promotions", "Promotions"), ("/inventory", "Inventory"), ("/audit", "Audit log")):
        if path == "":
            operator.sign_in("/operator")
        else:
            operator.click(name)
        operator.wait_path("/operator" + path)
        operator.wait("the heading", lambda name=name: operator.h1() == name)
        assert operator.link(name).get_attribute("aria-current") == "page"
