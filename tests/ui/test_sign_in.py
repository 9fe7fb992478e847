"""Signing in and out, the frame around every page, and what the first view costs."""
import re

import pytest
import requests

from console import Keys, browser, console, make_console, workspace  # noqa: F401, fixtures

FIRST_VIEW_BYTES = 150_000


@pytest.fixture(autouse=True)
def nobody_is_signed_in_at_first(console):
    console.allowed.add(401)


def sign_in_by_hand(console):
    console.type("API key", console.key)
    console.press(Keys.ENTER)


def test_a_key_opens_the_console(console):
    console.open("/")
    console.see("Sign in", "API key")
    assert console.path == "/sign-in?next=%2F"
    console.shot("sign-in")
    sign_in_by_hand(console)
    console.wait_path("/")
    console.see("Overview", "No mailboxes yet")
    assert console.script("return document.title") == "Overview · dfyd"
    console.shot("overview-empty")


def test_the_key_is_nowhere_to_be_read_afterwards(console):
    console.open("/sign-in")
    sign_in_by_hand(console)
    console.see("No mailboxes yet")
    seen = console.script("return JSON.stringify([location.href, document.cookie, {...localStorage}, {...sessionStorage}, history.state,"
                          " document.documentElement.outerHTML, performance.getEntriesByType('resource').map((one) => one.name)])")
    assert console.key not in seen
    assert console.script("return document.cookie") == ""


def test_what_is_wrong_with_a_key_is_said_beside_the_field(console):
    console.open("/sign-in")
    console.click("Sign in")
    assert "Enter an API key" in console.error_of("API key")
    console.see_focus("API key")
    console.type("API key", "dfyd_two words")
    console.click("Sign in")
    assert "no spaces" in console.error_of("API key")
    console.type("API key", "dfyd_nobody_has_this_one")
    console.click("Sign in")
    console.see("Invalid API key")
    assert "Invalid API key" in console.error_of("API key")
    console.wait("the focus on the field", lambda: console.focused() == "API key")
    console.shot("sign-in-refused")


def test_sign_in_leads_to_the_page_that_was_asked_for(console):
    console.open("/domains?search=acme&state=ready")
    console.see("Sign in")
    sign_in_by_hand(console)
    console.wait_path("/domains?search=acme&state=ready")


@pytest.mark.parametrize("elsewhere", ["https://example.com/", "//example.com/", "/docs", "/sign-in", "javascript:alert(1)", "/nothing-here"])
def test_sign_in_leads_nowhere_else(console, elsewhere):
    console.open(f"/sign-in?next={requests.utils.quote(elsewhere, safe='')}")
    sign_in_by_hand(console)
    console.wait_path("/")


def test_signing_out_ends_it_everywhere(console):
    console.sign_in("/")
    console.see("No mailboxes yet")
    console.click("Orders")
    console.wait_path("/orders")
    console.click("Sign out")
    console.wait("the page to sign in", lambda: console.path.startswith("/sign-in"))
    assert console.fetch("/api/dfyd/v1/session")[0] == 401
    console.back()
    console.field("API key")


def test_a_session_that_ended_leads_back_to_the_same_page(console):
    console.sign_in("/")
    console.see("No mailboxes yet")
    console.script("for (let id = 0; id < 10000; id++) clearTimeout(id)")  # or the overview may be the first to ask in vain
    console.driver.delete_all_cookies()
    console.click("Orders")
    console.wait_path("/sign-in?next=%2Forders")
    sign_in_by_hand(console)
    console.wait_path("/orders")


def test_the_keyboard_alone_reaches_everything(console):
    console.sign_in("/")
    console.see("No mailboxes yet")
    console.press(Keys.TAB)
    assert console.focused() == "Skip to the page"
    console.press(Keys.ENTER)
    assert console.focused() == "Overview"
    console.tab_to("Order mailboxes")
    console.press(Keys.ENTER)
    console.wait_path("/order")
    console.wait("the focus on the heading", lambda: console.focused() == "Order mailboxes")
    console.back()
    console.wait_path("/")
    console.wait("the focus on the heading", lambda: console.focused() == "Overview")


def test_the_menu_on_a_phone(console):
    console.size((360, 740))
    console.sign_in("/")
    console.see("No mailboxes yet")
    assert not console.named("a[href]", "Domains")
    console.click("Menu")
    assert console.button("Menu").get_attribute("aria-expanded") == "true"
    console.press(Keys.ESCAPE)
    assert not console.named("a[href]", "Domains")
    assert console.focused() == "Menu"
    console.click("Menu")
    console.click("Domains")
    console.wait_path("/domains")
    console.wait("the menu to close", lambda: not console.named("a[href]", "Domains"))


def test_the_theme_is_kept(console):
    def ground():
        return console.script("return getComputedStyle(document.body).backgroundColor")

    console.sign_in("/")
    console.see("No mailboxes yet")
    light = ground()
    console.click("Dark")
    dark = ground()
    assert dark != light
    console.reload()
    console.see("No mailboxes yet")
    assert ground() == dark
    console.click("System")
    assert ground() == light
    console.media("dark")
    console.wait("the ground of the dark theme", lambda: ground() == dark)


def test_an_address_without_a_page_says_so(console, dfyd):
    console.sign_in("/")
    console.see("No mailboxes yet")
    console.script("history.pushState(null, '', '/nothing-here'); dispatchEvent(new PopStateEvent('popstate'))")
    console.see("Page not found", "There is nothing at this address")


def test_pages_of_the_operator_are_not_shown_to_others(console):
    console.sign_in("/operator")
    console.see("This page is for the operator")
    assert not console.named("a[href]", "Stuck work")


def test_a_server_that_is_away_is_said_and_asked_again(console):
    console.driver.execute_cdp_cmd("Network.enable", {})
    console.sign_in("/")
    console.see("No mailboxes yet")
    console.driver.execute_cdp_cmd("Network.setBlockedURLs", {"urls": ["*/api/*"]})
    try:
        console.reload()
        console.see("The console could not start", "The server did not answer")
        console.shot("server-away")
    finally:
        console.driver.execute_cdp_cmd("Network.setBlockedURLs", {"urls": []})
    console.driver.get_log("browser")
    console.click("Try again")
    console.see("No mailboxes yet")


def test_the_first_view_is_small(console):
    """What crosses the wire for the sign-in page, the overview, and their data, with nothing cached."""
    console.driver.execute_cdp_cmd("Network.setCacheDisabled", {"cacheDisabled": True})
    try:
        console.sign_in("/")
        console.see("No mailboxes yet")
        sizes = console.script("return [...performance.getEntriesByType('navigation'), ...performance.getEntriesByType('resource')]"
                               ".map((one) => [one.name, one.transferSize])")
    finally:
        console.driver.execute_cdp_cmd("Network.setCacheDisabled", {"cacheDisabled": False})
    total = sum(size for _, size in sizes)
    print(f"first view: {total} bytes in {len(sizes)} answers")
    assert all(size > 0 for _, size in sizes), sizes
    assert 10_000 < total < FIRST_VIEW_BYTES, sizes


def test_nothing_is_fetched_from_elsewhere(console, dfyd):
    page = requests.get(dfyd.base + "/", timeout=10)
    policy = page.headers["Content-Security-Policy"]
    assert "unsafe" not in policy and "script-src 'self'" in policy
    assert not re.search(r"(?:src|href)=\"(?!/)", page.text)
    console.sign_in("/")
    console.see("No mailboxes yet")
    names = console.script("return performance.getEntriesByType('resource').map((one) => one.name)")
    assert all(name.startswith(dfyd.base) for name in names), names
