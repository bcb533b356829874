from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from hybridcode.context.assemble import assemble, tiny_window
from hybridcode.context.corpus import Corpus
from hybridcode.context.guides import guides_for
from hybridcode.context.index import Index
from hybridcode.context.lookup import look_up
from hybridcode.context.outline import outline
from hybridcode.context.regions import resolve
from hybridcode.domain.canonical import sha256_hex
from hybridcode.domain.errors import ContextError
from hybridcode.domain.plan import Region, Step
from hybridcode.domain.window import EditFormat, Target
from hybridcode.repo.snapshot import Snapshot, take

CART = """from shop.money import cents

RATE = 2


class Cart:
    def total(self):
        return cents(RATE)

    def size(self):
        return 1
"""
FILES = {
    "AGENTS.md": "top rules\n",
    "shop/cart.py": CART,
    "shop/money.py": "def cents(x):\n    return x * 100\n\n\ndef euros(x):\n    return x / 100\n",
    "shop/CLAUDE.md": "shop rules\n",
    "shop/twice.py": "def f(): ...\n\n\nif True:\n    def f(): ...\n",
    "other/report.py": "def report():\n    return 'a report about weather'\n",
    "data.bin": "\0\0",
}


@pytest.fixture(scope="module")
def tree(tmp_path_factory: pytest.TempPathFactory) -> Snapshot:
    return tree_of(tmp_path_factory.mktemp("tree"), FILES)


def tree_of(root: Path, files: dict[str, str]) -> Snapshot:
    for path, text in files.items():
        file = root / path
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_bytes(text.encode("utf-8", "surrogateescape"))
    return take(root)


def seen(tree: Snapshot) -> Corpus:
    return Index.in_memory().corpus(tree)


def step(*touches: str, goal: str = "make the total right", reads: tuple[str, ...] = ()) -> Step:
    return Step(id="s", goal=goal, touches=touches, reads=reads)


@pytest.mark.parametrize(
    ("region", "expected"),
    [
        ("shop/cart.py", Target("shop/cart.py", "region")),
        ("shop/cart.py#Cart.total", Target("shop/cart.py", "region", 7, 8)),
        ("shop/cart.py#total", Target("shop/cart.py", "region", 7, 8)),
        ("shop/cart.py#RATE", Target("shop/cart.py", "region", 3, 3)),
        ("shop/cart.py#L2-4", Target("shop/cart.py", "region", 2, 4)),
        ("shop/cart.py#L10-99", Target("shop/cart.py", "region", 10, 11)),
    ],
)
def test_regions_resolve_to_lines(tree: Snapshot, region: str, expected: Target) -> None:
    assert resolve(tree, Region.parse(region)) == expected


@pytest.mark.parametrize(
    ("region", "message", "hint"),
    [
        ("shop/kart.py", "not in the tree", "shop/cart.py"),
        ("shop/cart.py#Cart.totl", "does not define Cart.totl", "Cart.total"),
        ("shop/cart.py#L12-99", "no lines 12-99", "11 lines"),
        ("shop/cart.py#L0-1", "no lines 0-1", "11 lines"),
        ("shop/twice.py#f", "defines f 2 times", "shop/twice.py#L1-1, shop/twice.py#L5-5"),
        ("data.bin", "binary", "text file"),
        ("AGENTS.md#nothing", "does not define nothing", "AGENTS.md#L1-20"),
    ],
)
def test_a_region_that_is_not_there_says_what_is(tree: Snapshot, region: str, message: str, hint: str) -> None:
    with pytest.raises(ContextError) as caught:
        resolve(tree, Region.parse(region))
    assert message in caught.value.message
    assert hint in caught.value.hint


def test_the_window_ends_with_the_region_verbatim(tree: Snapshot) -> None:
    wanted = step("shop/cart.py#Cart.total")
    window = assemble(wanted, seen(tree), region=wanted.regions[0], budget=400, format="region")
    assert window.text.endswith(
        "## REWRITE THESE LINES: shop/cart.py, lines 7-8\n"
        "```python\n    def total(self):\n        return cents(RATE)\n```\n"
    )
    assert window.target == Target("shop/cart.py", "region", 7, 8)
    assert window.digest == sha256_hex(window.text.encode())
    assert window.text.count("def total(self)") == 1


def test_definitions_that_the_region_uses_are_shown_before_ranked_ones(tree: Snapshot) -> None:
    wanted = step("shop/cart.py#Cart.total")
    window = assemble(wanted, seen(tree), region=wanted.regions[0], budget=400, format="region")
    by_reason = {excerpt.reason: excerpt for excerpt in window.excerpts}
    assert (by_reason["definition"].path, by_reason["definition"].start) == ("shop/money.py", 1)
    assert by_reason["guide"].path == "shop/CLAUDE.md"
    assert "weather" not in window.text


def test_reads_that_cannot_be_shown_are_noted(tree: Snapshot) -> None:
    wanted = step("shop/cart.py#RATE", reads=("nowhere.py", "shop/money.py#euros"))
    window = assemble(wanted, seen(tree), region=wanted.regions[0], budget=400, format="region")
    assert "def euros" in window.text
    assert any(note.startswith("nowhere.py is left out") for note in window.notes)


def test_a_region_above_the_budget_is_an_error_with_numbers(tree: Snapshot) -> None:
    wanted = step("shop/cart.py")
    with pytest.raises(ContextError) as caught:
        assemble(wanted, seen(tree), region=wanted.regions[0], budget=20, format="whole")
    assert "the window has 20" in caught.value.message
    assert "smaller region" in caught.value.hint


