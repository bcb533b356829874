"""Training and evaluation examples for the tiny model: the demo's edits and generated edits in the same two formats.

Invariant: every prompt comes from hybridcode.models.tiny_prompt, and equal seeds give equal examples.
"""

import ast
import json
import random
import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

import msgspec

from hybridcode.domain.plan import Plan, Region
from hybridcode.models.tiny_prompt import language, render_region, render_whole

ROOT = Path(__file__).resolve().parents[1]
ASSETS = ROOT / "hybridcode" / "assets"
DEMO = ASSETS / "demo"

WORDS = (ROOT / "tools" / "tiny_words.txt").read_text("utf-8").split()
HELD_OUT = (ROOT / "tools" / "tiny_words_held_out.txt").read_text("utf-8").split()
"""Words that no training example uses."""
_LETTERS = "abcdefghijklmnopqrstuvwxyz"
_TYPES = ("int", "str", "float", "bool", "list[int]", "None")


@dataclass(frozen=True)
class Example:
    """One request and the answer it should get."""

    kind: str
    """Groups the scores."""
    system: str
    user: str
    answer: str
    before: str = ""
    """What an answer without any edit would be; empty for a new file."""


def fence(path: str, lines: str) -> str:
    """The answer format: one Markdown fence, no line end after it."""
    return f"```{language(path)}\n{lines}\n```"


# The demo ------------------------------------------------------------------------------------------------------------


def demo_examples() -> list[Example]:
    """Every request of the demo, with its region as it looks after the steps that it needs."""
    plan = msgspec.json.decode((DEMO / "plan.json").read_bytes(), type=Plan)
    answers: dict[str, dict[str, str]] = json.loads((DEMO / "answers.json").read_text("utf-8"))
    tree = {
        path.relative_to(DEMO / "repo").as_posix(): path.read_text("utf-8") for path in (DEMO / "repo").rglob("*.py")
    }
    made: list[Example] = []
    for step in plan.steps:
        for region in step.regions:
            answer = answers[step.id][str(region)]
            lines = answer.split("\n")[1:-1]
            if step.kind == "create":
                made.append(Example("demo", *render_whole(region.path, step.goal), answer))
                tree[region.path] = "\n".join([*lines, ""])
                continue
            source = tree[region.path].split("\n")
            first, last = region_lines(tree[region.path], region)
            code = "\n".join(source[first - 1 : last])
            made.append(Example("demo", *render_region(region.path, code, step.goal), answer, fence(region.path, code)))
            tree[region.path] = "\n".join([*source[: first - 1], *lines, *source[last:]])
    return made


def region_lines(source: str, region: Region) -> tuple[int, int]:
    """First and last line (1-based) of a dotted symbol or a constant of Python source. Raises LookupError."""
    body: Sequence[ast.stmt] = ast.parse(source).body
    found: ast.stmt | None = None
    for name in (region.symbol or "").split("."):
        found = next((node for node in body if name in _names(node)), None)
        if found is None:
            raise LookupError(f"no {region.symbol} in {region.path}")
        body = found.body if isinstance(found, ast.ClassDef) else []
    if found is None or found.end_lineno is None:
        raise LookupError(str(region))
    decorators = getattr(found, "decorator_list", [])
    return min([found.lineno, *(node.lineno for node in decorators)]), found.end_lineno


def _names(node: ast.stmt) -> list[str]:
    if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef | ast.ClassDef):
        return [node.name]
    targets = node.targets if isinstance(node, ast.Assign) else [node.target] if isinstance(node, ast.AnnAssign) else []
    return [target.id for target in targets if isinstance(target, ast.Name)]


# Generated edits -----------------------------------------------------------------------------------------------------


