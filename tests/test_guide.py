"""The translation guide: all of the source, at its right place, and nothing that has rotted."""

import re
import shutil
import subprocess
import sys
from html.parser import HTMLParser
from pathlib import Path
from xml.etree import ElementTree

import pytest
import yaml
from click.testing import CliRunner
from markupsafe import escape

from guide import documents, highlight, markup, material, migration, notes, ports, search
from guide.__main__ import main as build_guide
from guide.alignment import HEADER, MAIN, REST, RUNTIME_PAGE, align, functions_of, split
from guide.pages import Pages
from guide.ports import Net, PortSource
from parity import contract
from parity.contract import ROOT
from shared.errors import InputError
from shared.recipes import FUNCTIONS

NETS = ports.nets()
PORTS = [pytest.param(net, port, id=port.file) for net in NETS for port in net.ports]
EXAMPLES = {"convnet", "gpt", "gru"}


class Page(HTMLParser):
    """What a page has: its elements, and the lines of code by their ids."""

    def __init__(self, html: str) -> None:
        super().__init__()
        self.elements: list[tuple[str, dict[str, str | None]]] = []
        self.lines: list[tuple[str, str, str]] = []  # id, number, text
        self.open: list[str] = []
        self.feed(html)
        self.close()

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        attributes = dict(attrs)
        self.elements.append((tag, attributes))
        if tag == "span":
            is_line = "line" in (attributes.get("class") or "").split()
            self.open.append("line" if is_line else "")
            if is_line:
                name, number = attributes.get("id") or "", attributes.get("data-line") or ""
                self.lines.append((name, number, ""))

    def handle_endtag(self, tag: str) -> None:
        if tag == "span":
            self.open.pop()

    def handle_data(self, data: str) -> None:
        if "line" in self.open:
            name, number, text = self.lines[-1]
            self.lines[-1] = name, number, text + data

    @property
    def ids(self) -> list[str]:
        """All ids, in their order."""
        return [id_ for _, attributes in self.elements if (id_ := attributes.get("id"))]


@pytest.fixture(scope="session")
def pages(guide_folder: Path) -> dict[str, str]:
    """All pages, as they are built."""
    return {file.name: file.read_text() for file in guide_folder.glob("*.html")}


def test_there_is_a_page_for_every_net_and_each_kind(pages: dict[str, str]) -> None:
    nets = {name for framework in contract.FRAMEWORKS for name in contract.nets_of(framework)}
    nets |= EXAMPLES
    assert set(pages) == {
        f"{name}.html"
        for name in (
            *(*nets, "index", "runtime", "dictionary", "migration", "differences", "traps"),
            *("variations", "404", *(document.name for document in documents.load())),
        )
    }
    for net in nets:
        assert f'href="{net}.html"' in pages["index.html"]


@pytest.mark.parametrize(("net", "port"), PORTS)
def test_every_line_stands_once_with_its_number(
    pages: dict[str, str], net: Net, port: PortSource
) -> None:
    source = (ROOT / port.file).read_text()
    found = [
        (number, text)
        for name, number, text in Page(pages[f"{net.name}.html"]).lines
        if name == f"{port.framework}-{number}"
    ]
    lines = [(str(n), f"{line}\n") for n, line in enumerate(source.splitlines(), 1)]
    assert sorted(found, key=lambda line: int(line[0])) == lines


@pytest.mark.parametrize("net", NETS, ids=lambda net: net.name)
def test_sections_are_in_the_order_of_the_contract(net: Net) -> None:
    names = [section.name for section in net.sections]
    assert names == [name for name in (HEADER, *functions_of(net.name)) if name in names]
    for section in net.sections:
        for name, block in section.row.blocks.items():
            assert section.name == HEADER or f"def {section.name}(" in "\n".join(block.lines), name


@pytest.mark.parametrize("name", sorted(EXAMPLES))
def test_an_example_has_a_column_for_each_library(pages: dict[str, str], name: str) -> None:
    net = ports.net(name)
    assert net.is_example
    assert [port.framework for port in net.ports] == [
        *("numpy", "tensorflow", "keras", "keras_fit", "torch", "jax", "flax")
    ]
    assert net.summary
    assert f"{escape(net.summary)}" in pages[f"{name}.html"]
    assert "<h2>" not in pages[f"{name}.html"].partition("</details>")[0]
    assert pages[f"{name}.html"].count("<td>") >= 2 * 5  # what its README says
    assert [port.framework for port in net.only(["flax", "torch"]).ports] == ["flax", "torch"]
    with pytest.raises(InputError, match="did you mean flax"):
        net.only(["falx"])


