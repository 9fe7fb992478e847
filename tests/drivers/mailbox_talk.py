"""A conversation with mailbox-talk, the mailbox driver `mailhost` alone."""
import pathlib
import sqlite3

from conversation import Conversation


class Talk(Conversation):
    """The driver on the folder DIR. SETTINGS are those of the driver: doveadm_url is TALK_DOVEADM_URL. SECRETS, and every
    password that it is told, never come back in what it says."""

    def __init__(self, dir, secrets=(), **settings):
        self.dir = pathlib.Path(dir)
        named = {"dir": dir, "name": "mx.example.test", **settings}
        super().__init__("mailbox-talk", secrets, umask=0o077, **{f"TALK_{name.upper()}": value for name, value in named.items()})

    def ask(self, do, **asked):
        self.secrets |= {one["password"] for one in [asked, *asked.get("jobs", [])] if "password" in one}
        return super().ask(do, **asked)

    def must(self, do, **asked):
        said = self.ask(do, **asked)
        assert said["outcome"] == "done", said
        return said

    def all(self, jobs, threads=8):
        return self.ask("all", jobs=jobs, threads=threads)

    def rows(self, sql, *values, file="mail.db"):
        """What another program sees that may only read."""
        with sqlite3.connect(f"file:{self.dir / file}?mode=ro", uri=True) as db:
            return db.execute(sql, values).fetchall()
