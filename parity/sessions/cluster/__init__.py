"""Comparisons on a Dask cluster: cells, each judged whole on one node, merged in order."""
