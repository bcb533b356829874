"""The shipped tiny model, its frozen prompt and the demo's answers belong together.

Invariant: whatever it was trained on is pinned by digest; a change of any of it asks for a new training run.
"""

import json
import subprocess
import sys
from collections.abc import Iterable, Iterator
from pathlib import Path

import msgspec
import pytest

from hybridcode.domain.canonical import sha256_hex
from hybridcode.domain.plan import Plan, Region, Step
from hybridcode.models.tiny_prompt import render_region, render_whole
from hybridcode.repo.symbols import find

ROOT = Path(__file__).resolve().parents[2]
ASSETS = ROOT / "hybridcode" / "assets"
DEMO = ASSETS / "demo"
PROMPTS = ROOT / "hybridcode" / "models" / "prompts"
RETRAIN = "retrain: python -m tools.train_tiny_gguf (see docs/tiny-model.md)"
PLAN = msgspec.json.decode((DEMO / "plan.json").read_bytes(), type=Plan)
ANSWERS = msgspec.json.decode((DEMO / "answers.json").read_bytes(), type=dict[str, dict[str, str]])

Tree = dict[str, str]


class DemoScore(msgspec.Struct):
    exact: dict[str, str]
    longest_request_tokens: int


class TrainingRecord(msgspec.Struct):
    sha256: str
    bytes: int
    inputs_sha256: dict[str, str]
    licence: str
    demo: DemoScore
    generic_exact: dict[str, dict[str, str]]


class AnsweredRequest(msgspec.Struct):
    system: str
    user: str
    answers: dict[str, str]
    tokenised_alike: bool


def recorded() -> TrainingRecord:
    return msgspec.json.decode((ASSETS / "tiny.json").read_bytes(), type=TrainingRecord)


def sample() -> Tree:
    repo = DEMO / "repo"
    return {
        path.relative_to(repo).as_posix(): path.read_text("utf-8")
        for path in sorted(repo.rglob("*"))
        if path.is_file() and "__pycache__" not in path.parts
    }


def region_lines(tree: Tree, region: Region) -> tuple[int, int]:
    assert region.symbol is not None
    symbol = find(region.path, tree[region.path].encode(), region.symbol)
    assert symbol is not None, f"no {region} in the sample"
    return symbol.start, symbol.end


def request(tree: Tree, step: Step, region: Region) -> tuple[str, str]:
    if step.kind == "create":
        return render_whole(region.path, step.goal)
    start, end = region_lines(tree, region)
    return render_region(region.path, "\n".join(tree[region.path].split("\n")[start - 1 : end]), step.goal)


def apply(tree: Tree, step: Step) -> Tree:
    after = dict(tree)
    for region in step.regions:
        first, *lines, last = ANSWERS[step.id][str(region)].split("\n")
        assert (first, last) == ("```python", "```")
        if step.kind == "create":
            after[region.path] = "\n".join([*lines, ""])
            continue
        start, end = region_lines(after, region)
        source = after[region.path].split("\n")
        after[region.path] = "\n".join([*source[: start - 1], *lines, *source[end:]])
    return after


def orders(steps: tuple[Step, ...], done: tuple[str, ...] = ()) -> Iterator[tuple[Step, ...]]:
    if not steps:
        yield ()
    for step in steps:
        if set(step.needs) <= set(done):
            rest = tuple(other for other in steps if other is not step)
            yield from ((step, *later) for later in orders(rest, (*done, step.id)))


def apply_all(steps: Iterable[Step]) -> tuple[Tree, dict[str, tuple[str, str]]]:
    tree, requests = sample(), dict[str, tuple[str, str]]()
    for step in steps:
        before = tree
        tree = apply(tree, step)
        requests |= {f"{step.id} {region}": request(before, step, region) for region in step.regions}
    return tree, requests


def run_suite(tree: Tree, folder: Path) -> subprocess.CompletedProcess[str]:
    for path, text in tree.items():
        target = folder / path
        target.parent.mkdir(parents=True, exist_ok=True)
        target.write_text(text, encoding="utf-8")
    command = [sys.executable, "-B", "-m", "unittest", "-q"]
    return subprocess.run(command, cwd=folder, capture_output=True, text=True, timeout=60, check=False)


def test_the_gguf_is_the_recorded_one() -> None:
    data = (ASSETS / "tiny.gguf").read_bytes()
    record = recorded()
    assert (sha256_hex(data), len(data)) == (record.sha256, record.bytes), RETRAIN
    assert len(data) <= 2_000_000
    assert record.licence == "Apache-2.0"


@pytest.mark.parametrize("name", ["tiny_region.md", "tiny_whole.md", "plan.json", "answers.json"])
def test_what_it_was_trained_on_did_not_change(name: str) -> None:
    folder = PROMPTS if name.endswith(".md") else DEMO
    assert sha256_hex((folder / name).read_bytes()) == recorded().inputs_sha256[name], RETRAIN


def test_the_record_says_that_every_demo_answer_was_exact() -> None:
    requests = sum(len(step.touches) for step in PLAN.steps)
    record = recorded()
    assert record.demo.exact == {f"batch {size}": f"{requests}/{requests}" for size in (32, 128, 512)}
    assert record.demo.longest_request_tokens <= 350
    assert set(record.generic_exact) == {"unseen edits", "random letters only", "held-out words only"}


def test_every_touch_has_an_answer_and_no_answer_is_left_over() -> None:
    assert {step.id: set(step.touches) for step in PLAN.steps if step.touches} == {
        step: set(regions) for step, regions in ANSWERS.items()
    }


def test_the_sample_fails_in_exactly_one_test(tmp_path: Path) -> None:
    result = run_suite(sample(), tmp_path)
    assert result.returncode == 1
    assert "FAIL: test_vat_is_21_percent" in result.stderr
    assert result.stderr.rstrip().endswith("FAILED (failures=1)")


def test_the_answers_make_the_suite_pass_with_new_tests(tmp_path: Path) -> None:
    before = run_suite(sample(), tmp_path / "before").stderr
    result = run_suite(apply_all(PLAN.steps)[0], tmp_path / "after")
    assert result.returncode == 0, result.stderr
    assert ("Ran 8 tests" in before, "Ran 11 tests" in result.stderr) == (True, True)


def test_no_use_of_the_old_name_is_left() -> None:
    tree, _ = apply_all(PLAN.steps)
    assert [path for path, text in tree.items() if "calc" in text] == []


def test_every_order_of_the_steps_gives_the_same_requests_and_the_same_tree() -> None:
    found = list(orders(PLAN.steps))
    assert len(found) > 1
    outcomes = {json.dumps(apply_all(order), sort_keys=True) for order in found}
    assert len(outcomes) == 1


@pytest.mark.llama
def test_llama_cpp_gives_every_demo_answer_byte_for_byte() -> None:
    pytest.importorskip("llama_cpp")
    command = [sys.executable, "-m", "tools.tiny_check"]
    result = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, timeout=100, check=False)
    assert result.returncode == 0, result.stderr[-2000:]
    answered = msgspec.json.decode(result.stdout, type=list[AnsweredRequest])
    requests = apply_all(PLAN.steps)[1]
    wanted = {
        requests[f"{step.id} {region}"]: ANSWERS[step.id][region] for step in PLAN.steps for region in step.touches
    }
    assert {(one.system, one.user): one.answers for one in answered} == {
        prompt: {"32": answer, "128": answer, "512": answer} for prompt, answer in wanted.items()
    }
    assert all(one.tokenised_alike for one in answered)
