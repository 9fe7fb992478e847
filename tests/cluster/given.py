"""Databases and networks for the proofs; all end with their test."""
import itertools
import os

import pytest
from proxy import Proxy
from servers.postgres import PostgreSQL, url_of

PLAIN = {"sslmode": "disable", "gssencmode": "disable"}  # so that proxy.py can read what passes
NUMBERS = itertools.count(1)


class At:
    """A port of 127.0.0.1 that leads to PostgreSQL, for url_of."""

    def __init__(self, port):
        self.port = port


class Database:
    """A new database on SERVER."""

    def __init__(self, server):
        self.server, self.name = server, f"cluster{next(NUMBERS)}"
        server.create_database(self.name)
        self.target = ("127.0.0.1", server.port)
        self.url = url_of([server], self.name, **PLAIN)

    def url_at(self, port):
        """The same through what listens on PORT."""
        return url_of([At(port)], self.name, **PLAIN)


@pytest.fixture(scope="module")
def cluster_server():
    server = PostgreSQL(max_connections=600)
    yield server
    server.end()


@pytest.fixture
def cluster_database(cluster_server):
    database = Database(cluster_server)
    yield database
    if not os.environ.get("DFYD_CLUSTER_KEEP"):
        cluster_server.drop_database(database.name)


@pytest.fixture
def network(cluster_database):
    proxy = Proxy(cluster_database.target)
    yield proxy
    proxy.close()
