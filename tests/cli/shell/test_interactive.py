"""The shell on a terminal, against a real node."""

import threading
from collections.abc import Iterator
from pathlib import Path

import pytest

from flightkeeper.client import connect
from flightkeeper.flight_server.auth.passwords import hash_password
from tests.support.processes import running
from tests.support.terminal import Terminal

pytestmark = pytest.mark.cluster

CLEAR = "\x0c"
"""Ctrl-L: what follows is the only thing on the screen."""


@pytest.fixture(scope="module")
def url() -> Iterator[str]:
    with running("serve", "--insecure") as node:
        yield node.line()["location"].replace("grpc://", "flightsql://") + "?transport=tcp"


@pytest.fixture
def shell(url: str, tmp_path: Path) -> Iterator[Terminal]:
    with Terminal(["sql", url], {"XDG_STATE_HOME": str(tmp_path)}) as terminal:
        terminal.wait_for()
        yield terminal


def test_a_statement_over_several_lines(shell: Terminal) -> None:
    shell.type("SELECT 6 *\r")
    shell.wait_for(prompt="·>")
    shell.type("7 AS answer;\r")
    lines = shell.wait_for("(1 row)")
    assert lines[lines.index("(1 row)") - 1].strip() == "42"


def test_long_results_are_cut_in_the_middle(shell: Terminal) -> None:
    shell.type("SELECT i FROM range(5000) t(i);\r")
    lines = [line.strip() for line in shell.wait_for("(5000 rows, 40 shown)")]
    assert lines[lines.index("…") - 1 : lines.index("…") + 2] == ["19", "…", "4980"]


def test_transactions_hold_from_statement_to_statement(shell: Terminal) -> None:
    shell.type("CREATE TABLE held (a INTEGER);\r")
    shell.wait_for("CREATE TABLE")
    shell.type(CLEAR + "BEGIN;\r")
    shell.wait_for(prompt="sql*>")
    shell.type("INSERT INTO held VALUES (1), (2);\r")
    shell.wait_for("INSERT (2 rows)", prompt="sql*>")
    shell.type(CLEAR + "ROLLBACK;\r")
    shell.wait_for()
    shell.type("SELECT count(*) + 70 AS kept FROM held;\r")
    shell.wait_for("70")


def test_ctrl_c_ends_the_statement_on_its_node(shell: Terminal, url: str) -> None:
    shell.type("SELECT sum(a.i * b.i) AS endless FROM range(9000000) a(i), range(9000000) b(i);\r")
    running_now = (
        "SELECT count(*) FROM system.statements"
        " WHERE text LIKE '%9000000%' AND text NOT LIKE '%system%' AND state = 'running'"
    )
    with connect(url) as other:
        wait = threading.Event()
        for _ in range(400):
            if other.query(running_now).fetchall() == [(1,)]:
                break
            wait.wait(0.05)
        shell.type("\x03")
        shell.wait_for("it was cancelled by its caller")
        assert other.query(running_now).fetchall() == [(0,)]
    shell.type("SELECT 4321 AS after;\r")
    shell.wait_for("4321")


def test_names_are_suggested_and_new_ones_learnt(shell: Terminal) -> None:
    shell.type("CREATE TABLE zebras (stripes INTEGER);\r")
    shell.wait_for("CREATE TABLE")
    for _ in range(20):
        shell.type("SELECT * FROM zeb")
        if shell.comes_to_show("FROM zeb", prompt="table", within_s=1.0):
            break
        # The new names are not here yet.
        shell.type("\x03")
    shell.type("\t;")
    shell.wait_for(prompt="FROM zebras;")
    shell.type("\r")
    shell.wait_for("(0 rows)", "FROM zebras;")


def test_history_keeps_no_passwords(shell: Terminal, tmp_path: Path) -> None:
    shell.type("SELECT 'PASSWORD x' AS told;\r")
    shell.wait_for("PASSWORD x")
    shell.type("SELECT 11 AS kept;\r")
    shell.wait_for("11")
    shell.type("\\q\r")
    assert shell.ended() == 0
    file = tmp_path / "flightkeeper" / "history"
    assert file.stat().st_mode & 0o777 == 0o600
    assert "kept" in file.read_text()
    assert "PASSWORD" not in file.read_text()


def test_an_error_is_told_and_the_shell_goes_on(shell: Terminal) -> None:
    shell.type("SELEC 1;\r")
    shell.wait_for("sql> SELEC 1;")
    shell.type("SELECT 99 AS fine;\r")
    lines = shell.wait_for("99")
    assert any(line.startswith("flightkeeper: ") and "SELEC" in line for line in lines)


def test_a_slip_in_a_name_shows_what_the_engine_suggests(shell: Terminal) -> None:
    shell.type("SELECT regexp_matchs('a', 'b');\r")
    shell.wait_for('flightkeeper: Did you mean "regexp_matches"?')


def test_another_service_asks_for_a_password(shell: Terminal, tmp_path: Path) -> None:
    users = tmp_path / "users"
    users.write_text(f"ada:{hash_password('hunter2')}\n")
    with running("serve", "--users", str(users)) as node:
        address = node.line()["location"].removeprefix("grpc://")
        for key, shown in (
            ("\x04", ["flightkeeper: the connection is as it was"]),
            ("\x03", []),
            ("hunter2\r", ["as ada, in memory.main"]),
        ):
            shell.type(f"{CLEAR}\\c flightsql://ada@{address}?transport=tcp\r")
            shell.wait_for(prompt="Password for ada:")
            shell.type(key)
            lines = shell.wait_for(*shown)
            assert not any("hunter2" in line for line in lines)


def test_ctrl_d_leaves(shell: Terminal) -> None:
    shell.type("\x04")
    assert shell.ended() == 0
