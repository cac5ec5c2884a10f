import torch
import torch.nn as nn
import torch.nn.functional as F

FRAMEWORK = "torch"


class Bag(nn.Module):
    def __init__(self):
        super().__init__()
        self.embedding = nn.Embedding(11, 5)
        self.fc = nn.Linear(5, 3)

    def forward(self, x):
        mask = x["mask"][..., None]
        bag = (self.embedding(x["tokens"]) * mask).sum(1) / mask.sum(1)
        return self.fc(torch.tanh(bag))


def build(weights):
    model = Bag()
    if weights is not None:
        model.load_state_dict(weights)
    return model


def forward(model, x):
    return model(x)


def loss(model, x, y):
    return F.cross_entropy(model(x), y)


def gradients(model, x, y):
    model.zero_grad()
    loss(model, x, y).backward()
    return {name: weight.grad for name, weight in model.named_parameters()}


def train(model, x, y, schedule, learning_rate):
    optimizer = torch.optim.SGD(model.parameters(), lr=learning_rate)
    losses = []
    for rows in schedule:
        optimizer.zero_grad()
        value = loss(model, {name: array[rows] for name, array in x.items()}, y[rows])
        value.backward()
        optimizer.step()
        losses.append(value.detach())
    return model, torch.stack(losses)


def accuracy(model, x, y):
    return (model(x).argmax(1) == y).to(torch.get_default_dtype()).mean()


def export(model):
    return model.state_dict()
