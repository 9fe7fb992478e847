"""The lists of orders, domains, mailboxes and invoices, as a person searches, filters, pages and changes them."""
import csv
import io

import pytest
from conftest import wait_for
from console import Keys, browser, console, make_console, workspace  # noqa: F401, fixtures
from shop import buy, get, item, name, order, person

OWN = "/api/dfyd/v1"
LISTS = {"/orders": "Orders", "/domains": "Domains", "/mailboxes": "Mailboxes", "/invoices": "Invoices"}


def heads(console):
    """What names each row."""
    return console.script("return [...document.querySelectorAll('.table tbody th')].map((one) => one.innerText.split('\\n')[0])")


def download(console):
    """The rows of what the link CSV leads to, as dictionaries."""
    href = console.link("CSV").get_attribute("href")
    status, text = console.fetch(href)
    assert status == 200, text
    return list(csv.DictReader(io.StringIO(text)))


def audited(console, activity):
    return [one["audit_metadata"] for one in get(console, "/api/v2/audit-logs", limit=100)["items"]
            if one["audit_metadata"]["activity"] == activity]


@pytest.mark.parametrize("path", LISTS)
def test_nothing_yet(console, path):
    console.sign_in(path)
    console.see(LISTS[path], "yet", "Order mailboxes")
    assert console.driver.title == f"{LISTS[path]} · dfyd"
    console.shot(f"{path[1:]}-empty")
    assert download(console) == []


@pytest.mark.parametrize("path", LISTS)
def test_what_the_server_refuses_is_said_in_its_words(console, path):
    console.allowed = {400}
    console.sign_in(path + "?state=sideways")
    console.see("This could not be loaded", "querystring/state must be equal to one of the allowed values")
    console.button("Try again")
    console.shot(f"{path[1:]}-error")
    console.choose("State", "Every state")
    console.see("yet")


def test_mailboxes_are_searched_filtered_and_taken_as_csv(console):
    first, second = name("find"), name("find")
    buy(console, item(first, [person(1, "ann"), person(2, "bob"), person(3, "refused")]), item(second, [person(1, "anna")]), wait=3)
    wait_for("the one that is refused", lambda: get(console, f"{OWN}/mailboxes", state="failed")["items"])
    console.sign_in("/mailboxes")
    console.see(f"ann@{first}", f"anna@{second}", "Pat Doe 1", "failed", "Google")
    console.type("Search address or name", "ann")
    wait_for("the search", lambda: sorted(heads(console)) == [f"ann@{first}", f"anna@{second}"])
    assert console.path == "/mailboxes?search=ann"
    assert sorted(row["email"] for row in download(console)) == [f"ann@{first}", f"anna@{second}"]
    console.type("Search address or name", "doe 3")
    wait_for("the search by a person's name", lambda: heads(console) == [f"refused@{first}"])
    console.type("Search address or name", "")
    console.choose("State", "Failed")
    wait_for("the filter", lambda: heads(console) == [f"refused@{first}"])
    console.wait_path("/mailboxes?state=failed")
    assert [row["email"] for row in download(console)] == [f"refused@{first}"]
    console.type("Search address or name", "nobody")
    console.see("No mailboxes match")
    console.shot("mailboxes-none-match")
    console.click("Clear search and filters")
    wait_for("all of them", lambda: len(heads(console)) == 4)
    console.shot("mailboxes")
    console.open("/domains")
    console.click(f"2 mailboxes of {first}")  # those in use: the third was refused
    assert console.path == f"/mailboxes?domain={first}"
    console.see(f"Only {first}")
    wait_for("the domain's alone", lambda: sorted(heads(console)) == [f"ann@{first}", f"bob@{first}", f"refused@{first}"])
    assert len(download(console)) == 3
    console.back()
    console.wait_path("/domains")
    console.forward()
    console.see(f"Only {first}")
    console.click(f"All domains, not only {first}")
    wait_for("all of them", lambda: len(heads(console)) == 4)


