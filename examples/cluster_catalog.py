"""Tables and partitions managed in one place: defined once, there on every node.

    python -m examples.cluster_catalog zk://127.0.0.1:2181/flightkeeper /shared/sales

Starts two nodes. One is told of a table over a folder of Parquet files, by day; the other has it at
once, and reads only the files of the day that is asked for. Then a program adds a day by itself.
"""

import sys
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq

import flightkeeper.client
from flightkeeper.client import open_cluster
from flightkeeper.discovery.catalog.partitions import Partition
from flightkeeper.flight_server.config import NodeSettings
from flightkeeper.flight_server.node import Node
from flightkeeper.flight_server.telemetry.logging import configure_logging

_TOTALS = "SELECT day, sum(price)::INT AS total FROM shop.sales GROUP BY day ORDER BY day"


def write_day(root: Path, day: str, *prices: int) -> None:
    """The sales of one day."""
    folder = root / f"day={day}"
    folder.mkdir(parents=True, exist_ok=True)
    pq.write_table(pa.table({"price": list(prices)}), folder / "sales.parquet")


def main(url: str, root: Path) -> None:
    """Define a table, and say what the nodes make of it."""
    configure_logging("error")
    nodes = [Node(NodeSettings(registry=url, insecure=True, node_id=name)) for name in "ab"]
    first, second = (node.start().location.replace("grpc://", "flightsql://") for node in nodes)
    try:
        with (
            open_cluster(url) as cluster,
            flightkeeper.client.connect(f"{first}?transport=tcp") as one,
            flightkeeper.client.connect(f"{second}?transport=tcp") as other,
        ):
            write_day(root, "2026-11-01", 5, 7)
            write_day(root, "2026-11-02", 9)
            one.execute(
                "CREATE EXTERNAL TABLE shop.sales (price BIGINT) PARTITIONED BY (day DATE) "
                f"STORED AS PARQUET LOCATION '{root}'"
            )
            one.execute("MSCK REPAIR TABLE shop.sales")
            for row in other.query(_TOTALS).read_all().to_pylist():
                print(f"{row['day']}: {row['total']}")
            write_day(root, "2026-11-03", 20, 1)
            day = Partition(("2026-11-03",), "day=2026-11-03", ("sales.parquet",))
            revision = cluster.catalog.add_partitions("shop.sales", [day])
            print(f"revision {revision}: {len(cluster.catalog.partitions('shop.sales'))} days")
            one.execute("DROP EXTERNAL TABLE shop.sales")
            print(f"left: {len(cluster.catalog.all())}")
    finally:
        for node in nodes:
            node.stop()
            node.wait()


if __name__ == "__main__":
    main(sys.argv[1], Path(sys.argv[2]))
