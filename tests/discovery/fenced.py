"""A resource outside the locks, shared by processes, which refuses who comes too late.

It knows the rules for tokens only: of each permit, and of writers among readers, they grow.
"""

import json
from collections.abc import Mapping
from contextlib import suppress
from itertools import groupby

from flightkeeper.discovery.contention import Claim
from flightkeeper.discovery.documents import DocumentChanged
from flightkeeper.discovery.errors import RegistryUnavailable
from flightkeeper.discovery.locks import Hold
from flightkeeper.discovery.registry import Registry

_PLACE = "tables/fenced"
_READERS = "readers"


def accepted(
    seen: Mapping[str, int], claim: Claim, token: int, permit: int
) -> dict[str, int] | None:
    """The greatest tokens with this one; None if it may not act any more."""
    own = _READERS if claim.shared else str(permit)
    rivals = {_READERS: ["0"]}.get(own, [own, _READERS])
    if token < max(seen.get(rival, 0) for rival in rivals):
        return None
    return {**seen, own: max(token, seen.get(own, 0))}


class Fenced:
    """The resource: a document that keeps the greatest tokens, and all that was accepted."""

    def __init__(self, registry: Registry) -> None:
        self._registry = registry

    def act(self, claim: Claim, hold: Hold) -> bool:
        """Act under a lock; False if it was refused."""
        while True:
            found = self._registry.read_document(_PLACE)
            seen, acts = ({}, []) if found is None else json.loads(found.data)
            now = accepted(seen, claim, hold.token, hold.permit)
            if now is None:
                return False
            acts = [key for key, _ in groupby([*acts, [hold.permit, hold.token]])]
            data = json.dumps([now, acts]).encode()
            version = None if found is None else found.version
            # What became of a write may be unknown; acting twice under a token is acting once.
            with suppress(DocumentChanged, RegistryUnavailable):
                self._registry.write_document(_PLACE, data, version)
                return True

    def acts(self) -> list[tuple[int, int]]:
        """Permit and token of all that was accepted, in order; repetitions once."""
        found = self._registry.read_document(_PLACE)
        return (
            []
            if found is None
            else [(permit, token) for permit, token in json.loads(found.data)[1]]
        )
