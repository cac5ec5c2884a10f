"""The TensorFlow 2 ports."""
