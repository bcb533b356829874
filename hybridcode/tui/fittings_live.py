"""Models, rules and machine of a live program.

Invariant: models that were chosen away keep what a running task needs of them, and are closed at its end; files and
processes are looked at off the event loop.
"""

import asyncio
from collections.abc import AsyncGenerator
from pathlib import Path
from typing import Protocol

from hybridcode.config.load import Loaded
from hybridcode.config.paths import user_config_dir
from hybridcode.config.rules import POLICY_FILE
from hybridcode.config.settings import ModelSettings
from hybridcode.domain.action import Action
from hybridcode.domain.errors import GateError
from hybridcode.domain.events import NoticeGiven
from hybridcode.domain.ports import Model
from hybridcode.gate.explaining import Explanation, explain
from hybridcode.gate.grants import grants_of
from hybridcode.gate.policy import Policy
from hybridcode.gate.sandbox import NONE, Sandbox, probe
from hybridcode.session.choosing import Choice, ModelsShown, chosen, rebuilt, shown_models
from hybridcode.session.consent import agreed_rules
from hybridcode.session.doctor import Finding, findings
from hybridcode.session.granted import withdraw_rule
from hybridcode.session.models import Models, Startable, each, start_all
from hybridcode.session.session import Session
from hybridcode.tui.conversation import PERSON
from hybridcode.tui.fittings import RulesShown


class Behind(Protocol):
    """What holds the models and the session."""

    models: Models

    @property
    def is_open(self) -> bool: ...

    @property
    def session(self) -> Session: ...

    @property
    def loaded(self) -> Loaded: ...

    def use_models(self, models: Models, settings: ModelSettings) -> None: ...


class LiveFittings:
    """Looks at what is behind the screens, and changes it at a person's command."""

    def __init__(self, behind: Behind, workspace: Path) -> None:
        self._behind, self._workspace = behind, workspace
        self._configured = behind.loaded
        self._closing = set[asyncio.Task[None]]()

    @property
    def _session(self) -> Session | None:
        return self._behind.session if self._behind.is_open else None

    @property
    def _now(self) -> ModelSettings:
        return self._behind.loaded.settings.models

    async def models(self) -> ModelsShown:
        """The models as they are now."""
        return await asyncio.to_thread(shown_models, self._configured, self._now, self._behind.models)

    async def choose(self, choice: Choice) -> None:
        """Make the chosen model; the one before is closed once no task needs it."""
        before = self._behind.models
        after = chosen(self._configured, self._now, choice)
        models = await asyncio.to_thread(rebuilt, self._configured, before, after, choice.part)
        self._behind.use_models(models, after)
        if self._session is not None:
            self._session.log.append(NoticeGiven("info", f"From the next task on: {_words(models)}. You chose it."))
        kept = {id(model) for model in each(models)}
        for model in each(before):
            if id(model) not in kept:
                task = asyncio.create_task(self._close_later(model))
                self._closing.add(task)
                task.add_done_callback(self._closing.discard)

    async def start(self) -> None:
        """Load the models now; the first that cannot be loaded is told."""
        models = self._behind.models
        await start_all(models)
        for model in each(models):
            if isinstance(model, Startable):
                await model.start()

    async def rules(self) -> RulesShown:
        """The rules in force."""
        return await asyncio.to_thread(self._rules)

    async def explain(self, action: Action) -> Explanation:
        """What policy says of an action."""
        return await asyncio.to_thread(lambda: explain(self._policy(), action))

    async def withdraw(self, rule: str) -> None:
        """Take back a rule that was made in this session."""
        if self._session is None:
            raise GateError(f"{rule} was not made in this session.", "There is no session yet.")
        withdraw_rule(self._session, rule, by=PERSON)

    async def findings(self) -> AsyncGenerator[Finding]:
        """What doctor finds; each check runs in a thread."""
        found = findings(self._workspace, self._behind.loaded.settings)
        while (finding := await asyncio.to_thread(next, found, None)) is not None:
            yield finding

    async def close(self) -> None:
        """Wait for models that are being closed."""
        while self._closing:
            await asyncio.wait(self._closing)

    async def _close_later(self, model: Model) -> None:
        session = self._session
        if session is not None:
            await session.until_idle()
        await model.close()

    def _policy(self) -> Policy:
        if self._session is not None:
            return self._session.gate.policy
        loaded = self._configured
        return Policy.load(loaded.settings, self._workspace, rules=agreed_rules(loaded))

    def _rules(self) -> RulesShown:
        session, loaded = self._session, self._configured
        box = session.sandbox if session is not None else self._probed()
        return RulesShown(
            policy=self._policy(),
            granted=grants_of(tuple(session.state.envelopes)) if session is not None else (),
            ignored=loaded.ignored_rules,
            sandbox=box.kind,
            missing=box.missing,
            unenforced=box.unenforced,
            policy_file=str(user_config_dir() / POLICY_FILE),
        )

    def _probed(self) -> Sandbox:
        return probe() if self._configured.settings.approval.sandbox == "auto" else NONE


def _words(models: Models) -> str:
    decides, writes = models.frontier, models.local
    frontier = decides.info.name if decides else "no frontier model"
    return f"{frontier} decides, {writes.info.name if writes else 'no local model'} writes"


def names_of(models: Models) -> tuple[str | None, str | None]:
    """Names of the models, as the top line shows them."""
    frontier, local = models.frontier, models.local
    return frontier.info.name if frontier else None, local.info.name if local else None
