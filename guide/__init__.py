"""The translation guide: pages and terminal views made from the ports' own source."""
