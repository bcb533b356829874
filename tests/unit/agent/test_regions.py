from pathlib import Path

import msgspec
import pytest

from hybridcode.agent.formats import FormatRecord, choose_format
from hybridcode.domain.events import DraftMade, DraftRefused, Envelope, Event, ModelAsked, RungTaken, WindowAssembled
from hybridcode.domain.exits import ExitCode
from hybridcode.domain.model import Message
from hybridcode.domain.plan import Plan, Region, Step
from hybridcode.domain.refusal import Refusal
from hybridcode.domain.window import EditFormat, WindowSource
from hybridcode.gate.approvers import PolicyOnly
from hybridcode.journal.store import Journal
from tests.support.repos import git_repository
from tests.support.sessions import Scene, edit, fence, planning, requests_of

CART = "class Cart:\n    def total(self):\n        return 1\n\n    def size(self):\n        return 2\n"
FILES = {"shop.py": "RATE = 5\nTAX = 1\nCOST = 3\n", "cart.py": CART}
THREE = ("shop.py#RATE", "shop.py#TAX", "shop.py#COST")
MESSAGES = msgspec.json.Decoder(tuple[Message, ...])


@pytest.fixture
def workspace(tmp_path: Path) -> Path:
    return git_repository(tmp_path / "shop", FILES)


def scene(workspace: Path, step: Step, *answers: str, **more: object) -> Scene:
    frontier = {**planning(Plan((step,))), "judge": ["good"]}
    return Scene(workspace, frontier, {"draft": list(answers)}, settings={"routing.first": "frontier", **more})


def asked(it: Scene) -> list[str]:
    """What each draft was asked with."""
    assert it.session is not None
    events = [envelope.event for envelope in it.session.state.envelopes]
    digests = [event.prompt_sha256 for event in events if isinstance(event, ModelAsked) and event.role == "draft"]
    with Journal.open(it.session.journal.path) as journal:
        log = journal.session(it.session.id)
        return [MESSAGES.decode(log.get_blob(digest))[1].content for digest in digests]


async def test_the_retry_asks_only_for_the_region_that_failed(workspace: Path):
    it = scene(workspace, edit("all", *THREE), fence("RATE = 6"), "", fence("COST = 4"), fence("TAX = 2"))
    assert (await it.run()).code == ExitCode.DONE
    assert it.read("shop.py") == "RATE = 6\nTAX = 2\nCOST = 4\n"
    first, failed, last, again = asked(it)
    assert "not used" in again
    assert all("LINES: shop.py, line 2" in text for text in (failed, again))
    assert all("not used" not in text for text in (first, failed, last))


async def test_of_two_regions_that_are_refused_each_is_told_its_own_reason(workspace: Path):
    answers = ["", fence("COST = 9"), fence("COST = 4"), fence("RATE = 6"), fence("TAX = 2")]
    it = scene(workspace, edit("all", *THREE), *answers)
    assert (await it.run()).code == ExitCode.DONE
    assert it.read("shop.py") == "RATE = 6\nTAX = 2\nCOST = 4\n"
    rate, tax = asked(it)[3:]
    assert "the answer is empty." in rate
    assert "leaves out" not in rate
    assert "the answer leaves out TAX" in tax
    assert "is empty" not in tax


async def test_lines_that_come_back_as_they_were_after_a_refusal_do_not_keep_them(workspace: Path):
    answers = ["", fence("TAX = 2"), fence("RATE = 5"), fence("RATE = 6")]
    it = scene(workspace, edit("both", *THREE[:2]), *answers, **{"routing.local_tries": 3})
    assert (await it.run()).code == ExitCode.DONE
    assert it.read("shop.py") == "RATE = 6\nTAX = 2\nCOST = 3\n"
    assert "as they were.\nChange them as the step says, or answer the one word KEEP" in asked(it)[3]


