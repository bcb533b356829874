import json
import subprocess
from pathlib import Path

import pytest

from tests.support.processes import Program
from tests.support.repos import git, git_repository

SHOP = "RATE = 3\n\n\ndef total(items):\n    return sum(items)\n"
BLOCK = "shop.py\n<<<<<<< SEARCH\nRATE = 3\n=======\nRATE = 5\n>>>>>>> REPLACE\n"


@pytest.fixture
def program(tmp_path: Path) -> Program:
    return Program(tmp_path / "home")


@pytest.fixture
def root(tmp_path: Path) -> Path:
    return git_repository(tmp_path / "shop", {"shop.py": SHOP, "docs/notes.md": "# Notes\n\nOne.\n"})


def test_an_answer_is_applied_once_recorded_and_can_be_undone(program: Program, root: Path) -> None:
    done = program.run("apply", cwd=root, stdin=BLOCK)
    assert (done.code, done.out) == (0, "changed shop.py\n")
    assert (root / "shop.py").read_text() == SHOP.replace("3", "5", 1)
    again = program.run("apply", "--json", cwd=root, stdin=BLOCK)
    assert again.code == 0
    assert json.loads(again.out) | {"warnings": []} == {
        "applied": [], "already": ["shop.py"], "refused": [], "warnings": [], "dry_run": False, "session": "",
    }  # fmt: skip
    assert program.run("audit", "verify", cwd=root).code == 0
    assert program.run("undo", cwd=root).code == 0
    assert (root / "shop.py").read_text() == SHOP


def test_a_refused_edit_leaves_every_file_alone_and_shows_the_real_lines(program: Program, root: Path) -> None:
    wrong = BLOCK + "docs/notes.md\n<<<<<<< SEARCH\nOnly one.\n=======\nTwo.\n>>>>>>> REPLACE\n"
    done = program.run("apply", "--json", "--root", str(root), cwd=root.parent, stdin=wrong)
    found = json.loads(done.out)
    assert (done.code, found["applied"]) == (5, [])
    assert [(item["path"], item["hunk"]) for item in found["refused"]] == [("docs/notes.md", 0)]
    assert "One." in found["refused"][0]["near"]
    assert found["refused"][0]["advice"]
    assert (root / "shop.py").read_text() == SHOP
    told = program.run("apply", "--root", str(root), cwd=root.parent, stdin=wrong)
    assert (told.code, told.out) == (5, "")
    assert "docs/notes.md, edit 1: the lines to change are not in the file" in told.err
    assert "nothing was written" in told.err


def test_what_stands_already_does_not_keep_the_rest_back(program: Program, root: Path) -> None:
    (root / "shop.py").write_text(SHOP.replace("3", "5", 1))
    both = BLOCK + "docs/notes.md\n<<<<<<< SEARCH\nOne.\n=======\nTwo.\n>>>>>>> REPLACE\n"
    found = json.loads(program.run("apply", "--json", cwd=root, stdin=both).out)
    assert (found["applied"], found["already"]) == (["docs/notes.md"], ["shop.py"])
    assert (root / "docs/notes.md").read_text() == "# Notes\n\nTwo.\n"


def test_a_dry_run_prints_a_diff_that_git_can_apply_and_writes_nothing(program: Program, root: Path) -> None:
    done = program.run("apply", "--dry-run", cwd=root, stdin=BLOCK)
    assert (done.code, (root / "shop.py").read_text()) == (0, SHOP)
    subprocess.run(["git", "-C", str(root), "apply"], input=done.out, text=True, check=True)
    assert (root / "shop.py").read_text() == SHOP.replace("3", "5", 1)
    assert not (program.home / "state").exists()


@pytest.mark.parametrize(
    "path", [".github/workflows/ci.yml", ".git/config", ".hybridcode/policy.toml", "../outside.py", "link/inside.py"]
)
def test_the_command_is_no_approval_for_protected_files_and_those_outside(
    program: Program, root: Path, path: str
) -> None:
    (root / "link").symlink_to(root.parent, target_is_directory=True)
    config = (root / ".git/config").read_text()
    answer = f"*** Begin Patch\n*** Add File: {path}\n+x = 1\n*** End Patch\n"
    done = program.run("apply", "--json", cwd=root, stdin=answer)
    assert done.code == 5
    assert json.loads(done.out)["refused"][0]["path"] == path
    assert not (root.parent / "outside.py").exists()
    assert not (root.parent / "inside.py").exists()
    assert not (root / ".github").exists()
    assert (root / ".git/config").read_text() == config


