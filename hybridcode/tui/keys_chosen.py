"""A person's keys, put to use.

Invariant: keys that do not fit together change nothing; what is wrong with them is told.
"""

import asyncio
from collections.abc import Mapping
from pathlib import Path

from hybridcode.tui.desk import Desk
from hybridcode.tui.screens.framed import Framed


async def load_keys(desk: Desk, path: Path) -> None:
    """Read keys.toml and use it; in a thread, since it looks at every screen there is.

    Raises:
        ConfigError: it cannot be used.
    """
    # Deferred: few people have such a file, and the others should not pay for it at start.
    from hybridcode.tui.keymap import keymap_of, read_keys

    use_keys(desk, await asyncio.to_thread(lambda: keymap_of(read_keys(path))))


def use_keys(desk: Desk, keymap: Mapping[str, str]) -> None:
    """From now on these keys hold; hints and help show them."""
    Framed.keymap = keymap
    desk.app.set_keymap(keymap)
    desk.session.show_keys()
