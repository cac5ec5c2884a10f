"""TensorFlow 1: the original tutorial's loop, which is the port itself."""

from bench.contender import PORT, Contender, Make

CONTENDERS: dict[Contender, Make] = {
    Contender("tensorflow_v1", "port", "port", ("mnist",)): PORT,
}
