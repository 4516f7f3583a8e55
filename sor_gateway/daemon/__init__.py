"""The process: it wires sessions, translators, router and journal, and runs the turn."""
