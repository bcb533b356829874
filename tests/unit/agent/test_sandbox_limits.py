from pathlib import Path

import pytest

from hybridcode.agent.checks import said
from hybridcode.agent.distil import distil
from hybridcode.agent.sandbox_limits import TERMINAL, TOP_FOLDER, kept_from
from hybridcode.domain.action import Ran
from hybridcode.domain.events import CheckRan

SED = "sed: couldn't open temporary file ./sedkP1v0c: Permission denied"


def ran(tail: str, *, sandbox: str = "landlock", exit_code: int = 1) -> Ran:
    return Ran(exit_code=exit_code, output_sha256="", tail=tail, seconds=0.1, sandbox=sandbox)


@pytest.mark.parametrize(
    ("tail", "told"),
    [
        (SED, TOP_FOLDER),
        ("touch: cannot touch 'new.txt': Permission denied", TOP_FOLDER),
        ("mkdir: cannot create directory ‘out’: Permission denied", TOP_FOLDER),
        ("bash: line 1: out.txt: Permission denied", TOP_FOLDER),
        ("PermissionError: [Errno 13] Permission denied: 'out.txt'", TOP_FOLDER),
        ("OSError: out of pty devices", TERMINAL),
        ("script: failed to open /dev/ptmx: Permission denied", TERMINAL),
        ("PermissionError: [Errno 13] Permission denied: '/etc/shadow'", ""),
        ("cat: there.txt: Permission denied", ""),
        ("1 failed in 0.1s", ""),
        (f"{'x' * 300}: Permission denied", ""),
    ],
)
def test_what_landlock_keeps_a_command_from_is_told(tmp_path: Path, tail: str, told: str):
    (tmp_path / "there.txt").write_text("x")
    assert kept_from(ran(tail), tmp_path) == told
    assert kept_from(ran(tail, sandbox="bwrap"), tmp_path) == ""
    assert kept_from(ran(tail, exit_code=0), tmp_path) == ""
    assert kept_from(ran(tail, exit_code=126), tmp_path) == ""


def test_a_model_is_told_it_beside_the_failure():
    event = CheckRan("1", "sed -i s/a/b/ a.txt", False, 4, SED, 0.1, kept_from=TOP_FOLDER)
    assert said(event, ()) == f"$ sed -i s/a/b/ a.txt\nexit code 4\n{TOP_FOLDER}\n{SED}"


def test_lines_that_say_what_is_denied_are_kept_among_others():
    noise = "\n".join(f"step {number} is done" for number in range(90))
    assert distil(f"{SED}\n{noise}", (), most_chars=300) == SED
