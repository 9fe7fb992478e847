"""stripe-talk, the payment driver `stripe` alone, and what tests ask it with. Import the fixtures where they are needed."""
import uuid

import pytest

from conversation import Conversation
from doubles.stripe.fixture import KEY, stripe  # noqa: F401, a fixture

SECRET = "whsec_talk"
HOUR_MS = 3600000
# The double's faults that end by themselves.
AT_ONCE = ["drop_before", "rate_limit", "lock_timeout", "error_before", "html_before", "error_within", "error_after",
           "drop_after", "truncate", "half_json", "html_after"]


class Talk(Conversation):
    expected = ""  # part of the complaints that a test provokes

    def __init__(self, stripe, **env):
        self.stripe = stripe
        super().__init__("stripe-talk", secrets=[KEY], **{
            "TALK_URL": stripe.base, "TALK_KEY": KEY, "TALK_WEBHOOK_SECRET": SECRET, "TALK_TIMEOUT_MS": 20000, **env})
        self.customer, self.card = stripe.customer()
        self.token = f"{self.customer}/{self.card}"

    def ask(self, do, **asked):
        return super().ask(do, **{"now_ms": self.stripe.clock(), "workspace": "w1", "description": "Two domains", **asked})

    def job(self, **asked):
        return {"key": str(uuid.uuid4()), "token": self.token, "amount": 1234, "created_ms": self.stripe.clock(), **asked}

    def end(self):
        super().end()
        said = [one["complaint"] for one in self.stripe.complaints()]
        assert [one for one in said if not self.expected or self.expected not in one] == []


@pytest.fixture
def talk(stripe):
    one = Talk(stripe)
    yield one
    one.end()


@pytest.fixture
def hasty(stripe):
    """Does not wait long for answers that never come, but until what comes before them was answered."""
    one = Talk(stripe, TALK_TIMEOUT_MS="4000")
    yield one
    one.end()


def succeeded(stripe, key):
    return [i for i in stripe.objects("payment_intent") if i["metadata"].get("dfyd_key") == key and i["status"] == "succeeded"]


def settle(talk, job, tries=4):
    """Asks what became of it until that is known."""
    for _ in range(tries):
        said = talk.ask("close", **job)
        if said["outcome"] != "unknown":
            return said
    pytest.fail(f"still unknown: {said}")


def agree(talk, job, said):
    """The driver's last word and the double's books."""
    paid = succeeded(talk.stripe, job["key"])
    assert len(paid) == (said["outcome"] == "done"), (said, paid)
    if paid:
        assert paid[0]["amount_received"] == job["amount"]
        assert said["reference"] == paid[0]["id"]
