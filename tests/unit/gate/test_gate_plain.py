import os
import shutil
import subprocess
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from hybridcode.gate.commands.plain import Stage, plain_pipeline

BASH = shutil.which("bash") or ""
pytestmark = pytest.mark.skipif(not BASH, reason="bash is not there to be asked")


def words_of_bash(arguments: str, folder: Path) -> list[str]:
    """The words that bash makes of a command's arguments; there is no program that it could find."""
    printed = subprocess.run(
        [BASH, "--noprofile", "--norc", "-c", f"printf '%s\\0' x {arguments}"],
        cwd=folder,
        env={"PATH": "/nonexistent", "HOME": "/home/somebody", "a": "value"},
        capture_output=True,
        check=True,
    )
    return printed.stdout.decode().split("\0")[1:-1]


def output_of(stages: tuple[Stage, ...], folder: Path) -> bytes:
    """What comes out at the end of the stages, each run to its end before the next one starts."""
    sent = b""
    for stage in stages:
        taken, pipe = os.pipe()
        with os.fdopen(taken, "rb") as reading, os.fdopen(pipe, "wb") as writing:
            null = subprocess.DEVNULL
            subprocess.run(
                stage.argv,
                cwd=folder,
                input=b"" if stage.stdin == "null" else sent,
                stdout=null if stage.stdout == "null" else writing,
                stderr={"null": null, "given": null, "stdout": writing}[stage.stderr],
                check=False,
            )
            writing.close()
            sent = reading.read()
    return sent


_PIECES = st.sampled_from(
    ["a", "b1", "-x", "=", ":", "é", "\\ ", "\\'", '\\"', "\\a", "\\\n", "'", '"', "'s p'", '"d q"', '"\\$x"', '"\\a"',
     "''", '""', "~", "#", "%", "!", "{}", "{", "}", "]", "*", "$", "$a", "\\*", "'*'", " ", " ", "\t", "^",
     "@", ",", ".."]
)  # fmt: skip


@settings(max_examples=150, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(pieces=st.lists(_PIECES, max_size=10))
def test_words_are_those_of_bash(tmp_path: Path, pieces: list[str]):
    (tmp_path / "a").write_text("")
    arguments = "".join(pieces)
    stages = plain_pipeline(f"cat {arguments}")
    if stages is not None:
        assert [list(stage.argv[1:]) for stage in stages] == [words_of_bash(arguments, tmp_path)]


@pytest.mark.parametrize(
    ("text", "stages"),
    [
        ("ls", [Stage(("ls",))]),
        ("  ls  -la \n", [Stage(("ls", "-la"))]),
        ("rg -n 'a|b' src | head -5", [Stage(("rg", "-n", "a|b", "src")), Stage(("head", "-5"))]),
        ("cat a\\ b 'c'\"d\"e ''", [Stage(("cat", "a b", "cde", ""))]),
        ("git log \\\n  --oneline", [Stage(("git", "log", "--oneline"))]),
        ("git show HEAD~1:a.txt", [Stage(("git", "show", "HEAD~1:a.txt"))]),
        ("find . -exec wc {} ;", None),
        ("find . -exec wc {} \\;", [Stage(("find", ".", "-exec", "wc", "{}", ";"))]),
        ('grep "foo$" a.txt', [Stage(("grep", "foo$", "a.txt"))]),
        ("ls 2>/dev/null", [Stage(("ls",), stderr="null")]),
        ("ls > /dev/null 2>&1", [Stage(("ls",), stdout="null", stderr="null")]),
        ("ls 2>&1 >/dev/null", [Stage(("ls",), stdout="null", stderr="stdout")]),
        ("ls 2>&1 | wc -l </dev/null", [Stage(("ls",), stderr="stdout"), Stage(("wc", "-l"), stdin="null")]),
        ("ls a2>/dev/null", [Stage(("ls", "a2"), stdout="null")]),
        ("ls '2'>/dev/null", [Stage(("ls", "2"), stdout="null")]),
        ("ls &>/dev/null", [Stage(("ls",), stdout="null", stderr="null")]),
    ],
)
def test_pipelines_come_apart_into_stages(text: str, stages: list[Stage] | None):
    assert plain_pipeline(text) == (None if stages is None else tuple(stages))


@pytest.mark.parametrize(
    "text",
    """
ls *
ls a?
ls [ab]
ls ~
ls x=~
ls a=b:~
ls $HOME
ls "$HOME"
ls `pwd`
ls $(pwd)
ls $'a'
ls $"a"
ls {a,b}
ls {1..3}
ls a; ls b
ls && ls
ls || ls
ls &
ls |& cat
ls > out.txt
ls >> /dev/null
ls >/dev/nullx
ls >/dev/null/../x
ls 3>/dev/null
ls <(cat a)
cat <<< a
(ls)
! ls
time ls
A=1 ls
a+=1
cd src
echo -e a
echo 'a\\tb'
test -v x
export A=1
command ls
if
ls # all
ls |
| ls
'unclosed
"unclosed
ls \\
'' a
""".strip().split("\n"),
)
def test_what_needs_a_shell_is_no_plain_pipeline(text: str):
    assert plain_pipeline(text) is None


@pytest.mark.parametrize(
    "text", ["", " ", "ls\nls", "ls\r", "ls \u00a0", "ls\x00", "ls \u202e", "ls\u3000a", "ls |\n cat"]
)
def test_neither_is_anything_with_lines_or_hidden_characters(text: str):
    assert plain_pipeline(text) is None


@pytest.mark.parametrize(
    "text",
    [
        "cat a.txt missing 2>&1 | sort",
        "cat a.txt missing 2>/dev/null | wc -l",
        "cat a.txt missing >/dev/null 2>&1",
        "cat a.txt missing 2>&1 >/dev/null | wc -l",
        "cat a.txt | cat </dev/null | wc -c",
        "sort -r 'a.txt' | head -n 1",
    ],
)
def test_stages_do_what_bash_does(tmp_path: Path, text: str):
    (tmp_path / "a.txt").write_text("one\ntwo\n")
    stages = plain_pipeline(text)
    assert stages is not None
    ours = output_of(stages, tmp_path)
    theirs = subprocess.run([BASH, "--noprofile", "--norc", "-c", text], cwd=tmp_path, capture_output=True, check=False)
    assert ours == theirs.stdout
