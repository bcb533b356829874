"""What a person should know when a session opens.

Invariant: everything that makes this session weaker than it could be is said once, with what to do.
"""

from collections.abc import Sequence
from pathlib import Path

from hybridcode.config.settings import RoleSettings
from hybridcode.domain.events import NoticeGiven, SessionOpened
from hybridcode.repo.facts import GitFacts
from hybridcode.session.models import Models
from hybridcode.version import __version__

_ROLES = RoleSettings()


def opening_notices(
    facts: GitFacts,
    models: Models,
    warnings: Sequence[str],
    checks: Sequence[NoticeGiven] = (),
    *,
    roles: RoleSettings = _ROLES,
    profile: str = "",
) -> list[NoticeGiven]:
    """Notices about settings, checks, work tree and models, in that order."""
    notices = [*(NoticeGiven("warning", text) for text in warnings), *checks]
    if profile:
        notices.append(NoticeGiven("info", f"The profile {profile} holds.", "`hybridcode config show --origin`"))
    if not facts.is_git:
        notices.append(
            NoticeGiven(
                "info", "This folder is not a git repository.", "Undo works all the same; `git init` adds history."
            )
        )
    elif facts.is_dirty:
        count = len(facts.dirty_paths)
        notices.append(
            NoticeGiven(
                "info",
                f"The work tree has {count} uncommitted {'change' if count == 1 else 'changes'}.",
                "They stay as they are; edits are made on top of them.",
            )
        )
    return notices + _model_notices(models, roles)


def opened(workspace: Path, mode: str, facts: GitFacts, models: Models, sandbox: str) -> SessionOpened:
    """The first event of a session."""
    frontier, local = models.frontier, models.local
    return SessionOpened(
        workspace=str(workspace),
        version=__version__,
        mode=mode,
        is_git=facts.is_git,
        is_dirty=facts.is_dirty,
        frontier=frontier.info.name if frontier else None,
        local=local.info.name if local else None,
        frontier_is_scripted=bool(frontier and frontier.info.is_scripted),
        sandbox=sandbox,
        named={name: model.info.name for name, model in models.named.items()},
    )


def _model_notices(models: Models, roles: RoleSettings) -> list[NoticeGiven]:
    deciding = {name for name in (roles.plan, roles.judge) if models.of(name) is None}
    notices: list[NoticeGiven] = []
    if models.frontier is not None and models.frontier.info.is_scripted:
        notices.append(
            NoticeGiven("info", "The frontier part is a script, not a model: its plan was written beforehand.")
        )
    for name in sorted({getattr(roles, role) for role in RoleSettings.__struct_fields__} - {"frontier", "local"}):
        if models.of(name) is None:
            said = f"The model {name} is not asked: it is remote, and remote calls are forbidden."
            notices.append(NoticeGiven("warning", said, "Another one plays its roles."))
    if models.frontier is None and models.local is not None and deciding:
        notices.append(
            NoticeGiven(
                "warning", "No frontier model: the local model plans and judges too.", "Set [models.frontier] model."
            )
        )
    if models.local is None and models.frontier is not None and models.of(roles.draft) is None:
        notices.append(
            NoticeGiven(
                "warning",
                "No local model: the frontier writes everything.",
                "See `hybridcode models list`, or set [models.local] path or base_url.",
            )
        )
    return notices
