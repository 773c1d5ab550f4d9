"""`flightkeeper keys rotate|list|prune|revoke` on a registry."""

from collections.abc import Callable
from contextlib import closing
from pathlib import Path

import pytest
from typer.testing import CliRunner, Result

from flightkeeper.cli.main import app
from flightkeeper.discovery.registry import open_registry
from flightkeeper.flight_server.auth import key_changes, revocations
from flightkeeper.flight_server.auth.key_following import REVOKED, RING
from tests.discovery.backends import instance

Keys = Callable[..., Result]


@pytest.fixture
def url(tmp_path: Path) -> str:
    return f"dir://{tmp_path}/registry"


@pytest.fixture
def keys(url: str) -> Keys:
    """Runs the command on a registry of the test's own."""
    env = {"FLIGHTKEEPER_REGISTRY": url}
    return lambda *arguments: CliRunner().invoke(app, ["keys", *arguments], env=env)


def done(result: Result) -> list[str]:
    assert result.exit_code == 0, result.output
    return result.stdout.splitlines()


def failed(result: Result, code: int) -> str:
    assert result.exit_code == code, result.output
    return result.stderr


def test_keys_are_rotated_listed_and_pruned_and_never_shown(keys: Keys, url: str) -> None:
    assert [line.split()[1:] for line in done(keys("list"))] == [
        ["current,", "made", "the", "beginning"]
    ]
    told = done(keys("rotate", "--keep-s", "0", "--wait-s", "0", "--force"))
    assert "published key" in told[0]
    assert "is the current one, revision 2" in told[-1]
    listed = done(keys("list"))
    assert [line.split()[1] for line in listed] == ["current,", "retired"]
    with closing(open_registry(url)) as registry:
        ring = key_changes.read_ring(registry)
    for generation in ring.generations:
        assert generation.keys.token_seed.hex() not in "".join(listed)
    assert done(keys("prune")) == ["1 keys are left, revision 3"]
    assert "the current one: rotate first" in failed(keys("prune", ring.current.keys.kid), 1)


def test_a_node_that_has_not_seen_the_key_holds_the_rotation_up(keys: Keys, url: str) -> None:
    with closing(open_registry(url)) as registry:
        assert registry.register(instance("i1", "slow")).wait(5)
        arguments = ["rotate", "--service", "analytics", "--wait-s", "0.5"]
        result = keys(*arguments)
        assert "not seen within 0.5 s by slow: key" in failed(result, 1)
        assert "waiting for slow" in result.stdout
        ring = key_changes.read_ring(registry)
        assert ring.next is not None
        forced = done(keys(*arguments, "--force"))
        assert "going on without slow" in forced
        assert key_changes.read_ring(registry).current.keys.kid == ring.next.keys.kid


def test_a_service_that_has_no_node_is_not_taken_for_one_that_has_seen_the_key(
    keys: Keys, url: str
) -> None:
    result = keys("rotate", "--service", "mistyped", "--wait-s", "0.2")
    assert "by service mistyped (no node of it is known): key" in failed(result, 1)
    with closing(open_registry(url)) as registry:
        assert key_changes.read_ring(registry).next is not None


def test_logins_are_revoked(keys: Keys, url: str) -> None:
    done(keys("revoke", "--user", "ada", "--before", "2020-01-31T12:00:00"))
    done(keys("revoke", "--token", "s1"))
    with closing(open_registry(url)) as registry:
        found = registry.read_document(REVOKED)
    assert found is not None
    revoked = revocations.decode(found.data)
    assert revoked.users["ada"].before_s == 1_580_472_000
    assert revoked.cover("eve", "s1", 0)


def test_what_cannot_be_is_refused(keys: Keys, url: str) -> None:
    for wrong in ([], ["--user", "a", "--token", "b"], ["--token", "b", "--before", "2020-01-01"]):
        assert "say either --user" in failed(keys("revoke", *wrong), 2)
    assert "has to be a time" in failed(keys("revoke", "--user", "a", "--before", "soon"), 2)
    assert "in the future" in failed(keys("revoke", "--user", "a", "--before", "9000-01-01"), 2)
    with closing(open_registry(url)) as registry:
        registry.write_document(RING, b"nonsense", None)
        registry.write_document(REVOKED, b"nonsense", None)
    assert "the key ring document is damaged" in failed(keys("rotate"), 1)
    assert "the key ring document is damaged" in failed(keys("list"), 1)
    assert "revoked logins is damaged" in failed(keys("revoke", "--user", "a"), 1)
