"""A server with the driver `mailhost` that cannot start: it says what is missing or wrong, and makes nothing in its place."""
import contextlib
import os
import sqlite3

import pytest

SETTINGS = {"mailbox": "mailhost", "mailhost_name": "mx.example.test"}
URL = {"mailhost_doveadm_url": "http://127.0.0.1:9"}


def refuses(fresh, words, **settings):
    server = fresh(expect_start=False, **settings)
    assert not server.base and words in server.log(), server.log()
    return server


@pytest.mark.parametrize("settings, words", [
    ({"mailhost_name": None}, "mailbox driver mailhost: mailhost_name is missing: say the host name"),
    ({"mailhost_spf": "a:x b:y"}, "mailhost_spf must be one term"),
    ({"mailhost_reports": "nobody"}, "mailhost_reports must be a mail address"),
    (URL, "say mailhost_doveadm_key_file, or DFYD_MAILHOST_DOVEADM_KEY"),
    ({**URL, "mailhost_doveadm_key_file": "/nowhere/key"}, "/nowhere/key"),
    ({"mailhost_dir": "/nowhere/mailhost"}, "cannot make the folder /nowhere/mailhost"),
    ({"mailhost_dir": "/etc/hostname"}, "/etc/hostname is not a folder"),
])
def test_settings(fresh, settings, words):
    refuses(fresh, words, **{name: value for name, value in {**SETTINGS, **settings}.items() if value})


def test_the_key_is_in_no_log(fresh, monkeypatch, tmp_path):
    monkeypatch.setenv("DFYD_MAILHOST_DOVEADM_KEY", "word-4711 word")
    server = refuses(fresh, "DFYD_MAILHOST_DOVEADM_KEY must hold one word", **SETTINGS, **URL)
    assert "4711" not in server.log()
    monkeypatch.setenv("DFYD_MAILHOST_DOVEADM_KEY", "word-4711")
    server = refuses(fresh, "must begin with https://", **SETTINGS, mailhost_doveadm_url="http://mail.example.com")
    assert "4711" not in server.log()
    monkeypatch.delenv("DFYD_MAILHOST_DOVEADM_KEY")
    key = tmp_path / "key"
    key.write_text("word-4711\n")
    key.chmod(0o600)
    server = fresh(**SETTINGS, **URL, mailhost_doveadm_key_file=key)
    assert "4711" not in server.log()


FILES = {
    "mailboxes: gone": ("mail.db", lambda path: path.unlink(), "mail.db is missing: restore it from a backup"),
    "mailboxes: empty": ("mail.db", lambda path: path.write_bytes(b""), "mail.db is empty: restore it from a backup"),
    "mailboxes: garbage": ("mail.db", lambda path: path.write_bytes(b"x" * 8192), "mail.db"),
    "mailboxes: cut": ("mail.db", lambda path: os.truncate(path, 4096), "mail.db"),
    "keys: garbage": ("signer/dkim.db", lambda path: path.write_bytes(b"x" * 8192), "dkim.db"),
    "mailboxes: of a later version": ("mail.db", lambda path: execute(path, "PRAGMA user_version = 99"), "use a newer dfyd"),
    "mailboxes: held": ("mail.db", None, "mail.db"),
}


def execute(path, sql):
    with contextlib.closing(sqlite3.connect(path)) as db:
        db.execute(sql)


@pytest.mark.parametrize("file, change, words", FILES.values(), ids=FILES.keys())
def test_files(fresh, file, change, words):
    server = fresh(**SETTINGS)
    server.stop()
    path = server.dir / "mailhost" / file
    if change:
        change(path)
    before = path.read_bytes() if path.exists() else None
    with contextlib.ExitStack() as stack:
        if not change:  # by a program that does not let go of it; to read the file now would let go
            held = stack.enter_context(contextlib.closing(sqlite3.connect(path)))
            held.execute("BEGIN EXCLUSIVE")
        assert not server.start(expect_start=False)
        assert words in server.log(), server.log()
    assert (path.read_bytes() if path.exists() else None) == before
    if not change:
        server.start()
