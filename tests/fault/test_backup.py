"""Backups of a data folder that is served: whole or none, of one moment, and nothing that was answered is missing."""
import itertools
import os
import random
import resource
import shutil
import signal
import stat
import subprocess
import time

import pytest

from books import Load, expect_agreement, item, open_work, placed_domains
from conftest import binary, rows, run_cli, wait_for

pytestmark = pytest.mark.sqlite("PostgreSQL has its own tools; dfyd backup refuses")
FILES = ["dfyd.db", "sandbox.db", "secret.key"]


def backup(server, folder, *more, env=None):
    return run_cli("backup", "--data", str(server.dir), "--to", str(folder), *more, env=env)


def restore(folder, data, *more, env=None):
    return run_cli("restore", "--from", str(folder), "--data", str(data), *more, env=env)


def fine(done):
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout


def refused(done, *parts, status=1):
    assert done.returncode == status and len(done.stderr.splitlines()) == 1, (done.returncode, done.stdout, done.stderr)
    for part in parts:
        assert part in done.stderr, done.stderr


@pytest.fixture
def kept(fresh, tmp_path):
    """A server with two orders, and a backup of it."""
    server = fresh()
    for name in ("kept-1.com", "kept-2.com"):
        assert server.order([item(name)])["order_placed"]
    server.wait_accounts(4)
    fine(backup(server, tmp_path / "kept"))
    server.backup = tmp_path / "kept"
    return server


def test_backup_and_restore(kept, fresh, tmp_path):
    assert sorted(path.name for path in kept.backup.iterdir()) == sorted([*FILES, "manifest"])
    assert stat.S_IMODE(kept.backup.stat().st_mode) == 0o700
    assert {stat.S_IMODE((kept.backup / name).stat().st_mode) for name in FILES} == {0o600}
    lines = (kept.backup / "manifest").read_text().splitlines()
    sums = "".join(f"{line.split()[2]}  {line.split()[3]}\n" for line in lines if line.startswith("file "))
    subprocess.run(["b2sum", "-l", "256", "-c", "--strict"], input=sums, text=True, check=True, cwd=kept.backup,
                   stdout=subprocess.DEVNULL)
    before = {path.name: path.read_bytes() for path in kept.backup.iterdir()}
    assert f"{kept.backup} is whole" in fine(run_cli("backup", "check", str(kept.backup)))
    assert {path.name: path.read_bytes() for path in kept.backup.iterdir()} == before, "looking changes nothing"

    kept.order([item("kept-3.com")])
    shown = fine(restore(kept.backup, tmp_path / "new"))
    assert "the book of sandbox says the same" in shown and str(tmp_path / "new") in shown
    assert sorted(path.name for path in (tmp_path / "new").iterdir()) == sorted([*FILES, "lock"])
    assert stat.S_IMODE((tmp_path / "new" / "secret.key").stat().st_mode) == 0o600
    server = fresh(dir=tmp_path / "new")
    server._key = kept.key
    assert placed_domains(server) == {"kept-1.com", "kept-2.com"}
    assert sorted(a["password"] for a in server.accounts()) == sorted(
        a["password"] for a in kept.accounts() if a["domain"] != "kept-3.com")
    assert server.order([item("kept-3.com")])["order_placed"]
    wait_for("the end of all work", lambda: not open_work(server))
    expect_agreement(server)


def test_while_orders_are_placed(fresh, tmp_path):
    """One after the other: each holds every order that was answered before it began, and starts with books that agree."""
    server = fresh(log_level="error")
    load = Load(server, clients=8)
    made = []
    for n in range(6):
        wait_for("orders between the backups", lambda n=n: len(load.placed()) >= (n + 1) * 20)
        answered = load.placed()
        fine(backup(server, tmp_path / f"at-{n}"))
        made.append((tmp_path / f"at-{n}", answered))
    load.stop()
    for folder, answered in made:
        data = tmp_path / ("of-" + folder.name)
        fine(restore(folder, data))
        copy = fresh(dir=data, log_level="error")
        wait_for("the end of all work", lambda copy=copy: not open_work(copy))
        assert answered <= placed_domains(copy)
        expect_agreement(copy)
        copy.stop()


def test_killed_at_any_moment(kept, fresh, tmp_path):
    """A half-made backup is refused by everyone, and does not keep the next one from being made."""
    chance = random.Random(5)
    whole = half = 0
    began = time.monotonic()
    fine(backup(kept, tmp_path / "not-killed"))
    took = time.monotonic() - began
    for n in itertools.count():
        folder = tmp_path / f"killed-{n}"
        process = subprocess.Popen([binary(), "backup", "--data", str(kept.dir), "--to", str(folder)],
                                   stdout=subprocess.DEVNULL)
        if n % 2:
            time.sleep(chance.uniform(0, took))
        else:  # as soon as it writes
            wait_for("the folder", lambda folder=folder, process=process: folder.exists() or process.poll() is not None, every=0)
        process.send_signal(signal.SIGKILL)
        process.wait()
        if (folder / "manifest").exists():
            whole += 1
            fine(run_cli("backup", "check", str(folder)))
        elif folder.exists():
            half += 1
            refused(run_cli("backup", "check", str(folder)), "has no manifest")
            refused(restore(folder, tmp_path / "none"), "has no manifest", status=2)
            assert not (tmp_path / "none").exists()
        if (half >= 3 and n >= 10) or n == 60:
            break
    assert half >= 3, (whole, half)
    folder = tmp_path / "copied"
    assert backup(kept, folder, env={"DFYD_CRASH_AT": "backup.copied"}).returncode == -signal.SIGKILL
    assert (folder / "dfyd.db").stat().st_size > 0 and not (folder / "manifest").exists()
    refused(backup(kept, folder), str(folder), "already there")
    fine(backup(kept, tmp_path / "after"))


