"""A business moves from SQLite to PostgreSQL: everything looks the same there, and life goes on."""
import json
import random
import re
import signal
import sqlite3
import subprocess
import time

import pytest

from conftest import ORDERS, binary, rows, run_cli, wait_for
from servers.postgres import PostgreSQL

PAGED = [ORDERS, ORDERS + "/accounts", "/api/v2/webhooks", "/api/v2/api-keys", "/api/v2/audit-logs", "/api/dfyd/v1/payments",
         "/api/dfyd/v1/invoices", "/api/dfyd/v1/renewals"]
SINGLE = ["/api/v2/workspaces/current", "/api/dfyd/v1/prices"]
LISTS = ["order list", "domain list", "refund list", "renewal list", "payment list", "invoice list", "ledger show", "promo list --all",
         "price history", "restrict list", "inventory list", "key list", "workspace list", "workspace show", "workspace credit", "card show",
         "clock show"]
QUIET = {"retry_base_ms": 3600000, "retry_max_ms": 3600000}  # what fails is not tried again while somebody compares

pytestmark = pytest.mark.sqlite("a business that leaves it")


@pytest.fixture(scope="module")
def cluster():
    server = PostgreSQL()
    yield server
    server.end()


@pytest.fixture
def target(cluster, request):
    """The URL of an empty database."""
    name = "shop_" + str(abs(hash(request.node.name)))
    yield cluster.create_database(name)
    cluster.drop_database(name)


def item(domain, prefixes=("ann", "ben"), **more):
    return {"domain": domain, "email_provider": 1, **more,
            "accounts": [{"email_address_prefix": p, "first_name": p.title(), "last_name": "Müller"} for p in prefixes]}


def migrate(server, *more, env=None):
    return run_cli("migrate", "--from", f"sqlite:{server.dir}", *more, env=env)


def fine(done):
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout


def refused(done, *parts, status=1):
    assert done.returncode == status and len(done.stderr.splitlines()) == 1, (done.returncode, done.stdout, done.stderr)
    assert all(part in done.stderr for part in parts) and "postgres-test-password" not in done.stderr + done.stdout, done.stderr


def card(server, token, workspace="default"):
    server.cli("card", "set", "--workspace", workspace, "--token", token, "--name", "Jane Doe")


def make_business(server):
    """Orders in all states, and something of everything else."""
    for name, value in (("google_mailbox_month", "4.50"), ("domain_year", "14.99")):
        server.cli("price", "add", name, "--amount", value)
    server.cli("promo", "add", "spring", "--kind", "percent", "--value", "10", "--orders", "5")
    server.cli("restrict", "add", "example")
    server.cli("inventory", "add", "--domain", "warm.com", "--provider", "1", "--account", "jo,Jo,Doe")
    server.cli("inventory", "add", "--domain", "cold.com", "--provider", "2", "--account", "jo,Jo,Doe")
    server.cli("workspace", "create", "--name", "tab\there")
    server.cli("workspace", "credit", "--limit", "500.00")
    assert server.request("POST", "/api/v2/webhooks", json={"target_hook_url": "http://127.0.0.1:9/", "name": "dead",
                                                            "event_type": "all_events"}).status_code == 200
    for domain, prefixes, more in [("plain.com", ("ann", "ben"), {}), ("web.com", ("ann",), {"forwarding_domain": "example.org"}),
                                   ("refused-one.com", ("ann",), {}), ("silent-one.com", ("ann",), {}),
                                   ("half.com", ("ann", "refused"), {}), ("flaky-one.com", ("flaky",), {})]:
        assert server.order([item(domain, prefixes, **more)], headers={"Idempotency-Key": domain})["order_placed"], domain
    assert server.order([{"domain": "warm.com"}], type="pre_warmed_up")["order_placed"]
    card(server, "tok_declined")
    assert not server.order([item("declined.com")])["order_placed"]
    card(server, "tok_norefund")
    assert server.order([item("refused-two.com", ("ann",))])["order_placed"]
    server.cli("card", "set", "--workspace", "default", "--on-account")
    assert server.order([item("owed.com", ("ann",))])["order_placed"]
    card(server, "tok_visa")
    server.wait_accounts(6)
    for domain, word in (("refused-one.com", "failed"), ("refused-two.com", "failed"), ("half.com", "partial"), ("flaky-one.com", "ready"),
                         ("owed.com", "ready"), ("plain.com", "ready"), ("web.com", "ready")):
        server.wait_order(domain, word)
    wait_for("the refunds", lambda: {state for (state,) in rows(server, "SELECT state FROM refunds")} >= {"waiting"}
             or rows(server, "SELECT count(*) FROM refunds")[0][0] >= 3)
    assert server.request("POST", ORDERS + "/accounts/cancel", json={"accounts": ["ben@plain.com"]}).status_code == 200
    server.cli("clock", "advance", "33d")
    assert server.order([item("late.com")], headers={"Idempotency-Key": "late.com"})["order_placed"]
    server.wait_accounts(2, "late.com")
    card(server, "tok_silent")
    assert server.post_order([item("unknown.com")], headers={"Idempotency-Key": "unknown"}).status_code == 503
    card(server, "tok_visa")


