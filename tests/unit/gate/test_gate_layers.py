import tempfile
from collections.abc import Mapping
from pathlib import Path

import pytest
import tomlkit
from hypothesis import given, settings
from hypothesis import strategies as st

from hybridcode.config.load import load
from hybridcode.config.settings import Mode
from hybridcode.domain.action import (
    Action,
    Approve,
    ChangeSet,
    FileEdit,
    Proposal,
    Ruling,
    ShellCommand,
    Verdict,
    action_digest,
)
from hybridcode.gate.approvers import PolicyOnly, Refuse
from hybridcode.gate.policy import RANK, Policy

Rules = list[dict[str, str]]
RULES: st.SearchStrategy[Rules] = st.lists(
    st.fixed_dictionaries(
        {
            "verdict": st.sampled_from(["allow", "ask", "deny"]),
            "match": st.sampled_from(
                ["Bash", "Bash(make *)", "Bash(=make test)", "Bash(=git push --force)", "Bash(cat *)", "Edit(src/**)",
                 "Edit", "Edit(.env)"]
            ),
        }
    ),
    max_size=3,
)  # fmt: skip
CONFIG = st.fixed_dictionaries(
    {},
    optional={
        "mode": st.sampled_from(["default", "acceptEdits", "plan", "dontAsk"]),
        "allow": st.lists(st.sampled_from(["Bash", "Bash(=git push --force)", "Edit"]), max_size=2),
        "deny": st.lists(st.sampled_from(["Bash(make *)", "Edit(src/**)"]), max_size=1),
        "sandbox": st.sampled_from(["auto", "off"]),
    },
)
MODES = st.sampled_from([None, "default", "acceptEdits", "plan", "dontAsk", "bypass"])
EDIT = ChangeSet((FileEdit("src/a.py", None, "0" * 64),))
ENV_FILE = ChangeSet((FileEdit(".env", None, "0" * 64),))
OWN = ChangeSet((FileEdit(".git/config", None, "0" * 64),))
READ, MAKE, PUSH = (ShellCommand(script=text) for text in ("cat a.txt", "make test", "git push --force"))
ACTIONS: tuple[Action, ...] = (EDIT, ENV_FILE, OWN, READ, MAKE, PUSH)


class Layers:
    """All files that can say something, below one folder."""

    def __init__(self, top: Path) -> None:
        self.top = top
        for folder in ("ws/.hybridcode", "user", "etc"):
            (top / folder).mkdir(parents=True)
        (top / "ws" / "a.txt").write_text("x\n")

    def write(self, place: str, *, rules: Rules | None = None, approval: Mapping[str, object] | None = None) -> None:
        folder, _, name = place.partition(":")
        if rules is not None:
            (self.top / folder / "policy.toml").write_text(tomlkit.dumps({"rule": rules}) if rules else "")
        if approval:
            (self.top / folder / (name or "config.toml")).write_text(tomlkit.dumps({"approval": dict(approval)}))

    def rulings(self, mode: str | None, env: Mapping[str, str] | None = None) -> list[Ruling]:
        loaded = load(
            self.top / "ws",
            flags={"approval.mode": mode} if mode else {},
            env=env or {},
            user_config=self.top / "user" / "config.toml",
            managed_config=self.top / "etc" / "config.toml",
            trust_store=self.top / "trust",
        )
        policy = Policy.load(loaded.settings, self.top / "ws", rules=loaded.rules, home=self.top)
        return [policy.judge(action) for action in ACTIONS]


