"""What pyproject.toml cannot say: with SOR_COMPILED=1 a build compiles what every message passes.

Protocol and translation become C extensions (mypyc). The same sources run uncompiled everywhere
else; the tests run both ways. Classes that msgspec reads back from the journal stay interpreted: a
compiled class forgets the parameters of its annotations (list[X], X | None).
"""

from __future__ import annotations

import os
from pathlib import Path

from setuptools import setup

READ_BACK = {"sor_gateway/fix/store.py"}


def modules() -> list[str]:
    """What is compiled."""
    return sorted(
        str(path)
        for package in ("fix", "translate")
        for path in Path("sor_gateway", package).glob("*.py")
        if path.name != "__init__.py" and path.as_posix() not in READ_BACK
    )


if os.environ.get("SOR_COMPILED") == "1":
    from mypyc.build import mypycify

    setup(ext_modules=mypycify(modules(), opt_level="2", debug_level="0"))
else:
    setup()
