"""Dictionaries (DuckDB's ENUM) as plain values, for clients whose library does not look them up.

Within a union they stay: Arrow does not convert those.
"""

from collections.abc import Callable, Mapping
from typing import Any

import pyarrow as pa

from flightkeeper.flight_server.engine.batches import cut
from flightkeeper.flight_server.engine.result import Batches, Result


def plain_schema(schema: pa.Schema) -> pa.Schema:
    """The schema without dictionaries; the same one if it has none."""
    plain = pa.schema(map(_plain_field, schema))
    return schema if plain.equals(schema) else plain


def plain_result(result: Result, batch_bytes: int) -> Result:
    """The result without dictionaries, in batches of about the same size; it may be the same one.

    Args:
        batch_bytes: the target size of a batch.
    """
    schema = plain_schema(result.schema)
    if schema is result.schema:
        return result
    return Result(
        schema,
        _plain_batches(result, schema, batch_bytes),
        rows=result.rows,
        stop=result.stop,
        close=result.close,
        over=result.over,
    )


def _plain_batches(result: Result, schema: pa.Schema, batch_bytes: int) -> Batches:
    for batch in result:
        yield from cut(batch.cast(schema), batch_bytes)


def _plain(kind: Any) -> Any:
    rule = _RULES.get(kind.id)
    return kind if rule is None else rule(kind)


_RULES: Mapping[int, Callable[[Any], Any]] = {
    pa.lib.Type_DICTIONARY: lambda kind: kind.value_type,
    pa.lib.Type_LIST: lambda kind: pa.list_(_plain_field(kind.value_field)),
    pa.lib.Type_FIXED_SIZE_LIST: lambda kind: pa.list_(
        _plain_field(kind.value_field), kind.list_size
    ),
    pa.lib.Type_STRUCT: lambda kind: pa.struct(map(_plain_field, kind)),
    pa.lib.Type_MAP: lambda kind: pa.map_(
        _plain_field(kind.key_field), _plain_field(kind.item_field)
    ),
}
"""How a type with others inside goes on, by its id."""


def _plain_field(field: Any) -> Any:
    return field.with_type(_plain(field.type))
