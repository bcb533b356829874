from collections.abc import Callable, Collection
from pathlib import Path

import pytest

from hybridcode.context.assemble import assemble
from hybridcode.context.corpus import Corpus
from hybridcode.context.index import Index
from hybridcode.context.passages import Passage, Reader, Taken
from hybridcode.context.regions import resolve
from hybridcode.context.uses import Touched, caller_passages, definition_passages, import_passages
from hybridcode.domain.plan import Plan, Region, Step
from hybridcode.domain.window import ContextWindow
from tests.support.contexts import corpus_at, corpus_of
from tests.support.repos import write_tree

ROOM = 20_000
FILES = {
    "shop/cart.py": '"""The cart."""\n\nimport json\n\nfrom shop.price import Price, rounded\n\nLIMIT = 3\n\n\n'
    "class Cart(Base):\n    def __init__(self):\n        self.lines = []\n\n"
    "    def total(self, discount):\n        found = rounded(self.subtotal())\n        return found - discount\n\n"
    "    def subtotal(self):\n        return sum(self.lines)\n",
    "shop/price.py": "class Price:\n    cents = 0\n\n\ndef rounded(cents):\n    return cents // 1\n\n\n"
    "def unused():\n    pass\n",
    "shop/checkout.py": "from shop.cart import Cart\n\n\ndef pay(cart):\n    return cart.total(0)\n\n\n"
    "def other():\n    pass\n",
    "far/report.py": "def report(cart):\n    return cart.total(1)\n",
    "far/rounded.rb": "def rounded(cents)\n  cents\nend\n",
    "tests/test_cart.py": "from shop.cart import Cart\n\n\ndef test_total():\n    assert Cart().total(1) == 1\n",
    "tests/test_other.py": "def test_other():\n    assert True\n",
    "docs/cart.md": "# The cart\n\nIts total.\n",
}


def touched(corpus: Corpus, *regions: str) -> Touched:
    targets = tuple(resolve(corpus.snapshot, Region.parse(region)) for region in regions)
    return Touched(corpus, Reader(corpus.snapshot), targets)


def places(passages: list[Passage]) -> list[str]:
    return [f"{passage.excerpt.path}#L{passage.excerpt.start}-{passage.excerpt.end}" for passage in passages]


@pytest.fixture(scope="module")
def shop(tmp_path_factory: pytest.TempPathFactory) -> Corpus:
    return corpus_of(tmp_path_factory.mktemp("uses") / "tree", FILES)


def test_definitions_are_those_that_the_lines_use(shop: Corpus) -> None:
    region = touched(shop, "shop/cart.py#Cart.total")
    taken = Taken()
    taken.add("shop/cart.py", 14, 16)
    found = definition_passages(region, room=ROOM, taken=taken)
    assert places(found) == ["shop/cart.py#L18-19", "shop/price.py#L5-6"]
    assert {passage.excerpt.reason for passage in found} == {"definition"}
    assert found[0].within == "class Cart(Base):"


def test_a_definition_that_the_file_cannot_see_is_not_one(tmp_path: Path) -> None:
    files = FILES | {"elsewhere/math.py": "def subtotal_of(lines):\n    return lines\n"}
    files["shop/cart.py"] += "\n    def more(self):\n        return subtotal_of(self.lines)\n"
    corpus = corpus_of(tmp_path / "hidden", files)
    assert places(definition_passages(touched(corpus, "shop/cart.py#Cart.more"), room=ROOM, taken=Taken()))[1:] == []
    files["shop/cart.py"] = "from elsewhere.math import subtotal_of\n" + files["shop/cart.py"]
    seen = corpus_of(tmp_path / "seen", files)
    found = places(definition_passages(touched(seen, "shop/cart.py#Cart.more"), room=ROOM, taken=Taken()))
    assert "elsewhere/math.py#L1-2" in found


def test_a_definition_in_another_family_of_languages_is_not_one(shop: Corpus) -> None:
    found = definition_passages(touched(shop, "shop/cart.py#Cart.total"), room=ROOM, taken=Taken())
    assert "far/rounded.rb" not in {passage.excerpt.path for passage in found}


