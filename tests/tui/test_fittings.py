import asyncio
from collections.abc import AsyncGenerator
from pathlib import Path

import msgspec
import pytest
from driving import driving
from scene_parts import talk
from scenes_records import two_tasks
from scripted_conversation import ScriptedConversation
from scripted_fittings import FINDINGS, GRANTED, policy_of

from hybridcode.domain.action import ShellCommand
from hybridcode.domain.events import RuleWithdrawn
from hybridcode.session.doctor import Finding, findings
from hybridcode.tui.live import LiveConversation
from hybridcode.tui.policy_text import action_of
from hybridcode.tui.screens.doctor import DoctorScreen
from hybridcode.tui.screens.model import ModelScreen
from hybridcode.tui.screens.policy import PolicyScreen
from hybridcode.tui.screens.questions import SureScreen
from hybridcode.tui.screens.text import TextScreen
from hybridcode.tui.widgets.rows import Rows
from tests.support.sessions import loaded_for

OPENAI = "frontier openai/gpt-5-mini"


def idle() -> ScriptedConversation:
    return talk(is_running=False)


async def test_enter_only_asks_and_a_yes_chooses_once_it_was_seen() -> None:
    conversation = idle()
    async with driving(conversation) as drive:
        await drive.press(*"/model", "enter", "down", "enter")
        assert isinstance(drive.app.screen, SureScreen)
        assert "openai/gpt-5-mini" in drive.told and "until you leave the program" in drive.told
        await drive.press("y", after=0.1)
        await drive.press("enter", "space", "tab")
        assert conversation.fittings.chosen == []
        await drive.press("y")
        assert conversation.fittings.chosen == [OPENAI]
        assert isinstance(drive.app.screen, ModelScreen)


async def test_a_no_chooses_nothing() -> None:
    conversation = idle()
    async with driving(conversation) as drive:
        await drive.press(*"/model", "enter", "down", "enter", "n")
        assert isinstance(drive.app.screen, ModelScreen)
        assert conversation.fittings.chosen == []


async def test_what_cannot_be_chosen_says_why_and_what_is_so_already_too() -> None:
    async with driving(idle()) as drive:
        await drive.press(*"/model", "space", *"qwen3.6", "enter", "enter")
        assert "its download is not finished" in drive.told
        assert drive.talk.fittings.chosen == []
        await drive.press("home", "enter")
        assert "this is so already" in drive.told


async def test_a_choice_that_fails_is_told_with_what_to_do() -> None:
    conversation = idle()
    conversation.fittings.refusal = "The frontier model was set by your administrator."
    async with driving(conversation) as drive:
        await drive.press(*"/model", "enter", "down", "enter", "y")
        assert "set by your administrator" in drive.told
        await drive.press("l")
        assert "set by your administrator" in drive.told


async def test_while_a_task_runs_it_is_said_that_a_choice_counts_from_the_next_one() -> None:
    async with driving(talk(), size=(120, 30)) as drive:
        await drive.press(*"/model", "enter")
        assert "counts from the next one on" in drive.told


async def test_the_screen_follows_where_the_models_stand() -> None:
    conversation = idle()
    async with driving(conversation, size=(120, 30)) as drive:
        await drive.press(*"/model", "enter")
        assert "not loaded yet" in drive.told
        frontier, local = conversation.fittings.shown.models
        ready = (frontier, msgspec.structs.replace(local, state="ready", notes=("a smaller context",)))
        conversation.fittings.shown = msgspec.structs.replace(conversation.fittings.shown, models=ready)
        await drive.pilot.pause(1.2)
        assert "not loaded yet" not in drive.told


async def test_an_unknown_price_is_called_unknown() -> None:
    conversation = idle()
    frontier, local = conversation.fittings.shown.models
    unknown = msgspec.structs.replace(frontier, price=None, price_from="")
    conversation.fittings.shown = msgspec.structs.replace(conversation.fittings.shown, models=(unknown, local))
    async with driving(conversation, size=(120, 30)) as drive:
        await drive.press(*"/model", "enter")
        assert "price unknown" in drive.told and "$" not in drive.told


@pytest.mark.parametrize(
    "asked", ["git push --force", "pytest -q", "terraform apply", "ls", "@docs/a.md", "@.git/config"]
)
async def test_the_verdict_follows_what_is_typed_and_is_the_policys_own(asked: str) -> None:
    conversation = idle()
    action = action_of(asked)
    assert action is not None
    ruling = conversation.fittings.policy.judge(action)
    keys = ["space" if char == " " else char for char in asked]
    async with driving(conversation, size=(160, 40)) as drive:
        await drive.press(*"/policy", "enter", "e", *keys)
        assert f"{ruling.verdict}:" in drive.told
        await drive.press("enter")
        assert isinstance(drive.app.screen, PolicyScreen)
        assert "happens in each mode" in drive.told
        await drive.press("enter")
        assert isinstance(drive.app.screen, TextScreen)
        assert f"because {ruling.reason}" in drive.app.screen.text
        assert f"rule {ruling.rule}, {ruling.source}" in drive.app.screen.text


