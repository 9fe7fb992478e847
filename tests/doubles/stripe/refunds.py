"""Refunds: https://docs.stripe.com/api/refunds."""
import errors
from lists import need, page
from people import given_metadata


def create(account, values):
    charge, intent = _charge_of(account, values)
    left = charge["amount"] - charge["amount_refunded"]
    if not left:
        raise errors.invalid(f"Charge {charge['id']} has already been refunded.", None, "charge_already_refunded")
    amount = values.get("amount", left)
    if amount > left:
        raise errors.invalid(f"Refund amount ({amount}) is greater than the unrefunded amount of the charge ({left}).", "amount")
    way = account.cards[charge["payment_method"]]["card"].refund
    refund = account.add(
        "refund", amount=amount, balance_transaction=None, charge=charge["id"], currency=charge["currency"],
        destination_details={"type": "card", "card": {"type": "refund"}}, metadata=given_metadata(values),
        payment_intent=intent["id"], reason=values.get("reason"), receipt_number=None, source_transfer_reversal=None,
        transfer_reversal=None, status={"pending": "pending", "failed": "failed"}.get(way, "succeeded"))
    if way == "failed":
        refund["failure_reason"] = "declined"
        account.tell("refund.created", refund)
        account.tell("refund.failed", refund)
        return refund
    refund["balance_transaction"] = account.books.write("refund", refund, -amount, intent)["id"]
    _give_back(charge, amount)
    account.tell("refund.created", refund)
    account.tell("charge.refunded", charge)
    return refund


def _charge_of(account, values):
    if "payment_intent" not in values and "charge" not in values:
        raise errors.invalid("One of payment_intent and charge is needed.", "payment_intent", "parameter_missing")
    name = values.get("charge")
    if "payment_intent" in values:
        intent = need(account, "payment_intent", values["payment_intent"], "payment_intent")
        if intent["status"] != "succeeded":
            raise errors.invalid(f"The PaymentIntent {intent['id']} has no successful charge to refund.", "payment_intent",
                                 "payment_intent_unexpected_state")
        if name not in (None, intent["latest_charge"]):
            raise errors.invalid("The charge is not that of the PaymentIntent.", "charge")
        name = intent["latest_charge"]
    charge = need(account, "charge", name, "charge")
    if charge["status"] != "succeeded":
        raise errors.invalid(f"Charge {charge['id']} took no money.", "charge")
    return charge, account.find("payment_intent", charge["payment_intent"])


def _give_back(charge, amount):
    charge["amount_refunded"] += amount
    charge["refunded"] = charge["amount_refunded"] == charge["amount"]


def succeed(account, refund):
    """A pending refund has arrived."""
    refund["status"] = "succeeded"
    account.tell("refund.updated", refund)


def fail(account, refund):
    """A refund that was pending or even succeeded came back: the money is the merchant's again."""
    charge = account.find("charge", refund["charge"])
    intent = account.find("payment_intent", refund["payment_intent"])
    back = account.books.write("refund_failure", refund, refund["amount"], intent)
    _give_back(charge, -refund["amount"])
    refund |= {"status": "failed", "failure_reason": "lost_or_stolen_card", "failure_balance_transaction": back["id"]}
    account.tell("refund.updated", refund)
    account.tell("refund.failed", refund)


def list_refunds(account, values):
    for word in ("payment_intent", "charge"):
        if word in values:
            need(account, word, values[word], word)
    return page(account, "refund", "/v1/refunds", values, lambda refund: all(
        values.get(word) in (None, refund[word]) for word in ("payment_intent", "charge")))
