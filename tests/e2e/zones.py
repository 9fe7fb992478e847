"""Orders whose zones are served by real servers: what is ordered, and what dfyd and everybody else say of it then."""
import itertools

from conftest import rows, wait_for

numbers = itertools.count(1)
PEOPLE = [{"email_address_prefix": word, "first_name": word.title(), "last_name": "Doe"} for word in ("ann", "ben")]


def item(**more):
    return {"domain": f"served-{next(numbers)}.com", "email_provider": 2, "accounts": PEOPLE, **more}


def placed(server, *items):
    answer = server.order(list(items))
    assert answer["order_placed"], answer


def wait_done(server, domain):
    wait_for(f"{domain} to be set up", lambda: rows(
        server, "SELECT state FROM domains WHERE name = ?", domain) == [("ready",)] and not rows(
        server, "SELECT 1 FROM steps s JOIN domains d ON d.id = s.domain_id WHERE d.name = ? AND s.state <> 'done'", domain))


def reason(server, domain, kind="publish_dns"):
    """Why the step waits."""
    found = wait_for(f"{kind} of {domain} to wait", lambda: rows(
        server, "SELECT s.reason FROM steps s JOIN domains d ON d.id = s.domain_id"
                " WHERE d.name = ? AND s.kind = ? AND s.state = 'retrying'", domain, kind))
    return found[0][0]


def dns(server, domain):
    answer = server.request("GET", f"/api/dfyd/v1/domains/{domain}/dns")
    assert answer.status_code == 200, answer.text
    return answer.json()


def states(server, domain):
    """(name, type) -> state of its records."""
    return {(line["name"], line["type"]): line["state"] for line in dns(server, domain)["records"]}


def repair(server, domain):
    server.repair(domain)
    wait_done(server, domain)


def is_mail_served(primary, domain):
    assert primary.dig(domain, "MX") == (3600, ["10 mx.airmail.sandbox.test."])
    assert primary.dig(domain, "TXT") == (3600, ["v=spf1 include:_spf.airmail.sandbox.test ~all"])
    assert primary.dig(f"_dmarc.{domain}", "TXT") == (3600, ["v=DMARC1; p=quarantine"])


def is_web_served(primary, domain):
    """With web_address 192.0.2.80 and web_address6 2001:DB8::80."""
    for name in (domain, f"www.{domain}"):
        assert primary.dig(name, "A") == (300, ["192.0.2.80"])
        assert primary.dig(name, "AAAA") == (300, ["2001:db8::80"])
