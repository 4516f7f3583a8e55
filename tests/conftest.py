"""What holds for every test: Hypothesis asserts behaviour, never how long an example took."""

from __future__ import annotations

from hypothesis import settings

settings.register_profile("sor", deadline=None, print_blob=True)
settings.load_profile("sor")
