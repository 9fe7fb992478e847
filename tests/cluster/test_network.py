"""The network between a node and the database is cut: the node says 503 with Retry-After in good time, recovers alone, and does not run
jobs it no longer holds; a commit that was cut in the middle is neither lost nor done twice.
"""
import asyncio
import collections
import contextlib
import json
import random
import time

import audit
import load
import nodes
import proving
import pytest
import wants
from client import ORDERS, Line, Lost, request
from conftest import wait_for
from given import Database, cluster_database, cluster_server, network  # noqa: F401, fixtures
from proxy import DROP, PASS, RESET, CommitCut, Proxy

WAIT_S = 2  # --db-wait-ms
LATE_S = 5  # that an answer may come later than that on a busy machine
LONG_S, LIVE_S = 8, 4  # where calls wait for LONG_S, /healthz answers within LIVE_S all the same


@contextlib.contextmanager
def two_nodes(tmp_path, database, network, *beside, wait_s=WAIT_S):  # noqa: F811
    """Node `a` behind the network, which waits for the database for WAIT_S, and node `b` (BESIDE: how it is called) with a line of its
    own; yields the cluster, a and b."""
    cluster = nodes.Cluster(tmp_path, database.url, lease_ms=3000)
    a = cluster.node("a", db=database.url_at(network.port), db_wait_ms=wait_s * 1000)
    b = cluster.node("b", *beside, db_wait_ms=30000)
    cluster.start()
    try:
        yield cluster, a, b
    finally:
        network.turn(PASS)
        cluster.stop()


def body(name):
    return wants.body("dfy", [wants.item(name, ["john"])])


def order(cluster, name, key=""):
    return request("POST", ORDERS, cluster.keys["w0"], body(name), [("Idempotency-Key", key)] if key else [])


async def asked(port, request, limit=60):
    """(status, headers, body, seconds); Lost is status 0."""
    began, line = time.monotonic(), Line(port, limit)
    try:
        return *await line.ask(request), time.monotonic() - began
    except Lost as lost:
        return 0, {}, str(lost).encode(), time.monotonic() - began
    finally:
        line.drop()


def ask(port, request):
    return asyncio.run(asked(port, request))


def ask_again(port, request):
    """Until it is answered for good, as customers do."""
    return wait_for("an answer", lambda: (answer := ask(port, request))[0] not in (0, 409, 503) and answer)


def finished(cluster, told):
    """All has ended, and the audit finds nothing."""
    cluster.wait_quiet(audit.open_work, 60)
    auditor = audit.Audit(cluster.rows, cluster.outside, told)
    assert auditor.run() == []
    cluster.cli("ledger", "check")


@pytest.mark.parametrize("how", [DROP, RESET])
def test_a_node_without_its_database_says_so(tmp_path, cluster_database, network, how):  # noqa: F811
    with two_nodes(tmp_path, cluster_database, network, wait_s=LONG_S) as (cluster, a, b):
        cluster.workspaces({"w0": "tok_visa"})
        assert ask(a.port, order(cluster, "before.com", "before"))[0] == 200
        live = request("GET", "/healthz", cluster.keys["w0"])
        calls = [request("GET", ORDERS + "?limit=10", cluster.keys["w0"]), request("GET", ORDERS + "/accounts", cluster.keys["w0"]),
                 request("GET", "/readyz", cluster.keys["w0"])]

        async def in_the_dark():
            network.turn(how)
            slowest, stop = 0, asyncio.Event()

            async def look_alive():
                nonlocal slowest
                while not stop.is_set():
                    status, _, _, seconds = await asked(a.port, live)
                    assert status == 200
                    slowest = max(slowest, seconds)
                    await asyncio.sleep(0.02)
            watch = asyncio.create_task(look_alive())
            answers = []
            for turn in range(2):  # more at once than threads that wait; and again, as customers do
                answers += await asyncio.gather(*(asked(a.port, order(cluster, f"dark-{turn}-{i}.com", f"d{turn}-{i}")) for i in range(64)),
                                                *(asked(a.port, one) for one in calls))
            beside = await asyncio.gather(*(asked(b.port, order(cluster, f"beside-{i}.com", f"b{i}")) for i in range(16)))
            stop.set()
            await watch
            return answers, beside, slowest

        answers, beside, slowest = asyncio.run(in_the_dark())
        print(f"{how}: {len(answers)} calls were answered within {max(a[3] for a in answers):.2f} s, /healthz within {slowest:.2f} s; "
              f"the other node's within {max(a[3] for a in beside):.2f} s")
        assert {status for status, *_ in answers} == {503}, collections.Counter(a[0] for a in answers)
        assert all(int(headers["retry-after"]) > 0 for _, headers, _, _ in answers)
        assert max(seconds for *_, seconds in answers) < LONG_S + LATE_S
        assert slowest < LIVE_S
        # The other node does not even wait for the transactions that the first one left behind.
        assert {status for status, *_ in beside} == {200}, beside
        assert max(seconds for *_, seconds in beside) < LATE_S

        network.turn(PASS)
        began = time.monotonic()
        wait_for("the node works again", lambda: ask(a.port, order(cluster, "after.com", "after"))[0] == 200)
        print(f"{how}: orders were taken again {time.monotonic() - began:.2f} s after the network was back")
        # What was refused is ordered with the same keys, and each is placed once.
        again = [ask_again(a.port, order(cluster, f"dark-{turn}-{i}.com", f"d{turn}-{i}")) for turn in range(2) for i in range(64)]
        assert {status for status, *_ in again} == {200}, [answer for answer in again if answer[0] != 200]
        assert all(json.loads(text)["order_placed"] for _, _, text, _ in again), [t for _, _, t, _ in again if b'"order_placed":false' in t][:2]
        cluster.wait_quiet(audit.open_work, 60)
        assert audit.open_work(cluster.rows) == {}
        placed = cluster.rows("SELECT COUNT(*) FROM orders WHERE state = 'placed'")[0][0]
        assert int(placed) == 1 + 16 + 1 + 128
        assert int(cluster.outside("SELECT COUNT(*) FROM charges WHERE decline = 0")[0][0]) == int(placed)
        cluster.cli("ledger", "check")


