"""Caddy as the forwarding edge, with the Caddyfile that is packaged; its certificates are signed by itself or by Pebble."""
import json
import pathlib
import re
import shutil
import subprocess
import urllib.request

from servers.packaged import TEMPLATES, fill
from servers.process import Folder, Process, free_ports, listens

TEMPLATE = TEMPLATES / "caddy" / "Caddyfile"


def missing(*programs):
    """Those of PROGRAMS that are not installed."""
    return [name for name in programs if not shutil.which(name)]


def answers(url):
    try:
        with urllib.request.urlopen(url, timeout=2) as response:
            return response.status == 200
    except OSError:
        return False


class Authority:
    """A certificate authority of openssl's, and certificates signed by it."""

    def __init__(self, folder):
        self.folder = pathlib.Path(folder)
        self.root = self.folder / "authority.pem"
        self.run("req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1", "-nodes", "-days", "2",
                 "-subj", "/CN=test authority", "-keyout", "authority.key", "-out", "authority.pem")

    def run(self, *args):
        subprocess.run(["openssl", *args], cwd=self.folder, check=True, capture_output=True)

    def sign(self, *names):
        """(certificate, key) for the names: host names, or "IP:127.0.0.1"."""
        base = re.sub(r"\W", "-", names[0])
        alternatives = ",".join(name if ":" in name else "DNS:" + name for name in names)
        (self.folder / f"{base}.ext").write_text(f"subjectAltName={alternatives}\n")
        self.run("req", "-new", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1", "-nodes", "-subj", "/CN=" + base,
                 "-keyout", f"{base}.key", "-out", f"{base}.csr")
        self.run("x509", "-req", "-in", f"{base}.csr", "-CA", "authority.pem", "-CAkey", "authority.key", "-CAcreateserial",
                 "-days", "1", "-extfile", f"{base}.ext", "-out", f"{base}.pem")
        return self.folder / f"{base}.pem", self.folder / f"{base}.key"


class Caddy:
    """EDGE: host:port of dfyd's edge_listen. ACME: (directory's URL, its root certificate), or None for an authority of
    Caddy's own, ROOT. TARGET_CA: whose certificates forwarded websites may have.
    BURST: certificates for new names."""

    def __init__(self, edge, *, target_ca=None, acme=None, ports=None, burst=100000):
        self.folder = Folder("caddy")
        self.path = self.folder.path
        self.admin, http, https = free_ports(3)
        self.http, self.https = ports or (http, https)
        self.values = {
            "EDGE": edge, "CADDY_ADMIN": f"127.0.0.1:{self.admin}", "CADDY_STORE": str(self.path / "store"),
            "CADDY_BIND": "127.0.0.1", "CADDY_HTTP": str(self.http), "CADDY_HTTPS": str(self.https),
            "CADDY_ISSUER": f"acme_ca {acme[0]}" if acme else "local_certs",
            "CADDY_ISSUER_CA": f"acme_ca_root {acme[1]}" if acme else "",
            "CADDY_EMAIL": "email edge@dfy.test" if acme else "",
            "CADDY_TARGET_CA": f"tls_trusted_ca_certs {target_ca}" if target_ca else "", "CADDY_BURST": str(burst),
        }
        (self.path / "Caddyfile").write_text(fill(TEMPLATE.read_text(), self.values, TEMPLATE))
        self.process = None
        try:
            self.start()
        except BaseException:
            self.folder.remove()
            raise

    @property
    def root(self):
        return self.path / "store/pki/authorities/local/root.crt"

    def start(self):
        own = str(self.path)
        self.process = Process(
            ["caddy", "run", "--config", own + "/Caddyfile", "--adapter", "caddyfile"], self.path / "log",
            lambda: answers(f"http://127.0.0.1:{self.admin}/config/") and listens(self.http) and listens(self.https),
            env={"HOME": own, "XDG_CONFIG_HOME": own, "XDG_DATA_HOME": own})

    def log(self):
        return (self.path / "log").read_text(errors="replace")

    def stop(self):
        self.process.stop()
        self.folder.remove()


class Pebble:
    """An ACME server that looks at port HTTP and HTTPS of the names, which it asks the DNS server at port DNS for."""

    def __init__(self, dns, http, https):
        self.folder = Folder("pebble")
        self.path = self.folder.path
        authority = Authority(self.path)
        certificate, key = authority.sign("localhost", "IP:127.0.0.1")
        self.root_of_directory = authority.root
        acme, management = free_ports(2)
        self.directory = f"https://127.0.0.1:{acme}/dir"
        self.roots = f"https://127.0.0.1:{management}/roots/0"
        (self.path / "pebble.json").write_text(json.dumps({"pebble": {
            "listenAddress": f"127.0.0.1:{acme}", "managementListenAddress": f"127.0.0.1:{management}",
            "certificate": str(certificate), "privateKey": str(key), "httpPort": http, "tlsPort": https,
            "ocspResponderURL": "", "externalAccountBindingRequired": False}}))
        self.process = Process(["pebble", "-config", str(self.path / "pebble.json"), "-dnsserver", f"127.0.0.1:{dns}"],
                               self.path / "log", lambda: listens(acme) and listens(management),
                               env={"PEBBLE_VA_NOSLEEP": "1", "PEBBLE_WFE_NONCEREJECT": "0"})

    def write_root(self):
        """The file with the certificate that its certificates are checked with."""
        path = self.path / "root.pem"
        subprocess.run(["curl", "-sf", "--cacert", self.root_of_directory, "-o", path, self.roots], check=True)
        return path

    def stop(self):
        self.process.stop()
        self.folder.remove()