def test_pages_and_one_list(console):
    domain = name("pages")
    buy(console, item(domain, 100, provider=3), item(name("pages")), item(name("pages")), wait=0)
    console.sign_in("/mailboxes")
    wait_for("the first page", lambda: len(heads(console)) == 50)
    seen = heads(console)
    console.click("Next")
    wait_for("the second page", lambda: len(heads(console)) == 50 and heads(console) != seen)
    assert "after=" in console.path and console.focused() == "Mailboxes"
    seen += heads(console)
    console.click("Next")
    wait_for("the last page", lambda: len(heads(console)) == 2)
    seen += heads(console)
    assert len(set(seen)) == 102
    assert console.button("Next").get_attribute("aria-disabled") == "true"
    console.reload()
    wait_for("the last page again", lambda: heads(console) == seen[100:])
    console.back()
    wait_for("back", lambda: heads(console) == seen[50:100])
    console.click("Previous")
    wait_for("the first page again", lambda: heads(console) == seen[:50])
    console.click("One list")
    wait_for("the beginning of all", lambda: len(heads(console)) >= 100)
    console.script("scrollTo(0, document.documentElement.scrollHeight)")
    wait_for("all of them", lambda: heads(console) == seen)
    console.see("102 mailboxes")
    table = console.find("table")
    assert table.get_attribute("aria-rowcount") == "103"
    assert console.path == "/mailboxes?view=all"
    console.shot("mailboxes-one-list")
    console.click("Pages")
    wait_for("a page", lambda: heads(console) == seen[:50])


# Holds what would run in half a minute, for a test that has no half minute.
LATER = """window.later = []; const real = window.setTimeout;
window.setTimeout = (run, ms, ...rest) => ms === 30000 ? (window.later.push(() => run(...rest)), -1) : real(run, ms, ...rest);"""


def test_passwords_one_at_a_time(console):
    domain = name("secret")
    buy(console, item(domain, 2))
    known = {one["email"]: one["password"] for one in get(console, "/api/v2/dfy-email-account-orders/accounts", with_passwords="true")["items"]}
    one, other = f"p1@{domain}", f"p2@{domain}"
    console.sign_in("/mailboxes")
    console.see(one, other)
    console.script(LATER)
    assert not any(password in console.body() for password in known.values())
    console.tab_to(f"Show the password of {one}")
    console.press(Keys.ENTER)
    console.see(known[one])
    assert console.focused() == f"Hide the password of {one}"
    console.button(f"Copy the password of {one}")
    console.shot("mailboxes-password")
    console.click(f"Show the password of {other}")
    console.see(known[other])
    assert known[one] not in console.body()
    console.click(f"Hide the password of {other}")
    assert known[other] not in console.body()
    console.click(f"Show the password of {other}")
    console.see(known[other])
    assert console.script("later.pop()(); return later.length") == 2  # half a minute later
    console.not_see(known[other])
    console.click(f"Show the password of {one}")
    console.see(known[one])
    console.click("Domains")
    console.back()
    console.see(one)
    assert known[one] not in console.body()
    assert [record["email"] for record in audited(console, "password_shown")] == [one, other, other, one]


def test_a_password_that_is_refused_says_why(console):
    domain = name("gone")
    buy(console, item(domain, 2))
    console.sign_in("/mailboxes")
    console.see(f"p1@{domain}")
    console.server.request("POST", "/api/v2/dfy-email-account-orders/accounts/cancel", json={"accounts": [f"p1@{domain}"]},
                           headers={"Authorization": f"Bearer {console.key}"})
    console.allowed = {409}
    console.click(f"Show the password of p1@{domain}")
    console.see("cancelled", css="[role=alert]")


