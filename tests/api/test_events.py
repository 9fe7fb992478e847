"""GET /api/dfyd/v1/events: what happens, while it happens, for those who may know and as long as they listen."""
import contextlib
import itertools
import json
import os
import re
import socket
import time
import uuid

import pytest

from conftest import LIMIT, ON_POSTGRES, ORDERS, database, hour_later, rows, wait_for
from receiver import receiver  # noqa: F401, a fixture
from sse import EVENTS, Stream
from test_webhooks import QUICK, create

numbers = itertools.count(1)
JSON_TIME = re.compile(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z")


class Place:
    """A workspace of its own on SERVER."""

    def __init__(self, server):
        self.server, self.workspace = server, f"events-{uuid.uuid4()}"
        server.cli("workspace", "create", "--name", self.workspace)
        server.cli("card", "set", "--workspace", self.workspace, "--token", "tok_visa", "--name", "Ada Byron")
        self.key = self.make_key()

    def make_key(self, scope="all:all"):
        return self.server.cli("key", "create", "--workspace", self.workspace, "--scope", scope).strip()

    def call(self, method, path, **kw):
        return self.server.request(method, path, headers={"Authorization": f"Bearer {self.key}"}, **kw)

    def order(self, *domains):
        """The id of an order of DOMAINS with a mailbox each."""
        people = [{"email_address_prefix": "ada", "first_name": "Ada", "last_name": "Byron"}]
        items = [{"domain": domain, "email_provider": 2, "accounts": people} for domain in domains]
        answer = self.call("POST", ORDERS, json={"items": items, "order_type": "dfy", "simulation": False}).json()
        assert answer["order_placed"], answer
        return rows(self.server, "SELECT order_id FROM domains WHERE name = ?", domains[0])[0][0]


def name(word=""):
    return f"{word}events-{next(numbers)}.com"


@pytest.fixture
def place(dfyd):
    return Place(dfyd)


@pytest.fixture
def follow():
    """follow(place, ...): a Stream, which is closed at the end."""
    with contextlib.ExitStack() as stack:
        def open(place, key=None, **kw):
            return stack.enter_context(contextlib.closing(Stream(place.server.port, key or place.key, **kw)))
        yield open


# ---- what arrives

def test_events_arrive_as_webhooks_get_them(fresh, follow, receiver):  # noqa: F811
    server = fresh(**QUICK)
    place = Place(server)
    answer = place.call("POST", "/api/v2/webhooks", json={"target_hook_url": receiver.url(), "event_type": "all_events"})
    assert answer.status_code == 200, answer.text
    stream = follow(place)
    domain = name()
    order = place.order(domain)
    stream.wait_for("dfy_domain_ready", domain)
    assert [event.type for event in stream.events] == ["dfy_order_placed", "dfy_account_ready", "dfy_domain_ready"]
    assert all(event.data["order_id"] == order and JSON_TIME.fullmatch(event.data["timestamp"]) for event in stream.events)
    delivered = wait_for("3 deliveries", lambda: len(receiver.events()) >= 3 and receiver.events())
    assert {event.data["event_id"]: event.data for event in stream.events} == {event["event_id"]: event for event in delivered}


def test_events_arrive_soon(place, follow):
    """By the commit, and not when keys are looked at, which is each 5 seconds since the stream began."""
    stream = follow(place)
    order = place.order(name())
    wait_for("the domain", lambda: place.call("GET", f"/api/dfyd/v1/orders/{order}").json()["domains"][0]["state"] == "ready")
    since = time.monotonic()
    stream.wait_for("dfy_domain_ready")
    assert time.monotonic() - since < 4, stream.events


def test_what_happened_before_does_not_come(place, follow):
    before = follow(place)
    place.order(name())
    before.wait_for("dfy_domain_ready")
    late = follow(place)
    domain = name()
    place.order(domain)
    for stream in (before, late):
        stream.wait_for("dfy_domain_ready", domain)
    assert len(late.events) == 3 and len(before.events) == 6


def test_events_of_others_never_come(dfyd, place, follow):
    other = Place(dfyd)
    own, theirs = follow(place), follow(other)
    ours, foreign = name(), name()
    place.order(ours)
    other.order(foreign)
    own.wait_for("dfy_domain_ready", ours)
    theirs.wait_for("dfy_domain_ready", foreign)
    for stream, domain in ((own, ours), (theirs, foreign)):
        assert {event.data.get("domain", domain) for event in stream.events} == {domain}
        assert len({event.data["workspace"] for event in stream.events}) == 1
        assert len(stream.events) == 3


# ---- from where on

def heard(stream, known=()):
    """The events' own ids, once each; on PostgreSQL one may come twice after a reconnection."""
    ids = [event.data["event_id"] for event in stream.events]
    if ON_POSTGRES:
        return [id for id in dict.fromkeys(ids) if id not in known]
    return ids


def test_resuming_by_the_last_id(place, follow):
    stream = follow(place)
    greeting = stream.id
    first, second = name(), name()
    place.order(first)
    stream.wait_for("dfy_domain_ready", first)
    stream.close()
    everything = heard(stream)
    place.order(second)
    live = follow(place)
    again = follow(place, after=stream.id)
    again.wait_for("dfy_domain_ready", second)
    wait_for("an event each", lambda: len(heard(again, everything)) == 3)
    assert {event.data.get("domain", second) for event in again.events if event.data["event_id"] not in everything} == {second}
    # From the first id, which came without an event, all of them come; from amid the first order, the rest.
    whole = follow(place, after=greeting)
    whole.wait_for("dfy_domain_ready", second)
    assert heard(whole)[:3] == everything and len(heard(whole)) == 6
    rest = follow(place, after=stream.events[0].id)
    rest.wait_for("dfy_domain_ready", second)
    assert heard(rest, everything[:1])[:2] == everything[1:]
    third = name()
    place.order(third)
    for one in (live, again, whole, rest):
        one.wait_for("dfy_domain_ready", third)
        assert len(one.of("dfy_domain_ready", third)) == 1


def test_resuming_on_a_server_that_was_restarted(fresh, follow):
    server = fresh()
    place = Place(server)
    stream = follow(place)
    domain = name()
    place.order(domain)
    stream.wait_for("dfy_domain_ready", domain)
    known = heard(stream)
    server.restart()
    assert stream.wait_end() == "last chunk"
    again = follow(place, after=stream.id)
    place.order(name())
    again.wait_for("dfy_domain_ready")
    assert len(heard(again, known)) == 3 and not again.of("missed")


@pytest.mark.parametrize("after", ["1", "0", "no id at all", "x" * 200, "\u00e9\u00e8"])
def test_an_id_that_is_none(place, follow, after):
    stream = follow(place, after=after)
    stream.wait_for("missed")
    place.order(name())
    stream.wait_for("dfy_domain_ready")
    assert [event.type for event in stream.events][0] == "missed" and len(stream.events) == 4


def test_an_id_is_not_a_count(place, follow):
    stream = follow(place)
    place.order(name())
    stream.wait_for("dfy_domain_ready")
    ids = [event.id for event in stream.events]
    assert all(re.fullmatch(r"[\w-]{60,100}", id) for id in ids)


def insert_events(server, workspace, n, size):
    with database(server) as db:
        db.execute("WITH RECURSIVE c(n) AS (SELECT 1 UNION ALL SELECT n + 1 FROM c WHERE n < ?)"
                   " INSERT INTO events (workspace_id, type, domain, payload, created_ms)"
                   " SELECT w.id, 'dfy_domain_ready', 'bulk.com', ?, ? FROM c, workspaces w WHERE w.name = ?",
                   (n, json.dumps({"domain": "bulk.com", "fill": "x" * size}), int(time.time() * 1000), workspace))


def test_too_much_to_tell_at_once_is_said(fresh, follow):
    server = fresh()
    place = Place(server)
    stream = follow(place)
    insert_events(server, place.workspace, 2000, 100)
    stream.wait_for("missed")
    domain = name()
    place.order(domain)
    stream.wait_for("dfy_domain_ready", domain)
    assert not stream.of("dfy_domain_ready", "bulk.com")
    again = follow(place, after=stream.id)
    insert_events(server, place.workspace, 20, 100)
    again.wait_for("dfy_domain_ready", "bulk.com", n=20)


# ---- an order's progress

def test_progress_of_an_order(patient, follow):
    place = Place(patient)
    domain = name("lost-")
    order = place.order(domain)
    stream = follow(place, order=order)
    stream.wait_for("progress")
    assert stream.events[0].data == {"order": order}
    seen = set()

    def ended():
        view = place.call("GET", f"/api/dfyd/v1/orders/{order}").json()
        seen.add(json.dumps(view["domains"]))
        return view["domains"][0]["state"] == "ready"

    assert not ended()
    hour_later(patient)
    # A page that looks at the order when it is told to, and at no other time, sees its end.
    for n in itertools.count(1):
        stream.wait_for("progress", n=n)
        if ended():
            break
    assert len(seen) >= 2
    counts = []
    for other in (name(), name(), name()):  # with the first one's end comes what is still to be told of this order
        place.order(other)
        stream.wait_for("dfy_domain_ready", other)
        counts.append(len(stream.of("progress")))
    assert counts[1] == counts[2], "another order is no progress of this one"


def test_progress_of_what_has_long_ended(place, follow):
    domain = name()
    order = place.order(domain)
    plain = follow(place)
    wait_for("the domain", lambda: place.call("GET", f"/api/dfyd/v1/orders/{order}").json()["domains"][0]["state"] == "ready")
    stream = follow(place, order=order)
    stream.wait_for("progress")
    answer = place.call("POST", ORDERS + "/accounts/cancel", json={"accounts": [f"ada@{domain}"]})
    assert answer.status_code == 200, answer.text
    stream.wait_for("progress", n=2)
    stream.wait_for("dfy_account_cancelled", domain)
    assert not plain.of("progress")


def test_orders_that_are_not_there(dfyd, place):
    foreign = Place(dfyd).order(name())
    for order in (foreign, str(uuid.uuid4()), "none"):
        answer = place.call("GET", EVENTS, params={"order": order})
        assert answer.status_code == 404 and answer.json()["message"] == "Resource not found"


# ---- who may listen, for how long

def test_who_may_not_listen(dfyd, place):
    assert dfyd.request("GET", EVENTS, auth=False).status_code == 401
    assert Stream(dfyd.port, "dfyd_wrong").status == 401
    answer = Stream(dfyd.port, place.make_key("webhooks:all"))
    assert answer.status == 403 and "dfy_email_account_orders:read" in answer.message
    assert dfyd.request("POST", EVENTS, json={}).status_code == 404


def test_a_head_request_ends(place):
    answer = place.call("HEAD", EVENTS)
    assert answer.status_code == 200 and answer.headers["Content-Type"] == "text/event-stream"


def test_a_revoked_key_ends_its_stream_at_once(place, follow):
    """And not when keys are looked at, which is each 5 seconds since the stream began."""
    reading = place.make_key("dfy_email_account_orders:read")
    revoked, other = follow(place, key=reading), follow(place)
    id = next(key["id"] for key in place.call("GET", "/api/v2/api-keys").json()["items"] if reading.startswith(key["key"].rstrip(".…")))
    since = time.monotonic()
    assert place.call("DELETE", f"/api/v2/api-keys/{id}").status_code == 200
    assert revoked.wait_end() == "last chunk"
    assert time.monotonic() - since < 4
    assert Stream(place.server.port, reading).status == 401
    place.order(name())
    other.wait_for("dfy_domain_ready")


def test_a_quiet_stream_hears_that_it_lives(place, follow):
    stream = follow(place)
    stream.wait("a comment", lambda: stream.comments)
    assert stream.end is None and not stream.events


def test_a_workspace_has_half_of_the_streams(fresh, follow):
    server = fresh(streams=4)
    places = [Place(server) for _ in range(3)]
    open = [follow(place) for place in places[:2] for _ in range(2)]
    assert [stream.status for stream in open] == [200] * 4
    refused = follow(places[0])
    assert refused.status == 429 and "2 streams" in refused.message
    refused = follow(places[2])
    assert refused.status == 503 and "Too many streams" in refused.message
    open[0].close()
    wait_for("a free place", lambda: follow(places[2]).status == 200)


# ---- many, slow ones, and the end

def dial(place, receive=0):
    """A socket that asked for the stream and reads nothing. RECEIVE: bytes that the kernel may hold."""
    one = socket.socket()
    if receive:
        one.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, receive)
    one.settimeout(LIMIT)
    one.connect((place.server.host, place.server.port))
    one.sendall(f"GET {EVENTS} HTTP/1.1\r\nHost: x\r\nAuthorization: Bearer {place.key}\r\n\r\n".encode())
    return one


