from pathlib import Path

import msgspec
import pytest
from gate_bench import settings_with
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from hybridcode.config.paths import state_dir
from hybridcode.config.settings import Mode, Settings
from hybridcode.domain.action import Action, ChangeSet, FileEdit, Ruling, ShellCommand, ToolCall, Verdict
from hybridcode.domain.errors import ConfigError
from hybridcode.gate.policy import RANK, Policy
from hybridcode.gate.rules import Rule, exact_rule, exact_rule_text

MAKE = ShellCommand(script="make test")
READ = ShellCommand(argv=("cat", "a.txt"))
WIPE = ShellCommand(script="rm -rf ~")


@pytest.fixture
def root(tmp_path: Path) -> Path:
    for folder in ("ws/src", "ws/.git", "home/.ssh", "out"):
        (tmp_path / folder).mkdir(parents=True)
    (tmp_path / "ws" / "a.txt").write_text("x\n")
    return tmp_path / "ws"


def edit(*paths: str, after: str | None = "0" * 64) -> ChangeSet:
    return ChangeSet(tuple(FileEdit(path, None, after) for path in paths))


def judge(root: Path, action: Action, settings: Settings | None = None) -> Ruling:
    return Policy.load(settings or Settings(), root, home=root.parent / "home").judge(action)


@pytest.mark.parametrize("path", ["a.py", "src/new/deep.py", "git.md", "git/x", ".gitignore", "~notes.txt", "a..b"])
def test_ordinary_files_are_asked(root: Path, path: str):
    ruling = judge(root, edit(path))
    assert (ruling.verdict, ruling.rule, ruling.person_only) == ("ask", "files.inside", False)


@pytest.mark.parametrize(
    "path",
    [
        "../x", "/etc/passwd", "../ws-evil/x", "src/../../x", "/proc/self/fd/1", "~/x", "~root/x", "file:///etc/x",
        "C:\\x", "\\\\host\\x", "", "src/", "a\0b", "a\nb", "a\u202eb", "a\u200bb", "x/" * 3000 + "y", "n" * 300,
    ],
)  # fmt: skip
def test_what_is_outside_or_no_path_is_denied(root: Path, path: str):
    assert judge(root, edit(path)).verdict == "deny"


@pytest.mark.parametrize(
    "path",
    [".git/config", ".GIT/config", "sub/.git", ".git./x", ".hybridcode/config.toml", "a/.HybridCode/policy.toml",
     "src/../.git/hooks/x", "\uff0egit/x", ".git::$INDEX/x"],
)  # fmt: skip
def test_git_and_our_own_state_are_denied(root: Path, path: str):
    assert judge(root, edit(path), settings_with(allow=("Edit(**)",), mode="bypass")).verdict == "deny"


def test_our_state_is_denied_wherever_it_lies(root: Path):
    loaded = Settings()
    folder = state_dir(root, str(root / "state"))
    audit = msgspec.structs.replace(loaded.audit, state_dir=str(root / "state"))
    loaded = msgspec.structs.replace(loaded, audit=audit)
    assert judge(root, edit(f"state/{folder.name}/journal.db"), loaded).rule == "files.own"


@pytest.mark.parametrize(
    "path",
    [".github/workflows/ci.yml", ".GitHub/x", ".env", "sub/.env.local", ".envrc", ".vscode/settings.json", "id_rsa",
     ".bashrc", "Jenkinsfile", ".husky/pre-commit", "certs/server.pem", ".claude/settings.json", ".mcp.json"],
)  # fmt: skip
@pytest.mark.parametrize("mode", ["default", "acceptEdits", "bypass"])
def test_protected_files_are_asked_of_a_person_in_every_mode(root: Path, path: str, mode: Mode):
    ruling = judge(root, edit("a.py", path), settings_with(mode=mode, allow=("Edit(**)",)))
    assert (ruling.verdict, ruling.person_only) == ("ask", True)
    assert path in ruling.reason


