"""The overview: what is there, what is under way, what needs somebody, what is paid next."""
import pytest
from selenium.webdriver import ActionChains

from conftest import database
from console import browser, make_console, workspace  # noqa: F401, fixtures


@pytest.fixture
def server(fresh):
    return fresh(retry_base_ms=60_000)


@pytest.fixture
def console(server, make_console):
    return make_console(server, workspace(server))


def order(server, console, *domains, people=("jane",)):
    items = [{"domain": domain, "email_provider": 2, "accounts": [
        {"first_name": "Jane", "last_name": "Doe", "email_address_prefix": prefix} for prefix in people]} for domain in domains]
    return server.order(items, headers={"Authorization": f"Bearer {console.key}"})


def figures(console):
    return dict(console.script("return [...document.querySelectorAll('.figures a')].map((one) => [one.children[0].innerText, one.children[1].innerText])"))


def test_orders_appear_while_one_looks(server, console):
    console.sign_in("/").see("No mailboxes yet")
    assert order(server, console, "over-one.com", "over-two.com", people=("jane", "joe"))["order_placed"]
    console.see("over-one.com", "over-two.com")
    console.wait("all to be ready", lambda: figures(console).get("Mailboxes") == "4")
    seen = figures(console)
    assert seen["Domains"] == "2" and seen["Next payment"].startswith("$") and seen["Next 12 months"].startswith("$")
    console.see("done", css=".panel table")
    console.shot("overview")
    console.click("over-one.com, over-two.com")
    console.wait("the order's page", lambda: console.path.startswith("/orders/"))
    console.back()
    console.wait_path("/")


# The page's stream of events is opened once go() is called; nothing happens every 30 s.
LATE_STREAM = """{
    const Real = window.EventSource, every = window.setInterval;
    const left = [];
    window.EventSource = class extends EventTarget {
        constructor(...of) {
            super();
            left.push(() => {
                const real = new Real(...of);
                real.onopen = () => this.onopen();
                for (const type of ["dfy_order_placed", "dfy_domain_ready"])
                    real.addEventListener(type, (event) => this.dispatchEvent(new MessageEvent(type, event)));
            });
        }
        close() {}
    };
    window.go = () => left.length > 0 && left.splice(0).every((open) => open() ?? true);
    window.setInterval = (run, ms, ...of) => every(run, ms === 30000 ? 1e9 : ms, ...of);
}"""


def test_what_happens_before_events_are_followed_is_seen(server, console):
    added = console.driver.execute_cdp_cmd("Page.addScriptToEvaluateOnNewDocument", {"source": LATE_STREAM})
    try:
        console.sign_in("/").see("No mailboxes yet")
    finally:
        console.driver.execute_cdp_cmd("Page.removeScriptToEvaluateOnNewDocument", added)
    assert order(server, console, "over-late.com")["order_placed"]
    server.wait_order("over-late.com", "ready")
    console.wait("the stream", lambda: console.script("return go()"))
    console.see("over-late.com")


def test_nothing_moves_away_under_a_press(server, console):
    assert order(server, console, "over-first.com")["order_placed"]
    server.wait_order("over-first.com", "ready")
    console.sign_in("/").see("over-first.com")
    console.script("""window.looks = 0; const real = window.fetch;
        window.fetch = async (path, ...of) => {
            const answer = await real(path, ...of);
            window.looks += path.includes("/orders?");
            return answer;
        };""")
    held = ActionChains(console.driver)
    held.click_and_hold(console.link("over-first.com")).perform()
    assert order(server, console, "over-second.com")["order_placed"]
    server.wait_order("over-second.com", "ready")
    console.script("document.dispatchEvent(new Event('visibilitychange'))")
    console.wait("the news", lambda: console.script("return looks") > 0)
    console.driver.execute_async_script("setTimeout(arguments[0], 100)")
    assert "over-second.com" not in console.body()
    ActionChains(console.driver).release().perform()
    console.wait("the order's page", lambda: console.path.startswith("/orders/"))
    console.see("over-first.com", css="h1")
    console.back()
    console.see("over-second.com")


def test_what_needs_somebody_leads_to_where_it_is(server, console):
    assert order(server, console, "over-good.com", people=("jane", "refused"))["order_placed"]
    assert order(server, console, "flaky-over.com")["order_placed"]
    assert order(server, console, "refused-over.com")["order_placed"]
    server.cli("card", "set", "--workspace", server.request(
        "GET", "/api/v2/workspaces/current", headers={"Authorization": f"Bearer {console.key}"}).json()["name"],
        "--token", "tok_declined", "--name", "Jane Doe")
    assert not order(server, console, "over-declined.com")["order_placed"]
    server.wait_order("over-good.com", "partial")
    server.wait_order("refused-over.com", "failed")
    with database(server) as db:
        db.execute("UPDATE domain_care SET findings = 'record;x' WHERE domain_id IN (SELECT id FROM domains WHERE name = 'over-good.com')")
    console.sign_in("/").see("Needs attention", "1 domain working only in part", "1 domain not as it was set up")
    console.see("ended with failures", "payment failed")
    assert console.find("[role=progressbar]").get_attribute("aria-valuetext").endswith("being tried again")
    console.shot("overview-attention")
    console.click("1 domain working only in part")
    console.wait_path("/domains?state=partial")
    console.see("over-good.com")
    console.back()
    console.click("1 domain not as it was set up")
    console.wait_path("/domains?drift=true")


def test_without_a_card_it_says_so(server, make_console):
    console = make_console(server, workspace(server, card=None))
    order_key = {"Authorization": f"Bearer {console.key}"}
    name = server.request("GET", "/api/v2/workspaces/current", headers=order_key).json()["name"]
    server.cli("card", "set", "--workspace", name, "--token", "tok_visa", "--name", "Jane Doe")
    assert order(server, console, "over-card.com")["order_placed"]
    server.cli("card", "remove", "--workspace", name)
    console.sign_in("/").see("No card is on file")


def test_a_list_that_cannot_be_loaded_says_why_and_tries_again(console):
    console.sign_in("/").see("No mailboxes yet")
    console.driver.execute_cdp_cmd("Network.enable", {})
    console.driver.execute_cdp_cmd("Network.setBlockedURLs", {"urls": ["*/summary"]})
    try:
        console.click("Orders")
        console.wait_path("/orders")
        console.script("window.EventSource = class extends EventTarget { close() {} }; window.setInterval = () => 0")  # nor tries by itself
        console.click("Overview")
        console.see("This could not be loaded", "The server did not answer")
        console.shot("overview-failed")
    finally:
        console.driver.execute_cdp_cmd("Network.setBlockedURLs", {"urls": []})
    console.driver.get_log("browser")
    console.click("Try again")
    console.see("No mailboxes yet")
