"""A smart order router that runs as a live FIX gateway."""
