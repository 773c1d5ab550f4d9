"""kazoo's threads and its connections, with names, limits and certificates that are checked.

With the session the only module that speaks kazoo.
"""

import socket
import ssl
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from typing import Any

from kazoo.handlers.threading import SequentialThreadingHandler
from kazoo.protocol.states import Callback, EventType

from flightkeeper.discovery.tls import RegistryTls

HANDSHAKE_S = 4.0
"""How long a server that was connected to may take for its first word.

A server that is just starting may take a connection and never read from it (seen with 3.8 in one of
some dozen restarts); kazoo waits for a whole session, shared among the servers.
"""

_LOOP = "zk_loop"
"""What kazoo calls the function of its connection thread."""


class Handler(SequentialThreadingHandler):  # type: ignore[misc]  # kazoo has no types
    """kazoo's threads with names, and its connection with limits.

    Attributes:
        refusal: why the last connection could not be made; empty after one that could.
    """

    def __init__(self, connect_timeout_s: float, tls: RegistryTls | None = None) -> None:
        super().__init__()
        self.refusal = ""
        self._tls = tls
        self._connect_timeout_s = connect_timeout_s
        self._patience_s: float | None = None
        self._socket: socket.socket | None = None
        self._severed = False
        self._loop: threading.Thread | None = None

    @property
    def given_up(self) -> bool:
        """Whether the connection thread ended; kazoo's states do not tell that from a start."""
        return self._loop is not None and not self._loop.is_alive()

    def create_connection(self, *args: Any, **kwargs: Any) -> socket.socket:
        """Connect in a share of the session: one dead host must not cost all of it."""
        if self._severed:
            raise ConnectionAbortedError("the session is being closed")
        kwargs["timeout"] = min(kwargs["timeout"], self._connect_timeout_s)
        try:
            created: socket.socket = self._connected(*args, **kwargs)
        except OSError as exc:
            self.refusal = _told(exc)
            raise
        self.refusal = ""
        self._socket = created
        if self._severed:
            self.sever()
        return created

    @contextmanager
    def handshaking(self) -> Iterator[None]:
        """On kazoo's connection thread: bound the wait for every answer within the block."""
        self._patience_s = min(self._connect_timeout_s, HANDSHAKE_S)
        try:
            yield
        finally:
            self._patience_s = None

    def select(
        self, readers: Any, writers: Any, others: Any, timeout: float | None = None
    ) -> tuple[Any, Any, Any]:
        """Wait for sockets, so many seconds at most."""
        if self._patience_s is not None:
            timeout = self._patience_s if timeout is None else min(timeout, self._patience_s)
        ready: tuple[Any, Any, Any] = super().select(readers, writers, others, timeout)
        return ready

    def dispatch_callback(self, callback: Callback) -> None:
        """Queue a callback, unless it only says of one watch that all are gone."""
        # The state listener has said so; for thousands of watches it would take long to hear again.
        dropped = callback.type == "watch" and callback.args[0].type == EventType.NONE
        if not dropped:
            super().dispatch_callback(callback)

    def _connected(self, *args: Any, **kwargs: Any) -> socket.socket:
        if self._tls is None:
            plain: socket.socket = super().create_connection(*args, **kwargs)
            return plain
        # kazoo would trust every authority that the system does, beside the one that is named.
        context = _context(self._tls)
        raw = socket.create_connection(kwargs["address"], kwargs["timeout"])
        try:
            return context.wrap_socket(raw, server_hostname=kwargs["hostname"])
        except BaseException:
            raw.close()
            raise

    def sever(self) -> None:
        """Break the connection and refuse to make another."""
        self._severed = True
        if self._socket is not None:
            with suppress(OSError):
                self._socket.shutdown(socket.SHUT_RDWR)

    def spawn(self, func: Callable[..., None], *args: Any, **kwargs: Any) -> threading.Thread:
        """Start one of kazoo's threads."""
        name = f"zookeeper-{func.__name__.strip('_')}"
        thread = threading.Thread(target=func, args=args, kwargs=kwargs, name=name, daemon=True)
        if func.__name__ == _LOOP:
            self._loop = thread
        thread.start()
        return thread


def _context(tls: RegistryTls) -> ssl.SSLContext:
    """Checks certificates and the names in them."""
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    context.minimum_version = ssl.TLSVersion.TLSv1_2
    if tls.ca is None:
        context.load_default_certs(ssl.Purpose.SERVER_AUTH)
    else:
        context.load_verify_locations(tls.ca)
    if tls.cert is not None:
        # Asked for a password, it would wait for somebody at the terminal.
        context.load_cert_chain(tls.cert, tls.key, password=lambda: "")
    return context


def _told(exc: OSError) -> str:
    """What went wrong, for a person, without paths."""
    match exc:
        case ssl.SSLCertVerificationError():
            return f"its certificate is not accepted: {exc.verify_message}"
        case ssl.SSLError():
            return f"TLS failed: {exc.reason or exc.strerror or type(exc).__name__}"
        case FileNotFoundError() | PermissionError() | IsADirectoryError():
            return "a certificate or key file cannot be read"
    return exc.strerror or str(exc) or type(exc).__name__
