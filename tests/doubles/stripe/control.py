"""/_control: what a test tells the double and asks of it. JSON in, JSON out; nothing of it exists at Stripe."""
import json
import re
import urllib.parse

import cards
import checkout
import errors
import payments
import people
import refunds


class Control:
    def __init__(self, account, faults, webhooks):
        self.account, self.faults, self.webhooks = account, faults, webhooks
        self.requests = []
        self.routes = [(method, re.compile("/_control/" + path), act) for method, path, act in (
            ("GET", "books", self._books),
            ("GET", "objects/([a-z_.]+)", self._objects),
            ("GET", "requests", lambda asked: self.requests),
            ("GET", "complaints", self._complaints),
            ("GET", "clock", self._clock),
            ("POST", "clock", self._clock),
            ("GET", "faults", lambda asked: [fault.state() for fault in faults.all.values()]),
            ("POST", "faults", faults.add),
            ("DELETE", "faults", lambda asked: faults.clear()),
            ("POST", "faults/(f[0-9]+)/release", lambda asked, name: faults.release(name)),
            ("POST", "faults/(f[0-9]+)/wait", self._wait),
            ("POST", "cards", self._card),
            ("POST", "authenticate", self._authenticate),
            ("POST", "settle", self._settle),
            ("POST", "checkout/(cs_[a-z0-9_]+)/pay", self._pay),
            ("POST", "webhook", lambda asked: self.webhooks.configure(asked)),
            ("GET", "events", lambda asked: list(account.objects["event"].values())),
            ("POST", "events/(evt_[a-z0-9]+)/send", self._send),
            ("GET", "deliveries", lambda asked: self.webhooks.deliveries),
            ("POST", "deliveries/wait", lambda asked: self.webhooks.waiting.join()),
        )]

    def answer(self, method, path, body):
        """Status and bytes."""
        for known, pattern, act in self.routes:
            match = pattern.fullmatch(urllib.parse.urlsplit(path).path)
            if match and known == method:
                break
        else:
            return 404, b'{"error": "no such control"}'
        try:
            got = act(json.loads(body or b"{}"), *match.groups())
        except errors.Refusal as refused:
            return refused.status, json.dumps(refused.body()).encode()
        except (ValueError, KeyError, TypeError, TimeoutError) as error:
            return 400, json.dumps({"error": repr(error)}).encode()
        with self.account.lock:
            return 200, json.dumps(got).encode()

    def _books(self, asked):
        with self.account.lock:
            return self.account.books.report()

    def _objects(self, asked, kind):
        with self.account.lock:
            checkout.expire_due(self.account)
            return [{name: part for name, part in thing.items() if not name.startswith("_")}
                    for thing in self.account.objects[kind].values()]

    def _complaints(self, asked):
        return [entry for entry in self.requests if entry["complaint"]] + [{"bug": bug} for bug in self.account.bugs]

    def _clock(self, asked):
        account = self.account
        with account.lock:
            if "now_ms" in asked:
                account.offset_ms += asked["now_ms"] - account.now_ms()
                account.frozen_ms = None if account.frozen_ms is None else asked["now_ms"]
            account.offset_ms += int(asked.get("advance_s", 0) * 1000)
            if account.frozen_ms is not None:
                account.frozen_ms += int(asked.get("advance_s", 0) * 1000)
            if "frozen" in asked:
                now = account.now_ms()
                account.frozen_ms = now if asked["frozen"] else None
                account.offset_ms += now - account.now_ms()
            checkout.expire_due(account)
            return {"now_ms": account.now_ms(), "frozen": account.frozen_ms is not None}

    def _wait(self, asked, name):
        state = self.faults.wait(name, asked.get("for", "hits"), asked.get("least", 1), asked.get("seconds", 30))
        if state is None:
            raise TimeoutError(f"fault {name}: {asked} did not come")
        return state

    def _card(self, asked):
        """What a stored card does from now on."""
        with self.account.lock:
            known = self.account.cards[asked["payment_method"]]
            for outcome in asked.get("charges", ()):
                if not cards.outcome_of(outcome):
                    raise ValueError(f"unknown outcome {outcome}")
            known["charges"] = list(asked.get("charges", known["charges"]))
            known["card"].refund = asked.get("refund", known["card"].refund)
            known["card"].authenticate = asked.get("authenticate", known["card"].authenticate)

    def _authenticate(self, asked):
        """The customer passes the bank's question, or does not."""
        account = self.account
        with account.lock:
            name, passed = asked["id"], asked.get("passed", True)
            intent = account.find("setup_intent" if name.startswith("seti_") else "payment_intent", name)
            if intent["status"] != "requires_action":
                raise ValueError(f"{name} is {intent['status']}")
            method = account.find("payment_method", intent["payment_method"])
            try:
                if intent["object"] == "setup_intent":
                    if passed:
                        people.end_setup(account, intent)
                    else:
                        people.fail_setup(account, intent, method, "authentication_required")
                elif passed:
                    payments.charge_card(account, intent, method)
                else:
                    payments.decline(account, intent, method, "authentication_required")
            except errors.Refusal:
                pass  # the customer sees it; the merchant sees the intent
            return {"status": intent["status"]}

    def _settle(self, asked):
        """The end of a payment that is processing, or of a refund that is pending or is going to fail."""
        account = self.account
        with account.lock:
            name, succeeded = asked["id"], asked["outcome"] == "succeeded"
            if name.startswith("re_"):
                refund = account.find("refund", name)
                if refund["status"] == "failed" or succeeded and refund["status"] == "succeeded":
                    raise ValueError(f"{name} has {refund['status']}")
                (refunds.succeed if succeeded else refunds.fail)(account, refund)
                return {"status": refund["status"]}
            intent = account.find("payment_intent", name)
            if intent["status"] != "processing":
                raise ValueError(f"{name} is {intent['status']}")
            charge = account.find("charge", intent["latest_charge"])
            if succeeded:
                payments.receive(account, intent, charge)
            else:
                method = account.find("payment_method", charge["payment_method"])
                payments.fail(account, intent, charge, method, cards.DECLINES[asked.get("reason", "generic_decline")])
            checkout.settled(account, intent)
            return {"status": intent["status"]}

    def _pay(self, asked, name):
        account = self.account
        with account.lock:
            checkout.expire_due(account)
            session = account.objects["checkout.session"][name]
            checkout.pay(account, session, asked.get("card", "pm_card_visa"), asked.get("name"), asked.get("email"))
            return {"status": session["status"], "payment_status": session["payment_status"]}

    def _send(self, asked, name):
        return self.webhooks.send(self.account.objects["event"][name], **asked)
