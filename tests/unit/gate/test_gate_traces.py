import asyncio
import contextlib
import os
import stat
import tempfile
import time
from collections.abc import Callable
from pathlib import Path

import pytest
from gate_bench import Bench, open_bench, settings_with
from hypothesis import HealthCheck, given, settings
from hypothesis.strategies import lists, sampled_from, tuples

from hybridcode.domain.action import Failed, Ran, ShellCommand, Unknown
from hybridcode.domain.canonical import sha256_hex
from hybridcode.domain.events import CommandChanged, EffectStarted, NoticeGiven, TreeKept
from hybridcode.gate.approvers import Refuse, Scripted, yes
from hybridcode.gate.taking_back import Reach
from hybridcode.gate.undo import undo
from hybridcode.journal.states import ApprovalState
from tests.support.repos import git, git_repository

FILES = {"a.txt": "a\n", "d/b.txt": "b\n", "d/e/c.txt": "c\n", "run.sh": "true\n", ".gitignore": "built/\n*.log\n"}


def open_repository(folder: Path) -> Bench:
    git_repository(folder / "ws", FILES)
    return open_bench(folder)


async def run(bench: Bench, script: str, *, step: str = "s1") -> Ran:
    bench.gate.approver = Scripted([yes])
    receipt = await bench.gate.submit(ShellCommand(script=script), step=step)
    bench.gate.approver = Refuse()
    assert isinstance(receipt, Ran), receipt
    return receipt


def changed(bench: Bench) -> CommandChanged:
    return [event for event in bench.events if isinstance(event, CommandChanged)][-1]


def tree(root: Path) -> dict[str, tuple[str, bytes, int]]:
    """Everything below a folder but git's own: kind, content, permission bits."""
    found: dict[str, tuple[str, bytes, int]] = {}
    for path in sorted(root.rglob("*")):
        name = str(path.relative_to(root))
        if name.startswith(".git/") or name == ".git" or (path.is_dir() and not path.is_symlink()):
            continue
        if path.is_symlink():
            found[name] = ("link", os.fsencode(path.readlink()), 0)
        else:
            found[name] = ("file", path.read_bytes(), stat.S_IMODE(path.stat().st_mode))
    return found


@pytest.mark.parametrize(
    "script",
    [
        "echo more >> a.txt; echo new > new.txt; rm d/b.txt",
        "chmod 755 run.sh; chmod 444 a.txt",
        "ln -s a.txt link; ln -sf nowhere dangling",
        "rm a.txt; ln -s d/b.txt a.txt",
        "rm -r d; echo now a file > d",
        "rm a.txt; mkdir a.txt; echo deep > a.txt/deep",
        "rm -r d; ln -s . d",
        "mv d moved; mv a.txt d.txt",
        "rm a.txt && printf 'a\\n' > a.txt && chmod 600 a.txt",
        "printf '' > a.txt; printf '' > empty",
    ],
)
async def test_what_a_command_did_is_taken_back_byte_for_byte(tmp_path: Path, script: str):
    bench = open_repository(tmp_path)
    bench.write("untracked.txt", "only here\n")
    bench.write("d/b.txt", "changed since the commit\n")
    (bench.root / "run.sh").chmod(0o640)
    (bench.root / "oldlink").symlink_to("d/b.txt")
    before = tree(bench.root)
    await run(bench, script)
    assert tree(bench.root) != before
    made = await undo(bench.session, bench.gate)
    assert tree(bench.root) == before, made
    assert (made.kept, made.not_captured) == ((), ())
    again = await undo(bench.session, bench.gate)
    assert (again.restored, again.kept) == ((), ())
    assert git(bench.root, "fsck") == ""
    bench.journal.verify()


async def test_the_order_on_disk_is_kept_before_run_and_told_after(tmp_path: Path):
    bench = open_repository(tmp_path)
    await run(bench, "echo x > a.txt")
    assert bench.names == [
        "ProposalMade", "ProposalDecided", "EffectStarted", "TreeKept", "CommandChanged", "EffectFinished",
    ]  # fmt: skip
    kept = next(event for event in bench.events if isinstance(event, TreeKept))
    assert bench.session.keep_known({kept.manifest_sha256}) == set()
    assert [change.path for change in changed(bench).changes] == ["a.txt"]