def test_helpers_stand_side_by_side_before_what_they_help() -> None:
    sections = {section.name: section for section in ports.net("mnist").sections}
    rows = {row.name: set(row.blocks) for row in sections["train"].rows}
    assert list(rows) == ["train_step", "descend", "train"]
    assert rows["train_step"] == {"tensorflow", "torch", "jax"}
    assert rows["train"] == {"numpy", "tensorflow", "torch", "jax", "tensorflow_v1"}


def test_decorators_comments_and_statements_belong_to_what_they_stand_at() -> None:
    source = (
        '"""Doc."""\n\nX = 1\n\n\n# About a.\n# More.\n@one\n@two\ndef build():\n    pass\n'
        "    # in it\n\n\nCACHE = {}\n\n\ndef helper():\n    pass\n"
        "\n\ndef main():\n    pass\n\n\nmain()\n"
    )
    blocks = {block.name: (block.start, block.end) for block in split(source)}
    assert blocks == {HEADER: (1, 3), "build": (6, 12), "helper": (15, 19), "main": (22, 26)}
    assert "".join(f"{line}\n" for block in split(source) for line in block.lines) == source


def test_what_comes_twice_or_behind_all_is_not_lost() -> None:
    sources = {
        "one": "def build(): ...\n\n\ndef build():\n    return 1\n\n\ndef rest():\n    pass\n",
        "two": "import x\n\n\ndef main():\n    pass\n",
    }
    sections = align(sources, ("build", MAIN))
    assert [section.name for section in sections] == [HEADER, "build", MAIN, REST]
    assert [row.name for row in sections[-1].rows] == ["build", "rest"]
    for name, source in sources.items():
        blocks = [row.blocks[name] for s in sections for row in s.rows if name in row.blocks]
        lines = [line for block in sorted(blocks, key=lambda b: b.start) for line in block.lines]
        assert lines == source.splitlines()


def test_helpers_in_different_orders_all_come_once() -> None:
    a, b, end = "def a(): ...\n", "def b(): ...\n", "def build(): ...\n"
    (_, section) = align({"one": a + b + end, "two": b + a + end}, ("build",))
    names = [(row.name, sorted(row.blocks)) for row in section.rows]
    assert sorted(names) == sorted(
        [("a", ["one"]), ("b", ["one", "two"]), ("a", ["two"]), ("build", ["one", "two"])]
    )


def test_the_page_on_tensorflow_1_quotes_both_ports(tmp_path: Path) -> None:
    pieces = migration.load().pieces
    names = " ".join(piece.name for piece in pieces)
    for name in ("placeholder", "Session", "feed_dict", "GradientDescentOptimizer"):
        assert name in names
    for piece in pieces:
        assert piece.before, piece.name
        assert {quote.framework for quote in piece.before} == {"tensorflow_v1"}
        assert {quote.framework for quote in piece.after} <= {"tensorflow"}
    file = tmp_path / "migration.toml"
    file.write_text(migration.FILE.read_text().replace("tf.placeholder(", "tf.placehodler("))
    with pytest.raises(InputError, match=r"'placeholder' quotes .* stands 0 times"):
        migration.load(file)


def test_notes_name_what_there_is() -> None:
    said = notes.load()
    defined = {net.name: {section.name for section in net.sections} for net in NETS}
    everywhere = set().union(*defined.values())
    assert set(said.general) <= everywhere
    for net, function in said.special:
        assert function in defined[net], f"[{net}.{function}]"


def test_every_function_of_the_contract_has_a_note() -> None:
    everywhere = {section.name for net in NETS for section in net.sections}
    wanted = {*FUNCTIONS, *contract.RUNTIME} & everywhere
    assert len(wanted) == len(FUNCTIONS) + len(contract.RUNTIME)
    assert wanted <= set(notes.load().general)
    for note in notes.load().general.values():
        assert note.shared
        for text in (*note.shared, *note.lines.values()):
            assert 1 <= len(re.findall(r"[.?](?: |$)", text)) <= 5, text


