"""The configuration of the soak: the shipped one with eight symbols, three EMS sessions, and venues
that reject and fade.

Owns: what is changed in a copy of `config/`. The shipped files stay as they are.
"""

from __future__ import annotations

import shutil
from dataclasses import dataclass
from pathlib import Path

SCENARIO = "soak"


@dataclass(slots=True)
class Symbol:
    name: str
    price: int
    """US dollars, roughly, at any time of the day."""
    volume: int
    """Average daily volume, shares."""


SHIPPED = [
    Symbol("ACME", 50, 3_000_000),
    Symbol("BOLT", 120, 8_000_000),
    Symbol("CRUX", 18, 1_200_000),
    Symbol("DYNE", 250, 5_000_000),
]
ADDED = [
    Symbol("EPIC", 35, 4_000_000),
    Symbol("FLUX", 80, 6_000_000),
    Symbol("GRIT", 12, 2_000_000),
    Symbol("HALO", 150, 3_500_000),
]
SYMBOLS = [*SHIPPED, *ADDED]
SESSIONS = {"EMS": "FIX.4.4", "EMS42": "FIX.4.2", "DESK3": "FIX.4.4"}
"""CompID and version of each EMS session; the first two are shipped."""


def prepare(shipped: Path, folder: Path, reject_share: float, fade_p: float) -> Path:
    """Write the configuration into `folder`; where it is."""
    config = folder / "config"
    shutil.copytree(shipped, config)
    _append(config / "gateway.toml", '\n[ems.DESK3]\nbegin_string = "FIX.4.4"\n')
    for symbol in ADDED:
        _append(
            config / "market.toml",
            f'\n[[symbol]]\nsym = "{symbol.name}"\np0 = {symbol.price}.00\nadv = {symbol.volume}\n',
        )
        _append(config / "securities.csv", _security(config, symbol))
    scenario = config / "scenarios" / SCENARIO
    shutil.copytree(config / "scenarios" / "default", scenario)
    for file in scenario.glob("*.toml"):
        text = file.read_text()
        if "[venue]" in text and reject_share:
            text = with_keys(text, "faults", {"reject_storm.p": reject_share})
        if "[venue]" in text and lit(text) and fade_p:
            text = with_keys(text, "fade", {"p": fade_p})
        file.write_text(text)
    return config


def lit(text: str) -> bool:
    """Whether a venue's file is one of a lit venue: only displayed quantity can fade."""
    return 'kind = "dark"' not in text


def with_keys(text: str, table: str, keys: dict[str, float]) -> str:
    """A TOML text with these keys of one table set; the table is added when it is not there."""
    lines = text.splitlines()
    header = f"[{table}]"
    at = lines.index(header) if header in lines else len(lines)
    if at == len(lines):
        lines += ["", header]
        at += 1
    end = next((n for n in range(at + 1, len(lines)) if lines[n].startswith("[")), len(lines))
    kept = [line for line in lines[at + 1 : end] if line.partition("=")[0].strip() not in keys]
    wanted = [f"{key} = {value}" for key, value in keys.items()]
    return "\n".join([*lines[: at + 1], *wanted, *kept, *lines[end:]]) + "\n"


def _security(config: Path, symbol: Symbol) -> str:
    """A line of securities.csv, of the same date as the shipped ones."""
    shipped = (config / "securities.csv").read_text().splitlines()[-1]
    as_of = shipped.rpartition(",")[2]
    figures = f"0.01,100,{symbol.price}.00,{symbol.volume},1,none,yes"
    return f"{symbol.name},XLIT,{figures},{as_of}\n"


def _append(file: Path, text: str) -> None:
    with file.open("a", encoding="utf-8") as out:
        out.write(text)
