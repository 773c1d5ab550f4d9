"""The exit codes, and the line that says why."""

import pytest
import typer

from flightkeeper.cli.exits import FAILED, UNREACHABLE, USAGE, complain, fail


def test_the_codes_are_a_contract() -> None:
    assert (FAILED, USAGE, UNREACHABLE) == (1, 2, 3)


def test_failing_says_why_and_carries_the_code(capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(typer.Exit) as caught:
        fail("no such table: t", FAILED)
    assert caught.value.exit_code == FAILED
    assert capsys.readouterr() == ("", "flightkeeper: no such table: t\n")


def test_every_line_says_who_speaks(capsys: pytest.CaptureFixture[str]) -> None:
    complain("one\ntwo")
    assert capsys.readouterr().err == "flightkeeper: one\nflightkeeper: two\n"
