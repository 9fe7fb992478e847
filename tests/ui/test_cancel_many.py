"""Several mailboxes are ticked and cancelled at once: by mouse, by keyboard, on a telephone, over pages; what is lost is said first."""
import pytest
from conftest import wait_for
from console import NARROW, Keys, browser, console, make_console, workspace  # noqa: F401, fixtures
from shop import buy, get, headers, item, name, order
from test_lists import audited, heads

OWN = "/api/dfyd/v1"


def states(console):
    """{address: state} of all that the workspace has."""
    return {one["email"]: one["state"] for one in get(console, f"{OWN}/mailboxes", limit=100)["items"]}


def bar(console):
    return console.find(".ticked-bar")


def ticked(console):
    return sorted(box.accessible_name.removeprefix("Tick ") for box in console.all("input.tick") if box.is_selected())


def to_the_end(console):
    """Scrolled down, where the bar stands below the list instead of over it."""
    console.script("scrollTo(0, document.documentElement.scrollHeight)")


def test_several_are_cancelled_with_one_of_their_domains(console):
    first, second, third = name("many"), name("many"), name("many")
    buy(console, item(first, 2, forwarding_domain="www.example.com"), item(second, 3), item(third, 1), wait=6)
    gone = [f"p1@{first}", f"p2@{first}", f"p2@{second}"]
    console.sign_in("/mailboxes")
    console.see(gone[0])
    assert not console.all(".ticked-bar"), "nothing is in the way before something is ticked"
    for email in gone:
        console.tick(f"Tick {email}")
    console.see("3 mailboxes ticked", css=".ticked-bar")
    console.shot("mailboxes-ticked")
    console.click("Cancel them", within=bar(console))
    console.see("Cancel 3 mailboxes and 1 domain?", "All 3 stop at once", "mail in them is removed and cannot be brought back", "They are paid until",
                "Nothing is given back", "1 domain loses its last mailbox and is cancelled, too", f"{first}: visitors are not sent to www.example.com any more; registered until",
                css="dialog")
    console.click("The 3 mailboxes")
    console.see(*gone, css="dialog")
    console.shot("mailboxes-cancel-many")
    do = "Cancel 3 mailboxes and 1 domain"
    assert console.button(do).get_attribute("aria-disabled") == "true"
    console.click("Keep them")
    console.gone("dialog")
    assert console.focused() == "Cancel them" and ticked(console) == sorted(gone)
    console.press(Keys.ENTER)
    console.type(f"Type {first} to agree", first)
    console.click(do)
    console.see("3 mailboxes are cancelled, and 1 domain with them")
    console.gone("dialog")
    console.gone(".ticked-bar")
    console.see_focus("Mailboxes")
    assert {email for email, state in states(console).items() if state == "cancelled"} == set(gone)
    assert [row[1].split()[0] for row in console.rows() if row[2] == "cancelled"] == [email for email in heads(console) if email in gone]
    assert {one["domain"]: one["state"] for one in get(console, f"{OWN}/domains")["items"]} == {first: "cancelled", second: "ready", third: "ready"}
    assert len(audited(console, "accounts_cancelled")) == 1, "one call, and so all of them or none"


def test_several_domains_take_their_number_typed(console):
    domains = [name("ends") for _ in range(3)]
    buy(console, *[item(domain, 1) for domain in domains])
    console.sign_in("/mailboxes")
    console.tick(f"Tick p1@{domains[0]}")
    console.click("Tick all 3 shown")
    console.see("3 mailboxes ticked", css=".ticked-bar")
    assert not console.named("button", "Tick all…")
    console.click("Cancel them", within=bar(console))
    console.see("3 domains lose their last mailbox", *domains, css="dialog")
    console.type("Type 3 domains to agree", "3 Domains")
    console.click("Cancel 3 mailboxes and 3 domains")
    console.see("3 mailboxes are cancelled, and 3 domains with them")
    assert {one["state"] for one in get(console, f"{OWN}/domains")["items"]} == {"cancelled"}
    assert not console.all("input.tick")


