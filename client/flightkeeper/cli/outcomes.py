"""What a statement that has no rows did, in words: "CREATE TABLE (5 rows)", "DROP VIEW".

Owns those words. They are for people: the other forms hold the count that a node answers with.
"""

from itertools import pairwise
from typing import Any, TextIO

import pyarrow as pa

from flightkeeper.cli.formats import Format, write
from flightkeeper.cli.statements import words
from flightkeeper.client.result import is_count

_DEFINES = frozenset({"CREATE", "DROP", "ALTER"})
_KINDS = frozenset(
    {"DATABASE", "FUNCTION", "INDEX", "MACRO", "ROLE", "SCHEMA", "SECRET", "SEQUENCE"}
    | {"TABLE", "TYPE", "USER", "VIEW"}
)
_CHANGES = frozenset({"INSERT", "UPDATE", "DELETE", "MERGE"})


def write_answer(statement: str, reader: pa.RecordBatchReader, output: Format, out: TextIO) -> None:
    """Print what a statement answered, or in the form for people what it did.

    Raises: what reading the result raises.
    """
    did = outcome(statement, reader) if output is Format.TABLE else ""
    if did:
        print(did, file=out, flush=True)
    else:
        write(reader, output, out)


def outcome(statement: str, reader: pa.RecordBatchReader) -> str:
    """What a statement did, and to how many rows if that was counted; "" if it answered with rows.

    Reads the result if that is a count, and else leaves it alone.
    """
    if not is_count(reader.schema):
        return ""
    counts: list[Any] = reader.read_all().column(0).to_pylist()
    rows = sum(counts)
    return (
        f"{verb(statement)} ({rows} {'row' if rows == 1 else 'rows'})"
        if counts
        else verb(statement)
    )


def verb(statement: str) -> str:
    """What a statement does: its first word, and what kind of thing it defines."""
    said = list(words(statement))
    if said[0] in _DEFINES:
        return " ".join([said[0], *[word for word in said if word in _KINDS][:1]])
    if said[0] == "WITH":
        # What follows its queries, which stand in parentheses.
        return next(
            (word for before, word in pairwise(said) if before == ")" and word in _CHANGES), "WITH"
        )
    return said[0]
