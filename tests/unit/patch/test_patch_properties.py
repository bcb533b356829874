import json
import tempfile
import time
from collections.abc import Callable, Sequence
from io import StringIO
from pathlib import Path

import pytest
from hypothesis import HealthCheck, assume, given, settings
from hypothesis import strategies as st
from patching import Outcome, patch
from unidiff.patch import PatchSet

from hybridcode.domain.action import FileChange
from hybridcode.domain.refusal import Refusal
from hybridcode.domain.window import EditFormat, Target
from hybridcode.patch.answer import Answer
from hybridcode.patch.hunks import choose, split, unified
from hybridcode.patch.place import place
from hybridcode.patch.read import read_answer
from tests.support.answers import WRITERS, Change, Style, are_told_apart, diff, hunks_of, lines_of, region, region_of
from tests.support.repos import git

PATH = "pkg/part.txt"
OTHER = {"pkg/other.txt": b"nothing of it\n"}
BOM = b"\xef\xbb\xbf"
FORMATS = sorted(WRITERS)
EDITS = sorted(set(WRITERS) - {"whole"})
FEW, SOME = 15, 30

WORDS = st.from_regex(r"[a-z]{4,8}", fullmatch=True)
SHAPES = ("{}", "{} = 1", "{}(first, second)", 'say("{}")', "{} = 'no'", "if {}:", "return {} - 1", "{} / 2")
INDENTS = st.sampled_from(["", "", "    ", "        "])
SHAPED = st.tuples(INDENTS, st.sampled_from(SHAPES), WORDS).map(lambda parts: parts[0] + parts[1].format(parts[2]))
PLAIN_LINES = st.lists(SHAPED, min_size=1, max_size=14, unique_by=str.strip)
FRESH = st.tuples(INDENTS, st.integers(0, 10**6)).map(lambda parts: f"{parts[0]}fresh_{parts[1]}()")
ODD = (
    "",
    "",
    "a",
    "b",
    "  a",
    "\ta",
    "x = 1",
    "x = 1  ",
    "}",
    "    }",
    "\x0c",
    "a\x0bb",
    "x\u2028y",
    "“q” — it’s",
    "...",
)
MARKERS = (
    *("=======", "<<<<<<< SEARCH", ">>>>>>> REPLACE", "```", "```python", "````", "~~~", "@@", "@@ -1,2 +1,2 @@"),
    *("--- a", "+++ b", "-x", "+y", "*** Begin Patch", "*** Update File: pkg/part.txt", "*** End Patch"),
    *("*** End of File", "# ... existing code ...", "diff --git a/x b/x", "\\ No newline", '{"old": "a"}', "<think>"),
)
BOTH_INDENTS = ["\ttab", "  blanks"]
"""Where a file has both, no line is indented in a way that it does not use."""
ODD_LINES = st.lists(st.sampled_from([*ODD, "caf\udce9", "\udcff\udcfe"]), max_size=12).map(BOTH_INDENTS.__add__)
MARKER_LINES = st.lists(st.sampled_from([*ODD, *MARKERS]), max_size=10).map(BOTH_INDENTS.__add__)


