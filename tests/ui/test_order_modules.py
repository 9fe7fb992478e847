"""What the order page thinks with, by itself: people out of pasted text, addresses out of names, answers read into fields."""
import pytest

from console import Console, browser  # noqa: F401, fixture


@pytest.fixture(scope="module")
def think(browser, dfyd):  # noqa: F811
    """think("people.js", "parsePeople(text)", text=...): the value of an expression in a module of web/order."""
    console = Console(browser, dfyd)  # at a page of the server without the console on it

    def run(module, expression, **names):
        script = (f"const done = arguments[1], {{{', '.join(names) or '_'}}} = arguments[0];"
                  f"import('/console/order/{module}').then((m) => {{ with_module(m); }}, (e) => done(['import', String(e)]));"
                  f"function with_module({{ {', '.join(exports(module))} }}) {{"
                  f"  try {{ done(['ok', {expression}]); }} catch (e) {{ done(['thrown', String(e)]); }} }}")
        how, value = console.driver.execute_async_script(script, names)
        assert how == "ok", value
        return value
    return run


def exports(module):
    return {
        "people.js": ["parsePeople", "PEOPLE_MAX"],
        "addresses.js": ["fold", "withAddresses", "PATTERNS"],
        "names.js": ["readNames", "whyNotFree"],
        "refusals.js": ["readRefusals", "messageOf"],
        "basket.js": ["makeOrder", "missing"],
        "draft.js": ["draftsOf", "emptyDraft"],
        "outcome.js": ["readAnswer", "readFailure"],
    }[module]


def person(first, last="", prefix=""):
    return {"first_name": first, "last_name": last, "prefix": prefix}


ADA, ALAN = person("Ada", "Lovelace"), person("Alan", "Turing")
ADA_AT, ALAN_AT = person("Ada", "Lovelace", "ada"), person("Alan", "Turing", "alan")


@pytest.mark.parametrize("text,people", [
    ("Ada Lovelace\nAlan Turing", [ADA, ALAN]),
    ("Ada Lovelace\r\n\r\n   Alan   Turing  \r\n", [ADA, ALAN]),
    ("Ada,Lovelace\nAlan,Turing", [ADA, ALAN]),
    ("Ada;Lovelace;ada\nAlan;Turing;alan", [ADA_AT, ALAN_AT]),
    ("Ada\tLovelace\tada@x.com\nAlan\tTuring\talan@x.com", [ADA_AT, ALAN_AT]),
    ("ada@x.com,Ada,Lovelace", [ADA_AT]),
    ("Ada Lovelace,ada@x.com", [ADA_AT]),
    ("First name,Last name\nAda,Lovelace", [ADA]),
    ("\ufeffLast name;First name;E-Mail\nLovelace;Ada;ada@x.com", [ADA_AT]),
    ("Nachname;Vorname\nLovelace;Ada", [ADA]),
    ("Title,Full Name,Phone,Email Address\nMs,Ada Lovelace,1,ada@x.com", [ADA_AT]),
    ("first_name,last_name,email_address_prefix\nAda,Lovelace,ada", [ADA_AT]),
    ("\"Lovelace, Ada\"\n\"Turing, Alan\"", [ADA, ALAN]),
    ("Ada Lovelace <ada@x.com>, Alan Turing <alan@x.com>", [ADA_AT, ALAN_AT]),
    ("ada.lovelace@x.com", [person("Ada", "Lovelace", "ada.lovelace")]),
    ("\"Ada\"\"A\"\"\",\"Love\nlace\"\n Alan , \"Turing\" ", [person("Ada\"A\"", "Love lace"), ALAN]),
    ("Ada,\"King, Countess of Lovelace\"", [person("Ada", "King, Countess of Lovelace")]),
    ("Ada \"The Enchantress\" Lovelace", [person("Ada", "\"The Enchantress\" Lovelace")]),
    ("Juan Carlos de Borbón", [person("Juan", "Carlos de Borbón")]),
    ("Cher", [person("Cher")]),
    (",Lovelace", [person("", "Lovelace")]),
    ("\n ,,\n,\n", []),
    ("", []),
])
def test_people_are_read_from_what_is_pasted(think, text, people):
    assert think("people.js", "parsePeople(text)", text=text) == {"people": people, "problems": []}


@pytest.mark.parametrize("text,line,words,n", [
    ("Ada,Lovelace\nAlan,\"Turing\nKurt,Gödel", 2, "never closed", 1),
    ("Ada,Lovelace,1,2,3", 1, "more columns", 1),
    ("First name,Last name\n", 1, "Only a header", 0),
])
def test_what_is_strange_in_it_is_said_by_line(think, text, line, words, n):
    read = think("people.js", "parsePeople(text)", text=text)
    assert [problem["line"] for problem in read["problems"]] == [line]
    assert words in read["problems"][0]["message"]
    assert len(read["people"]) == n


