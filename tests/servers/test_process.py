"""What tests of real servers stand on: ports that nobody else gets."""
import contextlib
import os
import pathlib
import socket
import subprocess
import sys
import tempfile

import pytest

from servers.process import free_ports

# Asks again and again, and binds none, as servers that start slowly.
ASK = "from servers.process import free_ports\nfor _ in range(5): print(*free_ports(20))"


def test_nobody_gets_a_port_that_somebody_else_was_told():
    tests = pathlib.Path(__file__).parent.parent
    asking = [subprocess.Popen([sys.executable, "-c", ASK], stdout=subprocess.PIPE, text=True, cwd=tests) for _ in range(4)]
    ports = [port for one in asking for port in one.communicate()[0].split()]
    assert all(one.returncode == 0 for one in asking) and len(set(ports)) == len(ports) == 400


@pytest.mark.parametrize("kind", [socket.SOCK_STREAM, socket.SOCK_DGRAM], ids=["tcp", "udp"])
def test_taken_ports_are_passed_over(kind, monkeypatch, tmp_path):
    mine = free_ports(25)  # others may not be disturbed in what they were told
    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path))
    pathlib.Path(tmp_path, f"dfyd-{os.getuid()}.ports").write_text(str(mine[0]))
    with contextlib.ExitStack() as stack:
        for port in mine[:20]:
            stack.enter_context(socket.socket(type=kind)).bind(("127.0.0.1", port))
        assert not set(free_ports(5)) & set(mine[:20])
