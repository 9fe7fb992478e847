"""A conversation with a program of this folder, which is a driver alone: a line is asked, a line or more is answered."""
import json
import os
import pathlib
import subprocess

import pytest

from conftest import binary


def program(name):
    built = pathlib.Path(binary()).resolve().parents[3] / "tests/drivers" / name
    if not built.exists():
        pytest.skip(f"{built} is not built: meson setup with -Dtests=true")
    return str(built)


class Conversation:
    """With the program NAME and the settings ENV (TALK_...). SECRETS never come back in what it says."""

    def __init__(self, name, secrets=(), umask=-1, **env):
        self.name, self.secrets = name, set(secrets)
        self.process = subprocess.Popen([program(name)], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True, umask=umask,
                                        env={**os.environ, **{key: str(value) for key, value in env.items()}})

    def write(self, line):
        self.process.stdin.write(f"{line}\n")
        self.process.stdin.flush()

    def read(self):
        line = self.process.stdout.readline()
        assert line, f"{self.name} ended"
        assert not [one for one in self.secrets if one in line]
        return json.loads(line)

    def ask(self, do, **asked):
        self.write(json.dumps({"do": do, **asked}))
        return self.read()

    def end(self):
        self.process.stdin.close()
        assert self.process.wait(60) == 0
        self.process.stdout.close()
