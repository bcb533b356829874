"""Judges git: reading subcommands by grammar, the rest by what they destroy, send or run.

Invariant: an empty list is given only for subcommands that read, with options that keep them so, in a repository whose
configuration makes git run no programs for them.
"""

import os
import re
from collections.abc import Sequence
from pathlib import Path

from hybridcode.gate.commands.gitconfig import programs_named
from hybridcode.gate.commands.readers import by_grammar, outputs
from hybridcode.gate.commands.scope import Case, Finding, ask, deny
from hybridcode.gate.commands.shell import Command, Word, names
from hybridcode.gate.commands.tables import git_grammar_of

_GLOBAL_FLAGS = names(
    "--no-pager -P --no-replace-objects --literal-pathspecs --no-optional-locks --no-advice --icase-pathspecs"
)
_HARMLESS_KEYS = re.compile(
    r"(?:user\.(?:name|email)|color\..*|column\..*|branch\.[^.]+\.(?:remote|merge|rebase)|push\.(?:default|autosetupremote)|"
    r"pull\.(?:rebase|ff)|fetch\.prune|merge\.(?:ff|conflictstyle)|rebase\.auto\w+|core\.(?:autocrlf|eol|filemode|"
    r"ignorecase|quotepath|precomposeunicode|whitespace|abbrev)|diff\.(?:renames|algorithm|colormoved)|init\.defaultbranch|"
    r"log\.(?:date|decorate|follow)|status\..*|commit\.(?:verbose|gpgsign)|tag\.sort|rerere\.enabled|advice\..*)\Z",
    re.IGNORECASE,
)
_ADDRESS = re.compile(r"\A(?:[A-Za-z][\w+.-]*://|ext::|[\w.-]+@[\w.-]+:|(?:\.\.|/|~))")
_SHOWN = 3
"""Settings that a reason spells out; the others are counted."""
_CHECKS_SIGNATURES = re.compile(r"(?:format|pretty)\b.*%G|%\(signature")
_REFLOG_SHOWS = re.compile(r"-\d+|-n\d*|--oneline|--all|--date=[\w-]+|[\w.@{}][\w./@{}-]*")
_REWRITING = names("--force --force-with-lease --force-if-includes --mirror --delete --prune")
_DISCARDING = names("--hard --merge --keep --force --discard-changes --force-create --worktree")
"""Options of a push, and of others, that git also takes when they are cut short."""
_HISTORY = names("filter-branch filter-repo replace prune fast-import")
_SENDS = names(
    "send-email imap-send credential credential-store credential-cache daemon http-push upload-pack send-pack"
)
_SECRET_KEYS = re.compile(r"credential|token|password|extraheader|secret|cookie|key\Z", re.IGNORECASE)
_RUNS = {"bisect": ("run",), "submodule": ("foreach",)}


def judge(program: str, command: Command, case: Case) -> list[Finding] | None:
    """Findings for git; None for other programs."""
    if program != "git":
        return None
    findings, args, moves = _globals(list(command.args), case)
    if not args:
        return findings
    subcommand = args[0].literal
    if subcommand is None:
        return [*findings, deny("runs-computed", f"which git command `{args[0].raw}` is cannot be told")]
    return findings + _subcommand(subcommand, args[1:], case) or _configured(subcommand, moves, case)


def _configured(name: str, moves: Sequence[str], case: Case) -> list[Finding]:
    """What speaks against a command that only reads: programs that the repository makes git run for it."""
    if case.scope.is_lost:
        return [ask("unknown-path", f"the folder in which `git {name}` runs is not known")]
    folders = [Path(os.path.realpath(folder.joinpath(*moves))) for folder in case.scope.folders]
    for folder in folders:
        if folder not in case.scope.git_runs:
            case.scope.git_runs[folder] = programs_named(folder)
    named = tuple(dict.fromkeys(setting for folder in folders for setting in case.scope.git_runs[folder]))
    if not named:
        return []
    shown = ", ".join(ascii(setting)[1:-1] for setting in named[:_SHOWN])
    more = f" and {len(named) - _SHOWN} more" if len(named) > _SHOWN else ""
    return [ask("git-programs", f"`git {name}` may run what this repository's configuration names: {shown}{more}")]


def _globals(args: list[Word], case: Case) -> tuple[list[Finding], list[Word], list[str]]:
    """Findings of git's own options, what follows them, and the folders that `-C` goes to."""
    findings: list[Finding] = []
    moves: list[str] = []
    while args and (text := args[0].text or "").startswith("-") and text not in ("--version", "--help"):
        word = args.pop(0)
        if text in _GLOBAL_FLAGS:
            continue
        if text == "-C" and args:
            moves.append(args[0].text or "")
            findings += case.scope.reading(args.pop(0))
        elif text == "-c" and args:
            findings += _setting((args.pop(0).text or "?").partition("=")[0])
        elif text.startswith("-c") and "=" in text:
            findings += _setting(text[2:].partition("=")[0])
        elif text.startswith(("--exec-path=", "--config-env")):
            findings.append(deny("runs-computed", f"`git {text}` replaces git's programs or settings"))
        else:
            findings.append(ask("option", f"`git {word.raw}` is not known to be harmless"))
            if text in ("--git-dir", "--work-tree", "--namespace") and args:
                args.pop(0)
    if len(args) == 1 and args[0].text in ("--version", "--help"):
        args.clear()
    return findings, args, moves