def look(server):
    """All that a client and the operator can see."""
    seen = {path: server.pages(path) for path in PAGED}
    seen["passwords"] = server.accounts()
    for path in SINGLE:
        seen[path] = server.request("GET", path).json()
    for (number,) in rows(server, "SELECT id FROM orders ORDER BY id"):
        seen[number] = server.request("GET", f"/api/dfyd/v1/orders/{number}").json()
    for (number,) in rows(server, "SELECT number FROM invoices"):
        seen[f"invoice {number}"] = server.request("GET", f"/api/dfyd/v1/invoices/{number}").json()
    again = server.post_order([item("late.com")], headers={"Idempotency-Key": "late.com"})
    seen["answered again"] = (again.headers["Idempotency-Replayed"], again.json())
    for words in LISTS:
        more = ["--db", server.settings["db"]] if "db" in server.settings else []
        text = server.cli(*words.split(), *more)
        # The time that goes on, and when a silent payment provider is asked again: each start asks it once.
        seen[words] = text.split(" ", 1)[0] if words == "clock show" else re.sub(r"\S+Z(?=  the payment provider)", "", text)
    return seen


def agree(before, after):
    for what, there in before.items():
        assert json.dumps(after[what], indent=1) == json.dumps(there, indent=1), what


def test_a_business_moves_and_goes_on(fresh, target):
    server = fresh(webhook_private_targets="yes", webhook_retry_ms=60000)
    make_business(server)
    refused(migrate(server, "--to", target), "another dfyd serves")
    server.restart(**QUIET)
    wait_for("the first tries", lambda: not rows(
        server, "SELECT 1 FROM steps, sandbox_clock WHERE state IN ('due', 'running') OR (state = 'retrying' AND due_ms < ahead_ms + ?)",
        1000 * time.time() + 600000))
    wait_for("the checks of domains", lambda: not rows(
        server, "SELECT 1 FROM domain_care, sandbox_clock WHERE due_ms < ahead_ms + ?", 1000 * time.time() + 600000))
    before = look(server)
    counted = dict(rows(server, "SELECT 'orders', count(*) FROM orders UNION ALL SELECT 'events', count(*) FROM events"))
    assert {state for (state,) in rows(server, "SELECT state FROM orders")} == {"placed", "payment_failed", "reserved"}
    assert {state for (state,) in rows(server, "SELECT state FROM domains")} >= {"ready", "partial", "failed", "provisioning", "reserved"}
    server.stop()

    shown = fine(migrate(server, "--to", target))
    assert "postgres-test-password" not in shown and " no" not in [line[-3:] for line in shown.splitlines()]
    for name, n in counted.items():
        assert any(line.split() == [name, str(n), str(n), "yes"] for line in shown.splitlines()), shown
    assert "holds the business now" in shown and "the book of sandbox says the same" in shown
    place = target.split("@")[1]
    for done in (run_cli("serve", "--data", str(server.dir), "--listen", "127.0.0.1:0"), server.run("order", "list")):
        refused(done, f"moved to postgresql://{place}", "--db")
    assert "already holds this business; nothing was copied" in fine(migrate(server, "--to", target))

    server.settings["db"] = target
    server.start(**QUIET)
    after = look(server)
    agree(before, after)

    # Life goes on: what was under way ends, what is new works, what is due is renewed.
    server.restart(lease_ms=1000)
    server.settings["lease_ms"] = 1000
    assert server.order([item("new.com")])["order_placed"]
    server.wait_accounts(2, "new.com")
    assert not server.order([item("plain.com")])["order_placed"], "sold already"
    assert server.request("POST", ORDERS + "/accounts/cancel", json={"accounts": ["ann@web.com"]}).status_code == 200
    paid = len(server.pages("/api/dfyd/v1/payments"))
    server.cli("clock", "advance", "31d", "--db", target)
    assert len(server.pages("/api/dfyd/v1/payments")) > paid, "renewed there"
    wait_for("the order whose charge was unknown", lambda: server.order([item("unknown.com")])["order_placed"])
    fine(server.run("ledger", "check", "--db", target))
    server.stop()


def small_business(fresh, n=3):
    server = fresh()
    for i in range(n):
        assert server.order([item(f"small-{i}.com")])["order_placed"]
    server.wait_accounts(2 * n)
    server.stop()
    return server


@pytest.mark.parametrize("point,times", [("migrate.leaving", 1), ("migrate.marked", 1), ("migrate.table", 1), ("migrate.table", 20), ("migrate.copied", 1),
                                         ("migrate.checked", 1), ("migrate.done", 1)])
