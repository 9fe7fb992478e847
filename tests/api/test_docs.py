"""docs/api.md and docs/sandbox.md: every row of their tables is tried, and no row is without its test."""
import re

import pytest

from conftest import ROOT, wait_for
from contract import asker, client  # noqa: F401, fixtures
from contract import (ACCOUNTS, ORDERS, PRECEDENCE, check_answer, check_error, item, make_client, name, people, person)


def tables(page):
    """Section -> the first cells of its table's rows, as plain text."""
    found, section = {}, None
    lines = (ROOT / "docs" / page).read_text(encoding="utf-8").splitlines()
    for line, next_line in zip(lines, lines[1:] + [""]):
        if line.startswith("## "):
            section = line[3:].replace("`", "")
        elif line.startswith("| ") and not next_line.startswith("|-"):
            found.setdefault(section, []).append(line.split("|")[1].strip().replace("`", ""))
    return found


tried = {}


def row(section, *titles):
    """Says which rows a test tries."""
    tried.setdefault(section, []).extend(titles)
    return lambda test: test


# ---- docs/api.md, Orders


@row("Orders", "several rules broken")
def test_several_rules_broken(asker):
    """That the order is the documented one; test_contract_orders.py shows that it is kept."""
    line = next(line for line in (ROOT / "docs/api.md").read_text().splitlines() if "several rules broken" in line)
    assert [word for word in re.findall(r"`([a-z_]+)`", line) if word != "order_error"] == PRECEDENCE
    answer = asker.refused("invalid_domains", [item("my-google.net", 1, [person("")], forwarding_domain="x")])
    for field in ("invalid_domains", "blacklist_domains", "invalid_forwarding_domains", "invalid_accounts"):
        assert answer[field]


@row("Orders", "one bad item among good ones")
def test_one_bad_item_among_good_ones(client):
    good = item()
    answer = client.refused("invalid_domains", [item("x"), good])
    assert [one["domain"] for one in answer["order_items"]] == [good["domain"]] and answer["total_price"] == 20
    assert client.list(ORDERS) == {"items": []}


@row("Orders", "items: []")
def test_no_items(client):
    assert client.refused("invalid_domains", [])["order_items"] == []


@row("Orders", "no card")
def test_no_card(dfyd):
    answer = make_client(dfyd, card=None).order([item()])
    assert answer["order_is_valid"] and answer["order_error"] == "payment_failed"
    assert "payment_failure_reason" not in answer


@row("Orders", "the registrar does not answer")
def test_the_registrar_does_not_answer(client):
    for simulation in (True, False):
        response = client.post([item(), item("unsure-" + name())], simulation=simulation)
        check_error(response, 503, re.compile(r"It could not be checked whether the domains are available\. "
                                              r"Nothing was placed or charged\. Try again\."))
        assert int(response.headers["Retry-After"]) > 0
    assert client.list(ORDERS) == {"items": []}


@row("Orders", "the payment service does not answer")
def test_the_payment_service_does_not_answer(fresh):
    client = make_client(fresh(lease_ms=600000), card="tok_dropped")
    wanted, key = [item()], {"Idempotency-Key": "k"}
    check_error(client.post(wanted, headers=key), 503,
                "The payment service gave no answer. Nothing was charged and nothing was ordered. Try again.")
    client.card("tok_visa")
    client.placed(wanted, headers=key)

    client.card("tok_silent")
    wanted = [item()]
    response = client.post(wanted, headers={"Idempotency-Key": "l"})
    check_error(response, 503, re.compile(r".*not known yet\. Order [0-9a-f-]{36} is settled by itself.*"))
    client.card("tok_visa")
    client.server.cli("clock", "advance", "1h")  # longer than a lease

    def answered():
        again = client.post(wanted, headers={"Idempotency-Key": "l"})
        return again if again.status_code != 409 else None
    assert check_answer(wait_for("the end of the charge", answered).text)["order_placed"]


def test_a_charge_whose_answer_was_lost_is_found(client):
    client.card("tok_lost")
    client.placed([item()])


@row("Orders", "pre-warmed")
def test_the_stock_counts(client):
    domain = name("co")
    client.server.cli("inventory", "add", "--domain", domain, "--provider", "2", "--account", "ana,Ana,Silva")
    answer = client.quote([{"domain": domain, "email_provider": 3, "accounts": people(2)}], "pre_warmed_up")
    assert answer["order_items"][0]["email_provider"] == 2 and len(answer["order_items"][0]["accounts"]) == 1


