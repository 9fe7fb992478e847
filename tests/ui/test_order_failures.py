"""Ordering in the browser when something is wrong: each reason beside its field, each card, lost answers, prices that change."""
import pytest

from selenium.webdriver import ActionChains

from conftest import rows
from console import browser, console, make_console, workspace  # noqa: F401, fixtures
from test_order import brand, headers, mailboxes, ordering, pick_name, type_person, wait_placed  # noqa: F401, fixtures

SHARED_CARDS = {"tok_declined": "The bank declined the card", "tok_expired": "The card has expired",
                "tok_authenticate": "The bank wants to see the cardholder", "tok_unsupported": "This kind of card is not taken here"}


def person(prefix="ada"):
    return {"email_address_prefix": prefix, "first_name": "Ada", "last_name": "Lovelace"}


def take(console, domain):
    """Somebody else buys the name."""
    assert console.server.order([{"domain": domain, "accounts": [person()]}])["order_placed"]


def fill(console, domain=None):
    """One domain, one person; ready to be placed."""
    domain = domain or f"{brand()}.com"
    pick_name(console, domain)
    type_person(console, 1, "Ada", "Lovelace")
    console.see("Due now $20.00")
    return domain


def payments(console):
    return console.server.request("GET", "/api/dfyd/v1/payments", headers=headers(console)).json()["items"]


def workspace_name(console):
    return console.server.request("GET", "/api/v2/workspaces/current", headers=headers(console)).json()["name"]


def pay_with(console, card):
    console.server.cli("card", "set", "--workspace", workspace_name(console), "--token", card, "--name", "Jane Doe")


def n_orders(console, domain):
    """How many orders there ever were of a domain, whatever became of them."""
    return rows(console.server, "SELECT COUNT(DISTINCT order_id) FROM domains WHERE name = ?", domain)[0][0]


# ---- names

def test_a_protected_brand_is_refused_beside_its_field(ordering):
    ordering.allowed.add(400)
    ordering.type("Brand or website", "google")
    ordering.click("Find free names")
    assert 'contains a restricted keyword: "google"' in ordering.error_of("Brand or website")
    ordering.shot("order-brand-refused")
    ordering.type("Brand or website", "no name.at all")
    ordering.click("Find free names")
    assert "is not a domain name" in ordering.error_of("Brand or website")
    ordering.type("Brand or website", "")
    ordering.click("Find free names")
    assert "Write the name of the brand" in ordering.error_of("Brand or website")
    assert ordering.focused() == "Brand or website"


def test_own_names_that_are_not_free_say_why_and_the_others_are_added(ordering):
    name = brand()
    ordering.type("Names you have in mind optional", f"{name}.com, taken-{name}.com my-google-{name}.org {name}.io")
    ordering.click("Check and add")
    said = ordering.error_of("Names you have in mind optional")
    assert f"taken-{name}.com: Somebody has it already" in said
    assert f"my-google-{name}.org: Holds the protected word “google”" in said
    assert f"{name}.io: Not a name that is sold here" in said
    ordering.see("Chosen (1)")
    ordering.button(f"Remove {name}.com")
    ordering.shot("order-names-refused")


def test_a_name_that_was_taken_meanwhile_is_said_beside_it(ordering):
    name = fill(ordering)
    take(ordering, name)
    ordering.click("Place order for $20.00")
    ordering.see("Nothing was placed or charged", "No longer free: somebody has it", "1 thing has to be mended")
    ordering.wait("the focus on what is wrong", lambda: ordering.focused() == f"Remove {name}")
    ordering.shot("order-refused")
    ordering.click(f"Remove {name}")
    pick_name(ordering, f"{brand()}.org")
    ordering.click("Place order for $20.00")
    wait_placed(ordering)


def test_visitors_cannot_be_sent_to_the_domain_itself(ordering):
    name = fill(ordering)
    ordering.type("Send visitors of these domains to optional", name)
    ordering.error_of("Send visitors of these domains to optional", f"Visitors cannot be sent to “{name}”")
    ordering.type("Send visitors of these domains to optional", "acme.com")
    ordering.see("Due now $20.00")
    ordering.not_see("Visitors cannot be sent")


