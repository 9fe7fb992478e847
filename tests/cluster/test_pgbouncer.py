"""PgBouncer in transaction mode between nodes and database: the same proof, in short."""
import nodes
import proving
from given import At, cluster_database, cluster_server  # noqa: F401, fixtures
from servers.postgres import PgBouncer


def test_three_nodes_through_pgbouncer(tmp_path, cluster_database):  # noqa: F811
    bouncer = PgBouncer(cluster_database.server, size=15)
    cluster = nodes.Cluster(tmp_path, cluster_database.url_at(bouncer.port))
    cluster.admin_url = cluster_database.url
    for name, command in (("n1", "serve"), ("n2", "serve"), ("n3", "work")):
        cluster.node(name, command)
    try:
        cluster.start()
        proving.run(cluster, proving.count(1500), seed=31, meanwhile=nodes.Killer(cluster, 31))
    finally:
        cluster.stop()
        bouncer.end()
