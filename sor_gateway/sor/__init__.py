"""The router: facts in, decisions and commands out; deterministic, no I/O, no FIX."""
