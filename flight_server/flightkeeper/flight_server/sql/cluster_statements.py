"""Which statements are the cluster's: how they begin, and how they are read.

Owns the table of them. They are written the same in every dialect, and read from its words.
"""

import re
from collections.abc import Callable
from dataclasses import dataclass
from functools import cache
from typing import TYPE_CHECKING

from flightkeeper.flight_server.command import Command
from flightkeeper.flight_server.sql import (
    account_statements,
    kills,
    lock_statements,
    reference_statements,
)

if TYPE_CHECKING:
    from flightkeeper.flight_server.sql.reading import Source


@dataclass(frozen=True, slots=True)
class Rule:
    """One kind of statement.

    Attributes:
        mark: a pattern of words that are in all of them and in few others; a text without any is
            not looked at.
        begins: a pattern of their first words, in upper case with one blank between them; names in
            quotes are empty words.
        read: makes a command of a statement; None = it is none after all. Raises InvalidArgument.
    """

    mark: str
    begins: str
    read: "Callable[[Source], Command | None]"


def _of_catalog(name: str) -> "Callable[[Source], Command | None]":
    """A reader that is loaded, with sqlglot, by the first statement that needs it."""

    def read(source: "Source") -> Command | None:
        from flightkeeper.flight_server.sql import catalog_statements  # noqa: PLC0415 - see above

        found: Command | None = getattr(catalog_statements, name)(source)
        return found

    return read


_GAP = r"(?:\s|(?:--|#)[^\n]{0,1000}+\n|/\*.{0,1000}?\*/)++"
"""What may stand between two words: comments too, within bounds, because it is looked for often."""
_OBJECT = "(?:EXTERNAL TABLE|CLUSTER (?:VIEW|MACRO))"
_OBJECT_MARK = "EXTERNAL|CLUSTER"
_SHOW_MARK = f"SHOW{_GAP}(?:GRANTS|USERS|ROLES)"

RULES: tuple[Rule, ...] = (
    Rule(
        _OBJECT_MARK,
        "CREATE (?:OR REPLACE )?(?:EXTERNAL|CLUSTER (?:VIEW|MACRO|FUNCTION))",
        _of_catalog("create"),
    ),
    Rule(_OBJECT_MARK, f"DROP {_OBJECT}", _of_catalog("drop")),
    Rule(_OBJECT_MARK, f"COMMENT ON {_OBJECT}", _of_catalog("comment")),
    # Not that of a window.
    Rule(rf"PARTITION(?!{_GAP}BY\b)", "ALTER (?:EXTERNAL )?TABLE", _of_catalog("alter")),
    Rule("MSCK", "MSCK", _of_catalog("repair")),
    Rule("PARTITIONS", "SHOW PARTITIONS", _of_catalog("show")),
    Rule("REFERENCE", "DROP REFERENCE TABLE", reference_statements.drop),
    Rule("REFERENCE", "SHOW REFERENCE TABLES", reference_statements.show),
    Rule("REFERENCE", "SHOW HISTORY OF REFERENCE TABLE", reference_statements.history),
    Rule("KILL", "KILL", kills.kill),
    Rule("FLIGHTKEEPER_LOCK", "SELECT FLIGHTKEEPER_LOCK", lock_statements.lock),
    Rule(
        "FLIGHTKEEPER_LOCK_SHARED", "SELECT FLIGHTKEEPER_LOCK_SHARED", lock_statements.lock_shared
    ),
    Rule("FLIGHTKEEPER_LOCK_CHECK", "SELECT FLIGHTKEEPER_LOCK_CHECK", lock_statements.check),
    Rule("FLIGHTKEEPER_UNLOCK", "SELECT FLIGHTKEEPER_UNLOCK", lock_statements.unlock),
    Rule("FLIGHTKEEPER_LOCKS", r"SELECT \* FROM FLIGHTKEEPER_LOCKS", lock_statements.locks),
    Rule("PASSWORD", "CREATE USER", account_statements.create_user),
    Rule(f"CREATE{_GAP}ROLE", "CREATE ROLE", account_statements.create_role),
    Rule(f"ALTER{_GAP}USER", "ALTER USER", account_statements.alter_user),
    Rule(f"DROP{_GAP}(?:USER|ROLE)", "DROP (?:USER|ROLE)", account_statements.drop),
    Rule("GRANT", "GRANT", account_statements.grant),
    Rule("REVOKE", "REVOKE", account_statements.revoke),
    Rule(_SHOW_MARK, "SHOW GRANTS", account_statements.show_grants),
    Rule(_SHOW_MARK, "SHOW USERS", account_statements.show_users),
    Rule(_SHOW_MARK, "SHOW ROLES", account_statements.show_roles),
)

_REFERENCE = re.compile(r"CREATE (?:OR REPLACE )?REFERENCE TABLE\b")


def mentioned(text: str) -> bool:
    """Whether there may be such a statement in a text."""
    return _marks().search(text) is not None


def command(source: "Source") -> Command | None:
    """What a statement asks of the cluster; None = it is one of the engine's."""
    words = " ".join(source.words)
    for rule in RULES:
        if re.match(rf"{rule.begins}(?: |$)", words) and (found := rule.read(source)):
            return found
    return None


def plain_definition(source: "Source") -> str | None:
    """The definition of a reference table as that of a table; None = it is something else."""
    if not _REFERENCE.match(" ".join(source.words)):
        return None
    start = source.tokens[0].start
    word = source.tokens[source.words.index("REFERENCE")]
    end = source.tokens[-1].end + 1
    return source.text[start : word.start] + source.text[word.end + 1 : end]


@cache
def _marks() -> re.Pattern[str]:
    marks = {"REFERENCE", *(rule.mark for rule in RULES)}
    return re.compile(rf"\b(?:{'|'.join(sorted(marks))})\b", re.IGNORECASE | re.DOTALL)
