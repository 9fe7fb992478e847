"""What tests of money share: a server whose books are proved in the end, and what stands in them."""
import pytest
from conftest import rows


@pytest.fixture
def server(fresh):
    """Its books have to be right in the end."""
    server = fresh()
    yield server
    done = server.run("ledger", "check")
    assert done.returncode == 0, done.stdout + done.stderr


def refunds(client):
    """State and dollars of the workspace's refunds, oldest first."""
    return [(state, amount / 100) for state, amount in
            rows(client.server, "SELECT state, amount FROM refunds WHERE workspace_id = ? ORDER BY id", client.workspace_id)]


def balance(server, account):
    """Dollars on the accounts of the ledger that are LIKE it."""
    return rows(server, "SELECT COALESCE(SUM(amount), 0) FROM ledger_entries WHERE account LIKE ?", account)[0][0] / 100
