from pathlib import Path

import pytest

from hybridcode.context.corpus import Corpus
from hybridcode.context.index import Index
from hybridcode.context.rank import rank
from hybridcode.context.records import analysed
from hybridcode.context.scores import MILLION
from hybridcode.context.terms import terms
from hybridcode.repo.snapshot import take


@pytest.fixture(scope="module")
def tree(tmp_path_factory: pytest.TempPathFactory) -> Corpus:
    root = tmp_path_factory.mktemp("ranked")
    files = {
        "net/retry.py": "def backoff_delay(attempt):\n    return 2 ** attempt\n",
        "net/socket_pool.py": "class SocketPool:\n    def acquire(self):\n        ...\n",
        "tests/test_retry.py": "def test_backoff_delay():\n    backoff_delay(1)\n    backoff_delay(2)\n",
        "docs/retry.md": "How the backoff delay works: retry, backoff, delay.\n",
        "poetry.lock": "backoff delay retry\n",
        "z/twin.py": "def same():\n    pass\n",
        "a/twin.py": "def same():\n    pass\n",
    }
    for path, text in files.items():
        file: Path = root / path
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_text(text)
    return Index.in_memory().corpus(take(root))


def order(tree: Corpus, sentence: str) -> list[str]:
    return [file.path for file in rank(tree, sentence).files]


def test_identifiers_are_split_and_stemmed() -> None:
    assert terms("parseHTTPHeaders retries the RETRIED_calls") == [
        "pars", "http", "head", "=parsehttpheaders", "retry", "retry", "call", "=retriedcalls",
    ]  # fmt: skip


def test_code_comes_before_its_tests_and_docs(tree: Corpus) -> None:
    assert order(tree, "cap the backoff delay")[0] == "net/retry.py"


def best_signals(tree: Corpus, sentence: str) -> dict[str, int]:
    ranking = rank(tree, sentence)
    return ranking.signals_of(ranking.files[0].file)


def test_tests_are_not_held_back_when_they_are_asked_for(tree: Corpus) -> None:
    held = {file.path: file.score for file in rank(tree, "backoff delay").files}
    asked = {file.path: file.score for file in rank(tree, "tests of backoff delay").files}
    assert asked["tests/test_retry.py"] > held["tests/test_retry.py"]


def test_a_file_named_in_the_sentence_is_first(tree: Corpus) -> None:
    assert order(tree, "backoff delay in socket_pool.py")[0] == "net/socket_pool.py"
    assert best_signals(tree, "socket_pool.py")["mention"] == MILLION
    assert "mention" not in best_signals(tree, "not_socket_pool.pyx")


def test_lock_files_and_strangers_are_not_ranked(tree: Corpus) -> None:
    found = order(tree, "backoff delay")
    assert "poetry.lock" not in found
    assert "net/socket_pool.py" not in found
    assert order(tree, "zebra") == []


def test_equal_scores_are_ordered_by_path(tree: Corpus) -> None:
    assert order(tree, "same") == ["a/twin.py", "z/twin.py"]


def test_scores_are_whole_millionths(tree: Corpus) -> None:
    ranking = rank(tree, "backoff delay")
    assert max(ranking.chunks.values()) == MILLION
    for file in ranking.files:
        values = ranking.signals_of(file.file).values()
        assert values
        assert all(isinstance(value, int) and 0 < value <= MILLION for value in values)


def test_chunks_are_functions_with_the_header_of_their_class() -> None:
    data = b"import os\n\n\nclass A(B):\n    x = 1\n\n    def f(self):\n        return 1\n\n\ny = 2\n"
    chunks = analysed("python", data).record.chunks
    assert [(chunk.start, chunk.end, chunk.name, chunk.header) for chunk in chunks] == [
        (1, 1, "", ""),
        (4, 5, "A", ""),
        (7, 8, "A.f", "class A(B):"),
        (11, 11, "", ""),
    ]


def test_long_runs_are_cut_and_every_solid_line_is_in_one_chunk() -> None:
    data = b"".join(b"line %d\n" % number for number in range(205))
    chunks = analysed("text", data).record.chunks
    covered = [number for chunk in chunks for number in range(chunk.start, chunk.end + 1)]
    assert covered == list(range(1, 206))
    assert max(chunk.end - chunk.start + 1 for chunk in chunks) == 40
