"""The history's file: who may read it, and what is never in it."""

from pathlib import Path

import pytest

from flightkeeper.cli.shell.history import StatementHistory, history_file


def test_statements_are_there_the_next_time(tmp_path: Path) -> None:
    file = tmp_path / "deep" / "history"
    StatementHistory(file).append_string("SELECT 1;\nSELECT 2;")
    assert list(StatementHistory(file).load_history_strings()) == ["SELECT 1;\nSELECT 2;"]


def test_only_the_owner_may_read_it_even_if_it_was_there(tmp_path: Path) -> None:
    file = tmp_path / "history"
    file.touch(mode=0o644)
    StatementHistory(file)
    assert file.stat().st_mode & 0o777 == 0o600


@pytest.mark.parametrize(
    "secret",
    [
        "ALTER USER ada PASSWORD 'x';",
        "create secret s (key 'x');",
        "SET Password='x';",
        "\\c flightsql://ada:x/y@localhost:31337",
    ],
)
def test_secrets_are_remembered_for_this_time_only(tmp_path: Path, secret: str) -> None:
    history = StatementHistory(tmp_path / "history")
    history.append_string(secret)
    assert history.get_strings() == [secret]
    assert (tmp_path / "history").read_text() == ""


def test_a_url_with_a_user_is_no_secret(tmp_path: Path) -> None:
    StatementHistory(tmp_path / "h").append_string("\\c flightsql://ada@localhost:31337")
    assert "ada@localhost" in (tmp_path / "h").read_text()


def test_where_it_is() -> None:
    assert history_file({"XDG_STATE_HOME": "/s"}) == Path("/s/flightkeeper/history")
    assert history_file({}) == Path.home() / ".local/state/flightkeeper/history"
