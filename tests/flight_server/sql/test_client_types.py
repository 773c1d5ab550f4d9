"""Types as clients can fill them."""

import pyarrow as pa
import pytest

from flightkeeper.flight_server.sql.client_types import TEXT, client_type


@pytest.mark.parametrize(
    ("engine_type", "arrow"),
    [
        ("BOOLEAN", pa.bool_()),
        ("TINYINT", pa.int8()),
        ("INTEGER", pa.int32()),
        ("UBIGINT", pa.uint64()),
        ("HUGEINT", pa.decimal128(38, 0)),
        ("UHUGEINT", pa.string()),
        ("FLOAT", pa.float32()),
        ("DECIMAL(12,3)", pa.decimal128(12, 3)),
        ("DECIMAL(38, 0)", pa.decimal128(38, 0)),
        ("BLOB", pa.binary()),
        ("DATE", pa.date32()),
        ("TIME", pa.time32("ms")),
        ("TIME WITH TIME ZONE", pa.string()),
        ("TIMESTAMP", pa.timestamp("ms")),
        ("TIMESTAMP_NS", pa.timestamp("ms")),
        ("TIMESTAMP WITH TIME ZONE", pa.timestamp("ms", "UTC")),
        ("INTERVAL", pa.string()),
        ("UUID", pa.string()),
        ("ENUM", pa.string()),
        ("STRUCT", pa.string()),
        ("MAP", pa.string()),
        ("INTEGER[]", pa.list_(pa.int32())),
        ("DECIMAL(4,1)[][]", pa.list_(pa.list_(pa.decimal128(4, 1)))),
        ("FLOAT[3]", pa.list_(pa.float32(), 3)),
        ("UUID[]", pa.string()),
        ("whatever comes", pa.string()),
    ],
)
def test_what_is_announced(engine_type: str, arrow: pa.DataType) -> None:
    kind = client_type(engine_type)
    assert kind.arrow == arrow
    # What a sample becomes in Arrow is of the announced type, and not null unless it must be.
    assert pa.array([kind.sample], kind.arrow).null_count == (kind.sample is None)


def test_only_text_that_stands_for_another_type_has_no_sample() -> None:
    assert TEXT.sample is not None
    assert client_type("UUID").sample is None
    assert client_type("UUID").arrow == TEXT.arrow
