"""The catalogue of translation bugs and correct variations, and what was said of each."""
