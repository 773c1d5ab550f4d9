"""The line editor: several lines until a semicolon, colours, suggestions and history.

Owns the keys. Everything of prompt_toolkit but the base classes of suggestions and history is here.
"""

from collections.abc import Callable
from pathlib import Path

from prompt_toolkit import PromptSession
from prompt_toolkit.application import get_app
from prompt_toolkit.filters import Condition, completion_is_selected
from prompt_toolkit.key_binding import KeyBindings, KeyPressEvent
from prompt_toolkit.lexers import PygmentsLexer
from pygments.lexers.sql import SqlLexer

from flightkeeper.cli.shell.completion import WordCompleter
from flightkeeper.cli.shell.history import StatementHistory
from flightkeeper.cli.shell.vocabulary import Words
from flightkeeper.cli.statements import is_complete


def ends(text: str) -> bool:
    """Whether Enter sends the text, rather than beginning another line of it."""
    text = text.strip()
    return not text or text.startswith("\\") or is_complete(text)


class Editor:
    """Asks for one statement or command after the other."""

    def __init__(self, words: Callable[[], Words], history: Path) -> None:
        self._session: PromptSession[str] = PromptSession(
            multiline=True,
            lexer=PygmentsLexer(SqlLexer),
            completer=WordCompleter(words),
            complete_while_typing=True,
            history=StatementHistory(history),
            key_bindings=_keys(),
            prompt_continuation=lambda width, _line, _wrapped: "·> ".rjust(width),
        )

    def ask(self, prompt: str) -> str:
        """The next text.

        Raises:
            KeyboardInterrupt: Ctrl-C, which drops what was typed.
            EOFError: Ctrl-D on an empty line.
        """
        return self._session.prompt(prompt)


def _keys() -> KeyBindings:
    keys = KeyBindings()
    ended = Condition(lambda: ends(get_app().current_buffer.text))

    @keys.add("enter", filter=ended & ~completion_is_selected)
    def send(event: KeyPressEvent) -> None:
        event.current_buffer.validate_and_handle()

    @keys.add("enter", filter=completion_is_selected)
    def choose(event: KeyPressEvent) -> None:
        event.current_buffer.complete_state = None

    return keys