def read_until(one, found, had=b""):
    while found not in had:
        got = one.recv(65536)
        assert got, f"the stream ended: {had[-300:]}"
        had += got
    return had


def status_of(server, field):
    """A number of /proc/PID/status."""
    with open(f"/proc/{server.pid}/status", encoding="utf-8") as file:
        return int(re.search(rf"^{field}:\s+(\d+)", file.read(), re.M)[1])


def test_200_streams_cost_no_thread_and_end_at_sigterm(fresh):
    server = fresh(drain_ms=600000)  # what held it up at its end would do so for longer than the test waits
    place = Place(server)
    warm = read_until(dial(place), b"\nid: ")
    assert warm
    threads, memory = status_of(server, "Threads"), status_of(server, "VmRSS")
    streams = [dial(place) for _ in range(200)]
    texts = [read_until(one, b"\nid: ") for one in streams]
    assert status_of(server, "Threads") == threads
    grown = status_of(server, "VmRSS") - memory
    print(f"200 streams: {grown} KiB more")
    if "asan" not in os.environ.get("DFYD_BIN", ""):
        assert grown < 200 * 64, f"{grown} KiB more for 200 streams"
    place.order(name())
    texts = [read_until(one, b"dfy_domain_ready", text) for one, text in zip(streams, texts)]
    assert all(text.count(b"event: ") == 3 for text in texts)
    server.stop()
    for one, text in zip(streams, texts):
        read_until(one, b"\r\n0\r\n\r\n", text)
        assert one.recv(1) == b""
        one.close()


