"""The translation guide in a browser: columns of the reader's choice, search, copies, themes."""

import re
from pathlib import Path

import pytest
from playwright.sync_api import Browser, Locator, Page, expect

from tests.browser import pictures
from tests.browser.conftest import NARROW, WIDE, Open
from tests.running import ROOT

KINDS = (
    *("index", "mnist", "runtime", "dictionary", "migration", "differences", "traps"),
    *("variations", "ci", "404"),
)


def columns(tab: Page) -> list[str]:
    """Return the frameworks whose columns are seen, from left to right."""
    places = tab.locator(".head:visible").evaluate_all(
        "own => own.map(head => [head.getBoundingClientRect().x, head.dataset.framework])"
    )
    return [name for _, name in sorted(places)]


def cells(tab: Page, section: str) -> list[str]:
    """Return whose code is seen in the last row of a section, in the order of reading."""
    own = tab.locator(f"#{section} .row").last.locator(".cell:visible")
    return [cell.get_attribute("data-framework") or "" for cell in own.all()]


def choose(tab: Page, name: str) -> None:
    """Press the button of a framework, or of all."""
    tab.locator(f"[data-choose={name}]").click()


def follow(tab: Page, link: Locator) -> None:
    """Follow a link to another page, and wait until that is there."""
    with tab.expect_navigation():
        link.click()


def listed(tab: Page, menu: str, name: str) -> Locator:
    """Open a menu of pages, and return the link to one of them."""
    pages = tab.get_by_role("navigation", name="Pages")
    pages.get_by_text(menu, exact=True).click()
    return pages.get_by_role("link", name=name, exact=True)


def line_of(framework: str, code: str) -> int:
    """Return the number of the first line of a port of mnist that some code stands in."""
    source = (ROOT / "impls" / framework / "mnist.py").read_text()
    return 1 + source[: source.index(code)].count("\n")


def test_two_frameworks_are_shown_at_first(guide_folder: Path, open_page: Open) -> None:
    tab = open_page(guide_folder / "mnist.html").tab
    assert columns(tab) == ["torch", "jax"]
    assert cells(tab, "train") == ["torch", "jax"]
    expect(tab.locator("#torch-1")).to_be_visible()
    expect(tab.locator("#numpy-1")).to_be_hidden()
    assert tab.locator("[type=checkbox]:visible").count() == 0


def test_the_reader_chooses_in_order(guide_folder: Path, open_page: Open) -> None:
    tab = open_page(guide_folder / "mnist.html").tab
    choose(tab, "tensorflow_v1")
    choose(tab, "numpy")
    choose(tab, "torch")  # leaves
    assert columns(tab) == ["jax", "tensorflow_v1", "numpy"]
    assert cells(tab, "train") == ["jax", "tensorflow_v1", "numpy"]
    assert tab.url.endswith("mnist.html?frameworks=jax,tensorflow_v1,numpy")
    tab.reload()
    assert columns(tab) == ["jax", "tensorflow_v1", "numpy"]
    choose(tab, "all")
    assert len(columns(tab)) == 5


def test_one_framework_always_stays(guide_folder: Path, open_page: Open) -> None:
    tab = open_page(guide_folder / "mnist.html", "?frameworks=jax").tab
    choose(tab, "jax")
    assert columns(tab) == ["jax"]
    expect(tab.locator("#said")).to_have_text("one framework stays")


@pytest.mark.parametrize(
    ("asked", "seen"),
    [
        ("jax,numpy", ["jax", "numpy"]),
        ("numpy,numpy,nobody", ["numpy"]),
        ("tensorflow_v1,torch", ["torch"]),  # there is no such port of planar
        ("nobody", ["torch", "jax"]),
        ("all", ["numpy", "tensorflow", "torch", "jax"]),
    ],
)
def test_an_address_says_what_is_shown(
    guide_folder: Path, open_page: Open, asked: str, seen: list[str]
) -> None:
    tab = open_page(guide_folder / "planar.html", f"?frameworks={asked}").tab
    assert columns(tab) == seen


def test_the_choice_is_kept_on_the_way_to_other_pages(guide_folder: Path, open_page: Open) -> None:
    tab = open_page(guide_folder / "mnist.html", "?frameworks=numpy,tensorflow_v1#train").tab
    expect(tab.locator("#h-train")).to_be_in_viewport()
    follow(tab, listed(tab, "nets", "planar"))
    assert columns(tab) == ["numpy"]
    choose(tab, "jax")
    follow(tab, tab.get_by_role("navigation", name="Pages").get_by_role("link", name="dictionary"))
    assert columns(tab) == ["numpy", "jax", "tensorflow_v1"]
    line = line_of("jax", 'return x @ params["W"]')
    follow(tab, tab.get_by_role("link", name=f"mnist:{line}").and_(tab.locator("[href*='#jax-']")))
    assert f"mnist.html?frameworks=numpy,jax,tensorflow_v1#jax-{line}" in tab.url
    expect(tab.locator(f"#jax-{line}")).to_be_in_viewport()
    assert columns(tab) == ["numpy", "jax", "tensorflow_v1"]


