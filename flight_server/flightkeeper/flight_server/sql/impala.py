"""Impala's dialect: Hive's grammar, with statements and functions of its own."""

from collections.abc import Callable
from typing import Any

from sqlglot import exp
from sqlglot.dialects.dialect import Dialect, build_formatted_time
from sqlglot.dialects.hive import Hive
from sqlglot.parsers.hive import HiveParser
from sqlglot.tokenizer_core import Token, TokenType

from flightkeeper.flight_server.sql import upserts

_HINTS = {"BROADCAST", "CLUSTERED", "NOCLUSTERED", "NOSHUFFLE", "SHUFFLE"}
_AFTER_PARTITIONS = {"AS", "COMMENT", "LOCATION", "STORED", "TBLPROPERTIES", "WITH"}
_TRUNCATED_TO = {
    "YEAR": ("SYYYY", "YYYY", "YEAR", "SYEAR", "YYY", "YY", "Y"),
    "QUARTER": ("Q",),
    "MONTH": ("MONTH", "MON", "MM", "RM"),
    "WEEK": ("DAY", "DY", "D"),
    "DAY": ("DDD", "DD", "J"),
    "HOUR": ("HH", "HH12", "HH24"),
    "MINUTE": ("MI",),
}
UNITS = {code: unit for unit, codes in _TRUNCATED_TO.items() for code in codes}
"""Units of DuckDB by Oracle's codes, which Impala and Hive took over."""

Arguments = list[exp.Expr]


def timestamp(argument: exp.Expr) -> exp.Expr:
    """A literal where a time is meant; anything else has its type."""
    return exp.cast(argument, "TIMESTAMP") if argument.is_string else argument


def truncated(arguments: Arguments) -> exp.Expr:
    """`trunc` of a number, or of a time to a unit with Oracle's codes."""
    value, *rest = arguments
    if not rest or not rest[0].is_string:
        return exp.Trunc(this=value, decimals=rest[0] if rest else None)
    code = rest[0].name.upper()
    return exp.TimestampTrunc(this=timestamp(value), unit=exp.var(UNITS.get(code, code)))


def _moved(operation: type[exp.Binary]) -> Callable[[Arguments], exp.Expr]:
    """date_add and date_sub, of days or of an interval."""

    def build(arguments: Arguments) -> exp.Expr:
        value, by = arguments
        if not isinstance(by, exp.Interval):
            by = exp.Interval(this=by, unit=exp.var("DAY"))
        return exp.paren(operation(this=timestamp(value), expression=by), copy=False)

    return build


def _to_timestamp(arguments: Arguments, dialect: Dialect) -> exp.Expr:
    if len(arguments) == 1:
        return exp.Anonymous(this="TIMESTAMP_SECONDS", expressions=arguments)
    return build_formatted_time(exp.StrToTime)(arguments, dialect)


def _formatted(arguments: Arguments, dialect: Dialect) -> exp.Expr:
    return build_formatted_time(exp.TimeToStr)([timestamp(arguments[0]), *arguments[1:]], dialect)


def _joined(arguments: Arguments) -> exp.Expr:
    value, *rest = arguments
    if isinstance(value, exp.Distinct):
        rest += value.expressions[1:]
        value.set("expressions", value.expressions[:1])
    return exp.GroupConcat(this=value, separator=rest[0] if rest else exp.Literal.string(", "))


class Impala(Hive):
    """Impala."""

    NULL_ORDERING = "nulls_are_large"

    class Tokenizer(Hive.Tokenizer):
        """Hive's, and UPSERT."""

        KEYWORDS = {**Hive.Tokenizer.KEYWORDS, **upserts.UPSERT_KEYWORDS}  # noqa: RUF012 - as the base

    class Parser(HiveParser, upserts.Upserting):
        """Hive's, without hints, and with Impala's functions."""

        STATEMENT_PARSERS = {**HiveParser.STATEMENT_PARSERS, **upserts.UPSERT_PARSERS}  # noqa: RUF012
        FUNCTIONS = {  # noqa: RUF012 - as the base has it
            **HiveParser.FUNCTIONS,
            "ADDDATE": _moved(exp.Add),
            "DATE_ADD": _moved(exp.Add),
            "DATE_SUB": _moved(exp.Sub),
            "FROM_TIMESTAMP": _formatted,
            "GROUP_CONCAT": _joined,
            "NOW": lambda _arguments: exp.CurrentTimestamp(),
            "SUBDATE": _moved(exp.Sub),
            "TO_TIMESTAMP": _to_timestamp,
            "TRUNC": truncated,
        }

        def parse(self, raw_tokens: list[Token], sql: str) -> list[exp.Expr | None]:
            """Parse without what only tells the planner or the storage something."""
            tokens = upserts.dropped(raw_tokens, {"STRAIGHT_JOIN"})
            return super().parse(_without_partitions(_without_hints(tokens)), sql)

        def _parse_extract(self) -> Any:
            """`extract(ts, 'hour')` beside `extract(hour FROM ts)`."""
            index = self._index
            value = self._try_parse(self._parse_bitwise)
            if value is not None and self._match(TokenType.COMMA):
                unit: Any = self._parse_string()
                return self.expression(exp.Extract(this=exp.var(unit.name), expression=value))
            self._retreat(index)
            return super()._parse_extract()


def _without_hints(tokens: list[Token]) -> list[Token]:
    """Without `[SHUFFLE]` and its like."""
    kept: list[Token] = []
    index = 0
    while index < len(tokens):
        word = upserts.words(tokens, index, 3)
        if word[:1] == ("[",) and word[1:2] and word[1] in _HINTS and word[2:] == ("]",):
            index += 3
            continue
        kept.append(tokens[index])
        index += 1
    return kept


def _without_partitions(tokens: list[Token]) -> list[Token]:
    """A Kudu table without `PARTITION BY HASH (id) PARTITIONS 3`."""
    if upserts.is_table(tokens) is None:
        return tokens
    for index in range(len(tokens)):
        if tokens[index].text.upper() == "PARTITION BY":
            return upserts.without(tokens, index, _AFTER_PARTITIONS)
    return tokens
