"""What is kept between runs: read back as it was written, and never trusted when damaged."""

import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

from parity import contract
from parity.standard import cache, floors, reference
from parity.standard.floors import NoiseFloors
from parity.standard.inputs import Inputs, Store
from parity.standard.reference import Reference
from shared.experiment import prepare
from shared.recipes import RECIPES
from tests.running import ROOT, Compare

NETS = {recipe.net for recipe in RECIPES.values()}

Kept = tuple[Inputs, Reference, NoiseFloors]


def inputs_of(folder: Path, steps: int, dtype: str = "float32", seed: int | None = None) -> Inputs:
    experiment = prepare("mnist-tutorial", dtype, steps, seed, choice="digits")
    return Store(folder).inputs(experiment, "cpu", 1)


@pytest.fixture(scope="module")
def kept(tmp_path_factory: pytest.TempPathFactory) -> Kept:
    inputs = inputs_of(tmp_path_factory.mktemp("store"), 12)
    port = contract.load(contract.PortName("numpy"), "mnist")
    ran = reference.run(port, inputs)
    return inputs, ran, floors.measure(port, inputs, ran, lambda message: None)


def test_what_is_read_is_what_was_written(kept: Kept, tmp_path: Path) -> None:
    _, ran, measured = kept
    cache.save(tmp_path / "kept.npz", ran, measured)
    assert [path.name for path in tmp_path.iterdir()] == ["kept.npz"]
    found = cache.load(tmp_path / "kept.npz")
    assert found is not None
    same, same_floors = found
    assert same.expected.keys() == ran.expected.keys()
    for at, tensors in ran.expected.items():
        for name, value in tensors.items():
            assert np.array_equal(same.expected[at][name], value)
            assert same.expected[at][name].dtype == value.dtype
            assert same_floors.expected[at][name] == measured.expected[at][name]
    assert same.checkpoints.keys() == ran.checkpoints.keys()
    assert same.path.keys() == ran.path.keys()
    assert np.array_equal(same.losses, ran.losses)
    assert np.array_equal(same_floors.losses, measured.losses)
    assert same_floors.path == measured.path
    assert same_floors.outputs == measured.outputs


def content_of(ran: Reference, measured: NoiseFloors) -> dict[str, bytes]:
    """Return all that a cache file keeps, by name, bit for bit."""
    flat = {**cache._flatten((0,), vars(ran)), **cache._flatten((1,), vars(measured))}
    return {name: value.tobytes() for name, value in flat.items()}


def _flip(content: bytes, index: int) -> bytes:
    changed = bytearray(content)
    changed[index] ^= 1
    return bytes(changed)


def test_a_damaged_file_is_not_trusted(kept: Kept, tmp_path: Path) -> None:
    file = tmp_path / "kept.npz"
    assert cache.load(file) is None
    _, ran, measured = kept
    cache.save(file, ran, measured)
    whole = file.read_bytes()
    middle = len(whole) // 2
    damaged = {
        "cut": whole[:middle],
        "empty": b"",
        **{f"header {i}": _flip(whole, i) for i in range(0, 120, 7)},
        **{f"directory {i}": _flip(whole, -i) for i in range(1, 120, 7)},
        "flipped": _flip(whole, middle),
        "another": b"not a zip file",
    }
    for content in damaged.values():
        file.write_bytes(content)
        found = cache.load(file)  # zip headers have fields that nobody reads
        assert found is None or content_of(*found) == content_of(ran, measured)
    file.write_bytes(whole[:middle])
    assert cache.load(file) is None
    np.savez(file, anything=np.zeros(3))
    assert cache.load(file) is None


