"""What a node does with what its cluster agrees on: commands, and the tables that follow."""
