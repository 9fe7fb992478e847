"""Placing orders: the three types, every list, every order_error and reason, which comes first, cards, idempotency keys."""
import threading

import pytest

from conftest import wait_for
from contract import asker, client  # noqa: F401, fixtures
from contract import (LISTS, ORDERS, PRECEDENCE, SCHEMAS, check_answer, check_error, item, make_client, name, people,
                      person)

EMPTY = {field: [] for field in LISTS}


def lists(answer):
    """Those that are not empty."""
    return {field: answer[field] for field in LISTS if answer[field]}


def reasons(answer):
    return [(account["email"], account["reason"]) for account in answer["invalid_accounts"]]


def stock(client, domain, *accounts, provider=1):
    flags = [part for account in accounts for part in ("--account", account)]
    client.server.cli("inventory", "add", "--domain", domain, "--provider", str(provider), *flags)
    return domain


# ---- the answer


def test_the_whole_answer_to_a_good_order(client):
    wanted = item(accounts=[person("Ana.Silva", " Ana ", "Silva")], forwarding_domain="Forge.example.DE")
    expected = {
        "order_placed": False, "order_is_valid": True, **EMPTY, "free_domains": [],
        "number_of_domains_ordered": 1, "number_of_accounts_ordered": 1,
        "price_per_account_per_month": 5, "price_per_domain_per_month": None, "price_per_domain_per_year": 15,
        "total_domains_price_per_year": 15, "total_accounts_price_per_month": 5, "total_price_per_month": 5,
        "total_price_per_year": 15, "total_price": 20, "total_discount": 0,
        "payment_method_last_4_digits": "4242", "payment_method_brand": "visa",
        "payment_method_name_on_card": "Ana Silva", "simulation": True,
        "order_items": [{
            "domain": wanted["domain"],
            "accounts": [{"email_address_prefix": "ana.silva", "first_name": "Ana", "last_name": "Silva"}],
            "email_provider": 1, "forwarding_domain": "forge.example.de", "domain_price": 15, "accounts_price": 5,
            "domain_monthly_price": None, "total_price": 20, "total_discount": 0}],
    }
    assert client.quote([wanted]) == expected
    assert client.placed([wanted]) == {**expected, "order_placed": True, "simulation": False}


def test_text_comes_back_as_it_was_sent(client):
    people_sent = [person("a", 'O"Neil\\', "<b>&amp;"), person("b", "Çağ\u2028", "😀\x01\t.")]
    answer = client.placed([item(accounts=people_sent)])
    assert answer["order_items"][0]["accounts"] == people_sent
    assert [(row["first_name"], row["last_name"]) for row in client.all(ORDERS + "/accounts")] == [
        (one["first_name"], one["last_name"]) for one in people_sent]


def test_a_simulation_places_and_charges_nothing(client):
    wanted = [item()]
    for _ in range(3):
        answer = client.quote(wanted)
        assert answer["order_is_valid"] and not answer["order_placed"]
    assert client.list(ORDERS) == {"items": []}
    client.card("tok_declined")
    assert client.quote(wanted)["order_is_valid"], "the card is not tried"


def test_forwarding_is_absent_when_there_is_none(client):
    for none in ({}, {"forwarding_domain": ""}, {"forwarding_domain": "  "}):
        assert "forwarding_domain" not in client.quote([item(**none)])["order_items"][0]


# ---- each list and error


def broken(client):
    """What breaks each rule alone: error -> (order type, items, what its list holds)."""
    mine, big, bad = item(), item(provider=3, accounts=50), name()
    client.placed([mine, big])
    return {
        "invalid_domains": ("dfy", [item("not a name")], ["not a name"]),
        "blacklist_domains": ("dfy", [item("my-google-shop.com")], ["my-google-shop.com"]),
        "invalid_forwarding_domains": ("dfy", [item(bad, forwarding_domain="nowhere")], ["nowhere"]),
        "domains_without_accounts": ("dfy", [item(bad, accounts=[])], [bad]),
        "invalid_accounts": ("dfy", [item(bad, accounts=[person(first="")])], [
            {"domain": bad, "first_name": "", "last_name": "Silva", "email": f"ana@{bad}",
             "reason": "First name is required"}]),
        "missing_domain_orders": ("extra_accounts", [item(bad)], [bad]),
        "unsupported_provider": ("extra_accounts", [item(big["domain"], 3, [person()])], [big["domain"]]),
        "provider_mismatch": ("extra_accounts", [item(mine["domain"], 2, [person()])], [mine["domain"]]),
        "unavailable_domains": ("dfy", [item("taken-" + bad)], ["taken-" + bad]),
    }


