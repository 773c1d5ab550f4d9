"""URLs of lakes: what they name, and what is refused before anything is opened."""

from pathlib import Path

import pytest

from flightkeeper.flight_server.lake.location import (
    Backend,
    InvalidLakeUrl,
    Location,
    folder,
    parse,
)


def test_a_file_has_its_data_beside_it() -> None:
    assert parse("ducklake:sqlite:/srv/lake.sqlite") == Location(
        Backend.SQLITE, "/srv/lake.sqlite", data="/srv/lake.sqlite.files"
    )
    assert parse("ducklake:sqlite:lake.db", "s3://bucket/lake").data == "s3://bucket/lake"


def test_files_are_in_folders_or_in_an_object_store() -> None:
    assert folder("/srv/lake.sqlite.files/") == Path("/srv/lake.sqlite.files")
    assert folder("file:///srv/files/") == folder("file:/srv/files/") == Path("/srv/files")
    assert folder("s3://bucket/lake/") is None


def test_a_server_is_told_by_its_parameters() -> None:
    found = parse("ducklake:postgres://ada@db.example:5433/shop?sslmode=require", "/srv/lake")
    assert dict(found.server) == {
        "host": "db.example",
        "port": "5433",
        "user": "ada",
        "dbname": "shop",
        "sslmode": "require",
    }
    assert str(found) == "ducklake:postgres://db.example:5433/shop"
    socket = parse("ducklake:postgresql://ada@/shop?host=/run/postgresql")
    assert dict(socket.server) == {"host": "/run/postgresql", "user": "ada", "dbname": "shop"}


@pytest.mark.parametrize(
    ("url", "words"),
    [
        ("sqlite:/srv/lake", "a lake is ducklake:sqlite"),
        ("ducklake:", "a lake is ducklake:sqlite"),
        ("ducklake:mysql:db", "not in 'mysql'"),
        ("ducklake:postgres://db.example", "which database"),
        ("ducklake:postgres://db.example:x/shop", "no number"),
        ("ducklake:postgres://ada:secret@db.example/shop", "lake_password"),
        ("ducklake:postgres://db.example/shop?options=-c", "no parameter options"),
    ],
)
def test_what_names_no_lake_is_refused(url: str, words: str) -> None:
    with pytest.raises(InvalidLakeUrl, match=words) as caught:
        parse(url)
    assert "secret" not in str(caught.value)
