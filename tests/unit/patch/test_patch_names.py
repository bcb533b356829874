import pytest

from hybridcode.domain.action import FileChange
from hybridcode.patch.check import undefined_names, warnings
from hybridcode.patch.filetext import FileText
from hybridcode.patch.imports import place_import
from hybridcode.patch.names import undefined, unused, uses_as_module

BASE = "import os\n\nRATE = 3\n\n\ndef total(items):\n    return sum(items) * RATE\n"


def with_import(data: bytes, line: str) -> bytes:
    edit = place_import(data, line)
    return data if edit is None else FileText.of(data).bytes_with([edit])


def missing(after: str, before: str = BASE, path: str = "shop.py") -> tuple[str, ...]:
    return undefined(path, before.encode(), after.encode())


@pytest.mark.parametrize(
    ("after", "names"),
    [
        (BASE.replace("sum(items)", "math.fsum(json.loads(items))"), ("math", "json")),
        (BASE.replace("RATE = 3\n", ""), ("RATE",)),
        (BASE.replace("items):", "items: list[Cart]):"), ("Cart",)),
        (BASE + "\n\nclass A(Base):\n    x: int = y\n\n    def f(self):\n        return x\n", ("Base", "y", "x")),
        (BASE + "\n\nprint(later)\nlater: int\n", ()),
        (BASE + "\n\ndef f():\n    global made\n    made = 1\n\n\nprint(made)\n", ()),
        (BASE + "\n\nclass A:\n    def f(self):\n        return __class__, super().f(), __file__\n", ()),
        (BASE + "\n\nprint([x for x in range(3)], (lambda y: y)(1), (z := 2), z)\n", ()),
        (BASE + "\n\ntry:\n    import tomllib\nexcept ImportError:\n    tomllib = None\nprint(tomllib)\n", ()),
        (BASE + "\n\nfrom shop import *\nprint(anything)\n", ()),
        (BASE + "\n\nglobals().update(x=1)\nprint(x)\n", ()),
        (BASE + "\n\ntry:\n    unicode\nexcept NameError:\n    unicode = str\nprint(more)\n", ()),
        (BASE + "\n\ntry:\n    s = unicode\nexcept (NameError, AttributeError):\n    s = str\n", ()),
        (BASE + "\n\ntry:\n    s = unicode\nexcept builtins.NameError:\n    s = str\n", ()),
        (BASE + "\n\nmatch RATE:\n    case [first, *rest]:\n        print(first, rest)\n", ()),
        (BASE + "\n\ndef broken(:\n", ()),
    ],
)
def test_names_that_a_change_leaves_undefined(after: str, names: tuple[str, ...]):
    assert missing(after) == names


def test_what_was_undefined_before_is_nobodys_fault():
    assert missing("print(a)\nprint(b)\n", "print(a)\n") == ("b",)
    assert missing("print(a)\n", "def broken(:\n") == ()
    assert undefined("new.py", None, b"print(a)\n") == ("a",)
    assert undefined("shop.rb", b"", b"print(a)\n") == ()
    assert undefined("gone.py", b"x = 1\n", None) == ()


@pytest.mark.parametrize("text", ["-" * 200_000 + "1", "a" + ".b" * 100_000, "x = '\\d'\n\x00", "\xff"])
def test_what_cannot_be_taken_apart_says_nothing(text: str):
    assert undefined("a.py", b"", text.encode("latin-1")) == ()


IMPORTS = "import json\nimport os\nfrom shop.models import Cart, Item\n\n\n"


@pytest.mark.parametrize(
    ("before", "after", "names"),
    [
        ("print(json.dumps(os.name))\n", "print(os.name)\n", ("json",)),
        ("print(Cart(json), os)\n", "print(Item(json), os)\n", ("Cart",)),
        ("def f(x: Cart): ...\n", 'def f(x: "Cart | None"): ...\n', ()),
        ("print(os, json)\n", '__all__ = ["json"]\nprint(os)\n', ()),
        ("print(os)\n", "print(1)\n", ("os",)),
        ("print(1)\n", "print(2)\n", ()),
        ("print(json)\n", "def broken(:\n", ()),
    ],
)
def test_imports_that_a_change_leaves_unused(before: str, after: str, names: tuple[str, ...]):
    assert unused("shop.py", (IMPORTS + before).encode(), (IMPORTS + after).encode()) == names


def test_a_package_hands_names_on_and_so_does_an_import_as_itself():
    before, after = b"from a import X\nprint(X)\n", b"from a import X\n"
    assert unused("shop/__init__.py", before, after) == ()
    assert unused("shop.py", before.replace(b"X\n", b"X as X\n", 1), after.replace(b"X\n", b"X as X\n")) == ()
    marked = b"from a import X  # " + b"noqa: F401\n"
    assert unused("shop.py", marked + b"print(X)\n", marked) == ()


def test_both_are_warnings_beside_the_change():
    before = b"import os\n\n\ndef name():\n    return os.name\n"
    after = b"import os\n\n\ndef name():\n    return platform.node()\n"
    change = FileChange("shop.py", before, after)
    assert warnings([change]) == (
        "shop.py: platform is not defined in this file",
        "shop.py: the import of os is not used any more",
    )


