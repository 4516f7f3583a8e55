"""What a build by profile is taught: python -m benchmarks.training build/gather

Owns: which typical work is run on code that counts what it does (setup.py, stage "gather").
May not know: compilers. The counts are written when each process ends in good order.

Two loads: the reference block in virtual time, which is all of the router (dark waves, sprays,
sweeps, refusals, learning), and a lit order after the other over real sockets and a real journal,
alone and a hundred at a time.
"""

from __future__ import annotations

import asyncio
import os
import subprocess
import sys
import tempfile
from pathlib import Path
from typing import Final

from benchmarks.bench import COMPILED, MANY, ROOT, Bench, BenchError
from sor_gateway.stack import StackError

SECONDS: Final = 3.0
BLOCK: Final = ("-m", "tests.harness.block", "--digests", "1", "--seed", "7")
USAGE: Final = "usage: python -m benchmarks.training FOLDER (what `setup.py build` wrote)"


def run_the_block(code: Path) -> None:
    """The block on the code in that folder. Raises CalledProcessError."""
    environment = {**os.environ, "PYTHONPATH": f"{code}:{ROOT}", "PYTHONSAFEPATH": "1"}
    subprocess.run(
        [sys.executable, *BLOCK], cwd=ROOT, env=environment, check=True, stdout=subprocess.DEVNULL
    )


async def run_orders(code: Path) -> None:
    """Orders over sockets through the code in that folder. Raises BenchError and StackError."""
    with tempfile.TemporaryDirectory(prefix="sor-training-") as folder:
        bench = Bench(Path(folder), [COMPILED], code)
        try:
            await bench.start()
            await bench.warm_up()
            for outstanding in (1, MANY):
                await bench.sample(0, COMPILED, outstanding, SECONDS)
        finally:
            await bench.stop()


def main() -> None:
    if len(sys.argv) != 2 or not Path(sys.argv[1]).is_dir():
        sys.exit(USAGE)
    code = Path(sys.argv[1]).resolve()
    try:
        run_the_block(code)
        asyncio.run(run_orders(code))
    except (BenchError, StackError, subprocess.CalledProcessError) as error:
        sys.exit(f"nothing was learned: {error}")


if __name__ == "__main__":
    main()
