"""The demo's answers through the product's own rooms: window, frozen prompt, reading and placing."""

import shutil
from pathlib import Path

import msgspec

from hybridcode.context.assemble import tiny_window
from hybridcode.domain.action import FileChange
from hybridcode.domain.plan import Plan, Region, Step
from hybridcode.domain.refusal import Refusal
from hybridcode.models.tiny_prompt import render_region, render_whole
from hybridcode.patch.place import place
from hybridcode.patch.read import read_answer
from hybridcode.repo.snapshot import Snapshot, take

DEMO = Path(__file__).resolve().parents[2] / "hybridcode" / "assets" / "demo"
PLAN = msgspec.json.decode((DEMO / "plan.json").read_bytes(), type=Plan)
ANSWERS = msgspec.json.decode((DEMO / "answers.json").read_bytes(), type=dict[str, dict[str, str]])

PRICING = '''"""Prices in whole cents: VAT and shipping."""

VAT_PERCENT = 21
SHIPPING = 490
FREE_SHIPPING_FROM = 5000


def add_vat(cents: int) -> int:
    """The amount with VAT, rounded half up."""
    return cents + (cents * VAT_PERCENT + 50) // 100


def discount(cents: int, percent: int) -> int:
    """The amount with `percent` taken off, rounded up."""
    if not 0 <= percent <= 100:
        raise ValueError("percent must be from 0 to 100")
    return cents - cents * percent // 100


def shipping(cents: int) -> int:
    """What it costs to send goods worth `cents`."""
    return 0 if cents >= FREE_SHIPPING_FROM else SHIPPING
'''
TOTAL = '''def total(cart: Cart, percent: int = 0) -> int:
    """What the customer pays: goods less `percent`, shipping and VAT."""
    net = pricing.discount(cart.net_total(), percent)
    return pricing.add_vat(net + pricing.shipping(net))
'''


def snapshot_of_sample(folder: Path) -> Snapshot:
    shutil.copytree(DEMO / "repo", folder, ignore=shutil.ignore_patterns("__pycache__"))
    return take(folder, max_file_bytes=1_000_000)


def ask(snapshot: Snapshot, step: Step, region: Region) -> tuple[str, Snapshot]:
    is_new = step.kind == "create"
    window = tiny_window(step, snapshot, region=region, format="whole" if is_new else "region")
    prompt = render_whole(region.path, step.goal) if is_new else render_region(region.path, window.text, step.goal)
    answer = read_answer(ANSWERS[step.id][str(region)], finish="stop", target=window.target)
    assert not isinstance(answer, Refusal), answer
    placed = place(answer, {} if is_new else {region.path: snapshot.read(region.path)})
    changes = [change for change in placed if isinstance(change, FileChange)]
    assert len(changes) == 1, placed
    return prompt[1], snapshot.with_changes(changes)


def run_plan(snapshot: Snapshot) -> tuple[Snapshot, list[str]]:
    users: list[str] = []
    for step in PLAN.steps:
        for region in step.regions:
            user, snapshot = ask(snapshot, step, region)
            users.append(user)
    return snapshot, users


def test_answers_are_read_and_placed_where_they_belong(tmp_path: Path) -> None:
    after, _ = run_plan(snapshot_of_sample(tmp_path / "shop"))
    assert after.read("shop/pricing.py").decode() == PRICING
    assert TOTAL in after.read("shop/invoice.py").decode()
    assert after.read("tests/test_discount.py").endswith(b"percent=10), 2771)\n")


def test_only_the_files_of_the_plan_change(tmp_path: Path) -> None:
    before = snapshot_of_sample(tmp_path / "shop")
    after, _ = run_plan(before)
    changed = {path for path in after.files if path not in before.files or after.read(path) != before.read(path)}
    assert changed == {region.path for step in PLAN.steps for region in step.regions}


def test_the_prompt_holds_nothing_but_path_region_and_goal(tmp_path: Path) -> None:
    _, users = run_plan(snapshot_of_sample(tmp_path / "shop"))
    assert users[0] == "File shop/pricing.py\n```python\nVAT_PERCENT = 19\n```\nGoal: Set VAT_PERCENT to 21."
    assert users[2] == (
        "File shop/cart.py\n```python\n"
        "    def calc(self) -> int:\n"
        '        """The net price of all lines."""\n'
        "        return sum(line.price * line.count for line in self.lines)\n"
        "```\nGoal: Rename the method calc of Cart to net_total."
    )
    assert users[-1].startswith("New file tests/test_discount.py\nGoal: ")
