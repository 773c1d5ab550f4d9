"""`make demo`: a cluster of three nodes that answers questions while one of them is killed."""
