"""Compiles a program that uses QuickFIX, once for each state of its source.

Owns: the compiler's command line and the cache under var/ (ignored by git).
May not know: what the program does. It installs nothing: it says which Debian package is missing.
`python -m tests.interop.build` prints the path of the EMS peer.
"""

from __future__ import annotations

import hashlib
import os
import shutil
import subprocess
import sys
from pathlib import Path
from typing import Final

PEER: Final = Path(__file__).with_name("ems_peer.cpp")
CACHE: Final = Path(__file__).parents[2] / "var" / "interop"
# C++14 is the last standard with the exception specifications of QuickFIX's headers.
FLAGS: Final = ("-std=c++14", "-O1", "-Wall", "-Wextra", "-Wno-deprecated")
LIBRARIES: Final = ("-lquickfix", "-lpthread")
COMPILE_TIMEOUT_S: Final = 120


class QuickfixMissing(Exception):  # noqa: N818 - says what is missing, not what went wrong
    """Nothing can be built here; the text names the Debian package that is missing."""


def build(source: Path = PEER) -> Path:
    """The path of the compiled program. Raises QuickfixMissing without compiler or library, and
    RuntimeError with the compiler's words when the source does not compile."""
    compiler = shutil.which(os.environ.get("CXX", "g++"))
    if compiler is None:
        raise QuickfixMissing("no C++ compiler: apt-get install g++")
    _probe(compiler)
    binary = CACHE / f"{source.stem}-{_fingerprint(compiler, source)}"
    if binary.exists():
        return binary
    CACHE.mkdir(parents=True, exist_ok=True)
    for outdated in CACHE.glob(f"{source.stem}-*"):
        outdated.unlink()
    unfinished = CACHE / f"unfinished-{os.getpid()}"
    done = _run([compiler, *FLAGS, "-o", str(unfinished), str(source), *LIBRARIES])
    if done.returncode != 0:
        raise RuntimeError(f"{source.name} does not compile:\n{done.stderr}")
    unfinished.rename(binary)  # at once: two runs at a time do no harm
    return binary


def _probe(compiler: str) -> None:
    """Raises QuickfixMissing unless QuickFIX's headers are there."""
    done = _run(
        [compiler, FLAGS[0], "-E", "-x", "c++", "-o", os.devnull, "-"],
        "#include <quickfix/Session.h>\n",
    )
    if done.returncode != 0:
        raise QuickfixMissing("QuickFIX is not installed: apt-get install libquickfix-dev")


def _fingerprint(compiler: str, source: Path) -> str:
    version = _run([compiler, "--version"]).stdout
    parts = [source.read_text(encoding="ascii"), version, *FLAGS, *LIBRARIES]
    return hashlib.sha256("\0".join(parts).encode()).hexdigest()[:12]


def _run(command: list[str], stdin: str = "") -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        command,
        input=stdin,
        capture_output=True,
        text=True,
        timeout=COMPILE_TIMEOUT_S,
        check=False,
    )


if __name__ == "__main__":
    try:
        print(build())
    except QuickfixMissing as missing:
        sys.exit(str(missing))
