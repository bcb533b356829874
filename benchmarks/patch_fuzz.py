"""Any bytes as an answer and the files it is placed on: looks for inputs that break what the patch room promises.

Invariant: for every input reading and placing raise nothing, end in time and give the same twice; lines that the answer
does not delete survive byte for byte, in order; every line that is new comes from the answer.

Needs atheris, which is no dependency of the project: install it into an environment that also has the project's own.
The seeds and the dictionary are built here; `--keep` names the folder for the corpus and for the inputs that broke a
promise, one for each kind, and `--case` tries one such input again, without atheris.
"""

import argparse
import importlib
import os
import sys
import time
import traceback
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from types import FunctionType, ModuleType
from typing import Any, Self, cast

from hybridcode.domain.action import FileChange
from hybridcode.domain.canonical import sha256_hex
from hybridcode.domain.refusal import Refusal
from hybridcode.domain.window import EditFormat, Target
from hybridcode.patch.answer import Answer, Edits, RegionRewrite, WholeFile
from hybridcode.patch.filetext import plain_keys
from hybridcode.patch.linediff import equal_pairs
from hybridcode.patch.place import place
from hybridcode.patch.read import read_answer
from hybridcode.repo.lines import split_lines

_PATH, _OTHER = "a.py", "lib/b.md"
_FORMATS: tuple[EditFormat | None, ...] = (None, "blocks", "whole", "region")
_BETWEEN = b"\0\0"
"""Stands between the first file, the second one and the answer in an input that is not made of scraps."""
_MAX_SECONDS = 2.0
_MAX_BYTES = 4_000
_BOM = b"\xef\xbb\xbf"

_SCRAPS = (
    *("<<<<<<< SEARCH\n", "=======\n", ">>>>>>> REPLACE\n", "```\n", "```python\n", "````\n", "~~~\n", "a.py\n"),
    *("--- a/a.py\n", "+++ b/a.py\n", "@@ -1,2 +1,2 @@\n", "@@\n", "@@ -3 +3 @@ def f():\n", "```diff\n"),
    *("*** Begin Patch\n", "*** Update File: a.py\n", "*** Add File: n.py\n", "*** Delete File: a.py\n"),
    *("*** Move to: c.py\n", "*** End Patch\n", "*** End of File\n", "rename from a.py\n", "rename to c.py\n"),
    *('{"path": "a.py", "old": "', '", "new": "', '"}', '{"edits": [', "]}", "\\n", "lib/b.md\n", "/dev/null"),
    *("# ... existing code ...\n", "    ...\n", "\n", "\r\n", "\r", "\t", "    ", " ", "+", "-", "\x0c", "\ufeff"),
    *("def f():\n", "    return 1\n", "    return 2\n", "x = 1\n", "}\n", "‘a’", "“", "—", "\u00a0", "\udce9", "é"),
    *("\ufffd", "<think>", "</think>", "\\ No newline at end of file\n", "diff --git a/a.py b/a.py\n", "x", "7"),
)
_DRESS = ("", " ", "-", "+", "  ", "\t")

_FILE = "import os\n\n\ndef area(w, h):\n    return w * h\n\n\ndef rim(w, h):\n    return w + h\n"
_OLD, _NEW = "    return w + h\n", "    return 2 * (w + h)\n"
_SEEDS = (
    f"a.py\n<<<<<<< SEARCH\n{_OLD}=======\n{_NEW}>>>>>>> REPLACE\n",
    f"--- a/a.py\n+++ b/a.py\n@@ -8,2 +8,2 @@\n def rim(w, h):\n-{_OLD}+{_NEW}",
    f"Here:\n```diff\n--- a.py\n+++ a.py\n@@\n def rim(w, h):\n-{_OLD}+{_NEW}```\n",
    f"*** Begin Patch\n*** Update File: a.py\n@@ def rim(w, h):\n-{_OLD}+{_NEW}*** End Patch\n",
    f"a.py\n```python\n{_FILE.replace(_OLD, _NEW)}```\n",
    f"```python\ndef rim(w, h):\n{_NEW}```\n",
    '{"path": "a.py", "old": "    return w + h", "new": "    return 2 * (w + h)"}',
    "a.py\n<<<<<<< SEARCH\nimport os\n# ... existing code ...\n    return w + h\n=======\n"
    f"import os\n# ... existing code ...\n{_NEW}>>>>>>> REPLACE\n",
)


