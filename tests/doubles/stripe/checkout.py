"""Checkout Sessions that are paid once: https://docs.stripe.com/api/checkout/sessions.

The PaymentIntent is made when the customer first tries to pay, and its session alone moves it.
"""
import errors
from lists import need, page
from payments import charge_card, check_amount, end_canceled, open_intent
from people import create_customer, given_metadata, make_method

SOONEST, LATEST = 30 * 60, 24 * 3600  # seconds after its creation in which a session may expire


def create(account, values):
    if "customer" in values:
        need(account, "customer", values["customer"], "customer")
        for word in ("customer_email", "customer_creation"):
            if word in values:
                raise errors.invalid(f"Only one of customer and {word}.", word)
    prices = [item["price_data"] for item in values["line_items"]]
    currencies = {price["currency"] for price in prices}
    if not prices:
        raise errors.invalid("line_items is empty.", "line_items", "parameter_invalid_empty")
    if len(currencies) > 1 or values.get("currency", prices[0]["currency"]) not in currencies:
        raise errors.invalid("All prices must be in the same currency.", "line_items")
    total = sum(item["price_data"]["unit_amount"] * item["quantity"] for item in values["line_items"])
    check_amount(total, prices[0]["currency"], "line_items")
    expires = values.get("expires_at", account.now() + LATEST)
    if not SOONEST <= expires - account.now() <= LATEST:
        raise errors.invalid("expires_at must be 30 minutes to 24 hours after the creation.", "expires_at")
    data = values.get("payment_intent_data", {})
    session = account.add(
        "checkout.session", after_expiration=None, allow_promotion_codes=None, amount_subtotal=total, amount_total=total,
        automatic_tax={"enabled": False, "liability": None, "provider": None, "status": None},
        billing_address_collection=values.get("billing_address_collection"), cancel_url=values.get("cancel_url"),
        client_reference_id=values.get("client_reference_id"), client_secret=None, collected_information=None, consent=None,
        consent_collection=None, currency=prices[0]["currency"], custom_fields=[], custom_text=None,
        customer=values.get("customer"), customer_details=None, customer_email=values.get("customer_email"),
        customer_creation=None if "customer" in values else values.get("customer_creation", "if_required"), discounts=[],
        expires_at=expires, invoice=None, invoice_creation=None, locale=values.get("locale"), metadata=given_metadata(values),
        mode="payment", payment_intent=None, payment_link=None, payment_method_collection="if_required",
        payment_method_configuration_details=None, payment_method_options={}, payment_method_types=["card"],
        payment_status="unpaid", phone_number_collection={"enabled": False}, recovered_from=None,
        saved_payment_method_options=None, setup_intent=None, shipping_address_collection=None, shipping_cost=None,
        shipping_options=[], status="open", submit_type=values.get("submit_type"), subscription=None,
        success_url=values["success_url"], ui_mode=values.get("ui_mode", "hosted"), url=None, wallet_options=None,
        total_details={"amount_discount": 0, "amount_shipping": 0, "amount_tax": 0},
        _data=data, _line_items=_items(values["line_items"]))
    session["url"] = "https://checkout.stripe.com/c/pay/" + session["id"]
    return session


def _items(items):
    return {"object": "list", "has_more": False, "url": "/v1/checkout/sessions/line_items", "data": [
        {"id": f"li_{i}", "object": "item", "quantity": item["quantity"], "currency": item["price_data"]["currency"],
         "description": item["price_data"]["product_data"]["name"], "amount_discount": 0, "amount_tax": 0,
         "amount_subtotal": item["quantity"] * item["price_data"]["unit_amount"],
         "amount_total": item["quantity"] * item["price_data"]["unit_amount"]} for i, item in enumerate(items)]}


def expire_due(account):
    """What has reached its end ends."""
    for session in list(account.objects["checkout.session"].values()):
        if session["status"] == "open" and session["expires_at"] <= account.now():
            _end_expired(account, session)


def expire(account, session):
    if session["status"] != "open":
        raise errors.invalid(f"Only open Checkout Sessions can be expired; this one has a status of {session['status']}.")
    return _end_expired(account, session)


def _end_expired(account, session):
    session |= {"status": "expired", "url": None}
    if session["payment_intent"]:
        end_canceled(account, account.find("payment_intent", session["payment_intent"]), "expired")
    account.tell("checkout.session.expired", session)
    return session


def pay(account, session, card, name=None, email=None):
    """The customer pays on the page with the test card called CARD; raises the card error of a decline."""
    if session["status"] != "open":
        raise errors.invalid(f"The page cannot be paid on: the session is {session['status']}.")
    data = session["_data"]
    future = data.get("setup_future_usage")
    if not session["customer"] and (future or session["customer_creation"] == "always"):
        values = {"email": email or session["customer_email"] or "payer@example.com", **({"name": name} if name else {})}
        session["customer"] = create_customer(account, values)["id"]
    intent = account.find("payment_intent", session["payment_intent"]) if session["payment_intent"] else None
    if intent is None:
        intent = open_intent(account, {**data, "amount": session["amount_total"], "currency": session["currency"],
                                       "customer": session["customer"]})
        intent["_session"] = session["id"]
        session["payment_intent"] = intent["id"]
        account.tell("payment_intent.created", intent)
    method = make_method(account, card, {"name": name, "email": email})
    intent["payment_method"] = method["id"]
    charge_card(account, intent, method)
    session |= {"status": "complete", "payment_status": "paid" if intent["status"] == "succeeded" else "unpaid", "url": None,
                "customer_details": {"address": method["billing_details"]["address"], "email": email, "name": name,
                                     "phone": None, "tax_exempt": "none", "tax_ids": []}}
    account.tell("checkout.session.completed", session)
    return session


def settled(account, intent):
    """The processing payment of a session ended."""
    if not intent.get("_session"):
        return
    session = account.find("checkout.session", intent["_session"])
    paid = intent["status"] == "succeeded"
    session["payment_status"] = "paid" if paid else "unpaid"
    account.tell("checkout.session.async_payment_" + ("succeeded" if paid else "failed"), session)


def list_sessions(account, values):
    return page(account, "checkout.session", "/v1/checkout/sessions", values, lambda session: all(
        values.get(word) in (None, session[word]) for word in ("customer", "payment_intent", "status")))
