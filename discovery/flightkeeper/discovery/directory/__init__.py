"""The registry of one machine: a directory of files (`dir://`)."""
