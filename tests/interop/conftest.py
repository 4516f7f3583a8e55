"""The compiled peer: left out where QuickFIX is not installed, required where CI=true."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from tests.interop.build import QuickfixMissing, build


@pytest.fixture(scope="session")
def peer_binary() -> Path:
    try:
        return build()
    except QuickfixMissing as missing:
        if os.environ.get("CI") == "true":
            pytest.fail(f"QuickFIX interoperability is required with CI=true: {missing}")
        pytest.skip(f"QuickFIX interoperability left out: {missing}")
