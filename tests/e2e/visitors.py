"""A forwarding edge for tests: dfyd, Caddy with the packaged configuration, websites behind them, and curl as who visits. Import the
fixtures where they are needed; the world's DNS is the sandbox's: what a target resolves to is written into its book."""
import http.server
import importlib
import itertools
import json
import os
import pathlib
import re
import ssl
import subprocess
import tempfile
import threading

import pytest
import requests
from conftest import ON_POSTGRES, Server, database, wait_for
from servers.caddy import Authority, Caddy, missing
from servers.process import free_ports, wait_until

ORDERS = "/api/v2/dfy-email-account-orders"
PLAIN, SECURE = "127.0.0.2", "127.0.0.1"  # where only HTTP answers, and where HTTPS does, too
numbers = itertools.count(1)

if missing("caddy", "curl", "openssl", "pebble"):
    if os.environ.get("CI"):
        raise AssertionError("scripts/setup servers has not been run")
    pytest.skip("needs caddy, pebble, curl and openssl: scripts/setup servers", allow_module_level=True)


def needs(module):
    """A module of `scripts/setup servers`."""
    if os.environ.get("CI"):
        return importlib.import_module(module)
    return pytest.importorskip(module)


class Echo(http.server.BaseHTTPRequestHandler):
    """Answers with what it was asked."""
    protocol_version = "HTTP/1.1"

    def do_GET(self):
        length = int(self.headers.get("Content-Length") or 0)
        body = json.dumps({
            "method": self.command, "path": self.path, "headers": {k.lower(): v for k, v in self.headers.items()},
            "body": self.rfile.read(length).decode(), "sni": getattr(self.connection, "asked_name", None),
        }).encode()
        self.send_response(200)
        self.send_header("Content-Type", "application/json")
        self.send_header("Content-Length", str(len(body)))
        self.send_header("Set-Cookie", "seen=1; Path=/")
        self.send_header("X-Dfy-Mode", "from the target")
        self.end_headers()
        self.wfile.write(body)

    do_POST = do_PUT = do_GET

    def log_message(self, *args):
        pass


def serve(address, port, context=None):
    server = http.server.ThreadingHTTPServer((address, port), Echo)
    if context:
        server.socket = context.wrap_socket(server.socket, server_side=True)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    return server


def shows(condition):
    """CONDITION is true as soon as a change was answered; where nodes share a database, within seconds."""
    if ON_POSTGRES:
        wait_for("the edge to follow", condition)
    assert condition()


class Dfyd(Server):
    """With an edge; EDGE is its host:port."""

    def __init__(self, dir, **settings):
        self.edge = f"127.0.0.1:{free_ports(1)[0]}"
        super().__init__(dir, edge_listen=self.edge, mailhost_name="mx.dfy.test", mta_sts="enforce", **settings)

    def ask(self, name):
        return requests.get(f"http://{self.edge}/ask", params={"domain": name}, timeout=10).status_code

    def route(self, host):
        """(status, mode, target, address)"""
        got = requests.get(f"http://{self.edge}/route?a=1", headers={"X-Forwarded-Host": host}, timeout=30)
        return (got.status_code, *(got.headers.get("X-Dfy-" + name) for name in ("Mode", "Target", "Address")))

    def sells(self, target=None, mode="redirect", domain=None, provider=2):
        """A domain of one mailbox, ready, and forwarded."""
        domain = domain or f"edge-{next(numbers)}.com"
        person = {"email_address_prefix": "ann", "first_name": "Ann", "last_name": "Lee"}
        answer = self.order([{"domain": domain, "accounts": [person], "email_provider": provider}])
        assert answer["order_placed"], answer
        self.wait_accounts(1, domain)
        shows(lambda: self.ask("mta-sts." + domain) == 200)
        if target:
            assert self.put(domain, target, mode).status_code == 200
        return domain

    def put(self, domain, target, mode="redirect"):
        body = {"forwarding_domain": target, "forwarding_mode": mode}
        # While the last step of the order is recorded, it is 409.

        def told():
            got = self.request("PUT", f"/api/v2/domains/{domain}/forwarding", json=body)
            return [got] if got.status_code != 409 else None
        got = wait_for(f"forwarding {domain}", told)[0]
        if got.status_code == 200:
            shows(lambda: self.ask(domain) == 200)
        return got

    def world_sees(self, name, *addresses, type="A"):
        """From now on NAME resolves to ADDRESSES."""
        data = "".join(f"{len(address)}:{address}" for address in sorted(addresses))
        with database(self, "sandbox.db") as db:
            db.execute("INSERT OR IGNORE INTO zones (zone) VALUES (?)", [name])
            db.execute("DELETE FROM rrsets WHERE name = ? AND type = ?", [name, type])
            if addresses:
                db.execute("INSERT INTO rrsets (zone, name, type, ttl, data) VALUES (?, ?, ?, 60, ?)",
                           [name, name, type, data])


