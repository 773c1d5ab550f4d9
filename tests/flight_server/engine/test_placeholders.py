"""Where parameters stand in a text, and where only something that looks like one."""

import pytest

from flightkeeper.flight_server.engine.placeholders import replaced


@pytest.mark.parametrize(
    ("sql", "names"),
    [
        ("SELECT ?, ? + ?", ["1", "2", "3"]),
        ("SELECT $2, $1, ?3", ["2", "1", "3"]),
        ('SELECT $name, $"a ""name""", $ü', ["name", 'a "name"', "ü"]),
        ("SELECT ?::INT, a=?, (?)", ["1", "2", "3"]),
        ("SELECT '?', '''?', \"?\", E'\\'?', e'?' || ?", ["1"]),
        ("SELECT $$ ? $$, $a$ $1 $$ ? $a$, ?", ["1"]),
        ("SELECT -- ?\n 1 /* ? */ + ?", ["1"]),
        ("SELECT a$1, b$x, t.c$2, 1.5, 1e5 FROM t", []),
        ("", []),
    ],
)
def test_parameters_are_found_by_name(sql: str, names: list[str]) -> None:
    found: list[str] = []

    def keep(name: str) -> str:
        found.append(name)
        return "#"

    text = replaced(sql, keep)
    assert found == names
    assert text.count("#") == len(names)


def test_the_rest_of_the_text_stays_as_it_is() -> None:
    sql = "SELECT '?', \"$1\", ?, $$ ? $$ -- ?\n, $x"
    assert replaced(sql, lambda name: f"<{name}>") == (
        "SELECT '?', \"$1\", <1>, $$ ? $$ -- ?\n, <x>"
    )
