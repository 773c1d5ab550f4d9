"""Tables made, filled and read in the dialect of Hive and Spark, through the cluster's router.

    python -m examples.engine_dialect zk://127.0.0.1:2181/flightkeeper

Starts a node whose clients speak Spark's dialect if they say nothing else, and does what people
try first: CREATE TABLE with STRING, INSERT with texts in double quotes, SELECT.
"""

import sys

import flightkeeper.client
from flightkeeper.flight_server.config import NodeSettings
from flightkeeper.flight_server.node import Node
from flightkeeper.flight_server.telemetry.logging import configure_logging


def main(url: str) -> None:
    """Make a table, fill it, and print what is in it."""
    configure_logging("warning")
    node = Node(NodeSettings(registry=url, insecure=True, dialect="spark"))
    node.start()
    scheme, _, rest = url.partition("://")
    try:
        with flightkeeper.client.connect(f"flightsql+{scheme}://{rest}") as connection:
            connection.execute("CREATE TABLE data (id INT, name STRING, age INT)")
            connection.execute('INSERT INTO data VALUES (1, "Alice", 25), (2, "Bob", 31)')
            rows = connection.query("SELECT name, age FROM data WHERE age > 30").read_all()
            print(rows.to_pylist())
    finally:
        node.stop()
        node.wait()


if __name__ == "__main__":
    main(sys.argv[1])
