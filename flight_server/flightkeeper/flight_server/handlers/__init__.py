"""One handler per Flight SQL command and action, one file per family."""
