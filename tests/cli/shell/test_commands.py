"""The shell's commands, on a real node, without a terminal."""

import io
from collections.abc import Iterator
from pathlib import Path

import pytest

from flightkeeper.cli.connecting import Access
from flightkeeper.cli.formats import Format
from flightkeeper.cli.shell.commands import COMMANDS, perform
from flightkeeper.cli.shell.contact import Contact
from flightkeeper.cli.shell.interactive import Interactive
from flightkeeper.client import connect
from flightkeeper.flight_server.auth.passwords import hash_password
from tests.support.processes import running

pytestmark = pytest.mark.cluster


@pytest.fixture(scope="module")
def url() -> Iterator[str]:
    with running("serve", "--insecure") as node:
        address = node.line()["location"].removeprefix("grpc://")
        url = f"flightsql://{address}?transport=tcp"
        with connect(url) as connection:
            connection.execute("CREATE TABLE planes (tail TEXT, seats INTEGER)")
            connection.execute("CREATE SCHEMA sales")
        yield url


@pytest.fixture
def shell(url: str) -> Iterator[Interactive]:
    with Contact(url, Access()) as contact:
        shell = Interactive(contact, Format.TABLE)
        yield shell
        shell.close()


@pytest.mark.parametrize(
    ("line", "words"),
    [
        ("\\?", ["\\route SQL", "\\o [file]"]),
        ("\\c", ["connected to flightsql://", " without a login, in memory.main"]),
        ("\\c sales;", ["in memory.sales"]),
        ('\\c memory."sales"', ["in memory.sales"]),
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
        ("\\c no such place", "neither a URL nor [catalog.]schema"),
        ("\\c nowhere", "the connection is as it was"),
        ("\\c http://localhost", "the scheme is wrong"),
        ("\\c flightsql://127.0.0.1:1?transport=tcp", "the connection is as it was"),
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


@pytest.fixture
def locked(tmp_path: Path) -> Iterator[str]:
    """Address of a node that knows ada."""
    users = tmp_path / "users"
    users.write_text(f"ada:{hash_password('hunter2')}\n")
    with running("serve", "--users", str(users)) as node:
        yield node.line()["location"].removeprefix("grpc://")


def test_the_shell_goes_on_with_another_service(
    shell: Interactive,
    locked: str,
    capsys: pytest.CaptureFixture[str],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setenv("FLIGHTKEEPER_PASSWORD", "hunter2")
    perform(shell, f"\\c flightsql://ada@{locked}?transport=tcp")
    assert f"{locked}?transport=tcp as ada, in memory.main" in capsys.readouterr().out
    assert not shell.run("FROM planes"), "it is the other one's"


@pytest.mark.parametrize("password", ["hunter3", None])
def test_what_fails_leaves_the_shell_where_it_was(
    shell: Interactive,
    locked: str,
    password: str | None,
    capsys: pytest.CaptureFixture[str],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr("sys.stdin", io.StringIO())
    monkeypatch.delenv("FLIGHTKEEPER_PASSWORD", raising=False)
    if password is not None:
        monkeypatch.setenv("FLIGHTKEEPER_PASSWORD", password)
    perform(shell, "\\c sales")
    perform(shell, f"\\c flightsql://ada@{locked}?transport=tcp")
    assert "the connection is as it was" in capsys.readouterr().err
    perform(shell, "\\c")
    assert "without a login, in memory.sales" in capsys.readouterr().out


def test_an_open_transaction_holds_the_shell_where_it_is(
    shell: Interactive, url: str, capsys: pytest.CaptureFixture[str]
) -> None:
    for line in ("BEGIN", "INSERT INTO planes VALUES ('N1', 7)"):
        assert shell.run(line)
    perform(shell, f"\\c {url}")
    assert "a transaction is open" in capsys.readouterr().err
    assert shell.contact.conversation.in_transaction
    shell.run("ROLLBACK")
    perform(shell, f"\\c {url}")
    assert shell.run("FROM planes")
