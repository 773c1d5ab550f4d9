"""The shell of a person: ask, run, show, until they leave.

Owns the loop and what holds between statements; each part of it has a module of its own.
"""

import os
import re
import time
from functools import partial

import typer

from flightkeeper.cli.exits import complain
from flightkeeper.cli.formats import Format
from flightkeeper.cli.shell.commands import perform
from flightkeeper.cli.shell.contact import Contact
from flightkeeper.cli.shell.editor import Editor
from flightkeeper.cli.shell.excerpt import Excerpt
from flightkeeper.cli.shell.history import history_file
from flightkeeper.cli.shell.screen import Screen
from flightkeeper.cli.shell.vocabulary import Vocabulary, ask
from flightkeeper.cli.shell.waiting import interruptible, terminal
from flightkeeper.cli.statements import split
from flightkeeper.client import FlightkeeperError
from flightkeeper.client.control import Control
from flightkeeper.discovery.errors import RegistryError

_CHANGES_NAMES = re.compile(r"\s*(CREATE|DROP|ALTER|ATTACH|DETACH|USE|COMMIT|END)\b", re.IGNORECASE)
_GREETING = "flightkeeper: statements end with ; and \\? lists the commands"


class Interactive:
    """One person's shell. From one thread."""

    def __init__(self, contact: Contact, output: Format) -> None:
        self.contact = contact
        self.screen = Screen(output)
        self.timing = False
        self._going_on = True
        self._vocabulary = Vocabulary(lambda: ask(contact.connection.metadata))

    def loop(self) -> None:
        """Ask and run until the person leaves."""
        editor = Editor(lambda: self._vocabulary.words, history_file(os.environ))
        print(_GREETING, flush=True)  # noqa: T201  the shell speaks on stdout
        self._vocabulary.refresh()
        try:
            while self._going_on:
                try:
                    self._obey(editor.ask(self._prompt()))
                except KeyboardInterrupt:
                    continue
                except EOFError:
                    return
        finally:
            self.close()

    def close(self) -> None:
        """Close the file and end the thread. Idempotent."""
        self.screen.close()
        self._vocabulary.close()

    def run(self, statement: str) -> bool:
        """Run a statement and show its result, or why there is none; whether it worked."""
        begun_s = time.monotonic()
        progress = None if self.screen.streams_to_terminal else terminal()
        try:
            self.screen.check()
            shown = interruptible(partial(self._take, statement), progress)
        except (FlightkeeperError, OSError) as exc:
            complain(str(exc))
            return False
        took_s = time.monotonic() - begun_s
        if shown is not None:
            self.screen.show(shown)
        if self.timing:
            print(f"took {took_s:.3f} s", flush=True)  # noqa: T201  what was asked for
        if _CHANGES_NAMES.match(statement):
            self._vocabulary.refresh()
        return True

    def move(self, url: str) -> bool:
        """Go on with another service; whether it worked."""
        try:
            self.contact.move(url)
        except (FlightkeeperError, RegistryError) as exc:
            complain(str(exc))
            return False
        except (typer.Exit, EOFError):
            # No password, or no certificates: that was said already, or is what the person wants.
            return False
        self._vocabulary.refresh()
        return True

    def stop(self) -> None:
        """Leave after this command."""
        self._going_on = False

    def _prompt(self) -> str:
        return "sql*> " if self.contact.conversation.in_transaction else "sql> "

    def _obey(self, text: str) -> None:
        if text.strip().startswith("\\"):
            perform(self, text)
            return
        # The rest of a line is not run after what failed.
        all(self.run(statement) for statement in split(text))

    def _take(self, statement: str, control: Control) -> Excerpt | str | None:
        result = self.contact.conversation.run(statement, control)
        if result is None:
            return None
        with result:
            return self.screen.take(statement, result.reader)
