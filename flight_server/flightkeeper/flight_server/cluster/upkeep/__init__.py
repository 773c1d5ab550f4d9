"""What the leaders of a cluster's duties do, one module a duty."""
