"""dfyd's books and the outside world's, read without dfyd, and whether they agree."""
import itertools
import threading

import requests
from conftest import ON_POSTGRES, rows

ORDERS = "/api/v2/dfy-email-account-orders"
PEOPLE = [{"email_address_prefix": p, "first_name": p.title(), "last_name": "Doe"} for p in ("ann", "ben")]
CENTS = 1500 + 2 * 500


def item(domain):
    return {"domain": domain, "email_provider": 1, "accounts": PEOPLE}


def open_work(server):
    """What is still under way: orders without an end, steps without an end, idempotency keys without an answer."""
    return (rows(server, "SELECT id FROM orders WHERE state = 'reserved'") +
            rows(server, "SELECT domain_id FROM steps WHERE state NOT IN ('done', 'failed', 'skipped')") +
            rows(server, "SELECT idempotency_key FROM idempotency_keys WHERE state = 'running'"))


def placed_domains(server):
    return {row[0] for row in rows(
        server, "SELECT d.name FROM domains d JOIN orders o ON o.id = d.order_id WHERE o.state = 'placed'")}


def expect_agreement(server):
    """An order is placed if and only if it is charged, by its price; what it bought exists, and nothing else does.

    Only once nothing is under way any more.
    """
    assert open_work(server) == []
    placed = dict(rows(server, "SELECT id, amount FROM orders WHERE state = 'placed'"))
    assert placed == dict(rows(server, "SELECT key, amount FROM charges WHERE decline = 0", file="sandbox.db"))
    for sold, made in (("SELECT name FROM domains WHERE active = 1", "SELECT name FROM registrations"),
                       ("SELECT email FROM accounts WHERE active = 1", "SELECT email FROM mailboxes")):
        assert sorted(rows(server, sold)) == sorted(rows(server, made, file="sandbox.db"))
    held = rows(server, "SELECT count(*) FROM domains WHERE active = 1")[0][0]
    assert held == len(placed_domains(server)), "a name is held by an order that came to nothing, or sold twice"
    for file in ("sandbox.db",) if ON_POSTGRES else ("dfyd.db", "sandbox.db"):
        assert rows(server, "PRAGMA integrity_check", file=file) == [("ok",)]
    server.cli("ledger", "check")


class Load:
    """Clients that order one new domain after the other until stop(), and remember what they were told."""

    def __init__(self, server, clients=12, prefix="load", keyed=False, keep_alive=True):
        self.base, self.key = server.base, server.key
        self.keyed, self.keep_alive, self.prefix = keyed, keep_alive, prefix
        self.numbers = itertools.count(1)
        self.lock = threading.RLock()
        self.told = {}  # domain -> its last answer: (status, body), or what broke
        self.answers = 0
        self.stopped = threading.Event()
        self.threads = [threading.Thread(target=self._order_on, daemon=True) for _ in range(clients)]
        for thread in self.threads:
            thread.start()

    def _send(self, session, domain):
        headers = {"Authorization": f"Bearer {self.key}"}
        if self.keyed:
            headers["Idempotency-Key"] = domain
        if not self.keep_alive:
            headers["Connection"] = "close"
        response = session.post(self.base + ORDERS, headers=headers, timeout=120,
                                json={"items": [item(domain)], "order_type": "dfy"})
        return response.status_code, response.json()

    def _order_on(self):
        session = requests.Session()
        while not self.stopped.is_set():
            domain = f"{self.prefix}-{next(self.numbers)}.com"
            for _ in range(5 if self.keyed else 1):
                try:
                    answer = self._send(session, domain)
                except requests.ConnectionError as error:
                    answer = ("refused" if "Connection refused" in str(error) else "cut off", str(error))
                with self.lock:
                    self.told[domain] = answer
                    self.answers += 1
                if answer[0] not in (503, 409) or self.stopped.wait(0.01):
                    break
            if answer[0] == "refused":
                return

    def stop(self):
        self.stopped.set()
        for thread in self.threads:
            thread.join(150)
        assert not any(thread.is_alive() for thread in self.threads), "a request was never answered"

    def domains(self, *statuses):
        with self.lock:
            return {domain for domain, (status, _) in self.told.items() if status in statuses}

    def placed(self):
        with self.lock:
            return {domain for domain, (status, body) in self.told.items() if status == 200 and body["order_placed"]}
