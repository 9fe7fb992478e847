"""Rate limits of a workspace over three nodes: as many requests pass in a window as on one node, within 5%, wherever they go."""
import random
import re
import threading
import time

import pytest
import requests

import nodes
from conftest import LIMIT, wait_for
from servers.postgres import postgres  # noqa: F401, a fixture

CURRENT = "/api/v2/workspaces/current"
# How much was taken of each window that ever was.
REMEMBER = """
CREATE TABLE remembered (began_ms BIGINT PRIMARY KEY, taken BIGINT);
CREATE FUNCTION remember() RETURNS TRIGGER LANGUAGE plpgsql AS $$ BEGIN
    INSERT INTO remembered VALUES (NEW.began_ms, NEW.taken) ON CONFLICT (began_ms) DO UPDATE SET taken = NEW.taken;
    RETURN NULL;
END $$;
CREATE TRIGGER remember AFTER UPDATE ON rate_windows FOR EACH ROW EXECUTE FUNCTION remember();
"""


@pytest.fixture
def make(postgres, tmp_path, request):  # noqa: F811
    """make(**settings): three nodes that know of each other, and a workspace `acme`."""
    made = []

    def cluster(**settings):
        name = re.sub(r"[^a-z]", "_", f"rates_{request.node.name}".lower())[:60]
        one = nodes.Cluster(tmp_path, postgres.create_database(name), rate_limit="on", **settings)
        one.windows = lambda: postgres.sql("SELECT kind, began_ms, taken FROM rate_windows", database=name)
        one.remember = lambda: postgres.sql(REMEMBER, database=name)
        one.remembered = lambda: [taken for taken, in postgres.sql("SELECT taken FROM remembered", database=name)]
        made.append(one)
        for letter in "abc":
            one.node(letter, node_name=letter)
        one.start()
        one.workspaces({"acme": "tok_visa"})
        heard = "SELECT COUNT(*) = 3 AND MIN(seen_ms) > MAX(started_ms) FROM nodes"
        wait_for("three nodes that heard of each other", lambda: postgres.sql(heard, database=name) == [(True,)], every=0.2)
        return one

    yield cluster
    for one in made:
        one.stop()


class Load:
    """Requests as fast as THREADS can, each to a node that WEIGHTS choose; counts what passed."""

    def __init__(self, cluster, weights, threads=8):
        self.cluster, self.weights = cluster, weights
        self.passed = self.refused = 0
        self.wrong, self.lock, self.stop = [], threading.Lock(), threading.Event()
        self.threads = [threading.Thread(target=self.run, args=(number,)) for number in range(threads)]
        for thread in self.threads:
            thread.start()

    def run(self, number):
        choice = random.Random(number)
        with requests.Session() as session:
            session.headers["Authorization"] = f"Bearer {self.cluster.keys['acme']}"
            while not self.stop.is_set():
                (port,) = choice.choices(self.cluster.ports, self.weights)
                answer = session.get(f"http://127.0.0.1:{port}{CURRENT}", timeout=LIMIT)
                with self.lock:
                    self.passed += answer.status_code == 200
                    self.refused += answer.status_code == 429
                    if answer.status_code not in (200, 429):
                        self.wrong.append(answer.text)

    def end(self):
        self.stop.set()
        for thread in self.threads:
            thread.join()
        assert not self.wrong, self.wrong[:3]


@pytest.mark.parametrize("weights", [(1, 1, 1), (18, 1, 1), (1, 0, 0)], ids=["even", "skewed", "one"])
def test_a_minute(make, weights):
    cluster = make(rate_per_second=0, rate_per_minute=1000)
    load = Load(cluster, weights)
    wait_for("the limit", lambda: load.refused > 500)
    load.end()
    assert len({began for _, began, _ in cluster.windows()}) == 1, "all of it in one window"
    assert 950 <= load.passed <= 1050, load.passed


@pytest.mark.parametrize("weights", [(1, 1, 1), (18, 1, 1)], ids=["even", "skewed"])
def test_seconds(make, weights):
    cluster = make(rate_per_second=60, rate_per_minute=0)
    cluster.remember()
    load = Load(cluster, weights)
    wait_for("eight seconds that were used up", lambda: len([taken for taken in cluster.remembered() if taken >= 60]) >= 8, every=0.2)
    load.end()
    seen = cluster.remembered()
    used_up = len([taken for taken in seen if taken >= 60])  # a machine that stands still may not come to it
    assert load.refused > 100
    assert 0.95 * 60 * (used_up - 1) <= load.passed <= 1.05 * 60 * len(seen), (load.passed, seen)


def test_one_call_each_leaves_little_unused(make):
    """The worst way to spread: two nodes are asked until they hold shares, and then never again."""
    cluster = make(rate_per_second=0, rate_per_minute=200)
    passed = 0
    with requests.Session() as session:
        session.headers["Authorization"] = f"Bearer {cluster.keys['acme']}"
        for turns, port in zip((4, 4, 250), cluster.ports):
            for turn in range(turns):
                answer = session.get(f"http://127.0.0.1:{port}{CURRENT}", timeout=LIMIT)
                left = int(answer.headers["RateLimit-Remaining"])
                assert answer.headers["RateLimit-Limit"] == "200" and left <= max(0, 199 - turn)
                passed += answer.status_code == 200
    assert answer.status_code == 429 and left == 0
    assert 190 <= passed <= 210, passed
