"""PostgreSQL back to a moment: exactly the orders of before are there, and what the bank knows beyond them is named."""
import contextlib
import re

import pytest

from conftest import ORDERS, wait_for
from servers.postgres import PASSWORD, PostgreSQL, own_folder, program, run

N = 3  # orders in each stretch of time

pytestmark = pytest.mark.sqlite("it starts its own PostgreSQL, and runs once")


def item(domain):
    return {"domain": domain, "email_provider": 1, "accounts": [{"email_address_prefix": "a", "first_name": "A", "last_name": "B"}]}


class Archived(PostgreSQL):
    """Keeps its write-ahead log in ARCHIVE."""

    def __init__(self, archive):
        super().__init__(archive_mode="on", archive_command=f'test ! -f "{archive}/%f" && cp "%p" "{archive}/%f"',
                         wal_level="replica", max_wal_senders=4)

    def base_backup(self, folder):
        run(program("pg_basebackup"), "-h", "127.0.0.1", "-p", self.port, "-U", "dfy", "-D", folder, "-X", "none", "-c", "fast")

    def archive_all(self):
        """What was committed so far is in the archive."""
        (name,), = self.sql("SELECT pg_walfile_name(pg_switch_wal())")
        wait_for("the archive", lambda: (self.sql("SELECT last_archived_wal FROM pg_stat_archiver")[0][0] or "") >= name)


class Recovered(PostgreSQL):
    """A new server from a base backup and an archive, up to TARGET."""

    def __init__(self, base, archive, **target):
        self.base = base
        super().__init__(restore_command=f'cp "{archive}/%f" "%p"', recovery_target_action="promote", **target)

    def make_data(self):
        run("cp", "-a", self.base, self.data)
        run("touch", self.data / "recovery.signal")

    def answers(self):
        return super().answers() and self.sql("SELECT pg_is_in_recovery()") == [(False,)]


def made_key(server):
    done = server.run("key", "create", "--scope", "all:all", "--db", server.settings["db"])
    assert done.returncode == 0, done.stderr
    return done.stdout.strip()


@pytest.fixture
def lost(fresh):
    """A business whose database server is gone; its base backup and archive are there, and what was ordered when."""
    with contextlib.ExitStack() as stack:
        folder = own_folder("archive")
        stack.callback(folder.remove)
        archive, base = folder.path / "wal", folder.path / "base"
        run("mkdir", archive)
        first = Archived(archive)
        stack.callback(first.end)
        server = fresh(db=first.create_database("shop"))
        server._key = made_key(server)

        def order(prefix):
            names = {f"{prefix}-{i}.com" for i in range(N)}
            for name in names:
                assert server.order([item(name)])["order_placed"]
            server.wait_accounts(len(server.pages(ORDERS)))
            return names

        server.before = order("early")
        first.base_backup(base)
        server.before |= order("between")
        (moment,), = first.sql("SELECT clock_timestamp()::text")
        first.sql("SELECT pg_create_restore_point('before_it_went_wrong')")
        server.after = order("late")
        first.archive_all()
        server.kill()
        first.kill()
        server.base_backup, server.archive, server.moment = base, archive, moment
        yield server, stack


@pytest.mark.parametrize("by", ["name", "time", "all"])
def test_back_to_a_moment(lost, by):
    server, stack = lost
    target = {"name": {"recovery_target_name": "before_it_went_wrong"}, "time": {"recovery_target_time": server.moment},
              "all": {}}[by]
    second = Recovered(server.base_backup, server.archive, **target)
    stack.callback(second.end)
    server.settings["db"] = second.url("shop")
    done = server.run("ledger", "check", "--db", server.settings["db"])
    server.start()
    there = {order["domain"] for order in server.pages(ORDERS)}
    if by == "all":
        assert there == server.before | server.after and done.returncode == 0, done.stdout + done.stderr
    else:
        # The bank went on: each charge of an order that is gone is named.
        assert there == server.before and done.returncode == 1
        assert f"{N} differences" in done.stderr, done.stderr
        assert len(re.findall(r"^difference ", done.stdout, re.M)) == N, done.stdout
        assert PASSWORD not in done.stdout + done.stderr
        # So did the registrar: what was sold then is not sold again.
        assert server.order([item("late-0.com")])["order_error"] == "unavailable_domains"
    assert server.order([item("new.com")])["order_placed"]
    server.wait_accounts(len(there) + 1)
    server.stop()
