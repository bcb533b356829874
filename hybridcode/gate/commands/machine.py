"""Programs that change files, other processes, services or the machine.

Invariant: raising privilege, destroying data and writing outside the workspace are denied; the rest is asked.
"""

import itertools
import re
from collections.abc import Sequence

from hybridcode.gate.commands.scope import Case, Finding, ask, deny
from hybridcode.gate.commands.shell import Command, Word
from hybridcode.gate.commands.tables import known_as

_HOST_MOUNT = re.compile(
    r"(?:^|=|src=|source=)(?:/|~|/etc|/home|/root|/var/run|/usr|/var)(?::|,|/?\Z)|docker\.sock"
    r"|/(?:etc|root|home|proc|sys)\b.*:"
)
_SELF = "hybridcode"


def judge(program: str, command: Command, case: Case) -> list[Finding] | None:
    """Findings for a program that changes things; None if it is none of them."""
    texts = [word.text if word.text is not None else word.raw for word in command.args]
    if program in known_as("privilege"):
        return [deny("privilege", f"`{program}` raises privilege")]
    if (program in known_as("machine") and (program, texts) != ("crontab", ["-l"])) or program.startswith("mkfs"):
        return [deny("machine", f"`{program}` changes the machine")]
    if program in known_as("secret_printers"):
        return [deny("reads-secrets", f"`{program}` gives out credentials")]
    if program == _SELF:
        return [deny("own", "only a person runs hybridcode's own commands")]
    if program in known_as("writes_all") or program in known_as("writes_last") or program in known_as("writes_rest"):
        return _files(program, command, case)
    match program:
        case "dd":
            targets = [text[3:] for text in texts if text.startswith("of=")]
            sources = [text[3:] for text in texts if text.startswith("if=")]
            findings = [ask("writes", "`dd` writes a file", "destructive")]
            findings += [found for text in targets for found in case.scope.writing(Word.of(text))]
            return findings + [found for text in sources for found in case.scope.reading(Word.of(text))]
        case "patch":
            return _patch(command, texts, case)
        case "crontab" if texts == ["-l"]:
            return [ask("machine", "`crontab -l` shows what runs by itself")]
        case "kill" | "pkill" | "killall":
            by_user = program != "kill" and any(re.match(r"-\w*u|--(?:euid|uid|user)", text) for text in texts)
            if by_user or "-1" in texts[1:] or {"1", "0", "$PPID"}.intersection(texts[-1:]):
                return [deny("machine", f"`{program}` would end processes of others")]
            return [ask("processes", f"`{program}` ends processes", "destructive")]
        case "systemctl" | "service" | "launchctl":
            reads = {"status", "is-active", "list-units", "show", "list", "print", "--status-all"}
            if reads.intersection(texts):
                return [ask("machine", f"`{program}` asks about services")]
            return [deny("machine", f"`{program}` changes services")]
        case _ if program in known_as("containers"):
            return _container(program, texts, case)
        case _ if program in known_as("clusters"):
            if any("secret" in text for text in texts):
                return [deny("reads-secrets", f"`{program}` gives out credentials", "network")]
            if {"delete", "destroy", "drain", "uninstall", "replace", "exec", "cp"}.intersection(texts):
                return [deny("destroys", f"`{program}` destroys or enters running systems", "network")]
            return [ask("network", f"`{program}` talks to running systems", "network")]
        case "dropdb" | "dropuser" | "pg_restore" | "mysqladmin":
            return [deny("destroys", f"`{program}` destroys data")]
        case "gpg" | "ssh-keygen":
            return _keys(program, command, texts, case)
        case "history" | "fc":
            return [ask("writes", "`history` may write a file"), *_writes_elsewhere(command, case)]
        case "enable" | "hash" if any(text.startswith(("-f", "-p")) for text in texts):
            return [deny("runs-computed", f"`{program}` replaces commands of the shell")]
        case _ if program in known_as("archivers"):
            return _archive(program, command, texts, case)
        case _:
            return None


def _operands(args: Sequence[Word]) -> list[Word]:
    words = list(args)
    dashes = next((i for i, word in enumerate(words) if word.text == "--"), None)
    after = words[dashes + 1 :] if dashes is not None else []
    before = words[:dashes] if dashes is not None else words
    return [word for word in before if not (word.text or "").startswith("-")] + after


def _files(program: str, command: Command, case: Case) -> list[Finding]:
    texts = [word.text or "" for word in command.args]
    operands = _operands(command.args)
    targets = operands
    if program in known_as("writes_last") and program != "rename":
        named = [text.partition("=")[2] for text in texts if text.startswith("--target-directory=")]
        named += [texts[i + 1] for i, text in enumerate(texts[:-1]) if text in ("-t", "--target-directory")]
        targets = [Word.of(text) for text in named] or operands[-1:]
        if program == "mv":
            targets = operands + targets
    elif program in known_as("writes_rest"):
        targets = operands[1:]
    is_destructive = program in ("rm", "rmdir", "unlink", "shred", "truncate", "mv", "srm", "wipe")
    findings = [ask("writes", f"`{program}` changes files", *(["destructive"] if is_destructive else []))]
    findings += [found for word in targets for found in case.scope.writing(word)]
    if program in known_as("writes_last"):
        findings += [found for word in operands[:-1] for found in case.scope.reading(word)]
    if program in ("rm", "shred", "srm", "wipe"):
        findings += _removes(targets, texts, case)
    if program == "mv" and any(_is_root(word, case) for word in operands):
        findings.append(deny("destroys", "moves the whole workspace away"))
    if program == "chmod" and operands and re.search(r"[ugoa]*\+\w*s|^[2467]\d{3}$", operands[0].text or ""):
        findings.append(deny("privilege", "sets a set-user or set-group bit"))
    return findings


