"""A small GPT that adds, in PyTorch: the reference that the other files are ports of.

Sizes are (B, T, D): texts, tokens of each, and numbers that stand for a token. Attention splits D
among H heads, (B, H, T, D / H).
"""

import torch
import torch.nn.functional as F
from torch import nn

FRAMEWORK = "torch"
TOKENS, T, D, HEADS, BLOCKS = 12, 8, 32, 2, 2


class Attention(nn.Module):
    def __init__(self):
        super().__init__()
        # A bias of the keys would add one number to all scores of a query, and softmax takes it
        # away again: its gradient is rounding alone, of which Adam makes steps of full size.
        self.qkv = nn.Linear(D, 3 * D, bias=False)
        self.out = nn.Linear(D, D, bias=False)

    def forward(self, x):
        q, k, v = (
            z.unflatten(2, (HEADS, -1)).transpose(1, 2)  # (B, T, D) -> (B, H, T, D / H)
            for z in self.qkv(x).chunk(3, dim=2)
        )
        mixed = F.scaled_dot_product_attention(q, k, v, is_causal=True)
        return self.out(mixed.transpose(1, 2).flatten(2))  # (B, H, T, D / H) -> (B, T, D)


class Block(nn.Module):
    def __init__(self):
        super().__init__()
        self.norm1 = nn.LayerNorm(D)
        self.attention = Attention()
        self.norm2 = nn.LayerNorm(D)
        self.up = nn.Linear(D, 4 * D)
        self.down = nn.Linear(4 * D, D)

    def forward(self, x):
        x = x + self.attention(self.norm1(x))
        return x + self.down(F.gelu(self.up(self.norm2(x))))


class GPT(nn.Module):
    def __init__(self):
        super().__init__()
        self.tokens = nn.Embedding(TOKENS, D)
        self.positions = nn.Embedding(T, D)
        self.blocks = nn.ModuleList(Block() for _ in range(BLOCKS))
        self.norm = nn.LayerNorm(D)

    def forward(self, x):
        x = self.tokens(x) + self.positions(torch.arange(T))  # (B, T) -> (B, T, D)
        for block in self.blocks:
            x = block(x)
        return F.linear(self.norm(x), self.tokens.weight)  # -> (B, T, TOKENS), logits


def build(weights):
    """Return the model, a Module with a copy of the weights; of None, it draws its own."""
    model = GPT()
    if weights is not None:
        model.load_state_dict(weights)
        return model
    for name, weight in model.named_parameters():
        if weight.ndim == 2:
            nn.init.normal_(weight, std=0.05)
        elif name.endswith("bias"):
            nn.init.zeros_(weight)
    return model


@torch.no_grad()
def forward(model, x):
    """Return the logits (B, T, TOKENS) of what is next at each position."""
    return model(x)


def loss(model, x, y):
    """Return the mean cross-entropy where an answer is due; where none is, y is -100."""
    return F.cross_entropy(model(x).flatten(0, 1), y.flatten())  # it ignores -100 by default


def gradients(model, x, y):
    """Return d loss / d weights by autograd."""
    model.zero_grad()
    loss(model, x, y).backward()
    return {name: weight.grad for name, weight in model.named_parameters()}


def adamw(model, learning_rate):
    """Return the optimizer. As for GPT-2, matrices decay, but norms and biases do not."""
    groups = [
        {"params": [w for w in model.parameters() if w.ndim == 2], "weight_decay": 0.1},
        {"params": [w for w in model.parameters() if w.ndim == 1], "weight_decay": 0.0},
    ]
    return torch.optim.AdamW(groups, lr=learning_rate)


def train_step(model, optimizer, x, y):
    """Update the model in place; return the loss before the update."""
    optimizer.zero_grad()
    value = loss(model, x, y)
    value.backward()
    optimizer.step()
    return value.detach()


def train(model, x, y, schedule, learning_rate):
    """Take one step of AdamW per batch; return the model and its losses (steps,)."""
    optimizer = adamw(model, learning_rate)
    losses = [train_step(model, optimizer, x[rows], y[rows]) for rows in schedule]
    return model, torch.stack(losses)


def solved(model, x, y):
    """Return the fraction of sums of which every digit is the likeliest.

    Those are the sums that greedy decoding solves: it goes on from its own digits, which until the
    first wrong one are those in x.
    """
    right = (forward(model, x).argmax(2) == y) | (y == -100)
    return right.all(1).float().mean()


def export(model):
    """Return the weights; the head has none of its own."""
    return model.state_dict()


if __name__ == "__main__":
    import data

    sums = data.load(torch.from_numpy)
    model = build(sums.weights)
    model, losses = train(model, sums.x, sums.y, sums.schedule, sums.learning_rate)
    data.report(losses, solved(model, sums.x_test, sums.y_test))
