import random
import shutil
import subprocess
from pathlib import Path

import pytest
from hypothesis import HealthCheck, assume, given, settings
from hypothesis import strategies as st

from benchmarks.gate_commands import OWN_CASES, Case, example_policy, read_cases
from hybridcode.domain.action import ShellCommand, Verdict
from hybridcode.gate.commands.judge import judge_text
from hybridcode.gate.commands.plain import plain_pipeline
from hybridcode.gate.commands.syntax import parse
from hybridcode.gate.policy import RANK, Policy

# Everything here is text that is judged; bash is only asked whether it can be parsed, and for the words of `printf`,
# with no program to be found.

BASH = shutil.which("bash") or ""
NO_PROGRAMS = {"PATH": "/nonexistent", "HOME": "/home/somebody", "a": "value", "LC_ALL": "C.UTF-8"}
needs_bash = pytest.mark.skipif(not BASH, reason="bash is not there to be asked")

CASES = [case for case in read_cases(OWN_CASES) if len(case.command) < 200]
WHOLE = [case for case in CASES if case.kind not in ("unparsable", "hidden") and "<<" not in case.command]
RISKY = [case for case in WHOLE if case.expected != "allow"]
PLAIN = [case for case in WHOLE if len(plain_pipeline(case.command) or ()) == 1]

_QUIET = settings(deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])

UNPARSED = "commands.unparsed"


@pytest.fixture(scope="module")
def policy(tmp_path_factory: pytest.TempPathFactory) -> Policy:
    return example_policy(tmp_path_factory.mktemp("properties"))


def verdict(policy: Policy, text: str) -> Verdict:
    return policy.judge(ShellCommand(script=text)).verdict


def can_be_parsed(text: str) -> bool:
    asked = subprocess.run(
        [BASH, "--noprofile", "--norc", "-n"], input=text.encode(), env=NO_PROGRAMS, capture_output=True
    )
    return asked.returncode == 0 and b"warning" not in asked.stderr


_SCRAPS = st.sampled_from(
    ["ls", "pwd", "cat a.txt", "echo x", "git status", "x=1", "a", "true", "|", "||", "&&", "&", ";", ";;", ";&", "|&",
     "!", "(", ")", "{", "}", "[", "]", "[[", "]]", "if", "then", "elif", "else", "fi", "for", "in", "do", "done",
     "while", "until", "case", "esac", "select", "function", "time", "coproc", "\n", "\\\n", " ",
     " ", "'", '"', "`", "$(", "${",
     "$((", "))", "<(", ">(", "<", "> /dev/null", "2>&1", "<<< x", "<<E\n", "\nE\n", "#", "\\", "*", "?", "~", "-eq 1",
     "-f a.txt", "$x", "$'a'", '$"a"', "{a,b}", "=", "+=", "x()"]
)  # fmt: skip


@needs_bash
@settings(_QUIET, max_examples=150)
@given(scraps=st.lists(_SCRAPS, min_size=1, max_size=9))
def test_what_bash_cannot_parse_is_never_allowed(policy: Policy, scraps: list[str]):
    text = " ".join(scraps)
    if verdict(policy, text) == "allow":
        assert can_be_parsed(text)


_PIECES = st.sampled_from(
    ["a", "b1", "-x", "=", ":", "é", "\\ ", "\\'", '\\"', "\\a", "\\\n", "'s p'", '"d q"', '"\\$x"', '"\\a"', '"\\\\"',
     "''", '""', "~", "~/x", "~+", "#", "%", "{}", "{a,b}", "{1..3}", "]", "*", "a?", "[ab]", "$", "$a", '"$a"', "${a}",
     "\\*", "'*'", " ", " ", "\t", "^", "@", ",", "..", "$'a\\tb'", "$'\\x41'", "$'\\''", '$"a"', "a=~", "a:~", "!",
     "/"]
)  # fmt: skip


@needs_bash
@settings(_QUIET, max_examples=40)
@given(pieces=st.lists(_PIECES, min_size=1, max_size=8))
def test_a_known_word_is_the_one_that_bash_passes_on(tmp_path: Path, pieces: list[str]):
    arguments = "".join(pieces)
    script = parse(f"printf '%s\\0' x {arguments}", {"HOME": "/home/somebody", "PWD": str(tmp_path)})
    words = [word.literal for word in script.commands[0].args[2:]] if script.commands else []
    assume(not script.broken and None not in words and len(script.commands) == 1)
    asked = [BASH, "--noprofile", "--norc", "-c", f"printf '%s\\0' x {arguments}"]
    printed = subprocess.run(asked, cwd=tmp_path, env=NO_PROGRAMS, capture_output=True)
    if printed.returncode == 0 and not script.oddities:
        assert words == printed.stdout.decode().split("\0")[1:-1]


_CONTEXTS = (
    "ls; {}", "{}\nls", "ls && {}", "ls || {}", "( {}\n)", "{{ {}\n}}", "! {{ {}\n}}", "if true; then {}\nfi",
    "if {}\nthen ls; fi", "while false; do {}\ndone", "until {}\ndo ls; done", "for i in 1 2; do {}\ndone",
    "case x in x) {}\n;; esac", "echo $( {}\n)", 'echo "$( {}\n)"', "x=$( {}\n); ls", "cat <( {}\n)", "{{ {}\n}} | cat",
    "ls | {{ {}\n}}", "{{ {}\n}} > /dev/null 2>&1", "# all of it\n{}", "ls \\\n; {}", "x=1; {}", "LC_ALL=C ls; {}",
    "ls & {}", "f() {{ {}\n}}; f", "[ -n \"$( {}\n)\" ]", "echo ${{x:-$( {}\n)}}", "cd src; {}", "set -e; {}",
)  # fmt: skip


