"""How often an order waits for PostgreSQL: it does not depend on how much is ordered."""
import json
import urllib.request

import nodes
import pytest
from given import cluster_database, cluster_server, network  # noqa: F401, fixtures


def order(port, key, domains, mailboxes):
    accounts = [{"email_address_prefix": f"a{number}", "first_name": "John", "last_name": "Doe"} for number in range(mailboxes)]
    body = {"order_type": "dfy", "items": [{"domain": f"{mailboxes}-mailboxes-{number}.com", "email_provider": 2, "accounts": accounts}
                                           for number in range(domains)]}
    headers = {"Authorization": f"Bearer {key}", "Content-Type": "application/json", "Idempotency-Key": f"key-{mailboxes}"}
    request = urllib.request.Request(f"http://127.0.0.1:{port}/api/v2/dfy-email-account-orders", json.dumps(body).encode(), headers)
    with urllib.request.urlopen(request, timeout=60) as answer:
        assert json.load(answer)["order_placed"]


@pytest.fixture
def node(tmp_path, cluster_database, network):  # noqa: F811
    cluster = nodes.Cluster(tmp_path, cluster_database.url_at(network.port))
    cluster.admin_url = cluster_database.url
    cluster.node("a", "serve", "--no-worker")
    cluster.start()
    yield cluster
    cluster.stop()


@pytest.mark.parametrize("domains, mailboxes", [(1, 1), (3, 5)])
def test_an_order_is_reserved_and_settled_in_few(node, network, domains, mailboxes):  # noqa: F811
    node.cli("workspace", "create", "--name", "w")
    node.cli("card", "set", "--workspace", "w", "--token", "tok_visa", "--name", "John Doe")
    key = node.cli("key", "create", "--workspace", "w", "--scope", "all:all").strip()
    order(node.ports[0], key, domains, mailboxes)
    turns = {what: [turns for ran, turns in network.committed if any(what in text for text in ran)]
             for what in ("INSERT INTO orders", "INSERT INTO invoices")}
    # The key is looked at before anything else when it is reserved.
    assert turns == {"INSERT INTO orders": [3], "INSERT INTO invoices": [3]}