@pytest.mark.parametrize("mode", ["default", "acceptEdits", "bypass"])
@pytest.mark.parametrize(
    "paths", [("a.py", ".env"), (".env", "a.py"), ("a.py", "secret/x.py"), ("secret/x.py", "a.py")]
)
def test_no_mode_allows_a_file_because_of_another_one(root: Path, mode: Mode, paths: tuple[str, ...]):
    ruling = judge(root, edit(*paths), settings_with(mode=mode, ask=("Edit(secret/**)",)))
    is_asked_by_rule = "secret/x.py" in paths
    assert ruling.verdict == ("allow" if is_asked_by_rule and mode == "bypass" else "ask")
    assert ruling.person_only == (not is_asked_by_rule)
    if ruling.verdict == "ask":
        assert ruling.rule == ("user:Edit(secret/**)" if is_asked_by_rule else "files.protected")


def test_templates_of_env_files_are_ordinary(root: Path):
    assert judge(root, edit(".env.example")).rule == "files.inside"


def test_a_moved_hooks_folder_is_protected(root: Path):
    (root / ".git" / "config").write_text("[core]\n\thooksPath = my/hooks\n")
    assert judge(root, edit("my/hooks/pre-commit")).rule == "files.protected"


def test_links_count_by_where_they_lead(root: Path):
    (root / "out").symlink_to(root.parent / "out")
    (root / "chain").symlink_to("out")
    (root / "src" / "safe").symlink_to("../src")
    (root / "notes").symlink_to(".git/config")
    assert judge(root, edit("out/x")).rule == "files.outside"
    assert judge(root, edit("chain/x")).rule == "files.outside"
    assert judge(root, edit("src/safe/x.py")).rule == "files.inside"
    assert judge(root, edit("notes")).rule == "files.own"


def test_a_workspace_reached_through_a_link_is_the_same_workspace(root: Path):
    (root.parent / "alias").symlink_to(root)
    policy = Policy.load(Settings(), root.parent / "alias")
    assert policy.judge(edit("src/x.py")).rule == "files.inside"


def test_the_worst_edit_counts_and_one_file_counts_once(root: Path):
    assert judge(root, edit("a.py", "../b.py")).verdict == "deny"
    (root / "link").symlink_to("src")
    assert judge(root, edit("src/x.py", "link/x.py")).rule == "files.twice"
    assert judge(root, ChangeSet((FileEdit("x", None, "0" * 64, mode=0o4755),))).rule == "files.mode"
    assert "destructive" in judge(root, edit("a.txt", after=None)).flags


@pytest.mark.parametrize(
    ("mode", "expected"),
    [
        ("default", ("ask", "ask", "allow", "deny")),
        ("acceptEdits", ("allow", "ask", "allow", "deny")),
        ("plan", ("deny", "deny", "deny", "deny")),
        ("dontAsk", ("deny", "deny", "allow", "deny")),
        ("bypass", ("allow", "allow", "allow", "deny")),
    ],
)
def test_modes(root: Path, mode: Mode, expected: tuple[Verdict, ...]):
    loaded = settings_with(mode=mode)
    assert tuple(judge(root, action, loaded).verdict for action in (edit("a.py"), MAKE, READ, WIPE)) == expected


@pytest.mark.parametrize(
    ("rule", "text", "verdict"),
    [
        ("Bash(make test)", "make test", "allow"),
        ("Bash(make *)", "make test", "allow"),
        ("Bash(make *)", "make test; make x", "ask"),
        ("Bash(make *)", "make $(touch x)", "ask"),
        ("Bash(make *)", "make test > log", "ask"),
        ("Bash(make *)", "X=1 make test", "ask"),
        ("Bash(make *)", "makeshift", "ask"),
        ("Bash", "make x", "allow"),
        ("Bash(git push --force)", "git push --force", "allow"),
        ("Bash(git *)", "git push --force", "deny"),
        ("Bash(*)", "rm -rf ~", "deny"),
        ("Bash(*)", "*", "deny"),
        ("Bash(rm build/*)", "rm build/*", "ask"),
        ("Edit(**)", "make test", "ask"),
    ],
)
def test_allow_rules_for_commands(root: Path, rule: str, text: str, verdict: Verdict):
    assert judge(root, ShellCommand(script=text), settings_with(allow=(rule,))).verdict == verdict


