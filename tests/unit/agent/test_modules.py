from collections.abc import Mapping
from pathlib import Path

import pytest

from hybridcode.agent.import_search import Circle, import_for
from hybridcode.repo.snapshot import take
from tests.support.repos import write_tree

CART = "class Cart:\n    pass\n"
SRC = {"src/shop/__init__.py": "", "src/shop/cart.py": CART, "src/shop/sub/__init__.py": "", "pyproject.toml": ""}
FULL, TOP, BESIDE = "from shop.cart import Cart\n", "from src.shop.cart import Cart\n", "from .cart import Cart\n"


def line_for(folder: Path, path: str, files: Mapping[str, str], name: str = "Cart") -> str | None:
    write_tree(folder / "repo", {path: f"print({name})\n", **files})
    data = (folder / "repo" / path).read_bytes()
    found = import_for(name, path, data, take(folder / "repo"))
    if isinstance(found, Circle):
        return f"circle by {found.file}"
    return found and f"{found.line}\n"


@pytest.mark.parametrize(
    ("path", "files", "line"),
    [
        ("src/shop/main.py", {"src/shop/a.py": FULL, "tool.py": TOP, "tool2.py": TOP}, FULL),
        ("tool.py", {"src/shop/a.py": FULL, "src/shop/b.py": FULL, "tool2.py": TOP}, TOP),
        ("tests/test_a.py", {"src/shop/a.py": FULL}, FULL),
        ("src/shop/sub/main.py", {"src/shop/a.py": BESIDE}, FULL),
        ("src/shop/main.py", {"src/shop/a.py": BESIDE}, BESIDE),
        ("src/other/main.py", {"src/other/__init__.py": "", "src/shop/sub/a.py": "from ..cart import Cart\n"}, FULL),
        ("src/shop/main.py", {"tests/test_b.py": TOP, "tool.py": TOP}, FULL),
        ("src/shop/main.py", {"tool.py": TOP, "src/shop/b.py": "import src.shop.cart\n"}, TOP),
        ("src/shop/sub/main.py", {"src/shop/a.py": "from . import cart as Cart\n"}, "from shop import cart as Cart\n"),
    ],
)
def test_in_a_src_layout_a_name_begins_where_the_packages_do(
    tmp_path: Path, path: str, files: Mapping[str, str], line: str
):
    assert line_for(tmp_path, path, {**SRC, **files}) == line


HELPER = "from helper import Cart\n"


@pytest.mark.parametrize(
    ("path", "files", "line"),
    [
        ("shop/main.py", {"shop/__init__.py": "", "scripts/helper.py": CART, "scripts/a.py": HELPER}, None),
        ("scripts/b.py", {"scripts/helper.py": CART, "scripts/a.py": HELPER}, HELPER),
        ("tools/b.py", {"scripts/helper.py": CART, "scripts/a.py": HELPER}, None),
        ("tools/b.py", {"scripts/helper.py": CART, "scripts/a.py": HELPER, "tools/c.py": "import helper\n"}, HELPER),
        ("scripts/b.py", {"shop/cart.py": CART, "a.py": FULL}, None),
        ("scripts/b.py", {"shop/cart.py": CART, "a.py": FULL, "pyproject.toml": ""}, FULL),
        ("scripts/b.py", {"shop/cart.py": CART, "a.py": FULL, "scripts/c.py": "import shop.cart\n"}, FULL),
        ("b.py", {"x/helper.py": CART, "y/helper.py": CART, "a.py": HELPER}, None),
        ("x/b.py", {"x/helper.py": CART, "y/helper.py": CART, "x/a.py": HELPER, "y/a.py": HELPER}, None),
        ("scripts/b.py", {"a.py": "from yaml import Cart\n"}, "from yaml import Cart\n"),
    ],
)
def test_a_module_that_this_file_cannot_import_is_not_imported(
    tmp_path: Path, path: str, files: Mapping[str, str], line: str | None
):
    assert line_for(tmp_path, path, files) == line


def test_what_is_made_beside_two_files_is_not_one_thing(tmp_path: Path):
    files = {"shop/a.py": "from ._version import Cart\n"}
    assert line_for(tmp_path, "shop/main.py", files) == "from ._version import Cart\n"
    files["other/a.py"] = files["shop/a.py"]
    assert line_for(tmp_path, "shop/main.py", files) is None


def test_what_a_file_near_by_means_is_not_lost_among_many_others(tmp_path: Path):
    files = {"shop/cart.py": CART, "z/cart.py": CART, "z/b.py": "from z.cart import Cart\n"}
    many = {f"shop/m{n}.py": FULL for n in range(120)}
    assert line_for(tmp_path, "z/main.py", {**files, **many}) is None
    assert line_for(tmp_path, "shop/main.py", {"shop/cart.py": CART, **many}) == FULL