def test_what_one_domain_has_of_its_own_is_refused_beside_it(ordering):
    name = brand()
    other = fill(ordering)
    pick_name(ordering, f"{name}.org")
    ordering.click(f"Own settings of {name}.org")
    ordering.choose(f"Visitors of {name}.org go", "To a site of its own")
    ordering.type(f"Site for the visitors of {name}.org", f"{name}.org")
    ordering.error_of(f"Site for the visitors of {name}.org", f"Visitors cannot be sent to “{name}.org”")
    assert ordering.field("Send visitors of these domains to optional").get_attribute("aria-invalid") is None
    ordering.shot("order-own-settings-refused")
    ordering.type(f"Site for the visitors of {name}.org", other)
    ordering.see("Due now $40.00")
    ordering.not_see("Visitors cannot be sent")
    # What all others have may be wrong for one alone.
    ordering.type("Send visitors of these domains to optional", other)
    ordering.error_of("Send visitors of these domains to optional", f"Visitors cannot be sent to “{other}”")
    ordering.click(f"Own settings of {other}")
    ordering.choose(f"Visitors of {other} go", "Nowhere")
    ordering.see("Due now $40.00")
    ordering.not_see("Visitors cannot be sent")


def test_a_provider_that_is_switched_off(fresh, make_console):  # noqa: F811
    page = make_console(fresh(providers_off="2"))
    page.sign_in("/order")
    fill(page)
    page.choose("Mailboxes at", "AirMail: $4.00 a mailbox and month")
    assert "AirMail is not sold at the moment" in page.error_of("Mailboxes at")


def test_a_pre_warmed_domain_that_somebody_else_took(fresh, make_console):  # noqa: F811
    server = fresh()
    server.cli("inventory", "add", "--domain", "warm-lemon.co", "--provider", "2", "--account", "jane,Jane,Doe")
    page = make_console(server, workspace(server)).sign_in("/order")
    page.tick("Pre-warmed domains")
    page.tick("warm-lemon.co")
    page.see("Due now $25.00")
    assert server.order([{"domain": "warm-lemon.co"}], type="pre_warmed_up")["order_placed"]
    page.click("Place order for $25.00")
    page.see("No longer in stock. Remove it and choose another.")


# ---- people

def test_each_reason_about_a_person_stands_in_their_row(ordering):
    pick_name(ordering, f"{brand()}.com")
    first = type_person(ordering, 1, "Ada", "Lovelace")
    ordering.see("Due now $20.00")
    ordering.click("Add a person")
    second = type_person(ordering, 2, "Cher", "")
    ordering.click("Add a person")
    ordering.see("Write a last name.")
    third = type_person(ordering, 3, "李", "明")
    ordering.field("Brand or website").click()
    ordering.see("Write an address: none could be made of this name.")
    ordering.type("Address", "what?", within=third)
    ordering.see("Use letters a to z, digits")
    ordering.type("Address", "ada", within=first)
    ordering.type("Address", "Ada", within=third)
    ordering.see("stands here twice")
    ordering.see("2 things have to be mended")
    ordering.shot("order-people-refused")
    ordering.type("Address", "li", within=third)
    ordering.type("Last name", "Bono", within=second)
    ordering.see("Due now $30.00")
    ordering.not_see("to be mended")
    assert ordering.field("Address", within=first).get_attribute("aria-invalid") is None


def test_a_row_is_not_judged_before_it_is_left(ordering):
    """The price is asked for whole rows, and for others once nobody is in them."""
    pick_name(ordering, f"{brand()}.com")
    type_person(ordering, 1, "Ada", "Lovelace")
    ordering.see("Due now $20.00")
    ordering.click("Add a person")
    ordering.script("""window.sent = []; const real = window.fetch;
        window.fetch = (path, options) => { if (options?.body) window.sent.push(options.body); return real(path, options); };""")
    row = type_person(ordering, 2, "Cher", "")
    ActionChains(ordering.driver).pause(1).perform()  # somebody who thinks
    ordering.type("Last name", "Bono", within=row)
    ordering.see("Due now $25.00")
    assert all('"last_name":""' not in one for one in ordering.script("return window.sent"))
    ordering.type("Last name", "", within=row)
    ordering.field("Brand or website").click()
    ordering.see("Write a last name.")
    assert any('"last_name":""' in one for one in ordering.script("return window.sent"))


