"""Tests of an order's story as people see it."""