LIST_OF = {"unsupported_provider": "unsupported_provider_domains", "provider_mismatch": "provider_mismatch_domains"}


def test_every_error_and_its_list(client):
    for error, (type, items, listed) in broken(client).items():
        answer = client.refused(error, items, type)
        assert not answer["order_is_valid"] and lists(answer) == {LIST_OF.get(error, error): listed}
        assert answer["order_items"] == [] and answer["total_price"] == 0
        assert answer.get("blacklist_keywords") == (["google"] if error == "blacklist_domains" else None)


def test_the_enum_has_no_other_values():
    assert set(SCHEMAS["order_answer"]["properties"]["order_error"]["enum"]) == set(PRECEDENCE)


@pytest.mark.parametrize("off", ["1", "2", "3", "1,3"])
def test_provider_unavailable(fresh, off):
    client = make_client(fresh(providers_off=off))
    for provider in (1, 2, 3):
        wanted = [item(provider=provider, accounts=50 if provider == 3 else 1)]
        if str(provider) in off:
            assert lists(client.refused("provider_unavailable", wanted)) == {"unavailable_email_providers": [provider]}
        else:
            client.placed(wanted)
    everything = [item(provider=p, accounts=50 if p == 3 else 1) for p in (3, 1, 2, 3, 1)]
    answer = client.refused("provider_unavailable", everything)
    assert answer["unavailable_email_providers"] == [int(p) for p in off.split(",")]
    pre_warmed = stock(client, name("co"), "ana,Ana,Silva", provider=1)
    if "1" in off:
        answer = client.refused("provider_unavailable", [{"domain": pre_warmed, "email_provider": 2}], "pre_warmed_up")
        assert lists(answer) == {"unavailable_email_providers": [1]}


def test_what_the_mail_host_does_not_serve_is_off(fresh):
    """The own mail host is provider 2 alone, whatever the settings say."""
    client = make_client(fresh(mailbox="mailhost", mailhost_name="mx.dfy.test", mailhost_imap="127.0.0.1:1",
                               mailhost_submission="127.0.0.1:1"))
    for provider in (1, 3):
        wanted = [item(provider=provider, accounts=50 if provider == 3 else 1)]
        assert lists(client.refused("provider_unavailable", wanted)) == {"unavailable_email_providers": [provider]}
    assert client.quote([item(provider=2)])["order_is_valid"]


@pytest.mark.parametrize("domain", [
    "", " ", "com", "acme", "a.b.acme.com", "www.acme.com", "https://acme.com", "acme.com/", "ac me.com", "acme..com",
    "-acme.com", "acme-.com", "acme_x.com", "a" * 64 + ".com", "127.0.0.1", "acme.zzz", "ana@acme.com", "acme.com:80",
    "xn--a.com", "*.acme.com", ".acme.com", "acme.io", "acme.net", "acme.co", "acme.co.uk", "acme.com.br", "acm\u2024.com"])
def test_invalid_domains_of_new_orders(asker, domain):
    assert asker.refused("invalid_domains", [item(domain) | {"domain": domain}])["invalid_domains"] == [domain]


@pytest.mark.parametrize("type,sold", [("dfy", ["com", "org"]), ("pre_warmed_up", ["com", "org", "co"]),
                                       ("extra_accounts", ["com", "org", "co"])])
def test_extensions(asker, type, sold):
    for extension in ("com", "org", "co", "net", "io", "info"):
        domain = name(extension)
        answer = asker.quote([item(domain)], type)
        assert (answer["invalid_domains"] == []) == (extension in sold)


