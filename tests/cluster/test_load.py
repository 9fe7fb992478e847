"""Many clients, many nodes, one database, kill -9 throughout: nothing is sold or charged twice, nothing that was answered is lost."""
import os

import nodes
import proving


def test_one_node_on_the_embedded_database(tmp_path):
    """The harness itself, and the same promises of one node that is killed."""
    cluster = nodes.Cluster(tmp_path)
    cluster.node("a")
    cluster.start()
    try:
        proving.run(cluster, proving.count(600), seed=int(os.environ.get("DFYD_CLUSTER_SEED", "1")), meanwhile=nodes.Killer(cluster, 1))
    finally:
        cluster.stop()
