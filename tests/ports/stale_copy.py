"""Planted: training updates one copy of the weights, predictions use the other."""

from impls.numpy import planar

FRAMEWORK = "numpy"


def build(weights):
    return {"live": planar.build(weights), "first": planar.build(weights)}


def forward(model, x):
    return planar.forward(model["first"], x)


def loss(model, x, y):
    return planar.loss(model["live"], x, y)


def gradients(model, x, y):
    return planar.gradients(model["live"], x, y)


def train(model, x, y, schedule, learning_rate):
    _, losses = planar.train(model["live"], x, y, schedule, learning_rate)
    return model, losses


def accuracy(model, x, y):
    return planar.accuracy(model["first"], x, y)


def export(model):
    return planar.export(model["live"])
