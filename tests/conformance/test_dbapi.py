"""The DB-API 2.0 compliance tests (dbapi-compliance), with the client's own module."""

from collections.abc import Iterator
from typing import Any, ClassVar
from urllib.parse import urlsplit

import dbapi20
import pytest

from flightkeeper.client import dbapi
from tests.conformance.conftest import PASSWORD, USER


class TestCompliance(dbapi20.DatabaseAPI20Test):  # type: ignore[misc]
    """The suite as it is, but for the two tests that it wants overridden."""

    driver = dbapi
    connect_args: ClassVar[Any] = ()
    connect_kw_args: ClassVar[Any] = {}

    @pytest.fixture(autouse=True)
    def _driver(self, solo: str, monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
        """Log in, and close what a test has left open."""
        opened: list[dbapi.Connection] = []

        def connect(*args: Any, **options: Any) -> dbapi.Connection:
            opened.append(dbapi.connect(*args, **options))
            return opened[-1]

        kind = type(self)
        url = f"flightsql://{USER}@{urlsplit(solo).netloc}?transport=tcp"
        monkeypatch.setattr(kind, "connect_args", (url,))
        monkeypatch.setattr(kind, "connect_kw_args", {"password": PASSWORD})
        monkeypatch.setattr(kind, "_connect", lambda _self: connect(url, password=PASSWORD))
        yield
        for connection in opened:
            if not connection.closed:
                connection.close()

    def test_nextset(self) -> None:
        """Of several statements the last one answers, so there is no next result."""
        with self._connect() as connection, connection.cursor() as cursor:
            assert not hasattr(cursor, "nextset")
            assert cursor.execute("SELECT 1; SELECT 2").fetchall() == [(2,)]

    def test_setoutputsize(self) -> None:
        """The suite leaves to each driver what this means; here it means nothing."""
        with self._connect() as connection, connection.cursor() as cursor:
            cursor.setoutputsize(1, 0)
            cursor.execute("SELECT 'longer than that'")
            assert cursor.fetchone() == ("longer than that",)


def test_the_suite_has_all_its_tests() -> None:
    """Nothing but these two is overridden, and nothing is left out."""
    names = {name for name in dir(dbapi20.DatabaseAPI20Test) if name.startswith("test_")}
    assert len(names) == 36
    own = {name for name in vars(TestCompliance) if name.startswith("test_")}
    assert own == {"test_nextset", "test_setoutputsize"}
