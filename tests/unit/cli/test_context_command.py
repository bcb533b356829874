import json
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any, NamedTuple

import pytest

from hybridcode.cli import console
from hybridcode.cli.context import context
from hybridcode.context.receipt import Receipt
from tests.support.processes import Program
from tests.support.repos import git_repository, write_tree

FILES = {
    "shop/cart.py": 'class Cart:\n    """Lines and what they cost."""\n\n    def total(self, discount):\n'
    "        return reduced(sum(self.lines), discount)\n",
    "shop/discount.py": "def reduced(cents, discount):\n    return cents - discount\n",
    "tests/test_cart.py": "from shop.cart import Cart\n\n\ndef test_total():\n    assert Cart().total(1) == 0\n",
    "uv.lock": "discount\n",
    "logo.png": "\0",
    "README.md": "# Shop\n\nA cart with a discount.\n",
}
QUERY = "a discount of the total of the cart, zebra"


class Done(NamedTuple):
    code: int
    out: str
    err: str

    @property
    def json(self) -> Any:
        return json.loads(self.out)


Run = Callable[..., Done]


@pytest.fixture
def root(tmp_path: Path) -> Path:
    return git_repository(tmp_path / "shop", FILES)


@pytest.fixture
def run(root: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> Run:
    monkeypatch.chdir(root)

    def command(*arguments: str) -> Done:
        with pytest.raises(SystemExit) as ended:
            console.guarded(lambda: context.main(list(arguments), prog_name="context", standalone_mode=False))
        captured = capsys.readouterr()
        return Done(int(ended.value.code or 0), captured.out, captured.err)

    return command


@pytest.fixture
def piped(root: Path, tmp_path: Path) -> Run:
    """The same as `run`, in a process of its own that is given its standard input first."""

    def command(stdin: str, *arguments: str) -> Done:
        done = Program(tmp_path / "home").run("context", *arguments, cwd=root, stdin=stdin)
        return Done(done.code, done.out, done.err)

    return command


def receipt_of(run: Run, tmp_path: Path, *more: str, **changes: object) -> Path:
    document = run("--query", QUERY, "--budget", "400", "--json", *more).json
    file = tmp_path / "receipt.json"
    file.write_text(json.dumps(document["receipt"] | changes), encoding="utf-8")
    return file


def test_the_window_is_printed_and_nothing_else(run: Run) -> None:
    done = run("--query", QUERY)
    assert done.code == 0
    assert done.out.startswith("## shop/")
    assert done.err == ""
    assert done.out.rstrip("\n") == run("--query", QUERY, "--json").json["text"].rstrip("\n")


def test_json_has_files_text_and_receipt(run: Run, root: Path) -> None:
    found = run("--query", QUERY, "--budget", "500", "--json").json
    assert list(found) == ["files", "text", "receipt"]
    for file in found["files"]:
        lines = (root / file["path"]).read_text().splitlines(keepends=True)
        assert file["text"] == "".join(lines[file["start"] - 1 : file["end"]])
        assert file["text"].rstrip("\n") in found["text"]
    receipt = found["receipt"]
    assert {excerpt["path"] for excerpt in receipt["excerpts"]} == {file["path"] for file in found["files"]}
    assert receipt["unmatched"] == ["zebra"]
    assert str(root) not in json.dumps(found)


def test_the_hash_is_that_of_the_text(run: Run) -> None:
    assert run("--query", QUERY, "--hash").out == run("--query", QUERY, "--json").json["receipt"]["sha256"] + "\n"


def test_the_query_may_come_from_standard_input(run: Run, piped: Run) -> None:
    assert piped(QUERY, "--query", "-", "--json").out == run("--query", QUERY, "--json").out


def test_the_outline_has_files_and_definitions(run: Run) -> None:
    done = run("--query", QUERY, "--outline", "--json").json
    assert done["receipt"]["kind"] == "outline"
    assert "## Files: 6" in done["text"]
    assert "def reduced(cents, discount)" in done["text"]


def test_an_outline_is_as_large_as_a_planners_and_says_why(run: Run) -> None:
    clear = run("--query", "round reduced()", "--outline", "--explain")
    assert clear.out.splitlines()[0] == "the query is clear: it names shop/discount.py#reduced"
    assert " of 1000 tokens" in clear.err
    assert run("--query", "make it better", "--outline", "--json").json["receipt"]["budget"] == 4_000
    assert run("--query", "round reduced()", "--outline", "--json", "--budget", "700").json["receipt"]["budget"] == 700


def test_a_person_is_told_why(run: Run) -> None:
    done = run("--query", QUERY, "--explain", "--budget", "64")
    lines = done.out.splitlines()
    assert lines[0].startswith("█" * 12 + "  shop/")
    assert " lines " in lines[0]
    assert any(name in lines[1] for name in ("body", "graph", "path"))
    assert any(line.startswith("cut ") and line.endswith(": no room") for line in lines)
    assert "nowhere in the tree: zebra" in lines
    assert "left out, a lock file: 1" in lines
    assert "left out, binary: 1" in lines
    assert any(line.startswith("history: 1 commits up to ") for line in lines)
    assert "of 64 tokens" in done.err
    assert run("--query", QUERY, "--hash", "--budget", "64").out.strip() in done.err


def test_names_of_files_are_printed_without_their_hidden_characters(run: Run, root: Path) -> None:
    write_tree(root, {"shop/\u202ediscount.py": "discount = 1\n"})
    done = run("--query", "discount", "--explain")
    assert "discount.py" in done.out
    assert "\u202e" not in done.out


@pytest.mark.parametrize("form", ["whole document", "receipt alone"])
def test_a_receipt_of_the_same_tree_verifies(run: Run, tmp_path: Path, form: str) -> None:
    file = receipt_of(run, tmp_path)
    if form == "whole document":
        file.write_text(run("--query", QUERY, "--budget", "400", "--json").out)
    done = run("--verify", str(file))
    assert (done.code, done.err) == (0, "")
    assert done.out == f"the same: {run('--query', QUERY, '--budget', '400', '--hash').out}"
    assert run("--verify", str(file), "--json").json["is_same"] is True


def test_a_receipt_of_an_outline_verifies_as_one(run: Run, tmp_path: Path) -> None:
    assert run("--verify", str(receipt_of(run, tmp_path, "--outline"))).code == 0


def test_a_receipt_from_standard_input_verifies(run: Run, piped: Run, tmp_path: Path) -> None:
    assert piped(receipt_of(run, tmp_path).read_text(), "--verify", "-").code == 0


def test_an_edit_is_told_with_what_it_changed(run: Run, root: Path, tmp_path: Path) -> None:
    file = receipt_of(run, tmp_path)
    write_tree(root, {"shop/discount.py": "\n\ndef reduced(cents, discount):\n    return max(0, cents - discount)\n"})
    done = run("--verify", str(file))
    assert done.code == 9
    assert done.out.startswith("tree: ")
    assert "no longer shown: shop/discount.py#L1-2" in done.out
    assert "shown now: shop/discount.py#L3-4" in done.out
    told = run("--verify", str(file), "--json")
    assert told.code == 9
    assert told.json["is_same"] is False
    assert told.json["differences"] == done.out.splitlines()


def test_an_edit_in_a_file_that_is_not_shown_may_leave_the_window_as_it_was(
    run: Run, root: Path, tmp_path: Path
) -> None:
    file = receipt_of(run, tmp_path)
    write_tree(root, {"uv.lock": "other\n"})
    assert run("--verify", str(file)).code == 0


def test_a_commit_that_changes_the_order_is_named(run: Run, root: Path, tmp_path: Path) -> None:
    file = receipt_of(run, tmp_path, sha256="0" * 64, head=None, version="0.0.0")
    done = run("--verify", str(file))
    assert done.code == 9
    assert "head: none then, " in done.out
    assert "version: 0.0.0 then, " in done.out


def test_another_budget_in_the_receipt_is_another_window(run: Run, tmp_path: Path) -> None:
    assert run("--verify", str(receipt_of(run, tmp_path, budget=40))).code == 9


@pytest.mark.parametrize(
    "content",
    [
        "",
        "{}",
        "[]",
        "null",
        "not json",
        '{"receipt": 1}',
        '{"receipt": {}}',
        '{"receipt": null}',
        '{"receipt": "{"}',
        "\0",
        "{" * 5_000,
    ],
)
def test_what_is_no_receipt_is_said_to_be_none(run: Run, tmp_path: Path, content: str) -> None:
    file = tmp_path / "receipt.json"
    file.write_text(content)
    done = run("--verify", str(file))
    assert (done.code, done.out) == (2, "")
    assert "not a receipt" in done.err


@pytest.mark.parametrize(
    "changes", [{"receipt": 2}, {"kind": "other"}, {"budget": "1"}, {"surprise": 1}, {"excerpts": [{"path": "a"}]}]
)
def test_a_receipt_of_another_form_is_not_read(run: Run, tmp_path: Path, changes: dict[str, object]) -> None:
    done = run("--verify", str(receipt_of(run, tmp_path, **changes)))
    assert done.code == 2
    assert "not a receipt" in done.err


@pytest.mark.parametrize(
    "arguments",
    [
        ["--query", "a", "--verify", "-"],
        ["--budget", "100", "--verify", "-"],
        [],
        ["--query", "a", "--bogus"],
        ["--query", "a", "--budget", "many"],
        ["--query", "a", "--repo", "absent"],
        ["--query", "a", "--repo", "uv.lock"],
        ["--verify", "absent"],
        ["--query"],
        ["surplus", "--query", "a"],
    ],
    ids=" ".join,
)
def test_wrong_usage_ends_with_2_and_says_what_is_wrong(run: Run, arguments: list[str]) -> None:
    done = run(*arguments)
    assert (done.code, done.out) == (2, "")
    assert done.err
    assert "Traceback" not in done.err


@pytest.mark.parametrize("budget", ["0", "-1", "31"])
@pytest.mark.parametrize("more", [[], ["--outline"]])
def test_a_budget_for_nothing_is_refused(run: Run, budget: str, more: list[str]) -> None:
    done = run("--query", "a", "--budget", budget, *more)
    assert (done.code, done.out) == (2, "")
    assert "at least 32" in done.err


@pytest.mark.parametrize("query", ["", " ", "\n\t"])
def test_an_empty_query_is_refused(run: Run, piped: Run, query: str) -> None:
    for done in (run("--query", query), piped(query, "--query", "-")):
        assert (done.code, done.out) == (2, "")
        assert "query is empty" in done.err


@pytest.mark.parametrize("files", [{}, {"logo.png": "\0"}, {"uv.lock": "a\n", ".env": "A=1\n"}])
def test_a_tree_without_readable_files_is_told(run: Run, tmp_path: Path, files: dict[str, str]) -> None:
    bare = tmp_path / "bare"
    bare.mkdir()
    write_tree(bare, files)
    done = run("--query", "a", "--repo", str(bare))
    assert (done.code, done.out) == (2, "")
    assert "no files that can be shown" in done.err


def test_a_query_of_nothing_that_is_in_the_tree_gives_an_honest_receipt(run: Run) -> None:
    receipt = run("--query", "zebra quagga", "--json").json["receipt"]
    assert receipt["unmatched"] == ["quagga", "zebra"]
    assert receipt["used"] <= receipt["budget"]


def test_a_very_large_budget_and_a_very_long_query_are_taken(run: Run) -> None:
    done = run("--query", "discount of the cart\n" * 20_000, "--budget", "9000000000", "--json")
    assert done.code == 0
    assert done.json["receipt"]["cut"] == []


def test_a_receipt_is_what_the_struct_says(run: Run) -> None:
    assert list(run("--query", "a", "--json").json["receipt"]) == list(Receipt.__struct_fields__)


def test_a_closed_pipe_ends_quietly(root: Path, tmp_path: Path) -> None:
    write_tree(root, {f"shop/more{number}.py": "discount = 1\n" * 400 for number in range(30)})
    program = Program(tmp_path / "home")
    command = f'"{sys.executable}" -m hybridcode context --query discount --budget 100000 | head -1'
    done = subprocess.run(
        ["bash", "-c", f"set -o pipefail; {command}"],
        cwd=root,
        env=program.environment(),
        capture_output=True,
        text=True,
    )
    assert (done.returncode, done.stderr) == (0, "")
    assert done.stdout.startswith("## ")


def test_bytes_that_are_no_utf_8_in_a_query_are_replaced(root: Path, tmp_path: Path) -> None:
    program = Program(tmp_path / "home")
    for arguments, stdin in (([b"--query", b"discount \xff"], b""), ([b"--query", b"-"], b"discount \xff")):
        done = subprocess.run(
            [sys.executable.encode(), b"-m", b"hybridcode", b"context", b"--json", *arguments],
            cwd=root,
            env=program.environment(),
            input=stdin,
            capture_output=True,
        )
        assert done.returncode == 0, done.stderr.decode()
        assert json.loads(done.stdout)["receipt"]["query"] == "discount \N{REPLACEMENT CHARACTER}"


def test_the_encoding_of_the_terminal_does_not_matter(root: Path, tmp_path: Path) -> None:
    write_tree(root, {"shop/größe.py": "discount = 'größer als 5 €'\n"})
    home = tmp_path / "home"
    said = {
        subprocess.run(
            [sys.executable, "-m", "hybridcode", "context", "--query", "-"],
            cwd=root,
            env=Program(home, {"PYTHONIOENCODING": encoding}).environment(),
            input="größe discount €".encode(),
            capture_output=True,
        ).stdout
        for encoding in ("utf-8", "latin-1", "ascii")
    }
    assert len(said) == 1
    assert "größer als 5 €" in said.pop().decode()