@pytest.mark.parametrize("word", ["KEEP", "KEEP - the rate is already the one that the step asks for."])
async def test_a_region_may_be_kept_by_a_word_after_a_refusal(workspace: Path, word: str):
    it = scene(workspace, edit("both", *THREE[:2]), "", fence("TAX = 2"), word)
    assert (await it.run()).code == ExitCode.DONE
    assert it.read("shop.py") == "RATE = 5\nTAX = 2\nCOST = 3\n"


async def test_a_region_that_stands_in_the_answer_for_another_one_as_it_was_is_asked_for(workspace: Path):
    it = scene(workspace, edit("both", *THREE[:2]), fence("RATE = 6\nTAX = 1"), fence("TAX = 2"))
    assert (await it.run()).code == ExitCode.DONE
    assert it.read("shop.py") == "RATE = 6\nTAX = 2\nCOST = 3\n"


TESTS = "def test_38():\n    assert 1\n\n\ndef test_39():\n    assert 2\n"
NEW_38 = "def test_38():\n    assert 1, 'a'"


def described(*touches: str) -> Step:
    goal = "Delete the test for 3.9 only. Give the other one a message."
    return Step("one", goal, touches=touches, check="true")


async def test_what_a_goal_describes_goes_when_it_is_left_out_twice(workspace: Path):
    (workspace / "test_py.py").write_text(TESTS)
    it = scene(workspace, described("test_py.py#L1-6"), fence(NEW_38), fence(NEW_38))
    assert (await it.run()).code == ExitCode.DONE
    assert it.read("test_py.py") == NEW_38 + "\n"
    assert "leaves out test_39" in asked(it)[1]
    assert "leave them out once more" in asked(it)[1]
    assert it.session is not None
    made = [one.event for one in it.session.state.envelopes if isinstance(one.event, DraftMade)]
    assert [event.may_go for event in made] == [(), ("test_39",)]


async def test_what_another_file_names_stays_however_often_it_is_left_out(workspace: Path):
    (workspace / "test_py.py").write_text(TESTS)
    (workspace / "run.py").write_text("from test_py import test_39\n")
    it = scene(workspace, described("test_py.py#L1-6"), fence(NEW_38), fence(NEW_38), fence(NEW_38))
    assert (await it.run()).code == ExitCode.MODEL_UNAVAILABLE
    assert it.read("test_py.py") == TESTS


async def test_an_empty_fence_deletes_the_one_definition_that_a_step_is_of(workspace: Path):
    step = Step("one", "Delete the method that counts.", touches=("cart.py#Cart.size",), check="true")
    it = scene(workspace, step, fence(""))
    assert (await it.run()).code == ExitCode.DONE
    assert it.read("cart.py") == CART.partition("\n    def size")[0]


NUMBERED = "".join(f"print({number})\n" for number in range(1, 13))


async def test_numbered_places_move_with_the_lines_above_them(workspace: Path):
    (workspace / "out.py").write_text(NUMBERED)
    step = edit("three", "out.py#L2-3", "out.py#L6-7", "out.py#L10-11")
    answers = ["", fence("print(60)\nprint(61)\nprint(70)"), fence("print(20)"), fence("print(100)\nprint(110)")]
    it = scene(workspace, step, *answers)
    assert (await it.run()).code == ExitCode.DONE
    wanted = "1 20 4 5 60 61 70 8 9 100 110 12"
    assert it.read("out.py") == "".join(f"print({number})\n" for number in wanted.split())
    two, ten = asked(it)[2:]
    assert "Changed in this step too: out.py, lines 6-8\n" in two
    assert "print(60)\nprint(61)\nprint(70)\n" in two
    assert "LINES: out.py, lines 10-11" in ten
    assert "print(10)\nprint(11)\n" in ten.partition("LINES: ")[2]


ZIP = (
    "import os\nimport sys\n\n\n"
    'def build(folder):\n    folder.write(f"""\n        import os\n        print(1)\n    """)\n    return 1\n'
)