class BrokenPromise(AssertionError):
    """An input for which the patch room does not do what it promises."""


@dataclass(frozen=True)
class Case:
    """One input of the patch room."""

    answer: str
    shown: dict[str, bytes]
    target: Target | None


class _Bytes:
    """The fuzzer's bytes, taken one by one; zeros when they are used up."""

    def __init__(self, data: bytes) -> None:
        self._data = data
        self._at = 0

    def take(self) -> int:
        self._at += 1
        return self._data[self._at - 1] if self._at <= len(self._data) else 0

    def rest(self) -> bytes:
        return self._data[self._at :]

    @property
    def is_empty(self) -> bool:
        return self._at >= len(self._data)


def case_of(data: bytes) -> Case:
    """What the fuzzer's bytes stand for: plain texts, or scraps of markers and of the file's own lines."""
    source = _Bytes(data)
    made_of_scraps, kind = source.take() % 2 == 1, source.take() % len(_FORMATS)
    start, height = source.take(), source.take()
    if made_of_scraps:
        files = [_encoded(_scraps(source, (), count=source.take() % 24)), _encoded(_scraps(source, (), count=2))]
        text = _scraps(source, files[0].decode("utf-8", "surrogateescape").splitlines(), count=400)
    else:
        parts = source.rest().split(_BETWEEN, 2)
        files, text = [parts[0], parts[1] if len(parts) == 3 else b""], parts[-1].decode("utf-8", "surrogateescape")
    lines = max(1, len(split_lines(files[0])))
    first = start % lines + 1
    target: Target | None = None
    if (chosen := _FORMATS[kind]) is not None:
        last = min(lines, first + height % 8)
        target = Target(_PATH, chosen, first, last) if chosen == "region" else Target(_PATH, chosen)
    return Case(answer=text, shown={_PATH: files[0]} | ({_OTHER: files[1]} if files[1] else {}), target=target)


def _encoded(text: str) -> bytes:
    return text.encode("utf-8", "surrogateescape")


def _scraps(source: _Bytes, lines: Sequence[str], *, count: int) -> str:
    pieces: list[str] = []
    while len(pieces) < count and not source.is_empty:
        number = source.take()
        if number < len(_SCRAPS):
            pieces.append(_SCRAPS[number])
        elif lines and number % 4:
            pieces.append(_DRESS[number % len(_DRESS)] + lines[source.take() % len(lines)] + "\n")
        else:
            pieces.append(chr(32 + number % 95))
    return "".join(pieces)


def run(case: Case) -> None:
    """Read and place one case. Raises: BrokenPromise."""
    started = time.process_time()
    answer, outcome = _placed(case)
    spent = time.process_time() - started
    if spent > _MAX_SECONDS:
        raise BrokenPromise(f"slow: {spent:.1f} s")
    again = Case(case.answer, dict(reversed(case.shown.items())), case.target)
    if _placed(again) != (answer, outcome):
        raise BrokenPromise("another result the second time")
    if isinstance(answer, Refusal):
        return
    if not outcome or len({isinstance(item, Refusal) for item in outcome}) != 1:
        raise BrokenPromise("neither changes nor refusals, or both")
    for item in outcome:
        if isinstance(item, FileChange) and item.before is not None and item.after is not None:
            _check_change(case, answer, item.path, item.before, item.after)


def _placed(case: Case) -> tuple[Answer | Refusal, tuple[FileChange, ...] | tuple[Refusal, ...]]:
    answer = read_answer(case.answer, finish="stop", target=case.target)
    return answer, () if isinstance(answer, Refusal) else place(answer, case.shown)


