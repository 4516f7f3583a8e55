"""The journal: one durable record a turn, and everything that is read back from it."""
