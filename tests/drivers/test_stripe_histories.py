"""Made-up histories: charges, closes and refunds in any order, each call in any kind of trouble, hours passing between.

A last word never changes, and in the end the double's books hold exactly what the driver said was charged and given back.
A history that fails is run again by its seed: DFYD_SEED=7 pytest tests/drivers/test_stripe_histories.py
"""
import os
import random
import uuid

import pytest

from doubles.stripe.cards import DECLINES
from doubles.stripe.fixture import stripe  # noqa: F401, a fixture
from stripe_talk import AT_ONCE, succeeded, talk  # noqa: F401, a fixture too

SEEDS = [int(os.environ["DFYD_SEED"])] if os.environ.get("DFYD_SEED") else range(24)
CALLS = ["payment_intents$", "confirm$", "cancel$", "pi_[^/]*$", "payment_intents.*", "refunds", "/v1/"]
STEPS = 30


class History:
    def __init__(self, talk, seed):
        self.talk, self.stripe, self.random = talk, talk.stripe, random.Random(seed)
        self.charges, self.refunds = [], []
        self.tokens = [talk.token]
        for card in ["pm_card_mastercard", *("pm_double_attached_" + reason for reason in self.random.sample(sorted(DECLINES), 2))]:
            self.tokens.append("/".join(self.stripe.customer(card)))

    def said(self, thing, said):
        """Keeps the first last word, and holds later ones to it."""
        if said["outcome"] != "unknown":
            assert thing["word"] in (None, said["outcome"]), (thing, said)
            thing["word"] = said["outcome"]
            thing["reference"] = said["reference"] or thing["reference"]
        return thing["word"]

    def new_charge(self):
        job = self.talk.job(token=self.random.choice(self.tokens), amount=self.random.randint(50, 9999))
        self.charges.append({"job": job, "word": None, "reference": ""})
        self.charge(self.charges[-1])

    def charge(self, thing):
        self.said(thing, self.talk.ask("charge", **thing["job"]))

    def close(self, thing):
        return self.said(thing, self.talk.ask("close", **thing["job"]))

    def new_refund(self):
        paid = [c for c in self.charges if c["word"] == "done"]
        if not paid:
            return
        of = self.random.choice(paid)
        job = {"key": str(uuid.UUID(int=self.random.getrandbits(128))), "charge_key": of["job"]["key"], "reference": of["reference"],
               "amount": self.random.randint(1, of["job"]["amount"])}
        self.refunds.append({"job": job, "word": None, "reference": ""})
        self.refund(self.refunds[-1])

    def refund(self, thing):
        return self.said(thing, self.talk.ask("refund", **thing["job"]))

    def trouble(self):
        self.stripe.fault(self.random.choice(AT_ONCE), path=self.random.choice(CALLS), times=self.random.randint(1, 2),
                          skip=self.random.randint(0, 1))

    def step(self):
        choice = self.random.random()
        if choice < 0.35:
            self.trouble()
        elif choice < 0.55 or not self.charges:
            self.new_charge()
        elif choice < 0.65:
            self.charge(self.random.choice(self.charges))
        elif choice < 0.8:
            self.close(self.random.choice(self.charges))
        elif choice < 0.88:
            self.new_refund()
        elif choice < 0.95 and self.refunds:
            self.refund(self.random.choice(self.refunds))
        else:
            self.stripe.clock(advance_s=self.random.choice([60, 3600, 6 * 3600, 25 * 3600]))

    def end(self):
        self.stripe.clear_faults()
        for act, things in [(self.close, self.charges), (self.refund, self.refunds)]:
            for thing in things:
                if not act(thing):  # a failure of Stripe's is kept under a key for a day
                    self.stripe.clock(advance_s=25 * 3600)
                    assert act(thing), f"still unknown: {thing}"

    def check(self):
        done = [c for c in self.charges if c["word"] == "done"]
        for c in self.charges:
            paid = succeeded(self.stripe, c["job"]["key"])
            assert [p["id"] for p in paid] == ([c["reference"]] if c["word"] == "done" else []), c
        given = [r["job"]["amount"] for r in self.refunds if r["word"] == "done"]
        books = self.stripe.books()
        assert (books["charged"], books["refunded"]) == (sum(c["job"]["amount"] for c in done), sum(given))
        moved = self.talk.ask("movements", from_ms=0)["movements"]
        assert sum(-m["amount"] if m["is_refund"] else m["amount"] for m in moved) == books["net"]
        assert {m["key"] for m in moved if not m["is_refund"]} == {c["job"]["key"] for c in done}


@pytest.mark.parametrize("seed", SEEDS)
def test_the_last_word_is_what_stands_in_the_books(stripe, talk, seed):
    history = History(talk, seed)
    for _ in range(STEPS):
        history.step()
    history.end()
    history.check()
