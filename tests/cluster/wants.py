"""What the customers of a load want: orders that contend for names, addresses, stock and promotions, from one seed.

A want is one order under one Idempotency-Key. Wants that contend have the same `fight`, and stand next to each other, so that they
are sent at the same moment, by different clients and to different nodes.
"""
import dataclasses
import json
import random

PERSON = {"first_name": "John", "last_name": "Doe"}
PEOPLE = ["john", "jane", "mary", "paul", "rosa"]

# What workspaces pay with, and what becomes of an order that nobody contends for.
CARDS = {"big": "tok_visa", **{f"w{i}": "tok_visa" for i in range(8)}, "lossy": "tok_lost", "poor": "tok_declined", "silent": "tok_dropped"}
PAYING = [name for name in CARDS if CARDS[name] in ("tok_visa", "tok_lost")]
WORKS = [name for name in CARDS if CARDS[name] == "tok_visa"]

GIVES_UP = "silent"  # its bank never answers, and so its clients give up

PLACED, DECLINED, NEVER, FOUGHT, OTHER_BODY = "placed", "declined", "never", "fought", "other body"


@dataclasses.dataclass
class Want:
    key: str
    workspace: str
    body: bytes
    end: str  # what has to become of it: one of the words above
    names: list  # domains that it buys
    emails: list  # addresses that it buys
    fight: str = ""  # what it contends for, and with whom
    twice: bool = False  # sent twice at the same moment, to two nodes
    hangs_up: bool = False  # the client goes away once before it hears the answer, and asks again
    again: bool = False  # asked again after the answer, of another node
    follow: bool = False  # more mailboxes are ordered for it afterwards
    of: str = ""  # OTHER_BODY: the key's real owner


def body(type, items):
    return json.dumps({"order_type": type, "simulation": False, "items": items}, separators=(",", ":")).encode()


def item(name, people, provider=2):
    return {"domain": name, "email_provider": provider, "accounts": [{"email_address_prefix": p, **PERSON} for p in people]}


class Wants:
    def __init__(self, count, seed, stock):
        self.random = random.Random(seed)
        self.count = count
        self.stock = list(stock)
        self.made = 0

    def _want(self, workspace, type, items, end, **more):
        self.made += 1
        names = [i["domain"] for i in items] if type != "extra_accounts" else []
        emails = [f"{a['email_address_prefix']}@{i['domain']}" for i in items for a in i.get("accounts", [])]
        dice = self.random.random()
        return Want(f"k{self.made}", workspace, body(type, items), end, names, emails, twice=dice < 0.12, hangs_up=0.12 <= dice < 0.15,
                    again=0.15 <= dice < 0.2, **more)

    def _workspace(self):
        return "big" if self.random.random() < 0.5 else self.random.choice(PAYING)

    def _alone(self):
        """Nobody else wants it: it has to be placed, whatever happens to nodes and answers."""
        dice, people = self.random.random(), PEOPLE[: self.random.choice((1, 1, 1, 2))]
        trouble = "flaky-" if dice < 0.01 else "lost-" if dice < 0.02 else "refused-" if dice < 0.025 else ""
        names = [f"{trouble}own-{self.made}-{i}.com" for i in range(1 if dice < 0.9 else 2)]
        return [self._want(self._workspace(), "dfy", [item(name, people) for name in names], PLACED, follow=not trouble and dice > 0.85)]

    def _without_money(self):
        workspace = self.random.choice(("poor", "silent"))
        return [self._want(workspace, "dfy", [item(f"poor-{self.made}.com", ["john"])], DECLINED if workspace == "poor" else NEVER)]

    def _name(self):
        """One name, wanted by several; some want another one with it, and get both or none."""
        name = f"fought-{self.made}.com"
        wants = []
        for i in range(self.random.randint(2, 5)):
            items = [item(name, ["john"])]
            if self.random.random() < 0.3:
                items.insert(self.random.randint(0, 1), item(f"beside-{self.made}-{i}.com", ["jane"]))
            wants.append(self._want(self.random.choice(WORKS), "dfy", items, FOUGHT, fight=name))
        return wants

    def _stocked(self):
        if not self.stock:
            return self._name()
        name = self.stock.pop()
        return [self._want(self.random.choice(WORKS), "pre_warmed_up", [{"domain": name, "email_provider": 2}], FOUGHT, fight=name)
                for _ in range(3)]

    def _other_body(self):
        """A key that comes with two bodies: one of them is the order, the other is refused, whichever is first."""
        first = self._alone()[0]
        other = self._want(first.workspace, "dfy", [item(f"other-{self.made}.com", ["john"])], OTHER_BODY, of=first.key)
        other.key, first.end, first.follow, other.fight, first.fight = first.key, OTHER_BODY, False, first.key, first.key
        return [first, other]

    def more_mailboxes(self, want):
        """After WANT was placed: more mailboxes for its domain, one address wanted twice by its workspace, and one by a stranger."""
        name = want.names[0]
        mine = [self._want(want.workspace, "extra_accounts", [item(name, ["anna"])], FOUGHT, fight=f"anna@{name}") for _ in range(2)]
        mine.append(self._want(want.workspace, "extra_accounts", [item(name, ["otto"])], PLACED))
        strange = self.random.choice([w for w in WORKS if w != want.workspace])
        return [*mine, self._want(strange, "extra_accounts", [item(name, ["eve"])], NEVER)]

    def __iter__(self):
        kinds = [(self._alone, 70), (self._name, 8), (self._stocked, 4), (self._without_money, 3), (self._other_body, 1)]
        while self.made < self.count:
            kind = self.random.choices([k for k, _ in kinds], [n for _, n in kinds])[0]
            yield from kind()
