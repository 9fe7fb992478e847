"""Orders that nobody thought of: made up, then mangled. Every one gets an answer that is right in itself, or an error
in the envelope; a simulation changes nothing and quotes what the order then costs.

The same orders come up in every run (derandomize), and nothing is left behind.
"""
import copy
import itertools
import json

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from conftest import database
from contract import ORDERS, PHRASES, check_answer, check_head, check_schema, make_client

made_up = settings(max_examples=150, derandomize=True, database=None, deadline=None,
                   suppress_health_check=list(HealthCheck))
fresh_numbers = itertools.count(1)


@pytest.fixture(scope="module")
def client(dfyd):
    """One client for all: its first orders are there to be met again, and so is some stock."""
    client = make_client(dfyd)
    for domain, provider in (("props-one", 1), ("props-two", 2), ("props-three", 3)):
        names = [f"old{i}" for i in range(50 if provider == 3 else 3)]
        client.placed([{"domain": domain + ".com", "email_provider": provider, "accounts": [
            {"email_address_prefix": one, "first_name": "O", "last_name": "L"} for one in names]}])
        accounts = [part for one in names for part in ("--account", f"{one},O,L")]
        dfyd.cli("inventory", "add", "--domain", f"{domain}-stock.co", "--provider", str(provider), *accounts)
    return client


# ---- orders as people send them, well or badly. {} in a name is replaced by a number that was not there before.

texts = st.one_of(st.text(st.characters(blacklist_categories=["Cs"], blacklist_characters="\0"), max_size=12), st.sampled_from(["", " ", "Ann", "Jörg", "李", "'; DROP TABLE orders; --", "\"\\\t",
                                                        "‮evil", "😀", "x" * 300, "<b>", "%00", "null"]))
domains = st.one_of(
    st.sampled_from(["new-{}.com", "new-{}.org", "NEW-{}.Com", " new-{}.com ", "neü-{}.com", "xn--ne-{}.com"]),
    st.sampled_from(["new-{}.co", "new-{}.io", "sub.new-{}.com", "taken-{}.com", "my-google-{}.com", "example.com",
                     "props-one.com", "props-two.com", "props-three.com", "props-one-stock.co",
                     "props-two-stock.co", "props-three-stock.co", "com", "co.uk", ".", "", "http://new-{}.com/",
                     "new-{}.com.", "new..{}.com", "-new-{}.com", "a" * 64 + "-{}.com", "ａ-{}.com", "1.2.3.4", "localhost"]),
    texts)
prefixes = st.one_of(st.sampled_from(["ann", "ben", "Ann", "old0", "a.b", "a..b", ".a", "", "a@b", "a" * 64, "a" * 65, "ü"]),
                     st.from_regex(r"[a-z]{1,6}", fullmatch=True), texts)
people = st.fixed_dictionaries({"email_address_prefix": prefixes, "first_name": texts, "last_name": texts})
good_people = st.fixed_dictionaries({"email_address_prefix": st.from_regex(r"[a-z]{3,8}", fullmatch=True),
                                     "first_name": st.just("Ann"), "last_name": st.just("Doe")})
many_people = st.integers(45, 100).map(lambda count: [
    {"email_address_prefix": f"p{i}", "first_name": "F", "last_name": "L"} for i in range(count)])
some_people = st.one_of(st.lists(good_people, min_size=1, max_size=5), st.lists(people, max_size=7), many_people)
items = st.fixed_dictionaries(
    {"domain": domains},
    optional={"email_provider": st.sampled_from([1, 2, 3]), "forwarding_domain": st.one_of(domains, st.just("home.net")),
              "accounts": some_people})
distinct_people = st.lists(good_people, min_size=1, max_size=5, unique_by=lambda one: one["email_address_prefix"])
good_items = st.one_of(
    st.fixed_dictionaries({"domain": st.sampled_from(["good-{}.com", "Good2-{}.org", "gööd-{}.com"]), "accounts": distinct_people},
                          optional={"email_provider": st.sampled_from([1, 2]), "forwarding_domain": st.just("home.net")}),
    st.fixed_dictionaries({"domain": st.just("good3-{}.org"), "email_provider": st.just(3), "accounts": many_people.filter(
        lambda people: len(people) >= 50)}))