async def test_an_answer_is_not_torn_apart_at_a_line_of_another_place_inside_a_string(workspace: Path):
    (workspace / "zip.py").write_text(ZIP)
    function = ZIP.partition("sys\n\n\n")[2].replace("return 1", "return 2").rstrip("\n")
    step = edit("zip", "zip.py#build", "zip.py#L1-2")
    it = scene(workspace, step, fence("import os\nimport re"), fence(function))
    assert (await it.run()).code == ExitCode.DONE
    assert it.read("zip.py") == ZIP.replace("return 1", "return 2").replace("sys", "re")


async def test_a_draft_that_does_not_parse_is_not_applied_where_nobody_looks(workspace: Path):
    broken = [fence(f"    def total(self:\n        return {number}") for number in range(8)]
    it = scene(workspace, edit("total", "cart.py#Cart.total"), *broken, **{"limits.max_repairs": 0})
    it.frontier = {**planning(Plan((edit("total", "cart.py#Cart.total"),))), "hint": ["no"], "draft": broken}
    it.make_approver = lambda approvals, sandbox: PolicyOnly(is_sandboxed=True)
    assert (await it.run()).code == ExitCode.VERIFICATION_FAILED
    assert it.read("cart.py") == CART


async def test_of_files_that_do_not_parse_only_their_regions_are_asked_for_again(workspace: Path):
    broken, whole = fence("    def total(self:\n        return 3"), fence("    def total(self):\n        return 3")
    it = scene(workspace, edit("both", "shop.py#RATE", "cart.py#Cart.total"), fence("RATE = 6"), broken, whole)
    assert (await it.run()).code == ExitCode.DONE
    assert it.read("shop.py") == FILES["shop.py"].replace("5", "6")
    assert it.read("cart.py") == CART.replace("return 1", "return 3")
    assert len(asked(it)) == 3


async def test_a_tree_that_changed_has_all_regions_drafted_anew(workspace: Path):
    it = scene(workspace, edit("both", *THREE[:2]), fence("RATE = 6"), "", fence("RATE = 7"), fence("TAX = 2"))
    scripted = it.open()

    def meddle(event: Event) -> None:
        if isinstance(event, DraftRefused):
            (workspace / "note.txt").write_text("new\n")

    scripted.log.subscribe(lambda envelope: meddle(envelope.event))
    try:
        assert (await scripted.run("do it")).code == ExitCode.DONE
    finally:
        await scripted.close()
    assert it.read("shop.py") == "RATE = 7\nTAX = 2\nCOST = 3\n"


async def test_a_region_may_be_kept_by_a_word(workspace: Path):
    it = scene(workspace, edit("both", *THREE[:2]), "KEEP", fence("TAX = 2"))
    assert (await it.run()).code == ExitCode.DONE
    assert it.read("shop.py") == "RATE = 5\nTAX = 2\nCOST = 3\n"


async def test_a_kept_region_is_not_asked_for_again(workspace: Path):
    it = scene(workspace, edit("both", *THREE[:2]), "KEEP", "", fence("TAX = 2"))
    assert (await it.run()).code == ExitCode.DONE
    assert it.read("shop.py") == "RATE = 5\nTAX = 2\nCOST = 3\n"


@pytest.mark.parametrize(
    "answer",
    [
        fence("RATE = 6\nTAX = 2"),
        f"{fence('RATE = 6')}\nand\n{fence('TAX = 2')}",
        "shop.py\n<<<<<<< SEARCH\nRATE = 5\nTAX = 1\n=======\nRATE = 6\nTAX = 2\n>>>>>>> REPLACE",
    ],
)
async def test_regions_in_one_answer_are_both_taken(workspace: Path, answer: str):
    it = scene(workspace, edit("both", *THREE[:2]), answer)
    assert (await it.run()).code == ExitCode.DONE
    assert it.read("shop.py") == "RATE = 6\nTAX = 2\nCOST = 3\n"
    assert len(asked(it)) == 1