async def test_what_only_reads_leaves_no_trace(tmp_path: Path):
    bench = open_repository(tmp_path)
    await bench.gate.submit(ShellCommand(argv=("cat", "a.txt")), step="s1")
    assert "TreeKept" not in bench.names


async def test_what_a_persons_rule_allows_is_captured_too(tmp_path: Path):
    git_repository(tmp_path / "ws", FILES)
    bench = open_bench(tmp_path, settings=settings_with(allow=("Bash(touch *)",)))
    await bench.gate.submit(ShellCommand(argv=("touch", "new")), step="s1")
    assert (await undo(bench.session, bench.gate)).restored == ("new",)


async def test_edits_and_commands_of_several_steps_go_back_in_one(tmp_path: Path):
    bench = open_repository(tmp_path)
    before = tree(bench.root)
    bench.gate.approver = Scripted([yes])
    await bench.submit(bench.change("a.txt", "edited\n"), step="s1")
    await run(bench, "echo appended >> a.txt; rm d/b.txt", step="s2")
    bench.gate.approver = Scripted([yes])
    await bench.submit(bench.change("d/b.txt", "made again\n"), step="s3")
    between = await undo(bench.session, bench.gate, Reach("s2"))
    assert (between.restored, between.why) == (("a.txt",), {"d/b.txt": "step s3 changed it later"})
    assert bench.read("a.txt") == "edited\n"
    assert (await undo(bench.session, bench.gate)).restored == ("a.txt", "d/b.txt")
    assert tree(bench.root) == before


async def test_what_was_touched_since_is_kept_with_the_reason(tmp_path: Path):
    bench = open_repository(tmp_path)
    await run(bench, "echo 1 > a.txt; echo 2 > d/b.txt; chmod 700 run.sh; echo 3 > new")
    bench.write("a.txt", "mine\n")
    (bench.root / "run.sh").chmod(0o711)
    (bench.root / "new").unlink()
    made = await undo(bench.session, bench.gate)
    assert made.restored == ("d/b.txt",)
    assert made.why == {
        "a.txt": "it changed since",
        "new": "it is gone",
        "run.sh": "its permission bits changed since",
    }
    assert bench.read("a.txt") == "mine\n"


async def test_what_is_out_of_sight_is_said_before_and_never_taken_for_new(tmp_path: Path):
    bench = open_repository(tmp_path)
    bench.write("built/out.bin", "old\n")
    bench.write("x.log", "precious\n")
    asked: list[tuple[str, ...]] = []
    bench.gate.approver = Scripted([lambda proposal: asked.append(proposal.notes) or yes(proposal)])
    script = "echo new > built/out.bin; echo appended >> x.log; rm .gitignore; echo y > y.txt"
    await bench.gate.submit(ShellCommand(script=script), step="s1")
    assert any("built/, x.log" in note for note in asked[0])
    assert any("without a sandbox" in note for note in asked[0])
    made = await undo(bench.session, bench.gate)
    assert made.restored == (".gitignore", "y.txt")
    assert {what.partition(" (")[0] for what in made.not_captured} == {"built/out.bin", "x.log"}
    assert (bench.read("x.log"), bench.read("built/out.bin")) == ("precious\nappended\n", "new\n")


async def test_outside_git_a_change_of_ignore_files_makes_nobody_lose_a_file(tmp_path: Path):
    bench = open_bench(tmp_path)
    bench.write(".gitignore", "*.log\n")
    bench.write("x.log", "precious\n")
    bench.write("a.txt", "a\n")
    await run(bench, "rm .gitignore; echo more >> x.log; echo b > a.txt")
    assert (await undo(bench.session, bench.gate)).restored == (".gitignore", "a.txt")
    assert bench.read("x.log") == "precious\nmore\n"
    assert bench.read("a.txt") == "a\n"


