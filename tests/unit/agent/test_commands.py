import subprocess

import pytest

from hybridcode.agent.commands import shell_command
from hybridcode.domain.action import ShellCommand


def read(line: str) -> ShellCommand:
    return shell_command(line, timeout_s=5, purpose="step", env_names=("PATH",))


@pytest.mark.parametrize(
    ("line", "argv"),
    [
        ("pytest -q tests/test_a.py", ("pytest", "-q", "tests/test_a.py")),
        ("git commit -m 'two words'", ("git", "commit", "-m", "two words")),
        ("pytest --cov=src", ("pytest", "--cov=src")),
        ("grep -c 'a*b' \"two words\"", ("grep", "-c", "a*b", "two words")),
        ("rg 'def |class ' src", ("rg", "def |class ", "src")),
        ("find . -exec echo {} +", ("find", ".", "-exec", "echo", "{}", "+")),
    ],
)
def test_plain_lines_become_arguments(line: str, argv: tuple[str, ...]):
    command = read(line)
    assert (command.argv, command.script) == (argv, "")


@pytest.mark.parametrize(
    "line",
    [
        *("a && b", "a | b", "echo $HOME", "ls *.py", "FOO=1 make", "echo 'open", "a\nb", "cat <x", "`id`"),
        *("a # b", "make >/dev/null", "make 2>&1", "export X=1", "if ls", "cd src", "test -f a", "time make"),
        *("ls ~", "ls {a,b}", ""),
    ],
)
def test_shell_syntax_stays_a_script(line: str):
    command = read(line)
    assert (command.argv, command.script) == ((), line)


def test_text_is_what_a_person_would_type():
    assert read("git commit -m 'two words'").text == "git commit -m 'two words'"


def test_arguments_are_those_that_bash_would_make():
    line = r"""/usr/bin/printf '%s\n' a\ b 'c d'\''e' "f \" g" x\"y\" 'z'"""
    ran = subprocess.run(["bash", "-c", line], capture_output=True, text=True, check=True)
    assert ran.stdout.splitlines() == list(read(line).argv[2:])
