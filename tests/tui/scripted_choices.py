"""Settings of a workspace below the folder of the test: the real thing over files that nobody else has.

Invariant: neither the environment nor a file of this machine takes part.
"""

from collections.abc import Awaitable, Callable, Mapping
from pathlib import Path

from hybridcode.config.load import Loaded, load
from hybridcode.tui.choices import Choices

Take = Callable[[Loaded], Awaitable[bool]]


def scripted_choices(
    take: Take,
    folder: Path,
    *,
    flags: Mapping[str, object] | None = None,
    env: Mapping[str, str] | None = None,
) -> Choices:
    return Choices(loaded_below(folder, flags=flags, env=env), take)


def loaded_below(
    folder: Path, *, flags: Mapping[str, object] | None = None, env: Mapping[str, str] | None = None
) -> Loaded:
    return load(
        folder / "work",
        flags=flags,
        env=env or {},
        user_config=folder / "config" / "config.toml",
        managed_config=folder / "managed" / "config.toml",
        trust_store=folder / "trust",
    )
