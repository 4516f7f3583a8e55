"""Coverage-guided fuzzing of decoder and session.

    python -m tests.fix.fuzz --messages 10000000 [--folder var/fuzz]

atheris watches which lines of sor_gateway.fix an input reaches and grows inputs that reach more.
An input that makes the session fail is kept as `crash-...` in the folder, and ends the run; play it
again with `--again FILE`. What is found goes on from run to run in the folder's corpus.
"""

from __future__ import annotations

import argparse
import os
import sys
import time
from pathlib import Path

REPORT_EVERY = 500_000
INPUT_BYTES_MAX = 4_096


def main() -> None:
    """Fuzz until so many messages were fed. Ends the process."""
    parser = argparse.ArgumentParser(description="fuzz the FIX session layer")
    parser.add_argument("--messages", type=int, default=100_000)
    parser.add_argument("--folder", type=Path, default=Path("var/fuzz"))
    parser.add_argument("--again", type=Path, help="play one input and end")
    arguments = parser.parse_args()
    if arguments.again is not None:
        from tests.fix.fuzz_target import Tally, play

        play(arguments.again.read_bytes(), Tally())
        say("nothing failed")
        return
    fuzz(arguments.messages, arguments.folder)


def fuzz(messages: int, folder: Path) -> None:
    """Set atheris to work."""
    import atheris

    with atheris.instrument_imports(include=["sor_gateway.fix"]):
        from tests.fix.fuzz_target import Tally, play, seeds

    corpus = folder / "corpus"
    corpus.mkdir(parents=True, exist_ok=True)
    for at, seed in enumerate(seeds()):
        (corpus / f"seed-{at:03d}").write_bytes(seed)
    tally, began = Tally(), time.monotonic()
    reported = 0

    def one_input(data: bytes) -> None:
        nonlocal reported
        play(data, tally)
        if tally.messages - reported >= REPORT_EVERY or tally.messages >= messages:
            reported = tally.messages
            say(
                f"{tally.messages} messages ({tally.bytes} bytes) in {tally.inputs} inputs,"
                f" {tally.received} came through, {time.monotonic() - began:.0f} s"
            )
        if tally.messages >= messages:
            say("no failure")
            os._exit(0)  # libFuzzer has no way to be told that it is enough

    options = [f"-artifact_prefix={folder}/", f"-max_len={INPUT_BYTES_MAX}"]
    options += ["-len_control=0", "-timeout=20", "-print_final_stats=0", "-verbosity=0"]
    atheris.Setup([sys.argv[0], *options, str(corpus)], one_input)
    atheris.Fuzz()


def say(text: str) -> None:
    """A line for people."""
    sys.stdout.write(text + "\n")
    sys.stdout.flush()


if __name__ == "__main__":
    main()
