import io
from pathlib import Path

import pytest
from scene_parts import answered, drafted, talk

from hybridcode.cli.chat import DEMO_PREFIX, chat, require_models
from hybridcode.cli.lines import Lines
from hybridcode.cli.options import Flags, read_flags
from hybridcode.cli.plain import PlainProgram
from hybridcode.domain.errors import ConfigError
from hybridcode.domain.events import CheckRan


async def test_what_stands_between_two_acts_is_not_told_before_the_question(capsys: pytest.CaptureFixture[str]) -> None:
    conversation = talk(is_running=False)
    conversation.events = [*drafted(), answered(3, out=3), CheckRan("2", "pytest -q", True, 0, "", 0.1, "scratch")]
    await PlainProgram(conversation, Lines(io.StringIO())).run(None)
    said = capsys.readouterr().out
    assert "now: step 2 · drafting · local" in said
    assert "checking" not in said


def _flags(folder: Path, *arguments: str) -> Flags:
    given = chat.make_context("hybridcode", ["--cwd", str(folder), *arguments]).params
    return read_flags({name: value for name, value in given.items() if name != "prompt"})


def test_a_demo_is_not_gone_on_with_without_its_models(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("XDG_STATE_HOME", str(tmp_path / "state"))
    folder = tmp_path / f"{DEMO_PREFIX}x"
    folder.mkdir()
    with pytest.raises(ConfigError) as caught:
        require_models(_flags(folder, "--continue"))
    assert caught.value.hint == f"Go on with it: hybridcode demo --keep-going {folder}"
    require_models(_flags(folder))
    require_models(_flags(folder, "--continue", "--model", "anthropic/some"))