def test_an_address_of_a_line_shows_its_column(guide_folder: Path, open_page: Open) -> None:
    code = "model[name] -= learning_rate * grads[name]"
    line = line_of("numpy", code)
    tab = open_page(guide_folder / "mnist.html", f"?frameworks=torch#numpy-{line}").tab
    assert columns(tab) == ["torch", "numpy"]
    expect(tab.locator(f"#numpy-{line}")).to_be_in_viewport()
    assert tab.locator(f"#numpy-{line}").inner_text().strip() == code


def lines_of_notes(tab: Page, section: str) -> list[str]:
    """Return of which frameworks the note on a section has lines that are seen, in order."""
    own = tab.locator(f"#{section} .lines .cell:visible:not(.none) .of")
    return [text or "" for text in own.all_text_contents()]


def test_notes_and_traps_are_those_of_the_chosen_columns(
    guide_folder: Path, open_page: Open
) -> None:
    tab = open_page(guide_folder / "mnist.html", "?frameworks=torch,jax").tab
    assert lines_of_notes(tab, "loss") == ["PyTorch", "JAX"]
    planted = tab.locator("#loss .planted")
    planted.locator("summary").click()
    traps = planted.locator("li:visible")
    assert traps.count() > 1
    assert planted.locator("summary").inner_text() == f"{traps.count()} traps start here"
    assert {text.split()[-1] for text in traps.all_inner_texts()} == {"PyTorch", "JAX"}
    choose(tab, "numpy")
    choose(tab, "torch")
    assert lines_of_notes(tab, "loss") == ["JAX", "NumPy"]
    choose(tab, "tensorflow_v1")
    choose(tab, "jax")
    choose(tab, "numpy")  # of TensorFlow 1 alone, there is nothing more to say
    assert lines_of_notes(tab, "loss") == []
    expect(tab.locator("#loss > p.note").first).to_be_visible()
    expect(planted).to_be_hidden()
    phone = open_page(guide_folder / "mnist.html", "?frameworks=torch,jax", size=NARROW).tab
    assert lines_of_notes(phone, "loss") == ["PyTorch"]
    phone.get_by_role("tab", name="JAX").click()
    assert lines_of_notes(phone, "loss") == ["JAX"]


def test_after_the_code_each_framework_has_a_line_in_its_column(
    guide_folder: Path, open_page: Open
) -> None:
    page = guide_folder / "mnist.html"
    tab = open_page(page, "?frameworks=torch,jax").tab
    line = tab.locator("#train .lines [data-framework=jax]")
    expect(line.get_by_text("Nobody owns the state")).to_be_visible()
    more = line.get_by_text("is clamped to the last row")
    expect(more).to_be_hidden()
    code = tab.locator("#train .row [data-framework=jax]").last
    own, above = line.bounding_box(), code.bounding_box()
    assert own
    assert above
    assert own["x"] == above["x"]
    assert own["y"] > above["y"] + above["height"]
    line.locator("summary").click()
    expect(more).to_be_visible()
    paper = open_page(page, "?frameworks=torch,jax").tab
    paper.emulate_media(media="print")
    assert paper.locator("#train .lines").evaluate("own => own.offsetHeight") > 100  # all of it
    plain = open_page(page, java_script_enabled=False).tab
    expect(plain.locator("#train .lines").get_by_text("TensorFlow 1")).to_be_visible()


def test_rows_in_which_nobody_has_anything_are_not_there(
    guide_folder: Path, open_page: Open
) -> None:
    tab = open_page(guide_folder / "mnist.html").tab
    descend = tab.locator(f"#tensorflow-{line_of('tensorflow', 'def descend(')}")
    expect(descend).to_be_hidden()
    assert tab.locator("#train .row:visible").count() == 2
    choose(tab, "tensorflow")
    expect(descend).to_be_visible()
    assert tab.locator("#train .row:visible").count() == 3


def test_search_finds_a_function_and_goes_there(guide_folder: Path, open_page: Open) -> None:
    tab = open_page(guide_folder / "index.html", "?frameworks=jax,numpy").tab
    tab.keyboard.press("/")
    field = tab.locator("#search")
    expect(field).to_be_focused()
    tab.keyboard.type("train planar")
    options = tab.get_by_role("option")
    expect(options.first).to_have_attribute("aria-selected", "true")
    expect(options.first).to_contain_text("train, planar")
    tab.keyboard.press("ArrowDown")
    expect(options.nth(1)).to_have_attribute("aria-selected", "true")
    assert field.get_attribute("aria-activedescendant") == options.nth(1).get_attribute("id")
    tab.keyboard.press("ArrowUp")
    tab.keyboard.press("Enter")
    tab.wait_for_url("**/planar.html?frameworks=jax,numpy#train")
    expect(tab.locator("#h-train")).to_be_in_viewport()


