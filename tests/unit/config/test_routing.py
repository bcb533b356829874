from pathlib import Path
from typing import Literal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from hybridcode.config.edit import set_user_value
from hybridcode.config.load import Loaded, load
from hybridcode.config.routing import (
    NO_TABLE,
    Route,
    RoutingTable,
    followed,
    parse_routing,
)
from hybridcode.config.routing_file import routing_text, write_routing
from hybridcode.config.trust import read_repository, trust
from hybridcode.domain.errors import ConfigError
from hybridcode.domain.work import WORDS, Work
from tests.support.sessions import loaded_for

ROUTE = Route(kind="small_edit", language="python", first="local", passed=11, tried=12)
UP = Route(kind="create", first="frontier", passed=1, tried=12)
TABLE = RoutingTable(local="small", frontier="large", route=(ROUTE, UP))
WORDS_OF_NAMES = st.text(st.characters(exclude_categories=("Cs", "Cc")), max_size=12)


@st.composite
def routes(draw: st.DrawFn) -> Route:
    of = draw(st.integers(0, 40))
    first: Literal["local", "frontier"] = "local" if draw(st.booleans()) else "frontier"
    return Route(
        kind=draw(st.sampled_from(list(WORDS))),
        language=draw(st.sampled_from(["any", "python", "go", "mixed"])),
        first=first,
        local_tries=draw(st.integers(1, 3)),
        passed=draw(st.integers(0, of)),
        tried=of,
    )


def placed(root: Path, text: str) -> Path:
    (root / ".hybridcode").mkdir(parents=True, exist_ok=True)
    (root / ".hybridcode" / "routing.toml").write_text(text)
    return root


def trusted(root: Path) -> Loaded:
    trust(read_repository(root), store=root.parent / f"{root.name}-outside" / "trust")
    return loaded_for(root)


@given(st.lists(routes(), max_size=6, unique_by=lambda route: (route.kind, route.language)), WORDS_OF_NAMES)
def test_a_table_is_read_as_it_was_written(found: list[Route], name: str):
    table = RoutingTable(local=name, frontier="large", route=tuple(sorted(found, key=lambda r: (r.kind, r.language))))
    text = routing_text(table)
    assert parse_routing(text.encode(), path=Path("routing.toml")) == table
    assert routing_text(parse_routing(text.encode(), path=Path("routing.toml"))) == text


def test_the_narrower_route_counts():
    wide = Route(kind="small_edit", first="frontier", passed=0, tried=9)
    table = RoutingTable(route=(wide, ROUTE))
    assert table.route_for(Work("small_edit", "python")) == ROUTE
    assert table.route_for(Work("small_edit", "go")) == wide
    assert table.route_for(Work("large_edit", "go")) is None


def test_why_is_counted_and_not_read():
    assert ROUTE.why == "routing.toml: small edits in python: the local model passed 11 of 12 (64-99 %)"
    with pytest.raises(ConfigError, match="unknown field"):
        parse_routing(routing_text(TABLE).replace("tried", "why = 'always'\ntried", 1).encode(), path=Path("r"))


@pytest.mark.parametrize(
    ("old", "new"),
    [
        ("passed = 11", "passed = 13"),
        ("passed = 11", "passed = -1"),
        ("local_tries = 1", "local_tries = 0"),
        ("version = 1", "version = 2"),
        ('first = "local"', 'first = "https://elsewhere"'),
        ('kind = "create"\nlanguage = "any"', 'kind = "small_edit"\nlanguage = "python"'),
        ("version = 1", "version = "),
    ],
)
def test_a_table_that_makes_no_sense_stops_the_start(tmp_path: Path, old: str, new: str):
    text = routing_text(TABLE)
    assert old in text
    with pytest.raises(ConfigError, match=r"routing\.toml"):
        loaded_for(placed(tmp_path / "shop", text.replace(old, new)))


def test_a_table_that_nobody_trusted_routes_nothing_and_says_so(tmp_path: Path):
    loaded = loaded_for(placed(tmp_path / "shop", routing_text(TABLE)))
    assert loaded.routing == NO_TABLE
    assert [w for w in loaded.warnings if "routing.toml is not followed" in w and "hybridcode trust" in w]


def test_a_trusted_table_counts_until_a_byte_of_it_changes(tmp_path: Path):
    root = placed(tmp_path / "shop", routing_text(TABLE))
    assert set(trusted(root).routing.route) == {ROUTE, UP}
    placed(root, routing_text(TABLE).replace("passed = 11", "passed = 12"))
    assert loaded_for(root).routing == NO_TABLE


@given(st.lists(routes(), min_size=1, max_size=5, unique_by=lambda route: (route.kind, route.language)))
def test_no_untrusted_table_whatever_it_says(tmp_path_factory: pytest.TempPathFactory, found: list[Route]):
    root = placed(tmp_path_factory.mktemp("any") / "shop", routing_text(RoutingTable(route=tuple(found))))
    assert loaded_for(root).routing == NO_TABLE


def test_what_was_measured_with_another_model_says_nothing():
    assert followed(TABLE, is_on=True, local="small") == (TABLE, ())
    assert followed(TABLE, is_on=False, local="small") == (NO_TABLE, ())
    table, warnings = followed(TABLE, is_on=True, local="other")
    assert table == NO_TABLE
    assert "measured with small" in warnings[0] and "is other" in warnings[0]


def test_a_user_can_switch_tables_off(tmp_path: Path):
    user = tmp_path / "config.toml"
    set_user_value("routing.table", False, path=user)
    assert load(tmp_path, env={}, user_config=user, managed_config=tmp_path / "none").settings.routing.table is False


def test_nothing_is_written_through_a_link(tmp_path: Path):
    (tmp_path / "elsewhere").mkdir()
    (tmp_path / "shop").mkdir()
    (tmp_path / "shop" / ".hybridcode").symlink_to(tmp_path / "elsewhere")
    with pytest.raises(ConfigError, match="symbolic link"):
        write_routing(tmp_path / "shop" / ".hybridcode", routing_text(TABLE))
    assert not list((tmp_path / "elsewhere").iterdir())
