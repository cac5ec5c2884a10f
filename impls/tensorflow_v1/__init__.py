"""The TensorFlow 1 tutorial, live under the tf.compat.v1 of TensorFlow 2."""
