"""What tests of real servers stand on: ports that nobody else gets."""
import concurrent.futures
import contextlib
import multiprocessing
import os
import pathlib
import socket
import tempfile

import pytest

from servers.process import free_ports


def take_some(_):
    """Gets 20 ports and, as servers that start slowly, binds none."""
    return free_ports(20)


def test_nobody_gets_a_port_that_somebody_else_was_told():
    with concurrent.futures.ProcessPoolExecutor(4, multiprocessing.get_context("spawn")) as processes:
        ports = [port for some in processes.map(take_some, range(20)) for port in some]
    assert len(set(ports)) == len(ports) == 400


@pytest.mark.parametrize("kind", [socket.SOCK_STREAM, socket.SOCK_DGRAM], ids=["tcp", "udp"])
def test_taken_ports_are_passed_over(kind, monkeypatch, tmp_path):
    mine = free_ports(25)  # others may not be disturbed in what they were told
    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path))
    pathlib.Path(tmp_path, f"dfyd-{os.getuid()}.ports").write_text(str(mine[0]))
    with contextlib.ExitStack() as stack:
        for port in mine[:20]:
            stack.enter_context(socket.socket(type=kind)).bind(("127.0.0.1", port))
        assert not set(free_ports(5)) & set(mine[:20])
