"""What all tests of the running program share: servers in folders of their own, on a free port of 127.0.0.1.

DFYD_BIN names the binary; without it the newest one under build* is used. Nothing is built here.
DFYD_TEST_DB=postgresql: each data folder has a database of its own on a private PostgreSQL, instead of the file dfyd.db.
"""
import contextlib
import datetime
import decimal
import functools
import os
import pathlib
import re
import shutil
import signal
import sqlite3
import subprocess
import tempfile
import threading
import time

import pytest
import requests

from description import Description

ROOT = pathlib.Path(__file__).resolve().parent.parent
ORDERS = "/api/v2/dfy-email-account-orders"
LIMIT = float(os.environ.get("DFYD_TEST_LIMIT", "60"))  # seconds that anything may take; generous, sanitizers are slow
DESCRIPTION = Description()
FINDING = re.compile(r"(?:Address|Leak|Thread|UndefinedBehavior)Sanitizer|runtime error:")

LEASE_MS = 3000  # on PostgreSQL, where a killed server's work is another node's once its lease is over; a start alone frees nothing
ON_POSTGRES = {"sqlite": False, "postgresql": True}[os.environ.get("DFYD_TEST_DB", "sqlite")]


def pytest_configure(config):
    config.addinivalue_line("markers", "sqlite(reason): about SQLite's files; skipped where the tests run on PostgreSQL")


def pytest_runtest_setup(item):
    if ON_POSTGRES and (mark := item.get_closest_marker("sqlite")):
        pytest.skip(f"SQLite alone: {mark.args[0]}")


# ---- the database of a data folder

_names = {}  # data folder -> the name of its database on the private PostgreSQL


@functools.cache
def postgresql():
    """The PostgreSQL of this process of tests; ends with it."""
    from servers.postgres import PostgreSQL
    return PostgreSQL(max_connections=400, shared_buffers="32MB")


def database_name(dir):
    dir = os.path.abspath(dir)
    if dir not in _names:
        _names[dir] = f"test{len(_names)}"
        postgresql().create_database(_names[dir])
    return _names[dir]


def copy_data(dir, to):
    """A copy of a data folder that nobody serves, with its database."""
    shutil.copytree(dir, to)
    if ON_POSTGRES:
        name = _names[os.path.abspath(to)] = f"test{len(_names)}"
        postgresql().create_database(name, template=database_name(dir))
    return pathlib.Path(to)


def drop_data(dir):
    """Its database, which nobody needs any more."""
    if name := _names.get(os.path.abspath(dir)):
        postgresql().drop_database(name)


def environment(*args, env=None):
    """What `dfyd ARGS` gets: the environment, ENV, and the database of the folder after --data unless they name another."""
    made = {**os.environ, **(env or {})}
    words = [str(word) for word in args]
    folder = words[words.index("--data") + 1] if "--data" in words[:-1] else made.get("DFYD_DATA")
    if ON_POSTGRES and folder and "--db" not in words and "DFYD_DB" not in made:
        made["DFYD_DB"] = postgresql().url(database_name(folder))
    return made


class _Postgres:
    """A connection of psycopg2's that takes what tests say to sqlite3."""

    def __init__(self, connection):
        self.cursor = connection.cursor()

    def execute(self, sql, values=()):
        sql = re.sub(r"json_extract\(([\w.]+), '\$\.(\w+)'\)", r"(\1::json ->> '\2')", sql)
        if values:
            sql = sql.replace("%", "%%").replace("?", "%s")
        self.cursor.execute(sql, tuple(values) or None)
        return self

    def executescript(self, sql):
        self.execute(sql)

    @property
    def rowcount(self):
        return self.cursor.rowcount

    def __iter__(self):
        return iter(self.fetchall())

    def fetchall(self):
        return [tuple(map(self._plain, row)) for row in self.cursor.fetchall()] if self.cursor.description else []

    def fetchone(self):
        row = self.cursor.fetchone()
        return row and tuple(map(self._plain, row))

    @staticmethod
    def _plain(value):
        return int(value) if isinstance(value, decimal.Decimal) else bytes(value) if isinstance(value, memoryview) else value


