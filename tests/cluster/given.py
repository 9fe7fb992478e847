"""Databases, networks and clusters for the proofs; all end with their test."""
import pytest
from proxy import Proxy



class Given:
    """TEMPORARY"""
    def __init__(self, name):
        import subprocess
        self.name = name
        env = "postgresql://dfy:secret@127.0.0.1:15432/postgres"
        subprocess.run(["psql", "-q", "-c", f"drop database if exists {name} with (force)", "-c", f"create database {name}", env], check=True, capture_output=True)
        self.url = self.url_at(15432)
        self.target = ("127.0.0.1", 15432)

    def url_at(self, port):
        return f"postgresql://dfy:secret@127.0.0.1:{port}/{self.name}?sslmode=disable&gssencmode=disable"


@pytest.fixture
def cluster_database():
    return Given("prove")


@pytest.fixture
def network(cluster_database):
    proxy = Proxy(cluster_database.target)
    yield proxy
    proxy.close()
