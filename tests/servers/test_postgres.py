"""That the private PostgreSQL servers do what the tests of dfyd rely on, and leave nothing behind."""
import os
import pathlib
import signal
import subprocess
import sys

import pytest

from servers import guard
from servers.postgres import PgBouncer, PostgreSQL, Standby, postgres, url_of  # noqa: F401
from servers.process import wait_until


@pytest.fixture
def own():
    made = []
    yield lambda one: made.append(one) or one
    for one in reversed(made):
        one.end()


def count(server):
    return server.sql("SELECT count(*) FROM kept", database="shop")[0][0]


def test_what_was_committed_outlives_a_kill(own):
    server = own(PostgreSQL(fsync=True))
    server.create_database("shop")
    server.sql("CREATE TABLE kept (a INT)", database="shop")
    server.sql("INSERT INTO kept VALUES (1)", database="shop")
    server.kill()
    assert not server.running() and not server.answers()
    server.start()
    assert count(server) == 1
    server.stop_immediate()
    server.start()
    assert count(server) == 1
    assert "not properly shut down" in server.log()


def test_a_frozen_server_answers_once_it_is_thawed(own):
    server = own(PostgreSQL())
    server.freeze()
    assert not server.answers()
    server.thaw()
    wait_until(server.answers, "it answers again")


def test_databases_sort_like_people_unless_told_otherwise(postgres):  # noqa: F811
    asked = "SELECT string_agg(a, '' ORDER BY a{}) FROM (VALUES ('a'), ('B'), ('c')) AS t (a)"
    assert postgres.sql(asked.format("")) == [("aBc",)]
    assert postgres.sql(asked.format(' COLLATE "C"')) == [("Bac",)]


def test_a_standby_has_what_was_committed_and_takes_over(own):
    primary = own(PostgreSQL())
    primary.create_database("shop")
    primary.sql("CREATE TABLE kept (a INT)", database="shop")
    standby = own(Standby(primary))
    primary.sql("INSERT INTO kept VALUES (1)", database="shop")
    assert count(standby) == 1 and not standby.is_primary()
    primary.kill()
    standby.promote()
    standby.sql("INSERT INTO kept VALUES (2)", database="shop")  # waits for nobody
    assert count(standby) == 2
    assert url_of([primary, standby], "shop", target_session_attrs="read-write").endswith("/shop?target_session_attrs=read-write")


def test_pgbouncer_gives_each_transaction_a_connection(own, postgres):  # noqa: F811
    bouncer = own(PgBouncer(postgres, size=1))
    first, second = (bouncer.connect() for _ in range(2))
    try:
        with first.cursor() as one, second.cursor() as two:
            one.execute("SELECT pg_backend_pid()")
            two.execute("SELECT pg_backend_pid()")
            assert one.fetchall() == two.fetchall()
    finally:
        first.close()
        second.close()
    assert any(pool["database"] == "postgres" and pool["pool_mode"] == "transaction" for pool in bouncer.admin("SHOW POOLS"))


KILLED = """
import os, signal, sys
sys.path.insert(0, sys.argv[1])
from servers.postgres import PostgreSQL
server = PostgreSQL()
print(server.folder.path, server.pid, flush=True)
os.kill(os.getpid(), signal.SIGKILL)
"""


def test_nothing_is_left_of_a_test_that_is_killed():
    tests = pathlib.Path(__file__).resolve().parent.parent
    done = subprocess.run([sys.executable, "-c", KILLED, tests], capture_output=True, text=True, timeout=600, check=False)
    assert done.returncode == -signal.SIGKILL, done.stderr
    folder, pid = done.stdout.split()
    wait_until(lambda: not os.path.exists(folder), "its folder is gone")
    assert not os.path.exists(f"/proc/{pid}") or not guard.inside(pathlib.Path(folder))
