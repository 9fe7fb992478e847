"""Whether the auditor finds anything: a load that went well, and then one thing changed behind its back, each of which it has to tell."""
import shutil
import sqlite3

import audit
import nodes
import proving
import pytest

ONE = "(SELECT id FROM orders WHERE state = 'placed' AND type = 'dfy' AND amount > 0 LIMIT 1)"

# file, what is done to it, what the auditor says
LIES = [
    ("dfyd.db", f"UPDATE orders SET state = 'payment_failed' WHERE id = {ONE}", "an order that was answered as placed is there"),
    ("dfyd.db", f"UPDATE orders SET amount = amount + 1 WHERE id = {ONE}", "its price is the one that was told"),
    ("dfyd.db", "UPDATE orders SET state = 'placed' WHERE state = 'payment_failed'", "is not placed"),
    ("dfyd.db", f"UPDATE orders SET idempotency_key = 'nobody' WHERE id = {ONE}",
     "no order is placed that nobody asked for"),
    ("dfyd.db", f"UPDATE domains SET name = name || 'x' WHERE order_id = {ONE}", "it bought the domains that were told"),
    ("dfyd.db", f"UPDATE domains SET state = 'provisioning' WHERE order_id = {ONE}", "every domain of a placed order ends ready"),
    ("dfyd.db", "UPDATE domains SET name = (SELECT name FROM domains WHERE active = 1 ORDER BY id LIMIT 1) WHERE active = 1",
     "no name is sold twice"),
    ("dfyd.db", "UPDATE stock SET order_id = 'x' WHERE order_id IS NOT NULL", "stock is sold to the order that has it"),
    ("dfyd.db", "UPDATE steps SET state = 'retrying' WHERE domain_id = (SELECT domain_id FROM steps LIMIT 1)", "no steps that have not ended"),
    ("dfyd.db", "DELETE FROM steps WHERE kind = 'publish_dns'", "every placed order has its steps, each once"),
    ("dfyd.db", "DELETE FROM invoices WHERE number = 3", "invoices are numbered without a gap"),
    ("dfyd.db", "DELETE FROM ledger_entries WHERE seq = (SELECT MAX(seq) FROM ledger_entries)", "the ledger adds up to 0"),
    ("dfyd.db", "UPDATE promotions SET max_orders = used_orders - 1 WHERE used_orders > 1", "no promotion is over its limit"),
    ("dfyd.db", "UPDATE promotions SET used_orders = used_orders + 1", "a promotion is used as often as it says"),
    ("dfyd.db", "UPDATE idempotency_keys SET state = 'running' WHERE idempotency_key = 'k1'", "no keys without an answer"),
    ("dfyd.db", "DELETE FROM events WHERE type = 'dfy_order_placed'", "every placed order is an event"),
    ("sandbox.db", "DELETE FROM charges WHERE key = (SELECT key FROM charges WHERE decline = 0 LIMIT 1)", "every charge at the bank"),
    ("sandbox.db", "INSERT INTO charges VALUES ('x', 'tok_visa', 100, 0, '', 0)", "every charge at the bank"),
    ("sandbox.db", "INSERT INTO calls SELECT * FROM calls WHERE what = 'charge' LIMIT 1", "no charge is asked for twice"),
    ("sandbox.db", "DELETE FROM registrations WHERE name IN (SELECT name FROM registrations LIMIT 1)", "what is ready is registered"),
    ("sandbox.db", "UPDATE mailboxes SET key = 'x' WHERE email IN (SELECT email FROM mailboxes LIMIT 1)", "what is ready is a mailbox"),
    ("sandbox.db", "INSERT INTO refunds VALUES ('x', 'y', 1, 0)", "every refund at the bank"),
]


@pytest.fixture(scope="module")
def went_well(tmp_path_factory):
    cluster = nodes.Cluster(tmp_path_factory.mktemp("audited"))
    cluster.node("a")
    cluster.start()
    try:
        clients, _ = proving.run(cluster, 300, seed=3, clients=16)
    finally:
        cluster.stop()
    return cluster, clients


@pytest.mark.parametrize("file, lie, finding", LIES)
def test_it_finds_what_is_not_true(went_well, tmp_path, file, lie, finding):
    cluster, clients = went_well
    shutil.copytree(cluster.data, tmp_path / "data", ignore=shutil.ignore_patterns("lock*"))
    with sqlite3.connect(tmp_path / "data" / file) as db:
        for kind, name in db.execute("SELECT type, name FROM sqlite_schema"
                                     " WHERE type = 'trigger' OR sql LIKE 'CREATE UNIQUE INDEX%'").fetchall():
            db.execute(f"DROP {kind} {name}")
        assert db.execute(lie).rowcount
    db.close()
    lied_to = nodes.Cluster(tmp_path)
    wrong = audit.Audit(lied_to.rows, lied_to.outside, clients.told).run()
    assert any(finding in one for one in wrong), wrong[:10]


def test_it_finds_what_clients_were_told_twice(went_well):
    cluster, clients = went_well
    told = next(t for t in clients.told if t.placed)
    told.answers["another"] = {**next(iter(told.answers.values())), "total": 1}
    try:
        wrong = audit.Audit(cluster.rows, cluster.outside, clients.told).run()
    finally:
        del told.answers["another"]
    assert any("a key has one answer" in one for one in wrong)
