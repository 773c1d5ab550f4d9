"""Makes `python -m flightkeeper.cli` the same as the `flightkeeper` command."""

from flightkeeper.cli.main import app

app(prog_name="flightkeeper")
