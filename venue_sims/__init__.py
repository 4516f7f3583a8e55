"""Simulated venues: real matching on a seeded market, behind the same FIX sessions."""