orders = st.one_of(
    st.fixed_dictionaries({"items": st.lists(items, max_size=5),
                           "order_type": st.sampled_from(["dfy", "pre_warmed_up", "extra_accounts"])}),
    st.fixed_dictionaries({"items": st.lists(good_items, min_size=1, max_size=4, unique_by=lambda item: item["domain"]),
                           "order_type": st.just("dfy")}),
    st.fixed_dictionaries({"items": st.lists(st.fixed_dictionaries({
        "domain": st.sampled_from(["props-one.com", "props-two.com"]), "email_provider": st.sampled_from([1, 2]),
        "accounts": distinct_people}), min_size=1, max_size=2), "order_type": st.just("extra_accounts")}))

# ---- and as machines send them

anything = st.recursive(
    st.one_of(st.none(), st.booleans(), st.integers(), st.floats(allow_nan=False, allow_infinity=False), st.text(), texts,
              st.sampled_from([1e300, -0.0, 2**53, 2**64, -2**63, 10**30, "1", "true", "0x1", "1e1"])),
    lambda inner: st.one_of(st.lists(inner, max_size=3), st.dictionaries(texts, inner, max_size=3)), max_leaves=6)


def places(value, path=()):
    """The path of every value inside VALUE."""
    yield path
    inside = value.items() if isinstance(value, dict) else enumerate(value) if isinstance(value, list) else ()
    for key, one in inside:
        yield from places(one, (*path, key))


def at(value, path):
    for key in path:
        value = value[key]
    return value


@st.composite
def mangled(draw):
    """An order in which one to three values were removed, replaced, wrapped, doubled or turned into text."""
    order = {"": copy.deepcopy(draw(orders))}
    order[""]["simulation"] = True
    for _ in range(draw(st.integers(1, 3))):
        path = draw(st.sampled_from([path for path in places(order) if path]))
        inside, key = at(order, path[:-1]), path[-1]
        what = draw(st.sampled_from(["replace", "remove", "wrap", "text", "double", "extra"]))
        if what == "replace":
            inside[key] = draw(anything)
        elif what == "remove" and len(path) > 1:
            del inside[key]
        elif what == "wrap":
            inside[key] = [inside[key]]
        elif what == "text":
            inside[key] = json.dumps(inside[key])
        elif what == "double" and isinstance(inside[key], list):
            inside[key] = inside[key] * 2
        elif what == "extra" and isinstance(inside[key], dict):
            inside[key][draw(texts)] = draw(anything)
    return order[""]


def with_numbers(order):
    """{} in the names replaced; the same in all of one order, so that names can also meet."""
    number = f"props{next(fresh_numbers)}"
    for item in order["items"]:
        for field in ("domain", "forwarding_domain"):
            if field in item:
                item[field] = item[field].replace("{}", number)
    return order


def books(server):
    """How much of everything there is."""
    with database(server) as db:
        tables = ("orders", "domains", "accounts", "idempotency_keys")
        return [db.execute(f"SELECT count(*) FROM {table}").fetchone()[0] for table in tables]


def price_of(item, order_type):
    """The contract's price book, in cents: once for the domain, monthly for the mailboxes."""
    domain, count = 1500, len(item["accounts"])
    if order_type == "pre_warmed_up":
        return domain, 1000 * count
    monthly = {1: 500 * count, 2: 400 * count, 3: 2000}[int(item["email_provider"])]
    return (0 if order_type == "extra_accounts" else domain), monthly


