"""The result of a comparison as event files, a run of TensorBoard's for each result."""

import importlib.util
import logging
import re
import shutil
import tempfile
import unicodedata
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import TYPE_CHECKING

from parity.reports import rasters, wording
from parity.reports.legible import legible
from parity.reports.markdown import escape
from parity.reports.plot_data.drawn import Drawn, free_ratios
from parity.reports.plot_data.planes import SCORES
from parity.reports.plot_data.thinning import kept
from parity.reports.run import Run
from parity.reports.wording import finding
from parity.results import PortResult, by_recipe
from shared.errors import InputError

if TYPE_CHECKING:
    from tensorboardX import SummaryWriter

OURS = ".lockstep"  # ends the names of our event files
MANY = 1_000  # points of a curve; of a longer one, as many are kept
QUEUE = 10_000  # events that may wait to be written before the next one has to
LONGEST = 80  # letters of a folder's name


def require() -> None:
    """Check that event files can be written.

    Raises:
        InputError: the package for it is not installed.
    """
    if importlib.util.find_spec("tensorboardX") is None:
        raise InputError(
            "--tensorboard needs tensorboardX, which is not installed: install it with "
            "pip install tensorboardX, or leave the option out"
        )


def write(run: Run, folder: Path) -> None:
    """Write all runs into a folder, those of an earlier comparison by the same names replaced."""
    # Of a NaN it would warn once for each; the verdict says it.
    logging.getLogger("tensorboardX.x2num").setLevel(logging.ERROR)
    with tempfile.TemporaryDirectory(dir=folder, prefix=".lockstep-") as name:
        temporary = Path(name)
        names = folder_names(run.ports)
        runs = []
        for trial, results in by_recipe(run.trials, run.results):
            good = [result for result in results if result.verdict != "error"]
            for result in results:
                place = Path(result.recipe, names[result.port], f"{result.dtype}-{trial.mode}")
                drawn = Drawn(trial.experiment, good) if result in good else None
                _write(temporary / place, run, result, drawn)
                runs.append(place)
        for place in runs:
            _replace(temporary / place, folder / place)


def folder_names(names: Iterable[str]) -> dict[str, str]:
    """Return a folder's name for each name, good on any system, and no two alike."""
    taken: dict[str, str] = {}
    for name in names:
        plain = unicodedata.normalize("NFKD", name).encode("ascii", "ignore").decode()
        safe = re.sub(r"[^\w.-]+", "-", plain, flags=re.ASCII).strip(".-")[:LONGEST] or "port"
        number, free = 1, safe
        while free.casefold() in {other.casefold() for other in taken.values()}:
            number += 1
            free = f"{safe}-{number}"
        taken[name] = free
    return taken


def _write(folder: Path, run: Run, result: PortResult, drawn: Drawn | None) -> None:
    from tensorboardX import SummaryWriter

    with SummaryWriter(str(folder), max_queue=QUEUE, filename_suffix=OURS) as writer:
        for tag, step, value in scalars(result):
            writer.add_scalar(tag, value, step)
        writer.add_text("verdict", _said(run, result), 0)
        if drawn:
            _add_pictures(writer, result, drawn)


def scalars(result: PortResult) -> Iterator[tuple[str, int, float]]:
    """Yield all curves and numbers of a result: tag, step, value."""
    if result.curves:
        losses, ratios = result.curves.losses, free_ratios(result.curves)
        for step in kept([ratios, losses, -losses], MANY // 3):
            yield "loss", int(step), float(losses[step])
            yield "ratio/trajectory", int(step), float(ratios[step])
    for at in result.ratios:
        yield f"ratio/{at.rung}", at.place.step, at.ratio
    for split, share in result.accuracy.items():
        if share is not None:
            yield f"accuracy/{split}", result.steps, share
    for what, spent in result.seconds.items():
        if spent is not None:
            yield f"seconds/{what}", 0, spent


def _said(run: Run, result: PortResult) -> str:
    """Return verdict and diagnosis in Markdown, which is what TensorBoard shows of texts."""
    worst = wording.worst(result)
    ratio = f"; worst ratio {worst.ratio:.2g} on {worst.rung}" if worst else ""
    lines = [f"**{result.verdict}**: {result.compared:,} values compared{ratio}"]
    notice = result.data.get("stand_in")
    if notice:
        lines.append(f"**STAND-IN DATA**: {escape(notice)}")
    if result.verdict != "agree":
        told = legible(str(finding(result, run.results))).splitlines()
        lines.append("\n".join(f"    {line}" for line in told))  # as code: no markup in it
    return "\n\n".join(lines)


def _add_pictures(writer: "SummaryWriter", result: PortResult, drawn: Drawn) -> None:
    """Add what the port decides, what it has learned of images, and its confusions."""
    step = result.steps
    if drawn.net in SCORES and drawn.has_weights(result):
        writer.add_image("decisions", rasters.decisions(drawn, result), step, dataformats="HWC")
    if drawn.net == "mnist" and drawn.has_weights(result):
        writer.add_image("weights", rasters.weights(drawn, result), step, dataformats="HW")
    if result.confusion:
        name = f"confusion/{result.confusion.split}"
        writer.add_image(name, rasters.confusion(result.confusion), step, dataformats="HW")


def _replace(new: Path, old: Path) -> None:
    """Put a run's event files where those of an earlier one are; other files stay."""
    old.mkdir(parents=True, exist_ok=True)
    for file in old.glob(f"events.out.tfevents.*{OURS}"):
        file.unlink()
    for file in new.iterdir():
        shutil.move(file, old / file.name)
