"""What the venues of a crash run do wrong meanwhile.

Owns: the faults, and the configuration that has them.
May not know: who is killed when.

Only what leaves three true accounts in the end: who tells of a trade that never was (F22) is
another matter.
"""

from __future__ import annotations

import shutil
from pathlib import Path

FAULTS = """
[faults]
no_ack = { p = 0.02 }
stuck_pending = { kind = "cancel", p = 0.05, ms = 800 }
reject_storm = { p = 0.03 }
late_fill = { p = 0.03, after_cxl_ms = 200 }
bust = { p = 0.01, delay_s = 1 }
correct = { p = 0.01, delay_s = 1 }
unsol_cancel = { p = 0.05, ms = 300 }
fee_surprise = { p = 0.05 }
dup_er = { p = 0.05 }
reorder = { p = 0.05 }
seq_gap = { p = 0.01 }
garbled = { p = 0.01 }
partial_write = { p = 0.1, chunk = 11 }
disconnect = { during = "fill", p = 0.01, part = "half" }
clock_skew = { ms = 700 }
"""


def with_faults(shipped: Path, folder: Path) -> Path:
    """A copy of the configuration whose venues have these faults; where it is."""
    config = folder / "config"
    if not config.exists():
        shutil.copytree(shipped, config)
        for file in (config / "scenarios" / "default").glob("*.toml"):
            text = file.read_text()
            if "[venue]" in text:
                file.write_text(text + FAULTS)
    return config
