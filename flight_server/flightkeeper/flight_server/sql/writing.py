"""A tree as DuckDB's text: sqlglot's generator, and what it gets wrong or leaves out.

Owns corrections that concern how something is written; `rewriting` owns those of the tree.
"""

from collections.abc import Callable, Mapping, Sequence
from typing import Any

from sqlglot import exp
from sqlglot.dialects.duckdb import DuckDB
from sqlglot.errors import ErrorLevel, UnsupportedError
from sqlglot.generators.duckdb import DuckDBGenerator

from flightkeeper.flight_server.errors import InvalidArgument
from flightkeeper.flight_server.sql import arithmetic, formats, functions, texts
from flightkeeper.flight_server.sql.reading import TooComplicated

_CALLS_PER_NODE = 50
_CALLS_MIN = 2000
_CHARACTERS_MAX = 4 * 1024 * 1024

_Write = Callable[["_Writer", Any], str]


def _days_later(writer: "_Writer", node: exp.TsOrDsAdd) -> str:
    """Hive's date_add answers a date; DuckDB's addition of an interval a timestamp."""
    added: str = DuckDBGenerator.TRANSFORMS[exp.TsOrDsAdd](writer, node)
    return f"CAST({added} AS DATE)"


def _reduced(writer: "_Writer", node: exp.Reduce) -> str:
    merged = writer.func("LIST_REDUCE", node.this, node.args["merge"], node.args["initial"])
    finish = node.args.get("finish")
    if finish is None or finish.this == finish.expressions[0]:
        return merged
    return f"LIST_TRANSFORM([{merged}], {writer.sql(finish)})[1]"


def _overlaid(writer: "_Writer", node: exp.Overlay) -> str:
    value, new, start = (writer.sql(node, key) for key in ("this", "expression", "from_"))
    length = writer.sql(node, "for_") or f"LENGTH({new})"
    return f"(LEFT({value}, {start} - 1) || {new} || SUBSTRING({value}, {start} + {length}))"


def _capitalized(writer: "_Writer", node: exp.Initcap) -> str:
    """The first letter of every word in upper case, the others in lower case."""
    words = r"\S+|\s+" if writer.source in _WORDS_BY_BLANKS else r"[\pL\pN]+|[^\pL\pN]+"
    parts = f"REGEXP_EXTRACT_ALL({writer.sql(node, 'this')}, '{words}')"
    capital = "LAMBDA part : UPPER(part[1]) || LOWER(part[2:])"
    return f"ARRAY_TO_STRING(LIST_TRANSFORM({parts}, {capital}), '')"


_WORDS_BY_BLANKS = frozenset({"databricks", "hive", "impala", "spark"})


def _some_of_list(writer: "_Writer", node: exp.Exists) -> str:
    """Spark's exists(list, predicate); elsewhere it is a subquery's."""
    predicate = node.args.get("expression")
    if not isinstance(predicate, exp.Lambda):
        return f"EXISTS{writer.wrap(node)}"
    return f"(LEN({writer.func('LIST_FILTER', node.this, predicate)}) > 0)"


def _now(writer: "_Writer", node: exp.CurrentTimestamp) -> str:
    """Where a timestamp has no zone, now is one as well."""
    now: str = DuckDBGenerator.TRANSFORMS[exp.CurrentTimestamp](writer, node)
    return f"CAST({now} AS TIMESTAMP)" if writer.source in _WITHOUT_ZONE else now


_WITHOUT_ZONE = frozenset({"hive", "impala", "mysql", "oracle", "phoenix", "sqlite", "tsql"})


def _seconds(writer: "_Writer", node: exp.StrToUnix) -> str:
    """Whole seconds; without a format of its own, of a timestamp or of its text."""
    text = writer.format_time(node)
    if text in {None, _DEFAULT_FORMAT}:
        return f"CAST(EPOCH(CAST({writer.sql(node, 'this')} AS TIMESTAMP)) AS BIGINT)"
    return f"CAST(EPOCH({writer.func('STRPTIME', node.this, text)}) AS BIGINT)"


_DEFAULT_FORMAT = "'%Y-%m-%d %H:%M:%S'"


def _from_seconds(writer: "_Writer", node: exp.UnixToTime) -> str:
    """A time from seconds, or its text; with a zone only where timestamps have one."""
    if node.args.get("format") is not None:
        return writer.func(
            "STRFTIME", exp.func("TO_TIMESTAMP", node.this), writer.format_time(node)
        )
    if writer.source in _WITHOUT_ZONE and node.args.get("scale") is None:
        return f"MAKE_TIMESTAMP(CAST({writer.sql(_whole(node.this))} * 1000000 AS BIGINT))"
    written: str = DuckDBGenerator.TRANSFORMS[exp.UnixToTime](writer, node)
    return written


def _called(name: str) -> _Write:
    def write(writer: "_Writer", node: exp.Func) -> str:
        return writer.named(name, [node.this, node.args.get("expression")])

    return write


def _size(writer: "_Writer", node: exp.ArraySize) -> str:
    """The length of a list, or of what is plainly a map."""
    if isinstance(node.this, exp.Map | exp.VarMap | exp.MapFromEntries):
        return writer.func("CARDINALITY", node.this)
    return writer.arraysize_sql(node)


_RULES = {**arithmetic.RULES, **formats.RULES, **texts.RULES}


def _ruled(rule: Callable[[DuckDBGenerator, Any, str], str]) -> _Write:
    return lambda writer, node: rule(writer, node, writer.source)