def test_names_are_understood(client):
    domain = name()
    answer = client.quote([item(domain.upper() + ".", forwarding_domain="WWW.Bücher.example.")])
    assert answer["order_items"][0]["domain"] == domain
    assert answer["order_items"][0]["forwarding_domain"] == "www.xn--bcher-kva.example"
    assert client.quote([item("bücher-ct.com")])["order_items"][0]["domain"] == "xn--bcher-ct-65a.com"


def test_listed_twice(client):
    domain = name()
    answer = client.refused("invalid_domains", [item(domain), item(domain.upper()), item()])
    assert lists(answer) == {"invalid_domains": [domain]}
    assert len(answer["order_items"]) == 2, "the first of the two, and the other domain"


def test_an_order_of_nothing(client):
    for type in ("dfy", "pre_warmed_up", "extra_accounts"):
        answer = client.refused("invalid_domains", [], type)
        assert lists(answer) == {} and answer["order_items"] == [] and answer["total_price"] == 0


def test_unavailable_domains(client):
    mine, stocked = item(), name()
    client.placed([mine])
    stock(client, stocked, "ana,Ana,Silva")
    taken = "taken-" + name()
    wanted = [mine, item(stocked), item(taken), item()]
    answer = client.refused("unavailable_domains", wanted)
    assert lists(answer) == {"unavailable_domains": [mine["domain"], stocked, taken]}
    other = make_client(client.server)
    assert lists(other.refused("unavailable_domains", [mine])) == {"unavailable_domains": [mine["domain"]]}
    answer = client.refused("unavailable_domains", [{"domain": mine["domain"]}, {"domain": name("co")}], "pre_warmed_up")
    assert len(answer["unavailable_domains"]) == 2


def test_blacklist_keywords(client):
    answer = client.refused("blacklist_domains", [
        item("my-google-a.com"), item("my-google-b.com"), item("apple-pie-ct.org"), item("listed-on-a-blocklist.com")])
    assert answer["blacklist_domains"] == ["my-google-a.com", "my-google-b.com", "apple-pie-ct.org",
                                           "listed-on-a-blocklist.com"]
    assert answer["blacklist_keywords"] == ["google", "apple"]
    assert "blacklist_keywords" not in client.refused("blacklist_domains", [item("listed-on-a-blocklist.com")])
    assert client.quote([item("pineapples-ct.com")])["order_is_valid"], "a short word counts alone"


@pytest.mark.parametrize("forwarding", ["nowhere", "http://acme.com", "acme.com/x", "acme.com:80", "ana@acme.com", "1.2.3.4",
                                        "-a.com", "a_b.com", "a..b", "ac me.com"])
def test_invalid_forwarding_domains(asker, forwarding):
    answer = asker.refused("invalid_forwarding_domains", [item(forwarding_domain=forwarding)])
    assert lists(answer) == {"invalid_forwarding_domains": [forwarding]}


def test_forwarding_to_itself(asker):
    domain = name()
    for same in (domain, domain.upper(), domain + "."):
        answer = asker.refused("invalid_forwarding_domains", [item(domain, forwarding_domain=same)])
        assert answer["invalid_forwarding_domains"] == [same]
    assert asker.quote([item(domain, forwarding_domain="www." + domain)])["order_is_valid"]


def test_every_type_refuses_a_bad_forwarding(client):
    mine = item()
    client.placed([mine])
    warm = stock(client, name("co"), "ana,Ana,Silva")
    bad = {"forwarding_domain": "nowhere"}
    client.refused("invalid_forwarding_domains", [{"domain": warm, **bad}], "pre_warmed_up")
    client.refused("invalid_forwarding_domains", [item(mine["domain"], accounts=[person()], **bad)], "extra_accounts")


# ---- the eight reasons


