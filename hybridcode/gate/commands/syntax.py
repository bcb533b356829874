"""Reads shell text with tree-sitter-bash into a Script, by a closed list of node types.

Invariant: every command of the text is in the Script, also those inside constructs that are not on the list; whatever
is not on the list leaves an oddity, and so keeps the script from being called harmless.
"""

import re
from collections.abc import Iterable, Mapping

import tree_sitter_bash
from msgspec.structs import replace
from tree_sitter import Language, Node, Parser

from hybridcode.gate.commands.shell import Command, Redirect, Script, Word, names
from hybridcode.gate.commands.trees import LOOP, assignments, has_hidden_seam, is_straight
from hybridcode.gate.commands.words import WORDS as _WORDS
from hybridcode.gate.commands.words import WordReader

_LANGUAGE = Language(tree_sitter_bash.language())


_SEQUENCES = names(
    "program list compound_statement subshell do_group negated_command if_statement elif_clause else_clause"
)
_TESTS = names("test_command unary_expression binary_expression parenthesized_expression negation_expression")
_JOINED_LINE = re.compile(r"(?:[^\s\\]|\\[ \t])\\\n\S|\\\\\n")
_SEAM = "words that may be read in two ways"
_SWALLOWED_NEWLINE = re.compile(r"\n(?=\\[^\n])")
"""The grammar takes a newline and the backslash behind it for the inside of a word; behind a blank it does not."""
_ESCAPES = re.compile(r"'[^']*'|\"(?:\\.|[^\"\\])*\"|\\(?P<escaped>.)", re.DOTALL)
"""What is quoted, and backslashes outside: the grammar ends a word between the two, and bash does not."""
_NOT_ASCII = re.compile(r"[^\x00-\x7f]")
_MAX_DEPTH = 60
_MAX_VALUES = 8
_CASE_ENDS = names(";; ;& ;;&")


def parse(text: str, known: Mapping[str, str]) -> Script:
    """Read shell text. `known` holds values of variables (HOME, PWD) and of GIT_ROOT."""
    script = _read(text, known)
    if _SEAM not in script.oddities:
        return script
    apart = _SWALLOWED_NEWLINE.sub(r"\n ", text)
    others = dict.fromkeys((apart, _ESCAPES.sub(_requoted, text), _ESCAPES.sub(_requoted, apart)))
    read_otherwise = [command for other in others if other != text for command in _read(other, known).commands]
    return replace(script, commands=(*script.commands, *read_otherwise))


def _requoted(found: re.Match[str]) -> str:
    match found["escaped"]:
        case None | "\n":
            return found[0]
        case "'":
            return '"\'"'
        case character:
            return f"'{character}'"


def _read(text: str, known: Mapping[str, str]) -> Script:
    # The grammar's scanner reads beyond its tables for large code points and can take the process down with it. It gets
    # a stand-in for every such character, of one byte, so that its byte offsets are offsets in `text`.
    root = Parser(_LANGUAGE).parse(_NOT_ASCII.sub("^", text).encode()).root_node
    assigned = assignments(root)
    walk = _Walk(text, {name: value for name, value in known.items() if name not in assigned}, assigned)
    try:
        walk.statement(root)
    except RecursionError:
        return Script(tuple(walk.commands), tuple(walk.oddities), broken="is nested too deeply")
    if has_hidden_seam(root, text, _WORDS):
        walk.odd(_SEAM)
    if _JOINED_LINE.search(text):
        walk.odd("a word that is continued on the next line")
    broken = "cannot be parsed as a shell command" if root.has_error else walk.broken
    return Script(tuple(walk.commands), tuple(walk.oddities), broken)


