"""Settings of a workspace below the folder of the test: the real thing over files that nobody else has.

Invariant: neither the environment nor a file of this machine takes part.
"""

from collections.abc import Awaitable, Callable, Mapping
from pathlib import Path

from hybridcode.config.load import Loaded, load
from hybridcode.models.shelf import ModelFile
from hybridcode.tui.choices import Choices
from hybridcode.tui.found import Found

FOUND = Found(
    keys=frozenset({"OPENAI_API_KEY"}),
    models=(ModelFile("qwen3-14b", "/models/qwen3-14b.gguf", "pulled", 9_001_752_960),),
    memory=16 << 30,
    tiny="/opt/hybridcode/tiny.gguf",
    commands=("python3 -m pytest -q",),
)
Take = Callable[[Loaded], Awaitable[bool]]


def scripted_choices(
    take: Take,
    folder: Path,
    *,
    flags: Mapping[str, object] | None = None,
    env: Mapping[str, str] | None = None,
) -> Choices:
    return Choices(loaded_below(folder, flags=flags, env=env), take, look=lambda workspace: FOUND)


def loaded_below(
    folder: Path, *, flags: Mapping[str, object] | None = None, env: Mapping[str, str] | None = None
) -> Loaded:
    return load(
        folder / "shop",
        flags=flags,
        env=env or {},
        user_config=folder / "config" / "config.toml",
        managed_config=folder / "managed" / "config.toml",
        trust_store=folder / "trust",
    )
