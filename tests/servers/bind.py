"""A private BIND."""
from servers.primary import KEYS, ZONES, Primary

CONFIG = """options {{
    directory "{folder}";
    pid-file none;
    session-keyfile none;
    listen-on port {port} {{ 127.0.0.1; }};
    listen-on-v6 {{ none; }};
    recursion no;
    notify no;
    dnssec-validation no;
    allow-transfer {{ none; }};
}};
controls {{ }};
{keys}
{zones}
"""
# Signed by BIND itself, from another copy of the zone than the one that updates change.
SIGNED = "signed.test"


class Bind(Primary):
    name, program = "bind", "named"

    def write_config(self):
        keys = "".join(f'key "{name}" {{ algorithm {algorithm}; secret "{secret}"; }};\n' for name, (algorithm, secret) in KEYS.items())
        zones = "".join(f'zone "{zone}" {{ type primary; file "zones/{zone}"; '
                        'update-policy { grant dfyd zonesub ANY; grant long.key.ex1.test zonesub ANY; }; };\n' for zone in self.names)
        (self.zones / SIGNED).write_text((self.zones / ZONES[0]).read_text())
        zones += (f'zone "{SIGNED}" {{ type primary; file "zones/{SIGNED}"; dnssec-policy default; inline-signing yes; '
                  'allow-update { key dfyd; }; };\n')
        (self.folder.path / "named.conf").write_text(
            CONFIG.format(port=self.port, folder=self.folder.path, keys=keys, zones=zones))

    def argv(self):
        return [self.path, "-g", "-n", "1", "-c", str(self.folder.path / "named.conf")]
