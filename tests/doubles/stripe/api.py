"""The endpoints under /v1, and the way a request takes to them."""
import base64
import binascii
import dataclasses
import json
import re
import secrets
import sys
import traceback

import checkout
import errors
import payments
import people
import refunds
import tables
from lists import check_expand, need, show
from params import check, parse_form

# Versions whose objects look like ours (https://docs.stripe.com/changelog).
VERSIONS = (
    "2023-08-16", "2023-10-16", "2024-04-10", "2024-06-20", "2024-09-30.acacia", "2024-10-28.acacia", "2024-11-20.acacia",
    "2024-12-18.acacia", "2025-01-27.acacia", "2025-02-24.acacia", "2025-03-31.basil", "2025-04-30.basil",
    "2025-05-28.basil", "2025-06-30.basil", "2025-07-30.basil", "2025-08-27.basil", "2025-09-30.clover",
    "2025-10-29.clover", "2025-11-17.clover", "2025-12-15.clover", "2026-01-28.clover", "2026-02-25.clover",
    "2026-03-25.dahlia", "2026-04-22.dahlia", "2026-05-27.dahlia", "2026-06-24.dahlia")


def _asked(kind, param):
    """Answers with the object that the path names."""
    return lambda account, values, name: need(account, kind, name, param, in_path=True)


def _on(kind, param, act):
    """Calls ACT with the object that the path names."""
    return lambda account, values, name: act(account, values, need(account, kind, name, param, in_path=True))


def _method(account, values, name):
    return people.resolve(account, name, "payment_method", in_path=True)


def _attach(account, values, name):
    method = people.resolve(account, name, "payment_method", in_path=True)
    return people.attach(account, method, need(account, "customer", values["customer"], "customer"))


def _methods_of(account, values, name):
    need(account, "customer", name, "customer", in_path=True)
    return people.list_methods(account, {**values, "customer": name}, f"/v1/customers/{name}/payment_methods")


_plain = tables.NOTHING_BUT_EXPAND
_methods_of_table = {name: kind for name, kind in tables.METHOD_LIST.items() if name != "customer"}

# method, path, parameters, parameters left out, what it does
ROUTES = [
    ("POST", "customers", tables.CUSTOMER_CREATE, tables.CUSTOMER_OUT, people.create_customer),
    ("GET", "customers", tables.CUSTOMER_LIST, tables.CUSTOMER_LIST_OUT, people.list_customers),
    ("GET", "customers/ID", _plain, (), _asked("customer", "id")),
    ("POST", "customers/ID", tables.CUSTOMER_UPDATE, tables.CUSTOMER_OUT, _on("customer", "id", people.update_customer)),
    ("GET", "customers/ID/payment_methods", _methods_of_table, (), _methods_of),
    ("POST", "payment_methods", tables.METHOD_CREATE, tables.METHOD_CREATE_OUT, people.create_method),
    ("GET", "payment_methods", tables.METHOD_LIST, tables.LIST_OUT, people.list_methods),
    ("GET", "payment_methods/ID", _plain, (), _method),
    ("POST", "payment_methods/ID", tables.METHOD_UPDATE, (), _on("payment_method", "payment_method", people.update_method)),
    ("POST", "payment_methods/ID/attach", tables.METHOD_ATTACH, ("customer_account",), _attach),
    ("POST", "payment_methods/ID/detach", _plain, (), _on("payment_method", "payment_method",
                                                          lambda account, values, method: people.detach(account, method))),
    ("POST", "setup_intents", tables.SETUP_CREATE, tables.SETUP_CREATE_OUT, people.create_setup),
    ("GET", "setup_intents/ID", _plain, ("client_secret",), _asked("setup_intent", "intent")),
    ("POST", "setup_intents/ID/confirm", tables.SETUP_CONFIRM, tables.SETUP_CREATE_OUT,
     _on("setup_intent", "intent", people.confirm_setup)),
    ("POST", "payment_intents", tables.INTENT_CREATE, tables.INTENT_OUT, payments.create),
    ("GET", "payment_intents", tables.INTENT_LIST, tables.LIST_OUT, payments.list_intents),
    ("GET", "payment_intents/ID", _plain, ("client_secret",), _asked("payment_intent", "intent")),
    ("POST", "payment_intents/ID/confirm", tables.INTENT_CONFIRM, (*tables.INTENT_OUT, "capture_method"),
     _on("payment_intent", "intent", payments.confirm)),
    ("POST", "payment_intents/ID/cancel", tables.INTENT_CANCEL, (), _on("payment_intent", "intent", payments.cancel)),
    ("GET", "charges", tables.CHARGE_LIST, tables.LIST_OUT, payments.list_charges),
    ("GET", "charges/ID", _plain, (), _asked("charge", "charge")),
    ("POST", "refunds", tables.REFUND_CREATE, tables.REFUND_CREATE_OUT, refunds.create),
    ("GET", "refunds", tables.REFUND_LIST, (), refunds.list_refunds),
    ("GET", "refunds/ID", _plain, (), _asked("refund", "refund")),
    ("POST", "checkout/sessions", tables.SESSION_CREATE, tables.SESSION_CREATE_OUT, checkout.create),
    ("GET", "checkout/sessions", tables.SESSION_LIST, ("customer_account", "customer_details", "payment_link", "subscription"),
     checkout.list_sessions),
    ("GET", "checkout/sessions/ID", _plain, (), _asked("checkout.session", "session")),
    ("POST", "checkout/sessions/ID/expire", _plain, (), _on("checkout.session", "session",
                                                            lambda account, values, session: checkout.expire(account, session))),
    ("GET", "balance_transactions", tables.BALANCE_LIST, tables.LIST_OUT, payments.list_balance),
    ("GET", "balance_transactions/ID", _plain, (), _asked("balance_transaction", "id")),
]
COMPILED = [(method, re.compile("/v1/" + path.replace("ID", "([A-Za-z0-9_]+)")), table, out, act)
            for method, path, table, out, act in ROUTES]


