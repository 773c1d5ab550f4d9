"""The `flightkeeper` command."""
