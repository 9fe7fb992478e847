"""Private PostgreSQL servers: one, one with a synchronous standby, a pair under Patroni, and PgBouncer before any of them.

They run as an ordinary user (as `postgres` when the tests run as root, since PostgreSQL refuses root) on free ports of 127.0.0.1
and on sockets in their folders. Databases sort like people by default (ICU), so that whoever needs the order of bytes has to say so.
"""
import contextlib
import functools
import os
import pathlib
import pwd
import shutil
import signal
import subprocess
import time
import urllib.parse
import urllib.request

import pytest

from servers import guard
from servers.process import Folder, Process, as_user, cannot_run, free_ports, wait_until

USER, PASSWORD = "dfy", "postgres-test-password"
INSTALL = "scripts/setup postgres installs it"
TEMPLATE = pathlib.Path(__file__).with_name("patroni.yml")
SPEED = {"fsync": "off", "full_page_writes": "off"}  # for what never loses its power
ACCOUNT = "postgres"  # of the system, for who is root


@functools.cache
def programs():
    """The folder of PostgreSQL's programs, the newest there are."""
    found = sorted(pathlib.Path("/usr/lib/postgresql").glob("*/bin/postgres"), key=lambda path: float(path.parts[-3]))
    if found:
        return found[-1].parent
    if there := shutil.which("postgres"):
        return pathlib.Path(there).resolve().parent
    return None


def program(name):
    where = programs()
    return str(where / name) if where else cannot_run(f"no PostgreSQL here: {INSTALL}")


def driver():
    try:
        import psycopg2
        return psycopg2
    except ImportError:
        return cannot_run(f"no python3-psycopg2 here: {INSTALL}")


def as_ordinary():
    """What stands before a command of PostgreSQL's."""
    return as_user(ACCOUNT)


def run(*argv, env=None):
    done = subprocess.run([*as_ordinary(), *map(str, argv)], capture_output=True, text=True, check=False, timeout=600, cwd="/",
                          env={**os.environ, "PGPASSWORD": PASSWORD, **(env or {})})
    assert done.returncode == 0, f"{argv[0]}: exit {done.returncode}: {done.stderr}"
    return done.stdout


def own_folder(name):
    """A Folder that PostgreSQL's user may write into."""
    folder = Folder(name)
    if os.geteuid() == 0:
        account = pwd.getpwnam(ACCOUNT)
        os.chown(folder.path, account.pw_uid, account.pw_gid)
    return folder


@functools.cache
def first_data():
    """The folder of a database cluster that nobody has used yet; servers start from copies of it."""
    initdb, folder = program("initdb"), own_folder("pg-template")
    (folder.path / "pw").write_text(PASSWORD + "\n")
    run(initdb, "-D", folder.path / "data", "-U", USER, "--auth-local=trust", "--auth-host=scram-sha-256", f"--pwfile={folder.path}/pw",
        "--no-sync", "-E", "UTF8", "--locale=C.UTF-8", "--locale-provider=icu", "--icu-locale=en")
    with open(folder.path / "data/pg_hba.conf", "a", encoding="ascii") as access:
        access.write("host replication all 127.0.0.1/32 scram-sha-256\n")
    return folder.path / "data"


def url_of(servers, database="postgres", **parameters):
    """A URL of several servers, as dfyd and libpq take it: url_of([a, b], "shop", target_session_attrs="read-write")."""
    hosts = ",".join(f"127.0.0.1:{one.port}" for one in servers)
    more = f"?{urllib.parse.urlencode(parameters)}" if parameters else ""
    return f"postgresql://{USER}:{PASSWORD}@{hosts}/{database}{more}"