def test_by_the_keyboard_alone(console):
    domain = name("keys")
    buy(console, item(domain, 3))
    console.sign_in("/mailboxes")
    console.see(f"p3@{domain}")
    first, second, third = heads(console)
    console.script("document.querySelector('h1').focus()")
    console.tab_to(f"Tick {first}")
    console.press(Keys.SPACE)
    console.see("1 mailbox ticked", css=".ticked-bar")
    console.wait("what is said", lambda: "1 mailbox ticked. Enter on a tick box leads to what can be done" in
                 console.script("return document.querySelector('[role=status].sr').textContent"))
    console.tab_to(f"Tick {second}")
    console.press(Keys.SPACE)
    console.press(Keys.ENTER)
    assert console.focused() == "Cancel them"
    console.tab_to("Untick all")
    console.press(Keys.ENTER)
    console.gone(".ticked-bar")
    assert console.focused() == f"Tick {second}", "back where the ticking was"
    assert ticked(console) == []
    console.press(Keys.SPACE)
    console.press(Keys.ENTER)
    console.press(Keys.ENTER)
    console.see(f"Cancel {second}?", css="dialog")  # of one alone what is said of one
    console.press(Keys.ESCAPE)
    console.gone("dialog")
    console.click("Tick all 3 shown")
    console.script("arguments[0].focus()", console.field(f"Tick {third}"))
    console.press(Keys.SPACE)  # not this one
    console.press(Keys.ENTER)
    console.press(Keys.ENTER)
    console.see("Cancel 2 mailboxes?", css="dialog")
    console.tab_to("Cancel 2 mailboxes")
    console.press(Keys.ENTER)
    console.see("2 mailboxes are cancelled")
    assert {email for email, state in states(console).items() if state != "cancelled"} == {third}


def test_a_box_that_is_ticked_the_moment_it_is_there(console):
    domain = name("quick")
    buy(console, item(domain, 2))
    console.sign_in("/domains")
    console.see(domain)
    console.script("""new MutationObserver((_, observer) => {
        const box = document.querySelector("input.tick");
        if (box) observer.disconnect(), box.click();
    }).observe(document.body, {subtree: true, childList: true});""")
    console.click("Mailboxes")
    console.see("1 mailbox ticked", css=".ticked-bar")
    assert ticked(console) == heads(console)[:1]
    console.click("Untick all")
    console.gone(".ticked-bar")
    assert ticked(console) == []


def test_on_a_telephone(console):
    domain = name("small")
    buy(console, item(domain, 3))
    console.size(NARROW)
    console.sign_in("/mailboxes")
    for n in (1, 2):
        console.tick(f"Tick p{n}@{domain}")
    console.see("2 mailboxes ticked", css=".ticked-bar")
    console.fits()
    bottom = console.script("return [document.querySelector('.ticked-bar').getBoundingClientRect().bottom, innerHeight]")
    assert bottom[0] <= bottom[1], "what can be done is on the screen wherever one is"
    console.click("Cancel them", within=bar(console))
    console.see("Cancel 2 mailboxes?", css="dialog")
    console.fits()
    console.axe()
    console.click("Cancel 2 mailboxes")
    console.see("2 mailboxes are cancelled")


@pytest.fixture
def hundred(console):
    """A workspace with 102 mailboxes, more than may be ticked."""
    domains = [name("most"), name("most"), name("most")]
    buy(console, item(domains[0], 100, provider=3), item(domains[1]), item(domains[2]), wait=0)
    return domains


def test_ticks_stay_over_pages_searches_and_the_whole_list(console, hundred):
    console.sign_in("/mailboxes")
    wait_for("the first page", lambda: len(heads(console)) == 50)
    first = heads(console)[0]
    console.tick(f"Tick {first}")
    to_the_end(console)
    console.click("Next")
    wait_for("the second page", lambda: len(heads(console)) == 50 and heads(console)[0] != first)
    second = heads(console)[0]
    console.tick(f"Tick {second}")
    console.see("2 mailboxes ticked", css=".ticked-bar")
    console.click("One list")
    wait_for("the beginning of the list", lambda: len(heads(console)) >= 100)
    to_the_end(console)
    wait_for("the whole list", lambda: len(heads(console)) == 102)
    assert ticked(console) == sorted([first, second])
    console.see("100 at a time at most", css=".ticked-bar")
    assert not console.named("button", "Tick all…")
    console.type("Search address or name", hundred[1])
    wait_for("the search", lambda: heads(console) == [f"p1@{hundred[1]}"])
    console.click("Tick all 1 shown") if f"p1@{hundred[1]}" not in (first, second) else None
    console.see("mailboxes ticked", css=".ticked-bar")
    n = len({first, second, f"p1@{hundred[1]}"})
    console.click("Cancel them", within=bar(console))
    console.see(f"The {n} mailboxes", css="dialog")