_WRITES: Mapping[type[exp.Expr], _Write] = {
    exp.ArrayAll: _called("ALL_MATCH"),
    exp.ArrayAny: _called("ANY_MATCH"),
    exp.ArrayOverlaps: _called("ARRAYS_OVERLAP"),
    exp.ArraySize: _size,
    exp.CurrentTimestamp: _now,
    exp.DayOfWeek: lambda writer, node: (
        writer.named("DAYOFWEEK", [node.this]) or writer.func("DAYOFWEEK", node.this)
    ),
    exp.Exists: _some_of_list,
    exp.Hint: lambda _writer, _node: "",
    exp.Initcap: _capitalized,
    exp.Length: lambda writer, node: writer.func(
        "STRLEN" if writer.source == "mysql" and node.args.get("binary") else "LENGTH", node.this
    ),
    exp.MapContainsKey: lambda writer, node: writer.func(
        "MAP_CONTAINS", node.this, node.args["key"]
    ),
    exp.Overlay: _overlaid,
    exp.Quantile: lambda writer, node: writer.func(
        "QUANTILE_CONT", node.this, node.args["quantile"]
    ),
    exp.Reduce: _reduced,
    exp.SafeAdd: lambda writer, node: f"TRY({writer.binary(node, '+')})",
    exp.SafeFunc: lambda writer, node: f"TRY({writer.sql(node, 'this')})",
    exp.SafeMultiply: lambda writer, node: f"TRY({writer.binary(node, '*')})",
    exp.SafeSubtract: lambda writer, node: f"TRY({writer.binary(node, '-')})",
    exp.StrToUnix: _seconds,
    exp.TsOrDsAdd: _days_later,
    exp.UnixToTime: _from_seconds,
    **{kind: _ruled(rule) for kind, rule in _RULES.items()},
}


class _Writer(DuckDBGenerator):
    """Writes trees that were read from one dialect."""

    TRANSFORMS = {**DuckDBGenerator.TRANSFORMS, **_WRITES}  # noqa: RUF012 - as the base has it

    source: str

    def __init__(self, source: str, nodes: int) -> None:
        super().__init__(dialect=DuckDB(), unsupported_level=ErrorLevel.RAISE)
        self.source = source
        self._calls = 0
        self._calls_max = _CALLS_MIN + _CALLS_PER_NODE * nodes

    def sql(self, expression: Any, key: str | None = None, comment: bool = True) -> str:  # noqa: FBT001, FBT002 - as the base has it
        """The text of a node, within bounds: some functions repeat their arguments."""
        self._calls += 1
        text: str = super().sql(expression, key, comment)
        if self._calls > self._calls_max or len(text) > _CHARACTERS_MAX:
            raise TooComplicated
        return text

    def anonymous_sql(self, expression: exp.Anonymous) -> str:
        """A function that sqlglot does not know."""
        if formats.is_known(expression, self.source):
            return formats.formatted(self, expression.expressions, self.source)
        written = self.named(expression.name, expression.expressions)
        return written or super().anonymous_sql(expression)

    def anonymousaggfunc_sql(self, expression: exp.AnonymousAggFunc) -> str:
        """ClickHouse's aggregates, also those whose name ends in a condition."""
        written = self.named(expression.name, expression.expressions)
        return written or super().anonymousaggfunc_sql(expression)

    combinedaggfunc_sql = anonymousaggfunc_sql

    def function_fallback_sql(self, expression: exp.Func) -> str:
        """A function that sqlglot knows, and writes under its usual name."""
        arguments = [
            value
            for key in expression.arg_types
            for value in _listed(expression.args.get(key))
            if isinstance(value, exp.Expr)
        ]
        written = self.named(expression.sql_name(), arguments)
        return written or super().function_fallback_sql(expression)

    def hint_sql(self, expression: exp.Hint) -> str:
        """Hints are for another planner."""
        del expression
        return ""

    def datatype_sql(self, expression: exp.DataType) -> str:
        """A type; widths of integers are about how they are shown."""
        if expression.is_type(*exp.DataType.INTEGER_TYPES):
            expression.set("expressions", None)
        return super().datatype_sql(expression)

    def named(self, name: str, arguments: Sequence[exp.Expr | None]) -> str:
        """The form of a function that `functions` has for its name; empty = none."""
        if self.source in functions.REFUSED.get(name.upper(), ()):
            self.unsupported(f"{name.upper()} answers other values in DuckDB")
        given = [argument for argument in arguments if argument is not None]
        form = functions.form(self.source, name, len(given))
        return form.format(*(self.sql(_whole(argument)) for argument in given)) if form else ""


def _whole(argument: exp.Expr) -> exp.Expr:
    """An argument that stays together wherever it is put."""
    return exp.Paren(this=argument.copy()) if isinstance(argument, exp.Binary) else argument


def _listed(value: Any) -> list[Any]:
    return value if isinstance(value, list) else [value]


def write(tree: exp.Expr, dialect: str) -> str:
    """The DuckDB text of a tree that was read from a dialect; the tree is used up.

    Raises:
        InvalidArgument: DuckDB has nothing like it; nothing was run.
    """
    try:
        return _Writer(dialect, sum(1 for _ in tree.walk())).generate(tree, copy=False)
    except UnsupportedError as exc:
        missing = str(exc).replace("\n\n", "; ").rstrip(".")
        raise InvalidArgument(
            f"this statement cannot be translated from {dialect}: {missing}; nothing was run",
            cause="Not implemented Error",
        ) from exc
