"""Settings of a lake, by themselves and against each other."""

import pytest
from pydantic import ValidationError

from flightkeeper.flight_server.config import NodeSettings
from flightkeeper.flight_server.config_lake import FILES_KEPT_S
from flightkeeper.flight_server.live.settings import LIVE

LAKE = "ducklake:sqlite:/srv/lake.sqlite"


def test_how_long_things_are_kept_may_change_while_nodes_run() -> None:
    kept = {name for name in NodeSettings.model_fields if name.startswith("lake_")}
    assert kept - set(LIVE) == {"lake_data", "lake_password"}


def test_a_url_that_names_no_lake_is_refused() -> None:
    with pytest.raises(ValidationError, match="a lake is ducklake:sqlite"):
        NodeSettings(lake="sqlite:/srv/lake")


def test_files_are_kept_for_longer_than_anything_may_run() -> None:
    settings = NodeSettings(lake=LAKE, statement_timeout_s=FILES_KEPT_S / 2)
    assert settings.lake_files_kept_s == FILES_KEPT_S
    with pytest.raises(ValidationError, match="at least twice as long: raise lake_files_kept_s"):
        NodeSettings(lake=LAKE, statement_timeout_s=100, lake_files_kept_s=199)
    # Without a lake a statement may run for as long as it likes.
    NodeSettings(statement_timeout_s=600_000)


@pytest.mark.parametrize("name", ["lake_files_kept_s", "lake_ledger_kept_s", "lake_file_bytes"])
def test_nothing_is_kept_for_no_time(name: str) -> None:
    with pytest.raises(ValidationError, match="greater than or equal"):
        NodeSettings(lake=LAKE, **{name: 1})  # type: ignore[arg-type]
