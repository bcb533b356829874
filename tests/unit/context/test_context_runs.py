from pathlib import Path

import pytest

from hybridcode.context.regions import resolve
from hybridcode.domain.errors import ContextError
from hybridcode.domain.plan import Region
from hybridcode.repo.snapshot import take

CART = """from typing import overload


class Cart:
    @property
    def rate(self):
        return self._rate

    # Set it with care.
    @rate.setter
    def rate(self, value):
        self._rate = value

    def size(self):
        return 2


class Basket:
    def size(self):
        return 3


@overload
def add(x: int) -> int: ...
@overload
def add(x: str) -> str: ...
def add(x):
    return x


add.__doc__ = "Adds."


if add:

    def tax():
        return 1

else:

    def tax():
        return 2


def fee():
    return 1


FEE = 2


def fee():
    return 2
"""
BRANCHES = "#ifdef A\nint f(void) { return 1; }\n#else\nint f(void) { return 2; }\n#endif\n"


@pytest.mark.parametrize(
    ("place", "lines"),
    [("cart.py#Cart.rate", (5, 12)), ("cart.py#add", (23, 31)), ("cart.py#Cart.size", (14, 15))],
)
def test_definitions_of_one_name_in_a_run_are_one_place(tmp_path: Path, place: str, lines: tuple[int, int]) -> None:
    found = resolve(take(tree(tmp_path)), Region.parse(place))
    assert (found.start, found.end) == lines


@pytest.mark.parametrize("place", ["cart.py#tax", "cart.py#fee", "cart.py#size", "f.c#f"])
def test_definitions_of_one_name_that_stand_apart_are_asked_about(tmp_path: Path, place: str) -> None:
    with pytest.raises(ContextError, match="2 times"):
        resolve(take(tree(tmp_path)), Region.parse(place))


def tree(folder: Path) -> Path:
    for name, text in {"cart.py": CART, "f.c": BRANCHES}.items():
        (folder / name).write_text(text)
    return folder
