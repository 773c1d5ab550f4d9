"""What one node asks of another: signed, for a short time, on behalf of a caller. Pure."""

from collections.abc import Callable

from flightkeeper.flight_server.errors import PermissionDenied
from flightkeeper.flightsql.tickets import Kind, Signer
from flightkeeper.flightsql.wire.flightkeeper_pb2 import PeerRequest

_LIFETIME_S = 60.0
"""Longer than any answer takes; clocks of nodes may differ by as much."""


class Requests:
    """Signs and opens requests under the cluster's secret. Thread-safe."""

    def __init__(self, signer: Signer, now_s: Callable[[], float]) -> None:
        """`now_s` is Unix time in seconds."""
        self._signer = signer
        self._now_s = now_s

    def sign(self, request: PeerRequest) -> bytes:
        """The request as it travels, good from now on for a minute."""
        request.expires_ms = round((self._now_s() + _LIFETIME_S) * 1000)
        return self._signer.sign(Kind.PEER, request)

    def open(self, handle: bytes) -> PeerRequest:
        """A request that another node of this cluster made.

        Raises:
            ForgedHandle: none of them did.
            PermissionDenied: it is too old.
        """
        request = self._signer.open(Kind.PEER, handle, PeerRequest)
        if self._now_s() * 1000 > request.expires_ms:
            raise PermissionDenied(
                "this request of another node is too old, or the clocks of the two differ by more "
                "than a minute; nothing was done"
            )
        return request