@st.composite
def changes(draw: st.DrawFn, lines: st.SearchStrategy[list[str]], new: st.SearchStrategy[str], ends: str) -> Change:
    """Kept, deleted, replaced and inserted lines; a new line ends as the first line of the edit, the last as before."""
    old = draw(lines)
    old_ends = draw(st.lists(st.sampled_from(["\n", "\r\n"]), min_size=len(old), max_size=len(old)))
    old_ends = {"lf": ["\n"] * len(old), "crlf": ["\r\n"] * len(old), "mixed": old_ends}[ends]
    if draw(st.booleans()):
        old_ends[-1] = ""
    usual = "\r\n" if old_ends.count("\r\n") > old_ends.count("\n") else "\n"
    after: list[tuple[str, str]] = []
    start = 0
    for at, (line, end) in enumerate(zip(old, old_ends, strict=True)):
        is_text = line.isascii() or not any("\udc80" <= character <= "\udcff" for character in line)
        what = draw(st.sampled_from(["keep"] * 5 + ["delete", "replace", "insert"])) if is_text else "keep"
        if what in ("replace", "insert"):
            added = draw(st.lists(new, min_size=1, max_size=2))
            after += [(text, old_ends[start] or usual) for text in added]
        if what in ("keep", "insert"):
            after.append((line, end or usual))
            start = at + 1
    if draw(st.booleans()):
        after.append((draw(new), old_ends[min(start, len(old) - 1)] or usual))
    assume(any(line.strip() for line, _ in after) and [line for line, _ in after] != old)
    assume(after[-1][0] != "" or (old[-1] == "" and old_ends[-1]))
    assume(old[-1] != "" or old_ends[-1])
    if not old_ends[-1]:
        after[-1] = (after[-1][0], "")
    bom = draw(st.sampled_from([b"", b"", BOM]))
    return Change(PATH, bom + _bytes(list(zip(old, old_ends, strict=True))), bom + _bytes(after))


def _bytes(lines: Sequence[tuple[str, str]]) -> bytes:
    return "".join(line + end for line, end in lines).encode("utf-8", "surrogateescape")


EVEN = st.one_of(*(changes(PLAIN_LINES, FRESH, ends) for ends in ("lf", "crlf")))
PLAIN = st.one_of(EVEN, changes(PLAIN_LINES, FRESH, "mixed"))
WILD = st.one_of(*(changes(ODD_LINES, st.sampled_from(ODD), ends) for ends in ("lf", "crlf")))
MARKED = changes(MARKER_LINES, st.sampled_from([*ODD, *MARKERS]), "lf")
FRESH_AND_ODD = st.one_of(changes(ODD_LINES, FRESH, "crlf"), changes(MARKER_LINES, FRESH, "lf"))
FRESHENED = st.one_of(PLAIN, FRESH_AND_ODD, changes(PLAIN_LINES, st.sampled_from(MARKERS), "lf"))
STYLES = st.integers(0, 4).map(lambda context: Style(context=context))


def shown(change: Change) -> dict[str, bytes]:
    return {PATH: change.before or b"", **OTHER}


def is_exact_or_refused(outcome: Outcome, change: Change) -> bool:
    return isinstance(outcome, Refusal) or outcome == {PATH: change.after}


@pytest.mark.parametrize("name", FORMATS)
@settings(max_examples=SOME)
@given(change=PLAIN, style=STYLES)
def test_a_plain_change_is_placed_exactly_in_every_format(name: str, change: Change, style: Style) -> None:
    assert patch(WRITERS[name](change, style), shown(change)) == {PATH: change.after}


@pytest.mark.parametrize("name", FORMATS)
@settings(max_examples=FEW)
@given(change=EVEN, style=STYLES)
def test_the_reverse_of_a_placed_change_gives_the_old_bytes(name: str, change: Change, style: Style) -> None:
    assume(change.after is not None and b"\n" in change.after)
    back = Change(PATH, change.after, change.before)
    assert patch(WRITERS[name](back, style), shown(back)) == {PATH: change.before}


@pytest.mark.parametrize("name", FORMATS)
@settings(max_examples=SOME)
@given(change=st.one_of(WILD, MARKED), style=STYLES)
def test_any_change_is_placed_exactly_or_refused(name: str, change: Change, style: Style) -> None:
    assert is_exact_or_refused(patch(WRITERS[name](change, style), shown(change)), change)


@settings(max_examples=SOME)
@given(change=EVEN, margin=st.integers(1, 3))
def test_a_plain_region_is_placed_exactly(change: Change, margin: int) -> None:
    target = region_of(change, margin)
    assert target.start is not None
    assume(lines_of(change.before)[target.start - 1] == lines_of(change.after)[target.start - 1])
    assert patch(region(change, target), shown(change), target=target) == {PATH: change.after}


