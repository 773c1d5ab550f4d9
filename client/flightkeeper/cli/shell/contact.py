"""Whom the shell talks to: a connection and the conversation on it, which change together.

Owns the moment of change: the new ones are there before the old ones are let go of.
"""

from dataclasses import replace
from typing import Self

from flightkeeper.cli.connecting import Access, opened
from flightkeeper.cli.conversation import Conversation
from flightkeeper.client import Connection, FlightkeeperError
from flightkeeper.client.options import parse_url

_PLACE = "SELECT current_catalog(), current_schema()"


class Contact:
    """A connection and its conversation. From one thread; a context manager that closes itself.

    Attributes:
        connection: the one that is used now.
        conversation: what was said on it.
    """

    def __init__(self, url: str, access: Access) -> None:
        """Connect.

        Raises: as `opened` does.
        """
        self._access = access
        self._known = _named(url, access)
        self.connection, self.conversation = _begun(url, access)

    def move(self, url: str) -> None:
        """Talk to another service, as the user in its URL; what fails leaves all as it is.

        Raises:
            FlightkeeperError: a transaction is open.
            and as `opened` does.
        """
        if self.conversation.in_transaction:
            raise FlightkeeperError("a transaction is open: COMMIT or ROLLBACK it first")
        access = replace(self._access, username=None)
        before = self.conversation, self.connection
        self.connection, self.conversation = _begun(url, access)
        self._known = _named(url, access)
        for each in before:
            each.close()

    def where(self) -> str:
        """The service, who is logged in, and in which catalog and schema names are looked up.

        Raises:
            FlightkeeperError: no node answered.
        """
        return f"connected to {self._known}, in {_place(self.conversation)}"

    def close(self) -> None:
        """Undo an open transaction and close the connection. Idempotent."""
        self.conversation.close()
        self.connection.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_exc: object) -> None:
        self.close()


def _begun(url: str, access: Access) -> tuple[Connection, Conversation]:
    connection = opened(url, access)
    conversation = Conversation(connection)
    try:
        # Without a login nobody has been asked anything yet.
        _place(conversation)
    except BaseException:
        connection.close()
        raise
    return connection, conversation


def _place(conversation: Conversation) -> str:
    result = conversation.run(_PLACE)
    assert result is not None
    ((catalog, schema),) = result.fetchall()
    return f"{catalog}.{schema}"


def _named(url: str, access: Access) -> str:
    options = parse_url(url)
    user = access.username or options.user
    return f"{options.url} {f'as {user}' if user else 'without a login'}"
