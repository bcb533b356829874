"""Judges a whole command: the worst of what is found in any of its parts.

Invariant: without findings every part was understood and is harmless; what is dangerous is found whatever stands around
it, and no limit or oddity keeps the rest from being looked at.
"""

import itertools
import math
import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field

from msgspec.structs import replace

from hybridcode.gate.commands import (
    builtins,
    git,
    interpreters,
    listers,
    machine,
    network,
    readers,
    variables,
    wrappers,
)
from hybridcode.gate.commands.plain import Stage, plain_pipeline
from hybridcode.gate.commands.scope import Case, Finding, Scope, ask, deny
from hybridcode.gate.commands.shell import Command, Redirect, Script, Word, names, of_argv
from hybridcode.gate.commands.syntax import parse
from hybridcode.gate.commands.tables import known_as
from hybridcode.gate.commands.words import GIT_ROOT
from hybridcode.gate.paths import Places
from hybridcode.gate.render import is_plain

MAX_BYTES = 8_192
MAX_COMMANDS = 32
_MAX_NESTING = 6
_MAX_VARIANTS = 16
_KEYWORDS = names("if then elif else fi for while until do done case esac select function { } ! [[ ]]")

_JUDGES = (
    builtins.judge,
    git.judge,
    network.judge,
    wrappers.judge,
    interpreters.judge,
    readers.judge,
    machine.judge,
)
_NETWORK_DEVICE = re.compile(r"/dev/(?:tcp|udp)/")
_ASCII = re.compile(r"[\n\t\x20-\x7e]*")
_MOVES = names("cd pushd")


def judge_text(text: str, places: Places, folder: str = ".") -> tuple[Script, list[Finding]]:
    """Judge shell text as bash would run it in `folder` (relative to the workspace)."""
    judging = _Judging(places, folder)
    readable = text[: 8 * MAX_BYTES].encode("utf-8", "replace").decode()
    script = parse(readable, judging.known(readable))
    findings = _characters(text) + judging.script(script)
    if len(text.encode("utf-8", "replace")) > MAX_BYTES:
        findings.append(deny("too-long", f"is longer than {MAX_BYTES} bytes"))
    return script, findings + judging.stages(script, plain_pipeline(readable) or ())


def judge_argv(script: Script, places: Places, folder: str = ".") -> list[Finding]:
    """Judge a command that no shell will see."""
    judging = _Judging(places, folder)
    line = " ".join(command.line for command in script.commands)
    findings = _characters(line) + judging.script(script)
    if len(line.encode("utf-8", "replace")) > MAX_BYTES:
        findings.append(deny("too-long", f"is longer than {MAX_BYTES} bytes"))
    if script.commands and script.commands[0].program in _KEYWORDS:
        findings.append(deny("unparsed", "is the beginning of a shell command that does not end"))
    return findings


def _characters(text: str) -> list[Finding]:
    if _ASCII.fullmatch(text) or is_plain(text):
        return []
    return [deny("hidden-characters", "holds hidden or control characters", "hidden-characters")]