@pytest.mark.parametrize("change", ["nan", "shape", "value", "type", "missing", "extra", "hash"])
def test_a_whole_file_with_other_content_is_not_trusted(
    kept: Kept, tmp_path: Path, change: str
) -> None:
    file = tmp_path / "kept.npz"
    _, ran, measured = kept
    cache.save(file, ran, measured)
    with np.load(file) as arrays:
        flat = {name: arrays[name] for name in arrays.files}
    name = '["reference", "losses"]'
    losses = flat[name]
    match change:
        case "nan":
            losses[3] = np.nan
        case "value":
            losses[3] = np.nextafter(losses[3], 1)
        case "shape":
            flat[name] = losses[:-1]
        case "type":
            flat[name] = losses.view(np.int64)
        case "missing":
            del flat[name]
        case "extra":
            flat['["reference", "resumed", "c"]'] = losses
        case "hash":
            del flat[cache.HASH]
    np.savez(file, **flat)
    assert cache.load(file) is None


def test_anothers_content_under_this_name_is_not_trusted(kept: Kept, tmp_path: Path) -> None:
    _, ran, measured = kept
    cache.save(tmp_path / "kept.npz", ran, measured)
    assert cache.load((tmp_path / "kept.npz").rename(tmp_path / "another.npz")) is None


def test_the_name_depends_on_all_that_matters(tmp_path: Path) -> None:
    inputs = [
        inputs_of(tmp_path, 12),
        inputs_of(tmp_path, 13),
        inputs_of(tmp_path, 12, "float64"),
        inputs_of(tmp_path, 12, seed=1),
    ]
    names = [cache.path(each, "sha") for each in inputs] + [cache.path(inputs[0], "other")]
    assert len(set(names)) == len(names)
    assert cache.path(inputs_of(tmp_path, 12), "sha") == names[0]


@pytest.mark.parametrize("net", sorted(NETS))
def test_the_name_depends_on_all_code_that_matters(net: str) -> None:
    names = {file.relative_to(ROOT).as_posix() for file in cache.code(net)}
    standard = ("floors", "inputs", "native", "reference", "returned")
    assert {f"parity/standard/{name}.py" for name in standard} <= names
    assert {"impls/numpy/noise.py", "shared/operations.py", "shared/rounding.py"} <= names
    assert {f"impls/numpy/{net}.py", "impls/numpy/runtime.py", "shared/batches.py"} <= names
    assert not names & {f"impls/numpy/{other}.py" for other in NETS - {net}}
    assert not names & {*cache.HASHED_BY_RESULT}


def test_what_is_said_to_people_does_not_count(monkeypatch: pytest.MonkeyPatch) -> None:
    source = (ROOT / "impls" / "numpy" / "iris.py").read_text()
    port = ROOT / "impls" / "numpy" / "iris.py"

    def meaning(text: str) -> str:
        monkeypatch.setattr(Path, "read_bytes", lambda _: text.encode())
        cache._tree.cache_clear()
        cache._meaning.cache_clear()
        try:
            return cache._meaning(port)
        finally:
            monkeypatch.undo()
            cache._tree.cache_clear()
            cache._meaning.cache_clear()

    own = meaning(source)
    assert meaning(source.replace('"""Return the', '"""Give back the', 3)) == own
    assert meaning(f"# A comment.\n{source}") == own
    assert meaning(source.replace("2 / e.size", "1 / e.size")) != own