@row("Orders", "extra accounts")
def test_extra_accounts(client):
    domain = name("co")
    client.server.cli("inventory", "add", "--domain", domain, "--provider", "2", "--account", "ana,Ana,Silva")
    client.placed([{"domain": domain}], "pre_warmed_up")
    answer = client.placed([item(domain, 2, forwarding_domain="elsewhere.com")], "extra_accounts")
    assert answer["number_of_domains_ordered"] == 0 and answer["number_of_accounts_ordered"] == 1
    assert client.list(ORDERS)["items"][0]["forwarding_domain"] is None, "checked, but changes nothing"


@row("Orders", "more than 5 mailboxes")
def test_more_than_5_mailboxes(asker):
    domain = name()
    answer = asker.refused("invalid_accounts", [item(domain, accounts=7)])
    assert [account["email"] for account in answer["invalid_accounts"]] == [f"p5@{domain}", f"p6@{domain}"]


@row("Orders", "a mailbox prefix")
def test_a_mailbox_prefix(asker):
    good, bad = ["a", "A1", "a.b_c-d", "x" * 64], ["", ".a", "a-", "a+b", "ä", "x" * 65]
    for prefix in good + bad:
        answer = asker.quote([item(accounts=[person(prefix)])])
        assert answer["order_is_valid"] == (prefix in good), prefix
    twice = asker.refused("invalid_accounts", [item(accounts=[person("a"), person("A")])])
    assert twice["invalid_accounts"][0]["reason"] == "Duplicate email address"


# ---- docs/api.md, Exactly once


@row("Exactly once", "no", "yes, same body", "yes, another body")
def test_a_key_seen_before(client):
    wanted, key = [item()], {"Idempotency-Key": "k"}
    first, again = client.post(wanted, headers=key), client.post(wanted, headers=key)
    assert first.json()["order_placed"] and "Idempotency-Replayed" not in first.headers
    assert again.content == first.content and again.headers["Idempotency-Replayed"] == "true"
    assert client.post([item()], headers=key).status_code == 422


@row("Exactly once", "yes, still running")
def test_a_key_that_is_still_running(fresh):
    client = make_client(fresh(), card="tok_silent")
    wanted, key = [item()], {"Idempotency-Key": "k"}
    assert client.post(wanted, headers=key).status_code == 503
    assert client.post(wanted, headers=key).status_code == 409


def test_an_order_that_was_not_charged_frees_its_key(client):
    bad, key = [item("unsure-" + name())], {"Idempotency-Key": "k"}
    assert client.post(bad, headers=key).status_code == 503
    assert client.post(bad, headers=key).status_code == 503, "it ran again"
    client.placed([item()], headers=key)


# ---- docs/api.md, what stands outside the tables


def test_keys_errors_bodies(client):
    def raw(text):
        return client.send("POST", data=text.encode(), headers={"content-type": "application/json"})
    check_error(raw('{"items":[],"items":[],"order_type":"dfy"}'), 400, "body must NOT have duplicate property 'items'")
    check_error(raw('{"items":[{"domain":"a\\u0000.com"}],"order_type":"dfy"}'), 400,
                "body/items/0/domain must NOT contain NUL characters")
    deep = '{"items":[],"order_type":"dfy","simulation":true,"x":%s}'
    assert raw(deep % ("[" * 63 + "]" * 63)).status_code == 200
    check_error(raw(deep % ("[" * 64 + "]" * 64)), 400, "body must NOT be nested deeper than 64 levels")
    response = client.post([item()])
    assert response.headers["x-request-id"] in client.server.log()


def test_names(client):
    answer = client.refused("invalid_domains", [item(" Not A Name "), item("BÜCHER-ct.NET"), item("\tCT-ABC.com\n", accounts=[])])
    assert answer["invalid_domains"] == [" Not A Name ", "xn--bcher-ct-65a.net"]
    assert answer["domains_without_accounts"] == ["ct-abc.com"]
    for host in ("a.b", "www.acme.museum", "x.co.uk"):
        assert client.quote([item(forwarding_domain=host)])["order_is_valid"]
    for not_host in ("acme", "https://a.b", "a.b:1", "a.b/c"):
        client.refused("invalid_forwarding_domains", [item(forwarding_domain=not_host)])


# ---- docs/sandbox.md

