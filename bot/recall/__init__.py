"""Reaching everybody who was treated with one lot of a product."""