class _Walk(WordReader):
    def __init__(self, source: str, known: Mapping[str, str], assigned: Mapping[str, int]) -> None:
        super().__init__(source, known)
        self.assigned = assigned
        self.depth = 0
        self.loops = 0
        self.function = ""
        self.broken = ""

    def inside(self, node: Node) -> None:
        self._sequence(node, ())

    def again(self, text: str) -> Script:
        return parse(text, self.known)

    def statement(self, node: Node, upstream: tuple[Command, ...] = ()) -> tuple[Command, ...]:
        """Collect a statement's commands; gives back the new ones."""
        first = len(self.commands)
        self.depth += 1
        if self.depth > _MAX_DEPTH:
            raise RecursionError
        self._statement(node, upstream)
        self.depth -= 1
        return tuple(self.commands[first:])

    def _statement(self, node: Node, upstream: tuple[Command, ...]) -> None:
        match node.type:
            case "comment":
                return
            case kind if kind in _SEQUENCES:
                self._sequence(node, upstream)
            case "while_statement":
                self.loops += 1
                self._sequence(node, upstream)
                self.loops -= 1
            case "for_statement":
                self._for(node, upstream)
            case "pipeline":
                self._pipeline(node, upstream)
            case "redirected_statement":
                self._redirected(node, upstream)
            case "command":
                self._command(node, upstream)
            case "variable_assignment" | "variable_assignments":
                self._assignment(node)
            case kind if kind in _TESTS:
                name = "[" if kind == "test_command" and node.children[0].type == "[" else "[["
                self._add(Command(Word.of(name), tuple(self._test_words(node)), upstream=upstream))
            case "case_statement":
                self._case(node, upstream)
            case "file_redirect":
                self._add(Command(None, redirects=(self._redirect(node),), upstream=upstream))
            case "function_definition":
                self._function(node)
            case "declaration_command" | "unset_command":
                self._declaration(node)
            case kind if kind in _WORDS:
                self.word(node)
            case "ERROR":
                self._sequence(node, upstream)
            case _:
                self.odd(f"shell syntax ({node.type.replace('_', ' ')})")
                self._sequence(node, upstream)

    def _add(self, command: Command) -> None:
        self.commands.append(command)

    def _sequence(self, node: Node, upstream: tuple[Command, ...]) -> None:
        for child in node.children:
            if child.is_named:
                self.statement(child, upstream)
            elif child.type == "&":
                self.odd("a command in the background")
            elif child.type in _CASE_ENDS:
                self.broken = f"holds `{child.type}` outside `case`"

    def _pipeline(self, node: Node, upstream: tuple[Command, ...]) -> None:
        for child in node.named_children:
            upstream = (*upstream, *self.statement(child, upstream))

    def _case(self, node: Node, upstream: tuple[Command, ...]) -> None:
        for child in node.named_children:
            if child.type in _WORDS:
                self.word(child)
                continue
            for inner in child.named_children:
                if inner.type in _WORDS:
                    self.word(inner)
                else:
                    self.statement(inner, upstream)

    def _for(self, node: Node, upstream: tuple[Command, ...]) -> None:
        body, variable = node.child_by_field_name("body"), node.child_by_field_name("variable")
        if node.children[0].type != "for":
            self.odd("a menu")
        values = [self.word(child) for child in node.named_children if child != body and child.type in _WORDS]
        name = self.raw(variable) if variable is not None else ""
        is_known = self.assigned.get(name) == LOOP and 0 < len(values) <= _MAX_VALUES
        if is_known and all(value.text is not None for value in values):
            self.loop_values[name] = tuple(values)
        if body is not None:
            self.loops += 1
            self.statement(body, upstream)
            self.loops -= 1
        self.loop_values.pop(name, None)

    def _function(self, node: Node) -> None:
        self.odd("a function definition")
        name, body = node.child_by_field_name("name"), node.child_by_field_name("body")
        outer, self.function = self.function, self.raw(name) if name else ""
        if body is not None:
            self.statement(body)
        self.function = outer

    def _declaration(self, node: Node) -> None:
        name = Word.of(self.raw(node.children[0]))
        pairs = [self._pair(child) for child in node.named_children if child.type == "variable_assignment"]
        words = [self.word(child) for child in node.named_children if child.type in _WORDS]
        self._add(Command(name, tuple(words), assignments=tuple(pairs)))

    def _assignment(self, node: Node) -> None:
        nodes = node.named_children if node.type == "variable_assignments" else [node]
        pairs = tuple(self._pair(child) for child in nodes)
        for name, value in pairs:
            if self.assigned.get(name) == 1 and value.literal is not None and is_straight(node):
                self.known[name] = value.literal
        self._add(Command(None, assignments=pairs))

    def _pair(self, node: Node) -> tuple[str, Word]:
        name, value = node.child_by_field_name("name"), node.child_by_field_name("value")
        key = self.raw(name) if name else ""
        if "+=" in self.raw(node)[: len(key) + 2] or (name and name.type != "variable_name"):
            self.odd("an assignment that depends on the run")
            if name is not None:
                self._sequence(name, ())
        if value is None:
            return key, Word.of("")
        if value.type not in _WORDS:
            self.odd(f"shell syntax ({value.type.replace('_', ' ')})")
            inner = self.statement(value)
            return key, Word(self.raw(value), None, inner=inner)
        return key, self.word(value)

    def _test_words(self, node: Node) -> Iterable[Word]:
        for child in node.named_children:
            if child.type in _WORDS:
                yield self.word(child)
            elif child.type in _TESTS:
                yield from self._test_words(child)
            elif child.type == "test_operator":
                yield Word.of(self.raw(child))
            else:
                self.odd(f"shell syntax ({child.type.replace('_', ' ')})")
                self.statement(child)

    def _command(self, node: Node, upstream: tuple[Command, ...]) -> None:
        name: Word | None = None
        args: list[Word] = []
        pairs: list[tuple[str, Word]] = []
        redirects: list[Redirect] = []
        stdin: Word | None = None
        if any(not child.is_named for child in node.children):
            self.odd("a word that is only a sign")
        for child in node.named_children:
            match child.type:
                case "command_name":
                    name = self.word(child.named_children[0]) if child.named_children else None
                case "variable_assignment":
                    pairs.append(self._pair(child))
                case "file_redirect":
                    redirects.append(self._redirect(child))
                case "herestring_redirect":
                    stdin = self._here_string(child)
                case kind if kind in _WORDS:
                    args.append(self.word(child))
                case "comment":
                    pass
                case _:
                    self.odd(f"shell syntax ({child.type.replace('_', ' ')})")
                    self.statement(child)
        self._add(
            Command(name, tuple(args), tuple(pairs), tuple(redirects), upstream, stdin, self.loops > 0, self.function)
        )

    def _redirected(self, node: Node, upstream: tuple[Command, ...]) -> None:
        body = node.child_by_field_name("body")
        first = len(self.commands)
        if body is not None:
            self.statement(body, upstream)
        end = len(self.commands)
        redirects: list[Redirect] = []
        stdin: Word | None = None
        heredocs: list[Node] = []
        for child in node.named_children:
            match child.type:
                case "file_redirect":
                    redirects.append(self._redirect(child))
                case "herestring_redirect":
                    stdin = self._here_string(child)
                case "heredoc_redirect":
                    heredocs.append(child)
                    stdin = self._here_document(child)
                case _:
                    pass
        here = self._attach(range(first, end), redirects, stdin, upstream)
        for heredoc in heredocs:
            for child in heredoc.named_children:
                if child.type == "file_redirect":
                    self._add(Command(None, redirects=(self._redirect(child),)))
                elif not child.type.startswith("heredoc_"):
                    self.statement(child, (*upstream, *here))

    def _attach(
        self, body: range, redirects: list[Redirect], stdin: Word | None, upstream: tuple[Command, ...]
    ) -> tuple[Command, ...]:
        """Hang redirections on the last command of the body, and what it reads on all of its commands."""
        if not body:
            self._add(Command(None, redirects=tuple(redirects), upstream=upstream, stdin=stdin))
            return (self.commands[-1],)
        for index in body:
            self.commands[index] = replace(self.commands[index], stdin=self.commands[index].stdin or stdin)
        last = self.commands[body[-1]]
        self.commands[body[-1]] = replace(last, redirects=(*last.redirects, *redirects))
        return tuple(self.commands[body[0] : body[-1] + 1])

    def _redirect(self, node: Node) -> Redirect:
        operator = "".join(self.raw(child) for child in node.children if not child.is_named)
        target = next((child for child in node.named_children if child.type in _WORDS), None)
        if any(child.type == "ERROR" for child in node.named_children):
            operator = "<>"
        return Redirect(operator, self.word(target) if target is not None else None)

    def _here_string(self, node: Node) -> Word | None:
        return next((self.word(child) for child in node.named_children if child.type in _WORDS), None)

    def _here_document(self, node: Node) -> Word:
        self.odd("a here-document")
        body = next((child for child in node.named_children if child.type == "heredoc_body"), None)
        if body is None:
            return Word.of("")
        inner = [command for child in body.named_children if child.type in _WORDS for command in self.word(child).inner]
        return Word(self.raw(body), None if inner else self.raw(body), inner=tuple(inner))
