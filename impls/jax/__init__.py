"""The JAX ports."""
