"""deploy/flightkeeper.toml is what the settings model says."""

from pathlib import Path

from flightkeeper.flight_server.config_text import example_toml

SHIPPED = Path(__file__).parents[2] / "deploy/flightkeeper.toml"


def test_it_is_what_the_model_says() -> None:
    assert SHIPPED.read_text() == example_toml(), (
        "run: flightkeeper config print --example > deploy/flightkeeper.toml"
    )
