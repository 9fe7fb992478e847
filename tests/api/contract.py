"""A client that holds every answer to the contract: status, headers, envelope, schema, arithmetic and the text of numbers.

Each test gets a workspace of its own on the shared server, so lists start empty and its card and prices can be changed.
"""
import base64
import hashlib
import itertools
import json
import pathlib
import re
from decimal import Decimal

import jsonschema
import pytest

ORDERS = "/api/v2/dfy-email-account-orders"
ACCOUNTS = ORDERS + "/accounts"
JSON = "application/json; charset=utf-8"
SCHEMAS = {path.stem: json.loads(path.read_text()) for path in (pathlib.Path(__file__).parent / "schemas").glob("*.json")}
UUID_7 = re.compile(r"[0-9a-f]{8}-[0-9a-f]{4}-7[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}")
TIME = re.compile(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z")
PHRASES = {400: "Bad Request", 401: "Unauthorized", 402: "Payment Required", 403: "Forbidden", 404: "Not Found",
           409: "Conflict", 413: "Payload Too Large", 415: "Unsupported Media Type", 422: "Unprocessable Entity",
           503: "Service Unavailable"}
LISTS = ["unavailable_domains", "blacklist_domains", "invalid_domains", "invalid_forwarding_domains",
         "missing_domain_orders", "provider_mismatch_domains", "unsupported_provider_domains",
         "unavailable_email_providers", "domains_without_accounts", "invalid_accounts"]
PRECEDENCE = ["invalid_domains", "provider_unavailable", "blacklist_domains", "invalid_forwarding_domains",
              "domains_without_accounts", "invalid_accounts", "missing_domain_orders", "unsupported_provider",
              "provider_mismatch", "unavailable_domains", "payment_failed"]
LIST_OF = {"provider_mismatch": "provider_mismatch_domains", "unsupported_provider": "unsupported_provider_domains",
           "provider_unavailable": "unavailable_email_providers"}  # the others have the error's own name
numbers = itertools.count(1)


def name(extension="com", word=""):
    """A name that nobody has ordered."""
    return f"{word}ct-{next(numbers)}.{extension}"


def people(count, start=0):
    return [{"email_address_prefix": f"p{i}", "first_name": f"First{i}", "last_name": f"Last{i}"}
            for i in range(start, start + count)]


def person(prefix="ana", first="Ana", last="Silva"):
    return {"email_address_prefix": prefix, "first_name": first, "last_name": last}


def item(domain=None, provider=1, accounts=1, **more):
    """ACCOUNTS: how many, or which."""
    people_in_it = accounts if isinstance(accounts, list) else people(accounts)
    return {"domain": domain or name(), "email_provider": provider, "accounts": people_in_it, **more}


class Number(Decimal):
    """A number with the text that it was sent as."""

    def __new__(cls, text):
        number = super().__new__(cls, text)
        number.text = text
        return number


def exact(text):
    """JSON's numbers as Number: no binary fractions between the wire and the sums."""
    return json.loads(text, parse_float=Number, parse_int=Number)


def is_shortest(number):
    """15, 4.5, 0.1, 4.05: whole cents, nothing after them and no zeros to fill up."""
    return re.fullmatch(r"(0|[1-9]\d*)(\.\d?[1-9])?", number.text)


def check_schema(schema, value):
    jsonschema.Draft7Validator(SCHEMAS[schema]).validate(value)


def check_head(response):
    assert response.headers["content-type"] == JSON
    assert UUID_7.fullmatch(response.headers["x-request-id"])


def check_policy(page):
    """That PAGE may load nothing, and have no style but the one sheet that stands in it."""
    sheet = re.search(r"<style>(.*?)</style>", page.text, re.S)[1]
    digest = base64.b64encode(hashlib.sha256(sheet.encode()).digest()).decode()
    assert page.headers["Content-Security-Policy"].startswith(f"default-src 'none'; style-src 'sha256-{digest}'; form-action ")
    assert " style=" not in page.text


def check_error(response, status, message):
    """The envelope, whole. MESSAGE may be a pattern."""
    assert response.status_code == status, response.text
    check_head(response)
    error = response.json()
    check_schema("error", error)
    assert error["statusCode"] == status and error["error"] == PHRASES[status]
    if isinstance(message, re.Pattern):
        assert message.fullmatch(error["message"]), error["message"]
    else:
        assert error["message"] == message


MONEY = [field for field in SCHEMAS["order_answer"]["properties"] if "price" in field and "by_" not in field] + [
    "total_discount"]


def check_answer(text, checkout=False):
    """What holds for every answer to an order. Returns it with numbers as Number. CHECKOUT: it has a page to pay on."""
    check_schema("order_answer", json.loads(text))
    answer = exact(text)
    error = answer.get("order_error")
    assert answer["order_is_valid"] == (error in (None, "payment_failed"))
    assert not answer["order_placed"] or (error is None and not answer["simulation"])
    assert ("payment_failure_reason" in answer) <= (error == "payment_failed")
    assert answer["simulation"] <= (error != "payment_failed"), "a simulation charges nothing"
    if error not in (None, "payment_failed"):
        full = [word for word in PRECEDENCE[:-1] if answer[LIST_OF.get(word, word)]]
        assert error == (full[0] if full else "invalid_domains")
    else:
        assert not any(answer[field] for field in LISTS)
    assert answer.get("blacklist_keywords") != [], "absent when empty"
    page = {"checkout_required", "checkout_url", "cart_order_id"}
    assert page & set(answer) == (page if checkout else set()), "only with hosted checkout on"

    items = answer["order_items"]
    for one in items:
        monthly = one["domain_monthly_price"]
        assert (monthly is None) or one["email_provider"] == 3
        assert one["total_price"] == one["domain_price"] + one["accounts_price"] + (monthly or 0)
        for field in ("domain_price", "accounts_price", "domain_monthly_price", "total_price", "total_discount"):
            assert one[field] is None or is_shortest(one[field])
    for field in MONEY:
        assert answer[field] is None or is_shortest(answer[field]), (field, answer[field].text)
    assert answer["number_of_accounts_ordered"] == sum(len(one["accounts"]) for one in items)
    assert answer["total_domains_price_per_year"] == sum(one["domain_price"] for one in items)
    assert answer["total_accounts_price_per_month"] == sum(
        one["accounts_price"] + (one["domain_monthly_price"] or 0) for one in items)
    discount = answer["total_discount"]
    assert discount == sum(one["total_discount"] for one in items) and all(one["total_discount"] >= 0 for one in items)
    assert answer["total_price_per_month"] + answer["total_price_per_year"] == answer["total_price"] + discount
    assert answer["total_price_per_month"] >= answer["total_accounts_price_per_month"]
    assert answer["total_price_per_year"] >= answer["total_domains_price_per_year"]
    assert answer["free_domains"] == [
        one["domain"] for one in items
        if one["total_discount"] and one["domain_price"] == 0 and answer["price_per_domain_per_year"]]
    assert answer["total_price"] == answer["total_domains_price_per_year"] + answer["total_accounts_price_per_month"]
    assert answer["total_price"] == sum(one["total_price"] for one in items)
    return answer


class Client:
    """A key of a workspace."""

    def __init__(self, server, workspace, workspace_id, scopes=("all:all",), operator=False, headers=None):
        self.server, self.workspace, self.workspace_id = server, workspace, workspace_id
        flags = [part for scope in scopes for part in ("--scope", scope)] + (["--operator"] if operator else [])
        self.key = server.cli("key", "create", "--workspace", workspace, *flags).strip()
        self.headers = headers or {}

    def cli(self, *args):
        """The command for this workspace."""
        return self.server.cli(*args, "--workspace", self.workspace)

    def card(self, token, name_on_card="Ana Silva"):
        self.cli("card", "set", "--token", token, "--name", name_on_card)

    def price(self, **dollars):
        for price, amount in dollars.items():
            self.cli("price", "set", "--name", price, "--amount", amount)

    def send(self, method, path=ORDERS, headers=None, **kw):
        sent = {"Authorization": f"Bearer {self.key}", **self.headers, **(headers or {})}
        return self.server.request(method, path, headers={k: v for k, v in sent.items() if v is not None}, **kw)

    def post(self, items, type="dfy", simulation=False, **kw):
        """The raw response to an order."""
        return self.send("POST", json={"items": items, "order_type": type, "simulation": simulation}, **kw)

    def order(self, items, type="dfy", simulation=False, **kw):
        """The answer to an order, checked."""
        response = self.post(items, type, simulation, **kw)
        assert response.status_code == 200, response.text
        check_head(response)
        answer = check_answer(response.text)
        assert answer["simulation"] == simulation
        return answer

    def quote(self, items, type="dfy"):
        """The answer to a simulated order, checked."""
        return self.order(items, type, simulation=True)

    def refused(self, error, items, type="dfy"):
        """The answer to an order that is refused for ERROR, alike as simulation and for real."""
        quoted, answer = self.quote(items, type), self.order(items, type)
        assert answer["order_error"] == error and not answer["order_placed"]
        assert quoted == {**answer, "simulation": True}
        return answer

    def placed(self, items, type="dfy", **kw):
        answer = self.order(items, type, **kw)
        assert answer["order_placed"], answer
        return answer

    def list(self, path, **params):
        """A page, checked."""
        response = self.send("GET", path, params=params)
        assert response.status_code == 200, response.text
        check_head(response)
        page = response.json()
        check_schema("order_list" if path == ORDERS else "account_list", page)
        for row in page["items"]:
            assert TIME.fullmatch(row["timestamp_created"])
        return page

    def pages(self, path, **params):
        """All pages, as a client reads them."""
        pages = [self.list(path, **params)]
        while "next_starting_after" in pages[-1]:
            pages.append(self.list(path, **params, starting_after=pages[-1]["next_starting_after"]))
        return pages

    def all(self, path, **params):
        return [row for page in self.pages(path, **params) for row in page["items"]]


def make_client(server, card="tok_visa", **kw):
    """A workspace of its own, with a card unless CARD is None."""
    workspace = f"contract-{next(numbers)}"
    workspace_id = server.cli("workspace", "create", "--name", workspace).strip()
    assert UUID_7.fullmatch(workspace_id)
    client = Client(server, workspace, workspace_id, **kw)
    if card:
        client.card(card)
    return client


# Test files import these by name.


@pytest.fixture
def client(dfyd):
    """A client with a workspace of its own."""
    return make_client(dfyd)


@pytest.fixture(scope="module")
def asker(dfyd):
    """A client that many tests share, for requests that change nothing."""
    return make_client(dfyd)
