"""The client: router, failover and connection."""
