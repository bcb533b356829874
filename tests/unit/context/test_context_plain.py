from pathlib import Path

import pytest

from hybridcode.context.corpus import Corpus
from hybridcode.context.named import named_files
from hybridcode.context.outline import outline
from hybridcode.context.plain import plain_names
from hybridcode.context.query import read_query
from hybridcode.context.task import read_task
from tests.support.contexts import corpus_of

LONG = "".join(f"    row_{n} = {n}\n" for n in range(400))
FILES = {
    "src/dates.py": "class Clock:\n    def readline(self):\n        pass\n\n\n"
    "def naturalday(value):\n    return 1\n\n\n"
    "def parse(text):\n    return 2\n\n\ndef update(x):\n    return 3\n\n\ndef format(x):\n    return 4\n\n\n"
    "def first(x):\n    return 5\n\n\ndef moderate(x):\n    return 7\n",
    "src/cookie.js": "function serialize(name) {\n  return name;\n}\n\n// serialize the value\n",
    "src/cookie.d.ts": "export function serialize(name: string): string;\n",
    "src/filesizes.py": "SUFFIXES = 1\n\n\ndef naturalsize(x):\n    return 6\n",
    "src/one.py": "def everywhere(x):\n    return x\n",
    "src/two.py": "def everywhere(x):\n    return x\n",
    "src/long.py": f"def stretched(rows):\n{LONG}    return rows\n",
    "tests/test_dates.py": "def naturalday():\n    pass\n\n\ndef only_here():\n    pass\n",
    "tests/test_more.py": "def testament():\n    pass\n",
    "README.md": "# dates\n\nReads moderate dates, as `naturalday` does.\n\n    naturalday(x)\n\n```\nnaturalday\n```\n"
    "See https://example.invalid/naturalday and src/naturalday.\n",
    "setup.cfg": "[packages]\nfind = 1\n",
}


@pytest.fixture(scope="module")
def corpus(tmp_path_factory: pytest.TempPathFactory) -> Corpus:
    return corpus_of(tmp_path_factory.mktemp("plain") / "tree", FILES)


@pytest.mark.parametrize(
    ("task", "found"),
    [
        ("naturalday says yesterday", ["src/dates.py#naturalday!"]),
        ("let the naturalday's words be short", ["src/dates.py#naturalday!"]),
        ("Throw on invalid values provided to serialize", ["src/cookie.js#serialize"]),
        ("parse the date, then parse it again", ["src/dates.py#parse"]),
        ("the parse command is slow", ["src/dates.py#parse!"]),
        ("update the format of the value", ["src/dates.py#format"]),
        ("the first one wins", []),
        ("moderate the tone", ["src/dates.py#moderate"]),
        ("readline must not block", []),
        ("its filesizes helper", ["src/filesizes.py!"]),
        ("filesizes are wrong", ["src/filesizes.py!"]),
        ("everywhere and testament, only_here", []),
        ("see src/naturalday.txt, --naturalday, natural-parse, x.parse and parse.x", []),
        ("`naturalday` and naturalday", []),
        ("packages and find", []),
        ("", []),
    ],
)
def test_plain_words_name_what_the_tree_has_once(corpus: Corpus, task: str, found: list[str]) -> None:
    names = plain_names(corpus, read_query(task))
    shown = [
        corpus.paths[name.file] + "".join(f"#{one.name}" for one in name.symbols) + "!" * name.is_sure for name in names
    ]
    assert shown == found


@pytest.mark.parametrize(
    ("task", "is_clear", "files"),
    [
        ("naturalday says yesterday", True, ("src/dates.py",)),
        ("filesizes are wrong", False, ("src/filesizes.py",)),
        ("update the format, parse the date, moderate the value, serialize it", False, ()),
    ],
)
def test_only_sure_words_make_a_task_clear(corpus: Corpus, task: str, is_clear: bool, files: tuple[str, ...]) -> None:
    read = read_task(corpus, task)
    assert (read.clarity == "clear") is is_clear
    assert not files or files[0] in {*read.written, *(one.path for one in read.exact)}
    assert named_files(corpus, task) == files


@pytest.mark.parametrize(
    ("task", "text"),
    [
        ("Throw on invalid values provided to serialize", "function serialize(name) {\n  return name;\n}\n"),
        ("parse the date", "def parse(text):\n    return 2\n"),
        ("humanize its filesizes helper", "def naturalsize(x):\n    return 6\n"),
        ("naturalday is wrong", "def naturalday(value):\n    return 1\n"),
        ("is it stretched?", "def stretched(rows):\n    row_0 = 0\n"),
    ],
)
@pytest.mark.parametrize("budget", [400, 2_000])
def test_what_plain_words_name_is_shown(corpus: Corpus, task: str, text: str, budget: int) -> None:
    window = outline(corpus, task=task, budget=budget).window
    assert text in window.text
    assert window.used <= budget


def test_a_word_that_any_text_uses_is_not_sure(tmp_path: Path) -> None:
    spoken = {**FILES, "docs/guide.md": "All dates get naturalday names.\n"}
    assert [name.is_sure for name in plain_names(corpus_of(tmp_path, spoken), read_query("naturalday"))] == [False]