# What the transaction runs that is cut at its commit.
TRANSACTIONS = {
    "claiming a key": "INSERT INTO idempotency_keys",
    "reserving": "INSERT INTO orders",
    "settling": "UPDATE orders SET state",
    "claiming steps": "UPDATE steps SET state = 'running'",
    "recording a step": "UPDATE steps SET state = $4",
}


@pytest.fixture(scope="module")
def cut_pair(tmp_path_factory, cluster_server):  # noqa: F811
    """A cluster whose commits are cut again and again: (it, node a, which alone works, the network before a, everything told so far)."""
    database = Database(cluster_server)
    one = Proxy(database.target)
    with two_nodes(tmp_path_factory.mktemp("cut"), database, one, "serve", "--no-worker") as (cluster, a, _):
        cluster.workspaces({"w0": "tok_visa", "big": "tok_visa"})
        yield cluster, a, one, []
    one.close()


@pytest.mark.parametrize("then", [PASS, DROP])
@pytest.mark.parametrize("how", [RESET, DROP])
@pytest.mark.parametrize("when", ["before", "after"])
@pytest.mark.parametrize("what", TRANSACTIONS)
def test_a_commit_that_is_cut(cut_pair, what, when, how, then):
    """At the very commit, before the server heard of it or after it did it; with THEN drop the whole network is gone from that moment
    on until after the node gave up, so that it cannot even find out."""
    cluster, a, one, told = cut_pair
    number, made = len(told), len(one.made)
    wanted = [wants.Want(f"c{number + i}", "w0" if i % 2 else "big", body(f"cut-{number + i}.com"), wants.PLACED, [], []) for i in range(8)]
    cut = one.cut(CommitCut(TRANSACTIONS[what], when, how, times=1 if then == DROP else 3, then=then))
    clients = load.Load(wanted, [a.port], cluster.keys, clients=4)

    async def ordering():
        task = asyncio.create_task(clients.run())
        await asyncio.to_thread(wait_for, "a commit that is cut", lambda: len(one.made) > made)
        if then == DROP:
            await asyncio.sleep(WAIT_S + 1)
            await asyncio.to_thread(one.turn, PASS)
        await task
    asyncio.run(ordering())
    told += clients.told
    cut.times = 0
    print(f"{what}, {when}, {how}, {then}: {', '.join(f'{n} x {status}' for status, n in clients.statuses.items())}")
    finished(cluster, told)


