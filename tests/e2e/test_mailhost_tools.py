"""The small programs of packaging/mailhost: render, mail-lookup, expire-mail, take-certificate."""
import contextlib
import os
import pathlib
import socket
import sqlite3
import subprocess
import sys
import time

import pytest

from servers.process import Process

PACKAGING = pathlib.Path(__file__).resolve().parent.parent.parent / "packaging" / "mailhost"
DAY = 86400


def run(name, *args):
    interpreter = ["sh"] if name == "take-certificate" else [sys.executable]
    return subprocess.run([*interpreter, str(PACKAGING / name), *map(str, args)], capture_output=True, text=True)


# render


def test_render_fills_all_or_nothing(tmp_path):
    (tmp_path / "values").write_text("# comment\n\nHOST=mx.example.net\nEMPTY=\nODD=a=b \\1 @HOST@\n")
    source = tmp_path / "from" / "in"
    source.mkdir(parents=True)
    (source / "one").write_text("host @HOST@, postmaster@@HOST@, <@EMPTY@>, @ODD@, @lower@\n")
    assert run("render", tmp_path / "values", tmp_path / "from", tmp_path / "to").returncode == 0
    made = tmp_path / "to" / "in" / "one"
    assert made.read_text() == "host mx.example.net, postmaster@mx.example.net, <>, a=b \\1 @HOST@, @lower@\n"
    os.utime(made, (1, 1))
    assert run("render", tmp_path / "values", tmp_path / "from", tmp_path / "to").returncode == 0
    assert made.stat().st_mtime == 1  # the same: left alone
    (source / "two").write_text("@HOST@ @MISSING@ @GONE@")
    (source / "one").write_text("new")
    done = run("render", tmp_path / "values", tmp_path / "from", tmp_path / "to")
    assert (done.returncode, done.stderr) == (1, f"render: {source}/two: no value for GONE, MISSING\n")
    assert made.read_text() != "new" and not (made.parent / "two").exists()
    (tmp_path / "values").write_text("host=x\n")
    assert "values:1: not NAME=VALUE" in run("render", tmp_path / "values", tmp_path / "from", tmp_path / "to").stderr


# mail-lookup


class Lookup:
    def __init__(self, folder):
        self.folder = folder
        self.mail_db = folder / "mail.db"
        self.db = sqlite3.connect(self.mail_db, isolation_level=None)
        self.db.executescript("""
            CREATE TABLE mailhost_domains(name TEXT PRIMARY KEY);
            CREATE TABLE mailhost_users(email TEXT PRIMARY KEY, password TEXT, active INTEGER, quota INTEGER, home TEXT, sends_per_day INTEGER);
            INSERT INTO mailhost_domains VALUES ('ex1.test');
            INSERT INTO mailhost_users VALUES ('a@ex1.test', '$argon2id$x', 1, 1, 'h1', 5), ('closed@ex1.test', '', 0, 1, 'h2', 5)""")
        self.process = None
        self.start()

    def start(self):
        self.process = Process([sys.executable, PACKAGING / "mail-lookup", self.mail_db, self.folder / "counts.db", self.folder],
                               self.folder / "log", lambda: self.answers("lookup") and self.answers("limit"))

    def answers(self, name):
        try:
            self.connect(name).close()
            return True
        except OSError:
            return False

    def connect(self, name):
        one = socket.socket(socket.AF_UNIX)
        one.settimeout(30)
        one.connect(str(self.folder / name))
        return one

    def talk(self, name, data):
        with self.connect(name) as one:
            one.sendall(data)
            one.shutdown(socket.SHUT_WR)
            return b"".join(iter(lambda: one.recv(65536), b""))

    def ask(self, question):
        text = question.encode()
        answer = self.talk("lookup", b"%d:%s," % (len(text), text)).decode()
        length, _, rest = answer.partition(":")
        assert rest.endswith(",") and len(rest.encode()) == int(length) + 1
        return rest[:-1]

    def limit(self, recipients=1, login="a@ex1.test"):
        said = f"request=smtpd_access_policy\nprotocol_state=END-OF-MESSAGE\nrecipient_count={recipients}\nsasl_username={login}\n\n"
        return self.talk("limit", said.encode()).decode()


@pytest.fixture
def lookup(tmp_path):
    lookup = Lookup(tmp_path)
    yield lookup
    lookup.process.stop()


