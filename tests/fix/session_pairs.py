"""Walk many session pairs and count what went wrong.

    python -m tests.fix.session_pairs --scenarios 100000 [--seed S] [--steps 120]

Each scenario is a walk (walk.py) of a kind and a seed of its own; a failure prints both, and the
line that plays it again.
"""

from __future__ import annotations

import argparse
import random
import sys
import time
from collections import Counter

from tests.fix.walk import VARIANTS, walk

REPORT_EVERY = 1_000
FAILURES_SHOWN = 20


def play(variant: str, seed: int, steps: int) -> str:
    """One scenario; what went wrong, or nothing."""
    try:
        walk(variant, seed).run(steps)
    except AssertionError as error:
        return str(error) or "an assertion failed"
    return ""


def main() -> int:
    """The number of failures, at most 1."""
    parser = argparse.ArgumentParser(description="random walks of session pairs")
    parser.add_argument("--scenarios", type=int, default=1_000)
    parser.add_argument("--seed", type=int, default=random.SystemRandom().randrange(1 << 32))
    parser.add_argument("--steps", type=int, default=120)
    parser.add_argument("--only", choices=sorted(VARIANTS), help="one kind of walk")
    arguments = parser.parse_args()
    kinds = [arguments.only] if arguments.only else list(VARIANTS)
    say(f"{arguments.scenarios} scenarios of {arguments.steps} steps from seed {arguments.seed}")
    began, failures, played = time.monotonic(), 0, Counter[str]()
    for at in range(arguments.scenarios):
        variant, seed = kinds[at % len(kinds)], arguments.seed + at
        played[variant] += 1
        wrong = play(variant, seed, arguments.steps)
        if wrong:
            failures += 1
            if failures <= FAILURES_SHOWN:
                again = f'--scenarios 1 --steps {arguments.steps} --seed {seed} --only "{variant}"'
                say(f"{variant}, seed {seed}: {wrong}\n  again: {again}")
        if (at + 1) % REPORT_EVERY == 0:
            say(f"{at + 1} played, {failures} failed, {time.monotonic() - began:.0f} s")
    for variant, count in played.items():
        say(f"  {variant:40} {count:>8}")
    say(f"{arguments.scenarios} scenarios, {failures} failures, {time.monotonic() - began:.0f} s")
    return min(failures, 1)


def say(text: str) -> None:
    """A line for people."""
    sys.stdout.write(text + "\n")
    sys.stdout.flush()


if __name__ == "__main__":
    sys.exit(main())
