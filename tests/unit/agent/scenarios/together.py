"""Plans of several steps: the check of the whole task is tried on all drafts together before the last one is shown."""

from typing import Any

from hybridcode.domain.exits import ExitCode
from hybridcode.domain.plan import Plan
from tests.support.sessions import as_json, fence
from tests.unit.agent.scenarios.case import NOBODY, Case, changed, step

CHECK = "python3 check.py"
SHOP = "def total(items):\n    return {}\n"
TAX = "def rate():\n    return {}\n"
FILES = {
    "shop.py": SHOP.format("sum(items)"),
    "tax.py": TAX.format("1"),
    "check.py": "import shop\nimport tax\nassert tax.rate() == 2\nassert shop.total([1]) == 3\n",
}
TAX_OF = "def rate(n=0):\n    return 2 + n"
STEPS = (step("tax", "tax.py#rate"), step("total", "shop.py#total"))
ALLOWED = {"verify.test_cmd": CHECK, "approval.allow": (f"Bash(={CHECK})",)}
DONE = changed(shop__py=SHOP.format("3"), tax__py=TAX.format("2"))
TWICE = ("tax:local", "total:local", "total:local_retry")
ASKED = {"tax": ["yes"], "total": ["yes"]}


def rate(*texts: str) -> list[str]:
    """Answers for tax.py#rate."""
    return [fence(TAX.format(text).rstrip()) for text in texts]


def total(*texts: str) -> list[str]:
    """Answers for shop.py#total."""
    return [fence(SHOP.format(text).rstrip()) for text in texts]


def together(name: str, local: dict[str, list[str]], **more: Any) -> Case:
    """Two steps without checks of their own; the task's check needs both."""
    fields: dict[str, Any] = {"steps": STEPS, "after": DONE, "rungs": TWICE, "repairs": 0, **more}
    fields["settings"] = {**ALLOWED, **more.get("settings", {})}
    return Case(name, local=local, files=FILES, **fields)


CASES = (
    together(
        "the last of several steps is proven with all of them",
        {"draft:tax": rate("2"), "draft:total": total("3")},
        rungs=("tax:local", "total:local"),
    ),
    together(
        "the last of several steps is written again with what the check of the whole task says",
        {"draft:tax": rate("2"), "draft:total": total("4", "3")},
    ),
    together(
        "a traceback through an earlier step's place has that written again",
        {"draft:tax": rate("2 // 0"), "draft:total": [*total("3"), *rate("2")]},
        whys=("points to tax.py#rate",),
    ),
    together(
        "a failure that names an earlier step's place has that written again",
        {"draft:tax": rate("4"), "draft:total": [*total("3"), *rate("2")]},
        whys=("points to tax.py#rate",),
    ),
    together(
        "where a failure points to both, the step's own place comes first",
        {"draft:tax": rate("2"), "draft:total": total("__import__('tax').rate(1)", "3")},
        whys=("with the reason of the refusal",),
    ),
    together(
        "where the step's own place did not help, the earlier one follows",
        {
            "draft:tax": rate("2"),
            "draft:total": [*total("__import__('tax').rate(1)", "1 * __import__('tax').rate(1)"), fence(TAX_OF)],
        },
        after=changed(shop__py=SHOP.format("1 * __import__('tax').rate(1)"), tax__py=f"{TAX_OF}\n"),
        rungs=(*TWICE, "total:local_retry"),
        whys=("with the reason of the refusal", "points to tax.py#rate"),
    ),
    together(
        "where the step's own place comes out the same again, the earlier one follows",
        {"draft:tax": rate("2"), "draft:total": [*2 * total("__import__('tax').rate(1)"), fence(TAX_OF)]},
        after=changed(shop__py=SHOP.format("__import__('tax').rate(1)"), tax__py=f"{TAX_OF}\n"),
        rungs=(*TWICE, "total:local_retry"),
        whys=("with the reason of the refusal", "points to tax.py#rate"),
    ),
    together(
        "an earlier step that waits for a person is tried with its draft",
        {"draft:tax": rate("2"), "draft:total": total("4", "3")},
        person=ASKED,
    ),
    together(
        "an earlier step that waited for a person is written again once it is applied",
        {"draft:tax": rate("4"), "draft:total": [*total("3"), *rate("2")]},
        person=ASKED,
        whys=("points to tax.py#rate",),
    ),
    together(
        "an earlier step that is declined leaves the last one to itself",
        {"draft:tax": rate("4"), "draft:total": total("3")},
        person={"tax": ["no"], "total": ["yes"]},
        code=ExitCode.DENIED,
        after=changed(shop__py=SHOP.format("3")),
        rungs=("tax:local", "total:local", "total:local_retry"),
    ),
    together(
        "drafts that nobody can approve are tried together all the same",
        {"draft:tax": rate("2"), "draft:total": total("4", "3")},
        person=NOBODY,
        code=ExitCode.APPROVAL_PENDING,
        after={},
    ),
    together(
        "no place of an earlier step is written again where none may be",
        {"draft:tax": rate("4"), "draft:total": total("3", "3"), "draft:r1.1": rate("2")},
        frontier={"plan": [as_json(Plan(STEPS)), '{"s":[{"t":"tax.py#rate","g":"tax"}]}']},
        settings={"limits.max_reworks": 0},
        rungs=(*TWICE, "r1.1:local"),
        repairs=1,
    ),
    together(
        "without a copy to try it in the whole task is checked at its end",
        {"draft:tax": rate("2"), "draft:total": total("4")},
        settings={"verify.scratch": "off", "limits.max_repairs": 0},
        code=ExitCode.VERIFICATION_FAILED,
        after=changed(shop__py=SHOP.format("4"), tax__py=TAX.format("2")),
        rungs=("tax:local", "total:local"),
    ),
    together(
        "a step's own check that is the task's is tried with the drafts that wait",
        {"draft:tax": rate("2"), "draft:total": total("4", "3")},
        steps=(STEPS[0], step("total", "shop.py#total", check=CHECK)),
        person=ASKED,
    ),
    together(
        "what fails together and is nobody's is applied and checked at the end",
        {"draft:tax": rate("2"), "draft:total": total("5", "4")},
        settings={"limits.max_repairs": 0},
        code=ExitCode.VERIFICATION_FAILED,
        after=changed(shop__py=SHOP.format("4"), tax__py=TAX.format("2")),
    ),
    Case(
        "a step of documentation alone is not written again for a check that points elsewhere",
        (step("total", "shop.py#total"), step("log", "log.md")),
        changed(shop__py=SHOP.format("4"), log__md="# Log\nthree\n"),
        code=ExitCode.VERIFICATION_FAILED,
        rungs=("total:local", "log:local"),
        local={"draft:total": total("4"), "draft:log": [fence("# Log\nthree", "markdown")]},
        settings={**ALLOWED, "limits.max_repairs": 0},
        files={**FILES, "log.md": "# Log\n", "check.py": "import shop\nraise SystemExit(int(shop.total([1]) != 3))\n"},
    ),
)
