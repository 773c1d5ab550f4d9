"""What versions say that they changed."""

import pytest

from flightkeeper.flight_server.lake.told import kinds


@pytest.mark.parametrize(
    ("told", "found"),
    [
        ("", set()),
        ("inserted_into_table:1", {"inserted_into_table"}),
        ("inserted_into_table:11,deleted_from_table:2", set()),
        (
            "merge_adjacent:1,rewrite_delete:1,rewrite_delete:2",
            {"merge_adjacent", "rewrite_delete"},
        ),
        ('created_table:"main"."a,rewrite_delete:1",altered_table:1', {"altered_table"}),
        ('created_schema:"s ""x"":1"', set()),
        ("something else", None),
    ],
)
def test_kinds_of_change_of_a_table(told: str, found: set[str] | None) -> None:
    assert kinds(told, 1) == found
