"""The auditor: compares what clients were told with the database, and both with the books of those outside. It shares no code with dfyd
and believes no column that says the same as another one; only `ledger check` is asked beside it.
"""
import collections
import json

from wants import DECLINED, GIVES_UP, NEVER, OTHER_BODY, PLACED

OPEN_STEPS = "state IN ('blocked', 'due', 'running', 'retrying')"
OPEN = {
    "orders whose charge is not known": "SELECT id FROM orders WHERE state = 'reserved'",
    "steps that have not ended": f"SELECT domain_id, kind, state, reason FROM steps WHERE {OPEN_STEPS}",
    "refunds that have not ended": "SELECT id, state, reason FROM refunds WHERE state IN ('waiting', 'due', 'running')",
    "deliveries that were not made": "SELECT webhook_id, seq FROM deliveries",
    # A key whose request died is taken over by the next one; of a client that gave up, none comes.
    "keys without an answer": "SELECT workspace_id, idempotency_key FROM idempotency_keys WHERE state = 'running'"
                              f" AND workspace_id NOT IN (SELECT id FROM workspaces WHERE name = '{GIVES_UP}')",
}


def open_work(rows):
    """What is still under way: {what: how many}; empty once all has ended."""
    found = {}
    for what, sql in OPEN.items():
        n = int(rows(f"SELECT COUNT(*) FROM ({sql}) AS open_ones")[0][0])
        if n:
            found[what] = n
    return found


