"""How to reach a registry over TLS: which files say who it is, and who this process is.

A value only; nothing is read before a connection is made, so that renewed files count from then on.
"""

import os
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

_VARIABLES = ("CA", "CERT", "KEY")
_PREFIX = "FLIGHTKEEPER_REGISTRY_TLS_"


@dataclass(frozen=True, slots=True)
class RegistryTls:
    """Files in PEM.

    Attributes:
        ca: whom the registry's certificates are checked with; None = whom the system trusts.
        cert: this process's own certificate, for x509 authentication; needs a key.
        key: of the certificate, without a password.
    """

    ca: Path | None = None
    cert: Path | None = None
    key: Path | None = None

    @classmethod
    def from_environment(cls, variables: Mapping[str, str] = os.environ) -> "RegistryTls":
        """What FLIGHTKEEPER_REGISTRY_TLS_CA, _CERT and _KEY name."""
        found = (variables.get(_PREFIX + name) for name in _VARIABLES)
        return cls(*(Path(path) if path else None for path in found))
