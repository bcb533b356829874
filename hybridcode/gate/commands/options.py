"""Option grammars: which options a program may be given for its run to stay harmless.

Invariant: an option that is not written in the grammar, in full, is a problem; short clusters are taken apart.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from itertools import dropwhile
from typing import Literal, cast

from msgspec import Struct

from hybridcode.gate.commands.shell import Word

Operands = Literal["PATHS", "TEXT", "PATTERN", "ONE", "NONE", "LIST"]
"""PATHS are read; TEXT is only text; PATTERN: the first is text unless an option gave it; ONE: at most one path;
LIST: patterns, if an option asks for a listing, and otherwise none."""
ValueKind = Literal["text", "path"]

_GIVES_PATTERN = frozenset({"-e", "-f", "--regexp", "--expression", "--file", "--files", "--type-list"})

_ASKS_FOR_A_LIST = frozenset({"-l", "--list", "--merged", "--no-merged", "--contains", "--no-contains", "--points-at"})


class Grammar(Struct, frozen=True):
    """The options one program may have."""

    operands: Operands
    flags: frozenset[str]
    values: Mapping[str, ValueKind]
    optional: frozenset[str]
    """Long options whose value, if any, follows `=`."""
    has_numbers: bool
    """`-20` is an option."""

    @classmethod
    def read(cls, text: str) -> "Grammar":
        """Read `PATHS -a -n: -f@ --color? -NUM`: flag, text value, path value, optional value, number."""
        operands, *tokens = text.split()
        values: dict[str, ValueKind] = {token[:-1]: _KINDS[token[-1]] for token in tokens if token[-1] in _KINDS}
        optional = frozenset(token[:-1] for token in tokens if token.endswith("?"))
        return cls(
            operands=cast("Operands", operands),
            flags=frozenset(token for token in tokens if token[-1] not in ":@?") | optional,
            values=values,
            optional=optional,
            has_numbers="-NUM" in tokens,
        )


_KINDS: dict[str, ValueKind] = {":": "text", "@": "path"}


@dataclass
class Arguments:
    """Arguments taken apart. `problem` is empty when all of them are in the grammar."""

    operands: list[Word] = field(default_factory=list[Word])
    paths: list[Word] = field(default_factory=list[Word])
    """Values of options that name files to read."""
    options: dict[str, list[Word]] = field(default_factory=dict[str, list[Word]])
    """Every option given, with its values in order; flags have none."""
    problem: str = ""

    @property
    def read_paths(self) -> list[Word]:
        """Options' paths first, then operands."""
        return [*self.paths, *self.operands]


def parse(args: Sequence[Word], grammar: Grammar, *, is_wrapper: bool = False) -> Arguments:
    """Take arguments apart; stops at the first problem. A wrapper's options end at its first operand."""
    taken = Arguments()
    rest = list(args)
    while rest and not taken.problem:
        word = rest.pop(0)
        text = word.text
        if text is None and not word.is_pipe and grammar.operands != "TEXT":
            taken.problem = f"`{word.raw}` might turn out to be an option"
        elif text is None or word.has_glob or text == "-" or not text.startswith("-"):
            taken.operands.append(word)
            if is_wrapper:
                taken.operands += rest
                rest = []
            if text is not None and word.has_glob and text.startswith("-"):
                taken.problem = f"`{word.raw}` might turn out to be an option"
        elif text == "--":
            taken.operands += rest
            rest = []
        elif text.startswith("--"):
            _long(text, rest, grammar, taken)
        elif grammar.has_numbers and text[1:].isdigit():
            taken.options["-NUM"] = []
        else:
            _cluster(text, rest, grammar, taken)
    if is_wrapper and taken.problem:
        taken.operands += dropwhile(lambda word: word.raw.startswith("-"), rest)
    return taken


def judge_operands(taken: Arguments, grammar: Grammar) -> list[Word]:
    """The operands that are paths to be read; sets `problem` when there are too many."""
    match grammar.operands:
        case "TEXT":
            return list(taken.paths)
        case "LIST":
            if taken.operands and not _ASKS_FOR_A_LIST.intersection(taken.options):
                taken.problem = taken.problem or f"`{taken.operands[0].raw}` may be created by it"
            return []
        case "NONE":
            if taken.operands:
                taken.problem = taken.problem or f"takes no argument such as `{taken.operands[0].raw}`"
            return list(taken.paths)
        case "ONE":
            if len(taken.operands) > 1 or any(word.has_glob or word.is_several for word in taken.operands):
                taken.problem = taken.problem or "a second argument is a file that it writes"
            return taken.read_paths
        case "PATTERN":
            is_given = bool(_GIVES_PATTERN.intersection(taken.options))
            return [*taken.paths, *(taken.operands if is_given else taken.operands[1:])]
        case "PATHS":
            return taken.read_paths


def _long(text: str, rest: list[Word], grammar: Grammar, taken: Arguments) -> None:
    name, equals, value = text.partition("=")
    if name in grammar.values:
        if equals:
            given = Word.of(value)
        elif rest:
            given = rest.pop(0)
        else:
            taken.problem = f"`{name}` lacks its value"
            return
        _take(name, given, grammar, taken)
    elif name in grammar.flags and (not equals or name in grammar.optional):
        taken.options.setdefault(name, [])
    else:
        taken.problem = f"the option `{name}` is not known to be harmless"


def _cluster(text: str, rest: list[Word], grammar: Grammar, taken: Arguments) -> None:
    for index, letter in enumerate(text[1:], start=1):
        name = f"-{letter}"
        if name in grammar.values:
            if index + 1 < len(text):
                given = Word.of(text[index + 1 :])
            elif rest:
                given = rest.pop(0)
            else:
                taken.problem = f"`{name}` lacks its value"
                return
            _take(name, given, grammar, taken)
            return
        if name not in grammar.flags:
            taken.problem = f"the option `{name}` is not known to be harmless"
            return
        taken.options.setdefault(name, [])


def _take(name: str, given: Word, grammar: Grammar, taken: Arguments) -> None:
    taken.options.setdefault(name, []).append(given)
    if grammar.values[name] == "path":
        taken.paths.append(given)
    elif given.literal is None:
        taken.problem = f"the value of `{name}` is not known before it runs"
