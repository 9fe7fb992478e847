"""The fixture `stripe`: a double for one test, and a client for it. Import it where it is needed:

    from doubles.stripe.fixture import stripe  # noqa: F401
"""
import pathlib
import subprocess
import sys

import pytest
import requests

RUN = pathlib.Path(__file__).resolve().parent / "run.py"
VERSION = "2026-06-24.dahlia"
KEY = "sk_test_double"


class Fault:
    """A fault that was set: waits for what becomes of it."""

    def __init__(self, stripe, name):
        self.stripe, self.name = stripe, name

    def wait(self, word="hits", least=1, seconds=30):
        """Until WORD is at least LEAST: hits (requests met it), waiting (are held now), done (are through)."""
        return self.stripe.control("POST", f"faults/{self.name}/wait", {"for": word, "least": least, "seconds": seconds})

    def release(self):
        self.stripe.control("POST", f"faults/{self.name}/release")


class Stripe:
    """One double. call() speaks Stripe's API; everything else is /_control."""

    def __init__(self):
        self.process = subprocess.Popen([sys.executable, str(RUN), "--port", "0"], stdout=subprocess.PIPE, text=True)
        line = self.process.stdout.readline()
        assert line.startswith("listening on http://"), f"the double did not start: {line!r}"
        self.base = line.removeprefix("listening on ").strip()
        self.http = requests.Session()
        self.http.trust_env = False

    def stop(self):
        self.process.terminate()
        assert self.process.wait(30) == 0
        self.process.stdout.close()
        self.http.close()

    # -- Stripe's API

    def call(self, method, path, form=None, key=None, http=None, **headers):
        """FORM: pairs or a dict with bracketed names."""
        headers = {"Authorization": "Bearer " + KEY, "Stripe-Version": VERSION,
                   **{name.replace("_", "-"): value for name, value in headers.items()}}
        headers = {name: value for name, value in headers.items() if value is not None}
        if key is not None:
            headers["Idempotency-Key"] = key
        where = {"params": form} if method == "GET" else {"data": form}
        return (http or self.http).request(method, self.base + "/v1/" + path, headers=headers, timeout=60, **where)

    def get(self, path, **form):
        return self.call("GET", path, form)

    def post(self, path, form=None, key=None, **headers):
        return self.call("POST", path, form, key, **headers)

    def customer(self, card="pm_card_visa", **form):
        """A customer whose default card is CARD; both names."""
        made = self.post("customers", form).json()["id"]
        method = self.post(f"payment_methods/{card}/attach", {"customer": made})
        assert method.status_code == 200, method.text
        method = method.json()["id"]
        self.post(f"customers/{made}", {"invoice_settings[default_payment_method]": method})
        return made, method

    # -- control

    def control(self, method, path, asked=None):
        answer = self.http.request(method, f"{self.base}/_control/{path}", json=asked or {}, timeout=120)
        assert answer.status_code == 200, answer.text
        return answer.json()

    def fault(self, kind, **spec):
        """What happens to the next requests that match; see faults.py."""
        return Fault(self, self.control("POST", "faults", {"kind": kind, **spec})["id"])

    def clear_faults(self):
        self.control("DELETE", "faults")

    def books(self):
        return self.control("GET", "books")

    def objects(self, kind):
        return self.control("GET", "objects/" + kind)

    def requests(self):
        return self.control("GET", "requests")

    def complaints(self):
        """What it was sent that a client that knows the API would not send. Empty at the end of every good test."""
        return self.control("GET", "complaints")

    def clock(self, **asked):
        """advance_s=, now_ms=, frozen=."""
        return self.control("POST", "clock", asked)["now_ms"]

    def card(self, payment_method, **asked):
        """What a stored card does from now on: charges=["ok", "expired_card"], refund=, authenticate=."""
        self.control("POST", "cards", {"payment_method": payment_method, **asked})

    def authenticate(self, name, passed=True):
        return self.control("POST", "authenticate", {"id": name, "passed": passed})["status"]

    def settle(self, name, outcome="succeeded", **asked):
        """Ends a processing payment or a pending refund; "failed" also fails a refund that succeeded."""
        return self.control("POST", "settle", {"id": name, "outcome": outcome, **asked})["status"]

    def pay(self, session, card="pm_card_visa", **asked):
        """The customer pays on the page of SESSION; the raw answer, 402 when the card is declined."""
        return self.http.post(f"{self.base}/_control/checkout/{session}/pay", json={"card": card, **asked}, timeout=60)

    def webhook(self, url, secret, **asked):
        """auto=False: events go out only by send()."""
        self.control("POST", "webhook", {"url": url, "secret": secret, **asked})

    def events(self, kind=None):
        return [event for event in self.control("GET", "events") if kind in (None, event["type"])]

    def send(self, event, **asked):
        """Delivers one event now: age_s= for a stale signature, header= or secret= for a wrong one. How it was answered."""
        return self.control("POST", f"events/{event['id']}/send", asked)

    def delivered(self):
        """All deliveries, once none is waiting."""
        self.control("POST", "deliveries/wait")
        return self.control("GET", "deliveries")


@pytest.fixture
def stripe():
    double = Stripe()
    yield double
    double.stop()
