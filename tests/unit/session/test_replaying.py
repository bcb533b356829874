import asyncio
import shutil
import sqlite3
from collections.abc import Callable
from pathlib import Path

import msgspec
import pytest

from hybridcode.domain.action import Amend, Approve, ChangeSet, Decision, FileEdit, Proposal, ShellCommand
from hybridcode.domain.canonical import canonical_json, sha256_hex
from hybridcode.domain.events import (
    DraftMade,
    Envelope,
    Event,
    ModelAsked,
    OutlineMade,
    ProposalMade,
    SessionForked,
    WindowAssembled,
)
from hybridcode.domain.exits import ExitCode
from hybridcode.domain.plan import Plan, Step
from hybridcode.gate.approvers import Refuse, Scripted, no, yes
from hybridcode.journal import chain
from hybridcode.journal.approvals import Approvals
from hybridcode.journal.store import Journal
from hybridcode.models.scripted import ScriptedModel
from hybridcode.session.checked import Checked, agrees
from hybridcode.session.history import history_of
from hybridcode.session.models import Models
from hybridcode.session.replaying import replayed
from hybridcode.session.rewinding import rewind
from hybridcode.session.session import Session, SessionOptions
from tests.support.repos import git, git_repository, write_tree
from tests.support.sessions import FRONTIER, LOCAL, Scene, as_json, edit, fence, loaded_for, planning, proven
from tests.support.sessions import yes as yes_to_all

FILES = {
    "AGENTS.md": "# Rules\nUse blanks.\n",
    "shop/cart.py": "from shop.price import RATE\n\n\ndef total(items):\n    return sum(items) * RATE\n",
    "shop/price.py": "RATE = 3\nFEE = 1\n",
    "shop/old.py": "GONE = 1\n",
    "tests/test_cart.py": "from shop.cart import total\n\n\ndef test_total():\n    assert total([1]) == 3\n",
    "ok.py": "print('ok')\n",
}
ALONE = {"routing.frontier_hints": 0, "routing.frontier_tries": 0}
CART = "def total(items):\n    return RATE * sum(items)"


@pytest.fixture
def workspace(tmp_path: Path) -> Path:
    return git_repository(tmp_path / "shop", FILES)


def scene(workspace: Path, *steps: Step, drafts: list[str], answers: Scripted | None = None, **more: object) -> Scene:
    it = Scene(workspace, planning(Plan(steps)), {"draft": drafts}, settings={**ALONE, **more})
    if answers is not None:
        it.make_approver = lambda approvals, sandbox: answers
    return it


def session_of(it: Scene) -> Session:
    assert it.session is not None
    return it.session


def lines_of(it: Scene, workspace: Path | None = None) -> list[Checked]:
    session = session_of(it)
    with Journal.open(session.journal.path) as journal:
        return list(replayed(journal.session(session.id), workspace))


def kinds(lines: list[Checked], verdict: str = "ok") -> list[str]:
    return [line.kind for line in lines if line.verdict == verdict]


async def recorded(workspace: Path, **more: object) -> Scene:
    """A session with a refused draft, three regions in two steps, a new file and a deleted one."""
    steps = (
        edit("1", "shop/cart.py#total", "shop/price.py#RATE", reads=("shop/price.py",)),
        Step("2", "add a module", "create", touches=("shop/new.py",), needs=("1",)),
        Step("3", "remove it", "delete", touches=("shop/old.py",), needs=("2",)),
    )
    drafts = ["I cannot.", fence("RATE = 4"), fence(CART), fence("NEW = 1\n")]
    it = scene(workspace, *steps, drafts=drafts, answers=None, **more)
    outcome = await it.run("make the total say its rate first")
    assert outcome.code == 0, outcome.message
    return it


async def test_every_window_request_draft_and_change_is_made_again(workspace: Path):
    it = await recorded(workspace)
    lines = lines_of(it)
    assert [str(line) for line in lines if line.verdict != "ok"] == []
    made = [envelope.event for envelope in session_of(it).state.envelopes]
    for kind, event in (("window", WindowAssembled), ("outline", OutlineMade), ("proposal", ProposalMade)):
        assert kinds(lines).count(kind) == sum(isinstance(one, event) for one in made) > 0
    told = [line.what for line in lines if line.kind == "draft"]
    assert any("refused" in text for text in told)
    assert all(line.rebuilt == line.recorded for line in lines if line.kind in ("window", "proposal"))


async def test_nothing_but_the_journal_is_needed(workspace: Path):
    it = await recorded(workspace)
    shutil.rmtree(workspace)
    assert {line.verdict for line in lines_of(it)} == {"ok"}


async def test_a_tree_without_git_and_an_index_of_another_order(tmp_path: Path):
    workspace = write_tree(tmp_path / "plain", FILES)
    assert {line.verdict for line in lines_of(await recorded(workspace))} == {"ok"}


