"""Statements that define or change data, between a client's dialect and DuckDB.

Owns which clauses of CREATE TABLE are about storage and left out, and how other engines' ways to
replace rows become DuckDB's. Trees are changed in place.
"""

from collections.abc import Iterator
from typing import Any

from sqlglot import exp

from flightkeeper.flight_server.errors import InvalidArgument

_KEPT = (exp.TemporaryProperty, exp.SequenceProperties)
_ELSEWHERE = (exp.ExternalProperty, exp.LocationProperty)
_STORAGE = (
    exp.AutoRefreshProperty,
    exp.CharacterSetColumnConstraint,
    exp.CollateColumnConstraint,
    exp.CommentColumnConstraint,
    exp.EncodeColumnConstraint,
    exp.IndexColumnConstraint,
    exp.OnUpdateColumnConstraint,
)
"""Column constraints that say nothing about which values a column holds."""


_COUNTED = (exp.AutoIncrementColumnConstraint, exp.GeneratedAsIdentityColumnConstraint)
_SERIAL = frozenset({"BIGSERIAL", "SERIAL", "SMALLSERIAL"})
"""Columns with a sequence of their own, which DuckDB does not have."""


def create(node: exp.Create, _dialect: str) -> None:
    """Leave out how a table is stored; columns it is partitioned by are columns."""
    _refuse_body(node)
    for ordered in list(node.find_all(exp.Ordered)) if node.kind == "INDEX" else ():
        ordered.replace(ordered.this)
    properties = node.args.get("properties")
    if properties is None:
        return
    for found in properties.expressions:
        if isinstance(found, _ELSEWHERE):
            raise InvalidArgument(
                "a table over files elsewhere cannot be created from this dialect; nothing was "
                "run; in DuckDB's dialect, create a view over read_parquet() or read_csv()",
                cause="Not implemented Error",
            )
        if isinstance(found, exp.PartitionedByProperty) and isinstance(node.this, exp.Schema):
            for column in found.this.find_all(exp.ColumnDef):
                node.this.append("expressions", column.copy())
    kept = [found for found in properties.expressions if isinstance(found, _KEPT)]
    node.set("properties", exp.Properties(expressions=kept) if kept else None)


def _refuse_body(node: exp.Create) -> None:
    """A function whose body is a text: it would become one that answers the text."""
    body = node.expression
    is_text = isinstance(body, exp.Heredoc | exp.RawString) or (body is not None and body.is_string)
    if is_text and node.kind in {"FUNCTION", "PROCEDURE"}:
        raise InvalidArgument(
            "a function whose body is a text, in whatever language, cannot be created from this "
            "dialect; nothing was run; in DuckDB's dialect, write CREATE MACRO name(a) AS a + 1",
            cause="Not implemented Error",
        )


def columns(schema: exp.Schema, _dialect: str) -> None:
    """Leave out indexes, character sets and comments from the columns of a table."""
    kept = [found for found in schema.expressions if not isinstance(found, _STORAGE)]
    schema.set("expressions", kept)
    for column in schema.find_all(exp.ColumnDef):
        found = column.args.get("constraints") or ()
        kind: Any = column.args.get("kind")
        counts = any(isinstance(constraint.args.get("kind"), _COUNTED) for constraint in found)
        if counts or (kind is not None and kind.sql().upper() in _SERIAL):
            raise InvalidArgument(
                f"column {column.name} cannot count by itself (AUTO_INCREMENT, SERIAL, IDENTITY); "
                "nothing was run; create a sequence, and give the column DEFAULT nextval('name')",
                cause="Not implemented Error",
            )
        column.set("constraints", [one for one in found if not _about_storage(one)])


def _about_storage(constraint: exp.Expr) -> bool:
    return isinstance(constraint.args.get("kind"), _STORAGE)


def insert(node: exp.Insert, dialect: str) -> None:
    """INSERT IGNORE, ON DUPLICATE KEY and Hive's partitions."""
    del dialect
    if node.args.get("overwrite"):
        raise InvalidArgument(
            "INSERT OVERWRITE cannot be translated: nothing was run; delete and insert in one "
            "transaction instead",
            cause="Not implemented Error",
        )
    if node.args.get("ignore"):
        node.set("ignore", None)
        node.set("alternative", "IGNORE")
    table = node.this.this if isinstance(node.this, exp.Schema) else node.this
    partition = table.args.get("partition") or node.args.get("partition")
    if isinstance(partition, exp.Partition):
        table.set("partition", None)
        node.set("partition", None)
        _append(node, list(_fixed(partition)))
    conflict = node.args.get("conflict")
    for key in (conflict.args.get("conflict_keys") or ()) if conflict else ():
        if isinstance(key, exp.Ordered):
            key.replace(key.this)
    if conflict is not None and conflict.args.get("duplicate"):
        _on_conflict(node, conflict)


def _fixed(partition: exp.Partition) -> Iterator[exp.Expr]:
    """The values of a partition; none if the rows say which partition they are for."""
    found = partition.expressions
    fixed = [value.expression for value in found if isinstance(value, exp.EQ)]
    if fixed and len(fixed) < len(found):
        raise InvalidArgument(
            "a partition that is given in part cannot be translated; nothing was run; name the "
            "columns of the table instead",
            cause="Not implemented Error",
        )
    yield from fixed


def _append(node: exp.Insert, values: list[exp.Expr]) -> None:
    """Add the same values to every row: columns of a partition come last."""
    source = node.expression
    if not values:
        return
    if isinstance(source, exp.Select):
        for value in values:
            source.append("expressions", value.copy())
    elif isinstance(source, exp.Values):
        for row in source.expressions:
            for value in values:
                row.append("expressions", value.copy())
    else:
        node.set("expression", exp.select("*", *values).from_(source.subquery("rows")))


def _on_conflict(node: exp.Insert, conflict: exp.OnConflict) -> None:
    """MySQL's ON DUPLICATE KEY UPDATE: `VALUES(a)` and an alias of the new row are `excluded`."""
    source = node.expression
    alias = source.alias if isinstance(source, exp.Values) else ""
    if alias:
        source.set("alias", None)
    for expression in conflict.expressions:
        for call in list(expression.find_all(exp.Anonymous)):
            if call.name.upper() == "VALUES" and len(call.expressions) == 1:
                call.replace(exp.column(call.expressions[0].name, table="excluded"))
        for column in list(expression.find_all(exp.Column)):
            if alias and column.table == alias:
                column.set("table", exp.to_identifier("excluded"))
    ignored = not conflict.expressions
    conflict.set("duplicate", None)
    conflict.set("action", exp.var("DO NOTHING" if ignored else "DO UPDATE"))
