"""A conversation with mailbox-talk, the mailbox driver `mailhost` alone."""
import json
import os
import pathlib
import sqlite3
import subprocess

import pytest

from conftest import binary


def program():
    built = pathlib.Path(binary()).resolve().parents[3] / "tests/drivers/mailbox-talk"
    if not built.exists():
        pytest.skip(f"{built} is not built: meson setup with -Dtests=true")
    return str(built)


class Talk:
    """The driver on the folder DIR. SETTINGS are those of the driver: doveadm_url is TALK_DOVEADM_URL. SECRETS, and every
    password that it is told, never come back in what it says."""

    def __init__(self, dir, secrets=(), **settings):
        self.dir, self.secrets = pathlib.Path(dir), set(secrets)
        named = {"dir": dir, "name": "mx.example.test", **settings}
        self.process = subprocess.Popen([program()], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True, umask=0o077,
                                        env={**os.environ, **{f"TALK_{name.upper()}": str(value) for name, value in named.items()}})

    def ask(self, do, **asked):
        self.secrets |= {one["password"] for one in [asked, *asked.get("jobs", [])] if "password" in one}
        self.process.stdin.write(json.dumps({"do": do, **asked}) + "\n")
        self.process.stdin.flush()
        line = self.process.stdout.readline()
        assert line, "mailbox-talk ended"
        assert not [one for one in self.secrets if one in line]
        return json.loads(line)

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

    def end(self):
        self.process.stdin.close()
        assert self.process.wait(30) == 0
        self.process.stdout.close()
