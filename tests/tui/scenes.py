"""The states that matter, each as the events that lead to it."""

from collections.abc import Callable

from scene_parts import (
    ASKS_EDIT,
    CHANGES,
    FRONTIER,
    LOCAL,
    answered,
    asked,
    drafted,
    given,
    opened,
    planned,
    propose,
    talk,
)
from scripted_conversation import ScriptedConversation

from hybridcode.domain.action import (
    Applied,
    Approve,
    Denied,
    Ran,
    Reject,
    Ruling,
    ShellCommand,
)
from hybridcode.domain.events import (
    CheckRan,
    EffectFinished,
    EffectStarted,
    Event,
    Interrupted,
    NoticeGiven,
    ProposalDecided,
    StepEnded,
    StepStarted,
    TaskEnded,
    TaskJudged,
)
from hybridcode.session.watchers import Piece
from hybridcode.tui.conversation import Facts


def empty() -> ScriptedConversation:
    return talk(is_running=False)


def no_models() -> ScriptedConversation:
    advice = (
        "Frontier: hybridcode config set models.frontier.model=NAME",
        "Local: hybridcode config set models.local.path=FILE",
    )
    return talk(Facts(workspace="~/src/shop", branch="main", advice=advice), is_running=False)


def planning() -> ScriptedConversation:
    conversation = talk()
    conversation.events = [opened(), given(), asked(1, "plan", "frontier")]
    conversation.live.put(Piece("text", "call-1", '{"steps": [{"id": "1", "goal": "Add a Money type that keeps'))
    return conversation


def plan_waiting() -> ScriptedConversation:
    conversation = talk()
    conversation.events = planned()
    return conversation


def drafting() -> ScriptedConversation:
    conversation = talk()
    conversation.events = drafted()
    text = "```python\n    def total(self) -> Money:\n        return sum((i.price * i.qty for i in"
    conversation.live.put(Piece("text", "call-3", text, "2"))
    return conversation


def review_diff() -> ScriptedConversation:
    conversation = talk()
    made = propose(
        conversation,
        conversation.seal(CHANGES),
        ruling=ASKS_EDIT,
        title="shop/cart.py +10 -6, shop/money.py +14",
        proven_by="pytest -q tests/test_cart.py",
        notes=("shop/cart.py: a public signature changed: discount",),
        says="total() and discount() now return Money; the sum starts from Money(0).",
    )
    conversation.events = [*drafted(), answered(3, out=310), made]
    return conversation


def review_command() -> ScriptedConversation:
    conversation = talk()
    command = ShellCommand(
        argv=("pytest", "-q", "tests/test_cart.py", "-k", "total or discount"),
        env_names=("HOME", "LANG", "PATH", "TERM"),
        purpose="check",
    )
    ruling = Ruling("ask", "runs code of the repository", "commands.unknown")
    conversation.events = [
        *drafted(),
        answered(3, out=310),
        propose(conversation, command, ruling=ruling, title=command.text),
    ]
    return conversation


def review_destructive() -> ScriptedConversation:
    conversation = talk()
    command = ShellCommand(script="rm -r build/ && make dist\u202egpj.sh", env_names=("HOME", "PATH"), network=True)
    ruling = Ruling(
        "ask",
        "removes files",
        "user:no-rm",
        "policy.toml",
        person_only=True,
        flags=("destructive", "network", "hidden-characters"),
    )
    conversation.events = [
        *drafted(),
        answered(3, out=310),
        propose(conversation, command, ruling=ruling, title=command.text, says="This only cleans the build folder."),
    ]
    return conversation


