"""The primary is killed under load and its synchronous standby takes over: no order that was answered is lost, nothing is done twice,
nodes find the new primary by themselves. How long no order was taken is printed.
"""
import asyncio
import time

import nodes
import proving
from servers.postgres import PatroniPair, PostgreSQL, Standby, url_of
from servers.process import wait_until


class Failovers:
    """Once a share of the orders is done, for each of SHARES, waits for READY() and has FAIL() kill the primary, in the midst of the rest."""

    def __init__(self, ready, fail, count, shares):
        self.ready, self.fail, self.count, self.shares, self.at = ready, fail, count, shares, []
        self.load = None

    async def _run(self):
        for share in self.shares:
            self.load.most = self.count * share
            while self.load.done < self.load.most:
                await asyncio.sleep(0.05)
            await asyncio.to_thread(self.ready)
            self.load.most = float("inf")
            await asyncio.sleep(0.5)
            self.at.append(time.monotonic())
            await asyncio.to_thread(self.fail)

    async def __aenter__(self):
        self.task = asyncio.create_task(self._run())

    async def __aexit__(self, *error):
        if not error[0]:
            await self.task
        self.task.cancel()

    def outages(self):
        """After each kill, the longest time in seconds between two answers that an order is placed."""
        found = []
        for at, end in zip(self.at, [*self.at[1:], float("inf")]):
            times = [at, *sorted(t for t in self.load.placed_at if at < t < end)]
            found.append(max(b - a for a, b in zip(times, times[1:])))
        return found


def prove(tmp_path, url, ready, fail, count, shares, **settings):
    cluster = nodes.Cluster(tmp_path, url, db_wait_ms=3000, **settings)
    for name, command in (("n1", "serve"), ("n2", "serve"), ("n3", "work")):
        cluster.node(name, command)
    cluster.start()
    failovers = Failovers(ready, fail, count, shares)
    try:
        proving.run(cluster, count, seed=21, meanwhile=failovers, quiet_s=240)
    finally:
        cluster.stop()
    print("no order was taken for " + ", ".join(f"{seconds:.1f} s" for seconds in failovers.outages()) + " after the primary was killed")


def test_a_standby_is_promoted_by_hand(tmp_path):
    """Plain PostgreSQL: one synchronous standby, a URL of both, and somebody who promotes it."""
    primary = PostgreSQL(max_connections=300)
    standby = None
    try:
        standby = Standby(primary, max_connections=300)
        primary.create_database("dfyd")

        def fail():
            primary.kill()
            standby.promote()
        prove(tmp_path, url_of([primary, standby], "dfyd", target_session_attrs="read-write", connect_timeout=2),
              lambda: None, fail, proving.count(1500), [0.4])
    finally:
        for one in (standby, primary):
            if one:
                one.end()


def test_patroni_promotes_the_standby(tmp_path):
    """Patroni notices and promotes; the old primary comes back as the standby, and then the new one is killed."""
    pair = PatroniPair()
    try:
        pair.create_database("dfyd")

        def fail():
            lost = pair.primary
            lost.kill()
            wait_until(lambda: pair.primary not in (None, lost), "another primary", 90)
            lost.start()
        prove(tmp_path, pair.url("dfyd"), pair.wait_whole, fail, proving.count(1500), [0.3, 0.6])
    finally:
        pair.end()
