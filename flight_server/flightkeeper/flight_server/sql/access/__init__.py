"""What a statement uses, and whether its caller may."""
