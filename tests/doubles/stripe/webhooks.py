"""Events over HTTP, signed: https://docs.stripe.com/webhooks#verify-manually."""
import hashlib
import hmac
import json
import queue
import threading
import time
import urllib.error
import urllib.request


def signature(secret, body, at):
    """The value of Stripe-Signature for BODY, signed at AT (seconds)."""
    signed = hmac.new(secret.encode(), f"{at}.".encode() + body, hashlib.sha256).hexdigest()
    return f"t={at},v1={signed}"


class Webhooks:
    """Sends events to one URL: all of them as they come (auto), or only when told to."""

    def __init__(self, account):
        self.account = account
        self.url = self.secret = None
        self.auto, self.kinds = True, None
        self.retries, self.retry_ms = 0, 100
        self.deliveries = []
        self.waiting = queue.Queue()
        account.told = self._told
        threading.Thread(target=self._send_all, daemon=True).start()

    def configure(self, spec):
        words = {"url", "secret", "auto", "kinds", "retries", "retry_ms"}
        if set(spec) - words:
            raise ValueError(f"a webhook has {sorted(words)}; got {spec}")
        for word, value in spec.items():
            setattr(self, word, value)

    def _told(self, event):
        if self.url and self.auto and (self.kinds is None or event["type"] in self.kinds):
            self.waiting.put(event)

    def _send_all(self):
        while True:
            event = self.waiting.get()
            for retry in range(self.retries + 1):
                if retry:
                    time.sleep(self.retry_ms / 1000)
                if 200 <= (self.send(event)["status"] or 0) < 300:
                    break
            self.waiting.task_done()

    def send(self, event, url=None, secret=None, age_s=0, header=None, body=None):
        """Once, now. AGE_S: how old its signature says it is. HEADER, BODY: sent instead of the right ones; "" for none."""
        if body is None:
            body = json.dumps({name: part for name, part in event.items()}, indent=2)
        data = body.encode()
        if header is None:
            header = signature(secret or self.secret, data, self.account.now() - age_s)
        headers = {"Content-Type": "application/json; charset=utf-8", "User-Agent": "Stripe/1.0 (+https://stripe.com/docs/webhooks)"}
        if header:
            headers["Stripe-Signature"] = header
        record = {"event": event["id"], "type": event["type"], "status": None, "answer": None, "error": None}
        try:
            request = urllib.request.Request(url or self.url, data, headers)
            with urllib.request.urlopen(request, timeout=30) as answer:
                record |= {"status": answer.status, "answer": answer.read().decode(errors="replace")}
        except urllib.error.HTTPError as error:
            record |= {"status": error.code, "answer": error.read().decode(errors="replace")}
        except OSError as error:
            record["error"] = str(error)
        self.deliveries.append(record)
        return record
