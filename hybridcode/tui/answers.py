"""The answers of a first start, and what would be written for them.

Invariant: what is shown before the yes is what is written after it, byte for byte, and not where something changed.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field

from hybridcode.config.edit import LOCAL_FILE, SHARED_FILE, foresee_first, foresee_local
from hybridcode.config.rewriting import Rewrite
from hybridcode.config.trust import read_repository, trust
from hybridcode.domain.errors import ConfigError
from hybridcode.tui.choices import Choices, Kept


@dataclass
class Answers:
    """What was chosen so far."""

    choices: Choices
    user: dict[str, Mapping[str, object]] = field(default_factory=dict[str, Mapping[str, object]])
    """By question: settings for the person's own file."""
    trusts: str = ""
    """The digest of the files that are trusted from now on; empty: nothing is."""
    check: str | None = None
    """The command that proves a change here; None: it is left as it is."""

    def rewrites(self) -> tuple[Rewrite, ...]:
        """The files as they would be. Raises ConfigError."""
        found: list[Rewrite] = []
        changes = {name: value for answer in self.user.values() for name, value in answer.items()}
        if changes:
            found.append(self.choices.foresee(changes, "user"))
        if self.check is not None:
            found.append(self._of_check(self.check))
        return tuple(one for one in found if one.after != (one.before or b""))

    def _of_check(self, command: str) -> Rewrite:
        """The first config of this repository, or the local one beside it."""
        folder, changes = self.choices.loaded.repository.folder, {"verify.test_cmd": command}
        if SHARED_FILE in self.choices.loaded.repository.files or LOCAL_FILE in self.choices.loaded.repository.files:
            return foresee_local(folder, changes)
        return foresee_first(folder / SHARED_FILE, changes)

    async def carry_out(self, rewrites: tuple[Rewrite, ...]) -> Kept:
        """Trust what was to be trusted, write what was shown, and work with it.

        Raises:
            ConfigError: a file changed since it was shown, or cannot be written.
        """
        if self.trusts:
            sources = self.choices.loaded.sources
            present = read_repository(sources.workspace)
            if present.digest != self.trusts:
                raise ConfigError("The repository's files changed since they were shown", "Nothing was written.")
            trust(present, store=sources.trust_store)
            self.choices.reload()
        return await self.choices.keep(rewrites)
