"""The tokens of a text: what DuckDB takes for a word, and what for a text."""

import pytest

from flightkeeper.flight_server.engine.tokens import Kind, imports, plain, tokens


@pytest.mark.parametrize(
    ("sql", "texts"),
    [
        ("SELECT 'it''s'", ["it's"]),
        ("SELECT $$a 'b$$, $x$ c $x$", ["a 'b", " c "]),
        (r"SELECT E'a\'b\x41\101'", ["a'bAA"]),
        ("SELECT 'a' -- 'b'\n, 'c' /* 'd' */", ["a", "c"]),
        ("SELECT x'41', 'a' 'b'", ["41", "a", "b"]),
        ('SELECT "a\'b"', []),
    ],
)
def test_texts_are_what_they_say(sql: str, texts: list[str]) -> None:
    assert [one.text for one in tokens(sql) if one.kind is Kind.TEXT] == texts


def test_names_are_told_from_keywords_and_lose_their_quotes() -> None:
    found = tokens('SELECT "Select", a."b""c" FROM /* x */ T')
    assert [(one.kind, one.text) for one in found] == [
        (Kind.KEYWORD, "select"),
        (Kind.NAME, "select"),
        (Kind.OTHER, ","),
        (Kind.NAME, "a"),
        (Kind.OTHER, "."),
        (Kind.NAME, 'b"c'),
        (Kind.KEYWORD, "from"),
        (Kind.NAME, "t"),
    ]


def test_a_plain_text_has_no_comments() -> None:
    assert plain("SET /* a */ threads = 1.5 -- b") == "SET threads = 1.5"


def test_an_import_is_known_before_it_is_parsed() -> None:
    for sql in (
        "IMPORT DATABASE 'x'",
        "import/**/database'x'",
        "SELECT 1; -- y\n IMPORT DATABASE 'x'",
        "PRAGMA import_database('x')",
        "PRAGMA \"Import_Database\"('x')",
    ):
        assert imports(sql)
    for sql in ("SELECT import database FROM t", "INSERT INTO import VALUES ('; IMPORT DATABASE')"):
        assert not imports(sql)