@pytest.mark.parametrize(
    ("words", "kind", "title"),
    [
        ("update gradient descent", "dictionary", "Update by gradient descent"),
        ("another order", "trap", "shuffled"),
        ("train_step iris", "function", "train_step, iris"),
        ("zero_grad", "dictionary", "Forget the last gradients"),
        ("a model is", "note", "a model is"),
        ("feed_dict", "migration", "feed_dict, TensorFlow 1 to 2"),
        ("epsilon Adam", "difference", "epsilon"),
        ("logaddexp", "variation", "Logaddexp, NumPy, mnist"),
        ("a baseline", "docs", "A baseline, CI and reports"),
    ],
)
def test_search_knows_every_kind(
    guide_folder: Path, open_page: Open, words: str, kind: str, title: str
) -> None:
    tab = open_page(guide_folder / "traps.html").tab
    tab.locator("#search").fill(words)
    found = tab.get_by_role("option").filter(has=tab.locator(f".kind:text-is('{kind}')"))
    expect(found.filter(has_text=title).first).to_be_visible()


@pytest.mark.parametrize(
    ("word", "title"),
    [
        ("manual_seed", "Seed"),
        ("randn", "Normal"),
        ("PRNG", "Seed"),
        ("save", "Save the weights"),
        ("checkpoint", "Save the weights"),
        ("DataLoader", "Shuffled batches"),
        ("one_hot", "One-hot"),
        ("requires_grad", "Freeze weights"),
        ("cuda", "To a device"),
        ("seed", "Seed"),
        ("BatchNorm", "Batch normalisation"),
        ("BatchNorm momentum", "Batch normalisation"),
        ("weight tying", "Output tied to an embedding"),
        ("causal mask", "Causal attention"),
        ("softmax", "Softmax along the rows"),
    ],
)
def test_search_knows_what_things_are_also_called_and_puts_rows_before_traps(
    guide_folder: Path, open_page: Open, word: str, title: str
) -> None:
    tab = open_page(guide_folder / "dictionary.html").tab
    tab.locator("#search").fill(word)
    options = tab.get_by_role("option")
    kinds = options.locator(".kind").all_inner_texts()
    titles = [text.partition("\n")[0] for text in options.all_inner_texts()]
    assert kinds[titles.index(title)] == "dictionary"
    assert titles.index(title) < 4
    first = kinds.index("trap") if "trap" in kinds else len(kinds)
    assert "dictionary" not in kinds[first:]


# What people type, and the title that comes first.
FIRST = {
    "weight decay": "Weight decay",
    "L2 regularization": "Weight decay",
    "clip_grad_norm_": "Clip gradients by their norm",
    "manual_seed": "Seed",
    "jax.random.PRNGKey(0)": "Seed",
    "np.random.randn": "Normal",
    "lr_scheduler": "Learning rate by a schedule",
    "with torch.no_grad()": "Record no gradients",
    "detach": "Hold a value constant",
    "stop_gradient": "Hold a value constant",
    "x.view(-1)": "Reshape",
    "permute": "Order of the axes",
    "unsqueeze": "Add an axis",
    "einsum": "Products by their indices",
    "matrix multiplication": "Matrix product and bias",
    "@jax.jit": "Compile",
    "@tf.function": "Compile",
    "vmap": "Map a function over rows",
    "jax.tree.map": "Map over all weights",
    "pmap": "A model on all of them",
    "multi gpu": "A model on all of them",
    "loss.backward()": "Gradients of a model",
    "optimizer.step()": "Update by gradient descent",
    "GradientTape": "Slope of a function",
    "tf.placeholder": "placeholder, TensorFlow 1 to 2",
    "tf.Session()": "Session, TensorFlow 1 to 2",
    "sess.run(train_op)": "sess.run, TensorFlow 1 to 2",
    "tf.train.AdamOptimizer": "Adam",
    "tf.train.Saver": "Save the weights",
    "tf.layers.dense": "Linear layer",
    "nn.Linear": "Linear layer",
    "nn.Embedding": "Embedding",
    "nn.Sequential": "Layers in a sequence",
    "LSTM": "LSTM over a sequence",
    "attention mask": "Attention under a mask",
    "multi-head attention": "Attention, as a layer",
    "model.eval()": "Inference mode, dropout off",
    "model.train()": "Training mode, dropout on",
    "model.summary": "Summary of a model",
    "state_dict": "Weights by name",
    "how do I save a checkpoint": "Save the weights",
    "gradient checkpointing": "Recompute in the backward pass",
    "safetensors": "To safetensors",
    "mixed precision": "Mixed precision",
    "GradScaler": "Mixed precision",
    "x.to('cuda')": "To a device",
    "block_until_ready": "Wait until all is computed",
    "print inside jit": "Print in compiled code",
    "TracerBoolConversionError": "If, on a value",
    "lax.scan": "A loop over all steps",
    "NaN debugging": "Stop at the first NaN",
    "from_logits": "Cross-entropy from logits",
    "label smoothing": "Label smoothing",
    "Adam epsilon": "Adam",
    "freeze layers": "Freeze weights",
    "x.at[0].set": "Indexed write",
    "from numpy": "From NumPy",
    "normalize": "Standardise the columns",
    "the JAX line for zero_grad": "Forget the last gradients",
    "train planar": "train, planar",
    "tf2": "TensorFlow 1 to 2",
}


