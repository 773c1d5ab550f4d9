"""The gateway: one Flight SQL endpoint in front of a service, for programs that bring no router."""
