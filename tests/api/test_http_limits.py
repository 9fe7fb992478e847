"""What no HTTP library would send: the server must answer or hang up, and be well afterwards."""
import json
import socket
import time

import pytest

REQUEST_SECONDS = 90  # no client of these tests may be left waiting longer
ORDERS = "/api/v2/dfy-email-account-orders"


class Raw:
    """A connection that sends just the bytes it is given."""

    def __init__(self, dfyd):
        self.socket = socket.create_connection((dfyd.host, dfyd.port), timeout=REQUEST_SECONDS)

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.socket.close()

    def send(self, data):
        """Sends what it can: the server may have hung up already."""
        try:
            self.socket.sendall(data)
        except (BrokenPipeError, ConnectionResetError):
            pass
        return self

    def all_bytes(self):
        """All that comes until the server closes."""
        data = b""
        try:
            while part := self.socket.recv(65536):
                data += part
        except ConnectionResetError:
            pass
        return data

    def answers(self):
        """The same as (status, headers, body) for each answer."""
        data, found = self.all_bytes(), []
        while data:
            head, _, data = data.partition(b"\r\n\r\n")
            first, *lines = head.decode("latin-1").split("\r\n")
            headers = {name.strip().lower(): value.strip() for name, _, value in (line.partition(":") for line in lines)}
            size = int(headers.get("content-length", 0))
            found.append((int(first.split()[1]), headers, data[:size]))
            data = data[size:]
        return found

    def answer(self):
        """The one answer before the server closes."""
        found = self.answers()
        assert len(found) == 1, found
        return found[0]


@pytest.fixture
def raw(dfyd):
    """Makes connections; when the test is over the server must still be well."""
    made = []

    def make():
        made.append(Raw(dfyd))
        return made[-1]

    yield make
    for one in made:
        one.socket.close()
    assert dfyd.request("GET", "/healthz", auth=False).status_code == 200


def head(dfyd, method, path, *fields, close=True):
    lines = [f"{method} {path} HTTP/1.1", f"Host: {dfyd.host}", f"Authorization: Bearer {dfyd.key}", *fields]
    if close:
        lines.append("Connection: close")
    return ("\r\n".join(lines) + "\r\n\r\n").encode("latin-1")


def is_envelope(answer, status):
    got, headers, body = answer
    assert got == status, answer
    assert headers["content-type"] == "application/json; charset=utf-8"
    assert len(headers["x-request-id"]) == 36
    error = json.loads(body)
    assert error["statusCode"] == status
    assert error["error"] and error["message"]
    return error


@pytest.mark.parametrize(
    "line",
    [
        b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03 tls hello",
        b"GET",
        b"GET /healthz",
        b"GET  HTTP/1.1",
        b"GET /healthz HTTP/1.1 extra",
        b"GET /healthz HTTP/3.0",
        b"GET /healthz FTP/1.1",
        b" / HTTP/1.1",
        b"\xff\xfe\xfd",
    ],
)
def test_malformed_request_line(raw, line):
    found = raw().send(line + b"\r\nHost: a\r\nConnection: close\r\n\r\n").answers()
    assert all(400 <= status <= 599 for status, _, _ in found), found


@pytest.mark.parametrize(
    "fields",
    [
        ("Content-Length: 4", "Transfer-Encoding: chunked"),
        ("Transfer-Encoding: chunked", "Content-Length: 4"),
        ("Content-Length: 0", "Content-Length: 44"),
        ("Content-Length: 0", "content-length: 0"),
        ("Transfer-Encoding: gzip, chunked",),
        ("Transfer-Encoding: identity",),
        ("Transfer-Encoding: chunked", "Transfer-Encoding: chunked"),
        ("Content-Length : 0",),
        ("Content-Len: 0", " gth"),
        ("Host: another",),
        (": x",),
    ],
)
def test_message_with_two_meanings(dfyd, raw, fields):
    smuggled = head(dfyd, "GET", "/healthz")
    request = head(dfyd, "POST", ORDERS, *fields, close=False)
    is_envelope(raw().send(request + b"0\r\n\r\n" + smuggled).answer(), 400)


@pytest.mark.parametrize("value", ["x", "-1", "+1", "1, 1", "0x1", "", "99999999999999999999999"])
def test_bad_content_length(dfyd, raw, value):
    # The HTTP library refuses these by itself, and writes its page carelessly: only the first line is sure.
    got = raw().send(head(dfyd, "POST", ORDERS, f"Content-Length: {value}") + head(dfyd, "GET", "/healthz")).all_bytes()
    assert got.startswith((b"HTTP/1.1 400 ", b"HTTP/1.1 413 "))
    assert b" 200 " not in got


def test_body_over_the_limit(dfyd, raw):
    body = b"x" * (10 << 20)
    fields = ("Content-Type: application/json", f"Content-Length: {len(body)}")
    is_envelope(raw().send(head(dfyd, "POST", ORDERS, *fields) + body).answer(), 413)
    # Not announced.
    chunk = b"%x\r\n" % (1 << 20) + b"x" * (1 << 20) + b"\r\n"
    fields = ("Content-Type: application/json", "Transfer-Encoding: chunked")
    is_envelope(raw().send(head(dfyd, "POST", ORDERS, *fields) + 10 * chunk + b"0\r\n\r\n").answer(), 413)


def test_body_over_the_limit_through_a_library(dfyd):
    answer = dfyd.request("POST", ORDERS, data=b"x" * (10 << 20), headers={"Content-Type": "application/json"})
    assert answer.status_code == 413
    assert answer.json()["statusCode"] == 413


