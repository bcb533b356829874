import random
import time

import pytest

from hybridcode.tui.entry import Entry, Fold
from hybridcode.tui.folding import lay_out
from hybridcode.tui.seeking import Match, Search, row_of
from hybridcode.tui.stack import KEPT_ROWS, REACH, Place, Stack

PARAGRAPHS = (
    Entry("●", "step"),
    Entry("", "a line that is longer than the width it is given, so that it wraps", "quiet"),
    Entry("answer", "# a\n\n- b\n- c\n\n```py\nx = 1\n```\n" * 6, form="markdown", fold=Fold(first=9)),
    Entry("", "\n".join(f"output {number}" for number in range(30)), "code", fold=Fold(last=6)),
    Entry("", "", "plain"),
    Entry("", "what was thought\n" * 9, "quiet", fold=Fold(says="thinking · 27 words")),
    Entry("", "漢字" * 30),
    Entry("", "window of 40 tokens · 2 excerpts\n  a.py 1-3 · named\n  b.py 1-9 · used", fold=Fold(is_summed_up=True)),
)


def stacked(entries: list[Entry], cells: int = 40) -> Stack:
    stack = Stack()
    stack.fit(cells)
    stack.add(entries)
    return stack


def settled(stack: Stack) -> None:
    for number in range(0, len(stack.entries), REACH):
        while stack.measure_near(number):
            pass
    assert stack.is_certain(0, len(stack.entries) - 1)


def test_every_row_has_one_place_however_it_was_measured() -> None:
    picks = random.Random(7)
    entries = [picks.choice(PARAGRAPHS) for _ in range(300)]
    for cells in (20, 41, 100):
        stack = stacked(entries, cells)
        settled(stack)
        rows = [len(lay_out(entry, cells).rows) for entry in entries]
        assert stack.height == sum(rows)
        places = [stack.place(row) for row in range(stack.height)]
        assert places == [Place(number, row) for number, count in enumerate(rows) for row in range(count)]
        assert stack.place(stack.height) is None
        assert stack.place(-1) is None


def test_what_is_in_sight_is_never_guessed() -> None:
    entries = [PARAGRAPHS[2 if number % 2 else 1] for number in range(400)]
    stack = stacked(entries)
    stack.measure_up(50)
    shown, number = 0, len(entries)
    while shown < 50:
        number -= 1
        assert stack.end(number) - stack.top(number) == len(lay_out(entries[number], 40).rows)
        shown += stack.end(number) - stack.top(number)
    stack.measure_down(0, 50)
    place = stack.place(49)
    assert place is not None
    assert stack.end(place.entry - 1) == sum(len(lay_out(entry, 40).rows) for entry in entries[: place.entry])
    assert not stack.is_certain(100, 300)


def test_laid_out_rows_are_bounded() -> None:
    stack = stacked([Entry("", "\n".join(map(str, range(100)))) for _ in range(200)])
    settled(stack)
    assert stack.height == 20_000
    assert sum(len(found.rows) for found in vars(stack)["_laid"].values()) <= KEPT_ROWS


@pytest.mark.parametrize("number", [2, 3, 5, 7])
def test_folding_one_and_all(number: int) -> None:
    stack = stacked(list(PARAGRAPHS))
    whole = len(lay_out(PARAGRAPHS[number], 40, is_open=True).rows)
    folded = len(stack.laid(number).rows)
    assert folded < whole
    assert stack.hidden(number) >= whole - folded
    stack.unfold(number, is_open=True)
    assert len(stack.laid(number).rows) == whole
    stack.unfold_all(is_open=True)
    settled(stack)
    assert stack.height == sum(len(lay_out(entry, 40, is_open=True).rows) for entry in PARAGRAPHS)
    stack.unfold(number, is_open=False)
    assert len(stack.laid(number).rows) == folded
    stack.add([PARAGRAPHS[number]])
    assert len(stack.laid(len(PARAGRAPHS)).rows) == whole, "what comes is unfolded too"
    stack.unfold_all(is_open=False)
    settled(stack)
    assert stack.height == sum(len(lay_out(entry, 40).rows) for entry in [*PARAGRAPHS, PARAGRAPHS[number]])


def test_a_fold_that_would_hide_one_row_hides_none() -> None:
    entry = Entry("", "1\n2\n3", fold=Fold(first=2))
    assert [row.text for row in lay_out(entry, 10).rows] == ["1", "2", "3"]


def test_adding_and_another_width_cost_little() -> None:
    entries = [PARAGRAPHS[number % len(PARAGRAPHS)] for number in range(10_000)]
    spent: list[float] = []
    for cells in (90, 60, 120):
        stack = stacked([], 80)
        began = time.process_time()
        stack.add(entries)
        stack.measure_up(50)
        assert stack.height > 10_000
        stack.fit(cells)
        stack.measure_up(50)
        assert stack.height > 10_000
        spent.append(time.process_time() - began)
    assert min(spent) < 0.25, "the target is 0.1 s; the rest is for a machine that is busy"


def test_matches_are_counted_over_all_paragraphs_and_found_in_their_rows() -> None:
    stack = stacked([Entry("", "Total of totals"), Entry("", "none"), Entry("", "the\n" * 3 + "TOTAL")])
    search = Search("total", stack.entries)
    assert search.count == 3
    assert [search.match(number) for number in range(3)] == [Match(0, 0), Match(0, 1), Match(2, 0)]
    assert [search.first_from(entry) for entry in range(4)] == [0, 2, 2, 2]
    assert row_of(stack.laid(2).rows, "total", 0) == 3
    search.extend([Entry("", "one total more")])
    assert (search.count, search.match(3)) == (4, Match(3, 0))


def test_a_match_that_a_line_break_cuts_is_found_where_it_begins() -> None:
    rows = stacked([Entry("", "find the words of this sentence here")], 20).laid(0).rows
    assert [row.text for row in rows] == ["find the words of", "this sentence here"]
    assert row_of(rows, "of this", 0) == 0
    assert row_of(rows, "sentence", 0) == 1


def test_searching_ten_thousand_paragraphs_costs_little() -> None:
    entries = [PARAGRAPHS[number % len(PARAGRAPHS)] for number in range(10_000)]
    began = time.process_time()
    assert Search("output 7", entries).count > 1_000
    assert time.process_time() - began < 0.25
