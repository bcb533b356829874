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
    ],
)
def test_plain_lines_become_arguments(line: str, argv: tuple[str, ...]):
    command = read(line)
    assert (command.argv, command.script) == (argv, "")


@pytest.mark.parametrize(
    "line", ["a && b", "a | b", "echo $HOME", "ls *.py", "FOO=1 make", "echo 'open", "a\nb", "cat <x", "`id`", "a # b"]
)
def test_shell_syntax_stays_a_script(line: str):
    command = read(line)
    assert (command.argv, command.script) == ((), line)


def test_text_is_what_a_person_would_type():
    assert read("git commit -m 'two words'").text == "git commit -m 'two words'"
