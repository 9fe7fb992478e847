"""A conversation with resolver-talk, the resolver driver `stub` alone. Values are bytes as latin-1 text."""
import json
import os
import pathlib
import subprocess

import pytest

from conftest import binary


class Talk:
    def __init__(self, **env):
        built = pathlib.Path(binary()).resolve().parents[3] / "tests/drivers/resolver-talk"
        if not built.exists():
            pytest.skip(f"{built} is not built: meson setup with -Dtests=true")
        self.process = subprocess.Popen([str(built)], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True,
                                        env={**os.environ, **{name: str(value) for name, value in env.items()}})

    def asks(self, name, type="A", times=1):
        self.process.stdin.write(f"{name} {type} {times}\n")
        self.process.stdin.flush()
        said = [json.loads(self.process.stdout.readline()) for _ in range(times)]
        for one in said:
            one["data"] = [bytes.fromhex(value).decode("latin-1") for value in one.get("data", [])]
        return said

    def ask(self, name, type="A"):
        return self.asks(name, type)[0]

    def data(self, name, type="A"):
        said = self.ask(name, type)
        assert said["outcome"] == "done", said
        assert (said["name"], said["type"]) == (name, type)
        return sorted(said["data"])

    def unknown(self, name, type="A"):
        said = self.ask(name, type)
        assert said["outcome"] == "unknown" and said["reason"], said
        return said["reason"]

    def end(self):
        self.process.stdin.close()
        assert self.process.wait(30) == 0
        self.process.stdout.close()
