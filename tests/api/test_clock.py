"""The sandbox's clock: `dfyd clock advance` and `clock show`, with a server, without one, and across a crash."""
import datetime
import re
import subprocess
import threading

import pytest
from conftest import LIMIT, ORDERS, binary, database, environment, rows, wait_for
from contract import item, make_client, name

TIME = re.compile(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z")
DAY = 86400


def seconds(text):
    """Of the first time in TEXT, since 1970."""
    return datetime.datetime.fromisoformat(TIME.search(text)[0].replace("Z", "+00:00")).timestamp()


def now():
    return datetime.datetime.now(datetime.timezone.utc).timestamp()


def ahead(text):
    """How many days the time in TEXT lies ahead."""
    return round((seconds(text) - now()) / DAY, 2)


def advance(server, *by):
    return server.cli("clock", "advance", *by)


def moved(server):
    """How many days ahead the clock was when it was said last that it is there: a moment after the command has returned."""
    lines = wait_for("the line in the log", lambda: logged(server, "clock_moved"))
    return ahead(lines[-1])


def logged(server, event):
    return [line for line in server.log().splitlines() if f"event={event} " in line]


def test_everything_sees_the_moved_time(fresh):
    server = fresh()
    client = make_client(server)
    client.placed([item()])
    assert ahead(advance(server, "45d")) == 45
    client.placed([item()])
    new, old = (ahead(one["timestamp_created"]) for one in client.list(ORDERS)["items"])
    assert (new, old) == (45, 0)
    assert moved(server) == 45
    assert ahead(advance(server, "1d12h")) == 46.5
    shown = server.cli("clock", "show")
    assert ahead(shown) == 46.5 and re.search(r"^ahead +46 days 12:00:00$", shown, re.M) and "to go" not in shown
    server.restart()
    wait_for("the line in the log", lambda: [ahead(line) for line in logged(server, "started")] == [0, 46.5])
    server.cli("key", "create", "--scope", "all:all")
    assert 46.5 in [ahead(line) for line in server.cli("key", "list").splitlines()[1:]]


def test_what_is_tried_again_is_tried_when_it_stops(fresh):
    """Three seconds of the sandbox's slow registry are over at once; when the command returns, the step has run."""
    server = fresh(retry_base_ms=60000)
    client = make_client(server)
    domain = "slow-" + name()
    client.placed([item(domain, accounts=2)])
    wait_for("the first try", lambda: rows(server, "SELECT 1 FROM steps WHERE kind = 'register_domain' AND attempts > 0"
                                           " AND state <> 'running'"))
    advance(server, "1h")
    assert "retrying" not in steps(server, domain) and len(server_passwords(client)) == 2


def steps(server, domain):
    number = re.search(r"^[0-9a-f-]{36}", server.cli("order", "list"), re.M)[0]
    return [word for line in server.cli("order", "show", "--id", number).splitlines() if line.startswith(domain)
            for word in line.split()]


def server_passwords(client):
    accounts = client.list(ORDERS + "/accounts", with_passwords="true")["items"]
    return [row["email"] for row in accounts if row["password"]]


def test_it_stops_where_money_is_due(fresh):
    """An order whose charge is not known is asked about when its time has come, not at the end of the way."""
    server = fresh(lease_ms=600000)
    client = make_client(server, card="tok_silent")
    assert client.post([item()]).status_code == 503
    [stuck] = server.cli("order", "list", "--stuck").splitlines()[1:]
    assert re.search(r" reserved +20\.00 +\S+Z +[Tt]he payment ", stuck), "why, before anybody has asked again"
    advance(server, "3d")
    [line] = logged(server, "order_released")
    assert 0 < seconds(line) - now() < 0.5 * DAY
    assert moved(server) == 3


def test_a_year_has_each_thing_on_its_day(fresh):
    """Each 15th, and the domains' day in a year: paid in their first minute, and for exactly what is due then."""
    server = fresh()
    client = make_client(server)
    client.placed([item(accounts=2), item()])
    wait_for("the mailboxes", lambda: len(server_passwords(client)) == 3)
    advance(server, "1y1d")
    with database(server) as db:
        paid = db.execute("SELECT r.day_ms, p.at_ms, p.amount FROM renewals r JOIN payments p ON p.bill_id = r.id"
                          " AND p.state = 'succeeded' ORDER BY r.day_ms").fetchall()
        [(ordered,)] = db.execute("SELECT created_ms FROM orders").fetchall()
    date = lambda ms: datetime.datetime.fromtimestamp(ms / 1000, datetime.timezone.utc)  # noqa: E731
    first = date(ordered)
    for day, at, amount in paid:
        assert 0 <= at - day < 60000, paid
        is_yearly = (date(day).year, date(day).month) == (first.year + 1, first.month) and date(day).day in (first.day, 28)
        assert amount == 1500 * (date(day).day == 15) + 3000 * is_yearly, paid
    assert 11 <= sum(date(day).day == 15 for day, _, _ in paid) <= 12 and sum(amount for _, _, amount in paid) % 1500 == 0
    assert max(amount for _, _, amount in paid) >= 3000
    assert server.run("ledger", "check").returncode == 0


def test_without_a_server_the_next_one_goes(fresh):
    server = fresh()
    server.stop()
    first = server.cli("clock", "advance", "2d")
    assert re.match(rf"no server works on \S+: the clock goes from {TIME.pattern} to {TIME.pattern} when one is started", first)
    assert ahead(server.cli("clock", "advance", "--by", "1d", "--no-wait")) == 3
    shown = server.cli("clock", "show")
    assert ahead(shown) == 0 and re.search(r"^to go +3 days 00:00:00$", shown, re.M)
    server.start()
    wait_for("the clock", lambda: ahead(server.cli("clock", "show")) == 3)


def test_many_at_once_add_up(fresh):
    server = fresh()
    threads = [threading.Thread(target=advance, args=(server, "1d")) for _ in range(5)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert ahead(server.cli("clock", "show")) == 5


def test_orders_go_on_while_it_moves(fresh):
    server = fresh()
    client = make_client(server)
    moving = subprocess.Popen([binary(), "clock", "advance", "1y", "--data", str(server.dir)], stdout=subprocess.PIPE,
                              env=environment("--data", server.dir))
    for _ in range(5):
        client.placed([item()])
    assert moving.wait(LIMIT) == 0
    moving.stdout.close()
    assert len(client.list(ORDERS, limit=100)["items"]) == 5


def test_limits_do_not_follow_it(fresh):
    server = fresh(rate_limit="on", rate_per_minute=3)
    client = make_client(server)
    answers = [client.send("GET").status_code for _ in range(4)]
    assert answers == [200, 200, 200, 429]
    advance(server, "1h")
    assert client.send("GET").status_code == 429


def test_stored_answers_expire_under_it(fresh):
    server = fresh()
    client = make_client(server)
    wanted, key = [item()], {"Idempotency-Key": "k"}
    client.placed(wanted, headers=key)
    advance(server, "1d")
    assert client.post(wanted, headers=key).headers["Idempotency-Replayed"] == "true"
    advance(server, "2d")
    wait_for("the key is free", lambda: "Idempotency-Replayed" not in client.post(wanted, headers=key).headers)


def test_killed_on_the_way(fresh):
    """It goes on at the next start, and the time does not go back."""
    server = fresh(lease_ms=600000, crash_at="clock.moved")
    client = make_client(server, card="tok_silent")
    assert client.post([item()]).status_code == 503
    done = server.run("clock", "advance", "3d")
    server.wait_dead()
    assert done.returncode == 1 and "the clock goes on when it is started again" in done.stderr
    before = ahead(server.cli("clock", "show"))
    server.restart()
    wait_for("the clock", lambda: ahead(server.cli("clock", "show")) == 3)
    assert 0 <= before < 1 and len(logged(server, "order_released")) == 1


@pytest.mark.parametrize("by", ["", "45", "d", "1month", "-1d", "101y", "0d"])
def test_times_that_are_none(fresh, by):
    server = fresh()
    done = server.run("clock", "advance", "--by", by)
    assert done.returncode == 2 and "--by" in done.stderr and done.stdout == ""
    assert ahead(server.cli("clock", "show")) == 0


@pytest.fixture
def stripe(tmp_path):
    """The settings of a server that takes cards by Stripe. Nothing listens there, and nothing is asked at start."""
    key = tmp_path / "stripe.key"
    key.write_text("sk_test_1", encoding="ascii")
    key.chmod(0o600)
    return {"payment": "stripe", "stripe_key_file": key, "stripe_url": "http://127.0.0.1:9"}


def test_refused_with_a_real_driver(fresh, stripe):
    """By the command, when its own settings say so; else by the server that it asks."""
    server = fresh(**stripe)
    done = server.run("clock", "advance", "1d", env={"DFYD_" + name.upper(): str(value) for name, value in stripe.items()})
    assert done.returncode == 1 and "the clock can be moved in a sandbox only: the driver stripe is none" in done.stderr
    done = server.run("clock", "advance", "1d")
    assert done.returncode == 1 and "not all of its drivers are sandbox drivers" in done.stderr, done
    wait_for("the line in the log", lambda: logged(server, "clock_not_moved"))
    assert ahead(server.cli("clock", "show")) == 0


def test_a_moved_clock_and_real_money_do_not_go_together(fresh, stripe):
    server = fresh()
    advance(server, "1d")
    server.stop()
    assert not server.start(expect_start=False, **stripe)
    assert "with the driver stripe, which is not a sandbox one, start on a new folder" in server.log()
    server.refused = False
    server.start()
    assert ahead(server.cli("clock", "show")) == 1
