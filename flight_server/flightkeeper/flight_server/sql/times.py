"""Dates and times in a tree, between a client's dialect and DuckDB.

Owns what engines count differently (days of the week, whole units), which text stands for a time,
and when a date stays a date. Trees are changed in place.
"""

import re
from collections.abc import Callable, Mapping
from typing import Any

from sqlglot import exp
from sqlglot.dialects.hive import Hive

from flightkeeper.flight_server.sql.impala import UNITS

_HIVE_LIKE = frozenset({"hive", "impala", "spark", "databricks"})
_PRESTO_LIKE = frozenset({"presto", "trino", "athena"})
_SUNDAY_IS_1 = _HIVE_LIKE | {"mysql", "bigquery"}
_ELAPSED = _PRESTO_LIKE | {"spark", "databricks", "mysql", "bigquery"}
_JAVA_FORMATS = _HIVE_LIKE | _PRESTO_LIKE | {"phoenix"}
_DATE_KEEPS = _HIVE_LIKE | _PRESTO_LIKE | {"bigquery", "mysql", "snowflake", "tsql"}
"""Dialects in which a date and an interval of days make a date, not a timestamp."""

_COARSE = re.compile(r"(DAY|WEEK|MONTH|QUARTER|YEAR)S?", re.IGNORECASE)
_ARITHMETIC = (
    exp.Add,
    exp.DateAdd,
    exp.DateSub,
    exp.DateTrunc,
    exp.DatetimeAdd,
    exp.DatetimeSub,
    exp.Sub,
    exp.TimestampAdd,
    exp.TimestampSub,
    exp.TimestampTrunc,
)
_DATES = (exp.CurrentDate, exp.Date, exp.TsOrDsToDate, exp.LastDay, exp.DateFromParts)


def keep_dates(tree: exp.Expr, dialect: str) -> None:
    """Cast what is a date plus an interval of whole days to a date again."""
    if dialect in _DATE_KEEPS:
        for node in reversed(list(tree.find_all(*_ARITHMETIC))):
            if _keeps_date(node, dialect):
                node.replace(exp.cast(node, exp.DType.DATE))


def _read(node: exp.Expr, dialect: str) -> None:
    """A part of a time that is given as text; in Hive's family any column may hold such text."""
    key = "expression" if isinstance(node, exp.Extract) else "this"
    value = node.args.get(key)
    if value is None or isinstance(value, exp.Cast | exp.Interval | exp.TsOrDsToDate):
        return
    if value.is_string or (dialect in _HIVE_LIKE and isinstance(value, exp.Column)):
        node.set(key, exp.cast(value, "TIMESTAMP"))


def _weekday(node: exp.DayOfWeek, dialect: str) -> None:
    """Sunday is 1 in these, and 0 in DuckDB."""
    _read(node, dialect)
    if dialect in _SUNDAY_IS_1:
        node.replace(exp.paren(exp.Add(this=node.copy(), expression=exp.Literal.number(1))))


def _extracted(node: exp.Extract, dialect: str) -> None:
    _read(node, dialect)
    if node.name.upper() == "DATE":
        node.replace(exp.cast(node.expression.copy(), "DATE"))
        return
    if dialect == "bigquery" and node.name.upper() == "ISOWEEK":
        node.set("this", exp.var("WEEK"))
    elif dialect in {"bigquery", "mysql"} and node.name.upper() == "WEEK":
        node.replace(_week_from_sunday(node.expression))
    if dialect in _SUNDAY_IS_1 and node.name.upper() in {"DAYOFWEEK", "DOW"}:
        node.replace(exp.paren(exp.Add(this=node.copy(), expression=exp.Literal.number(1))))


def _week(node: exp.Week, dialect: str) -> None:
    """MySQL's weeks begin on Sunday, unless a mode says otherwise."""
    if dialect == "mysql" and node.args.get("mode") is None:
        node.replace(_week_from_sunday(node.this))


def _week_from_sunday(time: exp.Expr) -> exp.Expr:
    number = exp.Anonymous(this="STRFTIME", expressions=[time.copy(), exp.Literal.string("%U")])
    return exp.cast(number, "INT")


def _truncated(node: exp.Expr, dialect: str) -> None:
    """Units of Hive's family; its `trunc` answers a date, `date_trunc` does not."""
    if dialect not in _HIVE_LIKE | {"oracle"}:
        return
    _read(node, dialect)
    unit = node.args["unit"]
    if isinstance(node, exp.DateTrunc) or dialect != "impala":
        code = unit.name.upper()
        unit.set("this", code if code in _UNITS_OF_DATE_TRUNC else UNITS.get(code, unit.name))
    if dialect == "oracle":
        return
    to_date = exp.TimestampTrunc if dialect == "hive" else exp.DateTrunc
    if isinstance(node, to_date) and dialect != "impala" and not isinstance(node.parent, exp.Cast):
        node.replace(exp.cast(node.copy(), "DATE"))


