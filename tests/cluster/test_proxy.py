"""The failing network itself: it has to be as it says before anything is proved by it."""
import subprocess

import pytest
from given import cluster_database, cluster_server, network  # noqa: F401, fixtures
from proxy import DROP, PASS, RESET, CommitCut


def ask(url, *sql, limit=3):
    """What psql prints; None when nothing came within LIMIT seconds; its error otherwise."""
    try:
        done = subprocess.run(["psql", "-X", "-q", "-A", "-t", "-v", "ON_ERROR_STOP=1", *(part for one in sql for part in ("-c", one)), url],
                              capture_output=True, text=True, timeout=limit, check=False)
    except subprocess.TimeoutExpired:
        return None
    return done.stdout.strip() if done.returncode == 0 else done.stderr


@pytest.fixture
def through(cluster_database, network):  # noqa: F811
    """(the proxy, the database's URL through it, and its own) with a table `t`."""
    ask(cluster_database.url, "CREATE TABLE t (a INTEGER)")
    return network, cluster_database.url_at(network.port), cluster_database.url


def test_it_passes_drops_resets_and_recovers(through):
    network, url, _ = through
    assert ask(url, "SELECT 1") == "1"
    network.turn(DROP)
    assert ask(url, "SELECT 1", limit=1) is None
    network.turn(RESET)
    assert "SELECT" not in ask(url, "SELECT 1") and ask(url, "SELECT 1") != "1"
    network.turn(PASS)
    assert ask(url, "SELECT 1") == "1"


@pytest.mark.parametrize("when, expected", [("before", "0"), ("after", "1")])
@pytest.mark.parametrize("how", [RESET, DROP])
def test_it_cuts_at_the_commit(through, when, expected, how):
    network, url, direct = through
    cut = network.cut(CommitCut("INSERT INTO t", when, how))
    told = ask(url, "BEGIN", "INSERT INTO t VALUES (1)", "COMMIT", "SELECT 'told'", limit=2)
    assert told is None if how == DROP else "told" not in told
    assert network.made == [cut]
    assert ask(direct, "SELECT COUNT(*) FROM t") == expected
    assert ask(url, "BEGIN", "INSERT INTO t VALUES (2)", "COMMIT", "SELECT 'told'") == "told"