def test_reasons_of_new_accounts(client):
    domain = name()
    accounts = [person("ana", " "), person("bo", "Bo", ""), person(" ", "Cy", "Cy"), person("d d", "Di", "Di"), person("ed"),
                person("ED")]
    answer = client.refused("invalid_accounts", [item(domain, accounts=accounts)])
    assert reasons(answer) == [
        (f"ana@{domain}", "First name is required"), (f"bo@{domain}", "Last name is required"),
        (f" @{domain}", "Email address prefix is required"), (f"d d@{domain}", "Email address prefix is invalid"),
        (f"ed@{domain}", "Duplicate email address")]
    assert answer["invalid_accounts"][0]["first_name"] == "" and answer["invalid_accounts"][1]["last_name"] == ""
    assert all(account["domain"] == domain for account in answer["invalid_accounts"])


@pytest.mark.parametrize("provider", [1, 2])
def test_more_than_five(asker, provider):
    domain = name()
    answer = asker.refused("invalid_accounts", [item(domain, provider, 7)])
    assert reasons(answer) == [(f"p{i}@{domain}", "A domain can have at most 5 accounts") for i in (5, 6)]
    assert asker.quote([item(domain, provider, 5)])["order_is_valid"]


@pytest.mark.parametrize("count,fine", [(1, False), (49, False), (50, True), (99, True), (100, True)])
def test_microsoft_needs_50_to_100(asker, count, fine):
    domain = name()
    answer = asker.quote([item(domain, 3, count)])
    if fine:
        assert answer["order_is_valid"] and answer["number_of_accounts_ordered"] == count
    else:
        assert answer["order_error"] == "invalid_accounts" and reasons(answer) == [
            (f"p{i}@{domain}", "A Microsoft domain needs 50 to 100 accounts") for i in range(count)]


def test_reasons_of_extra_accounts(client):
    mine = item(accounts=3)
    client.placed([mine])
    domain = mine["domain"]
    extra = [person("P1"), person("new"), person("new"), person("x", ""), person("y")]
    answer = client.refused("invalid_accounts", [item(domain, accounts=extra)], "extra_accounts")
    assert reasons(answer) == [
        (f"p1@{domain}", "Email address already exists"), (f"new@{domain}", "Duplicate email address"),
        (f"x@{domain}", "First name is required"), (f"y@{domain}", "A domain can have at most 5 accounts")]
    client.placed([item(domain, accounts=people(2, start=3))], "extra_accounts")
    answer = client.refused("invalid_accounts", [item(domain, accounts=[person()])], "extra_accounts")
    assert reasons(answer) == [(f"ana@{domain}", "A domain can have at most 5 accounts")]


@pytest.mark.parametrize("prefix,fine", [
    ("a", True), ("A.b_c-d", True), ("1", True), ("a" * 64, True), ("a" * 65, False), (".a", False), ("a.", False),
    ("a..b", False), ("-a", False), ("a-", False), ("_a", False), ("a+b", False), ("a@b", False), ("é", False),
    (" a", False), ("a\n", False), ('"a"', False)])
def test_prefixes(asker, prefix, fine):
    domain = name()
    answer = asker.quote([item(domain, accounts=[person(prefix)])])
    if fine:
        assert answer["order_items"][0]["accounts"][0]["email_address_prefix"] == prefix.lower()
    else:
        assert reasons(answer) == [(f"{prefix}@{domain}", "Email address prefix is invalid")]


# ---- extra accounts


def test_extra_accounts_need_an_own_domain(client):
    theirs, never = item(), name()
    make_client(client.server).placed([theirs])
    failed = "refused-" + name()
    client.placed([item(failed)])
    wanted = [item(theirs["domain"]), item(never), item(failed, accounts=[person()])]
    wait_for("the end of the refused domain",
             lambda: failed in client.quote(wanted, "extra_accounts")["missing_domain_orders"])
    answer = client.refused("missing_domain_orders", wanted, "extra_accounts")
    assert lists(answer) == {"missing_domain_orders": [theirs["domain"], never, failed]}


