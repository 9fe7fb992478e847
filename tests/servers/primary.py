"""What Knot and BIND have in common as private primaries that take updates with TSIG; knot.py and bind.py start them."""
import base64
import contextlib
import os
import shutil
import signal
import socket

import dns.exception
import dns.flags
import dns.message
import dns.name
import dns.query
import dns.rcode
import dns.rdatatype
import dns.tsigkeyring
import dns.update
import pytest

from servers.process import Folder, Process, free_ports, wait_until

ZONES = [f"ex{i}.test" for i in range(40)]
SECRET = base64.b64encode(b"0123456789abcdef0123456789abcdef").decode()
SECRET512 = base64.b64encode(bytes(range(64))).decode()
OTHER = base64.b64encode(b"another secret, another secret!!").decode()
# The keys that the servers know: name -> (algorithm, secret). The last may look but not touch.
KEYS = {"dfyd": ("hmac-sha256", SECRET), "long.key.ex1.test": ("hmac-sha512", SECRET512), "looker": ("hmac-sha256", OTHER)}
ZONE_FILE = """$TTL 300
@ IN SOA ns1.dns.test. hostmaster.dns.test. 1 3600 600 86400 60
@ IN NS ns1.dns.test.
"""


def skip(said):
    if os.environ.get("CI"):
        pytest.fail(said)
    pytest.skip(said)


class Primary:
    """One server with ZONES, whose records last over restarts. Subclasses say program(), write_config() and argv()."""

    name = None

    def __init__(self):
        self.path = shutil.which(self.program, path=f"{os.environ.get('PATH', '')}:/usr/sbin")
        if not self.path:
            skip(f"no {self.program} here: scripts/setup check servers installs it")
        self.folder = Folder(self.name)
        self.names = list(ZONES)
        self.zones = self.folder.path / "zones"
        self.zones.mkdir()
        for zone in self.names:
            (self.zones / zone).write_text(ZONE_FILE)
        self.process = None
        self.choose_port()
        self.start()

    def choose_port(self):
        while True:  # one that is free for UDP, too
            self.port, = free_ports(1)
            with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as probe, contextlib.suppress(OSError):
                probe.bind(("127.0.0.1", self.port))
                break
        self.write_config()

    def start(self, tries=3):
        """Again at the same port, unless somebody else took it when it is the first time."""
        for left in reversed(range(tries)):
            try:
                self.process = Process(self.argv(), self.folder.path / "log", self.answers)
                return
            except AssertionError:
                if not left or self.process:
                    raise
                self.choose_port()

    def answers(self):
        with contextlib.suppress(dns.exception.DNSException, OSError):
            return self.dig(ZONES[-1], "SOA") is not None
        return False

    def add_zone(self, zone):
        """As a person would: a file, a line in the configuration, and the server is told."""
        (self.zones / zone).write_text(ZONE_FILE)
        self.names.append(zone)
        self.write_config()
        self.process.kill(signal.SIGHUP)
        wait_until(lambda: self.dig(zone, "SOA"), f"{self.name} serves {zone}")

    def log(self):
        return (self.folder.path / "log").read_text(errors="replace")

    def kill(self):
        self.process.kill()
        self.process.child.wait(10)

    def restart(self):
        self.process.stop()
        self.start()

    def freeze(self):
        self.process.freeze()

    def thaw(self):
        self.process.thaw()

    def end(self):
        self.thaw()
        self.process.stop()
        self.folder.remove()

    # ---- other people's hands and eyes ----

    def update(self, zone, fill):
        """By hand: FILL(update) says what changes."""
        keyring = dns.tsigkeyring.from_text({"dfyd": SECRET})
        message = dns.update.Update(zone, keyring=keyring, keyname="dfyd", keyalgorithm="hmac-sha256")
        fill(message)
        answer = dns.query.tcp(message, "127.0.0.1", port=self.port, timeout=10)
        assert answer.rcode() == dns.rcode.NOERROR, answer

    def set(self, zone, name, type, *values, ttl=300):
        """Replaces an RRset; no values: it is taken away. Names are absolute, without a final dot."""
        def fill(message):
            message.delete(f"{name}.", type)
            for value in values:
                message.add(f"{name}.", ttl, type, value)
        self.update(zone, fill)

    def records(self, name, type):
        """What is served, as other programs see it; None: nothing."""
        query = dns.message.make_query(f"{name}.", type)
        answer = dns.query.tcp(query, "127.0.0.1", port=self.port, timeout=10)
        found = [one for one in answer.answer if one.rdtype == dns.rdatatype.from_text(type)]
        if answer.rcode() != dns.rcode.NOERROR or not found:
            return None
        assert answer.flags & dns.flags.AA
        return found[0]

    def dig(self, name, type):
        """(TTL, sorted texts), or None."""
        found = self.records(name, type)
        return found and (found.ttl, sorted(text_of(one) for one in found))

    def strings(self, name):
        """The strings of each TXT record at NAME."""
        return sorted([[one.decode("latin-1") for one in rdata.strings] for rdata in self.records(name, "TXT")])

    def serial(self, zone):
        return self.records(zone, "SOA")[0].serial


def text_of(rdata):
    """TXT as the bytes of all its strings, as latin-1; others in presentation form."""
    strings = getattr(rdata, "strings", None)
    return b"".join(strings).decode("latin-1") if strings is not None else rdata.to_text()
