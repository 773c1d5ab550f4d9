"""Dates, times and moments as text: also those that Python's own types have no room for.

Owns how they are written: as ISO 8601 does from the years 1 to 9999, and beyond them as DuckDB
does, which reads all of it back. Pure.
"""

from datetime import UTC, date, datetime, timedelta, tzinfo

_EPOCH = date(1970, 1, 1).toordinal()
_ERA_DAYS, _ERA_YEARS = 146_097, 400
_DAY_S = 86_400
_DAYS_INFINITE = 2**31 - 1
_INFINITE = 2**63 - 1
"""What DuckDB stands for infinity with; negative for the one before all times."""
PER_SECOND = {"s": 1, "ms": 1000, "us": 1_000_000, "ns": 1_000_000_000}
_FIRST_S, _LAST_S = (
    int((moment - datetime(1970, 1, 1, tzinfo=UTC)).total_seconds())
    for moment in (datetime(1, 1, 3, tzinfo=UTC), datetime(9999, 12, 29, tzinfo=UTC))
)
"""Between them every zone's offset can be asked for."""


def date_text(days: int) -> str:
    """A date.

    Args:
        days: since 1970.
    """
    if abs(days) == _DAYS_INFINITE:
        return _infinity(days)
    day, era = _date(days)
    return day + era


def time_text(value: int, unit: str) -> str:
    """A time of a day, up to 24:00:00.

    Args:
        value: since midnight, in the unit.
        unit: "s", "ms", "us" or "ns".
    """
    seconds, part = divmod(value, PER_SECOND[unit])
    minutes, second = divmod(seconds, 60)
    hour, minute = divmod(minutes, 60)
    digits = len(str(PER_SECOND[unit])) - 1
    return f"{hour:02}:{minute:02}:{second:02}" + (f".{part:0{digits}}" if part else "")


def moment_text(value: int, unit: str, zone: tzinfo | None) -> str:
    """A date and a time of it.

    Args:
        value: since 1970, in the unit.
        unit: as of `time_text`.
        zone: where it is told, with its offset; None = without a zone.
    """
    if abs(value) == _INFINITE:
        return _infinity(value)
    per_second = PER_SECOND[unit]
    offset = None if zone is None else _offset(value // per_second, zone)
    value += 0 if offset is None else offset // timedelta(seconds=1) * per_second
    days, within = divmod(value, _DAY_S * per_second)
    day, era = _date(days)
    separator = f"{era} " if era else "T"
    after = "" if offset is None else _offset_text(offset)
    return f"{day}{separator}{time_text(within, unit)}{after}"


def duration_text(months: int, days: int, nanoseconds: int) -> str:
    """As ISO 8601 writes a duration, with each part's own sign: "P1M-2DT3.5S"."""
    seconds, part = divmod(abs(nanoseconds), PER_SECOND["ns"])
    sign = "-" if nanoseconds < 0 else ""
    fraction = f".{part:09}".rstrip("0") if part else ""
    parts = [f"{months}M"] if months else []
    parts += [f"{days}D"] if days else []
    parts += [f"T{sign}{seconds}{fraction}S"] if nanoseconds or not parts else []
    return f"P{''.join(parts)}"


def _infinity(value: int) -> str:
    return "infinity" if value > 0 else "-infinity"


def _date(days: int) -> tuple[str, str]:
    """The date, and what follows it if it is before Christ. The calendar repeats itself."""
    eras, within = divmod(days + _EPOCH - 1, _ERA_DAYS)
    day = date.fromordinal(within + 1)
    year = day.year + eras * _ERA_YEARS
    before = year <= 0
    return f"{1 - year if before else year:04}-{day:%m-%d}", " (BC)" if before else ""


def _offset(seconds: int, zone: tzinfo) -> timedelta:
    if not _FIRST_S < seconds < _LAST_S:
        return timedelta(0)
    moment = datetime(1970, 1, 1, tzinfo=UTC) + timedelta(seconds=seconds)
    return moment.astimezone(zone).utcoffset() or timedelta(0)


def _offset_text(offset: timedelta) -> str:
    text = time_text(abs(offset // timedelta(seconds=1)), "s")
    return ("-" if offset < timedelta(0) else "+") + text.removesuffix(":00")