async def test_credentials_and_large_files_are_named_and_not_copied(tmp_path: Path):
    bench = open_repository(tmp_path)
    bench.write("deploy.pem", "-----BEGIN-----\n")
    (bench.root / "big").write_bytes(b"x" * 8_000_001)
    limits = await bench.gate.traces.limits(ShellCommand(script="make", network=True), sandbox="bwrap")
    assert any("big (too large to be read)" in note and "deploy.pem (holds credentials" in note for note in limits)
    assert any("network" in note for note in limits)
    bench.write("change.sh", "echo x >> deploy.pem; echo x >> big; cp big big2\n")
    await run(bench, "sh change.sh")
    made = await undo(bench.session, bench.gate)
    assert made.restored == ()
    assert sorted(what.partition(" (")[0] for what in made.not_captured) == ["big", "big2", "deploy.pem"]
    assert bench.session.keep_known({sha256_hex(b"-----BEGIN-----\n")}) == set()


async def test_git_filters_are_not_believed(tmp_path: Path):
    # The index holds LF, the disk CRLF: git's object is not what the file holds.
    bench = open_repository(tmp_path)
    git(bench.root, "config", "core.autocrlf", "true")
    (bench.root / "a.txt").write_bytes(b"a\r\n")
    git(bench.root, "add", "a.txt")
    await run(bench, "rm a.txt")
    assert (await undo(bench.session, bench.gate)).restored == ("a.txt",)
    assert (bench.root / "a.txt").read_bytes() == b"a\r\n"


def wait_for_text(path: Path, text: str) -> None:
    deadline = time.monotonic() + 10
    while path.read_text() != text and time.monotonic() < deadline:
        time.sleep(0.02)


async def test_a_stopped_command_has_its_changes_recorded(tmp_path: Path):
    bench = open_repository(tmp_path)
    bench.gate.approver = Scripted([yes])
    running = asyncio.create_task(bench.gate.submit(ShellCommand(script="echo x > a.txt; sleep 60"), step="s1"))
    await asyncio.to_thread(wait_for_text, bench.root / "a.txt", "x\n")
    running.cancel()
    with contextlib.suppress(asyncio.CancelledError):
        await running
    (row,) = bench.gate.approvals.in_state(ApprovalState.UNKNOWN)
    receipt = await bench.gate.resubmit(row.id)
    assert isinstance(receipt, Unknown)
    assert "changed: a.txt" in receipt.reason
    assert (await undo(bench.session, bench.gate)).restored == ("a.txt",)


async def test_cancelled_before_it_ran_it_never_ran(tmp_path: Path):
    bench = open_repository(tmp_path)
    bench.gate.approver = Scripted([yes])
    started = asyncio.Event()
    bench.session.subscribe(lambda envelope: started.set() if isinstance(envelope.event, EffectStarted) else None)
    running = asyncio.create_task(bench.gate.submit(ShellCommand(script="touch ran"), step="s1"))
    await started.wait()
    running.cancel()
    with contextlib.suppress(asyncio.CancelledError):
        await running
    (row,) = bench.gate.approvals.in_state(ApprovalState.FAILED)
    assert isinstance(await bench.gate.resubmit(row.id), Failed)
    assert bench.read("ran") is None


async def test_a_command_cut_off_by_a_crash_is_told_with_what_differs_and_not_undone_blindly(tmp_path: Path):
    bench = open_repository(tmp_path)
    bench.gate.approver = Refuse()
    held = await bench.gate.submit(ShellCommand(script="touch ran"), step="s1")
    (row,) = bench.gate.approvals.pending()
    bench.gate.approvals.answer(row.id, yes(row.proposal))
    bench.gate.approvals.move(
        row.id,
        expect=ApprovalState.APPROVED,
        to=ApprovalState.EXECUTING,
        event=EffectStarted(row.id, row.proposal.digest),
    )
    await bench.gate.traces.begin(row.id)
    bench.journal.close()
    bench.write("a.txt", "half written by the command, or by a person\n")
    bench = open_bench(tmp_path)
    (receipt,) = bench.gate.recover()
    assert isinstance(receipt, Unknown), held
    assert "since it began these changed: a.txt; it is not run again" in receipt.reason
    assert bench.read("ran") is None
    made = await undo(bench.session, bench.gate)
    assert made.why == {"a.txt": "it changed while a command was cut off: look whether it is yours"}
    bench.journal.verify()


