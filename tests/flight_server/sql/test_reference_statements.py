"""Statements about reference tables."""

import pytest

from flightkeeper.flight_server.command import Command
from flightkeeper.flight_server.errors import InvalidArgument
from flightkeeper.flight_server.sql.reference_statements import (
    DropReferenceTable,
    ShowReferenceTable,
    ShowReferenceTables,
)
from flightkeeper.flight_server.sql.translation import parse


@pytest.mark.parametrize("dialect", ["duckdb", "spark", "mysql", "trino"])
@pytest.mark.parametrize(
    ("text", "command"),
    [
        ("DROP REFERENCE TABLE t", DropReferenceTable(("t",), if_exists=False)),
        ("drop reference table if exists Geo.T;", DropReferenceTable(("geo", "t"), if_exists=True)),
        ("DROP REFERENCE TABLE c.geo.t", DropReferenceTable(("c", "geo", "t"), if_exists=False)),
        ("SHOW REFERENCE TABLES", ShowReferenceTables()),
        ("SHOW HISTORY OF REFERENCE TABLE geo.t", ShowReferenceTable(("geo", "t"))),
    ],
)
def test_each_is_read_in_every_dialect(dialect: str, text: str, command: Command) -> None:
    (statement,) = parse(text, dialect)
    assert statement.command == command


def test_a_quoted_name_is_read() -> None:
    (statement,) = parse('DROP REFERENCE TABLE "Geo"."My t"', "duckdb")
    assert statement.command == DropReferenceTable(("geo", "my t"), if_exists=False)


@pytest.mark.parametrize(
    "text",
    [
        "DROP REFERENCE TABLE",
        "DROP REFERENCE TABLE geo.",
        "DROP REFERENCE TABLE a b",
        "DROP REFERENCE TABLE a, b",
        "SHOW HISTORY OF REFERENCE TABLE",
    ],
)
def test_where_it_is_wrong_is_told(text: str) -> None:
    with pytest.raises(InvalidArgument, match="the name of a table is expected here"):
        parse(text, "duckdb")


def test_what_is_more_is_not_ours() -> None:
    with pytest.raises(InvalidArgument, match="syntax error"):
        parse("SHOW REFERENCE TABLES FROM x", "duckdb")
