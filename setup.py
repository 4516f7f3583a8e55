"""What pyproject.toml cannot say: with SOR_COMPILED a build compiles what every message passes.

Protocol, translation, router, the turn, the connections under it and the journal's appending side
become C extensions (mypyc), from a copy in which dataclasses are spelled out (spell.py). The same
sources run uncompiled everywhere else; the tests run both ways. Not compiled: what waits, opens and
reads (listeners, files at a start, processes, people); what NumPy does.

SOR_COMPILED is one of STAGES: "plain" for tests, or in turn "gather", a run of what is typical
(benchmarks/training.py), and "profiled": what is seldom needed is then kept apart from what every
message passes, so that less has to come back into a cold cache.
"""

from __future__ import annotations

import os
import shutil
import sys
from pathlib import Path

from setuptools import Extension, setup

PACKAGES = ("fix", "sor", "translate")
TURN = ("congestion", "counters", "draft", "engine", "facts", "intake", "outbox", "recovery")
SESSIONS = ("replay", "session_commands", "sessions", "throttle")
NET = ("clock", "connection", "reactor")
JOURNAL = ("counters", "index", "record", "segments", "sent")
MODULES = (
    "sor_gateway/histogram.py",
    *(f"sor_gateway/daemon/{name}.py" for name in (*TURN, *SESSIONS)),
    *(f"sor_gateway/net/{name}.py" for name in NET),
    *(f"sor_gateway/journal/{name}.py" for name in JOURNAL),
    "venue_sims/stepping.py",  # the reactor has one heir: compiled classes have compiled heirs only
)
SPELLED = Path("build/spelled")
STAGES = {
    "plain": [],
    "gather": ["-fprofile-generate"],
    "profiled": ["-fprofile-use", "-fprofile-correction", "-Wno-missing-profile"],
}
"""What the C compiler is told for each kind of build; a profile lies beside the objects."""


def modules(root: Path) -> list[Path]:
    """What is compiled."""
    found = [
        path for package in PACKAGES for path in (root / "sor_gateway" / package).rglob("*.py")
    ]
    found += [root / name for name in MODULES]
    return sorted(path for path in found if not _is_left_out(path))


def _is_left_out(path: Path) -> bool:
    return path.name == "__init__.py" or "import numpy" in path.read_text(encoding="utf-8")


def spelled_modules() -> list[str]:
    """The copies that are given to the compiler."""
    sys.path.insert(0, str(Path(__file__).parent))
    from spell import spell_out

    shutil.rmtree(SPELLED, ignore_errors=True)
    for package in ("sor_gateway", "venue_sims"):
        shutil.copytree(package, SPELLED / package)
    copies = modules(SPELLED)
    for path in copies:
        spell_out(path)
    return [str(path) for path in copies]


def extensions(stage: str) -> list[Extension]:
    """What setuptools has to build at a stage; KeyError for one that is unknown. On Linux none of
    it can be overlaid by another library: calls from one of our modules into another then go
    straight to their target."""
    from mypyc.build import mypycify

    found: list[Extension] = mypycify(
        spelled_modules(), opt_level="2", debug_level="0", multi_file=True
    )
    for extension in found:
        extension.extra_compile_args += STAGES[stage]
        extension.extra_link_args += STAGES[stage]
        if sys.platform == "linux":
            extension.extra_compile_args += ["-fvisibility=hidden", "-fno-semantic-interposition"]
            extension.extra_link_args += ["-Wl,-Bsymbolic"]
    return found


setup(ext_modules=extensions(os.environ["SOR_COMPILED"]) if "SOR_COMPILED" in os.environ else [])
