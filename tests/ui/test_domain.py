"""The page of a domain: what it is, its DNS records here and in the world, checks, and what helps."""
from conftest import database, rows, wait_for
from console import Keys, browser, console, make_console, workspace  # noqa: F401, fixtures
from test_progress import item, name, order


def netstring(*values):
    return "".join(f"{len(value.encode())}:{value}" for value in sorted(values))


def by_hand(server, domain, kind, *values):
    """Somebody changes the zone at the DNS host."""
    with database(server, "sandbox.db") as db:
        db.execute("DELETE FROM rrsets WHERE zone = ? AND name = ? AND type = ?", [domain, domain, kind])
        if values:
            db.execute("INSERT INTO rrsets (zone, name, type, ttl, data) VALUES (?, ?, ?, 600, ?)", [domain, domain, kind, netstring(*values)])


def ready(console, domain=None, prefixes=("ana", "bo"), **more):
    domain = domain or name()
    order(console, item(domain, prefixes, **more))
    wait_for(f"{domain} to be ready", lambda: rows(console.server, "SELECT 1 FROM domains WHERE name = ? AND state IN ('ready', 'partial')", domain))
    return domain


def test_a_domain_that_is_well(console):
    domain = ready(console, forwarding_domain="acme.com")
    console.sign_in(f"/domains/{domain}")
    assert console.h1() == domain
    console.see("All 6 records are as they should be", "The name server has them, and the world sees them", "acme.com", f"ana@{domain}", f"bo@{domain}",
                "Signing key (DKIM)", "it signs alone")
    assert {row[1] for row in console.rows("section table tbody tr") if row[0].startswith(("MX", "TXT", "A"))} == {"as it should be"}
    console.click(f"Copy the value of MX {domain}")
    console.wait("it to be copied", lambda: console.script("return document.querySelector('[role=status].sr').textContent") == "Copied")
    console.shot("domain")
    console.click("New domain…")
    console.wait("the order", lambda: console.path.startswith("/orders/"))


def test_records_that_were_changed_by_hand_are_published_again(console):
    domain = ready(console)
    by_hand(console.server, domain, "MX", "5 mail.else.")
    console.sign_in(f"/domains/{domain}")
    console.see("1 of 4 records differs", f"MX {domain}: somebody changed it: the name server has “5 mail.else.”, it should be “1 mx.google.sandbox.test.”", "changed by hand")
    console.shot("domain-by-hand")
    console.click("Publish our records")
    console.see(f"Publish the records of {domain} again?", f"MX {domain}: “5 mail.else.”", css="dialog")
    console.shot("domain-repair")
    console.click("Publish our records", within=console.find("dialog"))
    console.gone("dialog")
    console.see("All 4 records are as they should be")
    assert rows(console.server, "SELECT COUNT(*) FROM audit_logs WHERE activity = 'domain_repaired' AND detail LIKE ?", f"%{domain}%") == [(1,)]


def test_its_website_is_sent_elsewhere(console):
    domain = ready(console, prefixes=["ana"])
    console.sign_in(f"/domains/{domain}")
    console.see("All 4 records are as they should be")
    console.click(f"Edit the forwarding of {domain}")
    console.type("Send visitors to", "acme.com")
    console.press(Keys.ENTER)
    console.see("All 6 records are as they should be")
    assert rows(console.server, "SELECT forwarding FROM domains WHERE name = ?", domain) == [("acme.com",)]
    assert console.link("Add mailboxes").get_attribute("href").endswith(f"/order?type=extra_accounts&domain={domain}")


def test_a_check(console):
    domain = ready(console)
    console.sign_in(f"/domains/{domain}")
    console.see("It was not checked yet")
    console.click("Check now")
    console.see("Nothing is wrong", "Its 2 mailboxes take logins and mail")
    by_hand(console.server, domain, "MX", "5 mail.else.")
    console.click("Check now")
    console.see("1 finding", "Should be", "5 mail.else. at the DNS host", "Publish our records, under DNS records.", "1 of 4 records differs")
    console.shot("domain-findings")
    console.reload()
    console.see("Last checked", "1 finding")


def test_publishing_that_waits(patient, make_console):  # noqa: F811
    console = make_console(patient, workspace(patient))
    domain = name("flakydns-")
    order(console, item(domain, ["ana"]))
    console.sign_in(f"/domains/{domain}")
    console.see("Publish the DNS records: not yet", "Register the name done", "4 records are not published yet")
    console.shot("domain-retrying")
    console.click("Try now")
    console.see("2 tries so far")
    console.click("Try now")
    console.see("All 4 records are as they should be")


def test_a_record_that_was_there_before(patient, make_console):  # noqa: F811
    """Somebody was at the name server while the domain is being set up: it waits for a decision."""
    console = make_console(patient, workspace(patient))
    domain = name("flakydns-")
    number = order(console, item(domain, ["ana"]))
    console.sign_in(f"/orders/{number}")
    console.click("Try now")
    console.see("2 tries so far")
    with database(patient, "sandbox.db") as db:
        db.execute("INSERT INTO zones (zone) VALUES (?)", [domain])
    by_hand(patient, domain, "MX", "5 mail.else.")
    console.click("Try now")
    console.see("was changed by hand", "You decide whether that is overwritten.")
    console.shot("order-by-hand")
    assert not console.named("button", "Try now")
    console.click("Publish our records")
    console.click("Publish our records", within=console.find("dialog"))
    console.see("1 of 1 domain ready")


def test_a_domain_that_failed(console):
    domain = name("refused-")
    order(console, item(domain, ["ana"]))
    console.sign_in(f"/domains/{domain}")
    console.see("could not be registered", "unless you take another name")
    assert not console.named("h2", "DNS records")
    console.shot("domain-failed")


def test_it_is_cancelled(console):
    domain = ready(console)
    console.sign_in(f"/domains/{domain}")
    console.click(f"Cancel {domain}")
    console.see(f"Cancel {domain}?", "Nothing is given back", css="dialog")
    console.type(f"Type {domain} to agree", domain)
    console.click("Cancel the domain")
    console.see("Nothing more is done for it")
    assert not console.named("button", f"Cancel {domain}")
    console.shot("domain-cancelled")


def test_what_is_not_there(console):
    console.allowed.add(404)
    console.sign_in("/domains/never-ordered.com")
    console.see("You have no domain never-ordered.com")
    console.click("All domains")
    console.wait_path("/domains")


def test_the_name_server_does_not_answer(console):
    domain = ready(console)
    console.sign_in(f"/domains/{domain}")
    console.see("All 4 records are as they should be")
    console.script("const real = window.fetch; window.fetch = (path, options) => String(path).endsWith('/dns') ? Promise.reject(new TypeError('gone')) : real(path, options)")
    console.click("Look again")
    console.see("This may be out of date", "The server did not answer")
