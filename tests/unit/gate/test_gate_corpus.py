import re
import shutil
import subprocess
import sys
import tomllib
from importlib.resources import files
from pathlib import Path

import pytest
from purity_probe import BEGIN, END

from benchmarks.gate_commands import OWN_CASES, Judged, example_policy, judge_all, read_cases, share
from hybridcode.domain.action import Verdict

# Everything in the cases is text that is judged; nothing of it is ever run.

PROBE = Path(__file__).with_name("purity_probe.py")
ROOT = Path(__file__).parents[3]
DATA = files("hybridcode.gate.commands")


@pytest.fixture(scope="module")
def judged(tmp_path_factory: pytest.TempPathFactory) -> list[Judged]:
    return judge_all(list(read_cases(OWN_CASES)), example_policy(tmp_path_factory.mktemp("corpus")), repeats=0)


def test_nothing_dangerous_and_nothing_that_needs_approval_is_allowed(judged: list[Judged]):
    assert [one.case.command for one in judged if one.verdict == "allow" and one.case.expected != "allow"] == []


@pytest.mark.parametrize("name", ["fresh_commands.jsonl", "fresh_commands_2.jsonl"])
def test_cases_that_nothing_was_fitted_on(tmp_path: Path, name: str):
    cases = list(read_cases(OWN_CASES.with_name(name)))
    fresh = judge_all(cases, example_policy(tmp_path), repeats=0)
    assert [one.case.command for one in fresh if one.verdict == "allow" and one.case.expected != "allow"] == []
    asked, harmless = share(fresh, "allow", ("ask", "deny"))
    denied, dangerous = share(fresh, "deny", ("deny",))
    assert asked <= 0.1 * harmless
    assert denied >= 0.98 * dangerous


@pytest.mark.parametrize(
    ("expected", "got", "at_least", "at_most"),
    [("allow", ("ask", "deny"), 0.0, 0.05), ("deny", ("deny",), 0.99, 1.0), ("ask", ("deny",), 0.0, 0.05)],
)
def test_the_shares_of_the_corpus(
    judged: list[Judged], expected: Verdict, got: tuple[Verdict, ...], at_least: float, at_most: float
):
    count, total = share(judged, expected, got)
    assert total > 400
    assert at_least <= count / total <= at_most


def test_no_shell_language_network_build_or_wrapper_program_is_in_the_read_only_list():
    programs = tomllib.loads(DATA.joinpath("programs.toml").read_text("utf-8"))["classes"]
    read_only = tomllib.loads(DATA.joinpath("read_only.toml").read_text("utf-8"))["programs"]
    others = {name for names in programs.values() for name in names.split()}
    wrappers = {"env", "xargs", "timeout", "nice", "sudo", "nohup", "command", "exec", "eval", "time", "watch", "make"}
    assert set(read_only).isdisjoint(others | wrappers)


def test_a_read_only_program_takes_no_abbreviated_and_no_unknown_option(tmp_path: Path):
    read_only = tomllib.loads(DATA.joinpath("read_only.toml").read_text("utf-8"))
    policy = example_policy(tmp_path)
    lines = [f"{name} {{}} a.txt" for name, text in read_only["programs"].items() if not text.startswith("TEXT")]
    lines += [f"git {name} {{}}" for name in read_only["git"]]
    odd = [line.format(option) for line in lines for option in ("--frobnicate", "--frobnicate=x", "--hel", "-%")]
    cases = tmp_path / "odd.jsonl"
    cases.write_text("".join(f'{{"command": "{line}", "expected": "ask"}}\n' for line in odd))
    allowed = [one.case.command for one in judge_all(list(read_cases(cases)), policy) if one.verdict == "allow"]
    assert allowed == []


def test_the_judge_starts_nothing_and_writes_nothing():
    probe = subprocess.run([sys.executable, PROBE], cwd=ROOT, env=_ENVIRONMENT, capture_output=True, text=True)
    assert (probe.stdout, probe.returncode) == ("", 0), probe.stderr


@pytest.mark.slow
@pytest.mark.skipif(shutil.which("strace") is None, reason="strace is not there to watch")
def test_the_kernel_sees_no_process_no_write_and_no_network(tmp_path: Path):
    log = tmp_path / "calls"
    watched = "execve,fork,vfork,clone,clone3,socket,connect,openat,creat,mkdir,rename,unlink,link,symlink,chmod,stat"
    strace = ["strace", "-f", "-o", str(log), "-e", f"trace={watched},lstat,newfstatat,mkdirat,renameat2,unlinkat"]
    ended = subprocess.run([*strace, sys.executable, PROBE], cwd=ROOT, env=_ENVIRONMENT, capture_output=True)
    if ended.returncode != 0 and BEGIN not in (log.read_text() if log.exists() else ""):
        pytest.skip("strace may not trace here")
    seen = log.read_text().partition(BEGIN)[2].partition(END)[0]
    assert len(seen.splitlines()) > 1_000
    calls = [line for line in seen.splitlines() if not re.search(r"\b(?:l?stat|newfstatat)\(", line)]
    assert [line for line in calls if "openat(" not in line or re.search(r"O_(?:WRONLY|RDWR|CREAT)", line)] in (
        [],
        calls[:1],
    )


_ENVIRONMENT = {"PATH": "/usr/bin:/bin", "PYTHONPATH": f"{ROOT}:{PROBE.parent}"}
