"""What all ports share, free of any framework: recipes, data, initial weights, batches, metrics."""
