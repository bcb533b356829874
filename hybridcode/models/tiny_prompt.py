"""The frozen prompt of the shipped tiny model, which was trained on exactly these bytes.

Invariant: the messages are a pure function of path, region text and goal; line numbers are left out, since an earlier
step may have moved the region. A changed template needs a retrained model (tools/train_tiny_gguf.py).
"""

import re
from functools import cache
from importlib.resources import files
from pathlib import PurePosixPath

_PLACEHOLDER = re.compile(r"\{(path|language|code|goal)\}")
_LANGUAGES = {".py": "python", ".md": "markdown", ".toml": "toml", ".json": "json", ".js": "javascript", ".sh": "bash"}


def render_region(path: str, code: str, goal: str) -> tuple[str, str]:
    """System and user message that ask for the region's new lines in one fence.

    `code` is the region's text, with or without its last line end; CRLF counts as LF.
    """
    lines = code.replace("\r\n", "\n").removesuffix("\n")
    return _render("tiny_region.md", {"path": path, "language": language(path), "code": lines, "goal": goal.strip()})


def render_whole(path: str, goal: str) -> tuple[str, str]:
    """System and user message that ask for a new file in one fence."""
    return _render("tiny_whole.md", {"path": path, "goal": goal.strip()})


def language(path: str) -> str:
    """The fence tag for a file, as `python`; `text` if its suffix is unknown."""
    return _LANGUAGES.get(PurePosixPath(path).suffix, "text")


def _render(name: str, values: dict[str, str]) -> tuple[str, str]:
    # One pass, so that a placeholder's name inside the code stays as it is.
    system, user = _template(name)
    return system, _PLACEHOLDER.sub(lambda found: values[found[1]], user)


@cache
def _template(name: str) -> tuple[str, str]:
    text = (files("hybridcode.models") / "prompts" / name).read_text(encoding="utf-8")
    system, _, user = text.partition("\n\n")
    return system, user.removesuffix("\n")
