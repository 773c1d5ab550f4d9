"""deploy/compose.yaml and the Dockerfile: they parse, and call the command rightly.

No container engine is at hand where tests run: neither was built here.
"""

import shlex
from pathlib import Path
from typing import Any

import pytest
import yaml

from flightkeeper.cli.settings_flags import FIELDS
from flightkeeper.discovery.urls import parse_registry_url
from flightkeeper.flight_server.config_sources import flag_name, load

DEPLOY = Path(__file__).parents[2] / "deploy"
DOCKERFILE = (DEPLOY / "Dockerfile").read_text()
NODES = ["node1", "node2", "node3"]


@pytest.fixture(scope="module")
def services() -> dict[str, Any]:
    services: dict[str, Any] = yaml.safe_load((DEPLOY / "compose.yaml").read_text())["services"]
    return services


def flags(command: list[str]) -> dict[str, str]:
    verb, *arguments = command
    assert verb == "serve"
    pairs = (argument.partition("=") for argument in arguments)
    return {name: value or "true" for name, _, value in pairs}


def test_three_of_each(services: dict[str, Any]) -> None:
    assert sorted(services) == [*NODES, "zk1", "zk2", "zk3"]


@pytest.mark.parametrize("name", NODES)
def test_a_node_would_accept_its_flags(services: dict[str, Any], name: str) -> None:
    fields = {flag_name(field): field for field in FIELDS}
    given = {fields[flag]: value for flag, value in flags(services[name]["command"]).items()}
    settings = load(given, None, {}).settings
    assert settings.node_id == name
    assert settings.advertise == f"grpc://{name}:31337"
    assert settings.registry is not None
    hosts = [host for host, _port in parse_registry_url(settings.registry).hosts]
    assert hosts == ["zk1", "zk2", "zk3"]
    assert set(hosts) <= set(services)


@pytest.mark.parametrize("number", ["1", "2", "3"])
def test_a_zookeeper_knows_itself(services: dict[str, Any], number: str) -> None:
    environment = services[f"zk{number}"]["environment"]
    assert environment["ZOO_MY_ID"] == number
    assert f"server.{number}=zk{number}:" in environment["ZOO_SERVERS"]


def test_the_image_is_built_from_files_that_exist() -> None:
    copied = [
        source
        for line in DOCKERFILE.splitlines()
        if line.startswith("COPY ") and "--from" not in line
        for source in shlex.split(line)[1:-1]
    ]
    assert copied
    for source in copied:
        assert (DEPLOY.parent / source).exists(), source


def test_the_image_does_not_run_as_root_and_drains() -> None:
    assert "\nUSER flightkeeper\n" in DOCKERFILE
    assert "\nSTOPSIGNAL SIGTERM\n" in DOCKERFILE
