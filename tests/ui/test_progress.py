"""The page of an order: its domains come up before one's eyes, and what fails says why, what follows and what helps."""
import itertools
import re

import pytest
from conftest import database, hour_later, rows, wait_for
from console import Keys, browser, console, make_console, workspace  # noqa: F401, fixtures
from servers.process import free_ports

numbers = itertools.count(1)


def name(word=""):
    return f"{word}brand-{next(numbers)}.com"


def item(domain, prefixes=("ana", "bo", "cy"), **more):
    people = [{"email_address_prefix": prefix, "first_name": "Ana", "last_name": "Silva"} for prefix in prefixes]
    return {"domain": domain, "email_provider": 1, "accounts": people, **more}


def order(console, *items):
    """The id of a placed order."""
    auth = {"Authorization": f"Bearer {console.key}"}
    answer = console.server.order(list(items), headers=auth)
    assert answer["order_placed"], answer
    [(number,)] = rows(console.server, "SELECT order_id FROM domains WHERE name = ? ORDER BY id DESC LIMIT 1", items[0]["domain"])
    return number


def watch(console, *items):
    return console.sign_in(f"/orders/{order(console, *items)}")


def part(console, domain):
    """The section about DOMAIN."""
    return console.wait(f"the part about {domain}", lambda: next(
        (one for one in console.all("section") if one.find_elements("css selector", "h2") and one.find_element("css selector", "h2").text == domain), None))


def see(console, domain, *texts):
    return console.wait(f"{texts} about {domain}", lambda: all(text in " ".join(part(console, domain).text.split()) for text in texts))


def test_an_order_comes_up(patient, make_console):
    console = make_console(patient, workspace(patient))
    domain = name("lost-")
    watch(console, item(domain, forwarding_domain="acme.com"))
    assert console.h1() == f"Order of {domain}"
    console.see("0 of 1 domain ready", "This page follows by itself.")
    see(console, domain, "Register the name", "Publish the DNS records", "waits for what is above")
    hour_later(patient)  # and nobody reloads anything
    console.see("1 of 1 domain ready")
    see(console, domain, "ready", "All done", "Create the mailboxes done 3 of 3", "Set up the forwarding done")
    console.see("Items", "Payments", "Invoices", "Visa ending in 4242", css="main")
    console.not_see("This page follows by itself.")
    bars = console.all("[role=progressbar]")
    assert bars and all(bar.get_attribute("aria-valuenow") == bar.get_attribute("aria-valuemax") for bar in bars)
    console.shot("order-ready")
    console.find("main a[href^='/invoices/']").click()
    console.wait("the invoice", lambda: re.fullmatch(r"/invoices/\d+", console.path))
    console.back()
    console.see("1 of 1 domain ready")


def test_its_money_adds_up(console):
    domain = name()
    number = order(console, item(domain))
    console.sign_in(f"/orders/{number}")
    answer = console.server.request("GET", f"/api/dfyd/v1/orders/{number}", headers={"Authorization": f"Bearer {console.key}"}).json()
    console.see(*[f"${line['amount']:.2f}" for line in answer["items"]], f"${answer['total_price']:.2f}", css="main")
    shown = console.rows("table tfoot tr")
    assert shown[-1] == ["Total", f"${answer['total_price']:.2f}"]


def test_a_try_that_waits_is_made_now(patient, make_console):
    console = make_console(patient, workspace(patient))
    domain = name("flaky-")
    watch(console, item(domain))
    see(console, domain, "Register the name: not yet", "It is tried again by itself")
    console.shot("order-retrying")
    console.tab_to("Try now")
    console.press(Keys.ENTER)
    see(console, domain, "2 tries so far")
    console.click("Try now")
    see(console, domain, "ready", "All done")
    activities = rows(patient, "SELECT activity FROM audit_logs WHERE activity = 'domain_retried'")
    assert len(activities) == 2


def test_what_is_refused_meanwhile(patient, make_console):
    """Another person tried it just now: the server's words stand beside the button."""
    console = make_console(patient, workspace(patient))
    domain = name("silent-")
    number = order(console, item(domain))
    console.sign_in(f"/orders/{number}")
    see(console, domain, "Register the name: not yet")
    console.wait("the look with which a stream begins", lambda: console.script(
        "return performance.getEntriesByType('resource').filter((one) => one.name.includes('/orders/')).length") >= 2)
    console.script("window.stopped = window.fetch; window.fetch = (path, options) => String(path).includes('/orders/') ? new Promise(() => {}) : stopped(path, options)")
    with database(patient) as db:
        db.execute("UPDATE steps SET state = 'running' WHERE state = 'retrying'")
    console.allowed.add(409)
    console.click("Try now")
    see(console, domain, f"Nothing of {domain} waits for another try")


def test_a_domain_that_cannot_be_registered_is_swapped(console):
    domain, other = name("refused-"), name()
    watch(console, item(domain))
    see(console, domain, "could not be registered", "goes back to you", "unless you take another name")
    console.shot("order-refused")
    console.click("Take another name")
    console.see("Free names like it", css="dialog")
    console.shot("order-swap")
    # A name that cannot be had is refused beside the field, which has the focus then.
    console.type("New name", "taken-brand.com")
    console.allowed.add(422)
    console.click("Take this name")
    assert "Somebody has this name already" in console.error_of("New name")
    console.wait("the focus on the field", lambda: console.focused() == "New name")
    console.type("New name", other)
    console.press(Keys.ENTER)
    console.gone("dialog")
    see(console, other, "ready", "All done")
    see(console, domain, "swapped", f"{other} took its place")
    console.see("1 of 1 domain ready")
    assert console.h1() == f"Order of {other}"
    console.see("was used for another name")
    console.shot("order-swapped")


