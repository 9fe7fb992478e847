"""Rate limits: exactly so many requests in a window, for all keys of a workspace together, and headers that tell."""
import concurrent.futures
import time

import requests

from conftest import ORDERS, LIMIT
from test_keys import Place
from test_workspace import CURRENT

EXCEEDED = {"statusCode": 429, "error": "Too Many Requests", "message": "Rate limit exceeded"}
NAMES = ("RateLimit-Limit", "RateLimit-Remaining", "RateLimit-Reset")


def told(response):
    return tuple(int(response.headers[name]) for name in NAMES)


def test_the_boundary(fresh):
    """A minute's limit, as a second is over before a slow machine has made its requests."""
    server = fresh(rate_limit="on", rate_per_second=0, rate_per_minute=20)
    place = Place(server, "all:all")
    with requests.Session() as session:
        session.headers["Authorization"] = f"Bearer {place.key}"
        for left in reversed(range(20)):
            response = session.get(server.base + CURRENT, timeout=LIMIT)
            assert response.status_code == 200
            limit, remaining, reset = told(response)
            assert (limit, remaining) == (20, left) and 1 <= reset <= 60
            assert "Retry-After" not in response.headers
        for _ in range(5):
            response = session.get(server.base + CURRENT, timeout=LIMIT)
            assert response.status_code == 429 and response.json() == EXCEEDED
            assert response.headers["content-type"] == "application/json; charset=utf-8"
            limit, remaining, reset = told(response)
            assert (limit, remaining) == (20, 0) and int(response.headers["Retry-After"]) == reset >= 1


def test_it_passes_again_when_retry_after_says(fresh):
    server = fresh(rate_limit="on", rate_per_second=3, rate_per_minute=0)
    place = Place(server, "all:all")
    refused = None
    deadline = time.monotonic() + LIMIT
    while refused is None and time.monotonic() < deadline:
        response = place.call("GET", CURRENT)
        refused = response if response.status_code == 429 else None
    assert refused is not None and refused.headers["Retry-After"] == "1"
    time.sleep(1)
    response = place.call("GET", CURRENT)
    assert response.status_code == 200 and told(response) == (3, 2, 1)


def test_who_shares_a_limit(fresh):
    server = fresh(rate_limit="on", rate_per_second=0, rate_per_minute=10)
    place = Place(server, "all:all")
    second = Place(server, "all:read", workspace=place.workspace)
    operator = Place(server, "all:all", operator=True)
    other = Place(server, "all:all")
    for _ in range(4):
        assert place.call("GET", CURRENT).status_code == 200
        assert second.call("GET", ORDERS).status_code == 200
    id = place.call("GET", CURRENT).json()["id"]
    assert told(operator.call("GET", CURRENT, headers={"x-as-workspace": id}))[:2] == (10, 0)
    assert place.call("GET", CURRENT).status_code == second.call("GET", CURRENT).status_code == 429
    assert told(other.call("GET", CURRENT))[:2] == told(operator.call("GET", CURRENT))[:2] == (10, 9)


def test_many_at_once(fresh):
    server = fresh(rate_limit="on", rate_per_second=0, rate_per_minute=50, http_threads=4)
    place = Place(server, "all:all")
    with concurrent.futures.ThreadPoolExecutor(8) as pool:
        statuses = list(pool.map(lambda _: place.call("GET", CURRENT).status_code, range(120)))
    assert (statuses.count(200), statuses.count(429)) == (50, 70)


def test_the_place_among_the_checks(fresh):
    """After who it is and what it may, before what it says: only what came so far counts."""
    server = fresh(rate_limit="on", rate_per_second=0, rate_per_minute=5)
    place = Place(server, "workspaces:read", "dfy_email_account_orders:create")
    unpaid = Place(server, "all:all")
    server.cli("workspace", "plan", "--workspace", unpaid.workspace, "--active", "no")
    cases = [(401, lambda: place.call("GET", CURRENT, key="wrong")), (403, lambda: place.call("GET", ORDERS)),
             (402, lambda: unpaid.call("GET", CURRENT)), (404, lambda: place.call("GET", "/api/v2/nowhere"))]
    for status, call in cases * 3:
        response = call()
        assert response.status_code == status and not any(name in response.headers for name in NAMES)
    assert told(place.call("GET", CURRENT))[:2] == (5, 4)
    bad = place.call("POST", ORDERS, json={})
    assert bad.status_code == 400 and told(bad)[:2] == (5, 3)
    item = {"domain": "limited-order.com", "accounts": [{"email_address_prefix": "a", "first_name": "A", "last_name": "B"}]}
    real = place.call("POST", ORDERS, json={"items": [item], "order_type": "dfy"})
    assert real.status_code == 200 and told(real)[:2] == (5, 2)  # answered on another thread
    for _ in range(2):
        place.call("GET", CURRENT)
    assert place.call("POST", ORDERS, data="no json").json() == EXCEEDED
    assert place.call("GET", ORDERS).status_code == 403
    for path in ("/healthz", "/readyz"):
        for _ in range(8):
            assert server.request("GET", path, auth=False).status_code == 200


def test_the_defaults(fresh):
    server = fresh(rate_limit="on")
    place = Place(server, "all:all")
    assert told(place.call("GET", CURRENT)) == (100, 99, 1)


def test_it_can_be_switched_off(fresh):
    server = fresh(rate_limit="off", rate_per_second=1)
    place = Place(server, "all:all")
    for _ in range(5):
        response = place.call("GET", CURRENT)
        assert response.status_code == 200 and not any(name in response.headers for name in NAMES)
