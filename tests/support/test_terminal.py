"""The terminal in memory tells a program where the cursor is."""

import pyte
import pytest

from tests.support.terminal import Screen


@pytest.mark.parametrize("cut", range(14))
def test_a_program_that_asks_for_the_cursor_hears_of_all_it_wrote_before(cut: int) -> None:
    answers: list[bytes] = []
    stream = pyte.ByteStream(Screen(answers.append))
    written = b"one\r\ntwo\r\n>\x1b[6n"
    stream.feed(written[:cut])
    stream.feed(written[cut:])
    assert answers == [b"\x1b[3;2R"]
