"""What is due, and when something happens, goes by the server's clock: also when a sandbox's was moved, or the browser's own is wrong."""
import re

import pytest
from conftest import rows
from console import browser, console, make_console, workspace  # noqa: F401, fixtures
from shop import buy, item, name, on_day, order

DAY_MS = 86_400_000


@pytest.fixture
def lone(fresh, make_console):  # noqa: F811
    """An operator alone on a server, so that its clock can be moved."""
    server = fresh()
    return make_console(server, workspace(server, operator=True))


@pytest.fixture
def slow_browser(browser):  # noqa: F811
    """Its clock is three days behind."""
    script = browser.execute_cdp_cmd("Page.addScriptToEvaluateOnNewDocument", {
        "source": f"{{ const now = Date.now; Date.now = () => now() - {3 * DAY_MS}; }}"})
    yield browser
    browser.execute_cdp_cmd("Page.removeScriptToEvaluateOnNewDocument", script)


def next_30_days(console):  # noqa: F811
    figures = console.find(".figures").text.replace("\n", " ")
    return re.search(r"Next 30 days (\S+)", figures, re.I)[1]


def test_what_is_due_next_follows_a_clock_that_is_moved(lone):
    """Forty days later the second month is due within thirty days, which by the browser's clock is two months away."""
    on_day(lone.server, 20)  # it is charged on a 15th, which is not always one of the next thirty days
    buy(lone, item(name("ahead"), 2))
    lone.sign_in("/money")
    lone.see("Next 30 days")
    lone.server.cli("clock", "advance", "40d")
    lone.wait("what is due after the first renewal", lambda: next_30_days(lone) == "$10.00")
    lone.see("Renewals so far", "2 mailboxes for a month", "paid")  # nobody reloaded anything
    months = lone.rows("table.months tbody tr")
    assert len(months) == 13 and "$10.00" in months[0] + months[1]
    lone.open("/money")
    lone.wait("the same from the beginning", lambda: next_30_days(lone) == "$10.00")


def countdown(console):  # noqa: F811
    """Minutes until the next try."""
    found = re.search(r"in (\d+) min", " ".join(console.body().split()))
    return int(found[1]) if found else None


def test_a_countdown_follows_a_clock_that_is_moved(patient, make_console):  # noqa: F811
    console = make_console(patient, workspace(patient))  # noqa: F811
    domain = name("flaky")
    assert order(console, item(domain))["order_placed"]
    [(number,)] = rows(patient, "SELECT order_id FROM domains WHERE name = ?", domain)
    console.sign_in(f"/orders/{number}")
    console.wait("an hour to wait", lambda: 45 < (countdown(console) or 0) <= 60)
    patient.cli("clock", "advance", "30m")
    console.wait("half an hour to wait", lambda: 15 < (countdown(console) or 0) <= 30)
    console.reload()
    console.wait("half an hour to wait, from the beginning", lambda: 15 < (countdown(console) or 0) <= 30)


def see_just_now(console, caption):  # noqa: F811
    """A time in the table is that of a moment ago: of minutes at most, however slow all of this is."""
    console.wait(f"just now in {caption}", lambda: re.search(r"this minute|\d+ minutes? ago", console.named_one("table", caption).text))


def test_how_long_ago_goes_by_a_clock_that_was_moved(lone):
    buy(lone, item(name("then")))
    lone.server.cli("clock", "advance", "3d")
    lone.sign_in("/")
    lone.see("3 days ago", css=".table")


def test_nodes_go_by_the_time_of_the_day(lone):
    lone.server.cli("clock", "advance", "3d")
    lone.sign_in("/operator/health")
    see_just_now(lone, "Nodes")


def test_a_browser_whose_clock_is_wrong(slow_browser, lone):
    buy(lone, item(name("wrong")))
    lone.sign_in("/")
    see_just_now(lone, "Latest orders")
    behind = lone.script("return Math.round((performance.timeOrigin - Date.now()) / arguments[0])", DAY_MS)
    assert behind == 3  # else nothing was shown
