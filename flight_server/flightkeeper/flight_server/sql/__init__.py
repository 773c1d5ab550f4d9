"""SQL as text and tree: dialects, types of parameters. The only package that imports sqlglot."""
