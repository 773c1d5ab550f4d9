"""`flightkeeper top`: what the nodes of a service do right now.

Owns the verb and its layout; the figures are those of the system tables, from any node.
"""

from collections.abc import Sequence

import typer
from rich.console import Group
from rich.table import Table
from rich.text import Text

from flightkeeper.cli.certificates import TlsRootsOption
from flightkeeper.cli.connecting import (
    Access,
    KeyringOption,
    UrlArgument,
    UsernameOption,
    connected,
)
from flightkeeper.cli.keep_shown import keep_shown
from flightkeeper.client import Connection

app = typer.Typer(pretty_exceptions_enable=False)

_NODES = (
    "SELECT node_id AS node, state, statements, statements_max AS max, sessions,"
    " round(answered_ms, 1) AS ms FROM system.nodes ORDER BY node_id"
)
_STATEMENTS = (
    "SELECT node_id AS node, statement_id AS id, principal AS user, state,"
    " round(elapsed_ms / 1000, 1) AS s, rows, text FROM system.statements"
    " WHERE text NOT LIKE '%system.statements%' ORDER BY elapsed_ms DESC LIMIT 20"
)


@app.command()
def top(
    url: UrlArgument,
    *,
    username: UsernameOption = None,
    keyring: KeyringOption = False,
    tls_roots: TlsRootsOption = None,
) -> None:
    """Show what the nodes of a service do. Until q or Ctrl-C; once, if not on a terminal."""
    with connected(url, Access(username, keyring=keyring, tls_roots=tls_roots)) as connection:
        keep_shown(lambda: _look(connection))


def _look(connection: Connection) -> Group:
    tables = (_table(connection, sql) for sql in (_NODES, _STATEMENTS))
    return Group(*(part for table in tables for part in (table, Text())))


def _table(connection: Connection, sql: str) -> Table:
    answer = connection.query(sql).read_all()
    table = Table(*answer.schema.names, box=None, pad_edge=False, header_style="bold")
    for row in answer.to_pylist():
        table.add_row(*_cells(list(row.values())))
    return table


def _cells(values: Sequence[object]) -> Sequence[Text]:
    lines = ("" if value is None else " ".join(str(value).split()) for value in values)
    return [Text(line, overflow="ellipsis", no_wrap=True) for line in lines]
