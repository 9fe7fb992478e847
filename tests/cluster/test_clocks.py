"""Nodes whose clocks differ. A lease's end is a time that another node's clock judges, so what differs by less than a lease costs
nothing, and what differs by more costs work that is done again; no promise breaks by either.
"""
import glob
import os

import nodes
import proving
import pytest
from given import cluster_database, cluster_server  # noqa: F401, fixtures
from servers.process import cannot_run

LEASE_S = 5


def clock(ahead_s):
    """The environment of a process whose clock is that far ahead."""
    found = glob.glob("/usr/lib/*/faketime/libfaketimeMT.so.1") or cannot_run("no libfaketime here: scripts/setup check postgres installs it")
    asan = os.environ.get("ASAN_OPTIONS", "")
    return {"LD_PRELOAD": found[0], "FAKETIME": f"{ahead_s:+d}s", "FAKETIME_DONT_FAKE_MONOTONIC": "1",
            "ASAN_OPTIONS": f"{asan}:verify_asan_link_order=0".lstrip(":")}


@pytest.mark.parametrize("ahead", [(-2, 0, 2), (-60, 0, 3600)], ids=["by less than a lease", "by more than a lease"])
def test_clocks_that_differ(tmp_path, cluster_database, ahead):  # noqa: F811
    cluster = nodes.Cluster(tmp_path, cluster_database.url, lease_ms=LEASE_S * 1000)
    for i, seconds in enumerate(ahead):
        cluster.node(f"n{i}", *(("work",) if i == 2 else ("serve",)), env=clock(seconds))
    cluster.start()
    try:
        proving.run(cluster, proving.count(500), seed=11, meanwhile=nodes.Killer(cluster, 11), quiet_s=60)
    finally:
        cluster.stop()
