"""Prices in whole cents: VAT and shipping."""

VAT_PERCENT = 19
SHIPPING = 490
FREE_SHIPPING_FROM = 5000


def add_vat(cents: int) -> int:
    """The amount with VAT, rounded half up."""
    return cents + (cents * VAT_PERCENT + 50) // 100


def shipping(cents: int) -> int:
    """What it costs to send goods worth `cents`."""
    return 0 if cents >= FREE_SHIPPING_FROM else SHIPPING
