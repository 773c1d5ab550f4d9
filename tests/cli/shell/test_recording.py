"""The recording in the documentation is what the shell shows."""

import pytest

from tools.record_shell import RECORDING, lasting, record


@pytest.mark.cluster
def test_the_recording_is_true() -> None:
    assert lasting(record()) == lasting(RECORDING.read_text(encoding="utf-8"))


def test_only_times_and_ports_may_differ() -> None:
    assert lasting("127.0.0.1:41234?") == lasting("127.0.0.1:5?")
    assert lasting("took 0.006 s") == lasting("took 1.250 s")
    assert lasting("(7 rows)") != lasting("(8 rows)")
