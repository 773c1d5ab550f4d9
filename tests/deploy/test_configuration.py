"""docs/configuration.md shows the settings the model has."""

from pathlib import Path

from flightkeeper.flight_server.config_text import markdown_table

PAGE = (Path(__file__).parents[2] / "docs/configuration.md").read_text()


def test_its_table_is_what_the_model_says() -> None:
    _, _, rest = PAGE.partition("<!-- settings -->\n")
    table, end, _ = rest.partition("<!-- /settings -->")
    assert end
    assert table == markdown_table()