def test_forwarding_is_edited_in_place(console):
    domain, target = name("forward"), name("target")
    buy(console, item(domain))
    path = f"/api/v2/domains/{domain}/forwarding"
    wait_for("the domain", lambda: get(console, f"{OWN}/domains")["items"][0]["state"] == "ready")
    console.sign_in("/domains")
    edit = f"Edit the forwarding of {domain}"
    console.tab_to(edit)
    console.press(Keys.ENTER)
    assert console.focused() == "Send visitors to"
    console.press(Keys.ENTER)
    assert console.error_of("Send visitors to").startswith("Type the name that visitors are sent to")
    assert console.focused() == "Send visitors to"
    console.type("Send visitors to", f"https://www.{target}/shop")
    console.press(Keys.ENTER)
    assert "without what follows it" in console.error_of("Send visitors to")
    console.allowed = {422}
    console.type("Send visitors to", "db.internal")
    console.press(Keys.ENTER)
    assert "inside the operator's network" in console.error_of("Send visitors to")
    console.shot("domains-forwarding-refused")
    console.type("Send visitors to", f" https://www.{target}/ ")
    console.press(Keys.ENTER)
    console.see(f"{domain} now leads to www.{target}")
    assert console.focused() == edit
    assert get(console, path) == {"domain": domain, "forwarding_domain": f"www.{target}", "forwarding_mode": "redirect"}
    console.click(edit)
    console.choose("How", "Stealth: they see this domain's address")
    console.click("Save")
    console.see("stealth", css="tbody")
    assert get(console, path)["forwarding_mode"] == "stealth"
    console.click(edit)
    console.press(Keys.ESCAPE)
    assert console.focused() == edit
    console.click(edit)
    console.click("Stop forwarding")
    console.see(f"{domain} is not forwarded any more", "none")
    assert get(console, path)["forwarding_domain"] is None


def test_a_dns_host_that_gives_no_answer_changes_nothing(console):
    domain = name("flakyweb")
    buy(console, item(domain))
    wait_for("the domain", lambda: get(console, f"{OWN}/domains")["items"][0]["state"] == "ready")
    console.allowed = {502, 409}  # the second while what the first began is just being taken back
    console.sign_in("/domains")
    console.click(f"Edit the forwarding of {domain}")
    console.type("Send visitors to", "www.example.com")
    console.click("Save")
    console.see("Nothing was changed")
    console.shot("domains-forwarding-failed")

    def saved():  # what was begun is taken back meanwhile, so the next try or the one after it works
        for button in console.named("button", "Save"):
            button.click()
        return f"{domain} now leads to www.example.com" in console.body()
    console.wait("a try that works", saved)
    assert get(console, f"/api/v2/domains/{domain}/forwarding")["forwarding_domain"] == "www.example.com"


def test_cancelling_a_mailbox_says_what_is_lost(console):
    domain = name("cancel")
    buy(console, item(domain, 2, forwarding_domain="www.example.com"))
    one, other = f"p1@{domain}", f"p2@{domain}"
    console.sign_in("/mailboxes")
    console.click(f"Cancel {one}")
    console.see(f"Cancel {one}?", "stops at once", "mail in it is removed", "It is paid until", "Nothing is given back", "begins empty", css="dialog")
    assert not console.named("input", f"Type {domain} to agree")
    console.shot("mailboxes-cancel")
    console.click("Keep it")
    console.gone("dialog")
    assert console.focused() == f"Cancel {one}"
    console.press(Keys.ENTER)
    console.find("dialog")
    console.click("Cancel the mailbox")
    console.see(f"{one} is cancelled")
    console.gone("dialog")
    console.see("cancelled", css="tbody")
    console.wait("the focus on the heading", lambda: console.focused() == "Mailboxes")
    # The last one takes the domain with it.
    console.click(f"Cancel {other}")
    console.see(f"Cancel {other} and its domain?", "last mailbox", "not sent to www.example.com any more", "nobody can order it here until then", css="dialog")
    assert console.button("Cancel the domain").get_attribute("aria-disabled") == "true"
    console.type(f"Type {domain} to agree", domain)
    console.click("Cancel the domain")
    console.see(f"{other} is cancelled")
    assert [(one["domain"], one["state"]) for one in get(console, f"{OWN}/domains")["items"]] == [(domain, "cancelled")]


