"""Tasks that change files in real git repositories, for tests of commits."""

from collections.abc import Mapping, Sequence
from pathlib import Path

from hybridcode.domain.action import Committed
from hybridcode.domain.events import NoticeGiven
from hybridcode.domain.plan import Plan, Step
from hybridcode.domain.ports import Approver
from hybridcode.gate.approvers import PolicyOnly
from hybridcode.gate.sandbox import Sandbox
from hybridcode.journal.approvals import Approvals
from hybridcode.models.scripted import Script
from tests.support.repos import git, git_repository
from tests.support.sessions import Scene, edit, fence, planning

FILES = {
    "shop.py": "RATE = 3\n\n\ndef total(items):\n    return sum(items)\n",
    "notes.txt": "one\n",
    ".gitignore": "*.log\n",
}
RATE = edit("rate", "shop.py#RATE")
CHANGED = FILES["shop.py"].replace("3", "5")
MESSAGE = "Raise the rate to five\n\nThe old one came from the first price list."


def known_author(root: Path) -> Path:
    """Tell git who commits here."""
    git(root, "config", "user.name", "Test Author")
    git(root, "config", "user.email", "author@localhost")
    return root


def shop(root: Path, files: Mapping[str, str] = FILES) -> Path:
    """A repository with one commit, and an author."""
    return known_author(git_repository(root, dict(files)))


def committing(
    workspace: Path,
    *steps: Step,
    mode: str = "session",
    drafts: Sequence[str] = (fence("RATE = 5"),),
    message: str | None = MESSAGE,
    more: Mapping[str, object] | None = None,
) -> Scene:
    """A scene whose task sets the rate to five and is judged good; --yes says yes."""
    local: Script = {"draft": list(drafts)}
    if message is not None:
        local["commit_message"] = [message] * 3
    plan = Plan(steps or (RATE,))
    chosen = {"git.commit": mode, "approval.sandbox": "off", **(more or {})}
    return Scene(workspace, planning(plan), local, make_approver=_yes, settings=chosen)


def _yes(approvals: Approvals, sandbox: Sandbox) -> Approver:
    """--yes with --no-sandbox."""
    return PolicyOnly(is_sandboxed=True)


def notices(scene: Scene) -> list[str]:
    """What a person was told, texts and hints."""
    assert scene.session is not None
    found = [e.event for e in scene.session.state.envelopes if isinstance(e.event, NoticeGiven)]
    return [f"{event.text} {event.hint}".strip() for event in found]


def notes_of(scene: Scene) -> tuple[str, ...]:
    """What stands beside the question about the commit."""
    assert scene.session is not None
    views = scene.session.state.proposals.values()
    return next(view.proposal.notes for view in views if view.proposal.step == "(commit)")


def committed(scene: Scene) -> Committed:
    """The receipt of the last commit."""
    assert scene.session is not None
    receipts = [view.receipt for view in scene.session.state.proposals.values()]
    return [receipt for receipt in receipts if isinstance(receipt, Committed)][-1]


def refusal(scene: Scene) -> str:
    """Why nothing was committed."""
    return next(text for text in notices(scene) if text.startswith("not committed"))


def head(root: Path) -> str:
    """Id of the commit that is checked out."""
    return git(root, "rev-parse", "HEAD").strip()


def status(root: Path) -> list[str]:
    """What `git status` says, line by line."""
    return git(root, "status", "--porcelain", "--untracked-files=all").splitlines()


def shown(root: Path, what: str = "HEAD") -> dict[str, str]:
    """The files that a commit changed, each with its letter."""
    lines = git(root, "show", "--format=", "--name-status", "--no-renames", what).splitlines()
    return {line.split("\t")[1]: line.split("\t")[0] for line in lines if line}
