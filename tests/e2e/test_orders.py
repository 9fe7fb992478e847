"""Orders as clients meet them, from request to mailbox, against a running server with sandbox drivers."""
import itertools
import re
import threading

import pytest

EMPTY_LISTS = ["unavailable_domains", "blacklist_domains", "invalid_domains", "invalid_forwarding_domains",
               "invalid_accounts", "missing_domain_orders", "provider_mismatch_domains", "unsupported_provider_domains",
               "unavailable_email_providers", "domains_without_accounts", "free_domains"]
numbers = itertools.count(1)


def name(extension="com"):
    return f"e2e-{next(numbers)}.{extension}"


def people(count):
    return [{"email_address_prefix": f"p{i}", "first_name": f"First{i}", "last_name": f"Last{i}"} for i in range(count)]


def item(domain=None, provider=1, count=1, **more):
    return {"domain": domain or name(), "email_provider": provider, "accounts": people(count), **more}


def refused(answer, error):
    assert answer["order_error"] == error, answer
    assert not answer["order_placed"]
    return answer


def test_a_dfy_order_from_quote_to_mailboxes(dfyd):
    items = [item(provider=1, count=2, forwarding_domain="home.net"), item(name("org"), provider=2, count=3)]
    quote = dfyd.order(items, simulation=True)
    placed = dfyd.order(items)
    assert placed.pop("order_placed") and not quote.pop("order_placed")
    assert quote.pop("simulation") and not placed.pop("simulation")
    assert quote == placed, "a simulation quotes what the order then costs"

    assert placed["order_is_valid"] and "order_error" not in placed and "payment_failure_reason" not in placed
    assert [placed[field] for field in EMPTY_LISTS] == [[]] * len(EMPTY_LISTS)
    assert placed["number_of_domains_ordered"] == 2 and placed["number_of_accounts_ordered"] == 5
    assert placed["price_per_account_per_month"] is None
    assert placed["price_per_account_per_month_by_account_type"] == {"1": 5, "2": 4}
    assert placed["price_per_domain_per_month"] is None and placed["price_per_domain_per_year"] == 15
    assert placed["total_domains_price_per_year"] == placed["total_price_per_year"] == 30
    assert placed["total_accounts_price_per_month"] == placed["total_price_per_month"] == 22
    assert placed["total_price"] == 52 and placed["total_discount"] == 0
    assert placed["payment_method_last_4_digits"] == "4242" and placed["payment_method_brand"] == "visa"
    first, second = placed["order_items"]
    assert first == {"domain": items[0]["domain"], "accounts": items[0]["accounts"], "email_provider": 1,
                     "forwarding_domain": "home.net", "domain_price": 15, "accounts_price": 10,
                     "domain_monthly_price": None, "total_price": 25, "total_discount": 0}
    assert "forwarding_domain" not in second and second["total_price"] == 27

    for asked in items:
        accounts = dfyd.wait_accounts(len(asked["accounts"]), domain=asked["domain"])
        for account in accounts:
            assert account["email_provider"] == asked["email_provider"] and not account["is_pre_warmed_up"]
            assert account["timestamp_cancelled"] == "" and re.fullmatch(r"[A-Za-z0-9]{20}", account["password"])
            assert re.fullmatch(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z", account["timestamp_created"])
        assert len({a["password"] for a in accounts}) == len(accounts)


def test_a_microsoft_order(dfyd):
    answer = dfyd.order([item(provider=3, count=50)])
    assert answer["order_placed"]
    assert answer["price_per_account_per_month"] == 0 and answer["price_per_domain_per_month"] == 20
    assert answer["total_accounts_price_per_month"] == 20 and answer["total_price"] == 35
    assert answer["order_items"][0]["domain_monthly_price"] == 20 and answer["order_items"][0]["accounts_price"] == 0
    dfyd.wait_accounts(50, domain=answer["order_items"][0]["domain"])


def test_a_pre_warmed_order(dfyd):
    domain = name("co")
    dfyd.cli("inventory", "add", "--domain", domain, "--provider", "2", "--account", "anna,Anna,Berg",
             "--account", "olaf,Olaf,Dahl")
    wanted = [{"domain": domain, "forwarding_domain": "home.net"}]
    quote = dfyd.order(wanted, type="pre_warmed_up", simulation=True)
    assert quote["order_is_valid"] and quote["total_price"] == 15 + 2 * 10
    assert quote["order_items"][0]["email_provider"] == 2
    assert [a["email_address_prefix"] for a in quote["order_items"][0]["accounts"]] == ["anna", "olaf"]
    assert dfyd.order(wanted, type="pre_warmed_up")["order_placed"]
    accounts = dfyd.wait_accounts(2, domain=domain)
    assert all(a["is_pre_warmed_up"] for a in accounts)
    refused(dfyd.order(wanted, type="pre_warmed_up"), "unavailable_domains")


def test_extra_accounts(dfyd):
    first = item(count=2)
    assert dfyd.order([first])["order_placed"]
    dfyd.wait_accounts(2, domain=first["domain"])
    more = {"domain": first["domain"], "email_provider": 1, "accounts": [
        {"email_address_prefix": "new", "first_name": "New", "last_name": "One"}]}
    answer = dfyd.order([more], type="extra_accounts")
    assert answer["order_placed"] and answer["total_price"] == 5 and answer["price_per_domain_per_year"] == 0
    assert len(dfyd.wait_accounts(3, domain=first["domain"])) == 3

    again = refused(dfyd.order([more], type="extra_accounts"), "invalid_accounts")
    assert again["invalid_accounts"] == [{"domain": first["domain"], "first_name": "New", "last_name": "One",
                                          "email": f"new@{first['domain']}", "reason": "Email address already exists"}]
    full = refused(dfyd.order([{"domain": first["domain"], "accounts": [
        {"email_address_prefix": f"x{i}", "first_name": "X", "last_name": "Y"} for i in range(3)]}],
        type="extra_accounts"), "invalid_accounts")
    assert [a["reason"] for a in full["invalid_accounts"]] == ["A domain can have at most 5 accounts"]


@pytest.mark.parametrize("error,items,order_type,field,values", [
    ("invalid_domains", [{"domain": "not a name"}], "dfy", "invalid_domains", ["not a name"]),
    ("invalid_domains", [{"domain": "shop.io"}], "dfy", "invalid_domains", ["shop.io"]),
    ("invalid_domains", [{"domain": "a.shop.com"}], "dfy", "invalid_domains", ["a.shop.com"]),
    ("blacklist_domains", [{"domain": "example.com"}], "dfy", "blacklist_domains", ["example.com"]),
    ("invalid_forwarding_domains", [{"domain": "fwd-x.com", "forwarding_domain": "fwd-x.com"}], "dfy",
     "invalid_forwarding_domains", ["fwd-x.com"]),
    ("domains_without_accounts", [{"domain": "empty-x.com"}], "dfy", "domains_without_accounts", ["empty-x.com"]),
    ("missing_domain_orders", [{"domain": "never-x.com", "accounts": people(1)}], "extra_accounts",
     "missing_domain_orders", ["never-x.com"]),
    ("unavailable_domains", [{"domain": "taken-x.com", "accounts": people(1)}], "dfy", "unavailable_domains",
     ["taken-x.com"]),
    ("unavailable_domains", [{"domain": "unstocked-x.com"}], "pre_warmed_up", "unavailable_domains",
     ["unstocked-x.com"]),
])
def test_refusals_name_the_domain(dfyd, error, items, order_type, field, values):
    answer = refused(dfyd.order(items, type=order_type), error)
    assert not answer["order_is_valid"] and answer[field] == values
    assert answer["order_items"] == [] and answer["total_price"] == 0


def test_unsupported_provider_and_mismatch(dfyd):
    microsoft, google = item(provider=3, count=50), item(provider=1)
    assert dfyd.order([microsoft, google])["order_placed"]
    other = [{"email_address_prefix": "other", "first_name": "O", "last_name": "P"}]
    answer = refused(dfyd.order([{"domain": microsoft["domain"], "email_provider": 3, "accounts": other}],
                                type="extra_accounts"), "unsupported_provider")
    assert answer["unsupported_provider_domains"] == [microsoft["domain"]]
    answer = refused(dfyd.order([{"domain": google["domain"], "email_provider": 2, "accounts": other}],
                                type="extra_accounts"), "provider_mismatch")
    assert answer["provider_mismatch_domains"] == [google["domain"]]


def test_provider_unavailable(fresh):
    server = fresh(providers_off="3")
    answer = refused(server.order([item(provider=3, count=50)]), "provider_unavailable")
    assert answer["unavailable_email_providers"] == [3]


@pytest.mark.parametrize("token,reason", [
    ("tok_declined", "generic_decline"), ("tok_expired", "card_expired"),
    ("tok_authenticate", "authentication_required"), ("tok_unsupported", "payment_method_not_supported")])
def test_declined_cards_sell_nothing(fresh, token, reason):
    server = fresh()
    server.cli("card", "set", "--workspace", "default", "--token", token, "--name", "Jane Doe")
    wanted = [item()]
    answer = refused(server.order(wanted), "payment_failed")
    assert answer["order_is_valid"] and answer["payment_failure_reason"] == reason
    assert server.request("GET", "/api/v2/dfy-email-account-orders").json() == {"items": []}
    server.cli("card", "set", "--workspace", "default", "--token", "tok_visa", "--name", "Jane Doe")
    assert server.order(wanted)["order_placed"], "the name was given back"


def test_no_card(fresh):
    server = fresh()
    server.cli("card", "remove", "--workspace", "default")
    answer = refused(server.order([item()]), "payment_failed")
    assert answer["order_is_valid"] and "payment_failure_reason" not in answer
    assert answer["payment_method_last_4_digits"] == answer["payment_method_brand"] == ""


def test_one_bad_item_refuses_all_and_the_rest_is_quoted(dfyd):
    good = item(count=2)
    answer = refused(dfyd.order([good, {"domain": "example.com"}]), "blacklist_domains")
    assert [i["domain"] for i in answer["order_items"]] == [good["domain"]] and answer["total_price"] == 25
    assert answer["domains_without_accounts"] == ["example.com"], "all checks fill their lists"
    assert dfyd.order([good])["order_placed"], "nothing was held"


def test_sold_once_among_many_clients(dfyd):
    wanted, answers = [item()], []
    threads = [threading.Thread(target=lambda: answers.append(dfyd.order(wanted))) for _ in range(24)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert sorted(a.get("order_error", "placed") for a in answers) == ["placed"] + ["unavailable_domains"] * 23


def test_idempotency_key(dfyd):
    wanted, headers = [item()], {"Idempotency-Key": "e2e-1"}
    first = dfyd.post_order(wanted, headers=headers)
    again = dfyd.post_order(wanted, headers=headers)
    assert first.status_code == again.status_code == 200 and first.content == again.content
    assert "Idempotency-Replayed" not in first.headers and again.headers["Idempotency-Replayed"] == "true"
    other = dfyd.post_order([item()], headers=headers)
    assert other.status_code == 422 and other.json()["error"] == "Unprocessable Entity"
    assert dfyd.post_order(wanted, headers={"Idempotency-Key": "e2e-2"}).json()["order_error"] == "unavailable_domains"


def test_idempotency_under_many_copies(dfyd):
    wanted, statuses = [item()], []
    def send():
        statuses.append(dfyd.post_order(wanted, headers={"Idempotency-Key": "e2e-many"}))
    threads = [threading.Thread(target=send) for _ in range(24)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert {r.status_code for r in statuses} <= {200, 409}
    assert {r.json()["order_placed"] for r in statuses if r.status_code == 200} == {True}


def test_a_refused_registration_ends_failed_with_its_reason(dfyd):
    bad, good = item(f"refused-{name()}"), item()
    assert dfyd.order([bad, good])["order_placed"]
    dfyd.wait_accounts(1, domain=good["domain"])
    shown = dfyd.wait_order(bad["domain"], "failed")
    assert "register_domain" in shown and "skipped" in shown
    accounts = [a for a in dfyd.accounts() if a["domain"] == bad["domain"]]
    assert [a["password"] for a in accounts] == [""]


@pytest.mark.parametrize("prefix", ["flaky", "flakydns", "lost"])
def test_unclear_answers_are_tried_again(dfyd, prefix):
    wanted = item(f"{prefix}-{name()}", count=2)
    assert dfyd.order([wanted])["order_placed"]
    dfyd.wait_accounts(2, domain=wanted["domain"])


def test_one_silent_mailbox_does_not_hold_up_the_others(dfyd):
    domain = name()
    accounts = [{"email_address_prefix": p, "first_name": "A", "last_name": "B"} for p in ("silent", "anna", "refused", "lost")]
    assert dfyd.order([{"domain": domain, "accounts": accounts}])["order_placed"]
    ready = dfyd.wait_accounts(2, domain=domain)
    assert sorted(a["email"] for a in ready) == [f"anna@{domain}", f"lost@{domain}"]
    dfyd.wait_order(domain, "failed")
    dfyd.wait_order(domain, "retrying")


def test_lists_page_newest_first(fresh):
    server = fresh()
    domains = [name() for _ in range(7)]
    for domain in domains:
        assert server.order([item(domain, count=2)])["order_placed"]
    seen, cursor = [], ""
    for size in (3, 3, 1):
        page = server.request("GET", f"/api/v2/dfy-email-account-orders?limit=3{cursor}").json()
        assert len(page["items"]) == size
        seen += [row["domain"] for row in page["items"]]
        cursor = f"&starting_after={page.get('next_starting_after')}"
    assert seen == domains[::-1] and "next_starting_after" not in page
    row = server.request("GET", "/api/v2/dfy-email-account-orders?limit=1").json()["items"][0]
    assert set(row) == {"workspace_id", "domain", "timestamp_created", "forwarding_domain", "forwarding_mode",
                        "is_pre_warmed_up", "timestamp_cancelled"}

    page = server.request("GET", "/api/v2/dfy-email-account-orders/accounts?limit=10").json()
    assert re.fullmatch(r"[0-9a-f-]{36}:.+", page["next_starting_after"])
    assert "password" not in page["items"][0]
    rest = server.request("GET", "/api/v2/dfy-email-account-orders/accounts?limit=10&starting_after="
                          + page["next_starting_after"]).json()
    emails = [a["email"] for a in page["items"] + rest["items"]]
    assert len(emails) == len(set(emails)) == 14


def test_workspaces_do_not_see_each_other(dfyd):
    dfyd.cli("workspace", "create", "--name", "other")
    key = dfyd.cli("key", "create", "--workspace", "other", "--scope", "all:all").strip()
    theirs = {"Authorization": f"Bearer {key}"}
    assert dfyd.request("GET", "/api/v2/dfy-email-account-orders", headers=theirs).json() == {"items": []}
    mine = item()
    assert dfyd.order([mine])["order_placed"]
    extra = {"domain": mine["domain"], "accounts": people(1)}
    answer = dfyd.post_order([extra], type="extra_accounts", headers=theirs).json()
    assert answer["order_error"] == "missing_domain_orders"
