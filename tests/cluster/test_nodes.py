"""Nodes that share a PostgreSQL: who is there, one clock for all, and what becomes of them while the database is away."""
import json
import os
import re
import signal
import threading
import time

import pytest
import requests

import nodes
from conftest import DESCRIPTION, LIMIT, ORDERS, run_cli, wait_for
from servers.postgres import postgres  # noqa: F401, a fixture
from servers.process import free_ports

ALIVE = 15  # seconds that a node may be silent
AWAY_S = 8  # that a call waits for a database which is away; half of it is more than a busy machine stands still
CURRENT = "/api/v2/workspaces/current"


@pytest.fixture
def make(postgres, tmp_path, request):  # noqa: F811
    """make(**settings): a cluster without nodes on a database of its own. All are stopped at the end."""
    made = []

    def cluster(**settings):
        name = f"nodes_{len(made)}_{re.sub(r'[^a-z]', '_', request.node.name.lower())}"[:60]
        made.append(nodes.Cluster(tmp_path, postgres.create_database(name), retry_base_ms=10, **settings))
        return made[-1]

    yield cluster
    postgres.thaw()
    if not postgres.running():
        postgres.start()
    for one in made:
        one.stop()


def listed(cluster):
    """The cells of `dfyd node list`, by name."""
    lines = cluster.cli("node", "list").splitlines()[1:]
    return {cells[0]: cells for cells in (re.split(r"  +", line.strip()) for line in lines)}


def call(node, path, key=None, **more):
    return requests.request(more.pop("method", "GET"), f"http://127.0.0.1:{node.port}{path}", timeout=LIMIT,
                            headers={"Authorization": f"Bearer {key}"} if key else {}, **more)


def order(node, key, domain, accounts=1, forwarding=None):
    more = {"forwarding_domain": forwarding} if forwarding else {}
    people = [{"email_address_prefix": f"p{i}", "first_name": "Ada", "last_name": "Byron"} for i in range(accounts)]
    answer = call(node, ORDERS, key, method="POST", json={
        "items": [{"domain": domain, "email_provider": 1, "accounts": people, **more}], "order_type": "dfy", "simulation": False})
    assert answer.status_code == 200 and answer.json()["order_placed"], answer.text
    return answer.json()


def wait_domain(cluster, domain, state="ready"):
    wait_for(f"{domain} {state}", lambda: re.search(rf"^state +{state}$", cluster.cli("domain", "show", domain), re.M))


def logged(node, event):
    return re.findall(rf"^.* event={event} .*$", node.log(), re.M)


def days_ahead(cluster, node):
    """Of the time by which NODE takes an order."""
    domain = f"d{time.monotonic_ns()}.com"
    order(node, cluster.keys["acme"], domain)
    (created,) = cluster.rows(f"SELECT created_ms FROM domains WHERE name = '{domain}'")[0]
    return round((int(created) / 1000 - time.time()) / 86400)


# -- who is there

def test_nodes_with_all_roles_are_listed(make):
    cluster = make()
    both = cluster.node("both", node_name="both", edge_listen="127.0.0.1:0")
    calls = cluster.node("calls", "serve", "--no-worker", node_name="calls")
    work = cluster.node("work", "work", node_name="work")
    cluster.start()
    cluster.workspaces({"acme": "tok_visa"})
    found = listed(cluster)
    assert {name: cells[2] for name, cells in found.items()} == {"both": "api worker edge", "calls": "api", "work": "worker"}
    assert {cells[-1] for cells in found.values()} == {"alive"}
    assert len({cells[1] for cells in found.values()}) == 3

    both.stop()
    assert set(listed(cluster)) == {"calls", "work"}, "who ends well is gone at once"
    order(calls, cluster.keys["acme"], "apart.com")
    wait_domain(cluster, "apart.com")
    assert logged(work, "step_ended") and not logged(calls, "step_ended")

    work.kill()
    silent = wait_for("silence", lambda: re.fullmatch(r"silent for (\d+) s", listed(cluster)["work"][-1]))
    assert int(silent[1]) >= ALIVE
    work.start()
    states = [line.split()[-1] for line in cluster.cli("node", "list").splitlines()[1:] if line.startswith("work ")]
    assert sorted(states) == ["alive", "s"], "a new start has a row of its own beside the silent one"


def test_one_folder_serves_sqlite_or_a_shared_database(make):
    cluster = make()
    plain = nodes.Cluster(cluster.folder)
    plain.node("sqlite")
    plain.start()
    try:
        done = run_cli("serve", "--data", str(cluster.data), "--listen", "127.0.0.1:0", "--db", cluster.url)
        assert done.returncode == 1 and f"another dfyd serves {cluster.data} on SQLite" in done.stderr, done
    finally:
        plain.stop()
    (cluster.data / "secret.key").unlink()  # else it is not that of the other database
    cluster.node("a")
    cluster.node("b")
    cluster.start()
    done = run_cli("serve", "--data", str(cluster.data), "--listen", "127.0.0.1:0")
    assert done.returncode == 1 and f"nodes of a shared database use {cluster.data}" in done.stderr, done


