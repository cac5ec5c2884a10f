"""How fast the ports are: against other idioms, peers and floors, on the same work in one run."""
