"""What nodes tell of themselves: system tables, and the ends that others put to statements."""
