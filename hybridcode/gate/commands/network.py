"""Programs that talk to a network, fetch code, or publish.

Invariant: sending data out and running fetched code are denied; the rest is asked and flagged.
"""

import re
from collections.abc import Sequence

from msgspec.structs import replace

from hybridcode.gate.commands.readers import outputs
from hybridcode.gate.commands.scope import Case, Finding, ask, deny
from hybridcode.gate.commands.shell import Command, Word, names
from hybridcode.gate.commands.tables import known_as
from hybridcode.gate.lazy_patterns import LazyPattern

_SENDS = LazyPattern(
    r"--(?:data(?:-\w+)?|form(?:-string)?|upload-file|json|post-file|post-data|body-data|body-file|mail-from)(?:=|\Z)"
    r"|-[a-zA-Z]*[dFT](?:.*)\Z"
)
_LOOPBACK = LazyPattern(r"(?:https?://)?(?:localhost|127\.\d+\.\d+\.\d+|\[::1\])(?::\d+)?(?:/|\Z)")
_PUBLISHES = names("publish upload push login deploy yank owner adduser")
_FOREIGN_SOURCE = LazyPattern(
    r"(?:git\+|git:|git@|https?://|ssh://|ext::|github:|file://)|^(?:--index-url|--extra-index-url|--find-links|-i|"
    r"--registry|--trusted-host|--source|--git)(?:=|\Z)"
)

_FETCH_AND_RUN = {
    ("npm", "exec"), ("npm", "x"), ("pnpm", "dlx"), ("yarn", "dlx"), ("bun", "x"), ("uv", "tool"), ("nix", "run"),
}  # fmt: skip
_CLOUD_SENDS = LazyPattern(
    r"\b(?:s3 (?:cp|sync|mv)|gist create|release upload|storage cp|rsync|deploy|put-object|cp)\b"
)
_CLOUD_DESTROYS = LazyPattern(
    r"\b(?:delete\S*|destroy|rm|rb|remove|purge|terminate\S*|auth (?:token|print\S*)|get-secret\S*|\w*secret\w*)\b"
)


def judge(program: str, command: Command, case: Case) -> list[Finding] | None:
    """Findings for a network program; None if it is none."""
    texts = [word.text if word.text is not None else word.raw for word in command.args]
    if program in known_as("fetchers"):
        return _fetch(program, command, case)
    if program in known_as("senders"):
        return [deny("sends-data", f"`{program}` sends data out", "network")]
    if program in ("ssh", "rsync"):
        return _remote(program, command, texts, case)
    if program in known_as("askers"):
        if any(word.text is None for word in command.args):
            return [deny("sends-data", f"`{program}` would send the output of a command out", "network")]
        return [ask("network", f"`{program}` talks to the network", "network")]
    if program == "openssl":
        is_network = texts[:1] in (["s_client"], ["s_server"], ["s_time"])
        return [deny("sends-data", "opens a connection", "network")] if is_network else [ask("runs", "`openssl`")]
    if program in known_as("runs_fetched"):
        return _runs_package(program, texts)
    if program in known_as("packagers"):
        return _package(program, texts, case, command)
    if program in known_as("clouds"):
        return _cloud(program, texts)
    return None


def _fetch(program: str, command: Command, case: Case) -> list[Finding]:
    texts = [word.text if word.text is not None else word.raw for word in command.args]
    findings = [ask("network", f"`{program}` fetches from the network", "network")]
    is_local = any(_LOOPBACK.match(text) for text in texts)
    sends = any(_SENDS.match(text) for text in texts) or (program == "wget" and any("--post" in t for t in texts))
    if command.upstream and any(text in ("-", "@-", "-T", "@/dev/stdin") or text.endswith("@-") for text in texts):
        sends = True
    is_computed = any(word.inner or (word.text is None and "$" in word.raw) for word in command.args)
    if (sends and not is_local) or is_computed:
        findings.append(deny("sends-data", f"`{program}` sends data out", "network"))
    if any(
        text in ("-K", "--config", "-e", "--execute") or text.startswith(("--config=", "--use-askpass"))
        for text in texts
    ):
        findings.append(deny("runs-computed", f"`{program}` takes its options from elsewhere"))
    local = [text.partition("://")[2] for text in texts if text.lower().startswith("file://")]
    findings += [found for path in local for found in case.scope.reading(Word.of(path or "/"))]
    findings += [found for path in outputs(command.args) for found in case.scope.writing(path)]
    for flag, value in zip(texts, command.args[1:], strict=False):
        if flag in ("-P", "--directory-prefix", "--output-dir", "-c", "--cookie-jar", "-D", "--dump-header"):
            findings += case.scope.writing(value)
    return findings


