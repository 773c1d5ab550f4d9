"""The catalog's log, and how far somebody has followed it."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from flightkeeper.discovery.catalog.definition import MalformedDefinition
from flightkeeper.discovery.catalog.log import (
    ENTRIES_MAX,
    Entry,
    Log,
    decode,
    encode,
    extended,
    reached,
)


def grown(*changes: tuple[str, int]) -> Log:
    log: Log = ()
    for document, version in changes:
        log = extended(log, Entry(0, document, version, "create", "ada", 5))
    return log


def test_changes_are_numbered_without_gaps_and_old_ones_forgotten() -> None:
    log = grown(*(("catalog/s/t", number) for number in range(ENTRIES_MAX + 5)))
    assert [entry.revision for entry in log] == list(range(6, ENTRIES_MAX + 6))
    assert decode(encode(log)) == log


def test_nobody_has_followed_past_what_they_lack() -> None:
    log = grown(("a", 0), ("b", 0), ("a", 1), ("c", 0))
    assert reached(log, {}) == 0
    assert reached(log, {"a": 0}) == 1
    assert reached(log, {"a": 0, "b": 0, "c": 0}) == 2
    assert reached(log, {"a": 1, "b": 0}) == 3
    assert reached(log, {"a": 7, "b": 0, "c": 0, "d": 9}) == 4
    assert reached((), {"a": 1}) == 0


@given(st.lists(st.tuples(st.sampled_from("abc"), st.integers(0, 3)), max_size=9), st.data())
def test_who_has_all_has_followed_all(changes: list[tuple[str, int]], data: st.DataObject) -> None:
    log = grown(*changes)
    newest = {entry.document: max(e.version for e in log if e.document == entry.document)
              for entry in log}  # fmt: skip
    assert reached(log, newest) == len(log)
    if newest:
        lacking = data.draw(st.sampled_from(sorted(newest)))
        assert reached(log, {**newest, lacking: newest[lacking] - 1}) < len(log)


@pytest.mark.parametrize("data", [b"x", b"[]", b'{"v": 2, "changes": []}', b'{"v": 1}'])
def test_what_is_no_log_is_refused(data: bytes) -> None:
    with pytest.raises(MalformedDefinition, match="no log"):
        decode(data)