# word -> (outcome: the domain's state in the end, or a refusal; the step that shows it, its state, its attempts)
DOMAINS = {
    "taken-": "unavailable_domains",
    "unsure-": 503,
    "snatched-": ("failed", "register_domain", "failed", 1),
    "refused-": ("failed", "register_domain", "failed", 1),
    "slow-": ("ready", "register_domain", "done", None),
    "flaky-": ("ready", "register_domain", "done", 3),
    "silent-": ("provisioning", "register_domain", "retrying", None),
    "lost-": ("ready", "register_domain", "done", 2),
    "norenew-": ("ready", "register_domain", "done", 1),  # what happens a year later: test_renewals.py
    "nodns-": ("failed", "publish_dns", "failed", 1),
    "noweb-": ("partial", "set_forwarding", "failed", 1),
    "flakydns-": ("ready", "publish_dns", "done", 3),
    "flakyweb-": ("ready", "set_forwarding", "done", 3),
    "silentdns-": ("provisioning", "publish_dns", "retrying", None),
}
MAILBOXES = {
    "refused": ("partial", "failed", 1),
    "slow": ("ready", "done", None),
    "flaky": ("ready", "done", 3),
    "silent": ("provisioning", "retrying", None),
    "lost": ("ready", "done", 2),
    "stuck": ("ready", "done", 1),  # what happens when it is cancelled: test_cancel.py
}
CARDS = {
    "tok_visa": ("visa", "4242", "placed"), "tok_mastercard": ("mastercard", "4444", "placed"),
    "tok_amex": ("amex", "0005", "placed"), "tok_declined": ("visa", "0002", "generic_decline"),
    "tok_expired": ("visa", "0069", "card_expired"), "tok_authenticate": ("visa", "3155", "authentication_required"),
    "tok_unsupported": ("unionpay", "0000", "payment_method_not_supported"), "tok_lost": ("visa", "0101", "placed"),
    "tok_dropped": ("visa", "0119", 503), "tok_silent": ("visa", "0127", "pending"), "tok_flaky": ("visa", "0135", 503),
    "tok_renewal_declined": ("visa", "0341", "placed"), "tok_renewal_flaky": ("visa", "0358", "placed"),
    "tok_norefund": ("visa", "0143", "placed"), "tok_lostrefund": ("visa", "0150", "placed"),
}
row("Domains", *DOMAINS)
row("Mailboxes", *MAILBOXES)
row("Cards", *CARDS)


def shown(client, domain, state, step, step_state, email=None):
    """The attempts of DOMAIN's step, once `order show` has the domain in STATE and the step in STEP_STATE."""
    number = next(line for line in client.server.cli("order", "list", "--limit", "1000").splitlines()
                  if client.workspace in line.split()).split()[0]

    def look():
        lines = [line.split() for line in client.server.cli("order", "show", "--id", number).splitlines()]
        if [domain, state] not in lines:
            return None
        for words in lines:
            if words[:2] == [domain, step] and words[3] == step_state and email in (None, words[2]):
                return int(words[4])
        return None
    return wait_for(f"{domain} {state}, {step} {step_state}", look)


@pytest.mark.parametrize("word", DOMAINS)
def test_a_domains_word(client, word):
    domain, outcome = word + name(), DOMAINS[word]
    wanted = item(domain, accounts=2, forwarding_domain="acme.example")
    if outcome == "unavailable_domains":
        client.refused(outcome, [wanted])
    elif outcome == 503:
        assert client.post([wanted]).status_code == 503
        assert client.list(ORDERS) == {"items": []}
    else:
        client.placed([wanted])
        state, step, step_state, attempts = outcome
        seen = shown(client, domain, state, step, step_state)
        assert attempts in (None, seen)
        ready = [row["password"] != "" for row in client.all(ACCOUNTS, with_passwords="true")]
        assert ready == [state in ("ready", "partial")] * 2


@pytest.mark.parametrize("word,ending", [(word, "") for word in MAILBOXES] + [
    ("refused", ".jane"), ("refused", "-jane"), ("lost", "_jane")])
def test_a_mailboxs_word(client, word, ending):
    domain, (state, step_state, attempts) = name(), MAILBOXES[word]
    client.placed([item(domain, accounts=[person(word + ending), person("ana"), person(word + "x")])])
    seen = shown(client, domain, state, "create_mailbox", step_state, f"{word}{ending}@{domain}")
    assert attempts in (None, seen)

    def passwords():
        rows = client.all(ACCOUNTS, with_passwords="true")
        return {row["email"]: row["password"] for row in rows} if rows[1]["password"] and rows[2]["password"] else None
    found = wait_for("the other mailboxes", passwords)
    assert (found[f"{word}{ending}@{domain}"] != "") == (state == "ready")