@dataclasses.dataclass
class Request:
    method: str
    path: str
    query: str
    headers: object  # case does not matter in its names
    body: bytes


@dataclasses.dataclass
class Answer:
    status: int
    body: dict
    headers: dict
    complaint: str = None  # what a client that knows the API would not have sent

    def bytes(self):
        return (json.dumps(self.body, indent=2) + "\n").encode()


def _check_key(account, header):
    if not header:
        raise errors.unauthorized("You did not provide an API key.")
    scheme, _, given = header.partition(" ")
    if scheme == "Basic":
        try:
            given, _, password = base64.b64decode(given, validate=True).decode().partition(":")
        except (binascii.Error, UnicodeDecodeError):
            raise errors.unauthorized("The Authorization header is not Basic.") from None
        if password:
            raise errors.unauthorized("The key is the user's name; the password is empty.")
    elif scheme != "Bearer":
        raise errors.unauthorized("The Authorization header is neither Basic nor Bearer.")
    if not secrets.compare_digest(given.encode(), account.key.encode()):
        raise errors.unauthorized(f"Invalid API Key provided: {given[:8]}***{given[-4:]}")


def _check_version(version):
    if not version:
        raise errors.invalid("[double] Pin the API version: there is no Stripe-Version header.", None, "double_version_missing")
    if version not in VERSIONS:
        raise errors.invalid(f"Invalid Stripe API version: {version}", None, "double_version_unknown")


def _tree(request):
    if request.method == "GET":
        if request.body:
            raise errors.invalid("[double] A GET has no body.")
        return parse_form(request.query)
    if request.query:
        raise errors.invalid("[double] A POST has its parameters in the body.")
    kind = request.headers.get("Content-Type", "").partition(";")[0].strip().lower()
    if request.body and kind != "application/x-www-form-urlencoded":
        raise errors.invalid("Invalid request: the Content-Type of a POST is application/x-www-form-urlencoded.")
    try:
        return parse_form(request.body.decode("ascii"))
    except UnicodeDecodeError:
        raise errors.invalid("The form is not encoded: it has bytes that are not ASCII.") from None


def _is_complaint(refused):
    code = refused.error.get("code", "")
    return (refused.status == 401 or refused.error["type"] == "idempotency_error" or "[double]" in refused.error["message"]
            or code.startswith(("parameter_", "double_", "url_")) or refused.status == 400 and not code
            or refused.status == 404 and not code)


def answer(account, request, within=None):
    """The answer to REQUEST. WITHIN: called when it is begun; answers with an error to send instead of acting, or None."""
    headers = {"Request-Id": _request_id(account)}
    try:
        _check_key(account, request.headers.get("Authorization"))
        _check_version(request.headers.get("Stripe-Version"))
        headers["Stripe-Version"] = request.headers["Stripe-Version"]
        for method, pattern, table, out, act in COMPILED:
            match = pattern.fullmatch(request.path)
            if match and method == request.method:
                break
        else:
            raise errors.no_such_url(request.method, request.path)
        tree = _tree(request)
        key = request.headers.get("Idempotency-Key") if request.method == "POST" else None
        if key is not None:
            headers["Idempotency-Key"] = key
        asked = (request.method, request.path, json.dumps(tree, sort_keys=True))
        with account.lock:
            checkout.expire_due(account)
            if key is not None and (kept := account.keys.look(key, asked)):
                status, body, first = kept
                return Answer(status, body, headers | {"Idempotent-Replayed": "true", "Original-Request": first})
            values = check(table, out, tree)
            check_expand(request.path, request.method == "GET" and not match.groups(), values.get("expand", []))
            if key is not None:
                account.keys.begin(key, asked)
        status, body = _run(account, act, values, match.groups(), headers, key, within)
        return Answer(status, body, headers)
    except errors.Refusal as refused:
        complaint = refused.error["message"] if _is_complaint(refused) else None
        return Answer(refused.status, refused.body(), headers | refused.headers, complaint)


def _run(account, act, values, names, headers, key, within):
    """Acts, and keeps the answer under KEY before anybody can ask for it."""
    status, body = 500, errors.api_error().body()
    try:
        instead = within and within()
        with account.lock:
            account.request = {"id": headers["Request-Id"], "idempotency_key": key}
            try:
                if instead and instead[0] == "before":
                    raise errors.api_error(instead[1])
                thing = act(account, values, *names)
                if instead:
                    raise errors.api_error(instead[1])
                status, body = 200, show(account, thing, values.get("expand", []))
            except errors.Refusal as refused:
                status, body = refused.status, refused.body()
            finally:
                account.request = {"id": None, "idempotency_key": None}
    except Exception:  # a bug of the double: the test that met it must see that
        traceback.print_exc(file=sys.stderr)
        account.bugs.append(traceback.format_exc())
    finally:
        if key is not None:
            with account.lock:
                account.keys.end(key, (status, body, headers["Request-Id"]))
    return status, body


def _request_id(account):
    return "req_" + account.name("event")[4:18]