@pytest.fixture(scope="module")
def folder():
    with tempfile.TemporaryDirectory(prefix="dfyd-edge-") as path:
        os.chmod(path, 0o755)
        yield pathlib.Path(path)


@pytest.fixture(scope="module")
def authority(folder):
    return Authority(folder)


@pytest.fixture(scope="module")
def ports(authority):
    """(http, https) of websites on this machine."""
    http_port, https_port = free_ports(2)
    certificate, key = authority.sign("secure.site.test", "other.site.test", "*.many.site.test")
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(certificate, key)

    def remember(connection, name, _):
        connection.asked_name = name
    context.sni_callback = remember
    servers = [serve(PLAIN, http_port), serve(SECURE, http_port), serve(SECURE, https_port, context)]
    yield http_port, https_port
    for server in servers:
        server.shutdown()
        server.server_close()


@pytest.fixture(scope="module")
def server(folder, ports):
    """Targets may be on this machine."""
    it = Dfyd(folder / "data", forwarding_private_targets="yes", forwarding_http_port=ports[0],
              forwarding_https_port=ports[1])
    it.start()
    it.world_sees("plain.site.test", PLAIN)
    it.world_sees("secure.site.test", SECURE)
    it.world_sees("other.site.test", SECURE)
    yield it
    it.stop()


@pytest.fixture(scope="module")
def strict(folder, ports):
    """Targets may not be inside the network."""
    it = Dfyd(folder / "strict", forwarding_http_port=ports[0], forwarding_https_port=ports[1])
    it.start()
    yield it
    it.stop()


@pytest.fixture(scope="module")
def caddy(server, authority):
    it = Caddy(server.edge, target_ca=authority.root)
    yield it
    it.stop()


class Answer:
    def __init__(self, text):
        head, _, self.body = text.replace("\r\n", "\n").partition("\n\n")
        lines = head.splitlines()
        self.status = int(lines[0].split()[1])
        self.headers = {name.lower(): value for name, _, value in (line.partition(": ") for line in lines[1:])}

    def json(self):
        return json.loads(self.body)


def curl(caddy, url, *args, root=None, check=True):
    """What a visitor gets; with check=False curl's exit status where there is no answer."""
    secure = url.startswith("https:")
    name = re.match(r"https?://([^/:]+)", url)[1]
    port = caddy.https if secure else caddy.http
    command = ["curl", "-sSi", "--max-time", "30", "--cacert", str(root or caddy.root),
               "--connect-to", f"{name}:{443 if secure else 80}:127.0.0.1:{port}", *args, url]

    def visit():
        done = subprocess.run(command, capture_output=True, text=True, check=False)
        # Caddy's own authority signs from this second on, and the clock that OpenSSL reads is some milliseconds behind.
        return None if "certificate is not yet valid" in done.stderr else done

    done = wait_until(visit, "a certificate that is valid by now")
    if done.returncode and not check:
        return done.returncode
    assert done.returncode == 0, (done.returncode, done.stderr, caddy.log()[-3000:])
    return Answer(done.stdout)
