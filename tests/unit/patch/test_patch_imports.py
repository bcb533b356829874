import ast
from collections import Counter

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from hybridcode.patch.filetext import FileText
from hybridcode.patch.imports import place_import, place_on_top


def with_import(text: str, line: str) -> str:
    edit = place_import(text.encode(), line)
    return text if edit is None else FileText.of(text.encode()).bytes_with([edit]).decode()


PATH = 'import sys\n\nsys.path.insert(0, "..")\n'
MARK = "  # " + "noqa: E402"
SHOP = "from shop.tax import rate\n"
CART = "from shop.models import Cart"


@pytest.mark.parametrize(
    ("text", "result"),
    [
        (f"{PATH}\n{SHOP}\nx = 1\n", f"{PATH}\n{CART}\n{SHOP}\nx = 1\n"),
        (f"{PATH}\nx = 1\n", f"{PATH}\n{CART}\n\nx = 1\n"),
        (f"{PATH}\n\ndef f():\n    pass\n", f"{PATH}\n{CART}\n\n\ndef f():\n    pass\n"),
        (f"{PATH}", f"{PATH}\n{CART}\n"),
        (
            f'import os\n\nos.environ["A"] = "1"\n\nimport yaml\n{SHOP}',
            f'import os\n\nos.environ["A"] = "1"\n\nimport yaml\n{CART}\n{SHOP}',
        ),
        (
            f'import pytest\n\nnp = pytest.importorskip("numpy")\n\n{SHOP}',
            f'import pytest\n\nnp = pytest.importorskip("numpy")\n\n{CART}\n{SHOP}',
        ),
        (f"import django\n\ndjango.setup()\n{SHOP}", f"import django\n\ndjango.setup()\n{CART}\n{SHOP}"),
        (
            f'import sys\n\nif "a" not in sys.path:\n    sys.path.append("a")\n{SHOP}',
            f'import sys\n\nif "a" not in sys.path:\n    sys.path.append("a")\n{CART}\n{SHOP}',
        ),
        (
            f"import sys\n\n\ndef root():\n    return 1\n\n\nsys.path[:0] = [root()]\n{SHOP}",
            f"import sys\n\n\ndef root():\n    return 1\n\n\nsys.path[:0] = [root()]\n{CART}\n{SHOP}",
        ),
        (
            f"{PATH}\nfrom shop.a import b{MARK}\n",
            f"{PATH}\nfrom shop.a import b{MARK}\n{CART}{MARK}\n",
        ),
        (
            f"from shop.models import A\n\n{PATH}\n{SHOP}",
            f"from shop.models import A, Cart\n\n{PATH}\n{SHOP}",
        ),
        (f"import a\n{PATH}\nfrom .b import c\n", f"import a\n{PATH}\n{CART}\nfrom .b import c\n"),
    ],
)
def test_an_import_goes_behind_the_lines_that_make_it_work(text: str, result: str):
    assert with_import(text, CART) == result


@pytest.mark.parametrize(
    "rest",
    [
        'RATE = 3\n\n\ndef f():\n    return Cart\n\n\nprint(f())\nX["a"] = 1\n',
        'log = b.log()\n\n\ndef f():\n    pass\n\n\nb.register(f)\n\nfrom shop import late\n',
        'if __name__ == "__main__":\n    import sys\n\n    sys.path.append("a")\n    f()\n',
        'def f():\n    import sys\n\n    sys.path.append("a")\n',
        'x = os.environ["a"]\n',
        "try:\n    import yaml\nexcept ImportError:\n    yaml = None\n\nimport z\n",
    ],
)  # fmt: skip
def test_other_statements_move_no_import(rest: str):
    assert with_import(f"import a\n\n{rest}", CART) == f"import a\n{CART}\n\n{rest}"


def test_the_standard_library_needs_no_preparation():
    assert with_import(f"{PATH}\n{SHOP}", "import json") == f"import json\n{PATH}\n{SHOP}"


@pytest.mark.parametrize(
    "text",
    [
        f"import sys\n\n\ndef f():\n    return Cart()\n\n\nsys.path.append(f())\n{SHOP}",
        f"{PATH}\nx = Cart\n\n{SHOP}",
        'import os; x = """\n"""\n',
        f"{CART}\n",
        f"{CART}, Item\n",
        f"{PATH}\nimport a; x = '''\n'''\n",
    ],
)
def test_where_there_is_no_place_for_an_import_none_is_made(text: str):
    assert place_import(text.encode(), CART) is None


def test_at_the_very_top_nothing_is_looked_at_but_the_first_imports():
    edit = place_on_top(f"{PATH}\n{SHOP}".encode(), CART)
    assert edit is not None
    assert (
        FileText.of(f"{PATH}\n{SHOP}".encode()).bytes_with([edit]).decode()
        == f"import sys\n{CART}\n" + PATH[len("import sys\n") :] + f"\n{SHOP}"
    )


