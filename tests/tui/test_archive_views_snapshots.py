from collections.abc import Callable

import pytest
from scene_parts import ASKS_EDIT, CHANGES, answered, drafted, propose, talk
from scripted_conversation import ScriptedConversation
from snapshot_app import Clock, settled

from hybridcode.tui.app import HybridcodeApp
from hybridcode.tui.archive import Waiting

Snap = Callable[..., bool]
SIZES = ((80, 24), (120, 40), (60, 20))
VIEWS = {"context": "f2", "ledger": "f3", "inbox": "f4"}


def used() -> ScriptedConversation:
    conversation = talk(is_running=False)
    conversation.events = [*drafted(), answered(3, out=60, usd=0.0)]
    made = propose(conversation, conversation.seal(CHANGES), ruling=ASKS_EDIT, title="Cart.total returns Money")
    other = "20251231-120000-else"
    conversation.archive.rows = [Waiting(made.proposal, other, "Make the sums exact.", "2026-01-01T00:00:00Z", True)]
    return conversation


@pytest.mark.parametrize("size", SIZES, ids=[f"{w}x{h}" for w, h in SIZES])
@pytest.mark.parametrize("view", VIEWS)
def test_archive_view(snap_compare: Snap, view: str, size: tuple[int, int]) -> None:
    clock = Clock()
    app = HybridcodeApp(used(), clock=clock)
    assert snap_compare(app, terminal_size=size, run_before=settled(app, clock, VIEWS[view]))