def _setting(key: str) -> list[Finding]:
    if _HARMLESS_KEYS.match(key):
        return [ask("git-setting", f"sets git's `{key}`")]
    return [deny("git-setting", f"sets git's `{key}`, which can make git run programs or talk to others")]


def _subcommand(name: str, args: Sequence[Word], case: Case) -> list[Finding]:
    if name == "tag" and args and re.fullmatch(r"-n\d+", args[0].literal or ""):
        args = [Word.of("--list"), *args[1:]]
    texts = [word.text if word.text is not None else word.raw for word in args]
    grammar = git_grammar_of(name)
    if grammar is not None:
        outside = [found for word in args if _may_be_outside(word, case) for found in case.scope.reading(word)]
        unclear = [word for word in args if word.literal is None]
        unknown = [ask("option", f"`{word.raw}` might turn out to be an option") for word in unclear]
        signed = [ask("runs", "git runs gpg to check signatures") for text in texts if _CHECKS_SIGNATURES.search(text)]
        findings = [*outside, *unknown, *signed, *by_grammar(f"git {name}", args, grammar, case)]
        return findings + _dangers(name, args, texts, case) if findings else findings
    if _only_lists(name, texts):
        return []
    known = _dangers(name, args, texts, case)
    return [ask("git", f"`git {name}` changes the repository", *(["network"] if name in _REMOTE else [])), *known]


_REMOTE = names("push pull fetch clone ls-remote remote submodule archive")


def _may_be_outside(word: Word, case: Case) -> bool:
    text = word.literal or ""
    return (text.startswith(("/", "~")) or ".." in text.split("/")) and case.scope.is_outside(word)


def _only_lists(name: str, texts: Sequence[str]) -> bool:
    match name, list(texts):
        case "reflog", [] | ["show", *_]:
            return all(map(_REFLOG_SHOWS.fullmatch, texts))
        case "reflog", [first, *_] if first.startswith("-"):
            return all(text.isdigit() or (text.startswith("-") and _REFLOG_SHOWS.fullmatch(text)) for text in texts)
        case "remote", [] | ["-v"] | ["--verbose"]:
            return True
        case "remote", ["get-url", _]:
            return True
        case "stash" | "worktree", ["list"]:
            return True
        case "worktree", ["list", *rest]:
            return all(text in ("--porcelain", "-v", "--verbose", "-z") for text in rest)
        case "stash", ["show", *rest]:
            return all(re.fullmatch(r"-p|--stat|-u|--name-only|stash@\{\d+\}|\d+", text) for text in rest)
        case "config", ["--get" | "--get-all" | "get", key]:
            return bool(re.fullmatch(r"[\w./-]+", key)) and not _SECRET_KEYS.search(key)
        case "config", [key]:
            return bool(re.fullmatch(r"[a-z]+\.[\w./-]+", key)) and not _SECRET_KEYS.search(key)
        case "bisect", ["log"]:
            return True
        case "symbolic-ref", ["HEAD"] | ["--short", "HEAD"] | ["-q", "HEAD"]:
            return True
        case "notes", [] | ["list"]:
            return True
        case "submodule" | "lfs", ["status"] | ["env"]:
            return False
        case _:
            return False


def _dangers(name: str, args: Sequence[Word], texts: Sequence[str], case: Case) -> list[Finding]:
    findings = [found for path in outputs(args) for found in case.scope.writing(path)] if name != "push" else []
    if name in _HISTORY or (name, texts[:1]) in (("reflog", ["expire"]), ("reflog", ["delete"])):
        findings.append(deny("destroys-history", f"`git {name}` rewrites or destroys history"))
    if name in _SENDS:
        findings.append(deny("sends-data", f"`git {name}` sends data or credentials", "network"))
    findings += [deny("runs-computed", f"`{text}` runs a program") for text in texts if text.startswith("ext::")]
    findings += _runs(name, args, texts, case)
    match name:
        case "push":
            findings += _push(texts)
        case "config":
            findings += _config(texts)
        case "reset" | "clean" | "checkout" | "restore" | "switch" | "stash" | "branch" | "rm" | "worktree" | "gc":
            findings += _discards(name, texts)
        case "update-ref" if {"-d", "--delete", "--stdin"}.intersection(texts):
            findings.append(deny("destroys-history", "`git update-ref -d` deletes references"))
        case "clone" | "init":
            findings += _clone(name, args, texts, case)
        case "archive" if any(text.startswith(("--remote", "--exec")) for text in texts):
            findings.append(deny("runs-computed", "`git archive --remote` talks to another program", "network"))
        case "remote" if "set-url" in texts:
            findings.append(deny("sends-data", "changes where pushes go", "network"))
        case _:
            pass
    return findings


