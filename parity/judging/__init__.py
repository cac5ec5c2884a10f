"""The verdict on a port: the first divergence, found to the very step, and what explains it."""
