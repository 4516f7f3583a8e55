"""The projection: a SQLite database built from the journal, off the order path, rebuildable."""