@settings(max_examples=2 * SOME)
@given(change=FRESHENED, margin=st.integers(0, 3))
def test_a_rewritten_region_is_placed_exactly_or_refused(change: Change, margin: int) -> None:
    target = region_of(change, margin)
    assert target.start is not None and target.end is not None
    old, new = lines_of(change.before), lines_of(change.after)
    old, new = old[target.start - 1 : target.end], new[target.start - 1 : len(new) - len(old) + target.end]
    assume(_edges(old) == _edges(new) and _depth(old) == _depth(new))
    assert is_exact_or_refused(patch(region(change, target), shown(change), target=target), change)


def _edges(lines: Sequence[str]) -> tuple[int, int]:
    """How many blank lines stand above and below."""
    solid = [number for number, line in enumerate(lines) if line.strip()]
    return (solid[0], len(lines) - 1 - solid[-1]) if solid else (len(lines), -1)


def _depth(lines: Sequence[str]) -> str:
    """The indentation of the first solid line: the room puts a rewritten region at that of the old one."""
    first = next((line for line in lines if line.strip()), "")
    return first[: len(first) - len(first.lstrip())]


def _smart(line: str) -> str:
    return line.replace('("', "(“").replace('")', "”)").replace("'", "’").replace(" - ", " – ")


def _misspelt(line: str) -> str:
    """The line with two letters of its longest word swapped."""
    word = max(line.replace("(", " ").replace('"', " ").split(), key=len, default="")
    return line.replace(word, word[0] + word[2] + word[1] + word[3:]) if len(word) > 4 else line


def _deeper(data: bytes | None) -> bytes:
    """Each line four blanks further right."""
    lines = (data or b"").removeprefix(BOM).split(b"\n")
    return b"\n".join(b"    " + line if line.strip() else line for line in lines)


SLIPS: dict[str, Callable[[int, str], Style]] = {
    "shifted by blanks": lambda context, _: Style(context, every=lambda line: f"   {line}" if line.strip() else line),
    "shifted by a tab": lambda context, _: Style(context, every=lambda line: f"\t{line}" if line.strip() else line),
    "dedented": lambda context, _: Style(context, every=lambda line: line.removeprefix("    ")),
    "blanks added": lambda context, _: Style(context, kept=lambda line: f"{line}  "),
    "blanks removed": lambda context, _: Style(context, kept=lambda line: line.rstrip(" \t")),
    "typography": lambda context, _: Style(context, kept=_smart),
    "misspelt": lambda context, chosen: Style(context, kept=lambda line: _misspelt(line) if line == chosen else line),
}


@pytest.mark.parametrize("slip", sorted(SLIPS))
@settings(max_examples=2 * SOME)
@given(change=st.one_of(PLAIN, WILD), name=st.sampled_from(EDITS), context=st.integers(0, 4), data=st.data())
def test_a_slip_in_an_answer_never_gives_another_text(
    slip: str, change: Change, name: str, context: int, data: st.DataObject
) -> None:
    if slip == "dedented":
        change = Change(PATH, _deeper(change.before), _deeper(change.after))
    # Blanks at the end of a changed line could be told from those of context no more.
    assume(all(mark == " " or text == text.rstrip(" \t") for hunk in hunks_of(change) for mark, text in hunk.lines))
    assume(slip != "blanks removed" or are_told_apart(lines_of(change.before)))
    chosen = data.draw(st.sampled_from(lines_of(change.before)))
    assert is_exact_or_refused(patch(WRITERS[name](change, SLIPS[slip](context, chosen)), shown(change)), change)


@settings(max_examples=SOME)
@given(change=st.one_of(PLAIN, WILD), style=STYLES, shift=st.integers(-3, 40))
def test_wrong_line_numbers_never_give_another_text(change: Change, style: Style, shift: int) -> None:
    assert is_exact_or_refused(patch(diff(change, style, shift=shift), shown(change)), change)


