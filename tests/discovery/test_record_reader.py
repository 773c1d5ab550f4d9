"""Reading records, garbage included."""

import pytest

from flightkeeper.discovery.record_reader import RecordReader
from flightkeeper.discovery.records import encode
from tests.discovery.backends import instance


def test_a_good_record() -> None:
    assert RecordReader().read("/s/n1", "n1", encode(instance("i1")), 1) == instance("i1")


def test_garbage_is_reported_once_for_each_content(caplog: pytest.LogCaptureFixture) -> None:
    reader = RecordReader()
    for stamp in (1, 1, 2):
        assert reader.read("/s/n1", "n1", b"x", stamp) is None
    assert len(caplog.records) == 2


def test_it_is_reported_again_after_it_was_gone(caplog: pytest.LogCaptureFixture) -> None:
    reader = RecordReader()
    reader.read("/s/n1", "n1", b"x", 1)
    reader.forget_all_but(["/s/n1"])
    reader.read("/s/n1", "n1", b"x", 1)
    assert len(caplog.records) == 1
    reader.forget_all_but([])
    reader.read("/s/n1", "n1", b"x", 1)
    assert len(caplog.records) == 2


def test_a_record_under_another_name(caplog: pytest.LogCaptureFixture) -> None:
    assert RecordReader().read("/s/n2", "n2", encode(instance("i1")), 1) is None
    assert "'n1'" in caplog.text
