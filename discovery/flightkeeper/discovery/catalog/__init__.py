"""Tables, views and macros that are defined once for all nodes of a cluster."""
