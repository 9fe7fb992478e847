"""Idempotency keys, after https://docs.stripe.com/api/idempotent_requests and .../error-low-level.

The first answer is kept, whatever its status, once the endpoint began; refused parameters, 401, 409 and 429 are not.
"""
import dataclasses

import errors

KEPT_MS = 24 * 3600 * 1000


@dataclasses.dataclass
class Kept:
    request: tuple  # method, path and parameters
    at_ms: int
    answer: tuple = None  # status, body and request id; None while the first one is under way


class Keys:
    """Used under the account's lock."""

    def __init__(self, now_ms):
        self.now_ms, self.kept = now_ms, {}

    def look(self, key, request):
        """The answer kept under KEY, or None when the request is new. Raises for another request, or one under way."""
        if len(key) > 255 or not key:
            raise errors.invalid("Idempotency keys have 1 to 255 characters.")
        kept = self.kept.get(key)
        if kept and kept.answer and self.now_ms() - kept.at_ms >= KEPT_MS:
            del self.kept[key]
            kept = None
        if kept is None:
            return None
        if kept.request[:2] != request[:2]:
            raise errors.idempotency(f"The key {key} was first used for another endpoint.")
        if kept.request != request:
            raise errors.idempotency(f"The key {key} was first used with other parameters.")
        if kept.answer is None:
            raise errors.key_in_use(key)
        return kept.answer

    def begin(self, key, request):
        self.kept[key] = Kept(request, self.now_ms())

    def end(self, key, answer):
        self.kept[key].answer = answer