async def test_a_command_behind_the_slash_command_is_explained_at_once() -> None:
    async with driving(idle(), size=(120, 40)) as drive:
        await drive.press(*"/policy", "space", *"terraform", "space", *"apply", "enter")
        assert "deny" in drive.told and "only from the pipeline" in drive.told
        assert drive.app.screen.query_one(Rows).key == "terraform apply"


async def test_asking_for_nothing_explains_nothing() -> None:
    assert action_of("  ") is action_of("@ ") is None
    async with driving(idle()) as drive:
        await drive.press(*"/policy", "enter", "e", "enter")
        assert isinstance(drive.app.screen, PolicyScreen)
        assert "asked here" not in drive.told


async def test_only_what_was_allowed_in_this_session_is_taken_back() -> None:
    conversation = idle()
    async with driving(conversation) as drive:
        await drive.press(*"/policy", "enter", "down", "x")
        assert "changed in their files" in drive.told
        assert conversation.events == []
        await drive.press("up", "x")
        assert conversation.events == [RuleWithdrawn(GRANTED, "person:tui")]
        assert conversation.fittings.policy.judge(ShellCommand(script="git status --short")).rule != f"user:{GRANTED}"
        assert "allowed by you in this session: none" in drive.told
        await drive.press("escape")
        assert f"asked again from now on, by you: {GRANTED}" in drive.told


async def test_the_policy_counts_what_each_rule_ruled_here() -> None:
    async with driving(two_tasks(), size=(120, 40)) as drive:
        await drive.press(*"/policy", "enter")
        assert "files.edit" in drive.told and "2 times" in drive.told
        assert "deny 1 · ask 1 · allow 2" in drive.told


async def test_every_finding_that_is_not_well_says_what_to_do_and_stands_under_the_cursor() -> None:
    async with driving(idle(), size=(120, 30)) as drive:
        await drive.press(*"/doctor", "enter")
        shown = drive.app.screen
        assert isinstance(shown, DoctorScreen)
        assert shown.key == "frontier"
        assert "what to do" in drive.told
        assert ("export ANTHROPIC_API_KEY=..., then try again.\n") in shown.detail_parts("frontier", 60)
        assert "1 to mend" in drive.told and f"{len(FINDINGS)} checks" in drive.told
        await drive.press("c")
        assert drive.app.clipboard.splitlines()[4].startswith("no  frontier: ")


async def test_findings_are_shown_as_they_come() -> None:
    class Slow:
        async def look(self) -> AsyncGenerator[Finding]:
            yield FINDINGS[0]
            while True:
                await drive.pilot.pause(0.05)

    async with driving(idle()) as drive:
        drive.app.push_screen(DoctorScreen(Slow().look))
        await drive.pilot.pause(0.3)
        assert "loads and writes" in drive.told and "1 check, looking" in drive.told


@pytest.mark.llama
async def test_the_program_finds_what_the_command_line_finds(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("HOME", "XDG_STATE_HOME", "XDG_CONFIG_HOME", "XDG_DATA_HOME"):
        monkeypatch.setenv(name, str(tmp_path / name))
    workspace = tmp_path / "ws"
    workspace.mkdir()
    live = LiveConversation(workspace, loaded_for(workspace))
    found = [finding async for finding in live.fittings.findings()]
    expected = await asyncio.to_thread(list, findings(workspace, loaded_for(workspace).settings))
    assert [one.what for one in found] == [one.what for one in expected]
    assert [one.ok for one in found] == [one.ok for one in expected]
    await live.close()


async def test_rules_are_shown_before_there_is_a_session_and_looking_opens_none(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name in ("HOME", "XDG_STATE_HOME", "XDG_CONFIG_HOME", "XDG_DATA_HOME"):
        monkeypatch.setenv(name, str(tmp_path / name))
    workspace = tmp_path / "ws"
    workspace.mkdir()
    live = LiveConversation(workspace, loaded_for(workspace, approval__deny=["Bash(make *)"]))
    shown = await live.fittings.rules()
    assert [(rule.verdict, rule.text) for rule in shown.policy.rules] == [("deny", "Bash(make *)")]
    told = await live.fittings.explain(ShellCommand(script="make x"))
    assert told.ruling == shown.policy.judge(ShellCommand(script="make x"))
    assert (await live.fittings.models()).models[0].state == "none"
    assert live.session_id is None
    await live.close()


def test_the_rules_of_the_tests_are_those_of_the_gate(tmp_path: Path) -> None:
    assert policy_of(tmp_path).judge(ShellCommand(script="terraform plan")).verdict == "deny"
