"""Exceptions that make pyarrow answer with a gRPC code and a message, and with no more than these.

pyarrow sends the traceback of whatever is not one of Flight's own exceptions, unless formatting it
fails. Raise these from servers only, as the last thing: they cannot be logged with a traceback.
"""

STATUS_DETAILS = "grpc-status-details-bin"
"""The trailer in which gRPC carries a google.rpc.Status."""


class _Untraced:
    """Keeps Arrow from sending a Python traceback along.

    Arrow formats an exception together with its traceback into the status it sends. When the
    formatting itself fails it falls back to the class name. This attribute makes it fail, and
    the name is set to the gRPC code, so that no name of ours leaves the node.
    """

    def __init_subclass__(cls, *, code: str) -> None:
        super().__init_subclass__()
        cls.__name__ = code

    @property
    def __cause__(self) -> BaseException | None:
        raise AttributeError

    @__cause__.setter
    def __cause__(self, cause: BaseException | None) -> None: ...


class InvalidArgumentOnWire(_Untraced, ValueError, code="INVALID_ARGUMENT"):
    """INVALID_ARGUMENT."""


class NotFoundOnWire(_Untraced, KeyError, code="NOT_FOUND"):
    """NOT_FOUND."""

    def __str__(self) -> str:
        return str(self.args[0])


class UnimplementedOnWire(_Untraced, NotImplementedError, code="UNIMPLEMENTED"):
    """UNIMPLEMENTED."""


class FailureOnWire(_Untraced, RuntimeError, code="UNKNOWN"):
    """UNKNOWN."""