async def test_what_the_journal_did_not_keep_comes_from_git_in_any_checkout(workspace: Path, tmp_path: Path):
    it = await recorded(workspace, **{"audit.keep_trees_mb": 0})
    git(workspace, "add", "-A")
    git(workspace, "commit", "-q", "-m", "later")
    (workspace / "shop/cart.py").write_text("moved on\n")
    git(tmp_path, "clone", "-q", str(workspace), "other")
    for place in (workspace, tmp_path / "other"):
        lines = lines_of(it, place)
        assert [line.why for line in lines if line.verdict == "differs"] == []
        assert {line.verdict for line in lines if line.kind in ("outline", "proposal")} == {"ok"}
    lost = [line for line in lines_of(it, None) if line.kind == "outline"]
    assert [line.verdict for line in lost] == ["not_rebuilt"]
    assert "was not kept" in lost[0].why


async def test_contents_beyond_the_limit_and_with_secrets_are_not_kept(workspace: Path):
    secret = "ghp_" + "Zk3Qw9Xv1Lb7Np5Rt2Hs8Yd4Mf6Gj0CaEuIo"
    (workspace / "conf.py").write_text(f'TOKEN = "{secret}"\n')
    git(workspace, "add", "-A")
    git(workspace, "commit", "-q", "-m", f"the key is {secret}")
    it = await recorded(workspace)
    with Journal.open(session_of(it).journal.path) as journal:
        blobs = b"".join(journal.load_blob(row[0]) for row in journal.rows("SELECT sha256 FROM blob"))
    assert secret.encode() not in blobs
    assert "not_rebuilt" in {line.verdict for line in lines_of(it, None) if line.kind == "window"}
    lines = lines_of(it, workspace)
    assert [str(line) for line in lines if line.verdict != "ok"] == []


async def test_a_persons_edit_a_no_with_a_reason_and_an_undo(workspace: Path):
    def amended(proposal: Proposal) -> Decision:
        assert isinstance(proposal.action, ChangeSet)
        (old,) = proposal.action.edits
        digest = session_of(it).log.put_blob(b"RATE = 7\nFEE = 1\n")
        return Amend(ChangeSet((FileEdit(old.path, old.before_sha256, digest, old.mode),)), "person:script")

    answers = Scripted([no("say it otherwise"), amended])
    it = scene(
        workspace, edit("1", "shop/price.py#RATE"), drafts=[fence("RATE = 5"), fence("RATE = 6")], answers=answers
    )
    session = it.open()
    assert (await session.run("raise the rate")).code == 0
    assert it.read("shop/price.py") == "RATE = 7\nFEE = 1\n"
    await rewind(session, "task-1", files=True, conversation=True, by="person:script")
    await session.close()
    assert it.read("shop/price.py") == FILES["shop/price.py"]
    lines = lines_of(it)
    assert [str(line) for line in lines if line.verdict != "ok"] == []
    told = "\n".join(line.what for line in lines)
    assert "as person:script edited it" in told
    assert "undo" in told


async def test_a_change_carried_over_to_newer_bytes(workspace: Path):
    def meanwhile(proposal: Proposal) -> Decision:
        (workspace / "shop/price.py").write_text("RATE = 3\nFEE = 1\n\nMORE = 2\n")
        return Approve(proposal.digest, "person:script")

    it = scene(
        workspace, edit("1", "shop/price.py#RATE"), drafts=[fence("RATE = 5")], answers=Scripted([meanwhile, yes])
    )
    await it.run("raise the rate")
    assert it.read("shop/price.py") == "RATE = 5\nFEE = 1\n\nMORE = 2\n"
    lines = lines_of(it)
    assert [str(line) for line in lines if line.verdict == "differs"] == []
    assert kinds(lines).count("proposal") == 2


async def test_a_session_that_was_held_answered_elsewhere_and_resumed(workspace: Path):
    second = edit("2", "shop/cart.py#total", needs=("1",))
    it = scene(workspace, edit("1", "shop/price.py#RATE"), second, drafts=[fence("RATE = 5")])
    it.make_approver = lambda approvals, sandbox: Refuse()
    await it.run()
    session = it.open(session_of(it).id)
    proposal = session.state.waiting[0].proposal
    assert Approvals(session.journal).answer(proposal.id, Approve(proposal.digest, "person:terminal"))
    session.journal.close()
    later = scene(workspace, drafts=[fence(CART)])
    await later.resume(session.id)
    lines = lines_of(later)
    assert [str(line) for line in lines if line.verdict != "ok"] == []
    assert kinds(lines).count("window") == 2


