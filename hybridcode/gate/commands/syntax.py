"""Reads shell text with tree-sitter-bash into a Script, by a closed list of node types.

Invariant: every command of the text is in the Script, also those inside constructs that are not on the list; whatever
is not on the list leaves an oddity, and so keeps the script from being called harmless.
"""

import re
from collections.abc import Iterable, Mapping

import tree_sitter_bash
from tree_sitter import Language, Node, Parser

from hybridcode.gate.commands.quotes import decode_ansi, unescape_double, unquoted
from hybridcode.gate.commands.shell import Command, Redirect, Script, Word, names
from hybridcode.gate.commands.trees import assignments, is_straight

_LANGUAGE = Language(tree_sitter_bash.language())


_SEQUENCES = names(
    "program list compound_statement subshell do_group negated_command if_statement elif_clause else_clause"
)
_WORDS = names(
    "word number string raw_string ansi_c_string concatenation simple_expansion expansion command_substitution "
    "process_substitution arithmetic_expansion translated_string brace_expression regex extglob_pattern"
)
_TESTS = names("test_command unary_expression binary_expression parenthesized_expression negation_expression")
_JOINED_LINE = re.compile(r"[^\s\\]\\\n\S|\\\\\n")
_NOT_ASCII = re.compile(r"[^\x00-\x7f]")
_MAX_DEPTH = 60

GIT_ROOT = "git rev-parse --show-toplevel"
"""Key of `known` for the value of this substitution."""


def parse(text: str, known: Mapping[str, str]) -> Script:
    """Read shell text. `known` holds values of variables (HOME, PWD) and of GIT_ROOT."""
    # The grammar's scanner reads beyond its tables for large code points and can take the process down with it. It gets
    # a stand-in for every such character, of one byte, so that its byte offsets are offsets in `text`.
    root = Parser(_LANGUAGE).parse(_NOT_ASCII.sub("^", text).encode()).root_node
    assigned = assignments(root)
    once = frozenset(name for name, count in assigned.items() if count == 1)
    walk = _Walk(text, {name: value for name, value in known.items() if name not in assigned}, once)
    try:
        walk.statement(root)
    except RecursionError:
        return Script(tuple(walk.commands), tuple(walk.oddities), broken="is nested too deeply")
    if _JOINED_LINE.search(text):
        walk.odd("a word that is continued on the next line")
    broken = "cannot be parsed as a shell command" if root.has_error else ""
    return Script(tuple(walk.commands), tuple(walk.oddities), broken)


