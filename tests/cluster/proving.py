"""One proof by load, from empty database to audit; the tests differ in what they do to nodes and database meanwhile."""
import asyncio
import contextlib
import json
import os

import audit
import hooks
import load
import wants
from client import Line, request

STOCK_PERCENT = 1.5  # of the orders
TOLD = ("w2", "lossy")  # workspaces that have a webhook


def prepare(cluster, count):
    """Workspaces, promotions and stock for a load of COUNT orders; returns the names in stock."""
    cluster.workspaces(wants.CARDS)
    few = max(5, count // 50)
    cluster.cli("promo", "add", "--name", "first-come", "--kind", "percent", "--value", "30", "--orders", str(few))
    cluster.cli("promo", "add", "--name", "a-few-each", "--kind", "percent", "--value", "20", "--orders-each", str(max(2, count // 200)))
    cluster.cli("promo", "add", "--name", "free-names", "--kind", "free_domains", "--value", str(max(3, count // 100)), "--workspace", "w1")
    cluster.cli("promo", "add", "--name", "rest", "--kind", "amount", "--value", "0.50", "--orders", str(few * 10))
    names = [f"warm-{i}.com" for i in range(max(4, int(count * STOCK_PERCENT / 100)))]
    for name in names:
        cluster.cli("inventory", "add", "--domain", name, "--provider", "2", "--account", "jane,Jane,Doe")
    return names


async def tell(cluster, url, workspace):
    """Has the events of WORKSPACE told to URL."""
    line = Line(cluster.ports[0], 30)
    status, _, body = await line.ask(request("POST", "/api/v2/webhooks", cluster.keys[workspace],
                                             json.dumps({"target_hook_url": url, "event_type": "all_events"}).encode()))
    line.drop()
    assert status == 200, body


def run(cluster, count, seed, meanwhile=None, clients=64, limit=30, quiet_s=120):
    """Orders from CLIENTS clients, MEANWHILE (an async context manager, or None) around them; then all has to come to its end, and the
    audit looks at it. Returns the load and the lines of a report."""
    stock = prepare(cluster, count)
    receiver = hooks.Hooks(seed)
    clients_of = load.Load(wants.Wants(count, seed, stock), cluster.ports, cluster.keys, clients, limit)

    async def ordering():
        for workspace in TOLD:
            await tell(cluster, receiver.url(workspace), workspace)
        if meanwhile:
            meanwhile.load = clients_of
        async with meanwhile or contextlib.AsyncExitStack():
            await clients_of.run()
    asyncio.run(ordering())
    of_told = "workspace_id IN (SELECT id FROM workspaces WHERE name IN ('" + "', '".join(TOLD) + "'))"

    def still_open(rows):
        return audit.open_work(rows) or int(rows(f"SELECT COUNT(*) FROM events WHERE {of_told}")[0][0]) > len(receiver.ids)
    seconds = cluster.wait_quiet(still_open, quiet_s)
    auditor = audit.Audit(cluster.rows, cluster.outside, clients_of.told, receiver.taken)
    wrong = auditor.run()
    try:
        cluster.cli("ledger", "check")
    except AssertionError as difference:
        wrong.append(str(difference))
    receiver.close()
    report = [*clients_of.words(), f"all work ended {seconds:.0f} s later; {auditor.again} steps were begun more than once",
              f"webhooks took {len(receiver.ids)} events, {receiver.repeats} of them again, and refused {receiver.refused} times",
              f"promotions used: {auditor.used}; asked for more than once outside: {dict(auditor.twice)}",
              "looked at:", *auditor.words()]
    print("\n".join(report), flush=True)
    assert not wrong, f"{len(wrong)} things are wrong:\n" + "\n".join(wrong[:40])
    return clients_of, report


def count(default):
    """How many orders a test makes; DFYD_CLUSTER_ORDERS says another number."""
    return int(os.environ.get("DFYD_CLUSTER_ORDERS", default))