def test_cancelling_a_domain_takes_its_name_typed(console):
    domain, other = name("end"), name("end")
    buy(console, item(domain, 3, forwarding_domain="www.example.com"), item(other, 1), wait=4)
    renews = next(one for one in get(console, f"{OWN}/domains")["items"] if one["domain"] == domain)["timestamp_renews"]
    console.sign_in("/domains")
    console.click(f"Cancel {domain}")
    console.see("All 3 mailboxes stop at once", "Visitors of", "The name is paid until", "Then anyone can have it", css="dialog")
    year = str(int(renews[:4]))
    assert year in console.find("dialog").text
    console.click("The 3 mailboxes")
    console.see(f"p3@{domain}", css="dialog")
    console.shot("domains-cancel")
    button = console.button("Cancel the domain")
    console.type(f"Type {domain} to agree", other)
    button.click()
    assert console.all("dialog") and get(console, f"{OWN}/mailboxes", state="cancelled")["items"] == []
    console.type(f"Type {domain} to agree", domain.upper())
    console.press(Keys.TAB)
    console.tab_to("Cancel the domain")
    console.press(Keys.ENTER)
    console.see(f"{domain} is cancelled")
    console.gone("dialog")
    cancelled = get(console, f"{OWN}/mailboxes", state="cancelled")["items"]
    assert {one["email"] for one in cancelled} == {f"p{n}@{domain}" for n in (1, 2, 3)}
    assert [one["state"] for one in get(console, f"{OWN}/domains", search=other)["items"]] == ["ready"]
    console.choose("State", "Cancelled")
    wait_for("the filter", lambda: heads(console) == [domain])
    assert not console.named("button", f"Edit the forwarding of {domain}") and not console.named("button", f"Cancel {domain}")


def test_a_dialog_stays_while_what_was_asked_for_is_under_way(console):
    """However often somebody presses Escape: they would not see what came of it."""
    domain = name("escape")
    buy(console, item(domain, 2))
    console.sign_in("/mailboxes")
    console.click(f"Cancel p1@{domain}")
    console.button("Cancel the mailbox")
    console.script("""window.real = window.fetch;
        window.fetch = (path, ...of) => String(path).endsWith("/cancel")
            ? new Promise((_, fail) => (window.lose = () => fail(new TypeError("lost")))) : real(path, ...of);""")
    console.click("Cancel the mailbox")
    console.wait("the question", lambda: console.script("return Boolean(window.lose)"))
    console.script("window.hidden = 0; document.querySelector('dialog').addEventListener('close', () => hidden++)")
    for _ in range(3):
        console.press(Keys.ESCAPE)
    assert console.script("return hidden") == 0, "not for a moment"
    console.script("document.querySelector('dialog').close()")  # as a browser does where one goes back twice
    console.find("dialog[open]")
    console.script("lose(); window.fetch = window.real")
    console.see("Whether it was cancelled is not known", css="dialog")
    for _ in range(2):
        console.press(Keys.ESCAPE)
    console.gone("dialog")
    console.click(f"Cancel p2@{domain}")
    console.see(f"Cancel p2@{domain}?", css="dialog")


def test_orders_and_what_became_of_them(console):
    good, bad, long = name("good"), name("refused"), name("a-name-that-is-as-long-as-anybody-would-like", "org")
    buy(console, item(good, 2), item(bad, 1), item(long, 1), item(name("good")), wait=4)
    console.server.cli("card", "set", "--workspace", get(console, "/api/v2/workspaces/current")["name"], "--token", "tok_expired", "--name", "Jane Doe")
    order(console, item(name("unpaid")))
    wait_for("the end of all work", lambda: not any(
        one["steps"]["open"] + one["steps"]["retrying"] for one in get(console, f"{OWN}/orders")["items"]))
    console.sign_in("/orders")
    console.see("payment failed", "The card has expired", "Nothing was ordered", "New domains, 5 mailboxes", "and 1 more", "1 failed", "$")
    console.shot("orders")
    assert len(console.all(".table [role=progressbar]")) == 1
    console.choose("State", "Payment failed")
    wait_for("the filter", lambda: heads(console) == ["Nothing was ordered"])
    console.choose("State", "Every state")
    console.type("Search domain, address or order", f"p2@{good}")
    wait_for("the search", lambda: len(heads(console)) == 1 and good in heads(console)[0])
    rows = download(console)
    assert len(rows) == 1 and good in rows[0]["domains"]
    id = rows[0]["id"]
    assert console.link(heads(console)[0]).get_attribute("href").endswith(f"/orders/{id}")


