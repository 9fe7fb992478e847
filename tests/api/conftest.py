import pytest

from contract import make_client


@pytest.fixture
def client(dfyd):
    """A client with a workspace of its own."""
    return make_client(dfyd)


@pytest.fixture(scope="session")
def asker(dfyd):
    """A client that many tests share, for requests that change nothing."""
    return make_client(dfyd)
