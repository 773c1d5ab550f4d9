"""What a node makes of the cluster's catalog, and how its clients change it."""
