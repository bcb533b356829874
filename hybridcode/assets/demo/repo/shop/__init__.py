"""A small shop: carts, prices and invoices."""
