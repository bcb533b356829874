import json
from collections.abc import Mapping
from pathlib import Path
from types import MappingProxyType

import pytest
from msgspec.structs import replace

from hybridcode.agent.import_search import Plain, import_for
from hybridcode.agent.importable import is_importable
from hybridcode.cli.transcript import transcript
from hybridcode.domain.action import ChangeSet
from hybridcode.domain.drafted import LinesPlaced
from hybridcode.domain.events import DraftRefused, Event, ImportAdded, ProposalMade, RungTaken
from hybridcode.domain.exits import ExitCode
from hybridcode.domain.plan import Plan, Step
from hybridcode.models.scripted import ScriptedModel
from hybridcode.repo.snapshot import take
from hybridcode.session.models import Models
from hybridcode.tui.story import entries
from tests.support.repos import write_tree
from tests.support.sessions import FRONTIER, LOCAL, Scene, edit, fence, planning, requests_of

SHOP = "def total(items):\n    return sum(items)\n"
STEP = edit("total", "shop.py#total")


def total(body: str) -> str:
    return fence(f"def total(items):\n    return {body}")


def scene(
    folder: Path,
    *drafts: str,
    files: Mapping[str, str] = MappingProxyType({}),
    steps: tuple[Step, ...] = (STEP,),
    local_tries: int = 2,
) -> Scene:
    write_tree(folder / "repo", {"shop.py": SHOP, **files})
    settings = {"routing.frontier_hints": 0, "routing.frontier_tries": 0, "routing.local_tries": local_tries}
    return Scene(folder / "repo", planning(Plan(steps)), {"draft": list(drafts)}, settings=settings)


def events_of(it: Scene) -> list[Event]:
    assert it.session is not None
    return [one.event for one in it.session.state.envelopes]


def notes_of(it: Scene) -> tuple[str, ...]:
    made = [one.proposal for one in events_of(it) if isinstance(one, ProposalMade)]
    return next(one.notes for one in made if isinstance(one.action, ChangeSet))


async def test_an_import_that_other_files_have_is_a_part_of_the_change(tmp_path: Path):
    files = {"tax.py": "from lib.money import Money\n\nprint(Money)\n", "lib/money.py": "class Money:\n    pass\n"}
    it = scene(tmp_path, total("Money(sum(items))"), files=files)
    assert (await it.run()).code == ExitCode.DONE
    assert it.read("shop.py") == ("from lib.money import Money\n\n\ndef total(items):\n    return Money(sum(items))\n")
    (added,) = (one for one in events_of(it) if isinstance(one, ImportAdded))
    assert (added.path, added.line, added.why) == ("shop.py", "from lib.money import Money", "as 1 other file has it")
    assert notes_of(it) == ("shop.py:1: `from lib.money import Money` was added for Money, as 1 other file has it",)
    assert it.session is not None
    found = next(one for one in it.session.state.envelopes if one.event == added)
    assert "\n".join(transcript(found, lambda digest: b"")).endswith(
        "step total: from lib.money import Money added to shop.py, as 1 other file has it"
    )
    (entry,) = entries(added, it.session.state)
    assert entry.text == "from lib.money import Money added to shop.py, as 1 other file has it"


async def test_a_name_that_is_not_defined_goes_back_to_the_local_model_once(tmp_path: Path):
    it = scene(tmp_path, total("tax(sum(items))"), total("sum(items) * 2"))
    assert (await it.run()).code == ExitCode.DONE
    assert it.read("shop.py") == SHOP.replace("sum(items)", "sum(items) * 2")
    (refused,) = (one for one in events_of(it) if isinstance(one, DraftRefused))
    assert [one.reason for one in refused.refusals] == ["tax is not defined in this file"]
    assert it.session is not None
    asked = requests_of(it.session, "draft")[-1][-1].content
    assert "tax is not defined in this file.\nThe step may not change the imports of the file: " in asked


async def test_a_name_that_stays_undefined_is_a_warning_and_no_obstacle(tmp_path: Path):
    it = scene(tmp_path, total("tax(sum(items))"), total("tax(sum(items)) * 2"))
    assert (await it.run()).code == ExitCode.DONE
    assert it.read("shop.py") == SHOP.replace("sum(items)", "tax(sum(items)) * 2")
    assert notes_of(it) == ("shop.py: tax is not defined in this file",)
    assert [one.rung for one in events_of(it) if isinstance(one, RungTaken)] == ["local", "local_retry"]