async def test_a_session_that_was_interrupted_and_resumed(workspace: Path):
    plan = Plan((edit("1", "shop/price.py#RATE"), edit("2", "shop/cart.py#total")))
    slow = ScriptedModel(LOCAL, {"draft": [fence("RATE = 5"), "word " * 20_000]}, piece_s=0.01)
    it = Scene(workspace, models=Models(ScriptedModel(FRONTIER, planning(plan)), slow), settings=ALONE)
    session = it.open()
    drafts = asyncio.Event()

    def seen(envelope: Envelope) -> None:
        if isinstance(envelope.event, ModelAsked) and envelope.event.step == "2":
            drafts.set()

    session.subscribe(seen)
    task = asyncio.create_task(session.run("do it"))
    await asyncio.wait_for(drafts.wait(), 20)
    session.interrupt("you")
    assert (await task).code == ExitCode.INTERRUPTED
    await session.close()
    later = scene(workspace, drafts=[fence(CART)])
    assert (await later.resume(session.id)).code == ExitCode.DONE
    lines = lines_of(later, workspace)
    assert [str(line) for line in lines if line.verdict != "ok"] == []
    assert kinds(lines).count("window") == 3


async def test_a_command_that_the_plan_does_not_name_is_found(workspace: Path):
    def other(event: Event) -> Event:
        assert isinstance(event, ProposalMade)
        changed = ShellCommand(argv=("rm", "-r", "shop"), purpose="step")
        proposal = msgspec.structs.replace(event.proposal, action=changed, digest=sha256_hex(canonical_json(changed)))
        return msgspec.structs.replace(event, proposal=proposal)

    step = Step("1", "look", "command", command="python3 ok.py")
    it = scene(workspace, step, drafts=[], answers=None, **{"approval.allow": ("Bash(python3 ok.py)",)})
    await it.run()
    assert differing(it) == []
    seq = forge(it, ProposalMade, other)
    assert "the plan says python3 ok.py" in next(line.why for line in differing(it) if line.seq == seq)


async def test_a_forked_session_and_a_later_task_that_knows_the_earlier_one(workspace: Path):
    one, two = Plan((edit("1", "shop/price.py#RATE"),)), Plan((edit("1", "shop/price.py#FEE"),))
    script = {"plan": [as_json(one), as_json(two)], "judge": ["good", "good"]}
    it = Scene(workspace, script, {"draft": [fence("RATE = 5"), fence("FEE = 2")]}, settings=ALONE)
    session = it.open()
    await session.run("raise the rate")
    await session.run("raise the fee")
    await session.close()
    assert {line.verdict for line in proven(session)} == {"ok"}

    third = as_json(Plan((edit("1", "shop/cart.py#total"),)))
    forked = SessionForked(session.id, "task-2", "raise the rate", history_of(session.state))
    models = Models(
        ScriptedModel(FRONTIER, {"plan": [third], "judge": ["good"]}), ScriptedModel(LOCAL, {"draft": [fence(CART)]})
    )
    options = SessionOptions(
        workspace=workspace,
        loaded=loaded_for(workspace, **ALONE),
        make_approver=yes_to_all,
        make_models=lambda _: models,
        forked=forked,
    )
    other = Session.open(options)
    assert (await other.run("say it shorter")).code == ExitCode.DONE
    await other.close()
    lines = proven(other)
    assert {line.verdict for line in lines} == {"ok"}
    plan = next(line for line in lines if line.what.startswith("request call-1 (plan"))
    assert (
        plan.why == "144 bytes of checks, notes and what was asked to see are not compared"
    )  # AGENTS.md is a person's