@contextlib.contextmanager
def database(server, file="dfyd.db", autocommit=False):
    """One of SERVER's databases as it stands there, by execute(sql, values) with ? in both engines; commits at the end. SERVER may be
    a data folder, too."""
    dir = getattr(server, "dir", server)
    if ON_POSTGRES and file == "dfyd.db":
        with contextlib.closing(postgresql().connect(database_name(dir), autocommit=autocommit)) as connection:
            yield _Postgres(connection)
            connection.commit()
    else:
        options = {"isolation_level": None} if autocommit else {}
        with contextlib.closing(sqlite3.connect(f"file:{dir}/{file}?mode=rw", uri=True, timeout=30, **options)) as connection:
            yield connection
            connection.commit()


def begin_alone(db):
    """On a connection with autocommit: a change of the operator's, which no other change runs beside."""
    db.execute("BEGIN" if ON_POSTGRES else "BEGIN IMMEDIATE")
    if ON_POSTGRES:
        db.execute("SELECT pg_advisory_xact_lock(1684437348, 2)")  # as src/store/postgres/store.c


def stores(server, text):
    """Whether TEXT stands anywhere in the database of a server that was stopped, as it is."""
    if ON_POSTGRES:
        stored = postgresql().dump(database_name(server.dir))
        return text.encode() in stored or text.encode().hex().encode() in stored
    return any(text.encode() in path.read_bytes() for path in server.dir.glob("dfyd.db*"))


def binary():
    if named := os.environ.get("DFYD_BIN"):
        return named
    built = sorted(ROOT.glob("build*/**/src/cmd/dfyd/dfyd"), key=lambda path: path.stat().st_mtime)
    if not built:
        pytest.exit("no dfyd found: `make build` first, or set DFYD_BIN", returncode=2)
    return str(built[-1])


def wait_for(what, condition, limit=LIMIT, every=0.02):
    """The first true value of CONDITION; fails after LIMIT seconds, saying WHAT was waited for."""
    deadline = time.monotonic() + limit
    while not (value := condition()):
        if time.monotonic() > deadline:
            pytest.fail(f"{what}: not within {limit:g} s")
        time.sleep(every)
    return value