def test_extra_accounts_on_a_pre_warmed_domain(client):
    domain = stock(client, name("co"), "ana,Ana,Silva", provider=2)
    client.placed([{"domain": domain}], "pre_warmed_up")
    answer = client.placed([item(domain, 2, [person("bo")])], "extra_accounts")
    assert answer["total_price"] == 4 and answer["number_of_domains_ordered"] == 0
    rows = {row["email"]: row for row in client.all(ORDERS + "/accounts")}
    assert {email: row["is_pre_warmed_up"] for email, row in rows.items()} == {f"ana@{domain}": True, f"bo@{domain}": False}
    assert len(client.list(ORDERS)["items"]) == 1, "still one domain"


def test_extra_accounts_as_another_provider(client):
    mine, big = item(provider=2), item(provider=3, accounts=50)
    client.placed([mine, big])
    for provider in (1, 3):
        answer = client.refused("provider_mismatch", [item(mine["domain"], provider, [person()])], "extra_accounts")
        assert lists(answer) == {"provider_mismatch_domains": [mine["domain"]]}
    answer = client.refused("unsupported_provider", [item(big["domain"], 1, [person()])], "extra_accounts")
    assert lists(answer) == {"unsupported_provider_domains": [big["domain"]],
                             "provider_mismatch_domains": [big["domain"]]}


# ---- pre-warmed


def test_pre_warmed_domains_bring_their_own(client):
    for provider, extension in ((1, "com"), (2, "org"), (3, "co")):
        accounts = [f"u{i},U{i},V{i}" for i in range(50 if provider == 3 else 2)]
        domain = stock(client, name(extension), *accounts, provider=provider)
        wanted = {"domain": domain, "email_provider": 3 - provider % 2, "accounts": [person("", "", "")] * 100}
        answer = client.placed([wanted], "pre_warmed_up")
        assert answer["order_items"][0]["email_provider"] == provider
        assert [one["email_address_prefix"] for one in answer["order_items"][0]["accounts"]] == [
            line.split(",")[0] for line in accounts]
        row = client.list(ORDERS)["items"][0]
        assert row["domain"] == domain and row["is_pre_warmed_up"] is True
        client.refused("unavailable_domains", [wanted], "pre_warmed_up")


def test_a_sold_domain_cannot_be_stocked(client):
    mine = item()
    client.placed([mine])
    added = client.server.run("inventory", "add", "--domain", mine["domain"], "--provider", "1", "--account", "a,A,B")
    assert added.returncode == 1 and mine["domain"] in added.stderr
    client.refused("unavailable_domains", [{"domain": mine["domain"]}], "pre_warmed_up")


# ---- which comes first


def test_one_item_that_breaks_many_rules(fresh):
    client = make_client(fresh(providers_off="3"))
    bad = {"domain": "my-google.net", "email_provider": 3, "forwarding_domain": "my-google.net", "accounts": []}
    full = {"invalid_domains": ["my-google.net"], "unavailable_email_providers": [3],
            "blacklist_domains": ["my-google.net"], "invalid_forwarding_domains": ["my-google.net"],
            "domains_without_accounts": ["my-google.net"]}
    assert lists(client.refused("invalid_domains", [bad])) == full

    bad.update(domain="my-google.com", forwarding_domain="my-google.com")
    del full["invalid_domains"]
    full = {field: [3] if field == "unavailable_email_providers" else ["my-google.com"] for field in full}
    assert lists(client.refused("provider_unavailable", [bad])) == full
    assert lists(client.refused("provider_unavailable", [bad], "extra_accounts")) == {
        **full, "missing_domain_orders": ["my-google.com"]}

    bad["email_provider"] = 1
    del full["unavailable_email_providers"]
    assert lists(client.refused("blacklist_domains", [bad])) == full

    domain = "unsure-" + name()
    bad.update(domain=domain, forwarding_domain=domain)
    assert lists(client.refused("invalid_forwarding_domains", [bad])) == {
        "invalid_forwarding_domains": [domain], "domains_without_accounts": [domain]}, "and the registrar is not asked"
    del bad["forwarding_domain"]
    assert lists(client.refused("domains_without_accounts", [bad])) == {"domains_without_accounts": [domain]}
    bad["accounts"] = [person("")]
    answer = client.refused("invalid_accounts", [bad], "extra_accounts")
    assert set(lists(answer)) == {"invalid_accounts", "missing_domain_orders"}


