"""`flightkeeper zookeeper init|check` on a real ZooKeeper."""

import base64
import hashlib
from contextlib import closing
from uuid import uuid4

import pytest
from typer.testing import CliRunner, Result

from flightkeeper.cli.main import app
from flightkeeper.discovery.errors import RegistryDenied
from flightkeeper.discovery.records import Instance
from flightkeeper.discovery.registry import open_registry
from tests.support.zookeeper_server import ZooKeeperServer

pytestmark = [pytest.mark.zookeeper]

WHO = ("keeper", "secret")
CREDENTIALS = {
    "FLIGHTKEEPER_REGISTRY_USERNAME": WHO[0],
    "FLIGHTKEEPER_REGISTRY_PASSWORD": WHO[1],
}


@pytest.fixture
def url(zookeeper: ZooKeeperServer) -> str:
    return f"{zookeeper.url}/test-{uuid4().hex}/cluster"


def run(verb: str, url: str, env: dict[str, str] | None = None) -> Result:
    return CliRunner().invoke(app, ["zookeeper", verb, "--registry", url], env=env)


def test_nothing_that_a_cluster_keeps_can_be_changed_by_others(url: str) -> None:
    prepared = run("init", url, CREDENTIALS)
    assert prepared.exit_code == 0, prepared.output
    assert run("init", url, CREDENTIALS).exit_code == 0
    with closing(open_registry(url, credentials=WHO)) as registry:
        registered = registry.register(Instance("flightsql", "n1", "grpc://127.0.0.1:1", "i1"))
        assert registered.wait(10)
        registry.agree("cluster", b"secret")
        registry.write_document("settings/nodes/n1", b"{}", None)
        with registry.lock("etl"):
            checked = run("check", url, CREDENTIALS)
    assert checked.exit_code == 0, checked.output
    assert "nobody else may change anything under /test-" in checked.stdout


def test_what_was_made_without_credentials_is_named(url: str) -> None:
    with closing(open_registry(url)) as registry:
        registry.agree("cluster", b"secret")
        checked = run("check", url)
    assert checked.exit_code == 1
    lines = checked.stderr.splitlines()
    assert any(
        "/keys/cluster: anybody may admin, create, delete, read, write" in line for line in lines
    )
    assert any("/keys: anybody may admin, create, delete, read, write" in line for line in lines)


def test_who_may_not_look_is_told_so(url: str) -> None:
    assert run("init", url, CREDENTIALS).exit_code == 0
    denied = run("check", url, {**CREDENTIALS, "FLIGHTKEEPER_REGISTRY_PASSWORD": "wrong"})
    assert denied.exit_code == 1
    assert "wrong or missing credentials" in denied.stderr


def test_a_zookeeper_has_to_be_named_and_be_there(url: str) -> None:
    assert run("check", "dir:///r").exit_code == 2
    missing = run("check", f"{url}/none")
    assert missing.exit_code == 1
    assert "does not exist: `flightkeeper zookeeper init` makes it" in missing.stderr


def test_rights_of_what_was_made_without_credentials_are_repaired(url: str) -> None:
    with closing(open_registry(url)) as registry:
        registry.agree("cluster", b"secret")
    repaired = CliRunner().invoke(
        app, ["zookeeper", "init", "--repair", "--registry", url], env=CREDENTIALS
    )
    assert repaired.exit_code == 0, repaired.output
    assert "/keys/cluster\n" in repaired.stdout
    assert run("check", url, CREDENTIALS).exit_code == 0
    with closing(open_registry(url)) as registry, pytest.raises(RegistryDenied):
        registry.agree("cluster", b"mine")
    refused = CliRunner().invoke(app, ["zookeeper", "init", "--repair", "--registry", url])
    assert refused.exit_code == 2
    assert "needs credentials" in refused.stderr


def test_each_role_has_what_it_needs_and_check_says_what_it_has_not(url: str) -> None:
    acl = f"node=digest:node:{digest('node:n')};admin=digest:keeper:{digest('keeper:secret')}"
    env = {**CREDENTIALS, "FLIGHTKEEPER_REGISTRY_ACL": acl}
    prepared = run("init", url, env)
    assert prepared.exit_code == 0, prepared.output
    assert "each role may do what it needs" in prepared.stdout
    more = {**CREDENTIALS, "FLIGHTKEEPER_REGISTRY_ACL": f"{acl};router=world:anyone"}
    checked = run("check", url, more)
    assert checked.exit_code == 1
    assert "/services: anybody may not read" in checked.stderr
    assert "/keys:" not in checked.stderr


def test_a_password_in_place_of_a_hash_is_not_repeated(url: str) -> None:
    told = run("check", url, {"FLIGHTKEEPER_REGISTRY_ACL": "node=digest:me:secret"})
    assert told.exit_code == 2
    assert "HASH is the SHA-1" in told.stderr
    assert "secret" not in told.output


def digest(text: str) -> str:
    return base64.b64encode(hashlib.sha1(text.encode()).digest()).decode()