@pytest.mark.parametrize("text", ["git push", "ls && git push origin", "timeout 9 git push", "echo $(git push)"])
def test_deny_rules_find_every_part(root: Path, text: str):
    ruling = judge(root, ShellCommand(script=text), settings_with(allow=("Bash",), deny=("Bash(git push*)",)))
    assert (ruling.verdict, ruling.rule) == ("deny", "user:Bash(git push*)")


@pytest.mark.parametrize(
    ("rule", "path", "verdict"),
    [
        ("Edit(src/**)", "src/a/b.py", "allow"),
        ("Edit(src/*)", "src/a/b.py", "ask"),
        ("Edit(**/*.py)", "x.py", "allow"),
        ("Write(src/**)", "src/a.py", "allow"),
        ("Edit(src/**)", "SRC/a.py", "ask"),
        ("Edit", "x.py", "allow"),
        ("Edit(**)", "../x.py", "deny"),
    ],
)
def test_allow_rules_for_files(root: Path, rule: str, path: str, verdict: Verdict):
    assert judge(root, edit(path), settings_with(allow=(rule,))).verdict == verdict


def test_deny_and_ask_rules_for_files_ignore_case(root: Path):
    assert judge(root, edit("SRC/a.py"), settings_with(deny=("Edit(src/**)",))).verdict == "deny"
    assert judge(root, edit("src/a.py"), settings_with(mode="acceptEdits", ask=("Edit(src/**)",))).verdict == "ask"


@pytest.mark.parametrize("rule", ["", "bash(x)", "Bash(x", "Read(x)", "Bash(x) y", "Bash(=)", "Edit(= )"])
def test_what_is_no_rule_is_refused(root: Path, rule: str):
    with pytest.raises(ConfigError, match="is not a rule"):
        Policy.load(settings_with(deny=(rule,)), root)


@pytest.mark.parametrize(
    ("text", "verdict"),
    [
        ("rm build/*", "allow"),
        (" rm build/* ", "allow"),
        ("rm build/a", "ask"),
        ("rm build/a -r src", "ask"),
        ("rm build/* ; make", "ask"),
        ("=rm build/*", "ask"),
    ],
)
def test_an_exact_rule_allows_this_text_and_nothing_else(root: Path, text: str, verdict: Verdict):
    rule = exact_rule_text("rm build/*")
    assert rule == "Bash(=rm build/*)"
    assert judge(root, ShellCommand(script=text), settings_with(allow=(rule,))).verdict == verdict


@pytest.mark.parametrize(
    ("text", "verdict"), [("pytest -k 'a or b'", "allow"), ('pytest -k "a or c"', "ask"), ("pytest -k a or b", "ask")]
)
def test_an_exact_rule_is_about_words_however_they_are_quoted(root: Path, text: str, verdict: Verdict):
    settings = settings_with(allow=(exact_rule_text('pytest  -k "a or b"'),))
    assert judge(root, ShellCommand(script=text), settings).verdict == verdict


def test_exact_rules_that_deny_find_every_part_and_take_no_pattern(root: Path):
    denied = settings_with(allow=("Bash",), deny=("Bash(=make *)", "Edit(=src/*.py)"))
    assert judge(root, ShellCommand(script="true && make '*'"), denied).verdict == "deny"
    assert judge(root, MAKE, denied).verdict == "allow"
    assert judge(root, edit("SRC/*.py"), denied).verdict == "deny"
    assert judge(root, edit("src/a.py"), denied).verdict == "ask"


@given(st.text(st.characters(exclude_categories=["Cs"]), min_size=1).filter(lambda text: bool(text.strip())))
def test_an_exact_rule_survives_being_written_down(text: str):
    rule = Rule.parse(exact_rule_text(text), "allow")
    assert rule.is_exactly(text)
    assert not rule.is_exactly(text + "x")


def test_a_rule_for_this_session(root: Path):
    policy = Policy.load(Settings(), root)
    rule = exact_rule(MAKE)
    assert rule == "Bash(=make test)"
    assert policy.allowing(rule).judge(MAKE).verdict == "allow"
    assert policy.allowing(rule).judge(ShellCommand(script="make other")).verdict == "ask"
    assert exact_rule(edit("a")) is None


