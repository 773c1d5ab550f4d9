"""Statements about the cluster's catalog: external tables, cluster views, partitions.

Owns their grammar: Hive's, with what DuckDB has beside it.
"""

from collections.abc import Callable, Mapping
from typing import Any

from flightkeeper.discovery.catalog.definition import Column, Kind, ObjectName
from flightkeeper.flight_server.cluster.catalog.commands import (
    AddPartitions,
    CommentOnObject,
    CreateClusterMacro,
    CreateClusterView,
    CreateExternalTable,
    DropObject,
    DropPartitions,
    PartitionSpec,
    RepairTable,
    ShowPartitions,
)
from flightkeeper.flight_server.command import Command
from flightkeeper.flight_server.errors import InvalidArgument
from flightkeeper.flight_server.sql.reading import Source
from flightkeeper.flight_server.sql.words import Words


def create(source: Source) -> Command:
    """CREATE [OR REPLACE] EXTERNAL TABLE | CLUSTER VIEW | CLUSTER MACRO."""
    words = Words(source)
    words.expect("CREATE")
    flags: dict[str, Any] = {"or_replace": words.take("OR", "REPLACE")}
    cluster = words.take("CLUSTER")
    if not cluster:
        words.expect("EXTERNAL")
    kind = words.peek()
    words.expect(kind or "TABLE")
    flags["if_not_exists"] = words.take("IF", "NOT", "EXISTS")
    name = words.name()
    if cluster and kind == "VIEW":
        words.expect("AS")
        return CreateClusterView(name, **flags, sql=words.rest_as_query())
    if cluster and kind in {"MACRO", "FUNCTION"}:
        return CreateClusterMacro(name, **flags, sql=words.rest())
    if cluster or kind != "TABLE":
        raise words.error("expected EXTERNAL TABLE, CLUSTER VIEW or CLUSTER MACRO")
    return _external_table(words, name, flags)


def _external_table(words: Words, name: ObjectName, flags: Mapping[str, Any]) -> Command:
    told: dict[str, Any] = {}
    if words.peek() == "(":
        told |= _columns(words)
    while words.next is not None:
        for begin, read in _CLAUSES.items():
            if words.take(*begin.split()):
                told |= read(words)
                break
        else:
            raise words.error(f"expected one of {', '.join(_CLAUSES)}")
    for clause, field in (("STORED AS", "format"), ("LOCATION", "location")):
        if field not in told:
            raise words.error(f"{clause} is missing")
    return CreateExternalTable(name, **flags, **told)


def _columns(words: Words) -> Mapping[str, Any]:
    keys: list[str] = []

    def column() -> Column | None:
        if words.take("PRIMARY", "KEY"):
            keys.extend(words.in_parentheses(words.identifier))
            return None
        found, key = _column(words)
        keys.extend([found.name] if key else [])
        return found

    found = words.in_parentheses(column)
    return {"columns": tuple(c for c in found if c is not None), "primary_key": tuple(keys)}


def _column(words: Words) -> tuple[Column, bool]:
    name = words.identifier()
    kind = words.type("NOT", "NULL", "COMMENT", "PRIMARY")
    nullable, comment, key = True, "", False
    while words.peek() not in {",", ")"}:
        if words.take("NOT", "NULL"):
            nullable = False
        elif words.take("PRIMARY", "KEY"):
            key = True
        elif words.take("COMMENT"):
            comment = words.string()
        else:
            words.expect("NULL")
    return Column(name, kind, nullable, comment), key


def _partitioned_by(words: Words) -> Mapping[str, Any]:
    typed: list[Column] = []

    def column() -> str:
        token = words.identifier()
        if words.peek() in {",", ")"}:
            return token
        kind = words.type("COMMENT")
        typed.append(Column(token, kind, True, words.string() if words.take("COMMENT") else ""))  # noqa: FBT003
        return token

    names = words.in_parentheses(column)
    return {"partitioned_by": tuple(names), "partition_columns": tuple(typed)}