def flip_blob(path: Path, sha256: str) -> None:
    with sqlite3.connect(path) as connection:
        data = bytearray(connection.execute("SELECT data FROM blob WHERE sha256 = ?", (sha256,)).fetchone()[0])
        data[len(data) // 2] ^= 1
        connection.execute("UPDATE blob SET data = ? WHERE sha256 = ?", (bytes(data), sha256))


def flip_event(path: Path, seq: int) -> None:
    with sqlite3.connect(path) as connection:
        text = connection.execute("SELECT event FROM event WHERE seq = ?", (seq,)).fetchone()[0]
        connection.execute("UPDATE event SET event = ? WHERE seq = ?", (text.replace("rate", "fate", 1), seq))


def forge(it: Scene, kind: type, change: Callable[[Event], Event], blobs: tuple[bytes, ...] = ()) -> int:
    """Change the first event of a kind and make the chain fit again, as whoever owns the file can; returns its seq."""
    session = session_of(it)
    seq = next(one.seq for one in session.state.envelopes if isinstance(one.event, kind))
    with sqlite3.connect(session.journal.path) as connection:
        before, last = chain.GENESIS, (0, "")
        for data in blobs:
            connection.execute("INSERT OR IGNORE INTO blob VALUES (?, ?, ?)", (sha256_hex(data), False, data))
        for at_seq, at, text in connection.execute("SELECT seq, at, event FROM event ORDER BY seq").fetchall():
            if at_seq == seq:
                text = canonical_json(change(msgspec.json.decode(text, type=Event))).decode()
            digest = chain.link(session.id, at_seq, at, prev_hash=before, event=text.encode())
            connection.execute(
                "UPDATE event SET event = ?, prev_hash = ?, hash = ? WHERE seq = ?", (text, before, digest, at_seq)
            )
            before, last = digest, (at_seq, digest)
        connection.execute("UPDATE session SET head_seq = ?, head_hash = ?", last)
    return seq


def differing(it: Scene) -> list[Checked]:
    return [line for line in lines_of(it) if line.verdict == "differs"]


async def test_a_flipped_byte_of_any_blob_is_found_and_named(workspace: Path, tmp_path: Path):
    it = await recorded(workspace)
    path = session_of(it).journal.path
    with Journal.open(path) as journal:
        digests = [row[0] for row in journal.rows("SELECT sha256 FROM blob")]
    kept = path.read_bytes()
    for sha256 in digests:
        flip_blob(path, sha256)
        assert sha256 in {line.recorded for line in differing(it) if line.kind == "blob"}
        path.write_bytes(kept)


async def test_an_altered_event_is_found_and_named(workspace: Path):
    it = await recorded(workspace)
    seq = next(e.seq for e in session_of(it).state.envelopes if "say its rate" in canonical_json(e).decode())
    flip_event(session_of(it).journal.path, seq)
    (first, *_) = differing(it)
    assert first.kind == "chain"
    assert f"event {seq} was altered" in first.why


async def test_a_window_of_other_bytes_is_found_though_the_chain_fits(workspace: Path):
    it = await recorded(workspace)
    other = b"# another window\n"
    seq = forge(it, WindowAssembled, lambda event: msgspec.structs.replace(event, digest=sha256_hex(other)), (other,))
    found = differing(it)
    assert ("window", seq) in {(line.kind, line.seq) for line in found}
    assert lines_of(it)[0].verdict == "ok"
    assert "line 1 is different" in next(line.why for line in found if line.kind == "window")


async def test_an_answer_that_no_model_gave_is_found_though_the_chain_fits(workspace: Path):
    it = await recorded(workspace)
    other = fence("def total(items):\n    return 0").encode()
    seq = forge(it, DraftMade, lambda event: msgspec.structs.replace(event, text_sha256=sha256_hex(other)), (other,))
    assert ("draft", seq) in {(line.kind, line.seq) for line in differing(it)}


async def test_a_change_that_its_draft_does_not_make_is_found_though_the_chain_fits(workspace: Path):
    def other(event: Event) -> Event:
        assert isinstance(event, ProposalMade)
        assert isinstance(event.proposal.action, ChangeSet)
        first, *rest = event.proposal.action.edits
        changed = ChangeSet((msgspec.structs.replace(first, after_sha256=sha256_hex(b"evil\n")), *rest))
        digest = sha256_hex(canonical_json(changed))
        return msgspec.structs.replace(
            event, proposal=msgspec.structs.replace(event.proposal, action=changed, digest=digest)
        )

    it = await recorded(workspace)
    seq = forge(it, ProposalMade, other, (b"evil\n",))
    found = {line.kind: line for line in differing(it) if line.seq in (seq, seq + 1, seq + 2, seq + 3)}
    assert "the result is different" in found["proposal"].why
    assert "not what was shown" in found["decision"].why


def test_a_redaction_mark_stands_for_what_was_taken_out_and_for_nothing_else():
    assert agrees("a [redacted:env-value] b", "a secret b")
    assert agrees("[redacted:x][redacted:y]", "anything")
    assert not agrees("a [redacted:env-value] b", "a secret c")
    assert not agrees("a [redacted:env-value] b", "b secret b")
    assert not agrees("plain", "other")


async def test_a_draft_that_was_refused_for_a_name_and_does_not_parse_elsewhere_is_rebuilt(workspace: Path):
    write_tree(workspace, {"fee.py": "def fee():\n    return 1\n"})
    texts = ("total(items):\n    return gone", "fee():\n    return gone", "total(items):\n    return (RATE")
    drafts = [fence(f"def {text}") for text in (*texts, "fee():\n    return lost")]
    drafts += [fence(CART), fence("def fee():\n    return 2")]
    step = edit("1", "shop/cart.py#total", "fee.py#fee")
    it = scene(workspace, step, drafts=drafts, answers=Scripted([yes]), **{"routing.local_tries": 3})
    assert (await it.run()).code == ExitCode.DONE
    refused = [line for line in proven(it.session) if "refused" in line.what] if it.session else []
    assert [line.verdict for line in refused] == ["ok", "ok"]