class Client:
    """What can be said to whoever listens on PORT of 127.0.0.1 in PostgreSQL's protocol."""

    port = None

    def url(self, database="postgres", **parameters):
        return url_of([self], database, **parameters)

    def connect(self, database="postgres", autocommit=True, **parameters):
        """A connection of psycopg2's."""
        made = driver().connect(host="127.0.0.1", port=self.port, user=USER, password=PASSWORD, dbname=database,
                                **{"connect_timeout": 5, **parameters})
        made.autocommit = autocommit
        return made

    def sql(self, text, *values, database="postgres"):
        """Runs TEXT (with %s for VALUES) in a transaction of its own; the rows, if it has any."""
        with contextlib.closing(self.connect(database)) as made, made.cursor() as cursor:
            cursor.execute(text, values or None)
            return cursor.fetchall() if cursor.description else []

    def answers(self):
        try:
            self.connect(connect_timeout=5).close()
            return True
        except driver().OperationalError:
            return False

    def create_database(self, name, template="template0"):
        """NAME's URL. Nobody may be connected to TEMPLATE."""
        self.sql(f'CREATE DATABASE "{name}" TEMPLATE "{template}"')
        return self.url(name)

    def dump(self, database):
        """All that stands in DATABASE, as the SQL that pg_dump writes."""
        return run(program("pg_dump"), "--inserts", self.url(database)).encode()

    def drop_database(self, name):
        self.sql(f'DROP DATABASE IF EXISTS "{name}" WITH (FORCE)')


class PostgreSQL(Client):
    """One server with an empty database cluster. It keeps its port and data over stop(), kill() and start()."""

    def __init__(self, fsync=False, start=True, **settings):
        driver()
        self.data_from = first_data()
        self.folder = own_folder("pg")
        self.data, self.log_path = self.folder.path / "data", self.folder.path / "log"
        self.settings = {"listen_addresses": "127.0.0.1", "unix_socket_directories": self.folder.path,
                         **({} if fsync else SPEED), **settings}
        self.process = None
        try:
            self.make_data()
            if start:
                self.start(tries=3)
        except BaseException:
            self.end()
            raise

    def make_data(self):
        subprocess.run(["cp", "-a", self.data_from, self.data], check=True, cwd=self.folder.path)  # ends with the folder

    def start(self, tries=1, wait=True):
        """At the port it had. WAIT=False: returns at once, for one that will not come up before others do."""
        for left in reversed(range(tries)):
            self.port = self.port or free_ports(1)[0]
            settings = {**self.settings, "port": self.port}
            argv = [*as_ordinary(), program("postgres"), "-D", self.data,
                    *(part for name, value in settings.items() for part in ("-c", f"{name}={value}"))]
            try:
                self.process = Process([str(part) for part in argv], self.log_path, self.answers if wait else lambda: True,
                                       cwd=self.data.parent)
                return
            except AssertionError:  # somebody else took the port in between
                if not left:
                    raise
                self.port = None

    def running(self):
        return self.process is not None and self.process.child.poll() is None

    @property
    def pid(self):
        return self.process.pid

    def log(self):
        return self.log_path.read_text(errors="replace")

    def stop(self, number=signal.SIGINT):
        """Ends all connections and stops in order (fast)."""
        if self.process is not None:
            os.kill(self.pid, number)
            self.process.child.wait(60)
            self.process.stop()
            self.process = None

    def stop_immediate(self):
        """Without a checkpoint; starts with a recovery."""
        self.stop(signal.SIGQUIT)

    def kill(self):
        """SIGKILL of all its processes at once: what the system has not been given yet is lost."""
        if self.process is not None:
            guard.kill_inside(self.data.resolve())
            self.process.child.wait(60)
            self.process.stop()
            self.process = None

    def freeze(self):
        """Stops all its processes until thaw(): connections stay open, and nothing answers."""
        self._signal(signal.SIGSTOP)

    def thaw(self):
        self._signal(signal.SIGCONT)

    def _signal(self, number):
        for pid in [self.pid, *guard.inside(self.data.resolve())]:  # the postmaster first, so that it makes no more
            with contextlib.suppress(ProcessLookupError):
                os.kill(pid, number)
        for pid in guard.inside(self.data.resolve()):
            with contextlib.suppress(ProcessLookupError):
                os.kill(pid, number)

    def restart(self):
        self.stop()
        self.start()

    def is_primary(self):
        return self.sql("SELECT NOT pg_is_in_recovery()")[0][0]

    def promote(self):
        """Makes a standby the primary; returns once it takes writes."""
        assert self.sql("SELECT pg_promote(true, 60)") == [(True,)]

    def end(self):
        """Kills it and removes its folder."""
        if self.process is not None:
            self.kill()
        self.folder.remove()


