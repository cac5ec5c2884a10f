"""Operations that nets of others' have, made otherwise: each is what a port then does."""

from typing import Any

import numpy as np
import pytest

from tests.test_variants import assert_is_the_port_with, nn

KERNEL = np.sin(np.arange(36.0)).reshape(2, 2, 3, 3)


def torch() -> Any:
    return pytest.importorskip("torch")


def raised(x: Any, padding: int, more: int, flipped: bool = False) -> Any:
    weight = torch().from_numpy(KERNEL)
    weight = weight.flip(2, 3) if flipped else weight
    return nn().conv_transpose2d(x, weight, None, 2, padding, more)


def convolved(x: Any, dilation: int, before: int, after: int = 0) -> Any:
    weight = torch().from_numpy(KERNEL[:, :, 0])
    return nn().conv1d(nn().pad(x[:, :, 0], (before, after)), weight, dilation=dilation)


def of_length(x: Any, axes: tuple[int, ...] | None) -> Any:
    """Return a product with a weight of normed parts; of the weight itself, without axes."""
    v, g = torch().from_numpy(KERNEL), torch().arange(1.0, 3.0, dtype=x.dtype).reshape(2, 1, 1, 1)
    own = v if axes is None else g * v / (v * v).sum(axes, keepdim=True).sqrt()
    return nn().conv2d(x, own)


def normed(x: Any) -> Any:
    v, g = torch().from_numpy(KERNEL), torch().arange(1.0, 3.0, dtype=x.dtype).reshape(2, 1, 1, 1)
    return nn().conv2d(x, torch()._weight_norm(v, g, 0))


def sinusoids(
    x: Any, halves: bool = False, cosines: bool = False, first: int = 0, base: float = 1e4
) -> Any:
    """Return tokens (2, 4, 8) with positions."""
    tokens = x.reshape(2, 4, -1)
    exponents = torch().arange(4, dtype=x.dtype) / 4
    angles = torch().arange(first, first + 4, dtype=x.dtype)[:, None] * base**-exponents
    both = (angles.cos(), angles.sin()) if cosines else (angles.sin(), angles.cos())
    table = torch().cat(both, -1) if halves else torch().stack(both, -1).flatten(-2)
    return tokens + table


def parts(x: Any, order: tuple[int, ...] = (0, 1, 2), laid: str = "thd") -> Any:
    """Return what a product gives that is split in three, of heads, as laid."""
    weight = torch().sin(torch().arange(96.0, dtype=x.dtype)).reshape(4, 24)
    sizes = {"t": 3, "h": 2, "d": 4}
    mixed = (x[:, 0] @ weight).reshape(2, 4, *(sizes[each] for each in laid))
    mixed = mixed.permute(2 + laid.index("t"), 0, 1, *(2 + laid.index(each) for each in "hd"))
    q, k, v = (mixed.unbind(0)[i] for i in order)
    return q * k.exp() + v


def turned(x: Any, halves: bool = False, sign: int = 1) -> Any:
    """Return tokens (2, 2, 4, 4) whose pairs are turned, by complex numbers or in halves."""
    angles = sign * torch().arange(4, dtype=x.dtype)[:, None] / 100.0 ** torch().arange(2)
    if halves:
        a, b = x.chunk(2, -1)
        return torch().cat(
            (a * angles.cos() - b * angles.sin(), a * angles.sin() + b * angles.cos()), -1
        )
    turn = torch().polar(torch().ones_like(angles), angles)
    return (
        torch().view_as_real(torch().view_as_complex(x.unflatten(-1, (-1, 2))) * turn).flatten(-2)
    )


def weighted(x: Any, reduction: str = "mean") -> Any:
    weight, labels = torch().arange(1.0, 3.0, dtype=x.dtype), torch().arange(32).reshape(2, 4, 4)
    return nn().cross_entropy(x, labels % 2, weight, reduction=reduction)


def four(x: Any) -> Any:
    """Return images of four channels."""
    return torch().cat([x, x.cos()], 1)


def grouped(x: Any, weight: Any) -> Any:
    """Return GroupNorm of channels 0 and 2, and of 1 and 3."""
    order = [0, 2, 1, 3]
    return nn().group_norm(four(x)[:, order], 2)[:, order] * weight[:, None, None]


def patched(x: Any) -> Any:
    """Return a convolution of patches of two by two, which are laid with their channels last."""
    patches = x.unflatten(3, (2, 2)).unflatten(2, (2, 2)).permute(0, 2, 4, 3, 5, 1).flatten(3)
    weight = torch().from_numpy(KERNEL[:, :, :2, :2].copy()).reshape(2, -1)
    return (patches @ weight.T).movedim(-1, 1)


