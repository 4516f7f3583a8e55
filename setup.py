"""What pyproject.toml cannot say: with SOR_COMPILED=1 a build compiles what every message passes.

Protocol, translation, router and the turn become C extensions (mypyc), from a copy in which
dataclasses are spelled out (spell.py). The same sources run uncompiled everywhere else; the tests
run both ways. Not compiled: what deals with sockets, files, processes and people; what NumPy does.
"""

from __future__ import annotations

import os
import shutil
import sys
from pathlib import Path

from setuptools import setup

PACKAGES = ("fix", "sor", "translate")
TURN = ("congestion", "counters", "draft", "engine", "facts", "intake", "outbox", "recovery")
SESSIONS = ("replay", "session_commands", "sessions", "throttle")
MODULES = ("histogram.py", *(f"daemon/{name}.py" for name in (*TURN, *SESSIONS)))
SPELLED = Path("build/spelled")


def modules(root: Path) -> list[Path]:
    """What is compiled."""
    found = [path for package in PACKAGES for path in (root / package).rglob("*.py")]
    found += [root / name for name in MODULES]
    return sorted(path for path in found if not _is_left_out(path))


def _is_left_out(path: Path) -> bool:
    return path.name == "__init__.py" or "import numpy" in path.read_text(encoding="utf-8")


def spelled_modules() -> list[str]:
    """The copies that are given to the compiler."""
    sys.path.insert(0, str(Path(__file__).parent))
    from spell import spell_out

    shutil.rmtree(SPELLED, ignore_errors=True)
    shutil.copytree("sor_gateway", SPELLED / "sor_gateway")
    copies = modules(SPELLED / "sor_gateway")
    for path in copies:
        spell_out(path)
    return [str(path) for path in copies]


if os.environ.get("SOR_COMPILED") == "1":
    from mypyc.build import mypycify

    setup(ext_modules=mypycify(spelled_modules(), opt_level="1", debug_level="0", multi_file=True))
else:
    setup()