AROUND = (
    ("Sure. Here is the change:\n\n", "\n\nThat is all. Tell me if you need more.\n"),
    ("", "\nRun the tests:\n\n```bash\nmake test\n```\n"),
    ("<think>\nA --- or a +++?\n</think>\n", "\n- It changes one thing.\n- It keeps the rest.\n"),
)


@settings(max_examples=2 * SOME)
@given(
    change=st.one_of(PLAIN, WILD),
    name=st.sampled_from(FORMATS),
    prefix=st.sampled_from(["", "./", "a/", "/srv/project/", "work/"]),
    around=st.sampled_from(AROUND),
)
def test_prefixes_and_talk_around_never_give_another_text(
    change: Change, name: str, prefix: str, around: tuple[str, str]
) -> None:
    text = WRITERS[name](change, Style()).replace(PATH, prefix + PATH)
    assert is_exact_or_refused(patch(around[0] + text + around[1], shown(change)), change)


@pytest.mark.parametrize("asked", ["nothing", "blocks", "whole", "region"])
@settings(max_examples=2 * SOME)
@given(change=st.one_of(PLAIN, MARKED), name=st.sampled_from(FORMATS), style=STYLES, share=st.floats(0, 1))
def test_an_answer_cut_anywhere_never_gives_another_text(
    asked: str, change: Change, name: str, style: Style, share: float
) -> None:
    hunks = hunks_of(change, style)
    # A cut shows neither in an added last line of a bare diff nor below a marker in the text.
    assume(len(hunks) == 1 and not (name == "diff" and hunks[0].lines[-1][0] == "+"))
    text = WRITERS[name](change, style)
    assume(text.count("REPLACE") < 2)
    aimed = {"blocks": Target(PATH, "blocks"), "whole": Target(PATH, "whole"), "region": region_of(change)}.get(asked)
    if asked == "region" and name == "whole":
        assert aimed is not None
        text = region(change, aimed)
    assert is_exact_or_refused(patch(text[: int(share * len(text))], shown(change), target=aimed), change)


HALF = (  # Lines that must not get lost.
    f"--- a/{PATH}\n+++ b/{PATH}\n@@\n-import os\n+import re\nb = 1\n-c = 2\n+c = 3\n",
    f"{PATH}\n<<<<<<< SEARCH\nb = 1\n=======\n>>>>>>> REPLACE\n>>>>>>> REPLACE\n"
    "<<<<<<< SEARCH\nc = 2\n=======\nc = 3\n>>>>>>> REPLACE\n",
)


@pytest.mark.parametrize("asked", ["blocks", "whole"])
@pytest.mark.parametrize("text", ["I cannot do that.", "Change b to c:\n\nc\n", f"{PATH}\n<<<<<<< SEA", *HALF])
def test_talk_and_half_an_edit_are_refused(asked: EditFormat, text: str) -> None:
    outcome = patch(text, {PATH: b"import os\n\nb = 1\nc = 2\n"}, target=Target(PATH, asked))
    assert isinstance(outcome, Refusal)


BYTE_LINES = st.lists(st.sampled_from([b"a\n", b"b\r\n", b"c\n", b"\n", b"\x0c\n", b"  d\n", b"\xff\n"]), max_size=14)
CONTENTS = st.tuples(BYTE_LINES, st.sampled_from([b"", b"tail", b"a"])).map(lambda parts: b"".join(parts[0]) + parts[1])
TEXT_LINES = st.lists(st.sampled_from([b"a\n", b"b\n", b"\n", b"-x\n", b"+y\n", b"\x0c\n", b"--- a\n"]), max_size=20)
TEXTS = st.tuples(TEXT_LINES, st.sampled_from([b"", b"tail"])).map(lambda parts: b"".join(parts[0]) + parts[1])