def test_a_new_file_has_nothing_to_show_but_its_name(tree: Snapshot) -> None:
    new = Step(id="s", goal="write it", kind="create", touches=("shop/tax.py",))
    window = assemble(new, seen(tree), region=new.regions[0], budget=100, format="region")
    assert window.text.endswith("## NEW FILE: shop/tax.py\n")
    assert window.target == Target("shop/tax.py", "whole")
    assert tiny_window(new, tree, region=new.regions[0], format="whole").text == ""


def test_the_tiny_window_is_the_raw_region(tree: Snapshot) -> None:
    wanted = step("shop/cart.py#Cart.size")
    window = tiny_window(wanted, tree, region=wanted.regions[0], format="region")
    assert window.text == "    def size(self):\n        return 1\n"
    assert [excerpt.reason for excerpt in window.excerpts] == ["target"]


def test_crlf_hidden_characters_and_foreign_bytes_are_noted(tmp_path: Path) -> None:
    tree = tree_of(tmp_path, {"a.py": "x = 1\r\ny = '\u202e'\r\n", "b.py": "# caf\udce9\nz = 1\n"})
    wanted = step("a.py")
    window = assemble(wanted, seen(tree), region=wanted.regions[0], budget=200, format="whole")
    assert "\r" not in window.text
    assert "a.py holds characters that cannot be seen: U+202E" in window.notes
    assert any("CRLF" in note for note in window.notes)
    last = step("b.py#L2")
    assert assemble(last, seen(tree), region=last.regions[0], budget=200, format="region").target is not None
    first = step("b.py#L1")
    with pytest.raises(ContextError, match="not UTF-8"):
        assemble(first, seen(tree), region=first.regions[0], budget=200, format="region")


def test_a_fence_is_longer_than_those_inside(tmp_path: Path) -> None:
    tree = tree_of(tmp_path, {"README.md": "text\n```py\nx\n```\n````\n"})
    wanted = step("README.md")
    window = assemble(wanted, seen(tree), region=wanted.regions[0], budget=200, format="whole")
    assert window.text.count("`````\n") == 2


def test_empty_files_can_be_read_and_rewritten(tmp_path: Path) -> None:
    tree = tree_of(tmp_path, {"a.py": "", "b.py": ""})
    wanted = step("a.py", reads=("b.py",))
    window = assemble(wanted, seen(tree), region=wanted.regions[0], budget=200, format="whole")
    assert window.text == "## REWRITE THIS FILE: a.py\n```python\n```\n"


def test_the_nearest_guide_wins_and_is_cut_at_a_line(tree: Snapshot) -> None:
    assert [guide.path for guide in guides_for(tree, ["shop/cart.py", "other/report.py"], max_bytes=100)] == [
        "AGENTS.md",
        "shop/CLAUDE.md",
    ]
    assert guides_for(tree, ["shop/cart.py"], max_bytes=5) == ()


def test_a_cut_guide_says_so(tmp_path: Path) -> None:
    tree = tree_of(tmp_path, {"AGENTS.md": "one\ntwo\nthree\n", "a.py": "x = 1\n"})
    (guide,) = guides_for(tree, ["a.py"], max_bytes=9)
    assert (guide.text, guide.end, guide.total) == ("one\ntwo\n", 2, 3)


def test_the_outline_lists_files_definitions_and_passages(tree: Snapshot) -> None:
    window = outline(seen(tree), task="the total of a cart", budget=500).window
    assert "other/report.py\nshop/CLAUDE.md" in window.text
    assert "    7: def total(self):" in window.text
    assert "## Guidance: AGENTS.md" in window.text
    assert {excerpt.path for excerpt in window.excerpts} >= {"AGENTS.md", "shop/cart.py"}


def test_a_long_list_of_files_becomes_folders_with_counts(tmp_path: Path) -> None:
    tree = tree_of(tmp_path, {f"pkg/sub{n % 3}/module_{n}.py": "x = 1\n" for n in range(60)})
    window = outline(seen(tree), task="anything", budget=200).window
    assert "pkg/sub0/ (20 files)" in window.text
    assert "the list of files is shortened to folders" in window.notes


def test_an_outline_of_nothing_is_an_error(tmp_path: Path, tree: Snapshot) -> None:
    with pytest.raises(ContextError, match="no files"):
        outline(seen(take(tmp_path)), task="x", budget=500)
    with pytest.raises(ContextError, match="too small"):
        outline(seen(tree), task="x", budget=8)


def test_look_up_reads_searches_and_explains_what_is_missing(tree: Snapshot) -> None:
    text = look_up(seen(tree), read=("shop/money.py#cents", "shop/cart.py#nope"), search=("cents",), budget=400)
    assert "def cents(x):" in text
    assert "does not define nope" in text
    assert "shop/cart.py#Cart.total L8: return cents(RATE)" in text
    assert look_up(seen(tree), read=("shop/cart.py",), search=(), budget=5) == ""


@settings(max_examples=40, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(
    budget=st.integers(32, 700),
    region=st.sampled_from(["shop/cart.py", "shop/cart.py#Cart", "shop/money.py#cents", "other/report.py#L1"]),
    shape=st.sampled_from(["region", "whole", "blocks"]),
    goal=st.text(max_size=60),
)
def test_no_window_is_ever_above_its_budget(
    tree: Snapshot, budget: int, region: str, shape: EditFormat, goal: str
) -> None:
    wanted = step(region, "shop/cart.py#RATE", goal=goal, reads=("shop/money.py", "other/report.py"))
    try:
        window = assemble(wanted, seen(tree), region=wanted.regions[0], budget=budget, format=shape)
    except ContextError:
        return
    assert window.used <= budget
    assert len(window.text.encode()) <= budget * 4
    assert outline(seen(tree), task=goal, budget=budget).window.used <= budget
    assert -(-len(look_up(seen(tree), read=(region,), search=(goal[:9],), budget=budget).encode()) // 4) <= budget
