"""Refusals: type, code, decline_code, param and status are Stripe's; the sentences are ours.

https://docs.stripe.com/api/errors and https://docs.stripe.com/error-codes
"""


class Refusal(Exception):
    """An answer that is no success."""

    def __init__(self, status, error, headers=None):
        super().__init__(error.get("message"))
        self.status, self.error, self.headers = status, error, headers or {}

    def body(self):
        return {"error": self.error}


def refusal(status, kind, message, code=None, param=None, **more):
    error = {"type": kind, "message": message}
    if code:
        error |= {"code": code, "doc_url": "https://stripe.com/docs/error-codes/" + code.replace("_", "-")}
    if param:
        error["param"] = param
    return Refusal(status, error | more)


def invalid(message, param=None, code=None, **more):
    return refusal(400, "invalid_request_error", message, code, param, **more)


def missing(kind, name, param, in_path=False):
    """No such object; 404 when the path names it, 400 when a parameter does."""
    return refusal(404 if in_path else 400, "invalid_request_error", f"No such {kind}: '{name}'", "resource_missing", param)


def unknown_parameters(names):
    listed = ", ".join(names)
    plural = "s" if len(names) > 1 else ""
    return invalid(f"Received unknown parameter{plural}: {listed}", names[0], "parameter_unknown")


def left_out(what, param=None):
    """Stripe knows it, this double does not: the test goes beyond what the double can prove."""
    return invalid(f"[double] Stripe knows {what}, this double does not; see its README.md", param, "double_left_out")


def unauthorized(message):
    error = {"type": "invalid_request_error", "message": message}
    return Refusal(401, error, {"WWW-Authenticate": 'Basic realm="Stripe"'})


def no_such_url(method, path):
    return refusal(404, "invalid_request_error", f"Unrecognized request URL ({method}: {path}).")


def idempotency(message):
    return refusal(400, "idempotency_error", message)


def key_in_use(key):
    return refusal(409, "invalid_request_error", f"Another request with the key {key} is in progress.",
                   "idempotency_key_in_use")


def api_error(status=500):
    return refusal(status, "api_error", "Something went wrong at the double's end.")


def rate_limit():
    return refusal(429, "invalid_request_error", "Too many requests.", "rate_limit")


def lock_timeout():
    return refusal(429, "invalid_request_error", "The object is used by another request.", "lock_timeout")


def unexpected_state(intent, verb):
    kind = "payment_intent" if intent["object"] == "payment_intent" else "setup_intent"
    return invalid(f"The {kind} has a status of {intent['status']} and cannot be {verb}.", None,
                   kind + "_unexpected_state", **{kind: dict(intent)})


def card_error(decline, **more):
    """DECLINE is a row of cards.DECLINES."""
    error = {"decline_code": decline.decline_code} if decline.decline_code else {}
    return refusal(402, "card_error", decline.message, decline.code, decline.param, **error, **more)