def test_killed_and_run_again(fresh, target, point, times):
    """Neither place is served while it is not clear which one it is; then it is the new one, with all of it."""
    server = small_business(fresh)
    done = migrate(server, "--to", target, env={"DFYD_CRASH_AT": point, "DFYD_CRASH_AT_COUNT": str(times)})
    assert done.returncode == -signal.SIGKILL, done
    refused(server.run("order", "list"), "has not ended", "dfyd migrate")
    if point not in ("migrate.leaving", "migrate.done"):
        refused(server.run("order", "list", "--db", target), "half a copy", str(server.dir))
    shown = fine(migrate(server, "--to", target))
    assert ("nothing was copied" in shown) == (point == "migrate.done")
    refused(server.run("order", "list"), "moved to")
    server.settings["db"] = target
    server.start()
    assert {order["domain"] for order in server.pages(ORDERS)} == {f"small-{i}.com" for i in range(3)}
    assert server.order([item("after.com")])["order_placed"]
    fine(server.run("ledger", "check", "--db", target))


def test_killed_at_any_moment(fresh, target):
    server = small_business(fresh, 20)
    chance = random.Random(3)
    for _ in range(8):
        process = subprocess.Popen([binary(), "migrate", "--from", f"sqlite:{server.dir}", "--to", target], stdout=subprocess.DEVNULL,
                                   stderr=subprocess.DEVNULL)
        time.sleep(chance.uniform(0.05, 0.5))
        process.kill()
        process.wait()
    fine(migrate(server, "--to", target))
    server.settings["db"] = target
    server.start()
    assert len(server.pages(ORDERS)) == 20
    fine(server.run("ledger", "check", "--db", target))


def test_a_copy_that_differs_is_no_copy(fresh, cluster, target):
    """The target cuts a text: the table is named, the source goes on, and once that is mended the same command works."""
    server = small_business(fresh)
    name = target.rsplit("/", 1)[1]
    refused(migrate(server, "--to", target.replace("postgres-test", "wrong")), "password")
    assert migrate(server, "--to", target, env={"DFYD_CRASH_AT": "migrate.marked"}).returncode == -signal.SIGKILL
    cluster.sql("ALTER TABLE audit_logs ALTER COLUMN user_agent TYPE CHAR(600)", database=name)
    done = migrate(server, "--to", target)
    refused(done, "audit_logs")
    assert any(line.split()[0] == "audit_logs" and line.split()[-1] == "no" for line in done.stdout.splitlines() if line.split())
    refused(server.run("order", "list", "--db", target), "half a copy")
    server.start()
    assert server.order([item("meanwhile.com")])["order_placed"]
    server.wait_accounts(8)
    server.stop()
    cluster.sql('ALTER TABLE audit_logs ALTER COLUMN user_agent TYPE TEXT COLLATE "C"', database=name)
    fine(migrate(server, "--to", target))
    server.settings["db"] = target
    server.start()
    assert "meanwhile.com" in {order["domain"] for order in server.pages(ORDERS)}


def test_books_that_do_not_agree_are_not_moved(fresh, target):
    server = small_business(fresh)
    with sqlite3.connect(server.dir / "sandbox.db") as bank:
        bank.execute("UPDATE charges SET amount = amount + 1 WHERE key = (SELECT min(key) FROM charges)")
    bank.close()
    refused(migrate(server, "--to", target), "do not agree")
    refused(server.run("order", "list", "--db", target), "half a copy")
    assert server.run("order", "list").returncode == 0


def test_only_an_empty_target_or_its_own(fresh, tmp_path, cluster, target):
    server, other = small_business(fresh), small_business(fresh, 1)
    fine(migrate(server, "--to", target))
    refused(migrate(other, "--to", target), "another business")
    assert other.run("order", "list").returncode == 0
    served = cluster.create_database("served")
    fine(run_cli("key", "create", "--data", str(tmp_path / "third"), "--db", served, "--scope", "all:all"))
    refused(migrate(other, "--to", served), "not empty", "workspaces")
    cluster.drop_database("served")
    refused(migrate(server, "--to", cluster.url("elsewhere")), "elsewhere")
    refused(migrate(other), "--to", status=2)
    refused(migrate(other, "--to", "mysql://x:postgres-test-password@y/z"), "postgresql://", status=2)
    refused(run_cli("migrate", "--from", str(other.dir), "--to", target), "sqlite:DIR", status=2)
    refused(run_cli("migrate", "--from", f"sqlite:{tmp_path}/none", "--to", target), "holds no data of dfyd")


def test_a_trial_and_the_way_back(fresh, cluster, target):
    server = small_business(fresh)
    assert "serve one of them alone" in fine(migrate(server, "--to", target, "--keep-source"))
    server.start()
    assert server.order([item("kept.com")])["order_placed"]
    server.stop()
    refused(migrate(server, "--to", target), "earlier move")  # or it would be taken for done, without kept.com
    second = cluster.create_database("second")
    fine(migrate(server, "--to", second))
    refused(server.run("order", "list"), "moved to")
    assert "may be served again" in fine(migrate(server, "--back"))
    server.start()
    assert "kept.com" in {order["domain"] for order in server.pages(ORDERS)}
    server.stop()
    refused(migrate(server, "--back"), "nothing to take back")
    cluster.drop_database("second")


def test_another_key_is_not_moved(fresh, target):
    server = small_business(fresh)
    (server.dir / "secret.key").write_bytes(b"x" * 32)
    refused(migrate(server, "--to", target), "not the key of this database", status=2)
