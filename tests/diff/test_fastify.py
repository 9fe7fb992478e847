"""Fastify itself, with the reference's schemas, beside dfyd: both get the same requests and have to say the same of them."""
import json
import os
import pathlib
import shutil
import subprocess

import pytest

FOLDER = pathlib.Path(__file__).resolve().parent
COUNT = int(os.environ.get("DFYD_DIFF_COUNT", "40000"))
SEED = os.environ.get("DFYD_DIFF_SEED", "1")


def missing():
    """What is not there to run Fastify, or nothing."""
    if not shutil.which("node"):
        return "needs Node.js: scripts/setup fastify"
    version = subprocess.run(["node", "--version"], capture_output=True, text=True, timeout=60, check=True).stdout
    if int(version.lstrip("v").partition(".")[0]) < 20:
        return f"Fastify needs Node.js 20 or later, here is {version.strip()}"
    return None if (FOLDER / "node_modules/fastify").is_dir() else "needs Fastify: scripts/setup fastify"


def test_says_what_fastify_says(fresh):
    if why := missing():
        (pytest.fail if os.environ.get("CI") else pytest.skip)(why)
    server = fresh(rate_limit="off", log_level="warn")
    server.cli("card", "remove")  # so that no order is placed
    done = subprocess.run(["node", str(FOLDER / "compare.mjs"), server.base, server.key, SEED, str(COUNT)],
                          capture_output=True, text=True, timeout=3600, check=False)
    assert done.returncode == 0, done.stderr[-4000:]
    result = json.loads(done.stdout)
    assert result["compared"] == COUNT and result["refused"] > COUNT // 4
    assert len(result["calls"]) == 24  # the reference's
    assert result["n_different"] == 0, "\n".join(json.dumps(case, ensure_ascii=True) for case in result["different"][:20])
