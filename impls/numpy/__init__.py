"""The NumPy ports. In float64 they are the reference for all the others."""
