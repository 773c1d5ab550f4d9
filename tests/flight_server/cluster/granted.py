"""A real node with accounts in a registry, and clients of several users."""

from collections.abc import Iterator, Mapping
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from typing import Any

from flightkeeper.discovery.principals.accounts import Accounts
from flightkeeper.discovery.principals.model import SUPERUSER
from flightkeeper.discovery.registry import open_registry
from flightkeeper.flight_server.auth.passwords import hash_password
from tests.flight_server.wire_client import Served, WireClient, basic, serving

PASSWORD = "open sesame"


@dataclass(frozen=True, slots=True)
class Granted:
    """A node with accounts.

    Attributes:
        accounts: changes them.
        clients: of each user, by name; `root` is a superuser.
    """

    served: Served
    accounts: Accounts
    clients: Mapping[str, WireClient]

    def login(self, user: str) -> WireClient:
        """One more session of a user."""
        return WireClient(self.served.location, basic(user, PASSWORD))

    @property
    def root(self) -> WireClient:
        """Of the superuser."""
        return self.clients["root"]


@contextmanager
def granted(registry_url: str, *users: str, **settings: Any) -> Iterator[Granted]:
    """A node whose users are these, and `root`; each is in a role of its own, `<user>s`."""
    hashed = hash_password(PASSWORD)
    with ExitStack() as stack:
        registry = open_registry(registry_url)
        stack.callback(registry.close)
        accounts = Accounts(registry, "test")
        accounts.create_user("root", hashed, SUPERUSER, if_absent=True)
        for user in users:
            accounts.create_user(user, hashed, if_absent=True)
        served = stack.enter_context(
            serving(registry=registry_url, accounts="registry", **settings)
        )
        clients = {
            user: stack.enter_context(WireClient(served.location, basic(user, PASSWORD)))
            for user in ("root", *users)
        }
        yield Granted(served, accounts, clients)
