"""The shell of `flightkeeper sql`; needs the extra `console`."""
