"""FIX messages to router facts, router commands and reports to FIX messages: pure functions."""
