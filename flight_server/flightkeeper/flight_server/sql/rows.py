"""Lists and maps as rows, between a client's dialect and DuckDB.

Owns LATERAL VIEW, UNNEST of maps and FLATTEN. Trees are changed in place.
"""

from collections.abc import Callable, Mapping, Sequence
from typing import Any

from sqlglot import exp


def _exploded(select: exp.Select, _dialect: str) -> None:
    """LATERAL VIEW: OUTER keeps rows without elements, and a map has two columns."""
    kept = []
    for lateral in select.args.get("laterals") or ():
        join = _explode_join(lateral) if lateral.args.get("view") else None
        if join is None:
            kept.append(lateral)
        else:
            select.append("joins", join)
    select.set("laterals", kept)


def _explode_join(lateral: exp.Lateral) -> exp.Join | None:
    alias: Any = lateral.args.get("alias")
    columns = list(alias.columns) if alias else []
    explode = lateral.this
    if isinstance(explode, exp.Explode) and not isinstance(explode, exp.Posexplode):
        if len(columns) == _PAIR:
            table: exp.Expr = _pairs(explode.this, alias)
        else:
            table = exp.Unnest(expressions=[explode.this], alias=alias)
        return _joined(table, outer=bool(lateral.args.get("outer")))
    if isinstance(explode, exp.Posexplode) and len(columns) == _PAIR and lateral.args.get("outer"):
        return _joined(_numbered(explode.this, alias), outer=True)
    if explode.name.upper() == "JSON_TUPLE":
        return _joined(_tuple(explode, alias), outer=False)
    return None


_PAIR = 2


def _joined(table: exp.Expr, *, outer: bool) -> exp.Join:
    if outer:
        return exp.Join(this=table, side="LEFT", on=exp.true())
    return exp.Join(this=table, kind="CROSS")


def _pairs(mapping: exp.Expr, alias: exp.TableAlias) -> exp.Lateral:
    """The keys and values of a map as rows."""
    keys = exp.func("UNNEST", exp.func("MAP_KEYS", mapping.copy(), dialect="duckdb"))
    values = exp.func("UNNEST", exp.func("MAP_VALUES", mapping.copy(), dialect="duckdb"))
    return _lateral([keys, values], alias)


def _numbered(array: exp.Expr, alias: exp.TableAlias) -> exp.Lateral:
    """The positions, from 0, and elements of a list as rows."""
    position = exp.Anonymous(
        this="GENERATE_SUBSCRIPTS", expressions=[array.copy(), exp.Literal.number(1)]
    )
    return _lateral([position - 1, exp.func("UNNEST", array.copy())], alias)


def _tuple(function: exp.Expr, alias: exp.TableAlias) -> exp.Lateral:
    """Fields of a JSON text, as json_tuple names them."""
    text, *names = function.expressions
    fields = [
        exp.Anonymous(
            this="JSON_EXTRACT_STRING",
            expressions=[text.copy(), exp.Literal.string(f'$."{name.name}"')],
        )
        for name in names
    ]
    return _lateral(fields, alias)


def _lateral(columns: Sequence[exp.Expr], alias: exp.TableAlias) -> exp.Lateral:
    named = [exp.alias_(column, name) for column, name in zip(columns, alias.columns, strict=False)]
    table = alias.this or exp.to_identifier("exploded")
    return exp.Lateral(this=exp.select(*named).subquery(), alias=exp.TableAlias(this=table))


def _unnested(join: exp.Join, _dialect: str) -> None:
    """`UNNEST(map) AS t(k, v)`, and Spark's `, LATERAL explode(list) AS t(e)`."""
    table = join.this
    if _flatten(join, _dialect):
        return
    if isinstance(table, exp.Lateral) and isinstance(table.this, exp.Explode):
        replaced = _explode_join(table)
        if replaced is not None:
            join.replace(replaced)
    elif (mapping := _mapping(table)) is not None:
        join.set("this", _pairs(mapping, table.args["alias"]))
        if not join.args.get("kind") and not join.args.get("side"):
            join.set("kind", "CROSS")


def _unnested_first(source: exp.From, _dialect: str) -> None:
    if (mapping := _mapping(source.this)) is not None:
        source.set("this", _pairs(mapping, source.this.args["alias"]))


def _from_0(unnest: exp.Unnest, dialect: str) -> None:
    """BigQuery's `UNNEST(list) AS e WITH OFFSET AS n`, which counts from 0."""
    offset = unnest.args.get("offset")
    alias = unnest.args.get("alias")
    if dialect != "bigquery" or not isinstance(offset, exp.Identifier):
        return
    element = alias.columns[0] if alias and alias.columns else exp.to_identifier("element")
    names = exp.TableAlias(this=exp.to_identifier("unnested"), columns=[offset, element])
    unnest.replace(_numbered(unnest.expressions[0], names))


def _unnested_list(unnest: exp.Unnest, dialect: str) -> None:
    _from_0(unnest, dialect)
    _named(unnest, dialect)


def _named(table: exp.Table | exp.Unnest, dialect: str) -> None:
    """PostgreSQL's `generate_series(1, 3) AS g`, whose column is called `g` as well."""
    alias = table.args.get("alias")
    called = isinstance(table, exp.Unnest) or isinstance(table.this, exp.Func)
    if dialect in {"postgres", "redshift"} and called and alias and not alias.columns:
        alias.set("columns", [alias.this.copy()])


def _mapping(table: Any) -> exp.Expr | None:
    """What `UNNEST(x) AS t(a, b)` takes apart: a map, unless it is plainly a list."""
    if not isinstance(table, exp.Unnest) or len(table.expressions) != 1:
        return None
    alias = table.args.get("alias")
    if alias is None or len(alias.columns) != _PAIR or table.args.get("offset"):
        return None
    only: exp.Expr = table.expressions[0]
    return None if isinstance(only, exp.Array) else only


def _flattened(explode: exp.Explode) -> tuple[exp.Expr, bool]:
    """What Snowflake's FLATTEN takes apart, and whether rows without elements stay."""
    outer = False
    value = explode.this
    for argument in (explode.this, *explode.expressions):
        if isinstance(argument, exp.Kwarg) and argument.name.lower() == "input":
            value = argument.expression
        elif isinstance(argument, exp.Kwarg) and argument.name.lower() == "outer":
            outer = argument.expression == exp.true()
    return value, outer


def _flatten(join: exp.Join, _dialect: str) -> bool:
    """`LATERAL FLATTEN(input => list) f`, with the columns value and index."""
    lateral = join.this
    if not isinstance(lateral, exp.Lateral) or not isinstance(lateral.this, exp.Explode):
        return False
    alias: Any = lateral.args.get("alias")
    if alias is None or [column.name for column in alias.columns] != _FLATTENED:
        return False
    value, outer = _flattened(lateral.this)
    elements = exp.cast(value, "ARRAY<JSON>")
    names = exp.TableAlias(
        this=alias.this, columns=[exp.to_identifier("index"), exp.to_identifier("value")]
    )
    join.replace(_joined(_numbered(elements, names), outer=outer))
    return True


_FLATTENED = ["SEQ", "KEY", "PATH", "INDEX", "VALUE", "THIS"]

REWRITES: Mapping[type[exp.Expr], Callable[[Any, str], None]] = {
    exp.From: _unnested_first,
    exp.Join: _unnested,
    exp.Select: _exploded,
    exp.Table: _named,
    exp.Unnest: _unnested_list,
}
