"""Locations of tables and folders of partitions."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from flightkeeper.discovery.catalog import locations
from flightkeeper.discovery.catalog.definition import Format
from flightkeeper.discovery.catalog.locations import UnusableLocation


@pytest.mark.parametrize(
    "location", ["/data", "/data/*.parquet", "s3://bucket/x", "https://host/a.parquet", "/"]
)
def test_what_every_node_can_find_is_taken(location: str) -> None:
    assert locations.checked(location) == location


def test_a_slash_at_the_end_means_nothing() -> None:
    assert locations.checked("/data/x/") == "/data/x"


@pytest.mark.parametrize(
    ("location", "reason"),
    [
        ("data", "absolute path"),
        ("", "absolute path"),
        ("file:///data", "URL of 'file'"),
        ("s3://", "URL of 's3'"),
        ("s3://key:secret@bucket/x", "must not hold credentials"),
        ("s3://bucket/x?s3_secret_access_key=y", "must not hold credentials"),
        ("https://host/x?sig=abc", "must not hold credentials"),
        ("/data/../etc", "no '..'"),
        ("/data\n", "no control characters"),
    ],
)
def test_other_locations_are_refused(location: str, reason: str) -> None:
    with pytest.raises(UnusableLocation, match=reason) as caught:
        locations.checked(location)
    assert "secret@" not in str(caught.value)


def test_a_folder_means_the_files_of_the_format_in_it() -> None:
    assert locations.files_pattern("/data", Format.PARQUET) == "/data/*.parquet"
    assert locations.files_pattern("/data", Format.CSV, "*.dat") == "/data/*.dat"
    assert locations.files_pattern("/data/a.csv", Format.CSV) == "/data/a.csv"
    assert locations.files_pattern("/data/a-*", Format.JSON) == "/data/a-*"
    assert locations.exactly("/a*[b]?") == "/a[*][[]b][?]"


_TEXTS = st.text(st.characters(exclude_categories=["Cs"]), max_size=8)


@given(st.lists(st.none() | _TEXTS.filter(lambda t: t != "__HIVE_DEFAULT_PARTITION__"), max_size=3))
def test_values_are_read_back_from_folders(values: list[str | None]) -> None:
    columns = [f"c {number}/=" for number in range(len(values))]
    found = locations.values_in(f"x/{locations.folder(columns, tuple(values))}/y", columns)
    assert found == tuple(values)


def test_a_folder_that_does_not_say_all_says_nothing() -> None:
    assert locations.values_in("day=1/a", ["day", "hour"]) is None
    assert locations.values_in("DAY=1/hour=2", ["hour", "day"]) == ("2", "1")
