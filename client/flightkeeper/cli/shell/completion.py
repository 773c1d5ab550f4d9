"""What may stand at the cursor: suggestions from the text before it and the words there are.

Pure but for the class at the end, which gives them to the editor.
"""

import re
from collections.abc import Callable, Iterable, Iterator

from prompt_toolkit.completion import CompleteEvent, Completer, Completion
from prompt_toolkit.document import Document

from flightkeeper.cli.shell.vocabulary import Words

_TYPED = re.compile(r"(?:(\w+)\s*\.\s*)?(\w*)\Z")
_PLAIN = re.compile(r"[a-z_][a-z0-9_]*")
_LAST_WORD = re.compile(r"\w*\Z")
_WORD = re.compile(r"\w+")


def suggestions(before: str, words: Words) -> list[tuple[str, str]]:
    """Names that begin as the last word does, each with what it is; the likeliest first.

    After a dot only what lies within the name before it. Columns are those of tables that the
    text names.
    """
    typed = _TYPED.search(before)
    assert typed is not None
    within, begun = typed.groups()
    found = _within(within, before, words) if within else _anywhere(before, words, begun)
    matching = ((name, kind) for name, kind in found if name.lower().startswith(begun.lower()))
    return list(dict.fromkeys(matching))


def _within(name: str, before: str, words: Words) -> Iterator[tuple[str, str]]:
    table = _aliases(before, words).get(name, name)
    yield from ((column, "column") for column in words.columns.get(table, ()))
    yield from ((each, "table") for each in words.tables.get(name, ()))
    yield from ((schema, "schema") for schema in words.schemas.get(name, ()))


def _aliases(before: str, words: Words) -> dict[str, str]:
    """What the text calls its tables: `FROM flights AS f`, `JOIN planes p`."""
    named = re.findall(r"\b(\w+)\b(?=\s+(?:AS\s+)?(\w+))", before, re.IGNORECASE)
    return {alias: table for table, alias in named if table in words.columns}


def _anywhere(before: str, words: Words, begun: str) -> Iterator[tuple[str, str]]:
    named = [word for word in _WORD.findall(before) if word in words.columns]
    yield from ((column, "column") for table in named for column in words.columns[table])
    yield from ((table, "table") for held in words.tables.values() for table in held)
    yield from ((schema, "schema") for held in words.schemas.values() for schema in held)
    yield from ((catalog, "catalog") for catalog in words.schemas)
    if begun:
        typed = str.lower if begun.islower() else str
        yield from ((typed(name), "keyword") for name in words.keywords)
        yield from ((typed(name), "function") for name in words.functions)


def quoted(name: str) -> str:
    """A name as SQL reads it."""
    return name if _PLAIN.fullmatch(name) else '"' + name.replace('"', '""') + '"'


class WordCompleter(Completer):
    """The editor's question for suggestions, answered from the newest words."""

    def __init__(self, words: Callable[[], Words]) -> None:
        self._words = words

    def get_completions(
        self, document: Document, complete_event: CompleteEvent
    ) -> Iterable[Completion]:
        """While typing those of a word that was begun; on Tab all that may stand here."""
        before = document.text_before_cursor
        begun = len(before) - len(_LAST_WORD.sub("", before))
        if complete_event.text_inserted and not begun and not before.endswith("."):
            return
        for name, kind in suggestions(before, self._words()):
            text = name if kind in {"keyword", "function"} else quoted(name)
            yield Completion(text, start_position=-begun, display=name, display_meta=kind)