class Server:
    """One `dfyd serve`. Settings are its flags: Server(dir, retry_base_ms=10) runs `serve --retry-base-ms 10`.

    Calls are not limited, as the tests make more than a client may, unless the settings say rate_limit="on".
    """

    def __init__(self, dir, **settings):
        self.dir = pathlib.Path(dir)
        self.settings = {"listen": "127.0.0.1:0", "retry_base_ms": 10, "rate_limit": "off", **({"lease_ms": LEASE_MS} if ON_POSTGRES else {}),
                         **settings}
        self.process = None
        self.base = self.host = self.port = None
        self.seen = 0  # characters of the log that were judged already
        self.refused = False  # it was allowed not to start, and did not
        self._key = None
        self._key_lock = threading.Lock()  # however many ask for it first
        self._orders = {}  # domain -> id of its order

    # -- the process

    def flags(self, settings):
        return [part for name, value in settings.items() for part in ("--" + name.replace("_", "-"), str(value))]

    def start(self, expect_start=True, **settings):
        """Waits until it listens; with expect_start=False until it listens or is dead. Returns whether it listens."""
        self.dir.mkdir(mode=0o700, exist_ok=True)
        command = [binary(), "serve", "--data", str(self.dir), *self.flags({**self.settings, **settings})]
        with open(self.log_path(), "ab") as log:
            self.process = subprocess.Popen(command, stdout=subprocess.PIPE, stderr=log, text=True, env=environment(*command))
        lines = []
        reader = threading.Thread(target=lambda: lines.append(self.process.stdout.readline()), daemon=True)
        reader.start()
        reader.join(LIMIT)
        match = re.fullmatch(r"listening on (http://(.+):(\d+))\n", lines[0] if lines else "")
        if match:
            self.base, self.host, self.port = match[1], match[2].strip("[]"), int(match[3])
        elif expect_start:
            self.kill()
            pytest.fail(f"dfyd did not start: {lines}\n{self.log()}")
        else:
            self.wait_dead()
        self.refused = not match
        return bool(match)

    @property
    def pid(self):
        return self.process.pid

    def alive(self):
        return self.process is not None and self.process.poll() is None

    def log_path(self):
        # A folder that cannot be written to cannot hold the log either.
        return (self.dir if os.access(self.dir, os.W_OK) else self.dir.parent) / "log"

    def log(self):
        path = self.log_path()
        return path.read_text(encoding="utf-8", errors="replace") if path.exists() else ""

    def check_log(self):
        text = self.log()
        fresh, self.seen = text[self.seen:], len(text)
        if FINDING.search(fresh):
            pytest.fail(f"a sanitizer spoke up:\n{fresh[-8000:]}")

    def _reap(self):
        self.process.stdout.close()
        self.process = None

    def stop(self):
        """SIGTERM, and it has to end with 0 and nothing from a sanitizer. Fine when it was killed at a crash point."""
        if self.process is None:
            return
        allowed = {0}
        if self.alive():
            self.process.send_signal(signal.SIGTERM)
        else:
            allowed = {-signal.SIGKILL, 1} if self.refused else {-signal.SIGKILL}
        try:
            status = self.process.wait(LIMIT)
        except subprocess.TimeoutExpired:
            self.kill()
            pytest.fail(f"dfyd did not stop within {LIMIT:g} s of SIGTERM:\n{self.log()[-8000:]}")
        self._reap()
        self.check_log()
        if status not in allowed:
            pytest.fail(f"dfyd ended with {status}:\n{self.log()[-8000:]}")

    def kill(self):
        """SIGKILL: what was not durable is lost."""
        if self.process is not None:
            self.process.kill()
            self.process.wait(LIMIT)
            self._reap()

    def restart(self, expect_start=True, **settings):
        """Stops it if it lives and starts it with SETTINGS over its own; a crash point is not kept."""
        self.stop()
        for name in ("crash_at", "crash_at_count"):
            self.settings.pop(name, None)
        return self.start(expect_start, **settings)

    def wait_dead(self, unless=lambda: False):
        """True once the process has ended; False once UNLESS() is true instead."""
        deadline = time.monotonic() + LIMIT
        while self.alive():
            if unless():
                return False
            if time.monotonic() > deadline:
                pytest.fail(f"dfyd lives on after {LIMIT:g} s:\n{self.log()[-8000:]}")
            time.sleep(0.02)
        self.check_log()
        return True

    # -- the command line

    def run(self, *args, env=None):
        """`dfyd ARGS --data DIR` as subprocess.CompletedProcess, whatever came of it."""
        return run_cli(*args, "--data", str(self.dir), env=env)

    def cli(self, *args):
        """Its standard output; the command has to succeed."""
        done = self.run(*args)
        if done.returncode != 0:
            pytest.fail(f"dfyd {' '.join(args)}: exit {done.returncode}: {done.stderr}")
        return done.stdout

    def repair(self, domain):
        """`dfyd domain repair`, which is refused while the server is just publishing."""
        wait_for(f"the repair of {domain}", lambda: self.run("domain", "repair", domain).returncode == 0)

    @property
    def key(self):
        """An API key of the workspace `default` for everything."""
        with self._key_lock:
            if self._key is None:
                self._key = self.cli("key", "create", "--workspace", "default", "--scope", "all:all").strip()
            return self._key

    # -- the API

    def request(self, method, path, headers=None, auth=True, **kw):
        """requests.request with the server's key, unless HEADERS brings another one or AUTH is false.

        Whatever comes back has to be what api/openapi.yaml describes."""
        sent = dict(headers or {})
        if auth and not any(name.lower() == "authorization" for name in sent):
            sent["Authorization"] = f"Bearer {self.key}"
        kw.setdefault("timeout", LIMIT)
        response = requests.request(method, self.base + path, headers=sent, **kw)
        wrong = DESCRIPTION.judge(method, response.request.path_url, response.status_code, response.headers, response.text)
        if wrong:
            pytest.fail("\n".join([f"not as api/openapi.yaml says: {method} {path}: {response.status_code} {response.text[:2000]}",
                                   *wrong]))
        return response

    def post_order(self, items, type="dfy", simulation=False, headers=None):
        body = {"items": items, "order_type": type, "simulation": simulation}
        return self.request("POST", ORDERS, headers=headers, json=body)

    def order(self, items, type="dfy", simulation=False, headers=None):
        """The answer's body."""
        return self.post_order(items, type, simulation, headers).json()

    def order_and_die(self, items):
        """An order of which a worker dies once it is placed: before its answer is out, or after."""
        try:
            answer = self.order(items)
        except requests.ConnectionError:
            answer = None
        self.wait_dead()
        assert answer is None or answer["order_placed"], answer

    def pages(self, path, **params):
        """All items of a paged list."""
        items, params = [], {"limit": 100, **params}
        while True:
            response = self.request("GET", path, params=params)
            assert response.status_code == 200, response.text
            page = response.json()
            items += page["items"]
            if not page["items"] or "next_starting_after" not in page:
                return items
            params["starting_after"] = page["next_starting_after"]

    def accounts(self):
        return self.pages(ORDERS + "/accounts", with_passwords="true")

    def ready_accounts(self, domain=None):
        return [a for a in self.accounts() if a["password"] and domain in (None, a["domain"])]

    def wait_accounts(self, n, domain=None, limit=LIMIT):
        """The ready mailboxes (they have a password then), of DOMAIN if given, once there are at least N."""
        def enough():
            ready = self.ready_accounts(domain)
            return ready if len(ready) >= n else None
        return wait_for(f"{n} mailboxes of {domain or 'all domains'}", enough, limit, every=0.05)

    def wait_order(self, domain, word, limit=LIMIT):
        """What `order show` says of DOMAIN's order, once WORD stands in a line about that domain."""
        def shown():
            if domain not in self._orders:
                for number in re.findall(r"^[0-9a-f-]{36}", self.cli("order", "list", "--limit", "1000"), re.M):
                    if number in self._orders.values():
                        continue
                    for name in re.findall(r"\S+\.\S+", self.cli("order", "show", "--id", number)):
                        self._orders.setdefault(name, number)
                    if domain in self._orders:
                        break
                else:
                    return None
            text = self.cli("order", "show", "--id", self._orders[domain])
            return text if any(word in line.split() for line in text.splitlines() if domain in line) else None
        return wait_for(f"`{word}` in the order of {domain}", shown, limit, every=0.1)