def test_what_postfix_looks_up(lookup):
    assert lookup.ask("domains ex1.test") == "OK ex1.test"
    assert lookup.ask("domains EX1.test") == "OK ex1.test"
    assert lookup.ask("domains ex2.test") == "NOTFOUND "
    assert lookup.ask("users a@ex1.test") == "OK a@ex1.test"
    for nobody in ("closed@ex1.test", "b@ex1.test", "@ex1.test", "", "a@ex1.test' OR '1'='1", "a@ex1.test\0", "\xfc@ex1.test"):
        assert lookup.ask(f"users {nobody}") == "NOTFOUND "
    two = lookup.talk("lookup", b"16:domains ex1.test,16:domains ex9.test,")
    assert two == b"11:OK ex1.test,9:NOTFOUND ,"
    lookup.db.execute("INSERT INTO mailhost_domains VALUES ('ex9.test')")
    assert lookup.ask("domains ex9.test") == "OK ex9.test"


@pytest.mark.parametrize("nonsense", [b"", b":", b"x", b"12", b"99999999:a", b"-1:x,", b"3:abcd", b"20000:xyz,"])
def test_nonsense_ends_the_connection_alone(lookup, nonsense):
    assert lookup.talk("lookup", nonsense) in (b"", b"9:NOTFOUND ,") or nonsense == b":"
    assert lookup.ask("domains ex1.test") == "OK ex1.test"


def test_a_map_that_is_not_there_is_an_error_for_postfix(lookup):
    assert lookup.ask("secrets a@ex1.test").startswith("PERM ")


def test_the_limit_is_read_each_time_and_counted_by_recipient(lookup):
    assert lookup.limit(3) == "action=DUNNO\n\n"
    assert lookup.limit(3) == "action=450 4.7.1 Limit reached: 5 recipients in 24 hours; try again later\n\n"
    assert lookup.limit(2) == "action=DUNNO\n\n"
    assert lookup.limit().startswith("action=450")
    lookup.db.execute("UPDATE mailhost_users SET sends_per_day = 6")
    assert lookup.limit() == "action=DUNNO\n\n"
    lookup.process.kill()
    lookup.process.child.wait(10)
    lookup.start()
    assert lookup.limit().startswith("action=450")  # SIGKILL forgets nothing
    for login in ("", "b@ex1.test", "closed@ex1.test"):
        assert lookup.limit(login=login).startswith("action=550 5.7.1")


def test_24_hours_later_there_is_room_again(lookup):
    assert lookup.limit(5) == "action=DUNNO\n\n"

    def limit_later(hours, recipients):
        """What is said HOURS after the five were sent."""
        while True:
            hour = int(time.time()) // 3600
            with contextlib.closing(sqlite3.connect(lookup.folder / "counts.db")) as counts, counts:
                counts.execute("DELETE FROM sent")
                counts.execute("INSERT INTO sent VALUES ('a@ex1.test', ?, 5)", (hour - hours,))
            said = lookup.limit(recipients)
            if int(time.time()) // 3600 == hour:  # else another hour began meanwhile
                return said

    assert limit_later(23, 1).startswith("action=450")
    assert limit_later(24, 5) == "action=DUNNO\n\n"
    with sqlite3.connect(lookup.folder / "counts.db") as counts:
        assert counts.execute("SELECT count(*), sum(n) FROM sent").fetchone() == (1, 5)


def test_a_lock_is_waited_for_and_a_lost_file_is_a_temporary_error(lookup):
    lookup.db.execute("BEGIN EXCLUSIVE")
    waiting = lookup.connect("lookup")
    waiting.sendall(b"16:domains ex1.test,")
    time.sleep(0.2)  # a commit's time
    lookup.db.execute("COMMIT")
    assert waiting.recv(100) == b"11:OK ex1.test,"
    waiting.close()
    lookup.mail_db.rename(lookup.folder / "away")
    assert lookup.ask("domains ex1.test") == "TEMP mail.db cannot be read now"
    assert lookup.limit() == "action=451 4.3.0 Limits cannot be looked up now; try again later\n\n"
    assert not lookup.mail_db.exists()
    (lookup.folder / "away").rename(lookup.mail_db)
    assert lookup.ask("domains ex1.test") == "OK ex1.test"


# expire-mail


@pytest.fixture
def mail(tmp_path):
    """mail.db with homes h1, h2, and their folders beside those of h3, h4."""
    db = sqlite3.connect(tmp_path / "mail.db", isolation_level=None)
    db.execute("CREATE TABLE mailhost_users(email TEXT PRIMARY KEY, active INTEGER, home TEXT)")
    db.execute("INSERT INTO mailhost_users VALUES ('a@ex1.test', 1, 'h1'), ('b@ex1.test', 0, 'h2')")
    for name in ("h1", "h2", "h3", "h4"):
        (tmp_path / "mail" / name / "Maildir" / "new").mkdir(parents=True)
        (tmp_path / "mail" / name / "Maildir" / "new" / "1").write_text("Subject: x\n")
    return tmp_path, db