def test_search_puts_first_what_is_meant(guide_folder: Path, open_page: Open) -> None:
    tab = open_page(guide_folder / "index.html").tab
    first = {}
    for words in FIRST:
        tab.locator("#search").fill(words)
        first[words] = tab.get_by_role("option").first.inner_text().partition("\n")[0]
    assert first == FIRST


@pytest.mark.parametrize(
    ("words", "row", "says"),
    [
        ("zero_grad", "forget-the-last-gradients", "nothing kept"),
        ("batchnorm flax", "batch-normalisation", "nnx.BatchNorm(2, rngs=rngs)(images)"),
        ("seed", "seed", "jax.random.key(0)"),
        ("save checkpoint", "save-the-weights", "saver.save(path, nnx.state(model))"),
        ("DataLoader", "shuffled-batches", "jax.random.permutation(key, len(x))"),
    ],
)
def test_from_the_start_to_a_line_in_three_steps(
    guide_folder: Path, open_page: Open, words: str, row: str, says: str
) -> None:
    for size in (WIDE, NARROW):
        tab = open_page(guide_folder / "index.html", size=size).tab
        tab.locator("#search").fill(words)
        with tab.expect_navigation():
            tab.keyboard.press("Enter")
        if size == NARROW:
            tab.get_by_role("tab", name="JAX").click()
        cell = tab.locator(f"tr#{row}:target [data-framework=jax]").get_by_text(says).first
        expect(cell).to_be_in_viewport()


def test_tensorflow_1_has_its_page_in_one_click(guide_folder: Path, open_page: Open) -> None:
    tab = open_page(guide_folder / "index.html").tab
    pages = tab.get_by_role("navigation", name="Pages")
    follow(tab, pages.get_by_role("link", name="TensorFlow 1 to 2"))
    expect(tab.get_by_text("x = tf.placeholder(")).to_be_in_viewport()
    expect(tab.get_by_text("def forward(model, x):")).to_be_in_viewport()


def test_search_shuts_and_says_when_nothing_is_found(guide_folder: Path, open_page: Open) -> None:
    tab = open_page(guide_folder / "index.html").tab
    field = tab.locator("#search")
    field.fill("qwxz")
    expect(tab.get_by_role("option")).to_have_text(["Nothing is found"])
    tab.keyboard.press("Enter")
    tab.keyboard.press("Escape")
    expect(tab.get_by_role("listbox")).to_be_hidden()
    assert field.get_attribute("aria-expanded") == "false"
    assert tab.url.endswith("index.html")


def test_a_cell_is_copied(guide_folder: Path, open_page: Open) -> None:
    permissions = ["clipboard-read", "clipboard-write"]
    tab = open_page(guide_folder / "mnist.html", permissions=permissions).tab
    tab.get_by_role("button", name="Copy JAX, train_step, mnist").click()
    expect(tab.locator("#said")).to_have_text("copied")
    source = (Path(__file__).parents[2] / "impls" / "jax" / "mnist.py").read_text()
    copied = tab.evaluate("navigator.clipboard.readText()")
    assert copied == "\n".join(source.split("\n")[34:38]) + "\n"
    assert copied.startswith("def train_step(")


def test_a_cell_is_copied_without_a_clipboard_of_the_page(
    guide_folder: Path, open_page: Open
) -> None:
    tab = open_page(guide_folder / "dictionary.html", permissions=["clipboard-read"]).tab
    tab.evaluate(
        "Object.defineProperty(navigator.clipboard, 'writeText', { value: () => Promise.reject() })"
    )
    button = tab.get_by_role("button", name="Copy PyTorch, Cross-entropy").first
    button.focus()
    expect(button).to_have_css("opacity", "1")
    button.click()
    expect(tab.locator("#said")).to_have_text("copied")
    assert tab.evaluate("navigator.clipboard.readText()") == "F.cross_entropy(z, y)\n"


def background(tab: Page) -> str:
    """Return the page's colour."""
    return str(tab.evaluate("getComputedStyle(document.body).backgroundColor"))


def test_dark_by_the_system_and_by_the_reader(guide_folder: Path, open_page: Open) -> None:
    light = background(open_page(guide_folder / "index.html", color_scheme="light").tab)
    tab = open_page(guide_folder / "index.html", color_scheme="dark").tab
    dark = background(tab)
    assert dark != light
    toggle = tab.get_by_role("button", name="Dark")
    expect(toggle).to_have_attribute("aria-pressed", "true")
    toggle.click()
    assert background(tab) == light
    follow(tab, listed(tab, "nets", "mnist"))
    assert background(tab) == light
    expect(tab.get_by_role("button", name="Dark")).to_have_attribute("aria-pressed", "false")


