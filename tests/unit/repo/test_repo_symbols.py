import pytest

from hybridcode.repo.grammars import GRAMMARS, language_of
from hybridcode.repo.symbols import Symbol, candidates, error_count, find, outline

PYTHON = b"""import os

RATE: float = 0.2


@cache
def total(
    lines: list[int],
) -> int:
    def inner():
        pass
    return sum(lines)


class Cart(Base):
    size = 3

    @property
    def total(self) -> int:
        return 1


if os.name == "nt":
    def only_there(): ...
"""


def shape(symbols: tuple[Symbol, ...]) -> list[tuple[str, str, int, int]]:
    return [(symbol.name, symbol.kind, symbol.start, symbol.end) for symbol in symbols]


def test_python_definitions_with_decorators_constants_and_fields() -> None:
    assert shape(outline("a.py", PYTHON)) == [
        ("RATE", "constant", 3, 3),
        ("total", "function", 6, 11 + 1),
        ("Cart", "class", 15, 20),
        ("Cart.size", "field", 16, 16),
        ("Cart.total", "method", 18, 20),
        ("only_there", "function", 24, 24),
    ]


def test_signature_stands_on_one_line_without_the_body() -> None:
    signatures = {symbol.name: symbol.signature for symbol in outline("a.py", PYTHON)}
    assert signatures["total"] == "def total( lines: list[int], ) -> int:"
    assert signatures["Cart"] == "class Cart(Base):"
    assert signatures["RATE"] == "RATE: float = 0.2"


def test_an_exact_name_wins_over_an_ending() -> None:
    found = find("a.py", PYTHON, "total")
    assert found is not None
    assert found.start == 6
    assert [symbol.name for symbol in candidates("a.py", PYTHON, "Cart::total()")] == ["Cart.total"]
    assert find("a.py", PYTHON, "size") == find("a.py", PYTHON, "Cart.size")
    assert find("a.py", PYTHON, "tot") is None
    assert find("a.py", PYTHON, "") is None


def test_a_name_defined_twice_is_nobody() -> None:
    data = b"try:\n    def f(): ...\nexcept E:\n    def f(): ...\n"
    assert find("a.py", data, "f") is None
    assert [symbol.start for symbol in candidates("a.py", data, "f")] == [2, 4]


@pytest.mark.parametrize(
    ("path", "source", "expected"),
    [
        (
            "a.tsx",
            "export const a = (x: number) => x;\nexport class C<T> { private n = 1; @dec() m(): void {} }\n"
            "interface I { a: string }\nnamespace N { export function q() {} }\nlet b = 1, c = function () {};\n",
            [("a", "function", 1, 1), ("C", "class", 2, 2), ("C.n", "field", 2, 2), ("C.m", "method", 2, 2),
             ("I", "interface", 3, 3), ("N", "module", 4, 4), ("N.q", "function", 4, 4), ("b", "constant", 5, 5),
             ("c", "function", 5, 5)],
        ),
        (
            "a.go",
            "package a\n\ntype (\n\tA struct{ x int }\n\tB interface{ F() }\n)\n\nconst X, Z = 1, 2\n\n"
            "func (a *A[T]) Foo() error {\n\treturn nil\n}\n",
            [("A", "class", 4, 4), ("B", "interface", 5, 5), ("X", "constant", 8, 8), ("Z", "constant", 8, 8),
             ("A.Foo", "method", 10, 12)],
        ),
        (
            "a.rs",
            "#[derive(Debug)]\n// why\n#[repr(C)]\npub struct A<T> {\n    x: T,\n}\n\nimpl<T> fmt::Display for A<T> {\n"
            "    #[inline]\n    fn fmt(&self) {}\n}\nmod m {\n    fn x() {}\n}\n",
            [("A", "class", 1, 6), ("A", "impl", 8, 11), ("A.fmt", "method", 9, 10), ("m", "module", 12, 14),
             ("m.x", "function", 13, 13)],
        ),
        (
            "A.java",
            "@Ann\npublic class A {\n  static final int X = 1;\n"
            "  @Override\n  public void f(int a) {}\n  enum E { P; }\n}\n",
            [("A", "class", 1, 7), ("A.X", "field", 3, 3), ("A.f", "method", 4, 5), ("A.E", "enum", 6, 6)],
        ),
        (
            "a.cpp",
            "#define X 1\n#ifdef Q\nint g(void);\n#endif\n"
            "namespace n {\ntemplate <class T>\nclass C {\n  void m();\n};\n}\n"
            "void n::C::m() {}\nstatic const int *K = 0;\nstruct S *mention(struct S *s) { return s; }\n",
            [("X", "constant", 1, 1), ("g", "prototype", 3, 3), ("n", "module", 5, 10), ("n.C", "class", 6, 9),
             ("n.C.m", "prototype", 8, 8), ("n.C.m", "function", 11, 11), ("K", "constant", 12, 12),
             ("mention", "function", 13, 13)],
        ),
        ("a.c", "typedef struct { int a; } T;\n", [("T", "type", 1, 1)]),
        (
            "a.rb",
            "module M\n  X = 1\n  class A < B\n    def f(a)\n    end\n    def self.g; end\n  end\nend\n",
            [("M", "module", 1, 8), ("M.X", "constant", 2, 2), ("M.A", "class", 3, 7), ("M.A.f", "method", 4, 5),
             ("M.A.g", "method", 6, 6)],
        ),
        ("a.sh", "export Y=2\nf() {\n  echo\n}\n", [("Y", "constant", 1, 1), ("f", "function", 2, 4)]),
    ],
)  # fmt: skip
def test_other_languages(path: str, source: str, expected: list[tuple[str, str, int, int]]) -> None:
    assert shape(outline(path, source.encode())) == expected


def test_a_definition_wins_over_its_prototype_and_its_impl() -> None:
    source = b"class C { void m(); };\nvoid C::m() {}\n"
    found = find("a.cpp", source, "C.m")
    assert found is not None
    assert found.start == 2
    rust = find("a.rs", b"struct A;\nimpl A {}\n", "A")
    assert rust is not None
    assert rust.kind == "class"


def test_unknown_languages_have_no_symbols_and_no_error_count() -> None:
    assert outline("notes.txt", b"def f(): pass\n") == ()
    assert error_count("notes.txt", b"x") is None
    assert language_of("Rakefile") == "ruby"
    assert language_of("x.PY") == "python"
    assert language_of("py") is None


def test_errors_are_counted_and_do_not_hide_the_rest() -> None:
    assert error_count("a.py", b"x = 1\n") == 0
    broken = b"def f(:\n    return (\n\n\ndef g():\n    return 2\n"
    assert (error_count("a.py", broken) or 0) > 0
    assert error_count("a.js", b"function f( {") or 0 > 0


@pytest.mark.parametrize("language", sorted(GRAMMARS))
def test_every_grammar_loads_and_takes_any_bytes(language: str) -> None:
    path = f"x{GRAMMARS[language].suffixes[0]}"
    assert outline(path, b"") == ()
    assert error_count(path, b"\xff\xfe )(}{ \x00 " * 50) is not None


def test_deep_nesting_ends() -> None:
    deep = b"".join(b" " * depth + b"if a:\n" for depth in range(400)) + b" " * 400 + b"x = 1\n"
    assert outline("a.py", deep) == ()