def expire(folder, days=30):
    return run("expire-mail", folder / "mail.db", folder / "mail", days)


def folders(folder):
    return sorted(path.name for path in (folder / "mail").iterdir())


def age(folder, name, days):
    mark = folder / "mail" / name / ".cancelled-since"
    os.utime(mark, (time.time() - days * DAY,) * 2)


def test_mail_of_cancelled_mailboxes_goes_after_the_days(mail):
    folder, db = mail
    assert (expire(folder).stdout, folders(folder)) == ("", ["h1", "h2", "h3", "h4"])
    age(folder, "h3", 29.9)
    age(folder, "h4", 30.1)
    assert (expire(folder).stdout, folders(folder)) == ("removed h4\n", ["h1", "h2", "h3"])
    db.execute("INSERT INTO mailhost_users VALUES ('c@ex1.test', 1, 'h3')")  # a restored backup, for example
    assert expire(folder).returncode == 0
    db.execute("DELETE FROM mailhost_users WHERE home = 'h3'")
    assert (expire(folder).stdout, folders(folder)) == ("", ["h1", "h2", "h3"])  # the days begin anew
    age(folder, "h3", 31)
    assert (expire(folder).stdout, folders(folder)) == ("removed h3\n", ["h1", "h2"])


def test_nothing_goes_when_mail_db_cannot_be_believed(mail):
    folder, db = mail
    assert expire(folder).returncode == 0
    age(folder, "h3", 99)
    age(folder, "h4", 99)
    everything = folders(folder)

    def refuses(words):
        done = expire(folder)
        assert done.returncode == 1 and words in done.stderr, done.stderr
        assert folders(folder) == everything

    (folder / "mail.db").rename(folder / "away")
    refuses("unable to open database file")
    (folder / "mail.db").write_text("not a database, and longer than the hundred bytes that a database begins with" * 3)
    refuses("file is not a database")
    (folder / "mail.db").write_bytes(b"")
    refuses("no such table")
    (folder / "mail.db").write_bytes((folder / "away").read_bytes()[:4096])
    refuses("malformed")
    (folder / "mail.db").unlink()
    (folder / "away").rename(folder / "mail.db")
    kept = db.execute("SELECT * FROM mailhost_users").fetchall()
    db.execute("DELETE FROM mailhost_users")
    refuses("knows no mailbox")
    db.executemany("INSERT INTO mailhost_users VALUES (?, ?, ?)", kept)
    for number in range(20):
        (folder / "mail" / f"lost{number}").mkdir()
    everything = folders(folder)
    refuses("20 of 24 folders")
    assert not list((folder / "mail").glob("lost*/.cancelled-since"))


def test_a_link_is_not_followed(mail):
    folder, _ = mail
    outside = folder / "outside"
    outside.mkdir()
    (folder / "mail" / "link").symlink_to(outside)
    assert expire(folder).returncode == 0
    assert not list(outside.iterdir())


# take-certificate


def test_a_certificate_is_taken_with_its_own_key_only(tmp_path):
    def make(name):
        subprocess.run(["openssl", "req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes", "-days", "1", "-subj",
                        f"/CN={name}", "-keyout", f"{name}.key", "-out", f"{name}.crt"], cwd=tmp_path, check=True, capture_output=True)
    make("one")
    make("two")
    taken = tmp_path / "tls"
    taken.mkdir()
    assert run("take-certificate", tmp_path / "one.crt", tmp_path / "one.key", taken).returncode == 0
    assert (taken / "cert.pem").read_text() == (tmp_path / "one.crt").read_text()
    assert (taken / "key.pem").stat().st_mode & 0o777 == 0o600
    done = run("take-certificate", tmp_path / "two.crt", tmp_path / "one.key", taken)
    assert done.returncode == 1 and "do not belong together" in done.stderr
    assert (taken / "cert.pem").read_text() == (tmp_path / "one.crt").read_text()
    assert run("take-certificate", tmp_path / "two.crt", tmp_path / "two.key", taken).returncode == 0
    assert (taken / "key.pem").read_text() == (tmp_path / "two.key").read_text()
    assert sorted(path.name for path in taken.iterdir()) == ["cert.pem", "key.pem"]
