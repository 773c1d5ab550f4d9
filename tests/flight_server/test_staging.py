"""Uploads in files: whole, readable again and again, gone on every path."""

import os
import stat
import tempfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pyarrow as pa
import pytest

from flightkeeper.flight_server import staging as module
from flightkeeper.flight_server.errors import EngineFailed, InvalidArgument
from flightkeeper.flight_server.staging import Staged, Staging
from tests.flight_server.uploading import open_files
from tests.flight_server.wire_client import Clock

_SCHEMA = pa.schema({"a": pa.int64()})
_MIB = 1 << 20


def batch(*values: int) -> pa.RecordBatch:
    return pa.record_batch({"a": list(values)})


def read(staged: Staged) -> list[pa.RecordBatch]:
    return list(staged.reader())


@pytest.fixture
def staging(tmp_path: Path) -> Staging:
    return Staging(tmp_path / "made" / "when-needed", _MIB, Clock())


def test_an_upload_can_be_read_more_than_once_and_at_once(staging: Staging) -> None:
    staged = staging.receive(_SCHEMA, iter([batch(1, 2), batch(3)]))
    assert (staged.rows, staged.schema) == (3, _SCHEMA)
    one, two = iter(staged.reader()), iter(staged.reader())
    assert next(one) == next(two) == batch(1, 2, 3)
    staged.close()


def test_an_upload_without_rows_has_a_schema(staging: Staging) -> None:
    staged = staging.receive(_SCHEMA, iter([]))
    assert (staged.rows, read(staged)) == (0, [])
    assert staged.reader().schema == _SCHEMA
    staged.close()


def test_small_batches_become_big_ones(staging: Staging, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "_ROWS_MERGED", 4)
    staged = staging.receive(_SCHEMA, (batch(i, i) for i in range(5)))
    assert read(staged) == [batch(0, 0, 1, 1), batch(2, 2, 3, 3), batch(4, 4)]
    monkeypatch.setattr(module, "_BYTES_MERGED", 1)
    assert len(read(staged)) == 5
    staged.close()


def test_dictionaries_that_fit_into_none_together_stay_apart(staging: Staging) -> None:
    def coded(prefix: str) -> pa.RecordBatch:
        values = pa.array([f"{prefix}{i}" for i in range(120)])
        return pa.record_batch({"a": pa.DictionaryArray.from_arrays(pa.array([7], "int8"), values)})

    first = coded("x")
    staged = staging.receive(first.schema, iter([first, coded("y")]))
    assert [row for part in read(staged) for row in part["a"].to_pylist()] == ["x7", "y7"]
    staged.close()


def test_the_file_has_no_name_and_is_gone_when_closed(staging: Staging, tmp_path: Path) -> None:
    staged = staging.receive(_SCHEMA, iter([batch(1)]))
    (name,) = open_files(tmp_path)
    assert not Path(name).exists()
    assert list((tmp_path / "made" / "when-needed").iterdir()) == []
    staged.close()
    staged.close()
    assert open_files(tmp_path) == []


def test_nobody_else_can_read_the_file(staging: Staging) -> None:
    staged = staging.receive(_SCHEMA, iter([batch(1)]))
    assert stat.S_IMODE(os.fstat(staged._file.fileno()).st_mode) & 0o077 == 0
    staged.close()


def test_too_big_an_upload_is_refused_and_leaves_nothing(staging: Staging, tmp_path: Path) -> None:
    sent = []

    def endless() -> Iterator[pa.RecordBatch]:
        while True:
            sent.append(1)
            yield batch(*range(10_000))

    with pytest.raises(InvalidArgument, match=r"bigger than 1048576 bytes.*ingest_bytes_max"):
        staging.receive(_SCHEMA, endless())
    assert len(sent) == _MIB // 80_000 + 1
    assert open_files(tmp_path) == []


def test_an_upload_that_fails_leaves_nothing(staging: Staging, tmp_path: Path) -> None:
    def broken() -> Iterator[pa.RecordBatch]:
        yield batch(1)
        assert open_files(tmp_path)
        raise InvalidArgument("the data are broken")

    with pytest.raises(InvalidArgument, match="the data are broken"):
        staging.receive(_SCHEMA, broken())
    assert open_files(tmp_path) == []


def test_a_full_disk_is_told(
    staging: Staging, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def full(**_: Any) -> Any:
        return Path("/dev/full").open("w+b", buffering=_MIB)

    monkeypatch.setattr(tempfile, "TemporaryFile", full)
    with pytest.raises(EngineFailed, match=r"No space left on device.*nothing was applied"):
        staging.receive(_SCHEMA, iter([batch(1)]))
    assert open_files(tmp_path) == []


def test_a_directory_that_cannot_be_is_told_without_its_name(tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    staging = Staging(tmp_path / "file" / "below", _MIB, Clock())
    with pytest.raises(EngineFailed, match=r"\(Not a directory\)") as caught:
        staging.receive(_SCHEMA, iter([]))
    assert str(tmp_path) not in str(caught.value)


def test_without_a_directory_the_systems_own_is_used(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path))
    staged = Staging(None, _MIB, Clock()).receive(_SCHEMA, iter([batch(1)]))
    assert len(open_files(tmp_path)) == 1
    staged.close()


def test_an_upload_counts_while_it_is_heard_of(tmp_path: Path) -> None:
    clock = Clock()
    staging = Staging(tmp_path, _MIB, clock)

    def batches() -> Iterator[pa.RecordBatch]:
        assert staging.receiving(within_s=5) == 1
        clock.now_s += 6
        assert staging.receiving(within_s=5) == 0
        yield batch(1)
        assert staging.receiving(within_s=5) == 1

    assert staging.receiving(within_s=5) == 0
    staging.receive(_SCHEMA, batches()).close()
    assert staging.receiving(within_s=5) == 0
