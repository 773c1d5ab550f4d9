"""What a node says of itself to its operators."""