def test_the_first_sentence_of_a_frameworks_line_is_short() -> None:
    said = notes.load()
    for note in (*said.general.values(), *said.special.values()):
        for framework, line in note.lines.items():
            first, others = note.parts(framework)
            assert f"{first} {others}".strip() == line
            assert len(markup.to_plain(first)) <= 120, first
    assert notes.Note().parts("jax") == ("", "")


OF_OTHERS = {
    "tensorflow": r"TensorFlow|Keras|`tf\b",
    "torch": r"PyTorch|`torch\b|`F\b|`nn\b",
    "jax": r"JAX|Optax|`jax\b|`jnp\b",
}


def test_what_a_note_says_of_a_framework_stands_in_its_line() -> None:
    said = notes.load()
    for note in (*said.general.values(), *said.special.values()):
        for own, text in (*(("", text) for text in note.shared), *note.lines.items()):
            for framework, words in OF_OTHERS.items():
                known = own.removesuffix("_v1") == framework
                assert known or not re.search(words, text), (own, text)


def test_a_net_adds_to_what_is_said_of_all() -> None:
    said = notes.load()
    own = said.of(ports.net("mnist"), "loss")
    assert own.shared == (*said.general["loss"].shared, *said.special["mnist", "loss"].shared)
    general, special = said.general["loss"].lines, said.special["mnist", "loss"].lines
    assert own.lines == {name: f"{general[name]} {special[name]}" for name in general}
    assert said.of(ports.net("gpt"), "loss") == notes.Note()


@pytest.mark.parametrize(
    ("text", "says"),
    [
        ("[build]\nnotes = 'x'\n", "build"),
        ("[mnist.build]\nnote = 'x'\nmore = 'y'\n", "mnist.build"),
        ("[mnist.build]\n", "mnist"),
        ("[build]\ntroch = 'x'\n", "build"),
        ("[[overview]]\nwhat = 'a model'\nfunction = 'build'\nnumpy = 'x'\n", "nothing for"),
    ],
)
def test_notes_of_another_form_are_refused(tmp_path: Path, text: str, says: str) -> None:
    (tmp_path / "notes.toml").write_text(text)
    with pytest.raises(InputError, match=says):
        notes.load(tmp_path / "notes.toml")


def test_markup_is_code_and_all_else_is_escaped() -> None:
    html = str(markup.to_html("a < b & `x < y` <b>"))
    assert html == "a &lt; b &amp; <code>x &lt; y</code> &lt;b&gt;"
    assert markup.to_plain("a `b` c") == "a b c"


# To a page of the guide, or of somebody else.
LINK = re.compile(r"([\w-]+\.html(\?[\w=,-]+)?)?(#.+)?|https://[\w.-]+(/[\w./-]*)?")


def test_nothing_is_loaded_from_elsewhere(pages: dict[str, str], guide_folder: Path) -> None:
    for name, html in pages.items():
        for tag, attributes in Page(html).elements:
            assert tag not in ("iframe", "object", "base"), name
            href, file = attributes.get("href"), attributes.get("src")
            assert file is None or (guide_folder / file).is_file(), (name, file)
            if tag == "link":
                assert (guide_folder / (href or "")).is_file(), (name, href)
            else:
                assert href is None or LINK.fullmatch(href), (name, href)
        styles = re.findall(r"<style>(.*?)</style>", html, re.DOTALL)
        assert styles
        assert not re.search(r"url\(|@import", "".join(styles)), name


def test_every_link_leads_somewhere(pages: dict[str, str]) -> None:
    parsed = {name: Page(html) for name, html in pages.items()}
    for name, page in parsed.items():
        assert len(page.ids) == len(set(page.ids)), name
        for tag, attributes in page.elements:
            href = attributes.get("href") or ""
            if tag == "a" and href and "://" not in href:
                target, _, anchor = href.partition("#")
                ids = parsed[target.partition("?")[0] or name].ids
                assert not anchor or anchor in ids, (name, href)


