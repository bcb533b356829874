from pathlib import Path

import pytest

from hybridcode.config.routing import Route, RoutingTable
from hybridcode.config.routing_file import routing_text
from hybridcode.config.trust import read_repository, trust
from hybridcode.domain.events import ModelAsked, NoticeGiven, RungTaken
from hybridcode.domain.plan import Plan
from hybridcode.domain.work import WorkKind
from tests.support.repos import git_repository, write_tree
from tests.support.sessions import Scene, edit, fence, loaded_for, planning

STEP = edit("rate", "shop.py#RATE")


@pytest.fixture
def repo(tmp_path: Path) -> Path:
    return git_repository(tmp_path / "shop", {"shop.py": "RATE = 3\n"})


def table(first: str = "frontier", *, kind: WorkKind = "small_edit", local: str = "scripted-local") -> str:
    route = Route(kind=kind, first="local" if first == "local" else "frontier", passed=1, tried=12)
    return routing_text(RoutingTable(local=local, route=(route,)))


def placed(repo: Path, text: str, *, is_trusted: bool = True) -> None:
    write_tree(repo, {".hybridcode/routing.toml": text})
    if is_trusted:
        trust(read_repository(repo), store=repo.parent / f"{repo.name}-outside" / "trust")


async def run(repo: Path, **settings: object) -> Scene:
    scene = Scene(
        repo,
        planning(Plan((STEP,)), draft=[fence("RATE = 5")]),
        {"draft": [fence("RATE = 5")]},
        settings={key.replace("__", "."): value for key, value in settings.items()},
    )
    await scene.run()
    assert scene.read("shop.py") == "RATE = 5\n"
    return scene


def rungs(scene: Scene) -> list[tuple[str, str]]:
    assert scene.session is not None
    events = [envelope.event for envelope in scene.session.state.envelopes]
    drafted = [event.backend for event in events if isinstance(event, ModelAsked) and event.role == "draft"]
    taken = [(event.writer, event.why) for event in events if isinstance(event, RungTaken)]
    assert drafted == [writer for writer, _ in taken]
    return taken


def notices(scene: Scene) -> list[str]:
    assert scene.session is not None
    return [e.event.text for e in scene.session.state.envelopes if isinstance(e.event, NoticeGiven)]


async def test_a_trusted_table_says_who_writes_first_and_the_record_says_why(repo: Path):
    placed(repo, table())
    assert rungs(await run(repo)) == [
        ("frontier", "routing.toml: small edits: the local model passed 1 of 12 (1-36 %)")
    ]


async def test_another_kind_of_work_is_not_meant(repo: Path):
    placed(repo, table(kind="create"))
    assert rungs(await run(repo)) == [("local", "local model writes")]


async def test_a_table_that_nobody_trusted_sends_nothing_to_the_frontier(repo: Path):
    placed(repo, table(), is_trusted=False)
    scene = await run(repo)
    assert rungs(scene) == [("local", "local model writes")]
    assert [text for text in notices(scene) if "routing.toml is not followed" in text]


async def test_a_table_of_another_local_model_is_not_followed_and_says_so(repo: Path):
    placed(repo, table(local="another"))
    scene = await run(repo)
    assert rungs(scene) == [("local", "local model writes")]
    assert [text for text in notices(scene) if "it was measured with another" in text]


async def test_a_person_can_leave_the_table_out_of_it(repo: Path):
    placed(repo, table())
    scene = await run(repo, routing__table=False)
    assert rungs(scene) == [("local", "local model writes")]
    assert not [text for text in notices(scene) if "routing.toml" in text]


def test_another_file_beside_it_ends_the_trust(repo: Path):
    placed(repo, table())
    write_tree(repo, {".hybridcode/config.toml": "[routing]\ntable = true\n"})
    loaded = loaded_for(repo)
    assert not loaded.is_trusted
    assert loaded.routing.route == ()