def test_nothing_moves_away_under_a_long_press(ordering):
    """Leaving a row brings its reason, above the very button that is pressed: not before it is let go."""
    pick_name(ordering, f"{brand()}.com")
    type_person(ordering, 1, "Cher", "")
    button = ordering.button("Add a person")
    ActionChains(ordering.driver).click_and_hold(button).pause(1).release().perform()
    ordering.see("Write a last name.")
    ordering.wait("the next row", lambda: ordering.focused() == "First name")
    assert len(ordering.named("[role=group]", "Person…")) == 2


def test_six_people_do_not_fit_on_one_domain(ordering):
    name = brand()
    pick_name(ordering, f"{name}.com")
    ordering.paste("First name", "\n".join(f"Person{n}\tNumber" for n in range(6)))
    ordering.see(f"{name}.com has no room for this mailbox: 5 at most.")
    pick_name(ordering, f"{name}.org")
    ordering.tick("Each person on one domain, in turn")
    ordering.see("Due now $60.00")
    ordering.not_see("has no room")


def test_an_address_that_exists_on_ones_domain(ordering):
    name = f"{brand()}.com"
    assert ordering.server.order([{"domain": name, "accounts": [person()]}], headers=headers(ordering))["order_placed"]
    ordering.open(f"/order?type=extra_accounts&domain={name}")
    ordering.see("Chosen (1)")
    ordering.choose("Addresses look like", "jane@")
    type_person(ordering, 1, "Ada", "Lovelace")
    ordering.see(f"ada@{name} exists already. Write another address.")


def test_a_domain_that_is_not_ones_own(ordering):
    ordering.allowed.add(404)
    name = f"{brand()}.com"
    ordering.open(f"/order?type=extra_accounts&domain={name}")
    type_person(ordering, 1, "Alan", "Turing")
    ordering.see("This workspace does not have this domain.")
    ordering.choose(f"Provider of {name}", "AirMail")
    ordering.click(f"Remove {name}")
    ordering.see("Chosen (0)")


def test_the_provider_of_ones_domain_is_known_without_asking(ordering):
    name = f"{brand()}.com"
    assert ordering.server.order([{"domain": name, "email_provider": 2, "accounts": [person()]}], headers=headers(ordering))["order_placed"]
    ordering.open(f"/order?type=extra_accounts&domain={name}")
    type_person(ordering, 1, "Alan", "Turing")
    ordering.see("Due now $4.00")


def test_pressing_too_early_leads_to_what_is_missing(ordering):
    ordering.click("Place order")
    ordering.see("Choose at least one domain.", "Write down at least one person who gets a mailbox.", "2 things have to be mended")
    ordering.wait("the focus", lambda: ordering.focused().startswith("Chosen"))
    ordering.shot("order-missing")


# ---- money

@pytest.mark.parametrize("card", SHARED_CARDS)
def test_a_card_that_is_refused_says_why_and_another_works(dfyd, make_console, card):  # noqa: F811
    page = make_console(dfyd, workspace(dfyd, card=card)).sign_in("/order")
    fill(page)
    page.click("Place order for $20.00")
    page.see("Not paid, so nothing was placed", SHARED_CARDS[card], "Nothing was charged.")
    if card == "tok_declined":
        page.shot("order-declined")
    pay_with(page, "tok_visa")
    page.click("Place order for $20.00")
    wait_placed(page)
    assert [payment["state"] for payment in payments(page)] == ["succeeded", "failed"]


def test_without_a_card_the_page_says_so(dfyd, make_console):  # noqa: F811
    page = make_console(dfyd, workspace(dfyd, card=None)).sign_in("/order")
    fill(page)
    page.see("This workspace has no card to pay with.")
    page.shot("order-no-card")
    page.click("Place order for $20.00")
    page.see("Not paid, so nothing was placed")
    assert not payments(page)