def test_a_node_that_is_cut_off_stops_working(tmp_path, cluster_database, network):  # noqa: F811
    """Its leases go to another node; from their end on it asks nothing of anybody, and what it had begun is done once."""
    lease_s = 3
    cluster = nodes.Cluster(tmp_path, cluster_database.url, db_wait_ms=WAIT_S * 1000, lease_ms=lease_s * 1000)
    front = cluster.node("front", "serve", "--no-worker")
    lonely = cluster.node("lonely", "work", db=cluster_database.url_at(network.port), worker_threads=8)
    cluster.start()
    try:
        cluster.workspaces({"w0": "tok_visa", "big": "tok_visa"})
        wanted = [wants.Want(f"j{i}", "big" if i % 2 else "w0", body(f"job-{i}.com"), wants.PLACED, [], []) for i in range(400)]
        clients = load.Load(wanted, [front.port], cluster.keys, clients=16)
        lonely_pid = lonely.process.pid

        async def ordering():
            task = asyncio.create_task(clients.run())
            # In the middle of its work: some of it is done outside and not yet told to the database, some is only leased.
            while int(cluster.outside(f"SELECT COUNT(*) FROM calls WHERE pid = {lonely_pid}")[0][0]) < 30:
                await asyncio.sleep(0.01)
            network.cut(CommitCut(TRANSACTIONS["recording a step"], "before", DROP, then=DROP))
            while not network.made:
                await asyncio.sleep(0.001)
            cut_ms = time.time() * 1000
            left = cluster.rows("SELECT COUNT(*) FROM steps WHERE state = 'running' AND attempts = 1")[0][0]
            await asyncio.to_thread(other.start)
            await task
            return cut_ms, left
        other = cluster.node("other", "work")
        cut_ms, left = asyncio.run(ordering())
        cluster.wait_quiet(audit.open_work, 120)
        ended_ms = time.time() * 1000
        late = cluster.outside(f"SELECT what, key, at_ms FROM calls WHERE pid = {lonely_pid} AND at_ms > {int(cut_ms + lease_s * 1000)}")
        print(f"{left} leases were left behind; {clients.words()[0]}; the last call of the node that was cut off came "
              f"{(int(cluster.outside(f'SELECT MAX(at_ms) FROM calls WHERE pid = {lonely_pid}')[0][0]) - cut_ms) / 1000:.2f} s after the cut")
        assert int(left) > 0, "it had nothing leased when it was cut off: nothing is proved"
        assert late == [], late[:5]
        network.turn(PASS)
        more = load.Load([wants.Want("more", "w0", body("more.com"), wants.PLACED, [], [])], [front.port], cluster.keys, clients=1)
        other.stop()
        asyncio.run(more.run())
        cluster.wait_quiet(audit.open_work, 60)  # by the node that was cut off, alone
        assert int(cluster.outside(f"SELECT COUNT(*) FROM calls WHERE pid = {lonely_pid} AND at_ms > {int(ended_ms)}")[0][0]) > 0
        finished(cluster, [*clients.told, *more.told])
    finally:
        network.turn(PASS)
        cluster.stop()


def test_a_slow_network_only_makes_it_slow(tmp_path, cluster_database, network):  # noqa: F811
    with two_nodes(tmp_path, cluster_database, network) as (cluster, a, b):
        cluster.workspaces({"w0": "tok_visa", "big": "tok_visa"})
        network.delay(0.01)
        wanted = [wants.Want(f"s{i}", "big" if i % 2 else "w0", body(f"far-{i}.com"), wants.PLACED, [], []) for i in range(60)]
        clients = load.Load(wanted, [a.port], cluster.keys, clients=8)
        asyncio.run(clients.run())
        network.delay(0)
        print("\n".join(clients.words()))
        finished(cluster, clients.told)


class Weather:
    """Every network on its own: passes, drops, resets, is slow, or cuts commits; until the end of the `async with`."""

    def __init__(self, networks, seed):
        self.networks, self.random, self.turns = networks, random.Random(seed), collections.Counter()

    async def _run(self, network):
        while True:
            await asyncio.sleep(self.random.uniform(0.2, 1.5))
            kind = self.random.choice([DROP, RESET, "slow", "commit", "commit", "commit"])
            self.turns[kind] += 1
            if kind in (DROP, RESET):
                network.turn(kind)
            elif kind == "slow":
                network.delay(self.random.uniform(0.01, 0.2))
            else:
                cut = CommitCut(self.random.choice(list(TRANSACTIONS.values())), self.random.choice(["before", "after"]),
                                self.random.choice([DROP, RESET]), times=self.random.randint(1, 4),
                                then=self.random.choice([PASS, PASS, DROP, RESET]))
                network.cut(cut)
            await asyncio.sleep(self.random.uniform(0.2, 4))
            network.delay(0)
            network.turn(PASS)

    async def __aenter__(self):
        self.tasks = [asyncio.create_task(self._run(network)) for network in self.networks]
        return self

    async def __aexit__(self, *error):
        for task in self.tasks:
            task.cancel()
        await asyncio.gather(*self.tasks, return_exceptions=True)
        for network in self.networks:
            network.calm()
        print(f"weather: {dict(self.turns)}, {sum(len(n.made) for n in self.networks)} commits cut")


def test_bad_weather_for_everyone(tmp_path, cluster_database):  # noqa: F811
    """The load of customers while all three nodes lose their database again and again, each on its own."""
    networks = [Proxy(cluster_database.target) for _ in range(3)]
    cluster = nodes.Cluster(tmp_path, cluster_database.url, db_wait_ms=WAIT_S * 1000, lease_ms=4000)
    for i, one in enumerate(networks):
        cluster.node(f"n{i}", *(("work",) if i == 2 else ("serve",)), db=cluster_database.url_at(one.port))
    cluster.start()
    try:
        proving.run(cluster, proving.count(800), seed=7, meanwhile=Weather(networks, 7), quiet_s=180)
    finally:
        for one in networks:
            one.turn(PASS)
        cluster.stop()
        for one in networks:
            one.close()