def _options(words: Words) -> Mapping[str, Any]:
    def option() -> tuple[str, str]:
        name = words.string() if words.quoted else words.identifier()
        words.take("=")
        value = words.value()
        if value is None:
            raise words.error("expected a value")
        return name.lower().removeprefix("format."), value

    return {"options": tuple(words.in_parentheses(option))}


_CLAUSES: Mapping[str, Callable[[Words], Mapping[str, Any]]] = {
    "PARTITIONED BY": _partitioned_by,
    "STORED AS": lambda words: {"format": words.identifier().lower()},
    "LOCATION": lambda words: {"location": words.string()},
    "COMMENT": lambda words: {"comment": words.string()},
    "OPTIONS": _options,
    "WITH": _options,
    "TBLPROPERTIES": _options,
}

_KINDS = {
    ("EXTERNAL", "TABLE"): Kind.TABLE,
    ("CLUSTER", "VIEW"): Kind.VIEW,
    ("CLUSTER", "MACRO"): Kind.MACRO,
}


def _kind(words: Words) -> Kind:
    for found, kind in _KINDS.items():
        if words.take(*found):
            return kind
    raise words.error("expected EXTERNAL TABLE, CLUSTER VIEW or CLUSTER MACRO")


def drop(source: Source) -> Command:
    """DROP EXTERNAL TABLE | CLUSTER VIEW | CLUSTER MACRO."""
    words = Words(source)
    words.expect("DROP")
    kind = _kind(words)
    if_exists = words.take("IF", "EXISTS")
    name = words.name()
    words.end()
    return DropObject(kind, name, if_exists)


def comment(source: Source) -> Command:
    """COMMENT ON EXTERNAL TABLE | CLUSTER VIEW | CLUSTER MACRO name IS 'text' | NULL."""
    words = Words(source)
    words.expect("COMMENT", "ON")
    kind, name = _kind(words), words.name()
    words.expect("IS")
    text = words.value() or ""
    words.end()
    return CommentOnObject(kind, name, text)


def alter(source: Source) -> Command | None:
    """ALTER [EXTERNAL] TABLE name ADD | DROP PARTITION (…); None = the engine's own."""
    words = Words(source)
    words.expect("ALTER")
    external = words.take("EXTERNAL")
    words.expect("TABLE")
    try:
        name = words.name()
    except InvalidArgument:
        if external:
            raise
        return None
    if words.take("ADD"):
        flag = words.take("IF", "NOT", "EXISTS")
        if words.peek() == "PARTITION":
            return AddPartitions(name, _specs(words, located=True), flag)
    elif words.take("DROP"):
        flag = words.take("IF", "EXISTS")
        if words.peek() == "PARTITION":
            return DropPartitions(name, _specs(words, located=False), flag)
    if external:
        raise words.error("expected ADD PARTITION or DROP PARTITION")
    return None


def _specs(words: Words, *, located: bool) -> tuple[PartitionSpec, ...]:
    found = []
    while words.take("PARTITION"):
        values = words.in_parentheses(lambda: _assignment(words))
        location = words.string() if located and words.take("LOCATION") else None
        found.append(PartitionSpec(tuple(values), location))
        words.take(",")
    words.end()
    return tuple(found)


def _assignment(words: Words) -> tuple[str, str | None]:
    name = words.identifier()
    words.expect("=")
    return name, words.value()


def repair(source: Source) -> Command:
    """MSCK [REPAIR] TABLE name [ADD | DROP | SYNC PARTITIONS]."""
    words = Words(source)
    words.expect("MSCK", "REPAIR", "TABLE")
    name = words.name()
    add, drop_ = True, False
    if words.next is not None:
        add, drop_ = not words.take("DROP"), True
        if add and not words.take("SYNC"):
            words.expect("ADD")
            drop_ = False
        words.expect("PARTITIONS")
        words.end()
    return RepairTable(name, add, drop_)


def show(source: Source) -> Command:
    """SHOW PARTITIONS name."""
    words = Words(source)
    words.expect("SHOW", "PARTITIONS")
    name = words.name()
    words.end()
    return ShowPartitions(name)
