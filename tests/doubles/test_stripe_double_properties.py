"""Made-up histories with the double of Stripe's API: its books are always what its objects say, to the cent. The same in every run
(derandomize)."""
import concurrent.futures
import string

import requests
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from hypothesis.stateful import Bundle, RuleBasedStateMachine, invariant, rule, run_state_machine_as_test

from doubles.stripe.fixture import Stripe

LOST = (requests.exceptions.ConnectionError, requests.exceptions.ChunkedEncodingError)
CARDS = ["pm_card_visa", "pm_card_chargeCustomerFail", "pm_card_pendingRefund", "pm_card_refundFail",
         "pm_card_authenticationRequired", "pm_double_declineAfterFirst", "pm_double_processing",
         "pm_double_refundFailedAtOnce"]
KINDS = ["drop_before", "drop_after", "error_before", "error_within", "error_after", "rate_limit", "html_after", "truncate",
         "late"]


class History(RuleBasedStateMachine):
    """One customer's history. What is checked comes from what the client was told, and from the lists."""

    double = None  # set by the test
    customers, keys = Bundle("customers"), Bundle("keys")

    def __init__(self):
        super().__init__()
        self.customer = self.double.post("customers").json()["id"]
        self.sent = {}  # idempotency key -> the form under it
        self.told = {}  # idempotency key -> the first intent that was answered
        self.late = []

    def names(self, path, status):
        listed = self.double.get(path, customer=self.customer, limit="100").json()
        assert not listed["has_more"]
        return [thing["id"] for thing in listed["data"] if thing["status"] in status]

    def send(self, key):
        try:
            answer = self.double.post("payment_intents", self.sent[key], key)
            if answer.status_code == 200:
                made = answer.json()
                assert self.told.setdefault(key, made) == made, "one key, two answers"
                assert made["amount"] == int(self.sent[key]["amount"])
        except (*LOST, ValueError):
            pass

    @rule(target=customers, card=st.sampled_from(CARDS))
    def attach(self, card):
        return self.double.post(f"payment_methods/{card}/attach", {"customer": self.customer}).json()["id"]

    @rule(target=keys, method=customers, amount=st.integers(50, 100_000), off=st.booleans())
    def charge(self, method, amount, off):
        key = f"{self.customer}/{len(self.sent)}"
        self.sent[key] = {"amount": str(amount), "currency": "usd", "customer": self.customer, "payment_method": method,
                          "confirm": "true", "payment_method_types[]": "card", "off_session": "true" if off else "false"}
        self.send(key)
        return key

    @rule(key=keys)
    def repeat(self, key):
        self.send(key)

    @rule(key=keys)
    def repeat_at_once(self, key):
        def one(_):
            try:
                with requests.Session() as http:
                    return self.double.call("POST", "payment_intents", self.sent[key], key, http).status_code
            except LOST:
                return None

        with concurrent.futures.ThreadPoolExecutor(4) as pool:
            assert set(pool.map(one, range(4))) <= {None, 200, 402, 409, 429, 500, 502}

    @rule(kind=st.sampled_from(KINDS))
    def fault(self, kind):
        made = self.double.fault(kind, method="POST", path="payment_intents$", contains=self.customer)
        if kind == "late":
            self.late.append(made)

    @rule()
    def let_late_requests_arrive(self):
        self.double.clear_faults()
        for fault in self.late:
            state = self.double.control("GET", "faults")
            if any(known["id"] == fault.name and known["hits"] for known in state):
                fault.wait("done")
        self.late.clear()

    @rule(data=st.data(), part=st.integers(1, 100), twice=st.booleans(), comes_back=st.booleans())
    def refund(self, data, part, twice, comes_back):
        if not (paid := self.names("payment_intents", ["succeeded"])):
            return
        name = data.draw(st.sampled_from(paid))
        amount = max(1, self.double.get(f"payment_intents/{name}").json()["amount"] * part // 100)
        for _ in range(1 + twice):
            made = self.double.post("refunds", {"payment_intent": name, "amount": str(amount)}, f"{name}/{amount}")
        if comes_back and made.status_code == 200 and self.double.get(f"refunds/{made.json()['id']}").json()["status"] != "failed":
            self.double.settle(made.json()["id"], "failed")

    @rule(data=st.data(), outcome=st.sampled_from(["succeeded", "failed"]))
    def settle_payment(self, data, outcome):
        if open_ones := self.names("payment_intents", ["processing"]):
            self.double.settle(data.draw(st.sampled_from(open_ones)), outcome)

    @rule(data=st.data(), passed=st.booleans())
    def authenticate(self, data, passed):
        if asked := self.names("payment_intents", ["requires_action"]):
            self.double.authenticate(data.draw(st.sampled_from(asked)), passed)

    @rule(data=st.data())
    def refund_comes_back(self, data):
        for name in self.names("payment_intents", ["succeeded"]):
            listed = self.double.get("refunds", payment_intent=name).json()["data"]
            if alive := [refund["id"] for refund in listed if refund["status"] != "failed"]:
                return self.double.settle(data.draw(st.sampled_from(alive)), "failed")

    @rule(data=st.data())
    def cancel(self, data):
        if intents := self.names("payment_intents", ["requires_payment_method", "requires_action", "succeeded", "processing"]):
            name = data.draw(st.sampled_from(intents))
            before = self.double.get(f"payment_intents/{name}").json()["status"]
            answer = self.double.post(f"payment_intents/{name}/cancel")
            assert (answer.status_code == 200) == (before in ("requires_payment_method", "requires_action"))

    @rule(seconds=st.integers(0, 3600))
    def wait(self, seconds):
        self.double.clock(advance_s=seconds)

    @invariant()
    def books_are_what_the_objects_say(self):
        intents = [thing for thing in self.double.objects("payment_intent") if thing["customer"] == self.customer]
        charges = {thing["id"]: thing for thing in self.double.objects("charge") if thing["customer"] == self.customer}
        refunds = [thing for thing in self.double.objects("refund") if thing["charge"] in charges]
        lines = [line for line in self.double.books()["lines"] if line["customer"] == self.customer]
        paid = sum(thing["amount"] for thing in intents if thing["status"] == "succeeded")
        back = sum(thing["amount"] for thing in refunds if thing["status"] != "failed")
        assert sum(line["amount"] for line in lines) == paid - back
        assert paid == sum(thing["amount_received"] for thing in intents)
        assert paid == sum(thing["amount_captured"] for thing in charges.values())
        for name, charge in charges.items():
            given_back = sum(thing["amount"] for thing in refunds if thing["charge"] == name and thing["status"] != "failed")
            assert charge["amount_refunded"] == given_back <= charge["amount"]
            assert sum(line["kind"] == "charge" for line in lines if line["id"] == name) == (charge["status"] == "succeeded")

    def teardown(self):
        self.let_late_requests_arrive()
        self.books_are_what_the_objects_say()
        intents = [thing for thing in self.double.objects("payment_intent") if thing["customer"] == self.customer]
        assert len(intents) <= len(self.sent), "one key made two intents"


def test_books_always_balance():
    History.double = Stripe()
    try:
        run_state_machine_as_test(History, settings=settings(
            max_examples=100, stateful_step_count=25, derandomize=True, database=None, deadline=None,
            suppress_health_check=list(HealthCheck)))
        total = History.double.books()
        assert total["net"] == total["charged"] - total["refunded"] == sum(line["amount"] for line in total["lines"])
        assert not any("bug" in complaint for complaint in History.double.complaints())
    finally:
        History.double.stop()


PATHS = ["customers", "payment_methods", "payment_intents", "setup_intents", "refunds", "checkout/sessions", "charges",
         "payment_intents/pi_x/confirm", "payment_methods/pm_card_visa/attach", "balance_transactions"]
NAMES = st.sampled_from([
    "amount", "currency", "customer", "confirm", "off_session", "payment_method", "metadata", "metadata[a]", "metadata[]",
    "payment_method_types[]", "payment_method_types[0]", "expand[]", "expand[0]", "created", "created[gte]", "limit", "mode",
    "automatic_payment_methods[enabled]", "line_items[0][quantity]", "line_items[0][price_data][unit_amount]", "success_url",
    "starting_after", "type", "card[token]", "card", "payment_intent", "charge", "invoice_settings[default_payment_method]",
    "return_url", "expires_at", "line_items", "payment_intent_data[metadata][a]"])
VALUES = st.sampled_from(["", "0", "-1", "50", "1e9", "usd", "true", "false", "card", "tok_visa", "pm_card_visa", "payment", "data",
                          "https://a.test", "http://[", "9" * 30, "data.customer", "invoice_settings.default_payment_method",
                          "latest_charge", "\u0661", "\x00"]) | st.text(string.printable, max_size=5)


def test_no_request_breaks_it():
    """Whatever is sent, it answers as Stripe would: never 500, never with something that is not JSON."""
    double = Stripe()

    @settings(max_examples=600, derandomize=True, database=None, deadline=None, suppress_health_check=list(HealthCheck))
    @given(st.sampled_from(["GET", "POST"]), st.sampled_from(PATHS), st.lists(st.tuples(NAMES, VALUES), max_size=6))
    def send(method, path, form):
        answer = double.call(method, path, form)
        assert answer.status_code in (200, 400, 402, 404), answer.text
        assert answer.json()

    try:
        send()
        assert not any("bug" in complaint for complaint in double.complaints())
    finally:
        double.stop()