class Standby(PostgreSQL):
    """A hot standby of PRIMARY, which from now on commits only what this one has applied.

    PRIMARY then waits in each commit while no standby is there; loose() ends that."""

    def __init__(self, primary, name="n2", fsync=False, **settings):
        self.primary, self.name = primary, name
        super().__init__(fsync, **settings)
        try:
            primary.sql("ALTER SYSTEM SET synchronous_commit = 'remote_apply'")
            primary.sql(f"ALTER SYSTEM SET synchronous_standby_names = 'FIRST 1 ({name})'")
            primary.sql("SELECT pg_reload_conf()")
            wait_until(self.is_synchronous, f"{name} is a synchronous standby")
        except BaseException:
            self.end()
            raise

    def make_data(self):
        run(program("pg_basebackup"), "-h", "127.0.0.1", "-p", self.primary.port, "-U", USER, "-D", self.data, "-R", "-X", "stream",
            "-c", "fast", "-C", "-S", f"slot_{self.name}", "--no-sync", "-d", f"application_name={self.name}")
        # Promoted, it must not wait for itself, whatever was set when it was copied.
        with open(self.data / "postgresql.auto.conf", "a", encoding="ascii") as conf:
            conf.write("synchronous_standby_names = ''\n")

    def is_synchronous(self):
        return self.primary.sql("SELECT sync_state FROM pg_stat_replication WHERE application_name = %s", self.name) == [("sync",)]

    def loose(self):
        """PRIMARY waits for no standby any more."""
        self.primary.sql("ALTER SYSTEM RESET synchronous_standby_names")
        self.primary.sql("SELECT pg_reload_conf()")


class PatroniNode(Client):
    """One Patroni and the PostgreSQL it runs. Belongs to a PatroniPair."""

    def __init__(self, name, pair):
        self.name, self.pair, self.process = name, pair, None
        self.home = pair.folder.path / f"home-{name}"  # Patroni's; its data folder stands inside
        self.home.mkdir()
        if os.geteuid() == 0:
            shutil.chown(self.home, ACCOUNT, ACCOUNT)
        self.port, self.rest = free_ports(2)
        values = {"NAME": name, "REST": self.rest, "ETCD": pair.etcd_port, "PG": self.port, "T": self.home, "BIN": programs(),
                  "USER": USER, "PASSWORD": PASSWORD, "TTL": pair.ttl}
        text = TEMPLATE.read_text()
        for key, value in values.items():
            text = text.replace(f"@{key}@", str(value))
        (self.home / "patroni.yml").write_text(text)

    def start(self, wait=True):
        self.process = Process([*as_ordinary(), "env", f"HOME={self.home}", self.pair.patroni, str(self.home / "patroni.yml")],
                               self.home / "log", self.lives if wait else lambda: True, cwd=self.home)

    def lives(self):
        return self.role("/liveness")

    def role(self, path):
        """Whether Patroni's REST answers PATH with 200: /primary, /synchronous, /liveness."""
        try:
            with urllib.request.urlopen(f"http://127.0.0.1:{self.rest}{path}", timeout=2) as answer:
                return answer.status == 200
        except OSError:
            return False

    def kill(self):
        """Patroni and PostgreSQL at one moment, as when the machine is lost."""
        guard.kill_inside(self.home.resolve())
        self.process.child.wait(60)
        self.process.stop()
        self.process = None

    def freeze(self):
        self._signal(signal.SIGSTOP)

    def thaw(self):
        self._signal(signal.SIGCONT)

    def _signal(self, number):
        for _ in range(2):
            for pid in guard.inside(self.home.resolve()):
                with contextlib.suppress(ProcessLookupError):
                    os.kill(pid, number)


