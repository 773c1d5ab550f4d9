"""How roles are written."""

import pytest

from flightkeeper.discovery.roles import ANYBODY, Identity, InvalidRoles, Roles, checked

HASH = "f/kGzzAjyB5Qhh4oZCz4XlNnV4A="


def test_identities_are_told_apart() -> None:
    roles = Roles.parse(
        f"node=digest:node:{HASH}; node=x509:CN=node,O=Example;router=world:anyone;admin=x509:CN=a"
    )
    assert roles.node == (Identity("digest", f"node:{HASH}"), Identity("x509", "CN=node,O=Example"))
    assert roles.router == (ANYBODY,)
    assert roles.admin == (Identity("x509", "CN=a"),)


def test_routers_may_be_nobody() -> None:
    assert Roles.parse("node=x509:CN=n;admin=x509:CN=a").router == ()


@pytest.mark.parametrize(
    ("text", "reason"),
    [
        ("", "names no node"),
        ("node=x509:CN=n", "names no admin"),
        ("king=x509:CN=n", "node, router or admin"),
        ("node=world:anyone;admin=x509:CN=a", "only routers may be anybody"),
        ("router=world:me", "only routers may be anybody"),
        ("node=digest:me:secret", "SHA-1"),
        ("node=x509:", "SUBJECT"),
        ("node=sasl:me", "scheme is digest, x509 or world"),
    ],
)
def test_what_says_no_role_is_refused(text: str, reason: str) -> None:
    with pytest.raises(InvalidRoles, match=reason) as told:
        checked(text)
    assert "secret" not in str(told.value)


def test_the_environment_may_say_it() -> None:
    assert Roles.from_environment({}) is None
    text = "node=x509:CN=n;admin=x509:CN=a"
    assert Roles.from_environment({"FLIGHTKEEPER_REGISTRY_ACL": text}) == Roles.parse(text)
