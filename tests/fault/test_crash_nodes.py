"""One of two nodes of a shared database is killed; the other takes over what it held, once that is taken for dead, and nothing sooner."""
import time

import pytest
import requests

from conftest import Server, run_cli, wait_for
from servers.postgres import postgres  # noqa: F401, a fixture

LEASE_MS = 3000
ITEMS = [{"domain": "left-over.com", "email_provider": 1,
          "accounts": [{"email_address_prefix": "ann", "first_name": "Ann", "last_name": "Doe"}]}]
PRICE_CENTS = 1500 + 500


class Node(Server):
    """A server of a shared database, and commands beside it."""

    def run(self, *args, env=None):
        return run_cli(*args, "--data", str(self.dir), "--db", self.settings["db"], env=env)


@pytest.fixture
def nodes(postgres, tmp_path):  # noqa: F811
    """Makes nodes of one new database; the sandbox's books are in a folder that they share."""
    name = f"nodes{time.monotonic_ns()}"
    url, made = postgres.create_database(name), []

    def make(**settings):
        node = Node(tmp_path / "data", db=url, lease_ms=LEASE_MS, retry_max_ms=200, **settings)
        node.sql = lambda text, *values: postgres.sql(text, *values, database=name)
        made.append(node)
        node.start()
        return node

    yield make
    for node in made:
        node.stop()
    postgres.drop_database(name)


def order_and_die(node, key="once"):
    with pytest.raises(requests.RequestException):
        node.order(ITEMS, headers={"Idempotency-Key": key})
    node.wait_dead()


def order(node, key="once"):
    return node.post_order(ITEMS, headers={"Idempotency-Key": key})


def charged_cents(node):
    return node.sql("SELECT COALESCE(SUM(amount), 0)::bigint FROM payments WHERE kind = 'charge' AND state = 'succeeded'")[0][0]


def expect_one_order(node):
    wait_for("all steps", lambda: node.sql("SELECT count(*) FROM steps WHERE state <> 'done'") == [(0,)])
    assert node.sql("SELECT count(*) FROM orders WHERE state = 'placed'") == [(1,)]
    assert charged_cents(node) == PRICE_CENTS
    node.cli("ledger", "check")


@pytest.mark.parametrize("point", ["key.claimed", "place.reserved", "place.charged", "place.settled"])
def test_a_key_of_a_dead_node_is_answered_by_another(nodes, point):
    """Whatever the dead one had done: a client that goes on with its key gets one order, charged once, and no restart is needed."""
    living = nodes()
    dying = nodes(crash_at=point)
    assert dying.key  # made now: the lease begins after this moment
    began = time.monotonic()
    order_and_die(dying)
    statuses = {}  # the answers, and how long after the order began each of them was there

    def answered():
        response = order(living)
        statuses.setdefault(response.status_code, time.monotonic() - began)
        return response if response.status_code == 200 else None

    response = wait_for("an answer", answered, every=0.1)
    assert response.json()["order_placed"] and set(statuses) <= {200, 409}
    replayed = "Idempotency-Replayed" in response.headers
    assert replayed == (point in ("place.charged", "place.settled"))
    if point != "place.settled":  # held until it was taken for dead
        assert statuses[200] > LEASE_MS / 1000, "taken over sooner"
    assert order(living).headers["Idempotency-Replayed"] == "true"
    expect_one_order(living)


def test_a_start_frees_nothing_of_others(nodes):
    """Keys, orders and steps that a living node holds are not touched when another starts."""
    first = nodes()
    workspace = first.sql("SELECT id FROM workspaces")[0][0]
    first.sql("INSERT INTO idempotency_keys (workspace_id, idempotency_key, body_hash, state, answer, updated_ms)"
              " VALUES (%s, 'held', '', 'running', '', %s)", workspace, int(time.time() * 1000) + 3600000)
    assert first.order(ITEMS)["order_placed"]
    wait_for("all steps", lambda: first.sql("SELECT count(*) FROM steps WHERE state <> 'done'") == [(0,)])
    lease = int(time.time() * 1000) + 3600000
    first.sql("UPDATE steps SET state = 'running', due_ms = %s, attempts = 9 WHERE kind = 'create_mailbox'", lease)
    first.sql("UPDATE domain_care SET is_leased = 1, due_ms = %s, attempts = 9", lease)
    first.sql("UPDATE orders SET state = 'reserved', ended_ms = 0, settle_after_ms = %s", lease)
    nodes()
    assert first.sql("SELECT count(*) FROM idempotency_keys WHERE idempotency_key = 'held'") == [(1,)]
    assert first.sql("SELECT state, due_ms, attempts FROM steps WHERE kind = 'create_mailbox'") == [("running", lease, 9)]
    assert first.sql("SELECT is_leased, due_ms, attempts FROM domain_care") == [(1, lease, 9)]
    assert first.sql("SELECT state, settle_after_ms FROM orders") == [("reserved", lease)]
