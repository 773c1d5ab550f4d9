"""The system tables, and the page that documents them."""

from pathlib import Path

import pyarrow as pa
import pytest

from flightkeeper.flight_server.system.tables import TABLES, markdown

PAGE = (Path(__file__).parents[3] / "docs/system-tables.md").read_text()


def test_its_page_says_what_they_are() -> None:
    _, _, rest = PAGE.partition("<!-- tables -->\n")
    told, end, _ = rest.partition("<!-- /tables -->")
    assert end
    assert told == markdown()


@pytest.mark.parametrize("name", TABLES)
def test_columns_have_names_types_and_say_what_they_hold(name: str) -> None:
    table = TABLES[name]
    assert table.name == name
    assert len(set(table.schema.names)) == len(table.columns)
    assert all(column.about for column in table.columns)
    assert "'" not in table.about
    assert table.schema.field(0).type == pa.string()
