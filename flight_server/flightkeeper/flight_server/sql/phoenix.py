"""Apache Phoenix's dialect: SQL over HBase.

Owns what of it is grammar. A DATE of Phoenix has a time, so it is a timestamp here.
"""

from collections.abc import Mapping
from typing import Any

from sqlglot import exp
from sqlglot.dialects.dialect import Dialect, build_formatted_time
from sqlglot.dialects.hive import Hive
from sqlglot.parser import Parser
from sqlglot.tokenizer_core import Token, TokenType
from sqlglot.tokens import Tokenizer as BaseTokenizer

from flightkeeper.flight_server.sql import upserts
from flightkeeper.flight_server.sql.impala import Arguments, timestamp

_TYPES = {
    "DATE": TokenType.TIMESTAMP,
    "UNSIGNED_DATE": TokenType.TIMESTAMP,
    "UNSIGNED_DOUBLE": TokenType.DOUBLE,
    "UNSIGNED_FLOAT": TokenType.FLOAT,
    "UNSIGNED_INT": TokenType.INT,
    "UNSIGNED_LONG": TokenType.BIGINT,
    "UNSIGNED_SMALLINT": TokenType.SMALLINT,
    "UNSIGNED_TIME": TokenType.TIMESTAMP,
    "UNSIGNED_TIMESTAMP": TokenType.TIMESTAMP,
    "UNSIGNED_TINYINT": TokenType.TINYINT,
}
_ORDERED = {"ASC", "DESC", "ROW_TIMESTAMP"}
_TABLE_KINDS = {"IMMUTABLE", "MULTI_TENANT"}


def _to_date(arguments: Arguments, dialect: Dialect) -> exp.Expr:
    if len(arguments) == 1:
        return exp.cast(arguments[0], "TIMESTAMP")
    return build_formatted_time(exp.StrToTime)(arguments[:2], dialect)


def _to_char(arguments: Arguments, dialect: Dialect) -> exp.Expr:
    if len(arguments) == 1:
        return exp.cast(arguments[0], "VARCHAR")
    return build_formatted_time(exp.TimeToStr)([timestamp(arguments[0]), arguments[1]], dialect)


def _number(arguments: Arguments) -> exp.Expr:
    if len(arguments) > 1:
        return exp.ToNumber(this=arguments[0], format=arguments[1])
    return exp.cast(arguments[0], "DOUBLE")


def _truncated(arguments: Arguments) -> exp.Expr:
    value, *rest = arguments
    if not rest or not rest[0].is_string:
        return exp.Trunc(this=value, decimals=rest[0] if rest else None)
    return exp.TimestampTrunc(this=timestamp(value), unit=exp.var(rest[0].name))


def _now(_arguments: Arguments) -> exp.Expr:
    return exp.CurrentTimestamp()


class Phoenix(Dialect):
    """Phoenix."""

    NULL_ORDERING = "nulls_are_small"
    INDEX_OFFSET = 1
    TYPED_DIVISION = True
    TIME_MAPPING = Hive.TIME_MAPPING
    TIME_FORMAT = Hive.TIME_FORMAT

    class Tokenizer(BaseTokenizer):
        """The base's, with Phoenix's types and UPSERT."""

        KEYWORDS = {**BaseTokenizer.KEYWORDS, **_TYPES, **upserts.UPSERT_KEYWORDS}  # noqa: RUF012

    class Parser(upserts.Upserting):
        """The base's, with tables, sequences and functions of Phoenix."""

        STATEMENT_PARSERS = {**Parser.STATEMENT_PARSERS, **upserts.UPSERT_PARSERS}  # noqa: RUF012
        NO_PAREN_FUNCTIONS = {  # noqa: RUF012 - as the base has it
            **Parser.NO_PAREN_FUNCTIONS,
            TokenType.CURRENT_DATE: exp.CurrentTimestamp,
        }
        FUNCTIONS = {  # noqa: RUF012 - as the base has it
            **Parser.FUNCTIONS,
            "CURRENT_DATE": _now,
            "NOW": _now,
            "TO_CHAR": _to_char,
            "TO_DATE": _to_date,
            "TO_NUMBER": _number,
            "TO_TIMESTAMP": _to_date,
            "TRUNC": _truncated,
        }

        def parse(self, raw_tokens: list[Token], sql: str) -> list[exp.Expr | None]:
            """Parse without what HBase alone needs to know."""
            tokens = _plain_upsert(_plain_sequence(_plain_table(raw_tokens)))
            return super().parse(_sequenced(tokens), sql)


