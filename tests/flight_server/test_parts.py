"""What the parts of a node are told of its settings."""

from pathlib import Path

import pytest
from pydantic import SecretStr

from flightkeeper.discovery.testing import MemoryRegistry
from flightkeeper.flight_server import parts
from flightkeeper.flight_server.auth import key_ring, keys, revocations
from flightkeeper.flight_server.auth.key_following import REVOKED, RING
from flightkeeper.flight_server.auth.passwords import hash_password
from flightkeeper.flight_server.auth.revocations import Revocation, Revocations
from flightkeeper.flight_server.clocks import Clocks
from flightkeeper.flight_server.cluster.authorization import EVERYTHING
from flightkeeper.flight_server.config import NodeSettings
from flightkeeper.flight_server.errors import StartFailed


def test_without_a_registry_there_is_none() -> None:
    assert parts.opened_registry(NodeSettings(insecure=True)) is None


def test_a_registry_is_opened_with_its_credentials(tmp_path: Path) -> None:
    settings = NodeSettings(
        registry=f"dir://{tmp_path}",
        registry_username="ada",
        registry_password=SecretStr("secret"),
        insecure=True,
    )
    opened = parts.opened_registry(settings)
    assert opened is not None
    assert opened.read_document("settings/cluster") is None
    opened.close()


def test_every_part_gets_its_own() -> None:
    settings = NodeSettings(
        insecure=True, threads=3, temp_directory=Path("/x"), temp_directory_bytes_max="1GB",
        dialect="hive", statement_timeout_s=1.5, sessions_max=7,
    )  # fmt: skip
    database = parts.database_options(settings)
    assert (database.threads, database.temp_directory) == (3, "/x")
    assert database.max_temp_directory_size == "1GB"
    options = parts.default_options(settings)
    assert (options.dialect, options.statement_timeout_ms) == ("hive", 1500)
    assert parts.session_limits(settings).sessions_max == 7


def test_a_ring_that_was_written_is_what_a_node_starts_with(tmp_path: Path) -> None:
    settings = NodeSettings(registry=f"dir://{tmp_path}", insecure=True)
    registry = parts.opened_registry(settings)
    assert registry is not None
    first = parts.cluster_keys(settings, registry)
    published = key_ring.publish(first, keys.generate(marked=True), 1.0)
    registry.write_document(RING, key_ring.encode(published), None)
    assert parts.cluster_keys(settings, registry) == published
    assert parts.agreed_ring(registry) == first
    # An emptied ring has been one: the first keys may have been dropped for good.
    for version, data in enumerate((b"nonsense canary", b"")):
        registry.write_document(RING, data, version)
        with pytest.raises(StartFailed, match="damaged") as caught:
            parts.cluster_keys(settings, registry)
        assert "canary" not in str(caught.value)
    registry.close()


def test_a_node_begins_with_the_revoked_logins(tmp_path: Path) -> None:
    settings = NodeSettings(registry=f"dir://{tmp_path}", insecure=True)
    registry = parts.opened_registry(settings)
    assert registry is not None
    assert parts.revoked_logins(registry) == Revocations()
    revoked = Revocations().with_login("id", Revocation(0.0, 9.0), 1.0)
    registry.write_document(REVOKED, revocations.encode(revoked), None)
    assert parts.revoked_logins(registry) == revoked
    registry.write_document(REVOKED, b"nonsense canary", 0)
    with pytest.raises(StartFailed, match="damaged") as caught:
        parts.revoked_logins(registry)
    assert "canary" not in str(caught.value)
    registry.close()


def test_nodes_of_a_registry_hold_the_keys_of_the_first(tmp_path: Path) -> None:
    settings = NodeSettings(registry=f"dir://{tmp_path}", insecure=True)
    registry = parts.opened_registry(settings)
    assert registry is not None
    first = parts.cluster_keys(settings, registry)
    assert parts.cluster_keys(settings, registry) == first
    assert parts.cluster_keys(settings, None) != first
    registry.close()


def test_whose_logins_hold_is_said_by_the_settings(tmp_path: Path) -> None:
    nobody = NodeSettings(insecure=True)
    assert parts.live_principals(nobody, None, Clocks()) is None
    assert parts.accounts(nobody, None) == (None, EVERYTHING)
    path = tmp_path / "users"
    path.write_text(f"ada:{hash_password('x')}\n")
    users, authorization = parts.accounts(NodeSettings(users=path), None)
    assert users is not None
    assert users.stamp("ada") == ""
    assert authorization is EVERYTHING
    settings = NodeSettings(accounts="registry", registry=f"dir://{tmp_path}/registry")
    registry = MemoryRegistry()
    principals = parts.live_principals(settings, registry, Clocks())
    assert principals is not None
    users, authorization = parts.accounts(settings, principals)
    assert users is not None
    assert authorization is not EVERYTHING
    beside = NodeSettings(registry=f"dir://{tmp_path}/registry", insecure=True)
    assert parts.live_principals(beside, registry, Clocks()) is None


def test_a_node_says_what_it_is_for_and_where_it_stands() -> None:
    settings = NodeSettings(insecure=True, zone="east", weight=50, roles="reader, writer,")
    record = parts.described(settings, 31337, "one", 1)
    assert (record.zone, record.weight, record.roles) == ("east", 50, ("reader", "writer"))
    assert parts.described(NodeSettings(insecure=True), 31337, "one", 1).roles == ()
