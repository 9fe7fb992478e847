"""The parameters of every endpoint, after https://docs.stripe.com/api. A *_OUT names what this double leaves out."""
from params import Amount, Bool, Either, Enum, Int, List, Map, Need, Obj, Str, Url

EXPAND = {"expand": List(Str())}
META = {"metadata": Map()}
TIMES = Either(Obj({name: Int(0) for name in ("gt", "gte", "lt", "lte")}), Int(0))
PAGE = {"limit": Int(1, 100), "starting_after": Str(), "ending_before": Str(), **EXPAND}
ADDRESS = Obj({name: Str(empty=True) for name in ("city", "country", "line1", "line2", "postal_code", "state")})
AUTOMATIC = Obj({"enabled": Need(Bool()), "allow_redirects": Enum("always", "never")})
FUTURE = Enum("off_session", "on_session")
NOTHING_BUT_EXPAND = EXPAND

_customer = {
    "address": ADDRESS, "description": Str(empty=True), "email": Str(512, empty=True), "name": Str(256, empty=True),
    "phone": Str(20, empty=True), "invoice_settings": Obj({"default_payment_method": Str(empty=True)},
                                                          ("custom_fields", "footer", "rendering_options")),
    **META, **EXPAND}
CUSTOMER_CREATE = {**_customer, "payment_method": Str()}
CUSTOMER_UPDATE = _customer
CUSTOMER_OUT = ("balance", "business_name", "cash_balance", "default_source", "individual_name", "invoice_prefix",
                "next_invoice_sequence", "preferred_locales", "shipping", "source", "tax", "tax_exempt", "tax_id_data",
                "test_clock", "validate")
CUSTOMER_LIST = {"email": Str(512), "created": TIMES, **PAGE}
CUSTOMER_LIST_OUT = ("test_clock",)

_billing = Obj({"address": ADDRESS, "email": Str(empty=True), "name": Str(empty=True), "phone": Str(empty=True)}, ("tax_id",))
METHOD_CREATE = {
    "type": Need(Enum("card")), "billing_details": _billing, "allow_redisplay": Enum("always", "limited", "unspecified"),
    "card": Need(Obj({"token": Str(), "number": Str(), "exp_month": Int(), "exp_year": Int(), "cvc": Str()}, ("networks",))),
    **META, **EXPAND}
METHOD_CREATE_OUT = ("customer", "payment_method", "radar_options", "us_bank_account", "sepa_debit", "link")
METHOD_UPDATE = {"billing_details": _billing, "allow_redisplay": Enum("always", "limited", "unspecified"),
                 "card": Obj({"exp_month": Int(1, 12), "exp_year": Int(2000, 2099)}, ("networks",)), **META, **EXPAND}
METHOD_ATTACH = {"customer": Need(Str()), **EXPAND}
METHOD_LIST = {"customer": Str(), "type": Enum("card"), **PAGE}

SETUP_CREATE = {
    "customer": Str(), "payment_method": Str(), "confirm": Bool(), "description": Str(1000), "usage": FUTURE,
    "payment_method_types": List(Enum("card")), "automatic_payment_methods": AUTOMATIC, "return_url": Url(),
    **META, **EXPAND}
SETUP_CREATE_OUT = ("attach_to_self", "confirmation_token", "customer_account", "excluded_payment_method_types",
                    "flow_directions", "mandate_data", "on_behalf_of", "payment_method_configuration",
                    "payment_method_data", "payment_method_options", "single_use", "use_stripe_sdk")
SETUP_CONFIRM = {"payment_method": Str(), "return_url": Url(), **EXPAND}

_confirming = {"payment_method": Str(), "off_session": Bool(), "return_url": Url(), "error_on_requires_action": Bool(),
               "setup_future_usage": FUTURE, "receipt_email": Str(512), "payment_method_types": List(Enum("card"))}
INTENT_OUT = ("amount_details", "application_fee_amount", "confirmation_method", "confirmation_token", "customer_account",
              "excluded_payment_method_types", "hooks", "mandate", "mandate_data", "on_behalf_of", "payment_details",
              "payment_method_configuration", "payment_method_data", "payment_method_options", "radar_options",
              "shipping", "transfer_data", "transfer_group", "use_stripe_sdk", "amount_to_confirm")
