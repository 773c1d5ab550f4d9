"""deploy/flightkeeper-node.service: it parses, is hardened, and calls the command rightly."""

import configparser
import shlex
import shutil
import subprocess
from pathlib import Path

import pytest
from typer.testing import CliRunner

from flightkeeper.cli.main import app
from flightkeeper.flight_server.config import NodeSettings

UNIT = Path(__file__).parents[2] / "deploy/flightkeeper-node.service"


@pytest.fixture
def service() -> configparser.SectionProxy:
    parser = configparser.ConfigParser(interpolation=None)
    parser.optionxform = str  # type: ignore[assignment,method-assign]
    parser.read_string(UNIT.read_text())
    assert parser.sections() == ["Unit", "Service", "Install"]
    return parser["Service"]


def test_systemd_accepts_it(tmp_path: Path) -> None:
    analyze = shutil.which("systemd-analyze")
    if analyze is None:
        return  # the parsing tests below stand on any machine
    copy = tmp_path / UNIT.name
    copy.write_text(UNIT.read_text().replace("/opt/flightkeeper/bin/flightkeeper", "/bin/true"))
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
def test_hardening(service: configparser.SectionProxy, key: str, value: str) -> None:
    assert service[key] == value


def test_systemd_waits_longer_than_a_drain_takes(service: configparser.SectionProxy) -> None:
    assert int(service["TimeoutStopSec"]) > 2 * NodeSettings().drain_timeout_s + 10


def test_its_flags_exist(service: configparser.SectionProxy) -> None:
    _program, verb, *arguments = shlex.split(service["ExecStart"])
    shown = CliRunner().invoke(app, [verb, "--help"], env={"COLUMNS": "300"}).stdout
    for flag in (argument for argument in arguments if argument.startswith("--")):
        assert flag in shown