def test_no_file_outside_is_read_for_the_reason(program: Program, root: Path) -> None:
    (root.parent / "secret.txt").write_text("token: 1234\n")
    answer = "../secret.txt\n<<<<<<< SEARCH\ntoken: 999\n=======\nx\n>>>>>>> REPLACE\n"
    done = program.run("apply", "--json", cwd=root, stdin=answer)
    assert done.code == 5
    assert "1234" not in done.out + done.err


def test_a_small_change_that_stands_elsewhere_by_chance_is_not_called_done(program: Program, root: Path) -> None:
    (root / "k.py").write_text("def a():\n    return None\n\n\ndef b(value):\n    return value\n")
    answer = "k.py\n<<<<<<< SEARCH\n    return valeu\n=======\n    return None\n>>>>>>> REPLACE\n"
    assert program.run("apply", cwd=root, stdin=answer).code == 5


def test_no_part_of_a_git_diff_is_dropped(program: Program, root: Path) -> None:
    (root / "p").write_text("x\n")
    binary = "diff --git a/i.png b/i.png\nindex 1..2 100644\nBinary files a/i.png and b/i.png differ\n"
    part = "diff --git a/p b/p\n--- a/p\n+++ b/p\n@@ -1 +1 @@\n-x\n+X\n"
    assert program.run("apply", cwd=root, stdin=part + binary).code == 5
    assert (root / "p").read_text() == "x\n"
    assert program.run("apply", cwd=root, stdin=part).code == 0


def test_what_git_diff_prints_is_taken_to_the_letter(program: Program, root: Path) -> None:
    (root / "shop.py").write_bytes(b"RATE = 4\n\n\ndef total(items):\n    return sum(items)")
    (root / "docs/notes.md").rename(root / "docs/größe notes.md")
    (root / "run.sh").write_text("echo\n")
    (root / "run.sh").chmod(0o755)
    wanted = {file.relative_to(root): file.read_bytes() for file in root.rglob("*") if file.is_file()}
    git(root, "add", "--all")
    diff = git(root, "diff", "--cached")
    git(root, "reset", "-q", "--hard")
    done = program.run("apply", "--format", "patch", "--json", cwd=root, stdin=diff)
    assert done.code == 0, done.out
    found = {file.relative_to(root): file.read_bytes() for file in root.rglob("*") if file.is_file()}
    assert {path: data for path, data in found.items() if ".git" not in path.parts} == {
        path: data for path, data in wanted.items() if ".git" not in path.parts
    }
    assert (root / "run.sh").stat().st_mode & 0o777 == 0o755
    again = program.run("apply", "--format", "patch", "--json", cwd=root, stdin=diff)
    assert (again.code, json.loads(again.out)["applied"]) == (5, [])  # nothing proves that a file was moved
    assert program.run("apply", "--format", "patch", cwd=root, stdin=BLOCK).code == 5


def test_bad_usage_ends_with_two_and_an_edit_without_a_name_takes_the_one_given(program: Program, root: Path) -> None:
    assert program.run("apply", cwd=root).code == 2
    assert program.run("apply", "--format", "poem", cwd=root, stdin=BLOCK).code == 2
    assert program.run("apply", "--root", str(root / "absent"), cwd=root, stdin=BLOCK).code == 2
    nameless = BLOCK.removeprefix("shop.py\n")
    assert program.run("apply", cwd=root, stdin=nameless).code == 5
    assert program.run("apply", "--file", "shop.py", cwd=root, stdin=nameless).code == 0
    assert (root / "shop.py").read_text() == SHOP.replace("3", "5", 1)


def test_bytes_that_are_not_utf_8_pass_through(program: Program, root: Path) -> None:
    (root / "latin.py").write_bytes(b"name = '\xe9'\nrate = 1\n")
    answer = b"latin.py\n<<<<<<< SEARCH\nname = '\xe9'\nrate = 1\n=======\nname = '\xe9'\nrate = 2\n>>>>>>> REPLACE\n"
    (root.parent / "answer").write_bytes(answer)
    with (root.parent / "answer").open("rb") as stream:
        done = subprocess.run(
            program.command("apply", "--json"), cwd=root, env=program.environment(), stdin=stream, check=False
        )
    assert done.returncode == 0
    assert (root / "latin.py").read_bytes() == b"name = '\xe9'\nrate = 2\n"