def _plain_table(tokens: list[Token]) -> list[Token]:
    """CREATE TABLE without its options, column families, and the order of its key."""
    tokens = [
        token
        for index, token in enumerate(tokens)
        if index != 1 or token.text.upper() not in _TABLE_KINDS
    ]
    opening = upserts.is_table(tokens)
    if opening is None:
        return tokens
    end = upserts.closing(tokens, opening)
    inner = _plain_columns(upserts.dropped(tokens[opening + 1 : end], _ORDERED))
    kept = [*tokens[: opening + 1]]
    for token in inner:
        starts_key = token.token_type is TokenType.CONSTRAINT
        if starts_key and kept[-1].token_type is not TokenType.COMMA:
            kept.append(
                Token(TokenType.COMMA, ",", token.line, token.col, token.start, token.start)
            )
        kept.append(token)
    return [*kept, tokens[end]]


def _plain_columns(tokens: list[Token]) -> list[Token]:
    """Names of columns without their families."""
    return [
        token
        for token, after in zip(tokens, [*tokens[1:], None], strict=True)
        if token.token_type is not TokenType.DOT
        and (after is None or after.token_type is not TokenType.DOT)
    ]


def _plain_upsert(tokens: list[Token]) -> list[Token]:
    """The columns of an UPSERT without their families."""
    if upserts.words(tokens, 0, 1) != ("UPSERT",):
        return tokens
    for index, token in enumerate(tokens):
        if token.text.upper() in {"VALUES", "SELECT"}:
            return tokens
        if token.token_type is TokenType.L_PAREN:
            end = upserts.closing(tokens, index)
            return [*tokens[:index], *_plain_columns(tokens[index:end]), *tokens[end:]]
    return tokens


def _plain_sequence(tokens: list[Token]) -> list[Token]:
    """CREATE SEQUENCE without how many numbers a client keeps."""
    if upserts.words(tokens, 0, 2) != ("CREATE", "SEQUENCE"):
        return tokens
    for index in range(len(tokens)):
        if upserts.words(tokens, index, 1) == ("CACHE",):
            return [*tokens[:index], *tokens[index + 2 :]]
    return tokens


def _sequenced(tokens: list[Token]) -> list[Token]:
    """`NEXT VALUE FOR s` as the function that DuckDB has."""
    result: list[Token] = []
    index = 0
    while index < len(tokens):
        function = _SEQUENCES.get(upserts.words(tokens, index, 3))
        if function is None:
            result.append(tokens[index])
            index += 1
            continue
        first, name = tokens[index], index + 3
        last = name
        while upserts.words(tokens, last + 1, 1) == (".",):
            last += 2
        text = ".".join(token.text for token in tokens[name : last + 1 : 2])
        result += [_at(first, kind, word) for kind, word in _call(function, text)]
        index = last + 1
    return result


_SEQUENCES: Mapping[tuple[str, ...], str] = {
    ("NEXT", "VALUE", "FOR"): "NEXTVAL",
    ("CURRENT", "VALUE", "FOR"): "CURRVAL",
}


def _call(function: str, text: str) -> list[tuple[TokenType, str]]:
    return [
        (TokenType.VAR, function),
        (TokenType.L_PAREN, "("),
        (TokenType.STRING, text),
        (TokenType.R_PAREN, ")"),
    ]


def _at(token: Token, kind: TokenType, text: str) -> Token:
    return Token(kind, text, token.line, token.col, token.start, token.end)


def without_families(tree: exp.Expr) -> exp.Expr:
    """`cf.col` as `col`, where no table is called `cf`."""
    tables = {table.alias_or_name.lower() for table in tree.find_all(exp.Table, exp.Subquery)}
    tables |= {cte.alias.lower() for cte in tree.find_all(exp.CTE)} | {"excluded"}
    for column in tree.find_all(exp.Column):
        if column.table and column.table.lower() not in tables and not column.args.get("db"):
            column.set("table", None)
    return tree


def days(node: Any) -> None:
    """`date - 7`: a number of days."""
    dated = isinstance(node.this, exp.CurrentTimestamp | exp.StrToTime) or (
        isinstance(node.this, exp.Cast) and node.this.is_type("TIMESTAMP")
    )
    number = node.expression
    if dated and (number.is_number or isinstance(number, exp.Placeholder)):
        node.set("expression", exp.Interval(this=number.copy(), unit=exp.var("DAY")))
