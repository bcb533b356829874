import hashlib
from collections import defaultdict
from collections.abc import Sequence
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from hybridcode.context.assemble import assemble
from hybridcode.context.corpus import Corpus
from hybridcode.context.lookup import look_up
from hybridcode.context.packing import EDITING, FINDING, Candidate, Candidates, Style, pack
from hybridcode.context.passages import Reader, Taken, joined, lines_passage, rendered
from hybridcode.context.rank import rank
from hybridcode.context.receipt import Answer, Kind, answer
from hybridcode.context.render import numbered
from hybridcode.domain.errors import ContextError
from hybridcode.domain.plan import Region, Step
from hybridcode.domain.window import Excerpt
from tests.support.contexts import corpus_at, corpus_of
from tests.support.repos import write_tree

QUERIES = (
    "settle the ledger",
    "Basket.settle drops a row, see shop/part3.py and long/all.py",
    "fences of the ledger in ticks",
    "test the basket, documented in the README",
)


def part(number: int) -> str:
    gap = "\n" * (number % 5 + 1)
    return (
        f'"""Part {number} of the ledger."""\n\nimport json\n\nLEDGER_{number} = {number}\n{gap}'
        f"class Basket{number}(Base):\n    def settle(self, ledger):\n        return [ledger] * {number}\n{gap}"
        f"    def drop(self, row):\n        return json.dumps(row)\n{gap}"
        f"def settle{number}(ledger):\n    return Basket{number}().settle(ledger)\n"
    )


@pytest.fixture(scope="module")
def corpus(tmp_path_factory: pytest.TempPathFactory) -> Corpus:
    root = tmp_path_factory.mktemp("packing")
    files = {f"shop/part{number}.py": part(number) for number in range(24)}
    files |= {
        f"web/part{number}.ts": f"export function settle{number}(ledger) {{ return ledger }}\n" for number in range(9)
    }
    files |= {
        f"tests/test_part{number}.py": f"def test_settle{number}():\n    assert settle{number}(1)\n"
        for number in range(9)
    }
    files |= {
        "AGENTS.md": "# Rules\n\nA ledger is never rounded.\n" * 20,
        "README.md": "# Shop\n\n" + "The ledger and its basket.\n\n" * 120,
        "ticks/fences.md": "# Fences\n\n````\nsettle the ledger\n````\n\n" + "`" * 40 + "\n\nledger\n\n\n\n" + "`" * 9,
        "long/all.py": "def settle_all(ledger):\n" + "".join(f"    row{n} = ledger[{n}]\n" for n in range(500)),
        "long/words.txt": "settle the ledger\n" * 3_000,
        "crlf.py": "def settle_crlf(ledger):\r\n    return 1\r\n\r\n\r\ndef drop_crlf(ledger):\r\n    return '\r'\r\n",
        "no_end.py": "def settle_no_end(ledger):\n    return ledger",
        "empty.py": "",
        "blank.py": "\n\n\n",
        "wide.py": "def settle_wide(ledger):\n    return '" + "ü€𝔘" * 200 + "'\n",
    }  # fmt: skip
    write_tree(root, files)
    (root / "latin.py").write_bytes(b"def settle_latin(ledger):\n    return '" + b"\xff" * 300 + b"'\n")
    return corpus_at(root)


def check_excerpts(corpus: Corpus, excerpts: Sequence[Excerpt]) -> None:
    """They lie inside their files and no line is shown twice."""
    reader = Reader(corpus.snapshot)
    shown: dict[str, set[int]] = defaultdict(set)
    for excerpt in excerpts:
        assert 1 <= excerpt.start <= excerpt.end <= len(reader.lines(excerpt.path))
        lines = set(range(excerpt.start, excerpt.end + 1))
        assert not lines & shown[excerpt.path]
        shown[excerpt.path] |= lines


