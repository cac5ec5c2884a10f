"""The PyTorch ports."""
