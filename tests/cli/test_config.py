"""`flightkeeper config`."""

import json
import tomllib

from typer.testing import CliRunner, Result

from flightkeeper.cli.main import app
from flightkeeper.flight_server.config_text import example_toml

SECRET = {"FLIGHTKEEPER_REGISTRY_USERNAME": "node", "FLIGHTKEEPER_REGISTRY_PASSWORD": "hunter2"}


def config(*args: str, env: dict[str, str] | None = None) -> Result:
    return CliRunner().invoke(app, ["config", *args], env=env)


def test_print_shows_values_and_their_sources() -> None:
    shown = config("print", "--weight", "7", env={"FLIGHTKEEPER_ZONE": "[b]"}).stdout
    rows = {line.split()[0]: line for line in shown.splitlines()}
    assert "flag --weight" in rows["weight"]
    assert "[b]" in rows["zone"]
    assert "environment FLIGHTKEEPER_ZONE" in rows["zone"]
    assert rows["transaction_idle_timeout_s"].rstrip().endswith("default")


def test_print_as_toml_and_json() -> None:
    assert tomllib.loads(config("print", "--format", "toml", "--weight", "7").stdout)["weight"] == 7
    rows = json.loads(config("print", "--format", "json", "--weight", "7").stdout)
    assert next(row for row in rows if row["key"] == "weight")["value"] == 7


def test_print_masks_secrets() -> None:
    for output in ("table", "toml", "json"):
        result = config("print", "--format", output, env=SECRET)
        assert result.exit_code == 0
        assert "hunter2" not in result.output
        assert "********" in result.output


def test_print_the_example() -> None:
    assert config("print", "--example").stdout == example_toml()


def test_check_passes() -> None:
    result = config("check", "--registry", "dir:///r")
    assert (result.exit_code, result.stdout) == (
        0,
        "ok: listens on grpc://127.0.0.1:0, registry dir:///r\n",
    )


def test_check_fails_with_what_to_do() -> None:
    result = config("check", "--listen", "grpc://0.0.0.0:1")
    assert result.exit_code == 2
    assert "give users" in result.stderr
    assert result.stdout == ""
