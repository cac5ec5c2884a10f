"""Other ways to train the same nets, a file per framework or library."""