ACROSS: dict[str, tuple[str, str, str, str]] = {
    "typescript and javascript": (
        "web/a.ts", "import { settle } from './b'\nexport function run() {\n  return settle()\n}\n",
        "web/b.js", "export function settle() {\n  return 1\n}\n",
    ),
    "tsx and typescript": (
        "ui/A.tsx", "import { settle } from '../web/b'\nexport function run() {\n  return <p>{settle()}</p>\n}\n",
        "web/b.ts", "export function settle(): number {\n  return 1\n}\n",
    ),
    "c++ and c": (
        "n/a.cpp", '#include "b.h"\nint run() {\n  return settle_all(1);\n}\n',
        "n/b.h", "int settle_all(int row) {\n  return row;\n}\n",
    ),
    "kotlin and java": (
        "j/A.kt", "fun run(): Int {\n  return Ledger().settle()\n}\n",
        "j/Ledger.java", "public class Ledger {\n  int settle() { return 1; }\n}\n",
    ),
    "go": (
        "s/a.go", "package s\n\nfunc run() int {\n\treturn settleAll()\n}\n",
        "s/b.go", "package s\n\nfunc settleAll() int {\n\treturn 1\n}\n",
    ),
    "rust": (
        "c/a.rs", "use crate::b::settle_all;\n\npub fn run() -> i32 {\n    settle_all()\n}\n",
        "c/b.rs", "pub fn settle_all() -> i32 {\n    1\n}\n",
    ),
    "ruby": (
        "r/a.rb", "require_relative 'b'\n\ndef run\n  settle_all\nend\n",
        "r/b.rb", "def settle_all\n  1\nend\n",
    ),
    "bash": ("b/a.sh", "source b.sh\n\nrun() {\n  settle_all\n}\n", "b/b.sh", "settle_all() {\n  echo 1\n}\n"),
}  # fmt: skip
"""A file that uses what another one defines: paths and texts."""


@pytest.mark.parametrize("languages", ACROSS)
def test_definitions_are_found_in_and_across_languages(tmp_path: Path, languages: str) -> None:
    path, text, other, defining = ACROSS[languages]
    corpus = corpus_of(tmp_path / "tree", {path: text, other: defining, "z.py": "x = 1\n"})
    found = definition_passages(touched(corpus, f"{path}#run"), room=ROOM, taken=Taken())
    assert other in {passage.excerpt.path for passage in found}


def test_callers_are_chunks_that_use_what_is_touched_nearest_first(shop: Corpus) -> None:
    region = touched(shop, "shop/cart.py#Cart.total")
    assert region.defined_names() == ["total"]
    taken = Taken()
    taken.add("shop/cart.py", 1, 99)
    found = caller_passages(region, tests=False, room=ROOM, taken=taken)
    assert places(found) == ["far/report.py#L1-2", "shop/checkout.py#L4-5"]
    tight = caller_passages(region, tests=False, room=found[1].size + found[1].heading_size, taken=Taken())
    assert [passage.excerpt.path for passage in tight] == ["shop/checkout.py"]


def test_tests_are_found_by_use_and_by_name(shop: Corpus, tmp_path: Path) -> None:
    found = caller_passages(touched(shop, "shop/cart.py#Cart.total"), tests=True, room=ROOM, taken=Taken())
    assert places(found) == ["tests/test_cart.py#L4-5"]
    assert found[0].excerpt.reason == "test"
    files = {"lib/cart.rb": "def total\n  1\nend\n", "spec/cart_spec.rb": "describe 'total' do\n  total\nend\n"}
    ruby = corpus_of(tmp_path / "ruby", files)
    assert [
        p.excerpt.path for p in caller_passages(touched(ruby, "lib/cart.rb"), tests=True, room=ROOM, taken=Taken())
    ] == ["spec/cart_spec.rb"]


def test_lines_inside_a_method_stand_for_the_method(shop: Corpus) -> None:
    region = touched(shop, "shop/cart.py#L15")
    assert region.defined_names() == ["total"]
    assert {"found", "rounded", "self", "subtotal"} == region.used_names()
    whole = touched(shop, "shop/cart.py#Cart.total")
    inside, around = (caller_passages(given, tests=False, room=ROOM, taken=Taken()) for given in (region, whole))
    assert places(inside) == places(around)


def test_a_whole_file_stands_for_all_it_defines(shop: Corpus) -> None:
    assert set(touched(shop, "shop/price.py").defined_names()) >= {"Price", "rounded", "unused"}


def test_imports_are_shown_once(shop: Corpus) -> None:
    found = import_passages(touched(shop, "shop/cart.py#Cart.total", "shop/cart.py#LIMIT"), room=ROOM, taken=Taken())
    assert places(found) == ["shop/cart.py#L1-7"]
    assert import_passages(touched(shop, "docs/cart.md"), room=ROOM, taken=Taken()) == []