def test_a_list_that_is_too_long_is_cut_and_that_is_said(think):
    most = think("people.js", "PEOPLE_MAX")
    read = think("people.js", "parsePeople(text)", text="Ada Lovelace\n" * (most + 3))
    assert len(read["people"]) == most
    assert str(most) in read["problems"][0]["message"]


@pytest.mark.parametrize("name,folded", [
    ("José María", "josemaria"), ("Müller", "muller"), ("Øystein", "oystein"), ("Łukasz", "lukasz"), ("Straße", "strasse"), ("O'Brien", "obrien"),
    ("Anne-Marie", "anne-marie"), ("Anne\u2011Marie", "anne-marie"), ("İbrahim Iğdır", "ibrahimigdir"), ("Þórður", "thordur"), ("van der Berg", "vanderberg"),
    ("-x-", "x"), ("李", ""), ("", ""),
])
def test_names_are_folded_to_ascii(think, name, folded):
    assert think("addresses.js", "fold(name)", name=name) == folded


def test_each_pattern_makes_what_its_example_shows(think):
    assert think("addresses.js", """PATTERNS.map((pattern) => [pattern.example,
        withAddresses([{first_name: "Jane", last_name: "Doe", prefix: "", is_typed: false}], pattern.id)[0].prefix])
        .filter(([example, made]) => example !== made)""") == []


def made(think, pattern, *names):
    people = [{**person(*name[:2], *name[2:]), "is_typed": len(name) > 2} for name in names]
    return [one["prefix"] for one in think("addresses.js", "withAddresses(people, pattern)", people=people, pattern=pattern)]


def test_clashes_are_numbered_and_what_was_typed_stays(think):
    assert made(think, "first", ("Jane", "Doe"), ("Jané", "Roe"), ("JANE", "Poe"), ("Bob", "X", "Jane3")) == ["jane", "jane2", "jane4", "Jane3"]
    assert made(think, "first.last", ("Jane", "Doe"), ("Jane", "Doe"), ("Cher", ""), ("", "Bono"), ("李", "明")) == \
        ["jane.doe", "jane.doe2", "cher", "bono", ""]
    assert made(think, "flast", ("Ana", "B"), ("", "Bono"), ("Cher", "")) == ["ab", "bono", "cher"]


def test_long_names_fit_with_their_numbers(think):
    prefixes = made(think, "first.last", ("a" * 70, "b"), ("a" * 70, "b"), ("a" * 63, "b"))
    assert prefixes == ["a" * 64, "a" * 63 + "2", "a" * 63]


@pytest.mark.parametrize("text,names", [
    ("acme-mail.com", ["acme-mail.com"]),
    ("a.com, b.org;c.com\nd.com a.com", ["a.com", "b.org", "c.com", "d.com"]),
    ("https://www.Acme.com/team?x#y", ["acme.com"]),
    ("Bücher.com. www.com", ["xn--bcher-kva.com", "www.com"]),
    (" ,\n", []),
])
def test_names_are_read_as_people_write_them(think, text, names):
    assert think("names.js", "readNames(text)", text=text) == names


def draft_of(think, people, domains=("a.com", "b.org"), own=None, **more):
    """A draft; OWN: what picks have of their own, by domain."""
    draft = {**think("draft.js", "emptyDraft()"), **more, "people": [{"id": i + 1, "is_typed": True, **one} for i, one in enumerate(people)]}
    draft["picks"][draft["type"]] = [{"domain": domain, "provider": None, **(own or {}).get(domain, {})} for domain in domains]
    return draft


def order(think, *args, **more):
    return think("basket.js", "makeOrder(draft)", draft=draft_of(think, *args, **more))


def test_everyone_is_on_each_domain_or_on_one_in_turn(think):
    people = [person("A", "A", "a"), person("B", "B", "b"), person("C", "C", "c")]
    placed = {spread: [[one["email_address_prefix"] for one in item["accounts"]] for item in order(think, people, spread=spread)["body"]["items"]]
              for spread in ("each", "one")}
    assert placed == {"each": [["a", "b", "c"]] * 2, "one": [["a", "c"], ["b"]]}


def test_what_is_sent_is_trimmed_and_leaves_blank_rows_out(think):
    sent = order(think, [person(" A ", " B ", " c "), {**person("", "", ""), "is_typed": False}], ["a.com"], forwarding=" acme.com ", provider=2)["body"]
    assert sent == {"order_type": "dfy", "items": [{"domain": "a.com", "email_provider": 2, "forwarding_domain": "acme.com",
                                                    "accounts": [{"first_name": "A", "last_name": "B", "email_address_prefix": "c"}]}]}


