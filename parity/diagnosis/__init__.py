"""Naming the translation mistake behind a divergence, by making the reference commit it."""