def test_commands_that_are_no_commands(root: Path):
    for command in (ShellCommand(), ShellCommand(script="  "), ShellCommand(argv=("ls",), script="ls")):
        assert judge(root, command).verdict == "deny"
    assert judge(root, ShellCommand(argv=("ls",), cwd="..")).verdict == "deny"
    assert judge(root, ShellCommand(argv=("ls",), network=True)).verdict == "ask"
    assert judge(root, ToolCall("s", "t", msgspec.Raw(b"{}"))).verdict == "ask"


_RULES = st.lists(
    st.sampled_from(
        [
            "Bash(make test)",
            "Bash(make *)",
            "Bash",
            "Bash(rm *)",
            "Edit(src/**)",
            "Edit",
            "Edit(**/*.py)",
            "Bash(cat *)",
        ]
    ),
    max_size=3,
).map(tuple)
_MODES = st.sampled_from(["default", "acceptEdits", "plan", "dontAsk", "bypass"])
_ACTIONS = st.sampled_from(
    [
        MAKE,
        READ,
        WIPE,
        edit("src/a.py"),
        edit("a.py", ".env"),
        edit(".git/x"),
        edit("../x"),
        ShellCommand(script="rm x"),
    ]
)
_ONE_ROOT = settings(suppress_health_check=[HealthCheck.function_scoped_fixture], max_examples=120)


@_ONE_ROOT
@given(action=_ACTIONS, mode=_MODES, allow=_RULES, ask=_RULES, deny=_RULES, more_ask=_RULES, more_deny=_RULES)
def test_further_ask_and_deny_rules_never_lower_a_verdict(
    root: Path,
    action: Action,
    mode: Mode,
    allow: tuple[str, ...],
    ask: tuple[str, ...],
    deny: tuple[str, ...],
    more_ask: tuple[str, ...],
    more_deny: tuple[str, ...],
):
    few = judge(root, action, settings_with(mode=mode, allow=allow, ask=ask, deny=deny))
    more = judge(root, action, settings_with(mode=mode, allow=allow, ask=ask + more_ask, deny=deny + more_deny))
    assert RANK[more.verdict] >= RANK[few.verdict]
    assert more.person_only == few.person_only


@_ONE_ROOT
@given(action=_ACTIONS, mode=_MODES, data=st.data(), allow=_RULES, ask=_RULES, deny=_RULES)
def test_the_order_of_rules_does_not_matter(
    root: Path,
    action: Action,
    mode: Mode,
    data: st.DataObject,
    allow: tuple[str, ...],
    ask: tuple[str, ...],
    deny: tuple[str, ...],
):
    def shuffled(rules: tuple[str, ...]) -> tuple[str, ...]:
        return tuple(data.draw(st.permutations(rules)))

    one = judge(root, action, settings_with(mode=mode, allow=allow, ask=ask, deny=deny))
    other = judge(root, action, settings_with(mode=mode, allow=shuffled(allow), ask=shuffled(ask), deny=shuffled(deny)))
    assert (one.verdict, one.person_only, set(one.flags)) == (other.verdict, other.person_only, set(other.flags))


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture], max_examples=40)
@given(
    name=st.sampled_from(["src/x", "a2.txt", "link", "src/.git", ".env2", "out"]),
    kind=st.sampled_from(["file", "folder", "to-outside", "to-inside", "to-git"]),
    action=st.sampled_from(
        [
            READ,
            ShellCommand(script="cat *.txt"),
            ShellCommand(script="wc -l src/*"),
            edit("link/x"),
            edit("src/x"),
            WIPE,
        ]
    ),
)
def test_a_further_file_in_the_repository_never_lowers_a_verdict(
    tmp_path_factory: pytest.TempPathFactory, name: str, kind: str, action: Action
):
    top = tmp_path_factory.mktemp("repo")
    for folder in ("ws/src", "ws/.git", "out"):
        (top / folder).mkdir(parents=True)
    (top / "ws" / "a.txt").write_text("x")
    before = judge(top / "ws", action)
    new = top / "ws" / name
    match kind:
        case "file":
            new.write_text("x")
        case "folder":
            new.mkdir()
        case "to-outside":
            new.symlink_to(top / "out")
        case "to-inside":
            new.symlink_to(top / "ws" / "src")
        case _:
            new.symlink_to(top / "ws" / ".git")
    assert RANK[judge(top / "ws", action).verdict] >= RANK[before.verdict]
