"""Programs that show the project at work; not part of what is installed."""