@pytest.mark.parametrize("room", [0, 30, 60, 100, 150, 400])
def test_no_kind_of_passages_takes_more_than_its_room(shop: Corpus, room: int) -> None:
    region = touched(shop, "shop/cart.py#Cart.total")
    kinds: list[Callable[[], list[Passage]]] = [
        lambda: definition_passages(region, room=room, taken=Taken()),
        lambda: import_passages(region, room=room, taken=Taken()),
        lambda: caller_passages(region, tests=False, room=room, taken=Taken()),
        lambda: caller_passages(region, tests=True, room=room, taken=Taken()),
    ]
    for kind in kinds:
        found = kind()
        paths = {passage.excerpt.path: passage.heading_size for passage in found}
        assert sum(passage.size for passage in found) + sum(paths.values()) <= room


def test_a_file_that_is_not_there_has_no_uses(shop: Corpus) -> None:
    step = Step(id="s1", goal="Write shop/tax.py.", kind="create", touches=("shop/tax.py",))
    window = assemble(step, shop, region=step.regions[0], budget=300, format="whole")
    assert window.text.endswith("## NEW FILE: shop/tax.py\n")


PLAN = Plan(
    steps=(
        Step(
            id="s1", goal="Let Cart.total never be negative.", touches=("shop/cart.py#Cart.total", "shop/cart.py#LIMIT")
        ),
        Step(id="s2", goal="Let pay tell the total of the cart.", touches=("shop/checkout.py#pay",), needs=("s1",)),
        Step(id="s3", goal="Write shop/tax.py with a tax on the price.", kind="create", touches=("shop/tax.py",)),
    )
)
BUDGET = 1_500


def common_start(texts: Collection[str]) -> str:
    whole = min(texts, key=len)
    return next(whole[:size] for size in range(len(whole), -1, -1) if all(t.startswith(whole[:size]) for t in texts))


def step_windows(corpus: Corpus, ids: str = "s1 s2 s3") -> dict[str, ContextWindow]:
    steps = {step.id: step for step in PLAN.steps}
    return {
        f"{step.id} {region}": assemble(
            step, corpus, region=region, budget=BUDGET, format="whole" if step.kind == "create" else "region", plan=PLAN
        )
        for step in (steps[name] for name in ids.split())
        for region in step.regions
    }


@pytest.fixture
def planned(tmp_path: Path) -> Path:
    more = {
        f"shop/part{n}.py": f'"""Part {n} of the cart."""\n\n\ndef total_of_part{n}(cart, price):\n'
        f'    """The total and the tax of part {n}."""\n    return pay_part(cart, price, {n})\n'
        for n in range(12)
    }
    guides = {"AGENTS.md": "# Rules\n\nPrices are whole cents.\n", "shop/AGENTS.md": "No floats.\n"}
    (tmp_path / "tree").mkdir()
    return write_tree(tmp_path / "tree", FILES | more | guides)


def test_windows_of_all_steps_begin_alike_and_go_on_to_when_a_step_was_applied(planned: Path) -> None:
    before = step_windows(corpus_at(planned))
    cart = planned / "shop/cart.py"
    cart.write_text(cart.read_text().replace("found - discount", "max(0, found - discount)  # never below zero"))
    write_tree(planned, {"shop/tax.py": "def tax(price):\n    return price // 5\n"})
    after = step_windows(corpus_at(planned), "s1 s2")
    texts = [window.text for window in (*before.values(), *after.values())]
    prefix = common_start(texts)
    assert prefix.startswith("## Guidance: shop/AGENTS.md\n")
    assert len(prefix.encode()) >= 4 * BUDGET // 10
    assert len(set(texts)) == len(texts)
    common = prefix.partition("No floats.\n```\n\n")[2]
    assert common.count("## ") >= 1
    assert not [path for path in ("shop/cart.py", "shop/checkout.py", "shop/tax.py") if f"## {path}\n" in common]


def test_drafts_of_one_step_differ_in_their_regions_only(planned: Path) -> None:
    windows = step_windows(corpus_at(planned), "s1")
    first, second = (window.text for window in windows.values())
    prefix = common_start([first, second])
    assert len(prefix) > 3 * (len(first) - len(prefix))
    assert first[len(prefix) :].count("def total") == 1


def test_the_same_step_has_the_same_window_whoever_asks(planned: Path) -> None:
    index = Index.open(planned)
    corpus = index.corpus(index.take(planned))
    wanted = step_windows(corpus)
    for order in ("s3 s2 s1", "s2 s2 s1 s3"):
        assert step_windows(corpus, order) == wanted
        assert step_windows(index.corpus(index.take(planned)), order) == wanted
        assert step_windows(corpus_at(planned), order) == wanted
    index.close()