CASES: dict[str, Any] = {
    "the kernel of conv_transpose2d is flipped": (
        lambda x: raised(x, 1, 1),
        lambda x: raised(x, 1, 1, flipped=True),
    ),
    "conv_transpose2d cuts 0 off where arrays begin, not 1": (
        lambda x: raised(x, 1, 1),
        lambda x: raised(x, 0, 0)[:, :, :-1, :-1],
    ),
    "interpolate is bilinear with its corners aligned, not bilinear": (
        lambda x: nn().interpolate(x, scale_factor=2, mode="bilinear"),
        lambda x: nn().interpolate(x, scale_factor=2, mode="bilinear", align_corners=True),
    ),
    "interpolate is nearest, not bilinear": (
        lambda x: nn().interpolate(x, scale_factor=2, mode="bilinear", align_corners=False),
        lambda x: x.repeat_interleave(2, 2).repeat_interleave(2, 3),
    ),
    "the kernel of conv1d is not dilated": (
        lambda x: convolved(x, 2, 4),
        lambda x: convolved(x, 1, 2),
    ),
    "the other end of an axis is padded": (
        lambda x: convolved(x, 1, 2),
        lambda x: convolved(x, 1, 0, 2),
    ),
    "weight_norm gives all of a weight one length together": (
        normed,
        lambda x: of_length(x, (0, 1, 2, 3)),
    ),
    "weight_norm gives each part along axis 1 its length, not along 0": (
        normed,
        lambda x: of_length(x, (0, 2, 3)),
    ),
    "weight_norm is left out": (normed, lambda x: of_length(x, None)),
    "arrays are joined in the order 1, 0": (
        lambda x: torch().cat([x, x.cos()], 1),
        lambda x: torch().cat([x.cos(), x], 1),
    ),
    "the parts of an array are taken in the order 1, 0, 2": (
        lambda x: parts(x),
        lambda x: parts(x, (1, 0, 2)),
    ),
    "an axis is split into 3, 2, 4 as if these lay in the order 1, 0, 2": (
        lambda x: parts(x),
        lambda x: parts(x, laid="htd"),
    ),
    "the parts of an array lie between one another, not behind": (
        lambda x: x.chunk(2, -1)[0] * x.chunk(2, -1)[1].exp(),
        lambda x: x[..., ::2] * x[..., 1::2].exp(),
    ),
    "the slope of leaky_relu is 0.1 rounded to float32, as TensorFlow's": (
        lambda x: nn().leaky_relu(x, 0.1),
        lambda x: nn().leaky_relu(x, float(np.float32(0.1))),
    ),
    "ReLU is in place of hardtanh": (
        lambda x: nn().hardtanh(x, 0.0, 0.3),
        lambda x: nn().relu(x),
    ),
    "sinusoidal positions have their sines and cosines in two halves, not between one another": (
        lambda x: sinusoids(x),
        lambda x: sinusoids(x, halves=True),
    ),
    "losses with weights are divided by their number, not by the sum of the weights": (
        lambda x: weighted(x),
        lambda x: weighted(x, "none").mean(),
    ),
    "group_norm has 1 groups, not 2": (
        lambda x: nn().group_norm(four(x), 2),
        lambda x: nn().group_norm(four(x), 1),
    ),
    "the groups of group_norm lie between one another, not behind": (
        lambda x: nn().group_norm(four(x), 2, four(x)[0, :, 0, 0]),
        lambda x: grouped(x, four(x)[0, :, 0, 0]),
    ),
    "the variance of group_norm is over n - 1, not n": (
        lambda x: nn().group_norm(x, 1, eps=0.0),
        lambda x: nn().group_norm(x, 1, eps=0.0) * (31 / 32) ** 0.5,
    ),
    "group_norm normalises each place of an image by itself": (
        lambda x: nn().group_norm(x, 1),
        lambda x: nn().layer_norm(x.movedim(1, -1), (2,)).movedim(-1, 1),
    ),
    "adaptive_max_pool2d is in place of adaptive_avg_pool2d": (
        lambda x: nn().adaptive_avg_pool2d(x, 1),
        lambda x: x.amax((2, 3), keepdim=True),
    ),
    "axes 2 and 3 of an array are swapped before they become one": (
        lambda x: x.flatten(2),
        lambda x: x.mT.flatten(2),
    ),
    "the first along axis 1 is not left out": (
        lambda x: x[:, 1:].mean(1),
        lambda x: x.mean(1),
    ),
    "the channels of patches come last, those of their weights first": (
        lambda x: nn().conv2d(x, torch().from_numpy(KERNEL[:, :, :2, :2].copy()), stride=2),
        patched,
    ),
    "the kernel of conv2d is reshaped to have its channels last, not transposed": (
        lambda x: nn().conv2d(x, torch().from_numpy(KERNEL)),
        lambda x: nn().conv2d(
            x, torch().from_numpy(KERNEL.reshape(3, 3, 2, 2)).permute(3, 2, 0, 1)
        ),
    ),
    "the weight is reshaped, not transposed": (
        lambda x: nn().linear(x, torch().from_numpy(KERNEL[0, 0, :, :1] * np.ones((1, 4)))),
        lambda x: x @ torch().from_numpy(KERNEL[0, 0, :, :1] * np.ones((1, 4))).reshape(4, 3),
    ),
    "rotary positions rotate pairs of halves, not of neighbours": (
        lambda x: turned(x),
        lambda x: turned(x, halves=True),
    ),
    "rotary positions rotate the other way": (
        lambda x: turned(x),
        lambda x: turned(x, sign=-1),
    ),
    "sinusoidal positions have cosines before sines": (
        lambda x: sinusoids(x),
        lambda x: sinusoids(x, cosines=True),
    ),
    "sinusoidal positions are one position ahead": (
        lambda x: sinusoids(x, halves=True),
        lambda x: sinusoids(x, halves=True, first=1),
    ),
    "sinusoidal positions have a base of 1000, not 10000": (
        lambda x: sinusoids(x, first=1),
        lambda x: sinusoids(x, first=1, base=1e3),
    ),
}


@pytest.mark.parametrize("claim", CASES)
def test_an_operation_is_made_otherwise(claim: str) -> None:
    x = np.sin(np.linspace(-2, 3, 64).reshape(2, 2, 4, 4) ** 2)
    assert_is_the_port_with(claim, *CASES[claim], x)
