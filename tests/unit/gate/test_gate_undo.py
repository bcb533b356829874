import stat
from pathlib import Path

import pytest
from gate_bench import Bench, open_bench, settings_with

from hybridcode.domain.action import Applied
from hybridcode.domain.errors import GateError, NoSuchSession, SessionBusy
from hybridcode.domain.exits import ExitCode
from hybridcode.gate.approvers import Refuse, Scripted, yes
from hybridcode.gate.taking_back import Reach
from hybridcode.gate.undo import undo
from hybridcode.journal.store import Journal


async def apply(bench: Bench, path: str, after: str | None, *, step: str = "s1", mode: int = 0o644) -> None:
    bench.gate.approver = Scripted([yes])
    assert isinstance(await bench.submit(bench.change(path, after, mode=mode), step=step), Applied)
    bench.gate.approver = Refuse()


async def test_a_session_is_taken_back(tmp_path: Path):
    bench = open_bench(tmp_path)
    bench.write("edited", "1\n")
    bench.write("deleted", "2\n")
    (bench.root / "deleted").chmod(0o750)
    await apply(bench, "edited", "one\n")
    await apply(bench, "deleted", None, step="s2")
    await apply(bench, "new/file", "3\n", step="s3")
    await apply(bench, "edited", "uno\n", step="s3")
    made = await undo(bench.session, bench.gate)
    assert (made.restored, made.kept) == (("deleted", "edited", "new/file"), ())
    assert (bench.read("edited"), bench.read("deleted"), bench.read("new/file")) == ("1\n", "2\n", None)
    assert stat.S_IMODE((bench.root / "deleted").stat().st_mode) == 0o750
    assert bench.events[-1] == made
    again = await undo(bench.session, bench.gate)
    assert (again.restored, again.kept) == ((), ())
    bench.journal.verify()


async def test_what_is_not_ours_any_more_is_kept(tmp_path: Path):
    bench = open_bench(tmp_path)
    await apply(bench, "a", "ours")
    await apply(bench, "b", "ours too")
    bench.write("a", "theirs")
    made = await undo(bench.session, bench.gate)
    assert (made.restored, made.kept) == (("b",), ("a",))
    assert (bench.read("a"), bench.read("b")) == ("theirs", None)


async def test_one_step_is_taken_back(tmp_path: Path):
    bench = open_bench(tmp_path)
    await apply(bench, "a", "1", step="s1")
    await apply(bench, "b", "1", step="s1")
    await apply(bench, "a", "2", step="s2")
    made = await undo(bench.session, bench.gate, Reach("s1"))
    assert (made.restored, made.kept) == (("b",), ("a",))
    made = await undo(bench.session, bench.gate, Reach("s2"))
    assert made.restored == ("a",)
    assert bench.read("a") == "1"
    made = await undo(bench.session, bench.gate, Reach("s1"))
    assert made.restored == ("a",)
    assert bench.read("a") is None


async def test_an_undo_stops_at_what_somebody_else_wrote_between(tmp_path: Path):
    bench = open_bench(tmp_path)
    await apply(bench, "a", "ours")
    bench.write("a", "theirs")
    await apply(bench, "a", "ours again")
    assert (await undo(bench.session, bench.gate)).restored == ("a",)
    assert bench.read("a") == "theirs"


async def test_an_undo_is_recorded_before_it_happens(tmp_path: Path):
    bench = open_bench(tmp_path)
    await apply(bench, "a", "x")
    before = len(bench.names)
    await undo(bench.session, bench.gate)
    assert bench.names[before:] == ["ProposalMade", "ProposalDecided", "EffectStarted", "EffectFinished", "UndoMade"]


async def test_work_after_an_undo_can_be_undone(tmp_path: Path):
    bench = open_bench(tmp_path)
    await apply(bench, "a", "1")
    await undo(bench.session, bench.gate)
    await apply(bench, "a", "2")
    assert (await undo(bench.session, bench.gate)).restored == ("a",)
    assert bench.read("a") is None