def _check_change(case: Case, answer: Answer, path: str, before: bytes, after: bytes) -> None:
    if case.shown.get(path) != before or before == after:
        raise BrokenPromise("before: it is not what was shown, or nothing changed")
    if b"\n" + _BOM not in before and "\ufeff" not in case.answer and before.startswith(_BOM) != after.startswith(_BOM):
        raise BrokenPromise("a BOM came or went")
    had_bom = before.startswith(_BOM)
    old, new = (split_lines(data.removeprefix(_BOM) if had_bom else data) for data in (before, after))
    _check_ends(old, new)
    if all(isinstance(edit, Edits) for edit in answer.edits):
        deleted, added = _marked(answer, "-"), _marked(answer, "+")
        _check_kept(_not_deleted(old, deleted), new)
        _check_new(old, new, added)
    elif len(answer.edits) == 1 and isinstance(edit := answer.edits[0], RegionRewrite):
        _check_kept([*old[: edit.start - 1], *old[edit.end :]], new)
        _check_new(old, new, _written(case.answer))
    elif len(answer.edits) == 1 and isinstance(answer.edits[0], WholeFile):
        texts = [[_bare(line) for line in lines] for lines in (old, new)]
        _check_kept([old[a] for a, _ in equal_pairs(*texts)], new)
        _check_new(old, new, _written(case.answer))


def _written(text: str) -> list[str]:
    """The lines of an answer, and those below its thoughts."""
    text = text.replace("\r\n", "\n")
    return [*text.split("\n"), *text.partition("</think>")[2].split("\n")]


def _marked(answer: Answer, mark: str) -> list[str]:
    edits = [edit for edit in answer.edits if isinstance(edit, Edits)]
    blocks = [block for edit in edits for readings in edit.readings for block in readings]
    return [line.text for block in blocks for line in block.lines if line.mark == mark]


def _check_ends(old: Sequence[bytes], new: Sequence[bytes]) -> None:
    """Line ends that are all the same stay so, and so does an end after the last line."""
    ends = {_end(line) for line in old} - {b""}
    if len(ends) == 1 and {_end(line) for line in new[:-1]} - ends:
        raise BrokenPromise("ends: another line end than the file has")
    if old and new and _end(old[-1]) and not _end(new[-1]):
        raise BrokenPromise("ends: the last line lost its end")


def _not_deleted(lines: Sequence[bytes], deleted: Iterable[str]) -> list[bytes]:
    keys = [plain_keys(text) for text in deleted]
    firsts, seconds = {first for first, _ in keys}, {second for _, second in keys}
    return [
        line
        for line, (first, second) in ((line, plain_keys(_text(line))) for line in lines)
        if first not in firsts and second not in seconds
    ]


def _check_kept(kept: Sequence[bytes], new: Sequence[bytes]) -> None:
    """`kept` stands in `new` in order, byte for byte but for the end of a file's last line."""
    rest = iter(new)
    for number, line in enumerate(kept):
        last = number == len(kept) - 1
        if not any(line == other or (last and line.rstrip(b"\r\n") == other.rstrip(b"\r\n")) for other in rest):
            raise BrokenPromise(f"kept: a line is lost or has other bytes: {line[:80]!r}")


def _check_new(old: Sequence[bytes], new: Sequence[bytes], written: Iterable[str]) -> None:
    """Every line is one of the file or one of the answer, but for its indentation."""
    known = {_text(line).strip() for line in old} | {text.strip() for text in written}
    if odd := next((line for line in new if _text(line).strip() not in known), None):
        raise BrokenPromise(f"new: a line that nobody wrote: {odd[:80]!r}")


def _end(line: bytes) -> bytes:
    return line[len(_bare(line)) :]


def _bare(line: bytes) -> bytes:
    return line.removesuffix(b"\n").removesuffix(b"\r") if line.endswith(b"\n") else line


def _text(line: bytes) -> str:
    return _bare(line).decode("utf-8", "surrogateescape")


class Findings:
    """Inputs that broke a promise, one for each kind, kept in a folder."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._seen = set[str]()

    def try_one(self, data: bytes) -> None:
        """Run one input; keep and report it if it is the first of its kind."""
        with _Caught() as caught:
            run(case_of(data))
        if (error := caught.error) is None:
            return
        frame = traceback.extract_tb(error.__traceback__)[-1]
        kind = f"{type(error).__name__} {frame.name}: {str(error).split(':')[0]}"
        if kind not in self._seen:
            self._seen.add(kind)
            name = self._folder / f"broken-{sha256_hex(kind.encode())[:8]}"
            name.write_bytes(data)
            print(f"{name}: {kind}: {error}", file=sys.stderr, flush=True)


class _Caught:
    """The fuzzer's edge: whatever an input raises is what is looked for."""

    error: Exception | None = None

    def __enter__(self) -> Self:
        return self

    def __exit__(self, _kind: object, error: BaseException | None, _trace: object) -> bool:
        self.error = error if isinstance(error, Exception) else None
        return self.error is not None