class Writer:
    """Writes small random Python from a vocabulary of words; `letters` is the share of made-up identifiers."""

    def __init__(self, rng: random.Random, *, words: Sequence[str] = WORDS, letters: float = 0.35) -> None:
        self.rng = rng
        self.words = words
        self.letters = letters

    def word(self) -> str:
        if self.rng.random() < self.letters:
            return "".join(self.rng.choices(_LETTERS, k=self.rng.randrange(2, 7)))
        return self.rng.choice(self.words)

    def name(self) -> str:
        return "_".join(self.word() for _ in range(self.rng.choice([1, 2, 2, 3])))

    def klass(self) -> str:
        return "".join(self.word().capitalize() for _ in range(self.rng.choice([1, 2])))

    def value(self) -> str:
        match self.rng.randrange(5):
            case 0 | 1:
                return str(self.rng.randrange(self.rng.choice([10, 100, 10000])))
            case 2:
                return f"{self.rng.randrange(100)}.{self.rng.randrange(100)}"
            case 3:
                return '"' + "-".join(self.word() for _ in range(self.rng.randrange(1, 3))) + '"'
            case _:
                return self.rng.choice(["True", "False", "None", "[]", "{}", "()"])

    def path(self) -> str:
        return self.rng.choice(["src/", "app/", "lib/", "shop/", "tests/", "", "pkg/core/"]) + self.name() + ".py"

    def statement(self, names: Sequence[str]) -> str:
        """A line of a body that uses some of `names`."""
        a, b, c = (self.rng.choice(names) if self.rng.random() < 0.5 else self.name() for _ in range(3))
        forms = (
            f"{a} = {b}",
            f"{a} = {b}({c})",
            f"{a} = {b}.{c}()",
            f"{a} += {self.rng.randrange(1, 50)}",
            f"{a}.{b}({c})",
            f"print({a}, {b})",
            f"{a} = [{b}, {c}]",
            f"{a}.append({b}({c}))",
            f"self.assertEqual({a}({b}), {self.value()})",
            f'rows.append(f"{self.word().capitalize()}: {{{b}({c})}}")',
            f"{a} = sum({b}.{c} for {b} in {a})",
        )
        return self.rng.choice(forms)

    def signature(self, name: str, parameters: Sequence[str]) -> str:
        returns = f" -> {self.rng.choice(_TYPES)}" if self.rng.random() < 0.7 else ""
        return f"def {name}({', '.join(parameters)}){returns}:"

    def parameters(self) -> list[str]:
        names = [self.name() for _ in range(self.rng.randrange(0, 3))]
        return [f"{name}: {self.rng.choice(_TYPES)}" if self.rng.random() < 0.7 else name for name in names]

    def function(self, name: str, *, uses: Sequence[str] = (), length: int = 3) -> list[str]:
        """A function of 1..`length` statements that mentions every name of `uses`."""
        parameters = self.parameters()
        known = [*(part.split(":")[0] for part in parameters), *uses, self.name()]
        lines = [self.signature(name, parameters)]
        if self.rng.random() < 0.5:
            lines.append(f'    """{self.sentence()}"""')
        body = [self.statement(known) for _ in range(self.rng.randrange(0, length))]
        body += [
            self.rng.choice([f"{self.name()} = {use}({self.name()})", f"self.{use}()", f"{self.name()}.{use}()"])
            for use in uses
        ]
        self.rng.shuffle(body)
        if self.rng.random() < 0.6 or not body:
            body.append(f"return {self.expression(known)}")
        return lines + ["    " + line for line in body]

    def expression(self, names: Sequence[str]) -> str:
        a, b = (self.rng.choice(names) for _ in range(2))
        return self.rng.choice([a, f"{a} + {b}", f"{a} * {self.rng.randrange(2, 100)}", f"{b}({a})", self.value()])

    def sentence(self) -> str:
        words = [self.word() for _ in range(self.rng.randrange(2, 7))]
        return " ".join(words).capitalize() + "."

    def indented(self, lines: Sequence[str]) -> str:
        """The lines as a method or as a top-level function."""
        margin = self.rng.choice(["", "", "    "])
        return "\n".join(margin + line if line else line for line in lines)