@pytest.mark.parametrize("recipe", ["descent", "signals", "activations", "iris-forward"])
def test_what_a_lesson_lacks_is_kept_as_well(
    recipe: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("LOCKSTEP_CACHE", str(tmp_path / "cache"))
    experiment = prepare(recipe, "float32")
    inputs = Store(tmp_path).inputs(experiment, "cpu", 1)
    port = contract.load(contract.PortName("numpy"), inputs.net)
    ran = reference.run(port, inputs)
    measured = floors.measure(port, inputs, ran, lambda message: None)
    file = cache.path(inputs, "sha")
    cache.save(file, ran, measured)
    found = cache.load(file)
    assert found is not None
    assert found[0].checkpoints.keys() == ran.checkpoints.keys()
    assert found[0].outputs.keys() == ran.outputs.keys()
    assert found[1].expected == measured.expected
    assert found[1].path == measured.path


def test_the_name_does_not_depend_on_what_else_is_loaded(tmp_path: Path) -> None:
    script = (
        "from pathlib import Path\n"
        "from parity.standard import cache, inputs\n"
        "from shared.experiment import prepare\n"
        "store = inputs.Store(Path({folder!r}))\n"
        "print(cache.path(store.inputs(prepare('planar'), 'cpu', 1), 'sha'))\n"
    )
    names = {
        subprocess.run(
            [sys.executable, "-c", first + script.format(folder=str(tmp_path))],
            cwd=ROOT,
            capture_output=True,
            text=True,
            check=True,
        ).stdout
        for first in ("", "import sklearn.linear_model\n")
    }
    assert len(names) == 1


RUN = ("iris", "--steps", 10, "--frameworks", "numpy", "--dtype", "float32")


def measured_anew(compare: Compare, cache_folder: Path, *options: str) -> bool:
    """Return whether one and the same comparison measures its noise floors."""
    run = compare(*RUN, *options, LOCKSTEP_CACHE=str(cache_folder))
    assert run.status == 0, run.stdout
    return "Measuring noise floors" in run.stderr


def test_a_damaged_cache_changes_no_verdict(compare: Compare, tmp_path: Path) -> None:
    cold = compare(*RUN, LOCKSTEP_CACHE=str(tmp_path))
    files = list((tmp_path / "floors").iterdir())
    assert len(files) == 1
    content = files[0].read_bytes()
    files[0].write_bytes(content[:1000])
    mended = compare(*RUN, LOCKSTEP_CACHE=str(tmp_path))
    assert cold.report["results"][0]["rungs"] == mended.report["results"][0]["rungs"]
    assert "Measuring noise floors" in mended.stderr
    assert not measured_anew(compare, tmp_path)


def test_fresh_measures_anew_and_keeps_that(compare: Compare, tmp_path: Path) -> None:
    assert measured_anew(compare, tmp_path)
    [file] = (tmp_path / "floors").iterdir()
    before = file.stat().st_ino  # a file that is replaced is another one
    assert not measured_anew(compare, tmp_path)
    assert file.stat().st_ino == before
    assert measured_anew(compare, tmp_path, "--fresh")
    assert file.stat().st_ino != before
    assert not measured_anew(compare, tmp_path)


def test_floors_in_both_precisions_fit(tmp_path: Path) -> None:
    port = contract.load(contract.PortName("numpy"), "mnist")
    both, expected = {}, {}
    for dtype in ("float32", "float64"):
        inputs = inputs_of(tmp_path, 12, dtype)
        ran = reference.run(port, inputs)
        both[dtype] = floors.measure(port, inputs, ran, lambda message: None).expected
        expected[dtype] = ran.expected
    assert both["float32"].keys() == both["float64"].keys()
    assert floors.check_scale(both["float32"], both["float64"], expected["float32"]) is None


def test_compiled_programs_are_kept_but_for_those_whose_time_is_taken(
    compare: Compare, tmp_path: Path
) -> None:
    def kept(*options: str) -> list[str]:
        command = ("iris", "--frameworks", "jax", "--dtype", "float32", "--steps", "40", *options)
        assert compare(*command, LOCKSTEP_CACHE=str(tmp_path)).status == 0
        return sorted(path.name for path in tmp_path.glob("programs/*-cache"))

    def of_train(names: list[str]) -> int:
        return sum(name.startswith("jit_train-") for name in names)

    assert kept("--fresh") == []
    once = kept()
    assert of_train(once) == 1  # on half a batch
    assert len(once) > 1
    assert kept() == once
    assert of_train(kept("--quick")) == 3  # one step and all 40, too


def test_damaged_programs_are_compiled_anew(compare: Compare, tmp_path: Path) -> None:
    command = ("gates", "--frameworks", "jax", "--dtype", "float32")
    assert compare(*command, LOCKSTEP_CACHE=str(tmp_path)).status == 0
    kept = list(tmp_path.glob("programs/*-cache"))
    assert kept
    for path in kept:
        path.write_bytes(b"damaged")
    assert compare(*command, LOCKSTEP_CACHE=str(tmp_path)).status == 0
