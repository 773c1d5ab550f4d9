"""The flags made from the settings model."""

from typing import Annotated, Any

import pytest
import typer
from typer.testing import CliRunner

from flightkeeper.cli.settings_flags import FIELDS, settings_flags
from flightkeeper.flight_server.config_sources import LoadedSettings, flag_name


@pytest.fixture
def seen() -> dict[str, Any]:
    return {}


@pytest.fixture
def app(seen: dict[str, Any]) -> typer.Typer:
    made = typer.Typer()

    @made.command()
    @settings_flags
    def run(
        loaded: LoadedSettings, *, extra: Annotated[bool, typer.Option("--extra")] = False
    ) -> None:
        """Do it."""
        seen.update(settings=loaded.settings, extra=extra)

    return made


def test_every_setting_but_secrets_has_a_flag_with_its_description(app: typer.Typer) -> None:
    shown = CliRunner().invoke(app, ["--help"], env={"COLUMNS": "400"}).stdout
    for name, field in FIELDS.items():
        assert flag_name(name) in shown
        assert str(field.description) in shown
    assert "--registry-password" not in shown
    assert "--config" in shown


def test_values_reach_the_settings(app: typer.Typer, seen: dict[str, Any]) -> None:
    args = ["--weight", "7", "--read-only", "--log-level", "debug", "--extra"]
    assert CliRunner().invoke(app, args).exit_code == 0
    settings = seen["settings"]
    assert (settings.weight, settings.read_only, settings.log_level) == (7, True, "debug")
    assert seen["extra"]


def test_a_switch_can_be_turned_off_again(app: typer.Typer, seen: dict[str, Any]) -> None:
    result = CliRunner().invoke(app, ["--no-read-only"], env={"FLIGHTKEEPER_READ_ONLY": "1"})
    assert result.exit_code == 0
    assert not seen["settings"].read_only


def test_without_flags_the_environment_counts(app: typer.Typer, seen: dict[str, Any]) -> None:
    assert CliRunner().invoke(app, [], env={"FLIGHTKEEPER_ZONE": "b"}).exit_code == 0
    assert seen["settings"].zone == "b"


def test_a_wrong_value_is_wrong_usage(app: typer.Typer, seen: dict[str, Any]) -> None:
    result = CliRunner().invoke(app, ["--weight", "heavy"])
    assert result.exit_code == 2
    assert result.stderr.startswith("flightkeeper: weight, from flag --weight: ")
    assert not seen


def test_choices_and_units_stand_in_the_help(app: typer.Typer) -> None:
    shown = CliRunner().invoke(app, ["--help"], env={"COLUMNS": "400"}).stdout
    assert "debug|info|warning|error" in shown
    assert "SECONDS" in shown
    assert "PATH" in shown
