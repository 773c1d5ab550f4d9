"""How tables were at a lake's versions: their names, their columns, and what is in these."""

import pytest

from flightkeeper.flight_server.engine import lake_history
from flightkeeper.flight_server.engine.connection import Connection
from flightkeeper.flight_server.engine.lake_history import Column, History

pytestmark = pytest.mark.lake


@pytest.fixture
def changed(in_lake: Connection) -> Connection:
    """A lake with a change a version: `t` is made in the first, and goes in the last."""
    for change in (
        'CREATE TABLE "T" (i INTEGER, s STRUCT(a INTEGER, b STRUCT(c VARCHAR)))',  # 1
        'ALTER TABLE "T" ADD COLUMN more INTEGER DEFAULT 7',  # 2
        'ALTER TABLE "T" RENAME COLUMN i TO j',  # 3
        'ALTER TABLE "T" RENAME TO u',  # 4
        "CREATE TABLE t (other INTEGER)",  # 5
        "ALTER TABLE u DROP COLUMN s",  # 6
        "DROP TABLE u",  # 7
    ):
        in_lake.command(change)
    return in_lake


def number_of(connection: Connection, name: str, version: int) -> int | None:
    return lake_history.table(connection, ("Main", name), version)


def test_a_name_means_one_table_after_the_other(changed: Connection) -> None:
    first, second = number_of(changed, "t", 1), number_of(changed, "T", 5)
    assert first is not None
    assert second is not None
    assert first != second
    meant = [number_of(changed, name, version) for version in range(8) for name in ("t", "u")]
    assert meant == [
        *(None, None),
        *(first, None) * 3,
        *(None, first),
        *(second, first) * 2,
        *(second, None),
    ]
    both = [lake_history.names(changed, [first, second], version) for version in (3, 6, 7)]
    names = {first: ("main", "u"), second: ("main", "t")}
    assert both == [
        {(("main", "t"), first)},
        {(path, number) for number, path in names.items()},
        {(names[second], second)},
    ]


def test_a_table_has_a_history(changed: Connection) -> None:
    number = number_of(changed, "t", 1)
    assert number is not None
    history = History(changed, number)
    paths = [history.path(version) for version in range(8)]
    assert paths == [("", ""), *[("main", "T")] * 3, *[("main", "u")] * 3, ("", "")]
    columns = [list(history.columns(version)) for version in (0, 1, 2, 3, 6, 7)]
    assert columns == [[], ["i", "s"], ["i", "s", "more"], ["j", "s", "more"], ["j", "more"], []]


def test_a_column_is_known_by_its_number_and_fields(changed: Connection) -> None:
    number = number_of(changed, "t", 1)
    assert number is not None
    before, after = (History(changed, number).columns(version) for version in (2, 3))
    assert before["i"] == after["j"] == Column(before["i"].number, frozenset(), None)
    assert before["more"].default == "7"
    fields = {(name, kind) for _, name, kind in before["s"].fields}
    assert fields == {("a", "int32"), ("b", "struct"), ("c", "varchar")}