def _removes(targets: Sequence[Word], texts: Sequence[str], case: Case) -> list[Finding]:
    is_recursive = any(re.match(r"-\w*[rR]|--recursive|--no-preserve-root", text) for text in texts)
    findings: list[Finding] = []
    for word in targets:
        if _is_root(word, case):
            findings.append(deny("destroys", f"`{word.raw}` is the whole workspace or more"))
        elif word.text is None and is_recursive:
            findings.append(deny("destroys", f"what `{word.raw}` is cannot be told before it is deleted"))
        elif case.scope.is_lost and is_recursive:
            findings.append(deny("destroys", f"where `{word.raw}` lies cannot be told before it is deleted"))
    return findings


def _is_root(word: Word, case: Case) -> bool:
    text = (word.text or "").rstrip("/") or ("/" if (word.text or "").startswith("/") else "")
    if word.has_glob:
        if not re.search(r"(?:^|/)(?:\.?\*|\.\[.*\]\*?|\.\?\?\*|\?*\*)\Z", text):
            return False
        text = text.rpartition("/")[0] or ("/" if text.startswith("/") else ".")
    if not text:
        return False
    root = str(case.scope.places.workspace)
    return any(
        root == place.real or root.startswith(place.real.rstrip("/") + "/") for place in case.scope.places_of(text)
    )


def _container(program: str, texts: Sequence[str], case: Case) -> list[Finding]:
    line = " ".join(texts)
    if re.search(r"--privileged|--cap-add|--pid[= ]host|--device|--security-opt|--userns[= ]host|--ipc[= ]host", line):
        return [deny("privilege", f"`{program}` gives a container power over the machine")]
    values = [texts[i + 1] for i, text in enumerate(texts[:-1]) if text in ("-v", "--volume", "--mount")]
    values += [text.partition("=")[2] for text in texts if text.startswith(("--volume=", "--mount="))]
    sources = [value.partition(":")[0] for value in values if value.startswith(("/", "~", "."))]
    is_host = any(_HOST_MOUNT.search(value) for value in values)
    if is_host or any(case.scope.is_outside(Word.of(source)) for source in sources):
        return [deny("privilege", f"`{program}` gives a container folders of the machine")]
    if re.search(r"\b(?:push|login|prune)\b|\bvolume rm\b|\bdown\b.*(?:-v\b|--volumes)|\bimport\b|\bsystem\b", line):
        return [deny("destroys", f"`{program}` sends images out or deletes data", "network")]
    codes = [after for before, after in itertools.pairwise(texts) if re.fullmatch(r"-\w*c", before)]
    inner = [found for code in codes for found in case.text(code) if found.verdict == "deny"]
    return [ask("runs", f"`{program}` runs or shows containers", "network"), *inner]


def _keys(program: str, command: Command, texts: Sequence[str], case: Case) -> list[Finding]:
    if any("secret" in text or text in ("--export", "-d", "--decrypt", "--delete-keys") for text in texts):
        return [deny("reads-secrets", f"`{program}` gives out or deletes keys")]
    return [ask("writes", f"`{program}` handles keys"), *_writes_elsewhere(command, case)]


def _writes_elsewhere(command: Command, case: Case) -> list[Finding]:
    return [found for word in command.args for found in case.scope.writing(word) if found.verdict == "deny"]


def _archive(program: str, command: Command, texts: Sequence[str], case: Case) -> list[Finding]:
    findings = [ask("writes", f"`{program}` packs or unpacks files")]
    for index, text in enumerate(texts):
        follows = command.args[index + 1] if index + 1 < len(texts) else None
        if re.match(
            r"--(?:to-command|checkpoint-action|use-compress-program|rsh-command|rmt-command|info-script)", text
        ):
            code = text.partition("=")[2] or (texts[index + 1] if follows else "")
            findings.append(ask("runs", f"`{program} {text}` runs a program"))
            findings += case.text(code.removeprefix("exec="))
        if text in ("-I", "-F", "-TT", "--unzip-command") and follows and program in ("tar", "bsdtar", "zip"):
            findings += case.text(follows.text or "$unknown")
        if text in ("-C", "--directory", "-d", "--one-top-level") and follows:
            findings += case.scope.writing(follows)
        if text.startswith(("--directory=", "-o/", "-o~", "-o..")):
            findings += case.scope.writing(Word.of(text.partition("=")[2] or text[2:]))
        if text in ("-P", "--absolute-names", "--absolute-filenames", ":"):
            findings.append(deny("writes-outside", f"`{program} {text}` may write anywhere", "outside"))
        is_cluster = (index == 0 and not text.startswith("-")) or re.fullmatch(r"-\w+", text)
        if program in ("tar", "bsdtar") and is_cluster and text.endswith("f") and follows and "c" in texts[0]:
            findings += [found for found in case.scope.writing(follows) if follows.text != "-"]
    operands = _operands(command.args)
    if program in ("zip", "7z", "7za") and texts[:1] not in (["x"], ["e"], ["l"], ["t"]):
        written = operands[:1] if program == "zip" else operands[1:2]
        findings += [found for word in written for found in case.scope.writing(word)]
    for word in operands:
        findings += [found for found in case.scope.reading(word) if found.verdict == "deny"]
    return findings


def _patch(command: Command, texts: Sequence[str], case: Case) -> list[Finding]:
    findings = [ask("writes", "`patch` changes files")]
    targets = [after for before, after in itertools.pairwise(command.args) if before.text in ("-d", "-o", "-r")]
    targets += [Word.of(text.partition("=")[2]) for text in texts if text.startswith(("--directory=", "--output="))]
    operands = [word for word in _operands(command.args) if word not in targets]
    return findings + [found for word in [*targets, *operands[:1]] for found in case.scope.writing(word)]
