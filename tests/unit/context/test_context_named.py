from pathlib import Path

import pytest

from hybridcode.context.index import Index
from hybridcode.context.named import exact_definitions, named_files
from hybridcode.context.query import read_query
from tests.support.repos import git_repository

FILES = {
    "shop/cart.py": "class CartLine:\n    pass\n\n\ndef line_total(line):\n    return 1\n",
    "shop/cart.pyi": "class CartLine: ...\n\ndef line_total(line): ...\n",
    "shop/tax.py": "def rate_of(line):\n    return 2\n",
    "shop/old_tax.py": "def rate_of(line):\n    return 1\n",
    "tests/test_cart.py": "def line_total():\n    pass\n",
    "shop/basket.py": "class Basket:\n    def add(self):\n        pass\n\n    def drop(self):\n        pass\n",
    "shop/shelf.py": "class Shelf:\n    def add(self):\n        pass\n\n    def drop(self):\n        pass\n",
    "shop/bag.py": "class Bag:\n    def drop(self):\n        pass\n",
    "README.md": "# Basket\n\n# Shelf\n",
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
        ("The tax module is slow.", ("shop/tax.py",)),
        ("Let `Basket` grow.", ("shop/basket.py",)),
    ],
)
def test_only_what_has_one_home_is_named(tmp_path: Path, sentence: str, named: tuple[str, ...]) -> None:
    root = git_repository(tmp_path / "shop", FILES)
    index = Index.in_memory()
    assert named_files(index.corpus(index.take(root)), sentence) == named


@pytest.mark.parametrize(
    ("sentence", "exact"),
    [
        ("Make Basket.add( quick.", ["shop/basket.py#Basket.add"]),
        ("Make basket.Basket.add quick.", ["shop/basket.py#Basket.add"]),
        ("Make tax.rate_of quick.", ["shop/tax.py#rate_of"]),
        ("Make shop.tax.rate_of quick.", ["shop/tax.py#rate_of"]),
        ("Make the add method of the class Shelf quick.", ["shop/shelf.py#Shelf.add"]),
        ("Make add() quick.", ["shop/basket.py#Basket.add", "shop/shelf.py#Shelf.add"]),
        ("Make drop() quick.", []),
        ("Make drop() of shop/bag.py quick.", ["shop/bag.py#Bag.drop"]),
        ("Add a class Shelf and a class Basket.", ["shop/shelf.py#Shelf", "shop/basket.py#Basket"]),
        ("Add a basket.", []),
        ("Make line_total() quick.", ["shop/cart.py#line_total"]),
        ("`shop line-total --fast` is to be quick.", ["shop/cart.py#line_total"]),
        ("`cart line-total` is to be quick.", ["shop/cart.py#line_total"]),
        ("`pip line-total` is to be quick.", []),
        ("`shop the line-total --fast` is to be quick.", []),
    ],
)
def test_definitions_are_named_by_name_class_and_module(tmp_path: Path, sentence: str, exact: list[str]) -> None:
    root = git_repository(tmp_path / "shop", FILES)
    index = Index.in_memory()
    found = exact_definitions(index.corpus(index.take(root)), read_query(sentence))
    assert [f"{one.path}#{one.symbol.name}" for one in found] == exact