async def test_methods_in_one_answer_are_both_taken(workspace: Path):
    new = CART.partition("\n")[2].replace("1", "3").replace("2", "4").rstrip("\n")
    it = scene(workspace, edit("both", "cart.py#Cart.total", "cart.py#Cart.size"), fence(new))
    assert (await it.run()).code == ExitCode.DONE
    assert it.read("cart.py") == CART.replace("1", "3").replace("2", "4")


async def test_a_definition_that_an_answer_leaves_out_is_asked_for_again(workspace: Path):
    short = CART.partition("\n\n")[0].replace("1", "3")
    it = scene(workspace, edit("cart", "cart.py#Cart"), fence(short), fence(CART.replace("1", "3").rstrip("\n")))
    assert (await it.run()).code == ExitCode.DONE
    assert it.read("cart.py") == CART.replace("1", "3")
    assert "the answer leaves out Cart.size; return the whole region." in asked(it)[1]


async def test_a_long_region_is_asked_for_as_blocks_inside_it(workspace: Path):
    lines = "".join(f"    x{number} = {number}\n" for number in range(50))
    (workspace / "long.py").write_text(f"def first():\n    x7 = 7\n\n\ndef long():\n{lines}")
    block = "long.py\n<<<<<<< SEARCH\n    x7 = 7\n=======\n    x7 = 8\n>>>>>>> REPLACE"
    it = scene(workspace, edit("long", "long.py#long"), block)
    assert (await it.run()).code == ExitCode.DONE
    assert it.read("long.py") == f"def first():\n    x7 = 7\n\n\ndef long():\n{lines.replace('x7 = 7', 'x7 = 8')}"
    assert "EDIT: long.py, lines 5-55" in asked(it)[0]


async def test_a_block_outside_a_long_region_is_refused(workspace: Path):
    lines = "".join(f"    x{number} = {number}\n" for number in range(50))
    (workspace / "long.py").write_text(f"def first():\n    y = 7\n\n\ndef long():\n{lines}")
    blocks = [
        f"long.py\n<<<<<<< SEARCH\n    {name} = 7\n=======\n    {name} = 8\n>>>>>>> REPLACE" for name in ("y", "x7")
    ]
    it = scene(workspace, edit("long", "long.py#long"), *blocks)
    assert (await it.run()).code == ExitCode.DONE
    assert "y = 7" in it.read("long.py")
    assert "x7 = 8" in it.read("long.py")
    assert "outside those asked for" in asked(it)[1]


@pytest.mark.parametrize(
    ("wanted", "lines", "longest", "format"),
    [
        ("auto", 40, 40, "region"),
        ("auto", 41, 40, "blocks"),
        ("auto", 41, 120, "region"),
        ("region", 400, 40, "region"),
        ("whole", 400, 40, "region"),
        ("blocks", 2, 40, "blocks"),
    ],
)
def test_the_size_of_a_region_decides_how_it_is_asked_for(wanted: str, lines: int, longest: int, format: EditFormat):
    region = Region("a.py", symbol="a")
    assert choose_format(region, wanted=wanted, file_lines=500, region_lines=lines, longest=longest) == format


@pytest.mark.parametrize(("lines", "format"), [(50, "region"), (120, "region"), (121, "blocks")])
def test_a_region_that_may_go_is_asked_for_whole(lines: int, format: EditFormat):
    region = Region("a.py", symbol="a")
    assert choose_format(region, wanted="auto", file_lines=500, region_lines=lines, longest=15, may_go=True) == format
    assert choose_format(region, wanted="blocks", file_lines=500, region_lines=lines, may_go=True) == "blocks"


