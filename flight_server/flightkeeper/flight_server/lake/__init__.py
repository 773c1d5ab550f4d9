"""The tables that all nodes of a service share, and what makes writes to them happen once."""
