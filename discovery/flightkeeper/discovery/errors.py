"""What can go wrong with the registry.

    RegistryError
    ├── InvalidRegistryUrl     the URL does not parse; `part` names the piece that is wrong
    ├── InvalidName            a service, node id or document cannot have this name
    ├── RegistryUnavailable    nothing answered in time; nothing is known to have changed
    │   ├── RegistryDenied     it answered, and refused this process what it asked for
    │   └── OutcomeUnknown     a write was sent and its answer was lost
    ├── DuplicateNode          another living node holds this node id
    └── MalformedRecord        a record's bytes are not an instance; the record is skipped

Foreign errors (kazoo's, the operating system's) are translated once, in the backend that met them.
"""


class RegistryError(Exception):
    """Base of every error of this package."""


class InvalidRegistryUrl(RegistryError, ValueError):
    """A registry URL that does not parse. Nothing was contacted.

    Attributes:
        url: the text as given.
        part: which piece is wrong: "scheme", "host", "port", "path" or "query".
        reason: what is wrong with it.
    """

    def __init__(self, url: str, part: str, reason: str) -> None:
        super().__init__(f"registry URL {url!r}: the {part} is wrong: {reason}")
        self.url = url
        self.part = part
        self.reason = reason


class InvalidName(RegistryError, ValueError):
    """A name no registry can keep. Nothing was done."""


class RegistryUnavailable(RegistryError):
    """The registry did not answer in time; what was asked may or may not have been done."""


class RegistryDenied(RegistryUnavailable):
    """The registry refused: wrong or missing credentials or permissions. Nothing was done."""


class OutcomeUnknown(RegistryUnavailable):
    """A write was sent and its answer was lost: it was done once or not at all."""


class DuplicateNode(RegistryError):
    """Another living node is registered under the same node id; this one was not registered."""


class MalformedRecord(RegistryError, ValueError):
    """A record that is not an instance in Curator's x-discovery JSON."""