def test_what_python_is_told_of_a_file_is_no_import_of_a_name(tmp_path: Path):
    files = {"a.py": "from __future__ import annotations\n", "b.py": "from __future__ import annotations\n"}
    assert line_for(tmp_path, "main.py", files, "annotations") is None
    files["c.py"] = "from typing_tools import annotations\n"
    assert line_for(tmp_path, "main.py", files, "annotations") == files["c.py"]


def test_a_name_that_means_something_else_under_a_condition_is_not_plain(tmp_path: Path):
    files = {"shop/cart.py": CART, "a.py": FULL, "b.py": f"try:\n    {FULL}except ImportError:\n    Cart = None\n"}
    assert line_for(tmp_path, "main.py", files) == FULL
    files["b.py"] = f"try:\n    from fast import Cart\nexcept ImportError:\n    {FULL}"
    assert line_for(tmp_path, "main.py", files) is None
    del files["a.py"]
    assert line_for(tmp_path / "alone", "main.py", files) is None


def test_a_test_is_imported_into_tests_alone(tmp_path: Path):
    files = {"tests/__init__.py": "", "tests/support.py": CART, "a.py": "from tests.support import Cart\n"}
    assert line_for(tmp_path, "main.py", files) is None
    assert line_for(tmp_path, "tests/test_a.py", files) == "from tests.support import Cart\n"


@pytest.mark.parametrize(
    "source",
    [
        "from typing import TYPE_CHECKING\n\nif TYPE_CHECKING:\n    from other import Cart\n",
        'if __name__ == "__main__":\n    Cart = 1\n',
        "def f():\n    Cart = 1\n",
        "Cart: int\n",
        "",
    ],
)
def test_what_a_module_does_not_bind_as_it_is_imported_is_no_source(tmp_path: Path, source: str):
    assert line_for(tmp_path, "main.py", {"shop/cart.py": source, "a.py": FULL}) is None


@pytest.mark.parametrize(
    "source",
    [
        "try:\n    from fast import Cart\nexcept ImportError:\n    Cart = None\n",
        "import typing\n\nif typing.TYPE_CHECKING:\n    pass\nelse:\n    Cart = 1\n",
        "with open('a') as Cart:\n    pass\n",
        "from other import *\n",
        "def __getattr__(name): ...\n",
        "globals().update(Cart=1)\n",
        "a, (Cart, b) = 1, (2, 3)\n",
    ],
)
def test_what_a_module_may_bind_as_it_is_imported_is_one(tmp_path: Path, source: str):
    assert line_for(tmp_path, "main.py", {"shop/cart.py": source, "a.py": FULL}) == FULL


@pytest.mark.parametrize(
    "user",
    [
        f"from typing import TYPE_CHECKING\n\nif TYPE_CHECKING:\n    {FULL}",
        f'if __name__ == "__main__":\n    {FULL}',
    ],
)
def test_what_only_a_type_checker_or_a_start_of_the_file_imports_says_nothing(tmp_path: Path, user: str):
    assert line_for(tmp_path, "main.py", {"shop/cart.py": CART, "a.py": user}) is None


@pytest.mark.parametrize(
    ("files", "is_circle"),
    [
        ({"shop/cart.py": f"import main\n\n{CART}"}, True),
        ({"shop/cart.py": f"from main import x\n\n{CART}"}, True),
        ({"shop/cart.py": f"try:\n    import main\nexcept ImportError:\n    pass\n\n{CART}"}, True),
        ({"shop/cart.py": f"from shop import tax\n\n{CART}", "shop/tax.py": "import main\n"}, True),
        ({"shop/cart.py": f"from . import tax\n\n{CART}", "shop/tax.py": "import main\n"}, True),
        ({"shop/cart.py": CART, "shop/__init__.py": "from main import x\n"}, True),
        ({"shop/cart.py": f"{CART}\n\ndef f():\n    import main\n"}, False),
        ({"shop/cart.py": f"from typing import TYPE_CHECKING\n\nif TYPE_CHECKING:\n    import main\n\n{CART}"}, False),
        ({"shop/cart.py": f"import os\nfrom .main import x\n\n{CART}", "shop/main.py": "x = 1\n"}, False),
    ],
)
def test_an_import_that_would_lead_in_a_circle_is_left(tmp_path: Path, files: Mapping[str, str], is_circle: bool):
    found = line_for(tmp_path, "main.py", {"a.py": FULL, **files})
    assert found == ("circle by shop/cart.py" if is_circle else FULL)


def test_in_a_package_its_own_head_is_under_way_already(tmp_path: Path):
    files = {"shop/__init__.py": "from shop.main import x\n", "shop/cart.py": CART, "shop/a.py": FULL}
    assert line_for(tmp_path, "shop/main.py", files) == FULL
    back = {**files, "shop/cart.py": f"from shop import x\n\n{CART}"}
    assert line_for(tmp_path / "2", "shop/main.py", back) == "circle by shop/cart.py"
