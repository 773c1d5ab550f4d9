"""Where a lake is kept, however it is written."""

from pathlib import Path

import pytest

from flightkeeper.flight_server.lake.location import parse
from flightkeeper.flight_server.lake.places import Places

_SERVED = "ducklake:postgres://keeper@db:5433/shared"


@pytest.fixture
def kept(tmp_path: Path) -> Places:
    (tmp_path / "lake.sqlite").write_bytes(b"")
    (tmp_path / "link").symlink_to(tmp_path / "lake.sqlite")
    (tmp_path / "same").hardlink_to(tmp_path / "lake.sqlite")
    (tmp_path / "files").mkdir()
    (tmp_path / "way").symlink_to(tmp_path / "files")
    return Places(parse(f"ducklake:sqlite:{tmp_path}/lake.sqlite"), f"{tmp_path}/files/")


@pytest.mark.parametrize(
    "text",
    [
        "{}/lake.sqlite",
        "sqlite:{}/lake.sqlite",
        "ducklake:sqlite:{}/lake.sqlite",
        "file:{}/lake.sqlite?mode=rw",
        "file://{}/lake.sqlite",
        "{}/files/../lake.sqlite",
        "{}/lake.sqlite-wal",
        "{}/lake.sqlite.lock",
        "{}/link",
        "{}/same",
    ],
)
def test_the_file_is_known_in_every_way_to_write_it(
    kept: Places, tmp_path: Path, text: str
) -> None:
    assert kept.has_catalog(text.format(tmp_path))


@pytest.mark.parametrize("text", ["", ":memory:", "{}/lake", "{}/lake.sqlite2", "{}/files/x"])
def test_other_files_are_not_it(kept: Places, tmp_path: Path, text: str) -> None:
    assert not kept.has_catalog(text.format(tmp_path))


def test_what_lies_in_the_folder_is_known(kept: Places, tmp_path: Path) -> None:
    for text in ("{}/files", "{}/files/main/t/x.parquet", "file://{}/files/a", "{}/way/a"):
        assert kept.has_file(text.format(tmp_path))
    for text in ("{}/files2/a", "{}/other.csv", "{}", "s3://files/a"):
        assert not kept.has_file(text.format(tmp_path))
    assert kept.is_below(str(tmp_path))
    assert not kept.is_below(f"{tmp_path}/elsewhere")


@pytest.mark.parametrize(
    ("text", "same"),
    [
        ("dbname=shared host=db port=5433", True),
        ("host='db' user=root password='x y' port=5433 dbname=shared", True),
        ("ducklake:postgres:dbname=shared host=db port=5433", True),
        ("postgresql://root:secret@db:5433/shared", True),
        ("ducklake:postgres://root@db:5433/shared", True),
        ("dbname=other host=db port=5433", False),
        ("dbname=shared host=db", False),
        ("dbname=shared host=elsewhere port=5433", False),
        ("postgres://db:x/shared", False),
        ("", False),
        (";", False),
    ],
)
def test_a_server_is_known_by_its_address(text: str, *, same: bool) -> None:
    assert Places(parse(_SERVED), "s3://bucket/lake/").has_catalog(text) is same


def test_a_bucket_is_known_by_its_beginning() -> None:
    kept = Places(parse(_SERVED), "s3://bucket/lake/")
    assert kept.has_file("s3://bucket/lake/main/t.parquet")
    assert not kept.has_file("s3://bucket/lakes/t.parquet")
    assert kept.is_below("s3://bucket/")


def test_this_machine_has_several_names() -> None:
    kept = Places(parse("ducklake:postgres://keeper@localhost/shared"), "s3://bucket")
    assert kept.has_catalog("dbname=shared")
    assert kept.has_catalog("user=shared host=127.0.0.1 port=5432")