def test_every_pair_of_errors(client):
    """Two items, each breaking one rule, in both orders: the position does not matter, the precedence does."""
    cases = broken(client)
    for type in ("dfy", "extra_accounts"):
        possible = [error for error in PRECEDENCE if error in cases and (
            cases[error][0] == type or error in ("invalid_domains", "blacklist_domains", "domains_without_accounts"))]
        assert len(possible) >= 6
        for i, first in enumerate(possible):
            for second in possible[i + 1:]:
                items = [*cases[first][1], *cases[second][1]]
                if items[0]["domain"] == items[1]["domain"]:
                    items[1] = {**items[1], "domain": "x" + items[1]["domain"]}
                for order in (items, items[::-1]):
                    answer = client.quote(order, type)
                    assert answer["order_error"] == first, (first, second, lists(answer))
                    assert answer[LIST_OF.get(second, second)]


def test_payment_comes_last(client):
    client.card("tok_declined")
    good = item()
    answer = client.refused("unavailable_domains", [good, item("taken-" + name())])
    assert "payment_failure_reason" not in answer
    assert client.order([good])["order_error"] == "payment_failed"


def test_one_bad_item_refuses_all(client):
    good, other = item(accounts=2), item(provider=2)
    answer = client.refused("invalid_domains", [good, item("bad name"), other, item("taken-" + name())])
    assert [one["domain"] for one in answer["order_items"]] == [good["domain"], other["domain"]]
    assert answer["total_price"] == 25 + 19 and answer["number_of_domains_ordered"] == 2
    assert len(answer["unavailable_domains"]) == 1, "later checks run too"
    assert client.list(ORDERS) == {"items": []}
    client.placed([good, other])


def test_each_text_is_listed_once(client):
    bad = item("bad name")
    answer = client.refused("invalid_domains", [bad, bad, bad, item(forwarding_domain="x"), item(forwarding_domain="x")])
    assert answer["invalid_domains"] == ["bad name"] and answer["invalid_forwarding_domains"] == ["x"]


# ---- cards


@pytest.mark.parametrize("token,brand,last4", [("tok_visa", "visa", "4242"), ("tok_mastercard", "mastercard", "4444"),
                                               ("tok_amex", "amex", "0005"), ("tok_lost", "visa", "0101")])
def test_cards_that_pay(client, token, brand, last4):
    client.card(token, "Zoë Ø")
    answer = client.placed([item()])
    assert (answer["payment_method_brand"], answer["payment_method_last_4_digits"],
            answer["payment_method_name_on_card"]) == (brand, last4, "Zoë Ø")


@pytest.mark.parametrize("token,last4,reason", [
    ("tok_declined", "0002", "generic_decline"), ("tok_expired", "0069", "card_expired"),
    ("tok_authenticate", "3155", "authentication_required"),
    ("tok_unsupported", "0000", "payment_method_not_supported")])
def test_cards_that_do_not(client, token, last4, reason):
    client.card(token)
    wanted = [item(accounts=2)]
    answer = client.order(wanted, headers={"Idempotency-Key": "decline"})
    assert answer["order_error"] == "payment_failed" and answer["payment_failure_reason"] == reason
    assert answer["order_is_valid"] and not answer["order_placed"]
    assert answer["payment_method_last_4_digits"] == last4
    assert answer["total_price"] == 25 and len(answer["order_items"]) == 1, "what it would have cost"
    assert client.list(ORDERS) == client.list(ORDERS + "/accounts") == {"items": []}
    replayed = client.post(wanted, headers={"Idempotency-Key": "decline"})
    assert replayed.headers["Idempotency-Replayed"] == "true" and check_answer(replayed.text) == answer
    client.card("tok_visa")
    client.placed(wanted)


def test_no_card(dfyd):
    client = make_client(dfyd, card=None)
    quoted, answer = client.quote([item()]), client.order([item()])
    assert quoted["order_is_valid"] and "order_error" not in quoted
    assert answer["order_error"] == "payment_failed" and "payment_failure_reason" not in answer
    for field in ("last_4_digits", "brand", "name_on_card"):
        assert quoted["payment_method_" + field] == answer["payment_method_" + field] == ""
    client.price(domain_year="0", google_mailbox_month="0")
    assert client.placed([item()])["total_price"] == 0, "what costs nothing needs no card"