def test_undefined_names_are_reasons_to_write_a_file_again():
    change = FileChange("a.py", b"x = 1\n", b"x = json.dumps(os.name)\n")
    (refusal,) = undefined_names([change], may_import={"a.py"})
    assert (refusal.reason, refusal.path) == ("json, os are not defined in this file", "a.py")
    assert refusal.advice == "Define or import it; the step may change the imports."
    (refusal,) = undefined_names([change], may_import=set())
    assert refusal.advice.startswith("The step may not change the imports of the file: ")
    assert undefined_names([FileChange("a.py", b"x = 1\n", b"x = 2\n")], may_import=set()) == ()


def test_a_name_that_is_used_as_a_module():
    assert uses_as_module(b"print(json.dumps(1), json.loads)\n", "json")
    assert not uses_as_module(b"print(json.dumps(json))\n", "json")


@pytest.mark.parametrize(
    ("text", "line", "result"),
    [
        ("import os\nimport sys\n\nx = 1\n", "import json", "import json\nimport os\nimport sys\n\nx = 1\n"),
        ("import os\n\nx = 1\n", "import re", "import os\nimport re\n\nx = 1\n"),
        (
            "import os\n\nfrom shop.tax import rate\n",
            "from shop.models import Cart",
            "import os\n\nfrom shop.models import Cart\nfrom shop.tax import rate\n",
        ),
        ("import os\n\nimport yaml\n", "import json", "import json\nimport os\n\nimport yaml\n"),
        ("from a import b, d\n", "from a import c", "from a import b, c, d\n"),
        ("from a import d, b\n", "from a import c", "from a import d, b, c\n"),
        ("from a import (\n    b,\n)\n", "from a import c", "from a import (\n    b,\n)\nfrom a import c\n"),
        ('"""Doc."""\n\nx = 1\n', "import os", '"""Doc."""\n\nimport os\n\nx = 1\n'),
        ('"""Doc."""\n\n\ndef f():\n    pass\n', "import os", '"""Doc."""\n\nimport os\n\n\ndef f():\n    pass\n'),
        ("def f():\n    pass\n", "import os", "import os\n\n\ndef f():\n    pass\n"),
        ("#!python\n# x\nx = 1", "import os", "#!python\n# x\n\nimport os\n\nx = 1"),
        ("\ufeffx = 1\r\n", "import os", "\ufeffimport os\r\n\r\nx = 1\r\n"),
        ("from __future__ import a\n\nx = 1\n", "import os", "from __future__ import a\n\nimport os\n\nx = 1\n"),
        ("from .a import b\n", "from .models import Cart", "from .a import b\nfrom .models import Cart\n"),
        ("def broken(:\n", "import os", "def broken(:\n"),
    ],
)  # fmt: skip
def test_an_import_goes_where_it_belongs(text: str, line: str, result: str):
    assert with_import(text.encode(), line).decode() == result


@pytest.mark.parametrize(
    ("text", "result"),
    [
        ("import os\rimport re\rx = 1\r", "import os\rimport re\rx = 1\r"),
        ('"""Doc."""; import os\n', '"""Doc."""; import os\nimport json\n'),
        (
            "from __future__ import annotations; import os\n",
            "from __future__ import annotations; import os\nimport json\n",
        ),
    ],
)
def test_an_import_moves_nothing_that_has_to_stay_first(text: str, result: str):
    assert with_import(text.encode(), "import json").decode() == result


def test_of_a_very_large_file_nothing_is_said():
    assert missing(BASE + "x = 1\n" * 50_000 + "print(gone)\n") == ()


FUTURE = "from __future__ import annotations\n\nimport typing\n"


@pytest.mark.parametrize(
    ("more", "names"),
    [
        ("def f(x: Cart, *y: Item) -> Sum:\n    pass\n", ("Cart", "Item", "Sum")),
        ("RATE: Decimal = 3\n", ("Decimal",)),
        (
            "class A:\n    rate: Decimal\n\n    def f(self) -> list[Cart]:\n        one: Item = 1\n",
            ("Decimal", "Cart", "Item"),
        ),
        (
            "class A:\n    class B:\n        pass\n\n    one: B\n\n    def f(self, b: B, a: A) -> Later:\n"
            "        pass\n\n\nclass Later:\n    pass\n",
            (),
        ),
        ("T = typing.TypeVar('T')\n\n\ndef f(x: T) -> dict[str, T]:\n    pass\n", ()),
        (
            "if typing.TYPE_CHECKING:\n    from shop import Cart\n\n\ndef f(x: Cart, y: int) -> object:\n    pass\n",
            (),
        ),
        ("def f():\n    class Inner:\n        pass\n\n    def g(x: Inner) -> Inner:\n        return x\n", ()),
        ("from more import *\n\nx: Cart\n", ()),
        ("def f(x: 'Cart') -> typing.Literal['Item']:\n    pass\n", ()),
    ],
)
@pytest.mark.parametrize("future", [FUTURE, FUTURE.replace("annotations", "(\n    annotations,\n    division,\n)")])
def test_names_of_annotations_that_are_read_late_are_used_too(future: str, more: str, names: tuple[str, ...]):
    assert missing(future + more, future) == names