OWN = {"b.org": {"provider": 2, "visitors": "own", "forwarding": " b-shop.com "}, "c.com": {"visitors": "none"}, "d.com": {"visitors": "", "forwarding": "left.com"}}


def test_a_domain_may_have_a_provider_and_a_forwarding_of_its_own(think):
    sent = order(think, [ADA_AT], ["a.com", "b.org", "c.com", "d.com"], own=OWN, provider=1, forwarding="acme.com")["body"]["items"]
    assert [(one["email_provider"], one.get("forwarding_domain")) for one in sent] == [(1, "acme.com"), (2, "b-shop.com"), (1, None), (1, "acme.com")]


def test_stock_may_have_a_forwarding_of_its_own_and_keeps_its_provider(think):
    sent = order(think, [], ["a.com", "b.org"], own=OWN, type="pre_warmed_up", forwarding="acme.com")["body"]["items"]
    assert sent == [{"domain": "a.com", "forwarding_domain": "acme.com"}, {"domain": "b.org", "forwarding_domain": "b-shop.com"}]


def test_a_forwarding_of_its_own_has_to_be_said(think):
    own = {"b.org": {"visitors": "own", "forwarding": " "}}
    assert [one["field"] for one in think("basket.js", "missing(draft)", draft=draft_of(think, [ADA_AT], own=own, forwarding="acme.com"))] == ["forwarding:b.org"]
    assert think("basket.js", "missing(draft)", draft=draft_of(think, [ADA_AT], own=own, type="extra_accounts")) == []


LISTS = ["unavailable_domains", "blacklist_domains", "invalid_domains", "invalid_forwarding_domains", "missing_domain_orders",
         "provider_mismatch_domains", "unsupported_provider_domains", "unavailable_email_providers", "domains_without_accounts", "invalid_accounts"]


def refusals(think, sent, **lists):
    answer = {name: [] for name in LISTS} | lists
    return think("refusals.js", "readRefusals(answer, order)", answer=answer, order=sent)


@pytest.mark.parametrize("name,value,field,words", [
    ("unavailable_domains", ["a.com"], "domain:a.com", "No longer free"),
    ("blacklist_domains", ["a.com"], "domain:a.com", "block list"),
    ("invalid_domains", ["a.com"], "domain:a.com", ".com or .org"),
    ("invalid_forwarding_domains", ["x"], "forwarding", "without https://"),
    ("missing_domain_orders", ["a.com"], "domain:a.com", "order it as a new domain"),
    ("provider_mismatch_domains", ["a.com"], "domain:a.com", "another provider"),
    ("unsupported_provider_domains", ["a.com"], "domain:a.com", "Microsoft"),
    ("unavailable_email_providers", [2], "provider", "AirMail is not sold"),
    ("domains_without_accounts", ["a.com"], "domain:a.com", "Nobody gets a mailbox"),
])
def test_each_list_goes_to_the_field_that_caused_it(think, name, value, field, words):
    found = refusals(think, order(think, [ADA_AT]), **{name: value})
    assert [one["field"] for one in found] == [field]
    assert words in found[0]["message"]


@pytest.mark.parametrize("reason,column,words", [
    ("First name is required", "first_name", "Write a first name"),
    ("Last name is required", "last_name", "Write a last name"),
    ("Email address prefix is required", "prefix", "Write an address"),
    ("Email address prefix is invalid", "prefix", "letters a to z"),
    ("Duplicate email address", "prefix", "ada@a.com stands here twice"),
    ("Email address already exists", "prefix", "ada@a.com exists already"),
    ("A domain can have at most 5 accounts", "prefix", "a.com has no room"),
    ("Something new", "prefix", "Something new."),
])
def test_each_reason_goes_to_the_cell_of_the_person(think, reason, column, words):
    sent = order(think, [ALAN_AT, ADA_AT, ADA_AT])
    wrong = [{"domain": domain, "first_name": "Ada", "last_name": "Lovelace", "email": f"ada@{domain}", "reason": reason} for domain in ("a.com", "b.org")]
    found = refusals(think, sent, invalid_accounts=wrong)
    assert [one["field"] for one in found] == [f"person:{3 if reason.startswith('Duplicate') else 2}:{column}"]
    assert words in found[0]["message"]
    assert ("2 domains" in found[0]["message"]) == ("a.com" in words), "words that name a domain say how many there are"


def test_a_keyword_is_named_beside_the_domain_that_holds_it(think):
    sent = order(think, [ADA_AT], ["my-google-x.com", "apple-x.com"])
    found = refusals(think, sent, blacklist_domains=["my-google-x.com", "apple-x.com"], blacklist_keywords=["google", "apple"])
    assert "“google”" in found[0]["message"] and "apple" not in found[0]["message"]
    assert "“apple”" in found[1]["message"]


