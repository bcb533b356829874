import stat
from pathlib import Path

from gate_bench import Bench, open_bench

from hybridcode.domain.action import Applied
from hybridcode.gate.approvers import Refuse, Scripted, yes
from hybridcode.gate.undo import undo


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
    made = await undo(bench.session, bench.gate, step="s1")
    assert (made.restored, made.kept) == (("b",), ("a",))
    made = await undo(bench.session, bench.gate, step="s2")
    assert made.restored == ("a",)
    assert bench.read("a") == "1"
    made = await undo(bench.session, bench.gate, step="s1")
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
