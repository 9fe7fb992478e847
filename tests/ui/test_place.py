"""Coming back to a list that is shown as one: the same rows, the same place, the same link in focus."""
import pytest
from conftest import wait_for
from console import NARROW, Keys, browser, make_console, workspace  # noqa: F401, fixtures
from shop import item, name, order
from test_lists import heads

DOMAINS = 150
TOP = "return document.querySelector(`[data-key='${arguments[0]}']`)?.getBoundingClientRect().top ?? null"
# Rows that were not laid out yet are higher or lower than was thought: until it stands still.
BRING = """const [n, done] = arguments, row = document.querySelectorAll(".table.long tr[data-key]")[n];
let last = null, still = 0;
const look = () => {
    row.scrollIntoView({block: "center"});
    const { top } = row.getBoundingClientRect();
    still = top === last ? still + 1 : 0;
    last = top;
    if (still > 3) done();
    else requestAnimationFrame(look);
};
look();"""
KEYS = "return [...document.querySelectorAll('.table.long tr[data-key]')].map((row) => row.dataset.key)"


@pytest.fixture(scope="module")
def key(dfyd):
    """Of a workspace with more domains than a list has at first."""
    class Person:
        server, key = dfyd, workspace(dfyd)
    for _ in range(3):
        assert order(Person, *[item(name("place")) for _ in range(DOMAINS // 3)])["order_placed"]
    return Person.key


@pytest.fixture
def listed(dfyd, key, make_console):
    """At the list, with all its rows."""
    console = make_console(dfyd, key)
    console.sign_in("/domains?view=all")
    all_rows(console)
    return console


def all_rows(console):
    def grown():
        console.script("scrollTo(0, document.documentElement.scrollHeight)")
        return len(heads(console)) >= DOMAINS
    wait_for("all rows", grown)


def go_to(console, n):
    """Row N in the middle of the window; its (key, domain, place)."""
    console.driver.execute_async_script(BRING, n)
    found = console.script(KEYS)[n]
    return found, heads(console)[n], console.script(TOP, found)


def wait_at(console, key, top):
    console.wait(f"the row at {top} px", lambda: (now := console.script(TOP, key)) is not None and abs(now - top) <= 2)


def opened(console, domain):
    console.wait_path(f"/domains/{domain}")
    console.see(domain, css="h1")


def follow(console, domain):
    console.link(domain).click()
    opened(console, domain)


def back_at(console, key, top):
    console.back()
    wait_at(console, key, top)


def test_back_leads_to_where_one_was(listed):
    key, domain, top = go_to(listed, 130)
    follow(listed, domain)
    back_at(listed, key, top)
    assert listed.path == "/domains?view=all"
    listed.wait("the focus", lambda: listed.focused() == domain)
    listed.forward()
    opened(listed, domain)
    back_at(listed, key, top)


def test_so_does_the_link_back_on_the_page(listed):
    key, domain, top = go_to(listed, 60)
    follow(listed, domain)
    listed.link("Domains", within=listed.find(".page-head")).click()
    wait_at(listed, key, top)
    assert listed.path == "/domains?view=all"
    # Who came from elsewhere is led to the list as it is.
    listed.open(f"/domains/{domain}")
    listed.link("Domains", within=listed.find(".page-head")).click()
    listed.wait_path("/domains")


def test_by_the_keyboard_one_goes_on_at_the_next_row(listed):
    key, domain, top = go_to(listed, 120)
    listed.script("arguments[0].focus()", listed.link(domain))
    top = listed.script(TOP, key)
    listed.press(Keys.ENTER)
    opened(listed, domain)
    back_at(listed, key, top)
    listed.wait("the focus", lambda: listed.focused() == domain)
    listed.tab_to(heads(listed)[121], most=8)


def test_a_reload_and_the_menu_keep_the_place_too(listed):
    key, _, top = go_to(listed, 125)
    listed.wait("the place to be kept", lambda: listed.script("return Boolean(history.state?.place)"))
    listed.reload()
    wait_at(listed, key, top)
    listed.click("Money")
    listed.see("Money", css="h1")
    back_at(listed, key, top)


def test_on_a_telephone(listed):
    listed.size(NARROW)
    key, domain, top = go_to(listed, 110)
    follow(listed, domain)
    back_at(listed, key, top)


def test_rows_that_came_before_it_move_nothing(listed):
    key, domain, top = go_to(listed, 99)
    follow(listed, domain)
    new = name("newer")
    assert order(listed, item(new))["order_placed"]
    back_at(listed, key, top)
    assert heads(listed)[0] == new


def test_who_scrolls_meanwhile_is_left_alone_and_a_row_that_is_gone_is_not_waited_for(listed):
    key, domain, _ = go_to(listed, 130)
    follow(listed, domain)
    listed.script("""window.real = window.fetch; window.held = [];
        window.fetch = (path, ...rest) => String(path).includes("starting_after") ? new Promise((go) => window.held.push(() => go(window.real(path, ...rest)))) : window.real(path, ...rest);""")
    listed.back()
    listed.wait("the second page to be asked for", lambda: listed.script("return held.length") == 1)
    listed.press(Keys.HOME)
    listed.script("window.fetch = window.real; held[0]()")
    listed.wait("its rows", lambda: len(heads(listed)) > 100)
    assert listed.script("return scrollY") == 0
    listed.script("history.replaceState({place: {key: 'gone', top: 100, control: 0, chunk: 1}}, '')")
    listed.reload()
    listed.wait("the rows", lambda: len(heads(listed)) > 100)
    go_to(listed, 50)
    listed.wait("another place to be kept", lambda: listed.script("return history.state.place?.key") not in (None, "gone"))
