"""Which lake the nodes of `flightkeeper up` get."""

from importlib.metadata import PackageNotFoundError
from pathlib import Path

import pytest

from flightkeeper.cli import own_lake
from flightkeeper.cli.own_lake import lake_flags


@pytest.fixture(autouse=True)
def installed(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("FLIGHTKEEPER_LAKE", raising=False)
    monkeypatch.setattr(own_lake, "version", lambda _: "1.5.5")


def flags(given: str | None = None, *, database: bool = False, config: Path | None = None) -> str:
    with lake_flags(given, database=database, config=config) as found:
        return " ".join(found)


def test_by_default_they_share_one_that_is_gone_afterwards() -> None:
    with lake_flags(None, database=False, config=None) as found:
        flag, url = found
        folder = Path(url.removeprefix("ducklake:sqlite:")).parent
        assert folder.is_dir()
    assert flag == "--lake"
    assert not folder.exists()


def test_what_is_asked_for_is_taken() -> None:
    assert flags("ducklake:sqlite:/x", database=True) == "--lake ducklake:sqlite:/x"
    assert flags("none") == ""


def test_a_file_of_ones_own_is_not_hidden_by_a_lake() -> None:
    assert flags(database=True) == ""


def test_settings_that_name_one_hold(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    config = tmp_path / "c.toml"
    config.write_text('lake = "ducklake:sqlite:/x"')
    assert flags(config=config) == ""
    monkeypatch.setenv("FLIGHTKEEPER_LAKE", "ducklake:sqlite:/x")
    assert flags() == ""


def test_settings_that_cannot_be_read_are_the_nodes_to_refuse(tmp_path: Path) -> None:
    assert flags(config=tmp_path / "none.toml").startswith("--lake ")


@pytest.mark.parametrize("other", ["duckdb", "duckdb-extension-sqlite-scanner"])
def test_without_the_extensions_of_this_duckdb_there_is_none(
    other: str, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(own_lake, "version", lambda name: "2.0.0" if name == other else "1.5.5")
    assert flags() == ""
    assert "pip install 'flightkeeper[server,lake]'" in capsys.readouterr().err


def test_without_any_extension_there_is_none(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    def missing(name: str) -> str:
        raise PackageNotFoundError(name)

    monkeypatch.setattr(own_lake, "version", missing)
    assert flags() == ""
    assert capsys.readouterr().err.count("\n") == 1
