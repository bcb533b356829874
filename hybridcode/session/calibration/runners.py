"""A project's test command, narrowed to the tests that a case is about.

Invariant: what comes out is the command that a person named with files of the repository after it, or that command as
it is; no option is added, and nothing goes to a shell that did not before.
"""

import shlex
from collections.abc import Sequence

from hybridcode.gate.commands.plain import Stage, plain_pipeline

_TAKING_PATHS = frozenset({"pytest", "py.test", "jest", "vitest"})
_WITH_VALUE = frozenset(
    {"-n", "-k", "-m", "-p", "-c", "-o", "-W", "--timeout", "--maxfail", "--rootdir", "--config", "-r", "--project"}
)
"""Options of these runners whose value is a word of its own."""


def narrowed(line: str, tests: Sequence[str]) -> str:
    """The command for these test files; the command itself where its runner is not known or names files already."""
    stages = plain_pipeline(line.strip())
    if not tests or stages is None or len(stages) != 1 or stages[0] != Stage(stages[0].argv):
        return line
    argv = stages[0].argv
    after = _after_runner(argv)
    if after is None or _names_files(argv[after:]) or any(path.startswith("-") for path in tests):
        return line
    return shlex.join((*argv, *tests))


def _after_runner(argv: Sequence[str]) -> int | None:
    """Where the runner's own words begin; None if it is not known."""
    for place, word in enumerate(argv):
        name = word.rpartition("/")[2]
        is_module = place > 0 and argv[place - 1] == "-m"
        if name in _TAKING_PATHS and (place == 0 or is_module or argv[0] in ("uv", "npx", "poetry", "hatch", "pdm")):
            return place + 1
    return None


def _names_files(words: Sequence[str]) -> bool:
    before = ""
    for word in words:
        if not word.startswith("-") and before not in _WITH_VALUE and word != "run":
            return True
        before = word
    return False
