"""PaymentIntents and their charges: https://docs.stripe.com/payments/paymentintents/lifecycle and /api/payment_intents."""
import errors
from cards import DECLINES, OK, PROCESSING
from lists import need, page, show
from people import attach, check_owner, given_metadata, resolve

LEAST = {"usd": 50, "eur": 50, "gbp": 30}  # https://docs.stripe.com/currencies#minimum-and-maximum-charge-amounts
OPEN = ("requires_payment_method", "requires_confirmation", "requires_action")
WITH_CONFIRM = ("off_session", "return_url", "error_on_requires_action")


def check_amount(amount, currency, param="amount"):
    if currency not in LEAST:
        raise errors.invalid(f"Invalid currency: {currency}; this double knows {', '.join(LEAST)}.", "currency")
    if amount < LEAST[currency]:
        raise errors.invalid(f"The amount must be at least {LEAST[currency]} {currency}.", param, "amount_too_small")


def create(account, values):
    check_amount(values["amount"], values["currency"])
    if "customer" in values:
        need(account, "customer", values["customer"], "customer")
    for word in WITH_CONFIRM:
        if word in values and not values.get("confirm"):
            raise errors.invalid(f"{word} goes with confirm=true only.", word, "payment_intent_invalid_parameter")
    if "automatic_payment_methods" in values and "payment_method_types" in values:
        raise errors.invalid("Only one of automatic_payment_methods and payment_method_types.", "payment_method_types",
                             "payment_intent_invalid_parameter")
    if values.get("confirm") and "payment_method" not in values:
        raise errors.invalid("There is no payment method to confirm with.", "payment_method", "payment_intent_unexpected_state")
    automatic = values.get("automatic_payment_methods", {"enabled": "payment_method_types" not in values})
    _check_redirects(automatic, values)
    method = resolve(account, values["payment_method"], "payment_method") if "payment_method" in values else None
    if method:
        check_owner(account, method, values.get("customer"))
    intent = open_intent(account, values, automatic)
    if method:
        intent |= {"payment_method": method["id"], "status": "requires_confirmation"}
    account.tell("payment_intent.created", intent)
    if values.get("confirm"):
        _attempt(account, intent, method, values)
    return intent


def open_intent(account, values, automatic=None):
    intent = account.add(
        "payment_intent", amount=values["amount"], amount_capturable=0, amount_details={"tip": {}}, amount_received=0,
        application=None, application_fee_amount=None, canceled_at=None, cancellation_reason=None,
        automatic_payment_methods={"allow_redirects": "always", **automatic} if automatic and automatic["enabled"] else None,
        capture_method=values.get("capture_method", "automatic_async"), client_secret=None, confirmation_method="automatic",
        currency=values["currency"], customer=values.get("customer"), description=values.get("description"),
        last_payment_error=None, latest_charge=None, metadata=given_metadata(values), next_action=None, on_behalf_of=None,
        payment_method=None, payment_method_configuration_details=None, payment_method_options={},
        payment_method_types=["card"], processing=None, receipt_email=values.get("receipt_email"), review=None,
        setup_future_usage=values.get("setup_future_usage"), shipping=None, source=None,
        statement_descriptor=values.get("statement_descriptor"), transfer_data=None, transfer_group=None,
        statement_descriptor_suffix=values.get("statement_descriptor_suffix"), status="requires_payment_method")
    intent["client_secret"] = intent["id"] + "_secret_double"
    return intent


def _check_redirects(automatic, values):
    redirects = automatic["enabled"] and automatic.get("allow_redirects", "always") == "always"
    if values.get("confirm") and redirects and "return_url" not in values:
        raise errors.invalid("Methods that redirect need a return_url: give one, or automatic_payment_methods[allow_redirects]="
                             "never, or payment_method_types.", "return_url")


def confirm(account, values, intent):
    if intent["status"] not in OPEN or intent.get("_session"):
        raise errors.unexpected_state(show(account, intent, []), "confirmed")
    name = values.get("payment_method", intent["payment_method"])
    if not name:
        raise errors.unexpected_state(show(account, intent, []), "confirmed without a payment method")
    _check_redirects(intent["automatic_payment_methods"] or {"enabled": False}, {**values, "confirm": True})
    method = resolve(account, name, "payment_method")
    check_owner(account, method, intent["customer"])
    for word in ("receipt_email", "setup_future_usage"):
        intent[word] = values.get(word, intent[word])
    intent["payment_method"] = method["id"]
    _attempt(account, intent, method, values)
    return intent


def _attempt(account, intent, method, values):
    """Tries to take the money; raises the card error of a decline."""
    known, off = account.cards[method["id"]], values.get("off_session", False)
    need_customer = {"always": True, "unless_set_up": not (off and known["set_up"]), "on_session": not off, "never": False}
    if need_customer[known["card"].authenticate]:
        if off or values.get("error_on_requires_action"):
            decline(account, intent, method, "authentication_required")
        redirect = {"type": "redirect_to_url", "redirect_to_url": {
            "return_url": values.get("return_url"), "url": "https://hooks.stripe.com/double/" + intent["id"]}}
        sdk = {"type": "use_stripe_sdk", "use_stripe_sdk": {}}
        intent |= {"status": "requires_action", "next_action": redirect if "return_url" in values else sdk}
        account.tell("payment_intent.requires_action", intent)
        return
    charge_card(account, intent, method)