class PatroniPair:
    """etcd and two Patroni nodes, one of them primary and the other its synchronous standby. A lost primary is replaced after TTL
    seconds; Patroni refuses less than 20."""

    def __init__(self, ttl=20):
        driver()
        program("postgres")
        self.patroni, etcd = find(("patroni",)), find(("etcd",))
        self.ttl, self.folder, self.nodes = ttl, own_folder("patroni"), []
        try:
            self.etcd_port, peer = free_ports(2)
            home = self.folder.path / "etcd"
            home.mkdir()
            if os.geteuid() == 0:
                shutil.chown(home, ACCOUNT, ACCOUNT)
            at, between = f"http://127.0.0.1:{self.etcd_port}", f"http://127.0.0.1:{peer}"
            self.etcd = Process([*as_ordinary(), etcd, "--name", "etcd", "--data-dir", str(home / "data"), "--unsafe-no-fsync",
                                 "--listen-client-urls", at, "--advertise-client-urls", at, "--listen-peer-urls", between,
                                 "--initial-advertise-peer-urls", between, "--initial-cluster", f"etcd={between}"],
                                home / "log", lambda: self._healthy(at), cwd=home)
            self.nodes = [PatroniNode(f"n{number}", self) for number in (1, 2)]
            for node in self.nodes:  # the second copies the first
                node.start()
                wait_until(lambda: self.primary, f"Patroni's {node.name}", 60)
            self.wait_whole()
        except BaseException:
            self.end()
            raise

    @staticmethod
    def _healthy(url):
        try:
            with urllib.request.urlopen(f"{url}/health", timeout=1) as answer:
                return b'"true"' in answer.read()
        except OSError:
            return False

    def wait_whole(self, seconds=120):
        """Until one is the primary and the other its synchronous standby, and so nothing committed can be lost with one."""
        wait_until(lambda: self.primary and self.standby, f"a primary and a standby in {self.folder.path}", seconds)

    @property
    def primary(self):
        return next((node for node in self.nodes if node.role("/primary")), None)

    @property
    def standby(self):
        return next((node for node in self.nodes if node.role("/synchronous")), None)

    def url(self, database="postgres", **parameters):
        """For clients, who are to find the primary by themselves."""
        return url_of(self.nodes, database, **{"target_session_attrs": "read-write", "connect_timeout": 2, **parameters})

    def sql(self, text, *values, database="postgres"):
        return self.primary.sql(text, *values, database=database)

    def create_database(self, name):
        self.primary.create_database(name)
        return self.url(name)

    def end(self):
        guard.kill_inside(self.folder.path.resolve())
        for process in [getattr(self, "etcd", None), *(node.process for node in self.nodes)]:
            if process is not None:
                process.stop()
        self.folder.remove()


class PgBouncer(Client):
    """PgBouncer in transaction mode before SERVER: a connection of a client's has another one of SERVER's in each transaction."""

    def __init__(self, server, size=20, **settings):
        driver()
        argv = [*as_ordinary(), find(("pgbouncer",)), "-q"]
        self.folder, self.process = own_folder("pgbouncer"), None
        try:
            (self.folder.path / "users").write_text(f'"{USER}" "{PASSWORD}"\n')
            for left in reversed(range(3)):
                self.port = free_ports(1)[0]
                values = {"listen_addr": "127.0.0.1", "listen_port": self.port, "unix_socket_dir": "", "auth_type": "scram-sha-256",
                          "auth_file": self.folder.path / "users", "admin_users": USER, "pool_mode": "transaction",
                          "max_client_conn": 1000, "default_pool_size": size, **settings}
                (self.folder.path / "ini").write_text(f"[databases]\n* = host=127.0.0.1 port={server.port}\n[pgbouncer]\n"
                                                      + "".join(f"{name} = {value}\n" for name, value in values.items()))
                try:
                    self.process = Process([*argv, str(self.folder.path / "ini")], self.folder.path / "log", self.answers,
                                           cwd=self.folder.path)
                    return
                except AssertionError:
                    if not left:
                        raise
        except BaseException:
            self.end()
            raise

    def admin(self, command):
        """Says COMMAND (SHOW POOLS, PAUSE, RESUME, KILL ...) on its console; rows as dictionaries."""
        with contextlib.closing(self.connect("pgbouncer")) as made, made.cursor() as cursor:
            cursor.execute(command)
            names = [column.name for column in cursor.description or ()]
            return [dict(zip(names, row)) for row in cursor.fetchall()] if names else []

    def kill(self):
        self.process.kill()
        self.process.child.wait(60)

    def end(self):
        if self.process is not None:
            self.process.stop()
        self.folder.remove()


def find(names):
    """The path of the first of NAMES that is here."""
    path = f"{os.environ.get('PATH', '')}:/usr/sbin:/usr/bin"
    found = next((where for name in names if (where := shutil.which(name, path=path))), None)
    return found or cannot_run(f"no {names[0]} here: {INSTALL}")


@pytest.fixture(scope="module")
def postgres():
    one = PostgreSQL()
    yield one
    one.end()


@pytest.fixture(scope="module")
def bouncer(postgres):
    """PgBouncer in transaction mode before it."""
    one = PgBouncer(postgres)
    yield one
    one.end()