def check(response, order_type=None):
    """An answer, or an error in the envelope. Returns the answer, or None."""
    assert response.status_code < 500, response.text
    check_head(response)
    if response.status_code != 200:
        error = response.json()
        check_schema("error", error)
        assert error["statusCode"] == response.status_code and error["error"] == PHRASES[response.status_code]
        return None
    answer = check_answer(response.text)
    # Other lists may name what is listed twice, and the first of them may be good.
    for field in ("unavailable_domains", "blacklist_domains", "missing_domain_orders"):
        bad, good = set(answer[field]), {item["domain"] for item in answer["order_items"]}
        assert not bad & good, f"{field}, and quoted"
    if order_type:
        prices = [price_of(item, order_type) for item in answer["order_items"]]
        assert answer["total_domains_price_per_year"] * 100 == sum(price[0] for price in prices)
        assert answer["total_accounts_price_per_month"] * 100 == sum(price[1] for price in prices)
    return answer


def test_quote_then_order(client):
    placed = []

    @made_up
    @given(orders)
    def each(order):
        order = with_numbers(copy.deepcopy(order))
        before = books(client.server)
        quote = check(client.post(order["items"], order["order_type"], simulation=True), order["order_type"])
        assert books(client.server) == before, "a simulation leaves nothing behind"
        answer = check(client.post(order["items"], order["order_type"]), order["order_type"])
        assert answer["order_placed"] == quote["order_is_valid"]
        assert {**quote, "order_placed": answer["order_placed"], "simulation": False} == answer
        after = books(client.server)
        if not answer["order_placed"]:
            assert after == before, "a refused order leaves nothing behind"
            return
        placed.append(order)
        bought = answer["number_of_domains_ordered"]
        assert [now - then for now, then in zip(after, before)] == [1, bought, answer["number_of_accounts_ordered"], 0]
        again = check(client.post(order["items"], order["order_type"], simulation=True))
        assert not again["order_is_valid"], "nothing is sold twice"

    each()
    assert len(placed) >= 20, "the orders are good enough to be placed at times"
    assert {"dfy", "extra_accounts"} <= {order["order_type"] for order in placed}


def test_mangled(client):
    statuses = []

    @made_up
    @given(mangled())
    def each(body):
        before = books(client.server)
        response = client.send("POST", json=body)
        check(response)
        assert books(client.server) == before
        statuses.append(response.status_code)

    each()
    assert statuses.count(200) >= 10 and statuses.count(400) >= 10


def test_mangled_text(client):
    """Not the values but the bytes: cut, doubled, with others between."""
    body = json.dumps({"items": [{"domain": "bytes.com", "email_provider": 1, "accounts": [
        {"email_address_prefix": "ann", "first_name": "Änn", "last_name": "\\u0041"}]}], "order_type": "dfy",
        "simulation": True}, ensure_ascii=False).encode()

    @made_up
    @given(st.integers(0, len(body)), st.integers(0, 12), st.one_of(st.binary(max_size=6), st.sampled_from(
        [b"\0", b"\xff", b"\\u0000", b"\\ud800", b'"', b"{", b"[", b"[" * 100, b"1e999", b"-", b"NaN", b",", b"//", b"\xed\xa0\x80"])))
    def each(start, removed, inserted):
        text = body[:start] + inserted + body[start + removed:]
        check(client.send("POST", data=text, headers={"Content-Type": "application/json"}))

    each()


def test_lists(client):
    """Any query gets a page or an error, and pages hang together."""
    @made_up
    @given(st.sampled_from([ORDERS, ORDERS + "/accounts"]),
           st.dictionaries(st.sampled_from(["limit", "starting_after", "with_passwords", "x"]),
                           st.one_of(texts, st.integers(-5, 200).map(str), st.sampled_from(["true", "false", "1e1", "+5", "0x5"]))))
    def each(path, query):
        response = client.send("GET", path, params=query)
        assert response.status_code in (200, 400), response.text
        check_head(response)
        check_schema("error" if response.status_code == 400 else "order_list" if path == ORDERS else "account_list",
                     response.json())

    each()
    whole = client.all(ORDERS, limit=100)
    assert whole == client.all(ORDERS, limit=7)
    assert len({row["domain"] for row in whole}) == len(whole)
