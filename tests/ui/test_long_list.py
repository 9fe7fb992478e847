"""Ten thousand mailboxes in one list: shown, searched and used without a wait that a person would feel."""
import statistics
import time

import pytest
from conftest import database, wait_for
from console import Keys, browser, make_console  # noqa: F401, fixtures
from shop import item

ROWS = 10_000
DOMAINS = 100  # of 100 mailboxes: what Microsoft allows

# Bounds in ms, some times what was measured on two cores that had much other work: 550, 5300, 26, 32, 1040 and 90.
FIRST_ROWS_MS = 3000  # from opening the page to its first rows
ALL_ROWS_MS = 20_000  # from "Load all" to all 10,000: a hundred answers of the server, and their rows
LETTER_MS = 100  # from a key in the search box to the frame that shows its letter, with all rows there; median
LETTER_WORST_MS = 400
RESULT_MS = 5000  # from the last letter to its rows: a pause of 250 ms, the answer, and 10,000 rows that go
JUMP_MS = 500  # from one end of the list to the other


@pytest.fixture(scope="module")
def full(tmp_path_factory):
    """A server whose workspace `default` has 10,000 mailboxes, all ready."""
    from conftest import Server
    server = Server(tmp_path_factory.mktemp("long") / "data")
    server.start()
    server.cli("card", "set", "--workspace", "default", "--token", "tok_visa", "--name", "Jane Doe")
    for first in range(0, DOMAINS, 10):
        answer = server.order([item(f"long-{n:03}-acme.com", 100, provider=3) for n in range(first, first + 10)])
        assert answer["order_placed"], answer

    def ready():
        with database(server) as db:
            return db.execute("SELECT COUNT(*) FROM accounts WHERE state = 'ready'").fetchone()[0] == ROWS
    wait_for(f"{ROWS} mailboxes", ready, limit=600, every=0.5)
    yield server
    server.stop()


# Each key: from its event to the second frame after it, which has been painted with the letter in it. And from the last one to the rows of WORD.
WATCH_KEYS = """const word = arguments[1]; window.letters = []; window.lastKey = 0; window.shown = null;
arguments[0].addEventListener("keydown", (event) => {
    if (event.key.length !== 1) return;
    const from = window.lastKey = event.timeStamp;
    requestAnimationFrame(() => requestAnimationFrame(() => window.letters.push(performance.now() - from)));
}, true);
new MutationObserver((_, observer) => {
    const rows = [...document.querySelectorAll(".table tbody tr")];
    if (rows.length !== 100 || !rows.every((row) => row.textContent.includes(word))) return;
    observer.disconnect();
    requestAnimationFrame(() => requestAnimationFrame(() => window.shown = performance.now() - window.lastKey));
}).observe(document.querySelector(".table"), { subtree: true, childList: true });"""

# By selenium each of 20,000 buttons would be asked for its name.
PRESS = """const found = [...document.querySelectorAll("button")].find((one) => (one.ariaLabel ?? one.textContent.trim()) === arguments[0]);
found?.click(); return Boolean(found);"""


def press(console, button):
    wait_for(f"the button {button!r}", lambda: console.script(PRESS, button))


def says(console, text):
    wait_for(f"{text!r} at the list's end", lambda: text in console.script("return document.querySelector('.list-end').textContent"))


NAMES = "return [...document.querySelectorAll('.table tbody th')].map((one) => one.textContent)"
COUNT = "return document.querySelectorAll('.table tbody tr').length"


def test_ten_thousand_rows_stay_usable(full, make_console):
    console = make_console(full)
    console.sign_in("/healthz")  # the page itself is measured
    took = {}

    started = time.monotonic()
    console.open("/mailboxes?view=all")
    wait_for("the first rows", lambda: console.script(COUNT) >= 100)
    took["first rows"] = (time.monotonic() - started) * 1000

    started = time.monotonic()
    press(console, "Load all")
    wait_for("all rows", lambda: console.script(COUNT) == ROWS, limit=120, every=0.1)
    took["all rows"] = (time.monotonic() - started) * 1000
    says(console, "10,000 mailboxes")
    assert len(set(console.script(NAMES))) == ROWS

    # The browser's own search and a screen reader find what is far away.
    last = console.script(NAMES)[-1]
    assert console.script("return find(arguments[0])", last[:len("p100@long-000-acme.com")])
    table = console.find("table")
    assert table.get_attribute("aria-rowcount") == str(ROWS + 1)
    assert console.script("return document.querySelectorAll('[role=row]').length") == ROWS + 1

    started = time.monotonic()
    jump = "const done = arguments[1]; scrollTo(0, arguments[0] * document.documentElement.scrollHeight); requestAnimationFrame(() => requestAnimationFrame(done))"
    console.driver.execute_async_script(jump, 0)
    console.driver.execute_async_script(jump, 1)
    took["from end to end"] = (time.monotonic() - started) * 1000
    console.driver.execute_async_script(jump, 0)

    # A row is changed while all are there.
    press(console, "Show the password of p1@long-090-acme.com")
    press(console, "Hide the password of p1@long-090-acme.com")

    search = console.field("Search address or name")
    word = "long-042"
    console.script(WATCH_KEYS, search, word)
    for letter in word:
        search.send_keys(letter)
    took["result"] = wait_for("the rows of the search", lambda: console.script("return shown"))
    letters = console.script("return letters")
    took["letter"], took["slowest letter"] = statistics.median(letters), max(letters)
    assert len(letters) == len(word) and console.path == "/mailboxes?view=all&search=long-042"
    assert all("@long-042-acme.com" in one for one in console.script(NAMES))

    search.send_keys(Keys.CONTROL, "a")
    search.send_keys(Keys.DELETE)
    wait_for("all domains", lambda: "@long-042-acme.com" not in console.script(NAMES)[0])

    told = ", ".join(f"{what} {ms:.0f} ms" for what, ms in took.items())
    print(told)
    assert took["first rows"] < FIRST_ROWS_MS, told
    assert took["all rows"] < ALL_ROWS_MS, told
    assert took["letter"] < LETTER_MS and took["slowest letter"] < LETTER_WORST_MS, told
    assert took["result"] < RESULT_MS, told
    assert took["from end to end"] < JUMP_MS, told


def test_a_letter_while_all_rows_are_there_draws_none_of_them(full, make_console):
    """What holds the letters' time: rows that did not change are not looked at."""
    console = make_console(full)
    console.sign_in("/mailboxes?view=all")
    press(console, "Load all")
    wait_for("all rows", lambda: console.script(COUNT) == ROWS, limit=120, every=0.1)
    console.script("""window.touched = 0;
        new MutationObserver((all) => (window.touched += all.length)).observe(document.querySelector(".table"), {subtree: true, childList: true, attributes: true, characterData: true});""")
    console.field("Search address or name").send_keys("q")
    assert console.script("return touched") == 0
