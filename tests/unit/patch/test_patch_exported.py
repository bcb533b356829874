import pytest

from hybridcode.domain.action import FileChange
from hybridcode.patch.check import warnings
from hybridcode.patch.exported import misfits

BASE = "from a import b\n\n__all__ = ['b', 'total']\n\n\ndef total():\n    pass\n"
TWICE = BASE.replace("'b', 'total'", "'b', 'total', 'b'")


def wrong(after: str, before: str = BASE, path: str = "shop.py") -> tuple[str, ...]:
    return misfits(path, before.encode(), after.encode())


@pytest.mark.parametrize(
    ("after", "found"),
    [
        (TWICE, ("b stands twice in __all__",)),
        (BASE.replace("'b'", "'b', 'tax'"), ("tax is in __all__ and neither defined nor imported",)),
        (BASE.partition("\n\n\ndef")[0] + "\n", ("total is deleted and still in __all__",)),
        (BASE + "\n\n__all__ += ('tax',)\n", ("tax is in __all__ and neither defined nor imported",)),
        (BASE + "\n\n__all__.append('b')\n", ("b stands twice in __all__",)),
        (BASE + "\n\n__all__.extend(['b'])\n", ("b stands twice in __all__",)),
        (BASE + "\n\ndef tax():\n    pass\n\n\n__all__ += ['tax']\n", ()),
        (BASE + "\n\nif b:\n    import tax\nelse:\n    tax = None\n\n\n__all__ += ['tax']\n", ()),
        (BASE.replace("'b'", "'b', 'tax'") + "\n\ndef __getattr__(name):\n    pass\n", ()),
        (BASE.replace("'b'", "'b', 'tax'") + "\nfrom more import *\n", ()),
        (BASE + "\n__all__ += more.__all__ + ['tax']\n", ()),
        (BASE + "\n__all__ = sorted(['tax'])\n", ()),
        (BASE + "\nfor one in b:\n    __all__.append(one)\n", ()),
        (BASE + "\ndef broken(:\n", ()),
    ],
)
def test_entries_that_stand_for_nothing_or_twice(after: str, found: tuple[str, ...]):
    assert wrong(after) == found


def test_what_was_wrong_before_is_nobodys_fault():
    assert wrong(TWICE + "\nX = 1\n", TWICE) == ()
    assert wrong(BASE.replace("'b'", "'b', 'tax'") + "\nX = 1\n", BASE.replace("'b'", "'b', 'tax'")) == ()
    assert wrong(TWICE, "__all__ = make()\n") == ()


def test_a_package_may_list_its_modules():
    listed = BASE.replace("'b'", "'b', 'models'")
    nothing = "models is in __all__ and neither defined nor imported"
    assert wrong(listed, path="shop/__init__.py") == (nothing,)
    assert wrong(listed.replace("'models'", "'models', 'views'"), listed, path="shop/__init__.py") == ()
    assert misfits("shop/__init__.py", None, b"__all__ = ['models']\n") == ()
    assert misfits("shop/models.py", None, b"__all__ = ['models']\n") == (nothing,)


def test_a_person_is_warned():
    assert warnings([FileChange("a.py", BASE.encode(), TWICE.encode())]) == ("a.py: b stands twice in __all__",)
