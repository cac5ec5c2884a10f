"""What ports are held to: the reference, its noise floors, and how values are compared."""