LINES = st.sampled_from(
    [
        "import json", "import os.path", "import numpy as np", "from shop.models import Cart", "from . import tax",
        "from .tax import rate", "from shop import models as m", "from collections import abc", "import shop.cart",
    ]
)  # fmt: skip
DOCS = st.sampled_from(
    ["", '"""Doc."""\n', '"""Doc\n\nlong.\n"""\n', "#!/usr/bin/env python\n# text\n", "\n\n", "'a'; 'b'\n"]
)
FUTURE = st.sampled_from(["", "from __future__ import annotations\n", "from __future__ import (\n    division,\n)\n"])
PIECES = st.sampled_from(
    [
        "import os\n", "import sys, json\n", "from a import b, d\n", "from shop.models import Item\n",
        "import shop.cart\n",
        "from shop.models import (\n    Item,\n    Tax,\n)\n", "from . import x\n", "from .tax import base\n", "\n",
        "import a; x = '''\n'''\n", "import a; \\\nx = 1\n", "x = 1; import a\n", f"import c{MARK}\n",
        "from z import *\n", 'sys.path.insert(0, "..")\n', 'os.environ["A"] = "1"\n', "# text\n", "\x0cimport q\n",
        "y = pytest.importorskip(\n    'a'\n)\n", "if True:\n    import late\n    sys.path.append('b')\n",
        "try:\n    import yaml\nexcept ImportError:\n    yaml = None\n", "def f(x: Cart) -> rate:\n    import json\n",
        "class A(m.B):\n\n    x = np.y\n", "@tax\ndef g(): ...\n", '"""text\nimport no\n"""\n', "print(json)\n",
        'if __name__ == "__main__":\n    sys.path.append("c")\n',
        "if TYPE_CHECKING:\n    from shop.models import Cart\n",
        "with a as b:\n    b()\n", "x = (\n1,\n)\n", "RATE = 3; setup()\n", "a = '''\\\n'''; import v\n",
    ]
)  # fmt: skip
ENDS = st.sampled_from(["", "last = 1", "import last"])
MODULES = st.tuples(DOCS, FUTURE, st.lists(PIECES, max_size=12).map("".join), ENDS).map("".join)


def top_imports(tree: ast.Module) -> list[tuple[str, str, str]]:
    found: list[tuple[str, str, str]] = []
    for node in tree.body:
        match node:
            case ast.Import(names=names):
                found += (("", one.name, one.asname or "") for one in names)
            case ast.ImportFrom(names=names, module=module, level=level):
                found += (("from " + "." * level + (module or ""), one.name, one.asname or "") for one in names)
            case _:
                pass
    return sorted(found)


def compiles(data: bytes) -> bool:
    try:
        compile(data, "a", "exec", dont_inherit=True)
    except SyntaxError:
        return False
    return True


@settings(max_examples=400, deadline=None)
@given(MODULES, LINES, st.sampled_from(["\n", "\r\n"]), st.booleans())
def test_an_import_is_one_more_and_nothing_else(text: str, line: str, newline: str, has_bom: bool):
    data = (("\ufeff" if has_bom else "") + text.replace("\n", newline)).encode()
    edit = place_import(data, line)
    old = ast.parse(data)
    ((wanted),) = top_imports(ast.parse(line))
    if edit is None:
        return
    after = FileText.of(data).bytes_with([edit])
    new = ast.parse(after)
    assert compiles(after) or not compiles(data)
    assert wanted not in top_imports(old)
    assert top_imports(new) == sorted([*top_imports(old), wanted])
    assert ast.get_docstring(new) == ast.get_docstring(old)
    kept = [ast.dump(node) for node in old.body if not isinstance(node, ast.Import | ast.ImportFrom)]
    assert [ast.dump(node) for node in new.body if not isinstance(node, ast.Import | ast.ImportFrom)] == kept
    assert after.startswith(b"\xef\xbb\xbf") == has_bom
    assert b"\n" not in data or (b"\r\n" in after) == (newline == "\r\n")
    assert place_import(after, line) is None


@settings(max_examples=200, deadline=None)
@given(MODULES, st.lists(LINES, max_size=6))
def test_imports_added_one_after_the_other_stay_each_alone(text: str, lines: list[str]):
    data, had = text.encode(), top_imports(ast.parse(text))
    for line in lines:
        if (edit := place_import(data, line)) is not None:
            data = FileText.of(data).bytes_with([edit])
    more = Counter(top_imports(ast.parse(data)))
    more.subtract(had)
    assert all(count == 0 or (count == 1 and one not in had) for one, count in more.items())


CHAIN = "if x == 0:\n    pass\n" + "".join(f"elif x == {n}:\n    pass\n" for n in range(1, 500))
SUM = "x = " + " + ".join(["y"] * 1_100) + "\n"
CALLS = "os.a" + "()" * 1_100 + "\n"


@pytest.mark.parametrize("deep", [CHAIN, SUM, CALLS], ids=("chain", "sum", "calls"))
@pytest.mark.parametrize("line", ["import zlib", CART])
def test_what_lies_deeper_than_python_counts_calls_is_read(deep: str, line: str):
    text = f"import os\n{deep}import re\n"
    assert line in with_import(text, line).splitlines()
