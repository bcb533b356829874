from pathlib import Path

import pytest

from hybridcode.context.assemble import assemble
from hybridcode.context.index import Index
from hybridcode.context.render import licence_lines
from hybridcode.domain.plan import Plan, Region, Step, StepKind
from hybridcode.domain.window import ContextWindow

LICENCE = "# Copyright (c) the authors.\n# Licensed under terms.\n\n"
BODY = "".join(f"    value = step(value, {number}, rate=RATE)\n" for number in range(30))
USER = "from shop import other, total\n\n\n"


@pytest.fixture
def tree(tmp_path: Path) -> Path:
    shop = (
        f"{LICENCE}import os\n\nRATE = 3\n\n\ndef total(value):\n    return value * RATE\n\n\ndef other(value):\n{BODY}"
    )
    (tmp_path / "shop.py").write_text(shop)
    for number in range(30):
        (tmp_path / f"user{number}.py").write_text(
            f"{USER}def use{number}(value):\n{BODY}    return total(other(value))\n"
        )
    return tmp_path


def window(
    tree: Path, *touches: str, budget: int = 8_000, kind: StepKind = "edit", reads: tuple[str, ...] = ()
) -> ContextWindow:
    goal = "Change how the total is made in each step with the rate."
    step = Step("1", goal, kind=kind, touches=touches, reads=reads)
    index = Index.in_memory()
    corpus = index.corpus(index.take(tree))
    region = Region.parse(touches[0])
    plan = Plan((step, Step("2", "Use the rate.", touches=("user1.py",), reads=reads)))
    return assemble(step, corpus, region=region, budget=budget, format="region", plan=plan if reads else Plan((step,)))


def test_a_small_region_gets_a_small_window(tree: Path):
    small = window(tree, "shop.py#total")
    assert small.used <= 1_000
    assert {excerpt.reason for excerpt in small.excerpts} >= {"imports", "caller", "target"}


def test_a_larger_region_gets_four_times_itself(tree: Path):
    region = len(BODY) // 4
    used = window(tree, "shop.py#other").used
    assert 2 * region < used < 4 * region + 300


def test_where_the_plan_says_what_to_read_nothing_is_guessed(tree: Path):
    (tree / "step.py").write_text("def step(value, number, rate):\n    return value\n\n\ndef steps():\n    return 1\n")
    for number in range(9):
        (tree / f"rate{number}.py").write_text(f"def make_rate{number}(total):\n    return total in each step\n")
    (tree / "README.md").write_text("# Rates\nHow the total is made in each step.\n")
    guessed = {excerpt.path for excerpt in window(tree, "shop.py#total").excerpts if excerpt.reason == "rank"}
    assert guessed
    found = window(tree, "shop.py#total", reads=("step.py#step",))
    assert {excerpt.path for excerpt in found.excerpts if excerpt.reason == "rank"} <= {"shop.py", "step.py"}
    assert {"read", "caller", "target"} <= {excerpt.reason for excerpt in found.excerpts}


def test_a_new_file_gets_a_full_window(tree: Path):
    assert window(tree, "new.py", budget=3_000, kind="create").used > 2_000


def test_a_licence_is_not_shown_above_the_imports(tree: Path):
    found = window(tree, "shop.py#total")
    assert "import os" in found.text
    assert "Copyright" not in found.text
    assert next(excerpt.start for excerpt in found.excerpts if excerpt.reason == "imports") == 4


@pytest.mark.parametrize(
    ("lines", "count"),
    [
        (["#!/bin/sh", "# SPDX-License-Identifier: X", "", "run"], 3),
        (["/*", " Copyright", "*/", "int a;"], 3),
        (["// A cart.", "int a;"], 0),
        (["import os", "# Copyright"], 0),
    ],
)
def test_a_licence_is_a_comment_that_says_so(lines: list[str], count: int):
    assert licence_lines(lines) == count