def set_constant(write: Writer) -> Example:
    """`NAME = old` becomes `NAME = new`."""
    path, name = write.path(), write.name().upper()
    old, new = write.value(), write.value()
    note = write.rng.choice(["", "", f"  # {write.word()}"])
    goal = write.rng.choice([f"Set {name} to {new}.", f"Set {name} to {new}.", f"Change {name} from {old} to {new}."])
    return _region("constant", path, f"{name} = {old}{note}", goal, f"{name} = {new}{note}")


def rename(write: Writer) -> Example:
    """A name is replaced wherever it stands in the region: at its definition, at a caller, or both."""
    path, old, new, owner = write.path(), write.name(), write.name(), write.klass()
    is_definition = write.rng.random() < 0.5
    uses = [old] if not is_definition or write.rng.random() < 0.2 else []
    code = write.indented(write.function(old if is_definition else write.name(), uses=uses))
    goals = (f"Rename {old} to {new}.", f"Rename the method {old} of {owner} to {new}.", f"Rename {old} to {new} here.")
    return _region("rename", path, code, write.rng.choice(goals), _replace_name(code, old, new))


def add_line(write: Writer) -> Example:
    """One statement is put after another one."""
    path, lines = write.path(), write.function(write.name())
    at = write.rng.randrange(1, len(lines))
    new = write.statement([write.name()])
    goal = f"Add `{new}` after `{lines[at].strip()}`."
    return _region(
        "add line", path, "\n".join(lines), goal, "\n".join([*lines[: at + 1], "    " + new, *lines[at + 1 :]])
    )


def add_function(write: Writer) -> Example:
    """A new function follows the region's own one."""
    path, old, new = write.path(), write.name(), write.name()
    parameters = [write.name() for _ in range(write.rng.randrange(1, 3))]
    result = write.expression(parameters)
    lines = write.function(old)
    added = ["", "", f"def {new}({', '.join(parameters)}):", f"    return {result}"]
    goal = f"Add a function {new}({', '.join(parameters)}) after {old}; it returns {result}."
    return _region("add function", path, "\n".join(lines), goal, "\n".join([*lines, *added]))


def create_constants(write: Writer) -> Example:
    """A new file with constants."""
    path = write.path()
    pairs = [(write.name().upper(), write.value()) for _ in range(write.rng.randrange(1, 4))]
    goal = "Define " + ", ".join(f"{name} = {value}" for name, value in pairs) + "."
    answer = fence(path, "\n".join(f"{name} = {value}" for name, value in pairs))
    return Example("create", *render_whole(path, goal), answer)


def create_function(write: Writer) -> Example:
    """A new file with one function."""
    path, name = write.path(), write.name()
    parameters = [write.name() for _ in range(write.rng.randrange(1, 3))]
    result, title = write.expression(parameters), write.sentence()
    goal = f"Write {name}({', '.join(parameters)}), which returns {result}. Docstring: {title}"
    lines = [f'"""{title}"""', "", "", f"def {name}({', '.join(parameters)}):", f"    return {result}"]
    return Example("create", *render_whole(path, goal), fence(path, "\n".join(lines)))


GENERATORS: tuple[Callable[[Writer], Example], ...] = (
    set_constant,
    rename,
    rename,
    add_line,
    add_function,
    create_constants,
    create_function,
)


def generic_example(write: Writer) -> Example:
    """One generated edit of a random kind."""
    return write.rng.choice(GENERATORS)(write)


def _region(kind: str, path: str, code: str, goal: str, new: str) -> Example:
    return Example(kind, *render_region(path, code, goal), fence(path, new), fence(path, code))


def _replace_name(code: str, old: str, new: str) -> str:
    return re.sub(rf"(?<!\w){re.escape(old)}(?!\w)", new, code)
