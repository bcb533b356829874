from html.parser import HTMLParser
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st
from markdown_it import MarkdownIt

from hybridcode.domain.model import ModelInfo
from hybridcode.domain.plan import Plan, Step
from hybridcode.models.ledger import Estimate
from hybridcode.models.scripted import ScriptedModel
from hybridcode.session.models import Models
from hybridcode.session.report import report
from hybridcode.session.report_pages import plain
from tests.support.repos import git_repository
from tests.support.sessions import LOCAL, Scene, as_json, fence

HOSTILE = (
    "</pre></td></details><script>alert(1)</script><img src=x onerror=alert(2)><style>*{display:none}</style>"
    "\n```\n# heading\n[link](http://evil.example/x) ![image](http://evil.example/y.png) <http://evil.example>"
    "\n| a | b |\n|---|---|\n\u202ehidden \x1b[2J & &lt; *bold* _it_ `code` www.evil.example a@evil.example"
)
TAGS = {
    "html", "meta", "title", "style", "h1", "h2", "h3", "nav", "a", "div", "pre", "span", "table", "tr", "th", "td",
    "details", "summary",
}  # fmt: skip
ATTRIBUTES = {"lang", "charset", "http-equiv", "content", "name", "id", "href", "class"}
REMOTE = ModelInfo(name="far/model", backend="frontier", host="provider.example", is_remote=True)


class Reader(HTMLParser):
    def __init__(self, page: str) -> None:
        super().__init__()
        self.tags: list[tuple[str, dict[str, str | None]]] = []
        self.told: list[str] = []
        self.feed(page)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.append((tag, dict(attrs)))

    def handle_data(self, data: str) -> None:
        self.told.append(data)

    @property
    def text(self) -> str:
        return "".join(self.told)


@pytest.fixture
def scene(tmp_path: Path) -> Scene:
    plan = Plan(
        (
            Step("1", HOSTILE, touches=("a.py#X",)),
            Step("2", "write <b>", "create", touches=("b <i>.md",), needs=("1",)),
        )
    )
    says = HOSTILE.replace("```", "")
    drafts = [f"{HOSTILE} no fence", f"{says}\n\n{fence('X = 2  # <b> & ``')}", fence(says, "markdown")]
    models = Models(
        ScriptedModel(REMOTE, {"plan": [as_json(plan)], "judge": [f"good {HOSTILE}"]}),
        ScriptedModel(LOCAL, {"draft": drafts}),
    )
    return Scene(git_repository(tmp_path / "shop", {"a.py": "X = 1\n"}), models=models)


async def pages(scene: Scene, estimate: Estimate | None = None) -> tuple[str, str]:
    await scene.run(f"do {HOSTILE}")
    assert scene.session is not None
    session = scene.open(scene.session.id)
    state, blob = session.state, session.log.get_blob
    found = tuple(report(state, blob, suffix=suffix, estimate=estimate) for suffix in (".html", ".md"))
    await session.close()
    return found[0], found[1]


async def test_no_text_of_a_model_becomes_markup_in_the_page(scene: Scene):
    page, _ = await pages(scene)
    reader = Reader(page)
    assert {tag for tag, _ in reader.tags} <= TAGS
    assert {name for _, attributes in reader.tags for name in attributes} <= ATTRIBUTES
    assert all(attributes["href"] == f"#s{n}" for n, (_, attributes) in enumerate(links(reader), 1))
    assert "<script>alert(1)</script>" in reader.text
    assert "\u202e" not in page
    assert "\x1b" not in page
    assert "default-src 'none'" in page


def links(reader: Reader) -> list[tuple[str, dict[str, str | None]]]:
    return [(tag, attributes) for tag, attributes in reader.tags if tag == "a"]


async def test_no_text_of_a_model_becomes_markup_in_markdown(scene: Scene):
    _, text = await pages(scene)
    rendered = Reader(MarkdownIt("gfm-like", {"linkify": False}).render(text))
    shape = {"h1", "h2", "h3", "ul", "li", "p", "pre", "code", "table", "thead", "tbody", "tr", "th", "td"}
    assert {tag for tag, _ in rendered.tags} <= shape | {"br"}
    heads = [tag for tag, _ in rendered.tags if tag in ("h1", "h2")]
    assert heads == ["h1", *["h2"] * (len(heads) - 1)]
    assert "<script>alert(1)</script>" in rendered.text
    assert "\u202e" not in text


async def test_a_report_tells_who_what_when_and_by_which_rule(scene: Scene):
    estimate = Estimate(0.5, "list prices", "big/model")
    for text in map(str, await pages(scene, estimate)):
        told = Reader(text).text if text.startswith("<!doctype") else text.replace("\\", "")
        assert scene.session is not None
        assert f"Session {scene.session.id}" in told
        for words in (
            "Plan by scripted",
            "because:",
            "window of step 1, try 1",
            "draft refused: ",
            "approved by --yes",
            "rule files.inside",
            "applied",
            "judged good",
            "What left this machine",
            "provider.example",
            "sha256 of the request",
            "all of it by big/model: about $0.5000 (estimate: the same tokens, list prices)",
            "hash chain ends in",
            "UTC",
        ):
            assert words in told, words


@given(
    st.text(st.characters(codec="utf-8", exclude_categories=["Cc", "Cs", "Cf", "Zl", "Zp", "Co", "Cn"]), max_size=60)
)
def test_a_text_in_markdown_is_shown_as_it_is(text: str):
    wanted = " ".join(text.split())
    rendered = Reader(MarkdownIt("gfm-like", {"linkify": False}).render(f"- x {plain(text)}\n"))
    assert {tag for tag, _ in rendered.tags} <= {"ul", "li"}
    assert rendered.text.strip() == f"x {wanted}".strip()
    alone = Reader(MarkdownIt("gfm-like", {"linkify": False}).render(f"- {plain(text)}\n"))
    assert {tag for tag, _ in alone.tags} <= {"ul", "li"}
