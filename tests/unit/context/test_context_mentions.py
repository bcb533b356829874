from pathlib import Path

import pytest

from hybridcode.context.corpus import Corpus
from hybridcode.context.outline import Outlined, outline
from hybridcode.domain.mentions import Mention, mentions
from tests.support.contexts import corpus_of

PATHS = ("a/big.py", "a/b.py", "README.md", "my notes.md", "Makefile")


@pytest.mark.parametrize(
    ("text", "found"),
    [
        ("see @a/b.py", [("a/b.py", "a/b.py")]),
        ("see (@a/b.py), please", [("a/b.py", "a/b.py")]),
        ("like @./a/b.py#total.", [("a/b.py", "a/b.py")]),
        ("@README.md and @Makefile and @README.md", [("README.md", "README.md"), ("Makefile", "Makefile")]),
        ("@my notes.md: follow it", [("my notes.md", "my notes.md")]),
        ("in @a/ and @a", [("a/", "a/")]),
        ("@a/gone.py!", [("a/gone.py", None)]),
        ("mail me@a/b.py", []),
        ("@ alone", []),
    ],
)
def test_mentions_are_read_as_a_person_means_them(text: str, found: list[Mention]):
    assert [tuple(mention) for mention in mentions(text, PATHS)] == found


@pytest.fixture(scope="module")
def corpus(tmp_path_factory: pytest.TempPathFactory) -> Corpus:
    files = {"AGENTS.md": "# Rules\n\nPrices are exact.\n" + "A rule.\n" * 40}
    files |= {
        f"shop/cart{number}.py": f"def total{number}(cart):\n    return sum(cart)\n" + f"# total {number}\n" * 90
        for number in range(40)
    }
    files["far/away.py"] = "def unrelated(x):\n    return x\n"
    files["far/large.py"] = "".join(f"def row_{number}(x):\n    return x + {number}\n\n\n" for number in range(900))
    files["far/empty.py"] = ""
    return corpus_of(tmp_path_factory.mktemp("mentions") / "ws", files)


def asked(corpus: Corpus, task: str, budget: int) -> Outlined:
    found = outline(corpus, task=task, budget=budget)
    assert found.window.used <= budget
    return found


@pytest.mark.parametrize("budget", [4_000, 8_000, 16_000])
def test_a_mentioned_file_is_in_the_window_whole_however_far_from_the_task_it_ranks(corpus: Corpus, budget: int):
    task = "make the total of the cart exact"
    assert "def unrelated" not in asked(corpus, task, budget).window.text
    window = asked(corpus, f"{task}, see @far/away.py", budget).window
    assert "def unrelated(x):\n    return x\n" in window.text
    assert [(e.start, e.end) for e in window.excerpts if e.path == "far/away.py"] == [(1, 2)]


@pytest.mark.parametrize("budget", [4_000, 8_000, 16_000])
def test_a_large_one_shows_what_it_defines_and_its_head_and_pushes_nothing_out(corpus: Corpus, budget: int):
    window = asked(corpus, "make the total exact as @far/large.py does", budget).window
    assert "far/large.py defines" in window.text
    assert "def row_0(x):\n    return x + 0\n" in window.text
    assert "Prices are exact." in window.text
    assert "shop/cart0.py" in window.text
    assert any(note.startswith("far/large.py is cut after line ") for note in window.notes)
    assert "more)\n" in window.text


def test_one_large_mention_leaves_the_others_their_share(corpus: Corpus):
    window = asked(corpus, "@far/large.py and @shop/cart7.py and @far/away.py", 4_000).window
    shown = {excerpt.path for excerpt in window.excerpts if excerpt.reason == "mentioned"}
    assert shown == {"far/large.py", "shop/cart7.py", "far/away.py"}


def test_what_cannot_be_shown_is_said_and_unknown_names_change_nothing(corpus: Corpus):
    window = asked(corpus, "fill @far/empty.py", 4_000).window
    assert "far/empty.py is empty and cannot be shown" in window.notes
    plain = asked(corpus, "make totals exact", 4_000).window.text
    assert asked(corpus, "make totals exact", 4_000).window.text == plain
    assert "nowhere" not in asked(corpus, "make totals exact @nowhere.py", 4_000).window.text


def test_the_same_mention_gives_the_same_bytes(corpus: Corpus, tmp_path: Path):
    again = corpus_of(
        tmp_path / "other" / "ws", {path: corpus.snapshot.text(path) or "" for path in sorted(corpus.snapshot.files)}
    )
    task = "as in @far/large.py and @far/away.py"
    assert (
        outline(again, task=task, budget=4_000).window.digest == outline(corpus, task=task, budget=4_000).window.digest
    )


def test_the_smallest_window_still_holds_no_more_than_its_budget(corpus: Corpus):
    for budget in (32, 64, 120, 300):
        asked(corpus, "@far/large.py @far/away.py @AGENTS.md", budget)
