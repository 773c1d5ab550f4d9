"""How to connect to a running cluster from elsewhere, ready to paste."""

from collections.abc import Sequence
from urllib.parse import urlsplit


def lines(url: str, locations: Sequence[str], user: str, password: str) -> list[str]:
    """The client's URL, and one node's address for clients that know no registry.

    Args:
        url: the client URL of the service.
        locations: of the nodes, `grpc://host:port`.
        user: who to log in as.
        password: of this user; belongs to a cluster that is about to end.
    """
    node = urlsplit(locations[0])
    login = f'"username": "{user}", "password": "{password}"'
    address = f"{node.hostname}:{node.port}"
    return [
        "Python, all nodes, with failover:",
        f'  flightkeeper.client.connect("{url}", user="{user}", password="{password}")',
        "Python, ADBC, one node:",
        f'  adbc_driver_flightsql.dbapi.connect("grpc://{address}", db_kwargs={{{login}}})',
        "JDBC, one node:",
        f"  jdbc:arrow-flight-sql://{address}/?useEncryption=false&user={user}&password={password}",
        "Command line:",
        f"  FLIGHTKEEPER_PASSWORD={password} flightkeeper sql '{url}' --username {user}",
    ]
