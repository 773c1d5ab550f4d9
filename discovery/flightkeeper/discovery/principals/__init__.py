"""Accounts of a cluster: users, roles and what they may do."""