def rows(server, sql, *values, file="dfyd.db"):
    """What SQL selects from one of SERVER's databases, as it stands there."""
    with database(server, file) as db:
        return db.execute(sql, values).fetchall()


def run_cli(*args, env=None):
    """`dfyd ARGS` as subprocess.CompletedProcess."""
    return subprocess.run([binary(), *args], capture_output=True, text=True, timeout=LIMIT, check=False,
                          env=environment(*args, env=env))


@pytest.fixture(scope="session")
def dfyd():
    """One server that many tests share: use names of your own."""
    with tempfile.TemporaryDirectory(prefix="dfyd-test-") as folder:
        server = Server(folder)
        server.start()
        yield server
        server.stop()


@pytest.fixture
def fresh(tmp_path):
    """Makes servers with an empty database: fresh(crash_at="place.charged"). All are stopped at the end."""
    made = []

    def make(dir=None, expect_start=True, **settings):
        server = Server(dir or tmp_path / f"data{len(made)}", **settings)
        made.append(server)
        server.start(expect_start)
        return server

    yield make
    failures = []
    for server in made:
        try:
            server.stop()
            drop_data(server.dir)
        except BaseException as failure:  # stop the others first
            failures.append(failure)
    if failures:
        raise failures[0]


HOUR_MS = 3_600_000


@pytest.fixture
def patient(fresh):
    """A server that tries again after an hour: what happens sooner, somebody asked for; the rest, hour_later."""
    return fresh(retry_base_ms=HOUR_MS, retry_max_ms=HOUR_MS)


def hour_later(server):
    """Once a step waits for another try, its time comes. Of names, `lost-` waits so long; `slow-` says itself when to ask again."""
    wait_for("a step that waits", lambda: rows(server, "SELECT 1 FROM steps WHERE state = 'retrying'"))
    server.cli("clock", "advance", "1h")


def today(server):
    """The day that it is on SERVER, in UTC."""
    return datetime.date.fromisoformat(server.cli("clock", "show").split("T")[0].split()[-1])


def from_noon(server):
    """Moves the clock of a sandbox to the noon of the next day, so that no day ends amid the test."""
    hours, minutes = server.cli("clock", "show").split("T")[1].split(":")[:2]
    server.cli("clock", "advance", f"{36 * 60 - int(hours) * 60 - int(minutes)}m")


@pytest.fixture
def cli():
    """Runs `dfyd ARGS`; returns subprocess.CompletedProcess."""
    return run_cli