class Audit:
    def __init__(self, rows, outside, told, taken=None):
        """ROWS(sql) reads the database, OUTSIDE(sql) the sandbox's books; TOLD: load.Told of every want; TAKEN: of hooks.Hooks."""
        self.rows, self.outside, self.told, self.taken = rows, outside, told, taken or {}
        self.wrong = []
        self.looked = collections.Counter()

    def check(self, what, ok, *about):
        self.looked[what] += 1
        if not ok:
            self.wrong.append(f"{what}: {' '.join(map(str, about))}")

    def same(self, what, mine, theirs):
        """Two maps or sets that have to be equal; what is in one alone, or differs, is told."""
        mine, theirs = (dict.fromkeys(x, True) if not isinstance(x, dict) else x for x in (mine, theirs))
        self.looked[what] += len(mine)
        for key in mine.keys() | theirs.keys():
            if mine.get(key) != theirs.get(key):
                self.wrong.append(f"{what}: {key}: {mine.get(key, 'not there')} / {theirs.get(key, 'not there')}")

    def run(self):
        self._read()
        for part in (self._ended, self._answers, self._fights, self._sold, self._money, self._invoices, self._promotions, self._steps,
                     self._outside_calls, self._events, self._webhooks):
            part()
        return self.wrong

    def words(self):
        return [f"{n:>8}  {what}" for what, n in self.looked.items()]

    def _read(self):
        names = dict(self.rows("SELECT id, name FROM workspaces"))
        self.orders = {}  # id -> facts
        for id, workspace, key, state, amount, type, promotion in self.rows(
                "SELECT id, workspace_id, idempotency_key, state, amount, type, promotion_id FROM orders"):
            self.orders[id] = {"workspace": names[workspace], "key": key, "state": state, "amount": int(amount), "type": type,
                               "promotion": promotion, "domains": [], "emails": [], "workspace_id": workspace}
        self.domains = {}
        for id, order, name, state, active, pre_warmed in self.rows(
                "SELECT id, order_id, name, state, active, is_pre_warmed FROM domains"):
            self.domains[id] = {"name": name, "state": state, "active": active == "1", "pre_warmed": pre_warmed == "1", "order": order}
            self.orders[order]["domains"].append(name)
        self.accounts = {}
        for id, order, email, state, active, domain in self.rows("SELECT id, order_id, email, state, active, domain_id FROM accounts"):
            self.accounts[id] = {"email": email, "state": state, "active": active == "1", "domain": domain, "order": order}
            self.orders[order]["emails"].append(email)
        self.placed = {id: order for id, order in self.orders.items() if order["state"] == "placed"}

    def _ended(self):
        for what, sql in OPEN.items():
            left = self.rows(sql)
            self.check(f"no {what}", not left, len(left), left[:5])

    # -- what clients were told

    def _answers(self):
        by_key = collections.defaultdict(list)
        for id, order in self.placed.items():
            by_key[order["workspace"], order["key"]].append(id)
        wanted = collections.defaultdict(list)
        for told in self.told:
            wanted[told.want.workspace, told.want.key].append(told)
        for key, those in wanted.items():
            bodies = {hash: answer for told in those for hash, answer in told.answers.items()}
            orders = by_key.pop(key, [])
            ended = [told for told in those if not told.is_open]
            self.check("a key has one answer", len(bodies) <= 1, key, list(bodies.values()))
            self.check("a key places one order at most", len(orders) <= 1, key, orders)
            self.check("everyone got an answer", len(ended) == len(those) or key[0] == GIVES_UP, key, [t.want for t in those])
            for answer in bodies.values():
                if answer["placed"]:
                    self._placed_answer(key, answer, orders)
                else:
                    self.check("an order that was answered as refused is not placed", not orders, key, answer, orders)
            for told in those:
                self._end_of_want(told, orders)
        self.check("no order is placed that nobody asked for", not by_key, list(by_key.items())[:5])

    def _placed_answer(self, key, answer, orders):
        self.check("an order that was answered as placed is there", len(orders) == 1, key, answer)
        for id in orders:
            order = self.orders[id]
            self.check("its price is the one that was told", order["amount"] == answer["total"], key, id, order["amount"], answer["total"])
            if order["type"] != "extra_accounts":
                self.check("it bought the domains that were told", sorted(order["domains"]) == answer["domains"], key, id, answer)
            self.check("it bought the mailboxes that were told", sorted(order["emails"]) == answer["emails"], key, id, answer)

    def _end_of_want(self, told, orders):
        want, about = told.want, (told.want.workspace, told.want.key, list(told.answers.values()), dict(told.refusals))
        if want.end == PLACED:
            self.check("what nobody else wanted is placed", bool(orders) and told.placed, *about)
        if want.end == DECLINED:
            self.check("what was declined is not placed", not orders and all(a["error"] == "payment_failed" for a in told.answers.values()),
                       *about)
        if want.end == NEVER:
            self.check("what cannot be is not placed", not orders and not told.placed, *about)
        if want.end == OTHER_BODY:
            self.check("another body under a key is refused", bool(told.answers) or set(told.refusals) == {422}, *about)
        else:
            self.check("nobody got an answer of another kind", not told.refusals, *about)

    def _fights(self):
        fights = collections.defaultdict(list)
        for told in self.told:
            if told.want.fight:
                fights[told.want.fight].append(told)
        for fight, those in fights.items():
            winners = [t for t in those if t.placed]
            self.check("of those who want the same, one gets it", len(winners) == 1, fight, [(t.want, t.answers) for t in those])

    # -- what was sold

    def _sold(self):
        for what, things in (("name", [d["name"] for d in self.domains.values() if d["active"]]),
                             ("address", [a["email"] for a in self.accounts.values() if a["active"]])):
            twice = [name for name, n in collections.Counter(things).items() if n > 1]
            self.looked[f"no {what} is sold twice"] += len(things)
            self.check(f"no {what} is sold twice", not twice, twice[:5])
        for thing in (*self.domains.values(), *self.accounts.values()):
            state = self.orders[thing["order"]]["state"]
            self.check("what is sold belongs to a placed order", state == "placed", thing, state)
        refused = lambda name: name.startswith("refused-")
        for domain in self.domains.values():
            expected = "failed" if refused(domain["name"]) else "ready"
            self.check("every domain of a placed order ends ready", domain["state"] == expected, domain)
        for account in self.accounts.values():
            expected = "failed" if refused(self.domains[account["domain"]]["name"]) else "ready"
            self.check("every mailbox of a placed order ends ready", account["state"] == expected, account)
        ready = {id: d for id, d in self.domains.items() if d["state"] == "ready"}
        self.same("what is ready is registered, nothing else is",
                  {d["name"]: id for id, d in ready.items() if not d["pre_warmed"]},
                  dict(self.outside("SELECT name, key FROM registrations")))
        self.same("what is ready is a mailbox, nothing else is",
                  {a["email"]: id for id, a in self.accounts.items() if a["state"] == "ready"},
                  dict(self.outside("SELECT email, key FROM mailboxes")))
        zones = {zone for zone, in self.outside("SELECT zone FROM zones")}
        self.looked["what is ready has its zone"] += len(ready)
        missing = [d["name"] for d in ready.values() if not d["pre_warmed"] and d["name"] not in zones]
        self.check("what is ready has its zone", not missing, missing[:5])
        stock = self.rows("SELECT domain, order_id FROM stock WHERE order_id IS NOT NULL")
        self.same("stock is sold to the order that has it", dict(stock),
                  {d["name"]: d["order"] for d in self.domains.values() if d["pre_warmed"]})

    # -- money

    def _money(self):
        charges = {key: int(amount) for key, amount in self.outside("SELECT key, amount FROM charges WHERE decline = 0")}
        self.same("every charge at the bank is a placed order's, by its price, and the other way round",
                  {id: o["amount"] for id, o in self.placed.items() if o["amount"]}, charges)
        refunds = {id: (charge, int(amount), state) for id, charge, amount, state in
                   self.rows("SELECT id, payment_id, amount, state FROM refunds")}
        self.same("every refund at the bank is one of the books", refunds,
                  {key: (charge, int(amount), "done") for key, charge, amount in self.outside("SELECT key, charge_key, amount FROM refunds")})
        lost = {d["order"] for d in self.domains.values() if d["state"] == "failed"}
        back = collections.Counter()
        for charge, amount, _ in refunds.values():
            back[charge] += amount
        for order in lost | back.keys():
            if self.placed.get(order, {}).get("amount"):
                self.check("only what could not be delivered goes back", order in lost and 0 < back[order] <= self.orders[order]["amount"],
                           order, back[order])
        payments = {id: int(amount) for id, amount in
                    self.rows("SELECT id, amount FROM payments WHERE kind = 'charge' AND state = 'succeeded'")}
        self.same("every charge is a payment", charges, payments)
        sums = self.rows("SELECT transaction_id, SUM(amount) FROM ledger_entries GROUP BY transaction_id HAVING SUM(amount) <> 0")
        self.check("the ledger adds up to 0", not sums, sums[:5])
        cash = sum(int(a) for a, in self.rows("SELECT amount FROM ledger_entries WHERE account = 'cash/sandbox'"))
        held = sum(charges.values()) - sum(amount for _, amount, state in refunds.values() if state == "done")
        self.check("the ledger has the bank's money", cash == held, cash, held)

    def _invoices(self):
        invoices = self.rows("SELECT number, kind, subject_id, total, document FROM invoices ORDER BY number")
        numbers = [int(number) for number, *_ in invoices]
        self.looked["invoices are numbered without a gap"] += len(numbers)
        self.check("invoices are numbered without a gap", numbers == list(range(1, len(numbers) + 1)), len(numbers), numbers[-1:])
        bills = {subject: int(total) for _, kind, subject, total, _ in invoices if kind == "invoice"}
        self.same("every paid order has its invoice", bills, {id: o["amount"] for id, o in self.placed.items() if o["amount"]})
        self.check("an order has one invoice", len(bills) == sum(kind == "invoice" for _, kind, *_ in invoices))
        for number, _, subject, _, document in invoices:
            self.check("an invoice says its own number", json.loads(document)["number"] == int(number), number, subject)

    def _promotions(self):
        used, each = collections.Counter(), collections.Counter()
        for order in self.placed.values():
            if order["promotion"]:
                used[order["promotion"]] += 1
                each[order["promotion"], order["workspace_id"]] += 1
        free = collections.Counter()
        for id, domain in self.rows("SELECT bill_id, domain_id FROM bill_lines WHERE kind = 'domain_year' AND amount = 0 AND discount > 0"):
            if id in self.placed:
                free[self.orders[id]["promotion"], self.orders[id]["workspace_id"]] += 1
        self.used = {}
        for id, name, kind, value, most, most_each, counted in self.rows(
                "SELECT id, name, kind, value, max_orders, max_orders_each, used_orders FROM promotions"):
            self.used[name] = used[id]
            self.check("a promotion is used as often as it says", used[id] == int(counted), name, used[id], counted)
            self.check("no promotion is over its limit", int(most) == 0 or used[id] <= int(most), name, used[id], most)
            for (promotion, workspace), n in each.items():
                if promotion == id and int(most_each):
                    self.check("no promotion is over its limit for a workspace", n <= int(most_each), name, workspace, n)
            for (promotion, workspace), n in free.items():
                if promotion == id and kind == "free_domains":
                    self.check("no more domains are free than promised", n <= int(value), name, workspace, n)
        uses = {(p, w): int(n) for p, w, n in self.rows("SELECT promotion_id, workspace_id, orders FROM promotion_uses") if int(n)}
        self.same("a workspace's uses of a promotion are its orders", uses, dict(each))

    # -- work

    def _steps(self):
        wanted = collections.Counter()
        for id, domain in self.domains.items():
            if not domain["pre_warmed"]:
                wanted[id, "", "register_domain"] = wanted[id, "", "publish_dns"] = 1
        for id, account in self.accounts.items():
            wanted[account["domain"], id, "create_mailbox"] = 1
        steps, again = {}, 0
        for domain, account, kind, state, attempts in self.rows("SELECT domain_id, account_id, kind, state, attempts FROM steps"):
            steps[domain, account, kind] = state
            again += int(attempts) > 1
        self.again = again
        failed = lambda key: self.domains[key[0]]["name"].startswith("refused-")
        self.same("every placed order has its steps, each once", dict.fromkeys(wanted, True), dict.fromkeys(steps, True))
        for key, state in steps.items():
            self.check("every step has ended well", state == "done" or failed(key), key, state)

    def _outside_calls(self):
        """The sandbox wrote down who called. A charge is never asked for twice; anything else only after its first try was cut short."""
        calls = collections.Counter()
        for what, key, n in self.outside("SELECT what, key, COUNT(*) FROM calls GROUP BY what, key"):
            calls[what, key] = int(n)
        self.twice = collections.Counter(what for (what, _), n in calls.items() if n > 1)
        for (what, key), n in calls.items():
            if what == "charge":
                self.check("no charge is asked for twice", n == 1, key, n)
        for id, order in self.placed.items():
            if order["amount"]:
                self.check("a placed order's charge was asked for", calls["charge", id] == 1, id)

    def _events(self):
        events = collections.Counter()
        for type, payload in self.rows("SELECT type, payload FROM events"):
            fields = json.loads(payload)
            events[type, fields.get("order_id") if type == "dfy_order_placed" else fields.get("email") or fields.get("domain")] += 1
        self.looked["everything that happened is an event, once"] += len(events)
        # A domain is ready again after each order of more mailboxes.
        doubled = [key for key, n in events.items() if n > 1 and key[0] != "dfy_domain_ready"]
        self.check("everything that happened is an event, once", not doubled, doubled[:5])
        self.same("every placed order is an event", {o for t, o in events if t == "dfy_order_placed"}, set(self.placed))
        audited = {id for id, in self.rows("SELECT id FROM audit_logs WHERE activity = 'order_placed'")}
        self.same("every placed order is in the audit log", audited, set(self.placed))

    def _webhooks(self):
        """Every event was told, and those of one domain in their order."""
        about = lambda event: (event.get("order_id") if event["event_type"] == "dfy_order_placed" else "", event.get("email", ""))
        for workspace, taken in self.taken.items():
            happened = [(type, domain, json.loads(payload)) for type, domain, payload in self.rows(
                "SELECT e.type, e.domain, e.payload FROM events e JOIN workspaces w ON w.id = e.workspace_id"
                f" WHERE w.name = '{workspace}' ORDER BY e.seq")]
            self.looked["every event is told, in order for each domain"] += len(happened)
            wanted, told = collections.defaultdict(list), collections.defaultdict(list)
            for type, domain, fields in happened:
                wanted[domain].append((type, *about({**fields, "event_type": type})))
            for event in taken:
                told[event.get("domain", "")].append((event["event_type"], *about(event)))
            for domain in wanted.keys() | told.keys():
                mine, theirs = wanted[domain], told[domain]
                if not domain:  # events of no domain have no order
                    mine, theirs = sorted(mine), sorted(theirs)
                self.check("every event is told, in order for each domain", mine == theirs, workspace, domain, mine[:6], theirs[:6])