def test_a_full_disk_leaves_nothing(kept, tmp_path):
    size = (kept.dir / "dfyd.db").stat().st_size

    def limit():
        signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
        resource.setrlimit(resource.RLIMIT_FSIZE, (size // 2, size // 2))

    folder = tmp_path / "full"
    done = subprocess.run([binary(), "backup", "--data", str(kept.dir), "--to", str(folder)], preexec_fn=limit,
                          capture_output=True, text=True, check=False)
    refused(done, str(folder))
    assert not folder.exists()
    fine(backup(kept, folder))

    data = tmp_path / "data"
    done = subprocess.run([binary(), "restore", "--from", str(folder), "--data", str(data)], preexec_fn=limit,
                          capture_output=True, text=True, check=False)
    refused(done, str(data))
    assert [path.name for path in data.iterdir()] == ["lock"]
    fine(restore(folder, data))


@pytest.mark.parametrize("name", [*FILES, "manifest"])
def test_what_was_changed_is_refused(kept, tmp_path, name):
    """One bit anywhere, or a piece that is missing."""
    folder = tmp_path / "changed"
    for change in ("bit", "short", "gone"):
        shutil.copytree(kept.backup, folder)
        path = folder / name
        bytes_ = bytearray(path.read_bytes())
        if change == "bit":
            bytes_[len(bytes_) // 2] ^= 4
            path.write_bytes(bytes_)
        elif change == "short":
            path.write_bytes(bytes_[:-1])
        else:
            path.unlink()
        for done in (run_cli("backup", "check", str(folder)), restore(folder, tmp_path / "data")):
            assert done.returncode != 0 and str(folder) in done.stderr and len(done.stderr.splitlines()) == 1, done
        assert not (tmp_path / "data").exists() or [p.name for p in (tmp_path / "data").iterdir()] == ["lock"]
        shutil.rmtree(folder)


def rewrite(folder, name):
    """Makes the manifest fit NAME again: what a hash cannot find has to be found by what is in it."""
    import hashlib
    path = folder / "manifest"
    lines = [line for line in path.read_text().splitlines() if not line.startswith("end ")]
    digest = hashlib.blake2b((folder / name).read_bytes(), digest_size=32).hexdigest()
    lines = [f"file {(folder / name).stat().st_size} {digest} {name}" if line.endswith(" " + name) else line
             for line in lines]
    text = "".join(line + "\n" for line in lines)
    path.write_text(text + "end " + hashlib.blake2b(text.encode(), digest_size=32).hexdigest() + "\n")


def test_books_that_do_not_agree_are_refused(kept, tmp_path):
    import sqlite3
    with sqlite3.connect(kept.backup / "sandbox.db") as bank:
        bank.execute("PRAGMA journal_mode = DELETE")
        bank.execute("UPDATE charges SET amount = amount + 1")
    bank.close()
    rewrite(kept.backup, "sandbox.db")
    fine(run_cli("backup", "check", str(kept.backup)))
    done = restore(kept.backup, tmp_path / "data")
    refused(done, "do not agree")
    assert "difference" in done.stdout
    assert [path.name for path in (tmp_path / "data").iterdir()] == ["lock"]
    assert "in spite of" in fine(restore(kept.backup, tmp_path / "data", "--accept-differences"))


def test_another_key_is_refused(kept, tmp_path):
    (kept.backup / "secret.key").write_bytes(os.urandom(32))
    rewrite(kept.backup, "secret.key")
    refused(restore(kept.backup, tmp_path / "data"), "not the key of this database", status=2)


def test_a_newer_schema_is_refused(kept, tmp_path):
    import sqlite3
    with sqlite3.connect(kept.backup / "dfyd.db") as db:
        db.execute("PRAGMA journal_mode = DELETE")
        db.execute("INSERT INTO schema_version (version, name, oldest) VALUES (9999, 'later', 9999)")
    db.close()
    rewrite(kept.backup, "dfyd.db")
    refused(restore(kept.backup, tmp_path / "data"), "9999", "newer program", status=2)


def test_without_the_key(kept, fresh, tmp_path):
    folder = tmp_path / "keyless"
    assert "secret.key was left out" in fine(backup(kept, folder, "--without-key"))
    assert sorted(path.name for path in folder.iterdir()) == ["dfyd.db", "manifest", "sandbox.db"]
    assert "left out" in fine(run_cli("backup", "check", str(folder)))
    assert "put secret.key there" in fine(restore(folder, tmp_path / "a"))
    refused(run_cli("serve", "--data", str(tmp_path / "a"), "--listen", "127.0.0.1:0"), "secret.key is missing", status=1)

    (tmp_path / "other.key").write_bytes(os.urandom(32))
    refused(restore(folder, tmp_path / "b", "--key", str(tmp_path / "other.key")), "not the key", status=2)
    fine(restore(folder, tmp_path / "b", "--key", str(kept.dir / "secret.key")))
    server = fresh(dir=tmp_path / "b")
    assert server.order([item("keyless.com")])["order_placed"]
    refused(restore(kept.backup, tmp_path / "c", "--key", str(kept.dir / "secret.key")), "--key", status=2)


def test_only_an_empty_folder_of_nobody_is_restored_into(kept, tmp_path):
    before = kept.accounts()
    refused(restore(kept.backup, kept.dir), "is served")
    kept.stop()
    refused(restore(kept.backup, kept.dir), "not empty")
    other = tmp_path / "other"
    other.mkdir()
    (other / "notes").write_text("mine")
    refused(restore(kept.backup, other), "not empty", "notes")
    assert [path.name for path in other.iterdir()] == ["notes"]
    kept.start()
    assert kept.accounts() == before


@pytest.mark.parametrize("point,times", [("restore.copied", 1), ("restore.moved", 1), ("restore.moved", 2),
                                         ("restore.moved", 3)])
def test_a_restore_that_is_killed_is_begun_again(kept, fresh, tmp_path, point, times):
    data = tmp_path / "data"
    env = {"DFYD_CRASH_AT": point, "DFYD_CRASH_AT_COUNT": str(times)}
    assert restore(kept.backup, data, env=env).returncode == -signal.SIGKILL
    refused(run_cli("serve", "--data", str(data), "--listen", "127.0.0.1:0"), "dfyd restore")
    refused(run_cli("key", "list", "--data", str(data)), "dfyd restore")
    fine(restore(kept.backup, data))
    server = fresh(dir=data)
    assert placed_domains(server) == {"kept-1.com", "kept-2.com"}
    expect_agreement(server)


def test_a_backup_of_a_folder_that_nobody_serves(kept, tmp_path):
    kept.stop()
    fine(backup(kept, tmp_path / "cold"))
    fine(restore(tmp_path / "cold", tmp_path / "data"))
    refused(backup(type("Nothing", (), {"dir": tmp_path / "nothing"}), tmp_path / "x"), "holds no data of dfyd")
    assert not (tmp_path / "x").exists()


def test_with_the_mail_host(fresh, tmp_path):
    """Its books lie in a folder of their own: copied at the same moment, and put back with their modes."""
    host = tmp_path / "host"
    settings = {"mailbox": "mailhost", "mailhost_dir": host, "mailhost_name": "mx.host.example",
                "mailhost_imap": "127.0.0.1:9", "mailhost_submission": "127.0.0.1:9"}
    server = fresh(**settings)
    mail = {"domain": "hosted.com", "email_provider": 2,
            "accounts": [{"email_address_prefix": "a", "first_name": "A", "last_name": "B"}]}
    assert server.order([mail])["order_placed"]
    wait_for("the mailbox", lambda: rows(server, "SELECT 1 FROM mailhost_users", file="../host/mail.db"))
    fine(backup(server, tmp_path / "kept"))
    assert sorted(path.name for path in (tmp_path / "kept").iterdir()) == sorted(
        [*FILES, "mail.db", "dkim.db", "manifest"])
    server.stop()
    env = {"DFYD_MAILHOST_DIR": str(host)}
    refused(restore(tmp_path / "kept", tmp_path / "data", env=env), str(host / "mail.db"), "already there")
    shutil.rmtree(host)
    shutil.rmtree(tmp_path / "data")
    crash = {**env, "DFYD_CRASH_AT": "restore.moved"}
    assert restore(tmp_path / "kept", tmp_path / "data", env=crash).returncode == -signal.SIGKILL
    fine(restore(tmp_path / "kept", tmp_path / "data", env=env))
    assert sorted(str(path.relative_to(host)) for path in host.rglob("*")) == ["mail.db", "signer", "signer/dkim.db"]
    assert {stat.S_IMODE((host / name).stat().st_mode) for name in ("mail.db", "signer/dkim.db")} == {0o640}
    again = fresh(dir=tmp_path / "data", **settings)
    assert rows(again, "SELECT email FROM mailhost_users", file="../host/mail.db") == [("a@hosted.com",)]

    again.stop()
    (host / "mail.db").rename(tmp_path / "away.db")
    refused(backup(again, tmp_path / "no"), str(host / "mail.db"), "mailhost_dir")


def test_with_postgresql_it_says_what_to_use(tmp_path):
    url = "postgresql://dfyd:hunter2@127.0.0.1/dfyd"
    for args in (("backup", "--to", str(tmp_path / "x")), ("restore", "--from", str(tmp_path / "x"))):
        done = run_cli(*args, "--data", str(tmp_path), "--db", url)
        refused(done, "pg_basebackup", "docs/backup.md", status=2)
        assert "hunter2" not in done.stderr
