"""A stock ADBC connection from ours."""

import sys

import pytest

from flightkeeper.client import Connection, FlightkeeperError
from flightkeeper.client.adbc import open_adbc


def test_it_is_a_working_connection(real: Connection) -> None:
    with real.adbc() as driver, driver.cursor() as cursor:
        cursor.execute("SELECT 42")
        assert cursor.fetchall() == [(42,)]
    with real.adbc(autocommit=False) as driver, driver.cursor() as cursor:
        cursor.execute("CREATE TABLE work.t (n INT)")
        driver.rollback()
    assert real.metadata.tables(schema_pattern="work").num_rows == 0


def test_without_the_driver_it_says_what_to_install(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "adbc_driver_flightsql", None)
    with pytest.raises(FlightkeeperError, match=r"flightkeeper\[adbc\]"):
        open_adbc("grpc://127.0.0.1:9", "", None, autocommit=True)
