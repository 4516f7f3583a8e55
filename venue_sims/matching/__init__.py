"""Matching: books of orders, without sessions, symbols or clocks."""
