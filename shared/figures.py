"""What others printed for a recipe, and where in a port's answers it is found."""

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from math import exp, sqrt
from typing import Literal

FigureRung = Literal["forward", "gradients", "trajectory", "accuracy"]


@dataclass(frozen=True)
class Figure:
    """A figure that somebody else printed for this very recipe, held to the digits printed.

    rung: where a port answers it: "forward" and "gradients" before the first step; "trajectory", in
    the free run; "accuracy", after it. tensor, index: the number there. name: what it is. step: of
    a loss, the update before which it is taken, counted from 0. made: what was printed, made of the
    number; None where it is the number itself.
    """

    name: str
    printed: str
    source: str
    rung: FigureRung
    tensor: str
    index: tuple[int, ...] = ()
    step: int = 0
    made: Callable[[float], float] | None = None

    @property
    def at_the_end(self) -> bool:
        """Whether it holds after the recipe's last step alone."""
        return self.rung == "accuracy" or (self.rung == "trajectory" and self.tensor != "loss")

    def printed_of(self, value: float) -> str:
        """Return what would have been printed of a number, in as many digits."""
        mantissa, e, _ = self.printed.partition("e")
        digits = len(mantissa.partition(".")[2])
        return f"{self.of(value):.{digits}{'e' if e else 'f'}}"

    def of(self, value: float) -> float:
        """Return what is printed, made of the number that a port answers."""
        return self.made(value) if self.made else value

    @property
    def half_digit(self) -> float:
        """Half a unit of the last digit printed."""
        mantissa, _, exponent = self.printed.partition("e")
        digits = len(mantissa.partition(".")[2])
        return float(0.5 * 10.0 ** (int(exponent or 0) - digits))


def losses(source: str, printed: dict[int, str]) -> tuple[Figure, ...]:
    """Return losses before some steps."""
    return tuple(
        Figure("loss", value, source, "trajectory", "loss", (step,), step)
        for step, value in printed.items()
    )


def values(source: str, tensor: str, rows: Iterable[tuple[str, ...]]) -> tuple[Figure, ...]:
    """Return all values of a matrix that a port's forward pass gives, row by row."""
    return tuple(
        Figure(tensor, value, source, "forward", tensor, (row, column))
        for row, printed in enumerate(rows)
        for column, value in enumerate(printed)
    )


def training_accuracy(source: str, percent: str) -> tuple[Figure, ...]:
    """Return the accuracy after the last step, in percent, on the rows trained on."""
    return (
        Figure(
            "accuracy (train) in %",
            percent,
            source,
            "accuracy",
            "accuracy (train)",
            made=lambda fraction: 100 * fraction,
        ),
    )


COURSE = "deeplearning.ai, Neural Networks and Deep Learning, planar data classification"
PLANAR = losses(
    COURSE,
    {
        0: "0.693048",
        1000: "0.288083",
        2000: "0.254385",
        3000: "0.233864",
        4000: "0.226792",
        5000: "0.222644",
        6000: "0.219731",
        7000: "0.217504",
    },
)
HIDDEN_UNITS = {1: "67.5", 2: "67.25", 3: "90.75", 4: "90.5", 5: "91.25"}  # accuracies in percent

_MOOC = "Peking University, Artificial Intelligence Practice: TensorFlow Notes"
DESCENT = (
    *losses(_MOOC, {0: "36", 1: "12.96", 2: "4.6656", 3: "1.679616", 4: "0.604662"}),
    *(
        # The loss is (w + 1)^2, and w, which falls from 5, never passes -1.
        Figure(
            f"w after {step} steps",
            printed,
            _MOOC,
            "trajectory",
            "loss",
            (step,),
            step,
            lambda loss: sqrt(loss) - 1,
        )
        for step, printed in {1: "2.6", 2: "1.16", 3: "0.296", 4: "-0.2224"}.items()
    ),
)

_ZHOU = "V. Zhou, Machine Learning for Beginners: An Introduction to Neural Networks"
PEOPLE = (
    Figure("h1 of Alice", "0.04742587", _ZHOU, "forward", "h", (0, 0)),
    Figure("output for Alice", "0.52369517", _ZHOU, "forward", "outputs", (0, 0)),
    # Alice's target is 1, so that the loss is (1 - output)^2.
    Figure(
        "d loss / d output for Alice",
        "-0.95261",
        _ZHOU,
        "forward",
        "outputs",
        (0, 0),
        made=lambda output: -2 * (1 - output),
    ),
    Figure("d loss / d w1 for Alice", "0.021469535", _ZHOU, "gradients", "W1", (0, 0)),
    Figure("output for Emily", "0.946788389", _ZHOU, "accuracy", "outputs (test)", (0, 0)),
    Figure("output for Frank", "0.039758760", _ZHOU, "accuracy", "outputs (test)", (1, 0)),
)

_SCRATCH = "K. Saitoh, Deep Learning from Scratch (2016), chapter 3"
SIGNALS = (
    *values(_SCRATCH, "A1", [("0.3", "0.7", "1.1")]),
    *values(_SCRATCH, "Z1", [("0.57444252", "0.66818777", "0.75026011")]),
    *values(_SCRATCH, "Z2", [("0.62624937", "0.7710107")]),
    *values(_SCRATCH, "outputs", [("0.31682708", "0.69627909")]),
    *values(_SCRATCH, "step", [("1", "1")]),
)
ACTIVATIONS = (
    *values(
        _SCRATCH,
        "softmax",
        [
            ("0.01821127", "0.24519181", "0.73659691"),
            ("9.99954600e-01", "4.53978686e-05", "2.06106005e-09"),
            ("2.62113180e-13", "1", "3.79470324e-13"),
        ],
    ),
    Figure(
        "sum of exponentials of 0.3, 2.9, 4.0",
        "74.1221542101633",
        _SCRATCH,
        "forward",
        "softmax",
        (0, 2),
        made=lambda p: exp(4.0) / p,
    ),
)
IRIS_FORWARD = values(_MOOC, "outputs", [("1.01", "2.008", "-0.66")])
