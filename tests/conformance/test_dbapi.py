"""The DB-API 2.0 compliance tests (dbapi-compliance), with the client's own module."""

from collections.abc import Iterator
from urllib.parse import urlsplit

import dbapi20
import pytest

from flightkeeper.client import dbapi
from tests.support.processes import running


@pytest.fixture(scope="module")
def url() -> Iterator[str]:
    """One node, without users: the suite connects once for every test and once more."""
    with running("serve", "--insecure") as node:
        yield f"flightsql://{urlsplit(node.line()['location']).netloc}?transport=tcp"


class TestCompliance(dbapi20.DatabaseAPI20Test):  # type: ignore[misc]
    """The suite as it is, but for the two tests that it wants overridden."""

    driver = dbapi

    @pytest.fixture(autouse=True)
    def _driver(self, url: str, monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
        """Connect to that node, and close what a test has left open."""
        opened: list[dbapi.Connection] = []

        def connect(_self: object) -> dbapi.Connection:
            opened.append(dbapi.connect(url))
            return opened[-1]

        monkeypatch.setattr(type(self), "_connect", connect)
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
