"""What the router learns from every report, as decayed counts with a prior."""
