from pathlib import Path

import pytest

from hybridcode.config.edit import add_project_rule
from hybridcode.config.load import Loaded, load
from hybridcode.domain.action import ChangeSet, FileEdit, Ruling, ShellCommand
from hybridcode.domain.errors import ConfigError
from hybridcode.gate.policy import Policy

PUBLISH = """
[[rule]]
verdict = "deny"
match = ["Bash(npm publish*)", "Bash(make release*)"]
reason = "a person publishes"
matches = ["npm publish --tag next", "cd x && make release"]
misses = ["npm run publish-docs", "make"]
"""


class Layers:
    """A workspace with a policy.toml in each layer."""

    def __init__(self, folder: Path) -> None:
        self.workspace = folder / "ws"
        self.user, self.managed = folder / "user" / "policy.toml", folder / "etc" / "policy.toml"
        self.repository = self.workspace / ".hybridcode" / "policy.toml"
        for file in (self.user, self.managed, self.repository):
            file.parent.mkdir(parents=True)

    def load(self, *, trust_now: bool = False, env: dict[str, str] | None = None) -> Loaded:
        return load(
            self.workspace,
            env=env or {},
            user_config=self.user.with_name("config.toml"),
            managed_config=self.managed.with_name("config.toml"),
            trust_store=self.workspace.parent / "trust",
            trust_now=trust_now,
        )

    def judge(self, text: str, *, trust_now: bool = False, env: dict[str, str] | None = None) -> Ruling:
        loaded = self.load(trust_now=trust_now, env=env)
        policy = Policy.load(loaded.settings, self.workspace, rules=loaded.rules)
        return policy.judge(ShellCommand(script=text))


@pytest.fixture
def layers(tmp_path: Path) -> Layers:
    return Layers(tmp_path)


def test_a_rule_says_which_one_it_is_where_it_stands_and_why(layers: Layers):
    layers.user.write_text(PUBLISH)
    ruling = layers.judge("npm publish")
    assert (ruling.verdict, ruling.rule) == ("deny", "user:Bash(npm publish*)")
    assert f"{layers.user}, rule 1" in ruling.reason
    assert ruling.reason.endswith("a person publishes")


@pytest.mark.parametrize(
    ("old", "new", "fault"),
    [
        ('"npm publish --tag next"', '"npm test"', "does not match its own example `npm test`"),
        ('"make"]', '"make release"]', "matches what it must not: `make release`"),
    ],
)
@pytest.mark.parametrize("layer", ["user", "repository", "managed"])
def test_an_example_that_does_not_hold_refuses_the_whole_policy(
    layers: Layers, layer: str, old: str, new: str, fault: str
):
    file: Path = getattr(layers, layer)
    file.write_text(PUBLISH.replace(old, new))
    with pytest.raises(ConfigError) as caught:
        layers.judge("ls")
    assert fault in caught.value.message
    assert f"{file}, rule 1" in caught.value.message


def test_a_mistake_is_named_by_the_number_of_its_rule(layers: Layers):
    layers.user.write_text('[[rule]]\nverdict = "ask"\nmatch = "Bash"\n[[rule]]\nverdict = "no"\nmatch = "Bash"\n')
    with pytest.raises(ConfigError, match=r"rule 2, verdict: Invalid enum value 'no'$"):
        layers.judge("ls")


@pytest.mark.parametrize(
    "text",
    ["[[rule]\n", '[[rule]]\nverdict = "no"\nmatch = "Bash"\n', '[[rule]]\nverdict = "ask"\n', "[rules]\n",
     '[[rule]]\nverdict = "ask"\nmatch = []\n', '[[rule]]\nverdict = "ask"\nmatch = "Read(x)"\n',
     '[[rule]]\nverdict = "ask"\nmatch = "Bash"\nmatchs = []\n'],
)  # fmt: skip
@pytest.mark.parametrize("layer", ["user", "repository", "managed"])
def test_a_broken_file_of_any_layer_stops_the_start(layers: Layers, layer: str, text: str):
    file: Path = getattr(layers, layer)
    file.write_text(text)
    with pytest.raises(ConfigError, match=str(file)):
        layers.judge("ls")


