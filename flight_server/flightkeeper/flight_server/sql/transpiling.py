"""One way from a client's text to DuckDB's: read, rewrite, write.

Owns that nothing but `InvalidArgument` comes out of sqlglot, and nothing into the log.
"""

from dataclasses import dataclass

from sqlglot import exp

from flightkeeper.flight_server.errors import InvalidArgument
from flightkeeper.flight_server.sql import commands, reading, rewriting, writing
from flightkeeper.flight_server.sql.reading import Source, TooComplicated

_PLAIN = frozenset({"SET", "RESET", "SHOW", "PRAGMA", "ATTACH", "DETACH", "CHECKPOINT"})
"""First words of statements that are taken as they are when nothing better is known."""


@dataclass(frozen=True, slots=True)
class Translated:
    """A statement of a text.

    Attributes:
        sql: in DuckDB's dialect.
        source: the client's own text of it.
    """

    sql: str
    source: str


def transpile(text: str, dialect: str) -> tuple[Translated, ...]:
    """The statements of a text, each translated by itself.

    Raises:
        InvalidArgument: one of them does not parse or cannot be translated; nothing was run.
    """
    try:
        return tuple(
            Translated(_translated(source), source.own) for source in reading.sources(text, dialect)
        )
    except InvalidArgument:
        raise
    except (RecursionError, TooComplicated) as exc:
        raise InvalidArgument(
            f"this statement is too deeply nested to be translated from {dialect}; nothing was run"
        ) from exc
    except Exception as exc:
        raise InvalidArgument(
            f"this statement cannot be translated from {dialect}; nothing was run"
        ) from exc


def _translated(source: Source) -> str:
    answer = commands.command(source)
    if answer is not None:
        return answer
    if (explained := commands.explained(source)) is not None:
        head, inner = explained
        return f"{head} {_translated(inner)}"
    if source.words[:2] == ("REPLACE", "INTO"):
        source = reading.as_insert(source)
    if source.opaque or source.words[0] in _PLAIN:
        # If DuckDB understands it, it means the same.
        return source.own
    tree = reading.tree(source)
    if isinstance(tree, exp.Command):
        return source.own
    return writing.write(rewriting.rewrite(tree, source.dialect), source.dialect)