@settings(_QUIET, max_examples=50)
@given(case=st.sampled_from(RISKY), contexts=st.lists(st.sampled_from(_CONTEXTS), min_size=1, max_size=2))
def test_harmless_company_never_gets_a_command_allowed(policy: Policy, case: Case, contexts: list[str]):
    text = case.command
    for context in contexts:
        text = context.format(text)
    assert verdict(policy, text) != "allow"


@settings(_QUIET, max_examples=50)
@given(cases=st.lists(st.sampled_from(WHOLE), min_size=2, max_size=3))
def test_another_command_behind_it_never_lowers_a_verdict(policy: Policy, cases: list[Case]):
    texts = [case.command for case in cases]
    rulings = [policy.judge(ShellCommand(script=text)) for text in texts]
    assume("#" not in "".join(texts) and not any("cd" in text or "pushd" in text for text in texts))
    assume(not any(ruling.rule == UNPARSED for ruling in rulings))
    assert RANK[verdict(policy, "\n".join(texts))] >= max(RANK[ruling.verdict] for ruling in rulings)


def test_two_texts_that_are_no_commands_may_be_one_together_which_is_judged_for_what_it_does(policy: Policy):
    half = "sed -n '1!{w out.txt"
    assert policy.judge(ShellCommand(script=half)).rule == UNPARSED
    assert verdict(policy, f"{half}\n{half}") == "ask"


@settings(_QUIET, max_examples=40)
@given(
    case=st.sampled_from(PLAIN),
    wrapper=st.sampled_from(["timeout 9", "nice", "env", "command", "time"]),
)
def test_a_wrapper_never_gets_a_command_allowed(policy: Policy, case: Case, wrapper: str):
    assume(verdict(policy, case.command) != "allow")
    assert verdict(policy, f"{wrapper} {case.command}") != "allow"


@settings(_QUIET, max_examples=50)
@given(case=st.sampled_from(PLAIN), seed=st.integers(0, 2**16))
def test_other_quotes_around_the_same_words_never_lower_a_verdict(policy: Policy, case: Case, seed: int):
    stages = plain_pipeline(case.command)
    assert stages is not None
    choose = random.Random(seed)
    text = " ".join(_quoted(word, choose) for word in stages[0].argv)
    same = plain_pipeline(text)
    assert same is not None
    assert same[0].argv == stages[0].argv
    assume(stages[0].stdin == stages[0].stdout == stages[0].stderr == "given")
    assert RANK[verdict(policy, text)] >= RANK[verdict(policy, case.command)]


def _quoted(word: str, choose: random.Random) -> str:
    """A word in other quotes; bash makes the same word of it."""
    pieces: list[str] = []
    for character in word:
        ways = [f"'{character}'"] if character != "'" else ["\\'"]
        if character not in '"$`\\\n':
            ways.append(f'"{character}"')
        if character.isalnum() or character in "-_/.":
            ways += [character, f"\\{character}"]
        pieces.append(choose.choice(ways))
    return "".join(pieces) or "''"


_ADDITIONS = (
    "-rf", "--output=x", "--pre=x", "a b", "x\ty", "x\ny", ".gitconfig", ".gitattributes", ".ripgreprc",
    ".tool-versions", "rust-toolchain.toml", "go.mod", ".mvn/jvm.config", "ls", "git", "bin/cat",
    "src/-e", "src/--pre=x", "docs/$(id)",
    "*", "src/a;b", "tests/.env", "new.txt", "id_rsa", "HEAD", "objects/x", ".envrc", "src/app",
    "data/a.tar", "conftest.py",
    "mise.toml", "[ab].txt", "~", ".hgrc", "src/.git/config", "global.json", ".jq", "awk", "Makefile.am", "\u202e.txt",
)  # fmt: skip
_LINKS = {
    "out.txt": "/etc/hosts",
    "src/up": "../..",
    "loop": "loop",
    "docs/etc": "/etc",
    "keys": "../home/.ssh",
    "in.md": "a.txt",
}


@settings(_QUIET, max_examples=8)
@given(
    names=st.lists(st.sampled_from(_ADDITIONS), max_size=8, unique=True),
    links=st.lists(st.sampled_from(sorted(_LINKS)), max_size=3, unique=True),
    seed=st.integers(0, 2**16),
)
def test_files_added_to_the_repository_never_lower_a_verdict(
    tmp_path_factory: pytest.TempPathFactory, names: list[str], links: list[str], seed: int
):
    policy = example_policy(tmp_path_factory.mktemp("added"))
    cases = random.Random(seed).sample(CASES, 60)
    before: list[Verdict] = [verdict(policy, case.command) for case in cases]
    root = policy.places.workspace
    for name in names:
        path = root / name
        if not path.exists() and not any(parent.is_file() for parent in path.parents):
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_text("#!/bin/sh\n")
            path.chmod(0o755)
    for name in links:
        (root / name).symlink_to(_LINKS[name])
    after: list[Verdict] = [verdict(policy, case.command) for case in cases]
    for case, one, two in zip(cases, before, after, strict=True):
        assert RANK[two] >= RANK[one], case.command


def test_every_allowed_plain_pipeline_is_judged_by_the_words_that_would_run(policy: Policy):
    for case in CASES:
        stages = plain_pipeline(case.command)
        if stages is not None and verdict(policy, case.command) == "allow":
            commands = judge_text(case.command, policy.places)[0].commands
            assert [tuple(word.text for word in one.words) for one in commands] == [stage.argv for stage in stages]
