"""Statements that sqlglot does not look into, by their first words.

EXPLAIN and DESCRIBE use what the statement behind them uses; SHOW TABLES is answered by a query.
"""

from collections.abc import Sequence
from dataclasses import dataclass

from sqlglot.tokenizer_core import Token, TokenType

from flightkeeper.discovery.principals.model import Privilege, folded
from flightkeeper.flight_server.sql.access.uses import Span, TableUse
from flightkeeper.flight_server.sql.reading import Source

SHOW_TABLES = (
    "SELECT table_name AS name FROM duckdb_tables() WHERE database_name = current_catalog() "
    "AND schema_name = current_schema() UNION ALL SELECT view_name FROM duckdb_views() "
    "WHERE database_name = current_catalog() AND schema_name = current_schema() ORDER BY 1"
)
"""What DuckDB answers to SHOW TABLES."""
_DESCRIBING = {"DESCRIBE", "DESC", "SUMMARIZE"}
_ANALYZE = {"ANALYZE", "ANALYSE"}
_NAMES = {TokenType.IDENTIFIER, TokenType.STRING}


@dataclass(frozen=True, slots=True)
class Head:
    """What stands before the statement that is judged.

    Attributes:
        rest: the statement; None = there is none.
        table: what is described instead.
        instead: a query that answers the same.
    """

    rest: Source | None = None
    table: TableUse | None = None
    instead: str = ""


def head(source: Source) -> Head:
    """Divide a statement."""
    words = source.words
    if words[0] == "EXPLAIN":
        rest = _after_explain(source)
        return Head() if rest is None else head(rest)
    if words[0] in _DESCRIBING and len(source.tokens) > 1:
        table = _table(source.tokens[1:])
        return Head(table=table) if table else Head(source.after(1))
    if words == ("SHOW", "TABLES"):
        return Head(instead=SHOW_TABLES)
    return Head(source)


def _after_explain(source: Source) -> Source | None:
    tokens = source.tokens
    begin = 1
    if begin < len(tokens) and source.words[begin] in _ANALYZE:
        begin += 1
    if begin < len(tokens) and tokens[begin].token_type is TokenType.L_PAREN:
        end = _closing(tokens, begin)
        # A query may stand in parentheses itself.
        if end + 1 < len(tokens):
            begin = end + 1
    return source.after(begin) if begin < len(tokens) else None


def _closing(tokens: Sequence[Token], begin: int) -> int:
    depth = 0
    for number in range(begin, len(tokens)):
        kind = tokens[number].token_type
        depth += (kind is TokenType.L_PAREN) - (kind is TokenType.R_PAREN)
        if depth == 0:
            return number
    return len(tokens)


def _table(tokens: Sequence[Token]) -> TableUse | None:
    """Names with dots between them, and nothing else."""
    names, dots = tokens[::2], tokens[1::2]
    if len(tokens) % 2 == 0 or any(dot.token_type is not TokenType.DOT for dot in dots):
        return None
    if not all(_is_name(token) for token in names):
        return None
    return TableUse(
        path=tuple(folded(token.text) for token in names),
        needs=frozenset({Privilege.SELECT}),
        span=Span(tokens[0].start, tokens[-1].end + 1),
        written=names[-1].text,
        bare=True,
    )


def _is_name(token: Token) -> bool:
    return token.token_type in _NAMES or token.text.replace("_", "a").isalnum()