async def test_an_undo_that_was_denied_or_failed_says_why(tmp_path: Path):
    bench = open_bench(tmp_path)
    await apply(bench, "src/a", "x")
    denied = open_bench(tmp_path, settings=settings_with(deny=("Edit(src/**)",)))
    with pytest.raises(GateError, match=r"your rule Edit\(src/\*\*\) says deny") as raised:
        await undo(denied.session, denied.gate)
    assert (raised.value.exit_code, raised.value.hint != "") == (ExitCode.DENIED, True)
    (bench.root / "src" / "a").chmod(0o444)
    with pytest.raises(GateError, match="src/a: is read-only"):
        await undo(bench.session, bench.gate)
    assert bench.read("src/a") == "x"
    assert "UndoMade" not in bench.names
    (bench.root / "src" / "a").chmod(0o644)
    assert (await undo(bench.session, bench.gate)).restored == ("src/a",)


async def test_an_undo_of_an_unknown_session_makes_none(tmp_path: Path):
    bench = open_bench(tmp_path)
    with pytest.raises(NoSuchSession):
        await undo(bench.session, bench.gate)
    assert bench.journal.sessions() == []


async def test_an_undo_needs_the_session_for_itself(tmp_path: Path):
    bench = open_bench(tmp_path)
    await apply(bench, "a", "x")
    with Journal.open(bench.journal.path) as other:
        other.claim("s")
        with pytest.raises(SessionBusy):
            await undo(bench.session, bench.gate)
    bench.journal.claim("s")
    assert (await undo(bench.session, bench.gate)).restored == ("a",)


async def test_an_undo_waits_for_other_sessions_that_are_about_to_change_the_same_files(tmp_path: Path):
    bench = open_bench(tmp_path)
    await apply(bench, "a", "ours")
    with Journal.open(bench.journal.path) as journal:
        other = open_bench(tmp_path)
        other.gate.journal = journal.session("other")
        other.gate.approver = Refuse()
        await other.submit(other.change("a", "theirs"))
        journal.claim("other")
        with pytest.raises(SessionBusy, match="about to change a"):
            await undo(bench.session, bench.gate)
        assert bench.read("a") == "ours"
    assert (await undo(bench.session, bench.gate)).restored == ("a",)


async def test_an_undo_is_not_undone_and_a_step_that_is_none_is_named(tmp_path: Path):
    bench = open_bench(tmp_path)
    await apply(bench, "a", "x")
    await undo(bench.session, bench.gate)
    with pytest.raises(GateError, match="An undo is not undone") as refused:
        await undo(bench.session, bench.gate, Reach("(undo)"))
    assert "approvals list --all" in refused.value.hint
    with pytest.raises(GateError, match="no step s9") as unknown:
        await undo(bench.session, bench.gate, Reach("s9"))
    assert (unknown.value.exit_code, "s1" in unknown.value.hint) == (ExitCode.USAGE, True)


async def test_the_mode_that_an_edit_changed_comes_back(tmp_path: Path):
    bench = open_bench(tmp_path)
    bench.write("run", "1\n")
    await apply(bench, "run", "2\n", mode=0o755)
    assert (await undo(bench.session, bench.gate)).restored == ("run",)
    assert (bench.read("run"), stat.S_IMODE((bench.root / "run").stat().st_mode)) == ("1\n", 0o644)


async def test_what_policy_denies_is_kept_with_the_reason_and_the_rest_goes_back(tmp_path: Path):
    bench = open_bench(tmp_path)
    await apply(bench, "src/a", "x")
    await apply(bench, "b", "x")
    denied = open_bench(tmp_path, settings=settings_with(deny=("Edit(src/**)",)))
    made = await undo(denied.session, denied.gate)
    assert (made.restored, list(made.why)) == (("b",), ["src/a"])
    assert "your rule" in made.why["src/a"]
