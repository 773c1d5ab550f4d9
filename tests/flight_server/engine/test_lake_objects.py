"""What is told of a real object store: what its key may do, and whether it keeps versions."""

from collections.abc import Iterator
from contextlib import closing, contextmanager
from pathlib import Path

import pytest

from flightkeeper.flight_server.engine.connection import Connection
from flightkeeper.flight_server.engine.database import Database, DatabaseOptions
from flightkeeper.flight_server.engine.lake import LakeOptions
from flightkeeper.flight_server.engine.lake_inspection import Finding, findings
from flightkeeper.flight_server.engine.lake_objects import Fate, fate
from flightkeeper.flight_server.errors import NodeError
from flightkeeper.flight_server.lake.location import Backend, parse
from tests.support.object_store import BUCKET, KEY_ID, WRITER_ID, ObjectStore, object_store
from tests.support.postgres_server import PostgresServer, postgres_server

pytestmark = [pytest.mark.lake, pytest.mark.xdist_group("postgres")]

FILE = f"s3://{BUCKET}/told/one.parquet"


@pytest.fixture(scope="module")
def server() -> Iterator[PostgresServer]:
    with postgres_server() as started:
        yield started


@pytest.fixture
def store(tmp_path: Path) -> Iterator[ObjectStore]:
    with object_store(tmp_path) as started:
        yield started


@contextmanager
def connected(store: ObjectStore, server: PostgresServer, key_id: str) -> Iterator[Connection]:
    where = parse(server.lake, f"s3://{BUCKET}/tables")
    options = DatabaseOptions(
        lake=LakeOptions(where), extensions=("httpfs",), start_file=store.start_file(key_id)
    )
    with closing(Database(options)) as database, closing(database.connect()) as connection:
        yield connection


def objects(connection: Connection) -> list[Finding]:
    found = findings(connection, Backend.POSTGRES)
    return [finding for finding in found if "the key may" in finding.about]


def there(connection: Connection, pattern: str) -> list[str]:
    return [file for (file,) in connection.rows("FROM glob($file)", {"file": pattern})]


def test_what_the_key_may_and_the_bucket_keeps_is_told(
    store: ObjectStore, server: PostgresServer
) -> None:
    with connected(store, server, KEY_ID) as connection:
        assert fate(connection, FILE) == Fate(deletable=True, versioned=False)
        assert not there(connection, f"s3://{BUCKET}/told/*")
        (found,) = objects(connection)
        assert found.about == "the key may delete objects, and the bucket keeps no versions"
        assert "can lose its files" in found.problem
    with connected(store, server, WRITER_ID) as connection:
        for _ in range(2):
            assert fate(connection, FILE) == Fate(deletable=False, versioned=False)
            assert objects(connection) == [
                Finding("the key may not delete objects, so that no COMMIT loses files")
            ]
        # They do not pile up.
        assert there(connection, f"s3://{BUCKET}/**") == [
            f"s3://{BUCKET}/tables/flightkeeper-check.parquet",
            FILE,
        ]
    store.keep_versions()
    with connected(store, server, KEY_ID) as connection:
        assert fate(connection, FILE) == Fate(deletable=True, versioned=True)
        assert objects(connection) == [
            Finding("the key may delete objects, and the bucket keeps versions of them")
        ]


def test_what_cannot_be_told_is_an_error(store: ObjectStore, server: PostgresServer) -> None:
    with (
        connected(store, server, WRITER_ID) as connection,
        pytest.raises(NodeError, match="another"),
    ):
        fate(connection, "s3://another/one.parquet")
