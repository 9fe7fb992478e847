"""A private PowerDNS with SQLite and its HTTP API, with the configuration that is packaged."""
import os
import sqlite3

import dns.exception
import dns.message
import dns.query
import pytest
import requests

from servers.dns_server import DnsServer
from servers.packaged import TEMPLATES, fill
from servers.process import Folder, Process, cannot_run, find_program, free_ports

TEMPLATE = TEMPLATES / "powerdns" / "pdns.conf"
SCHEMA = "/usr/share/doc/pdns-backend-sqlite3/schema.sqlite3.sql"
KEY = "powerdns-test-key"


class PowerDns(DnsServer):
    """One server. Starts with the first zones of nobody; ZONES last over restarts."""

    def __init__(self):
        self.program, self.key = find_program("pdns_server"), KEY
        if not os.path.exists(SCHEMA):
            cannot_run("no gsqlite3 for pdns_server here: scripts/setup check servers installs it")
        self.folder = Folder("powerdns")
        with open(SCHEMA, encoding="ascii") as schema:
            with sqlite3.connect(self.folder.path / "zones.db") as db:
                db.executescript(schema.read())
        self.process = None
        self.choose_ports()
        try:
            self.start()
        except BaseException:
            self.folder.remove()
            raise

    def choose_ports(self):
        self.dns_port, self.api_port = free_ports(2)
        self.url = f"http://127.0.0.1:{self.api_port}"
        values = {"DATABASE": self.folder.path / "zones.db", "ADDRESS": "127.0.0.1", "PORT": self.dns_port, "RUN": self.folder.path,
                  "KEY": self.key, "API_PORT": self.api_port, "NAMESERVER": "ns1.dns.test", "PRIMARY": "no", "SECONDARIES": ""}
        config = fill(TEMPLATE.read_text(), {"PDNS_" + name: str(value) for name, value in values.items()}, TEMPLATE)
        patient = "zone-cache-refresh-interval=10"
        assert patient in config
        (self.folder.path / "pdns.conf").write_text(config.replace(patient, "zone-cache-refresh-interval=1"))

    def start(self, tries=2):
        """Again at the same ports, unless somebody else took them when it is the first time."""
        argv = [self.program, f"--config-dir={self.folder.path}", "--daemon=no", "--guardian=no", "--write-pid=no",
                "--disable-syslog"]
        for left in reversed(range(tries)):
            try:
                self.process = Process(argv, self.folder.path / "log", self.answers)
                return
            except AssertionError:
                if not left or self.process:
                    raise
                self.choose_ports()

    def answers(self):
        try:
            return self.api("GET", "").ok and self.ask("nowhere.test", "SOA") is not None
        except (requests.RequestException, dns.exception.DNSException, OSError):
            return False

    # ---- other people's hands ----

    def api(self, method, path, body=None, timeout=10):
        """PATH after ".../servers/localhost"."""
        return requests.request(method, f"{self.url}/api/v1/servers/localhost{path}", json=body, timeout=timeout,
                                headers={"X-API-Key": self.key})

    def add_zone(self, zone, account="", kind="Native", rrsets=()):
        answer = self.api("POST", "/zones", {"name": f"{zone}.", "kind": kind, "account": account, "rrsets": list(rrsets),
                                             "nameservers": ["ns1.dns.test."]})
        assert answer.status_code == 201, answer.text

    def set(self, zone, name, type, *contents, ttl=300, disabled=()):
        """By hand: CONTENTS as PowerDNS writes them; none: it is taken away."""
        records = [{"content": one, "disabled": False} for one in contents] + [{"content": one, "disabled": True} for one in disabled]
        answer = self.api("PATCH", f"/zones/{zone}.", {"rrsets": [
            {"name": f"{name}.", "type": type, "ttl": ttl, "changetype": "REPLACE" if records else "DELETE", "records": records}]})
        assert answer.status_code == 204, answer.text

    def kept(self, zone, name, type):
        """The RRset as the API shows it, or None."""
        answer = self.api("GET", f"/zones/{zone}.")
        assert answer.status_code == 200, answer.text
        found = [one for one in answer.json()["rrsets"] if (one["name"], one["type"]) == (f"{name}.", type)]
        return found[0] if found else None

    def has_zone(self, zone):
        return self.api("GET", f"/zones/{zone}.").status_code == 200

    # ---- and eyes ----

    def ask(self, name, type):
        query = dns.message.make_query(f"{name}.", type, use_edns=True, payload=4096)
        answer, _ = dns.query.udp_with_fallback(query, "127.0.0.1", port=self.dns_port, timeout=5)
        return answer


@pytest.fixture(scope="module")
def powerdns():
    one = PowerDns()
    yield one
    one.end()