def seeds() -> Iterator[bytes]:
    """Well-formed answers over a file in several dresses, for each kind of target."""
    files = (_FILE, _FILE.replace("\n", "\r\n"), "\ufeff" + _FILE.removesuffix("\n"), _FILE.replace("\n\n", "\r\n\n"))
    for kind in range(len(_FORMATS)):
        for file in files:
            for answer in _SEEDS:
                yield bytes((0, kind, 7, 1)) + file.encode() + _BETWEEN + answer.encode()
    for number in range(0, len(_SCRAPS) - 8, 4):
        yield bytes((1, 0, 0, 3, 8, 46, 47, 48, 49, 46, 47, 48, 49, *range(number, number + 8), 200, 1, 201, 2))


def _instrument(atheris: Any, modules: Iterable[ModuleType]) -> None:
    """Let the fuzzer see which branches the functions and methods of `modules` take."""
    for module in modules:
        holders = [module, *(item for item in vars(module).values() if isinstance(item, type))]
        for holder in holders:
            if getattr(holder, "__module__", module.__name__) != module.__name__:
                continue
            for item in list(vars(holder).values()):
                function = getattr(item, "__func__", getattr(item, "fget", getattr(item, "func", item)))
                if isinstance(function, FunctionType) and function.__module__ == module.__name__:
                    atheris.instrument_func(function)


def fuzz(keep: Path, *, seconds: int, seed: int) -> None:
    """Fuzz for `seconds`; the process ends with it. Raises: SystemExit if atheris is missing."""
    try:
        # Not a dependency, and only fuzzing needs it: --case works without.
        atheris: Any = importlib.import_module("atheris")
    except ImportError as error:
        raise SystemExit("atheris is not installed here; see the head of benchmarks/patch_fuzz.py") from error
    corpus = keep / "corpus"
    corpus.mkdir(parents=True, exist_ok=True)
    for number, data in enumerate(seeds()):
        (corpus / f"seed-{number:03}").write_bytes(data)
    words = [scrap.encode("utf-8", "surrogateescape") for scrap in _SCRAPS]
    dictionary = keep / "markers.dict"
    dictionary.write_text("".join('"' + "".join(f"\\x{byte:02x}" for byte in word) + '"\n' for word in words))
    _instrument(atheris, [module for name, module in sys.modules.items() if name.startswith("hybridcode.patch.")])
    options = [f"-max_total_time={seconds}", f"-seed={seed}", f"-max_len={_MAX_BYTES}", f"-dict={dictionary}"]
    options += ["-timeout=60", "-rss_limit_mb=4096", f"-artifact_prefix={keep}{os.sep}", "-verbosity=1"]
    try_one: Callable[[bytes], None] = Findings(keep).try_one
    atheris.Setup([sys.argv[0], *options, str(corpus)], try_one)
    cast(Callable[[], None], atheris.Fuzz)()


def main() -> None:
    """Fuzz, or try one input again."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--keep", type=Path, default=Path("patch-fuzz"), help="folder for the corpus and the findings")
    parser.add_argument("--seconds", type=int, default=600, help="how long to look")
    parser.add_argument("--seed", type=int, default=1, help="start of the fuzzer's random numbers")
    parser.add_argument("--case", type=Path, help="try this one input instead, and show what it stands for")
    chosen = parser.parse_args()
    if chosen.case is None:
        fuzz(chosen.keep, seconds=chosen.seconds, seed=chosen.seed)
        return
    case = case_of(chosen.case.read_bytes())
    print(f"target: {case.target}\nfiles: {case.shown}\nanswer: {case.answer!r}\noutcome: {_placed(case)[1]}")
    run(case)


if __name__ == "__main__":
    main()
