from collections.abc import Callable
from pathlib import Path

import msgspec
import pytest
from scene_parts import talk
from scenes import no_models
from scripted_choices import scripted_choices
from scripted_conversation import ScriptedConversation
from snapshot_app import Clock, settled

from hybridcode.tui.app import HybridcodeApp

Snap = Callable[..., bool]

SMALL, MIDDLE, LARGE = (60, 20), (80, 24), (120, 40)
SETTINGS = ("f7", *["down"] * 10)
SETUP = (*"/setup", "enter")
CHOSEN = (*SETUP, "down", "enter", "down", "enter", "n", "down", "enter")
CASES: list[tuple[str, tuple[str, ...], tuple[tuple[int, int], ...]]] = [
    ("settings", SETTINGS, (SMALL, MIDDLE)),
    ("settings_changed", ("f7", "c", "down"), (LARGE,)),
    ("settings_line", ("f7", "slash", *"n_ctx", "enter", "enter", "x"), (SMALL, LARGE)),
    ("settings_choice", ("f7", "slash", *"approval.mode", "enter", "enter"), (MIDDLE,)),
    ("settings_more", ("f7", "slash", *"egress.redact", "enter", "enter"), (MIDDLE,)),
    ("theme", (*"/theme", "enter", "down"), (SMALL, MIDDLE, LARGE)),
    ("setup", (*SETUP, "down"), (SMALL, MIDDLE, LARGE)),
    ("setup_local", (*SETUP, "n", "down", "down", "down", "down"), (MIDDLE, LARGE)),
    ("setup_trust", (*SETUP, "n", "n", "down", "down"), (MIDDLE,)),
    ("setup_write", CHOSEN, (SMALL, MIDDLE, LARGE)),
]
EACH = [(name, keys, size) for name, keys, sizes in CASES for size in sizes]
USER = """\
# mine
[models.local]
n_ctx = 32768

[limits]
max_cost_usd = 2.0
"""


def desk() -> ScriptedConversation:
    conversation = no_models()
    conversation.folder = Path("here")
    own, shared = Path("here/config/config.toml"), Path("here/shop/.hybridcode/config.toml")
    for path, text in ((own, USER), (shared, "[limits]\nmax_steps = 12\n\n[models.local]\nn_ctx = 512\n")):
        path.parent.mkdir(parents=True)
        path.write_text(text)
    conversation.own_choices = scripted_choices(
        conversation.take,
        conversation.folder,
        flags={"models.frontier.max_input_tokens": 64_000},
        env={"HYBRIDCODE_LIMITS_MAX_COST_USD": "0.5"},
    )
    return conversation


@pytest.mark.parametrize(("name", "keys", "size"), EACH, ids=[f"{name}-{w}x{h}" for name, _, (w, h) in EACH])
def test_view(
    snap_compare: Snap,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    name: str,
    keys: tuple[str, ...],
    size: tuple[int, int],
) -> None:
    del name
    monkeypatch.chdir(tmp_path)
    clock = Clock()
    app = HybridcodeApp(desk(), clock=clock)
    assert snap_compare(app, terminal_size=size, run_before=settled(app, clock, *keys, pace=0.6))


@pytest.mark.parametrize("size", (SMALL, MIDDLE))
def test_the_first_screen_with_one_model(snap_compare: Snap, size: tuple[int, int]) -> None:
    clock = Clock()
    conversation = talk(is_running=False)
    conversation.facts = msgspec.structs.replace(
        conversation.facts, frontier=None, advice=("Frontier: hybridcode config set models.frontier.model=NAME",)
    )
    app = HybridcodeApp(conversation, clock=clock)
    assert snap_compare(app, terminal_size=size, run_before=settled(app, clock))
