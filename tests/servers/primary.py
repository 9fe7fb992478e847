"""What Knot and BIND have in common as private primaries that take updates with TSIG; knot.py and bind.py start them."""
import base64
import contextlib
import signal

import dns.exception
import dns.message
import dns.query
import dns.rcode
import dns.tsigkeyring
import dns.update

from servers.dns_server import DnsServer
from servers.process import Folder, Process, find_program, free_ports, wait_until

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


class Primary(DnsServer):
    """One server with ZONES, whose records last over restarts. Subclasses say program(), write_config() and argv()."""

    name = None

    def __init__(self):
        self.path = find_program(self.program)
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
        self.port, = free_ports(1)
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
        """It has its zones one after the other."""
        with contextlib.suppress(dns.exception.DNSException, OSError):
            return all(self.dig(zone, "SOA") for zone in self.names)
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

    def ask(self, name, type):
        return dns.query.tcp(dns.message.make_query(f"{name}.", type), "127.0.0.1", port=self.port, timeout=10)

    def strings(self, name):
        """The strings of each TXT record at NAME."""
        return sorted([[one.decode("latin-1") for one in rdata.strings] for rdata in self.records(name, "TXT")])
