import re
from pathlib import Path

import pytest

from hybridcode.gate.commands.plain import Stage
from hybridcode.gate.sandbox_request import Request
from hybridcode.gate.sandbox_seatbelt import profile, quoted

_STRING = re.compile(r'"(?:[^"\\]|\\.)*"', re.DOTALL)


@pytest.fixture
def root(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    home = tmp_path / "home"
    (home / ".ssh").mkdir(parents=True)
    monkeypatch.setenv("HOME", str(home))
    (tmp_path / "ws").mkdir()
    return (tmp_path / "ws").resolve()


def lines_of(root: Path, *, is_reader: bool = False, writes_git: bool = False, network: bool = False) -> list[str]:
    stages = (Stage(("/bin/ls",)),)
    request = Request(stages, root, root, network=network, is_reader=is_reader, writes_git=writes_git)
    return profile(request).splitlines()


def balanced(text: str) -> bool:
    depth = 0
    for character in _STRING.sub("", text):
        depth += (character == "(") - (character == ")")
        if depth < 0:
            return False
    return depth == 0


@pytest.mark.parametrize(
    ("path", "expected"),
    [
        ("/a b", '"/a b"'),
        ('/a"b', '"/a\\"b"'),
        ("/a\\b", '"/a\\\\b"'),
        ('/a\\"b', '"/a\\\\\\"b"'),
        ("/a)b(c;d", '"/a)b(c;d"'),
        ("/a\nb", '"/a\\nb"'),
        ("/ä", '"/ä"'),
    ],
)
def test_paths_cannot_end_their_string(path: str, expected: str):
    assert quoted(Path(path)) == expected


@pytest.mark.parametrize("name", ["plain", 'qu"ote', "back\\slash", "pa)ren(", '") (allow default) ("'])
def test_the_profile_is_whole_whatever_the_folder_is_called(root: Path, name: str):
    odd = root / name
    odd.mkdir()
    text = "\n".join(lines_of(odd))
    assert balanced(text)
    assert "(allow default)" not in _STRING.sub("", text)


def test_everything_is_denied_but_what_is_listed(root: Path):
    lines = lines_of(root)
    assert lines[:2] == ["(version 1)", "(deny default)"]
    assert not any("network" in line for line in lines)
    assert f"(allow file-write* (subpath {quoted(root)}))" in lines


def test_protected_names_are_read_only_whether_they_exist_or_not(root: Path):
    lines = lines_of(root)
    opened = lines.index(f"(allow file-write* (subpath {quoted(root)}))")
    for name in (".git", ".hybridcode", ".github", ".envrc", ".vscode", ".husky"):
        assert lines.index(f"(deny file-write* (subpath {quoted(root / name)}))") > opened


def test_git_may_write_its_repository_but_not_its_hooks(root: Path):
    lines = lines_of(root, writes_git=True)
    assert f"(deny file-write* (subpath {quoted(root / '.git')}))" not in lines
    for name in (".git/hooks", ".git/config", ".hybridcode"):
        assert f"(deny file-write* (subpath {quoted(root / name)}))" in lines


def test_credentials_are_hidden_after_everything_else(root: Path):
    lines = lines_of(root)
    hidden = f"(deny file-read* file-write* (subpath {quoted(Path.home().resolve() / '.ssh')}))"
    assert lines.index(hidden) > max(at for at, line in enumerate(lines) if line.startswith("(allow"))


def test_a_reader_writes_nothing(root: Path):
    assert f"(allow file-write* (subpath {quoted(root)}))" not in lines_of(root, is_reader=True)


def test_the_network_comes_without_sockets_of_the_machine(root: Path):
    lines = lines_of(root, network=True)
    assert lines.index("(deny network-outbound (remote unix-socket))") > lines.index("(allow network*)")