@settings(max_examples=2 * SOME)
@given(before=CONTENTS, after=CONTENTS, bits=st.integers(0, 2**14 - 1))
def test_any_hunks_chosen_are_exactly_those_applied(before: bytes, after: bytes, bits: int) -> None:
    hunks = split(before, after)
    accepted = {hunk.index for hunk in hunks if bits >> hunk.index & 1}
    lines = before.split(b"\n")
    lines = [line + b"\n" for line in lines[:-1]] + ([lines[-1]] if lines[-1] else [])
    for hunk in reversed(hunks):
        place_of_it = slice(hunk.old_start - 1, hunk.old_start - 1 + len(hunk.old_lines))
        assert tuple(lines[place_of_it]) == hunk.old_lines
        if hunk.index in accepted:
            lines[place_of_it] = hunk.new_lines
    if all(line.endswith(b"\n") for line in lines[:-1]):
        assert choose(before, after, accepted=accepted) == b"".join(lines)
    assert choose(before, after, accepted=range(len(hunks))) == after
    assert choose(before, after, accepted=()) == before


@settings(max_examples=6)
@given(pairs=st.lists(st.tuples(TEXTS, TEXTS).filter(lambda pair: pair[0] != pair[1]), min_size=15, max_size=15))
def test_git_and_unidiff_read_a_diff_as_it_is_meant(pairs: list[tuple[bytes, bytes]]) -> None:
    with tempfile.TemporaryDirectory() as folder:
        root = Path(folder)
        written: list[str] = []
        for number, (before, after) in enumerate(pairs):
            (root / f"{number}.txt").write_bytes(before)
            text = unified(f"{number}.txt", before, after)
            (file,) = PatchSet(StringIO(text, newline=""))
            changed = [
                (line.is_added, line.value.rstrip("\n"))
                for part in file
                for line in part
                if line.is_added or line.is_removed
            ]
            meant = [
                (is_new, line.decode().rstrip("\n"))
                for hunk in split(before, after)
                for is_new, lines in ((False, hunk.old_lines), (True, hunk.new_lines))
                for line in lines
            ]
            assert changed == meant
            written.append(text)
        (root / "all.diff").write_bytes("".join(written).encode())
        git(root, "apply", "all.diff")
        assert [(root / f"{number}.txt").read_bytes() for number in range(len(pairs))] == [after for _, after in pairs]


def taken(text: str, files: dict[str, bytes], target: Target | None = None) -> None:
    """Read and place whatever it is: a value comes back."""
    answer = read_answer(text, finish="stop", target=target)
    assert isinstance(answer, (Answer, Refusal))
    if isinstance(answer, Answer):
        outcome = place(answer, files)
        assert outcome
        assert {type(item) for item in outcome} in ({FileChange}, {Refusal})


TARGETS = st.sampled_from(
    [None, Target(PATH, "blocks"), Target(PATH, "whole"), Target(PATH, "region", 1, 2), Target(PATH, "region", 3, 90)]
)
SCRAPS = (*MARKERS, *ODD, PATH, f"--- a/{PATH}", f"+++ b/{PATH}", f"*** Add File: {PATH}", "*** Move to: x", "\ud83d")
DRESSED = [f"{mark}{scrap}\n" for scrap in SCRAPS for mark in ("", " ", "+", "-")]
SCRAPPY = st.lists(st.sampled_from(DRESSED), max_size=25).map("".join)
ANY_BYTES = st.binary(max_size=200).map(lambda data: data.decode("utf-8", "surrogateescape"))


@settings(max_examples=10 * SOME, suppress_health_check=[HealthCheck.too_slow])
@given(
    text=st.one_of(st.text(max_size=200), ANY_BYTES, SCRAPPY),
    file=st.one_of(SCRAPPY, st.just("a\nb\nx = 1\n")),
    target=TARGETS,
)
def test_any_text_is_an_answer_or_a_refusal(text: str, file: str, target: Target | None) -> None:
    taken(text, {PATH: file.encode("utf-8", "replace"), **OTHER}, target)


def block(search: str, replace: str) -> str:
    return f"{PATH}\n<<<<<<< SEARCH\n{search}=======\n{replace}>>>>>>> REPLACE\n"