async def test_the_only_try_is_shown_with_a_warning(tmp_path: Path):
    it = scene(tmp_path, total("tax(sum(items))"), local_tries=1)
    assert (await it.run()).code == ExitCode.DONE
    assert notes_of(it) == ("shop.py: tax is not defined in this file",)


async def test_what_another_step_brings_later_is_nothing_to_write_again_for(tmp_path: Path):
    later = edit("tax", "shop.py", needs=("total",))
    whole = "def tax(x):\n    return x\n\n\ndef total(items):\n    return tax(sum(items))"
    it = scene(tmp_path, total("tax(sum(items))"), fence(whole), steps=(STEP, later))
    assert (await it.run()).code == ExitCode.DONE
    assert it.read("shop.py") == f"{whole}\n"
    assert not [one for one in events_of(it) if isinstance(one, DraftRefused)]


async def test_an_import_goes_behind_the_lines_that_make_it_work(tmp_path: Path):
    top = 'import sys\n\nsys.path.insert(0, "lib")\n\nfrom money import rate\n'
    files = {
        "shop.py": f"{top}\n\n{SHOP}",
        "tax.py": f"{top.replace('rate', 'Money')}\nprint(Money)\n",
        "lib/money.py": "rate = 3\n\n\nclass Money:\n    pass\n",
    }
    it = scene(tmp_path, total("Money(sum(items))"), files=files)
    assert (await it.run()).code == ExitCode.DONE
    after = SHOP.replace("sum(items)", "Money(sum(items))")
    assert it.read("shop.py") == f"{top.replace('rate', 'Money, rate')}\n\n{after}"
    (added,) = (one for one in events_of(it) if isinstance(one, ImportAdded))
    assert added.place == LinesPlaced(4, 5, ("from money import Money, rate",))


async def test_two_files_of_a_change_are_not_made_to_import_each_other(tmp_path: Path):
    files = {
        "tax.py": "def rate():\n    return 1\n",
        "a.py": "from shop import total\nfrom tax import rate\n\nprint(rate, total)\n",
    }
    step = edit("total", "shop.py#total", "tax.py#rate")
    drafts = (total("rate() * sum(items)"), fence("def rate():\n    return total([1])"))
    it = scene(tmp_path, *drafts, files=files, steps=(step,), local_tries=1)
    assert (await it.run()).code == ExitCode.DONE
    assert it.read("shop.py").startswith("from tax import rate\n")
    assert it.read("tax.py") == "def rate():\n    return total([1])\n"
    assert "tax.py: total is not imported by rule: shop.py leads back to this file" in notes_of(it)


async def test_a_name_whose_import_would_lead_in_a_circle_is_left_to_the_writer_with_a_word_why(tmp_path: Path):
    files = {
        "tax.py": "import shop\n\n\nclass Tax:\n    top = shop\n",
        "a.py": "from tax import Tax\n\nprint(Tax)\n",
    }
    it = scene(tmp_path, total("Tax()"), total("sum(items) * 2"), files=files)
    assert (await it.run()).code == ExitCode.DONE
    (refused,) = (one for one in events_of(it) if isinstance(one, DraftRefused))
    (refusal,) = refused.refusals
    assert refusal.reason == "Tax is not defined in this file"
    assert refusal.advice.endswith(
        " An import of Tax at the top leads from tax.py back to this file: import it inside the function."
    )


async def test_a_file_that_a_remote_writer_may_not_see_is_not_named_to_whoever_writes_next(tmp_path: Path):
    files = {
        "shop.py": SHOP,
        "wards/tax.py": "import shop\n\n\nclass Tax:\n    top = shop\n",
        "a.py": "from wards.tax import Tax\n\nprint(Tax)\n",
    }
    frontier = ScriptedModel(replace(FRONTIER, is_remote=True), planning(Plan((STEP,))))
    models = Models(frontier, ScriptedModel(LOCAL, {"draft": [total("Tax()"), total("sum(items) * 2")]}))
    it = Scene(write_tree(tmp_path / "repo", files), settings={"egress.deny_paths": ("wards/",)}, models=models)
    assert (await it.run("change the total")).code == ExitCode.DONE
    (refused,) = (one for one in events_of(it) if isinstance(one, DraftRefused))
    (refusal,) = refused.refusals
    assert refusal.advice.endswith(
        " An import of Tax at the top leads back to this file: import it inside the function."
    )


