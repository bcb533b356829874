"""What the settings screen writes is always read back by the loader, as it was meant."""

import asyncio
import tempfile
from pathlib import Path
from typing import Any

import msgspec
from hypothesis import given, settings
from hypothesis import strategies as st
from scripted_choices import loaded_below, scripted_choices

from hybridcode.config.keys import KEYS, Key
from hybridcode.config.load import Loaded
from hybridcode.domain.errors import HybridcodeError
from hybridcode.gate.policy import Policy
from hybridcode.tui.choices import Choices, read_choice, read_items

ODD = st.text(st.characters(), max_size=30)
"""Anything that can be typed or pasted, surrogates included."""
LINES = st.lists(
    st.one_of(ODD, st.sampled_from(["Bash(npm test)", "Edit(src/**)", "http://127.0.0.1:8080/v1", "a/**", "[a-z]+"])),
    max_size=4,
)
TYPED = st.one_of(
    ODD, st.integers().map(str), st.floats().map(str), st.sampled_from(["true", "1e400", "", " ", "0x10"])
)


def change(key: Key) -> st.SearchStrategy[tuple[str, Any]]:
    if key.type is bool:
        return st.tuples(st.just(key.name), st.booleans())
    if key.choices:
        return st.tuples(st.just(key.name), st.sampled_from([*key.choices, "nonsense"]))
    texts = LINES.map("\n".join) if key.is_list else TYPED
    return st.tuples(st.just(key.name), texts)


CHANGES = st.sampled_from(list(KEYS.values())).flatmap(change)


def meant(name: str, given: object) -> object:
    """What the screen makes of what a person gives it."""
    key = KEYS[name]
    if key.is_list:
        return read_items(name, str(given)) or None
    return given if key.type is bool or key.choices else read_choice(name, str(given))


async def put(choices: Choices, name: str, given: object) -> bool:
    try:
        await choices.keep((choices.foresee({name: meant(name, given)}, "user"),))
    except HybridcodeError:
        return False
    return True


@settings(max_examples=60, deadline=None)
@given(st.lists(CHANGES, min_size=1, max_size=6))
def test_what_is_written_is_read_back_and_what_is_refused_leaves_the_file(changes: list[tuple[str, object]]) -> None:
    async def take(loaded: Loaded) -> bool:
        del loaded
        return True

    async def play(folder: Path) -> None:
        (folder / "shop").mkdir()
        choices = scripted_choices(take, folder)
        path = choices.path("user")
        for name, text in changes:
            before = path.read_bytes() if path.exists() else None
            if not await put(choices, name, text):
                assert (path.read_bytes() if path.exists() else None) == before
                continue
            loaded = loaded_below(folder)
            wanted = meant(name, text)
            default = KEYS[name].default
            assert choices.value(name) == (default if wanted is None else msgspec.convert(wanted, KEYS[name].type))
            assert loaded.settings == choices.loaded.settings
            Policy.load(loaded.settings, folder / "shop", rules=loaded.rules)

    with tempfile.TemporaryDirectory() as folder:
        asyncio.run(play(Path(folder)))