def test_an_order_is_paid_on_a_page_when_there_is_no_card(fresh, make_console):  # noqa: F811
    server = fresh(checkout="on")
    page = make_console(server, workspace(server, card=None)).sign_in("/order")
    name = fill(page)
    page.see("after placing it you pay on a page")
    page.click("Place order and pay $20.00")
    page.see("One step is left: pay")
    page.shot("order-checkout")
    order = page.link("See the order").get_attribute("href").rsplit("/", 1)[1]
    page.click("Pay $20.00")
    page.wait("the sandbox's page", lambda: page.path.startswith("/sandbox/checkout/"))
    page.find("button[value=tok_visa], input[value=tok_visa]").click()
    page.wait("paid", lambda: server.request("GET", f"/api/dfyd/v1/orders/{order}", headers=headers(page)).json()["state"] == "placed")
    assert mailboxes(page) == [f"ada.lovelace@{name}"]


def test_a_price_that_changed_is_shown_before_it_is_charged(dfyd, make_console):  # noqa: F811
    page = make_console(dfyd, workspace(dfyd)).sign_in("/order")
    fill(page)
    name = workspace_name(page)
    dfyd.cli("price", "add", "domain_year", "--amount", "22.50", "--workspace", name)
    page.click("Place order for $20.00")
    page.see("The price has changed", "It was $20.00 and is $27.50 now. Nothing was placed")
    page.shot("order-new-price")
    assert not payments(page)
    page.click("Place order for $27.50")
    wait_placed(page)
    assert [payment["amount"] for payment in payments(page)] == [27.5]


def test_a_discount_is_shown(dfyd, make_console):  # noqa: F811
    page = make_console(dfyd, workspace(dfyd)).sign_in("/order")
    name = workspace_name(page)
    dfyd.cli("promo", "add", f"gift-{name}", "--kind", "free_domains", "--value", "1", "--workspace", name)
    domain = f"{brand()}.com"
    pick_name(page, domain)
    type_person(page, 1, "Ada", "Lovelace")
    page.see("Discount, taken off already $15.00", "Due now $5.00", f"First year free: {domain}")


# ---- answers that do not come

LOSE = """
const sent = window.fetch;
window.lost = 0;
window.fetch = async (path, options) => {
    const answer = await sent(path, options);
    if (options?.headers?.["idempotency-key"] && window.lost++ < arguments_count) throw new TypeError("the connection broke");
    return answer;
};
"""


def test_an_answer_that_was_lost_is_asked_for_again_and_placed_once(ordering):
    name = fill(ordering)
    ordering.script(LOSE.replace("arguments_count", "1"))
    ordering.click("Place order for $20.00")
    ordering.see("Not known yet whether it was placed", "It is safe to ask again")
    assert not ordering.field("Brand or website").is_enabled()
    ordering.shot("order-unsure")
    ordering.click("Ask again")
    wait_placed(ordering)
    assert n_orders(ordering, name) == 1
    assert len(payments(ordering)) == 1


def test_a_lost_answer_survives_a_reload(ordering):
    name = fill(ordering)
    ordering.script(LOSE.replace("arguments_count", "1"))
    ordering.click("Place order for $20.00")
    ordering.see("Not known yet whether it was placed")
    ordering.reload()
    ordering.see("This order was sent, and its answer did not come back.")
    ordering.click("Ask again")
    wait_placed(ordering)
    assert n_orders(ordering, name) == 1


def test_who_gives_up_on_a_lost_answer_cannot_buy_twice(ordering):
    name = fill(ordering)
    ordering.script(LOSE.replace("arguments_count", "1"))
    ordering.click("Place order for $20.00")
    ordering.click("Change the order instead")
    ordering.click("Place order…")
    ordering.see("No longer free: somebody has it, or it was ordered before.")
    assert len(payments(ordering)) == 1
    assert n_orders(ordering, name) == 1


