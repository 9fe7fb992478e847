"""A whole site on 127.0.0.1: PowerDNS, the mail host, Caddy, and the settings with which dfyd works with them."""
import contextlib

from servers.caddy import Caddy
from servers.mailhost import MailHost
from servers.powerdns import PowerDns
from servers.process import free_ports

HERE = "127.0.0.1"


class Site:
    """Everything but dfyd itself. MAILHOST_DIR: where the mail host's files are, if not in its own folder."""

    def __init__(self, mailhost_dir=None):
        with contextlib.ExitStack() as stack:
            self.powerdns = PowerDns()
            stack.callback(self.powerdns.end)
            self.mailhost = MailHost(mailhost_dir)
            stack.callback(self.mailhost.stop)
            self.mailhost.start()
            self.edge_port, = free_ports(1)
            self.edge = f"{HERE}:{self.edge_port}"
            self.caddy = Caddy(self.edge)
            stack.callback(self.caddy.stop)
            self.zone = self.mailhost.host.partition(".")[2]
            self._publish_own_zone()
            self.closing = stack.pop_all()

    def _publish_own_zone(self):
        """The operator's own names, by hand, as packaging/mailhost/README.md has them."""
        def rrset(name, type, *contents):
            return {"name": f"{name}.", "type": type, "ttl": 300, "records": [{"content": one, "disabled": False} for one in contents]}
        self.powerdns.add_zone(self.zone, rrsets=[
            rrset(self.mailhost.host, "A", HERE),
            rrset(f"ns1.{self.zone}", "A", HERE),
            rrset(f"*._report._dmarc.{self.mailhost.host}", "TXT", '"v=DMARC1"'),
        ])

    def settings(self):
        """Flags of `dfyd serve`."""
        key = self.powerdns.folder.path / "key"
        key.write_text(self.powerdns.key)
        return {**self.mailhost.settings(), "dns": "powerdns", "powerdns_url": self.powerdns.url, "powerdns_key_file": str(key),
                "dns_nameservers": f"ns1.{self.zone}", "resolver": f"{HERE}:{self.powerdns.dns_port}", "mta_sts": "testing",
                "edge_listen": self.edge, "web_address": HERE}

    def close(self):
        self.closing.close()
