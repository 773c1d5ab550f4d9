"""The shell's commands, on a real node, without a terminal."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from flightkeeper.cli.conversation import Conversation
from flightkeeper.cli.formats import Format
from flightkeeper.cli.shell.commands import COMMANDS, perform
from flightkeeper.cli.shell.interactive import Interactive
from flightkeeper.client import Connection, connect
from tests.support.processes import running

pytestmark = pytest.mark.cluster


@pytest.fixture(scope="module")
def connection() -> Iterator[Connection]:
    with running("serve", "--insecure") as node:
        address = node.line()["location"].removeprefix("grpc://")
        with connect(f"flightsql://{address}?transport=tcp") as connection:
            connection.execute("CREATE TABLE planes (tail TEXT, seats INTEGER)")
            yield connection


@pytest.fixture
def shell(connection: Connection) -> Iterator[Interactive]:
    with Conversation(connection) as conversation:
        shell = Interactive(connection, conversation, Format.TABLE)
        yield shell
        shell.close()


@pytest.mark.parametrize(
    ("line", "words"),
    [
        ("\\?", ["\\route SQL", "\\o [file]"]),
        ("\\d", ["planes", "BASE TABLE"]),
        ("\\d planes", ["tail", "seats", "INTEGER"]),
        ("\\explain SELECT 1;", ["plan"]),
        ("\\nodes", ["UP", "node"]),
        ("\\route SELECT 1", ["1. "]),
        ("\\timing", ["timing is on"]),
        ("\\x", ["expanded is on"]),
    ],
)
def test_what_a_command_shows(
    shell: Interactive, line: str, words: list[str], capsys: pytest.CaptureFixture[str]
) -> None:
    perform(shell, line)
    printed = capsys.readouterr()
    assert not [word for word in words if word not in printed.out], printed


@pytest.mark.parametrize(
    ("line", "words"),
    [
        ("\\nonsense", "there is no command \\nonsense"),
        ("\\route", "\\route needs SQL"),
        ("\\format nonsense", "there is no format nonsense"),
        ("\\i /none/x.sql", "nothing was run"),
        ("\\o /none/x.csv", "cannot write"),
        ("\\d nonsense", "nonsense"),
    ],
)
def test_what_is_wrong_is_said(
    shell: Interactive, line: str, words: str, capsys: pytest.CaptureFixture[str]
) -> None:
    perform(shell, line)
    assert words in capsys.readouterr().err


def test_a_file_in_and_a_file_out(
    shell: Interactive, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    script, rows = tmp_path / "in.sql", tmp_path / "out.csv"
    script.write_text("SELECT 1 AS a; SELECT nonsense; SELECT 2 AS a;")
    for line in ("\\format csv", f"\\o {rows}", f"\\i {script}", "\\o"):
        perform(shell, line)
    assert rows.read_text() == '"a"\n1\n'
    assert "nonsense" in capsys.readouterr().err


def test_every_command_says_what_it_does() -> None:
    assert all(command.summary for command in COMMANDS.values())