NAMES = sampled_from(["a.txt", "d/b.txt", "d/e/c.txt", "new", "d/new", "link", "f/g/h"])
ACTS: dict[str, Callable[[str], str]] = {
    "write": lambda name: f"mkdir -p $(dirname {name}); echo written > {name}",
    "append": lambda name: f"echo more >> {name}",
    "delete": lambda name: f"rm -f {name}",
    "delete all": lambda name: f"rm -rf {name.split('/')[0]}",
    "chmod": lambda name: f"chmod 640 {name}",
    "read-only": lambda name: f"chmod 444 {name}",
    "link": lambda name: f"ln -sfn a.txt {name}",
    "folder": lambda name: f"mkdir -p {name}",
    "rename": lambda name: f"mv {name} moved",
    "binary": lambda name: f"printf '\\000\\377' > {name}",
}


@settings(max_examples=5, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(
    prepared=lists(tuples(sampled_from(sorted(ACTS)), NAMES), max_size=4),
    acts=lists(lists(tuples(sampled_from(sorted(ACTS)), NAMES), min_size=1, max_size=5), min_size=1, max_size=3),
)
def test_random_commands_on_random_trees_are_taken_back(
    prepared: list[tuple[str, str]], acts: list[list[tuple[str, str]]]
):
    def script(chosen: list[tuple[str, str]]) -> str:
        return " ; ".join(f"{{ {ACTS[act](name)} ; }} 2>/dev/null" for act, name in chosen) + " ; true"

    async def rounds(folder: Path) -> None:
        bench = open_repository(folder)
        if prepared:
            await run(bench, script(prepared), step="s0")
        before = tree(bench.root)
        for number, chosen in enumerate(acts, start=1):
            await run(bench, script(chosen), step=f"s{number}")
        for number in range(len(acts), 0, -1):
            if any(change.changes for change in _of_step(bench, f"s{number}")):
                made = await undo(bench.session, bench.gate, Reach(f"s{number}"))
                assert (made.kept, made.not_captured) == ((), ()), made
        assert tree(bench.root) == before
        bench.journal.close()

    with tempfile.TemporaryDirectory() as folder:
        asyncio.run(rounds(Path(folder)))


def _of_step(bench: Bench, step: str) -> list[CommandChanged]:
    steps = {row.id: row.proposal.step for row in bench.gate.approvals.in_state(*ApprovalState)}
    return [event for event in bench.events if isinstance(event, CommandChanged) and steps[event.proposal] == step]


async def test_a_command_that_makes_what_runs_by_itself_is_told_on(tmp_path: Path):
    bench = open_repository(tmp_path)
    made = "echo x > .envrc; echo x > d/CLAUDE.md; mkdir -p d/.git e/.vscode; echo x > d/.git/config; touch plain"
    (bench.root / "make.sh").write_text(made)
    await run(bench, "sh make.sh")
    warned = [event.text for event in bench.events if isinstance(event, NoticeGiven) and event.level == "warning"]
    assert len(warned) == 1
    assert ".envrc (a shell start-up file)" in warned[0]
    assert "d/.git (a repository or settings of ours)" in warned[0]
    assert ".vscode" not in warned[0]
    assert "plain" not in warned[0]


async def test_what_was_there_is_not_told(tmp_path: Path):
    bench = open_repository(tmp_path)
    (bench.root / ".envrc").write_text("x")
    await run(bench, "touch plain")
    assert not any(isinstance(event, NoticeGiven) for event in bench.events)