def test_no_more_than_a_hundred_at_a_time(console, hundred):
    console.sign_in("/mailboxes")
    wait_for("the first page", lambda: len(heads(console)) == 50)
    for _ in range(2):
        console.tick(f"Tick {heads(console)[0]}")
        console.click("Tick all 50 shown")
        last = heads(console)
        to_the_end(console)
        console.click("Next")
        wait_for("the next page", lambda: heads(console) and heads(console) != last)
    console.see("100 mailboxes ticked", "100 at a time at most", css=".ticked-bar")
    one = heads(console)[0]
    console.tick(f"Tick {one}")
    console.wait("what is said", lambda: "Not ticked: 100 is the most" in console.script("return document.querySelector('[role=status].sr').textContent"))
    assert ticked(console) == []
    console.shot("mailboxes-ticked-most")


def cancel(console, *emails):
    """By the API, as somebody else of the workspace would."""
    answer = console.server.request("POST", "/api/v2/dfy-email-account-orders/accounts/cancel", json={"accounts": list(emails)}, headers=headers(console))
    assert len(answer.json()["items"]) == len(emails)


def test_what_was_cancelled_meanwhile_is_said(console):
    domain = name("late")
    buy(console, item(domain, 4))
    console.sign_in("/mailboxes")
    for n in (1, 2, 3):
        console.tick(f"Tick p{n}@{domain}")
    cancel(console, f"p1@{domain}")
    console.click("Cancel them", within=bar(console))
    console.see("Cancel 2 mailboxes?", "1 mailbox of those ticked is cancelled already", css="dialog")
    console.click("Keep them")
    cancel(console, f"p2@{domain}", f"p3@{domain}")
    console.click("Cancel them", within=bar(console))
    console.see("All of them are cancelled already", css="dialog")
    assert console.button("Cancel").get_attribute("aria-disabled") == "true"


def test_an_answer_that_is_lost_is_asked_for_again_without_harm(fresh, make_console):  # noqa: F811
    server = fresh()
    page = make_console(server, workspace(server))
    domain = name("lost")
    buy(page, item(domain, 3))
    page.sign_in("/mailboxes")
    for n in (1, 2):
        page.tick(f"Tick p{n}@{domain}")
    page.click("Cancel them", within=bar(page))
    page.see("Cancel 2 mailboxes?", css="dialog")
    page.script("""window.real = window.fetch; window.fetch = async (...of) => { await window.real(...of); throw new TypeError("lost"); };""")
    page.click("Cancel 2 mailboxes")
    page.see("Whether it was cancelled is not known; trying again does no harm", css="dialog")
    page.script("window.fetch = window.real")
    page.click("Cancel 2 mailboxes")
    page.see("2 mailboxes are cancelled")
    assert sorted(states(page).values()) == ["cancelled", "cancelled", "ready"]


def test_a_key_that_may_only_read_may_tick_but_not_cancel(console):
    domain = name("reader")
    buy(console, item(domain, 2))
    current = get(console, "/api/v2/workspaces/current")["name"]
    reader = console.server.cli("key", "create", "--workspace", current, "--scope", "dfy_email_account_orders:read").strip()
    console.sign_in("/mailboxes", key=reader)
    console.tick(f"Tick p1@{domain}")
    console.see("it lacks the scope dfy_email_account_orders:delete", css=".ticked-bar")
    console.click("Cancel them", within=bar(console))
    assert not console.all("dialog")
    console.shot("mailboxes-ticked-not-allowed")


def test_what_cannot_be_cancelled_cannot_be_ticked(console):
    domain = name("cannot")
    order(console, item(domain, [{"email_address_prefix": "refused", "first_name": "Pat", "last_name": "Doe"}, {"email_address_prefix": "ann", "first_name": "Ann", "last_name": "Doe"}]))
    wait_for("what became of them", lambda: sorted(states(console).values()) == ["failed", "ready"])
    console.sign_in("/mailboxes")
    console.see(f"refused@{domain}", "failed")
    console.field(f"Tick ann@{domain}")
    assert not console.named("input", f"Tick refused@{domain}")
