"""Test cards: Stripe's documented ones (https://docs.stripe.com/testing), and a few of our own, named pm_double_*.

Stripe's declining cards cannot be attached to a customer, so ours exist for reasons that show up later.
"""
import dataclasses


@dataclasses.dataclass(frozen=True)
class Decline:
    code: str
    decline_code: str = None  # absent where the documentation says n/a
    message: str = "Your card was declined."
    param: str = None


DECLINES = {
    "generic_decline": Decline("card_declined", "generic_decline"),
    "insufficient_funds": Decline("card_declined", "insufficient_funds", "Your card has insufficient funds."),
    "lost_card": Decline("card_declined", "lost_card"),
    "stolen_card": Decline("card_declined", "stolen_card"),
    "do_not_honor": Decline("card_declined", "do_not_honor"),
    "card_not_supported": Decline("card_declined", "card_not_supported", "Your card does not support this purchase."),
    "currency_not_supported": Decline("card_declined", "currency_not_supported"),
    "card_velocity_exceeded": Decline("card_declined", "card_velocity_exceeded"),
    "expired_card": Decline("expired_card", None, "Your card has expired.", "exp_month"),
    "incorrect_cvc": Decline("incorrect_cvc", None, "Your card's security code is incorrect.", "cvc"),
    "processing_error": Decline("processing_error", None, "An error occurred while processing your card."),
    "authentication_required": Decline("authentication_required", "authentication_required",
                                       "Your card was declined. It requires authentication."),
}

OK, PROCESSING = "ok", "processing"


@dataclasses.dataclass
class Card:
    brand: str = "visa"
    last4: str = "4242"
    attach: str = None  # the decline that attaching it meets
    charges: tuple = (OK,)  # what charges meet, one after the other; the last one is for all others. A decline's name too
    authenticate: str = "never"  # "never", "always", "unless_set_up", "on_session"
    refund: str = "succeeded"  # "succeeded", "pending", "fails_later", "failed"
    exp_year: int = 2034


def _declining(reason, last4):
    return Card(last4=last4, attach=reason, charges=(reason,))


DOCUMENTED = {
    "visa": Card(),
    "visa_debit": Card(last4="5556"),
    "mastercard": Card("mastercard", "4444"),
    "amex": Card("amex", "8431"),
    "discover": Card("discover", "1117"),
    "bypassPending": Card(last4="0077"),
    "visa_chargeDeclined": _declining("generic_decline", "0002"),
    "visa_chargeDeclinedInsufficientFunds": _declining("insufficient_funds", "9995"),
    "visa_chargeDeclinedLostCard": _declining("lost_card", "9987"),
    "visa_chargeDeclinedStolenCard": _declining("stolen_card", "9979"),
    "chargeDeclinedExpiredCard": _declining("expired_card", "0069"),
    "chargeDeclinedIncorrectCvc": _declining("incorrect_cvc", "0127"),
    "chargeDeclinedProcessingError": _declining("processing_error", "0119"),
    "visa_chargeDeclinedVelocityLimitExceeded": _declining("card_velocity_exceeded", "6975"),
    "chargeCustomerFail": Card(last4="0341", charges=("generic_decline",)),
    "authenticationRequired": Card(last4="3184", authenticate="always"),
    "authenticationRequiredOnSetup": Card(last4="3155", authenticate="unless_set_up"),
    "authenticationRequiredSetupForOffSession": Card(last4="0446", authenticate="on_session"),
    "authenticationRequiredChargeDeclinedInsufficientFunds":
        Card(last4="3178", charges=("insufficient_funds",), authenticate="always"),
    "pendingRefund": Card(last4="7726", refund="pending"),
    "refundFail": Card(last4="5126", refund="fails_later"),
}

OWN = {
    "declineAfterFirst": Card(last4="0101", charges=(OK, "generic_decline")),
    "processing": Card(last4="0202", charges=(PROCESSING,)),
    "refundFailedAtOnce": Card(last4="0303", refund="failed"),
    **{"attached_" + reason: Card(last4="0404", charges=(reason,)) for reason in DECLINES},
}

CARDS = {
    **{"pm_card_" + name: card for name, card in DOCUMENTED.items()},
    **{"tok_" + name: card for name, card in DOCUMENTED.items()},
    **{"pm_double_" + name: card for name, card in OWN.items()},
}


def outcome_of(name):
    """Whether NAME can stand in Card.charges."""
    return name in (OK, PROCESSING) or name in DECLINES
