from pathlib import Path

import pytest

from hybridcode.context.regions import resolve
from hybridcode.domain.plan import Region
from hybridcode.repo.snapshot import take

PYTHON = """# Licence: none

\"\"\"Shop.\"\"\"

import os
from sys import path

RATE = 1
TAX = RATE * 2


@cached
def foo(x):
    return x


foo = traced(foo)
foo.alias = "bar"
register(
    foo,
    "foo",
)
other(1)


class Cart:
    def total(self):
        return (
            1
            + 2
        )

    total = property(total)

    def size(self):
        return self.total
"""
SCRIPT = """const os = require("os");
import { a } from "./a";

function Foo() {
  return 1;
}
Foo.propTypes = {};

export function bar() {
  return Foo();
}
module.exports.bar = bar;
"""
FILES = {
    "shop.py": PYTHON,
    "foo.js": SCRIPT,
    "a.rb": "class A\n  def f\n    1\n  end\n  private :f\n\n  def g\n    f\n  end\nend\n",
    "a.lua": "function foo() end\nM.foo = foo\nfunction bar() foo() end\n",
    "a.sh": "foo() { :; }\ncomplete -F foo prog\nbar\n",
    "a.ex": "defmodule A do\n  def f, do: 1\n  def g, do: f()\nend\n",
    "bare.py": "def foo():\n    pass\n",
    "doc.py": '"""Words."""\nX = 1\n',
    "imports.py": "import os\n\n\ndef imports():\n    pass\n",
}


@pytest.mark.parametrize(
    ("region", "lines"),
    [
        ("shop.py#foo", (12, 22)),
        ("shop.py#RATE", (8, 8)),
        ("shop.py#Cart.total", (27, 33)),
        ("shop.py#Cart.size", (35, 36)),
        ("shop.py#imports", (5, 6)),
        ("foo.js#Foo", (4, 7)),
        ("foo.js#bar", (9, 12)),
        ("foo.js#imports", (1, 2)),
        ("a.rb#A.f", (2, 5)),
        ("a.lua#foo", (1, 2)),
        ("a.sh#foo", (1, 2)),
        ("a.ex#A.f", (2, 2)),
        ("bare.py#imports", (1, 1)),
        ("doc.py#imports", (1, 1)),
        ("imports.py#imports", (4, 5)),
        ("shop.py#L20", (19, 22)),
        ("shop.py#L29-30", (28, 31)),
        ("shop.py#L8-9", (8, 9)),
    ],
)
def test_a_region_ends_where_what_belongs_to_it_ends(tmp_path: Path, region: str, lines: tuple[int, int]):
    for name, text in FILES.items():
        (tmp_path / name).write_text(text)
    target = resolve(take(tmp_path), Region.parse(region))
    assert (target.start, target.end) == lines
