"""Invoices as plain text."""

from shop import pricing
from shop.cart import Cart


def money(cents: int) -> str:
    """Cents as an amount with two decimals."""
    return f"{cents // 100}.{cents % 100:02d}"


def total(cart: Cart) -> int:
    """What the customer pays: goods, shipping and VAT."""
    net = cart.calc()
    return pricing.add_vat(net + pricing.shipping(net))


def render(cart: Cart) -> str:
    """One row for each line of the cart, then the amounts."""
    rows = [f"{line.count} x {line.name}" for line in cart.lines]
    rows.append(f"Net: {money(cart.calc())}")
    rows.append(f"Total: {money(total(cart))}")
    return "\n".join(rows)
