from hypothesis import given
from hypothesis import strategies as st

from hybridcode.agent.scheduler import blocked, dependants, find_cycle, sequence, startable
from hybridcode.domain.events import StepOutcome
from hybridcode.domain.plan import Plan, Step


def plan(*edges: tuple[str, tuple[str, ...]]) -> Plan:
    return Plan(tuple(Step(name, f"do {name}", needs=needs) for name, needs in edges))


def ready(steps: Plan, outcomes: dict[str, StepOutcome]) -> Step | None:
    return next(iter(startable(sequence(steps), outcomes)), None)


def test_ready_follows_plan_order_among_free_steps():
    diamond = plan(("b", ()), ("a", ()), ("c", ("a", "b")))
    assert ready(diamond, {}) == diamond.steps[0]
    assert ready(diamond, {"b": "done"}) == diamond.steps[1]
    assert ready(diamond, {"b": "done", "a": "done"}) == diamond.steps[2]
    assert ready(diamond, {"b": "done", "a": "done", "c": "done"}) is None


def test_a_failed_step_blocks_only_what_needs_it():
    steps = plan(("a", ()), ("b", ("a",)), ("c", ()))
    outcomes: dict[str, StepOutcome] = {"a": "failed"}
    assert ready(steps, outcomes) == steps.steps[2]
    outcomes["c"] = "done"
    assert ready(steps, outcomes) is None
    assert [step.id for step in blocked(steps, outcomes)] == ["b"]


def touching(*rows: tuple[str, str, str]) -> Plan:
    return Plan(tuple(Step(name, "do", touches=(path,), reads=(reads,) if reads else ()) for name, path, reads in rows))


def test_what_overlaps_an_earlier_open_step_waits():
    steps = touching(
        ("a", "x.py#f", ""), ("b", "X.py", ""), ("c", "y.py", ""), ("d", "z.py", "x.py"), ("e", "w.py", "")
    )
    order = sequence(steps)
    assert [step.id for step in startable(order, {})] == ["a", "c", "e"]
    assert [step.id for step in startable(order, {}, ["a", "c"])] == ["e"]
    assert [step.id for step in startable(order, {"a": "held"})] == ["c", "e"]
    assert [step.id for step in startable(order, {"a": "failed"})] == ["b", "c", "e"]


def test_a_command_is_beside_nothing():
    command = Step("run", "run", kind="command", command="make")
    before, after = touching(("a", "x.py", ""), ("b", "y.py", "")).steps
    order = (before, command, after)
    assert [step.id for step in startable(order, {})] == ["a"]
    assert [step.id for step in startable(order, {"a": "done"})] == ["run"]
    assert startable(order, {"a": "done"}, ["run"]) == ()
    assert [step.id for step in startable(order, {"a": "done", "run": "failed"})] == ["b"]


def test_dependants_are_found_through_others():
    steps = plan(("a", ()), ("b", ("a",)), ("c", ("b",)), ("d", ()))
    assert [step.id for step in dependants(steps, "a")] == ["b", "c"]
    assert dependants(steps, "d") == ()


def test_cycles_are_named():
    assert set(find_cycle(plan(("a", ("b",)), ("b", ("a",)), ("c", ())))) == {"a", "b"}
    assert find_cycle(plan(("a", ("a",)))) == ("a",)


@given(st.lists(st.sets(st.integers(0, 7)), max_size=8))
def test_every_acyclic_plan_runs_to_its_end_with_needs_first(needs: list[set[int]]):
    steps = plan(*((str(i), tuple(str(n) for n in sorted(wanted) if n < i)) for i, wanted in enumerate(needs)))
    outcomes: dict[str, StepOutcome] = {}
    while step := ready(steps, outcomes):
        assert all(outcomes[need] == "done" for need in step.needs)
        outcomes[step.id] = "done"
    assert set(outcomes) == {step.id for step in steps.steps}
    assert find_cycle(steps) == ()