@settings(max_examples=25, deadline=None)
@given(
    mode=MODES, user=RULES, own=CONFIG, managed=RULES, office=CONFIG, repository=RULES, config=CONFIG, local=CONFIG
)  # fmt: skip
def test_no_file_of_a_repository_lowers_a_verdict_in_any_mode(
    mode: str | None,
    user: Rules,
    own: Mapping[str, object],
    managed: Rules,
    office: Mapping[str, object],
    repository: Rules,
    config: Mapping[str, object],
    local: Mapping[str, object],
) -> None:
    with tempfile.TemporaryDirectory() as folder:
        layers = Layers(Path(folder))
        layers.write("user", rules=user, approval=own)
        layers.write("etc", rules=managed, approval=office)
        before = layers.rulings(mode)
        layers.write("ws/.hybridcode", rules=repository, approval=config)
        layers.write("ws/.hybridcode:config.local.toml", approval=local)
        after = layers.rulings(mode)
    for one, other in zip(before, after, strict=True):
        assert RANK[other.verdict] >= RANK[one.verdict]
        assert other.person_only == one.person_only


@settings(max_examples=20, deadline=None)
@given(mode=MODES, user=RULES, managed=RULES, office=CONFIG, data=st.data())
def test_the_order_of_rules_and_variables_of_the_environment_change_nothing_for_the_better(
    mode: str | None, user: Rules, managed: Rules, office: Mapping[str, object], data: st.DataObject
) -> None:
    with tempfile.TemporaryDirectory() as folder:
        layers = Layers(Path(folder))
        layers.write("user", rules=user)
        layers.write("etc", rules=managed, approval={"allow": [], "mode": "default", **office})
        first = layers.rulings(mode)
        layers.write("user", rules=data.draw(st.permutations(user)))
        layers.write("etc", rules=data.draw(st.permutations(managed)))
        assert [ruling.verdict for ruling in layers.rulings(mode)] == [ruling.verdict for ruling in first]
        variables = {"HYBRIDCODE_APPROVAL_ALLOW": "Bash", "HYBRIDCODE_APPROVAL_SANDBOX": "off"}
        loose = layers.rulings(None, {**variables, "HYBRIDCODE_APPROVAL_MODE": "acceptEdits"})
        tight = layers.rulings(None)
    for one, other in zip(tight, loose, strict=True):
        assert RANK[other.verdict] >= RANK[one.verdict]


TABLE: Mapping[Mode, tuple[Verdict, ...]] = {
    #               edit     .env    .git    read     make     push --force
    "default": ("ask", "ask", "deny", "allow", "ask", "deny"),
    "acceptEdits": ("allow", "ask", "deny", "allow", "ask", "deny"),
    "plan": ("deny", "deny", "deny", "deny", "deny", "deny"),
    "dontAsk": ("deny", "deny", "deny", "allow", "deny", "deny"),
    "bypass": ("allow", "ask", "deny", "allow", "allow", "deny"),
}
YES = ("yes", "stops", "denied", "unasked", "sandbox", "denied")
"""What --yes makes of each in the default mode."""


@pytest.mark.parametrize("mode", TABLE)
def test_each_mode_rules_on_each_kind_of_action(tmp_path: Path, mode: Mode) -> None:
    rulings = Layers(tmp_path).rulings(mode)
    assert tuple(ruling.verdict for ruling in rulings) == TABLE[mode]
    assert [ruling.person_only for ruling in rulings] == [False, True, False, False, False, False]


@pytest.mark.parametrize("has_sandbox", [True, False])
async def test_yes_answers_what_is_asked_and_nothing_else(tmp_path: Path, has_sandbox: bool) -> None:
    approver = PolicyOnly(is_sandboxed=has_sandbox)
    answers: list[str] = []
    for action, ruling in zip(ACTIONS, Layers(tmp_path).rulings("default"), strict=True):
        if ruling.verdict != "ask":
            answers.append("unasked" if ruling.verdict == "allow" else "denied")
            continue
        proposal = Proposal("p", "s", action, action_digest(action), ruling)
        decision = await approver.decide(proposal)
        assert not isinstance(await Refuse().decide(proposal), Approve)
        is_yes = isinstance(decision, Approve)
        answers.append("stops" if ruling.person_only else "yes" if action is EDIT else "sandbox")
        assert is_yes == (action is EDIT or (action is MAKE and has_sandbox))
    assert tuple(answers) == YES
