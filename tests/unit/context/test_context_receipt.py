import hashlib
from pathlib import Path

import msgspec
import pytest

from hybridcode.context.index import Index
from hybridcode.context.rank import WEIGHTS
from hybridcode.context.receipt import Kind, Receipt, answer, describe, differences
from hybridcode.context.scores import MILLION
from hybridcode.domain.errors import ContextError
from hybridcode.repo.history import Commit, History
from hybridcode.version import __version__
from tests.support.contexts import ask, corpus_at, corpus_of
from tests.support.repos import git, git_repository, write_tree

QUERY = "settle the ledger, `zebra` quagga"
FILES = {
    "shop/ledger.py": "def settle(ledger):\n    return ledger\n\n\ndef drop(ledger):\n    return None\n",
    "shop/basket.py": "from shop.ledger import settle\n\n\ndef total(basket):\n    return settle(basket)\n",
    "shop/hidden.py": "def settle_hidden(ledger):\n    return '\u202e'\n",
    "shop/broken.ts": "export function settleBroken(ledger: {\n if ((( }}} class\n" * 5,
    "main.go": "package main\n\nfunc SettleLedger() {}\n",
    "poetry.lock": "ledger\n",
    "crlf.lua": "function settle_crlf(ledger)\r\n  return ledger\r\nend\r\n",
}


@pytest.fixture
def root(tmp_path: Path) -> Path:
    return git_repository(tmp_path / "tree", FILES)


def receipt(root: Path, *, budget: int = 900, kind: Kind = "finding") -> Receipt:
    return ask(Index.in_memory(), root, QUERY, budget=budget, kind=kind).receipt


def test_everything_that_the_window_depends_on_is_there(root: Path) -> None:
    found = receipt(root)
    head = git(root, "rev-parse", "HEAD").strip()
    assert (found.query, found.budget, found.kind, found.version) == (QUERY, 900, "finding", __version__)
    assert (found.head, found.history) == (head, f"1 commits up to {head[:12]}")
    assert found.tree == Index.in_memory().take(root).digest
    assert set(found.grammars) == {"python", "go", "lua", "typescript"}
    assert all(found.grammars.values())
    assert found.weights == dict(WEIGHTS)
    assert found.files == 6
    assert [str(skipped) for skipped in found.left_out] == ["poetry.lock: a lock file"]
    assert found.unmatched == ("quagga", "zebra")


def test_signals_are_named_like_weights_and_are_parts_of_a_million(root: Path) -> None:
    for excerpt in receipt(root).excerpts:
        assert excerpt.signals
        assert set(excerpt.signals) <= set(WEIGHTS)
        assert all(0 < value <= MILLION for value in excerpt.signals.values())
        assert excerpt.score > 0


def test_a_person_is_told_what_is_odd(root: Path) -> None:
    notes = receipt(root).notes
    assert "1 files are left out, as poetry.lock: a lock file" in notes
    assert "shop/hidden.py holds characters that cannot be seen: U+202E" in notes
    assert any(note.startswith("shop/broken.ts does not parse as typescript") for note in notes)
    assert "crlf.lua has CRLF line ends; they are shown as LF and kept" in notes
    assert set(notes) <= set(receipt(root, kind="outline").notes)


def test_a_receipt_comes_back_from_json(root: Path) -> None:
    found = receipt(root, budget=40)
    assert found.cut
    assert msgspec.json.decode(msgspec.json.encode(found), type=Receipt) == found
    assert str(root) not in msgspec.json.encode(found).decode()


@pytest.mark.parametrize("kind", ["finding", "outline"])
def test_the_hash_is_that_of_the_text(root: Path, kind: Kind) -> None:
    found = ask(Index.in_memory(), root, QUERY, kind=kind)
    assert found.receipt.sha256 == hashlib.sha256(found.text.encode()).hexdigest()
    assert found.receipt.used == -(-len(found.text.encode()) // 4)


def test_the_same_bytes_have_no_differences_whatever_else_changed(root: Path) -> None:
    old = receipt(root)
    assert differences(old, receipt(root)) == []
    assert differences(old, msgspec.structs.replace(old, head=None, version="0", budget=1)) == []


def test_an_edit_is_found_in_tree_and_lines(root: Path) -> None:
    old = receipt(root)
    write_tree(root, {"shop/ledger.py": "\n\n" + FILES["shop/ledger.py"]})
    found = differences(old, receipt(root))
    assert [line.partition(":")[0] for line in found] == ["tree", "no longer shown", "shown now"]
    assert "no longer shown: shop/ledger.py#L1-6" in found


def test_a_commit_is_found_in_head_and_history(root: Path) -> None:
    old = receipt(root, budget=60)
    write_tree(root, {"main.go": FILES["main.go"] + "// settle the ledger settle the ledger\n"})
    git(root, "commit", "-q", "-a", "-m", QUERY)
    found = differences(msgspec.structs.replace(old, sha256="0" * 64), receipt(root, budget=60))
    assert [line.partition(":")[0] for line in found][:3] == ["tree", "head", "history"]


def test_other_text_in_the_same_lines_is_said_so(root: Path) -> None:
    old = receipt(root)
    assert differences(msgspec.structs.replace(old, sha256="0" * 64), old) == ["the same excerpts with other text"]


def test_grammars_and_weights_are_compared_as_a_whole(root: Path) -> None:
    old = msgspec.structs.replace(receipt(root), sha256="0" * 64)
    other = msgspec.structs.replace(old, sha256="1" * 64, grammars={"python": "9"}, weights={"body": 1})
    assert [line.partition(":")[0] for line in differences(old, other)] == ["grammars", "weights"]


def test_the_history_is_described() -> None:
    assert describe(History("abc", (Commit("abc", "start", ()),))) == "1 commits up to abc"
    assert describe(History(None, reason="not a git repository")) == "absent: not a git repository"


@pytest.mark.parametrize(
    ("query", "budget", "said"), [(" \n", 100, "query is empty"), ("a", 31, "too small"), ("a", -1, "too small")]
)
@pytest.mark.parametrize("kind", ["finding", "outline"])
def test_what_makes_no_sense_is_refused(root: Path, query: str, budget: int, said: str, kind: Kind) -> None:
    with pytest.raises(ContextError, match=said):
        answer(corpus_at(root), query=query, budget=budget, kind=kind)


@pytest.mark.parametrize("files", [{}, {"a.png": "\0"}, {"poetry.lock": "a\n", "a.min.js": "a\n"}])
@pytest.mark.parametrize("kind", ["finding", "outline"])
def test_a_tree_without_readable_files_is_refused(tmp_path: Path, files: dict[str, str], kind: Kind) -> None:
    with pytest.raises(ContextError, match="no files that can be shown"):
        answer(corpus_of(tmp_path / "bare", files), query="a", budget=100, kind=kind)


def test_commits_decide_only_through_what_the_receipt_names(root: Path) -> None:
    with_past = receipt(root)
    (root / ".git").rename(root.parent / "aside")
    without = receipt(root)
    assert without.history == "absent: not a git repository"
    assert without.head is None
    assert without.tree == with_past.tree
    assert not {"past", "recent"} & {name for excerpt in without.excerpts for name in excerpt.signals}
