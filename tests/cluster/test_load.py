"""Many clients, many nodes, one database, kill -9 throughout: nothing is sold or charged twice, nothing that was answered is lost.

DFYD_CLUSTER_ORDERS=100000 makes it the full proof (`make prove`); DFYD_CLUSTER_SEED makes other wants.
"""
import os

import nodes
import proving
from given import cluster_database, cluster_server  # noqa: F401, fixtures

SEED = int(os.environ.get("DFYD_CLUSTER_SEED", "1"))


def test_one_node_on_the_embedded_database(tmp_path):
    """The same promises of one node that is killed."""
    cluster = nodes.Cluster(tmp_path)
    cluster.node("a")
    cluster.start()
    try:
        proving.run(cluster, 3000, seed=SEED, meanwhile=nodes.Killer(cluster, SEED, pause=(0.2, 0.8), down=(0, 0.3)))
    finally:
        cluster.stop()


def test_three_nodes_on_one_postgresql(tmp_path, cluster_database):  # noqa: F811
    """One that only answers, one that only works, one that does both; they start at once on an empty database."""
    cluster = nodes.Cluster(tmp_path, cluster_database.url)
    cluster.node("answers", "serve", "--no-worker")
    cluster.node("both", "serve")
    cluster.node("works", "work")
    cluster.start()
    count = proving.count(2500)
    try:
        proving.run(cluster, count, seed=SEED, meanwhile=nodes.Killer(cluster, SEED), quiet_s=max(120, count / 100))
    finally:
        cluster.stop()