def _remote(program: str, command: Command, texts: Sequence[str], case: Case) -> list[Finding]:
    findings = [ask("network", f"`{program}` may talk to another machine", "network")]
    for flag, value in zip(texts, [*texts[1:], ""], strict=False):
        if flag.startswith("-o") and re.search(r"command|forward|tunnel", flag + value, re.IGNORECASE):
            findings.append(deny("runs-computed", f"`{program} {flag}` runs a program", "network"))
        if flag in ("-e", "--rsh", "--rsync-path") or flag.startswith(("--rsh=", "--rsync-path=")):
            findings += [deny("runs-computed", f"`{program} {flag}` runs a program", "network")]
        if program == "ssh" and re.fullmatch(r"-[NfngTt]*[RLDwJFE]", flag):
            findings.append(deny("sends-data", f"`ssh {flag}` opens a tunnel", "network"))
    operands = [text for text in texts if not text.startswith("-")]
    if program == "rsync" and (any("::" in t or re.match(r"[\w.@-]+:|rsync://", t) for t in operands)):
        findings.append(deny("sends-data", "`rsync` copies to or from another machine", "network"))
    if program == "rsync" and operands:
        findings += case.scope.writing(Word.of(operands[-1]))
        if "--delete" in texts:
            findings.append(ask("deletes", "`rsync --delete` deletes files", "destructive"))
    if program == "ssh" and len(operands) > 1:
        findings += [found for found in case.text(" ".join(operands[1:])) if found.verdict == "deny"]
    if command.upstream and program == "ssh":
        findings.append(deny("sends-data", "sends data to another machine", "network"))
    return findings


def _runs_package(program: str, texts: Sequence[str]) -> list[Finding]:
    is_fetching = program != "npx" or any(
        text in ("-y", "--yes", "-p", "--package") or "@" in text[1:] or "/" in text or "://" in text for text in texts
    )
    if is_fetching:
        return [deny("runs-fetched", f"`{program}` fetches code and runs it", "network")]
    return [ask("runs", f"`{program}` runs a package's program", "network")]


def _package(program: str, texts: Sequence[str], case: Case, command: Command) -> list[Finding]:
    verbs = [text for text in texts if not text.startswith("-")]
    first = verbs[0] if verbs else ""
    findings = [ask("runs", f"`{program}` may run code of the repository or fetch packages", "network")]
    if first in _PUBLISHES or (program == "gem" and first == "push") or (program, first) == ("twine", ""):
        findings.append(deny("sends-data", f"`{program} {first}` publishes", "network"))
    if (first in ("config", "set", "env") and {"set", "-w", "edit", "unset", "delete"}.intersection(texts)) or (
        first == "config" and program in ("conda", "bundle", "poetry", "composer") and len(verbs) > 1
    ):
        findings.append(deny("writes-outside", f"`{program} {first}` changes your settings", "outside"))
    is_adding = first in ("install", "i", "add", "get", "create", "init", "tool", "require", "x", "ci", "update")
    if is_adding and any(_FOREIGN_SOURCE.search(text) for text in texts):
        findings.append(deny("runs-fetched", f"`{program} {first}` takes packages from another source", "network"))
    if (program, first) in _FETCH_AND_RUN and texts[1:2] != ["list"]:
        findings.append(deny("runs-fetched", f"`{program} {first}` fetches code and runs it", "network"))
    if program == "go" and first in ("run", "install") and any(map(_is_remote_module, verbs[1:])):
        findings.append(deny("runs-fetched", f"`go {first}` fetches code and runs it", "network"))
    if program in ("npm", "pnpm", "yarn") and any(text in ("-g", "--global") for text in texts) and is_adding:
        findings.append(deny("writes-outside", f"`{program} -g` writes outside the workspace", "outside"))
    if (program, first) in (("uv", "run"), ("poetry", "run"), ("bundle", "exec"), ("hatch", "run"), ("pdm", "run")):
        words = [word for word in command.args if not (word.text or "").startswith("-")][1:]
        if words:
            findings += case.command(replace(command, name=words[0], args=_after(command.args, words[0])))
    return findings


def _is_remote_module(text: str) -> bool:
    return "@" in text or (not text.startswith(".") and not text.endswith(".go") and "." in text.split("/")[0])


def _after(args: tuple[Word, ...], word: Word) -> tuple[Word, ...]:
    return args[args.index(word) + 1 :]


def _cloud(program: str, texts: Sequence[str]) -> list[Finding]:
    line = " ".join(texts)
    if _CLOUD_SENDS.search(line):
        return [deny("sends-data", f"`{program}` sends data out", "network")]
    if _CLOUD_DESTROYS.search(line):
        return [deny("destroys", f"`{program}` deletes things or prints credentials", "network")]
    return [ask("network", f"`{program}` talks to a service", "network")]
