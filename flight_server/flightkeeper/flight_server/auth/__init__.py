"""Who is calling: passwords, tokens, the cluster's keys and the middleware."""