INTENT_CREATE = {
    **_confirming, "amount": Need(Amount()), "currency": Need(Str(3)), "customer": Str(), "confirm": Bool(),
    "description": Str(1000), "automatic_payment_methods": AUTOMATIC,
    "capture_method": Enum("automatic", "automatic_async"), "statement_descriptor": Str(22),
    "statement_descriptor_suffix": Str(22), **META, **EXPAND}
INTENT_CONFIRM = {**_confirming, **EXPAND}
INTENT_CANCEL = {"cancellation_reason": Enum("duplicate", "fraudulent", "requested_by_customer", "abandoned"), **EXPAND}
INTENT_LIST = {"customer": Str(), "created": TIMES, **PAGE}
LIST_OUT = ("customer_account", "transfer_group", "payout")

REFUND_CREATE = {"payment_intent": Str(), "charge": Str(), "amount": Amount(), **META, **EXPAND,
                 "reason": Enum("duplicate", "fraudulent", "requested_by_customer")}
REFUND_CREATE_OUT = ("currency", "customer", "instructions_email", "origin", "refund_application_fee", "reverse_transfer")
REFUND_LIST = {"payment_intent": Str(), "charge": Str(), "created": TIMES, **PAGE}

CHARGE_LIST = {"payment_intent": Str(), "customer": Str(), "created": TIMES, **PAGE}
BALANCE_LIST = {"created": TIMES, "source": Str(), "currency": Str(3), **PAGE,
                "type": Enum("charge", "refund", "refund_failure")}

_price = Obj({"currency": Need(Str(3)), "unit_amount": Need(Int(0, 99_999_999)),
              "product_data": Need(Obj({"name": Need(Str()), "description": Str(), **META},
                                       ("images", "tax_code", "unit_label")))},
             ("product", "recurring", "tax_behavior", "unit_amount_decimal"))
SESSION_CREATE = {
    "mode": Need(Enum("payment")), "customer": Str(), "customer_email": Str(), "client_reference_id": Str(200),
    "customer_creation": Enum("always", "if_required"), "success_url": Need(Url()), "cancel_url": Url(), "expires_at": Int(0),
    "line_items": Need(List(Obj({"price_data": Need(_price), "quantity": Need(Int(1, 999_999))},
                                ("adjustable_quantity", "dynamic_tax_rates", "metadata", "price", "tax_rates")))),
    "payment_intent_data": Obj({"description": Str(1000), "setup_future_usage": FUTURE, "receipt_email": Str(512),
                                "statement_descriptor": Str(22), "statement_descriptor_suffix": Str(22), **META},
                               ("application_fee_amount", "capture_method", "on_behalf_of", "shipping", "transfer_data",
                                "transfer_group")),
    "payment_method_types": List(Enum("card")), "ui_mode": Enum("hosted", "hosted_page"), "currency": Str(3),
    "locale": Enum("auto", "en", "en-GB", "de", "fr", "es"), "submit_type": Enum("auto", "pay"),
    "saved_payment_method_options": Obj({"payment_method_save": Enum("enabled", "disabled")},
                                        ("allow_redisplay_filters", "payment_method_remove")),
    "billing_address_collection": Enum("auto", "required"), **META, **EXPAND}
SESSION_CREATE_OUT = (
    "adaptive_pricing", "after_expiration", "allow_promotion_codes", "automatic_tax", "branding_settings",
    "consent_collection", "custom_fields", "custom_text", "customer_account", "customer_update", "discounts",
    "excluded_payment_method_types", "integration_identifier", "invoice_creation", "managed_payments", "name_collection",
    "optional_items", "origin_context", "payment_method_collection", "payment_method_configuration", "payment_method_data",
    "payment_method_options", "permissions", "phone_number_collection", "redirect_on_completion", "return_url",
    "setup_intent_data", "shipping_address_collection", "shipping_options", "subscription_data", "tax_id_collection",
    "wallet_options")
SESSION_LIST = {"payment_intent": Str(), "customer": Str(), "created": TIMES, "status": Enum("open", "complete", "expired"),
                **PAGE}
