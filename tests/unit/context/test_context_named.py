from pathlib import Path

import pytest

from hybridcode.context.index import Index
from hybridcode.context.named import named_files
from tests.support.repos import git_repository

FILES = {
    "shop/cart.py": "class CartLine:\n    pass\n\n\ndef line_total(line):\n    return 1\n",
    "shop/cart.pyi": "class CartLine: ...\n\ndef line_total(line): ...\n",
    "shop/tax.py": "def rate_of(line):\n    return 2\n",
    "shop/old_tax.py": "def rate_of(line):\n    return 1\n",
    "tests/test_cart.py": "def line_total():\n    pass\n",
}


@pytest.mark.parametrize(
    ("sentence", "named"),
    [
        ("Round line_total to cents.", ("shop/cart.py",)),
        ("CartLine needs a name.", ("shop/cart.py",)),
        ("Change rate_of.", ()),
        ("Change rate_of in shop/tax.py.", ("shop/tax.py",)),
        ('File "shop/tax.py", line 2, in rate_of', ("shop/tax.py",)),
        ("Make it better.", ()),
    ],
)
def test_only_what_has_one_home_is_named(tmp_path: Path, sentence: str, named: tuple[str, ...]) -> None:
    root = git_repository(tmp_path / "shop", FILES)
    index = Index.in_memory()
    assert named_files(index.corpus(index.take(root)), sentence) == named
