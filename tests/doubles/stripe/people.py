"""Customers, payment methods and SetupIntents: https://docs.stripe.com/api/customers, /payment_methods, /setup_intents."""
import dataclasses

import errors
from cards import CARDS, DECLINES, Card
from lists import need, page, show

NOBODY = {"address": {name: None for name in ("city", "country", "line1", "line2", "postal_code", "state")},
          "email": None, "name": None, "phone": None, "tax_id": None}


def merge_metadata(old, new):
    """An empty value unsets its key; an empty form of all of it unsets everything."""
    if not new:
        return {}
    return {key: value for key, value in {**old, **new}.items() if value != ""}


def given_metadata(values):
    return merge_metadata({}, values.get("metadata", {}))


# -- customers

def create_customer(account, values):
    customer = account.add(
        "customer", address=None, balance=0, currency=None, default_source=None, delinquent=False, description=None,
        discount=None, email=None, invoice_prefix="DOUBLE", name=None, next_invoice_sequence=1, phone=None,
        preferred_locales=[], shipping=None, tax_exempt="none", test_clock=None, metadata={},
        invoice_settings={"custom_fields": None, "default_payment_method": None, "footer": None, "rendering_options": None})
    try:
        if "payment_method" in values:
            attach(account, resolve(account, values["payment_method"], "payment_method"), customer)
        update_customer(account, values, customer)
    except errors.Refusal:
        del account.objects["customer"][customer["id"]]
        raise
    account.tell("customer.created", customer)
    return customer


def update_customer(account, values, customer):
    if "invoice_settings" in values:
        name = values["invoice_settings"].get("default_payment_method") or None
        if name and need(account, "payment_method", name, "invoice_settings[default_payment_method]")["customer"] != customer["id"]:
            raise errors.invalid("The customer does not have that payment method; it must be attached first.",
                                 "invoice_settings[default_payment_method]", "resource_missing")
        customer["invoice_settings"]["default_payment_method"] = name
    if "metadata" in values:
        customer["metadata"] = merge_metadata(customer["metadata"], values["metadata"])
    for word in ("address", "description", "email", "name", "phone"):
        if word in values:
            customer[word] = values[word] or None
    return customer


def list_customers(account, values):
    return page(account, "customer", "/v1/customers", values,
                lambda customer: values.get("email") in (None, customer["email"]))


# -- payment methods

def make_method(account, name, billing=None, metadata=None):
    """A new payment method of the test card called NAME."""
    card = dataclasses.replace(CARDS[name])
    method = account.add(
        "payment_method", type="card", allow_redisplay="unspecified", customer=None, metadata=metadata or {},
        billing_details={**NOBODY, **{key: value or None for key, value in (billing or {}).items()}},
        card={"brand": card.brand, "display_brand": card.brand, "checks": {
            "address_line1_check": None, "address_postal_code_check": None, "cvc_check": None},
              "country": "US", "exp_month": 12, "exp_year": card.exp_year, "fingerprint": "double" + card.last4,
              "funding": "credit", "generated_from": None, "last4": card.last4, "wallet": None, "regulated_status": None,
              "networks": {"available": [card.brand], "preferred": None}, "three_d_secure_usage": {"supported": True}})
    account.cards[method["id"]] = {"card": card, "charges": list(card.charges), "set_up": False, "used": False}
    return method


def create_method(account, values):
    if "number" in values["card"] or "token" not in values["card"]:
        raise errors.invalid("Card numbers do not belong in API calls: send a token such as tok_visa.", "card[number]")
    token = values["card"]["token"]
    if not token.startswith("tok_") or token not in CARDS:
        raise errors.missing("token", token, "card[token]")
    method = make_method(account, token, values.get("billing_details"), given_metadata(values))
    method["allow_redisplay"] = values.get("allow_redisplay", "unspecified")
    return method


def resolve(account, name, param, in_path=False):
    """A stored payment method, or a new one when NAME is that of a test card."""
    if name in CARDS and not name.startswith("tok_"):
        return make_method(account, name)
    return need(account, "payment_method", name, param, in_path)


def update_method(account, values, method):
    if method["customer"] is None:
        raise errors.invalid("The payment method must be attached to a customer before it can be updated.")
    for word, value in values.get("billing_details", {}).items():
        method["billing_details"][word] = value or None
    method["card"].update(values.get("card", {}))
    if "metadata" in values:
        method["metadata"] = merge_metadata(method["metadata"], values["metadata"])
    method["allow_redisplay"] = values.get("allow_redisplay", method["allow_redisplay"])
    return method


def attach(account, method, customer):
    if method["customer"] == customer["id"]:
        return method
    known = account.cards[method["id"]]
    if method["customer"] is not None:
        raise errors.invalid("The payment method is attached to another customer already.", "payment_method")
    if known["used"]:
        raise used_up()
    if known["card"].attach:
        raise errors.card_error(DECLINES[known["card"].attach])
    method["customer"] = customer["id"]
    account.tell("payment_method.attached", method)
    return method