def test_microsofts_count_is_said_once_a_domain(think):
    wrong = [{"domain": "a.com", "first_name": "Ada", "last_name": "Lovelace", "email": f"ada{i}@a.com",
              "reason": "A Microsoft domain needs 50 to 100 accounts"} for i in range(3)]
    found = refusals(think, order(think, [ADA_AT, ALAN_AT], provider=3), invalid_accounts=wrong)
    assert [one["field"] for one in found] == ["people"]
    assert "50 to 100" in found[0]["message"] and "it has 2" in found[0]["message"]


@pytest.mark.parametrize("name,value,fields", [
    ("unavailable_email_providers", [1], ["provider"]),
    ("unavailable_email_providers", [2], ["provider:b.org"]),
    ("unavailable_email_providers", [1, 2], ["provider", "provider:b.org"]),
    ("invalid_forwarding_domains", ["b-shop.com"], ["forwarding:b.org"]),
    ("invalid_forwarding_domains", ["acme.com"], ["forwarding"]),
])
def test_what_a_domain_has_of_its_own_is_refused_beside_it(think, name, value, fields):
    sent = order(think, [ADA_AT], ["a.com", "b.org", "d.com"], own=OWN, forwarding="acme.com")
    assert [one["field"] for one in refusals(think, sent, **{name: value})] == fields


def test_of_two_that_are_sent_alike_the_one_that_is_sent_to_itself_is_wrong(think):
    own = {"a.com": {"visitors": "own", "forwarding": "B.org"}, "b.org": {"visitors": "own", "forwarding": "B.org"}}
    sent = order(think, [ADA_AT], own=own)
    assert [one["field"] for one in refusals(think, sent, invalid_forwarding_domains=["B.org"])] == ["forwarding:b.org"]


def test_microsoft_beside_another_provider_cannot_be_mended_by_people(think):
    wrong = [{"domain": "a.com", "first_name": "Ada", "last_name": "Lovelace", "email": "ada@a.com", "reason": "A Microsoft domain needs 50 to 100 accounts"}]
    assert "order it by itself" in refusals(think, order(think, [ADA_AT], own={"a.com": {"provider": 3}}), invalid_accounts=wrong)[0]["message"]
    assert "Change the people" in refusals(think, order(think, [ADA_AT], provider=3), invalid_accounts=wrong)[0]["message"]


def test_an_order_of_nothing_asks_for_a_domain(think):
    assert refusals(think, order(think, [ADA_AT], []), order_error="invalid_domains")[0]["field"] == "domains"


def test_a_reason_that_is_not_known_here_is_still_said(think):
    assert "“moon phase”" in refusals(think, order(think, [ADA_AT]), order_error="moon_phase")[0]["message"]
    assert refusals(think, order(think, [ADA_AT]), order_error="payment_failed") == []


@pytest.mark.parametrize("status,message,kind", [
    (0, "x", "unsure"), (500, "x", "unsure"), (502, "x", "unsure"), (409, "still running", "running"),
    (503, "Nothing was placed or charged. Try again.", "not_now"), (429, "Rate limit exceeded", "not_now"),
    (503, "Order 0199a3c1-5f1e-7cc3-98f2-3f0e5a1b2c3d is settled by itself", "unsure"),
    (402, "Workspace does not have an active paid plan", "stopped"), (403, "x", "stopped"), (400, "x", "stopped"), (422, "x", "stopped"),
])
def test_after_a_failure_it_is_known_whether_pressing_again_is_right(think, status, message, kind):
    assert think("outcome.js", "readFailure({status, message})", status=status, message=message)["kind"] == kind


def test_drafts_are_kept_by_workspace_and_what_is_strange_is_not_read(think):
    kept = think("draft.js", """(() => {
        const mine = draftsOf(sessionStorage, "a"), other = draftsOf(sessionStorage, "b");
        mine.save({...emptyDraft(), forwarding: "acme.com"});
        mine.saveAttempt({key: "k", body: {}, total: 1});
        const seen = [mine.load().forwarding, mine.loadAttempt().key, other.load().forwarding, other.loadAttempt()];
        sessionStorage.setItem("dfyd-order-draft:a", "{");
        seen.push(mine.load().forwarding);
        sessionStorage.setItem("dfyd-order-draft:a", '{"version":0,"forwarding":"old"}');
        seen.push(mine.load().forwarding);
        mine.clear();
        return [...seen, sessionStorage.length];
    })()""")
    assert kept == ["acme.com", "k", "", None, "", "", 0]
