from pathlib import Path

import pytest

HERE = Path(__file__).parent
SCREENS = HERE.parent.parent / "docs" / "screens"
SHOWN = {
    "start": "test_scene[empty-80x24]",
    "session": "test_scene[drafting-120x40]",
    "plan": "test_scene[plan_waiting-80x24]",
    "review": "test_scene[review_diff-120x40]",
    "review-side-by-side": "test_scene_after_keys[side_by_side]",
    "command": "test_scene[review_command-80x24]",
    "done": "test_scene[done-120x40]",
    "help": "test_scene_after_keys[help]",
}
"""Pictures of the documentation and the snapshots they are copies of."""


@pytest.mark.parametrize("name", SHOWN)
def test_pictures_are_current(name: str) -> None:
    snapshot = HERE / "__snapshots__" / "test_snapshots" / f"{SHOWN[name]}.svg"
    assert (SCREENS / f"{name}.svg").read_text() == snapshot.read_text(), f"copy {snapshot.name} to {name}.svg"


def test_every_picture_is_known() -> None:
    assert {path.stem for path in SCREENS.glob("*.svg")} == set(SHOWN)