def test_on_a_phone_the_columns_are_tabs(guide_folder: Path, open_page: Open) -> None:
    tab = open_page(guide_folder / "mnist.html", "?frameworks=jax,torch,numpy", size=NARROW).tab
    tabs = tab.get_by_role("tab")
    assert tabs.all_inner_texts() == ["JAX", "PyTorch", "NumPy"]
    assert cells(tab, "train") == ["jax"]
    tabs.first.focus()
    tab.keyboard.press("ArrowRight")
    expect(tabs.nth(1)).to_be_focused()
    expect(tabs.nth(1)).to_have_attribute("aria-selected", "true")
    assert cells(tab, "train") == ["torch"]
    tab.keyboard.press("End")
    assert cells(tab, "train") == ["numpy"]
    tab.keyboard.press("ArrowRight")
    assert cells(tab, "train") == ["jax"]
    tab.keyboard.press("Home")
    panel = tab.get_by_role("tabpanel")
    expect(panel).to_have_attribute("aria-labelledby", "tab-jax")


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("script", [True, False])
def test_no_page_is_wider_than_a_phone(
    guide_folder: Path, open_page: Open, kind: str, script: bool
) -> None:
    page = open_page(guide_folder / f"{kind}.html", size=NARROW, java_script_enabled=script)
    box = page.tab.locator("body").bounding_box()
    main = page.tab.locator("main").bounding_box()
    assert box
    assert main
    assert box["width"] <= NARROW[0]
    assert main["width"] <= NARROW[0]
    if script:
        assert page.tab.evaluate("document.documentElement.scrollWidth") <= NARROW[0]


def test_without_scripts_all_code_is_there(guide_folder: Path, open_page: Open) -> None:
    for size in ((1440, 900), NARROW):
        tab = open_page(guide_folder / "mnist.html", size=size, java_script_enabled=False).tab
        for name, last in (("numpy", 93), ("torch", 95), ("tensorflow_v1", 113)):
            expect(tab.locator(f"#{name}-1")).to_be_visible()
            expect(tab.locator(f"#{name}-{last}")).to_be_visible()
        assert tab.locator("button:visible, select:visible").count() == 0
        assert tab.locator("input:visible").count() == tab.locator("[type=checkbox]").count() == 5


def test_without_scripts_the_reader_leaves_out_columns(guide_folder: Path, open_page: Open) -> None:
    tab = open_page(guide_folder / "mnist.html", java_script_enabled=False).tab
    for name in ("NumPy", "TensorFlow", "TensorFlow 1"):
        tab.get_by_role("checkbox", name=name, exact=True).uncheck()
    assert cells(tab, "train") == ["torch", "jax"]
    lefts = [
        tab.locator(f"#{section} .row").last.locator("[data-framework=jax]").bounding_box()
        for section in ("loss", "train")
    ]
    assert lefts[0]
    assert lefts[1]
    assert lefts[0]["x"] == lefts[1]["x"]


def test_the_start_asks_what_one_knows_and_needs(guide_folder: Path, open_page: Open) -> None:
    tab = open_page(guide_folder / "index.html").tab
    known, needed = (tab.get_by_role("group", name=name) for name in ("I know", "I need"))
    expect(known.get_by_label("PyTorch")).to_be_checked()
    expect(needed.get_by_label("JAX")).to_be_checked()
    known.get_by_label("NumPy").check()
    assert tab.url.endswith("index.html?frameworks=numpy,jax")
    assert tab.locator("thead th:visible").all_inner_texts() == ["NumPy", "JAX"]
    known.get_by_label("JAX").check()  # what was needed: the other way round
    expect(needed.get_by_label("NumPy")).to_be_checked()
    follow(tab, tab.locator(".intro").get_by_role("link", name="mnist"))
    assert columns(tab) == ["jax", "numpy"]


def test_lines_that_differ_are_marked(guide_folder: Path, open_page: Open) -> None:
    tab = open_page(guide_folder / "mnist.html", "?frameworks=torch,jax").tab
    differs = tab.locator("#loss .differs:visible")
    assert "F.cross_entropy" in " ".join(differs.all_inner_texts())
    assert "mean cross-entropy in nats" not in " ".join(differs.all_inner_texts())
    choose(tab, "numpy")  # of three columns, nothing can be said
    expect(tab.locator(".differs")).to_have_count(0)