def test_who_asks_first_is_told_before_sending(dfyd, raw):
    fields = ("Content-Type: application/json", "Content-Length: 10000000", "Expect: 100-continue")
    is_envelope(raw().send(head(dfyd, "POST", ORDERS, *fields)).answer(), 413)


def test_continue(dfyd, raw):
    one = raw().send(head(dfyd, "POST", ORDERS, "Content-Type: application/json", "Content-Length: 2", "Expect: 100-continue"))
    assert one.socket.recv(1000).startswith(b"HTTP/1.1 100 ")
    is_envelope(one.send(b"{}").answer(), 400)


def test_slow_body_is_cut_off(fresh):
    """A byte now and then would keep an idle timer from ever ending this."""
    server = fresh(request_timeout_ms=4000)  # which the test's own last request has, too
    with Raw(server).send(head(server, "POST", ORDERS, "Content-Type: application/json", "Content-Length: 100000")) as one:
        one.socket.settimeout(0.1)
        deadline = time.monotonic() + REQUEST_SECONDS
        while time.monotonic() < deadline:
            try:
                got = one.socket.recv(1000)
            except socket.timeout:
                one.send(b" ")
                continue
            except ConnectionResetError:
                break
            assert not got.startswith(b"HTTP/1.1 2")
            if not got:
                break
        else:
            pytest.fail(f"still open after {REQUEST_SECONDS} s")
    assert server.request("GET", "/healthz", auth=False).status_code == 200


def test_half_closed_client_gets_its_answer(dfyd, raw):
    one = raw().send(head(dfyd, "GET", ORDERS, close=False))
    one.socket.shutdown(socket.SHUT_WR)
    status, _, body = one.answer()
    assert status == 200
    assert "items" in json.loads(body)
    # An order takes the long way round, through the database.
    order = json.dumps({"order_type": "dfy", "simulation": True, "items": [{"domain": "half-closed-client.com"}]}).encode()
    fields = ("Content-Type: application/json", f"Content-Length: {len(order)}")
    one = raw().send(head(dfyd, "POST", ORDERS, *fields, close=False) + order)
    one.socket.shutdown(socket.SHUT_WR)
    status, _, body = one.answer()
    assert status == 200
    assert json.loads(body)["simulation"] is True


@pytest.mark.parametrize("method", ["BREW", "get", "PROPFIND", "CONNECT", "TRACE", "A-B_C!"])
def test_unknown_method(dfyd, raw, method):
    error = is_envelope(raw().send(head(dfyd, method, ORDERS)).answer(), 404)
    assert error["message"] == f"Route {method}:{ORDERS} not found"


@pytest.mark.parametrize("target", [b"/healthz\0", b"/\0healthz", b"/healthz?a\0b", b"/health\x01z", b"/health z", b"/a\x7f"])
def test_control_bytes_in_the_target(raw, target):
    is_envelope(raw().send(b"GET " + target + b" HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n").answer(), 400)


@pytest.mark.parametrize("target", ["/%00", "/%", "/%zz", "/%ff%fe", "//", "/..%2f..", "/" + "a" * 4000, "*", "a:443"])
def test_odd_targets(raw, target):
    request = f"GET {target} HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n".encode()
    status, headers, body = raw().send(request).answer()
    assert status in (400, 404)
    assert json.loads(body)["statusCode"] == status


def test_odd_bytes_stay_out_of_the_log(dfyd, raw):
    """Escape sequences for the terminal of who reads it, and what is no UTF-8."""
    target = b"/odd-\xff\xc3\x28\xc2\x9b31m\x9b31m"
    status, _, body = raw().send(b"GET " + target + b" HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n").answer()
    assert status == 404 and "/odd-%FF" in json.loads(body)["message"]
    lines = [line for line in dfyd.log_path().read_bytes().splitlines() if b"/odd-" in line]
    assert len(lines) == 1 and b" path=/odd-%FF%C3(%C2%9B31m%9B31m status=404" in lines[0]


def test_absolute_target(dfyd, raw):
    assert raw().send(head(dfyd, "GET", f"{dfyd.base}/healthz")).answer()[0] == 200


def test_no_host(raw):
    is_envelope(raw().send(b"GET /healthz HTTP/1.1\r\nConnection: close\r\n\r\n").answer(), 400)
    assert raw().send(b"GET /healthz HTTP/1.0\r\n\r\n").answer()[0] == 200


@pytest.mark.parametrize("fields", [["X-Long: " + "v" * 1_000_000], [f"X-{i}: v" for i in range(20_000)]], ids=["long", "many"])
def test_huge_headers(dfyd, raw, fields):
    found = raw().send(head(dfyd, "GET", "/healthz", *fields)).answers()
    assert all(status == 431 for status, _, _ in found), found


def test_nearly_6_kib_of_headers_fit(dfyd, raw):
    fields = ["X-Long: " + "v" * 3_000, *(f"X-{i}: {'w' * 180}" for i in range(15))]
    assert raw().send(head(dfyd, "GET", "/healthz", *fields)).answer()[0] == 200


def test_requests_in_one_packet(dfyd, raw):
    request = head(dfyd, "GET", "/healthz", close=False) * 5 + head(dfyd, "GET", "/no-such-route")
    assert [status for status, _, _ in raw().send(request).answers()] == [200] * 5 + [404]


def test_byte_by_byte(dfyd, raw):
    one = raw()
    one.socket.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
    for byte in head(dfyd, "GET", "/healthz"):
        one.send(bytes([byte]))
    assert one.answer()[0] == 200


def test_many_connections(dfyd, raw):
    many = [raw() for _ in range(300)]
    for one in many:
        one.send(head(dfyd, "GET", "/healthz"))
    assert [one.answer()[0] for one in many] == [200] * len(many)
