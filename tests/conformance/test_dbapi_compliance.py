"""The DB-API 2.0 compliance tests (dbapi-compliance), with the stock ADBC driver."""

from collections.abc import Iterator
from typing import Any, ClassVar

import adbc_driver_flightsql.dbapi as adbc
import dbapi20
import pytest

from tests.conformance.conftest import Pair, connect

TOOL = "DB-API 2.0 compliance tests"
DRIVER = "decided by ADBC's DB-API, not by the server"


class Driver:
    """ADBC's module, logged in, with connections that are closed at the end of a test."""

    def __init__(self, location: str) -> None:
        self._location = location
        self.opened: list[Any] = []

    def connect(self) -> Any:
        """Connect as a test of the suite does, without arguments."""
        self.opened.append(connect(self._location))
        return self.opened[-1]

    def __getattr__(self, name: str) -> Any:
        return getattr(adbc, name)


@pytest.mark.tool(TOOL, "the suite, run on ADBC's DB-API")
class TestCompliance(dbapi20.DatabaseAPI20Test):  # type: ignore[misc]
    """The suite as it is, but for what it wants overridden and for ADBC's own decisions."""

    driver: ClassVar[Any]

    @pytest.fixture(autouse=True)
    def _driver(self, pair: Pair) -> Iterator[None]:
        type(self).driver = Driver(pair.first)
        yield
        for opened in self.driver.opened:
            opened.close()

    def cursor(self) -> Any:
        """A new cursor of a new connection."""
        return self._connect().cursor()

    @pytest.mark.tool(TOOL, "errors when fetching after a statement without rows", limit=DRIVER)
    def test_fetchone(self) -> None:
        with self.cursor() as cursor:
            with pytest.raises(adbc.ProgrammingError):
                cursor.fetchone()
            self.executeDDL1(cursor)
            assert cursor.fetchone() is None
            cursor.execute(self._populate()[0])
            assert cursor.fetchone() is None
            cursor.execute(f"select name from {self.table_prefix}booze")
            assert cursor.fetchone() == (self.samples[0],)
            assert cursor.fetchone() is None

    def test_fetchall(self) -> None:
        with self.cursor() as cursor:
            with pytest.raises(adbc.ProgrammingError):
                cursor.fetchall()
            self.executeDDL1(cursor)
            assert cursor.fetchall() == []
            for statement in self._populate():
                cursor.execute(statement)
            cursor.execute(f"select name from {self.table_prefix}booze order by 1")
            assert cursor.fetchall() == [(name,) for name in self.samples]
            assert cursor.fetchall() == []

    @pytest.mark.tool(TOOL, "no description after a statement without rows", limit=DRIVER)
    def test_description(self) -> None:
        with self.cursor() as cursor:
            self.executeDDL1(cursor)
            assert cursor.description == []
            cursor.execute(f"select name from {self.table_prefix}booze")
            ((name, kind, *rest),) = cursor.description
            assert (name, kind == adbc.STRING, len(rest)) == ("name", True, 5)
            self.executeDDL2(cursor)
            assert cursor.description == []

    @pytest.mark.tool(TOOL, "an error when closing twice", limit=DRIVER)
    def test_non_idempotent_close(self) -> None:
        connection = self._connect()
        connection.close()
        connection.close()

    @pytest.mark.tool(TOOL, "calling procedures", limit=DRIVER)
    def test_callproc(self) -> None:
        with self.cursor() as cursor, pytest.raises(adbc.NotSupportedError):
            cursor.callproc("lower", ("FOO",))

    @pytest.mark.tool(TOOL, "several results of one statement", limit=DRIVER)
    def test_nextset(self) -> None:
        with self.cursor() as cursor, pytest.raises(adbc.NotSupportedError):
            cursor.nextset()

    @pytest.mark.tool(TOOL, "the function Binary", limit="the driver's module does not have it")
    def test_Binary(self) -> None:  # noqa: N802 - the suite's name
        assert not hasattr(adbc, "Binary")
        with self.cursor() as cursor:
            assert cursor.execute("select ?::BLOB", (b"Something",)).fetchone() == (b"Something",)

    def test_setoutputsize(self) -> None:
        """The suite leaves to each driver what this means; here it means nothing."""
        with self.cursor() as cursor:
            cursor.setoutputsize(1, 0)
            cursor.execute("select 'longer than that'")
            assert cursor.fetchone() == ("longer than that",)


def test_the_suite_has_all_its_tests() -> None:
    """Overriding replaces tests; nothing is left out."""
    names = [name for name in dir(dbapi20.DatabaseAPI20Test) if name.startswith("test_")]
    assert len(names) == 36
