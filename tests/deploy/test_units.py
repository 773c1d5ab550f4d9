"""deploy/*.service: the units parse, are hardened, and call the command rightly."""

import configparser
import shlex
import shutil
import subprocess
from pathlib import Path

import pytest
from typer.main import get_command
from typer.testing import CliRunner

from flightkeeper.cli import gateway
from flightkeeper.cli.main import app
from flightkeeper.flight_server.config import NodeSettings

FOLDER = Path(__file__).parents[2] / "deploy"
NODE, GATEWAY = FOLDER / "flightkeeper-node.service", FOLDER / "flightkeeper-gateway.service"


@pytest.fixture(params=[NODE, GATEWAY], ids=lambda unit: unit.stem)
def unit(request: pytest.FixtureRequest) -> Path:
    path: Path = request.param
    return path


def service_of(unit: Path) -> configparser.SectionProxy:
    parser = configparser.ConfigParser(interpolation=None)
    parser.optionxform = str  # type: ignore[assignment,method-assign]
    parser.read_string(unit.read_text())
    assert parser.sections() == ["Unit", "Service", "Install"]
    return parser["Service"]


def test_all_units_are_looked_at() -> None:
    assert set(FOLDER.glob("*.service")) == {NODE, GATEWAY}


def test_systemd_accepts_it(unit: Path, tmp_path: Path) -> None:
    analyze = shutil.which("systemd-analyze")
    if analyze is None:
        return  # the parsing tests below stand on any machine
    copy = tmp_path / unit.name
    copy.write_text(unit.read_text().replace("/opt/flightkeeper/bin/flightkeeper", "/bin/true"))
    command = [analyze, "verify", str(copy)]
    done = subprocess.run(command, check=False, capture_output=True, text=True)
    assert (done.returncode, done.stderr) == (0, "")


@pytest.mark.parametrize(
    ("key", "value"),
    [
        ("NoNewPrivileges", "yes"),
        ("ProtectSystem", "strict"),
        ("ProtectHome", "yes"),
        ("PrivateTmp", "yes"),
        ("DynamicUser", "yes"),
        ("CapabilityBoundingSet", ""),
        ("KillSignal", "SIGTERM"),
    ],
)
def test_hardening(unit: Path, key: str, value: str) -> None:
    assert service_of(unit)[key] == value


def test_systemd_waits_longer_than_the_drain_of_a_node_takes() -> None:
    waits_s = int(service_of(NODE)["TimeoutStopSec"])
    assert waits_s > 2 * NodeSettings().drain_timeout_s + 10


def test_systemd_waits_longer_than_the_drain_of_a_gateway_takes() -> None:
    (drain,) = [p for p in get_command(gateway.app).params if p.name == "drain_timeout_s"]
    assert int(service_of(GATEWAY)["TimeoutStopSec"]) > float(str(drain.default)) + 10


def test_its_flags_exist(unit: Path) -> None:
    _program, verb, *arguments = shlex.split(service_of(unit)["ExecStart"])
    shown = CliRunner().invoke(app, [verb, "--help"], env={"COLUMNS": "300"}).stdout
    for flag in (argument for argument in arguments if argument.startswith("--")):
        assert flag in shown