def test_the_traps_are_filtered(guide_folder: Path, open_page: Open) -> None:
    tab = open_page(guide_folder / "traps.html").tab
    everything = tab.locator(".trap:visible").count()
    tab.locator("select[name=net]").select_option("planar")
    tab.locator("select[name=framework]").select_option("jax")
    left = tab.locator(".trap:visible")
    assert 0 < left.count() < everything
    assert set(left.evaluate_all("t => t.map(e => e.dataset.net + ' ' + e.dataset.of)")) == {
        "planar jax"
    }
    expect(tab.locator("#shown")).to_have_text(f"{left.count()} shown")
    counts = tab.locator(".themes .count").all_inner_texts()
    assert sum(map(int, counts)) == left.count()
    tab.get_by_label("Filter").fill("detached gradient reaches")  # its name, and its cause's
    assert left.locator(".title").all_inner_texts() == ["Detached"]
    expect(tab.locator(".cause:visible")).to_have_count(1)


def test_traps_are_folded_until_they_are_wanted(guide_folder: Path, open_page: Open) -> None:
    tab = open_page(guide_folder / "traps.html", "#mnist-torch-softmax-twice").tab
    opened = tab.locator(".trap[open]")
    expect(opened).to_have_count(1)
    expect(opened.get_by_text("float32 and float64")).to_be_in_viewport()
    tab.locator("select[name=net]").select_option("iris")
    tab.get_by_role("button", name="Unfold").click()
    assert opened.locator("visible=true").count() == tab.locator(".trap:visible").count() > 20
    # An address is shown in spite of the filter.
    tab.goto(tab.url.partition("#")[0] + "#mnist-torch-focal")
    expect(tab.locator("#mnist-torch-focal .diff")).to_be_in_viewport()
    fine = open_page(guide_folder / "traps.html", java_script_enabled=False).tab
    fine.locator("#mnist-torch-softmax-twice summary").click()
    expect(fine.locator("#mnist-torch-softmax-twice .diff")).to_be_visible()


def test_the_pages_are_listed_in_one_line(guide_folder: Path, open_page: Open) -> None:
    tab = open_page(guide_folder / "traps.html").tab
    assert tab.locator("header.site").evaluate("own => own.offsetHeight") < 60
    link = listed(tab, "docs", "CI and reports")
    listed(tab, "nets", "gpt")  # which shuts the other
    expect(link).to_be_hidden()
    tab.keyboard.press("Escape")
    expect(tab.get_by_role("link", name="gpt", exact=True)).to_be_hidden()
    follow(tab, listed(tab, "docs", "CI and reports"))
    expect(tab.get_by_role("heading", name="CI and reports")).to_be_visible()
    sizes = tab.locator("img").evaluate_all("own => own.map(image => image.naturalWidth)")
    assert len(sizes) == 3
    assert min(sizes) > 500


def rows(tab: Page) -> list[str]:
    """Return the ids of the rows of the dictionary that are seen."""
    own = tab.locator(".cells tbody tr:visible")
    return [str(name) for name in own.evaluate_all("rows => rows.map(row => row.id)")]


def test_rows_of_the_dictionary_are_dense_and_of_four_columns_where_they_fit(
    guide_folder: Path, open_page: Open
) -> None:
    tab = open_page(guide_folder / "dictionary.html").tab
    assert columns(tab) == ["numpy", "tensorflow", "torch", "jax"]
    assert tab.locator("#transpose").evaluate("row => row.offsetHeight") <= 23
    heads = tab.locator(".head:visible").evaluate_all("own => own.map(e => e.offsetLeft)")
    own = tab.locator("#transpose td:visible").evaluate_all("own => own.map(e => e.offsetLeft)")
    assert own == pytest.approx(heads, abs=2)
    assert columns(open_page(guide_folder / "dictionary.html", size=(1024, 800)).tab) == [
        "torch",
        "jax",
    ]


def test_rows_of_the_dictionary_are_filtered(guide_folder: Path, open_page: Open) -> None:
    tab = open_page(guide_folder / "dictionary.html").tab
    everything = rows(tab)
    output = tab.locator(".sieve output")
    expect(output).to_have_text(f"{len(everything)} rows")
    tab.get_by_label("Filter").fill("randn")  # PyTorch's name alone
    assert rows(tab) == ["normal"]
    expect(output).to_have_text("1 row")
    assert tab.locator(".functions li:visible").all_inner_texts() == ["Random numbers"]
    assert tab.locator(".feet li:visible").count() == 0
    tab.goto(tab.url.partition("#")[0] + "#transpose")  # what an address points to is shown
    assert rows(tab) == everything
    expect(tab.locator("#transpose")).to_be_in_viewport()
    tab.get_by_label("Filter").fill("no such row")
    expect(output).to_have_text("0 rows")
    assert rows(open_page(guide_folder / "dictionary.html", "?rows=randn").tab) == ["normal"]


def test_the_ports_lines_can_be_hidden(guide_folder: Path, open_page: Open) -> None:
    tab = open_page(guide_folder / "dictionary.html").tab
    quoted = tab.locator("#from-numpy .quoted").first
    expect(quoted).to_be_visible()
    button = tab.get_by_role("button", name="In these ports")
    button.click()
    expect(quoted).to_be_hidden()
    expect(button).to_have_attribute("aria-pressed", "false")
    assert tab.locator("#from-numpy").evaluate("row => row.offsetHeight") <= 23