def test_a_folder_of_a_shared_database_says_so_without_it(make):
    """Who forgets --db is not led to throw its key away."""
    cluster = make()
    cluster.node("a")
    cluster.start()
    cluster.stop()
    done = run_cli("serve", "--data", str(cluster.data), "--listen", "127.0.0.1:0")
    assert done.returncode == 1 and "say --db if the data is in PostgreSQL" in done.stderr, done


def test_nodes_in_folders_of_their_own_need_the_same_key(make, tmp_path):
    """As on several machines. Two that begin an empty database at once do not both go on with keys of their own."""
    cluster = make()
    other = nodes.Cluster(tmp_path / "other", cluster.url)
    other.folder.mkdir()
    both = [cluster.node("a"), other.node("b")]
    for node in both:
        node.begin()
    lines = [node.process.stdout.readline() for node in both]
    assert sum(line.startswith("listening on ") for line in lines) >= 1
    late = next((node for node, line in zip(both, lines) if not line), both[1])
    late.kill()
    # Whether it made a key at the same time as the other, or came after it.
    assert "is not the key of this database" in late.log() or "secret.key is missing" in late.log()
    (late.cluster.data / "secret.key").unlink(missing_ok=True)
    late.begin()
    assert late.process.wait(LIMIT) == 1 and "copy it from another node" in late.log()
    late.process.stdout.close()
    first = both[1 - both.index(late)]
    (late.cluster.data / "secret.key").write_bytes((first.cluster.data / "secret.key").read_bytes())
    (late.cluster.data / "secret.key").chmod(0o600)
    late.start()
    assert len(cluster.cli("node", "list").splitlines()) == 3
    other.stop()


# -- one clock

def test_a_year_passes_on_three_nodes(make):
    """Each month is charged once, by whichever node; and all nodes show the same time."""
    cluster = make(lease_ms=120000)
    a = cluster.node("a", node_name="a")
    b = cluster.node("b", "serve", "--no-worker", node_name="b")
    c = cluster.node("c", "work", node_name="c")
    cluster.start()
    cluster.workspaces({"acme": "tok_visa", "blue": "tok_visa"})
    for name, key in cluster.keys.items():
        for i, node in enumerate((a, b)):
            order(node, key, f"{name}-{i}.com", accounts=2)
            wait_domain(cluster, f"{name}-{i}.com")
    late = cluster.node("late", node_name="late")
    advancing = threading.Thread(target=lambda: cluster.cli("clock", "advance", "--by", "366d"), daemon=True)
    advancing.start()
    late.start()  # while the clock is on its way
    advancing.join(LIMIT * 5)
    assert not advancing.is_alive()
    # Each period of each domain and of its mailboxes was paid once, without a gap, until beyond now.
    assert cluster.rows("SELECT COUNT(*) FROM renewals WHERE state <> 'paid'") == [("0",)]
    assert not cluster.rows("SELECT 1 FROM renewals GROUP BY workspace_id, day_ms HAVING COUNT(*) > 1")
    lines = cluster.rows("SELECT domain_id, kind, from_ms, to_ms FROM bill_lines ORDER BY domain_id, kind, from_ms")
    lines = [(domain, kind, int(begin), int(end)) for domain, kind, begin, end in lines]
    for (domain, kind, _, end), (next_domain, next_kind, begin, _) in zip(lines, lines[1:]):
        assert (domain, kind) != (next_domain, next_kind) or begin == end, lines
    paid_until = {(domain, kind): end for domain, kind, _, end in lines}
    assert len(paid_until) == 8 and min(paid_until.values()) / 1000 > time.time() + 366 * 86400
    assert len(lines) >= 4 * (12 + 2)
    cluster.cli("ledger", "check")  # which fails when anything differs
    ends = [node.name for node in (a, c, late) if logged(node, "renewal_paid")]
    assert len(ends) >= 2, "more than one node worked"
    assert not logged(b, "renewal_paid")
    for node in (a, b, late):
        assert days_ahead(cluster, node) == 366


def test_the_clock_waits_for_nobody_who_is_dead(make):
    cluster = make()
    cluster.node("a", node_name="a")
    dead = cluster.node("dead", node_name="dead")
    cluster.start()
    dead.kill()
    began = time.monotonic()
    assert re.search(r"\d{4}-", cluster.cli("clock", "advance", "--by", "30d"))
    assert time.monotonic() - began < ALIVE + 45
    cluster.node("new").start()


