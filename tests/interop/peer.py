"""The QuickFIX peer as a test sees it: commands in, events out.

Owns: the peer's process, its events, waiting for them.
May not know: FIX beyond tags and values; QuickFIX does that.
"""

from __future__ import annotations

import asyncio
import json
import os
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Final

PATIENCE_S: Final = 20.0
LINE_MAX_BYTES: Final = 1 << 20
PUBLISHED: Final = Path(__file__).parents[2] / "sor_gateway" / "fix" / "dictionaries"
FOREIGN: Final = os.environ.get("QUICKFIX_SPEC")
"""A folder with QuickFIX's own FIX42.xml and FIX44.xml, to validate with these instead of the ones
that we publish. They know none of our extensions, so tags from 5000 on are let pass."""


@dataclass(slots=True)
class Seen:
    """A message that the peer saw: on the wire (in or out), or taken by its application."""

    msg_type: str
    fields: list[tuple[int, str]]
    by_tag: dict[int, str] = field(init=False)
    """The first value of each tag."""

    def __post_init__(self) -> None:
        self.by_tag = {}
        for tag, value in self.fields:
            self.by_tag.setdefault(tag, value)

    def __getitem__(self, tag: int) -> str:
        return self.by_tag[tag]

    def get(self, tag: int, default: str = "") -> str:
        return self.by_tag.get(tag, default)

    def __str__(self) -> str:
        return "|".join(f"{tag}={value}" for tag, value in self.fields)


