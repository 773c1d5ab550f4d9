"""What follows from how ZooKeeper is reached."""

from pathlib import Path

import pytest

from flightkeeper.discovery.roles import Roles
from flightkeeper.discovery.tls import RegistryTls
from flightkeeper.discovery.zookeeper.link_options import LinkOptions
from flightkeeper.discovery.zookeeper.rights import OPEN, OWN

_PLAIN = LinkOptions("h:1", 1, 4.0)
_FILE = Path("client.pem")


@pytest.mark.parametrize(
    ("options", "identified"),
    [
        (_PLAIN, False),
        (LinkOptions("h:1", 1, 4.0, tls=RegistryTls()), False),
        (LinkOptions("h:1", 1, 4.0, tls=RegistryTls(cert=_FILE, key=_FILE)), True),
        (LinkOptions("h:1", 1, 4.0, credentials=("ada", "secret")), True),
    ],
)
def test_who_is_known_has_roles_of_its_own(options: LinkOptions, *, identified: bool) -> None:
    assert options.identified is identified
    assert options.roles == (OWN if identified else OPEN)
    assert "secret" not in repr(options)


def test_roles_that_were_named_hold() -> None:
    roles = Roles.parse("node=x509:CN=node;admin=x509:CN=admin")
    assert LinkOptions("h:1", 1, 4.0, acl=roles).roles == roles
