"""Play every acceptance definition against our session layer, over sockets, and say how it went.

    python -m tests.conformance.run [--shared DIR]

The public definitions and their runner stand beside the project, in ../shared/conformance, with the
dictionaries that they need in ../shared/reference; they are not part of it. Three rounds, each
against an acceptor of its own: the public FIX 4.4 definitions asking what the protocol asks, the
same asking for QuickFIX's very words (strict), and our own cases (cases.py) in FIX 4.2. The first
and the last must pass whole; what differs in the strict round is told apart by its kind.
"""

from __future__ import annotations

import argparse
import json
import os
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from tests.conformance.cases import CASES
from tests.conformance.script import PEERS, US, Version

PROJECT = Path(__file__).resolve().parents[2]
ROUND_TIMEOUT_S = 600

KINDS = {
    "texts": "our Text (58) names tag, value and what was expected; QuickFIX's is one of a list",
    "reject details": "we add RefTagID (371) where QuickFIX leaves it out",
    "a reason at logout": "our Logout says why (58); QuickFIX's has no text there",
    "our TestReqID": "TestReqID (112) is the asker's choice; ours tells epoch and number",
    "order of the echo": "the echo comes back in the order in which it came; QuickFIX sorts it",
    "other": "not explained",
}
"""Why the strict round may differ where the protocol leaves a choice."""


@dataclass(slots=True)
class Round:
    """One acceptor, one set of definitions, one way of looking at the answers."""

    title: str
    begin_string: str
    mode: str
    definitions: Path
    must_pass: bool


@contextmanager
def acceptor(begin_string: str, dictionary: Path) -> Iterator[int]:
    """The echo acceptor as a process; gives its port."""
    command = [sys.executable, "-m", "tests.conformance.echo_acceptor", "--port", "0"]
    command += ["--begin-string", begin_string, "--sender", US, "--target", PEERS[begin_string]]
    command += ["--dictionary", str(dictionary)]
    process = subprocess.Popen(command, cwd=PROJECT, stdout=subprocess.PIPE, text=True)
    assert process.stdout is not None
    try:
        port = process.stdout.readline().strip()
        if not port:
            raise SystemExit(f"the acceptor did not start: it ended with {process.wait()}")
        yield int(port)
    finally:
        process.terminate()
        process.wait()
        process.stdout.close()


def play(round_: Round, shared: Path, results: Path) -> dict[str, Any]:
    """Run the public runner; gives its summary."""
    dictionary = shared / "reference" / f"{round_.begin_string.replace('.', '')}.xml"
    runner = shared / "conformance" / "run_definitions.py"
    with acceptor(round_.begin_string, dictionary) as port:
        command = [sys.executable, str(runner), "--port", str(port), "--mode", round_.mode]
        command += ["--json", str(results), "--verbose", str(round_.definitions)]
        if round_.definitions.name == "own":
            command.append("--pipe")
        done = subprocess.run(
            command, capture_output=True, text=True, timeout=ROUND_TIMEOUT_S, check=False
        )
    if not results.exists():
        raise SystemExit(f"{runner} gave no results:\n{done.stdout}{done.stderr}")
    summary: dict[str, Any] = json.loads(results.read_text(encoding="utf-8"))
    return summary


def write_own_cases(folder: Path, begin_string: str) -> Path:
    """Our cases as files of the public runner."""
    own = folder / "own"
    own.mkdir()
    for case in CASES:
        text = Version(begin_string).definition(case)
        (own / f"{case.name}.def").write_text(text, encoding="utf-8")
    return own


def kind_of(result: dict[str, Any]) -> str:
    """Which choice a strict failure comes from: the first field in which the two messages part."""
    expected, received = (_parts(result.get(key) or "") for key in ("expected", "received"))
    if dict(expected).get("35") != dict(received).get("35"):
        return "other"
    want, got = dict(expected), dict(received)
    if want.keys() - got.keys():
        return "other"
    extra = got.keys() - want.keys()
    if want["35"] == "1" and want.pop("112") != got.pop("112"):
        return "our TestReqID"
    free = {"8", "9", "10", "52", "60", "122", "58"}
    if any(want[tag] != got[tag] for tag in want.keys() - free):
        return "other"
    if extra == {"58"} and want["35"] == "5":
        return "a reason at logout"
    if extra and extra <= {"371", "373"}:
        return "reject details"
    if extra:
        return "other"
    if want.get("58") != got.get("58"):
        return "texts"
    return "order of the echo" if [t for t, _ in expected] != [t for t, _ in received] else "other"


def _parts(text: str) -> list[tuple[str, str]]:
    pairs = (field.partition("=") for field in text.split("|") if field)
    return [(tag, value) for tag, _, value in pairs]


def table(rounds: list[Round], summaries: list[dict[str, Any]]) -> None:
    """What people want to see."""
    say(f"{'definitions':44} {'passed':>10} {'seconds':>8}")
    for round_, summary in zip(rounds, summaries, strict=True):
        score = f"{summary['passed']}/{summary['total']}"
        say(f"{round_.title:44} {score:>10} {summary['seconds']:>8}")
    for round_, summary in zip(rounds, summaries, strict=True):
        failed = [result for result in summary["results"] if result["status"] != "pass"]
        if not failed:
            continue
        say(f"\n{round_.title}: {len(failed)} did not pass")
        if round_.must_pass:
            for result in failed:
                say(f"  {result['file']}, line {result.get('line')}: {result.get('reason')}")
                say(f"    expected {result.get('expected')}\n    received {result.get('received')}")
            continue
        for kind, why in KINDS.items():
            files = [Path(r["file"]).stem for r in failed if kind_of(r) == kind]
            if files:
                say(f"  {kind} ({len(files)}): {why}\n    {', '.join(files)}")


def say(text: str) -> None:
    """A line for people."""
    sys.stdout.write(text + "\n")
    sys.stdout.flush()


def main() -> int:
    """0: what must pass did; 1: it did not, or the definitions are missing in CI."""
    parser = argparse.ArgumentParser(description="acceptance definitions against our session layer")
    parser.add_argument("--shared", type=Path, default=PROJECT.parent / "shared")
    arguments = parser.parse_args()
    shared: Path = arguments.shared.resolve()
    public = shared / "conformance" / "fix44"
    if not public.is_dir():
        say(f"the public definitions are not there (looked in {public}); nothing was played")
        return 1 if os.environ.get("CI") == "true" else 0
    with tempfile.TemporaryDirectory() as folder:
        own = write_own_cases(Path(folder), "FIX.4.2")
        rounds = [
            Round("FIX.4.4, public, as the protocol asks", "FIX.4.4", "conformance", public, True),
            Round("FIX.4.2, our own, as the protocol asks", "FIX.4.2", "conformance", own, True),
            Round("FIX.4.4, public, QuickFIX's words (strict)", "FIX.4.4", "strict", public, False),
        ]
        results = [Path(folder) / f"round-{at}.json" for at in range(len(rounds))]
        with ThreadPoolExecutor() as pool:  # they mostly wait
            summaries = list(pool.map(play, rounds, [shared] * len(rounds), results))
    table(rounds, summaries)
    judged = zip(rounds, summaries, strict=True)
    whole = all(s["passed"] == s["total"] for round_, s in judged if round_.must_pass)
    explained = all(
        kind_of(result) != "other"
        for result in summaries[-1]["results"]
        if result["status"] != "pass"
    )
    return 0 if whole and explained else 1


if __name__ == "__main__":
    sys.exit(main())
