"""A convolutional net on MNIST in PyTorch: the reference that the other files are ports of.

Sizes are (B, channels, height, width) and kernels (outputs, inputs, height, width).
"""

import torch
import torch.nn.functional as F
from torch import nn

FRAMEWORK = "torch"


class ConvNet(nn.Module):
    def __init__(self):
        super().__init__()
        # A convolution before BatchNorm needs no bias: subtracting the mean takes it away again.
        self.conv1 = nn.Conv2d(1, 16, 5, stride=2, padding=2, bias=False)
        self.norm1 = nn.BatchNorm2d(16)
        self.pool1 = nn.MaxPool2d(2)
        self.conv2 = nn.Conv2d(16, 32, 3, padding=1, bias=False)
        self.norm2 = nn.BatchNorm2d(32)
        self.pool2 = nn.MaxPool2d(2)
        self.fc = nn.Linear(32 * 3 * 3, 10)

    def forward(self, x):
        x = x.reshape(-1, 1, 28, 28)  # (B, 784) -> (B, 1, 28, 28)
        x = F.gelu(self.norm1(self.conv1(x)))  # -> (B, 16, 14, 14)
        x = self.pool1(x)  # -> (B, 16, 7, 7)
        x = F.gelu(self.norm2(self.conv2(x)))  # -> (B, 32, 7, 7)
        x = self.pool2(x)  # -> (B, 32, 3, 3), the last row and column are left out
        return self.fc(x.flatten(1))  # (B, 288) -> (B, 10), logits


def build(weights):
    """Return the model, a Module with a copy of the weights."""
    model = ConvNet()
    model.load_state_dict(weights, strict=False)  # BatchNorm's counts of batches stay 0
    return model


@torch.no_grad()
def forward(model, x):
    """Return the logits (B, 10) at inference, where BatchNorm takes its running statistics."""
    model.eval()
    return model(x)


def loss(model, x, y):
    """Return the mean cross-entropy in training, where BatchNorm takes those of the batch."""
    model.train()
    return F.cross_entropy(model(x), y)


def gradients(model, x, y):
    """Return d loss / d weights by autograd."""
    model.zero_grad()
    loss(model, x, y).backward()
    return {name: weight.grad for name, weight in model.named_parameters()}


def train_step(model, optimizer, x, y):
    """Update the model in place; return the loss before the update."""
    optimizer.zero_grad()
    value = loss(model, x, y)
    value.backward()
    optimizer.step()
    return value.detach()


def train(model, x, y, schedule, learning_rate):
    """Take one step of Adam per batch; return the model and its losses (steps,)."""
    optimizer = torch.optim.Adam(model.parameters(), lr=learning_rate)
    losses = [train_step(model, optimizer, x[rows], y[rows]) for rows in schedule]
    return model, torch.stack(losses)


def accuracy(model, x, y):
    """Return the fraction of images whose largest logit is that of the right digit."""
    return (forward(model, x).argmax(1) == y).to(x.dtype).mean()


def export(model):
    """Return the weights, and BatchNorm's running statistics."""
    return {name: value for name, value in model.state_dict().items() if value.is_floating_point()}


if __name__ == "__main__":
    import data

    mnist = data.load(torch.from_numpy)
    model = build(mnist.weights)
    model, losses = train(model, mnist.x, mnist.y, mnist.schedule, mnist.learning_rate)
    data.report(losses, accuracy(model, mnist.x_test, mnist.y_test))
