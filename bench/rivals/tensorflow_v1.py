"""TensorFlow 1: the original tutorial's loop, which is the port itself."""

from bench.contender import Contender, port

CONTENDERS = (Contender("tensorflow_v1", **port(), nets=("mnist",)),)
