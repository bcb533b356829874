"""Runs a scene with every text in it made hostile: `python hostile_program.py SCENE|text|json|stream-json`.

Invariant: only this program's strings are changed; ids and digests stay what they are.
"""

import sys
import types
import typing
from dataclasses import replace
from typing import Any

import msgspec
from scenes import SCENES
from scenes_transcript import answered_question, thinking
from scripted_conversation import ScriptedConversation

from hybridcode.cli import console
from hybridcode.cli.printer import TextPrinter, stream_json
from hybridcode.tui.app import HybridcodeApp

HOSTILE = (
    "\x1b]52;c;aGk=\x07\x1b]0;owned\x07\x1b[7771m\x9b7772m\u202e\u200b\U000e0041\rQ7\b[bold]m[/bold][@click=app.bell]k[/]"
    + "e"
    + "\u0301" * 40
    + "\u2028"
    + "W" * 600
)
KEPT = {"id", "session", "step", "proposal", "digest", "call_id", "needs", "task_id", "at", "task", "kind"}


def hostile(value: Any, declared: Any = None) -> Any:
    """The same value with HOSTILE behind every free text in it."""
    match value:
        case msgspec.Struct():
            hints = typing.get_type_hints(type(value))
            changed = {
                name: hostile(inner, hints[name])
                for name, inner in msgspec.structs.asdict(value).items()
                if not (isinstance(inner, str) and (name in KEPT or name.endswith(("sha256", "digest", "hash"))))
            }
            return msgspec.structs.replace(value, **changed)
        case str():
            return value + HOSTILE if value and takes_any_text(declared) else value
        case tuple():
            inner = next(iter(typing.get_args(declared)), None)
            return tuple(hostile(each, inner) for each in typing.cast(tuple[Any, ...], value))
        case _:
            return value


def takes_any_text(declared: Any) -> bool:
    """False for a choice of words."""
    if typing.get_origin(declared) in (typing.Union, types.UnionType):
        return all(takes_any_text(each) or each is type(None) for each in typing.get_args(declared))
    return declared is str


def made_hostile(conversation: ScriptedConversation) -> ScriptedConversation:
    """Events, facts and bytes of a scene."""
    conversation.events[:] = [hostile(event) for event in conversation.events]
    conversation.facts = hostile(conversation.facts)
    conversation.blobs = {
        digest: data.replace(b"\n", HOSTILE.encode() + b"\n", 2) for digest, data in conversation.blobs.items()
    }
    for _ in range(conversation.live.qsize()):
        piece = conversation.live.get()
        conversation.live.put(replace(piece, text=piece.text + HOSTILE))
    return conversation


def main() -> None:
    """Show one scene, or print it."""
    (what,) = sys.argv[1:]
    scenes = {**SCENES, "answered_question": answered_question, "thinking": thinking}
    if what in scenes:
        HybridcodeApp(made_hostile(scenes[what]())).run()
        return
    for scene in SCENES.values():
        conversation = made_hostile(scene())
        for envelope in conversation.envelopes:
            match what:
                case "text":
                    TextPrinter(conversation.blob)(envelope)
                case "json":
                    console.json_data(envelope)
                case _:
                    stream_json(envelope)


if __name__ == "__main__":
    main()
