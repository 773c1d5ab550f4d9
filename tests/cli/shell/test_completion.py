"""Suggestions for a cursor, as values and as the editor gets them."""

import pytest
from prompt_toolkit.completion import CompleteEvent
from prompt_toolkit.document import Document

from flightkeeper.cli.shell.completion import WordCompleter, quoted, suggestions
from flightkeeper.cli.shell.vocabulary import Words

WORDS = Words(
    schemas={"lake": ("main", "sales")},
    tables={"main": ("flights", "planes"), "sales": ("Order Lines",)},
    columns={"flights": ("carrier", "dest"), "planes": ("seats",), "Order Lines": ("item",)},
    functions=("carve",),
    keywords=("CASE", "SELECT"),
)


@pytest.mark.parametrize(
    ("before", "expected"),
    [
        ("SELECT * FROM fl", ["flights"]),
        ("SELECT * FROM FL", ["flights"]),
        ("sel", ["select"]),
        ("SEL", ["SELECT"]),
        ("SELECT * FROM flights WHERE ca", ["carrier", "case", "carve"]),
        ("SELECT * FROM flights AS f WHERE f.", ["carrier", "dest"]),
        ("SELECT * FROM planes p WHERE p.s", ["seats"]),
        ("SELECT * FROM sales.", ["Order Lines"]),
        ("SELECT * FROM lake.m", ["main"]),
        ("SELECT nothing_like_it", []),
    ],
)
def test_what_may_stand_at_the_cursor(before: str, expected: list[str]) -> None:
    assert [name for name, _ in suggestions(before, WORDS)] == expected


def test_each_says_what_it_is() -> None:
    assert suggestions("SELECT * FROM la", WORDS) == [("lake", "catalog")]


def test_names_that_need_quotes_get_them() -> None:
    completer = WordCompleter(lambda: WORDS)
    (found,) = completer.get_completions(Document("SELECT * FROM Ord"), CompleteEvent())
    assert (found.text, found.start_position) == ('"Order Lines"', -3)
    assert quoted('a"b') == '"a""b"'
    assert quoted("flights") == "flights"


@pytest.mark.parametrize(
    ("before", "while_typing", "on_tab"),
    [("SELECT * FROM ", 0, 6), ("SELECT 1;", 0, 6), ("sales.", 1, 1), ("SELECT * FROM pl", 1, 1)],
)
def test_nobody_is_disturbed_before_a_word(before: str, while_typing: int, on_tab: int) -> None:
    def count(event: CompleteEvent) -> int:
        return len(list(WordCompleter(lambda: WORDS).get_completions(Document(before), event)))

    assert count(CompleteEvent(text_inserted=True)) == while_typing
    assert count(CompleteEvent(completion_requested=True)) == on_tab
