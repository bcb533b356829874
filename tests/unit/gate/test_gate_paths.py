from pathlib import Path

import pytest

from benchmarks.gate_paths import is_right, judge, read_cases
from hybridcode.config.settings import Settings
from hybridcode.domain.action import ChangeSet, FileEdit
from hybridcode.gate.paths import Places
from hybridcode.gate.policy import Policy
from hybridcode.gate.protected import is_protected


@pytest.mark.parametrize("tag", sorted({case.tag for case in read_cases()}))
def test_each_path_is_judged_by_where_it_leads_and_what_it_names(tmp_path: Path, tag: str):
    cases = [case for case in read_cases() if case.tag == tag]
    wrong = [case for case in cases if not is_right(case, judge(case, tmp_path / case.id))]
    assert wrong == []


@pytest.mark.parametrize("path", [".", "src/..", "circle", "circle/a", "src/back"])
def test_what_names_no_file_is_unusable(tmp_path: Path, path: str):
    (tmp_path / "src").mkdir()
    (tmp_path / "circle").symlink_to("circle")
    (tmp_path / "src" / "back").symlink_to("..")
    assert Places.of(tmp_path, home=Path("/nowhere")).of_edit(path).kind == "unusable"


def test_a_file_with_other_names_is_told(tmp_path: Path):
    (tmp_path / "ws").mkdir()
    (tmp_path / "out").write_text("x")
    (tmp_path / "ws" / "a").hardlink_to(tmp_path / "out")
    policy = Policy.load(Settings(), tmp_path / "ws", home=tmp_path)
    ruling = policy.judge(ChangeSet((FileEdit("a", "0" * 64, "1" * 64),)))
    assert (ruling.verdict, ruling.flags) == ("ask", ("hard-link",))
    assert "keep the old bytes" in ruling.reason


def test_what_is_mounted_in_the_workspace_is_asked_of_a_person():
    place = Places(Path("/ws"), Path("/home/u"), mounts=("data/vol",)).of_edit("data/vol/x.txt")
    assert (place.kind, place.why) == ("protected", "is protected: something else is mounted there")


def test_mounts_are_read_from_the_kernel():
    root = Path("/")
    if not Path("/proc/self/mountinfo").exists():
        pytest.skip("no /proc here")
    assert "proc" in Places.of(root, home=Path("/nowhere")).mounts


def test_protection_is_told_by_its_kind():
    assert is_protected((".config", "fish", "x.fish")) == "a shell start-up file"
    assert is_protected(("a", ".env")) == "credentials"
    assert is_protected((".env.example",)) == ""
