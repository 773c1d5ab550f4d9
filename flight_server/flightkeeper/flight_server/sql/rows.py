"""Lists and maps as rows, between a client's dialect and DuckDB.

Owns LATERAL VIEW, UNNEST of maps and FLATTEN. Trees are changed in place.
"""

from collections.abc import Callable, Mapping, Sequence
from typing import Any

from sqlglot import exp

from flightkeeper.flight_server.errors import InvalidArgument
from flightkeeper.flight_server.sql import documents


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
    flat = _flattened(table)
    if flat is not None:
        join.replace(_joined(flat[0], outer=flat[1] or join.side == "LEFT"))
    elif (zipped := _zipped(table)) is not None:
        join.set("this", zipped)
        if not join.args.get("kind") and not join.args.get("side"):
            join.set("kind", "CROSS")
    elif isinstance(table, exp.Lateral) and isinstance(table.this, exp.Explode):
        replaced = _explode_join(table)
        if replaced is not None:
            join.replace(replaced)
    elif (mapping := _mapping(table)) is not None:
        join.set("this", _pairs(mapping, table.args["alias"]))
        if not join.args.get("kind") and not join.args.get("side"):
            join.set("kind", "CROSS")


def _unnested_first(source: exp.From, _dialect: str) -> None:
    flat = _flattened(source.this)
    if flat is not None:
        if flat[1]:
            raise _refused("FLATTEN(…, outer => TRUE) as the first table")
        source.set("this", flat[0])
    elif (zipped := _zipped(source.this)) is not None:
        source.set("this", zipped)
    elif (mapping := _mapping(source.this)) is not None:
        source.set("this", _pairs(mapping, source.this.args["alias"]))


def _zipped(table: Any) -> exp.Lateral | None:
    """`UNNEST(a, b) AS t(x, y)`: side by side, NULL where one list is shorter."""
    if not isinstance(table, exp.Unnest) or len(table.expressions) == 1:
        return None
    lists = [part for value in table.expressions for part in _sides(value)]
    offset, alias = table.args.get("offset"), table.args.get("alias")
    named = list(alias.columns) if alias else []
    if named and len(named) != len(lists):
        raise _refused(f"UNNEST of {len(lists)} lists with {len(named)} names (is one a map?)")
    names = named or [exp.to_identifier(f"_col{place}") for place in range(len(lists))]
    columns: list[exp.Expr] = [exp.func("UNNEST", value.copy()) for value in lists]
    if offset:
        lengths = [exp.Anonymous(this="LEN", expressions=[value.copy()]) for value in lists]
        longest = exp.Anonymous(this="GREATEST", expressions=lengths)
        numbers = exp.Anonymous(this="RANGE", expressions=[exp.Literal.number(1), longest + 1])
        columns.append(exp.func("UNNEST", numbers))
        is_named = isinstance(offset, exp.Identifier)
        names.append(offset if is_named else exp.to_identifier("ordinality"))
    name = alias.this if alias and alias.this else exp.to_identifier("unnested")
    return _lateral(columns, exp.TableAlias(this=name, columns=names))


def _sides(value: exp.Expr) -> list[exp.Expr]:
    """A list, or the two that a map plainly is."""
    if isinstance(value, exp.Map | exp.VarMap | exp.MapFromEntries):
        keys = exp.func("MAP_KEYS", value.copy(), dialect="duckdb")
        return [keys, exp.func("MAP_VALUES", value.copy(), dialect="duckdb")]
    return [value]


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
    called = isinstance(table.this, exp.Func) or (
        isinstance(table, exp.Unnest) and len(table.expressions) == 1
    )
    if dialect in {"postgres", "redshift"} and called and alias and not alias.columns:
        alias.set("columns", [alias.this.copy()])
    elif dialect in {"databricks", "spark"} and isinstance(table.this, exp.Anonymous):
        _numbers(table.this, table)


def _numbers(call: exp.Anonymous, table: exp.Expr) -> None:
    """Spark's `range(1, 3)`, whose column is called `id`."""
    if call.name.upper() != "RANGE":
        return
    # The fourth argument is how many partitions compute it.
    call.set("expressions", call.expressions[:3])
    alias = table.args.get("alias") or exp.TableAlias(this=exp.to_identifier("range"))
    if not alias.columns:
        alias.set("columns", [exp.to_identifier("id")])
    table.set("alias", alias)


