"""VAT and shipping."""

import unittest

from shop import pricing


class PricingTest(unittest.TestCase):
    def test_vat_is_21_percent(self) -> None:
        self.assertEqual(pricing.add_vat(1000), 1210)

    def test_vat_is_rounded_half_up(self) -> None:
        self.assertEqual(pricing.add_vat(3), 4)

    def test_shipping_is_free_from_the_limit_on(self) -> None:
        self.assertEqual(pricing.shipping(pricing.FREE_SHIPPING_FROM), 0)
        self.assertEqual(pricing.shipping(pricing.FREE_SHIPPING_FROM - 1), pricing.SHIPPING)


if __name__ == "__main__":
    unittest.main()