@dataclass
class _Judging:
    places: Places
    folder: str
    depth: int = 0
    scope: Scope = field(init=False)
    case: Case = field(init=False)

    def __post_init__(self) -> None:
        self.scope = Scope(self.places, [self.places.workspace / self.folder])
        self.case = Case(self.scope, self.nested, self.command)

    def known(self, text: str) -> Mapping[str, str]:
        values = {"HOME": str(self.places.home)}
        if not re.search(r"\b(?:cd|pushd|popd)\b", text):
            values["PWD"] = str(self.scope.folders[0])
        if (self.places.workspace / ".git").exists():
            values[GIT_ROOT] = str(self.places.workspace)
        return values

    def nested(self, text: str) -> list[Finding]:
        """Judge text that a shell in this script would run."""
        if self.depth >= _MAX_NESTING:
            return [deny("too-deep", "is nested too deeply")]
        self.depth += 1
        findings = _characters(text) + self.script(parse(text, self.known(text)))
        self.depth -= 1
        return findings

    def stages(self, script: Script, stages: Sequence[Stage]) -> list[Finding]:
        """Judge once more where the words that would be run without a shell are not those of the tree."""
        words = [tuple(word.text for word in command.words) for command in script.commands]
        if not stages or words == [stage.argv for stage in stages]:
            return []
        upstream: tuple[Command, ...] = ()
        findings = [ask("syntax", "may be read in two ways")]
        for stage in stages:
            (command,) = of_argv(stage.argv).commands
            findings += self.command(replace(command, upstream=upstream))
            upstream = (*upstream, command)
        return findings

    def script(self, script: Script) -> list[Finding]:
        findings = [ask("syntax", f"holds {oddity}") for oddity in script.oddities]
        if script.broken:
            findings.append(deny("unparsed", script.broken))
        if len(script.commands) > MAX_COMMANDS:
            findings.append(deny("too-long", f"holds more than {MAX_COMMANDS} commands"))
        for command in script.commands:
            findings += self.command(command)
        return findings + _fetch_then_run(script)

    def command(self, command: Command) -> list[Finding]:
        if self.depth >= _MAX_NESTING:
            return [deny("too-deep", "is nested too deeply")]
        variants = list(self._variants(command))
        return [found for variant in variants for found in self._one(variant)]

    def _variants(self, command: Command) -> Iterator[Command]:
        """A command once for all that its words may be, where that can be told."""
        choices = [self._choices(word) for word in command.args]
        if math.prod(map(len, choices)) > _MAX_VARIANTS:
            choices = [(word,) for word in command.args]
        for chosen in itertools.product(*choices):
            args = tuple(map(self.scope.settled, chosen))
            yield command if args == command.args else replace(command, args=args)

    def _choices(self, word: Word) -> tuple[Word, ...]:
        if listers.lists_in(word, self.case):
            return (listers.A_NAME,)
        return word.choices or (word,)

    def _one(self, command: Command) -> list[Finding]:
        self.depth += 1
        findings = [found for name, value in command.assignments for found in variables.judge(name, value, command)]
        findings += [found for redirect in command.redirects for found in self._redirect(redirect)]
        if command.name is not None:
            findings += self._program(command)
        self.depth -= 1
        return findings

    def _redirect(self, redirect: Redirect) -> list[Finding]:
        target = redirect.target
        if target is None:
            return [] if redirect.operator in (">&-", "<&-") else [ask("syntax", "redirects in a way not understood")]
        if (target.text or "").lstrip("-").isdigit() or target.text == "-":
            return []
        if _NETWORK_DEVICE.search(target.text if target.text is not None else target.raw):
            return [deny("sends-data", "opens a network connection", "network")]
        if redirect.operator == "<":
            return self.scope.reading(target)
        return self.scope.writing(target)

    def _program(self, command: Command) -> list[Finding]:
        program = command.program
        if program is None:
            assert command.name is not None
            return [deny("runs-computed", f"which program `{command.name.raw}` is cannot be told before it runs")]
        if not program.isascii():
            return [deny("hidden-characters", f"the name `{program}` may be a look-alike", "hidden-characters")]
        if command.function and program == command.function:
            return [deny("machine", "a function that calls itself without end")]
        if program in _MOVES:
            return self._move(command)
        if readers.only_informs(program, command, self.case):
            return []
        for judge in _JUDGES:
            found = judge(program, command, self.case)
            if found is not None:
                is_quiet = program == "git" or judge is readers.judge
                if not found or program in ("echo", "printf", "test", "["):
                    return found
                touched = self._touched(command)
                return found + [one for one in touched if not is_quiet or one.rule.endswith("reads-secrets")]
        if "/" in program:
            base = program.rpartition("/")[2] or "."
            findings = self.command(replace(command, name=Word.of(base), redirects=(), assignments=()))
            findings = [found for found in findings if found.verdict == "deny"]
        else:
            findings = []
        reason = (
            f"`{program}` is a program of the workspace" if "/" in program else f"`{program}` is not known to only read"
        )
        return [ask("unknown", reason), *findings, *self._touched(command)]

    def _move(self, command: Command) -> list[Finding]:
        target = next((word for word in command.args if (word.text or "").lstrip("-LPe@") or word.text == "-"), None)
        self.scope.enter(target, in_loop=command.in_loop)
        if target is None or self.scope.is_outside(target):
            return [ask("reads-outside", "goes outside the workspace", "outside")]
        if target.literal is None:
            return [ask("unknown-path", f"where `{target.raw}` leads cannot be told")]
        return []

    def _touched(self, command: Command) -> list[Finding]:
        """Our own state, git's and credentials are out of bounds for everything that does not only read."""
        findings: list[Finding] = []
        for word in command.args:
            text = (word.text or "").partition("=")[2] if (word.text or "").startswith("-") else word.text
            if not text or " " in text or "\n" in text or word.has_glob or text.startswith("/dev/std"):
                continue
            for place in self.scope.places_of(text):
                if place.kind == "own":
                    findings.append(deny("writes-own", f"`{text}` {place.why}"))
                elif place.kind == "outside" and place.is_secret:
                    findings.append(deny("reads-secrets", f"`{text}` holds credentials", "outside"))
        return findings


def _fetch_then_run(script: Script) -> list[Finding]:
    """Something is fetched to a file, and later something is run."""
    has_fetched = False
    for command in script.commands:
        program = command.program or ""
        if has_fetched and (
            "/" in program or program in known_as("shells") | known_as("languages") | {"source", ".", "chmod", "eval"}
        ):
            return [deny("runs-fetched", "fetches something and then runs something", "network")]
        has_fetched = has_fetched or program in known_as("fetchers")
    return []
