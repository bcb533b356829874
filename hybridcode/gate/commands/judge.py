"""Judges a whole command: the worst of what is found in any of its parts.

Invariant: without findings every part was understood and is harmless; what is dangerous is found whatever stands around
it, and no limit or oddity keeps the rest from being looked at.
"""

import re
from collections.abc import Mapping
from dataclasses import dataclass, field, replace

from hybridcode.gate.commands import git, interpreters, machine, network, readers, wrappers
from hybridcode.gate.commands.scope import Case, Finding, Scope, ask, deny
from hybridcode.gate.commands.shell import Command, Redirect, Script, Word, names
from hybridcode.gate.commands.syntax import GIT_ROOT, parse
from hybridcode.gate.commands.tables import known_as
from hybridcode.gate.paths import Places
from hybridcode.gate.render import is_plain

MAX_BYTES = 8_192
MAX_COMMANDS = 32
_MAX_NESTING = 6

_JUDGES = (git.judge, network.judge, wrappers.judge, interpreters.judge, machine.judge, readers.judge)
_HARMLESS_VARIABLES = re.compile(
    r"LC_\w+|LANG|LANGUAGE|TZ|COLUMNS|LINES|TERM|NO_COLOR|CLICOLOR|CLICOLOR_FORCE|FORCE_COLOR|CI|DEBUG|VERBOSE|"
    r"PYTHONUNBUFFERED|PYTHONDONTWRITEBYTECODE|PYTHONHASHSEED|RUST_BACKTRACE|RUST_LOG|NODE_ENV|TIMEFORMAT|LS_COLORS"
)
_RUNS_CODE_VARIABLES = re.compile(
    r"LD_\w+|DYLD_\w+|BASH_ENV|ENV|BASH_FUNC.*|PROMPT_COMMAND|PS[0-4]|SHELLOPTS|BASHOPTS|PATH|IFS|CDPATH|GCONV_PATH|"
    r"\w*PAGER|MANOPT|LESS\w*|EDITOR|VISUAL|FCEDIT|BROWSER|\w*_EDITOR|GIT_(?!DIR\Z|WORK_TREE\Z|AUTHOR|COMMITTER)\w+|"
    r"SSH_ASKPASS|SUDO_ASKPASS|PYTHON(?:STARTUP|HOME|BREAKPOINT|INSPECT)|NODE_OPTIONS|PERL5\w+|RUBY(?:OPT|LIB)|"
    r"_?JAVA\w*_OPTIONS|JAVA_TOOL_OPTIONS|RIPGREP_CONFIG_PATH|TAR_OPTIONS|GREP_OPTIONS|GZIP|ZIPOPT|RSYNC_RSH|CVS_RSH|"
    r"\w+_WRAPPER|HOSTALIASES|LOCPATH|FZF_DEFAULT_COMMAND|\w*MAKEFLAGS|GNUMAKEFLAGS|HTTPS?_PROXY|https?_proxy|ALL_PROXY|"
    r"CURL_HOME|WGETRC|\w+_(?:INDEX_URL|REGISTRY)|HYBRIDCODE_\w+|OPENSSL_CONF|SSL_CERT_FILE|NODE_EXTRA_CA_CERTS"
)
_NETWORK_DEVICE = re.compile(r"/dev/(?:tcp|udp)/")
_MOVES = names("cd pushd")


def judge_text(text: str, places: Places, folder: str = ".") -> tuple[Script, list[Finding]]:
    """Judge shell text as bash would run it in `folder` (relative to the workspace)."""
    judging = _Judging(places, folder)
    readable = text[: 8 * MAX_BYTES].encode("utf-8", "replace").decode()
    script = parse(readable, judging.known(readable))
    findings = _characters(text) + judging.script(script)
    if len(text.encode("utf-8", "replace")) > MAX_BYTES:
        findings.append(deny("too-long", f"is longer than {MAX_BYTES} bytes"))
    return script, findings


def judge_argv(script: Script, places: Places, folder: str = ".") -> list[Finding]:
    """Judge a command that no shell will see."""
    judging = _Judging(places, folder)
    return _characters("".join(command.line for command in script.commands)) + judging.script(script)


def _characters(text: str) -> list[Finding]:
    if is_plain(text):
        return []
    return [deny("hidden-characters", "holds hidden or control characters", "hidden-characters")]


@dataclass
class _Judging:
    places: Places
    folder: str
    depth: int = 0
    scope: Scope = field(init=False)

    def __post_init__(self) -> None:
        self.scope = Scope(self.places, [self.places.workspace / self.folder])

    def known(self, text: str) -> Mapping[str, str]:
        values = {"HOME": str(self.places.home)}
        if not re.search(r"\b(?:cd|pushd|popd)\b", text):
            values["PWD"] = str(self.scope.folders[0])
        if (self.places.workspace / ".git").exists():
            values[GIT_ROOT] = str(self.places.workspace)
        return values

    @property
    def case(self) -> Case:
        return Case(self.scope, self.nested, self.command)

    def nested(self, text: str) -> list[Finding]:
        """Judge text that a shell in this script would run."""
        if self.depth >= _MAX_NESTING:
            return [deny("too-deep", "is nested too deeply")]
        self.depth += 1
        findings = _characters(text) + self.script(parse(text, self.known(text)))
        self.depth -= 1
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
        self.depth += 1
        command = replace(command, args=tuple(map(self.scope.settled, command.args)))
        findings = [found for name, value in command.assignments for found in self._assignment(name, value, command)]
        findings += [found for redirect in command.redirects for found in self._redirect(redirect)]
        if command.name is not None:
            findings += self._program(command)
        self.depth -= 1
        return findings

    def _assignment(self, name: str, value: Word, command: Command) -> list[Finding]:
        if _RUNS_CODE_VARIABLES.fullmatch(name):
            return [deny("variable", f"sets {name}, which changes what programs run or send")]
        if command.name is None or _HARMLESS_VARIABLES.fullmatch(name):
            return []
        return [ask("variable", f"sets {name} for a program")]

    def _redirect(self, redirect: Redirect) -> list[Finding]:
        target = redirect.target
        if target is None or (target.text or "").lstrip("-").isdigit() or target.text == "-":
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
        if readers.only_informs(program, command):
            return []
        for judge in _JUDGES:
            found = judge(program, command, self.case)
            if found is not None:
                is_quiet = program == "git" or judge is readers.judge
                return found if is_quiet or not found else found + self._touched(command)
        reason = (
            f"`{program}` is a program of the workspace" if "/" in program else f"`{program}` is not known to only read"
        )
        return [ask("unknown", reason), *self._touched(command)]

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
            if not text or " " in text or "\n" in text or word.has_glob:
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
