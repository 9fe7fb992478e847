"""The README's session, pasted into a shell line by line, prints what the README says."""
import pathlib
import re
import shutil
import subprocess

from conftest import ROOT, binary
from servers.process import free_ports

READY = "until curl -sf http://127.0.0.1:8025/healthz >/dev/null; do kill -0 $! || exit 1; done\n"
# Instead of the second that a person waits: a slow machine takes longer.
SET_UP = ("until dfyd order list --data ./data.local | awk 'NR == 2 { print $1 }' | xargs dfyd order show --data ./data.local --id |"
          " grep -q '^acme-outreach.com  ready'; do kill -0 $! || exit 1; done\n")


def masked(text):
    text = re.sub(r"[0-9a-f]{8}-[0-9a-f]{4}-7[0-9a-f]{3}-[0-9a-f]{4}-[0-9a-f]{12}", "<id>", text)
    text = re.sub(r"\d{4}-\d\d-\d\dT[\d:.]+Z", "<time>", text)
    text = re.sub(r"\d{4}-\d\d-\d\d", "<day>", text)
    text = re.sub(r'"password":"[A-Za-z0-9]{20}"', '"password":"<password>"', text)
    return [" ".join(line.split()) for line in text.splitlines() if line.strip()]


def test_the_session_can_be_pasted(tmp_path):
    page = (ROOT / "README.md").read_text(encoding="utf-8")
    session = page[page.index("## A first order by hand"):page.index("## What works")]
    blocks = re.findall(r"^```(sh)?\n(.*?)^```$", session, re.M | re.S)
    script, promised = "set -m\n", ""
    for language, text in blocks:
        if not language:
            promised += text
            continue
        for line in text.splitlines(keepends=True):
            if line == "make\n":
                continue
            script += SET_UP if line == "sleep 1\n" else line + (READY if line.startswith("dfyd serve") else "")
    program = tmp_path / "bin"
    program.mkdir()
    (program / "dfyd").symlink_to(pathlib.Path(binary()).resolve())
    assert shutil.which("jq"), "jq is part of the session"

    script = script.replace("$PWD/build/release/src/cmd/dfyd", str(program)).replace("8025", str(free_ports(1)[0]))
    done = subprocess.run(["bash", "-c", script], cwd=tmp_path, capture_output=True, text=True, timeout=120, check=False)
    assert done.returncode == 0, done.stderr
    port = re.compile(r"127\.0\.0\.1:\d+")
    assert masked(port.sub("<address>", done.stdout)) == masked(port.sub("<address>", promised))