def used_up():
    return errors.invalid("The payment method was used before without a customer, or was detached. It cannot be used again.",
                          "payment_method")


def detach(account, method):
    if method["customer"] is None:
        raise errors.invalid("The payment method is not attached to a customer.")
    method["customer"] = None
    account.cards[method["id"]]["used"] = True
    for customer in account.objects["customer"].values():
        if customer["invoice_settings"]["default_payment_method"] == method["id"]:
            customer["invoice_settings"]["default_payment_method"] = None
    account.tell("payment_method.detached", method)
    return method


def list_methods(account, values, url="/v1/payment_methods"):
    if "customer" in values:
        need(account, "customer", values["customer"], "customer")
    return page(account, "payment_method", url, values, lambda method: method["customer"] == values.get("customer"))


def check_owner(account, method, customer_id):
    """A card of one customer pays for nobody else, and one that was used up for nobody at all."""
    if method["customer"] is None:
        if account.cards[method["id"]]["used"]:
            raise used_up()
    elif customer_id is None:
        raise errors.invalid("The payment method belongs to a customer; give the customer too.", "payment_method")
    elif method["customer"] != customer_id:
        raise errors.invalid("The payment method does not belong to the customer.", "payment_method")


# -- SetupIntents

def create_setup(account, values):
    if "customer" in values:
        need(account, "customer", values["customer"], "customer")
    if "automatic_payment_methods" in values and "payment_method_types" in values:
        raise errors.invalid("Only one of automatic_payment_methods and payment_method_types.", "payment_method_types",
                             "setup_intent_invalid_parameter")
    if "return_url" in values and not values.get("confirm"):
        raise errors.invalid("return_url goes with confirm=true only.", "return_url", "setup_intent_invalid_parameter")
    method = resolve(account, values["payment_method"], "payment_method") if "payment_method" in values else None
    if values.get("confirm") and not method:
        raise errors.invalid("There is no payment method to confirm with.", "payment_method", "setup_intent_unexpected_state")
    if method:
        check_owner(account, method, values.get("customer"))
    automatic = values.get("automatic_payment_methods", {"enabled": "payment_method_types" not in values})
    setup = account.add(
        "setup_intent", application=None, automatic_payment_methods=automatic if automatic["enabled"] else None,
        cancellation_reason=None, client_secret=None, customer=values.get("customer"), description=values.get("description"),
        flow_directions=None, last_setup_error=None, latest_attempt=None, mandate=None, metadata=given_metadata(values),
        next_action=None, on_behalf_of=None, payment_method=method and method["id"], payment_method_options={},
        payment_method_types=["card"], single_use_mandate=None, usage=values.get("usage", "off_session"),
        status="requires_confirmation" if method else "requires_payment_method")
    setup["client_secret"] = setup["id"] + "_secret_double"
    account.tell("setup_intent.created", setup)
    return confirm_setup(account, values, setup) if values.get("confirm") else setup


def confirm_setup(account, values, setup):
    if setup["status"] in ("succeeded", "canceled", "processing"):
        raise errors.unexpected_state(setup, "confirmed")
    if "payment_method" in values:
        setup["payment_method"] = resolve(account, values["payment_method"], "payment_method")["id"]
    if not setup["payment_method"]:
        raise errors.unexpected_state(setup, "confirmed without a payment method")
    method = account.find("payment_method", setup["payment_method"])
    check_owner(account, method, setup["customer"])
    card: Card = account.cards[method["id"]]["card"]
    if card.attach:
        return fail_setup(account, setup, method, card.attach)
    if card.authenticate in ("always", "unless_set_up") and not account.cards[method["id"]]["set_up"]:
        setup |= {"status": "requires_action", "next_action": {"type": "use_stripe_sdk", "use_stripe_sdk": {}}}
        account.tell("setup_intent.requires_action", setup)
        return setup
    return end_setup(account, setup)


def fail_setup(account, setup, method, reason):
    error = errors.card_error(DECLINES[reason]).error | {"payment_method": show(account, method, [])}
    setup |= {"status": "requires_payment_method", "payment_method": None, "next_action": None, "last_setup_error": error}
    account.tell("setup_intent.setup_failed", setup)
    raise errors.card_error(DECLINES[reason], payment_method=show(account, method, []), setup_intent=show(account, setup, []))


def end_setup(account, setup):
    """Succeeded: the card is set up and the customer's."""
    method = account.find("payment_method", setup["payment_method"])
    account.cards[method["id"]]["set_up"] = True
    if setup["customer"] and method["customer"] is None:
        method["customer"] = setup["customer"]
        account.tell("payment_method.attached", method)
    setup |= {"status": "succeeded", "next_action": None, "last_setup_error": None}
    account.tell("setup_intent.succeeded", setup)
    return setup