@pytest.mark.parametrize(
    ("goal", "system"),
    [("Delete total and move size up.", "rewrite one region"), ("Round total down.", "search/replace blocks")],
)
async def test_what_a_long_region_is_asked_for_depends_on_whether_it_goes(workspace: Path, goal: str, system: str):
    long = "def total():\n" + "    print(1)\n" * 50
    (workspace / "long.py").write_text(f"{long}\n\ndef size():\n    return 2\n")
    step = msgspec.structs.replace(edit("total", "long.py#total"), goal=goal)
    it = scene(workspace, step, fence("") if "Delete" in goal else "KEEP")
    await it.run()
    assert it.session is not None
    assert system in requests_of(it.session, "draft")[0][0].content
    assert ("total" in it.read("long.py")) == ("Delete" not in goal)


NO = Refusal("no")


def happened(*drafts: tuple[EditFormat, bool], why: Refusal = NO) -> list[Envelope]:
    """Drafts of one model, by format and whether they were refused."""
    events: list[Event] = []
    for number, (form, is_refused) in enumerate(drafts):
        source = WindowSource(tree="", history="", subject="", maker="", format=form)
        events.append(WindowAssembled("1", number, f"w{number}", (), 1, 1, source))
        events.append(DraftMade("1", number, "m", f"w{number}", "t", "stop"))
        if is_refused:
            events.append(DraftRefused("1", number, (why,)))
    return [Envelope("s", seq, "", "", "", event) for seq, event in enumerate(events, 1)]


@pytest.mark.parametrize(
    ("drafts", "longest"),
    [
        ([("blocks", True)], 40),
        ([("blocks", True), ("blocks", True)], 120),
        ([("region", True), ("region", True)], 15),
        ([("region", True), ("region", True), ("blocks", True), ("blocks", True)], 40),
        ([("region", True), ("region", True), *[("region", False)] * 6], 40),
    ],
)
def test_how_a_model_did_moves_the_limit(drafts: list[tuple[EditFormat, bool]], longest: int):
    record = FormatRecord()
    record.read(happened(*drafts))
    assert record.longest("m") == longest
    assert record.longest("another") == 40


@pytest.mark.parametrize("why", [Refusal("the fence is empty"), Refusal("prose", is_formless=True)])
def test_what_says_nothing_of_a_format_does_not_count_against_it(why: Refusal):
    record = FormatRecord()
    record.read(happened(("region", True), ("region", True), why=why))
    assert record.longest("m") == 40


@pytest.mark.parametrize(
    "answer",
    [
        "I would set the rate of this shop to six here.\nThat is all that it needs in the end.",
        f"```python\nRATE = 6\n```\nor rather\n```python\nRATE == 7\n```\n{'```'}",
        "```rust\nfn rate() -> i32 { 6 }\n```",
        "```python\nRATE = 6",
    ],
)
async def test_an_answer_without_its_form_is_asked_for_again_at_once_and_takes_no_try(workspace: Path, answer: str):
    answers = [answer, fence("TAX = 2\nCOST = 3"), answer, fence("RATE = 6")]
    it = scene(workspace, edit("rate", "shop.py#RATE"), *answers)
    assert (await it.run()).code == ExitCode.DONE
    assert it.read("shop.py") == FILES["shop.py"].replace("5", "6")
    assert it.session is not None
    events = [one.event for one in it.session.state.envelopes]
    assert [one.rung for one in events if isinstance(one, RungTaken)] == ["local", "local_retry"]
    assert "not used" in asked(it)[1]


async def test_an_empty_answer_deletes_a_region_that_the_step_says_goes(workspace: Path):
    step = Step("cut", "Delete Cart.total. Let size return 3.", touches=("cart.py#Cart.total", "cart.py#Cart.size"))
    size = fence("    def size(self):\n        return 3")
    it = scene(workspace, step, "```python\n```", size)
    assert (await it.run()).code == ExitCode.DONE
    assert it.read("cart.py") == "class Cart:\n    def size(self):\n        return 3\n"
    other = scene(workspace, edit("cut", "cart.py#Cart.size"), "```python\n```", size.replace("3", "4"))
    assert (await other.run()).code == ExitCode.DONE
    assert "an empty answer deletes Cart.size only where the step says that it goes." in asked(other)[1]
