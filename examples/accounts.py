"""Who may read what, agreed on once for all nodes, and taken back under an open connection.

    python -m examples.accounts zk://127.0.0.1:2181/flightkeeper

Starts two nodes that go by the accounts of the registry. An administrator lets a role read two
columns, and the rows of one region; a user with the role reads just these on either node. Then the
administrator takes the role away on one node: the connection that is open on the other is refused.
"""

import secrets
import sys
import time
from contextlib import ExitStack

from flightkeeper.client import AuthenticationFailed, Connection, PermissionDenied, connect
from flightkeeper.discovery.principals.accounts import Accounts
from flightkeeper.discovery.principals.model import SUPERUSER
from flightkeeper.discovery.registry import open_registry
from flightkeeper.flight_server.auth.passwords import hash_password
from flightkeeper.flight_server.config import NodeSettings
from flightkeeper.flight_server.node import Node
from flightkeeper.flight_server.telemetry.logging import configure_logging

_ORDERS = """CREATE TABLE orders AS
FROM (VALUES (1, 'north', 10), (2, 'south', 20)) t(id, region, price)"""
_READ = "SELECT * FROM orders ORDER BY ALL"
_WITHIN_S = 2.0


def main(url: str) -> None:
    """Grant, read, revoke."""
    configure_logging("error")
    password = secrets.token_urlsafe()
    registry = open_registry(url)
    # The first administrator is made beside the nodes: nobody can log in before.
    Accounts(registry, "the example").create_user("root", hash_password(password), SUPERUSER)
    nodes = [Node(NodeSettings(registry=url, accounts="registry", node_id=name)) for name in "ab"]
    urls = [
        node.start().location.replace("grpc://", "flightsql://") + "?transport=tcp"
        for node in nodes
    ]
    try:
        with (
            connect(urls[0], user="root", password=password) as root,
            connect(urls[1], user="root", password=password) as other,
        ):
            root.execute(_ORDERS)
            other.execute(_ORDERS)
            root.execute(f"CREATE USER amy PASSWORD '{password}'")
            root.execute("CREATE ROLE north")
            root.execute("GRANT SELECT (id, region) ON orders TO north WHERE region = 'north'")
            root.execute("GRANT north TO amy")
            with _connected(urls[1], "amy", password) as amy:
                print(f"amy reads {amy.query(_READ).read_all().to_pylist()}")
                root.execute("REVOKE north FROM amy")
                print(f"amy is refused: {_refused(amy)}")
    finally:
        for node in nodes:
            node.stop()
            node.wait()
        registry.close()


def _connected(url: str, user: str, password: str) -> Connection:
    """A user who may read on another node than the one that was told: it hears within a second."""
    deadline_s = time.monotonic() + _WITHIN_S
    while True:
        with ExitStack() as stack:
            try:
                connection = stack.enter_context(connect(url, user=user, password=password))
                connection.query(_READ).read_all()
            except (AuthenticationFailed, PermissionDenied):
                if time.monotonic() > deadline_s:
                    raise
            else:
                stack.pop_all()
                return connection


def _refused(connection: Connection) -> bool:
    """Whether a connection may not read any more, after the second that a change may take."""
    deadline_s = time.monotonic() + _WITHIN_S
    while time.monotonic() < deadline_s:
        try:
            connection.query(_READ).read_all()
        except PermissionDenied:
            return True
    return False


if __name__ == "__main__":
    main(sys.argv[1])