def test_a_free_name_is_picked_by_keyboard(console):
    domain = name("snatched-")
    watch(console, item(domain, ["ana"]))
    see(console, domain, "could not be registered")
    console.tab_to("Take another name")
    console.press(Keys.ENTER)
    # Names like it begin as it does, and would be snatched, too; but some.
    free = console.wait("a free name", lambda: next((one.accessible_name for one in console.all("dialog input[type=radio]")
                                                     if not one.accessible_name.startswith("snatched-")), None))
    console.find("dialog input[type=radio]")
    console.tab_to(console.all("dialog input[type=radio]")[0].accessible_name)
    while console.focused() != free:
        console.press(Keys.ARROW_DOWN)
    assert console.field("New name").get_attribute("value") == free
    console.press(Keys.ENTER)
    see(console, free, "ready")


def test_escape_leaves_it_as_it_was(console):
    domain = name("refused-")
    watch(console, item(domain, ["ana"]))
    see(console, domain, "could not be registered")
    console.click("Take another name")
    console.find("dialog")
    console.press(Keys.ESCAPE)
    console.gone("dialog")
    assert rows(console.server, "SELECT swapped_for FROM domains WHERE name = ?", domain) == [("",)]


def test_records_that_are_refused(console):
    domain = name("nodns-")
    watch(console, item(domain, ["ana"]))
    see(console, domain, "could not be set up: its DNS records were refused", "went back to you on")
    assert not console.named("button", "Take another name")
    console.see("Credit note", "Given back")
    console.shot("order-failed")


def test_mailboxes_that_are_refused(console):
    domain = name()
    watch(console, item(domain, ["ana", "refused", "refused.bo"]))
    see(console, domain, "partial", "2 mailboxes were refused", f"refused@{domain}:", "went back to you on")
    console.shot("order-partial")


def test_a_forwarding_that_is_refused(console):
    domain = name("noweb-")
    watch(console, item(domain, ["ana"], forwarding_domain="acme.com"))
    see(console, domain, "partial", "The website is not forwarded", "Mail works.")


def test_a_refund_that_is_refused(dfyd, make_console):
    console = make_console(dfyd, workspace(dfyd, card="tok_norefund"))
    domain = name("nodns-")
    watch(console, item(domain, ["ana"]))
    see(console, domain, "could not be given back", "It stays owed to you")


def test_cancelled_on_the_way(patient, make_console):
    console = make_console(patient, workspace(patient))
    domain = name("silent-")
    watch(console, item(domain, ["ana", "bo"]))
    see(console, domain, "Register the name: not yet")  # above the button: it would move away under the press
    console.click(f"Cancel {domain}")
    console.see("Nothing is given back", css="dialog")
    console.click("Keep it")
    console.gone("dialog")
    assert rows(patient, "SELECT state FROM domains WHERE name = ?", domain) == [("provisioning",)]
    console.click(f"Cancel {domain}")
    console.type(f"Type {domain} to agree", domain)
    console.click("Cancel the domain")
    see(console, domain, "cancelled", "Nothing more is done for it")
    assert rows(patient, "SELECT state FROM domains WHERE name = ?", domain) == [("cancelled",)]


def test_an_order_that_waits_for_its_payment(fresh, make_console):
    server = fresh(checkout="on")
    console = make_console(server, workspace(server, card=None))
    domain = name()
    answer = server.order([item(domain)], headers={"Authorization": f"Bearer {console.key}"})
    assert answer["checkout_url"]
    [(number,)] = rows(server, "SELECT order_id FROM domains WHERE name = ?", domain)
    console.sign_in(f"/orders/{number}")
    console.see("Waiting for your payment", "The names are held for you")
    assert console.link("Pay now").get_attribute("href") == answer["checkout_url"]
    console.shot("order-unpaid")


def test_who_may_only_look(patient, make_console):
    console = make_console(patient, workspace(patient))
    domain = name("silent-")
    number = order(console, item(domain))
    [(owner,)] = rows(patient, "SELECT name FROM workspaces WHERE id = (SELECT workspace_id FROM orders WHERE id = ?)", number)
    reader = patient.cli("key", "create", "--workspace", owner, "--scope", "dfy_email_account_orders:read").strip()
    console.sign_in(f"/orders/{number}", key=reader)
    see(console, domain, "lacks the scope dfy_email_account_orders:update")
    assert console.button("Try now").get_attribute("aria-disabled") == "true"


def test_several_domains_and_what_is_not_there(console):
    first, second, third = name(), name("refused-"), name("silent-")
    number = order(console, item(first), item(second, ["ana"]), item(third, ["ana"]))
    console.sign_in(f"/orders/{number}")
    console.see("1 of 3 domains ready, 1 failed", "This page follows by itself.")
    assert console.h1() == f"Order of {first} and 2 more"
    console.shot("order-coming-up")
    console.allowed.add(404)
    console.open("/orders/0199a3c1-5f1e-7cc3-98f2-3f0e5a1b2c3d")
    console.see("There is no such order")
    console.shot("order-missing")


def test_the_server_goes_away_and_comes_back(fresh, make_console):
    server = fresh(listen=f"127.0.0.1:{free_ports(1)[0]}")
    console = make_console(server, workspace(server))
    domain = name("slow-")
    number = order(console, item(domain, ["ana"]))
    console.sign_in(f"/orders/{number}")
    see(console, domain, "Register the name")
    server.stop()
    console.see("This may be out of date")
    server.start()
    see(console, domain, "ready")
    console.not_see("This may be out of date")
    console.driver.get_log("browser")  # what could not be reached meanwhile
    assert wait_for("the order", lambda: rows(server, "SELECT 1 FROM domains WHERE name = ? AND state = 'ready'", domain))
