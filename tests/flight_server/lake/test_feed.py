"""Which parts of a range of versions are asked for what was changed."""

from collections.abc import Mapping

import pytest

from flightkeeper.flight_server.lake.feed import parts

ANEW, ADDED = "rewrite_delete:1", "inserted_into_table:1"


@pytest.mark.parametrize(
    ("told", "found"),
    [
        ({}, [(2, 9)]),
        ({4: "rewrite_delete:2", 5: "merge_adjacent:1"}, [(2, 9)]),
        ({2: ANEW}, [(3, 9)]),
        ({9: ANEW}, [(2, 8)]),
        ({4: ANEW, 5: ANEW}, [(2, 3), (6, 9)]),
        ({4: ANEW, 6: f"{ANEW},merge_adjacent:1"}, [(2, 3), (5, 5), (7, 9)]),
        ({4: f"{ANEW},{ADDED}"}, [(2, 3), (4, 4), (5, 9)]),
        ({4: f"{ANEW},{ADDED}", 5: f"{ANEW},{ADDED}"}, [(2, 3), (4, 4), (5, 5), (6, 9)]),
        (dict.fromkeys(range(2, 10), ANEW), []),
    ],
)
def test_versions_that_wrote_files_anew_part_a_range(
    told: Mapping[int, str], found: list[tuple[int, int]]
) -> None:
    assert parts(range(2, 10), told, table=1) == found


def test_versions_that_are_not_kept_are_not_asked_for() -> None:
    assert parts([2, 3, 5, 7, 9], {4: ANEW, 5: ANEW}, table=1) == [(2, 3), (7, 9)]