def test_the_dictionary_is_whole_without_scripts(guide_folder: Path, open_page: Open) -> None:
    tab = open_page(guide_folder / "dictionary.html", java_script_enabled=False).tab
    assert len(rows(tab)) > 150
    heads = tab.locator("#arrays thead th:visible").all_inner_texts()
    assert heads == ["Operation", "NumPy", "TensorFlow", "PyTorch", "JAX", "TensorFlow 1"]
    assert tab.locator("button:visible, input:not([type=checkbox]):visible").count() == 0


def test_a_net_leads_to_its_own_traps_and_a_trap_to_its_line(
    guide_folder: Path, open_page: Open
) -> None:
    tab = open_page(guide_folder / "mnist.html").tab
    follow(tab, tab.locator(".lead a[href*=traps]"))
    assert "traps.html?net=mnist" in tab.url
    nets = tab.locator(".trap:visible").evaluate_all("traps => traps.map(t => t.dataset.net)")
    assert set(nets) == {"mnist"}
    trap = tab.locator(".trap:visible").first
    trap.locator("summary").click()
    follow(tab, trap.locator(".meta a").first)
    assert "/mnist.html#" in tab.url
    expect(tab.locator(":target")).to_be_in_viewport()


def test_long_lines_wrap_unless_told_not_to(guide_folder: Path, open_page: Open) -> None:
    tab = open_page(guide_folder / "mnist.html", "?frameworks=all").tab
    code = tab.locator(f"#torch-{line_of('torch', 'load_state_dict')}").locator(
        "xpath=ancestor::div[@role='group'][1]"
    )
    scrolls = "own => own.scrollWidth > own.clientWidth"
    assert not code.evaluate(scrolls)
    expect(code).not_to_have_attribute("tabindex", "0")
    tab.get_by_role("button", name="Wrap lines").click()
    assert code.evaluate(scrolls)
    expect(code).to_have_attribute("tabindex", "0")


def test_in_print_there_are_no_controls_and_no_line_is_cut(
    guide_folder: Path, open_page: Open
) -> None:
    paper = (718, 1000)  # A4 with Chromium's margins
    tab = open_page(guide_folder / "mnist.html", size=paper, color_scheme="dark").tab
    tab.emulate_media(media="print")
    assert tab.locator("button:visible, input:visible, .site:visible").count() == 0
    assert columns(tab) == ["torch", "jax"]
    assert background(tab) == "rgb(255, 255, 255)"
    assert cells(tab, "train") == ["torch", "jax"]
    cut = "own => own.filter(e => e.offsetParent && e.scrollWidth > e.clientWidth).length"
    assert tab.locator(".code").evaluate_all(cut) == 0


def test_the_keyboard_reaches_the_content_first(guide_folder: Path, open_page: Open) -> None:
    tab = open_page(guide_folder / "mnist.html").tab
    tab.keyboard.press("Tab")
    skip = tab.get_by_role("link", name="Skip to content")
    expect(skip).to_be_focused()
    expect(skip).to_be_in_viewport()
    tab.keyboard.press("Enter")
    expect(tab.locator("main")).to_be_focused()


# Some of the traps, differences and cells are like all of them, and axe-core takes minutes for all.
LONG = {
    "traps": "net=descent",
    "differences": "frameworks=numpy",
    "dictionary": "rows=softmax",
    "variations": "net=descent",
}
PAGES = [f"{kind}.html?{LONG.get(kind, '')}" for kind in KINDS]


@pytest.mark.parametrize("page", PAGES)
@pytest.mark.parametrize(("size", "scheme"), [(WIDE, "dark"), (NARROW, "light")], ids=str)
def test_every_kind_of_page_is_accessible(
    guide_folder: Path, open_page: Open, page: str, size: tuple[int, int], scheme: str
) -> None:
    name, _, address = page.partition("?")
    opened = open_page(guide_folder / name, f"?{address}", size=size, color_scheme=scheme)
    opened.check_accessible()


def test_search_comes_to_where_the_reader_is(guide_folder: Path, open_page: Open) -> None:
    tab = open_page(guide_folder / "mnist.html", "#main").tab
    at = tab.evaluate("scrollY")
    assert at > 0
    tab.keyboard.press("/")
    expect(tab.locator("#search")).to_be_focused()
    expect(tab.locator("#search")).to_be_in_viewport()
    assert tab.evaluate("scrollY") == at


def test_a_function_leads_to_the_traps_that_start_in_it(
    guide_folder: Path, open_page: Open
) -> None:
    tab = open_page(guide_folder / "mnist.html").tab
    planted = tab.locator("#loss details.planted")
    link = planted.get_by_role("link", name="Sum for mean").first
    expect(link).to_be_hidden()
    planted.locator("summary").click()
    follow(tab, link)
    heading = tab.locator(".trap:target .title")
    expect(heading).to_have_text("Sum for mean")
    expect(heading).to_be_in_viewport()