def check_answer(corpus: Corpus, found: Answer, budget: int) -> None:
    receipt, size = found.receipt, len(found.text.encode())
    assert size <= 4 * budget
    assert receipt.used == -(-size // 4) <= receipt.budget == budget
    assert receipt.sha256 == hashlib.sha256(found.text.encode()).hexdigest()
    check_excerpts(corpus, receipt.excerpts)
    for passage in found.passages:
        excerpt = passage.excerpt
        lines = corpus.snapshot.read(excerpt.path).split(b"\n")[excerpt.start - 1 : excerpt.end]
        text = b"\n".join(lines).decode("utf-8", "replace").replace("\r\n", "\n").removesuffix("\r")
        assert passage.lines.removesuffix("\n") == text
        shown = numbered(passage.lines, excerpt.start) if passage.is_numbered else passage.lines
        assert shown in found.text


@settings(max_examples=120)
@given(
    budget=st.one_of(st.integers(32, 700), st.integers(32, 20_000)),
    query=st.sampled_from(QUERIES),
    kind=st.sampled_from(("finding", "outline")),
)
def test_no_budget_is_ever_exceeded(corpus: Corpus, budget: int, query: str, kind: Kind) -> None:
    check_answer(corpus, answer(corpus, query=query, budget=budget, kind=kind), budget)


@settings(max_examples=60)
@given(budget=st.integers(32, 20_000), query=st.sampled_from(QUERIES))
def test_names_of_more_files_take_little_room_and_are_counted(corpus: Corpus, budget: int, query: str) -> None:
    found = answer(corpus, query=query, budget=budget)
    _, mark, tail = found.text.partition("## More files\n")
    assert found.receipt.tail == -(-len((mark + tail).encode()) // 4)
    assert len((mark + tail).encode()) * 32 <= 4 * budget
    listed = [line.partition(": ")[0] for line in tail.split("\n")[1:] if line and not line.startswith("`")]
    assert not {passage.excerpt.path for passage in found.passages} & set(listed)
    assert len(set(listed)) == len(listed)


@settings(max_examples=60)
@given(room=st.integers(0, 80_000), query=st.sampled_from(QUERIES), style=st.sampled_from((FINDING, EDITING)))
def test_no_file_takes_more_than_its_share(corpus: Corpus, room: int, query: str, style: Style) -> None:
    packed = pack(rank(corpus, query), room=room, taken=Taken(), style=style)
    assert len(rendered(packed.passages).encode()) <= room
    sizes: dict[str, int] = defaultdict(int)
    for passage in packed.passages:
        sizes[passage.excerpt.path] += passage.size
    assert all(size <= room * style.share // 100 for size in sizes.values())


@settings(max_examples=60)
@given(room=st.integers(200, 30_000), query=st.sampled_from(QUERIES))
def test_what_is_cut_is_not_shown_and_its_reason_is_true(corpus: Corpus, room: int, query: str) -> None:
    packed = pack(rank(corpus, query), room=room, taken=Taken(), style=FINDING)
    check_excerpts(corpus, [passage.excerpt for passage in packed.passages])
    shown = {
        (passage.excerpt.path, line)
        for passage in packed.passages
        for line in range(passage.excerpt.start, passage.excerpt.end + 1)
    }
    sizes: dict[str, int] = defaultdict(int)
    for passage in packed.passages:
        sizes[passage.excerpt.path] += passage.size
    joins = 120 * (len(packed.passages) + 1)
    reader = Reader(corpus.snapshot)
    for cut in packed.cut:
        assert not {(cut.path, line) for line in range(cut.start, cut.end + 1)} & shown
        size = lines_passage(reader, cut.path, cut.start, cut.end, reason="").size
        if cut.reason == "no room":
            assert sum(sizes.values()) + size + joins > room
        else:
            assert cut.reason == "its file has its share"
            assert sizes[cut.path] + size + joins > room * FINDING.share // 100
    assert [cut.score for cut in packed.cut] == sorted((cut.score for cut in packed.cut), reverse=True)


@pytest.mark.parametrize("query", QUERIES)
def test_chunks_come_in_order_of_worth_path_and_line(corpus: Corpus, query: str) -> None:
    ranking = rank(corpus, query)
    every = [candidate for file in ranking.files for candidate in Candidates(ranking, ranking.files).of(file)]
    assert len(every) > len(ranking.files)
    assert list(Candidates(ranking, ranking.files).in_order()) == sorted(every)


@pytest.mark.parametrize("query", QUERIES)
def test_passing_over_large_chunks_changes_nothing_of_the_others(corpus: Corpus, query: str) -> None:
    ranking = rank(corpus, query)
    candidates = Candidates(ranking, ranking.files)
    every = list(Candidates(ranking, ranking.files).in_order())
    found: list[Candidate] = []
    for candidate in candidates.in_order():
        found.append(candidate)
        if len(found) == 9:
            candidates.most_bytes = 80
    assert found == every[:9] + [candidate for candidate in every[9:] if candidate.chunk.size <= 80]
    assert len(found) < len(every)


def test_what_is_shown_already_is_not_shown_again(corpus: Corpus) -> None:
    ranking = rank(corpus, QUERIES[0])
    taken = Taken()
    first = pack(ranking, room=6_000, taken=taken, style=FINDING)
    second = pack(ranking, room=6_000, taken=taken, style=FINDING)
    assert first.passages
    assert second.passages
    check_excerpts(corpus, [passage.excerpt for passage in (*first.passages, *second.passages)])


def test_with_only_some_files_no_other_is_looked_at(corpus: Corpus) -> None:
    packed = pack(rank(corpus, QUERIES[0]), room=9_000, taken=Taken(), style=FINDING, only={"long/words.txt"})
    assert {passage.excerpt.path for passage in packed.passages} == {"long/words.txt"}
    assert sum(passage.size for passage in packed.passages) > 9_000 * 6 // 10
    assert pack(rank(corpus, QUERIES[0]), room=9_000, taken=Taken(), style=FINDING, only=set()).passages == ()


@settings(max_examples=150)
@given(
    data=st.data(),
    lines=st.lists(
        st.sampled_from((b"\n", b"a\n", b"  \r\n", b"\xff\n", b"````\n", b"`````` x\n", b"\t\n")),
        min_size=1,
        max_size=24,
    ),
)
def test_joining_passages_never_makes_them_larger(
    tmp_path_factory: pytest.TempPathFactory, data: st.DataObject, lines: list[bytes]
) -> None:
    root = tmp_path_factory.mktemp("joined")
    (root / "a.md").write_bytes(b"".join(lines))
    reader = Reader(corpus_at(root).snapshot)
    starts = sorted(data.draw(st.sets(st.integers(1, len(lines)), min_size=1, max_size=6)))
    ends = [following - 1 for following in (*starts[1:], len(lines) + 1)]
    pieces = [
        lines_passage(reader, "a.md", start, data.draw(st.integers(start, end)), reason="rank")
        for start, end in zip(starts, ends, strict=True)
    ]
    whole = joined(reader, pieces)
    assert len(rendered(whole).encode()) <= len(rendered(pieces).encode())
    kept = [number for passage in whole for number in range(passage.excerpt.start, passage.excerpt.end + 1)]
    wanted = [number for piece in pieces for number in range(piece.excerpt.start, piece.excerpt.end + 1)]
    assert set(wanted) <= set(kept)
    assert len(kept) == len(set(kept))
    assert all(not lines[number - 1].strip() for number in set(kept) - set(wanted))


REGIONS = ("shop/part3.py#Basket3.settle", "shop/part3.py#L1-4", "crlf.py", "long/all.py#settle_all", "latin.py#L1")


@settings(max_examples=80)
@given(budget=st.integers(32, 8_000), region=st.sampled_from(REGIONS), more=st.sampled_from(("", *REGIONS[:3])))
def test_a_step_s_window_keeps_its_budget_or_says_why_not(corpus: Corpus, budget: int, region: str, more: str) -> None:
    touches = (region, more) if more and more != region else (region,)
    step = Step(
        id="s1", goal="Settle the ledger of every Basket.", touches=touches, reads=("shop/part5.py", "README.md")
    )
    wanted = Region.parse(region)
    try:
        window = assemble(step, corpus, region=wanted, budget=budget, format="region")
    except ContextError as error:
        assert str(budget) in error.message or "UTF-8" in error.message
        return
    assert len(window.text.encode()) <= 4 * budget
    assert window.used == -(-len(window.text.encode()) // 4) <= budget
    check_excerpts(corpus, window.excerpts)
    assert window.excerpts[-1].reason == "target"


@settings(max_examples=40)
@given(budget=st.integers(1, 4_000), search=st.sampled_from(("ledger", "Basket3", "absent", "`")))
def test_a_look_up_keeps_its_budget(corpus: Corpus, budget: int, search: str) -> None:
    text = look_up(
        corpus, read=("shop/part1.py", "long/all.py", "absent.py", "empty.py"), search=(search,), budget=budget
    )
    assert len(text.encode()) <= 4 * budget


def test_a_tree_of_nothing_but_blank_lines_gives_an_empty_window(tmp_path: Path) -> None:
    blank = corpus_of(tmp_path / "tree", {"a.py": "", "b.py": "\n\n"})
    found = answer(blank, query="ledger", budget=100)
    assert (found.text, found.receipt.excerpts, found.receipt.unmatched) == ("", (), ("ledger",))