def charge_card(account, intent, method):
    """What the card answers; raises the card error of a decline."""
    known = account.cards[method["id"]]
    outcome = known["charges"].pop(0) if len(known["charges"]) > 1 else known["charges"][0]
    if method["customer"] is None:
        if intent["setup_future_usage"] and intent["customer"] and outcome in (OK, PROCESSING) and not known["card"].attach:
            attach(account, method, need(account, "customer", intent["customer"], "customer"))
        else:
            known["used"] = True
    if outcome in DECLINES:
        decline(account, intent, method, outcome)
    charge = _charge(account, intent, method, status="pending" if outcome == PROCESSING else "succeeded")
    intent |= {"latest_charge": charge["id"], "last_payment_error": None, "next_action": None}
    if outcome == PROCESSING:
        intent["status"] = "processing"
        account.tell("payment_intent.processing", intent)
    else:
        receive(account, intent, charge)


def receive(account, intent, charge):
    """The money is there."""
    amount = intent["amount"]
    charge |= {"status": "succeeded", "paid": True, "captured": True, "amount_captured": amount}
    charge["balance_transaction"] = account.books.write("charge", charge, amount, intent)["id"]
    intent |= {"status": "succeeded", "amount_received": amount}
    account.tell("charge.succeeded", charge)
    account.tell("payment_intent.succeeded", intent)


def decline(account, intent, method, reason):
    row = DECLINES[reason]
    charge = _charge(account, intent, method, status="failed", failure_code=row.code, failure_message=row.message)
    fail(account, intent, charge, method, row)
    raise errors.card_error(row, charge=charge["id"], payment_intent=show(account, intent, []),
                            payment_method=show(account, method, []))


def fail(account, intent, charge, method, row):
    """The intent can be confirmed again, with another card."""
    charge |= {"status": "failed", "failure_code": row.code, "failure_message": row.message, "outcome": {
        "advice_code": None, "network_advice_code": None, "network_decline_code": None, "type": "issuer_declined",
        "network_status": "declined_by_network", "reason": row.decline_code or row.code, "seller_message": row.message}}
    error = errors.card_error(row, charge=charge["id"], payment_method=show(account, method, [])).error
    intent |= {"status": "requires_payment_method", "payment_method": None, "next_action": None,
               "latest_charge": charge["id"], "last_payment_error": error}
    account.tell("charge.failed", charge)
    account.tell("payment_intent.payment_failed", intent)


def _charge(account, intent, method, **fields):
    card = {name: method["card"][name] for name in ("brand", "checks", "country", "exp_month", "exp_year", "fingerprint",
                                                    "funding", "last4", "wallet")}
    return account.add("charge", **{
        "amount": intent["amount"], "amount_captured": 0, "amount_refunded": 0, "application": None, "application_fee": None,
        "application_fee_amount": None, "balance_transaction": None, "billing_details": method["billing_details"],
        "calculated_statement_descriptor": "DOUBLE", "captured": False, "currency": intent["currency"],
        "customer": intent["customer"], "description": intent["description"], "disputed": False,
        "failure_balance_transaction": None, "failure_code": None, "failure_message": None, "fraud_details": {},
        "metadata": dict(intent["metadata"]), "on_behalf_of": None, "paid": False, "payment_intent": intent["id"],
        "payment_method": method["id"], "payment_method_details": {"type": "card", "card": {**card, "three_d_secure": None}},
        "outcome": {"advice_code": None, "network_advice_code": None, "network_decline_code": None, "reason": None,
                    "network_status": "approved_by_network", "seller_message": "Payment complete.", "type": "authorized"},
        "receipt_email": intent["receipt_email"], "receipt_number": None, "receipt_url": None, "refunded": False,
        "review": None, "shipping": None, "source_transfer": None, "statement_descriptor": intent["statement_descriptor"],
        "statement_descriptor_suffix": intent["statement_descriptor_suffix"], "transfer_data": None, "transfer_group": None,
        **fields})


def cancel(account, values, intent):
    if intent["status"] not in OPEN:
        raise errors.unexpected_state(show(account, intent, []), "canceled")
    if intent.get("_session"):
        raise errors.invalid("The PaymentIntent belongs to a Checkout Session: expire that instead.", None,
                             "payment_intent_unexpected_state", payment_intent=show(account, intent, []))
    return end_canceled(account, intent, values.get("cancellation_reason"))


def end_canceled(account, intent, reason):
    intent |= {"status": "canceled", "canceled_at": account.now(), "cancellation_reason": reason, "next_action": None}
    account.tell("payment_intent.canceled", intent)
    return intent


def list_intents(account, values):
    if "customer" in values:
        need(account, "customer", values["customer"], "customer")
    return page(account, "payment_intent", "/v1/payment_intents", values,
                lambda intent: values.get("customer") in (None, intent["customer"]))


def list_charges(account, values):
    for word, kind in (("customer", "customer"), ("payment_intent", "payment_intent")):
        if word in values:
            need(account, kind, values[word], word)
    return page(account, "charge", "/v1/charges", values, lambda charge: all(
        values.get(word) in (None, charge[word]) for word in ("customer", "payment_intent")))


def list_balance(account, values):
    return page(account, "balance_transaction", "/v1/balance_transactions", values, lambda line: all(
        values.get(word) in (None, line[word]) for word in ("source", "currency", "type")))
