"""The desk in one process: real machines, lines in memory, one virtual clock."""
