"""Dates, times and moments as text."""

from datetime import UTC, date, datetime, timedelta
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st

from flightkeeper.cli.moments import date_text, duration_text, moment_text, time_text

EPOCH = date(1970, 1, 1)


@given(st.dates())
def test_dates_that_python_knows(day: date) -> None:
    assert date_text((day - EPOCH).days) == day.isoformat()


@pytest.mark.parametrize(
    ("days", "text"),
    [
        (2**31 - 1, "infinity"),
        (1 - 2**31, "-infinity"),
        (2_932_897, "10000-01-01"),
        (-719_163, "0001-12-31 (BC)"),
        (-719_528, "0001-01-01 (BC)"),
        (-719_529, "0002-12-31 (BC)"),
    ],
)
def test_dates_that_python_does_not_know(days: int, text: str) -> None:
    assert date_text(days) == text


@pytest.mark.parametrize(
    ("value", "unit", "text"),
    [
        (0, "s", "00:00:00"),
        (86_400, "s", "24:00:00"),
        (1, "ms", "00:00:00.001"),
        (3_600_000_001, "us", "01:00:00.000001"),
        (61_000_000_001, "ns", "00:01:01.000000001"),
    ],
)
def test_times(value: int, unit: str, text: str) -> None:
    assert time_text(value, unit) == text


@given(st.datetimes(datetime(1, 1, 5), datetime(9999, 12, 27), timezones=st.just(UTC)))  # noqa: DTZ001  the strategy adds the zone
def test_moments_that_python_knows(moment: datetime) -> None:
    value = (moment - datetime(1970, 1, 1, tzinfo=UTC)) // timedelta(microseconds=1)
    assert moment_text(value, "us", None) == moment.replace(tzinfo=None).isoformat()
    zone = ZoneInfo("Asia/Tokyo")
    assert datetime.fromisoformat(moment_text(value, "us", zone)) == moment
    assert moment_text(value, "us", zone) == moment.astimezone(zone).isoformat()


@pytest.mark.parametrize(
    ("value", "text"),
    [
        (2**63 - 1, "infinity"),
        (1 - 2**63, "-infinity"),
        (253_402_300_800, "10000-01-01T00:00:00+00:00"),
        (-62_135_596_801, "0001-12-31 (BC) 23:59:59+00:00"),
    ],
)
def test_moments_that_python_does_not_know(value: int, text: str) -> None:
    assert moment_text(value, "s", ZoneInfo("America/New_York")) == text


@pytest.mark.parametrize(
    ("parts", "text"),
    [
        ((0, 0, 0), "PT0S"),
        ((1, -2, 3_500_000_000), "P1M-2DT3.5S"),
        ((0, 0, -1), "PT-0.000000001S"),
        ((14, 0, 0), "P14M"),
    ],
)
def test_durations(parts: tuple[int, int, int], text: str) -> None:
    assert duration_text(*parts) == text