class _Walk:
    def __init__(self, source: str, known: Mapping[str, str], bindable: frozenset[str]) -> None:
        self.source = source
        self.known = dict(known)
        self.bindable = bindable
        self.commands: list[Command] = []
        self.oddities: dict[str, None] = {}
        self.depth = 0
        self.loops = 0
        self.function = ""

    def raw(self, node: Node) -> str:
        """A node as written."""
        return self.source[node.start_byte : node.end_byte]

    def odd(self, what: str) -> None:
        self.oddities[what] = None

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
                self._add(Command(Word.of("test"), tuple(self._test_words(node)), upstream=upstream))
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

    def _pipeline(self, node: Node, upstream: tuple[Command, ...]) -> None:
        for child in node.named_children:
            upstream = (*upstream, *self.statement(child, upstream))

    def _for(self, node: Node, upstream: tuple[Command, ...]) -> None:
        body = node.child_by_field_name("body")
        for child in node.named_children:
            if child != body and child.type in _WORDS:
                self.word(child)
        if body is not None:
            self.loops += 1
            self.statement(body, upstream)
            self.loops -= 1

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
            if name in self.bindable and value.literal is not None and is_straight(node):
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
        here = self._attach(first, redirects, stdin, upstream)
        for heredoc in heredocs:
            for child in heredoc.named_children:
                if child.type == "file_redirect":
                    self._add(Command(None, redirects=(self._redirect(child),)))
                elif not child.type.startswith("heredoc_"):
                    self.statement(child, (*upstream, *here))

    def _attach(
        self, first: int, redirects: list[Redirect], stdin: Word | None, upstream: tuple[Command, ...]
    ) -> tuple[Command, ...]:
        """Hang redirections on the last command of the body, where bash would open them."""
        if len(self.commands) == first:
            self._add(Command(None, redirects=tuple(redirects), upstream=upstream, stdin=stdin))
        else:
            old = self.commands[-1]
            self.commands[-1] = Command(
                old.name,
                old.args,
                old.assignments,
                (*old.redirects, *redirects),
                old.upstream,
                stdin or old.stdin,
                old.in_loop,
                old.function,
            )
        return tuple(self.commands[first:])

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

    def word(self, node: Node) -> Word:
        """The value of a word node."""
        first = len(self.commands)
        raw = self.raw(node)
        text, has_glob = self._text(node, is_quoted=False)
        if node.type == "process_substitution":
            return Word(raw, None, is_pipe=True, inner=tuple(self.commands[first:]))
        if text is not None and text.startswith("~") and not raw.startswith(("'", '"', "\\", "$")):
            text = self._tilde(text) if raw.startswith(text.partition("/")[0]) else None
        return Word(raw, text, has_glob, inner=tuple(self.commands[first:]))

    def _tilde(self, text: str) -> str | None:
        prefix, slash, rest = text.partition("/")
        base = {"~": self.known.get("HOME"), "~+": self.known.get("PWD")}.get(prefix)
        if base is None:
            return None if slash or prefix in ("~", "~+", "~-") else text
        return base + slash + rest

    def _text(self, node: Node, *, is_quoted: bool) -> tuple[str | None, bool]:
        raw = self.raw(node)
        match node.type:
            case "word" | "number":
                return unquoted(raw)
            case "raw_string":
                return raw[1:-1], False
            case "ansi_c_string":
                text, is_encoded = decode_ansi(raw[2:-1])
                if is_encoded:
                    self.odd("an encoded string")
                return text, False
            case "string":
                return self._joined(node, is_quoted=True), False
            case "concatenation":
                return self._concatenation(node)
            case "simple_expansion" | "expansion":
                return self._variable(node, is_quoted=is_quoted), False
            case "command_substitution":
                return self._substitution(node), False
            case "process_substitution":
                self._sequence(node, ())
                return None, False
            case "regex" | "extglob_pattern":
                return raw, False
            case _:
                self.odd(f"shell syntax ({node.type.replace('_', ' ')})")
                self._sequence(node, ())
                return None, False

    def _joined(self, node: Node, *, is_quoted: bool) -> str | None:
        """A double-quoted string: literal stretches between the expansions."""
        pieces: list[str | None] = []
        position, end = node.start_byte + 1, node.end_byte - 1
        for child in node.named_children:
            if child.type == "string_content":
                continue
            pieces.append(unescape_double(self.source[position : child.start_byte]))
            pieces.append(self._text(child, is_quoted=is_quoted)[0])
            position = child.end_byte
        pieces.append(unescape_double(self.source[position:end]))
        return None if None in pieces else "".join(piece for piece in pieces if piece is not None)

    def _concatenation(self, node: Node) -> tuple[str | None, bool]:
        parts = [(child, *self._text(child, is_quoted=False)) for child in node.named_children]
        has_glob = any(is_glob for _, _, is_glob in parts)
        texts = [text for _, text, _ in parts]
        bare = "".join(self.raw(child) for child, _, _ in parts if child.type in ("word", "number"))
        braces = "{" in bare and "}" in bare and ("," in bare or ".." in bare)
        tilde = bare.startswith("~") != ((texts[0] or "").startswith("~") and parts[0][0].type == "word")
        if None in texts or braces or tilde:
            return None, has_glob
        quoted = "".join(text or "" for child, text, _ in parts if child.type not in ("word", "number"))
        if has_glob and re.search(r"[*?\[]", quoted):
            return None, True
        return "".join(text for text in texts if text is not None), has_glob

    def _variable(self, node: Node, *, is_quoted: bool) -> str | None:
        raw = self.raw(node)
        if (plain := re.fullmatch(r"\$(?:\{(\w+)\}|(\w+))", raw)) is None:
            if node.type == "expansion":
                self.odd("a parameter expansion")
                self._sequence(node, ())
            return None
        value = self.known.get(plain[1] or plain[2])
        if value is None or is_quoted or not re.search(r"[\s*?\[]", value):
            return value
        return None

    def _substitution(self, node: Node) -> str | None:
        first = len(self.commands)
        raw = self.raw(node)
        if raw.startswith("`"):
            self._backticks(raw)
        else:
            self._sequence(node, ())
        inner = self.commands[first:]
        if len(inner) != 1 or inner[0].redirects or inner[0].assignments:
            return None
        return self.known.get({"pwd": "PWD", GIT_ROOT: GIT_ROOT}.get(inner[0].line, ""))

    def _backticks(self, raw: str) -> None:
        """Old-style substitution: bash removes one layer of backslashes before it parses the inside."""
        script = parse(re.sub(r"\\([`\\$])", r"\1", raw[1:-1]), self.known)
        self.commands += script.commands
        self.oddities |= dict.fromkeys(script.oddities)
        if script.broken:
            self.odd("a substitution that cannot be parsed")
