"""Where results go."""

from pathlib import Path

import pyarrow as pa
import pytest
from pyarrow import parquet

from flightkeeper.cli.formats import Format
from flightkeeper.cli.shell.screen import Screen
from flightkeeper.client import FlightkeeperError

ASKED = "FROM t"


def reader(rows: int, width: int = 1) -> pa.RecordBatchReader:
    return pa.table({"a": ["x" * width] * rows}).to_reader()


def show(screen: Screen, rows: int, width: int = 1) -> None:
    shown = screen.take(ASKED, reader(rows, width))
    assert shown is not None
    screen.show(shown)


def test_what_fits_is_printed(capsys: pytest.CaptureFixture[str]) -> None:
    show(Screen(), 2)
    assert [line.strip() for line in capsys.readouterr().out.splitlines()] == [
        *("a", "x", "x", "(2 rows)")
    ]


@pytest.mark.parametrize(("rows", "width"), [(30, 1), (1, 200)])
def test_what_does_not_fit_goes_through_the_pager(
    rows: int, width: int, capfd: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("PAGER", "sed -e 's/^/paged: /'")
    monkeypatch.setenv("LINES", "20")
    monkeypatch.setenv("COLUMNS", "80")
    show(Screen(), rows, width)
    lines = capfd.readouterr().out.splitlines()
    assert len(lines) == rows + 2
    assert all(line.startswith("paged: ") for line in lines)


def test_a_file_takes_all_rows_until_it_is_closed(tmp_path: Path) -> None:
    screen = Screen(Format.CSV)
    screen.redirect(tmp_path / "rows.csv")
    assert screen.take(ASKED, reader(100)) is None
    screen.close()
    assert (tmp_path / "rows.csv").read_text().splitlines() == ['"a"', *['"x"'] * 100]


def test_a_binary_form_needs_a_file_and_fills_it_once(tmp_path: Path) -> None:
    screen = Screen(Format.PARQUET)
    with pytest.raises(FlightkeeperError, match="nothing was run"):
        screen.check()
    screen.redirect(tmp_path / "rows.parquet")
    screen.check()
    assert screen.take(ASKED, reader(3)) is None
    assert parquet.read_table(tmp_path / "rows.parquet").num_rows == 3
    with pytest.raises(FlightkeeperError, match="name a file"):
        screen.check()


def test_what_was_done_is_said_in_words(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    counted = pa.table({"Count": [3]})
    screen = Screen()
    shown = screen.take("DELETE FROM t", counted.to_reader())
    assert shown is not None
    screen.show(shown)
    assert capsys.readouterr().out == "DELETE (3 rows)\n"
    screen.redirect(tmp_path / "rows")
    assert screen.take("DELETE FROM t", counted.to_reader()) is None
    screen.close()
    assert (tmp_path / "rows").read_text() == "DELETE (3 rows)\n"