def test_an_untrusted_repository_only_tightens(layers: Layers):
    layers.repository.write_text(PUBLISH + '[[rule]]\nverdict = "allow"\nmatch = "Bash(make *)"\n')
    assert layers.judge("npm publish").verdict == "deny"
    assert layers.judge("make test").verdict == "ask"
    assert "rule 2: Bash(make *) is ignored" in layers.load().warnings[0]
    assert layers.judge("make test", trust_now=True).verdict == "allow"


@pytest.mark.parametrize("layer", ["user", "managed"])
def test_only_a_rule_of_the_user_or_the_administrator_lifts_a_denial(layers: Layers, layer: str):
    rule = '[[rule]]\nverdict = "allow"\nmatch = "Bash(=git push --force)"\n'
    layers.repository.write_text(rule)
    assert layers.judge("git push --force", trust_now=True).verdict == "deny"
    variable = {"HYBRIDCODE_APPROVAL_ALLOW": "Bash(=git push --force)"}
    assert layers.judge("git push --force", env=variable).verdict == "deny"
    getattr(layers, layer).write_text(rule)
    assert layers.judge("git push --force").verdict == "allow"


def test_the_administrators_denial_is_lifted_by_nobody(layers: Layers):
    layers.managed.write_text(PUBLISH)
    layers.user.write_text('[[rule]]\nverdict = "allow"\nmatch = "Bash(=npm publish)"\n')
    variable = {"HYBRIDCODE_APPROVAL_ALLOW": "Bash(=npm publish)", "HYBRIDCODE_APPROVAL_MODE": "acceptEdits"}
    assert layers.judge("npm publish", env=variable).verdict == "deny"


def test_where_the_administrator_lists_what_is_allowed_nothing_else_is(layers: Layers):
    layers.managed.with_name("config.toml").write_text("[approval]\nallow = ['Bash(make test)']\n")
    layers.user.write_text('[[rule]]\nverdict = "allow"\nmatch = "Bash(make *)"\n')
    assert layers.judge("make test").verdict == "allow"
    assert layers.judge("make other", env={"HYBRIDCODE_APPROVAL_ALLOW": "Bash"}).verdict == "ask"
    assert "only the administrator's allow rules" in layers.load().warnings[0]


def test_a_rule_for_one_workspace_counts_there_only(layers: Layers, tmp_path: Path):
    layers.user.write_text("# mine\n" + PUBLISH.strip())
    for _ in range(2):
        add_project_rule(layers.workspace, "Bash(=make test)", path=layers.user)
    add_project_rule(tmp_path / "other", 'Bash(=echo "a\\b")', path=layers.user)
    assert layers.user.read_text().startswith("# mine\n")
    assert [rule.match for rule in layers.load().rules if rule.verdict == "allow"] == [("Bash(=make test)",)]
    assert layers.judge("make test").verdict == "allow"


def test_a_repository_names_no_workspace(layers: Layers):
    layers.repository.write_text('[[rule]]\nverdict = "ask"\nmatch = "Bash"\nworkspace = "/x"\n')
    with pytest.raises(ConfigError, match="workspace has no meaning here"):
        layers.load()


def test_rules_about_files_have_paths_as_examples(layers: Layers):
    layers.user.write_text(
        '[[rule]]\nverdict = "deny"\nmatch = "Edit(db/**)"\nmatches = ["db/a/b.sql", "DB/x"]\nmisses = ["src/db.py"]\n'
    )
    loaded = layers.load()
    policy = Policy.load(loaded.settings, layers.workspace, rules=loaded.rules)
    assert policy.judge(ChangeSet((FileEdit("db/x.sql", None, "0" * 64),))).verdict == "deny"
