"""Carts."""

import unittest

from shop.cart import Cart


class CartTest(unittest.TestCase):
    def setUp(self) -> None:
        self.cart = Cart()
        self.cart.add("Tea", 1000, 2)
        self.cart.add("Cup", 750)

    def test_sum_of_lines(self) -> None:
        self.assertEqual(self.cart.calc(), 2750)

    def test_count_must_be_positive(self) -> None:
        with self.assertRaises(ValueError):
            self.cart.add("Pot", 2500, 0)


if __name__ == "__main__":
    unittest.main()