def sockets_of(server):
    folder = f"/proc/{server.pid}/fd"
    def is_socket(fd):
        try:
            return os.readlink(f"{folder}/{fd}").startswith("socket:")
        except FileNotFoundError:
            return False
    return sum(map(is_socket, os.listdir(folder)))


def test_a_slow_reader_is_cut_and_others_go_on(fresh, follow):
    server = fresh(request_timeout_ms=4000)  # which the test's own calls have, too
    place = Place(server)
    stream = follow(place)
    before = sockets_of(server)
    slow = dial(place, 4096)
    wait_for("its connection", lambda: sockets_of(server) > before)
    since = time.monotonic()
    for burst in itertools.count(1):
        insert_events(server, place.workspace, 80, 1000)
        stream.wait_for("dfy_domain_ready", n=80 * burst)
        if sockets_of(server) == before:
            break
        assert time.monotonic() - since < LIMIT, "it is kept though it reads nothing"
    assert not stream.of("missed") and stream.end is None
    with contextlib.suppress(ConnectionError):
        while slow.recv(65536):
            pass
    slow.close()
    domain = name()
    place.order(domain)
    stream.wait_for("dfy_domain_ready", domain)


def test_streams_that_clients_left_take_no_place(fresh):
    server = fresh(streams=4)
    place = Place(server)
    for _ in range(6):  # a workspace has 2
        one = wait_for("a free place", lambda: try_dial(place))
        one.close()


def try_dial(place):
    one = dial(place)
    if b" 200 " in read_until(one, b"\r\n\r\n"):
        return one
    one.close()
    return None