# ---- sold once, answered once


def test_a_second_order_of_the_same_domain(client):
    wanted = item()
    client.placed([wanted])
    assert client.refused("unavailable_domains", [wanted])["unavailable_domains"] == [wanted["domain"]]


def test_an_idempotency_key(client):
    wanted, key = [item()], {"Idempotency-Key": "one"}
    first = client.post(wanted, headers=key)
    again = client.post(wanted, headers=key)
    assert "Idempotency-Replayed" not in first.headers and again.headers["Idempotency-Replayed"] == "true"
    assert first.status_code == again.status_code == 200 and first.content == again.content
    assert first.headers["x-request-id"] != again.headers["x-request-id"]
    assert len(client.list(ORDERS)["items"]) == 1
    for items, simulation in ((wanted, True), ([item()], False)):
        check_error(client.post(items, simulation=simulation, headers=key), 422,
                    "This Idempotency-Key came with another body before. Use a new key for another order.")
    other = make_client(client.server)
    assert check_answer(other.post(wanted, headers=key).text)["order_error"] == "unavailable_domains", "keys are the workspace's"
    refusal = client.post(wanted, headers={"Idempotency-Key": "two"})
    again = client.post(wanted, headers={"Idempotency-Key": "two"})
    assert again.headers["Idempotency-Replayed"] == "true" and again.content == refusal.content, "refusals are kept too"


@pytest.mark.parametrize("key,fine", [("x" * 255, True), ("!~", True), ("x" * 256, False), ("", False), ("a b", False),
                                      ("ä", False)])
def test_what_an_idempotency_key_may_be(client, key, fine):
    response = client.post([item()], headers={"Idempotency-Key": key.encode()})
    if fine:
        assert response.json()["order_placed"]
    else:
        check_error(response, 400, "Idempotency-Key must be 1 to 255 visible ASCII characters, no spaces")


def test_an_idempotency_key_outlives_the_server(fresh):
    server = fresh()
    client = make_client(server)
    wanted, key = [item()], {"Idempotency-Key": "one"}
    first = client.post(wanted, headers=key)
    server.restart()
    again = client.post(wanted, headers=key)
    assert again.headers["Idempotency-Replayed"] == "true" and again.content == first.content


def test_an_order_whose_payment_is_not_known_yet(fresh):
    """Its key answers 409 until it is settled, its names are held, and it shows in no list."""
    client = make_client(fresh(lease_ms=600000), card="tok_silent")  # the clock has to go on before anybody asks again
    wanted, key = [item()], {"Idempotency-Key": "one"}
    first = client.post(wanted, headers=key)
    assert first.status_code == 503 and first.headers["Retry-After"]
    assert "not known yet" in first.json()["message"] and "same Idempotency-Key" in first.json()["message"]
    check_error(client.post(wanted, headers=key), 409,
                "The first request with this Idempotency-Key is still running. Send it again a little later.")
    assert client.quote(wanted)["unavailable_domains"] == [wanted[0]["domain"]]
    assert client.list(ORDERS) == {"items": []}
    client.card("tok_visa")
    client.server.cli("clock", "advance", "1h")

    def answered():
        response = client.post(wanted, headers=key)
        return response if response.status_code != 409 else None
    assert check_answer(wait_for("an answer under the key", answered).text)["order_placed"]


def test_a_domain_is_sold_once_to_many_at_once(client):
    buyers = [client] + [make_client(client.server) for _ in range(3)]
    wanted, answers = [item()], []
    threads = [threading.Thread(target=lambda b=buyers[i % 4]: answers.append(b.order(wanted))) for i in range(16)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert sorted(a.get("order_error", "placed") for a in answers) == ["placed"] + ["unavailable_domains"] * 15
    assert sum(len(buyer.list(ORDERS)["items"]) for buyer in buyers) == 1
