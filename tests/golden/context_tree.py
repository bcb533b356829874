"""A small fixed tree and its windows, printed as JSON: run by test_context_windows.py in processes of its own.

Invariant: the output depends on nothing but the texts below and the code under test.

    python tests/golden/context_tree.py FOLDER [--reversed] > tests/golden/context_windows.json
"""

import json
import sys
from pathlib import Path

from hybridcode.context.assemble import assemble, tiny_window
from hybridcode.context.index import Index
from hybridcode.context.lookup import look_up
from hybridcode.context.outline import outline
from hybridcode.domain.plan import Region, Step
from hybridcode.repo.snapshot import take

FILES = {
    "AGENTS.md": "# Rules\n\nPrices are whole cents.\n",
    "README.md": "# Shop\n\nA cart, its discounts and a receipt.\n\n```python\ntotal(lines)\n```\n",
    "shop/__init__.py": "",
    "shop/cart.py": '''"""The cart."""

from shop.discount import Discount, reduced

LIMIT = 100


class Cart:
    """Lines and what they cost."""

    def __init__(self) -> None:
        self.lines: list[int] = []

    def add(self, cents: int) -> None:
        """One more line."""
        if len(self.lines) >= LIMIT:
            raise ValueError("the cart is full")
        self.lines.append(cents)

    def total(self, discount: Discount | None = None) -> int:
        """Sum of all lines in cents, after the discount."""
        whole = sum(self.lines)
        return reduced(whole, discount) if discount else whole
''',
    "shop/discount.py": '''"""Discounts."""

from dataclasses import dataclass


@dataclass(frozen=True)
class Discount:
    """Percent off."""

    percent: int


def reduced(cents: int, discount: Discount) -> int:
    """Cents after a discount, rounded down."""
    return cents * (100 - discount.percent) // 100
''',
    "shop/receipt.py": "def receipt(cart):\r\n    return f'{cart.total()} cents'\r\n",
    "shop/AGENTS.md": "Money code has no floats.\n",
    "web/cart.ts": (
        "export interface Line { cents: number }\n\n"
        "export function total(lines: Line[]): number {\n  return lines.reduce((sum, line) => sum + line.cents, 0)\n}\n"
    ),
    "tests/test_cart.py": (
        "from shop.cart import Cart\n\n\n"
        "def test_total():\n    cart = Cart()\n    cart.add(5)\n    assert cart.total() == 5\n"
    ),
    "notes/größe.txt": "Der Rabatt (discount) gilt ab 10 Stück.\n",
    "uv.lock": "total = 1\n",
}

STEP = Step(
    id="s1",
    goal="Let Cart.total never fall below zero when the discount is larger than the sum.",
    touches=("shop/cart.py#Cart.total", "shop/cart.py#LIMIT"),
    reads=("shop/receipt.py",),
)
NEW = Step(id="s2", goal="Write shop/tax.py with a tax on the total.", kind="create", touches=("shop/tax.py",))


def write(root: Path, *, backwards: bool) -> None:
    """Create the tree, in one order or the other."""
    for path in sorted(FILES, reverse=backwards):
        file = root / path
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_bytes(FILES[path].encode())


def windows(root: Path) -> dict[str, str]:
    """Texts of the windows of the tree, by name."""
    snapshot = take(root)
    corpus = Index.in_memory().corpus(snapshot)
    total, limit = STEP.regions
    return {
        "tree": snapshot.digest,
        "outline": outline(corpus, task="a discount larger than the total", budget=600).window.text,
        "small outline": outline(corpus, task="a discount larger than the total", budget=120).window.text,
        "total": assemble(STEP, corpus, region=total, budget=700, format="region").text,
        "limit": assemble(STEP, corpus, region=limit, budget=700, format="region").text,
        "whole": assemble(STEP, corpus, region=Region("shop/cart.py"), budget=500, format="whole").text,
        "new": assemble(NEW, corpus, region=NEW.regions[0], budget=300, format="whole").text,
        "tiny": tiny_window(STEP, snapshot, region=total, format="region").text,
        "look up": look_up(corpus, read=("shop/discount.py#reduced", "shop/no.py"), search=("total",), budget=300),
    }


if __name__ == "__main__":
    folder = Path(sys.argv[1])
    write(folder, backwards="--reversed" in sys.argv)
    sys.stdout.buffer.write(json.dumps(windows(folder), indent=1, ensure_ascii=False).encode() + b"\n")