def test_a_frozen_node_holds_the_clock_only_while_it_seems_alive(make):
    """It wakes up behind the others, and shows their time before it works on."""
    cluster = make()
    a = cluster.node("a", node_name="a")
    frozen = cluster.node("frozen", node_name="frozen")
    cluster.start()
    cluster.workspaces({"acme": "tok_visa"})
    os.kill(frozen.process.pid, signal.SIGSTOP)
    try:
        cluster.cli("clock", "advance", "--by", "30d")
    finally:
        os.kill(frozen.process.pid, signal.SIGCONT)
    assert days_ahead(cluster, a) == 30
    wait_for("the time of the others", lambda: days_ahead(cluster, frozen) == 30)


# -- the database is away

def outage(cluster, begin, end):
    """What three nodes do between BEGIN() and END()."""
    (edge,) = free_ports(1)
    a, b = cluster.node("a", node_name="a", edge_listen=f"127.0.0.1:{edge}"), cluster.node("b", "serve", "--no-worker", node_name="b")
    work = cluster.node("work", "work", node_name="work")
    cluster.start()
    cluster.workspaces({"acme": "tok_visa"})
    key = cluster.keys["acme"]
    order(a, key, "before.com", forwarding="target.example")
    wait_domain(cluster, "before.com")

    def ask_edge():
        return requests.get(f"http://127.0.0.1:{edge}/ask?domain=before.com", timeout=LIMIT).status_code

    wait_for("the edge", lambda: ask_edge() == 200)
    marks = {node: len(node.log()) for node in cluster.nodes}
    begin()
    answers = []
    paths = [CURRENT, ORDERS, "/readyz", "/api/dfyd/v1/prices"]

    def ask(node, path):
        began = time.monotonic()
        answer = call(node, path, key)
        seconds = time.monotonic() - began
        wrong = DESCRIPTION.judge("GET", path, answer.status_code, answer.headers, answer.text)
        assert not wrong, wrong
        answers.append((node.name, path, answer.status_code, answer.headers.get("Retry-After"), seconds))

    threads = [threading.Thread(target=ask, args=(node, path)) for node in (a, b) for path in paths for _ in range(12)]
    for thread in threads:
        thread.start()
    slowest = 0.0
    while any(thread.is_alive() for thread in threads):
        for node in (a, b):
            began = time.monotonic()
            assert call(node, "/healthz").status_code == 200
            slowest = max(slowest, time.monotonic() - began)
        assert ask_edge() == 200, "what is known is served on"
        time.sleep(0.02)
    # Whose caller is known is answered from memory until the node notices that it hears nothing.
    assert {(status, after) for _, path, status, after, _ in answers if (path, status) != (CURRENT, 200)} == {(503, "5")}, answers
    assert max(seconds for *_, seconds in answers) < AWAY_S + 5, max(answers, key=lambda one: one[-1])
    assert len(answers) == len(threads), "an answer was not as api/openapi.yaml says"
    assert slowest < AWAY_S / 2, f"/healthz took {slowest:.1f} s: what waits for the database waits {AWAY_S} s"
    for node in cluster.nodes:
        wait_for(f"{node.name} to notice", lambda node=node: logged(node, "database_away"))
    for node in (a, b):
        wait_for("no caller that is known", lambda node=node: call(node, CURRENT, key).status_code == 503)
    end()
    for node in cluster.nodes:
        wait_for(f"{node.name} to recover", lambda node=node: logged(node, "database_back"))
        fresh = node.log()[marks[node]:]
        assert len(re.findall("event=database_away ", fresh)) == len(re.findall("event=database_back ", fresh)) == 1, fresh
        assert "event=request_failed " not in fresh and "event=work_stopped " not in fresh, fresh
        assert "password" not in fresh
    for node in (a, b):
        assert wait_for("readiness", lambda node=node: call(node, "/readyz").status_code == 200)
        order(node, key, f"after-{node.name}.com")
        wait_domain(cluster, f"after-{node.name}.com")
    print(json.dumps({"slowest healthz ms": round(slowest * 1000), "slowest 503 s": round(max(one[-1] for one in answers), 2)}))


def test_a_silent_database(make, postgres):  # noqa: F811
    """Its connections stay open, and nothing answers."""
    outage(make(db_wait_ms=AWAY_S * 1000), postgres.freeze, postgres.thaw)


def test_a_database_that_is_stopped(make, postgres):  # noqa: F811
    outage(make(db_wait_ms=AWAY_S * 1000), postgres.stop_immediate, postgres.start)


def test_a_node_ends_while_the_database_is_silent(make, postgres):  # noqa: F811
    cluster = make(db_wait_ms=2000, drain_ms=1000)
    a = cluster.node("a")
    cluster.start()
    postgres.freeze()
    try:
        wait_for("that it notices", lambda: logged(a, "database_away"))
        began = time.monotonic()
        a.stop()
        assert time.monotonic() - began < 15
    finally:
        postgres.thaw()
