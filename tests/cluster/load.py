"""Clients that order, all at once, and do not give up: after a lost answer, 409 or 503 they send the same request with the same key
again, to another node. What each was told is kept for the audit.
"""
import asyncio
import collections
import hashlib
import itertools
import json
import time

from client import ORDERS, Line, Lost, request

from wants import GIVES_UP

PATIENCE_S = 240  # that a client goes on asking for an answer
TRIES = 3  # of an order that no answer is expected for


class Told:
    """What was told of one want: the last words, and every different one."""

    def __init__(self, want):
        self.want = want
        self.answers = {}  # hash of a body that came with 200 -> that body's facts
        self.refusals = collections.Counter()  # status of answers that end it, but 200
        self.is_open = True  # no answer that ends it came

    def hear(self, status, body):
        if status == 200:
            answer = json.loads(body)
            self.answers[hashlib.sha256(body).hexdigest()] = {
                "placed": answer["order_placed"], "error": answer.get("order_error"), "total": round(answer["total_price"] * 100),
                "domains": sorted(i["domain"] for i in answer["order_items"]),
                "emails": sorted(f"{a['email_address_prefix']}@{i['domain']}" for i in answer["order_items"] for a in i["accounts"])}
        else:
            self.refusals[status] += 1
        self.is_open = False

    @property
    def placed(self):
        return any(answer["placed"] for answer in self.answers.values())


class Load:
    """WANTS from CLIENTS clients at the nodes at PORTS; KEYS: workspace -> API key."""

    def __init__(self, wants, ports, keys, clients=64, limit=30):
        self.wants, self.ports, self.keys, self.clients, self.limit = wants, ports, keys, clients, limit
        self.told = []
        self.statuses = collections.Counter()
        self.latencies = []  # seconds, of placed orders that were told at the first try
        self.placed_at = []  # time.monotonic() at which orders were told to be placed
        self.done = 0
        self.most = float("inf")  # wants that may be done for now; clients wait there

    async def _settle(self, told, lines, start):
        """Asks until an answer ends it."""
        want = told.want
        path = request("POST", ORDERS, self.keys[want.workspace], want.body, [("Idempotency-Key", want.key)])
        deadline, began, hang_up = time.monotonic() + PATIENCE_S, time.monotonic(), want.hangs_up
        for turn in itertools.count():
            try:
                status, headers, body = await lines[(start + turn) % len(lines)].ask(path, hang_up)
            except Lost as lost:
                self.statuses[f"lost: {str(lost).split(':', 1)[0]}"] += 1
                hang_up = False
                status, headers = 0, {}
            else:
                self.statuses[status] += 1
            if status == 503 and "retry-after" not in headers:
                self.statuses["503 without Retry-After"] += 1
            if status not in (0, 409, 503):
                told.hear(status, body)
                if told.placed:
                    self.placed_at.append(time.monotonic())
                    if not turn:
                        self.latencies.append(time.monotonic() - began)
                return
            if time.monotonic() > deadline or (want.workspace == GIVES_UP and turn + 1 >= TRIES):
                return
            await asyncio.sleep(min(0.02 * 2 ** min(turn, 6), 1))

    async def _serve(self, want, lines, second):
        told = Told(want)
        self.told.append(told)
        if want.twice:
            await asyncio.gather(self._settle(told, lines, 0), self._settle(told, second, 1))
        else:
            await self._settle(told, lines, self.done)
        if want.again and not told.is_open:
            await self._settle(told, second, self.done + 1)
        self.done += 1
        return told

    async def _client(self, source, number):
        make = lambda: [Line(port, self.limit) for port in self.ports]
        lines, second, more = make(), make(), [(make(), make()) for _ in range(4)]
        for want in source:
            told = await self._serve(want, lines, second)
            if want.follow and told.placed:
                await asyncio.gather(*(self._serve(w, *more[i]) for i, w in enumerate(self.wants.more_mailboxes(want))))
            while self.done >= self.most:
                await asyncio.sleep(0.02)
        for line in [*lines, *second, *(line for a, b in more for line in (*a, *b))]:
            line.drop()

    async def run(self):
        """Until nothing is wanted any more."""
        source = iter(self.wants)
        self.began = time.monotonic()
        await asyncio.gather(*(self._client(source, i) for i in range(self.clients)))
        self.seconds = time.monotonic() - self.began

    def gaps(self, longest=3):
        """The longest times in which no order was told to be placed, in seconds."""
        times = sorted(self.placed_at)
        return sorted((b - a for a, b in zip(times, times[1:])), reverse=True)[:longest]

    def words(self):
        placed = len(self.placed_at)
        late = sorted(self.latencies)
        quantile = lambda q: late[min(len(late) - 1, int(q * len(late)))] * 1000 if late else 0
        return [f"{len(self.told)} orders wanted by {self.clients} clients in {self.seconds:.0f} s ({len(self.told) / self.seconds:.0f} a second)",
                f"{sum(t.placed for t in self.told)} placed ({placed} answers say so); answers: "
                + ", ".join(f"{n} x {status}" for status, n in sorted(self.statuses.items(), key=str)),
                f"an order at its first try: median {quantile(.5):.0f} ms, 99 of 100 within {quantile(.99):.0f} ms; "
                f"longest times without one: {', '.join(f'{gap:.1f} s' for gap in self.gaps())}"]