def test_everything_that_is_found_is_there(pages: dict[str, str]) -> None:
    ids = {name: set(Page(html).ids) for name, html in pages.items()}
    found = search.index(material.load())
    assert {kind for kind, *_ in found} == {
        "net",
        "function",
        "note",
        "dictionary",
        "migration",
        "difference",
        "trap",
        "variation",
        "docs",
    }
    for *_, address in found:
        page, _, anchor = address.partition("#")
        assert not anchor or anchor in ids[page], address


def test_hosts_get_a_sitemap_and_a_page_for_what_is_not_there(pages: dict[str, str]) -> None:
    whole = Pages(material.load("https://example.org/lockstep"))
    made = whole.for_hosts(["index.html", "mnist.html"])
    places = ElementTree.fromstring(made["sitemap.xml"]).findall("{*}url/{*}loc")
    start = "https://example.org/lockstep/"
    assert [place.text for place in places] == [start, f"{start}mnist.html"]
    assert f'<base href="{start}">' in made["404.html"]  # it is shown at any address
    assert "<base" not in pages["404.html"]


def test_documents_lead_to_pages_and_to_files_where_these_can_be_read() -> None:
    listed = {document.file: document for document in documents.load()}
    there = {f"docs/{file.name}" for file in (ROOT / "docs").glob("*.md")}
    assert there - {"docs/differences.md"} < set(listed)
    pages = {"docs/your-port.md": "your-port.html", "impls/torch/runtime.py": "runtime.html"}
    bare = listed["docs/extending.md"].html(pages, "")
    assert '<a href="your-port.html#the-contract">' in bare
    assert '<a href="runtime.html">' in bare
    assert "<a>shared/recipes.py</a>" in bare
    linked = listed["docs/extending.md"].html(pages, "https://example.org/blob/main")
    assert '<a href="https://example.org/blob/main/shared/recipes.py">' in linked
    assert re.findall(r"<h2 id=.a-new-rung.>", linked)


@pytest.mark.parametrize(
    ("heading", "anchor"),
    [("`assert_agree`, in tests", "assert_agree-in-tests"), ("What's said?", "whats-said")],
)
def test_headings_have_the_anchors_that_github_gives_them(heading: str, anchor: str) -> None:
    assert documents.anchor(markup.to_plain(heading)) == anchor


@pytest.mark.parametrize("option", ["--address", "--repository"])
def test_an_address_is_given_whole(option: str) -> None:
    done = CliRunner().invoke(build_guide, [option, "example.org"])
    assert done.exit_code == 2
    assert f"{option} is 'example.org': give it whole, as https://" in done.output


def test_the_job_that_publishes_the_guide_gives_options_that_there_are() -> None:
    job = yaml.safe_load((ROOT / ".github" / "workflows" / "pages.yml").read_text())
    build, publish = job["jobs"]["build"], job["jobs"]["publish"]
    (step,) = (step for step in build["steps"] if "run" in step)
    given = re.search(r'^make guide ARGS="(.*)"$', step["run"])
    assert given
    names = {name for name in given[1].split() if name.startswith("--")}
    assert names <= {name for option in build_guide.params for name in option.opts}
    assert set(re.findall(r"\$(\w+)", given[1])) == set(step["env"])
    (upload,) = (step for step in build["steps"] if "upload-pages" in step.get("uses", ""))
    assert f"--output {upload['with']['path']} " in given[1]
    assert publish["needs"] == "build"
    assert publish["permissions"] == {"pages": "write", "id-token": "write"}


@pytest.fixture
def other_root(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A copy of the ports, to change."""
    shutil.copytree(ROOT / "impls", tmp_path / "impls")
    shutil.copytree(ROOT / "shared", tmp_path / "shared")
    for module in (contract, ports):
        monkeypatch.setattr(module, "ROOT", tmp_path)
    return tmp_path


def test_a_new_net_appears_by_itself_and_cannot_break_its_page(other_root: Path) -> None:
    source = 'NASTY = "</script></pre><b>&amp;"\n\n\ndef forward(model, x):\n    return x < 1\n'
    (other_root / "impls" / "torch" / "novel.py").write_text(source)
    (other_root / "impls" / "jax" / "novel.py").write_text("def forward(model, x):\n    return x\n")
    whole = material.load()
    assert [net.name for net in whole.nets][-2:] == ["novel", RUNTIME_PAGE]
    built = dict(Pages(whole).all())
    page = Page(built["novel.html"])
    lines = {name: text for name, _, text in page.lines}
    assert lines["torch-1"] == f"{source.splitlines()[0]}\n"
    assert {tag for tag, _ in page.elements}.isdisjoint({"b"})
    assert 'href="novel.html"' in built["index.html"]


def test_code_is_escaped_line_by_line() -> None:
    html = highlight.lines('"""One <b>\n\ntwo & three"""\n')
    assert [re.sub(r"<[^>]+>", "", line) for line in html] == [
        '"""One &lt;b&gt;',
        "",
        'two &amp; three"""',
    ]