class Peer:
    """One running peer. `taken` holds what passed QuickFIX's dictionary, in order; `received` and
    `sent` what was on the wire, before any judgement."""

    def __init__(
        self, binary: Path, begin_string: str, sender: str, target: str, port: int, store: Path
    ) -> None:
        self.begin_string = begin_string
        self.taken: list[Seen] = []
        self.received: list[Seen] = []
        self.sent: list[Seen] = []
        self.notes: list[str] = []
        self.errors: list[str] = []
        self.logged_on = False
        self.logons = 0
        self.numbers: tuple[int, int] = (0, 0)
        """Next out, next expected, as `ask_numbers` found them."""
        self._command = [
            *(str(binary), "--begin", begin_string, "--sender", sender, "--target", target),
            *("--port", str(port), "--store", str(store)),
            *("--listed", "N" if FOREIGN else "Y"),
            *("--dictionary", str(Path(FOREIGN or PUBLISHED) / dictionary_of(begin_string))),
        ]
        self._identity = (binary, begin_string, sender, target, port, store)
        self._before: list[Seen] = []
        self._store = store
        self._ready = False
        self._numbers_told = 0
        self._process: asyncio.subprocess.Process | None = None
        self._reader: asyncio.Task[None] | None = None
        self._news = asyncio.Event()

    def reborn(self) -> Peer:
        """A new process over the store of this one, which has ended."""
        peer = Peer(*self._identity)
        peer._before = self.heard()
        return peer

    def heard(self) -> list[Seen]:
        """What applications took, those of earlier processes included."""
        return self._before + self.taken

    async def start(self, *extra: str) -> None:
        """Start the process and wait until it takes commands."""
        self._store.mkdir(parents=True, exist_ok=True)
        self._process = await asyncio.create_subprocess_exec(
            *self._command,
            *extra,
            stdin=asyncio.subprocess.PIPE,
            stdout=asyncio.subprocess.PIPE,
            limit=LINE_MAX_BYTES,
        )
        self._reader = asyncio.create_task(self._read())
        await self.until(lambda: self._ready, "the peer is not ready")

    async def stop(self) -> None:
        """End the process."""
        if self._process is None or self._reader is None:
            return
        if self._process.returncode is None:
            self.tell("quit")
            try:
                async with asyncio.timeout(PATIENCE_S):
                    await self._process.wait()
            except TimeoutError:
                self._process.kill()
        await self._reader
        await self._process.wait()

    def tell(self, command: str) -> None:
        """Give the peer a command line."""
        assert self._process is not None
        assert self._process.stdin is not None
        self._process.stdin.write(command.encode("ascii") + b"\n")

    async def connect(self) -> None:
        """Log on and wait for it."""
        logons = self.logons
        self.tell("connect")
        await self.until(lambda: self.logons > logons, "no logon")

    async def disconnect(self) -> None:
        """Cut the line without a Logout."""
        self.tell("disconnect")
        await self.until(lambda: not self.logged_on, "no disconnect")

    async def ask_numbers(self) -> tuple[int, int]:
        """QuickFIX's next number out and the next one that it expects."""
        told = self._numbers_told
        self.tell("numbers")
        await self.until(lambda: self._numbers_told > told, "no numbers")
        return self.numbers

    async def until(self, done: Callable[[], bool], otherwise: str) -> None:
        """Wait until `done`, looking again at each event. Fails with what the peer saw last."""
        try:
            async with asyncio.timeout(PATIENCE_S):
                while not done():
                    self._news.clear()
                    if self._reader is not None and self._reader.done():
                        raise AssertionError(f"{otherwise}: the peer has ended")
                    await self._news.wait()
        except TimeoutError:
            raise AssertionError(f"{otherwise}:\n{self.story()}") from None

    def story(self, last: int = 12) -> str:
        """The last things that happened, for the text of a failure."""
        received = "\n".join(f"  < {seen}" for seen in self.received[-last:])
        sent = "\n".join(f"  > {seen}" for seen in self.sent[-last:])
        return f"received\n{received}\nsent\n{sent}\nnotes {self.notes[-last:]}"

    # --- what came for one order --------------------------------------------------------------

    def reports(self, cl_ord_id: str) -> list[Seen]:
        """The 8 that the application took for an order, by 11 or 41."""
        return [seen for seen in self.taken if seen.msg_type == "8" and about(seen, cl_ord_id)]

    def cancel_rejects(self, cl_ord_id: str) -> list[Seen]:
        """The 9 that the application took for a request."""
        return [seen for seen in self.taken if seen.msg_type == "9" and seen[11] == cl_ord_id]

    def fills(self, cl_ord_id: str) -> list[Seen]:
        """The executions of an order, each ExecID (17) once."""
        by_exec_id: dict[str, Seen] = {}
        for seen in self.reports(cl_ord_id):
            if is_fill(seen, self.begin_string):
                by_exec_id.setdefault(seen[17], seen)
        return list(by_exec_id.values())

    async def report(self, cl_ord_id: str, want: Callable[[Seen], bool], otherwise: str) -> Seen:
        """Wait for the first 8 about an order that is as wanted."""
        await self.until(lambda: any(map(want, self.reports(cl_ord_id))), otherwise)
        return next(seen for seen in self.reports(cl_ord_id) if want(seen))

    def rejects(self) -> Iterator[Seen]:
        """Session-level Rejects (3) in either direction."""
        return (seen for seen in (*self.received, *self.sent) if seen.msg_type == "3")

    # --- events -------------------------------------------------------------------------------

    async def _read(self) -> None:
        assert self._process is not None
        assert self._process.stdout is not None
        async for line in self._process.stdout:
            self._take(json.loads(line))
            self._news.set()
        self._news.set()

    def _take(self, event: dict[str, Any]) -> None:
        kind = event["event"]
        if kind == "wire":
            (self.received if event["direction"] == "in" else self.sent).append(seen_of(event))
        elif kind == "taken":
            self.taken.append(seen_of(event))
        elif kind == "note":
            self.notes.append(event["text"])
        elif kind == "error":
            self.errors.append(event["text"])
        elif kind == "numbers":
            self.numbers = (event["out"], event["in"])
            self._numbers_told += 1
        elif kind == "ready":
            self._ready = True
        else:
            assert kind in ("logon", "logout"), event
            self.logged_on = kind == "logon"
            self.logons += self.logged_on


def dictionary_of(begin_string: str) -> str:
    """The file of our published dictionary for a version."""
    return begin_string.replace(".", "") + ".xml"


def seen_of(event: dict[str, Any]) -> Seen:
    return Seen(event["type"], [(int(tag), value) for tag, value in event["fields"]])


def about(seen: Seen, cl_ord_id: str) -> bool:
    return cl_ord_id in (seen.get(11), seen.get(41))


def is_fill(seen: Seen, begin_string: str) -> bool:
    """Whether an 8 is an execution: 150=F on 4.4, 150=1 or 2 with 20=0 on 4.2 (venues.md 1.6)."""
    if begin_string == "FIX.4.2":
        return seen[150] in ("1", "2") and seen[20] == "0"
    return seen[150] == "F"
