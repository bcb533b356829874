import gc
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from hybridcode.context.corpus import Corpus
from hybridcode.context.index import Index
from hybridcode.repo.collecting import collector_rests
from tests.support.contexts import corpus_at
from tests.support.repos import write_tree

TERMS = ["total", "ledg", "row", "#total", "=ledgerrow", "nowher"]
BODIES = {
    "one": "def total(ledger):\n    return ledger\n",
    "two": "def total(ledger):\n    return ledger\n\n\ndef row(ledger_row):\n    return total(ledger_row)\n",
    "other": "def sum_of(rows):\n    return total(rows) + total(rows)\n",
    "empty": "",
}
FILES = {f"shop/part{n}.py": body for n, body in enumerate([*BODIES.values(), *BODIES.values(), *BODIES.values()])}


def everything(corpus: Corpus) -> tuple[object, ...]:
    """What a corpus says of its chunks, its files and where terms and names stand."""
    numbers = (corpus.first_chunk, corpus.file_of, corpus.lengths, corpus.file_lengths)
    counts = {term: list(found) for term, found in corpus.chunk_counts(TERMS).items()}
    names = ["total", "sum_of", "ledger_row"]
    return (*map(list, numbers), counts, corpus.links(names, 9), corpus.definers(names, 9))


@settings(max_examples=40, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(
    edits=st.lists(
        st.lists(st.tuples(st.sampled_from(sorted(FILES)), st.sampled_from([*BODIES, "fresh"])), max_size=10),
        max_size=4,
    )
)
def test_after_edits_a_corpus_is_the_same_as_one_that_is_made_anew(
    tmp_path_factory: pytest.TempPathFactory, edits: list[list[tuple[str, str]]]
) -> None:
    root = write_tree(tmp_path_factory.mktemp("layout"), FILES)
    index = Index.in_memory()
    everything(index.corpus(index.take(root)))
    for number, edit in enumerate(edits):
        for path, body in edit:
            (root / path).write_text(BODIES.get(body, f"def total(row):\n    return {number} + {path!r}\n"))
        corpus = index.corpus(index.take(root))
        found = everything(corpus)
        assert found == everything(corpus_at(root))
        assert everything(corpus.without(["shop/part1.py"])) == everything(corpus_at(root).without(["shop/part1.py"]))
        assert everything(corpus) == found
    index.close()


def test_an_answer_does_not_change_with_the_tree_that_is_asked_about_next(tmp_path: Path) -> None:
    root = write_tree(tmp_path, FILES)
    index = Index.in_memory()
    before = index.corpus(index.take(root))
    found = everything(before)
    (root / "shop/part0.py").write_text("def total(row):\n    return row + row\n")
    everything(index.corpus(index.take(root)))
    assert everything(before) == found


def test_the_collector_is_on_again_afterwards() -> None:
    with pytest.raises(ValueError, match="no"), collector_rests():
        assert not gc.isenabled()
        with collector_rests():
            pass
        assert not gc.isenabled()
        raise ValueError("no")
    assert gc.isenabled()
