"""Comparisons from beginning to end: once, again whenever a file changes, or from a test."""
