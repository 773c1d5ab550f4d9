"""How wide output is."""

import io

import pytest

from flightkeeper.cli.consoles import console_for


class Terminal(io.StringIO):
    def isatty(self) -> bool:
        return True


def test_away_from_a_terminal_nothing_is_cut_and_nothing_coloured() -> None:
    out = io.StringIO()
    console_for(out).print(f"[red]{'x' * 5000}")
    assert out.getvalue() == "x" * 5000 + "\n"


def test_a_terminal_has_its_own_width(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("COLUMNS", "40")
    assert console_for(Terminal()).width == 40