_UNITS_OF_DATE_TRUNC = {"DAY", "HOUR", "MINUTE", "MONTH", "QUARTER", "SECOND", "WEEK", "YEAR"}


def _months_later(node: exp.AddMonths, dialect: str) -> None:
    _read(node, dialect)
    if dialect in _HIVE_LIKE - {"impala"}:
        node.replace(exp.cast(node.copy(), "DATE"))


def _elapsed(node: exp.Expr, dialect: str) -> None:
    """Whole units between two times; DuckDB's date_diff counts the boundaries between them."""
    of_times = isinstance(node, exp.TimestampDiff)
    if dialect not in _ELAPSED or (dialect in {"bigquery", "mysql"} and not of_times):
        return
    if node.args.get("unit") is None:
        return
    unit = exp.Literal.string(node.args["unit"].name.upper())
    between = [_time(node.expression), _time(node.this)]
    node.replace(exp.Anonymous(this="DATE_SUB", expressions=[unit, *between]))


def _time(node: exp.Expr) -> exp.Expr:
    """A time; a literal says so."""
    return exp.cast(node, "TIMESTAMP") if node.is_string else node.copy()


def _milliseconds(node: exp.Expr, dialect: str) -> None:
    """Java's `SSS`, which sqlglot leaves as text."""
    text = node.args.get("format")
    if isinstance(text, exp.Literal) and dialect in _JAVA_FORMATS:
        text.set("this", re.sub(r"(?<!S)SSS(?!S)", "%g", text.name))


def _joda(node: exp.Expr, dialect: str) -> None:
    """Presto's format_datetime and parse_datetime, whose patterns are Java's."""
    if isinstance(node, exp.ParseDatetime):
        value, text = node.this, node.args.get("format")
        target: type[exp.Expr] = exp.StrToTime
    elif node.name.upper() == "FORMAT_DATETIME" and len(node.expressions) == _ARGUMENTS:
        value, text = node.expressions
        target = exp.TimeToStr
    else:
        return
    if dialect in _PRESTO_LIKE and isinstance(text, exp.Literal):
        replaced = target(this=value.copy(), format=Hive().format_time(text.copy()))
        _milliseconds(replaced, dialect)
        node.replace(replaced)


_ARGUMENTS = 2


def _date_with_time(node: exp.DataType, dialect: str) -> None:
    """Oracle's DATE has a time; a literal of it has none."""
    literal = isinstance(node.parent, exp.Cast) and node.parent.this.is_string
    if dialect == "oracle" and node.is_type(exp.DType.DATE) and not literal:
        node.set("this", exp.DType.TIMESTAMP)


def _to_date_with_time(node: exp.StrToDate, dialect: str) -> None:
    if dialect == "oracle":
        node.replace(exp.StrToTime(this=node.this.copy(), format=node.args.get("format")))


def _keeps_date(node: exp.Expr, dialect: str) -> bool:
    if isinstance(node.parent, exp.Interval | exp.Cast):
        return False
    unit = node.args.get("unit")
    if unit is None and isinstance(node.expression, exp.Interval):
        unit = node.expression.args.get("unit")
    if dialect == "bigquery" and isinstance(node, _OF_DATES):
        return True
    return unit is not None and bool(_COARSE.fullmatch(unit.name)) and _is_date(node.this)


_OF_DATES = (exp.DateAdd, exp.DateSub, exp.DateTrunc)
"""In BigQuery these are for dates alone."""


def _is_date(node: exp.Expr) -> bool:
    if isinstance(node, exp.Cast):
        return node.is_type(exp.DType.DATE)
    if isinstance(node, (exp.Paren, *_ARITHMETIC)):
        return _is_date(node.this)
    return isinstance(node, _DATES)


REWRITES: Mapping[type[exp.Expr], Callable[[Any, str], None]] = {
    exp.AddMonths: _months_later,
    exp.Anonymous: _joda,
    exp.DataType: _date_with_time,
    exp.DateDiff: _elapsed,
    exp.DateTrunc: _truncated,
    exp.DayOfMonth: _read,
    exp.DayOfWeek: _weekday,
    exp.DayOfYear: _read,
    exp.Extract: _extracted,
    exp.Hour: _read,
    exp.LastDay: _read,
    exp.Minute: _read,
    exp.NextDay: _read,
    exp.ParseDatetime: _joda,
    exp.Quarter: _read,
    exp.Second: _read,
    exp.StrToDate: _to_date_with_time,
    exp.StrToTime: _milliseconds,
    exp.TimeToStr: _milliseconds,
    exp.TimestampDiff: _elapsed,
    exp.TimestampTrunc: _truncated,
    exp.UnixToStr: _milliseconds,
    exp.Week: _week,
    exp.WeekOfYear: _read,
}