def _runs(name: str, args: Sequence[Word], texts: Sequence[str], case: Case) -> list[Finding]:
    findings: list[Finding] = []
    for verb in _RUNS.get(name, ()):
        if verb in texts:
            rest = args[texts.index(verb) + 1 :]
            findings.append(ask("runs", f"`git {name} {verb}` runs a program"))
            findings += case.text(" ".join(word.text or word.raw for word in rest)) if name == "submodule" else []
            findings += case.command(Command(rest[0], tuple(rest[1:]))) if name == "bisect" and rest else []
    for index, text in enumerate(texts):
        name_part, _, value = text.partition("=")
        code = value or (texts[index + 1] if index + 1 < len(texts) else "")
        if (name, name_part) in (("rebase", "-x"), ("rebase", "--exec"), ("difftool", "-x"), ("difftool", "--extcmd")):
            findings += case.text(code)
        if name_part in ("--upload-pack", "--receive-pack", "--exec", "--open-files-in-pager") or (
            name == "grep" and re.match(r"-O.", text)
        ):
            findings += [deny("runs-computed", f"`git {name} {text}` runs a program")] if name != "rebase" else []
    return findings


def _push(texts: Sequence[str]) -> list[Finding]:
    operands = [text for text in texts if not text.startswith("-")]
    findings: list[Finding] = []
    if any(
        re.fullmatch(r"-\w*[fd]\w*", text)
        or any(full.startswith(text.partition("=")[0]) for full in _REWRITING if text[2:])
        for text in texts
    ) or any(text.startswith(("+", ":")) for text in operands):
        findings.append(deny("destroys-history", "`git push` would overwrite or delete what others have", "network"))
    if operands and _ADDRESS.match(operands[0]):
        findings.append(deny("sends-data", f"pushes to `{operands[0]}`, which is no configured remote", "network"))
    return findings


def _config(texts: Sequence[str]) -> list[Finding]:
    if {"--global", "--system", "-e", "--edit", "edit"}.intersection(texts) or any(
        text.startswith(("--file", "-f", "--blob")) for text in texts
    ):
        return [deny("git-setting", "`git config` would change settings outside this repository", "outside")]
    operands = [text for text in texts if not text.startswith("-") and text not in ("set", "unset", "get", "list")]
    return _setting(operands[0]) if operands else []


def _discards(name: str, texts: Sequence[str]) -> list[Finding]:
    flags = {text for text in texts if text.startswith("-")}
    flags |= {full for full in _DISCARDING for flag in flags if len(flag) > 2 and full.startswith(flag)}
    short = "".join(text[1:] for text in flags if not text.startswith("--"))
    operands = [text for text in texts if not text.startswith("-")]
    discards = {
        "reset": bool({"--hard", "--merge", "--keep"} & flags),
        "clean": bool(set("xX") & set(short)) and not ("n" in short or "--dry-run" in flags),
        "checkout": "--" in texts or "--force" in flags or bool(set("fB") & set(short)) or "." in operands,
        "restore": "--staged" not in flags or "--worktree" in flags or "W" in short,
        "switch": bool({"--force", "--discard-changes", "--force-create"} & flags) or bool(set("fC") & set(short)),
        "stash": operands[:1] in (["drop"], ["clear"]),
        "branch": bool(set("DMCf") & set(short)) or ("--force" in flags and len(flags) > 1),
        "rm": bool({".", "*", "./"} & set(operands)),
        "worktree": operands[:1] == ["remove"] and ("--force" in flags or "f" in short),
        "gc": any(text.startswith("--prune") for text in flags) or "--aggressive" in flags,
    }
    if not discards[name]:
        return []
    return [deny("destroys-history", f"`git {name}` would throw away work that is nowhere else")]


def _clone(name: str, args: Sequence[Word], texts: Sequence[str], case: Case) -> list[Finding]:
    findings: list[Finding] = []
    for index, text in enumerate(texts):
        if text in ("-c", "--config") and index + 1 < len(texts):
            findings += _setting(texts[index + 1].partition("=")[0])
        if text.startswith(("--template", "--upload-pack", "--separate-git-dir")) or text in ("-u",):
            findings.append(deny("runs-computed", f"`git {name} {text}` may install or run programs"))
    operands = [word for word in args if not (word.text or "").startswith("-")]
    for word in operands[1:] if name == "clone" else operands:
        findings += case.scope.writing(word)
    return findings
