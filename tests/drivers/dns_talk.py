"""A conversation with dns-talk, a DNS driver alone. RRsets are [name, type, ttl, [value, ...]]; a value is bytes as latin-1 text."""
import json
import os
import pathlib
import subprocess

import pytest

from conftest import binary

NONE = [0, []]


def program():
    built = pathlib.Path(binary()).resolve().parents[3] / "tests/drivers/dns-talk"
    if not built.exists():
        pytest.skip(f"{built} is not built: meson setup with -Dtests=true")
    return str(built)


def change(name, type, was, to):
    """One change of an RRset; WAS and TO are [ttl, [value, ...]], or NONE."""
    return {"name": name, "type": type, "was": was or NONE, "to": to or NONE}


class Talk:
    """One driver, with the settings ENV (TALK_...). SECRETS never come back in what it says."""

    def __init__(self, driver, secrets=(), **env):
        self.secrets = secrets
        self.process = subprocess.Popen([program()], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True,
                                        env={**os.environ, "TALK_DRIVER": driver, **env})

    def ask(self, do, **asked):
        self.process.stdin.write(json.dumps({"do": do, **asked}) + "\n")
        self.process.stdin.flush()
        line = self.process.stdout.readline()
        assert line, "dns-talk ended"
        assert not [one for one in self.secrets if one in line]
        return json.loads(line)

    def fetch(self, zone, *names):
        """NAMES: pairs of name and type."""
        return self.ask("fetch", zone=zone, sets=[list(pair) for pair in names])

    def served(self, zone, name, type):
        """[ttl, sorted values], or NONE; the zone must be ours."""
        said = self.fetch(zone, (name, type))
        assert (said["outcome"], said["state"]) == ("done", "ours"), said
        assert said["served"][0][:2] == [name, type]
        ttl, values = said["served"][0][2:]
        return [ttl, sorted(values)] if values else NONE

    def change(self, zone, *changes):
        return self.ask("change", zone=zone, changes=list(changes))

    def must_change(self, zone, *changes):
        said = self.change(zone, *changes)
        assert said["outcome"] == "done", said

    def all(self, jobs, threads=8):
        return self.ask("all", jobs=jobs, threads=threads)["answers"]

    def end(self):
        self.process.stdin.close()
        assert self.process.wait(30) == 0
        self.process.stdout.close()
