"""The document of live settings: what is set and how it came to be."""

import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from flightkeeper.flight_server.live import document as module
from flightkeeper.flight_server.live.document import (
    EMPTY,
    MalformedSettings,
    SettingsDocument,
    decode,
    encode,
)

_values = st.dictionaries(
    st.sampled_from("abc"), st.none() | st.integers(0, 3) | st.sampled_from(["x", "4GB"])
)


@given(st.lists(_values, max_size=8))
def test_every_revision_can_be_seen_again(changes: list[dict[str, Any]]) -> None:
    found = EMPTY
    seen: dict[int, Any] = {0: {}}
    for number, after in enumerate(changes):
        found = found.changed(after, "ada", number)
        seen[found.revision] = dict(found.values)
    assert decode(encode(found)) == found
    assert {revision: found.at(revision) for revision in seen} == seen
    assert found.at(-1) is found.at(found.revision + 1) is None


def test_what_changes_nothing_is_no_change() -> None:
    found = EMPTY.changed({"a": 1, "b": None}, "ada", 5)
    assert found.values == {"a": 1}
    assert found.changed({"a": 1, "c": None}, "eve", 6) is found
    (change,) = found.history
    assert (change.revision, change.by, change.at_ms) == (1, "ada", 5)


def test_old_changes_are_forgotten(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "HISTORY_MAX", 3)
    found = EMPTY
    for number in range(1, 6):
        found = found.changed({"a": number}, "ada", number)
    assert [change.revision for change in found.history] == [3, 4, 5]
    assert (found.at(1), found.at(2), found.at(5)) == (None, {"a": 2}, {"a": 5})


@pytest.mark.parametrize(
    "data",
    [
        b"",
        b"\xff",
        b"[]",
        b"{}",
        json.dumps({"v": 2, "values": {}, "history": []}).encode(),
        json.dumps({"v": 1, "values": [], "history": []}).encode(),
        json.dumps({"v": 1, "values": {}, "history": [{}]}).encode(),
        json.dumps({"v": 1, "values": {}, "history": 7}).encode(),
        b"[" * 100_000,
        b'{"v":1,"values":{},"history":[{"revision":1e999,"at_ms":0,"by":"","before":{},"after":{}}]}',
    ],
)
def test_anything_else_is_malformed(data: bytes) -> None:
    with pytest.raises(MalformedSettings):
        decode(data)


def test_people_can_read_it() -> None:
    text = encode(SettingsDocument({"threads": 4})).decode()
    assert '"threads": 4' in text
