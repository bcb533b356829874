"""Markdown that a model wrote, read into blocks: only what the writer meant as layout becomes layout.

Invariant: every letter, digit and underscore of the text is in the blocks, in order, or there are none and the text is
shown as it stands; links keep their address, and no HTML, entity or reference is acted upon.
"""

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from functools import lru_cache
from typing import TYPE_CHECKING, NamedTuple

from hybridcode.tui.styled import Run, Runs

if TYPE_CHECKING:
    from markdown_it import MarkdownIt
    from markdown_it.rules_inline import StateInline
    from markdown_it.token import Token

MOST_CHARS = 30_000
"""A longer text is shown as it stands: reading it would hold up the keys."""
MOST_SIGNS = {"\n": 2_000, "[": 1_000, "*": 4_000, "|": 3_000}
"""So is one with more lines, or with more signs that may belong to each other."""
_UNSAID = re.compile(r"[^\w]+")
_INLINE = {"strong_open": "bold", "em_open": "italic", "s_open": "struck"}
_INLINE_ENDS = {"strong_close": "bold", "em_close": "italic", "s_close": "struck"}


class Lead(NamedTuple):
    """What stands in front of the rows of a block: signs of the lists and quotes it is in."""

    first: Runs = ()
    rest: Runs = ()
    before: Runs = ()
    """What stands in front of a blank row before the block: signs of what was begun already."""


class Words(NamedTuple):
    """A paragraph, a heading or an item."""

    lead: Lead
    is_apart: bool
    """True when a blank line stands before it in the source."""
    runs: Runs


class Code(NamedTuple):
    """Program text, to the letter."""

    lead: Lead
    is_apart: bool
    text: str
    info: str = ""
    """What stands behind the fence; its first word names the language."""


class Rule(NamedTuple):
    """A line across."""

    lead: Lead
    is_apart: bool


class Table(NamedTuple):
    """Cells in rows; the first row is the head."""

    lead: Lead
    is_apart: bool
    rows: tuple[tuple[Runs, ...], ...]
    is_right: tuple[bool, ...]
    """Per column: True when it ends at the right."""


Block = Words | Code | Rule | Table


def read_markdown(text: str) -> list[Block] | None:
    """The blocks of a text; None where it is to be shown as it stands."""
    if len(text) > MOST_CHARS or any(text.count(sign) > most for sign, most in MOST_SIGNS.items()):
        return None
    lines = text.replace("\r\n", "\n").replace("\r", "\n").split("\n")
    try:
        blocks = list(_Reader(lines).blocks(_parser().parse("\n".join(lines))))
    except (IndexError, RecursionError, ValueError):
        return None
    return blocks if _said("".join(map(_text_of, blocks))) == _said(text) else None


def code_blocks(text: str) -> list[str]:
    """Program text that stands in a Markdown text."""
    return [block.text for block in read_markdown(text) or () if isinstance(block, Code)]


def _said(text: str) -> str:
    return _UNSAID.sub("", text)


def _text_of(block: Block) -> str:
    first = "".join(run.text for run in block.lead.first)
    match block:
        case Words(runs=runs):
            return first + "".join(run.text for run in runs)
        case Code(text=text, info=info):
            return f"{first}{info}\n{text}"
        case Rule():
            return first
        case Table(rows=rows):
            return first + "\n".join(run.text for row in rows for cell in row for run in cell)


@lru_cache(maxsize=1)
def _parser() -> "MarkdownIt":
    from markdown_it import MarkdownIt  # here, so that the first paint does not wait for it
    from markdown_it.rules_inline import emphasis

    def stars_only(state: "StateInline", silent: bool) -> bool:
        """Underscores are parts of names far more often than emphasis: `__init__` stays what it is."""
        return state.src[state.pos] == "*" and emphasis.tokenize(state, silent)

    parser = MarkdownIt("commonmark", {"maxNesting": 20}).enable(["table", "strikethrough"])
    parser.disable(["reference", "html_block", "html_inline", "entity"])
    parser.inline.ruler.at("emphasis", stars_only)
    for rule in ("normalizeLink", "normalizeLinkText", "validateLink"):
        setattr(parser, rule, bool if rule == "validateLink" else str)
    return parser


@dataclass
class _Level:
    """A list item or a quote that is open."""

    first: Runs
    rest: Runs
    is_begun: bool = False


