"""The account: its objects, its clock, its events. One lock guards all of it."""
import copy
import hashlib
import itertools
import threading
import time

from books import Books
from idempotency import Keys

KEY = "sk_test_double"
PREFIXES = {"customer": "cus_", "payment_method": "pm_", "setup_intent": "seti_", "payment_intent": "pi_", "charge": "ch_",
            "refund": "re_", "checkout.session": "cs_test_", "balance_transaction": "txn_", "event": "evt_", "mandate": "mandate_"}


class Account:
    def __init__(self, key=KEY):
        self.key = key
        self.lock = threading.RLock()
        self.offset_ms, self.frozen_ms = 0, None
        self.count = itertools.count(1)
        self.objects = {kind: {} for kind in PREFIXES}  # kind -> id -> object, in the order of creation
        self.cards = {}  # id of a payment method -> what the double knows of its card
        self.keys = Keys(self.now_ms)
        self.books = Books(self)
        self.told = lambda event: None  # called with every new event
        self.event_version = "2026-06-24.dahlia"
        self.request = {"id": None, "idempotency_key": None}  # the one that is being answered, for events
        self.bugs = []  # what went wrong in the double itself

    # -- time

    def now_ms(self):
        return self.frozen_ms if self.frozen_ms is not None else int(time.time() * 1000) + self.offset_ms

    def now(self):
        return self.now_ms() // 1000

    # -- objects

    def name(self, kind):
        digest = hashlib.sha256(f"{id(self)}/{next(self.count)}".encode()).hexdigest()
        return PREFIXES[kind] + digest[:24]

    def add(self, kind, **fields):
        """A new object, with what all of them have."""
        made = {"id": self.name(kind), "object": kind, "created": self.now(), **fields}
        if kind not in ("refund", "balance_transaction"):
            made["livemode"] = False
        self.objects[kind][made["id"]] = made
        return made

    def find(self, kind, name):
        return self.objects[kind].get(name)

    def tell(self, kind, thing):
        """An event of KIND about THING, with the thing as it is now."""
        event = self.add("event", api_version=self.event_version, type=kind, data={
            "object": {key: copy.deepcopy(part) for key, part in thing.items() if not key.startswith("_")}}, pending_webhooks=1,
                         request=dict(self.request))
        self.told(event)
        return event

