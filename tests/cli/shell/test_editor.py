"""When Enter sends what was typed; the rest of the editor is tested on a terminal."""

import pytest

from flightkeeper.cli.shell.editor import ends


@pytest.mark.parametrize("text", ["", "  ", "\\d", "SELECT 1;", "SELECT 1; -- done", "SELECT ';';"])
def test_it_ends(text: str) -> None:
    assert ends(text)


@pytest.mark.parametrize("text", ["SELECT 1", "SELECT ';", "SELECT 1 -- ;", "SELECT 1; SELECT 2"])
def test_it_goes_on(text: str) -> None:
    assert not ends(text)
