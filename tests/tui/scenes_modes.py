"""Permission modes on the screens that name them."""

from collections.abc import Callable

import msgspec
from scene_parts import FACTS, drafted, talk
from scenes import plan_waiting, review_command, running_command
from scripted_conversation import ScriptedConversation

from hybridcode.config.settings import Mode
from hybridcode.domain.events import ModeChanged
from hybridcode.tui.conversation import PERSON


def _in(mode: Mode, conversation: ScriptedConversation) -> ScriptedConversation:
    conversation.facts = msgspec.structs.replace(FACTS, mode=mode)
    return conversation


def accepting() -> ScriptedConversation:
    conversation = _in("acceptEdits", talk())
    conversation.events = [*drafted(), ModeChanged("acceptEdits", PERSON)]
    return conversation


def bypassing() -> ScriptedConversation:
    conversation = _in("bypass", talk())
    conversation.events = drafted()
    return conversation


def planning_only() -> ScriptedConversation:
    return _in("plan", plan_waiting())


def asked_before_plan_mode() -> ScriptedConversation:
    return _in("plan", review_command())


def at_work() -> ScriptedConversation:
    return running_command()


SCENES_MODES: dict[str, Callable[[], ScriptedConversation]] = {
    scene.__name__: scene for scene in (accepting, bypassing, planning_only, asked_before_plan_mode, at_work)
}
