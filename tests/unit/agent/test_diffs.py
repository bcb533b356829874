import pytest

from hybridcode.agent.diffs import LIST_CHARS, Versions, bounded, bounded_diff, hunks_of
from hybridcode.agent.proving import Tried, draft_note
from hybridcode.domain.action import FileChange
from hybridcode.domain.events import CheckRan
from hybridcode.patch.hunks import unified

LINES = [f"line {number} of this file" for number in range(1, 101)]


def versions(*changed: int) -> Versions:
    new = [f"{line} is new" if number in changed else line for number, line in enumerate(LINES, 1)]
    return Versions("\n".join(LINES).encode(), "\n".join(new).encode())


def test_a_diff_that_fits_is_whole():
    files = {"b.py": versions(3), "a.py": Versions(None, b"x\n")}
    whole = "".join(unified(path, *files[path]) for path in ("a.py", "b.py"))
    assert bounded_diff(files, most_chars=6_000) == whole
    assert bounded_diff({}, most_chars=6_000) == ""


def test_hunks_are_whole_and_know_their_lines():
    found = hunks_of("a.py", versions(10, 50))
    assert "".join(one.text for one in found) == unified("a.py", *versions(10, 50))
    assert [(one.start, one.end) for one in found] == [(7, 14), (47, 54)]
    assert found[1].holds({53})
    assert not found[1].holds({54})


def test_the_lines_that_are_shown_are_known():
    files = {"a.py": versions(10, 50), "b.py": Versions(b"x\ny\n", b"y\nz"), "c.py": Versions(b"x\n", None)}
    whole = bounded(files, most_chars=6_000)
    assert whole.lines == {"a.py": {*range(7, 14), *range(47, 54)}, "b.py": {1, 2}, "c.py": set()}
    new = "".join(f"value_{number} = {number}\n" for number in range(2_000)).encode()
    cut = bounded({"new.py": Versions(None, new)}, most_chars=1_500)
    assert cut.lines == {"new.py": set(range(1, cut.text.count("+value_") + 1))}


def test_the_hunk_that_fails_is_shown_before_others_and_what_is_left_out_is_counted():
    files = {name: versions(10, 50, 90) for name in ("a.py", "b.py", "c.py")}
    hunks = {name: hunks_of(name, files[name]) for name in files}
    most = LIST_CHARS + len(hunks["b.py"][1].text) + len(hunks["b.py"][0].text) + 10
    found = bounded_diff(files, most_chars=most, places={"b.py": {50}})
    shown = hunks["b.py"][0].text + hunks["b.py"][1].text
    assert found.startswith(shown)
    assert found.removeprefix(shown).splitlines()[:2] == ["[b.py: 9 more lines]", "[a.py: 29 more lines]"]
    room = len(hunks["b.py"][0].heading) + len(hunks["b.py"][1].text)
    only = bounded_diff(files, most_chars=LIST_CHARS + room, places={"b.py": {50}})
    assert only.startswith(hunks["b.py"][0].heading + hunks["b.py"][1].text)


@pytest.mark.parametrize("most_chars", [1_500, 2_000, 6_000])
def test_a_large_new_file_is_shown_by_its_first_lines_within_the_room(most_chars: int):
    new = "".join(f"value_{number} = {number}\n" for number in range(2_000)).encode()
    files = {"new.py": Versions(None, new), **{f"{n}.py": versions(n + 1) for n in range(40)}}
    found = bounded_diff(files, most_chars=most_chars, places={"new.py": {1}})
    assert len(found) <= most_chars
    assert "+value_1 = 1\n" in found
    assert "more lines of it]\n" in found
    assert found.rstrip().endswith("more files]")


def test_a_later_hunk_stands_below_the_heading_of_its_own_file():
    files = {"a.py": versions(10, 30, 50, 70), "b.py": versions(10, 90)}
    last = hunks_of("b.py", files["b.py"])[1].text
    found = bounded_diff(files, most_chars=LIST_CHARS + len(last) + 30, places={"b.py": {90}})
    assert found.startswith(f"--- a/b.py\n+++ b/b.py\n{last}")


def test_long_runs_of_removed_lines_are_folded_where_not_all_has_room():
    short = [line for number, line in enumerate(LINES, 1) if not 20 <= number < 70]
    files = {"a.py": Versions("\n".join(LINES).encode(), "\n".join(short).encode()), "b.py": versions(3)}
    found = bounded_diff(files, most_chars=1_200)
    assert "-line 23 of this file\n[46 more removed lines]\n line 70 of this file\n" in found
    assert "+line 3 of this file is new\n" in found
    assert "[46 more removed lines]" not in bounded_diff(files, most_chars=4_000)


MANY = {name: versions(*range(5, 100, 9)) for name in ("a.py", "b.py", "c.py")}


def test_a_failed_draft_is_told_with_the_file_that_fails_first():
    changes = tuple(FileChange(name, before=one.before, after=one.after) for name, one in MANY.items())
    event = CheckRan("1", "make", passed=False, exit_code=1, tail="", seconds=0.1)
    told = draft_note(Tried(event, said="it failed", frames=(("c.py", 50),)), changes)
    assert told.index("+++ b/c.py") < told.index("[a.py: ")
