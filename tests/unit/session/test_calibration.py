import asyncio
from pathlib import Path

import pytest

from hybridcode.domain.action import ShellCommand
from hybridcode.domain.errors import ConfigError, GateError, LimitReached
from hybridcode.domain.events import EffectStarted, ModelAsked, ProposalMade
from hybridcode.domain.model import ModelInfo
from hybridcode.domain.plan import Plan
from hybridcode.models.scripted import ScriptedModel
from hybridcode.repo.commits import read_past
from hybridcode.repo.facts import git_facts
from hybridcode.repo.snapshot import take
from hybridcode.session.calibration.calibrating import Calibration, named_check
from hybridcode.session.calibration.collecting import Choice
from hybridcode.session.calibration.mined import mined_cases
from hybridcode.session.calibration.past import CannotRebuild, Past, Rebuilder
from hybridcode.session.calibration.table import advise, rows_of
from hybridcode.session.finding import latest_session, open_existing
from tests.support.calibrations import FRONTIER, LOCAL, Priced, Stage, everything, sandboxed, state_of, stop_after
from tests.support.history import CHECK, SHOP, Author, history, knowing
from tests.support.repos import git, git_repository, write_tree
from tests.support.sessions import Scene, edit, fence, loaded_for, planning


@pytest.fixture(scope="module")
def past(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return history(tmp_path_factory.mktemp("past") / "shop")


@pytest.fixture
def repo(tmp_path: Path, past: Path) -> Path:
    git(tmp_path, "clone", "-q", "--no-local", str(past), "shop")
    return tmp_path / "shop"


def outcomes(calibration: Calibration) -> list[tuple[str, str, int, tuple[str, ...]]]:
    titles = {case.key: case.title for case in calibration.proven}
    return sorted((titles[t.key], t.model, t.passed_at, t.ends) for t in calibration.trials())


def test_cases_are_mined_and_what_is_left_out_says_why(past: Path):
    head = git(past, "rev-parse", "HEAD").strip()
    commits = read_past(past, head=head, limit=50).commits
    cases, left_out = mined_cases(past, commits, check=CHECK)
    assert [(case.title, case.step.kind, case.step.touches) for case in cases] == [
        ("shop: broken on the way", "edit", ("shop.py",)),
        ("Count the items", "edit", ("shop.py",)),
        ("cart: a cart has a total", "create", ("cart.py",)),
        ("shop: sum at once", "edit", ("shop.py",)),
        ("shop: the rate is five", "edit", ("shop.py",)),
    ]
    assert [(each.title, each.why) for each in left_out] == [
        ("cart: a remark", "only comments, blanks or nothing differ"),
        ("docs: say what it is", "it changes only docs"),
        ("start", "it has no parent here"),
    ]
    assert (cases, left_out) == mined_cases(past, commits, check=CHECK)


def test_a_hostile_message_is_a_goal_and_nothing_else(past: Path):
    head = git(past, "rev-parse", "HEAD").strip()
    cases, _ = mined_cases(past, read_past(past, head=head, limit=50).commits, check=CHECK)
    (case,) = [case for case in cases if case.title == "Count the items"]
    assert (case.step.check, case.step.touches, case.step.command) == (CHECK, ("shop.py",), None)
    assert "\x1b" not in case.step.goal
    assert "Signed-off-by" not in case.step.goal


@sandboxed
async def test_the_table_is_exactly_what_the_models_did_and_nothing_here_has_changed(repo: Path):
    (repo / "shop.py").write_text(SHOP + "\n# My own work.\n")
    (repo / "mine.txt").write_text("not committed\n")
    before = state_of(repo)
    stage = Stage(repo)
    calibration = await stage.run()
    assert state_of(repo) == before
    assert [(each.title, each.why) for each in calibration.left_out] == [
        ("shop: broken on the way", "its check fails after it too: exit code 1; AssertionError")
    ]
    assert outcomes(calibration) == [
        ("Count the items", "large", 1, ("passed",)),
        ("Count the items", "small", 0, ("check failed",)),
        ("cart: a cart has a total", "large", 1, ("passed",)),
        ("cart: a cart has a total", "small", 1, ("passed",)),
        ("shop: sum at once", "large", 1, ("passed",)),
        ("shop: sum at once", "small", 0, ("check failed",)),
        ("shop: the rate is five", "large", 1, ("passed",)),
        ("shop: the rate is five", "small", 1, ("passed",)),
    ]
    rows = rows_of(calibration.trials())
    assert [(str(row.work), row.model, row.passed, row.n, str(row.interval)) for row in rows] == [
        ("small edits in python", "small", 1, 3, "6-80 %"),
        ("small edits in python", "large", 3, 3, "43-100 %"),
        ("new files in python", "small", 1, 1, "20-100 %"),
        ("new files in python", "large", 1, 1, "20-100 %"),
    ]
    assert [each.first for each in advise(rows, local="small", frontier="large")] == [None, None]
    by_case: dict[str, set[str]] = {}
    for trial in calibration.trials():
        by_case.setdefault(trial.case, set()).add(trial.window_digest)
    assert all(len(digests) == 1 for digests in by_case.values()), "both models see the same windows"
    proofs = {calibration.bench.findings[case.key].proof: case.title for case in calibration.proven}
    assert proofs["notices"] == "shop: sum at once"


@sandboxed
async def test_nothing_runs_but_the_named_check_in_scratch_copies(repo: Path):
    stage = Stage(repo, choice=Choice(max_cases=2))
    calibration = stage.open()
    await calibration.prove()
    await calibration.measure()
    events = [envelope.event for envelope in calibration.session.state.envelopes]
    actions = [event.proposal.action for event in events if isinstance(event, ProposalMade)]
    assert actions
    assert all(isinstance(action, ShellCommand) and action.text == CHECK and action.tree for action in actions)
    assert sum(isinstance(event, EffectStarted) for event in events) == len(actions)
    assert not calibration.session.gate.approvals.pending(calibration.session.id)
    await calibration.session.close()


@sandboxed
async def test_the_next_calibration_repeats_nothing(repo: Path):
    stage = Stage(repo, choice=Choice(max_cases=2))
    calibration = stage.open()
    await calibration.prove()
    task = asyncio.ensure_future(calibration.measure())
    stopping = asyncio.Event()
    calibration.session.subscribe(lambda envelope: stop_after(2, calibration, stopping))
    await stopping.wait()
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task
    done = len(calibration.bench.done)
    await calibration.session.close()
    asked = len(stage.local.requests) + len(stage.frontier.requests)
    again = Stage(repo, choice=Choice(max_cases=2))
    second = await again.run()
    assert 2 <= done < 4
    assert len(second.trials()) == 4
    assert len(again.local.requests) + len(again.frontier.requests) == 4 - done
    assert asked >= done
    runs = [e for e in second.session.state.envelopes if isinstance(e.event, EffectStarted)]
    assert len(runs) == 4 - done, "no case is proven twice"
    third = Stage(repo, choice=Choice(max_cases=2)).open()
    await third.prove()
    assert third.left() == []
    await third.session.close()


@sandboxed
async def test_a_retry_is_told_what_the_check_said(repo: Path):
    stage = Stage(repo, local=knowing(), choice=Choice(max_cases=1), tries=2)
    calibration = await stage.run()
    (trial,) = [trial for trial in calibration.trials() if trial.model == "small"]
    assert (trial.ends, trial.passed_at, trial.tries) == (("check failed", "check failed"), 0, 2)
    first, second = stage.local.requests
    assert "The check failed on your last answer" not in first.messages[-1].content
    assert "The check failed on your last answer" in second.messages[-1].content


@sandboxed
async def test_drafts_that_cannot_be_used_say_how(repo: Path):
    answers = iter(["no code at all", fence("RATE = 3\n\n\ndef total(:\n    pass"), fence(SHOP)])
    stage = Stage(repo, choice=Choice(max_cases=1, since=""), tries=1)
    ends: list[str] = []
    for answer in list(answers):
        stage.local = ScriptedModel(ModelInfo(f"small {len(ends)}", "local"), lambda _, answer=answer: answer)
        calibration = await stage.run()
        ends += [end for t in calibration.trials() if t.model.startswith("small") for end in t.ends]
    assert ends == ["not placed", "does not parse", "check failed"]


@sandboxed
async def test_a_check_that_does_not_see_the_files_proves_nothing(tmp_path: Path):
    root = git_repository(tmp_path / "r", {"shop.py": SHOP, "tests/run.py": "print('fine')\n"})
    write_tree(root, {"shop.py": SHOP.replace("3", "5")})
    git(root, "commit", "-qam", "the rate is five")
    calibration = await Stage(root).run()
    assert calibration.proven == []
    assert [each.why for each in calibration.left_out] == [
        "its check passes before it, and without the files that it touches: it cannot tell"
    ]


@sandboxed
async def test_policy_still_rules(repo: Path):
    denied = loaded_for(repo, verify__test_cmd=CHECK, approval__deny=(f"Bash(={CHECK})",))
    calibration = Stage(repo).open(denied)
    with pytest.raises(GateError, match="may not run"):
        await calibration.prove()
    assert not [e for e in calibration.session.state.envelopes if isinstance(e.event, EffectStarted | ModelAsked)]
    await calibration.session.close()
    planning_only = Stage(repo).open(loaded_for(repo, verify__test_cmd=CHECK, approval__mode="plan"))
    with pytest.raises(GateError, match="may not run"):
        await planning_only.prove()
    await planning_only.session.close()
    boxless = Stage(repo).open(loaded_for(repo, verify__test_cmd=CHECK, approval__sandbox="off"))
    with pytest.raises(GateError, match="no sandbox"):
        await boxless.prove()
    await boxless.session.close()


def test_a_command_that_only_the_repository_names_is_no_consent(repo: Path):
    with pytest.raises(ConfigError, match="no test command that you named"):
        named_check(loaded_for(repo))
    write_tree(repo, {".hybridcode/config.toml": f'[verify]\ntest_cmd = "{CHECK}"\n'})
    with pytest.raises(ConfigError) as caught:
        named_check(loaded_for(repo))
    assert f"proposes `{CHECK}`" in caught.value.hint


async def test_remote_models_are_not_asked_about_one_by_one(repo: Path):
    stage = Stage(repo)
    stage.frontier = Author(ModelInfo("large", "frontier", is_remote=True), everything).model()
    with pytest.raises(ConfigError, match=r"egress\.mode is ask"):
        stage.open(loaded_for(repo, verify__test_cmd=CHECK, egress__mode="ask"))


@sandboxed
async def test_files_that_a_remote_model_may_not_see_make_no_case(repo: Path):
    stage = Stage(repo, choice=Choice(max_cases=1))
    stage.frontier = Author(ModelInfo("large", "frontier", is_remote=True), everything).model()
    calibration = stage.open(loaded_for(repo, verify__test_cmd=CHECK, egress__deny_paths=("shop.py",)))
    await calibration.prove()
    assert [case.title for case in calibration.proven] == ["cart: a cart has a total"]
    await calibration.measure()
    prompts = [request.messages[-1].content for request in (*stage.local.requests, *stage.frontier.requests)]
    assert len(prompts) == 2
    assert prompts[0] == prompts[1]
    assert "def total(items)" not in prompts[0]
    await calibration.session.close()


@sandboxed
async def test_a_calibration_is_no_conversation(repo: Path):
    calibration = await Stage(repo, choice=Choice(max_cases=1)).run()
    loaded = loaded_for(repo)
    journal = open_existing(repo, loaded.settings)
    assert journal is not None
    (row,) = journal.sessions()
    assert (row.id, row.title, row.is_calibration) == (calibration.session.id, f"calibrate: {CHECK}", True)
    journal.verify()
    journal.close()
    assert latest_session(repo, loaded.settings) is None


def test_trees_of_the_past_are_rebuilt_to_the_byte(repo: Path):
    (repo / "shop.py").write_text("mine\n")
    (repo / "new.py").write_text("mine too\n")
    rebuilder = Rebuilder(repo)
    present, facts = take(repo), git_facts(repo)
    for commit in git(repo, "rev-list", "HEAD").split():
        past = Past(commit)
        view = rebuilder.view(past, present, rebuilder.lay(past, present, facts))
        names = git(repo, "ls-tree", "-r", "--name-only", commit).split()
        assert list(view.files) == sorted(names)
        assert all(view.read(name).decode() == git(repo, "show", f"{commit}:{name}") for name in names)
        assert view.git.head == commit


def test_a_link_that_was_another_one_cannot_be_rebuilt(repo: Path):
    (repo / "link").symlink_to("shop.py")
    git(repo, "add", "link")
    git(repo, "commit", "-qm", "a link")
    with_link = git(repo, "rev-parse", "HEAD").strip()
    (repo / "link").unlink()
    (repo / "link").symlink_to("README.md")
    git(repo, "commit", "-qam", "another link")
    with pytest.raises(CannotRebuild, match="link is a link"):
        Rebuilder(repo).lay(Past(with_link), take(repo), git_facts(repo))


@sandboxed
async def test_steps_of_sessions_become_cases_on_the_trees_they_began_on(tmp_path: Path):
    root = git_repository(
        tmp_path / "shop", {"shop.py": "RATE = 3\n", "check.py": "import shop\nassert shop.RATE > 4\n"}
    )
    check = "python3 check.py"
    (root / "notes.txt").write_text("not committed\n")
    steps = (edit("rate", "shop.py#RATE", check=check), edit("more", "shop.py#RATE", needs=("rate",), check=check))
    scene = Scene(
        root,
        planning(Plan(steps)),
        {"draft": [fence("RATE = 5"), fence("RATE = 6")]},
        settings={"verify.test_cmd": check},
    )
    outcome = await scene.run()
    assert outcome.code == 0, outcome.message
    stage = Stage(root, choice=Choice(source="recorded"))
    stage.loaded = lambda: loaded_for(root, verify__test_cmd=check)
    found = stage.collected()
    assert [(case.source, case.title, case.step.touches, case.lines) for case in found.cases] == [
        ("recorded", "do rate", ("shop.py#RATE",), 1),
        ("recorded", "do more", ("shop.py#RATE",), 1),
    ]
    stage.local = ScriptedModel(LOCAL, lambda _: fence("RATE = 7"))
    stage.frontier = ScriptedModel(FRONTIER, lambda _: fence("RATE = 4"))
    calibration = await stage.run()
    proofs = [(case.title, calibration.bench.findings[case.key].proof) for case in calibration.proven]
    assert proofs == [("do rate", "fails_before"), ("do more", "notices")]
    assert {(t.model, t.passed_at) for t in calibration.trials()} == {("small", 1), ("large", 0)}
    assert (root / "shop.py").read_text() == "RATE = 6\n"
    (root / "notes.txt").write_text("changed since\n")
    lost = stage.collected()
    assert lost.cases == []
    assert {each.why for each in lost.left_out} == {"files that were not committed have changed since"}


@sandboxed
async def test_the_limit_of_dollars_stops_the_trials_and_keeps_what_is_done(repo: Path):
    stage = Stage(repo, choice=Choice(max_cases=2))
    answers = Author(FRONTIER, everything).model()
    stage.frontier = Priced(answers, usd=0.25)
    prices = {"models.frontier.input_usd_per_mtok": 1.0, "models.frontier.output_usd_per_mtok": 10.0}
    calibration = stage.open(loaded_for(repo, verify__test_cmd=CHECK, limits__max_cost_usd=0.2, **prices))
    await calibration.prove()
    with pytest.raises(LimitReached, match=r"cost \$0\.2500"):
        await calibration.measure()
    done = [(trial.model, trial.usd) for trial in calibration.trials()]
    assert sorted(done) == [("large", 0.25), ("small", 0.0), ("small", 0.0)]
    await calibration.session.close()