async def test_an_import_that_the_step_could_take_out_is_taken_out(tmp_path: Path):
    files = {"shop.py": f"import os\n\n\n{SHOP.replace('sum(items)', 'os.name')}"}
    step = edit("total", "shop.py#imports", "shop.py#total")
    drafts = ("KEEP", total("1"), fence("import sys"), total("sys.path"))
    it = scene(tmp_path, *drafts, files=files, steps=(step,))
    assert (await it.run()).code == ExitCode.DONE
    assert it.read("shop.py") == f"import sys\n\n\n{SHOP.replace('sum(items)', 'sys.path')}"
    (refused,) = (one for one in events_of(it) if isinstance(one, DraftRefused))
    assert [one.reason for one in refused.refusals] == ["the import of os is not used any more"]


CART = "class Cart:\n    pass\n"


@pytest.mark.parametrize(
    ("files", "found"),
    [
        ({"a.py": "from shop.cart import Cart\n", "b.py": "from shop.cart import Cart, x\n"}, 2),
        ({"a.py": "from shop.cart import Cart\n", "b.py": "from other import Cart\n"}, 0),
        ({"a.py": "from shop.cart import Cart\n", "shop/b.py": "from .cart import Cart\n"}, 2),
        ({"shop/b.py": "from .cart import Cart\n"}, 0),
        ({"a.py": "def f():\n    from shop.cart import Cart\n"}, 0),
        ({"tests/test_a.py": "from shop.cart import Cart\n"}, 0),
        ({"a.py": "from main import Cart\n"}, 0),
        ({"a.py": "print('Cart')\n", "b.py": "def broken(:\nfrom shop.cart import Cart\n"}, 0),
        ({"a.py": "import Cart\n", "b.py": "from shop.cart import Cart\n"}, 0),
    ],
)  # fmt: skip
def test_an_import_is_plain_where_all_files_mean_the_same(tmp_path: Path, files: Mapping[str, str], found: int):
    write_tree(tmp_path / "repo", {"shop/cart.py": CART, "main.py": "print(Cart)\n", **files})
    plain = import_for("Cart", "main.py", b"print(Cart)\n", take(tmp_path / "repo"))
    assert plain == (Plain("from shop.cart import Cart", f"as {found} other files have it") if found else None)


def test_beside_the_file_an_import_is_written_as_others_there_have_it(tmp_path: Path):
    write_tree(tmp_path / "repo", {"shop/cart.py": CART, "shop/b.py": "from .cart import Cart\n", "shop/main.py": ""})
    plain = import_for("Cart", "shop/main.py", b"print(Cart)\n", take(tmp_path / "repo"))
    assert plain == Plain("from .cart import Cart", "as 1 other file has it")


def test_a_module_of_the_standard_library_is_meant_where_the_tree_has_no_other(tmp_path: Path):
    write_tree(tmp_path / "repo", {"main.py": "", "lib/math.py": ""})
    tree = take(tmp_path / "repo")
    plain = Plain("import json", "a module of the standard library")
    assert import_for("json", "main.py", b"json.dumps(1)\n", tree) == plain
    assert import_for("json", "main.py", b"json(1)\n", tree) is None
    assert import_for("math", "main.py", b"math.pi\n", tree) is None
    assert import_for("shop", "main.py", b"shop.x\n", tree) is None


def test_of_a_name_that_many_files_import_some_are_enough(tmp_path: Path):
    many = {f"m{number:03}.py": f"from shop.cart import Cart\n\nX = {number}\n" for number in range(110)}
    write_tree(tmp_path / "repo", {"shop/cart.py": CART, "main.py": "", **many})
    plain = import_for("Cart", "main.py", b"print(Cart)\n", take(tmp_path / "repo"))
    assert plain == Plain("from shop.cart import Cart", "as 100 other files have it")


LISTING = f'__all__ = ["total"]\n\n\n{SHOP}'
BOTH = edit("total", "shop.py#total", "shop.py#__all__")


def listing(*names: str) -> str:
    return fence(f"__all__ = {json.dumps(list(names))}")


async def test_an_entry_of_what_is_not_there_goes_back_to_the_local_model_once(tmp_path: Path):
    drafts = (total("sum(items) * 2"), listing("total", "tax"), total("sum(items) * 3"), listing("total"))
    it = scene(tmp_path, *drafts, files={"shop.py": LISTING}, steps=(BOTH,))
    assert (await it.run()).code == ExitCode.DONE
    assert it.read("shop.py") == LISTING.replace("sum(items)", "sum(items) * 3")
    (refused,) = (one for one in events_of(it) if isinstance(one, DraftRefused))
    assert [one.reason for one in refused.refusals] == ["tax is in __all__ and neither defined nor imported"]