@dataclass
class _Reader:
    lines: Sequence[str]
    levels: list[_Level] = field(default_factory=list[_Level])

    def blocks(self, tokens: "Sequence[Token]") -> Iterator[Block]:
        """The blocks in order."""
        at = 0
        while at < len(tokens):
            token = tokens[at]
            match token.type:
                case "list_item_open":
                    sign = f"{token.info}{token.markup} " if token.info else "• "
                    self.levels.append(_Level((Run(sign, "mark"),), (Run(" " * len(sign)),)))
                case "blockquote_open":
                    bar = (Run("│ ", "mark"),)
                    self.levels.append(_Level(bar, bar))
                case "list_item_close" | "blockquote_close":
                    if not self.levels[-1].is_begun:
                        yield Words(self._lead(), False, ())
                    self.levels.pop()
                case "heading_open":
                    inline, at = tokens[at + 1], at + 1
                    sign = Run(f"{'#' * int(token.tag[1:])} ", "mark")
                    is_apart = self._is_apart(token)
                    yield Words(self._lead(), is_apart, (sign, *inline_runs(inline, "heading")))
                case "inline":
                    is_apart = self._is_apart(token)
                    yield Words(self._lead(), is_apart, inline_runs(token))
                case "fence" | "code_block":
                    is_apart = self._is_apart(token)
                    yield Code(self._lead(), is_apart, token.content.removesuffix("\n"), token.info.strip())
                case "hr":
                    is_apart = self._is_apart(token)
                    yield Rule(self._lead(), is_apart)
                case "table_open":
                    end = next(place for place in range(at, len(tokens)) if tokens[place].type == "table_close")
                    yield self._table(tokens[at:end])
                    at = end
                case _:
                    pass
            at += 1

    def _lead(self) -> Lead:
        first: list[Run] = []
        rest: list[Run] = []
        before = [run for level in self.levels if level.is_begun for run in level.rest]
        for level in self.levels:
            first += level.rest if level.is_begun else level.first
            rest += level.rest
            level.is_begun = True
        return Lead(tuple(first), tuple(rest), tuple(before))

    def _is_apart(self, token: "Token") -> bool:
        """The writer's own blank lines stand, and no others."""
        at = token.map[0] if token.map else 0
        return 0 < at <= len(self.lines) and not self.lines[at - 1].strip(" \t>")

    def _table(self, tokens: "Sequence[Token]") -> Table:
        rows: list[list[Runs]] = []
        is_right: list[bool] = []
        for token in tokens:
            if token.type == "tr_open":
                rows.append([])
            elif token.type == "th_open":
                is_right.append("right" in str(token.attrs.get("style", "")))
            elif token.type == "inline":
                rows[-1].append(inline_runs(token, "bold" if len(rows) == 1 else ""))
        is_apart = self._is_apart(tokens[0])
        return Table(self._lead(), is_apart, tuple(map(tuple, rows)), tuple(is_right))


def inline_runs(token: "Token", look: str = "") -> Runs:
    """What stands in a line of text; links are followed by their address."""
    runs: list[Run] = []
    looks: list[str] = [look] if look else []
    addresses: list[str] = []
    for child in token.children or ():
        kind = child.type
        if kind in _INLINE:
            looks.append(_INLINE[kind])
        elif kind in _INLINE_ENDS:
            looks.remove(_INLINE_ENDS[kind])
        elif kind == "link_open":
            looks.append("link")
            addresses.append("" if child.info == "auto" else f" {_address(child)}")
        elif kind == "link_close":
            looks.remove("link")
            runs.append(Run(addresses.pop(), "quiet"))
        elif kind == "code_inline":
            tick = Run("`", "mark")
            runs += [tick, Run(child.content, " ".join([*looks, "inline"])), tick]
        elif kind == "image":
            runs.append(Run(f"![{child.content}]{_address(child)}", " ".join(looks)))
        else:
            text = {"softbreak": " ", "hardbreak": "\n"}.get(kind, child.content)
            runs.append(Run(text, " ".join(looks)))
    return tuple(run for run in runs if run.text)


def _address(token: "Token") -> str:
    where = token.attrs.get("href", token.attrs.get("src", ""))
    title = token.attrs.get("title", "")
    return f'({where} "{title}")' if title else f"({where})"
