"""Several dfyd nodes on one database and one folder, killed and started as a test likes."""
import asyncio
import contextlib
import os
import pathlib
import random
import re
import subprocess
import threading
import time

import tables
from conftest import LIMIT, binary, wait_for
from servers.process import free_ports

FINDING = re.compile(r"(?:Address|Leak|Thread|UndefinedBehavior)Sanitizer|runtime error:")


class Node:
    """One `dfyd serve` or `dfyd work`, always on the same port."""

    def __init__(self, cluster, name, command, env=None, **settings):
        self.cluster, self.name, self.command, self.env = cluster, name, command, env or {}
        self.log_path = cluster.folder / f"{name}.log"
        self.port = free_ports(1)[0] if command[0] == "serve" else None
        self.settings = {**({"listen": f"127.0.0.1:{self.port}"} if self.port else {}), **cluster.settings, **settings}
        self.process = None
        self.kills = 0

    def begin(self):
        """Starts the process and does not wait for it; wait_ready() does."""
        flags = [part for name, value in self.settings.items() for part in ("--" + name.replace("_", "-"), str(value))]
        with open(self.log_path, "ab") as log:
            self.process = subprocess.Popen([binary(), *self.command, "--data", str(self.cluster.data), *flags], stdout=subprocess.PIPE,
                                            stderr=log, text=True, env={**os.environ, **self.env})

    def wait_ready(self):
        lines = []
        reader = threading.Thread(target=lambda: lines.append(self.process.stdout.readline()), daemon=True)
        reader.start()
        reader.join(LIMIT)
        assert lines and lines[0], f"{self.name} did not start within {LIMIT:g} s:\n{self.log()[-4000:]}"
        self.process.stdout.close()

    def start(self):
        self.begin()
        self.wait_ready()
        return self

    def kill(self):
        """SIGKILL, now."""
        if self.process:
            self.process.kill()
            self.process.wait(LIMIT)
            self.process.stdout.close()
            self.process = None
            self.kills += 1

    def stop(self):
        """SIGTERM; it has to end well."""
        if not self.process:
            return
        self.process.terminate()
        process, self.process = self.process, None
        try:
            status = process.wait(LIMIT)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()
            status = "no end"
        process.stdout.close()
        assert status == 0, f"{self.name} ended with {status}:\n{self.log()[-4000:]}"

    def log(self):
        return self.log_path.read_text(encoding="utf-8", errors="replace") if self.log_path.exists() else ""


class Cluster:
    """Nodes on the database at URL (None: SQLite in the folder, for one node). FOLDER is the test's own."""

    def __init__(self, folder, url=None, **settings):
        self.folder, self.url = pathlib.Path(folder), url
        self.data = self.folder / "data"
        self.settings = {"rate_limit": "off", "log_level": "info", "retry_base_ms": 50, "lease_ms": 5000, "swap_hours": 0,
                         "webhook_private_targets": "yes", "webhook_retry_ms": 50, "webhook_tries": 30, **settings}
        if url:
            self.settings["db"] = url
        self.admin_url = url  # whom the auditor and commands ask; a test may put a proxy between nodes and database
        self.nodes = []
        self.keys = {}

    def node(self, name, *command, env=None, **settings):
        node = Node(self, name, command or ("serve",), env, **settings)
        self.nodes.append(node)
        return node

    def start(self):
        """All at once, also on an empty database."""
        for node in self.nodes:
            node.begin()
        for node in self.nodes:
            node.wait_ready()

    def stop(self):
        failures = []
        for node in self.nodes:
            try:
                node.stop()
            except AssertionError as failure:
                failures.append(str(failure))
            if found := FINDING.search(node.log()):
                failures.append(f"{node.name}: a sanitizer spoke up: {node.log()[found.start():][:4000]}")
        assert not failures, "\n".join(failures)

    @property
    def ports(self):
        return [node.port for node in self.nodes if node.port]

    def cli(self, *args):
        """Standard output of `dfyd ARGS`, which has to succeed."""
        command = [binary(), *args, "--data", str(self.data), *(["--db", self.admin_url] if self.admin_url else [])]
        done = subprocess.run(command, capture_output=True, text=True, timeout=LIMIT * 5, check=False)
        assert done.returncode == 0, f"dfyd {' '.join(args)}: exit {done.returncode}: {done.stderr}{done.stdout}"
        return done.stdout

    def rows(self, sql):
        return tables.postgres_rows(self.admin_url, sql) if self.admin_url else tables.sqlite_rows(self.data / "dfyd.db", sql)

    def outside(self, sql):
        return tables.sqlite_rows(self.data / "sandbox.db", sql)

    def workspaces(self, cards):
        """Makes them, each with its card, and a key for each."""
        for name, token in cards.items():
            self.cli("workspace", "create", "--name", name)
            self.cli("card", "set", "--workspace", name, "--token", token, "--name", "Jane Doe")
            self.keys[name] = self.cli("key", "create", "--workspace", name, "--scope", "all:all").strip()

    def wait_quiet(self, open_work, limit):
        """Until OPEN_WORK(rows) finds nothing; afterwards the audit says what is left. Returns the seconds that it took."""
        began = time.monotonic()
        while open_work(self.rows) and time.monotonic() < began + limit:
            time.sleep(0.5)
        return time.monotonic() - began


class Killer:
    """Kills nodes of CLUSTER with -9 and starts them again, until the end of the `async with`; now and then all of them at once."""

    def __init__(self, cluster, seed, pause=(1.0, 4.0), down=(0.1, 1.5)):
        self.cluster, self.random, self.pause, self.down = cluster, random.Random(seed), pause, down
        self.starting = None  # a start that is under way, which goes on when the rest is over

    @property
    def kills(self):
        return sum(node.kills for node in self.cluster.nodes)

    async def _run(self):
        while True:
            await asyncio.sleep(self.random.uniform(*self.pause))
            nodes = self.cluster.nodes if self.random.random() < 0.1 else [self.random.choice(self.cluster.nodes)]
            for node in nodes:
                node.kill()
            await asyncio.sleep(self.random.uniform(*self.down))
            self.starting = asyncio.ensure_future(asyncio.to_thread(self._start, nodes))
            await asyncio.shield(self.starting)

    @staticmethod
    def _start(nodes):
        for node in nodes:
            node.begin()
        for node in nodes:
            node.wait_ready()

    async def __aenter__(self):
        self.task = asyncio.create_task(self._run())
        return self

    async def __aexit__(self, *error):
        if self.task.done() and not error[0]:
            self.task.result()  # what went wrong, such as a node that does not start
        self.task.cancel()
        with contextlib.suppress(asyncio.CancelledError, AssertionError):
            await self.task
        if self.starting:
            await self.starting  # else a node might be started twice
        for node in self.cluster.nodes:
            if not node.process:
                await asyncio.to_thread(node.start)