def _mapping(table: Any) -> exp.Expr | None:
    """What `UNNEST(x) AS t(a, b)` takes apart: a map, unless it is plainly a list."""
    if not isinstance(table, exp.Unnest) or len(table.expressions) != 1:
        return None
    alias = table.args.get("alias")
    if alias is None or len(alias.columns) != _PAIR or table.args.get("offset"):
        return None
    only: exp.Expr = table.expressions[0]
    return None if isinstance(only, exp.Array) else only


def _flattened(table: Any) -> tuple[exp.Lateral, bool] | None:
    """Snowflake's `LATERAL FLATTEN(input => x) f` and `TABLE(FLATTEN(x)) f`.

    Returns: a table with the columns index, key and value, and whether rows without elements stay.
    """
    explode = table.this if isinstance(table, exp.Lateral | exp.TableFromRows) else None
    alias = table.args.get("alias") if explode is not None else None
    if not isinstance(explode, exp.Explode):
        return None
    names = [column.name for column in alias.columns] if alias else _FLATTENED
    if isinstance(table, exp.Lateral) and names != _FLATTENED:
        return None
    value, outer = _arguments(explode)
    name = alias.this if alias and alias.this else exp.to_identifier("_flattened")
    _as_text(table, name.name)
    columns = [_part(text, value) for text in _PARTS.values()]
    kept = [exp.to_identifier(part) for part in _PARTS]
    return _lateral(columns, exp.TableAlias(this=name, columns=kept)), outer


def _part(text: str, value: exp.Expr) -> exp.Expr:
    part: exp.Expr = exp.maybe_parse(f"UNNEST({text})", dialect="duckdb")
    for document in list(part.find_all(exp.Column)):
        document.replace(exp.Anonymous(this="TO_JSON", expressions=[value.copy()]))
    return part


_FLATTENED = ["SEQ", "KEY", "PATH", "INDEX", "VALUE", "THIS"]
_IS_OBJECT = "JSON_TYPE(document) = 'OBJECT'"
_PARTS: Mapping[str, str] = {
    "index": "RANGE(LEN(TRY_CAST(document AS JSON[])))",
    "key": f"CASE WHEN {_IS_OBJECT} THEN JSON_KEYS(document) END",
    "value": (
        f"CASE WHEN {_IS_OBJECT} THEN JSON_EXTRACT(document, '$.*') "
        "ELSE TRY_CAST(document AS JSON[]) END"
    ),
}
"""Of a list it has positions, of an object keys; and values of both."""


def _arguments(explode: exp.Explode) -> tuple[exp.Expr, bool]:
    """What FLATTEN takes apart, and whether rows without elements stay."""
    value, outer = explode.this, False
    for argument in (explode.this, *explode.expressions):
        name = argument.name.lower() if isinstance(argument, exp.Kwarg) else "input"
        given = argument.expression if isinstance(argument, exp.Kwarg) else argument
        if name == "input":
            value = given
        elif name == "outer":
            outer = given == exp.true()
        elif name != "mode" and given != exp.false():
            raise _refused(f"FLATTEN with {name.upper()}")
    return value, outer


def _as_text(table: exp.Expr, name: str) -> None:
    """Take the quotes off a `value` that is cast to text or compared with one."""
    select = table.find_ancestor(exp.Select)
    for column in list(select.find_all(exp.Column)) if select else ():
        mine = column.name.lower() == "value" and column.table.lower() in {"", name.lower()}
        if mine and documents.means_text(column):
            root = exp.Literal.string("$")
            column.replace(
                exp.Anonymous(this="JSON_EXTRACT_STRING", expressions=[column.copy(), root])
            )


def _refused(what: str) -> InvalidArgument:
    return InvalidArgument(
        f"{what} cannot be translated; nothing was run", cause="Not implemented Error"
    )


REWRITES: Mapping[type[exp.Expr], Callable[[Any, str], None]] = {
    exp.From: _unnested_first,
    exp.Join: _unnested,
    exp.Select: _exploded,
    exp.Table: _named,
    exp.Unnest: _unnested_list,
}