def given(tab: Page, line: str) -> list[str]:
    """Return what stands below a line, down to the next one."""
    below = tab.locator(f"#{line}").evaluate(
        """line => {
          const found = [];
          let next = line.nextElementSibling;
          for (; next?.matches(".gave"); next = next.nextElementSibling)
            found.push(next.textContent.trim());
          return found;
        }"""
    )
    return [str(text) for text in below]


def number_in(framework: str, code: str) -> int:
    """Return the number of the first line of a port of iris that some code stands in."""
    source = (ROOT / "impls" / framework / "iris.py").read_text()
    return 1 + source[: source.index(code)].count("\n")


def test_each_line_shows_what_it_gave_on_request(guide_folder: Path, open_page: Open) -> None:
    permissions = ["clipboard-read", "clipboard-write"]
    page = guide_folder / "iris.html"
    tab = open_page(page, "?frameworks=numpy,torch", permissions=permissions).tab
    line = f"numpy-{number_in('numpy', 'return x @ model')}"
    assert tab.locator(".gave").count() == 0
    tab.get_by_role("button", name="Numbers").click()
    assert given(tab, line) == ["0.0(150, 3) 0 0 0 …"]
    assert tab.locator("[data-framework=torch] .gave.agrees").count() > 10
    assert tab.locator(".gave.differs").count() == 0
    tab.locator("select[name=step]").select_option("1")
    (first,) = given(tab, line)
    assert re.match(r"\d\.\d\(150, 3\) 0\.\d+ -?0\.\d+", first)
    assert "numbers=1" in tab.url
    tab.reload()
    assert given(tab, line) == [first]
    tab.get_by_role("button", name="Copy NumPy, forward, iris").click()
    copied = tab.evaluate("navigator.clipboard.readText()")
    assert copied.endswith('return x @ model["W"] + model["b"]  # (B, 4) @ (4, 3) -> (B, 3)\n')
    tab.get_by_role("button", name="Numbers").click()
    assert tab.locator(".gave:visible, .numbers-of:visible").count() == 0
    assert "numbers=" not in tab.url


def test_a_trap_that_is_switched_on_shows_where_numbers_begin_to_differ(
    guide_folder: Path, open_page: Open
) -> None:
    tab = open_page(guide_folder / "iris.html", "?frameworks=numpy&numbers=0").tab
    tab.locator("select[name=trap]").select_option("iris-torch-momentum")
    assert columns(tab) == ["numpy", "torch"]
    expect(tab.locator("select[name=step]")).to_have_value("1")  # the first step is right
    line = number_in("torch", "return model, torch.stack(losses)")
    expect(tab.locator(".numbers-said")).to_contain_text(f"differ from line {line} on")
    wrong = tab.locator("[data-framework=torch] .instead")
    expect(wrong).to_contain_text("momentum=0.9")
    expect(tab.locator(f"#torch-{number_in('torch', 'torch.optim.SGD')}")).to_have_class(
        re.compile(r"\bwas\b")
    )
    expect(tab.locator(".gave.from.differs")).to_have_count(1)
    assert tab.locator("[data-framework=numpy] .gave.differs").count() == 0
    tab.locator("select[name=step]").select_option("0")
    expect(tab.locator(".numbers-said")).to_contain_text("no number differs")
    follow(tab, tab.get_by_role("link", name="What compare.py said"))
    link = tab.locator(".trap:target").get_by_role("link", name="its numbers")
    follow(tab, link)
    expect(wrong).to_be_visible()
    tab.locator("select[name=trap]").select_option("")
    assert tab.locator(".instead, .was, .gave.differs").count() == 0


@pytest.mark.parametrize(("size", "scheme"), [(WIDE, "dark"), (NARROW, "light")], ids=str)
def test_numbers_are_accessible_and_no_wider_than_the_page(
    guide_folder: Path, open_page: Open, size: tuple[int, int], scheme: str
) -> None:
    address = "?trap=iris-torch-sum-over-outputs"
    opened = open_page(guide_folder / "iris.html", address, size=size, color_scheme=scheme)
    assert opened.tab.locator(".gave.differs:visible").count() > 3
    assert opened.tab.evaluate("document.documentElement.scrollWidth") <= size[0]
    opened.check_accessible()


def test_pictures_for_docs_are_taken(guide_folder: Path, chromium: Browser, tmp_path: Path) -> None:
    shown = (ROOT / "README.md").read_text() + (ROOT / "docs" / "lessons.md").read_text()
    pictures.take(chromium, guide_folder, tmp_path)
    assert {file.name for file in tmp_path.iterdir()} == set(pictures.PICTURES)
    for name in pictures.PICTURES:
        assert f"{name})" in shown


def test_without_scripts_there_are_no_numbers(guide_folder: Path, open_page: Open) -> None:
    tab = open_page(guide_folder / "iris.html", java_script_enabled=False).tab
    assert tab.locator(".numbers-of:visible, .gave, #numbers:visible").count() == 0