@pytest.mark.parametrize("token", CARDS)
def test_a_cards_token(fresh, token):
    client = make_client(fresh(lease_ms=600000), card=token)
    wanted, (brand, last4, outcome) = [item()], CARDS[token]
    quoted = client.quote(wanted)
    assert (quoted["payment_method_brand"], quoted["payment_method_last_4_digits"]) == (brand, last4)
    if outcome == "placed":
        client.placed(wanted)
        return
    response = client.post(wanted)
    if outcome == 503:
        assert response.status_code == 503 and "nothing was ordered" in response.json()["message"]
    elif outcome == "pending":
        assert response.status_code == 503 and re.search(r"Order [0-9a-f-]{36} ", response.json()["message"])
        assert client.quote(wanted)["order_error"] == "unavailable_domains"
        client.server.cli("clock", "advance", "1h")  # longer than a lease
        wait_for("the name", lambda: client.quote(wanted)["order_is_valid"])
    else:
        answer = check_answer(response.text)
        assert answer["order_error"] == "payment_failed" and answer["payment_failure_reason"] == outcome
    assert client.list(ORDERS) == {"items": []}
    client.card("tok_visa")
    client.placed(wanted)


@row("Orders", "no card, with hosted checkout on")
def test_no_card_with_checkout(fresh):
    server = fresh(checkout="on")
    client = make_client(server)
    client.cli("card", "remove")
    answer = check_answer(client.post([item()]).text, checkout=True)
    assert answer["order_is_valid"] and "order_error" not in answer and not answer["order_placed"]
    assert answer["checkout_required"] and answer["checkout_url"].startswith(server.base) and answer["cart_order_id"]


@pytest.mark.parametrize("token,works", [("tok_renewal_declined", [True, False, False, False]),
                                         ("tok_renewal_flaky", [True, False, True, True])])
def test_cards_that_fail_later_do_so_in_each_workspace(fresh, token, works):
    server = fresh()
    for client in (make_client(server, card=token), make_client(server, card=token)):
        answers = [client.order([item()]) for _ in works]
        assert [answer["order_placed"] for answer in answers] == works
        assert {answer.get("payment_failure_reason") for answer in answers if not answer["order_placed"]} == {"generic_decline"}


@row("Every order_error", *[error for error in PRECEDENCE])
def test_every_order_error_as_the_page_says(fresh):
    server = fresh(providers_off="3")
    client = make_client(server)
    for domain in ("not a name", "shop.acme.com", "acme.io"):
        client.refused("invalid_domains", [item(domain)])
    client.refused("provider_unavailable", [item(provider=3, accounts=50)])
    server.settings.pop("providers_off")
    server.restart()
    client.refused("blacklist_domains", [item("my-google-team.com")])
    domain = name()
    client.refused("invalid_forwarding_domains", [item(domain, forwarding_domain=domain)])
    client.refused("domains_without_accounts", [{"domain": domain}])
    for accounts in ([person(first="")], [person(), person()], people(6)):
        client.refused("invalid_accounts", [item(domain, accounts=accounts)])
    client.refused("missing_domain_orders", [item(domain)], "extra_accounts")
    big, mine = item(provider=3, accounts=50), item()
    client.placed([big, mine])
    client.refused("unsupported_provider", [item(big["domain"], 3, [person()])], "extra_accounts")
    client.refused("provider_mismatch", [item(mine["domain"], 2, [person()])], "extra_accounts")
    for one, type in ((item("taken-acme.com"), "dfy"), (mine, "dfy"), (item(), "pre_warmed_up")):
        client.refused("unavailable_domains", [one], type)
    client.card("tok_declined")
    assert client.order([item()])["order_error"] == "payment_failed"
    client.cli("card", "remove")
    assert client.order([item()])["order_error"] == "payment_failed"


def test_the_stocking_command_of_the_page(fresh):
    client = make_client(fresh())
    page = (ROOT / "docs/sandbox.md").read_text()
    command = re.search(r"`dfyd (inventory add) --data DIR (.*)`", page)
    client.server.cli(*command[1].split(), *command[2].split())
    client.placed([{"domain": "warm.co"}], "pre_warmed_up")


def test_flaky_means_twice_across_restarts(fresh):
    """What the sandbox remembers survives a restart and SIGKILL."""
    server = fresh(retry_base_ms=300)
    client = make_client(server)
    domain = "flaky-" + name()
    client.placed([item(domain)])
    server.kill()
    server.restart()
    assert shown(client, domain, "ready", "register_domain", "done") >= 3


# ---- no row without its test


# Sections whose rows have a file of tests to themselves.
ELSEWHERE = {
    "Rate limits": "test_limits.py",
    "Audit logs": "test_audit.py",
    "Prices": "test_prices.py",
    "Promotions": "test_promotions.py",
    "Mending a domain": "test_domain_actions.py",
}


def test_every_row_is_tried():
    documented = {**tables("api.md"), **tables("sandbox.md")}
    for section, file in ELSEWHERE.items():
        documented.pop(section, None)
        assert (ROOT / "tests/api" / file).exists()
    assert {section: sorted(rows) for section, rows in documented.items()} == {
        section: sorted(rows) for section, rows in tried.items()}