FEW_LINES = b"same\na\n"
SAME = b"same\n" * 100_000
NEARLY_SAME = b"same \n" * 90_000 + b"same\n" * 20
TWINS = b"".join(b"line %d\n" % number for number in range(100_000)) + b"twin\n.\n" * 30
HEAD = f"--- a/{PATH}\n+++ b/{PATH}\n"
MARK = "# ... existing code ...\n"
HOSTILE: dict[str, tuple[Callable[[], str], bytes, Target | None]] = {
    "a line of 4 million": (lambda: block("x" * 1_900_000 + "\n", "x" * 1_900_000 + "y\n"), b"x" * 4_000_000, None),
    "a line of many words": (lambda: block("ab " * 500_000 + "\nb\n", "c\n"), b"ab " * 1_300_000 + b"\nb\n", None),
    "fits everywhere": (lambda: block("same\n", "other\n"), SAME, None),
    "is put everywhere": (lambda: block("same\n", "same\nother\n"), SAME, None),
    "twenty lines fit everywhere": (lambda: block("same\n" * 20, "other\n"), SAME, None),
    "blocks that nearly fit": (lambda: block("same\n" * 20, "other\n") * 9, NEARLY_SAME, None),
    "blocks with many twins": (lambda: block("twin\n", "other\n") * 100, TWINS, None),
    "hunks that fit everywhere": (lambda: HEAD + "@@\n-same\n+other\n" * 3000, b"same\n" * 400, None),
    "one hunk of many lines": (lambda: f"{HEAD}@@ -1,100000 +1,100001 @@\n" + " same\n" * 100_000 + "+x\n", SAME, None),
    "nested fences": (lambda: "```a\n" * 20_000 + "```\n" * 20_000, FEW_LINES, Target(PATH, "whole")),
    "fences in a row": (lambda: "```\nx\n```\n" * 20_000, b"```\nx\n```\n" * 9_000, Target(PATH, "whole")),
    "fenced hunks": (lambda: f"```diff\n{HEAD}@@\n-x\n+y\n```\n" * 20_000, FEW_LINES, None),
    "many heads": (lambda: "<<<<<<< SEARCH\n" * 20_000, FEW_LINES, None),
    "many hunks": (lambda: "@@\n" * 100_000 + "+x\n", FEW_LINES, None),
    "many dividers": (lambda: block("=======\n" * 100_000, "x\n"), FEW_LINES, None),
    "many blocks": (lambda: block("a\n", "b\n") * 30_000, b"a\n", None),
    "many JSON edits": (lambda: json.dumps([{"path": PATH, "old": "a", "new": "b"}] * 30_000), b"a\n", None),
    "nested JSON lists": (lambda: "[" * 1_000_000, FEW_LINES, None),
    "nested JSON objects": (lambda: '{"edits":' * 100_000 + "1" + "}" * 100_000, FEW_LINES, None),
    "a number of many digits": (lambda: f"{HEAD}@@ -{'9' * 5000} +1 @@\n-same\n+x\n", FEW_LINES, None),
    "backticks": (lambda: "`" * 3_999_999, FEW_LINES, Target(PATH, "whole")),
    "lines of backticks": (lambda: "```\n" * 900_000, FEW_LINES, Target(PATH, "whole")),
    "tildes and a backtick": (lambda: "~" * 100_000 + "`", FEW_LINES, None),
    "many marks": (lambda: f"```\n{MARK * 30_000}```\n", SAME + MARK.encode(), Target(PATH, "whole")),
    "half a character": (lambda: block("a\n", "\ud83d\n"), b"a\n", None),
}


@pytest.mark.parametrize("name", sorted(HOSTILE))
def test_hostile_answers_end_soon_with_a_value(name: str) -> None:
    text, file, target = HOSTILE[name]
    written = text()
    started = time.process_time()
    taken(written, {PATH: file}, target)
    assert time.process_time() - started < 5
