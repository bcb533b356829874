from hybridcode.agent.ladder import rungs
from hybridcode.config.settings import RoutingSettings
from hybridcode.domain.plan import Step

ROUTING = RoutingSettings()


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
