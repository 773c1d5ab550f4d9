"""Cutting SQL into statements."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from flightkeeper.cli.statements import is_complete, split, words


@pytest.mark.parametrize(
    ("text", "statements"),
    [
        ("", []),
        ("  ;; ; ", []),
        ("-- only a comment", []),
        ("select 1", ["select 1"]),
        ("select 1;\nselect 2;\n", ["select 1", "select 2"]),
        ("select ';' as \"a;b\"; select 2", ["select ';' as \"a;b\"", "select 2"]),
        ("select 'it''s; fine'; select 2", ["select 'it''s; fine'", "select 2"]),
        ("select 1 -- not; here\n; select 2", ["select 1 -- not; here", "select 2"]),
        ("select 1 /* nor; here */; select 2", ["select 1 /* nor; here */", "select 2"]),
        ("select $$a;b$$; select 2", ["select $$a;b$$", "select 2"]),
        ("select $x$a;$$;b$x$; select 2", ["select $x$a;$$;b$x$", "select 2"]),
        ("select $1; select 2", ["select $1", "select 2"]),
        ("select 'open; select 2", ["select 'open; select 2"]),
        ("select 1 /* open; select 2", ["select 1 /* open; select 2"]),
        ("-- about\nselect 1; -- trailing", ["-- about\nselect 1"]),
        ("select 'ä;ö' ; select 2", ["select 'ä;ö'", "select 2"]),
    ],
)
def test_split(text: str, statements: list[str]) -> None:
    assert list(split(text)) == statements


QUOTED = st.sampled_from(["'a;b'", '"c;d"', "$$e;f$$", "-- g;\n", "/* h; */", "i", " ", "\n", "1"])


@given(st.lists(st.lists(QUOTED, min_size=1).map("".join), max_size=5))
def test_what_was_joined_comes_apart_again(pieces: list[str]) -> None:
    whole = [piece for piece in pieces if list(split(piece))]
    text = ";".join([*whole, ""])
    assert list(split(text)) == [piece.strip() for piece in whole]


@pytest.mark.parametrize("text", ["select 1;", "select 1; -- and a comment", "a; b;\n", ";"])
def test_a_text_that_can_be_run(text: str) -> None:
    assert is_complete(text)


@pytest.mark.parametrize("text", ["", "-- ;", "select 1", "select ';", "a; b", "select $$;"])
def test_a_text_that_goes_on(text: str) -> None:
    assert not is_complete(text)


def test_words_are_those_outside_quotes_and_comments() -> None:
    text = "select 'a b', \"c\" -- d\n/* e */ from f(1)"
    assert list(words(text)) == ["SELECT", ",", "FROM", "F", "(", "1", ")"]
