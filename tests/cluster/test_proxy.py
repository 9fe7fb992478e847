"""The failing network itself: it has to be as it says before anything is proved by it."""
import select
import subprocess
import time

import pytest
from conftest import LIMIT, wait_for
from given import cluster_database, cluster_server, network  # noqa: F401, fixtures
from proxy import DROP, PASS, RESET, CommitCut


def psql(url, sql):
    return ["psql", "-X", "-q", "-A", "-t", "-v", "ON_ERROR_STOP=1", *(part for one in sql for part in ("-c", one)), url]


def ask(url, *sql):
    """What psql prints; its error when it fails."""
    done = subprocess.run(psql(url, sql), capture_output=True, text=True, timeout=LIMIT, check=False)
    return done.stdout.strip() if done.returncode == 0 else done.stderr


def hears_nothing(url, *sql, since):
    """Whether psql says nothing in the second after SINCE() is true, nor ends."""
    with subprocess.Popen(psql(url, sql), stdout=subprocess.PIPE, stderr=subprocess.STDOUT) as child:
        try:
            wait_for("the silence", since)
            time.sleep(1)
            return child.poll() is None and not select.select([child.stdout], [], [], 0)[0]
        finally:
            child.kill()


@pytest.fixture
def through(cluster_database, network):  # noqa: F811
    """(the proxy, the database's URL through it, and its own) with a table `t`."""
    ask(cluster_database.url, "CREATE TABLE t (a INTEGER)")
    return network, cluster_database.url_at(network.port), cluster_database.url


def test_it_passes_drops_resets_and_recovers(through):
    network, url, _ = through
    assert ask(url, "SELECT 1") == "1"
    network.turn(DROP)
    assert hears_nothing(url, "SELECT 1", since=lambda: network.links)
    network.turn(RESET)
    assert "SELECT" not in ask(url, "SELECT 1") and ask(url, "SELECT 1") != "1"
    network.turn(PASS)
    assert ask(url, "SELECT 1") == "1"


@pytest.mark.parametrize("when, expected", [("before", "0"), ("after", "1")])
@pytest.mark.parametrize("how", [RESET, DROP])
def test_it_cuts_at_the_commit(through, when, expected, how):
    network, url, direct = through
    cut = network.cut(CommitCut("INSERT INTO t", when, how))
    change = ["BEGIN", "INSERT INTO t VALUES (1)", "COMMIT", "SELECT 'told'"]
    if how == DROP:
        assert hears_nothing(url, *change, since=lambda: network.made)
    else:
        assert "told" not in ask(url, *change)
    assert network.made == [cut]
    assert ask(direct, "SELECT COUNT(*) FROM t") == expected
    assert ask(url, "BEGIN", "INSERT INTO t VALUES (2)", "COMMIT", "SELECT 'told'") == "told"