def show(*arguments: str, columns: int | None = None) -> subprocess.CompletedProcess[str]:
    """Run compare.py with some arguments."""
    environment = {"PATH": "/usr/bin:/bin"} | ({"COLUMNS": str(columns)} if columns else {})
    return subprocess.run(
        [sys.executable, ROOT / "compare.py", *arguments],
        env=environment,
        capture_output=True,
        text=True,
        check=False,
    )


def test_the_terminal_shows_ports_side_by_side_where_they_fit() -> None:
    done = show("--source", "mnist", "--frameworks", "torch,jax", columns=160)
    assert (done.returncode, done.stderr) == (0, "")
    heading = next(line for line in done.stdout.splitlines() if "torch/mnist.py:47" in line)
    assert "impls/jax/mnist.py:35" in heading
    assert "Who owns the state?" in done.stdout
    assert re.findall(r"^(\w+): ", done.stdout, re.M)[:2] == ["PyTorch", "JAX"]
    assert "TensorFlow: " not in done.stdout
    assert max(map(len, done.stdout.splitlines())) <= 160


def test_the_terminal_shows_ports_one_below_the_other_where_they_do_not() -> None:
    done = show("--source", "planar", "--frameworks", "jax,torch", columns=110)
    assert (done.returncode, done.stderr) == (0, "")
    lines = done.stdout.splitlines()
    headings = [line.strip() for line in lines if line.startswith("impls/")]
    assert headings[:2] == ["impls/jax/planar.py:1", "impls/torch/planar.py:1"]
    assert "impls/torch/planar.py:15" in headings
    for framework in ("jax", "torch"):
        for line in (ROOT / "impls" / framework / "planar.py").read_text().splitlines():
            assert any(line in shown for shown in lines), line


@pytest.mark.parametrize(
    ("arguments", "says"),
    [
        (("mnits",), "there is no net 'mnits': did you mean mnist?"),
        (("__init__",), "there is no net"),
        (("planar", "--frameworks", "torch,tensorflow_v1"), "tensorflow_v1 has no port of planar"),
        (("planar", "--frameworks", "troch"), "there is no framework 'troch': did you mean torch?"),
        (("planar", "--frameworks", ","), "names no framework"),
    ],
)
def test_what_cannot_be_shown_is_said_in_one_sentence(arguments: list[str], says: str) -> None:
    done = show("--source", *arguments)
    assert (done.returncode, done.stdout) == (2, "")
    assert says in done.stderr
    assert len(done.stderr.splitlines()) == 1


def test_a_reader_that_stops_early_is_no_error() -> None:
    done = subprocess.run(
        f"{sys.executable} {ROOT / 'compare.py'} --source runtime | head -n 1",
        shell=True,
        capture_output=True,
        text=True,
        check=False,
        timeout=60,
    )
    assert (done.returncode, done.stderr) == (0, "")


def test_the_guide_is_built_from_the_command_line(tmp_path: Path) -> None:
    command = [sys.executable, "-m", "guide", "--output"]
    done = subprocess.run(
        [*command, tmp_path / "out", "--no-numbers"],
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=False,
    )
    assert (done.returncode, done.stderr) == (0, "")
    assert (tmp_path / "out" / "index.html").is_file()
    (tmp_path / "file").touch()
    done = subprocess.run(
        [*command, tmp_path / "file"], cwd=ROOT, capture_output=True, text=True, check=False
    )
    assert done.returncode == 2
    assert "cannot be written to" in done.stderr
    assert len(done.stderr.splitlines()) == 1
