"""SIGTERM: what was begun is finished and answered, nothing more is taken, and the process ends with 0."""
import signal
import socket

import pytest

from books import CENTS, Load, expect_agreement, item, open_work, placed_domains
from conftest import rows, wait_for


@pytest.mark.parametrize("keep_alive", [True, False])
def test_stopped_under_load(fresh, keep_alive):
    server = fresh()
    told = set()
    for part in range(3):
        load = Load(server, clients=16, prefix=f"drain-{part}", keep_alive=keep_alive)
        wait_for("orders", lambda: load.answers > 60)
        server.stop()  # has to end with 0
        load.stop()
        assert load.domains(200, 503, "refused", "cut off") == set(load.told), load.told
        assert load.domains("refused"), "clients were sending to the end"
        told |= load.placed()
        assert placed_domains(server) == told, "every order that was placed was answered, and the other way round"
        # The kernel may let someone in at the very moment when the door closes; nobody else is cut off.
        assert len(load.domains("cut off")) <= 16
        assert rows(server, "SELECT id FROM orders WHERE state = 'reserved'") == []
        server.start()
    wait_for("the end of all work", lambda: not open_work(server))
    expect_agreement(server)


def test_stopped_while_provisioning(fresh):
    """A step that waits is no reason to stay; it goes on at the next start."""
    server = fresh()
    assert server.order([item("slow-drain.com"), item("silent-drain.com")])["order_placed"]
    server.stop()
    server.start()
    server.wait_accounts(2, domain="slow-drain.com")
    assert rows(server, "SELECT sum(amount) FROM charges", file="sandbox.db") == [(2 * CENTS,)]


def test_what_was_claimed_and_not_begun_is_given_back(fresh):
    """Who stops leaves no leases behind: the next start, here or on another node, goes on at once."""
    server = fresh(lease_ms=600_000, worker_threads=1)
    for part in range(4):
        domains = [f"back-{part}-{number}.com" for number in range(10)]
        assert server.order([item(domain) for domain in domains])["order_placed"]
        server.restart()
    server.wait_accounts(2 * 40)


@pytest.mark.parametrize("inherited", [signal.SIG_DFL, signal.SIG_IGN])
@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
def test_a_second_signal_ends_the_wait(fresh, number, inherited):
    """Somebody sends a body too slowly to wait for. What a script starts with `&` inherits that SIGINT is ignored."""
    before = signal.signal(number, inherited)
    try:
        server = fresh(drain_ms=600_000)
    finally:
        signal.signal(number, before)
    with socket.create_connection((server.host, server.port)) as slow:
        slow.sendall(b"POST /api/v2/dfy-email-account-orders HTTP/1.1\r\nHost: a\r\nContent-Length: 100\r\n\r\n{")
        wait_for("the request", lambda: server.request("GET", "/healthz").ok)
        server.process.send_signal(number)
        wait_for("the stop", lambda: "event=stopping" in server.log())
        assert server.alive()
        server.process.send_signal(number)
        assert server.process.wait(30) == -number
    server._reap()
    server.check_log()
    server.start()
    assert server.order([item("second-signal.com")])["order_placed"]