def test_a_key_that_may_only_read_is_told_so(dfyd, make_console):
    console = make_console(dfyd, workspace(dfyd))
    domain = name("reader")
    buy(console, item(domain, 2))
    current = get(console, "/api/v2/workspaces/current")["name"]
    reader = dfyd.cli("key", "create", "--workspace", current, "--scope", "dfy_email_account_orders:read").strip()
    console.sign_in("/domains", key=reader)
    console.click(f"Edit the forwarding of {domain}")
    console.see("it lacks the scope dfy_email_account_orders:update")
    console.press(Keys.ESCAPE)
    console.click(f"Cancel {domain}")
    console.see("it lacks the scope dfy_email_account_orders:delete", css="dialog")
    console.shot("domains-cancel-not-allowed")
    console.type(f"Type {domain} to agree", domain)
    assert console.button("Cancel the domain").get_attribute("aria-disabled") == "true"
    console.click("Keep it")


REVEAL = """const done = arguments[0];
(async () => {
    const { createReveal } = await import("/console/list/reveal.js");
    const timers = new Map(); let last = 0;
    const reveal = createReveal({ shownMs: 7, setTimer: (run, ms) => (timers.set(++last, [run, ms]), last), clearTimer: (id) => timers.delete(id) });
    const shown = {}; const said = [];
    const stops = ["a", "b"].map((key) => reveal.watch(key, (secret) => { shown[key] = secret; said.push(`${key}:${secret}`); }));
    let answer; const slow = reveal.open("a", () => new Promise((resolve) => (answer = resolve)));
    await reveal.open("b", async () => "B");
    answer("A");
    const late = await slow;                       // b was asked for meanwhile
    const first = { ...shown, late, ms: [...timers.values()].map(([, ms]) => ms) };
    [...timers.values()][0][0]();                  // the time is over
    const over = { ...shown };
    await reveal.open("a", async () => "A");
    stops[0]();                                    // left the page
    const left = { ...shown, timers: timers.size };
    const gone = await reveal.open("a", async () => "A");
    done({ first, over, left, gone, said });
})().catch((error) => done(String(error)));"""


def test_one_secret_at_a_time_whatever_the_order_of_answers(console):
    console.sign_in("/mailboxes")
    found = console.driver.execute_async_script(REVEAL)
    assert found["first"] == {"b": "B", "late": False, "ms": [7]}
    assert found["over"] == {"b": None}
    assert found["left"] == {"a": None, "b": None, "timers": 0}
    assert found["gone"] is False
    assert found["said"] == ["b:B", "b:null", "a:A", "a:null"]


HOSTS = {
    "www.acme.com": "www.acme.com", " https://www.acme.com/ ": "www.acme.com", "HTTP://acme.com": "acme.com", "acme.co.uk//": "acme.co.uk",
    "": None, "acme": None, "acme.com/shop": None, "https://acme.com/?a=b": None, "a b.com": None, "jane@acme.com": None, "acme.com:8080": None,
}


def test_what_is_pasted_as_a_target(console):
    console.sign_in("/domains")
    found = console.driver.execute_async_script(
        """const [texts, done] = arguments;
           import("/console/list/host.js").then(({ readHost }) => done(texts.map((text) => readHost(text))));""", list(HOSTS))
    assert [one.get("host") for one in found] == list(HOSTS.values())
    assert all(bool(one.get("error")) != bool(one.get("host")) for one in found)
