"""Settings that a cluster shares and changes while its nodes run."""