def denied() -> ScriptedConversation:
    conversation = talk(is_running=False)
    command = ShellCommand(argv=("git", "push", "--force"), env_names=("HOME", "PATH"))
    ruling = Ruling("deny", "destroys history", "commands.git-history", flags=("destructive",))
    made = propose(conversation, command, ruling=ruling, title=command.text, name="d1")
    reason = "a user-level rule can lift it: deny is never asked"
    conversation.events = [
        *drafted(),
        answered(3, out=310),
        made,
        ProposalDecided("d1", Reject("destroys history", "policy:commands.git-history")),
        EffectFinished("d1", Denied("destroys history", "commands.git-history", reason)),
        CheckRan(
            "2",
            "pytest -q tests/test_cart.py",
            False,
            1,
            "\n".join(f"tests/test_cart.py::test_{i} FAILED" for i in range(9)) + "\n9 failed in 0.31s",
            0.9,
        ),
        StepEnded("2", "denied", "git push --force was denied"),
        TaskEnded(5, "denied", (), "step 2: git push --force was denied"),
    ]
    return conversation


def done() -> ScriptedConversation:
    conversation = talk(is_running=False)
    changes = conversation.seal(CHANGES)
    made = propose(conversation, changes, ruling=ASKS_EDIT, title="shop/cart.py +10 -6, shop/money.py +14", name="p1")
    command = ShellCommand(argv=("pytest", "-q"), env_names=("PATH",))
    ruling = Ruling("allow", "a check you named", "user:check")
    ran = propose(conversation, command, ruling=ruling, title="pytest -q", name="p2", step="4")
    steps: list[Event] = [StepEnded("2", "done"), StepStarted("3"), StepEnded("3", "done"), StepStarted("4")]
    conversation.events = [
        *drafted(),
        answered(3, out=310),
        made,
        ProposalDecided("p1", Approve(made.proposal.digest, "person:tui")),
        EffectFinished("p1", Applied(changes.edits)),
        CheckRan("2", "pytest -q tests/test_cart.py", True, 0, "4 passed", 0.8),
        *steps,
        ran,
        ProposalDecided("p2", Approve(ran.proposal.digest, "policy:user:check")),
        EffectFinished("p2", Ran(0, "e" * 64, "12 passed in 0.44s", 1.2, "bubblewrap")),
        StepEnded("4", "done"),
        TaskJudged("good", "totals are exact and the suite passes", FRONTIER),
        TaskEnded(0, "done", ("shop/cart.py", "shop/money.py"), "done and verified"),
    ]
    return conversation


def running_command() -> ScriptedConversation:
    conversation = talk()
    command = ShellCommand(argv=("pytest", "-q"), env_names=("PATH",), purpose="step")
    ruling = Ruling("allow", "a command you named", "user:suite")
    made = propose(conversation, command, ruling=ruling, title="pytest -q", name="p2", step="4")
    approved = ProposalDecided("p2", Approve(made.proposal.digest, "policy:user:suite"))
    conversation.events = [*drafted(), answered(3, out=310), made, approved, EffectStarted("p2", made.proposal.digest)]
    conversation.live.put(Piece("output", "p2", "tests/test_cart.py ....\ntests/test_money.py ..\n"))
    return conversation


def failed_model() -> ScriptedConversation:
    conversation = talk(is_running=False)
    hint = "It stopped with signal 6 (abort). Try a smaller [models.local] n_ctx, or see `hybridcode doctor`."
    conversation.events = [
        *drafted(),
        NoticeGiven("error", f"The process of the local model {LOCAL} died while it drafted step 2.", hint),
        StepEnded("2", "failed", "the local model is gone"),
        TaskEnded(7, "model_unavailable", (), "the local model is gone"),
    ]
    return conversation


def interrupted() -> ScriptedConversation:
    conversation = talk(is_running=False)
    conversation.events = [*drafted(), Interrupted("a key"), TaskEnded(130, "interrupted", (), "interrupted")]
    return conversation


SCENES: dict[str, Callable[[], ScriptedConversation]] = {
    scene.__name__: scene
    for scene in (
        empty,
        no_models,
        planning,
        plan_waiting,
        drafting,
        review_diff,
        review_command,
        review_destructive,
        denied,
        done,
        running_command,
        failed_model,
        interrupted,
    )
}
