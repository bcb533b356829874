"""Invoices."""

import unittest

from shop import pricing
from shop.cart import Cart
from shop.invoice import money, render, total


class InvoiceTest(unittest.TestCase):
    def setUp(self) -> None:
        self.cart = Cart()
        self.cart.add("Tea", 1000, 2)

    def test_money_has_two_decimals(self) -> None:
        self.assertEqual(money(1205), "12.05")

    def test_total_has_shipping_and_vat(self) -> None:
        self.assertEqual(total(self.cart), pricing.add_vat(2000 + pricing.SHIPPING))

    def test_text_names_articles_and_amounts(self) -> None:
        rows = render(self.cart).split("\n")
        self.assertEqual(rows[:2], ["2 x Tea", "Net: 20.00"])
        self.assertTrue(rows[2].startswith("Total: "))


if __name__ == "__main__":
    unittest.main()
