"""A private Knot DNS."""
from servers.primary import KEYS, Primary

CONFIG = """server:
    listen: 127.0.0.1@{port}
    rundir: {folder}/run
    udp-workers: 1
    tcp-workers: 1
    background-workers: 1
log:
  - target: stdout
    any: info
database:
    storage: {folder}/db
key:
{keys}
acl:
  - id: change
    key: [dfyd, long.key.ex1.test]
    action: update
  - id: look
    key: looker
    action: transfer
template:
  - id: default
    storage: {folder}/zones
    file: "%s"
    acl: [change, look]
zone:
{zones}
"""


class Knot(Primary):
    name, program = "knot", "knotd"

    def write_config(self):
        for one in ("run", "db"):
            (self.folder.path / one).mkdir(exist_ok=True)
        keys = "".join(f"  - id: {name}\n    algorithm: {algorithm}\n    secret: {secret}\n"
                       for name, (algorithm, secret) in KEYS.items())
        zones = "".join(f"  - domain: {zone}\n" for zone in self.names)
        (self.folder.path / "knot.conf").write_text(
            CONFIG.format(port=self.port, folder=self.folder.path, keys=keys, zones=zones))

    def argv(self):
        return [self.path, "-c", str(self.folder.path / "knot.conf")]