def test_a_bank_that_was_not_reached_has_taken_nothing_and_pressing_again_works(dfyd, make_console):  # noqa: F811
    page = make_console(dfyd, workspace(dfyd, card="tok_dropped")).sign_in("/order")
    page.allowed.add(503)
    name = fill(page)
    page.click("Place order for $20.00")
    page.see("Not now", "Nothing was charged and nothing was ordered.")
    page.shot("order-not-now")
    pay_with(page, "tok_visa")
    page.click("Place order for $20.00")
    wait_placed(page)
    assert [payment["amount"] for payment in payments(page) if payment["state"] == "succeeded"] == [20]
    assert mailboxes(page) == [f"ada.lovelace@{name}"]


def test_a_bank_that_is_silent_leaves_it_open_until_it_is_known(fresh, make_console):  # noqa: F811
    server = fresh(lease_ms=1000)
    page = make_console(server, workspace(server, card="tok_silent")).sign_in("/order")
    page.allowed |= {409, 503}
    fill(page)
    page.click("Place order for $20.00")
    page.see("Not known yet whether it was placed", "is settled by itself")
    page.link("See the order")
    pay_with(page, "tok_visa")

    def placed():
        for button in page.named("button", "Ask again"):
            button.click()
        return page.path.startswith("/orders/")
    page.wait("that it is known", placed)
    assert [payment["amount"] for payment in payments(page) if payment["state"] == "succeeded"] == [20]


def test_only_the_last_price_counts(ordering):
    """The first question is answered last."""
    fill(ordering)
    ordering.script("""
        const sent = window.fetch;
        let first = true;
        window.fetch = async (path, options) => {
            const isFirst = first && options?.body?.includes('"simulation":true');
            if (isFirst) first = false;
            const {signal, ...rest} = options ?? {};
            const answer = await sent(path, isFirst ? rest : options);
            if (isFirst) await new Promise((resolve) => (window.answerFirst = resolve));
            return answer;
        };""")
    ordering.choose("Mailboxes at", "AirMail: $4.00 a mailbox and month")
    ordering.wait("the first question is out", lambda: ordering.script("return Boolean(window.answerFirst)"))
    ordering.choose("Mailboxes at", "Google: $5.00 a mailbox and month")
    ordering.click("Add a person")
    type_person(ordering, 2, "Alan", "Turing")
    ordering.see("Due now $25.00")
    ordering.script("window.answerFirst()")
    ordering.driver.execute_async_script("setTimeout(arguments[0], 0)")
    assert "Due now $25.00" in " ".join(ordering.body().split())


# ---- limits and rights

def test_without_a_plan_nothing_is_sold(dfyd, make_console):  # noqa: F811
    page = make_console(dfyd, workspace(dfyd)).sign_in("/order")
    page.allowed.add(402)
    fill(page)
    name = workspace_name(page)
    dfyd.cli("workspace", "plan", "--workspace", name, "--active", "no")
    page.click("Place order for $20.00")
    page.see("Nothing was placed or charged", "Workspace does not have an active paid plan")
    page.shot("order-no-plan")
    dfyd.cli("workspace", "plan", "--workspace", name, "--active", "yes")
    page.click("Place order…")
    wait_placed(page)


def test_over_the_rate_limit_it_says_when_to_try_again(fresh, make_console):  # noqa: F811
    server = fresh(rate_limit="on")
    page = make_console(server).sign_in("/order")
    page.allowed.add(429)
    page.field("Names you have in mind optional")
    for _ in range(40):
        if server.request("POST", "/api/v2/dfy-email-account-orders/domains/check", json={"domains": []}).status_code == 429:
            break
    page.type("Names you have in mind optional", "acme-mail.com")
    page.click("Check and add")
    assert "Rate limit exceeded" in page.error_of("Names you have in mind optional")


def test_a_key_that_may_only_read_sees_why_it_cannot_order(dfyd, make_console):  # noqa: F811
    page = make_console(dfyd, workspace(dfyd, scope="all:read")).sign_in("/order")
    page.see("Your key may not do this: it lacks the scope dfy_email_account_orders:create.")
    page.shot("order-not-allowed")
