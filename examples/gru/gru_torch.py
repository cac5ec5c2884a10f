"""A GRU that recalls the first symbol in PyTorch: the reference that the other files are ports of.

Sequences are (B, T) whole numbers, and states (B, 32). The three gates of a weight lie below one
another: r, the reset gate, z, the update gate, and n, the candidate.
"""

import torch
import torch.nn.functional as F
from torch import nn

FRAMEWORK = "torch"
CLIP = 0.2  # the longest that all gradients together may be


class Recall(nn.Module):
    def __init__(self):
        super().__init__()
        self.embed = nn.Embedding(8, 8)
        self.gru = nn.GRU(8, 32, batch_first=True)  # otherwise it would take (T, B, 8)
        self.fc = nn.Linear(32, 8)

    def forward(self, x):
        x = self.embed(x)  # (B, T) -> (B, T, 8)
        _, last = self.gru(x)  # -> (B, T, 32), all states, and (1, B, 32), that of each layer
        return self.fc(last[0])  # (B, 32) -> (B, 8), logits


def build(weights):
    """Return the model, a Module with a copy of the weights; of None, it draws its own."""
    model = Recall()
    if weights is not None:
        model.load_state_dict(weights)
    return model


@torch.no_grad()
def layers(model, x):
    """Return what each layer gives out, of the GRU all states."""
    embed = model.embed(x)
    gru, _ = model.gru(embed)
    return {"embed": embed, "gru": gru, "fc": model.fc(gru[:, -1])}


@torch.no_grad()
def forward(model, x):
    """Return the logits (B, 8)."""
    return model(x)


def loss(model, x, y):
    """Return the mean cross-entropy in nats."""
    return F.cross_entropy(model(x), y)


def gradients(model, x, y):
    """Return d loss / d weights by autograd, not clipped."""
    model.zero_grad()
    loss(model, x, y).backward()
    return {name: weight.grad for name, weight in model.named_parameters()}


def train_step(model, optimizer, x, y):
    """Update the model in place; return the loss before the update."""
    optimizer.zero_grad()
    value = loss(model, x, y)
    value.backward()
    nn.utils.clip_grad_norm_(model.parameters(), CLIP)
    optimizer.step()
    return value.detach()


def train(model, x, y, schedule, learning_rate):
    """Take one step of Adam per batch; return the model and its losses (steps,)."""
    optimizer = torch.optim.Adam(model.parameters(), lr=learning_rate)
    losses = [train_step(model, optimizer, x[rows], y[rows]) for rows in schedule]
    return model, torch.stack(losses)


def accuracy(model, x, y):
    """Return the fraction of sequences whose largest logit is that of their first symbol."""
    return (forward(model, x).argmax(1) == y).to(torch.get_default_dtype()).mean()


def export(model):
    """Return the weights."""
    return model.state_dict()


if __name__ == "__main__":
    import data

    recall = data.load(torch.from_numpy)
    model = build(recall.weights)
    model, losses = train(model, recall.x, recall.y, recall.schedule, recall.learning_rate)
    data.report(losses, accuracy(model, recall.x_test, recall.y_test))