async def test_where_only_the_list_is_wrong_only_it_is_asked_for_again(tmp_path: Path):
    drafts = (total("sum(items) * 2"), listing("total", "total"), listing("total"))
    it = scene(tmp_path, *drafts, files={"shop.py": LISTING}, steps=(BOTH,))
    assert (await it.run()).code == ExitCode.DONE
    assert it.read("shop.py") == LISTING.replace("sum(items)", "sum(items) * 2")
    (refused,) = (one for one in events_of(it) if isinstance(one, DraftRefused))
    assert [one.reason for one in refused.refusals] == ["total stands twice in __all__"]


@pytest.mark.parametrize("place", ["shop.py#total", "shop.py"])
async def test_an_entry_that_another_step_may_bring_is_no_loose_end(tmp_path: Path, place: str):
    steps = (edit("list", "shop.py#__all__"), edit("later", place, needs=("list",)))
    drafts = (listing("total", "tax"), total("sum(items) * 2") if "#" in place else fence(f"{LISTING}\n\nX = 1"))
    it = scene(tmp_path, *drafts, files={"shop.py": LISTING}, steps=steps)
    await it.run()
    refused = [one for one in events_of(it) if isinstance(one, DraftRefused)]
    assert all(one.step != "list" for one in refused)


MODELS = {"a/money.py": "class Money:\n    pass\n", "b/money.py": "class Money:\n    pass\n"}
IMPORTING = f"import os\n\n\n{SHOP}\n\ndef name():\n    return os.name\n"
USING = edit("total", "shop.py#total", "shop.py#imports", "shop.py#name")
NAME = fence("def name():\n    return os.name.upper()")


async def test_where_only_the_imports_are_wrong_only_they_are_asked_for_again(tmp_path: Path):
    drafts = (total("Money(sum(items))"), fence("import os"), NAME, fence("import os\n\nfrom b.money import Money"))
    it = scene(tmp_path, *drafts, files={"shop.py": IMPORTING, **MODELS}, steps=(USING,))
    assert (await it.run()).code == ExitCode.DONE
    (refused,) = (one for one in events_of(it) if isinstance(one, DraftRefused))
    assert [one.reason for one in refused.refusals] == ["Money is not defined in this file"]
    assert it.session is not None
    asked = requests_of(it.session, "draft")
    assert len(asked) == 4
    assert "Money is not defined in this file" in asked[3][-1].content
    head, _, body = it.read("shop.py").partition("\n\n\n")
    assert head == "import os\n\nfrom b.money import Money"
    assert "return Money(sum(items))" in body
    assert "return os.name.upper()" in body


async def test_what_no_import_can_bring_is_written_again_where_it_is_used(tmp_path: Path):
    drafts = (total("tax(sum(items))"), fence("import os\n"), NAME, total("sum(items) * 2"), "KEEP", NAME)
    it = scene(tmp_path, *drafts, files={"shop.py": IMPORTING, **MODELS}, steps=(USING,))
    assert (await it.run()).code == ExitCode.DONE
    assert it.session is not None
    assert len(requests_of(it.session, "draft")) == 6
    assert "return sum(items) * 2" in it.read("shop.py")


@pytest.mark.parametrize(
    ("name", "use", "before", "expected"),
    [
        ("Money", b"Money()", b"", True),
        ("money", b"money()", b"", False),
        ("Path", b"Path('a')", b"", True),
        ("partial", b"partial(f)", b"", True),
        ("count", b"count + 1", b"", False),
        ("stat", b"stat.S_IFREG", b"", True),
        ("stat", b"stat + 1", b"", False),
        ("thing", b"thing + 1", b"from more import other, thing\n", True),
        ("rate", b"rate(1)", b"", True),
        ("rate", b"rate + 1", b"", False),
        ("LIMIT", b"LIMIT + 1", b"", True),
        ("Tax", b"Tax()", b"", False),
    ],
)
def test_what_an_import_can_bring(tmp_path: Path, name: str, use: bytes, before: bytes, *, expected: bool):
    text = "class Money:\n    pass\n\n\ndef rate(x):\n    Tax = x\n\n\nLIMIT = 3\n"
    write_tree(tmp_path, {"a.py": "class Own:\n    pass\n", "b.py": text, "notes.md": "class Tax\n"})
    assert is_importable(name, "a.py", before, use, take(tmp_path)) is expected
