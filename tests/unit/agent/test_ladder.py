from hypothesis import given
from hypothesis import strategies as st

from hybridcode.agent.ladder import rungs
from hybridcode.config.routing import Route
from hybridcode.config.settings import RoutingSettings
from hybridcode.domain.plan import Step

ROUTING = RoutingSettings()
STEP = Step("1", "do")


def names(step: Step, routing: RoutingSettings = ROUTING, *, has_local: bool = True, has_frontier: bool = True):
    return [(rung.name, rung.writer) for rung in rungs(step, routing, has_local=has_local, has_frontier=has_frontier)]


def test_the_ladder_climbs_from_local_to_frontier():
    assert names(Step("1", "do")) == [
        ("local", "local"),
        ("local_retry", "local"),
        ("frontier_hint", "local"),
        ("frontier", "frontier"),
    ]


def test_a_step_for_the_frontier_starts_there():
    assert names(Step("1", "do", writer="frontier")) == [("frontier", "frontier")]


def test_a_missing_model_leaves_the_other_one():
    assert names(Step("1", "do", writer="frontier"), has_frontier=False) == [
        ("local", "local"),
        ("local_retry", "local"),
    ]
    assert names(Step("1", "do"), has_local=False) == [("frontier", "frontier")]
    assert names(Step("1", "do"), has_local=False, has_frontier=False) == []


def test_settings_bound_every_rung_and_tries_are_numbered():
    routing = RoutingSettings(local_tries=3, frontier_hints=2, frontier_tries=2)
    attempts = [rung.attempt for rung in rungs(Step("1", "do"), routing, has_local=True, has_frontier=True)]
    assert attempts == [1, 2, 3, 4, 5, 6, 7]


def routed(route: Route, step: Step = STEP, routing: RoutingSettings = ROUTING, *, has_frontier: bool = True):
    return list(rungs(step, routing, has_local=True, has_frontier=has_frontier, route=route))


LOCAL = Route(kind="small_edit", language="python", first="local", passed=11, tried=12)
FRONTIER = Route(kind="small_edit", language="python", first="frontier", passed=1, tried=12)


def test_a_route_says_how_often_the_local_model_tries_and_why():
    found = routed(LOCAL)
    assert [rung.name for rung in found] == ["local", "frontier_hint", "frontier"]
    assert found[0].why == "routing.toml: small edits in python: the local model passed 11 of 12 (64-99 %)"
    assert [rung.attempt for rung in found] == [1, 2, 3]


def test_a_route_to_the_frontier_says_why():
    (only,) = routed(FRONTIER)
    assert (only.name, only.writer) == ("frontier", "frontier")
    assert only.why.startswith("routing.toml: small edits in python: the local model passed 1 of 12")


def test_a_route_to_a_frontier_that_is_not_there_leaves_the_local_model():
    assert [rung.name for rung in routed(FRONTIER, has_frontier=False)] == ["local", "local_retry"]
    nobody = RoutingSettings(frontier_tries=0)
    assert [rung.name for rung in routed(FRONTIER, routing=nobody)] == ["local", "local_retry", "frontier_hint"]


def test_the_writer_that_a_plan_names_is_not_taken_a_step():
    step = Step("1", "do", writer="frontier", why="touches money")
    assert [(rung.name, rung.why) for rung in routed(LOCAL, step)] == [("frontier", "touches money")]


@given(
    st.integers(0, 3),
    st.integers(0, 2),
    st.integers(0, 2),
    st.sampled_from(["local", "frontier"]),
    st.integers(1, 4),
    st.booleans(),
)
def test_no_route_adds_a_try(local: int, hints: int, frontier: int, first: str, tries: int, has_frontier: bool):
    routing = RoutingSettings(local_tries=local, frontier_hints=hints, frontier_tries=frontier)
    route = Route(
        kind="create", first="local" if first == "local" else "frontier", local_tries=tries, passed=0, tried=0
    )
    without = list(rungs(Step("1", "do"), routing, has_local=True, has_frontier=has_frontier))
    found = routed(route, routing=routing, has_frontier=has_frontier)
    for name in ("local", "local_retry", "frontier_hint", "frontier"):
        assert sum(rung.name == name for rung in found) <= sum(rung.name == name for rung in without)
