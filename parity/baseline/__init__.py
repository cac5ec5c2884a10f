"""Baselines: each port's own earlier numbers, and how far its new ones lie from them."""
