"""GET /api/dfyd/v1/summary: what a workspace has, counted."""
from conftest import database, wait_for

SUMMARY = "/api/dfyd/v1/summary"


def summary(server, **headers):
    answer = server.request("GET", SUMMARY, headers=headers)
    assert answer.status_code == 200, answer.text
    return answer.json()


def person(prefix):
    return {"first_name": "Jane", "last_name": "Doe", "email_address_prefix": prefix}


def test_a_new_workspace_has_nothing(fresh):
    seen = summary(fresh())
    assert set(seen["domains"].values()) == {0} == set(seen["mailboxes"].values())


def test_what_was_ordered_is_counted_by_state(fresh):
    server = fresh(retry_base_ms=60_000)
    assert server.order([{"domain": name, "email_provider": 2, "accounts": [person("jane"), person(other)]} for name, other in (
        ("summary-one.com", "joe"), ("summary-two.com", "refused"), ("flaky-summary.com", "joe"), ("refused-summary.com", "joe"))])["order_placed"]

    def settled():
        seen = summary(server)
        return seen if seen["domains"]["failed"] == 1 and seen["domains"]["partial"] == 1 and seen["domains"]["ready"] == 1 else None
    seen = wait_for("the domains to come up", settled)
    assert seen["domains"] == {"provisioning": 1, "ready": 1, "partial": 1, "failed": 1, "cancelled": 0, "drifted": 0}
    assert seen["mailboxes"] == {"pending": 2, "ready": 3, "failed": 3, "cancelled": 0, "suspended": 0}


def test_what_is_not_as_it_should_be(fresh):
    server = fresh()
    assert server.order([{"domain": "drift-summary.com", "email_provider": 2, "accounts": [person("jane"), person("joe")]}])["order_placed"]
    server.wait_accounts(2)
    server.stop()
    with database(server) as db:
        db.execute("UPDATE domain_care SET findings = 'record;x'")
        db.execute("UPDATE accounts SET suspended_ms = 1 WHERE email LIKE 'joe@%'")
    server.start()
    seen = summary(server)
    assert seen["domains"]["drifted"] == 1 and seen["mailboxes"]["suspended"] == 1, seen
    answer = server.request("POST", "/api/v2/dfy-email-account-orders/accounts/cancel",
                            json={"accounts": ["jane@drift-summary.com", "joe@drift-summary.com"]})
    assert answer.status_code == 200, answer.text
    seen = summary(server)
    assert seen["domains"] == {"provisioning": 0, "ready": 0, "partial": 0, "failed": 0, "cancelled": 1, "drifted": 0}
    assert seen["mailboxes"]["cancelled"] == 2 and seen["mailboxes"]["suspended"] == 0


def test_another_workspace_sees_nothing_of_it(dfyd):
    dfyd.cli("workspace", "create", "--name", "summary-elsewhere")
    key = dfyd.cli("key", "create", "--workspace", "summary-elsewhere", "--scope", "dfy_email_account_orders:read").strip()
    assert dfyd.order([{"domain": "summary-here.com", "email_provider": 2, "accounts": [person("jane")]}])["order_placed"]
    seen = summary(dfyd, Authorization=f"Bearer {key}")
    assert set(seen["domains"].values()) == {0}
    bare = dfyd.cli("key", "create", "--workspace", "summary-elsewhere", "--scope", "webhooks:read").strip()
    assert dfyd.request("GET", SUMMARY, headers={"Authorization": f"Bearer {bare}"}).status_code == 403
