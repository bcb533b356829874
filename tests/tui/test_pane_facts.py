import msgspec
import pytest
from driving import driving
from scene_parts import FACTS, drafted, propose, talk
from scripted_conversation import ScriptedConversation

from hybridcode.domain.action import Action, ChangeSet, FileChange, FileEdit, Ruling, ShellCommand, ToolCall

GAP = "times of files outside"
ASKED = Ruling("ask", "writes `x`", "commands.writes")


def waiting(action: Action | None = None, ruling: Ruling = ASKED, **facts: object) -> ScriptedConversation:
    conversation = talk(msgspec.structs.replace(FACTS, **facts))
    conversation.events = [
        *drafted(),
        propose(conversation, action or ShellCommand(script="echo > x"), ruling=ruling, title="it"),
    ]
    return conversation


def changing(before: str, after: str, ruling: Ruling = ASKED, **facts: object) -> ScriptedConversation:
    conversation = talk(msgspec.structs.replace(FACTS, **facts))
    change = conversation.seal([FileChange("a.py", before.encode(), after.encode())])
    conversation.events = [*drafted(), propose(conversation, change, ruling=ruling, title="it")]
    return conversation


@pytest.mark.parametrize("size", [(60, 20), (80, 24)])
async def test_what_the_sandbox_does_not_enforce_is_told_before_a_yes(size: tuple[int, int]) -> None:
    async with driving(waiting(sandbox="landlock", unenforced=(GAP,)), size=size) as drive:
        told = " ".join(drive.told.split())
        assert "landlock: changes this folder only" in told
        assert "not kept from:" in told


async def test_without_a_sandbox_the_network_is_not_called_closed() -> None:
    async with driving(waiting(sandbox="none")) as drive:
        assert "nothing stops it" in " ".join(drive.told.split())


async def test_the_sandbox_of_this_run_counts_and_not_that_of_the_first_one() -> None:
    async with driving(waiting(sandbox="none")) as drive:
        assert "none: it can do what you can do" in drive.told


@pytest.mark.parametrize("is_edit", [True, False])
async def test_a_question_that_lapses_says_when(is_edit: bool) -> None:
    def asked(**facts: object) -> ScriptedConversation:
        return changing("a = 1\n", "a = 2\n", **facts) if is_edit else waiting(**facts)

    async with driving(asked(expires_s=3600.0)) as drive:
        assert "lapses" in drive.told
        assert "([approval] expires_s)" in drive.told
    async with driving(asked()) as drive:
        assert "lapses" not in drive.told


@pytest.mark.parametrize(
    ("before", "after", "flag"),
    [
        ("a = 1\n", "a\u200b = 1\n", "invisible-only-change"),
        ("a\nb\n", "a\r\nb\r\n", "eol-change"),
        ("a\n", "a\n--- a/b\n+++ b/b\n@@ -1 +1 @@\n", "diff-in-diff"),
    ],
)
async def test_a_diff_pane_flags_what_its_lines_do_not_show(before: str, after: str, flag: str) -> None:
    async with driving(changing(before, after)) as drive:
        assert f"! {flag}" in drive.told
        await drive.press("w")
        assert f"! {flag}" in drive.told


async def test_permission_bits_that_change_with_the_bytes_stand_in_the_pane() -> None:
    conversation = talk()
    before, after = conversation.store(b"a = 1\n"), conversation.store(b"a = 2\n")
    change = ChangeSet((FileEdit("a.py", before, after, 0o755, before_mode=0o644),))
    conversation.events = [*drafted(), propose(conversation, change, ruling=ASKED, title="it")]
    async with driving(conversation) as drive:
        assert "! a.py: mode 0644 becomes 0755" in drive.told


async def test_what_is_asked_every_time_and_whose_rule_asks_is_seen_without_a_key() -> None:
    ruling = Ruling("ask", "ours", "user:Edit(a.py)", source="/p.toml, rule 1", person_only=True)
    async with driving(changing("a = 1\n", "a = 2\n", ruling)) as drive:
        assert "! a person each time: asked by user:Edit(a.py) (/p.toml, rule 1)" in drive.told


async def test_a_request_that_would_leave_is_called_one() -> None:
    call = ToolCall("big at example.org", "send", msgspec.Raw(b'{"host":"example.org"}'))
    ruling = Ruling("ask", "sends 900 bytes to example.org", "egress.ask", flags=("network",))
    async with driving(waiting(call, ruling)) as drive:
        assert "send a request?" in drive.told
        assert "send it" in drive.told
        assert "run once" not in drive.told
        assert drive.told.index("asked by") < drive.told.index("arguments")
