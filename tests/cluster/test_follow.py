"""Events of one node that are followed on another: live, with notifications and without, and those that are committed late."""
import contextlib
import re
import time

import pytest
import requests

import nodes
from conftest import LIMIT, ORDERS, wait_for
from servers.postgres import bouncer, postgres  # noqa: F401, fixtures
from sse import Stream

PEOPLE = [{"email_address_prefix": "ada", "first_name": "Ada", "last_name": "Byron"}]


@pytest.fixture
def make(postgres, bouncer, tmp_path, request):  # noqa: F811
    """make(): two nodes, behind PgBouncer if POOLED, where none hears of the other."""
    made = []

    def cluster(pooled=False):
        name = re.sub(r"[^a-z]", "_", f"events_{request.node.name}".lower())[:60]
        direct = postgres.create_database(name)
        one = nodes.Cluster(tmp_path, bouncer.url(name) if pooled else direct)
        one.admin_url, one.name = direct, name
        made.append(one)
        for number in range(2):
            one.node(f"n{number}", node_name=f"n{number}")
        one.start()
        one.workspaces({"acme": "tok_visa", "other": "tok_visa"})
        return one

    yield cluster
    for one in made:
        one.stop()


@contextlib.contextmanager
def following(node, key, **kw):
    with contextlib.closing(Stream(node.port, key, **kw)) as stream:
        assert stream.status == 200
        yield stream


def order(node, key, domain):
    body = {"items": [{"domain": domain, "email_provider": 2, "accounts": PEOPLE}], "order_type": "dfy"}
    answer = requests.post(f"http://127.0.0.1:{node.port}{ORDERS}", json=body, headers={"Authorization": f"Bearer {key}"}, timeout=LIMIT)
    assert answer.json().get("order_placed"), answer.text


def heard(stream):
    return [(event.data["event_type"], event.data["event_id"]) for event in stream.events if "event_id" in event.data]


@pytest.mark.parametrize("pooled", [False, True], ids=["direct", "pgbouncer"])
def test_events_of_another_node(make, pooled):
    cluster = make(pooled)
    first, second = cluster.nodes
    with following(first, cluster.keys["acme"]) as here, following(second, cluster.keys["acme"]) as there, \
            following(second, cluster.keys["other"]) as foreign:
        for number in range(5):
            order(first, cluster.keys["acme"], f"both{number}.com")
            there.wait_for("dfy_domain_ready", f"both{number}.com")
            here.wait_for("dfy_domain_ready", f"both{number}.com")
        assert sorted(heard(here)) == sorted(heard(there)) and len(set(heard(here))) == len(heard(here)) == 15
        assert not foreign.events
        place = here.id
        last = heard(here)
    # The other node goes on from there.
    order(second, cluster.keys["acme"], "after.com")
    with following(second, cluster.keys["acme"], after=place) as again:
        again.wait_for("dfy_domain_ready", "after.com")
        assert len(set(heard(again)) - set(last)) == 3 and not again.of("missed")


def test_a_key_revoked_on_another_node(make):
    cluster, taken = make(), []
    for _ in range(5):
        key = cluster.cli("key", "create", "--workspace", "acme", "--scope", "all:all").strip()
        with following(cluster.nodes[0], key) as one, following(cluster.nodes[1], key) as two:
            id = max(re.findall(r"^[0-9a-f-]{36}", cluster.cli("key", "list", "--workspace", "acme"), re.M))
            cluster.cli("key", "revoke", "--id", id)
            since = time.monotonic()
            assert one.wait_end() == two.wait_end() == "last chunk"
            taken.append(time.monotonic() - since)
    assert sorted(taken)[2] < 1.5, "most of the time: a machine may stand still once"


INSERT = ("INSERT INTO events (workspace_id, type, domain, payload, created_ms)"
          " SELECT id, 'dfy_domain_ready', %s, '{{\"domain\":\"{0}\"}}', 1e13::bigint FROM workspaces WHERE name = 'acme'")


def insert(connection, domain):
    """As the program does: something was changed before in the same transaction."""
    cursor = connection.cursor()
    cursor.execute("UPDATE workspaces SET updated_ms = updated_ms WHERE name = 'other'")
    cursor.execute(INSERT.format(domain), (domain,))


def test_an_event_that_is_committed_late(make, postgres):  # noqa: F811
    """It has a smaller number than one that was seen before it."""
    cluster = make()
    key = cluster.keys["acme"]
    with contextlib.closing(postgres.connect(cluster.name, autocommit=False)) as late, \
            contextlib.closing(postgres.connect(cluster.name, autocommit=False)) as other, following(cluster.nodes[0], key) as stream:
        late.cursor().execute("SELECT pg_current_xact_id()")
        late.cursor().execute(INSERT.format("late.com"), ("late.com",))
        insert(other, "early.com")
        other.commit()
        stream.wait_for("dfy_domain_ready", "early.com")
        amid = stream.id
        order(cluster.nodes[1], key, "between.com")
        stream.wait_for("dfy_domain_ready", "between.com")
        assert not stream.of(domain="late.com")
        late.commit()
        stream.wait_for("dfy_domain_ready", "late.com")
        # Who left amid that, and comes back, has missed nothing either.
        with following(cluster.nodes[1], key, after=amid) as again:
            again.wait_for("dfy_domain_ready", "late.com")
            again.wait_for("dfy_domain_ready", "between.com")
            assert not again.of("missed")
        place = stream.wait("a place behind all", lambda: stream.id != amid and stream.id)
        order(cluster.nodes[1], key, "end.com")
        stream.wait_for("dfy_domain_ready", "end.com")
        ids = heard(stream)
        assert len(set(ids)) == len(ids) == 8, "none came twice"
        assert place


def test_after_a_while_nothing_comes_again(make):
    """When all that could come late has, a place is behind everything that was told."""
    cluster = make()
    key = cluster.keys["acme"]
    with following(cluster.nodes[0], key) as stream:
        order(cluster.nodes[1], key, "once.com")
        stream.wait_for("dfy_domain_ready", "once.com")

        def repeats():
            with following(cluster.nodes[1], key, after=stream.id) as again:
                order(cluster.nodes[0], key, f"next{time.monotonic_ns()}.com")
                again.wait_for("dfy_domain_ready")
                return bool(again.of(domain="once.com"))

        wait_for("a place behind once.com", lambda: not repeats())
