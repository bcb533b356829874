"""What kind of work a step is.

Invariant: a pure function of the step and the tree it begins on: names, sizes and places, never a model's words.
"""

import re

from hybridcode.context.regions import resolve
from hybridcode.domain.errors import ContextError, RepoError
from hybridcode.domain.plan import Region, Step
from hybridcode.domain.work import Work, WorkKind
from hybridcode.repo.grammars import language_of
from hybridcode.repo.lines import split_lines
from hybridcode.repo.snapshot import Snapshot

SMALL_LINES = 40
"""A step that rewrites at most this many lines is a small edit."""
MANY_PLACES = 3
"""A step with as many regions is one in many places."""
_TEST = re.compile(
    r"(?:^|/)(?:tests?|__tests__|specs?|testing)/|(?:^|/)(?:test_[^/]*|conftest\.py|[^/]*[_.-](?:test|tests|spec)\.[^/]+)$"
    r"|(?:^|/)[^/]*Tests?\.(?:java|kt|cs|scala|swift)$"
)
_RUNS = re.compile(
    r"(?:^|/)(?:test_[^/]*|[^/]*[_.-](?:test|tests|spec)\.[^/]+|[^/]*Tests?\.(?:java|kt|cs|scala|swift))$"
)
_CONFIG = frozenset(
    {
        "adoc", "cfg", "conf", "css", "editorconfig", "env", "gitignore", "html", "ini", "json", "lock", "md",
        "properties", "rst", "svg", "toml", "txt", "xml", "yaml", "yml",
    }
)  # fmt: skip
_CONFIG_NAMES = frozenset({"Dockerfile", "Makefile", "LICENSE", "NOTICE"})


def is_test(path: str) -> bool:
    """True for a file that by its name holds tests, or serves them."""
    return _TEST.search(path) is not None


def runs_tests(path: str) -> bool:
    """True for a source file whose own tests a runner can be asked for by its name."""
    return _RUNS.search(path) is not None and language_of(path) is not None


def is_config(path: str) -> bool:
    """True for configuration, data and documentation."""
    name = path.rpartition("/")[2]
    return name in _CONFIG_NAMES or name.rpartition(".")[2].lower() in _CONFIG


def work_of(step: Step, snapshot: Snapshot) -> Work | None:
    """The kind of work; None for steps that no model writes."""
    if step.kind not in ("edit", "create") or not step.touches:
        return None
    return Work(_kind(step, snapshot), _language([region.path for region in step.regions]))


def _kind(step: Step, snapshot: Snapshot) -> WorkKind:
    paths = {region.path for region in step.regions}
    if all(map(is_test, paths)):
        return "test"
    if all(map(is_config, paths)):
        return "config"
    if step.kind == "create":
        return "create"
    if len(step.regions) >= MANY_PLACES:
        return "many_places"
    lines = sum(_lines(region, snapshot) for region in step.regions)
    return "small_edit" if lines <= SMALL_LINES else "large_edit"


def _lines(region: Region, snapshot: Snapshot) -> int:
    """Lines of a region; those of its file where it cannot be found, none where there is no file."""
    try:
        target = resolve(snapshot, region)
        if target.start is not None and target.end is not None:
            return target.end - target.start + 1
        return len(split_lines(snapshot.read(region.path)))
    except (ContextError, RepoError):
        return SMALL_LINES + 1 if region.path in snapshot.files else 0


def _language(paths: list[str]) -> str:
    found = {language_of(path) or _suffix(path) for path in paths}
    return found.pop() if len(found) == 1 else "mixed"


def _suffix(path: str) -> str:
    name = path.rpartition("/")[2]
    suffix = name.rpartition(".")[2].lower() if "." in name else name
    return suffix if suffix.isascii() and suffix.isalnum() and len(suffix) <= 20 else "other"
