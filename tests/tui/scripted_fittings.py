"""Fittings that answer from values and record what they were asked.

Invariant: explanations are the gate's own, over a policy of the test; nothing of this machine reaches them.
"""

from collections.abc import AsyncGenerator, Callable
from dataclasses import dataclass, field, replace
from pathlib import Path

import msgspec

from hybridcode.config.layers import Origin
from hybridcode.config.rules import WrittenRule
from hybridcode.config.settings import FrontierSettings, LocalSettings, ModelSettings, Settings
from hybridcode.domain.action import Action
from hybridcode.domain.errors import HybridcodeError
from hybridcode.domain.events import Event, RuleGranted, RuleWithdrawn
from hybridcode.gate.explaining import Explanation, explain
from hybridcode.gate.paths import Places
from hybridcode.gate.policy import Policy
from hybridcode.models.pricing import Price
from hybridcode.session.choosing import Choice, ModelShown, ModelsShown, RoleShown
from hybridcode.session.doctor import Finding
from hybridcode.tui.fittings import RulesShown

USER = Path("/home/someone/.config/hybridcode/policy.toml")
RULES = (
    WrittenRule("deny", ("Bash(terraform *)",), Origin("user", file=USER), "rule 1", "only from the pipeline"),
    WrittenRule("ask", ("Edit(docs/**)",), Origin("repository", file=Path(".hybridcode/policy.toml")), "rule 1"),
    WrittenRule("allow", ("Bash(pytest -q)",), Origin("command line"), "verify.test_cmd"),
)
IGNORED = (
    WrittenRule("allow", ("Bash(make *)",), Origin("repository", file=Path(".hybridcode/policy.toml")), "rule 2"),
)
GRANTED = "Bash(=git status --short)"
NOW = ModelSettings(
    frontier=FrontierSettings(model="anthropic/claude-sonnet-4-5"), local=LocalSettings(name="qwen2.5-coder-7b-q5_k_m")
)
MODELS = (
    ModelShown(
        "frontier",
        "anthropic/claude-sonnet-4-5",
        "user: /home/someone/.config/hybridcode/config.toml",
        "ready",
        host="anthropic",
        is_remote=True,
        n_ctx=200_000,
        price=Price(3e-06, 1.5e-05, 3e-07),
        price_from="litellm's table",
    ),
    ModelShown(
        "local",
        "qwen2.5-coder-7b-q5_k_m",
        "user: /home/someone/.config/hybridcode/config.toml",
        "not started",
        n_ctx=16_384,
    ),
)
ROLES = (
    RoleShown("plan", "anthropic/claude-sonnet-4-5", "[roles] plan = frontier (default)"),
    RoleShown("judge", "anthropic/claude-sonnet-4-5", "[roles] judge = frontier (default)"),
    RoleShown("draft", "qwen2.5-coder-7b-q5_k_m", "2 tries of the local model, 1 hint of the frontier, then you"),
)
CHOICES = (
    Choice("frontier", "anthropic/claude-sonnet-4-5", "as configured", NOW.frontier),
    Choice(
        "frontier",
        "openai/gpt-5-mini",
        "key in OPENAI_API_KEY; fast and cheap",
        FrontierSettings(model="openai/gpt-5-mini"),
    ),
    Choice("frontier", "no frontier", "the local model plans and judges too", FrontierSettings()),
    Choice("local", "qwen2.5-coder-7b-q5_k_m", "as configured", NOW.local),
    Choice("local", "devstral-small-2-24b", "llama Q4_K_M, 13.3 GiB", LocalSettings(path="/models/devstral.gguf")),
    Choice("local", "qwen3.6-27b", "3.1 GiB", LocalSettings(path="/models/q.part"), "its download is not finished"),
    Choice("local", "no local model", "the frontier writes everything", LocalSettings()),
)
FINDINGS = (
    Finding("local engine", True, "llama-cpp-python 0.3.36 loads and writes"),
    Finding("local model", True, "~/models/qwen2.5-coder-7b-q5_k_m.gguf: qwen2 Q5_K_M, 5.1 GiB"),
    Finding("memory", True, "6.4 GiB of 21.0 GiB free, for 16,384 tokens with a f16 KV cache"),
    Finding("threads", True, "7 of 8 physical cores"),
    Finding(
        "frontier",
        False,
        "anthropic/claude-sonnet-4-5: ANTHROPIC_API_KEY holds no key",
        "export ANTHROPIC_API_KEY=..., then try again.",
    ),
    Finding(
        "sandbox",
        True,
        "landlock; bubblewrap is not installed; does not keep commands from: times of files outside",
    ),
    Finding("git", True, "/usr/bin/git"),
)


def policy_of(workspace: Path) -> Policy:
    """The rules above in a workspace that need not exist."""
    places = Places.of(workspace, own=(Path("/home/someone/.config/hybridcode"),), home=Path("/home/someone"))
    return replace(Policy.load(Settings(), workspace, rules=RULES), places=places)


@dataclass
class ScriptedFittings:
    policy: Policy = field(default_factory=lambda: policy_of(Path("/home/someone/src/shop")).allowing(GRANTED))
    granted: tuple[RuleGranted, ...] = (RuleGranted(GRANTED, "session", "person:tui"),)
    shown: ModelsShown = field(default_factory=lambda: ModelsShown(MODELS, ROLES, CHOICES, NOW))
    found: tuple[Finding, ...] = FINDINGS
    refusal: str = ""
    chosen: list[str] = field(default_factory=list[str])
    loads: int = 0
    looks: int = 0
    play: Callable[[Event], None] = field(default=lambda event: None)

    async def models(self) -> ModelsShown:
        return self.shown

    async def choose(self, choice: Choice) -> None:
        if self.refusal:
            raise HybridcodeError(self.refusal)
        self.chosen.append(choice.id)
        self.shown = msgspec.structs.replace(
            self.shown, now=msgspec.structs.replace(self.shown.now, **{choice.part: choice.settings})
        )

    async def start(self) -> None:
        if self.refusal:
            raise HybridcodeError(self.refusal)
        self.loads += 1

    async def rules(self) -> RulesShown:
        return RulesShown(
            self.policy,
            self.granted,
            IGNORED,
            "landlock",
            ("bubblewrap is not installed",),
            ("permission bits and times of files outside",),
            str(USER),
        )

    async def explain(self, action: Action) -> Explanation:
        return explain(self.policy, action)

    async def withdraw(self, rule: str) -> None:
        self.policy = self.policy.without(rule)
        self.granted = ()
        self.play(RuleWithdrawn(rule, "person:tui"))

    async def findings(self) -> AsyncGenerator[Finding]:
        self.looks += 1
        for finding in self.found:
            yield finding
